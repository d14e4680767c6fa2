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
