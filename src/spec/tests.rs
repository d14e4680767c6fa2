#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proptest::prelude::*;

use super::table::{Kind, TABLES, Table};
use super::*;
use crate::diagnostic::Code;
use crate::lang::value::Type;

fn usr_is_unknown(request: &ExpressionRequest<'_>) -> Vec<Diagnostic> {
    let found = request.text.match_indices("usr");
    found
        .map(|(at, word)| Diagnostic::error(Code("M203"), "x").at(Span::new(at, at + word.len()), ""))
        .collect()
}

fn context() -> LoadContext<'static> {
    LoadContext {
        limits: Limits::default(),
        compile: &usr_is_unknown,
        names: None,
        modules: &NoModules,
        held: None,
        host: None,
    }
}

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> SpecFile {
    SpecFile { name: name.into(), directory: PathBuf::from("/etc/specs"), bytes: bytes.into().into() }
}

pub(super) fn load_text(text: &str) -> Loaded {
    load(&[file("a.yaml", text)], &context())
}

fn codes_of(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics().map(|diagnostic| diagnostic.code.0).collect()
}

pub(super) fn service(spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: shop}}\nspec: {{{spec}}}\n")
}

fn matcher(spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {{name: web}}\nspec: {spec}\n")
}

fn task(spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Task\nmetadata: {{name: job}}\nspec: {{{spec}}}\n")
}

fn defaults(spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Defaults\nmetadata: {{name: base}}\nspec: {{{spec}}}\n")
}

fn engine(spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Engine\nmetadata: {{name: engine}}\nspec: {{{spec}}}\n")
}

fn plugin(spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Plugin\nmetadata: {{name: php}}\nspec: {{{spec}}}\n")
}

fn policy(spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: one-cron}}\nspec: {{{spec}}}\n")
}

/// A form for the fields of a probe that are none.
fn probed(field: &str) -> &'static [(&'static str, &'static str)] {
    match field {
        "period" | "timeout" | "failureThreshold" => &[("pidfile", "true")],
        _ => &[],
    }
}

