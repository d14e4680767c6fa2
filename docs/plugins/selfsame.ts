// selfsame.ts: plugins for selfsame in AssemblyScript, ABI 1. See docs/plugins.md.
//
//   import * as ss from "./selfsame";
//   export { selfsame_abi, selfsame_buffer } from "./selfsame";
//
//   export function selfsame_manifest(): i64 {
//     return ss.manifest(`{"name": "hello", ...}`);
//   }
//
//   export function hello_first(ptr: usize, len: i32): i64 {
//     const input = ss.begin(ptr, len);
//     return input.list() > 0 ? ss.text(input.text()) : ss.absent();
//   }
//
// In the manifest a backslash is written twice: `"match": "hello.first == \\"x\\""`.
//
// The arguments come in the order of the parameters, then the inputs in the order of the manifest, without the lazy
// ones. Reading is total: what has another form than was asked for reads as 0 or "", and the result becomes unknown,
// whatever is returned. Build with `--runtime minimal --use abort=` (no import but those of selfsame may be left).

@external("selfsame", "log")
declare function host_log(level: i32, ptr: usize, len: i32): void;
@external("selfsame", "now")
declare function host_now(): i64;
@external("selfsame", "input")
declare function host_input(index: i32, out: usize, cap: i32): i32;
@external("selfsame", "file")
declare function host_file(path: usize, len: i32, out: usize, cap: i32): i32;

/** The tags of encoded values. */
export const enum Tag {
  ABSENT = 0x00,
  BOOL = 0x01,
  INT = 0x02,
  STRING = 0x03,
  PATH = 0x04,
  SIZE = 0x05, // bytes
  DURATION = 0x06, // nanoseconds
  TIME = 0x07, // nanoseconds since 1970
  RATIO = 0x08, // millionths: 80% is 800000
  IP = 0x09,
  CIDR = 0x0a,
  LIST = 0x0b,
  MAP = 0x0c,
  ENUM = 0x0d, // a word of an enumeration
  OPAQUE = 0x0e, // a value of a type of the plugin: bytes that it alone understands
  UNKNOWN = 0x0f,
}

// ---- what every module exports ----

export function selfsame_abi(): i32 {
  return 1;
}

let room: usize = 0;
let roomLen: i32 = 0;

export function selfsame_buffer(len: i32): usize {
  if (<u32>len > 8 << 20) return 0;
  if (len > roomLen) {
    if (room) heap.free(room);
    roomLen = max(len, 4096);
    room = heap.alloc(roomLen);
  }
  return room;
}

let manifestBytes: ArrayBuffer | null = null;

/** The result of `selfsame_manifest`. */
export function manifest(json: string): i64 {
  const bytes = String.UTF8.encode(json);
  manifestBytes = bytes;
  return slice(changetype<usize>(bytes), bytes.byteLength);
}

function slice(ptr: usize, len: i32): i64 {
  return (<i64>ptr << 32) | <i64>(<u32>len);
}

// ---- reading ----

/** Reads encoded values, one after the other. */
export class Input {
  at: usize = 0;
  end: usize = 0;

  private has(bytes: u32): bool {
    if (<u32>(this.end - this.at) >= bytes) return true;
    bad = true;
    this.at = this.end;
    return false;
  }

  private takeU32(): u32 {
    if (!this.has(4)) return 0;
    const v = load<u32>(this.at);
    this.at += 4;
    return v;
  }

  private takeI64(): i64 {
    if (!this.has(8)) return 0;
    const v = load<i64>(this.at);
    this.at += 8;
    return v;
  }

  private bytes(): string {
    const len = this.takeU32();
    if (!this.has(len)) return "";
    const t = String.UTF8.decodeUnsafe(this.at, len);
    this.at += len;
    return t;
  }

  private take(tag: i32): bool {
    if (this.at < this.end && this.tag() == tag) {
      this.at++;
      return true;
    }
    bad = true;
    this.skip();
    return false;
  }

  /** The tag of the next value, which stays; ABSENT behind the last one. */
  tag(): i32 {
    return this.at < this.end ? load<u8>(this.at) : Tag.ABSENT;
  }

  /** Whether the next value is absent. */
  isAbsent(): bool {
    return this.tag() == Tag.ABSENT;
  }

