//! Completion, hover and signatures at a `¦` in a document, finished or not.

use std::sync::Arc;

use proptest::prelude::*;

use crate::diagnostic::Span;
use crate::editor::complete::complete;
use crate::editor::diagnose::{Around, diagnose};
use crate::editor::hover::{definition, hover, signature};
use crate::editor::session::Session;
use crate::editor::text::{Encoding, Position, Text};
use crate::lang::Library;
use crate::spec::NoModules;

const HEAD: &str = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  startas: /a\n";

fn cursor(text: &str) -> (String, usize) {
    let text = if text.starts_with("apiVersion") { text.to_owned() } else { format!("{HEAD}{text}") };
    let at = text.find('¦').expect("a cursor");
    (text.replace('¦', ""), at)
}

/// Labels by rank, and the text that is replaced; nothing where nothing can be completed.
fn completed(text: &str) -> Option<(String, Vec<String>)> {
    let (text, at) = cursor(text);
    let (span, mut found) = complete(&text, at, &Arc::default())?;
    found.sort_by_key(|suggestion| (suggestion.rank, suggestion.label.clone()));
    let labels = found.into_iter().map(|suggestion| suggestion.label).collect();
    Some((text[span.start..span.end].to_owned(), labels))
}

#[track_caller]
fn offers(text: &str, replaced: &str, wanted: &[&str], unwanted: &[&str]) {
    let (word, labels) = completed(text).unwrap_or_else(|| panic!("nothing for {text}"));
    assert_eq!(word, replaced, "{text}");
    for label in wanted {
        assert!(labels.iter().any(|found| found == label), "{label} in {labels:?} for {text}");
    }
    for label in unwanted {
        assert!(labels.iter().all(|found| found != label), "no {label} for {text}");
    }
}

const MATCHER: &str = "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: web}\nspec:\n  lists:\n    admins: {type: user, items: [root, ops]}\n  define:\n    worker: comm starts_with \"php-fpm\" && user in @admins\n    instance:\n      params: {app: path, port: int}\n      expr: runs(app) && arg(\"--port\") == \"${port}\"\n";

fn library() -> Arc<Library> {
    let checked = diagnose("/specs/web.yaml", MATCHER, Around { files: &[], modules: &NoModules });
    assert_eq!(checked.diagnostics, []);
    checked.library
}

/// Labels that are offered at the cursor with the library.
fn labels(text: &str) -> (String, Vec<(String, Option<String>)>) {
    let (text, at) = cursor(text);
    let (span, found) = complete(&text, at, &library()).unwrap_or_else(|| panic!("nothing for {text}"));
    let labels = found.into_iter().map(|suggestion| (suggestion.label, suggestion.snippet)).collect();
    (text[span.start..span.end].to_owned(), labels)
}

#[test]
fn named_conditions_and_lists_are_offered() {
    let instance = |name: &str| (name.to_owned(), Some(format!("{name}(${{1:app}}, ${{2:port}})")));
    let (replaced, found) = labels("  match: alive && we¦\n");
    assert!(replaced == "we" && found.contains(&instance("web.instance")), "{found:?}");
    let (replaced, found) = labels("  match: web.in¦\n");
    assert!(replaced == "in" && found.contains(&instance("instance")), "{found:?}");
    for (text, on) in [("  match: user in @¦\n", "@"), ("  match: user in @web.ad¦\n", "@web.ad")] {
        let (replaced, found) = labels(text);
        assert_eq!((replaced.as_str(), found), (on, vec![("@web.admins".to_owned(), None)]));
    }
    // In its own document a name needs no prefix, and the variables are the parameters.
    let own = MATCHER.replace("runs(app) && ", "runs(app) && ¦ && ");
    let (_, found) = labels(&own);
    let has = |name: &str| found.iter().any(|(label, _)| label == name);
    assert!(has("worker") && has("app") && has("port") && !has("startas") && !has("web.worker"), "{found:?}");
    let (_, found) = labels(&MATCHER.replace("in @admins", "in @ad¦"));
    assert_eq!(found, [("@admins".to_owned(), None)]);
}

#[test]
fn named_conditions_and_lists_are_described_and_found() {
    let places = [
        ("  match: web.inst¦ance(startas, 80)\n", "web.instance(app: path, port: int): bool", "instance"),
        ("  match: user in @web.ad¦mins\n", "[\"root\", \"ops\"]", "admins"),
        ("  match: \"alive && ¦web.worker\"\n", "php-fpm", "worker"),
    ];
    for (text, part, name) in places {
        let (text, at) = cursor(text);
        let (_, said) = hover(&text, at, &library()).unwrap_or_else(|| panic!("nothing for {text}"));
        assert!(said.contains(part) && said.contains("/specs/web.yaml"), "{said}");
        let (source, span) = definition(&text, at, &library()).expect("a place");
        assert_eq!(&source.text[span.start..span.end], name);
    }
    let (text, at) = cursor("  match: web.instance(startas, ¦\n");
    let found = signature(&text, at, &library()).expect("a call");
    assert_eq!((found.label.as_str(), found.active), ("web.instance(app: path, port: int): bool", 1));
    let (text, at) = cursor(&MATCHER.replace("in @admins", "in @ad¦mins"));
    assert!(definition(&text, at, &library()).is_some(), "its own list");
    let (text, at) = cursor("  match: ex¦e == startas\n");
    assert!(definition(&text, at, &library()).is_none());
}

