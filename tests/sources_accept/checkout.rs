//! A checkout of another branch changes hundreds of files one after the other: that is one change.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::support::{Bench, until};

const FILES: usize = 500;

fn git(bench: &Bench, args: &[&str]) {
    let output = Command::new("git")
        .arg("-C")
        .arg(bench.path("specs"))
        .args([
            "-c",
            "user.name=nobody",
            "-c",
            "user.email=nobody@example.org",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn commit(bench: &Bench, revision: u32) {
    for number in 0..FILES {
        let text = format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: many-{number}}}\nspec:\n  state: stopped\n  \
             startas: /usr/bin/env\n  args: [r{revision}]\n"
        );
        fs::write(bench.path(&format!("specs/many-{number}.yaml")), text).unwrap();
    }
    git(bench, &["add", "--all"]);
    git(bench, &["commit", "--quiet", "--message", &format!("revision {revision}")]);
}

/// The generations that the objects are at; 0 for those that nothing is known of.
fn generations(bench: &Bench) -> BTreeSet<u64> {
    let text = bench.run(&["status", "--output", "json"]).stdout;
    let status: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let rows = status["objects"].as_array().cloned().unwrap_or_default();
    let missing = (rows.len() != FILES).then_some(0);
    rows.iter().filter_map(|row| row["generation"].as_u64()).chain(missing).collect()
}

fn sets(bench: &Bench) -> usize {
    let text = bench.ok(&["history", "--output", "json"]).stdout;
    serde_json::from_str::<Vec<serde_json::Value>>(&text).unwrap().len()
}

fn a_checkout_is_one_change(more: &[&str]) {
    let mut bench = Bench::new();
    git(&bench, &["init", "--quiet", "--initial-branch", "one"]);
    commit(&bench, 1);
    git(&bench, &["checkout", "--quiet", "-b", "two"]);
    commit(&bench, 2);
    git(&bench, &["checkout", "--quiet", "one"]);
    bench.watch(more);
    until("all to be known", || generations(&bench) == BTreeSet::from([1]));
    for (branch, generation) in [("two", 2), ("one", 3)] {
        git(&bench, &["checkout", "--quiet", branch]);
        until("the other branch", || generations(&bench) == BTreeSet::from([generation]));
        // Half of a branch would have been a set of its own.
        until("the set to be kept", || sets(&bench) >= usize::try_from(generation).unwrap());
        assert_eq!(sets(&bench), usize::try_from(generation).unwrap());
    }
}

#[test]
fn with_hints() {
    a_checkout_is_one_change(&[]);
}

#[test]
fn without_hints() {
    a_checkout_is_one_change(&["--no-hints", "--resync", "300ms"]);
}