/// A document that has `field` in the mapping of a table, and what that needs beside it.
fn document(table: &Table, field: &str, value: &str) -> String {
    let beside = |needed: &[(&str, &str)]| {
        let others =
            needed.iter().filter(|(name, _)| *name != field).map(|(name, value)| format!("{name}: {value}"));
        std::iter::once(format!("{field}: {value}")).chain(others).collect::<Vec<_>>().join(", ")
    };
    let startas = "startas: /srv/shop";
    let digest = "0".repeat(64);
    let wasm = format!("wasm: ./php.wasm, sha256: '{digest}'");
    match table.name {
        "document" => format!(
            "{{{}}}\n",
            beside(&[
                ("apiVersion", "selfsame/v1"),
                ("kind", "Service"),
                ("metadata", "{name: shop}"),
                ("spec", "{startas: /srv/shop}"),
            ])
        ),
        "metadata" => format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{{}}}\nspec: {{{startas}}}\n",
            beside(&[("name", "shop")])
        ),
        "spec" if field == "writePidfile" => {
            service(&beside(&[("startas", "/srv/shop"), ("pidfile", "/run/shop.pid")]))
        }
        "spec" if field == "binaryChange" => {
            service(&beside(&[("startas", "/srv/shop"), ("reload", "{signal: HUP}")]))
        }
        "spec" => service(&beside(&[("startas", "/srv/shop")])),
        "envFrom" => service(&format!("{startas}, envFrom: [{{{}}}]", beside(&[("file", "/x")]))),
        "limit" => service(&format!("{startas}, limits: {{nofile: {{{}}}}}", beside(&[]))),
        "scheduling" => {
            let needed: &[(&str, &str)] = match field {
                "ioPriority" => &[("ioClass", "best-effort")],
                "rtPriority" => &[("policy", "rr")],
                _ => &[],
            };
            service(&format!("{startas}, scheduling: {{{}}}", beside(needed)))
        }
        "resources" => service(&format!("{startas}, resources: {{{}}}", beside(&[]))),
        "memory" | "cpu" | "pids" | "io" => {
            service(&format!("{startas}, resources: {{{}: {{{}}}}}", table.name, beside(&[])))
        }
        "security" => service(&format!("{startas}, security: {{{}}}", beside(&[]))),
        "capabilities" => service(&format!("{startas}, security: {{capabilities: {{{}}}}}", beside(&[]))),
        "secret" => {
            service(&format!("{startas}, secrets: [{{{}}}]", beside(&[("name", "KEY"), ("file", "/x")])))
        }
        "socket" => {
            let listen = if field == "backlog" { "'tcp://127.0.0.1:80'" } else { "'unix:///x'" };
            let needed = beside(&[("name", "http"), ("listen", listen)]);
            service(&format!("{startas}, sockets: [{{{needed}}}]"))
        }
        "output" => service(&format!("{startas}, stdout: {{{}}}", beside(&[("file", "/x")]))),
        "readiness" => service(&format!("{startas}, pidfile: /x, readiness: {{{}}}", beside(&[]))),
        "tcp" => service(&format!("{startas}, readiness: {{tcp: {{{}}}}}", beside(&[("port", "1")]))),
        "exec" => service(&format!("{startas}, readiness: {{exec: {{{}}}}}", beside(&[("command", "[/x]")]))),
        "liveness" => service(&format!("{startas}, pidfile: /x, liveness: {{{}}}", beside(probed(field)))),
        "http" => {
            let needed: &[(&str, &str)] = if field == "url" { &[] } else { &[("port", "1")] };
            service(&format!("{startas}, readiness: {{http: {{{}}}}}", beside(needed)))
        }
        "unix" => service(&format!("{startas}, readiness: {{unix: {{{}}}}}", beside(&[("path", "/x")]))),
        "logLine" => {
            service(&format!("{startas}, readiness: {{logLine: {{{}}}}}", beside(&[("regex", "x")])))
        }
        "trigger" => {
            let needed = beside(&[("when", "'pid > 1'"), ("do", "restart")]);
            service(&format!("{startas}, reload: {{signal: HUP}}, triggers: [{{{needed}}}]"))
        }
        "condition" => service(&format!("{startas}, conditions: [{{{}}}]", beside(&[]))),
        "hosts" => service(&format!("{startas}, hosts: {{{}}}", beside(&[]))),
        "dependency" => service(&format!("{startas}, dependsOn: [{{{}}}]", beside(&[("name", "db")]))),
        "update" => service(&format!("{startas}, reload: {{signal: HUP}}, update: {{{}}}", beside(&[]))),
        "reload" => {
            let needed: &[(&str, &str)] = match field {
                "timeout" | "user" => &[("command", "[/x]")],
                _ => &[],
            };
            service(&format!("{startas}, reload: {{{}}}", beside(needed)))
        }
        "hooks" => service(&format!("{startas}, hooks: {{{}}}", beside(&[]))),
        "hook" => {
            let needed = beside(&[("command", "[/x]")]);
            service(&format!("{startas}, hooks: {{preStart: [{{{needed}}}]}}"))
        }
        "suspend" => service(&format!("{startas}, suspend: {{{}}}", beside(&[("reason", "x")]))),
        "restart" => service(&format!("{startas}, restart: {{{}}}", beside(&[]))),
        "stop" => {
            let needed: &[(&str, &str)] = match field {
                "commandTimeout" | "commandUser" => &[("command", "[/x]")],
                _ => &[],
            };
            service(&format!("{startas}, stop: {{{}}}", beside(needed)))
        }
        "step" => {
            let needed = beside(&[("signal", "TERM"), ("wait", "1s")]);
            service(&format!("{startas}, stop: {{schedule: [{{{needed}}}]}}"))
        }
        "matcher document" => format!(
            "{{{}}}\n",
            beside(&[
                ("apiVersion", "selfsame/v1"),
                ("kind", "Matcher"),
                ("metadata", "{name: web}"),
                ("spec", "{}"),
            ])
        ),
        "matcher metadata" => matcher("{}")
            .replace("metadata: {name: web}", &format!("metadata: {{{}}}", beside(&[("name", "web")]))),
        "matcher" => matcher(&format!("{{{}}}", beside(&[]))),
        "named list" => matcher(&format!("{{lists: {{admins: {{{}}}}}}}", beside(&[("items", "[a]")]))),
        "definition" => {
            let expr = if field == "params" { "nice == port" } else { "pid > 1" };
            matcher(&format!("{{define: {{a_b: {{{}}}}}}}", beside(&[("expr", expr)])))
        }
        "matcher test" => {
            let needed = beside(&[("name", "x"), ("expect", "{'pid > 1': true}"), ("process", "{uid: 0}")]);
            matcher(&format!("{{tests: [{{{needed}}}]}}"))
        }
        "plugin document" => format!(
            "{{{}}}\n",
            beside(&[
                ("apiVersion", "selfsame/v1"),
                ("kind", "Plugin"),
                ("metadata", "{name: php}"),
                ("spec", &format!("{{{wasm}}}")),
            ])
        ),
        "plugin metadata" => plugin(&wasm)
            .replace("metadata: {name: php}", &format!("metadata: {{{}}}", beside(&[("name", "php")]))),
        "plugin" => plugin(&beside(&[("wasm", "./php.wasm"), ("sha256", &digest)])),
        "grants" => plugin(&format!("{wasm}, grants: {{{}}}", beside(&[]))),
        "task document" => format!(
            "{{{}}}\n",
            beside(&[
                ("apiVersion", "selfsame/v1"),
                ("kind", "Task"),
                ("metadata", "{name: job}"),
                ("spec", "{startas: /srv/job}"),
            ])
        ),
        "task" => task(&beside(&[("startas", "/srv/job")])),
        "schedule" => {
            let needed: &[(&str, &str)] = match field {
                "every" => &[],
                "jitter" => &[("every", "1h")],
                _ => &[("cron", "'@daily'")],
            };
            task(&format!("{startas}, schedule: {{{}}}", beside(needed)))
        }
        "retry" => task(&format!("{startas}, retry: {{{}}}", beside(&[]))),
        "defaults document" => format!(
            "{{{}}}\n",
            beside(&[
                ("apiVersion", "selfsame/v1"),
                ("kind", "Defaults"),
                ("metadata", "{name: base}"),
                ("spec", "{values: {user: root}}"),
            ])
        ),
        "defaults metadata" => defaults("values: {user: root}")
            .replace("metadata: {name: base}", &format!("metadata: {{{}}}", beside(&[("name", "base")]))),
        "defaults" => defaults(&beside(&[("values", "{user: root}")])),
        "engine document" => format!(
            "{{{}}}\n",
            beside(&[
                ("apiVersion", "selfsame/v1"),
                ("kind", "Engine"),
                ("metadata", "{name: engine}"),
                ("spec", "{}"),
            ])
        ),
        "engine metadata" => engine("")
            .replace("metadata: {name: engine}", &format!("metadata: {{{}}}", beside(&[("name", "engine")]))),
        "engine" => engine(&beside(&[])),
        "prune" => engine(&format!("prune: {{{}}}", beside(&[]))),
        "engine limits" => engine(&format!("limits: {{{}}}", beside(&[]))),
        "host" => engine(&format!("host: {{{}}}", beside(&[]))),
        "git" => {
            let needed: &[(&str, &str)] = match field {
                "requireSigned" => &[("url", "/srv/repo"), ("allowedSigners", "/etc/signers")],
                _ => &[("url", "/srv/repo")],
            };
            engine(&format!("git: {{{}}}", beside(needed)))
        }
        "selector" => defaults(&format!("values: {{user: root}}, selector: {{{}}}", beside(&[]))),
        "requirement" => {
            let needed: &[(&str, &str)] = match value {
                "Exists" | "DoesNotExist" => &[("key", "tier")],
                _ => &[("key", "tier"), ("operator", "In"), ("values", "[web]")],
            };
            defaults(&format!(
                "values: {{user: root}}, selector: {{matchExpressions: [{{{}}}]}}",
                beside(needed)
            ))
        }
        "policy document" => format!(
            "{{{}}}\n",
            beside(&[
                ("apiVersion", "selfsame/v1"),
                ("kind", "Policy"),
                ("metadata", "{name: one-cron}"),
                ("spec", "{match: 'pid > 1'}"),
            ])
        ),
        "policy metadata" => policy("match: 'pid > 1'").replace(
            "metadata: {name: one-cron}",
            &format!("metadata: {{{}}}", beside(&[("name", "one-cron")])),
        ),
        "policy" => policy(&beside(&[("match", "'name == \"cron\"'")])),
        "policy action" => policy(&format!("match: 'pid > 1', do: {{{}}}", beside(&[]))),
        "policy exec" => {
            policy(&format!("match: 'pid > 1', do: {{exec: {{{}}}}}", beside(&[("command", "[/x]")])))
        }
        "policy signal" => policy(&format!("match: 'pid > 1', do: {{signal: {{{}}}}}", beside(&[]))),
        "policy group" => policy(&format!("match: 'pid > 1', do: {{cgroup: {{{}}}}}", beside(&[]))),
        "policy limit" => policy(&format!("match: 'pid > 1', limit: {{{}}}", beside(&[]))),
        "policy test" => {
            let needed: &[(&str, &str)] = match field {
                "process" => &[("name", "x"), ("expect", "{violated: true}")],
                _ => &[("name", "x"), ("expect", "{violated: true}"), ("processes", "[{uid: 0}]")],
            };
            policy(&format!("match: 'pid > 1', tests: [{{{}}}]", beside(needed)))
        }
        "policy expectation" => {
            let needed = beside(&[("violated", "true")]);
            policy(&format!(
                "match: 'pid > 1', tests: [{{name: x, process: {{uid: 0}}, expect: {{{needed}}}}}]"
            ))
        }
        other => panic!("no document for the table {other}"),
    }
}

