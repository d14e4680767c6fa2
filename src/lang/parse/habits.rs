//! What people write by habit: named where it stands, and read as what is meant.

use pest::iterators::Pair;

use super::build::{Builder, Built};
use super::operators::{self, Meant};
use super::rules::Rule;
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::lang::ast::{CompareOp, Expr, Kind, Literal};
use crate::lang::codes;
use crate::lang::print::quote;
use crate::units::meant;

impl Builder {
    pub(super) fn wrong_comparison(&self, left: Built, text: &str, place: Span, right: Built) -> Built {
        match operators::foreign(text) {
            Some(Meant::Compare(op)) => {
                self.foreign(place, text, op.symbol());
                self.comparison(left, op, place, right)
            }
            Some(Meant::Not(op)) => {
                let span = left.expr.span.to(right.expr.span);
                let inner = self.comparison(left, op, place, right);
                self.report(
                    Diagnostic::error(codes::FOREIGN_OPERATOR, format!("there is no operator `{text}`"))
                        .at(place, "only `in` has a negation of its own")
                        .help(format!("write `!({})`", inner.expr)),
                );
                self.node(Kind::Not(Box::new(inner.expr)), span, inner.depth)
            }
            None => {
                let near = did_you_mean(text, operators::words());
                let help = near.map_or_else(
                    || "the operators that are words: `in`, `not in`, `like`, `contains`, `starts_with`, `ends_with`, `under`".into(),
                    |near| format!("did you mean `{near}`?"),
                );
                self.report(
                    Diagnostic::error(codes::UNKNOWN_OPERATOR, format!("unknown operator `{text}`"))
                        .at(place, "no such operator")
                        .help(help),
                );
                self.invalid(left, right)
            }
        }
    }

    pub(super) fn foreign(&self, place: Span, text: &str, ours: &str) {
        self.report(
            Diagnostic::error(codes::FOREIGN_OPERATOR, format!("there is no operator `{text}`"))
                .at(place, "no such operator")
                .help(format!("write `{ours}`")),
        );
    }

    pub(super) fn wrong_atom(&self, pair: &Pair<'_, Rule>, span: Span) -> Built {
        let written = pair.as_str();
        match pair.as_rule() {
            Rule::wrong_string => {
                let inside = written.trim_matches(['\'', '`', '“', '”']);
                self.report(
                    Diagnostic::error(codes::QUOTES, "strings stand in double quotes")
                        .at(span, "other quotes")
                        .help(format!("write `{}`", quote(inside.as_bytes()))),
                );
                self.node(Kind::Literal(Literal::String(inside.as_bytes().to_vec(), false)), span, 0)
            }
            Rule::wrong_regex => {
                let inside = written.trim_start_matches('/').trim_end_matches(['/', 'i', 'g', 'm']);
                let flags = if written.ends_with('i') { "(?i)" } else { "" };
                self.report(
                    Diagnostic::error(codes::QUOTES, "regular expressions stand in a raw string")
                        .at(span, "other quotes")
                        .help(format!("write `r\"{flags}{inside}\"`")),
                );
                self.node(Kind::Literal(Literal::String(inside.as_bytes().to_vec(), true)), span, 0)
            }
            Rule::wrong_path => {
                let quoted = quote(written.as_bytes());
                let inside = written.trim_matches('/');
                let help = if written.ends_with('/') && !inside.is_empty() && !inside.contains('/') {
                    format!("write `{quoted}`, or `r\"{inside}\"` for a regular expression")
                } else {
                    format!("write `{quoted}`")
                };
                self.report(
                    Diagnostic::error(codes::BARE_PATH, format!("the path `{written}` is not quoted"))
                        .at(span, "a path without quotes")
                        .help(help),
                );
                self.node(Kind::Literal(Literal::String(written.as_bytes().to_vec(), false)), span, 0)
            }
            Rule::wrong_dollar => {
                let name = written.trim_matches(['$', '{', '}']);
                self.report(
                    Diagnostic::error(
                        codes::UNEXPECTED,
                        format!("`{written}` is not how variables are written"),
                    )
                    .at(span, "no `$` outside of strings")
                    .help(format!("write `{name}`, or `env(\"{name}\")` for the environment of the process")),
                );
                self.node(Kind::Invalid(Vec::new()), span, 0)
            }
            Rule::open_string => {
                self.report(
                    Diagnostic::error(codes::UNCLOSED_STRING, "this string is not closed")
                        .at(Span::new(span.start, span.start + 1), "opened here")
                        .help("add the closing `\"`"),
                );
                self.node(Kind::Invalid(Vec::new()), span, 0)
            }
            _ => {
                self.report(
                    Diagnostic::error(codes::MISSING_OPERAND, "a value is missing here")
                        .at(span, "nothing stands here")
                        .help("write a field, a literal or a call"),
                );
                self.node(Kind::Invalid(Vec::new()), span, 0)
            }
        }
    }
}

pub(super) fn joined_help(left: &Expr, right: &Expr) -> String {
    if matches!(left.kind, Kind::Name(_)) && matches!(right.kind, Kind::Literal(_)) {
        return format!("write `{left} == {right}`");
    }
    if let Some(help) = unit_apart(left, right) {
        return help;
    }
    let (left, right) = (left.to_string(), right.to_string());
    // What could not be read has no spelling that could be pasted.
    if left.contains('…') || right.contains('…') {
        return "write `&&` or a comparison between them".to_owned();
    }
    format!("write `{left} && {right}`, or a comparison between them")
}

/// `age > 1 hour`: a number and its unit are one word here.
pub(super) fn unit_apart(left: &Expr, right: &Expr) -> Option<String> {
    let number = match &left.kind {
        Kind::Compare { right, .. } => &right.kind,
        kind => kind,
    };
    let (Kind::Literal(Literal::Int(_, number)), Kind::Name(_)) = (number, &right.kind) else { return None };
    Some(format!("write the number with its unit: {}", meant(number, &right.to_string())?))
}

/// `a < b < c` as `a < b && b < c`.
pub(super) fn chain(left: &Expr, op: CompareOp, right: &Expr) -> Option<String> {
    match &left.kind {
        Kind::Compare { right: middle, .. } => Some(format!("{left} && {middle} {} {right}", op.symbol())),
        _ => None,
    }
}
