//! The lines of a YAML text by indentation and key, right or wrong as it is.

use crate::diagnostic::Span;

/// A line of a block mapping: `  - key: value`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
    /// The column of its first word, dashes passed.
    pub(super) indent: usize,
    /// The key and where its value begins.
    pub(super) key: Option<(&'a str, Span, usize)>,
}

impl<'a> Line<'a> {
    pub(super) fn read(start: usize, text: &'a str) -> Self {
        let text = text.trim_end_matches(['\r', '\n']);
        let mut indent = blanks(text);
        while let Some(rest) = text.get(indent..).and_then(|rest| rest.strip_prefix("- ")) {
            indent += 2 + blanks(rest);
        }
        let body = text.get(indent..).unwrap_or_default();
        let key = split_key(body).map(|(key, value)| {
            let quotes = body.find(key).unwrap_or_default();
            let at = start + indent + quotes;
            (key, Span::new(at, at + key.len()), start + indent + value)
        });
        Self { start, text, indent, key }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What follows the key.
    pub(super) fn value(&self) -> &'a str {
        let start = self.key.map_or(self.start, |(_, _, value)| value);
        self.text.get(start - self.start..).unwrap_or_default()
    }

    pub(super) fn opens_block(&self) -> bool {
        let header = self.value().split(" #").next().unwrap_or_default().trim();
        header.starts_with(['|', '>'])
            && header.chars().skip(1).all(|c| "+-".contains(c) || c.is_ascii_digit())
    }
}

pub(super) fn blanks(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == b' ').count()
}

/// A key at the beginning of a line, and where the value stands.
pub(super) fn split_key(body: &str) -> Option<(&str, usize)> {
    let quoted = body.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let quoted = quoted.or_else(|| body.strip_prefix('"').and_then(|rest| rest.split_once('"')));
    let (key, behind) = match quoted {
        Some((key, _)) => (key, key.len() + 2),
        None => {
            let length = body.find(|c: char| !c.is_ascii_alphanumeric() && !"_-./".contains(c))?;
            (body.get(..length)?, length)
        }
    };
    let rest = body.get(behind..)?.strip_prefix(':')?;
    if key.is_empty() || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    Some((key, behind + 1 + rest.len() - rest.trim_start().len()))
}

pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut found: Vec<Line<'_>> = Vec::new();
    for line in text.split_inclusive('\n') {
        found.push(Line::read(start, line));
        start += line.len();
    }
    if text.is_empty() || text.ends_with('\n') {
        found.push(Line::read(start, ""));
    }
    found
}

/// The lines that this one is indented under, nearest first.
pub(super) fn ancestors<'a>(lines: &[Line<'a>], at: usize, indent: usize) -> Vec<Line<'a>> {
    let mut found = Vec::new();
    let mut limit = indent;
    for line in lines.get(..at).unwrap_or_default().iter().rev() {
        if line.text.starts_with("---") || limit == 0 {
            break;
        }
        if !line.is_blank() && line.indent < limit && !line.text.trim_start().starts_with('#') {
            limit = blanks(line.text);
            found.push(*line);
        }
    }
    found
}

pub(super) fn end_of(text: &str, lines: &[Line<'_>], header: &Line<'_>) -> usize {
    let next = lines.iter().find(|line| {
        line.start > header.start
            && !line.is_blank()
            && blanks(line.text) <= blanks(header.text)
            && line.indent <= header.indent
    });
    next.map_or(text.len(), |line| line.start)
}