#[test]
fn every_field_of_later_is_refused_by_name() {
    let mut rows = 0;
    for table in TABLES {
        for (field, _) in table.later {
            let loaded = load_text(&document(table, field, "{a: b}"));
            let said: Vec<_> = loaded.diagnostics().collect();
            assert_eq!(codes_of(&loaded), ["S021"], "{field}");
            assert!(
                said[0].message.ends_with(&format!("{field}` is not supported yet")),
                "{}",
                said[0].message
            );
            assert!(loaded.services().next().is_none());
            rows += 1;
        }
    }
    assert!(rows > 0, "once everything is built this test goes with it");
}

#[test]
fn every_kind_and_word_of_later_is_refused_by_name() {
    for kind in table::KINDS.later {
        let loaded = load_text(&document(&table::DOCUMENT, "kind", kind));
        assert_eq!(codes_of(&loaded), ["S013"], "{kind}");
    }
    for table in TABLES {
        for field in table.fields {
            let Some(words) = field.kind.words() else { continue };
            for word in words.later.iter().filter(|_| field.name != "kind") {
                assert_eq!(codes_of(&load_text(&document(table, field.name, word))), ["S027"], "{word}");
            }
            for word in words.now.iter().filter(|_| field.name != "kind") {
                let priority = if *word == "fifo" || *word == "rr" { ", rtPriority: 1" } else { "" };
                let loaded = load_text(&document(table, field.name, &format!("{word}{priority}")));
                assert_eq!(codes_of(&loaded), Vec::<&str>::new(), "{} {word}", field.name);
            }
        }
    }
}

