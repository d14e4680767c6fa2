//! Many plugins one after the other.

use crate::wat::{Place, echo, one};

/// Pages of this process that are in memory, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_thousand_quick_reloads_leave_nothing_behind() {
    let wat = one("string", "\"comm\"", &echo("x"));
    let wasm = wat.wasm();
    let mut after_200 = 0;
    for turn in 0..1_000 {
        let plugin = selfsame::plugin::Plugin::load(
            "t",
            &wasm,
            &crate::wat::grants(),
            selfsame::process::expression::schema(),
        )
        .unwrap();
        if turn % 10 == 0 {
            assert_eq!(Place::of(vec![plugin]).ask("t.x == comm", 600), "true");
        }
        if turn == 200 {
            after_200 = resident();
        }
    }
    let grown = resident().saturating_sub(after_200);
    println!("after 200: {after_200} KiB, after 1000: {grown} KiB more");
    // Other tests run in this process at the same time; what a leaked instance alone would be is 800 times 512 KiB.
    assert!(grown < 64 << 10, "{grown} KiB more than after 200 reloads");
}
