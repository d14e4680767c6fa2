// @NAME@: a plugin for selfsame. The manifest says what there is, the functions below answer.
import * as ss from "./selfsame";
export { selfsame_abi, selfsame_buffer } from "./selfsame";

// A backslash is written twice here.
export function selfsame_manifest(): i64 {
  return ss.manifest(`{
  "name": "@NAME@",
  "version": "0.1.0",
  "summary": "which release of an application a process runs",
  "fields": [
    {"name": "release", "type": "string", "export": "release", "inputs": ["argv"],
     "summary": "the folder below releases in the arguments",
     "examples": [
       {"match": "@NAME@.release == \\"20260102\\"",
        "inputs": {"argv": ["/usr/bin/ruby", "/srv/shop/releases/20260102/bin/web"]}, "value": "20260102"},
       {"match": "!has(@NAME@.release)", "inputs": {"argv": ["/usr/sbin/nginx"]}, "value": null}]}]
}`);
}

// Inputs come in the order of the manifest: here argv, a list of strings.
export function release(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  if (input.isAbsent()) return ss.absent(); // a kernel thread has no arguments
  for (let left = input.list(); left > 0; left--) {
    const word = input.text();
    const at = word.indexOf("/releases/");
    if (at < 0) continue;
    const rest = word.substring(at + 10);
    const end = rest.indexOf("/");
    const folder = end < 0 ? rest : rest.substring(0, end);
    if (folder.length > 0) return ss.text(folder);
  }
  return ss.absent();
}
