//! Operators, and what other languages use in their place.

use crate::lang::ast::CompareOp;

/// A comparison as written, the layout in `not in` ignored.
pub(super) fn comparison(text: &str) -> Option<CompareOp> {
    if text.starts_with("not") {
        return Some(CompareOp::NotIn);
    }
    CompareOp::ALL.into_iter().find(|op| op.symbol() == text)
}

/// What a wrong operator stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meant {
    /// This comparison.
    Compare(CompareOp),
    /// The negation of this one, which has no spelling of its own.
    Not(CompareOp),
}

/// Spellings of other languages, in lower case.
const FOREIGN: [(&str, CompareOp); 26] = [
    ("=", CompareOp::Equal),
    ("===", CompareOp::Equal),
    ("eq", CompareOp::Equal),
    ("is", CompareOp::Equal),
    ("equals", CompareOp::Equal),
    ("!==", CompareOp::NotEqual),
    ("<>", CompareOp::NotEqual),
    ("ne", CompareOp::NotEqual),
    ("~", CompareOp::Matches),
    ("~=", CompareOp::Matches),
    ("matches", CompareOp::Matches),
    ("match", CompareOp::Matches),
    ("regex", CompareOp::Matches),
    ("=<", CompareOp::LessEqual),
    ("le", CompareOp::LessEqual),
    ("lt", CompareOp::Less),
    ("=>", CompareOp::GreaterEqual),
    ("ge", CompareOp::GreaterEqual),
    ("gt", CompareOp::Greater),
    ("glob", CompareOp::Like),
    ("startswith", CompareOp::StartsWith),
    ("endswith", CompareOp::EndsWith),
    ("includes", CompareOp::Contains),
    ("has", CompareOp::Contains),
    ("pmatch", CompareOp::Under),
    ("within", CompareOp::Under),
];

/// What a wrong operator stands for, if somebody uses it somewhere.
pub(super) fn foreign(text: &str) -> Option<Meant> {
    let mut words = text.split_ascii_whitespace();
    if let (Some("not"), Some(op)) = (words.next(), words.next()) {
        let op = comparison(op).or_else(|| (op == "matches").then_some(CompareOp::Matches))?;
        return Some(match op {
            CompareOp::Matches => Meant::Compare(CompareOp::NotMatches),
            op => Meant::Not(op),
        });
    }
    let lower = text.to_ascii_lowercase();
    FOREIGN.iter().find(|(word, _)| *word == lower).map(|(_, op)| Meant::Compare(*op))
}

/// The operators that are words, for suggestions.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    CompareOp::ALL.into_iter().map(CompareOp::symbol).filter(|symbol| symbol.starts_with(char::is_alphabetic))
}
