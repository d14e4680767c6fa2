// The order of versions: semantic (semver.org, section 11) and Debian's (deb-version(7)).

export function isDigit(c: i32): bool {
  return c >= 48 && c <= 57;
}

export function isLetter(c: i32): bool {
  return (c >= 97 && c <= 122) || (c >= 65 && c <= 90);
}

/** The character, or -1 behind the end. */
export function at(text: string, i: i32): i32 {
  return i < text.length ? text.charCodeAt(i) : -1;
}

function sign(v: i32): i32 {
  return v < 0 ? -1 : v > 0 ? 1 : 0;
}

/** Numbers of any length: the digits from `i` to `x` and those from `j` to `y`. No digits are 0. */
function compareDigits(a: string, i: i32, x: i32, b: string, j: i32, y: i32): i32 {
  while (i < x && at(a, i) == 48) i++;
  while (j < y && at(b, j) == 48) j++;
  if (x - i != y - j) return sign(x - i - (y - j));
  for (; i < x; i++, j++) {
    if (at(a, i) != at(b, j)) return sign(at(a, i) - at(b, j));
  }
  return 0;
}

/** Where the digits that begin at `i` end. */
export function digitsEnd(text: string, i: i32): i32 {
  while (isDigit(at(text, i))) i++;
  return i;
}

/** Where the numbers of a version that begins at `i` end: `1.2.3`, `1.8.0_202`. */
export function numbersEnd(text: string, i: i32): i32 {
  let end = digitsEnd(text, i);
  while ((at(text, end) == 46 || at(text, end) == 95) && isDigit(at(text, end + 1))) end = digitsEnd(text, end + 1);
  return end;
}

/** The words by which a version before the version begins, also without a dash: `16rc1`. */
const EARLY: StaticArray<string> = ["alpha", "beta", "rc", "pre", "dev", "snapshot", "milestone"];

/** Whether such a word begins at `i`, whatever its case. */
export function isEarly(text: string, i: i32): bool {
  for (let n = 0; n < EARLY.length; n++) {
    const word = unchecked(EARLY[n]);
    let k = 0;
    while (k < word.length && (at(text, i + k) | 32) == word.charCodeAt(k)) k++;
    if (k == word.length) return true;
  }
  return false;
}

function begin(version: string): i32 {
  const first = at(version, 0);
  return (first == 118 || first == 86) && isDigit(at(version, 1)) ? 1 : 0;
}

function isIdentifiers(text: string, from: i32, to: i32): bool {
  let empty = true;
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c == 46 && empty) return false;
    if (c != 46 && c != 45 && !isDigit(c) && !isLetter(c)) return false;
    empty = c == 46;
  }
  return !empty;
}

/** `1`, `v1.2`, `1.2.3-rc.1+build`, `1.8.0_202`, `16rc1`. */
export function isVersion(text: string): bool {
  const from = begin(text);
  if (!isDigit(at(text, from))) return false;
  const end = numbersEnd(text, from);
  const plus = text.indexOf("+", end);
  const tail = plus < 0 ? text.length : plus;
  if (plus >= 0 && !isIdentifiers(text, plus + 1, text.length)) return false;
  if (end == tail) return true;
  if (at(text, end) == 45) return isIdentifiers(text, end + 1, tail);
  return isEarly(text, end) && isIdentifiers(text, end, tail);
}

/** The digits of the number with this index; empty if there is none. */
export function part(version: string, index: i32): string {
  let i = begin(version);
  const end = numbersEnd(version, i);
  for (; index > 0; index--) i = digitsEnd(version, i) + 1;
  return i < end ? version.substring(i, digitsEnd(version, i)) : "";
}

/** Where what comes before the version begins: `rc.1` of `1.0-rc.1+b`. `end` is the end of the numbers. */
function earlyBegin(version: string, end: i32): i32 {
  return at(version, end) == 45 ? end + 1 : end;
}

function earlyEnd(version: string, end: i32): i32 {
  while (end < version.length && at(version, end) != 43) end++;
  return end;
}

/** Where the identifier that begins at `i` ends: at a dot or at `end`. */
function identifierEnd(text: string, i: i32, end: i32): i32 {
  while (i < end && at(text, i) != 46) i++;
  return i;
}

/** Numbers come before words. */
function compareIdentifiers(a: string, i: i32, x: i32, b: string, j: i32, y: i32): i32 {
  const left = digitsEnd(a, i) >= x, right = digitsEnd(b, j) >= y;
  if (left && right) return compareDigits(a, i, x, b, j, y);
  if (left != right) return left ? -1 : 1;
  for (; i < x && j < y; i++, j++) {
    if (at(a, i) != at(b, j)) return sign(at(a, i) - at(b, j));
  }
  return sign(x - i - (y - j));
}

function compareEarly(a: string, i: i32, b: string, j: i32): i32 {
  const endA = earlyEnd(a, i), endB = earlyEnd(b, j);
  i = earlyBegin(a, i);
  j = earlyBegin(b, j);
  if (i >= endA || j >= endB) return (i >= endA ? 1 : 0) - (j >= endB ? 1 : 0);
  while (i < endA && j < endB) {
    const x = identifierEnd(a, i, endA), y = identifierEnd(b, j, endB);
    const order = compareIdentifiers(a, i, x, b, j, y);
    if (order != 0) return order;
    i = x + 1;
    j = y + 1;
  }
  return (i < endA ? 1 : 0) - (j < endB ? 1 : 0);
}

/** -1, 0 or 1, of two texts that are versions. What was built is no part of the order. */
export function compareSemantic(a: string, b: string): i32 {
  let i = begin(a), j = begin(b);
  const endA = numbersEnd(a, i), endB = numbersEnd(b, j);
  while (i < endA || j < endB) {
    const x = digitsEnd(a, i), y = digitsEnd(b, j);
    const order = compareDigits(a, min(i, endA), min(x, endA), b, min(j, endB), min(y, endB));
    if (order != 0) return order;
    i = x + 1;
    j = y + 1;
  }
  return compareEarly(a, endA, b, endB);
}

/** A tilde comes before the end, the end before letters, letters before everything else. */
function weight(c: i32): i32 {
  if (c == 126) return -1;
  if (c < 0 || isDigit(c)) return 0;
  return isLetter(c) ? c : c + 256;
}

function compareParts(a: string, b: string): i32 {
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(at(a, i))) || (j < b.length && !isDigit(at(b, j)))) {
      const order = weight(at(a, i)) - weight(at(b, j));
      if (order != 0) return sign(order);
      i++;
      j++;
    }
    const x = digitsEnd(a, i), y = digitsEnd(b, j);
    const order = compareDigits(a, i, x, b, j, y);
    if (order != 0) return order;
    i = x;
    j = y;
  }
  return 0;
}

/** -1, 0 or 1. Any text has a place in Debian's order. */
export function compareDebian(a: string, b: string): i32 {
  const left = a.indexOf(":"), right = b.indexOf(":");
  const epoch = compareParts(left < 0 ? "0" : a.substring(0, left), right < 0 ? "0" : b.substring(0, right));
  if (epoch != 0) return epoch;
  const x = a.substring(left + 1), y = b.substring(right + 1);
  const dash = x.lastIndexOf("-"), line = y.lastIndexOf("-");
  const upstream = compareParts(dash < 0 ? x : x.substring(0, dash), line < 0 ? y : y.substring(0, line));
  if (upstream != 0) return upstream;
  return compareParts(dash < 0 ? "" : x.substring(dash + 1), line < 0 ? "" : y.substring(line + 1));
}
