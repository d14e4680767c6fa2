//! From text to tree, with as many mistakes reported at once as can be told apart.
//!
//! ```text
//! text --limits--> evident? --> ast::Expr
//!                    | no --> pest (grammar/match.pest) --> pairs --Pratt--> ast::Expr + diagnostics
//!                               | fails at p: report, go on behind the next `&&`, `||` or `,`
//! ```
//!
//! Nothing of `pest` leaves this module, its rule names least of all.

mod build;
mod commands;
mod evident;
mod habits;
mod limits;
mod number;
mod operators;
mod rules;
mod text;

use std::num::NonZeroUsize;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use super::ast::Expr;
use super::codes;
use crate::diagnostic::{Diagnostic, Span};
use rules::{Grammar, Rule};

pub use limits::{DEPTH_MAX, NODES_MAX, SOURCE_MAX};
pub(super) use limits::{check_tree, too_deep, too_many};

/// Words that name nothing where a name begins: `reserved` of the grammar.
pub(super) const RESERVED: [&str; 11] =
    ["true", "false", "and", "or", "not", "in", "like", "contains", "starts_with", "ends_with", "under"];

/// How often reading goes on behind a mistake.
const RECOVERIES_MAX: usize = 16;
/// Steps of the parser in one reading. The longest well-formed expression needs a fraction; but where alternatives fail
/// inside of each other the number can double with every level.
const STEPS_MAX: NonZeroUsize = NonZeroUsize::new(1_000_000).unwrap();

/// A tree as far as it could be read, and everything that is wrong with its form.
#[derive(Clone, Debug)]
#[must_use]
pub struct Parsed {
    /// Present even with errors, where they left something to look at.
    pub expr: Option<Expr>,
    /// Sorted by place; spans in the text that was given.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads an expression. Never fails otherwise than by diagnostics, and never on the stack.
pub fn parse(text: &str) -> Parsed {
    if let Some(diagnostic) = limits::check(text) {
        return Parsed { expr: None, diagnostics: vec![diagnostic] };
    }
    if is_blank(text) {
        let diagnostic = Diagnostic::error(codes::EMPTY, "the expression is empty")
            .at(Span::new(0, text.len()), "nothing here")
            .help("write a condition, for example `user == \"www-data\"`");
        return Parsed { expr: None, diagnostics: vec![diagnostic] };
    }
    if let Some(diagnostic) = commands::command_line(text) {
        return Parsed { expr: None, diagnostics: vec![diagnostic] };
    }
    if let Some(expr) = evident::read(text) {
        return Parsed { expr: Some(expr), diagnostics: Vec::new() };
    }
    let mut diagnostics = Vec::new();
    let expr = whole(text, &mut diagnostics);
    diagnostics.sort_by_key(Diagnostic::span);
    // A missing operand at the end also leaves its bracket open: one place, one mistake.
    diagnostics.dedup_by_key(|diagnostic| diagnostic.span());
    Parsed { expr, diagnostics }
}

fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'))
}

fn whole(text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Expr> {
    let mut from = 0;
    // For the process, but this is its only grammar.
    pest::set_call_limit(Some(STEPS_MAX));
    for attempt in 0..RECOVERIES_MAX {
        let rest = text.get(from..)?;
        match Grammar::parse(Rule::whole, rest) {
            Ok(pairs) => {
                let (expr, found) = build::expression(pairs, from);
                diagnostics.extend(found);
                return expr.filter(|_| attempt == 0);
            }
            Err(error) if matches!(error.variant, ErrorVariant::CustomError { .. }) => {
                diagnostics.push(limits::too_many_steps(Span::new(from, text.len())));
                return None;
            }
            Err(error) => {
                let at = match error.location {
                    InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
                };
                diagnostics.push(unexpected(text, from + at));
                from = resume(text, from + at)?;
            }
        }
    }
    None
}

/// Behind the next operator that separates conditions, outside of strings.
fn resume(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let mut chars = rest.char_indices();
    let mut quoted = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quoted => {
                chars.next();
            }
            '"' => quoted = !quoted,
            '&' | '|' if !quoted && rest.get(at + 1..at + 2) == rest.get(at..=at) => {
                let next = from + at + 2;
                return (!is_blank(text.get(next..)?)).then_some(next);
            }
            _ => {}
        }
    }
    None
}

