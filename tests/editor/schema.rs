//! The JSON Schema: every field is described, good documents pass, broken ones don't.

use std::fs;
use std::path::Path;

use selfsame::spec::json_schema;
use selfsame::spec::table::{self, Kind, Table};
use serde::Deserialize as _;
use serde_json::Value;

use crate::validator::mistakes;

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}

#[test]
fn every_field_of_every_table_is_described() {
    let schema = json_schema();
    let mut count = 0;
    walk(&schema, &table::DOCUMENT, &mut count);
    for kind in table::KINDS.now {
        let forms = schema["allOf"].as_array().unwrap();
        let form = forms.iter().find(|form| form["if"]["properties"]["kind"]["const"] == *kind).unwrap();
        for field in table::document_of(kind).unwrap().fields {
            if let Kind::Object(inner) = field.kind {
                walk(&form["then"]["properties"][field.name], inner, &mut count);
            }
        }
    }
    assert!(count > 60, "{count}");
}

fn walk(schema: &Value, table: &Table, count: &mut usize) {
    let schema = match schema["anyOf"].as_array() {
        Some(forms) => forms.iter().find(|form| form["type"] == "object").unwrap(),
        None => schema,
    };
    assert_eq!(schema["additionalProperties"], false, "{}", table.name);
    assert!(schema["patternProperties"]["^x-"].is_object(), "{}", table.name);
    for field in table.fields {
        *count += 1;
        let property = &schema["properties"][field.name];
        let name = format!("{}.{}", table.name, field.name);
        let text = |key: &str| property[key].as_str().unwrap_or_default().to_owned();
        assert!(text("description").contains(field.summary), "{name}");
        assert!(text("markdownDescription").contains(field.example), "{name}");
        let examples = property["examples"].as_array().unwrap_or_else(|| panic!("{name} has an example"));
        for example in examples {
            assert_eq!(mistakes(property, example), [""; 0], "the example of {name}");
        }
        match field.kind {
            Kind::Expression => assert_eq!(property["contentMediaType"], "text/x-selfsame-match", "{name}"),
            Kind::Words(words) => {
                let meanings = property["markdownEnumDescriptions"].as_array().unwrap();
                assert_eq!(meanings.len(), words.now.len(), "{name}");
            }
            // What these hold depends on the kind.
            Kind::Object(_) if ["metadata", "spec"].contains(&field.name) => {}
            Kind::Object(inner) | Kind::WordsOrObject(_, inner) | Kind::SignalOrObject(inner) => {
                walk(property, inner, count);
            }
            Kind::OneOrMany(Kind::WordsOrObject(_, inner)) => walk(&property["anyOf"][0], inner, count),
            Kind::List(Kind::Object(inner)) => walk(&property["items"], inner, count),
            Kind::Map(Kind::Object(inner) | Kind::ExpressionOrObject(inner)) => {
                walk(&property["additionalProperties"], inner, count);
            }
            _ => {}
        }
    }
}

#[test]
fn the_samples_are_valid() {
    let schema = json_schema();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["specs", "examples/specs-more", "examples/matchers"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            for document in documents(&fs::read_to_string(&path).unwrap()) {
                assert_eq!(mistakes(&schema, &document), [""; 0], "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count >= 8, "{count}");
}

const HEAD: &str = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: a, x-note: 1}\nx-more: [1]\nspec:\n  startas: /a\n";

const MATCHER: &str = "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: web}\nspec:\n  lists: {admins: {type: user, items: [root]}}\n  define:\n    a: alive\n    b: {params: {port: int}, expr: pid == port}\n  tests:\n    - {name: x, expect: {a: true}, process: {uid: 0}}\n";

#[test]
fn good_documents_pass() {
    let schema = json_schema();
    assert_eq!(mistakes(&schema, &documents(MATCHER)[0]), [""; 0]);
    for more in [
        "",
        "  match: exe == startas\n",
        "  stdout: null\n  stderr: {file: /a.log}\n",
        "  limits: {nofile: 4096, core: unlimited, stack: {soft: 1MiB}}\n",
        "  readiness: {tcp: {port: 80}, period: 1m30s}\n",
        "  restart: {jitter: 10%, successCodes: [3]}\n",
        "  user: 33\n  umask: \"0027\"\n",
        "  x-anything: {a: 1}\n",
        "  scheduling: {cpuAffinity: [0, 2-3], nice: -5}\n",
    ] {
        for document in documents(&format!("{HEAD}{more}")) {
            assert_eq!(mistakes(&schema, &document), [""; 0], "{more}");
        }
    }
}

#[test]
fn broken_documents_do_not_pass() {
    let schema = json_schema();
    let with = |more: &str| format!("{HEAD}{more}");
    for (text, place) in [
        (HEAD.replace("selfsame/v1", "selfsame/v2"), "/apiVersion"),
        (HEAD.replace("Service", "Sevice"), "/kind"),
        (HEAD.replace("  startas: /a\n", "  args: []\n"), "/spec"),
        (HEAD.replace("name: a", "nam: a"), "/metadata"),
        (HEAD.replace("x-more", "more"), "/more"),
        (with("  matches: exe == startas\n"), "/spec/matches"),
        (with("  match: ''\n"), "/spec/match"),
        (with("  match: [a]\n"), "/spec/match"),
        (with("  replicas: 0\n"), "/spec/replicas"),
        (with("  replicas: many\n"), "/spec/replicas"),
        (with("  state: runing\n"), "/spec/state"),
        (with("  args: --port 80\n"), "/spec/args"),
        (with("  startTimeout: 90\n"), "/spec/startTimeout"),
        (with("  limits: {nofiles: 1}\n"), "/spec/limits/nofiles"),
        (with("  limits: {nofile: {soft: 1, firm: 2}}\n"), "/spec/limits/nofile"),
        (with("  readiness: {tcp: {port: 70000}}\n"), "/spec/readiness/tcp/port"),
        (with("  stop: {schedule: [{signal: TERM}]}\n"), "/spec/stop/schedule[0]"),
        (with("  stdout: inherited\n"), "/spec/stdout"),
        (with("  env: [A=b]\n"), "/spec/env"),
        (with("  restart: {jitter: 2}\n"), "/spec/restart/jitter"),
        (MATCHER.replace("define:", "defines:"), "/spec/defines"),
        (MATCHER.replace("expr:", "exp:"), "/spec/define/b"),
        (MATCHER.replace("true", "yes"), "/spec/tests[0]/expect/a"),
        (MATCHER.replace("items: [root]", "item: [root]"), "/spec/lists/admins"),
        (MATCHER.replace("  lists:", "  startas: /a\n  lists:"), "/spec/startas"),
        (MATCHER.replace("name: web", "name: web, previousName: a"), "/metadata/previousName"),
    ] {
        for document in documents(&text) {
            let found = mistakes(&schema, &document);
            assert!(
                found.iter().any(|mistake| mistake.starts_with(&format!("{place}:"))),
                "{text}\n{found:?}"
            );
        }
    }
}
