//! The JSON Schema in the hands of the server that editors use for YAML. Asks a package registry, so it runs only when
//! asked for: `SELFSAME_YAML_SERVER=1 cargo test --test editor yaml_server -- --nocapture`.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::client::Client;

/// The version that the expectations below were written for.
const PACKAGE: &str = "yaml-language-server@1.19.2";

fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Why the test can't run here.
fn missing() -> Option<&'static str> {
    if std::env::var_os("SELFSAME_YAML_SERVER").is_none() {
        return Some("SELFSAME_YAML_SERVER is not set (it would ask a package registry)");
    }
    (!has("node") || !has("npm")).then_some("node or npm is missing")
}

#[test]
fn the_yaml_server_understands_the_schema() {
    if let Some(reason) = missing() {
        return eprintln!("skipped: {reason}");
    }
    let dir = tempfile::tempdir().unwrap();
    let installed = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE])
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    if !installed.success() {
        return eprintln!("skipped: {PACKAGE} can't be installed here");
    }
    let schema = dir.path().join("schema.json");
    fs::write(&schema, selfsame::spec::json_schema().to_string()).unwrap();
    let mut command = Command::new("node");
    command.arg(dir.path().join("node_modules/yaml-language-server/bin/yaml-language-server")).arg("--stdio");
    let mut client = Client::start(&mut command);
    client.configuration = json!({"yaml": {
        "schemas": { format!("file://{}", schema.display()): "*.yaml" },
        "validate": true, "hover": true, "completion": true, "schemaStore": {"enable": false},
    }});
    client.result(
        "initialize",
        json!({"processId": null, "rootUri": null, "capabilities": {
            "workspace": {"configuration": true, "didChangeConfiguration": {"dynamicRegistration": true}},
            "textDocument": {"completion": {"completionItem": {"snippetSupport": true, "documentationFormat": ["markdown"]}}},
        }}),
    );
    client.notify("initialized", json!({}));
    let settings = client.configuration.clone();
    client.notify("workspace/didChangeConfiguration", json!({"settings": settings}));

    let good = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  startas: /a\n  match: alive\n  state: running\n  x-note: 1\n  \n";
    let uri = "file:///specs/good.yaml";
    client.open(uri, good);
    assert_eq!(client.diagnostics(uri), Vec::<Value>::new());

    let broken = good.replace("  match:", "  matches:").replace("running", "runing");
    let other = "file:///specs/broken.yaml";
    client.open(other, &broken);
    let found: Vec<String> =
        client.diagnostics(other).iter().map(|d| d["message"].as_str().unwrap().to_owned()).collect();
    assert!(found.iter().any(|text| text.contains("matches")), "{found:?}");
    assert!(found.iter().any(|text| text.contains("\"stopped\"")), "{found:?}");

    let hover = client.at("textDocument/hover", uri, 5, 4).to_string();
    assert!(hover.contains("a further condition on the default identity rule"), "{hover}");

    let labels = |answer: &Value| -> Vec<String> {
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["label"].as_str().unwrap().to_owned())
            .collect()
    };
    let fields = labels(&client.at("textDocument/completion", uri, 8, 2));
    for field in ["replicas", "readiness", "matchOnly", "limits"] {
        assert!(fields.iter().any(|label| label == field), "{field} in {fields:?}");
    }
    let words = labels(&client.at("textDocument/completion", uri, 6, 9));
    assert!(words.iter().any(|label| label == "observed"), "{words:?}");

    // What a document may hold depends on its kind.
    let matcher = "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: web}\nspec:\n  define:\n    a: alive\n    b: {params: {port: int}, expr: pid == port}\n  \n";
    let uri = "file:///specs/matcher.yaml";
    client.open(uri, matcher);
    assert_eq!(client.diagnostics(uri), Vec::<Value>::new());
    let fields = labels(&client.at("textDocument/completion", uri, 7, 2));
    assert!(fields.iter().any(|label| label == "tests"), "{fields:?}");
    assert!(fields.iter().all(|label| label != "replicas"), "{fields:?}");
}
