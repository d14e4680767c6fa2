//! The types that a plugin declares, as its manifest has them.

use std::collections::BTreeSet;

use super::json::Json;
use super::names::{LONGEST, WORDS};
use super::read::{Keys, Reader};
use super::{Entry, Function, Param, fix, literal, types};
use crate::lang::schema::Cost;
use crate::lang::value::{Type, TypeName, Value};
use crate::plugin::codes;
use crate::plugin::intern::intern;
use crate::plugin::limits::{FOREIGN_MAX, PARTS_MAX, TYPES_MAX, WORDS_MAX};
use crate::plugin::own::{Enumeration, Own, OwnType};

/// Class of cost of an operation that says nothing of it: a call takes a microsecond or two.
const OPERATION_COST: Cost = 2;

/// An enumeration before its texts are kept for good.
struct Draft<'j> {
    name: String,
    summary: &'j str,
    words: Vec<&'j str>,
    foreign: Vec<(String, String)>,
}

/// Reads `enums` and `types`. Nothing is kept for good if something of it, or of what was read before, is wrong.
pub(super) fn read(reader: &mut Reader<'_>, keys: Keys<'_>, plugin: &str) -> (Own, Vec<Function>) {
    let place = "the manifest";
    let enums = reader.list(keys, place, "enums", TYPES_MAX);
    let types = reader.list(keys, place, "types", TYPES_MAX - enums.len().min(TYPES_MAX));
    let mut taken = BTreeSet::new();
    let enums: Vec<Draft<'_>> =
        enums.iter().filter_map(|json| enumeration(reader, json, plugin, &mut taken)).collect();
    let named: Vec<(String, Keys<'_>)> =
        types.iter().filter_map(|json| named(reader, json, plugin, &mut taken)).collect();
    if !reader.is_fine() {
        return Default::default();
    }
    let mut texts: Vec<&str> = Vec::new();
    for one in &enums {
        texts.push(&one.name);
        texts.extend(&one.words);
    }
    texts.extend(named.iter().map(|(name, _)| name.as_str()));
    let Some(kept) = intern(&texts) else {
        let message = "the names of its types and words are more than this process can keep".to_owned();
        reader.say(
            codes::KEPT,
            message,
            "restart selfsame: it keeps those of all plugins that it ever loaded",
        );
        return Default::default();
    };
    let mut kept = kept.into_iter();
    let enums = enums.into_iter().filter_map(|one| {
        let name = kept.next()?;
        let words = kept.by_ref().take(one.words.len()).collect();
        Some(Enumeration { name, summary: one.summary.to_owned(), words, foreign: one.foreign })
    });
    let mut own = Own { enums: enums.collect(), types: Vec::new() };
    let mut operations = Vec::new();
    for (name, (_, keys)) in kept.zip(named) {
        own.types.push(own_type(reader, name, keys, &mut operations));
    }
    (own, operations)
}

/// The whole name of a type, which no other one of the plugin has.
fn name(
    reader: &mut Reader<'_>,
    kind: &str,
    plugin: &str,
    keys: Keys<'_>,
    taken: &mut BTreeSet<String>,
) -> Option<String> {
    let word = reader.needed(keys, kind, "name")?;
    if let Some(help) = fix(word) {
        reader.say(codes::NAME, format!("`{}` can't be the name of {kind}", word.escape_debug()), help);
        return None;
    }
    let whole = format!("{plugin}.{word}");
    if types::is_taken(word) {
        let message = format!("{kind} of the plugin is called `{word}`, like a type of the language");
        reader.say(codes::TAKEN, message, "rename it");
    } else if !taken.insert(word.to_owned()) {
        reader.say(codes::TAKEN, format!("two types are called `{whole}`"), "rename one of them");
    }
    Some(whole)
}

fn enumeration<'j>(
    reader: &mut Reader<'_>,
    json: &'j Json,
    plugin: &str,
    taken: &mut BTreeSet<String>,
) -> Option<Draft<'j>> {
    let keys = reader.object(json, "an enumeration", &["name", "summary", "words", "foreign"])?;
    let name = name(reader, "an enumeration", plugin, keys, taken)?;
    let place = format!("enumeration `{name}`");
    let summary = reader.text(keys, &place, "summary").unwrap_or_default();
    let mut words: Vec<&str> = Vec::new();
    for json in reader.list(keys, &place, "words", WORDS_MAX) {
        let Json::Text(word) = json else {
            let message = format!("`words` of {place} has {}, not a text", json.words());
            reader.say(codes::VALUE, message, "write `\"words\": [\"one\", \"other\"]`");
            continue;
        };
        if let Some(help) = not_a_word(word) {
            let message = format!("`{}` can't be a word of {place}", word.escape_debug());
            reader.say(codes::NAME, message, help);
        } else if words.contains(&word.as_str()) {
            reader.say(codes::TAKEN, format!("{place} has the word `{word}` twice"), "remove one of them");
        } else {
            words.push(word);
        }
    }
    if words.is_empty() && reader.is_fine() {
        let message = format!("{place} has no words");
        reader.say(codes::VALUE, message, "write `\"words\": [\"one\", \"other\"]`");
    }
    let mut foreign = Vec::new();
    for (theirs, ours) in reader.texts(keys, &place, "foreign", FOREIGN_MAX) {
        if words.contains(&theirs) || !words.contains(&ours) {
            let message = format!(
                "`foreign` of {place} says `{}` for `{}`",
                ours.escape_debug(),
                theirs.escape_debug()
            );
            reader.say(codes::VALUE, message, "write another tool's word, and behind it one of `words`");
        }
        foreign.push((theirs.to_owned(), ours.to_owned()));
    }
    Some(Draft { name, summary, words, foreign })
}