#[test]
fn the_example_of_every_field_is_accepted() {
    for table in TABLES {
        for field in table.fields {
            let text = document(table, field.name, field.example);
            // There is no module here; what can't be loaded is said by tests that have one.
            let loaded = load_text(&text);
            let mut codes = codes_of(&loaded);
            codes.retain(|code| *code != "S070");
            assert_eq!(codes, Vec::<&str>::new(), "{text}{:?}", loaded.diagnostics().collect::<Vec<_>>());
        }
    }
}

#[test]
fn every_field_is_read_and_its_type_is_checked() {
    for table in TABLES {
        for field in table.fields {
            let wrong = if matches!(field.kind, Kind::List(_) | Kind::Cpus) { "{a: b}" } else { "[[a]]" };
            let text = document(table, field.name, wrong);
            let loaded = load_text(&text);
            let said = loaded.diagnostics().find(|d| d.code == codes::WRONG_TYPE);
            let said = said.unwrap_or_else(|| panic!("`{}` is not read: {text}", field.name));
            let names = [format!("{}`", field.name), format!("{}[0]`", field.name)];
            assert!(names.iter().any(|name| said.message.contains(name)), "{}", said.message);
            let empty = load_text(&document(table, field.name, ""));
            assert!(codes_of(&empty).contains(&"S023"), "{} {:?}", field.name, codes_of(&empty));
        }
    }
}

#[test]
fn every_name_from_elsewhere_leads_to_a_field() {
    for table in TABLES {
        for (foreign, ours) in table.foreign {
            let known = table.field(ours).is_some() || table.later.iter().any(|(later, _)| later == ours);
            assert!(known, "{foreign} leads to {ours}");
            let loaded = load_text(&document(table, foreign, "x"));
            assert!(codes_of(&loaded).contains(&"S020"), "{foreign}");
        }
    }
}

#[test]
fn the_schema_has_every_field() {
    let schema = json_schema();
    let of_kind = |at: usize| &schema["allOf"][at]["then"]["properties"]["spec"]["properties"];
    let (spec, matcher) = (of_kind(0), of_kind(1));
    for field in table::MATCHER.fields {
        assert!(matcher[field.name]["description"].is_string(), "{}", field.name);
    }
    for field in table::SERVICE.fields {
        assert!(spec[field.name]["description"].is_string(), "{}", field.name);
    }
    assert_eq!(schema["required"], serde_json::json!(["apiVersion", "kind", "metadata", "spec"]));
    assert_eq!(spec["stop"]["properties"]["scope"]["enum"], serde_json::json!(["main", "group", "tree"]));
    assert_eq!(
        spec["limits"]["properties"]["nofile"]["anyOf"][1]["properties"]["soft"]["type"][0],
        "integer"
    );
}

