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

/** Numbers of any length. */
function compareDigits(a: string, b: string): i32 {
  let i = 0, j = 0;
  while (i < a.length - 1 && at(a, i) == 48) i++;
  while (j < b.length - 1 && at(b, j) == 48) j++;
  const difference = a.length - i - (b.length - j);
  if (difference != 0) return sign(difference);
  for (; i < a.length; i++, j++) {
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

/** What comes before the version: `rc.1` of `1.0-rc.1+b`. */
function early(version: string): string {
  const end = numbersEnd(version, begin(version));
  const plus = version.indexOf("+", end);
  return version.substring(at(version, end) == 45 ? end + 1 : end, plus < 0 ? version.length : plus);
}

function allDigits(text: string): bool {
  return text.length > 0 && digitsEnd(text, 0) == text.length;
}

function compareText(a: string, b: string): i32 {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareEarly(a: string, b: string): i32 {
  if (a.length == 0 || b.length == 0) return (a.length == 0 ? 1 : 0) - (b.length == 0 ? 1 : 0);
  const left = a.split("."), right = b.split(".");
  for (let i = 0; i < min(left.length, right.length); i++) {
    const x = left[i], y = right[i];
    const numbers = allDigits(x) && allDigits(y);
    // Numbers come before words.
    const order = numbers ? compareDigits(x, y)
      : allDigits(x) ? -1 : allDigits(y) ? 1 : compareText(x, y);
    if (order != 0) return order;
  }
  return sign(left.length - right.length);
}

/** -1, 0 or 1, of two texts that are versions. What was built is no part of the order. */
export function compareSemantic(a: string, b: string): i32 {
  for (let i = 0; ; i++) {
    const x = part(a, i), y = part(b, i);
    if (x.length == 0 && y.length == 0) break;
    const order = compareDigits(x.length == 0 ? "0" : x, y.length == 0 ? "0" : y);
    if (order != 0) return order;
  }
  return compareEarly(early(a), early(b));
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
    const left = x > i ? a.substring(i, x) : "0", right = y > j ? b.substring(j, y) : "0";
    const order = compareDigits(left, right);
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
