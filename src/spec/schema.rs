//! A JSON Schema of documents, for editors and validators, from the same tables that reading uses.

use serde_json::{Map, Value, json};

use super::table::{self, Field, Kind, Table, Words};

/// JSON Schema (draft 2020-12) of a document: that of a Matcher if it says so, that of a Service otherwise.
pub fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "selfsame document",
        "type": "object",
        "properties": { "kind": enumeration(&table::KINDS) },
        "if": { "properties": { "kind": { "const": "Matcher" } }, "required": ["kind"] },
        "then": document(&table::MATCHER_DOCUMENT, "Matcher"),
        "else": document(&table::DOCUMENT, "Service"),
    })
}

fn document(table: &Table, kind: &str) -> Value {
    let mut schema = object(table);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("apiVersion".into(), json!({ "const": super::API_VERSION }));
        properties.insert("kind".into(), json!({ "const": kind }));
    }
    schema
}

fn object(table: &Table) -> Value {
    let properties: Map<String, Value> =
        table.fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let required: Vec<&str> =
        table.fields.iter().filter(|field| field.default == "required").map(|field| field.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
    })
}

fn property(field: &Field) -> Value {
    let mut schema = of(&field.kind);
    if let Value::Object(map) = &mut schema {
        let default = if field.default == "required" {
            String::new()
        } else {
            format!(" (default: {})", field.default)
        };
        map.insert("description".into(), json!(format!("{}{default}", field.summary)));
        map.insert("x-class".into(), json!(format!("{:?}", field.class).to_lowercase()));
    }
    schema
}

fn of(kind: &Kind) -> Value {
    match kind {
        Kind::Text | Kind::Account => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Path | Kind::Expression | Kind::Type => json!({ "type": "string", "minLength": 1 }),
        Kind::ExpressionOrObject(table) => json!({ "anyOf": [of(&Kind::Expression), object(table)] }),
        Kind::Facts => json!({ "type": "object" }),
        Kind::Duration => json!({ "type": "string", "pattern": "^([0-9][0-9_.]*(ns|us|µs|ms|s|m|h|d))+$" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Fraction => json!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": 1 },
            { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%?$" },
        ] }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Mode | Kind::Signal | Kind::LimitValue => json!({ "type": ["integer", "string"] }),
        Kind::Limit => json!({ "anyOf": [
            of(&Kind::LimitValue),
            object(&table::LIMIT),
        ] }),
        Kind::Cpus => json!({ "type": "array", "minItems": 1, "items": { "type": ["integer", "string"] } }),
        Kind::Words(words) => enumeration(words),
        Kind::List(item) => json!({ "type": "array", "items": of(item) }),
        Kind::Map(item) => json!({ "type": "object", "additionalProperties": of(item) }),
        Kind::Object(table) => object(table),
        Kind::WordsOrObject(words, table) => {
            let mut forms = vec![enumeration(words), object(table)];
            if words.now.contains(&"null") {
                forms.push(json!({ "type": "null" }));
            }
            json!({ "anyOf": forms })
        }
    }
}

fn enumeration(words: &Words) -> Value {
    // `true` and `false` are no texts in YAML.
    let value = |word: &&str| match *word {
        "true" => json!(true),
        "false" => json!(false),
        word => json!(word),
    };
    json!({ "enum": words.now.iter().map(value).collect::<Vec<_>>() })
}