#[test]
fn codes_are_unique_and_all_listed() {
    let all: Vec<_> = codes::ALL.iter().chain(yaml::CODES).map(|(code, _)| code.0).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn a_file_that_is_not_utf8_says_where() {
    let loaded = load(&[file("a.yaml", b"\xef\xbb\xbfa: b\nc: \xff\n".as_slice())], &context());
    let said = &loaded.files[0].diagnostics[0];
    assert_eq!(
        (said.code, loaded.files[0].source.position(said.span().unwrap().start)),
        (codes::NOT_TEXT, (2, 4))
    );
}

#[test]
fn a_byte_order_mark_is_no_column_and_line_ends_may_be_crlf() {
    let text = format!("\u{feff}{}", service("startas: /x, usr: a")).replace('\n', "\r\n");
    let loaded = load_text(&text);
    let said = &loaded.files[0].diagnostics[0];
    assert_eq!(loaded.files[0].source.position(said.span().unwrap().start), (4, 21));
    let good = format!("\u{feff}{}", service("startas: /x")).replace('\n', "\r\n");
    assert_eq!(load_text(&good).services().count(), 1);
}

#[test]
fn limits_of_files_bytes_and_mistakes_hold() {
    let limits = Limits { files: 2, bytes: 400, mistakes: 3, ..Limits::default() };
    let context = LoadContext {
        limits,
        compile: &usr_is_unknown,
        names: None,
        modules: &NoModules,
        held: None,
        host: None,
    };
    let good = service("startas: /x");
    let files = [file("a", good.clone()), file("b", vec![b' '; 400]), file("c", good.clone())];
    let loaded = load(&files, &context);
    assert_eq!(codes_of(&loaded), ["S002", "S002"]);
    assert_eq!(loaded.services().count(), 1);
    let many: String = (0..20).map(|n| format!("k{n}: v")).collect::<Vec<_>>().join(", ");
    let loaded = load(&[file("a", service(&format!("startas: /x, {many}")))], &context);
    assert_eq!(codes_of(&loaded), ["S020", "S020", "S020"]);
    assert_eq!(loaded.files[0].diagnostics[2].notes, ["17 more in this file"]);
}

#[test]
fn warnings_beyond_the_limit_do_not_hide_that_a_file_is_rejected() {
    let limits = Limits { mistakes: 1, ..Limits::default() };
    let text = service("startas: /usr/bin/x -a, umask: 22");
    let loaded = load(
        &[file("a", text)],
        &LoadContext {
            limits,
            compile: &usr_is_unknown,
            names: None,
            modules: &NoModules,
            held: None,
            host: None,
        },
    );
    assert_eq!(codes_of(&loaded), ["S025"]);
    assert!(loaded.files[0].rejected().is_some());
}

#[test]
fn origin_names_file_line_and_digest() {
    let text = format!("# a comment\n---\n{}", service("startas: /x"));
    let loaded = load_text(&text);
    let origin = &loaded.services().next().unwrap().origin;
    assert_eq!((&*origin.file, origin.line, origin.digest.len()), ("a.yaml", 3, 64));
    assert_eq!(origin.digest, loaded.files[0].digest);
}

#[test]
fn lines_of_many_documents_are_counted() {
    let text: String = (0..50)
        .flat_map(|n| ["---\n".to_owned(), service("startas: /x").replace("shop", &format!("s{n}"))])
        .collect();
    let loaded = load_text(&text);
    let lines: Vec<_> = loaded.services().map(|service| service.origin.line).collect();
    assert_eq!(lines, (0..50).map(|n| n * 5 + 2).collect::<Vec<_>>());
}

#[test]
fn nothing_is_relative_to_a_directory_whose_name_is_no_text() {
    use std::os::unix::ffi::OsStringExt;
    let directory = PathBuf::from(std::ffi::OsString::from_vec(b"/etc/\xff".to_vec()));
    for (spec, expected) in [
        ("startas: ./x", vec!["S025"]),
        ("startas: /x, args: ['${specDir}']", vec!["S025"]),
        ("startas: /x, args: ['${name}']", vec![]),
    ] {
        let file = SpecFile { directory: directory.clone(), ..file("a.yaml", service(spec)) };
        assert_eq!(codes_of(&load(&[file], &context())), expected, "{spec}");
    }
}

#[test]
fn a_rejected_file_says_why_in_a_line() {
    let loaded = load_text(&service("startas: /x, usr: a"));
    assert_eq!(loaded.files[0].reason().as_deref(), Some("a.yaml:4:21: unknown field `spec.usr`"));
}

#[test]
fn a_rejected_file_still_says_what_it_declares() {
    let loaded = load_text(&service("startas: x"));
    assert!(loaded.files[0].services().is_empty());
    assert_eq!(loaded.files[0].declares, [ServiceName::new("shop").unwrap()]);
}

#[test]
fn deep_nesting_ends_early() {
    for text in ["[".repeat(100_000), "{a: ".repeat(50_000), "- ".repeat(100_000)] {
        assert_eq!(codes_of(&load_text(&text)), ["Y004"]);
    }
}

/// An expression whose third word is unknown, in one of the styles.
fn styled(words: &[String], style: u8, crlf: bool) -> String {
    let quoted = |text: String, quote: char| format!("{quote}{text}{quote}");
    let match_ = match style {
        0 => words.join(" "),
        1 => words.join("\n     "),
        2 => quoted(words.join("  ").replace('\'', "''"), '\''),
        3 => quoted(words.join("\\\n     \\ ").replace("é", "\\u00e9"), '"'),
        4 => format!("|\n    {}", words.join("\n      ")),
        5 => format!(">-\n    {}", words.join("\n    ")),
        _ => format!("|2-\n     {}", words.join("\n    ")),
    };
    let text = format!(
        "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: shop}}\nspec:\n  startas: /x\n  match: {match_}\n  user: a\n"
    );
    if crlf { text.replace('\n', "\r\n") } else { text }
}

proptest! {
    #![proptest_config(crate::regressions::cases(400))]

    #[test]
    fn a_caret_in_an_expression_is_exact_in_every_style(
        before in proptest::collection::vec("[a-zé']{1,5}", 0..5),
        after in proptest::collection::vec("[a-zé']{1,5}", 0..5),
        style in 0u8..7,
        crlf in any::<bool>(),
    ) {
        let first = vec!["a".to_owned()];
        let clean = |words: Vec<String>| words.into_iter().filter(|word| !word.contains("usr"));
        let words: Vec<String> =
            first.into_iter().chain(clean(before)).chain(["usr".to_owned()]).chain(clean(after)).collect();
        let text = styled(&words, style, crlf);
        let loaded = load_text(&text);
        let found: Vec<_> = loaded.diagnostics().filter(|d| d.code == Code("M203")).collect();
        prop_assert_eq!(found.len(), 1, "{:?} {:?}", text, codes_of(&loaded));
        let span = found[0].span().unwrap();
        prop_assert_eq!(Some(span.start), text.find("usr"));
        prop_assert_eq!(span.end - span.start, 3);
    }

    #[test]
    fn any_document_is_judged_without_panic_and_each_file_alone(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("spec"), Just(": "), Just("\n"), Just("  "), Just("- "), Just("'"), Just("\""), Just("[a]"), Just("{a: b}"),
                Just("apiVersion: selfsame/v1\n"), Just("kind: Service\n"), Just("metadata: {name: a}\n"), Just("spec:\n"),
                Just("  startas: /x\n"), Just("  args: "), Just("  env: "), Just("  stop: "), Just("  limits: "), Just("  readiness: "),
                Just("  restart: "), Just("  match: "), Just("null"), Just("${"), Just("}"), Just("é"), Just("---\n"), Just("1"),
                Just("  scheduling: "), Just("  replicas: 2\n"), Just("  pidfile: "), Just("/x\n"), Just("x-y: z\n"),
            ],
            0..24,
        )
    ) {
        let text = parts.concat();
        let good = file("b.yaml", service("startas: /x").replace("shop", "good"));
        let loaded = load(&[file("a.yaml", text.as_str()), good], &context());
        for diagnostic in loaded.diagnostics() {
            let source = diagnostic.source.as_ref().unwrap();
            prop_assert!(!diagnostic.labels.is_empty(), "{diagnostic:?}");
            for label in &diagnostic.labels {
                let source = label.source.as_ref().unwrap_or(source);
                prop_assert!(source.text.get(label.span.start..label.span.end).is_some(), "{text:?} {diagnostic:?}");
            }
        }
        prop_assert_eq!(loaded.files[0].rejected().is_some(), loaded.files[0].diagnostics.iter().any(Diagnostic::is_error));
        prop_assert_eq!(loaded.files[1].services().len(), 1);
        let alone = load(&[file("a.yaml", text.as_str())], &context());
        prop_assert_eq!(&alone.files[0].diagnostics, &loaded.files[0].diagnostics);
    }
}

