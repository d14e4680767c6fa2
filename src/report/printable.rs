//! Names and arguments of processes are other people's text: nothing of it may steer a terminal.

use std::fmt::Write as _;

/// Shows bytes as text on one line: control characters, bidirectional marks and bytes that aren't UTF-8 are escaped.
pub fn printable(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    // Nearly all that is shown is of these, and needs no look at each character.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    if let (true, Ok(plain)) = (bytes.iter().all(is_plain), str::from_utf8(bytes)) {
        return plain.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_char(&mut text, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

fn push_char(text: &mut String, c: char) {
    match c {
        '\n' => text.push_str("\\n"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        c if c.is_control() || is_steering(c) => {
            let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
        }
        c => text.push(c),
    }
}

/// Marks that reorder or hide text (Unicode, "Bidirectional Formatting Characters" and zero-width ones).
fn is_steering(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(printable(b"caf\xc3\xa9\xff"), "café\\xff");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
    }
}
