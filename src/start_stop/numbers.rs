//! Numbers as C reads them: `strtol`, `atoi`, and `%d` of `scanf`.

/// Whether C's `isspace` holds.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What `strtol(3)` reads: the number, held at the ends of `long`, how far it came, and whether it was held. `None`: no digits.
struct Read {
    value: i64,
    end: usize,
    overflow: bool,
}

fn read(text: &[u8], base: u32) -> Option<Read> {
    let mut at = text.iter().take_while(|byte| is_space(**byte)).count();
    let negative = text.get(at) == Some(&b'-');
    if negative || text.get(at) == Some(&b'+') {
        at += 1;
    }
    let rest = text.get(at..).unwrap_or_default();
    let hex = matches!(rest, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    let base = match (base, rest.first()) {
        (0, _) if hex => 16,
        (0, Some(b'0')) => 8,
        (0, _) => 10,
        (given, _) => given,
    };
    if base == 16 && hex {
        at += 2;
    }
    let digits = text.get(at..).unwrap_or_default();
    let (mut value, mut count, mut overflow) = (0_i64, 0, false);
    for digit in digits.iter().map_while(|byte| char::from(*byte).to_digit(base)) {
        count += 1;
        match value.checked_mul(i64::from(base)).and_then(|value| value.checked_add(i64::from(digit))) {
            Some(next) if !overflow => value = next,
            Some(_) | None => overflow = true,
        }
    }
    let value = match (overflow, negative) {
        (false, false) => value,
        (false, true) => -value,
        (true, false) => i64::MAX,
        (true, true) => i64::MIN,
    };
    (count > 0).then_some(Read { value, end: at + count, overflow })
}

/// A number of 0 to 2147483647 that fills the whole text. Base 0 takes it from the prefix: `022`, `0x12`, `18`.
pub fn unsigned(text: &[u8], base: u32) -> Option<i32> {
    let read = read(text, base).filter(|read| read.end == text.len() && !read.overflow)?;
    i32::try_from(read.value).ok().filter(|value| *value >= 0)
}

/// A process id: 1 to 2147483647.
pub fn pid(text: &[u8]) -> Option<i32> {
    unsigned(text, 10).filter(|pid| *pid > 0)
}

/// `atoi(3)`: whatever number the text begins with, 0 without one.
#[expect(clippy::cast_possible_truncation, reason = "that is what atoi does")]
pub fn leading(text: &[u8]) -> i32 {
    read(text, 10).map_or(0, |read| read.value as i32)
}

/// The number that a text begins with, blanks and lines before it passed over; what comes behind doesn't count. `Err` if
/// there is one that no process can have: 0, negative, too large.
pub fn scanned(text: &[u8]) -> Option<Result<i32, i64>> {
    let read = read(text, 10)?;
    Some(i32::try_from(read.value).ok().filter(|pid| *pid > 0).ok_or(read.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_strtol_reads_them() {
        for (text, base, expected) in [
            ("0", 10, Some(0)),
            (" +7", 10, Some(7)),
            ("\n7", 10, Some(7)),
            ("7 ", 10, None),
            ("7x", 10, None),
            ("", 10, None),
            ("-", 10, None),
            ("-0", 10, Some(0)),
            ("-1", 10, None),
            ("2147483647", 10, Some(i32::MAX)),
            ("2147483648", 10, None),
            ("99999999999999999999", 10, None),
            ("022", 0, Some(18)),
            ("18", 0, Some(18)),
            ("0x12", 0, Some(18)),
            ("0X1f", 0, Some(31)),
            ("0x", 0, None),
            ("0888", 0, None),
            ("0", 0, Some(0)),
        ] {
            assert_eq!(unsigned(text.as_bytes(), base), expected, "{text:?} base {base}");
        }
    }

    #[test]
    fn atoi_takes_what_is_there() {
        for (text, expected) in
            [("6abc", 6), ("abc", 0), ("", 0), ("-5", -5), ("+3", 3), (" 4", 4), ("4294967297", 1)]
        {
            assert_eq!(leading(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn the_number_of_a_pid_file_is_the_first_thing_in_it() {
        for (text, expected) in [
            ("12\n", Some(Ok(12))),
            ("\n\n 12abc", Some(Ok(12))),
            ("+12", Some(Ok(12))),
            ("0", Some(Err(0))),
            ("-1\n", Some(Err(-1))),
            ("4294967297", Some(Err(4_294_967_297))),
            ("abc", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(scanned(text.as_bytes()), expected, "{text:?}");
        }
    }
}
