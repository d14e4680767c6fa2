//! As much of JSON Schema (draft 7) as our schema uses. A keyword that is not known here stops the test, so that no
//! rule is passed over in silence.

use regex::Regex;
use serde_json::{Map, Value};

/// Keywords that say something to people and editors only.
const ANNOTATIONS: [&str; 10] = [
    "$schema",
    "title",
    "description",
    "markdownDescription",
    "markdownEnumDescriptions",
    "examples",
    "defaultSnippets",
    "contentMediaType",
    "x-class",
    "then",
];

/// What is wrong with a value, as `path: what`.
pub(crate) fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found
}

fn check(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let schema = match schema {
        Value::Object(schema) => schema,
        Value::Bool(true) => return,
        Value::Bool(false) => return found.push(format!("{path}: not allowed")),
        other => panic!("{other} is no schema"),
    };
    for (keyword, rule) in schema {
        let ok = match keyword.as_str() {
            known if ANNOTATIONS.contains(&known) => true,
            "type" => match rule {
                Value::Array(types) => types.iter().any(|ty| is(ty, value)),
                one => is(one, value),
            },
            "enum" => rule.as_array().unwrap().contains(value),
            "const" => rule == value,
            "minLength" => value.as_str().is_none_or(|text| text.len() as u64 >= rule.as_u64().unwrap()),
            "pattern" => {
                value.as_str().is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text))
            }
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(rule, item, &format!("{path}[{at}]"), found);
                }
                true
            }
            "required" => value.as_object().is_none_or(|map| {
                rule.as_array().unwrap().iter().all(|name| map.contains_key(name.as_str().unwrap()))
            }),
            "properties" | "patternProperties" | "additionalProperties" => {
                if keyword == "properties" || !schema.contains_key("properties") {
                    members(schema, value, path, found);
                }
                true
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|form| mistakes(form, value).is_empty()),
            "allOf" => {
                rule.as_array().unwrap().iter().for_each(|form| check(form, value, path, found));
                true
            }
            "if" => {
                if mistakes(rule, value).is_empty() {
                    check(&schema["then"], value, path, found);
                }
                true
            }
            unknown => panic!("the keyword `{unknown}` is not checked"),
        };
        if !ok {
            found.push(format!("{path}: {keyword} {rule}"));
        }
    }
}

fn is(ty: &Value, value: &Value) -> bool {
    match ty.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("no type {other}"),
    }
}

fn members(schema: &Map<String, Value>, value: &Value, path: &str, found: &mut Vec<String>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        let path = format!("{path}/{name}");
        let mut known = false;
        if let Some(rule) = schema.get("properties").and_then(|rules| rules.get(name)) {
            known = true;
            check(rule, member, &path, found);
        }
        for (pattern, rule) in
            schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten()
        {
            if Regex::new(pattern).unwrap().is_match(name) {
                known = true;
                check(rule, member, &path, found);
            }
        }
        if let Some(rule) = schema.get("additionalProperties").filter(|_| !known) {
            check(rule, member, &path, found);
        }
    }
}
