//! Limits that must hold before the recursive parser sees a text, so that no text can exhaust the stack.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::Expr;
use crate::lang::codes;

/// Longest expression, bytes.
pub const SOURCE_MAX: usize = 8 * 1024;
/// Most nodes of a tree.
pub const NODES_MAX: usize = 4096;
/// Deepest nesting.
pub const DEPTH_MAX: usize = 64;

/// What is too long or too deep. A rough walk over the characters: strings and comments are skipped,
/// brackets and negations counted.
pub(super) fn check(text: &str) -> Option<Diagnostic> {
    if text.len() > SOURCE_MAX {
        let diagnostic = Diagnostic::error(
            codes::SOURCE_TOO_LONG,
            format!("the expression has {} bytes, at most {SOURCE_MAX} are read", text.len()),
        );
        return Some(
            diagnostic
                .at(Span::new(0, 1), "starts here")
                .help("move parts into a Matcher document or a named list"),
        );
    }
    let mut depth = Depth::default();
    let mut rest = text;
    let mut at = 0;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => string_length(rest),
            'r' => raw_length(rest).unwrap_or_else(|| word_length(rest)),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_ascii_alphabetic() || c == '_' => word_length(rest),
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at_checked(length)?;
        if depth.step(token, tail) > DEPTH_MAX {
            return Some(too_deep(Span::new(at, at + length)));
        }
        at += length;
        rest = tail;
    }
    None
}

/// What is too large or too deep in a tree, which may have grown since it was parsed. Without recursion.
pub(in crate::lang) fn check_tree(expr: &Expr) -> Option<Diagnostic> {
    let mut nodes = 0;
    let mut open = vec![(expr, 1)];
    while let Some((expr, depth)) = open.pop() {
        nodes += 1;
        if depth > DEPTH_MAX {
            return Some(too_deep(expr.span));
        }
        if nodes > NODES_MAX {
            return Some(too_many(expr.span));
        }
        open.extend(expr.children().map(|child| (child, depth + 1)));
    }
    None
}

/// The message for a tree of too many nodes.
pub(in crate::lang) fn too_many(span: Span) -> Diagnostic {
    Diagnostic::error(codes::TOO_MANY_NODES, format!("the expression has more than {NODES_MAX} parts"))
        .at(span, "one part too many")
        .help("move parts into a Matcher document or a named list")
}

/// The message for a tree or text that is too deep.
pub(in crate::lang) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(codes::TOO_DEEP, format!("the expression is nested more than {DEPTH_MAX} deep"))
        .at(span, "one level too many")
        .help("remove parentheses, or move parts into a Matcher document")
}

/// The message for a text that the parser gave up on.
pub(super) fn too_many_steps(span: Span) -> Diagnostic {
    Diagnostic::error(codes::TOO_DEEP, "something is wrong inside of too many levels to be found")
        .at(span, "somewhere here")
        .help("close what is open, and write quotes around texts; then remove parentheses, or move parts into a Matcher document")
}

/// Open brackets, and the negations since each: `!` reaches as far as the next `&&`, `||` or `,`.
#[derive(Default)]
struct Depth {
    total: usize,
    negations: usize,
    outer: Vec<usize>,
}

impl Depth {
    fn step(&mut self, token: &str, tail: &str) -> usize {
        match token {
            "(" | "[" => {
                self.outer.push(std::mem::take(&mut self.negations));
                self.total += 1;
            }
            ")" | "]" => {
                if let Some(outer) = self.outer.pop() {
                    self.total = self.total.saturating_sub(self.negations + 1);
                    self.negations = outer;
                }
            }
            "!" if !tail.starts_with(['=', '~']) => self.negate(),
            "not" | "NOT" => self.negate(),
            "&" | "|" | "," | "and" | "or" => {
                self.total = self.total.saturating_sub(self.negations);
                self.negations = 0;
            }
            _ => {}
        }
        self.total
    }

    fn negate(&mut self) {
        self.negations += 1;
        self.total += 1;
    }
}

fn string_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_length(text: &str) -> Option<usize> {
    let fenced = text.strip_prefix('r')?;
    let hashes = fenced.bytes().take_while(|b| *b == b'#').count();
    let inside = fenced.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(inside.find(&close).map_or(text.len(), |end| 1 + hashes + 1 + end + close.len()))
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}
