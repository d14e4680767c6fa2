//! The examples of an entry. They are run when the plugin is loaded (`plugin::examples`); here they are read.

use std::collections::BTreeMap;

use super::json::Json;
use super::read::{Keys, Reader};
use super::{Entry, Example, Param, literal};
use crate::lang::value::{Type, Value};
use crate::plugin::answer::Answer;
use crate::plugin::codes;
use crate::plugin::limits::PARTS_MAX;

/// Reads the examples of an entry with this result.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: Keys<'_>,
    place: &str,
    entry: &Entry,
    result: &Type,
    params: &[Param],
) -> Vec<Example> {
    let items = reader.list(keys, place, "examples", PARTS_MAX);
    let mut examples = Vec::new();
    for (number, json) in items.iter().enumerate() {
        let place = format!("example {} of {place}", number + 1);
        examples.extend(example(reader, json, &place, entry, result, params));
    }
    examples
}

fn example(
    reader: &mut Reader<'_>,
    json: &Json,
    place: &str,
    entry: &Entry,
    result: &Type,
    params: &[Param],
) -> Option<Example> {
    let keys = reader.object(json, place, &["match", "inputs", "arguments", "value"])?;
    let condition = reader.text(keys, place, "match").map(str::to_owned);
    let inputs = inputs(reader, keys, place, entry)?;
    let arguments = arguments(reader, keys, place, params)?;
    let Some(json) = keys.get("value") else {
        reader.say(
            codes::VALUE,
            format!("{place} has no `value`"),
            "write what must come of it, `null` for absent",
        );
        return None;
    };
    match literal::answer(json, result, reader.names()) {
        Ok(value) => Some(Example { condition, inputs, arguments, value }),
        Err(help) => {
            reader.say(codes::VALUE, format!("`value` of {place} is no {result}"), help);
            None
        }
    }
}

fn inputs(
    reader: &mut Reader<'_>,
    keys: Keys<'_>,
    place: &str,
    entry: &Entry,
) -> Option<BTreeMap<String, Answer>> {
    let mut given = BTreeMap::new();
    let known: Vec<&str> = entry.inputs.iter().map(|input| input.field.as_str()).collect();
    let Some(json) = keys.get("inputs") else { return Some(given) };
    let inner = reader.object(json, &format!("`inputs` of {place}"), &known)?;
    for input in &entry.inputs {
        let Some(json) = inner.get(&input.field) else { continue };
        match literal::answer(json, &input.ty, reader.names()) {
            Ok(value) => {
                given.insert(input.field.clone(), value);
            }
            Err(help) => {
                let message = format!("the input `{}` of {place} is no {}", input.field, input.ty);
                reader.say(codes::VALUE, message, help);
                return None;
            }
        }
    }
    Some(given)
}

fn arguments(reader: &mut Reader<'_>, keys: Keys<'_>, place: &str, params: &[Param]) -> Option<Vec<Value>> {
    let items = reader.list(keys, place, "arguments", PARTS_MAX);
    if items.len() > params.len() {
        let message = format!("{place} has {} arguments, the function takes {}", items.len(), params.len());
        reader.say(codes::VALUE, message, "remove those that are too many");
        return None;
    }
    let mut values = Vec::new();
    for (at, param) in params.iter().enumerate() {
        match (items.get(at), &param.default) {
            (Some(json), _) => match literal::value(json, &param.ty, reader.names()) {
                Ok(value) => values.push(value),
                Err(help) => {
                    let message = format!("argument `{}` of {place} is no {}", param.name, param.ty);
                    reader.say(codes::VALUE, message, help);
                    return None;
                }
            },
            (None, Some(default)) => values.push(default.clone()),
            (None, None) => {
                let message = format!("{place} has no argument `{}`", param.name);
                reader.say(codes::VALUE, message, "add it to `arguments`");
                return None;
            }
        }
    }
    Some(values)
}
