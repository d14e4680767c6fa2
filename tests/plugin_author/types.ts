// Every type of the interface, in and out, through selfsame.ts. The manifest is put in by the test.
import * as ss from "./selfsame";
export { selfsame_abi, selfsame_buffer } from "./selfsame";

export function selfsame_manifest(): i64 {
  return ss.manifest(`@MANIFEST@`);
}

export function types_copy(ptr: usize, len: i32): i64 {
  ss.begin(ptr, len);
  const env = ss.lazy(0);
  if (env.isAbsent()) return ss.absent();
  let count = env.map();
  ss.putMap(count);
  for (; count > 0; count--) {
    ss.putKey(env.key());
    ss.putString(env.text());
  }
  return ss.done();
}

export function types_readable(ptr: usize, len: i32): i64 {
  return ss.flag(!ss.begin(ptr, len).isUnknown());
}

export function types_last(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  for (let i = 0; i < 8; i++) input.skip();
  return ss.text(input.text());
}

export function types_sum(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  let sum: i64 = 0;
  for (let left = input.list(); left > 0; left--) sum += input.number();
  return ss.int(sum);
}

export function types_twice(ptr: usize, len: i32): i64 {
  return ss.duration(2 * ss.begin(ptr, len).number());
}

export function types_later(ptr: usize, len: i32): i64 {
  return ss.time(ss.begin(ptr, len).number() + 1000000000);
}

export function types_bytes(ptr: usize, len: i32): i64 {
  return ss.size(ss.begin(ptr, len).text().length);
}

export function types_parts(ptr: usize, len: i32): i64 {
  const path = ss.begin(ptr, len).text();
  ss.putList(2);
  ss.putPath(path);
  ss.putPath(path);
  return ss.done();
}

export function types_negated(ptr: usize, len: i32): i64 {
  return ss.flag(!ss.begin(ptr, len).flag());
}

// A list is no text, so that the answer must not count.
export function types_misread(ptr: usize, len: i32): i64 {
  return ss.flag(ss.begin(ptr, len).text().length == 0);
}

export function types_long(ptr: usize, len: i32): i64 {
  return ss.text("x".repeat(<i32>ss.begin(ptr, len).number()));
}