#[test]
fn names_are_offered_where_a_name_can_stand() {
    offers("  match: ¦\n", "", &["exe", "runs", "any", "startas", "spec.user"], &["=="]);
    offers("  match: exe == inter¦\n", "inter", &["interpreter", "startas"], &["=="]);
    offers("  match: exe == ¦\n  umask: 0022\n", "", &["interpreter", "startas"], &[]);
    offers("  match: '!runs(¦\n", "", &["startas", "dirname"], &[]);
    offers("  match: \"comm == \\\"a\\\" && us¦\"\n", "us", &["user"], &["=="]);
    offers("  match: |\n    alive &&\n    (\n      ex¦\n    )\n", "ex", &["exe"], &[]);
    offers("  match: |\n    alive &&\n    ¦\n", "", &["exe"], &[]);
    offers("  match: >-\n    a ==\n    b &&\n\n    ¦", "", &["exe"], &[]);
    offers("  match: alive &&\n    us¦er == \"a\"\n", "user", &["user"], &[]);
    offers("  matchOnly: 'user == \"it''s\" && co¦'\n", "co", &["comm"], &[]);
}

#[test]
fn inside_braces_too() {
    let text = |m: &str| {
        HEAD.replace("spec:\n  startas: /a\n", &format!("spec: {{startas: /a, args: ['x, y'], match: {m}"))
    };
    offers(&text("us¦}\n"), "us", &["user"], &[]);
    offers(&text("'user in [\"a\", \"b\"] && com¦', umask: 0022}\n"), "com", &["comm"], &[]);
}

/// What stands in `${...}` of a text for people is an expression, and the rest of it isn't.
#[test]
fn facts_in_messages_are_offered_and_described() {
    let policy = |message: &str| {
        let head =
            "apiVersion: selfsame/v1\nkind: Policy\nmetadata: {name: a}\nspec:\n  match: comm == \"a\"\n";
        format!("{head}  message: {message}\n")
    };
    offers(&policy("\"${na¦} of ${user}\""), "na", &["name", "exe"], &["=="]);
    offers(&policy("'${name} of ${parent.¦'"), "", &["comm", "exe"], &["startas"]);
    offers(&policy("|\n    ${name} uses\n    ${rs¦}"), "rs", &["rss"], &[]);
    for nothing in ["\"¦${name}\"", "\"${name} o¦f it\"", "\"$${na¦}\""] {
        assert_eq!(completed(&policy(nothing)), None, "{nothing}");
    }
    hovers(&policy("'uses ${rs¦s}'"), "rss", &["size"]);
}

#[test]
fn members_follow_a_dot() {
    offers("  match: exe.¦\n", "", &["path", "deleted", "nlink"], &["exe", "comm"]);
    offers("  match: exe.pa¦th == \"a\"\n", "path", &["path"], &[]);
    offers("  match: parent.na¦\n", "na", &["name", "exe", "user"], &["startas"]);
    offers("  match: parent.exe.¦\n", "", &["path"], &["comm"]);
    offers("  match: exe == spec.¦\n", "", &["user", "startas"], &["path"]);
    offers("  match: any(ancestors, a => a.¦\n", "", &["comm", "exe"], &["startas"]);
    offers("  match: any(ancestors, a => a.exe.path == \"x\" && ¦)\n", "", &["a", "exe"], &[]);
    offers("  match: any(ancestors, a => a.alive) && ¦\n", "", &["exe"], &["a"]);
}

#[test]
fn words_come_first_where_an_enumeration_is_compared() {
    for text in ["  match: state == ¦\n", "  match: state != sl¦\n", "  match: state not in [zombie, ¦\n"]
    {
        let (_, labels) = completed(text).expect("something");
        assert_eq!(labels[0], "dead", "{text} {labels:?}");
        assert!(labels.contains(&"sleeping".to_owned()));
    }
    offers("  match: any(children, c => c.state in [¦\n", "", &["zombie"], &[]);
}

