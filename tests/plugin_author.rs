//! What an author of plugins does, with the real binary: new, build, test, inspect, bench.

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

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use support::{Bench, Ran};

/// Runs `./build` in a folder, with this build of selfsame.
fn build(bench: &Bench, folder: &str) -> Ran {
    let output = Command::new(bench.path(folder).join("build"))
        .env("SELFSAME", env!("CARGO_BIN_EXE_selfsame"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    Ran {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran:?}"))
}

/// A plugin of WebAssembly as text, built.
fn shop() -> Bench {
    let bench = Bench::new();
    bench.ok(&["plugin", "new", "shop", "--lang", "wat"]);
    let built = build(&bench, "shop");
    assert_eq!(built.code, 0, "{built:?}");
    bench
}

fn edit(bench: &Bench, name: &str, from: &str, to: &str) {
    let path = bench.path(name);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "`{from}` in\n{text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_new_plugin_of_each_language_has_all_that_it_needs() {
    let bench = Bench::new();
    for (lang, sources) in [
        ("c", &["c.c", "selfsame.h"][..]),
        ("assemblyscript", &["assemblyscript.ts", "selfsame.ts", "package.json"]),
        ("wat", &["wat.wat"]),
    ] {
        let name = format!("my_{lang}");
        let ran = bench.ok(&["plugin", "new", &name, "--lang", lang]);
        for file in ["build", "plugin.yaml", "README.md", "tests/release.cases.yaml"] {
            assert!(ran.stdout.contains(&format!("{name}/{file}\n")), "{file} in\n{}", ran.stdout);
        }
        for source in sources {
            let source = if source.starts_with(lang) { format!("my_{source}") } else { (*source).to_owned() };
            assert!(bench.path(&name).join(&source).is_file(), "{name}/{source}");
        }
        let mode = fs::metadata(bench.path(&name).join("build")).unwrap().permissions().mode();
        assert_eq!(mode & 0o100, 0o100, "build can be run");
        assert!(ran.stderr.contains(&format!("selfsame plugin test {name}")), "{}", ran.stderr);
        // Not built yet, which is said.
        let early = bench.run(&["plugin", "test", &name]);
        assert_eq!(early.code, 1, "{early:?}");
        assert!(early.stderr.contains("C002") && early.stderr.contains("build it"), "{}", early.stderr);
    }
}

#[test]
fn nothing_is_overwritten_and_names_are_checked() {
    let bench = Bench::new();
    bench.write("shop/mine", "mine");
    let there = bench.run(&["plugin", "new", "shop", "--lang", "c"]);
    assert_eq!(there.code, 1, "{there:?}");
    assert!(there.stderr.contains("nothing is overwritten"), "{}", there.stderr);
    assert_eq!(fs::read_dir(bench.path("shop")).unwrap().count(), 1);
    for (name, said) in [
        ("Shop", "write `shop`"),
        ("my-shop", "write `my_shop`"),
        ("../shop", "write `shop`"),
        ("in", "word of the language"),
        ("exe", "built-in field"),
        ("spec", "variable of services"),
        ("", "lower-case letters"),
    ] {
        let ran = bench.run(&["plugin", "new", name, "--lang", "c"]);
        assert_eq!(ran.code, 64, "{name}: {ran:?}");
        assert!(ran.stderr.contains(said), "`{said}` in {}", ran.stderr);
    }
}

#[test]
fn text_becomes_a_tested_plugin_without_any_compiler() {
    let bench = shop();
    let ran = bench.ok(&["plugin", "test", "shop"]);
    assert_eq!(
        ran.stdout,
        "shop 0.1.0: 2 examples\nshop/tests/release.cases.yaml: 5 cases, 6 values as expected\n"
    );
    let digest = bench.ok(&["plugin", "inspect", "shop/shop.wasm", "--sha256"]).stdout;
    assert_eq!(digest.trim().len(), 64);
    let document = fs::read_to_string(bench.path("shop/plugin.yaml")).unwrap();
    assert!(document.contains(&format!("  sha256: {digest}")), "{document}");
    // Its comments are where they were.
    assert!(document.contains("  # what it may see"), "{document}");
}

/// Whether C can be built here; says so if not.
fn has_compiler() -> bool {
    let has =
        |tool: &str| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    let targets = Command::new("clang").arg("--print-targets").output().ok();
    let wasm = targets.is_some_and(|output| String::from_utf8_lossy(&output.stdout).contains("wasm32"));
    let there = wasm && has("wasm-ld");
    if !there {
        eprintln!("SKIPPED: there is no clang for wasm32 with wasm-ld here");
    }
    there
}

/// The header is only as good as what the compiler makes of it.
#[test]
fn c_becomes_a_tested_plugin_where_there_is_a_compiler() {
    if !has_compiler() {
        return;
    }
    let bench = Bench::new();
    bench.ok(&["plugin", "new", "shop", "--lang", "c"]);
    let built = build(&bench, "shop");
    assert_eq!((built.code, built.stderr.as_str()), (0, ""), "{built:?}");
    bench.ok(&["plugin", "test", "shop"]);
    let module = bench.ok(&["plugin", "inspect", "shop", "--output", "json"]);
    let module = json(&module);
    assert_eq!(module["imports"], serde_json::json!(["selfsame.find"]), "{module}");
    assert!(module["bytes"].as_u64().unwrap() < 8192, "{module}");
}

/// A plugin of this language with every type of the interface, built and tested. `escape` puts the manifest into its source.
fn every_type_crosses(lang: &str, source: &str, end: &str, escape: fn(&str) -> String) {
    let bench = Bench::new();
    bench.ok(&["plugin", "new", "types", "--lang", lang]);
    let manifest = include_str!("plugin_author/manifest.json").trim_end();
    bench.write(&format!("types/types.{end}"), &source.replace("@MANIFEST@", &escape(manifest)));
    bench.write("types/tests/release.cases.yaml", include_str!("plugin_author/types.cases.yaml"));
    edit(&bench, "types/plugin.yaml", "fields: [argv]", "fields: [argv, env]");
    let built = build(&bench, "types");
    assert_eq!(built.code, 0, "{built:?}");
    let ran = bench.ok(&["plugin", "test", "types"]);
    assert!(ran.stdout.contains("11 values as expected"), "{}", ran.stdout);
}

#[test]
fn every_type_crosses_in_c() {
    if has_compiler() {
        every_type_crosses("c", include_str!("plugin_author/types.c"), "c", str::to_owned);
    }
}

/// Its compiler comes from a registry, so that this is for the gate, which has it.
#[test]
fn every_type_crosses_in_assemblyscript() {
    if std::env::var_os("SELFSAME_PLUGINS_BUILT").is_none() {
        eprintln!("SKIPPED: SELFSAME_PLUGINS_BUILT doesn't say that there is npm with its registry");
        return;
    }
    let escape = |manifest: &str| manifest.replace('\\', r"\\");
    every_type_crosses("assemblyscript", include_str!("plugin_author/types.ts"), "ts", escape);
}

/// The page for newcomers, done as it says.
#[test]
fn the_newcomers_path_is_as_the_page_says() {
    if !has_compiler() {
        return;
    }
    let page = include_str!("../docs/plugins.md");
    let blocks: Vec<&str> =
        page.split("```c\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [entry, function] = blocks.as_slice() else { panic!("{} blocks of C", blocks.len()) };
    let bench = Bench::new();
    bench.ok(&["plugin", "new", "shop", "--lang", "c"]);
    edit(
        &bench,
        "shop/shop.c",
        "\"value\": null}]}]\n})",
        &format!("\"value\": null}}]}},\n{}]\n}})\n{function}", entry.trim_end()),
    );
    let built = build(&bench, "shop");
    assert_eq!((built.code, built.stderr.as_str()), (0, ""), "{built:?}");
    assert!(bench.ok(&["plugin", "test", "shop"]).stdout.starts_with("shop 0.1.0: 3 examples"));
    let rows = json(&bench.ok(&["plugin", "inspect", "shop", "--output", "json"]));
    assert_eq!(rows["entries"][1]["name"], "shop.app", "{rows}");
    assert!(page.contains(
        &bench.ok(&["plugin", "test", "shop"]).stdout.lines().nth(1).unwrap().replace("shop/", "./")
    ));
}

#[test]
fn what_is_not_as_expected_is_shown_beside_what_is() {
    let bench = shop();
    edit(
        &bench,
        "shop/tests/release.cases.yaml",
        "expect: {shop.release: '20260102'}",
        "expect: {shop.release: 20260103}",
    );
    edit(
        &bench,
        "shop/tests/release.cases.yaml",
        "    expect: {shop.release: absent}\n  - name: a kernel",
        "    expect: {shop.release: unknown}\n  - name: a kernel",
    );
    let ran = bench.run(&["plugin", "test", "shop"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let expected = "\
shop 0.1.0: 2 examples
shop/tests/release.cases.yaml: 5 cases, 2 of 6 values not as expected
  a script below releases: shop.release (shop/tests/release.cases.yaml:6)
    expected  20260103
    found     20260102
  no release: shop.release (shop/tests/release.cases.yaml:12)
    expected  unknown
    found     absent
";
    assert_eq!(ran.stdout, expected);
    let rows = json(&bench.run(&["plugin", "test", "shop", "--output", "json"]));
    assert_eq!(rows[0]["files"][0]["failed"][0]["found"], "20260102", "{rows}");
}

#[test]
fn an_example_that_fails_is_no_plugin() {
    let bench = shop();
    edit(&bench, "shop/shop.wat", r#"\"value\": \"20260102\""#, r#"\"value\": \"20260103\""#);
    assert_eq!(build(&bench, "shop").code, 0);
    let ran = bench.run(&["plugin", "test", "shop"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in ["P302", "example 1 of `shop.release` gives \"20260102\"", "in `shop/shop.wasm`"] {
        assert!(ran.stderr.contains(part), "`{part}` in\n{}", ran.stderr);
    }
}

#[test]
fn mistakes_in_case_files_have_places() {
    let bench = shop();
    for (text, parts) in [
        (
            "cases: [{name: a, proces: {pid: 1}, expect: {shop.release: absent}}]",
            &["P401", "`proces`", "did you mean `process`?"][..],
        ),
        ("cases: [{name: a, expect: {shop.release: absent}}]", &["a case has no process"]),
        ("cases: [{name: a, pid: 600, expect: {shop.release: absent}}]", &["there is no snapshot"]),
        ("cases: [{name: a, process: {pid: 1}, expect: {}}]", &["nothing is expected"]),
        ("cases: [{name: a, process: {pid: 1}, expect: {shop.release: }}]", &["P402", "nothing is no value"]),
        (
            "cases: [{name: a, process: {pid: 1}, expect: {shop.release: {a: b}}}]",
            &["P402", "a mapping is no value"],
        ),
        (
            "cases: [{name: a, process: {pid: 1}, expect: {shop.relaese: absent}}]",
            &["1:47", "did you mean `shop.release`?"],
        ),
        (
            "cases: [{name: a, process: {argvv: []}, expect: {shop.release: absent}}]",
            &["`argvv`", "did you mean `argv`?"],
        ),
        ("snapshot: nowhere.yaml\ncases: []", &["C002", "nowhere.yaml"]),
        ("cases: []", &["there are no cases"]),
        ("- a", &["a case file is a list, not a mapping"]),
        ("cases: []\n---\ncases: []", &["one document, this has 2"]),
    ] {
        bench.write("wrong.cases.yaml", text);
        let ran = bench.run(&["plugin", "test", "shop", "--cases", "wrong.cases.yaml"]);
        assert_eq!(ran.code, 1, "{text}: {ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "{text}: `{part}` in\n{}", ran.stderr);
        }
    }
}

#[test]
fn cases_can_be_of_a_snapshot() {
    let bench = shop();
    bench.write(
        "more/host.yaml",
        "processes:\n  - {pid: 600, argv: [/usr/bin/ruby, /srv/shop/releases/7/web]}\n  - {pid: 601}\n",
    );
    let case = "snapshot: host.yaml\ncases:\n  - {name: one, pid: 600, expect: {shop.release: '7'}}\n  - {name: other, pid: 601, expect: {shop.release: absent}}\n";
    bench.write("more/a.cases.yaml", case);
    let ran = bench.ok(&["plugin", "test", "shop", "--cases", "more"]);
    assert!(ran.stdout.contains("more/a.cases.yaml: 2 cases, 2 values as expected"), "{}", ran.stdout);
    bench.write(
        "more/a.cases.yaml",
        "snapshot: host.yaml\ncases: [{name: none, pid: 602, expect: {shop.release: '7'}}]",
    );
    let ran = bench.run(&["plugin", "test", "shop", "--cases", "more"]);
    assert!(ran.code == 1 && ran.stderr.contains("no process 602"), "{ran:?}");
}

#[test]
fn inspect_says_what_it_declares_and_what_is_in_the_way() {
    let bench = shop();
    let text = bench.ok(&["plugin", "inspect", "shop"]).stdout;
    for part in [
        "shop 0.1.0: which release",
        "imports selfsame.find",
        "shop.release",
        "self-reported",
        "fields: [argv]",
    ] {
        assert!(text.contains(part), "`{part}` in\n{text}");
    }
    let rows = json(&bench.ok(&["plugin", "inspect", "shop", "--output", "json"]));
    assert_eq!((&rows["abi"], &rows["entries"][0]["name"]), (&1.into(), &"shop.release".into()), "{rows}");
    assert_eq!(rows["entries"][0]["inputs"][0]["field"], "argv", "{rows}");

    edit(&bench, "shop/plugin.yaml", "fields: [argv]", "fields: [comm]");
    let ran = bench.run(&["plugin", "inspect", "shop"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stderr.contains("P301") && ran.stderr.contains("add `argv` to `grants.fields`"),
        "{}",
        ran.stderr
    );
    // What it asks for is shown all the same.
    assert!(ran.stdout.contains("fields: [argv]"), "{}", ran.stdout);

    edit(&bench, "shop/plugin.yaml", "fields: [comm]", "fields: [argv]");
    edit(&bench, "shop/shop.wat", "\\\"version\\\": \\\"0.1.0\\\"", "\\\"version\\\": \\\"0.2.0\\\"");
    let before = fs::read_to_string(bench.path("shop/plugin.yaml")).unwrap();
    build(&bench, "shop");
    bench.write("shop/plugin.yaml", &before);
    let ran = bench.run(&["plugin", "test", "shop"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stderr.contains("P405") && ran.stderr.contains("selfsame plugin build shop/plugin.yaml"),
        "{}",
        ran.stderr
    );
    bench.ok(&["plugin", "build", "shop/plugin.yaml"]);
    assert!(bench.ok(&["plugin", "test", "shop"]).stdout.starts_with("shop 0.2.0"));
}

#[test]
fn what_is_no_plugin_is_said_to_be_none() {
    let bench = shop();
    bench.write("text.wasm", "not a module");
    bench.write("notes.txt", "not a module");
    bench.write("none.yaml", "kind: Service\n");
    for (path, parts) in [
        ("text.wasm", &["P101", "no WebAssembly module"][..]),
        (
            "notes.txt",
            &["P101", "`notes.txt` is neither a module nor a document", "name a folder with a plugin.yaml"],
        ),
        ("none.yaml", &["P404", "no document of kind Plugin"]),
        ("nowhere", &["C002", "nowhere"]),
        ("shop/shop.wat", &["P101", "selfsame plugin build shop/shop.wat"]),
    ] {
        for verb in ["inspect", "test", "bench"] {
            let ran = bench.run(&["plugin", verb, path]);
            assert_eq!(ran.code, 1, "{verb} {path}: {ran:?}");
            for part in parts {
                assert!(ran.stderr.contains(part), "{verb} {path}: `{part}` in\n{}", ran.stderr);
            }
        }
    }
    edit(&bench, "shop/shop.wat", "(memory.size)", "(memory.sise)");
    let ran = bench.run(&["plugin", "build", "shop/shop.wat"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("P403") && ran.stderr.contains("shop/shop.wat:"), "{}", ran.stderr);
}

#[test]
fn bench_counts_fuel_of_examples_and_of_processes() {
    let bench = shop();
    bench.write("host.yaml", "processes:\n  - {pid: 600, argv: [ruby, /srv/shop/releases/7/web]}\n  - {pid: 601, unreadable: {argv: denied}}\n");
    let rows = json(&bench.ok(&[
        "plugin",
        "bench",
        "shop",
        "--rounds",
        "3",
        "--snapshot",
        "host.yaml",
        "--output",
        "json",
    ]));
    let example = &rows["examples"][0];
    assert_eq!((&example["entry"], &example["calls"]), (&"shop.release".into(), &6.into()), "{rows}");
    let fuel = example["fuelMost"].as_u64().unwrap();
    assert!((10..100_000).contains(&fuel), "{rows}");
    let process = &rows["processes"][0];
    assert_eq!((&process["calls"], &process["unknown"]), (&2.into(), &1.into()), "{rows}");
    // The same work, the same fuel, on every machine.
    let again = json(&bench.ok(&["plugin", "bench", "shop", "--rounds", "1", "--output", "json"]));
    assert_eq!(again["examples"][0]["fuelMost"].as_u64(), Some(fuel), "{again}");
    let live = bench.ok(&["plugin", "bench", "shop", "--rounds", "1", "--live"]).stdout;
    assert!(live.contains("processes, with their inputs"), "{live}");
}

#[test]
fn every_verb_has_its_help() {
    let bench = Bench::new();
    for verb in ["new", "build", "inspect", "test", "bench"] {
        let help = bench.ok(&["help", "plugin", verb]).stdout;
        assert!(help.contains("Example"), "{verb}\n{help}");
        assert_eq!(bench.ok(&["plugin", verb, "--help"]).stdout, help, "{verb}");
    }
    let ran = bench.run(&["help", "plugin", "tets"]);
    assert!(ran.code == 64 && ran.stderr.contains("did you mean `test`?"), "{ran:?}");
    let script = bench.ok(&["completions", "bash"]).stdout;
    assert!(
        script.contains("selfsame__plugin__bench") || script.contains("plugin__subcmd__bench"),
        "completion knows the verbs"
    );
}
