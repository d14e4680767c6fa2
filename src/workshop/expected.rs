//! Expected values, as a case file states them: `absent`, `unknown`, or a value as `explain` shows it, texts without
//! their quotes. In quotes of YAML the two words are texts.

use super::codes;
use super::read::Reader;
use crate::diagnostic::Diagnostic;
use crate::lang::value::Value;
use crate::lang::{Outcome, show};
use crate::units::{parse_duration, parse_size};
use crate::yaml::{Node, NodeKind, Scalar, Style};

/// What an expression has to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Known not to exist.
    Absent,
    /// It can't be told.
    Unknown,
    /// This value.
    Text(String),
    /// A list of these.
    List(Vec<String>),
}

/// Reads an expected value.
pub(super) fn read(node: &Node, r: &mut Reader) -> Option<Expected> {
    match &node.kind {
        NodeKind::Scalar(scalar) => Some(word(scalar)),
        NodeKind::Sequence(items) => {
            let texts = items.iter().map(|item| r.scalar(item, "an element").map(|one| one.text.to_string()));
            texts.collect::<Option<_>>().map(Expected::List)
        }
        NodeKind::Null => {
            let said = Diagnostic::error(codes::EXPECTED, "nothing is no value");
            r.said.push(said.at(node.span, "").help("write `absent`, or `\"\"` for an empty text"));
            None
        }
        NodeKind::Mapping(_) => {
            let said = Diagnostic::error(codes::EXPECTED, "a mapping is no value of an expression");
            r.said.push(
                said.at(node.span, "").help("expect one of its entries: `'plugin.map[\"KEY\"]': value`"),
            );
            None
        }
        NodeKind::Refused => None,
    }
}

fn word(scalar: &Scalar) -> Expected {
    match (scalar.style, scalar.text.as_str()) {
        (Style::Plain, "absent") => Expected::Absent,
        (Style::Plain, "unknown") => Expected::Unknown,
        (_, text) => Expected::Text(text.to_owned()),
    }
}

impl Expected {
    /// Whether it is so. `words` is what the outcome is shown as: what vocabularies alone can say about their own values.
    pub fn is(&self, outcome: &Outcome, words: &str) -> bool {
        match (self, outcome) {
            (Self::Text(text), Outcome::Known(Value::Object(_))) => words.trim_matches('"') == text,
            (Self::Absent, Outcome::Absent) | (Self::Unknown, Outcome::Unknown(_)) => true,
            (Self::List(texts), Outcome::Known(Value::List(items))) => {
                texts.len() == items.len()
                    && texts.iter().zip(items.iter()).all(|(text, item)| same(text, item))
            }
            (Self::Text(text), Outcome::Known(value)) => same(text, value),
            _ => false,
        }
    }

    /// For a person.
    pub fn words(&self) -> String {
        match self {
            Self::Absent => "absent".to_owned(),
            Self::Unknown => "unknown".to_owned(),
            Self::Text(text) => text.clone(),
            Self::List(texts) => format!("[{}]", texts.join(", ")),
        }
    }
}

/// Sizes and durations in any spelling, times with or without their sign, all else as it is shown.
fn same(text: &str, value: &Value) -> bool {
    match value {
        Value::String(bytes) | Value::Path(bytes) => **bytes == *text.as_bytes(),
        Value::Size(bytes) => parse_size(text).is_ok_and(|size| i64::try_from(size) == Ok(*bytes)),
        Value::Duration(nanos) => {
            parse_duration(text).is_ok_and(|time| i64::try_from(time.as_nanos()) == Ok(*nanos))
        }
        other => show(other).trim_start_matches('@') == text.trim_start_matches('@'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Reason, Why};
    use crate::lang::Missing;

    fn known(value: Value) -> Outcome {
        Outcome::Known(value)
    }

    #[test]
    fn values_are_compared_by_what_they_are() {
        let text = |text: &str| Expected::Text(text.to_owned());
        let list = |texts: &[&str]| Expected::List(texts.iter().map(|&text| text.to_owned()).collect());
        for (expected, outcome, right) in [
            (text("absent"), known(Value::string("absent")), true),
            (text("absent"), Outcome::Absent, false),
            (Expected::Absent, Outcome::Absent, true),
            (Expected::Absent, known(Value::string("absent")), false),
            (text("15"), known(Value::Int(15)), true),
            (text("15"), known(Value::string("15")), true),
            (text("15"), known(Value::Int(150)), false),
            (text("true"), known(Value::Bool(true)), true),
            (text("1.5GiB"), known(Value::Size(1_610_612_736)), true),
            (text("1536MiB"), known(Value::Size(1_610_612_736)), true),
            (text("90s"), known(Value::Duration(90_000_000_000)), true),
            (text("2026-01-02T03:04:05Z"), known(Value::Time(1_767_323_045_000_000_000)), true),
            (list(&["a", "b"]), known(Value::list([Value::string("a"), Value::string("b")])), true),
            (list(&["a"]), known(Value::list([Value::string("a"), Value::string("b")])), false),
            (list(&[]), Outcome::Absent, false),
        ] {
            assert_eq!(expected.is(&outcome, ""), right, "{expected:?} and {outcome:?}");
        }
        let missing = Missing { what: "x".into(), reason: Reason::new(Why::Denied, "x") };
        assert!(Expected::Unknown.is(&Outcome::Unknown(vec![missing.clone()]), ""));
        assert!(!Expected::Absent.is(&Outcome::Unknown(vec![missing]), ""));
    }
}
