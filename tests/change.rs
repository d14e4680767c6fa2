//! Changes of what runs, with real processes: hooks, reloads, updates, order of dependence, verbs of a moment.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "change/depend.rs"]
mod depend;
#[path = "change/hooks.rs"]
mod hooks;
#[path = "change/update.rs"]
mod update;
#[path = "change/verbs.rs"]
mod verbs;

use std::fs;

use support::Bench;

/// Notes its start, and each HUP in the file `reloads`.
const RELOADS: &str = "#!/usr/bin/perl
$| = 1; (my $name = $0) =~ s{.*/}{};
$SIG{HUP} = sub { open(my $f, '>>', '%STARTS%.reloads'); syswrite($f, \"$name $$\\n\"); close $f; };
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ $name @ARGV\\n\"); close $f;
sleep 1 while 1;
";

/// A Service that runs it.
fn reloading(bench: &Bench, name: &str, more: &str) {
    let script = bench.script(&format!("bin/{name}"), RELOADS);
    bench.spec(name, &format!("startas: {}\n{}", script.display(), support::quick(more)));
}

/// The reloads that were noted, in order: name and PID.
fn reloads(bench: &Bench) -> Vec<(String, i32)> {
    let text = fs::read_to_string(bench.path("starts.reloads")).unwrap_or_default();
    let row = |line: &str| line.split_once(' ').map(|(name, pid)| (name.to_owned(), pid.parse().unwrap()));
    text.lines().filter_map(row).collect()
}

/// The words that commands of this bench wrote.
fn said(bench: &Bench) -> Vec<String> {
    fs::read_to_string(bench.path("said")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// A command that writes words, with variables of its environment, into the file `said`.
fn say(bench: &Bench, words: &str) -> String {
    format!("{{command: [/bin/sh, -c, 'echo {words} >> {}']}}", bench.path("said").display())
}
