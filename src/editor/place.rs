//! Where in a document a position lies, by indentation and keys alone: it works in texts that are not YAML yet.
//!
//! ```text
//! spec:                            path: spec, match
//!   match: |                       expression: from here
//!     exe == interpreter(startas)
//!     && us|                       to here
//! ```

mod lines;
mod written;

use lines::{Line, ancestors, blanks, end_of, lines, split_key};
use written::{expression, item_end};

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
    /// The definition whose condition it is.
    pub(super) home: Option<Home>,
}

/// A definition of a Matcher document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Home {
    /// Name of the document.
    pub(super) document: String,
    /// Name of the definition in it.
    pub(super) definition: String,
}

/// The place of an offset, if it is one that there is something to say about.
pub(super) fn place(text: &str, offset: usize) -> Option<Place> {
    place_of(text, offset, is_expression)
        .or_else(|| place_of(text, offset, is_message).and_then(|place| fact_around(place, offset)))
}

/// Whether what stands at a path in a document of a kind is what is looked for.
type Wanted = fn(&[&str], Option<&str>) -> bool;

fn place_of(text: &str, offset: usize, wanted: Wanted) -> Option<Place> {
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
            return wanted(&keys, kind).then(|| below(text, &lines, header, home));
        }
    }
    let Some((_, span, value)) = line.key else {
        // A plain or quoted value that goes on.
        let header = above.first().filter(|header| header.key.is_some())?;
        let keys = keys(&above);
        let home = home(&lines, at, &keys);
        return wanted(&keys, kind).then(|| behind(text, &lines, header, home));
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
        return in_braces(text, value, offset, &path, (kind, wanted), &home);
    }
    let home = home(&lines, at, &path);
    (wanted(&path, kind) && !line.opens_block()).then(|| behind(text, &lines, line, home))
}

/// From the outermost to the innermost; lines without a key lie inside a value.
fn keys<'a>(nearest_first: &[Line<'a>]) -> Vec<&'a str> {
    nearest_first.iter().rev().filter_map(|line| line.key.map(|(key, _, _)| key)).collect()
}

/// The `kind` of the document around a line.
fn kind_of<'a>(lines: &[Line<'a>], at: usize) -> Option<&'a str> {
    let is_end = |line: &Line<'_>| line.text.starts_with("---");
    let from = lines.get(..at)?.iter().rposition(is_end).map_or(0, |found| found + 1);
    let document =
        lines.get(from..)?.iter().enumerate().take_while(|(n, line)| from + n <= at || !is_end(line));
    document
        .map(|(_, line)| line)
        .find(|line| line.indent == 0 && line.key.is_some_and(|(key, _, _)| key == "kind"))
        .map(|line| line.value().trim())
}

/// The document and the definition that a path leads to the expression of.
fn home(lines: &[Line<'_>], at: usize, path: &[&str]) -> Option<Home> {
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
    Some(Home { document: name.to_owned(), definition: (*definition).to_owned() })
}

/// The field that a path of keys leads to.
fn field(path: &[&str], kind: Option<&str>) -> Option<&'static Field> {
    let (last, parents) = path.split_last()?;
    kind_at(parents, kind)?.table()?.field(last)
}

fn is_expression(path: &[&str], kind: Option<&str>) -> bool {
    matches!(kind_at(path, kind), Some(Kind::Expression | Kind::ExpressionOrObject(_)))
}

fn is_message(path: &[&str], kind: Option<&str>) -> bool {
    matches!(kind_at(path, kind), Some(Kind::Message))
}

/// The `${...}` of a text for people that an offset lies in.
fn fact_around(place: Place, offset: usize) -> Option<Place> {
    let Place::Expression(whole) = place else { return Some(place) };
    let at = offset.checked_sub(whole.start)?;
    let open = whole.text.get(..at)?.rfind("${")?;
    let begin = open + 2;
    let plain = whole.text.get(..open)?.ends_with('$');
    if plain || whole.text.get(begin..at)?.contains(['}', '\n']) {
        return None;
    }
    let rest = whole.text.get(at..)?;
    let end = rest.find(['}', '\n']).map_or(whole.text.len(), |end| at + end);
    let text = whole.text.get(begin..end)?.to_owned();
    Some(Place::Expression(Expression { start: whole.start + begin, text, home: None }))
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
            Kind::Map(item) => *item,
            other => other.table()?.field(key)?.kind,
        };
        while let Kind::List(item) | Kind::OneOrMany(item) = at {
            at = *item;
        }
    }
    Some(at)
}

/// The lines of a block, up to the first that is not indented deeper than its header.
fn below(text: &str, lines: &[Line<'_>], header: &Line<'_>, home: Option<Home>) -> Place {
    let start = lines.iter().find(|line| line.start > header.start).map_or(text.len(), |line| line.start);
    expression(text, start, end_of(text, lines, header), home)
}

/// The value on the line of a key, and the lines that it goes on over.
fn behind(text: &str, lines: &[Line<'_>], header: &Line<'_>, home: Option<Home>) -> Place {
    let start = header.key.map_or(header.start, |(_, _, value)| value);
    expression(text, start.min(text.len()), end_of(text, lines, header), home)
}

/// Inside `{...}` on one line.
fn in_braces(
    text: &str,
    value: usize,
    offset: usize,
    path: &[&str],
    (kind, wanted): (Option<&str>, Wanted),
    home: &dyn Fn(&[&str]) -> Option<Home>,
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
            if at <= offset && offset <= end && wanted(&full, kind) {
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
