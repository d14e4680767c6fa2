// version: versions compared, and read from the paths and arguments of servers.
import * as ss from "../../../docs/plugins/selfsame";
import { compareDebian, compareSemantic, isVersion, part } from "./compare";
import { inPath, inArguments } from "./find";
export { selfsame_abi, selfsame_buffer } from "../../../docs/plugins/selfsame";

export function selfsame_manifest(): i64 {
  return ss.manifest(`{
  "name": "version",
  "version": "1.1.0",
  "summary": "versions compared, and read from paths and arguments",
  "types": [
    {"name": "semver", "summary": "a version, in the order of semantic versions (semver.org, section 11); missing numbers are 0",
     "from": ["string", "int"], "convert": "semver_convert", "equal": "semver_equal", "less": "semver_less", "text": "semver_text",
     "cost": 3,
     "examples": ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.9", "1.10", 2]}],
  "fields": [
    {"name": "exe", "type": "semver", "export": "version_exe", "inputs": ["exe.path"], "cost": 2,
     "summary": "version in the path of the executable",
     "examples": [
       {"match": "version.exe >= 15", "inputs": {"exe.path": "/usr/lib/postgresql/15/bin/postgres"}, "value": "15"},
       {"match": "!has(version.exe)", "inputs": {"exe.path": "/usr/sbin/nginx"}, "value": null}]},
    {"name": "app", "type": "semver", "export": "version_app", "inputs": ["argv"], "cost": 1,
     "summary": "version in the first argument that is a path and has one; of servers whose executable is an interpreter",
     "examples": [
       {"match": "version.app >= \\"2.0\\"",
        "inputs": {"argv": ["/usr/bin/python3", "/opt/shop-2.1.0/serve.py", "--port=80"]}, "value": "2.1.0"}]}],
  "functions": [
    {"name": "compare", "params": [{"name": "a", "type": "semver"}, {"name": "b", "type": "semver"}], "result": "int",
     "export": "version_compare", "inputs": [], "pure": true, "cost": 3,
     "summary": "-1, 0 or 1, by the precedence of semantic versions; missing numbers are 0",
     "examples": [
       {"match": "version.compare(\\"1.10.0\\", \\"1.9\\") == 1", "arguments": ["1.10.0", "1.9"], "value": 1},
       {"match": "version.compare(\\"1.0.0-rc.1\\", \\"1.0.0\\") == -1", "arguments": ["1.0.0-rc.1", "1.0.0"], "value": -1}]},
    {"name": "newer", "params": [{"name": "a", "type": "semver"}, {"name": "b", "type": "semver"}], "result": "bool",
     "export": "version_newer", "inputs": [], "pure": true, "cost": 3,
     "summary": "whether a is a later version than b",
     "examples": [{"match": "version.newer(\\"1.10\\", \\"1.9\\")", "arguments": ["1.10", "1.9"], "value": true}]},
    {"name": "at_least", "params": [{"name": "a", "type": "semver"}, {"name": "b", "type": "semver"}], "result": "bool",
     "export": "version_at_least", "inputs": [], "pure": true, "cost": 3,
     "summary": "whether a is version b or a later one",
     "examples": [{"match": "version.at_least(\\"3.11\\", \\"3.11.0\\")", "arguments": ["3.11", "3.11.0"], "value": true}]},
    {"name": "debian", "params": [{"name": "a", "type": "string"}, {"name": "b", "type": "string"}], "result": "int",
     "export": "version_debian", "inputs": [], "pure": true, "cost": 3,
     "summary": "-1, 0 or 1, by the order of Debian's package versions: epoch, tilde, revision",
     "examples": [
       {"match": "version.debian(\\"1.0~rc1-1\\", \\"1.0-1\\") == -1", "arguments": ["1.0~rc1-1", "1.0-1"], "value": -1},
       {"match": "version.debian(\\"1:0.9\\", \\"2.0\\") == 1", "arguments": ["1:0.9", "2.0"], "value": 1}]},
    {"name": "major", "params": [{"name": "version", "type": "semver"}], "result": "int",
     "export": "version_major", "inputs": [], "pure": true, "cost": 3,
     "summary": "the first number",
     "examples": [{"match": "version.major(\\"9.0.71\\") == 9", "arguments": ["9.0.71"], "value": 9}]},
    {"name": "minor", "params": [{"name": "version", "type": "semver"}], "result": "int",
     "export": "version_minor", "inputs": [], "pure": true, "cost": 3,
     "summary": "the second number; absent if there is none",
     "examples": [
       {"match": "version.minor(\\"3.11\\") == 11", "arguments": ["3.11"], "value": 11},
       {"match": "!has(version.minor(\\"15\\"))", "arguments": ["15"], "value": null}]},
    {"name": "of", "params": [{"name": "path", "type": "path"}], "result": "semver",
     "export": "version_of", "inputs": [], "pure": true, "cost": 4,
     "summary": "version in a path: of the last part that has one",
     "examples": [
       {"match": "version.of(\\"/opt/apache-tomcat-9.0.71/bin\\") == \\"9.0.71\\"", "arguments": ["/opt/apache-tomcat-9.0.71/bin"], "value": "9.0.71"}]},
    {"name": "parse", "params": [{"name": "text", "type": "string"}], "result": "semver",
     "export": "version_parse", "inputs": [], "pure": true, "cost": 3,
     "summary": "the version that a text is; unknown if it is none",
     "examples": [
       {"match": "version.parse(env[\\"APP_VERSION\\"]) >= \\"2.0\\"", "arguments": ["2.1.0"], "value": "2.1.0"}]}]
}`);
}

