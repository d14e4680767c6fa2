//! Texts that every reader of YAML reads in the same way, read at once.
//!
//! ```text
//! kind: Service          # lines of ASCII without tabs; mappings by indentation
//! spec:
//!   startas: /srv/web    # values on one line: words, and quotes without escapes
//!   args: ["--port", 80] # lists and mappings on one line
//!   readiness:
//!     - http: {port: 80} # lists of values or of mappings
//! ```
//!
//! Most documents are written like that, and the two readers of YAML, each of which keeps all of YAML in mind, take most of the time
//! that a directory of them costs. Whatever is written otherwise isn't read here, wrong texts among it: who wants to know goes to
//! them. Tests compare what is read here with both.

use super::offsets::OffsetMap;
use super::{Limits, Node, NodeKind, Scalar, Style};
use crate::diagnostic::Span;

/// Longer keys may be none to some readers: YAML lets them end the search for a colon after 1 024 characters.
const LONGEST_KEY: usize = 128;
/// Numbers of more digits may be too large for some.
const LONGEST_NUMBER: usize = 15;
/// Deeper texts, and keys of larger mappings, are left to who counts them.
const DEEPEST: usize = 16;
const MOST_KEYS: usize = 64;

/// The documents of such a text. `None`: it is not such a text.
pub(super) fn read(text: &str, limits: &Limits) -> Option<Vec<Node>> {
    let plain = |byte: u8| byte == b'\n' || byte == b' ' || byte.is_ascii_graphic();
    if text.len() > limits.bytes || limits.depth < DEEPEST || !text.bytes().all(plain) {
        return None;
    }
    let mut reader = Reader { text, at: 0, column: 0 };
    let mut documents = Vec::new();
    while !text.is_empty() {
        documents.push(reader.mapping(0, DEEPEST)?);
        reader.line();
        match text.get(reader.at..)?.strip_prefix(MARKER) {
            None if reader.at == text.len() => return Some(documents),
            Some(rest) if rest.starts_with('\n') => reader.at += MARKER.len() + 1,
            Some(_) | None => return None,
        }
    }
    None
}

/// What a value begins with that has an end of its own.
const OPENING: [char; 4] = ['[', '{', '\'', '"'];

/// Between two documents.
const MARKER: &str = "---";

struct Reader<'a> {
    text: &'a str,
    /// Where a line begins, or in the middle of one what stands behind the dash of a list.
    at: usize,
    /// In which column that is.
    column: usize,
}

/// A line that says something.
struct Line<'a> {
    indent: usize,
    /// Where its first character stands.
    start: usize,
    /// From there to its end.
    text: &'a str,
    /// Where the next one begins.
    next: usize,
}