#[test]
fn a_task_is_read_with_its_plan() {
    let text = task(
        "startas: /srv/job, schedule: {cron: '30 3 * * 1-5', timeZone: europe/berlin, jitter: 5m, missed: skip}, \
         timeout: 1h, retry: {limit: 3, backoff: 10s}, concurrency: allow, successCodes: [3], onUnknown: goOn, user: www",
    );
    let loaded = load_text(&text);
    assert_eq!(codes_of(&loaded), Vec::<&str>::new());
    let service = loaded.services().next().unwrap();
    let plan = service.task.as_ref().unwrap();
    let schedule = plan.schedule().unwrap();
    let Rhythm::Cron { cron, time_zone } = &schedule.rhythm else { panic!() };
    assert_eq!((cron.as_str(), time_zone.name()), ("30 3 * * 1-5", "Europe/Berlin"));
    assert_eq!((plan.retries, plan.concurrency, plan.on_unknown), (3, Concurrency::Allow, OnUnknown::GoOn));
    assert_eq!((service.restart.success_codes.as_slice(), service.kind()), ([3].as_slice(), "Task"));
    // What a ledger keeps is the same document.
    let kept = serde_json::to_string(service).unwrap();
    assert_eq!(serde_json::from_str::<Service>(&kept).unwrap(), *service);
}

