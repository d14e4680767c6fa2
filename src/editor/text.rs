//! A text as an editor sees it: lines and characters in the units that were agreed on, and changes to it.

use crate::diagnostic::Span;

/// The unit of a position inside a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Halves of surrogate pairs count, as the protocol has it where nothing was agreed on.
    #[default]
    Utf16,
}

/// Line and place in it, both from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position {
    /// From 0.
    pub line: usize,
    /// In units of the encoding, from 0.
    pub character: usize,
}

/// A text with its lines.
#[derive(Clone, Debug)]
pub struct Text {
    content: String,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl Text {
    /// A text whose positions are in this encoding.
    pub fn new(content: String, encoding: Encoding) -> Self {
        let starts = line_starts(&content);
        Self { content, starts, encoding }
    }

    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.content
    }

    /// The unit of its positions.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The byte at a position; one that does not exist is taken for the nearest before it.
    pub fn offset(&self, position: Position) -> usize {
        let Some(start) = self.starts.get(position.line).copied() else { return self.content.len() };
        let mut left = position.character;
        for (at, c) in self.line(position.line).char_indices() {
            let width = self.width(c);
            if left < width {
                return start + at;
            }
            left -= width;
        }
        start + self.line(position.line).len()
    }

    /// The position of a byte; one inside a character is taken for its beginning.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.content.floor_char_boundary(offset.min(self.content.len()));
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let before = self.content.get(start..offset).unwrap_or_default();
        Position { line, character: before.chars().map(|c| self.width(c)).sum() }
    }

    /// Replaces what stands between two positions.
    pub fn replace(&mut self, from: Position, to: Position, text: &str) {
        let span = Span::new(self.offset(from), self.offset(to));
        self.content.replace_range(span.start..span.end, text);
        self.starts = line_starts(&self.content);
    }

    /// A line without its end.
    fn line(&self, line: usize) -> &str {
        let start = self.starts.get(line).copied().unwrap_or(self.content.len());
        let end = self.starts.get(line + 1).copied().unwrap_or(self.content.len());
        self.content.get(start..end).unwrap_or_default().trim_end_matches(['\r', '\n'])
    }

    fn width(&self, c: char) -> usize {
        match self.encoding {
            Encoding::Utf8 => c.len_utf8(),
            Encoding::Utf16 => c.len_utf16(),
        }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes
        .iter()
        .enumerate()
        .filter(|(at, byte)| **byte == b'\n' || (**byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')));
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
}
