//! Where in a document a position lies, by indentation and keys alone: it works in texts that are not YAML yet.
//!
//! ```text
//! spec:                            path: spec, match
//!   match: |                       expression: from here
//!     exe == interpreter(startas)
//!     && us|                       to here
//! ```

use crate::diagnostic::Span;
use crate::spec::table::{self, Field, Kind};

/// A place in a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In an expression that stands there, quotes and header excluded.
    Expression(Expression),
    /// On the key of a field.
    Key(&'static Field, Span),
}

/// An expression as far as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Expression {
    /// Where it begins.
    pub(super) start: usize,
    /// Its text, of the same length as in the file, so that positions are those of the file less `start`. Escapes of
    /// YAML inside quotes are blanked.
    pub(super) text: String,
    /// The Matcher document that it stands in, and the definition there.
    pub(super) home: Option<(String, String)>,
}

/// A line of a block mapping: `  - key: value`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Line<'a> {
    start: usize,
    text: &'a str,
    /// The column of its first word, dashes passed.
    indent: usize,
    /// The key and where its value begins.
    key: Option<(&'a str, Span, usize)>,
}

impl<'a> Line<'a> {
    fn read(start: usize, text: &'a str) -> Self {
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

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What follows the key.
    fn value(&self) -> &'a str {
        let start = self.key.map_or(self.start, |(_, _, value)| value);
        self.text.get(start - self.start..).unwrap_or_default()
    }

    fn opens_block(&self) -> bool {
        let header = self.value().split(" #").next().unwrap_or_default().trim();
        header.starts_with(['|', '>']) && header.chars().skip(1).all(|c| "+-".contains(c) || c.is_ascii_digit())
    }
}

fn blanks(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == b' ').count()
}

/// A key at the beginning of a line, and where the value stands.
fn split_key(body: &str) -> Option<(&str, usize)> {
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

/// The place of an offset, if it is one that there is something to say about.
pub(super) fn place(text: &str, offset: usize) -> Option<Place> {
    let lines = lines(text);
    let at = lines.iter().rposition(|line| line.start <= offset)?;
    let line = lines.get(at)?;
    // A blank line belongs to what its cursor is indented under.
    let indent = if line.is_blank() { offset - line.start } else { line.indent };
    let above = ancestors(&lines, at, indent);
    let kind = kind_of(&lines, at);
    for (depth, header) in above.iter().enumerate() {
        if header.opens_block() {
            let keys = keys(above.get(depth..)?);
            let home = home(&lines, at, &keys);
            return is_expression(&keys, kind).then(|| below(text, &lines, header, home));
        }
    }
    let Some((_, span, value)) = line.key else {
        // A plain or quoted value that goes on.
        let header = above.first().filter(|header| header.key.is_some())?;
        let keys = keys(&above);
        let home = home(&lines, at, &keys);
        return is_expression(&keys, kind).then(|| behind(text, &lines, header, home));
    };
    let mut path = keys(&above);
    path.extend(line.key.map(|(key, _, _)| key));
    if span.start <= offset && offset <= span.end {
        return field(&path, kind).map(|field| Place::Key(field, span));
    }
    if offset < value {
        return None;
    }
    if line.value().starts_with(['{', '[']) {
        let home = |path: &[&str]| home(&lines, at, path);
        return in_braces(text, value, offset, &path, kind, &home);
    }
    let home = home(&lines, at, &path);
    (is_expression(&path, kind) && !line.opens_block()).then(|| behind(text, &lines, line, home))
}

fn lines(text: &str) -> Vec<Line<'_>> {
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
fn ancestors<'a>(lines: &[Line<'a>], at: usize, indent: usize) -> Vec<Line<'a>> {
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

/// From the outermost to the innermost; lines without a key lie inside a value.
fn keys<'a>(nearest_first: &[Line<'a>]) -> Vec<&'a str> {
    nearest_first.iter().rev().filter_map(|line| line.key.map(|(key, _, _)| key)).collect()
}

/// The `kind` of the document around a line.
fn kind_of<'a>(lines: &[Line<'a>], at: usize) -> Option<&'a str> {
    let is_end = |line: &Line<'_>| line.text.starts_with("---");
    let from = lines.get(..at)?.iter().rposition(is_end).map_or(0, |found| found + 1);
    let document = lines.get(from..)?.iter().enumerate().take_while(|(n, line)| from + n <= at || !is_end(line));
    document
        .map(|(_, line)| line)
        .find(|line| line.indent == 0 && line.key.is_some_and(|(key, _, _)| key == "kind"))
        .map(|line| line.value().trim())
}

/// The document and the definition that a path leads to the expression of.
fn home(lines: &[Line<'_>], at: usize, path: &[&str]) -> Option<(String, String)> {
    let ["spec", "define", definition, ..] = path else { return None };
    let is_end = |line: &Line<'_>| line.text.starts_with("---");
    let from = lines.get(..at)?.iter().rposition(is_end).map_or(0, |found| found + 1);
    let inside = lines.get(from..at)?;
    let of_key = |key: &str| inside.iter().find(|line| line.key.is_some_and(|(found, _, _)| found == key));
    let metadata = of_key("metadata")?.value();
    let name = match metadata.split_once("name:") {
        Some((_, name)) => name.split([',', '}']).next().unwrap_or_default(),
        None => of_key("name")?.value(),
    };
    let name = name.trim().trim_matches(['"', '\'']);
    Some((name.to_owned(), (*definition).to_owned()))
}

/// The field that a path of keys leads to.
fn field(path: &[&str], kind: Option<&str>) -> Option<&'static Field> {
    let (last, parents) = path.split_last()?;
    match kind_at(parents, kind)? {
        Kind::Object(table) | Kind::WordsOrObject(_, table) | Kind::ExpressionOrObject(table) => {
            table.field(last)
        }
        _ => None,
    }
}

