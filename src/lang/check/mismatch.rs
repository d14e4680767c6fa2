//! What is said where two values do not go together, and what to write instead.

use super::Checker;
use super::coerce::{is_fixed, word_help};
use crate::diagnostic::Span;
use crate::lang::ast::CompareOp;
use crate::lang::codes;
use crate::lang::ir::{Kind, Node};
use crate::lang::schema::Operation;
use crate::lang::value::Type;

fn is_word(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        && text.starts_with(char::is_alphabetic)
}

impl Checker<'_> {
    pub(super) fn list_and_scalar(
        &mut self,
        op: CompareOp,
        at: Span,
        list: &Node,
        other: &Node,
    ) -> Option<Node> {
        let (list, other) = (self.text(list.span), self.text(other.span));
        let (spelled, symbol) = (self.spelled.unwrap_or(op).symbol(), op.symbol());
        let message = format!("`{spelled}` does not say whether any or all of `{list}` are meant");
        let help = if spelled == symbol {
            format!("write `any({list}, x => x {symbol} {other})`, or `all`")
        } else {
            format!(
                "write `none({list}, x => x {symbol} {other})`, or `any({list}, x => x {spelled} {other})`"
            )
        };
        self.fail(codes::LIST_AND_SCALAR, at, message, "a list and a single value", help)
    }

    pub(super) fn incomparable(
        &mut self,
        op: CompareOp,
        at: Span,
        left: &Node,
        right: &Node,
    ) -> Option<Node> {
        match (&left.ty, &right.ty) {
            (Type::List(_), Type::List(_)) => {}
            (Type::List(_), _) if op != CompareOp::Contains => {
                return self.list_and_scalar(op, at, left, right);
            }
            (_, Type::List(_)) if op == CompareOp::Equal => {
                let (value, list) = (self.text(left.span), self.text(right.span));
                let message = format!("`==` compares one value with a list, `{list}`");
                let help = format!("write `{value} in {list}`");
                return self.fail(codes::LIST_AND_SCALAR, at, message, "a list and a single value", help);
            }
            _ => {}
        }
        let help = self.comparison_help(op, left, right).or_else(|| self.comparison_help(op, right, left));
        let help = help.unwrap_or_else(|| "write values of the same type on both sides".to_owned());
        let spelled = self.spelled.unwrap_or(op).symbol();
        let message = format!("`{spelled}` does not compare {} with {}", left.ty, right.ty);
        self.fail(codes::INCOMPARABLE, at, message, "types that do not go together", help)
    }

    /// What to write in place of `other`, so that it goes with `typed`.
    fn comparison_help(&self, op: CompareOp, typed: &Node, other: &Node) -> Option<String> {
        let written = self.text(other.span);
        let bare = written.trim_matches('"');
        if is_fixed(typed) && !matches!(typed.kind, Kind::Variable(_)) {
            return None;
        }
        match (&typed.ty, &other.ty) {
            (Type::Enum(name), Type::String) => self.unquoted(name, bare),
            (Type::Enum(_), Type::List(element)) if **element == Type::String => {
                Some(format!("write the words without quotes: `{}`", written.replace('"', "")))
            }
            (Type::Size, Type::Int) => Some(format!("write a size: `{written}B` or `{written}MiB`")),
            (Type::Duration, Type::Int) => Some(format!("write a duration: `{written}s`")),
            (Type::Ratio, Type::Int) => Some(format!("write a percentage: `{written}%`")),
            (Type::Int, Type::String) if bare.parse::<i64>().is_ok() => Some(format!("write `{bare}`")),
            (Type::String | Type::Path, Type::Int) if matches!(other.kind, Kind::Variable(_)) => {
                Some(format!("write `\"${{{written}}}\"`"))
            }
            (Type::String | Type::Path, Type::Int) if other.constant().is_some() => {
                Some(format!("write `\"{written}\"`"))
            }
            (Type::Bool, Type::String) => {
                let subject = self.text(typed.span);
                match bare.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "1" | "on" => Some(format!("write `{subject}` alone")),
                    "false" | "no" | "0" | "off" => Some(format!("write `!{subject}`")),
                    _ => None,
                }
            }
            (Type::Size | Type::Duration | Type::Ratio, Type::String) => {
                let parsed = crate::lang::parse(bare);
                let literal = parsed.diagnostics.is_empty()
                    && matches!(parsed.expr.map(|expr| expr.kind), Some(crate::lang::ast::Kind::Literal(_)));
                literal.then(|| format!("write it without quotes: `{bare}`"))
            }
            (Type::Size, Type::Ratio) => Some("write a size: `64MiB`".to_owned()),
            (Type::Time, Type::String) => {
                let day = bare.get(..10).filter(|day| day.split('-').count() == 3)?;
                let clock = bare.get(11..19).unwrap_or("00:00:00");
                Some(format!("write a time: `@{day}T{clock}Z`"))
            }
            (Type::Named(name), Type::Int)
                if self.schema.field(name, "pid").is_some() && !matches!(other.kind, Kind::Field { .. }) =>
            {
                Some(format!("write `{}.pid == {written}`", self.text(typed.span)))
            }
            (Type::Time, Type::Duration) => {
                Some(format!("write `now() - {} > {written}`", self.text(typed.span)))
            }
            (Type::Ip, Type::Cidr) => Some(format!("write `{} in {written}`", self.text(typed.span))),
            (Type::Ip | Type::Cidr, Type::String) => Some(format!("write `{bare}`")),
            (Type::Named(name), _) => {
                let accepted = self.accepted(op, typed);
                // `user == root`: the name without its quotes happens to be a field.
                if matches!(other.ty, Type::Named(_))
                    && is_word(written)
                    && accepted.iter().any(|ty| ty == "string")
                {
                    return Some(format!("for the name write `\"{written}\"`"));
                }
                (!accepted.is_empty()).then(|| format!("compare a {name} with: {}", accepted.join(", ")))
            }
            _ => None,
        }
    }

    /// The word that a string of the same text stands for.
    pub(super) fn unquoted(&self, name: &str, text: &str) -> Option<String> {
        let words = &self.schema.enumeration(name)?.words;
        if let Some(ours) = self.schema.foreign(&format!("{name} {text}")) {
            return Some(format!("write the word without quotes: `{ours}`"));
        }
        Some(match words.iter().find(|word| **word == text) {
            Some(word) => format!("write the word without quotes: `{word}`"),
            None => word_help(text, words),
        })
    }

    fn accepted(&self, op: CompareOp, typed: &Node) -> Vec<String> {
        let operation = match op {
            CompareOp::Under => Operation::Under,
            CompareOp::Less | CompareOp::LessEqual | CompareOp::Greater | CompareOp::GreaterEqual => {
                Operation::Less
            }
            _ => Operation::Equal,
        };
        let mut names = Vec::new();
        for (_, decl) in self.schema.operators(operation).filter(|(_, decl)| decl.left == typed.ty) {
            names.push(decl.right.to_string());
            if let Type::Named(name) = decl.right
                && let Some((_, decl)) = self.schema.named(name)
            {
                names.extend(decl.from.iter().map(ToString::to_string));
            }
        }
        let mut unique = Vec::new();
        for name in names {
            if !unique.contains(&name) {
                unique.push(name);
            }
        }
        unique
    }
}
