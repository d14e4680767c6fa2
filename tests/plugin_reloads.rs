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
use wat::{Place, echo, one};

/// Memory of this process that is in use, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_thousand_quick_reloads_leave_nothing_behind() {
    let wasm = one("string", "\"comm\"", &echo("x")).wasm();
    let bad =
        one("string", "\"comm\"", "(func (export \"x\") (param i32 i32) (result i64) unreachable)").wasm();
    let load = |wasm: &[u8]| Plugin::load("t", wasm, &wat::grants(), schema()).unwrap();
    let mut after_200 = 0;
    let mut in_force: Arc<Plugin> = load(&wasm);
    for turn in 0..1_000 {
        // The old one is in force until the new one is loaded.
        in_force = load(&wasm);
        assert_eq!(Place::of(vec![Arc::clone(&in_force)]).ask("t.x == comm", 600), "true");
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
}