impl<'a> Reader<'a> {
    /// The next line of this document, beyond empty ones and comments.
    fn line(&mut self) -> Option<Line<'a>> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let text = rest.get(..end)?;
            let words = text.trim_start_matches(' ');
            let (blanks, next) = (text.len() - words.len(), (self.at + end + 1).min(self.text.len()));
            if !words.is_empty() && !words.starts_with('#') {
                let is_end = blanks + self.column == 0 && words.starts_with(MARKER);
                let line = Line { indent: self.column + blanks, start: self.at + blanks, text: words, next };
                return (!is_end).then_some(line);
            }
            self.go_to(next);
        }
    }

    /// Goes on with a line.
    fn go_to(&mut self, next: usize) {
        (self.at, self.column) = (next, 0);
    }

    /// The mapping whose keys stand in this column.
    fn mapping(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let mut span = None;
        let mut pairs: Vec<(Scalar, Node)> = Vec::new();
        while let Some(line) = self.line().filter(|line| line.indent >= indent) {
            let (key, rest) = line.text.split_once(':')?;
            let value = rest.trim_start_matches(' ');
            let is_new = is_key(key) && pairs.iter().all(|(other, _)| other.text != key);
            if line.indent > indent || !is_new || pairs.len() >= MOST_KEYS {
                return None;
            }
            self.go_to(line.next);
            let node = if value.is_empty() || (value.starts_with('#') && value.len() < rest.len()) {
                self.below(indent, depth.checked_sub(1)?)?
            } else {
                let is_apart = value.len() < rest.len();
                let end = line.start + line.text.len();
                is_apart.then(|| self.inline(Span::new(end - value.len(), end), depth))??
            };
            let begin = span.map_or(line.start, |span: Span| span.start);
            span = Some(Span::new(begin, node.span.end));
            pairs.push((verbatim(key, Style::Plain, line.start), node));
        }
        Some(Node { span: span?, kind: NodeKind::Mapping(pairs) })
    }

    /// What stands below a key of this column.
    fn below(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let line = self.line()?;
        if line.text.starts_with('-') && line.indent >= indent {
            self.list(line.indent, line.indent > indent, depth)
        } else if line.indent > indent {
            self.mapping(line.indent, depth)
        } else {
            None
        }
    }

    /// The list whose dashes stand in this column. Where these are no deeper than its key it counts from the first value.
    fn list(&mut self, indent: usize, is_deeper: bool, depth: usize) -> Option<Node> {
        let mut span = None;
        let mut nodes = Vec::new();
        while let Some(line) = self.line().filter(|line| line.indent >= indent) {
            let Some(rest) = line.text.strip_prefix('-') else { break };
            let item = rest.trim_start_matches(' ');
            if line.indent > indent || item.len() == rest.len() || item.starts_with('#') {
                return None;
            }
            let end = line.start + line.text.len();
            let span_of_item = Span::new(end - item.len(), end);
            let is_mapping = !item.starts_with(OPENING) && (item.contains(": ") || item.ends_with(':'));
            let node = if is_mapping {
                (self.at, self.column) = (span_of_item.start, line.indent + line.text.len() - item.len());
                self.mapping(self.column, depth.checked_sub(1)?)?
            } else {
                self.go_to(line.next);
                self.inline(span_of_item, depth)?
            };
            let first = if is_deeper { line.start } else { node.span.start };
            let begin = span.map_or(first, |span: Span| span.start);
            span = Some(Span::new(begin, node.span.end));
            nodes.push(node);
        }
        Some(Node { span: span?, kind: NodeKind::Sequence(nodes) })
    }

    /// The value that is all of this part of a line, but for a comment.
    fn inline(&self, span: Span, depth: usize) -> Option<Node> {
        let text = self.text.get(span.start..span.end)?;
        if text.starts_with(OPENING) {
            let mut flow = Flow { text, begin: span.start, at: 0 };
            let node = flow.value(depth)?;
            let behind = flow.rest();
            let is_comment = behind.starts_with(' ') && behind.trim_start_matches(' ').starts_with('#');
            return (behind.is_empty() || is_comment).then_some(node);
        }
        let (text, comment) = match text.split_once(" #") {
            Some((text, comment)) => (text.trim_end_matches(' '), Some(comment)),
            None => (text, None),
        };
        // A colon before a blank makes a key of what stands before it.
        let is_word = is_plain(text) && !text.contains('#') && !text.contains(": ") && !text.ends_with(':');
        let mut scalar = is_word.then(|| verbatim(text, Style::Plain, span.start))?;
        scalar.comment = comment.map(|comment| Span::new(span.end - comment.len() - 1, span.end));
        Some(Node { span: scalar.span, kind: NodeKind::Scalar(scalar) })
    }
}

/// A value on one line, and what may stand around it.
struct Flow<'a> {
    text: &'a str,
    /// Where the text stands.
    begin: usize,
    at: usize,
}

