//! `match` and `explain` as a person uses them in pgrep's place: sets, columns, traces, near misses, signals, watching.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/inside.rs"]
mod inside;
#[path = "cli/support.rs"]
mod support;

#[path = "asking/explain.rs"]
mod explain;
#[path = "asking/live.rs"]
mod live;
#[path = "asking/sets.rs"]
mod sets;
#[path = "asking/signals.rs"]
mod signals;

use std::process::Child;

use support::Bench;

/// Processes that end with the test.
struct Guard(Vec<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A program of this bench only, a copy of sleep: what matches it by `exe` is nobody else's.
fn napper(bench: &Bench) -> String {
    let path = bench.path("bin/napper");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // By another process, as with scripts: no child of this one may hold it open for writing.
    let copied = std::process::Command::new("cp").arg("/bin/sleep").arg(&path).status().unwrap();
    assert!(copied.success());
    path.display().to_string()
}

/// So many of them, in the order of their start: each a clock tick later at least.
fn nappers(bench: &Bench, count: usize) -> (String, Guard, Vec<i32>) {
    let program = napper(bench);
    let mut guard = Guard(Vec::new());
    let mut pids = Vec::new();
    for _ in 0..count {
        guard.0.push(bench.by_hand(bench.root(), &program, &["1000"]));
        let pid = i32::try_from(guard.0.last().unwrap().id()).unwrap();
        // In the middle of an exec there is a file and a name, and no argument yet.
        let line = format!("/proc/{pid}/cmdline");
        support::until("exec", || {
            std::fs::read(&line).is_ok_and(|line| line.ends_with(b"bin/napper\x001000\0"))
        });
        let start: u64 = support::stat_field(pid, 22).parse().unwrap();
        // Start times have a resolution of 10 ms.
        support::until("the next tick", || uptime_ticks() > start);
        pids.push(pid);
    }
    (program, guard, pids)
}

/// Hundredths of a second since boot.
fn uptime_ticks() -> u64 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap();
    text.split_whitespace().next().unwrap().replace('.', "").parse().unwrap()
}

/// Is true for the nappers of the bench, and known of every process: an ordinary user can't read the `exe` of others.
fn is_napper(program: &str) -> String {
    format!("comm == \"napper\" && exe == \"{program}\"")
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
