//! `docs/metrics.md` is generated from the declarations; the example alerts name only what there is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use selfsame::engine::metrics::{FAMILIES, Kind, OBJECTS_MAX};

fn page(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// The page: a fixed head, and a table of the families.
fn generated() -> String {
    let mut text = format!(
        "<!-- Generated from src/engine/metrics/families.rs: UPDATE_CASES=1 cargo test --test metrics -->\n\n{HEAD}"
    )
    .replace("OBJECTS_MAX", &OBJECTS_MAX.to_string());
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            family.name,
            family.kind.word(),
            labels.join(", "),
            family.help.trim_end_matches('.')
        )
        .unwrap();
    }
    text
}

const HEAD: &str = "\
# Metrics

A running watch answers in the text format of Prometheus (version 0.0.4): `selfsame metrics` prints what it says, asked on its control socket.

`selfsame watch specs --metrics 127.0.0.1:9464` (or `metrics` in a document of kind Engine) serves `http://127.0.0.1:9464/metrics`. Nobody is asked who they are, so
it has to be an address of this host alone unless `--metrics-remote` says otherwise. An answer is made in the loop and sent without waiting: at most 16 clients at a
time, each with 5 s.

Label values are names of objects and words from fixed lists. The first OBJECTS_MAX objects, by name, have series of their own, whatever their number of replicas;
`selfsame_objects_left_out` counts the others. What `selfsame_starts_total` and others count begins at zero with each engine, as counters may.
CPU and memory of services are not among them: ask the exporters of control groups or processes, or look at `selfsame status --watch`.

[`alerts.yaml`](alerts.yaml) has examples of alerts.

| name | type | labels | what it says |
| --- | --- | --- | --- |
";

#[test]
fn the_page_is_what_is_declared() {
    let (path, expected) = (page("metrics.md"), generated());
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, expected,
        "docs/metrics.md is stale; write it anew with `UPDATE_CASES=1 cargo test --test metrics`"
    );
}

/// The words of an expression that may be names of metrics.
fn names(expression: &str) -> BTreeSet<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression
        .split(|c| !word(c))
        .filter(|word| word.starts_with("selfsame_") || word.starts_with("process_"))
        .collect()
}

#[test]
fn the_alerts_name_only_what_there_is_and_say_what_to_do() {
    let text = std::fs::read_to_string(page("alerts.yaml")).unwrap();
    let file: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let mut named = 0;
    for group in file["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            let (alert, expr) = (rule["alert"].as_str().unwrap(), rule["expr"].as_str().unwrap());
            for name in names(expr) {
                named += 1;
                let family = FAMILIES.iter().find(|family| match family.kind {
                    Kind::Counter | Kind::Gauge => family.name == name,
                    Kind::Histogram => ["_bucket", "_sum", "_count"]
                        .iter()
                        .any(|end| name == format!("{}{end}", family.name)),
                });
                let family = family.unwrap_or_else(|| panic!("{alert}: there is no `{name}`"));
                for label in labels_asked(expr, name) {
                    assert!(family.labels.contains(&label), "{alert}: `{name}` has no label `{label}`");
                }
            }
            for key in ["summary", "description"] {
                assert!(rule["annotations"][key].as_str().is_some_and(|text| text.len() > 10), "{alert}");
            }
        }
    }
    assert!(named > 10, "{named}");
}

/// The labels in the braces behind a name.
fn labels_asked<'a>(expression: &'a str, name: &str) -> Vec<&'a str> {
    let behind = expression.split(name).skip(1).filter_map(|rest| rest.strip_prefix('{'));
    let braces = behind.filter_map(|rest| rest.split('}').next());
    braces
        .flat_map(|inside| inside.split(',').map(|part| part.split(['=', '!']).next().unwrap().trim()))
        .collect()
}
