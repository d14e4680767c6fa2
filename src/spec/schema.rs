//! A JSON Schema of documents, for editors and validators, from the same tables that reading uses.
//!
//! Draft 7, which is what editors of YAML understand, with their additions: `markdownDescription`, `defaultSnippets`,
//! `markdownEnumDescriptions`. What a document may hold below `spec` depends on its `kind`. Mappings are closed,
//! except for keys that begin with `x-`.

use serde_json::{Map, Value, json};

use super::table::{self, Class, Field, Kind, LIMIT_NAMES, Table, Words};

/// The type of expressions, for editors that colour text inside text.
pub const EXPRESSION_MEDIA_TYPE: &str = "text/x-selfsame-match";

/// JSON Schema (draft 7) of a document.
pub fn json_schema() -> Value {
    let mut schema = object(&table::DOCUMENT);
    let kinds: Vec<Value> = table::KINDS.now.iter().filter_map(|kind| of_kind(kind)).collect();
    put(&mut schema, "$schema", json!("http://json-schema.org/draft-07/schema#"));
    put(&mut schema, "title", json!("selfsame document"));
    put(&mut schema, "description", json!("what selfsame keeps running, and how it recognises it"));
    put(&mut schema, "allOf", json!(kinds));
    put(&mut schema, "defaultSnippets", json!([smallest()]));
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        if let Some(version) = properties.get_mut("apiVersion") {
            put(version, "const", json!(super::API_VERSION));
            put(version, "type", json!("string"));
        }
        // What they may hold depends on the kind.
        for part in ["metadata", "spec"] {
            let Some(Value::Object(part)) = properties.get_mut(part) else { continue };
            for rule in ["properties", "patternProperties", "additionalProperties", "required"] {
                part.remove(rule);
            }
        }
    }
    schema
}

/// What follows from a kind.
fn of_kind(kind: &str) -> Option<Value> {
    let document = table::document_of(kind)?;
    let parts = document.fields.iter().filter(|field| matches!(field.kind, Kind::Object(_)));
    let parts: Map<String, Value> = parts.map(|field| (field.name.to_owned(), property(field))).collect();
    Some(json!({
        "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] },
        "then": { "properties": parts },
    }))
}

/// A document to begin with.
fn smallest() -> Value {
    json!({
        "label": "Service",
        "description": "a long-running process",
        "body": {
            "apiVersion": super::API_VERSION,
            "kind": "Service",
            "metadata": { "name": "${1:shop}" },
            "spec": { "startas": "${2:/srv/shop/shop.py}" },
        },
    })
}

fn put(schema: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = schema {
        map.insert(key.to_owned(), value);
    }
}

fn object(table: &Table) -> Value {
    let properties: Map<String, Value> =
        table.fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let required: Vec<&str> =
        table.fields.iter().filter(|field| field.default == "required").map(|field| field.name).collect();
    let mut schema = closed(&properties);
    put(&mut schema, "required", json!(required));
    schema
}

fn closed(properties: &Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
    })
}

fn property(field: &Field) -> Value {
    let mut schema = of(&field.kind, field.name);
    put(&mut schema, "description", json!(description(field)));
    put(&mut schema, "markdownDescription", json!(markdown(field)));
    put(&mut schema, "x-class", json!(class(field.class)));
    if let Some(example) = example(field) {
        put(&mut schema, "examples", json!([example]));
        if matches!(
            field.kind,
            Kind::Object(_)
                | Kind::WordsOrObject(..)
                | Kind::SignalOrObject(_)
                | Kind::List(_)
                | Kind::OneOrMany(_)
                | Kind::Map(_)
        ) {
            let snippet = json!({ "label": field.example, "body": example });
            put(&mut schema, "defaultSnippets", json!([snippet]));
        }
    }
    schema
}

fn description(field: &Field) -> String {
    match field.default {
        "required" => format!("{} (required)", field.summary),
        default => format!("{} (default: {default})", field.summary),
    }
}

fn markdown(field: &Field) -> String {
    let default = match field.default {
        "required" => "required".to_owned(),
        default => format!("default: {default}"),
    };
    let change = match field.class {
        Class::Restart => "a change restarts the process",
        Class::Live => "a change takes effect on the process as it runs",
        Class::New => "a change makes it another object",
        Class::NextRun => "a change counts for the next run",
    };
    let mut text = format!("{}\n\n{default}; {change}", field.summary);
    if field.kind == Kind::Expression {
        text.push_str("\n\nA match expression: fields of a process, `==`, `under`, `in`, `&&`, `||`, `!`.");
    }
    text.push_str(&format!("\n\n```yaml\n{}: {}\n```", field.name, field.example));
    text
}

