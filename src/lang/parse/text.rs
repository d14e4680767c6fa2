//! Quoted strings: escapes and `${name}`.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::{Ident, Kind, Literal, Piece};
use crate::lang::codes;

/// What a quoted string is made of, and what is wrong in it.
pub(super) struct Text {
    /// The node.
    pub(super) kind: Kind,
    /// With places in the expression.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Reads the inside of `"..."`, which starts at `offset` of the expression.
pub(super) fn cooked(inside: &str, offset: usize) -> Text {
    let mut reader = Reader {
        text: inside,
        at: 0,
        offset,
        bytes: Vec::new(),
        pieces: Vec::new(),
        diagnostics: Vec::new(),
    };
    while let Some(c) = reader.next() {
        match c {
            '\\' => reader.escape(),
            '$' if reader.peek() == Some('{') => reader.variable(),
            c => reader.push(c),
        }
    }
    reader.finish()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    offset: usize,
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn push(&mut self, c: char) {
        let mut buffer = [0; 4];
        self.bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    }

    fn span_from(&self, start: usize) -> Span {
        Span::new(self.offset + start, self.offset + self.at)
    }

    fn escape(&mut self) {
        let start = self.at - 1;
        match self.next() {
            Some('n') => self.bytes.push(b'\n'),
            Some('t') => self.bytes.push(b'\t'),
            Some('r') => self.bytes.push(b'\r'),
            Some('0') => self.bytes.push(0),
            Some(c @ ('"' | '\\' | '$' | '\'')) => self.push(c),
            Some('x') => self.hex(start),
            Some('u') => self.unicode(start),
            Some(other) => {
                self.wrong_escape(
                    start,
                    format!("write `\\\\{other}` for a backslash, or a raw string `r\"...\"`"),
                );
            }
            None => self.wrong_escape(start, "write `\\\\` for a backslash".into()),
        }
    }

    fn wrong_escape(&mut self, start: usize, help: String) {
        let span = self.span_from(start);
        let written = self.text.get(start..self.at).unwrap_or_default();
        self.diagnostics.push(
            Diagnostic::error(codes::ESCAPE, format!("unknown escape `{written}`"))
                .at(span, "not an escape")
                .help(help),
        );
    }

    fn hex(&mut self, start: usize) {
        let byte = self.rest().get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                self.at += 2;
                self.bytes.push(byte);
            }
            None => self.wrong_escape(start, "write two hexadecimal digits, for example `\\x1b`".into()),
        }
    }

    fn unicode(&mut self, start: usize) {
        let digits = self.rest().strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(d, _)| d);
        let read = digits.and_then(|digits| {
            let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
            Some((digits.len() + 2, c))
        });
        match read {
            Some((length, c)) => {
                self.at += length;
                self.push(c);
            }
            None => self.wrong_escape(start, "write the code point in braces, for example `\\u{e9}`".into()),
        }
    }

    fn variable(&mut self) {
        let start = self.at - 1;
        let name = self.rest().strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(name, _)| name);
        let Some(name) = name.filter(|name| is_name(name)).map(str::to_owned) else {
            self.diagnostics.push(
                Diagnostic::error(codes::INTERPOLATION, "`${` does not begin a variable here")
                    .at(Span::new(self.offset + start, self.offset + start + 2), "no name and `}` follow")
                    .help("write `${name}` for a variable, `\\${` for the text itself"),
            );
            return self.push('$');
        };
        let from = self.offset + self.at + 1;
        self.at += name.len() + 2;
        self.flush();
        self.pieces.push(Piece::Variable(Ident { span: Span::new(from, from + name.len()), text: name }));
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.bytes)));
        }
    }

    fn finish(mut self) -> Text {
        let kind = if self.pieces.is_empty() {
            Kind::Literal(Literal::String(self.bytes, false))
        } else {
            self.flush();
            Kind::Interpolated(self.pieces)
        };
        Text { kind, diagnostics: self.diagnostics }
    }
}

fn is_name(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    !text.is_empty() && text.split('.').all(word)
}

/// The inside of `r"..."`, `r#"..."#`.
pub(super) fn raw(text: &str) -> &str {
    let fenced = text.strip_prefix('r').unwrap_or(text);
    let bare = fenced.trim_start_matches('#');
    let fence = fenced.len() - bare.len();
    bare.get(1..bare.len().saturating_sub(fence + 1)).unwrap_or_default()
}
