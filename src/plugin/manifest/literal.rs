//! Values in JSON: booleans, numbers, texts, lists and objects as themselves, everything with a unit as a text in the
//! spelling of the language: `"64KiB"`, `"90s"`, `"@2026-01-02T03:04:05Z"`, `"80%"`, `"10.0.0.0/8"`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::json::Json;
use crate::lang::ast::{Kind, Literal};
use crate::lang::value::{Type, Value};
use crate::lang::{Schema, parse, word_help};
use crate::plugin::answer::Answer;
use crate::plugin::own::{Own, Stated};

/// Where the words of enumerations are looked up, and what literals a type of the plugin is written as.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) builtin: &'a Schema,
    pub(super) own: &'a Own,
}

impl Names<'_> {
    fn words(&self, name: &str) -> &[&'static str] {
        let builtin = || self.builtin.enumeration(name).map(|decl| &*decl.words);
        self.own.words(name).or_else(builtin).unwrap_or_default()
    }
}

/// A value of the type, or absent for null. `Err` says what to write.
pub(super) fn answer(json: &Json, ty: &Type, names: Names<'_>) -> Result<Answer, String> {
    match (json, ty) {
        (Json::Null, _) => Ok(Answer::Absent),
        (Json::Object(entries), Type::Map(of)) => {
            let entries: Result<BTreeMap<Vec<u8>, Value>, String> = entries
                .iter()
                .map(|(key, item)| Ok((key.clone().into_bytes(), value(item, of, names)?)))
                .collect();
            Ok(Answer::Map(Arc::new(entries?)))
        }
        (other, Type::Map(_)) => Err(format!("write an object, not {}", other.words())),
        (other, ty) => value(other, ty, names).map(Answer::Value),
    }
}

/// A value of the type. `Err` says what to write.
pub(super) fn value(json: &Json, ty: &Type, names: Names<'_>) -> Result<Value, String> {
    match (ty, json) {
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Int, Json::Int(value)) => Ok(Value::Int(*value)),
        (Type::String, Json::Text(text)) => Ok(Value::string(text)),
        (Type::Path, Json::Text(text)) => Ok(Value::path(text)),
        (Type::List(of), Json::List(items)) => {
            let items: Result<Vec<Value>, String> = items.iter().map(|item| value(item, of, names)).collect();
            Ok(Value::list(items?))
        }
        (Type::Enum(name), json) => {
            let words = names.words(name);
            let word = words.iter().find(|word| matches!(json, Json::Text(text) if text == *word));
            word.map(|word| Value::Enum(name, word)).ok_or_else(|| match json {
                Json::Text(text) => word_help(text, words),
                _ => word_help("", words),
            })
        }
        (Type::Named(name), json) => {
            let from = names.own.named(name).map(|own| own.from.as_slice()).unwrap_or_default();
            let literal =
                of_some(json, from).ok_or_else(|| "write a literal that stands for it".to_owned())?;
            Ok(Value::Object(Arc::new(Stated { ty: name, literal })))
        }
        (ty, Json::Text(text)) => unit(text, ty).ok_or_else(|| format!("write {}", spelling(ty))),
        (ty, _) => Err(format!("write {}", spelling(ty))),
    }
}

/// A literal of the first of these types that it can be one of.
pub(super) fn of_some(json: &Json, from: &[Type]) -> Option<Value> {
    let own = |ty: &Type| match (ty, json) {
        (Type::Bool, Json::Bool(value)) => Some(Value::Bool(*value)),
        (Type::Int, Json::Int(value)) => Some(Value::Int(*value)),
        (Type::Bool | Type::Int | Type::String | Type::Path, _) => None,
        (ty, Json::Text(text)) => unit(text, ty),
        _ => None,
    };
    // A text is what it is only where it is nothing more special.
    let text = |ty: &Type| match (ty, json) {
        (Type::String, Json::Text(text)) => Some(Value::string(text)),
        (Type::Path, Json::Text(text)) => Some(Value::path(text)),
        _ => None,
    };
    from.iter().find_map(own).or_else(|| from.iter().find_map(text))
}

/// A literal of the language.
fn unit(text: &str, ty: &Type) -> Option<Value> {
    const LONGEST: usize = 64;
    if text.len() > LONGEST {
        return None;
    }
    let Kind::Literal(literal) = parse(text).expr?.kind else { return None };
    match (ty, literal) {
        (Type::Size, Literal::Size(bytes, _)) => Some(Value::Size(bytes)),
        (Type::Duration, Literal::Duration(nanoseconds, _)) => Some(Value::Duration(nanoseconds)),
        (Type::Time, Literal::Time(nanoseconds, _)) => Some(Value::Time(nanoseconds)),
        (Type::Ratio, Literal::Ratio(millionths, _)) => Some(Value::Ratio(millionths)),
        (Type::Ip, Literal::Ip(address)) => Some(Value::Ip(address)),
        (Type::Cidr, Literal::Cidr(address, prefix)) => Some(Value::Cidr(address, prefix)),
        _ => None,
    }
}

/// What a value of the type looks like.
fn spelling(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "`true` or `false`",
        Type::Int => "a whole number of 64 bits",
        Type::String => "a text",
        Type::Path => "a text such as `\"/srv/app\"`",
        Type::Size => "a text such as `\"64KiB\"`",
        Type::Duration => "a text such as `\"90s\"`",
        Type::Time => "a text such as `\"@2026-01-02T03:04:05Z\"`",
        Type::Ratio => "a text such as `\"80%\"`",
        Type::Ip => "a text such as `\"10.0.0.1\"`",
        Type::Cidr => "a text such as `\"10.0.0.0/8\"`",
        Type::List(_) => "a list of values of its type",
        Type::Map(_) => "an object",
        Type::Enum(_) => "one of its words",
        Type::Named(_) => "a literal that stands for it",
    }
}