#[test]
fn operators_follow_an_operand() {
    offers("  match: exe ¦\n", "", &["==", "under", "like"], &["<", "&&", "exe"]);
    offers("  match: age ¦\n", "", &["<", ">", "in"], &["contains"]);
    offers("  match: exe un¦\n", "un", &["under"], &["user"]);
    offers("  match: alive ¦\n", "", &["&&", "||"], &["user"]);
    offers("  match: user == \"a\" ¦\n", "", &["&&", "||"], &["==", "user"]);
    offers("  match: runs(startas) ¦\n", "", &["&&"], &["user"]);
}

#[test]
fn nothing_is_offered_inside_quotes_comments_and_elsewhere() {
    for text in [
        "  match: user == \"ro¦\n",
        "  match: |\n    alive # us¦\n",
        "  args: [us¦]\n",
        "  startas: us¦\n",
        "  env:\n    match: us¦\n",
        "  ma¦tch: alive\n",
        "  # us¦\n",
    ] {
        assert_eq!(completed(text), None, "{text}");
    }
    let other = HEAD.replace("kind: Service", "kind: Nothing");
    assert_eq!(completed(&format!("{other}  match: us¦\n")), None);
}

#[track_caller]
fn hovers(text: &str, on: &str, parts: &[&str]) {
    let (text, at) = cursor(text);
    let (span, said) =
        hover(&text, at, &Arc::default()).unwrap_or_else(|| panic!("nothing at {at} of {text}"));
    assert_eq!(&text[span.start..span.end], on);
    for part in parts {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn what_is_pointed_at_is_described() {
    let exe = ["exe: file", "cost 2 of 6", "CAP_SYS_PTRACE", "the kernel attests it", "/proc/PID/exe"];
    hovers("  match: e¦xe == startas\n", "exe", &exe);
    hovers("  match: '¦exe.path == \"a\"'\n", "exe", &exe);
    hovers("  match: exe.pa¦th == \"a\"\n", "exe.path", &["path"]);
    hovers("  match: has(ns.¦pid)\n", "ns.pid", &["ns.pid: namespace"]);
    hovers(
        "  match: r¦uns(startas) &&\n",
        "runs",
        &["runs(path: path): bool", "the kernel attests it, with"],
    );
    hovers("  match: runs(start¦as)\n", "startas", &["startas: path"]);
    hovers("  match: any(ancestors, a => ¦a.comm == \"x\")\n", "a", &["a: process"]);
    hovers("  match: any(ancestors, a => a.co¦mm == \"x\")\n", "a.comm", &["comm: string", "itself says so"]);
    hovers("  match: ¦any(ancestors, a => a.alive)\n", "any", &["any(xs, x => p)"]);
    hovers("  match: user no¦t in [\"a\"]\n", "not in", &["none of a list"]);
    hovers("  match: exe un¦der \"/a\" and alive\n", "under", &["by components"]);
    hovers("  match: alive a¦nd self\n", "and", &["`&&`"]);
    hovers("  st¦ate: running\n", "state", &["what is wanted", "- `observed`: look", "default: running"]);
    hovers("  readiness:\n    tc¦p: {port: 1}\n", "tcp", &["accepts a connection"]);
    hovers("  stop: {sche¦dule: []}\n", "schedule", &["signals in order"]);
    hovers(
        "  stop:\n    schedule:\n      - signal: TERM\n        wa¦it: 1s\n",
        "wait",
        &["how long to wait"],
    );
}

#[test]
fn nothing_is_said_about_what_has_no_meaning() {
    for text in
        ["  match: user == \"ro¦ot\"\n", "  match: nosu¦ch\n", "  nosu¦ch: 1\n", "  args: [ex¦e]\n", "¦\n"]
    {
        let (text, at) = cursor(text);
        assert_eq!(hover(&text, at, &Arc::default()), None, "{text}");
    }
}

#[test]
fn the_parameters_of_the_call_around_are_shown() {
    let (text, at) = cursor("  match: alive && pidfile(\"/run/a.pid\", ¦\n");
    let found = signature(&text, at, &Arc::default()).expect("a call");
    assert_eq!(found.label, "pidfile(path: path, locked: bool = false): bool");
    assert_eq!((found.active, found.parameters.len()), (1, 2));
    let (text, at) = cursor("  match: any(ancestors, a => (a.pid == ¦\n");
    assert_eq!(signature(&text, at, &Arc::default()).expect("a call").label, "any(xs, x => p)");
    let (text, at) = cursor("  match: runs(startas) && ¦\n");
    assert!(signature(&text, at, &Arc::default()).is_none());
}

#[test]
fn positions_are_counted_in_the_agreed_unit() {
    let content = "a: 🦀é x\r\n\n# é\rlast";
    for (encoding, character) in [(Encoding::Utf16, 7), (Encoding::Utf8, 10)] {
        let text = Text::new(content.to_owned(), encoding);
        let x = content.find('x').expect("it");
        assert_eq!(text.position(x), Position { line: 0, character });
        assert_eq!(text.offset(Position { line: 0, character }), x);
        assert_eq!(text.offset(Position { line: 0, character: 99 }), content.find('\r').expect("it"));
        assert_eq!(text.position(content.len()), Position { line: 3, character: 4 });
        assert_eq!(text.offset(Position { line: 9, character: 0 }), content.len());
        assert_eq!(text.offset(Position { line: 1, character: 3 }), content.find("\n#").expect("it"));
    }
    let text = Text::new(content.to_owned(), Encoding::Utf16);
    assert_eq!(text.offset(Position { line: 0, character: 4 }), 3, "in the middle of a pair");
    assert_eq!(text.position(5), Position { line: 0, character: 3 }, "in the middle of a character");
}

#[test]
fn changes_are_applied_where_they_are_meant() {
    let mut text = Text::new("a: 🦀 b\nc\n".to_owned(), Encoding::Utf16);
    let place = |line, character| Position { line, character };
    text.replace(place(0, 6), place(0, 7), "x\ny");
    assert_eq!(text.as_str(), "a: 🦀 x\ny\nc\n");
    text.replace(place(1, 1), place(2, 1), "");
    assert_eq!(text.as_str(), "a: 🦀 x\ny\n");
    text.replace(place(9, 9), place(0, 0), "z");
    assert_eq!(text.as_str(), "a: 🦀 x\ny\nz");
}

proptest::proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn no_text_and_no_place_stops_an_answer(text in "(match|spec|:|\\{|\\}|'|\"| |\n|\\||exe|\\.|é|🦀|any\\(|a => |- ){0,40}", part in 0usize..200) {
        let text = format!("{HEAD}  match: {text}");
        let at = text.floor_char_boundary(HEAD.len() + part.min(text.len() - HEAD.len()));
        let library = Arc::default();
        if let Some((span, _)) = complete(&text, at, &library) {
            proptest::prop_assert!(text.get(span.start..span.end).is_some() && span.start <= at && at <= span.end, "{:?}", Span::new(at, at));
        }
        if let Some((span, _)) = hover(&text, at, &library) {
            proptest::prop_assert!(text.get(span.start..span.end).is_some());
        }
        let _ = signature(&text, at, &library);
    }
}

fn no_neighbours(_: &std::path::Path) -> Vec<crate::spec::SpecFile> {
    Vec::new()
}

/// Messages by chance, right ones among them.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec![
        "initialize",
        "shutdown",
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didSave",
        "textDocument/didClose",
        "textDocument/hover",
        "textDocument/completion",
        "textDocument/definition",
        "textDocument/signatureHelp",
        "textDocument/formatting",
        "textDocument/codeAction",
        "nosuch",
    ]);
    let document = prop::sample::select(vec![
        serde_json::json!({"uri": "file:///a/b.yaml", "text": MATCHER, "version": 1}),
        serde_json::json!({"uri": "file:///a/c.yaml", "text": format!("{HEAD}  match: web.wor && us\n"), "version": 2}),
        serde_json::json!({"uri": "untitled:1", "text": "apiVersion: selfsame/v1\n"}),
        serde_json::json!({"uri": 7}),
        serde_json::json!(null),
    ]);
    let number = prop_oneof![0u64..12, Just(u64::MAX), 20u64..60];
    (method, document, number.clone(), number, any::<bool>(), 0u8..12).prop_map(
        |(method, document, line, character, id, broken)| {
            let place = serde_json::json!({"line": line, "character": character});
            let range = serde_json::json!({"start": place, "end": {"line": 9, "character": line}});
            let changes = serde_json::json!([{"text": "x: 🦀\n", "range": range}, {"text": method}]);
            let params = serde_json::json!({"textDocument": document, "position": place, "range": range, "contentChanges": changes});
            let mut message = serde_json::json!({"jsonrpc": "2.0", "method": method, "params": params});
            if id {
                message["id"] = line.into();
            }
            let mut body = message.to_string().into_bytes();
            if broken == 0 {
                body.truncate(body.len() / 2);
            }
            body
        },
    )
}

proptest::proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn every_request_has_one_answer_whatever_was_said_before(messages in prop::collection::vec(message(), 0..24)) {
        let mut session = Session::new(no_neighbours, Box::new(NoModules));
        for body in &messages {
            let answers = session.take(body);
            let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
            let id = parsed.as_ref().and_then(|message| message.get("id").cloned());
            let replies = answers.iter().filter(|answer| answer.get("method").is_none()).count();
            let expected = usize::from(parsed.is_none() || id.is_some());
            prop_assert_eq!(replies, expected);
            prop_assert!(session.end().is_none());
        }
    }
}
