//! Which names a plugin and its entries can have. What is written today must not change its meaning because a plugin was
//! added, so that no name is a built-in one, or hides the fields of a built-in type.

use crate::lang::Schema;
use crate::lang::value::Type;
use crate::process::expression::variables;

pub(super) const LONGEST: usize = 40;
/// Words of the language that begin no name.
pub(super) const WORDS: [&str; 11] =
    ["true", "false", "and", "or", "not", "in", "like", "contains", "starts_with", "ends_with", "under"];

/// What to write where a word can't be a name.
pub(in crate::plugin) fn fix(word: &str) -> Option<String> {
    let begins = word.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if word.len() > LONGEST {
        return Some(format!("write at most {LONGEST} characters"));
    }
    if WORDS.contains(&word) {
        return Some(format!("`{word}` is a word of the language, write another name"));
    }
    if begins && rest {
        return None;
    }
    let fixed: String = word
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .skip_while(|c| !c.is_ascii_lowercase())
        .collect();
    if fixed.is_empty() || WORDS.contains(&fixed.as_str()) {
        return Some("write lower-case letters, digits and `_`, a letter first".to_owned());
    }
    Some(format!("write `{fixed}`"))
}

/// What a plugin of this name would get into the way of.
pub(in crate::plugin) fn hides(plugin: &str, builtin: &Schema) -> Option<String> {
    if variables().keys().any(|variable| variable.split('.').next() == Some(plugin)) {
        return Some(format!("`{plugin}` is a variable of services"));
    }
    let Type::Named(candidate) = builtin.candidate() else { return None };
    let begins = format!("{plugin}.");
    if let Some((_, field)) = builtin.fields(candidate).find(|(_, field)| field.name.starts_with(&*begins)) {
        return Some(format!("`{}` is a built-in field", field.name));
    }
    if let Some((_, function)) = builtin.functions().find(|(_, function)| function.name.starts_with(&*begins))
    {
        return Some(format!("`{}` is a built-in function", function.name));
    }
    match builtin.field(candidate, plugin) {
        Some((_, field)) if matches!(field.ty, Type::Named(_)) => {
            Some(format!("`{plugin}` is a built-in field, of type {}, which has fields itself", field.ty))
        }
        _ => None,
    }
}

/// Why a plugin can't have this name, and what to do.
pub fn misnamed(name: &str, builtin: &Schema) -> Option<(String, String)> {
    if let Some(help) = fix(name) {
        return Some((format!("`{name}` can't be the name of a plugin"), help));
    }
    let why = hides(name, builtin)?;
    Some((format!("a plugin can't be called `{name}`: {why}"), "give the plugin another name".to_owned()))
}
