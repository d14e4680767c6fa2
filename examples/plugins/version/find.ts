// Versions in paths, as servers are installed. A number counts as a version if it has a dot, or stands at the name of a
// program that is known to be numbered: `worker-2`, `lib64` and `x86_64` are no versions.
import { at, isDigit, isLetter, digitsEnd, numbersEnd, isEarly } from "./compare";

const NUMBERED: StaticArray<string> = [
  "activemq", "apache-tomcat", "cassandra", "clang", "corretto", "elasticsearch", "erlang", "gcc", "go", "guile", "httpd",
  "java", "jboss", "jdk", "jetty", "jre", "kafka", "llvm", "lua", "luajit", "mariadb", "mongodb", "mysql", "nginx", "node",
  "nodejs", "openjdk", "opensearch", "perl", "pgsql", "php", "php-cgi", "php-fpm", "postgres", "postgresql", "pypy",
  "python", "rabbitmq", "redis", "ruby", "solr", "tclsh", "temurin", "tomcat", "varnish", "wildfly", "zookeeper", "zulu",
];

function isNumbered(name: string): bool {
  for (let i = 0; i < NUMBERED.length; i++) if (unchecked(NUMBERED[i]) == name) return true;
  return false;
}

/** Where a version that begins at `i` ends: with `-rc1`, `-SNAPSHOT`, `+7`, `_202`. */
function versionEnd(text: string, i: i32): i32 {
  let end = numbersEnd(text, i);
  const dash = at(text, end) == 45 || at(text, end) == 46 ? 1 : 0;
  if (isEarly(text, end + dash)) {
    end += dash;
    while (isLetter(at(text, end))) end++;
    while (at(text, end) == 46 && isDigit(at(text, end + 1))) end++;
    end = digitsEnd(text, end);
  } else if (at(text, end) == 43 && isDigit(at(text, end + 1))) {
    end = digitsEnd(text, end + 1);
  }
  return end;
}

function hasDot(text: string, from: i32, to: i32): bool {
  for (let i = from; i < to; i++) if (at(text, i) == 46) return true;
  return false;
}

/** `10.0.0.5` names a host. */
function isAddress(text: string): bool {
  let parts = 0;
  for (let i = 0; i < text.length; ) {
    const end = digitsEnd(text, i);
    if (end == i || end - i > 3) return false;
    parts++;
    if (end < text.length && at(text, end) != 46) return false;
    i = end + 1;
  }
  return parts == 4;
}

/** A part that is a version and nothing else: `15` below `postgresql`, `v18.17.0`. */
function whole(part: string, above: string): string {
  const from = at(part, 0) == 118 && isDigit(at(part, 1)) ? 1 : 0;
  if (!isDigit(at(part, from)) || versionEnd(part, from) != part.length || isAddress(part)) return "";
  return hasDot(part, from, part.length) || isNumbered(above) ? part.substring(from) : "";
}

function isBreak(c: i32): bool {
  return c == 45 || c == 95 || c == 64;
}

/** A version behind a dash: the last one with a dot (`kafka_2.13-3.6.0`), else a number behind a known name. */
function separated(part: string): string {
  let found = "";
  for (let i = 1; i < part.length; i++) {
    const v = at(part, i - 1) == 118 && i > 1 ? 1 : 0;
    if (!isDigit(at(part, i)) || !isBreak(at(part, i - 1 - v))) continue;
    const end = versionEnd(part, i);
    if (hasDot(part, i, numbersEnd(part, i))) found = part.substring(i, end);
    else if (found.length == 0 && isNumbered(part.substring(0, i - 1 - v))) found = part.substring(i, end);
    i = end;
  }
  return found;
}

/** A version right behind the name: `python3.11`, `php-fpm8.2`, `jdk1.8.0_202`, `php8.2-fpm`. */
function glued(part: string): string {
  let i = 0;
  while (i < part.length && !isDigit(at(part, i))) i++;
  if (i == 0 || i == part.length || !isLetter(at(part, i - 1))) return "";
  const end = versionEnd(part, i);
  if (end < part.length && !isBreak(at(part, end))) return "";
  const version = part.substring(i, end);
  if (hasDot(part, i, end)) return version;
  const name = part.substring(0, i);
  if (!isNumbered(name)) return "";
  // Some distributions leave out the dot: `php81`.
  return name.startsWith("php") && version.length == 2 ? version.charAt(0) + "." + version.charAt(1) : version;
}

/** The version in a path, from its end; empty if there is none. */
export function inPath(path: string): string {
  let end = path.length;
  while (end > 0) {
    const slash = path.lastIndexOf("/", end - 1);
    const part = path.substring(slash + 1, end);
    const above = slash > 0 ? path.substring(path.lastIndexOf("/", slash - 1) + 1, slash) : "";
    let found = whole(part, above);
    if (found.length == 0) found = separated(part);
    if (found.length == 0) found = glued(part);
    if (found.length > 0 || slash < 0) return found;
    end = slash;
  }
  return "";
}

/** Options whose value is a list of other programs' files. */
function isPathList(word: string): bool {
  return word == "-cp" || word == "-classpath" || word == "--class-path" || word == "-p" || word == "--module-path";
}

/** The version in the first argument that is a path and has one. */
export function inArguments(words: Array<string>): string {
  // PostgreSQL on Debian names its processes after the cluster: `postgres: 15/main: walwriter`.
  if (words.length > 0 && words[0].startsWith("postgres: ")) {
    const end = digitsEnd(words[0], 10);
    return end > 10 && at(words[0], end) == 47 ? words[0].substring(10, end) : "";
  }
  for (let i = 1; i < words.length; i++) {
    const word = words[i];
    if (isPathList(word)) {
      i++;
      continue;
    }
    const value = word.startsWith("-") ? word.substring(word.indexOf("=") + 1) : word;
    if (value.indexOf("/") < 0 || value.indexOf(":") >= 0) continue;
    const found = inPath(value);
    if (found.length > 0) return found;
  }
  return "";
}
