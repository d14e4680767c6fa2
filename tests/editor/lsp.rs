//! `selfsame lsp` over its protocol: the real binary, spoken to as an editor does.

use serde_json::{Value, json};

use crate::client::Client;
use crate::support::Bench;

const HEAD: &str =
    "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  startas: /bin/sh\n";
const URI: &str = "file:///srv/my%20specs/web.yaml";

fn started(bench: &Bench, capabilities: Value) -> (Client, Value) {
    let mut client = Client::start(&mut bench.command(&["lsp"]));
    let about = client
        .result("initialize", json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
    client.notify("initialized", json!({}));
    (client, about)
}

fn snippets() -> Value {
    json!({"textDocument": {"completion": {"completionItem": {"snippetSupport": true}}}})
}

fn range(from: (usize, usize), to: (usize, usize)) -> Value {
    json!({"start": {"line": from.0, "character": from.1}, "end": {"line": to.0, "character": to.1}})
}

#[track_caller]
fn ends_well(mut client: Client) {
    assert_eq!(client.result("shutdown", Value::Null), Value::Null);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended().code(), Some(0));
}

#[test]
fn it_says_what_it_can_and_ends_when_asked() {
    let bench = Bench::new();
    let (client, about) = started(&bench, json!({}));
    let able = &about["capabilities"];
    assert_eq!(able["positionEncoding"], "utf-16");
    assert_eq!(able["textDocumentSync"], json!({"openClose": true, "change": 2, "save": true}));
    for ability in ["hoverProvider", "definitionProvider", "documentFormattingProvider"] {
        assert_eq!(able[ability], true, "{ability}");
    }
    assert_eq!(about["serverInfo"]["name"], "selfsame");
    ends_well(client);
    assert!(!bench.path("state").exists(), "it writes nothing");
}

#[test]
fn mistakes_are_those_of_check_with_exact_places() {
    let bench = Bench::new();
    let text = format!("{HEAD}  # 🦀\n  match: \"alive && '🦀' && usr == 1\"\n  match: alive\n  nosuch: 1\n");
    let text = text.replace("  match: alive\n", "").replace("'🦀'", "comm == \\\"🦀\\\"");
    let (mut client, _) = started(&bench, json!({}));
    client.open(URI, &text);
    let found = client.diagnostics(URI);
    let usr = found.iter().find(|d| d["message"].as_str().unwrap().contains("`usr`")).unwrap();
    let column = "  match: \"alive && comm == \\\"🦀\\\" && ".encode_utf16().count();
    assert_eq!(usr["range"], range((6, column), (6, column + 3)));
    assert_eq!((&usr["severity"], &usr["source"]), (&json!(1), &json!("selfsame")));
    assert!(usr["message"].as_str().unwrap().contains("help: did you mean `user`?"), "{usr}");
    let unknown = found.iter().find(|d| d["code"] == "S020").unwrap();
    assert_eq!(unknown["range"], range((7, 2), (7, 8)));

    // The same codes as `check`.
    bench.write("specs/web.yaml", &text);
    let rows: Value =
        serde_json::from_str(&bench.run(&["check", "specs", "--output", "json"]).stdout).unwrap();
    let codes =
        |rows: &[Value]| rows.iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(codes(rows.as_array().unwrap()), codes(&found));

    // Mended by degrees, in the form that editors use.
    client.notify(
        "textDocument/didChange",
        json!({
            "textDocument": {"uri": URI, "version": 2},
            "contentChanges": [
                {"range": range((7, 0), (8, 0)), "text": ""},
                {"range": range((6, column), (6, column + 8)), "text": "!self"},
            ],
        }),
    );
    assert_eq!(client.diagnostics(URI), Vec::<Value>::new());
    client.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": URI, "version": 3}, "contentChanges": [{"text": format!("{HEAD}  match: exe ==\n")}]}),
    );
    assert_eq!(client.diagnostics(URI).len(), 1);
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": URI}}));
    assert_eq!(client.diagnostics(URI), Vec::<Value>::new());
    ends_well(client);
}