/// What a change means, in one word.
fn class(class: Class) -> &'static str {
    match class {
        Class::Restart => "restart",
        Class::Live => "live",
        Class::New => "new",
        Class::NextRun => "nextRun",
    }
}

/// The example of a row as a value.
fn example(field: &Field) -> Option<Value> {
    serde_yaml::from_str(field.example).ok()
}

fn of(kind: &Kind, name: &str) -> Value {
    match kind {
        Kind::Text | Kind::Account => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Path | Kind::Type | Kind::Address | Kind::HostExpression => {
            json!({ "type": "string", "minLength": 1 })
        }
        Kind::Expression => {
            json!({ "type": "string", "minLength": 1, "contentMediaType": EXPRESSION_MEDIA_TYPE })
        }
        Kind::ExpressionOrObject(table) => json!({ "anyOf": [of(&Kind::Expression, name), object(table)] }),
        Kind::Facts => json!({ "type": "object" }),
        Kind::Duration => json!({ "type": "string", "pattern": "^([0-9][0-9_.]*(ns|us|µs|ms|s|m|h|d))+$" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Fraction => json!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": 1 },
            { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%?$" },
        ] }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Mode | Kind::Signal | Kind::LimitValue | Kind::Size => json!({ "type": ["integer", "string"] }),
        Kind::Limit => json!({ "anyOf": [
            of(&Kind::LimitValue, name),
            object(&table::LIMIT),
        ] }),
        Kind::Processors => json!({ "anyOf": [
            { "type": "number", "minimum": 0.01 },
            { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%?$" },
        ] }),
        Kind::Count => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^([0-9]+|[0-9]*\\.\\.=?[0-9]+|[0-9]+\\.\\.)$" },
        ] }),
        Kind::Lasting => {
            json!({ "type": "string", "pattern": "^([0-9]+ of [0-9]+|([0-9][0-9_.]*(ns|us|µs|ms|s|m|h|d))+)$" })
        }
        Kind::Message => json!({ "type": "string" }),
        Kind::Cpus => json!({ "type": "array", "minItems": 1, "items": { "type": ["integer", "string"] } }),
        Kind::Words(words) => enumeration(words, name),
        Kind::List(item) => json!({ "type": "array", "items": of(item, name) }),
        Kind::Map(Kind::Limit) => {
            let limit = |(limit, sizes): &(&str, bool)| ((*limit).to_owned(), limit_of(limit, *sizes));
            closed(&LIMIT_NAMES.iter().map(limit).collect())
        }
        Kind::Map(item) => json!({ "type": "object", "additionalProperties": of(item, name) }),
        Kind::OneOrMany(item) => {
            json!({ "anyOf": [of(item, name), { "type": "array", "items": of(item, name) }] })
        }
        Kind::SignalOrObject(table) => json!({ "anyOf": [of(&Kind::Signal, name), object(table)] }),
        Kind::Object(table) => object(table),
        Kind::WordsOrObject(words, table) => {
            let mut forms = vec![enumeration(words, name), object(table)];
            if words.now.contains(&"null") {
                forms.push(json!({ "type": "null" }));
            }
            json!({ "anyOf": forms })
        }
    }
}

fn limit_of(name: &str, sizes: bool) -> Value {
    let mut schema = of(&Kind::Limit, name);
    let unit = if sizes { "a size such as `64MiB`" } else { "a number" };
    let text = format!("RLIMIT_{} of setrlimit(2): {unit} or `unlimited`", name.to_uppercase());
    put(&mut schema, "description", json!(text));
    schema
}

fn enumeration(words: &Words, name: &str) -> Value {
    // `true` and `false` are no texts in YAML.
    let value = |word: &&str| match *word {
        "true" => json!(true),
        "false" => json!(false),
        word => json!(word),
    };
    let values: Vec<Value> = words.now.iter().map(value).collect();
    let meanings: Vec<&str> =
        words.now.iter().map(|word| table::meaning(name, word).unwrap_or_default()).collect();
    json!({ "enum": values, "markdownEnumDescriptions": meanings })
}