fn unexpected(text: &str, at: usize) -> Diagnostic {
    let rest = text.get(at..).unwrap_or_default();
    let Some(first) = rest.chars().next() else {
        return Diagnostic::error(codes::UNEXPECTED, "the expression ends too early")
            .at(Span::new(at, at), "something is missing here")
            .help("write the missing part, for example `user == \"root\"`");
    };
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let shown = if word.is_empty() { first.to_string() } else { word };
    let span = Span::new(at, at + shown.len());
    if let Some(foreign) = foreign(&shown, at) {
        return foreign;
    }
    let diagnostic = Diagnostic::error(codes::UNEXPECTED, format!("`{shown}` cannot stand here"));
    if let (',', Some(list)) = (first, in_parentheses(text, at)) {
        let help = format!("write lists in brackets: `in [{list}]`");
        return diagnostic.at(span, "a list in parentheses").help(help);
    }
    if let (',', Some(help)) = (first, operator_called(text, at)) {
        return diagnostic.at(span, "an operator, and no function").help(help);
    }
    let before = text.get(..at).unwrap_or_default();
    if rest.starts_with("//") || rest.starts_with("/*") || (before.ends_with('/') && "/*".contains(first)) {
        return diagnostic
            .at(span, "no comment here")
            .help("a comment begins with `#` and ends with its line");
    }
    if let (',', Some(list)) = (first, without_brackets(text, at)) {
        let help = format!("write lists in brackets: `in [{list}]`");
        return diagnostic.at(span, "a list without brackets").help(help);
    }
    let (label, help) = match first {
        ')' | ']' | '}' => ("nothing opens this", "remove it, or open it before"),
        '{' => ("no braces in expressions", "write lists in `[...]`, conditions in `(...)`"),
        ';' => ("no statements in expressions", "join conditions with `&&`"),
        ',' => ("no list or call around this", "join conditions with `&&`"),
        ':' if !text.get(..at).unwrap_or_default().contains('?') => ("compares nothing", "write `==`"),
        '?' | ':' => ("no conditional operator", "write `(a && b) || (!a && c)`"),
        '\\' => ("not in a string", "remove it: an expression may go over several lines"),
        '.' => ("no name before this", "write the field with what it belongs to, for example `exe.path`"),
        '\'' | '"' => ("a quote out of place", "write strings as `\"...\"`"),
        _ => ("not expected here", "join conditions with `&&`, write strings as `\"...\"`"),
    };
    diagnostic.at(span, label).help(help)
}

/// A letter of another alphabet, a wide blank, or something that can't be seen: what it is has to be said.
fn foreign(shown: &str, at: usize) -> Option<Diagnostic> {
    let (offset, foreign) = shown.char_indices().find(|(_, c)| !c.is_ascii())?;
    let span = Span::new(at + offset, at + offset + foreign.len_utf8());
    let message = format!("the character U+{:04X} cannot stand here", u32::from(foreign));
    let help = "only strings and comments may have other than ASCII characters: type it anew";
    Some(Diagnostic::error(codes::UNEXPECTED, message).at(span, "not ASCII").help(help))
}

/// `starts_with(name, "s")`, as other languages have it.
fn operator_called(text: &str, at: usize) -> Option<String> {
    let (head, first) = text.get(..at)?.rsplit_once('(')?;
    let operator = head.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    if !["starts_with", "ends_with", "contains", "like", "under"].contains(&operator) {
        return None;
    }
    let second = text.get(at + 1..)?;
    let second = second.split_once(')').map_or(second, |(second, _)| second);
    Some(format!("write `{} {operator} {}`", first.trim(), second.trim()))
}

/// The words that are to be a list, behind an `in` that nothing but the first of them parts from the comma.
fn without_brackets(text: &str, at: usize) -> Option<&str> {
    let begin = text.get(..at)?.rfind(" in ")? + " in ".len();
    let first = text.get(begin..at)?;
    let list = text.get(begin..)?;
    let end = ["&&", "||", " and ", " or ", ")"].iter().filter_map(|end| list.find(end)).min();
    let list = list.get(..end.unwrap_or(list.len()))?.trim();
    (!first.contains(['(', '[', '&', '|'])).then_some(list)
}

/// What stands in the parentheses around a place, if they stand behind `in`.
fn in_parentheses(text: &str, at: usize) -> Option<&str> {
    let open = text.get(..at)?.rfind('(')?;
    let rest = text.get(open + 1..)?;
    let inside = rest.split_once(')').map_or(rest, |(inside, _)| inside);
    text.get(..open)?.trim_end().ends_with(" in").then(|| inside.trim())
}