#[test]
fn other_places_of_a_mistake_are_related() {
    let bench = Bench::new();
    let (mut client, _) = started(&bench, json!({}));
    client.open(URI, &format!("{HEAD}  replicas: 2\n  replicas: 3\n"));
    let found = client.diagnostics(URI);
    assert_eq!(found[0]["code"], "Y005");
    assert_eq!(found[0]["range"], range((6, 2), (6, 10)));
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(related["message"], "first");
    assert_eq!(related["location"], json!({"uri": URI, "range": range((5, 2), (5, 10))}));
    ends_well(client);
}

#[test]
fn about_the_yaml_of_others_nothing_is_said() {
    let bench = Bench::new();
    let (mut client, _) = started(&bench, json!({}));
    client.open(URI, "apiVersion: v1\nkind: Pod\nspec:\n  match: exe\n");
    assert_eq!(client.diagnostics(URI), Vec::<Value>::new());
    assert_eq!(client.at("textDocument/hover", URI, 3, 10), Value::Null);
    assert_eq!(client.at("textDocument/completion", URI, 3, 10)["items"], json!([]));
    ends_well(client);
}

#[test]
fn positions_follow_the_agreed_encoding() {
    let bench = Bench::new();
    let text = format!("{HEAD}  match: |\n    \"🦀\" == name && exe == startas\n");
    for (encodings, name, shift) in
        [(json!(["utf-16"]), "utf-16", 2), (json!(["utf-16", "utf-8"]), "utf-8", 4)]
    {
        let (mut client, about) = started(&bench, json!({"general": {"positionEncodings": encodings}}));
        assert_eq!(about["capabilities"]["positionEncoding"], name);
        client.open(URI, &text);
        client.diagnostics(URI);
        let column = "    \"".len() + shift + "\" == name && ".len();
        let hover = client.at("textDocument/hover", URI, 6, column + 1);
        assert_eq!(hover["range"], range((6, column), (6, column + 3)), "{name}");
        ends_well(client);
    }
}

