//! The layout of an expression: one line, or a chain of conditions with one operand a line.
//!
//! ```text
//! exe == interpreter(startas)   # what it executes
//! && (
//!   user == "www-data"
//!   || user == "shop"
//! )
//! ```
//!
//! The words are those of [`print`](super::print); this decides on lines. Comments between the operands of the
//! outermost chain keep their place; where a comment stands elsewhere the text is left alone.

use super::ast::{Expr, Kind};
use super::parse::{SOURCE_MAX, parse};
use super::tokens::{TokenKind, comments, tokens};
use crate::diagnostic::{Diagnostic, Span};

/// Lines are not longer than this, characters, where they can be broken.
pub const LINE_MAX: usize = 100;

/// Where the text will stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// On one line.
    Line,
    /// Over several lines.
    Lines {
        /// The author broke it already: a chain stays one operand a line, however short.
        broken: bool,
        /// Line ends are kept, so that a comment ends with its line.
        comments: bool,
    },
}

/// Why a text has no canonical form here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unformatted {
    /// It is not an expression.
    Mistakes(Vec<Diagnostic>),
    /// A comment (the place of the first) would get lost.
    Comment(Span),
    /// It would be longer than an expression may be.
    TooLong,
}

/// The canonical text of an expression. Its lines are not indented as a whole.
pub fn format(text: &str, room: Room) -> Result<String, Unformatted> {
    let parsed = parse(text);
    let Some(expr) = parsed.expr.filter(|_| parsed.diagnostics.is_empty()) else {
        return Err(Unformatted::Mistakes(parsed.diagnostics));
    };
    let comments = comments(text);
    let formatted = match (room, comments.first()) {
        (Room::Line, None) => expr.to_string(),
        (Room::Lines { broken, .. }, None) => over_lines(&expr, broken),
        (Room::Lines { comments: true, .. }, Some(_)) => with_comments(&expr, text, &comments)?,
        (Room::Line | Room::Lines { .. }, Some(first)) => return Err(Unformatted::Comment(*first)),
    };
    if formatted.len() > SOURCE_MAX { Err(Unformatted::TooLong) } else { Ok(formatted) }
}

fn over_lines(expr: &Expr, broken: bool) -> String {
    let mut out = String::new();
    match chain(expr) {
        Some((items, operator)) if broken || width(&expr.to_string()) > LINE_MAX => {
            links(items, operator, 0, &mut out);
        }
        _ => operand(expr, false, 0, 0, &mut out),
    }
    out
}

/// The operands of `&&` or `||`, and the operator.
fn chain(expr: &Expr) -> Option<(&[Expr], &'static str)> {
    match &expr.kind {
        Kind::And(items) => Some((items, "&&")),
        Kind::Or(items) => Some((items, "||")),
        _ => None,
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn newline(indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn links(items: &[Expr], operator: &str, indent: usize, out: &mut String) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            newline(indent, out);
            out.push_str(operator);
            out.push(' ');
        }
        let used = if position > 0 { indent + operator.len() + 1 } else { indent };
        operand(item, true, indent, used, out);
    }
}

/// An operand on the rest of its line, or broken inside its parentheses. `inner`: it stands in a chain, where
/// another chain has parentheses around it.
fn operand(expr: &Expr, inner: bool, indent: usize, used: usize, out: &mut String) {
    let nested = chain(expr).filter(|_| inner);
    let flat = if nested.is_some() { format!("({expr})") } else { expr.to_string() };
    if used + width(&flat) <= LINE_MAX {
        return out.push_str(&flat);
    }
    let negated = if let Kind::Not(body) = &expr.kind { chain(body) } else { None };
    let (open, inside) = match (nested, negated) {
        (Some(inside), _) => ("(", inside),
        (None, Some(inside)) => ("!(", inside),
        (None, None) => return out.push_str(&flat),
    };
    out.push_str(open);
    newline(indent + 2, out);
    links(inside.0, inside.1, indent + 2, out);
    newline(indent, out);
    out.push(')');
}