// ---- the type: its bytes are the version as it is written ----

export function semver_convert(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  const version = input.tag() == ss.Tag.INT ? input.number().toString() : input.text();
  return isVersion(version) ? ss.own(version) : ss.absent();
}

export function semver_equal(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  const a = input.text(), b = input.text();
  return ss.flag(compareSemantic(a, b) == 0);
}

export function semver_less(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  const a = input.text(), b = input.text();
  return ss.flag(compareSemantic(a, b) < 0);
}

export function semver_text(ptr: usize, len: i32): i64 {
  return ss.text(ss.begin(ptr, len).text());
}

export function version_parse(ptr: usize, len: i32): i64 {
  const version = ss.begin(ptr, len).text();
  const wrong = complaint(version, version);
  return wrong.length > 0 ? ss.unknown(wrong) : ss.own(version);
}

/** A sentence if one of the two is no version. */
function complaint(a: string, b: string): string {
  if (!isVersion(a)) return "`" + a + "` is no version such as 1.2.3 or 1.2.3-rc.1";
  if (!isVersion(b)) return "`" + b + "` is no version such as 1.2.3 or 1.2.3-rc.1";
  return "";
}

export function version_compare(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  const a = input.text(), b = input.text();
  const wrong = complaint(a, b);
  return wrong.length > 0 ? ss.unknown(wrong) : ss.int(compareSemantic(a, b));
}

export function version_newer(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  // No version is no later one.
  if (input.isAbsent()) return ss.absent();
  const a = input.text(), b = input.text();
  const wrong = complaint(a, b);
  return wrong.length > 0 ? ss.unknown(wrong) : ss.flag(compareSemantic(a, b) > 0);
}

export function version_at_least(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  if (input.isAbsent()) return ss.absent();
  const a = input.text(), b = input.text();
  const wrong = complaint(a, b);
  return wrong.length > 0 ? ss.unknown(wrong) : ss.flag(compareSemantic(a, b) >= 0);
}

export function version_debian(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  const a = input.text(), b = input.text();
  return ss.int(compareDebian(a, b));
}

function numbered(ptr: usize, len: i32, index: i32): i64 {
  const input = ss.begin(ptr, len);
  if (input.isAbsent()) return ss.absent();
  const version = input.text();
  const wrong = complaint(version, version);
  if (wrong.length > 0) return ss.unknown(wrong);
  const digits = part(version, index);
  if (digits.length == 0) return ss.absent();
  return digits.length <= 18 ? ss.int(I64.parseInt(digits)) : ss.unknown("the number is too large");
}

export function version_major(ptr: usize, len: i32): i64 {
  return numbered(ptr, len, 0);
}

export function version_minor(ptr: usize, len: i32): i64 {
  return numbered(ptr, len, 1);
}

function found(version: string): i64 {
  return version.length > 0 ? ss.own(version) : ss.absent();
}

export function version_of(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  return input.isAbsent() ? ss.absent() : found(inPath(input.text()));
}

export function version_exe(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  return input.isAbsent() ? ss.absent() : found(inPath(input.text()));
}

export function version_app(ptr: usize, len: i32): i64 {
  const input = ss.begin(ptr, len);
  if (input.isAbsent()) return ss.absent();
  const words = new Array<string>();
  for (let left = input.list(); left > 0; left--) words.push(input.text());
  return found(inArguments(words));
}
