//! Reads plain and quoted scalars a second time, to learn where each decoded byte stands.

use super::Style;
use super::offsets::{Decoded, OffsetMap};
use crate::diagnostic::Span;

/// The map of a plain, single or double quoted scalar that stands at `span` and means `expected`.
pub(super) fn map(source: &str, span: Span, style: Style, expected: &str) -> Option<OffsetMap> {
    let quotes = usize::from(style != Style::Plain);
    let inner = Span::new(span.start + quotes, span.end.checked_sub(quotes)?);
    let text = source.get(inner.start..inner.end)?;
    if text == expected && stands_for_itself(text, style) {
        return Some(OffsetMap::verbatim(inner));
    }
    let mut reader = Reader { text, base: inner.start, at: 0, out: Decoded::default() };
    reader.read(style)?;
    reader.out.matching(expected, false)
}

/// Whether every byte of it is decoded to itself: most scalars are like that, and needn't be read character by character.
fn stands_for_itself(text: &str, style: Style) -> bool {
    let is_read = |byte: u8| match byte {
        b'\n' | b'\r' => true,
        b'\'' => style == Style::SingleQuoted,
        b'\\' => style == Style::DoubleQuoted,
        _ => false,
    };
    !text.bytes().any(is_read)
}

struct Reader<'a> {
    text: &'a str,
    base: usize,
    at: usize,
    out: Decoded,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn read(&mut self, style: Style) -> Option<()> {
        // Blanks count only if something other than a line break follows them.
        let mut blanks = self.at;
        while let Some(next) = self.rest().chars().next() {
            match next {
                ' ' | '\t' => self.at += 1,
                '\n' | '\r' => {
                    self.fold(false);
                    blanks = self.at;
                }
                _ => {
                    self.keep(blanks);
                    if self.special(next, style)? {
                        blanks = self.at;
                        continue;
                    }
                    let from = self.at;
                    self.at += next.len_utf8();
                    self.keep(from);
                    blanks = self.at;
                }
            }
        }
        self.keep(blanks);
        Some(())
    }

    /// Takes over what stands between `from` and here as it is.
    fn keep(&mut self, from: usize) {
        let text = self.text.get(from..self.at).unwrap_or("");
        self.out.verbatim(text, self.base + from);
    }

    /// Reads `''` and escapes; false if there is none here. `None`: not an escape of YAML.
    fn special(&mut self, next: char, style: Style) -> Option<bool> {
        match (style, next) {
            (Style::SingleQuoted, '\'') => {
                self.rest().starts_with("''").then_some(())?;
                self.replace("'", 2);
            }
            (Style::DoubleQuoted, '\\') => self.escape()?,
            _ => return Some(false),
        }
        Some(true)
    }

    fn replace(&mut self, text: &str, length: usize) {
        let start = self.base + self.at;
        self.out.replaced(text, Span::new(start, start + length));
        self.at += length;
    }

    fn escape(&mut self) -> Option<()> {
        let letter = self.rest().chars().nth(1)?;
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '\n' | '\r' => {
                self.at += 1;
                self.fold(true);
                return Some(());
            }
            _ => {
                let character = simple_escape(letter)?;
                self.replace(character.encode_utf8(&mut [0; 4]), 1 + letter.len_utf8());
                return Some(());
            }
        };
        let hex = self.rest().get(2..2 + digits)?;
        let character = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
        self.replace(character.encode_utf8(&mut [0; 4]), 2 + digits);
        Some(())
    }

    /// Reads line breaks and the blanks around them: one break is a space, each further one a line feed.
    /// An escaped break is nothing.
    fn fold(&mut self, escaped: bool) {
        let mut breaks = Vec::new();
        loop {
            let length = match self.rest().as_bytes() {
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                [b' ' | b'\t', ..] => {
                    self.at += 1;
                    continue;
                }
                _ => break,
            };
            breaks.push(Span::new(self.base + self.at, self.base + self.at + length));
            self.at += length;
        }
        if let ([only], false) = (breaks.as_slice(), escaped) {
            self.out.replaced(" ", *only);
        }
        for span in breaks.into_iter().skip(1) {
            self.out.replaced("\n", span);
        }
    }
}

fn simple_escape(letter: char) -> Option<char> {
    Some(match letter {
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\x0b',
        'f' => '\x0c',
        'r' => '\r',
        'e' => '\x1b',
        ' ' | '"' | '/' | '\\' => letter,
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        _ => return None,
    })
}