/// What to write where a text can't be a bare word of an expression.
fn not_a_word(word: &str) -> Option<String> {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !WORDS.contains(&word)
    };
    if word.len() > LONGEST {
        return Some(format!("write at most {LONGEST} characters"));
    }
    if is_word(word) {
        return None;
    }
    let fixed: String = word.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    Some(if is_word(&fixed) {
        format!("write `{fixed}`: letters, digits and `_` stand without quotes in an expression")
    } else {
        "write letters, digits and `_`, a letter first, and no word of the language".to_owned()
    })
}

const TYPE_KEYS: [&str; 9] =
    ["name", "summary", "from", "convert", "equal", "less", "text", "cost", "examples"];

fn named<'j>(
    reader: &mut Reader<'_>,
    json: &'j Json,
    plugin: &str,
    taken: &mut BTreeSet<String>,
) -> Option<(String, Keys<'j>)> {
    let keys = reader.object(json, "a type", &TYPE_KEYS)?;
    Some((name(reader, "a type", plugin, keys, taken)?, keys))
}

fn own_type(
    reader: &mut Reader<'_>,
    name: TypeName,
    keys: Keys<'_>,
    operations: &mut Vec<Function>,
) -> OwnType {
    let place = format!("type `{name}`");
    let summary = reader.text(keys, &place, "summary").unwrap_or_default().to_owned();
    let from = from(reader, keys, &place);
    let cost = reader.cost(keys, &place).max(if keys.get("cost").is_some() { 0 } else { OPERATION_COST });
    let own = Type::Named(name);
    let mut operation = |reader: &mut Reader<'_>, key: &str, params: &[&Type], result: Type| {
        let export = reader.text(keys, &place, key)?.to_owned();
        let param = |ty: &&Type| Param { name: String::new(), ty: (*ty).clone(), default: None };
        operations.push(Function {
            entry: Entry {
                name: format!("{name} ({key})"),
                export,
                inputs: Vec::new(),
                cost,
                summary: String::new(),
                examples: Vec::new(),
            },
            params: params.iter().map(param).collect(),
            result,
            pure: true,
            trust: None,
        });
        Some(operations.len() - 1)
    };
    let convert = operation(reader, "convert", &from.iter().take(1).collect::<Vec<_>>(), own.clone());
    let equal = operation(reader, "equal", &[&own, &own], Type::Bool);
    let less = operation(reader, "less", &[&own, &own], Type::Bool);
    let text = operation(reader, "text", &[&own], Type::String);
    if convert.is_some() == from.is_empty() {
        let message = format!("{place} has one of `from` and `convert` without the other");
        reader.say(
            codes::VALUE,
            message,
            "`from` are the types of literals, `convert` the export that takes one",
        );
    }
    let examples = examples(reader, keys, &place, &from);
    OwnType { name, summary, from, convert, equal, less, text, examples }
}

/// The types of literals that stand for a value.
fn from(reader: &mut Reader<'_>, keys: Keys<'_>, place: &str) -> Vec<Type> {
    let mut from = Vec::new();
    for json in reader.list(keys, place, "from", PARTS_MAX) {
        let text = if let Json::Text(text) = json { text.as_str() } else { json.words() };
        match types::scalar(text) {
            Some(ty) if !from.contains(&ty) => from.push(ty),
            Some(ty) => {
                reader.say(codes::TAKEN, format!("`from` of {place} has {ty} twice"), "remove one of them");
            }
            None => {
                let message =
                    format!("`from` of {place} has `{}`, which is no type of a literal", text.escape_debug());
                reader.say(codes::UNKNOWN_TYPE, message, "write a plain type: `string`, `int`");
            }
        }
    }
    from
}

fn examples(reader: &mut Reader<'_>, keys: Keys<'_>, place: &str, from: &[Type]) -> Vec<Value> {
    let mut values = Vec::new();
    for json in reader.list(keys, place, "examples", PARTS_MAX) {
        match literal::of_some(json, from) {
            Some(value) => values.push(value),
            None => {
                let all: Vec<String> = from.iter().map(ToString::to_string).collect();
                let message = format!("an example of {place} is no literal of {}", all.join(", "));
                reader.say(codes::VALUE, message, "write what stands for a value in an expression");
            }
        }
    }
    values
}