  /** Whether the next value is unknown: only of inputs that are optional. */
  isUnknown(): bool {
    return this.tag() == Tag.UNKNOWN;
  }

  /** Passes over one value, with all that is in it. */
  skip(): void {
    if (!this.has(1)) return;
    const tag: i32 = load<u8>(this.at++);
    switch (tag) {
      case Tag.ABSENT:
        break;
      case Tag.BOOL:
        if (this.has(1)) this.at++;
        break;
      case Tag.INT:
      case Tag.SIZE:
      case Tag.DURATION:
      case Tag.TIME:
      case Tag.RATIO:
        this.takeI64();
        break;
      case Tag.STRING:
      case Tag.PATH:
      case Tag.ENUM:
      case Tag.OPAQUE:
      case Tag.UNKNOWN: {
        const len = this.takeU32();
        if (this.has(len)) this.at += len;
        break;
      }
      case Tag.IP:
      case Tag.CIDR: {
        if (!this.has(1)) break;
        const bytes: u32 = (load<u8>(this.at++) == 4 ? 4 : 16) + (tag == Tag.CIDR ? 1 : 0);
        if (this.has(bytes)) this.at += bytes;
        break;
      }
      case Tag.LIST:
        for (let n = this.takeU32(); n > 0 && !bad; n--) this.skip();
        break;
      case Tag.MAP:
        for (let n = this.takeU32(); n > 0 && !bad; n--) {
          const len = this.takeU32();
          if (this.has(len)) this.at += len;
          this.skip();
        }
        break;
      default:
        bad = true;
        this.at = this.end;
    }
  }

  /** A bool. */
  flag(): bool {
    return this.take(Tag.BOOL) && this.has(1) ? load<u8>(this.at++) != 0 : false;
  }

  /** An int, size, duration, time or percentage, in the unit of its tag. */
  number(): i64 {
    const tag = this.tag();
    const fits = tag == Tag.INT || (tag >= Tag.SIZE && tag <= Tag.RATIO);
    return this.take(fits ? tag : Tag.INT) ? this.takeI64() : 0;
  }

  /** A string, a path, a word of an enumeration, a value of the plugin's own type that is a text, or the reason of an unknown. */
  text(): string {
    const tag = this.tag();
    const fits = tag == Tag.PATH || tag == Tag.ENUM || tag == Tag.OPAQUE || tag == Tag.UNKNOWN;
    return this.take(fits ? tag : Tag.STRING) ? this.bytes() : "";
  }

  /** The number of elements of a list; so many values follow. */
  list(): i32 {
    return this.take(Tag.LIST) ? <i32>this.takeU32() : 0;
  }

  /** The number of entries of a map; so many pairs of a key and a value follow. */
  map(): i32 {
    return this.take(Tag.MAP) ? <i32>this.takeU32() : 0;
  }

  /** The key of an entry. */
  key(): string {
    return this.bytes();
  }
}

/** Something had another form than was asked for, or the result is too long. */
let bad: bool = false;
const eager = new Input();
let calls: u32 = 0;

/** Begins a call. Nothing of the last one is used any more, so that now and then memory is tidied up. */
export function begin(ptr: usize, len: i32): Input {
  if ((++calls & 63) == 0) __collect();
  bad = false;
  written = 0;
  eager.at = ptr;
  eager.end = ptr + len;
  return eager;
}

let lazyRoom: usize = 0;
let lazyLen: i32 = 0;

/** A lazy input; `index` counts all inputs of the entry, from 0. The text of the last one is written over. */
export function lazy(index: i32): Input {
  const input = new Input();
  for (let tries = 0; tries < 3; tries++) {
    const len = host_input(index, lazyRoom, lazyLen);
    if (len < 0) break;
    if (len <= lazyLen) {
      input.at = lazyRoom;
      input.end = lazyRoom + len;
      return input;
    }
    if (lazyRoom) heap.free(lazyRoom);
    lazyLen = len;
    lazyRoom = heap.alloc(len);
  }
  bad = true;
  return input;
}

/** The scan's time, in nanoseconds since 1970; constant during a scan. */
export function now(): i64 {
  return host_now();
}

/** A line for the log. Level 0 is an error, 3 is for debugging. */
export function log(level: i32, text: string): void {
  const bytes = String.UTF8.encode(text);
  host_log(level, changetype<usize>(bytes), bytes.byteLength);
}