#[test]
fn mistakes_in_tasks_are_found() {
    for (spec, code) in [
        ("startas: /x, replicas: 2", "S020"),
        ("startas: /x, restart: {policy: never}", "S020"),
        ("startas: /x, readiness: {aliveFor: 1s}", "S020"),
        ("startas: /x, hooks: {}", "S021"),
        ("run: once", "S022"),
        ("startas: /x, run: daily", "S026"),
        ("startas: /x, run: once, schedule: {every: 1h}", "S060"),
        ("startas: /x, schedule: {every: 1h, cron: '@daily'}", "S060"),
        ("startas: /x, schedule: {every: 1h, timeZone: UTC}", "S060"),
        ("startas: /x, schedule: {every: 1m, jitter: 1m}", "S060"),
        ("startas: /x, schedule: {every: 10ms}", "S025"),
        ("startas: /x, schedule: {jitter: 1m}", "S022"),
        ("startas: /x, schedule: {cron: '61 * * * *'}", "S090"),
        ("startas: /x, schedule: {cron: '@daily', timeZone: Berlin}", "S091"),
        ("startas: /x, retry: {backoff: 10m}", "S060"),
        ("startas: /x, onUnknown: retry", "S026"),
    ] {
        assert_eq!(codes_of(&load_text(&task(spec))), [code], "{spec}");
    }
    let loaded = load_text(&task("startas: /x, schedule: {cron: '30 25 * * *'}"));
    let said = loaded.diagnostics().next().unwrap();
    let span = said.span().unwrap();
    assert_eq!(
        loaded.files[0].source.text.get(span.start..span.end),
        Some("25"),
        "the caret is under the field"
    );
}

/// A Service with labels, and its own fields.
fn labelled(name: &str, tier: &str, spec: &str) -> String {
    format!(
        "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: {name}, labels: {{tier: {tier}}}}}\nspec: {{{spec}}}\n---\n"
    )
}

/// Defaults by name.
fn named(name: &str, spec: &str) -> String {
    defaults(spec).replace("name: base", &format!("name: {name}"))
}

fn by_name(loaded: &Loaded) -> BTreeMap<String, Service> {
    loaded.services().map(|service| (service.name.to_string(), (*service).clone())).collect()
}

#[test]
fn values_are_put_under_what_documents_say() {
    let services = [
        labelled("plain", "web", "startas: /x"),
        labelled(
            "own",
            "web",
            "startas: /x, user: ann, env: {LANG: de}, readiness: {tcp: {port: 1}}, stdout: 'null'",
        ),
        labelled("other", "db", "startas: /x"),
        task("startas: /x").replace("{name: job}", "{name: job, labels: {tier: web}}"),
    ];
    let base = named(
        "base",
        "selector: {matchLabels: {tier: web}}, values: {user: www, env: {LANG: C, A: b}, replicas: 2, timeout: 1m, \
         readiness: {aliveFor: 2s, period: 3s}, stdout: {file: '/var/log/${name}-${index}'}}",
    );
    let heavy = named("zz", "weight: -1, values: {user: nobody, umask: '0077'}");
    let files = [file("a", services.concat()), file("b", base), file("c", heavy)];
    let loaded = load(&files, &context());
    assert_eq!(codes_of(&loaded), Vec::<&str>::new());
    let of = by_name(&loaded);
    let user = |name: &str| of[name].user.clone();
    assert_eq!(user("plain"), Some(Account::Name("www".into())));
    assert_eq!(user("own"), Some(Account::Name("ann".into())));
    assert_eq!(user("other"), Some(Account::Name("nobody".into())), "the lighter one chooses everything");
    assert_eq!(user("job"), Some(Account::Name("www".into())));
    assert!(of.values().all(|service| service.umask == 0o077));
    assert_eq!((of["plain"].replicas, of["job"].replicas), (2, 1), "a Task has no replicas");
    assert_eq!(of["job"].task.as_ref().unwrap().timeout, Some(std::time::Duration::from_mins(1)));
    assert_eq!(of["own"].env, BTreeMap::from([("A".into(), "b".into()), ("LANG".into(), "de".into())]));
    assert_eq!(of["own"].readiness.check, ReadinessCheck::Tcp { host: "127.0.0.1".into(), port: 1 });
    assert_eq!(of["own"].readiness.period, std::time::Duration::from_secs(3));
    assert_eq!(of["own"].stdout, Output::Null);
    let origins: Vec<(&str, &str)> =
        of["own"].defaults.iter().map(|(field, name)| (field.as_str(), name.as_str())).collect();
    assert_eq!(
        origins,
        [("env.A", "base"), ("readiness.period", "base"), ("replicas", "base"), ("umask", "zz")]
    );
}

#[test]
fn paths_of_values_belong_to_their_own_file() {
    let mut base = file("b", named("base", "values: {envFrom: [{file: ./env}], args: ['${specDir}/x']}"));
    base.directory = "/etc/base".into();
    let loaded = load(&[file("a", service("startas: /x")), base], &context());
    assert_eq!(codes_of(&loaded), Vec::<&str>::new());
    let shop = &by_name(&loaded)["shop"];
    assert_eq!(shop.env_from[0].file.to_str(), Some("/etc/base/env"));
    assert_eq!(shop.args, ["/etc/base/x"]);
}

