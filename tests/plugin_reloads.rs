//! A plugin that is loaded again and again. Alone in its process, since it looks at the memory of the process.

#![cfg(feature = "plugins")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    dead_code,
    reason = "tests"
)]

#[path = "plugins/wat.rs"]
mod wat;

use std::sync::Arc;

use selfsame::plugin::Plugin;
use selfsame::process::expression::schema;
use wat::{Place, Wat, constant, echo, one};

/// Memory of this process that is in use, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A plugin with an enumeration of these words, and a type.
fn typed(words: &[String]) -> Vec<u8> {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let manifest = format!(
        r#"{{"name": "t", "version": "1", "enums": [{{"name": "e", "words": [{}]}}], "types": [{{"name": "v"}}],
            "fields": [{{"name": "x", "type": "e", "export": "x"}}, {{"name": "v", "type": "v", "export": "x"}}]}}"#,
        words.join(", ")
    );
    Wat::new(&manifest, &constant("x", &[0x0d, 3, 0, 0, 0, b'o', b'n', b'e'])).wasm()
}

/// What a process keeps for good has an end, and what it keeps already is no more the second time.
fn words_fill_up_once() {
    let load = |wasm: &[u8]| Plugin::load("t", wasm, &wat::grants(), schema());
    let first = typed(&["one".into(), "other".into()]);
    let mut refused = None;
    for turn in 0..40 {
        let words: Vec<String> = (0..256).map(|n| format!("w{turn}_{n}")).collect();
        if let Err(said) = load(&typed(&words)) {
            refused.get_or_insert((turn, wat::said(&said)));
        }
        // The same words again, as often as one likes.
        let plugin = load(&first).unwrap();
        assert_eq!(Place::of(vec![plugin]).ask("t.x == one", 600), "true");
    }
    let (turn, said) = refused.expect("there is an end");
    assert_eq!(turn, 15, "4 096 texts");
    assert_eq!(
        said,
        [
            "P209 the names of its types and words are more than this process can keep | restart selfsame: it keeps those of all plugins that it ever loaded"
        ]
    );
}

#[test]
fn a_thousand_quick_reloads_leave_nothing_behind() {
    let wasm = one("string", "\"comm\"", &echo("x")).wasm();
    let bad =
        one("string", "\"comm\"", "(func (export \"x\") (param i32 i32) (result i64) unreachable)").wasm();
    let load = |wasm: &[u8]| Plugin::load("t", wasm, &wat::grants(), schema()).unwrap();
    let types = typed(&["one".into(), "other".into()]);
    let mut after_200 = 0;
    let mut in_force: Arc<Plugin> = load(&wasm);
    for turn in 0..1_000 {
        // The old one is in force until the new one is loaded.
        in_force = load(&wasm);
        assert_eq!(Place::of(vec![Arc::clone(&in_force)]).ask("t.x == comm", 600), "true");
        let with_types = Place::of(vec![load(&types)]);
        assert_eq!(with_types.ask("t.x == one", 600), "true");
        // One that fails, and one that is refused.
        assert!(Place::of(vec![load(&bad)]).ask("has(t.x)", 600).contains("trapped"));
        assert!(Plugin::load("other", &wasm, &wat::grants(), schema()).is_err());
        if turn == 200 {
            after_200 = resident();
        }
    }
    let grown = resident().saturating_sub(after_200);
    println!("{after_200} KiB after 200 turns, {grown} KiB more after 1000");
    assert_eq!(in_force.health().failures, 0);
    assert!(grown < 2 << 10, "{grown} KiB more than after 200 turns");
    words_fill_up_once();
}