/** A granted file's content; null if it is absent, can't be read or isn't granted. */
export function file(path: string): string | null {
  const name = String.UTF8.encode(path);
  const cap = 65536;
  const out = heap.alloc(cap);
  const len = host_file(changetype<usize>(name), name.byteLength, out, cap);
  const content: string | null = len >= 0 && len <= cap ? String.UTF8.decodeUnsafe(out, len) : null;
  heap.free(out);
  return content;
}

// ---- writing: one result, in a buffer that the next call uses again ----

const LIMIT: i32 = 65536; // the host takes no more
const out: usize = heap.alloc(LIMIT);
let written: i32 = 0;

function fits(bytes: i32): bool {
  if (bytes <= LIMIT - written) return true;
  bad = true;
  return false;
}

function putByte(v: i32): void {
  if (fits(1)) store<u8>(out + written++, <u8>v);
}

function putU32(v: u32): void {
  if (!fits(4)) return;
  store<u32>(out + written, v);
  written += 4;
}

function putBytes(text: string): void {
  const len = String.UTF8.byteLength(text);
  putU32(len);
  if (!fits(len)) return;
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, out + written);
  written += len;
}

/** Writes a string, also as an element of a list or the value of an entry. */
export function putString(text: string): void {
  putByte(Tag.STRING);
  putBytes(text);
}

/** Writes a path. */
export function putPath(text: string): void {
  putByte(Tag.PATH);
  putBytes(text);
}

/** Writes a word of an enumeration that the manifest declares. */
export function putWord(word: string): void {
  putByte(Tag.ENUM);
  putBytes(word);
}

/** Writes a value of a type that the manifest declares, as a text: at most 4096 bytes, which come back as they are. */
export function putOwn(value: string): void {
  putByte(Tag.OPAQUE);
  putBytes(value);
}

/** Writes an int, size, duration, time or percentage, by its tag. */
export function putNumber(tag: Tag, v: i64): void {
  putByte(tag);
  if (!fits(8)) return;
  store<i64>(out + written, v);
  written += 8;
}

/** Begins a list; so many values have to follow. */
export function putList(count: i32): void {
  putByte(Tag.LIST);
  putU32(count);
}

/** Begins a map; so many pairs of a key and a value have to follow. */
export function putMap(count: i32): void {
  putByte(Tag.MAP);
  putU32(count);
}

/** Writes the key of an entry. */
export function putKey(key: string): void {
  putBytes(key);
}

/** The result: what was written. */
export function done(): i64 {
  if (bad) {
    bad = false;
    written = 0;
    putByte(Tag.UNKNOWN);
    putBytes("an input has another form than the plugin reads, or the result is too long");
  }
  return slice(out, written);
}

/** There is no such thing. */
export function absent(): i64 {
  putByte(Tag.ABSENT);
  return done();
}

/** It can't be told, and why. */
export function unknown(reason: string): i64 {
  written = 0;
  putByte(Tag.UNKNOWN);
  putBytes(reason);
  return done();
}

/** A string. */
export function text(value: string): i64 {
  putString(value);
  return done();
}

/** A path. */
export function path(value: string): i64 {
  putPath(value);
  return done();
}

/** A word of an enumeration that the manifest declares; another one is no value. */
export function word(value: string): i64 {
  putWord(value);
  return done();
}

/** A value of a type that the manifest declares. */
export function own(value: string): i64 {
  putOwn(value);
  return done();
}

/** True or false. */
export function flag(v: bool): i64 {
  putByte(Tag.BOOL);
  putByte(v ? 1 : 0);
  return done();
}

/** A whole number. */
export function int(v: i64): i64 {
  putNumber(Tag.INT, v);
  return done();
}

/** Bytes. */
export function size(bytes: i64): i64 {
  putNumber(Tag.SIZE, bytes);
  return done();
}

/** Nanoseconds. */
export function duration(nanoseconds: i64): i64 {
  putNumber(Tag.DURATION, nanoseconds);
  return done();
}

/** Nanoseconds since 1970. */
export function time(nanoseconds: i64): i64 {
  putNumber(Tag.TIME, nanoseconds);
  return done();
}