fn is_expression(path: &[&str], kind: Option<&str>) -> bool {
    matches!(kind_at(path, kind), Some(Kind::Expression | Kind::ExpressionOrObject(_)))
}

/// The type of the value that a path leads to, items of lists passed over.
fn kind_at(path: &[&str], kind: Option<&str>) -> Option<Kind> {
    // Without a kind the keys of a document are those of any.
    let document = kind.map_or(Some(&table::DOCUMENT), table::document_of)?;
    if kind.is_none() && path.len() > 1 {
        return None;
    }
    let mut at = Kind::Object(document);
    for key in path {
        at = match at {
            Kind::Object(table) | Kind::WordsOrObject(_, table) | Kind::ExpressionOrObject(table) => {
                table.field(key)?.kind
            }
            Kind::Map(item) => *item,
            _ => return None,
        };
        while let Kind::List(item) = at {
            at = *item;
        }
    }
    Some(at)
}

/// The lines of a block, up to the first that is not indented deeper than its header.
fn below(text: &str, lines: &[Line<'_>], header: &Line<'_>, home: Option<(String, String)>) -> Place {
    let start = lines.iter().find(|line| line.start > header.start).map_or(text.len(), |line| line.start);
    expression(text, start, end_of(text, lines, header), home)
}

/// The value on the line of a key, and the lines that it goes on over.
fn behind(text: &str, lines: &[Line<'_>], header: &Line<'_>, home: Option<(String, String)>) -> Place {
    let start = header.key.map_or(header.start, |(_, _, value)| value);
    expression(text, start.min(text.len()), end_of(text, lines, header), home)
}

fn end_of(text: &str, lines: &[Line<'_>], header: &Line<'_>) -> usize {
    let next = lines.iter().find(|line| {
        line.start > header.start && !line.is_blank() && blanks(line.text) <= blanks(header.text)
            && line.indent <= header.indent
    });
    next.map_or(text.len(), |line| line.start)
}

fn expression(text: &str, start: usize, end: usize, home: Option<(String, String)>) -> Place {
    let written = text.get(start..end).unwrap_or_default();
    let (start, text) = match written.chars().next() {
        Some('\'') => (start + 1, single(written.get(1..).unwrap_or_default())),
        Some('"') => (start + 1, double(written.get(1..).unwrap_or_default())),
        _ => (start, written.to_owned()),
    };
    Place::Expression(Expression { start, text, home })
}

/// The inside of single quotes; a doubled quote keeps its length.
fn single(written: &str) -> String {
    let mut out = String::new();
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.peek() == Some(&'\'') => {
                chars.next();
                out.push_str("' ");
            }
            '\'' => break,
            c => out.push(c),
        }
    }
    out
}

/// The inside of double quotes; the backslash of an escape becomes a blank.
fn double(written: &str) -> String {
    let mut out = String::new();
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(' ');
                out.extend(chars.next());
            }
            '"' => break,
            c => out.push(c),
        }
    }
    out
}

/// Inside `{...}` on one line.
fn in_braces(
    text: &str,
    value: usize,
    offset: usize,
    path: &[&str],
    kind: Option<&str>,
    home: &dyn Fn(&[&str]) -> Option<(String, String)>,
) -> Option<Place> {
    let line_end = text.get(offset..)?.find(['\r', '\n']).map_or(text.len(), |end| offset + end);
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut at = value;
    loop {
        let rest = text.get(at..line_end)?;
        let blank = blanks(rest);
        let body = rest.get(blank..)?;
        if let Some((key, behind)) = split_key(body).filter(|_| !open.is_empty()) {
            let here = at + blank;
            let quotes = body.find(key).unwrap_or_default();
            let span = Span::new(here + quotes, here + quotes + key.len());
            if let Some(last) = open.last_mut() {
                *last = Some(key);
            }
            let full: Vec<&str> = path.iter().copied().chain(open.iter().copied().flatten()).collect();
            if span.start <= offset && offset <= span.end {
                return field(&full, kind).map(|field| Place::Key(field, span));
            }
            at = here + behind;
            let end = at + item_end(text.get(at..line_end)?);
            if at <= offset && offset <= end && is_expression(&full, kind) {
                return Some(expression(text, at, end, home(&full)));
            }
            if text.get(at..)?.starts_with(['{', '[']) {
                continue;
            }
            at = end;
        }
        match text.get(at..line_end)?.chars().next()? {
            '{' | '[' => open.push(None),
            '}' | ']' => {
                open.pop();
            }
            _ => {}
        }
        at += text.get(at..line_end)?.chars().next().map_or(1, char::len_utf8);
        if at > offset {
            return None;
        }
    }
}

/// Where a value inside braces ends.
fn item_end(rest: &str) -> usize {
    let quote = rest.chars().next().filter(|c| "'\"".contains(*c));
    if let Some(quote) = quote {
        let mut chars = rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && quote == '"' {
                chars.next();
            } else if c == quote && quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') {
                chars.next();
            } else if c == quote {
                return at + 1;
            }
        }
        return rest.len();
    }
    rest.find([',', '}', ']', '{', '[']).unwrap_or(rest.len())
}