impl Flow<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    /// Goes on behind this character, if it stands here.
    fn take(&mut self, character: u8) -> bool {
        let is_here = self.rest().as_bytes().first() == Some(&character);
        self.at += usize::from(is_here);
        is_here
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        let start = self.begin + self.at;
        let kind = match self.rest().as_bytes().first()? {
            b'[' => NodeKind::Sequence(self.items(b']', |flow| flow.value(depth.checked_sub(1)?))?),
            b'{' => NodeKind::Mapping(self.pairs(depth.checked_sub(1)?)?),
            b'\'' => return self.quoted('\'', Style::SingleQuoted),
            b'"' => return self.quoted('"', Style::DoubleQuoted),
            _ => {
                let text = self.word();
                let scalar = is_plain(text).then(|| verbatim(text, Style::Plain, start))?;
                self.at += scalar.text.len();
                return Some(Node { span: scalar.span, kind: NodeKind::Scalar(scalar) });
            }
        };
        Some(Node { span: Span::new(start, self.begin + self.at), kind })
    }

    /// What stands between brackets.
    fn items<T>(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.at += 1;
        self.skip_blanks();
        if self.take(close) {
            return Some(Vec::new());
        }
        // Most have one, and room for four by itself would be as much as all else of a small document.
        let mut items = Vec::with_capacity(1);
        loop {
            items.push(item(self)?);
            self.skip_blanks();
            if self.take(close) {
                return Some(items);
            }
            if !self.take(b',') || !self.take(b' ') {
                return None;
            }
            self.skip_blanks();
        }
    }

    fn pairs(&mut self, depth: usize) -> Option<Vec<(Scalar, Node)>> {
        let pairs = self.items(b'}', |flow| {
            let start = flow.begin + flow.at;
            let key = flow.word();
            let scalar = is_key(key).then(|| verbatim(key, Style::Plain, start))?;
            flow.at += scalar.text.len();
            if !flow.take(b':') || !flow.take(b' ') {
                return None;
            }
            flow.skip_blanks();
            Some((scalar, flow.value(depth)?))
        })?;
        let is_new = |(at, (key, _)): (usize, &(Scalar, Node))| {
            pairs.iter().take(at).all(|(other, _)| other.text != key.text)
        };
        (pairs.len() <= MOST_KEYS && pairs.iter().enumerate().all(is_new)).then_some(pairs)
    }

    /// Letters, digits and what is no mark to any reader.
    fn word(&self) -> &str {
        let is_of_word =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | '+' | '*' | '$' | '=');
        let rest = self.rest();
        rest.get(..rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len())).unwrap_or("")
    }

    /// A text between quotes in which each character stands for itself.
    fn quoted(&mut self, quote: char, style: Style) -> Option<Node> {
        let inner = self.rest().strip_prefix(quote)?;
        let (text, behind) = inner.split_once(quote)?;
        if behind.starts_with(quote) || (style == Style::DoubleQuoted && text.contains('\\')) {
            return None;
        }
        let scalar = verbatim(text, style, self.begin + self.at);
        self.at += text.len() + 2;
        Some(Node { span: scalar.span, kind: NodeKind::Scalar(scalar) })
    }
}

/// A key that is a text to everybody.
fn is_key(text: &str) -> bool {
    let is_of_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    begins && text.len() <= LONGEST_KEY && text.bytes().all(is_of_key) && !is_reserved(text)
}

/// A value without quotes that begins, ends and is such that it can be nothing else.
fn is_plain(text: &str) -> bool {
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'$');
    let bytes = text.as_bytes();
    let is_number = bytes.first().is_some_and(u8::is_ascii_digit);
    (bytes.first().is_some_and(begins) || text.starts_with("./") || text.starts_with("../"))
        && bytes.last() != Some(&b' ')
        && !(is_number && text.len() > LONGEST_NUMBER)
        && !text.eq_ignore_ascii_case("null")
}

/// Words that are no texts to some readers.
fn is_reserved(text: &str) -> bool {
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A scalar that stands there as it is, with its quotes if it has some.
fn verbatim(text: &str, style: Style, start: usize) -> Scalar {
    let quotes = usize::from(style != Style::Plain);
    let inner = Span::new(start + quotes, start + quotes + text.len());
    let span = Span::new(start, inner.end + quotes);
    Scalar { text: text.into(), style, span, comment: None, map: OffsetMap::verbatim(inner) }
}

#[cfg(test)]
mod tests;
