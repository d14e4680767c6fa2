//! Writing YAML: scalars that read back as the same text, and mappings on one line.

use std::fmt::Write as _;

use crate::units::{format_size, parse_size};

/// Texts that stand for something else without quotes.
const SPECIAL: [&str; 12] =
    ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "same", "none", "absent"];

/// A text as a scalar for a line of its own or inside brackets.
pub(super) fn text(text: &str) -> String {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-+@".contains(c));
    if first && rest && !SPECIAL.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            ' '..='~' => quoted.push(letter),
            _ if letter.is_alphanumeric() => quoted.push(letter),
            _ if u32::from(letter) < 0x100 => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(letter));
            }
            _ if u32::from(letter) < 0x1_0000 => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(letter));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Bytes as pairs of hexadecimal digits, in quotes since they may look like a number.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::from("\"");
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits.push('"');
    digits
}

/// Bytes as a text, or as `{hex: ...}`.
pub(super) fn bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(utf8) => text(utf8),
        Err(_) => format!("{{hex: {}}}", hex(bytes)),
    }
}

/// A list on one line.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

/// A mapping on one line; the values are written already.
pub(super) fn mapping(entries: &[(String, String)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{}: {value}", text(key))).collect();
    format!("{{{}}}", entries.join(", "))
}

/// A size that is written exactly: with a unit where it divides.
pub(super) fn size(bytes: u64) -> String {
    let short = format_size(bytes);
    if parse_size(&short) == Ok(bytes) { short } else { format!("{bytes}B") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_must() {
        for (plain, written) in [
            ("/usr/bin/python3.11", "/usr/bin/python3.11"),
            ("a b", "\"a b\""),
            ("true", "\"true\""),
            ("", "\"\""),
            ("1", "\"1\""),
            ("x: y", "\"x: y\""),
            ("a\n\u{7}\u{2028}é\u{1f600}", "\"a\\n\\x07\\u2028é\\U0001f600\""),
        ] {
            assert_eq!(text(plain), written);
        }
        assert_eq!(bytes(&[0x23, 0xff]), "{hex: \"23ff\"}");
        assert_eq!((size(48 << 20), size((48 << 20) + 1)), ("48MiB".into(), "50331649B".into()));
    }
}