/// The outermost chain with the comments between its operands.
fn with_comments(expr: &Expr, text: &str, comments: &[Span]) -> Result<String, Unformatted> {
    let (items, operator) = chain(expr).unwrap_or((std::slice::from_ref(expr), ""));
    let places: Vec<Span> = items.iter().map(|item| without_margin(item, text)).collect();
    let inside =
        |comment: &&Span| places.iter().any(|place| place.start < comment.start && comment.start < place.end);
    if let Some(comment) = comments.iter().find(inside) {
        return Err(Unformatted::Comment(*comment));
    }
    let mut out = String::new();
    let mut rest = comments.iter().peekable();
    let written = |comment: &Span, out: &mut String| {
        out.push_str(text.get(comment.start..comment.end).unwrap_or_default().trim_end());
    };
    for (position, (item, place)) in items.iter().zip(&places).enumerate() {
        while let Some(comment) = rest.next_if(|comment| comment.start < place.start) {
            written(comment, &mut out);
            out.push('\n');
        }
        let used = if position > 0 { operator.len() + 1 } else { 0 };
        if position > 0 {
            out.push_str(operator);
            out.push(' ');
        }
        operand(item, items.len() > 1, 0, used, &mut out);
        let same_line = |comment: &&Span| {
            let between = text.get(place.end..comment.start);
            between.is_some_and(|between| !between.contains('\n'))
                && places.get(position + 1).is_none_or(|next| comment.start < next.start)
        };
        if let Some(comment) = rest.next_if(same_line) {
            out.push_str("  ");
            written(comment, &mut out);
        }
        out.push('\n');
    }
    for comment in rest {
        written(comment, &mut out);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    Ok(out)
}

/// The place of an operand from its first to its last word or sign.
fn without_margin(expr: &Expr, text: &str) -> Span {
    let own = text.get(expr.span.start..expr.span.end).unwrap_or_default();
    let words: Vec<Span> =
        tokens(own).into_iter().filter(|t| t.kind != TokenKind::Comment).map(|t| t.span).collect();
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => Span::new(expr.span.start + first.start, expr.span.start + last.end),
        _ => expr.span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Room = Room::Lines { broken: false, comments: true };
    const BROKEN: Room = Room::Lines { broken: true, comments: true };

    #[track_caller]
    fn check(text: &str, room: Room, expected: &str) {
        let formatted = format(text, room);
        assert_eq!(formatted.as_deref(), Ok(expected), "{text}");
        assert_eq!(format(expected, room).as_deref(), Ok(expected), "a second time");
        let printed = |text: &str| parse(text).expr.map(|expr| expr.to_string());
        assert_eq!(printed(text), printed(expected), "another meaning");
    }

    #[test]
    fn one_line_is_the_canonical_spelling() {
        check("a  and not b", Room::Line, "a && !b");
        check("a and b", LINES, "a && b");
        check("!( a or b )", LINES, "!(a || b)");
    }

    #[test]
    fn chains_have_one_operand_a_line() {
        check("a and\n b", BROKEN, "a\n&& b");
        check("a or b and c", BROKEN, "a\n|| (b && c)");
        check("exe", BROKEN, "exe");
        let long = "a_rather_long_name_of_a_field == \"a rather long text\"";
        check(
            &format!("{long} and ({long} or not ({long} and {long})) and b"),
            LINES,
            &format!("{long}\n&& (\n  {long}\n  || !(\n    {long}\n    && {long}\n  )\n)\n&& b"),
        );
        check(&format!("not ({long} and {long})"), LINES, &format!("!(\n  {long}\n  && {long}\n)"));
    }

    #[test]
    fn comments_between_operands_keep_their_place() {
        check(
            "# why\na and # first\n   b\n  # second\n   and (c or d)# third\n# end\n",
            BROKEN,
            "# why\na  # first\n&& b\n# second\n&& (c || d)  # third\n# end",
        );
        check("a #b", BROKEN, "a  #b");
        check("a && # x\n# y\nb", BROKEN, "a  # x\n# y\n&& b");
    }

    #[test]
    fn a_comment_that_would_get_lost_is_pointed_at() {
        for (text, room, at) in [
            ("a && (b # why\n || c)", BROKEN, 8),
            ("f(a, # why\n b)", BROKEN, 5),
            ("a # why", Room::Line, 2),
            ("a # why", Room::Lines { broken: true, comments: false }, 2),
        ] {
            let found = format(text, room);
            assert!(
                matches!(&found, Err(Unformatted::Comment(span)) if span.start == at),
                "{text} {found:?}"
            );
        }
    }

    #[test]
    fn what_would_grow_too_long_is_left_alone() {
        let text = vec!["a"; SOURCE_MAX / 4].join("&&");
        assert!(text.len() < SOURCE_MAX);
        assert_eq!(format(&text, Room::Line), Err(Unformatted::TooLong));
    }

    #[test]
    fn what_is_no_expression_is_left_alone() {
        assert!(matches!(format("a &&", LINES), Err(Unformatted::Mistakes(found)) if found.len() == 1));
    }
}
