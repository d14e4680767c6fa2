//! What an editor is told about plugins.

use serde_json::{Value, json};

use super::client::Client;
use super::made::{COMM, Made, TYPES};
use super::support::Bench;

const HEAD: &str =
    "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  startas: /bin/sh\n";
const OLDER: &str = r#"{"name": "older", "params": [{"name": "a", "type": "string"}], "result": "string", "export": "echo", "pure": true, "summary": "the same"}"#;

/// A conversation about a document beside a plugin.
fn opened(bench: &Bench, expression: &str) -> (Client, String) {
    opened_beside(bench, format!(r#""fields": [{COMM}], "functions": [{OLDER}]"#), expression)
}

fn opened_beside(bench: &Bench, entries: String, expression: &str) -> (Client, String) {
    Made { name: "tag", version: "1.2.3", entries }.write(bench);
    let mut client = Client::start(&mut bench.command(&["lsp"]));
    client.result("initialize", json!({"processId": null, "rootUri": null, "capabilities": {}}));
    client.notify("initialized", json!({}));
    let uri = format!("file://{}", bench.path("specs/web.yaml").display());
    client.open(&uri, &format!("{HEAD}  match: {expression}\n"));
    (client, uri)
}

fn labels(answer: &Value) -> Vec<String> {
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn names_of_a_plugin_are_completed_and_described() {
    let bench = Bench::new();
    let (mut client, uri) = opened(&bench, "'tag.comm == \"sh\" && tag.older(comm) == \"x\"'");
    assert_eq!(client.diagnostics(&uri), Vec::<Value>::new());
    let hover = client.at("textDocument/hover", &uri, 5, 17);
    let text = hover["contents"]["value"].as_str().unwrap();
    for words in
        ["tag.comm: string", "the name of the kernel", "cost 3 of 6", "from plugin tag 1.2.3, of comm"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let hover = client.at("textDocument/hover", &uri, 5, 36);
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(
        text.contains("tag.older(a: string): string") && text.contains("from plugin tag 1.2.3"),
        "{text}"
    );
    let signature = client.at("textDocument/signatureHelp", &uri, 5, 42);
    assert_eq!(signature["signatures"][0]["label"], "tag.older(a: string): string");
    client.hang_up();
}

#[test]
fn what_follows_the_dot_is_offered() {
    let bench = Bench::new();
    let (mut client, uri) = opened(&bench, "tag.");
    let _ = client.diagnostics(&uri);
    let offered = labels(&client.at("textDocument/completion", &uri, 5, 13));
    assert!(offered.contains(&"comm".to_owned()) && offered.contains(&"older".to_owned()), "{offered:?}");
    client.hang_up();
}

#[test]
fn words_and_comparisons_of_its_types_are_offered() {
    for (expression, wanted, other) in [
        ("tag.sort == ", &["shell", "server"][..], "sleeping"),
        ("tag.age ", &["<", ">=", "==", "in"][..], "like"),
    ] {
        let bench = Bench::new();
        let (mut client, uri) = opened_beside(&bench, TYPES.to_owned(), expression);
        let _ = client.diagnostics(&uri);
        let offered = labels(&client.at("textDocument/completion", &uri, 5, 9 + expression.len()));
        for word in wanted {
            assert!(offered.contains(&(*word).to_owned()), "{word}: {offered:?}");
        }
        assert!(!offered.contains(&other.to_owned()), "{offered:?}");
        client.hang_up();
    }
}

#[test]
fn mistakes_are_those_of_check() {
    let bench = Bench::new();
    let (mut client, uri) = opened(&bench, "tag.com == \"sh\"");
    let found = client.diagnostics(&uri);
    assert!(found[0]["message"].as_str().unwrap().contains("did you mean `tag.comm`?"), "{found:?}");
    client.hang_up();
}
