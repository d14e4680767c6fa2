//! The example plugins: their examples and cases, from the modules that are committed, without any toolchain. With
//! `SELFSAME_PLUGINS_BUILT=DIR` (what `examples/plugins/build DIR` made) the same of fresh modules.

#![cfg(feature = "plugins")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

#[path = "cli/support.rs"]
mod support;

use std::path::{Path, PathBuf};

use selfsame::lang::{Scope, compile};
use selfsame::plugin::{Grants, Plugin, Plugins};
use selfsame::process::expression;
use support::Bench;

const NAMES: [&str; 3] = ["container", "java", "version"];
/// Bytes: small enough to be kept in the repository.
const SMALL: usize = 64 << 10;

fn folder(name: &str) -> String {
    format!("{}/examples/plugins/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs `plugin test` and gives the sums of its cases.
fn tested(arguments: &[&str]) -> (u64, u64) {
    let bench = Bench::new();
    let all: Vec<&str> = ["plugin", "test", "--output", "json"].iter().chain(arguments).copied().collect();
    let ran = bench.run(&all);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    let rows: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let files = rows[0]["files"].as_array().unwrap();
    let sum = |key: &str| files.iter().map(|file| file[key].as_u64().unwrap()).sum();
    (sum("cases"), sum("values"))
}

#[test]
fn the_committed_modules_do_what_their_cases_say() {
    for (name, cases, values) in [("container", 50, 250), ("java", 35, 90), ("version", 8, 120)] {
        let (has, expects) = tested(&[&folder(name)]);
        assert!(has >= cases && expects >= values, "{name}: {has} cases, {expects} values");
        let module = std::fs::read(Path::new(&folder(name)).join(format!("{name}.wasm"))).unwrap();
        assert!(module.len() < SMALL, "{name} has {} bytes", module.len());
    }
}

#[test]
fn modules_that_were_just_built_do_the_same() {
    let Some(built) = std::env::var_os("SELFSAME_PLUGINS_BUILT").map(PathBuf::from) else {
        eprintln!("SKIPPED: SELFSAME_PLUGINS_BUILT doesn't say where they are");
        return;
    };
    for name in NAMES {
        let module = built.join(name).join(format!("{name}.wasm"));
        let (cases, _) = tested(&[module.to_str().unwrap(), "--cases", &format!("{}/tests", folder(name))]);
        assert!(cases > 0, "{name}");
    }
}

/// A plugin whose author's tools warn is no example.
#[test]
fn what_they_ask_for_is_what_their_documents_grant() {
    let bench = Bench::new();
    for name in NAMES {
        let ran = bench.ok(&["plugin", "inspect", &folder(name), "--output", "json"]);
        let rows: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let document = std::fs::read_to_string(format!("{}/plugin.yaml", folder(name))).unwrap();
        let fields: Vec<&str> =
            rows["grants"]["fields"].as_array().unwrap().iter().filter_map(|f| f.as_str()).collect();
        assert!(
            document.contains(&format!("fields: [{}]", fields.join(", "))),
            "{name}: {fields:?}\n{document}"
        );
        assert!(document.contains(rows["sha256"].as_str().unwrap()), "{name}");
        for entry in rows["entries"].as_array().unwrap() {
            assert!(entry["examples"].as_u64().unwrap() > 0, "{name}: {entry}");
        }
    }
}

/// What is said about an expression that names the plugins: the first message and its help.
fn said(plugins: &Plugins, text: &str) -> String {
    let compiled = compile(text, plugins.schema(), &Scope::default());
    let first = compiled.diagnostics.into_iter().find(selfsame::diagnostic::Diagnostic::is_error);
    first.map(|said| format!("{} | {}", said.message, said.help.unwrap_or_default())).unwrap_or_default()
}

#[test]
fn their_types_read_well_and_explain_themselves() {
    let load = |name: &str| {
        let wasm = std::fs::read(Path::new(&folder(name)).join(format!("{name}.wasm"))).unwrap();
        let survey = Plugin::survey(&wasm, expression::schema()).unwrap();
        Plugin::load(name, &wasm, &Grants::asked_by(&survey.manifest), expression::schema()).unwrap()
    };
    let plugins = Plugins::new(NAMES.map(load).to_vec());
    let version = plugins.get("version").unwrap().declarations();
    assert!(version.operators.iter().all(|decl| decl.cost < 5), "{:#?}", version.operators);
    for text in [
        "container.runtime in [docker, podman] && container.qos != besteffort",
        "version.of(exe.path) >= \"15\" && version.exe < 16",
        "version.exe in \"14\"..\"16\" || version.app like \"2.*\"",
        "version.parse(env[\"APP\"]) > version.exe",
    ] {
        assert_eq!(said(&plugins, text), "", "{text}");
    }
    for (text, words) in [
        // What was written while it was a text.
        ("container.runtime == \"docker\"", "write the word without quotes: `docker`"),
        ("container.runtime == \"cri-o\"", "write the word without quotes: `crio`"),
        ("container.runtime == moby", "write `docker`"),
        ("container.runtime == dcoker", "did you mean `docker`?"),
        ("container.uid == \"x\"", "write `container.id`"),
        ("container.runtmie == docker", "did you mean `container.runtime`?"),
        ("not container.is", "it is a function: `container.is(id)`"),
        ("version.exe == comm", "compare a version.semver with: version.semver, string, int"),
    ] {
        let line = said(&plugins, text);
        assert!(line.contains(words), "{text}: {line}");
    }
    let bench = Bench::new();
    let shown = bench.ok(&["plugin", "inspect", &folder("container")]).stdout;
    assert!(shown.contains("container.runtime: what runs containers: docker podman"), "{shown}");
    let shown = bench.ok(&["plugin", "inspect", &folder("version")]).stdout;
    assert!(shown.contains("of string, int; == != < <= > >= like =~"), "{shown}");
}