#[test]
fn hover_tells_type_cost_privilege_and_trust() {
    let bench = Bench::new();
    let (mut client, _) = started(&bench, json!({}));
    client.open(URI, &format!("{HEAD}  # é🦀\n  match: exe == startas\n"));
    let hover = client.at("textDocument/hover", URI, 6, 10);
    assert_eq!(hover["range"], range((6, 9), (6, 12)));
    assert_eq!(hover["contents"]["kind"], "markdown");
    let text = hover["contents"]["value"].as_str().unwrap();
    for part in ["exe: file", "cost 2 of 6", "CAP_SYS_PTRACE", "the kernel attests it", "/proc/PID/exe"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let key = client.at("textDocument/hover", URI, 6, 3);
    assert!(key["contents"]["value"].as_str().unwrap().contains("a further condition"), "{key}");
    ends_well(client);
}

#[test]
fn completion_works_in_what_does_not_parse() {
    let bench = Bench::new();
    let (mut client, _) = started(&bench, snippets());
    client.open(URI, &format!("{HEAD}  match: 'exe == inter\n"));
    assert!(!client.diagnostics(URI).is_empty(), "the quote is open");
    let answer = client.at("textDocument/completion", URI, 5, 22);
    let items = answer["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["label"] == "interpreter").unwrap();
    assert_eq!(item["insertTextFormat"], 2);
    assert_eq!(
        item["textEdit"],
        json!({"range": range((5, 17), (5, 22)), "newText": "interpreter(${1:path})"})
    );
    assert_eq!(item["detail"], "interpreter(path: path): file");
    assert!(item["documentation"]["value"].as_str().unwrap().contains("the kernel runs"), "{item}");
    let help = client.at("textDocument/signatureHelp", URI, 5, 22);
    assert_eq!(help, Value::Null);
    client.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": range((5, 22), (5, 22)), "text": "preter("}]}),
    );
    let help = client.at("textDocument/signatureHelp", URI, 5, 29);
    assert_eq!(help["signatures"][0]["label"], "interpreter(path: path): file");
    assert_eq!(help["activeParameter"], 0);
    ends_well(client);

    let (mut plain, _) = started(&bench, json!({}));
    plain.open(URI, &format!("{HEAD}  match: run\n"));
    let answer = plain.at("textDocument/completion", URI, 5, 12);
    let item =
        answer["items"].as_array().unwrap().iter().find(|item| item["label"] == "runs").unwrap().clone();
    assert_eq!((&item["insertTextFormat"], &item["textEdit"]["newText"]), (&json!(1), &json!("runs")));
    ends_well(plain);
}

const MATCHER: &str = "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: web}\nspec:\n  # é\n  lists:\n    admins: {type: user, items: [root]}\n  define:\n    instance:\n      params: {port: int}\n      expr: arg(\"--port\") == \"${port}\"\n";

#[test]
fn definitions_of_other_files_are_known_and_found() {
    let bench = Bench::new();
    let matchers = bench.write("specs/a b.yaml", MATCHER);
    let matcher_uri = format!("file://{}", matchers.display()).replace(' ', "%20");
    let uri = format!("file://{}/web.yaml", bench.path("specs").display());
    let (mut client, _) = started(&bench, snippets());
    client.open(&uri, &format!("{HEAD}  match: web.instance(80) && user in @web.admins\n"));
    assert_eq!(client.diagnostics(&uri), Vec::<Value>::new());
    let found = client.at("textDocument/definition", &uri, 5, 14);
    assert_eq!(found, json!({"uri": matcher_uri, "range": range((8, 4), (8, 12))}));
    let found = client.at("textDocument/definition", &uri, 5, 40);
    assert_eq!(found, json!({"uri": matcher_uri, "range": range((6, 4), (6, 10))}));
    assert_eq!(client.at("textDocument/definition", &uri, 5, 28), Value::Null);
    let items = client.at("textDocument/completion", &uri, 5, 17)["items"].clone();
    let item = items.as_array().unwrap().iter().find(|item| item["label"] == "instance").unwrap().clone();
    assert_eq!(item["textEdit"]["newText"], "instance(${1:port})");
    assert_eq!(item["detail"], "web.instance(port: int): bool");

    // What is open counts, not what is on disk; documents beside it follow.
    client.open(&matcher_uri, &MATCHER.replace("instance:", "instances:"));
    assert_eq!(client.diagnostics(&matcher_uri), Vec::<Value>::new());
    let now = client.diagnostics(&uri);
    assert!(now.len() == 1 && now[0]["message"].as_str().unwrap().contains("web.instances"), "{now:?}");
    // Mended, it is there again; closed, what is on disk counts.
    let change = |client: &mut Client, version: u32, text: &str| {
        client.notify(
            "textDocument/didChange",
            json!({"textDocument": {"uri": matcher_uri, "version": version}, "contentChanges": [{"text": text}]}),
        );
    };
    change(&mut client, 2, MATCHER);
    assert_eq!(client.diagnostics(&uri), Vec::<Value>::new());
    bench.write("specs/a b.yaml", &MATCHER.replace("admins", "others"));
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": matcher_uri}}));
    let now = client.diagnostics(&uri);
    assert!(now.len() == 1 && now[0]["message"].as_str().unwrap().contains("admins"), "{now:?}");
    bench.write("specs/a b.yaml", MATCHER);
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": uri}}));
    assert_eq!(client.diagnostics(&uri), Vec::<Value>::new());
    ends_well(client);
}

#[test]
fn formatting_edits_only_expressions() {
    let bench = Bench::new();
    let (mut client, _) = started(&bench, json!({}));
    client.open(URI, &format!("{HEAD}  umask:   0022 # 🦀\n  match: exe==startas and alive\n"));
    let params = json!({"textDocument": {"uri": URI}, "options": {"tabSize": 2, "insertSpaces": true}});
    let edits = client.result("textDocument/formatting", params.clone());
    assert_eq!(edits, json!([{"range": range((6, 9), (6, 31)), "newText": "exe == startas && alive"}]));
    client.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": format!("{HEAD}  match: exe==\n")}]}),
    );
    assert_eq!(client.result("textDocument/formatting", params), json!([]));
    ends_well(client);
}

#[test]
fn what_the_help_names_can_be_put_in() {
    let bench = Bench::new();
    let (mut client, _) = started(&bench, json!({}));
    client.open(
        URI,
        &format!("{HEAD}  match: 'usr == \"root\" && exe.pth == \"/a\"'\n  stat: running\n  adopt: nevr\n"),
    );
    client.diagnostics(URI);
    let everywhere =
        json!({"textDocument": {"uri": URI}, "range": range((0, 0), (9, 0)), "context": {"diagnostics": []}});
    let actions = client.result("textDocument/codeAction", everywhere);
    let found: Vec<(String, Value)> = actions
        .as_array()
        .unwrap()
        .iter()
        .map(|action| {
            let edit = &action["edit"]["changes"][URI][0];
            (edit["newText"].as_str().unwrap().to_owned(), edit["range"].clone())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("user".to_owned(), range((5, 10), (5, 13))),
            ("path".to_owned(), range((5, 31), (5, 34))),
            ("state".to_owned(), range((6, 2), (6, 6))),
            ("never".to_owned(), range((7, 9), (7, 13))),
        ]
    );
    assert_eq!(actions[0]["title"], "replace by `user`");
    assert_eq!(actions[0]["kind"], "quickfix");
    let elsewhere =
        json!({"textDocument": {"uri": URI}, "range": range((0, 0), (0, 3)), "context": {"diagnostics": []}});
    assert_eq!(client.result("textDocument/codeAction", elsewhere), json!([]));
    ends_well(client);
}

#[test]
fn nonsense_is_answered_and_does_not_end_the_conversation() {
    let bench = Bench::new();
    let mut client = Client::start(&mut bench.command(&["lsp"]));
    let early = client.ask("textDocument/hover", json!({}));
    assert_eq!(early["error"]["code"], -32002);
    client.result("initialize", json!({"capabilities": {}}));
    assert_eq!(client.ask("initialize", json!({}))["error"]["code"], -32600);
    client.raw(b"Content-Length: 9\r\n\r\n{nonsense");
    assert_eq!(client.wait_for(|m| m["id"].is_null())["error"]["code"], -32700);
    client.raw(b"Content-Type: x\r\n\r\nContent-Length: 2\r\n\r\n[]");
    assert_eq!(client.wait_for(|m| m["id"].is_null())["error"]["code"], -32600);
    assert_eq!(client.ask("nosuch/method", json!({}))["error"]["code"], -32601);
    assert_eq!(client.ask("textDocument/hover", json!({}))["error"]["code"], -32602);
    let closed = json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}});
    assert_eq!(client.ask("textDocument/hover", closed)["error"]["code"], -32602);
    for (method, params) in [
        ("textDocument/didOpen", json!({"textDocument": {"uri": 1}})),
        ("textDocument/didChange", json!({"textDocument": {"uri": URI}, "contentChanges": [{}]})),
        ("textDocument/didClose", json!([])),
        ("$/nosuch", json!(null)),
    ] {
        client.notify(method, params);
    }
    client.open(URI, HEAD);
    assert_eq!(client.diagnostics(URI), Vec::<Value>::new());
    let far = json!({"textDocument": {"uri": URI}, "position": {"line": 9_999_999_999_u64, "character": 18_446_744_073_709_551_615_u64}});
    assert_eq!(client.ask("textDocument/hover", far)["result"], Value::Null);
    client.result("shutdown", Value::Null);
    assert_eq!(client.ask("textDocument/hover", json!({}))["error"]["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended().code(), Some(0));
}

#[test]
fn an_end_without_shutdown_is_a_failure() {
    let bench = Bench::new();
    let (mut client, _) = started(&bench, json!({}));
    client.notify("exit", Value::Null);
    assert_eq!(client.ended().code(), Some(1));
    let (mut client, _) = started(&bench, json!({}));
    client.hang_up();
    assert_eq!(client.ended().code(), Some(1));
    let mut client = Client::start(&mut bench.command(&["lsp"]));
    client.raw(b"Content-Length: 99999999999\r\n\r\n");
    assert_eq!(client.ended().code(), Some(1));
}