#[test]
fn mistakes_of_values_are_said_where_they_stand_and_where_they_are_put_in() {
    for (spec, code) in [
        ("values: {usr: www}", "S020"),
        ("values: {umask: 22}", "S025"),
        ("selector: {matchExpressions: [{key: a, operator: In}]}, values: {}", "S060"),
        ("selector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}, values: {}", "S060"),
        ("selector: {matchLabels: {tier: 'a b'}}, values: {}", "S025"),
        ("values: {schedule: {cron: '* *'}}", "S090"),
        ("selector: {}", "S022"),
    ] {
        assert_eq!(codes_of(&load_text(&defaults(spec))), [code], "{spec}");
    }
    // Alone it is right, together it isn't: said at the document, with the place of the values.
    let files =
        [file("a", service("startas: /x")), file("b", defaults("values: {readiness: {pidfile: true}}"))];
    let loaded = load(&files, &context());
    assert_eq!(codes_of(&loaded), ["S060"]);
    let said = loaded.diagnostics().next().unwrap();
    assert_eq!(said.notes, ["with the values of the Defaults `base` (b)"]);
    assert_eq!(loaded.files[0].source.position(said.span().unwrap().start), (4, 1));
}

/// P3: nothing is started without the values that it should have.
#[test]
fn a_document_is_not_taken_without_defaults_that_cannot_be_used() {
    let web = || file("a", labelled("web", "web", "startas: /x"));
    let chosen = "selector: {matchLabels: {tier: web}}, values: {user: www}";
    let wrong = file("b", format!("{}---\n{}", defaults(chosen), service("startas: /x, usr: a")));
    let loaded = load(&[web(), wrong], &context());
    assert_eq!(codes_of(&loaded), ["S092", "S020"]);
    let other = defaults("selector: {matchLabels: {tier: db}}, values: {user: www}");
    let wrong = file("b", format!("{other}---\n{}", service("startas: /x, usr: a")));
    assert_eq!(codes_of(&load(&[web(), wrong], &context())), ["S020"], "these don't choose it");
    let broken = file("b", "kind: Defaults\nspec: {a: [}\n");
    let loaded = load(&[web(), broken], &context());
    assert_eq!(codes_of(&loaded), ["S092", "Y003"]);
    let twice = [web(), file("b", defaults(chosen)), file("c", defaults(chosen))];
    assert_eq!(codes_of(&load(&twice, &context())), ["S092", "S031"]);
}

/// Conditions that are compiled for one document serve every other one of its shape.
#[test]
fn documents_of_one_shape_bind_the_same_names_with_the_same_types() {
    let accounts = ["", ", user: app", ", user: 7", ", group: app", ", user: 7, group: 8"];
    let others = ["", ", pidfile: /run/x.pid", ", becomes: /usr/bin/y", ", args: [a], replicas: 2"];
    let mut kinds: Vec<(Shape, BTreeMap<String, Type>)> = Vec::new();
    for (account, other) in accounts.iter().flat_map(|account| others.map(|other| (account, other))) {
        let text = service(&format!("startas: /x{account}{other}"));
        let loaded = load_text(&text);
        let service = &loaded.files[0].services()[0];
        let types = variables(service).into_iter().map(|(name, (of, _))| (name, of)).collect();
        assert_eq!(Shape::of(service), Shape::of_types(&types), "{text}");
        for (shape, of) in &kinds {
            assert_eq!(*shape == Shape::of(service), *of == types, "{text}");
        }
        kinds.push((Shape::of(service), types));
    }
}

/// Two threads take them by sixteens, whoever gets to them.
#[test]
fn many_files_are_each_read_as_what_they_are() {
    let files: Vec<SpecFile> = (0..333)
        .map(|number| {
            let text =
                service(&format!("startas: /bin/x{number}")).replace("shop", &format!("shop-{number}"));
            let text = if number % 50 == 7 { text.replace("/bin/", "[") } else { text };
            file(&format!("{number}.yaml"), text)
        })
        .collect();
    let loaded = load(&files, &context());
    assert_eq!(loaded.files.len(), files.len());
    for (number, (read, file)) in loaded.files.iter().zip(&files).enumerate() {
        assert_eq!((&*read.source.name, read.source.text.as_bytes()), (&*file.name, &*file.bytes));
        let starts: Vec<_> = read.services().iter().map(|service| service.startas.clone()).collect();
        let expected = if number % 50 == 7 { vec![] } else { vec![PathBuf::from(format!("/bin/x{number}"))] };
        assert_eq!(starts, expected, "{number}");
        assert_eq!(read.rejected().is_some(), expected.is_empty());
    }
}
