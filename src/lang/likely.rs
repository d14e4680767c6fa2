//! How often a condition holds, as a guess from its form: what is asked first should be cheap *and* decide.
//!
//! `user != "root" && comm == "nginx"`: the user is the cheaper fact, but `!=` lets nearly everything through, so that
//! its cost is nearly always paid in vain. Ordered by cost for each candidate that is decided, comm comes first. The
//! guesses are for processes of a host; a wrong one costs time, never a verdict.

use super::ast::CompareOp;
use super::ir::{Builtin, Kind, Node, Quantifier};
use super::value::Value;

/// Of a thousand candidates.
pub(super) type PerMille = u64;

/// All of them.
pub(super) const ALL: PerMille = 1000;
const EQUAL: PerMille = 20;
const PART: PerMille = 50;
const HALF: PerMille = 500;
const EXISTS: PerMille = 700;

/// Of how many of a thousand candidates the condition is true.
pub(super) fn passes(node: &Node) -> PerMille {
    match &node.kind {
        Kind::Const(Value::Bool(value)) => ALL * u64::from(*value),
        Kind::Nothing => 0,
        Kind::Not(inner) => ALL - passes(inner),
        // Taken as independent of each other.
        Kind::And(operands) => operands.items.iter().fold(ALL, |all, item| all * passes(item) / ALL),
        Kind::Or(operands) => {
            ALL - operands.items.iter().fold(ALL, |none, item| none * (ALL - passes(item)) / ALL)
        }
        Kind::Compare { op, .. } => of_comparison(*op),
        Kind::Regex { .. } | Kind::Glob { .. } | Kind::MatchesAny { .. } | Kind::Member { .. } => PART,
        Kind::Builtin(Builtin::Has | Builtin::Known, _) => EXISTS,
        Kind::Quantifier { quantifier: Quantifier::None | Quantifier::All, .. } => EXISTS,
        Kind::Quantifier { .. } => PART,
        // `runs(...)`, `pidfile(...)`: questions for one among many.
        Kind::Call { .. } => EQUAL,
        Kind::Named { body: inner, .. } | Kind::Argument { value: inner, .. } => passes(inner),
        _ => HALF,
    }
}

fn of_comparison(op: CompareOp) -> PerMille {
    match op {
        CompareOp::Equal => EQUAL,
        CompareOp::In
        | CompareOp::Like
        | CompareOp::Matches
        | CompareOp::Contains
        | CompareOp::StartsWith
        | CompareOp::EndsWith
        | CompareOp::Under => PART,
        CompareOp::Less | CompareOp::LessEqual | CompareOp::Greater | CompareOp::GreaterEqual => HALF,
        CompareOp::NotEqual | CompareOp::NotMatches | CompareOp::NotIn => ALL - EQUAL,
    }
}
