//! `docs/pgrep.md` keeps its word: every option of pgrep, pkill and pidof is in it, and where it says that both find the
//! same, both are run against the same processes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use support::{Bench, has, until};

const DOCUMENT: &str = include_str!("../docs/pgrep.md");

/// A row of a table: option, example, ours, whether both find the same.
struct Row {
    option: String,
    theirs: String,
    ours: String,
    same: bool,
}

fn rows() -> Vec<Row> {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let code = |cell: &str| cell.trim_matches('`').to_owned();
    let lines = DOCUMENT.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    lines
        .map(cells)
        .filter(|cells| cells.first().is_some_and(|first| first != "option"))
        .map(|cells| Row {
            option: cells[0].clone(),
            theirs: code(&cells[1]),
            ours: code(&cells[2]),
            same: cells[3] == "yes",
        })
        .collect()
}

/// The options that a help text lists: `-x` and `--exact`.
fn options(help: &str) -> BTreeSet<String> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let words =
        lines.flat_map(|line| line.split_whitespace().take(2).map(ToOwned::to_owned).collect::<Vec<_>>());
    let names = words.map(|word| word.trim_end_matches(',').to_owned()).filter(|word| word.starts_with('-'));
    // `-<sig>` and the two that every program has.
    let general = ["-<sig>", "-h", "--help", "-V", "--version"];
    names.filter(|name| !general.contains(&name.as_str())).collect()
}

#[test]
fn every_option_has_its_row() {
    let all: Vec<Row> = rows();
    let documented: BTreeSet<String> = all
        .iter()
        .flat_map(|row| {
            row.option.split([',', ' ']).map(|word| word.trim_matches('`').to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let mut asked = 0;
    for (program, argument) in
        [("/usr/bin/pgrep", "--help"), ("/usr/bin/pkill", "--help"), ("/usr/bin/pidof", "-h")]
    {
        if !has(program) {
            continue;
        }
        let output = Command::new(program).arg(argument).output().unwrap();
        let help = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let known = options(&help);
        assert!(known.len() >= 8, "{program}: {help}");
        let missing: Vec<&String> = known.difference(&documented).collect();
        assert!(missing.is_empty(), "options of {program} without a row: {missing:?}");
        asked += 1;
    }
    assert!(asked > 0 || !Path::new("/usr/bin/pgrep").exists());
}

struct Family(Vec<Child>);

impl Drop for Family {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs one side in a shell that knows the names of the examples. The program has another name than in the document: one
/// that no other test has, not even in a PID namespace.
fn side(bench: &Bench, line: &str, names: &[(&str, String)]) -> (bool, BTreeSet<String>) {
    let line = line.replace("nappe", "dozee").replace("NAPPE", "DOZEE");
    let bin = Path::new(env!("CARGO_BIN_EXE_selfsame")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("/bin/sh")
        .args(["-c", &line])
        .envs(names.iter().map(|(name, value)| (*name, value.as_str())))
        .env("PATH", path)
        .current_dir(bench.root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.split([',', '\n', ' ']).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect();
    (output.status.success(), found)
}

#[test]
fn where_it_says_so_both_find_the_same() {
    if !has("/usr/bin/pgrep") || !has("/usr/bin/pidof") {
        return;
    }
    let bench = Bench::new();
    let program = bench.path("bin/dozeer");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    assert!(Command::new("cp").arg("/bin/sleep").arg(&program).status().unwrap().success());
    let script = bench.script("bin/dozescript", "#!/bin/sh\nwhile :; do /bin/sleep 1000; done\n");
    let mut family = Family(Vec::new());
    for argument in ["1000", "1001", "1002"] {
        family.0.push(bench.by_hand(bench.root(), &program.to_string_lossy(), &[argument]));
        // One after the other by their start times, which have a resolution of 10 ms.
        let pid = i32::try_from(family.0.last().unwrap().id()).unwrap();
        let start: u64 = support::stat_field(pid, 22).parse().unwrap();
        let uptime = || std::fs::read_to_string("/proc/uptime").unwrap();
        until("the next tick", || {
            uptime().split_whitespace().next().unwrap().replace('.', "").parse::<u64>().unwrap() > start
        });
    }
    family.0.push(bench.by_hand(bench.root(), &script.to_string_lossy(), &[]));
    let pid = i32::try_from(family.0[0].id()).unwrap();
    let own = std::fs::metadata("/proc/self").unwrap();
    let names = [
        ("PROGRAM", program.display().to_string()),
        ("SCRIPT", script.display().to_string()),
        ("PARENT", std::process::id().to_string()),
        ("SESSION", support::stat_field(pid, 6)),
        ("GROUP", support::stat_field(pid, 5)),
        ("ID", std::os::unix::fs::MetadataExt::uid(&own).to_string()),
    ];
    // Old enough for the row about age, and all executed.
    until("them to be a second old", || {
        side(&bench, "selfsame match 'comm == \"napper\" && age > 1100ms'", &names).1.len() >= 3
            && side(&bench, "selfsame match \"runs(\\\"$SCRIPT\\\")\"", &names).1.len() == 1
    });
    let mut compared = 0;
    for row in rows().iter().filter(|row| row.same) {
        // Another test of this machine may start or end one of its own in between: then both are asked once more.
        let mut both = ((false, BTreeSet::new()), (true, BTreeSet::new()));
        for _ in 0..3 {
            both = (side(&bench, &row.theirs, &names), side(&bench, &row.ours, &names));
            if both.0 == both.1 {
                break;
            }
        }
        assert_eq!(both.0, both.1, "{}: {} and {}", row.option, row.theirs, row.ours);
        compared += 1;
    }
    assert!(compared >= 20, "{compared} rows were compared");
    let everybody = side(&bench, "selfsame match 'comm == \"napper\"'", &names);
    for child in family.0.iter().take(3) {
        assert!(everybody.1.contains(&child.id().to_string()), "{everybody:?}");
    }
}
