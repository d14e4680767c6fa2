//! The form of snapshots: which keys there are, and what is an error before any process is looked at.

use selfsame::diagnostic::Source;
use selfsame::process::snapshot::Snapshot;

use crate::ask::{Faults, PID, about, host};

/// Code and line of each mistake.
fn mistakes(yaml: &str) -> String {
    match Snapshot::parse(&Source::new("s.yaml", yaml)) {
        Ok(_) => "none".into(),
        Err(problems) => selfsame::report::diagnostic_rows(&problems)
            .iter()
            .map(|row| format!("{} {}:{}", row.code, row.line.unwrap_or(0), row.column.unwrap_or(0)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[test]
fn mistakes_of_a_snapshot_are_found_at_their_place() {
    let mut faults = Faults::default();
    for (yaml, expected) in [
        // An empty text is more likely a mistake than a host without anything.
        ("", "N001 1:1"),
        ("host: {}\nprocesses: []\n", "none"),
        ("processes:\n  - pid: 5\n", "none"),
        ("process: []\n", "N002 1:1"),
        ("host: {file: {}}\n", "N002 1:8"),
        ("processes:\n  - pid: 5\n    usr: 0\n", "N002 3:5"),
        ("processes:\n  - user: 0\n", "N006 2:5"),
        ("processes:\n  - pid: 5\n  - pid: 5\n", "N007 3:10"),
        ("processes:\n  - pid: 5\n    name: x\n", "N008 3:5"),
        ("processes:\n  - pid: 5\n    script: /x\n", "N008 3:5"),
        ("processes:\n  - pid: 5\n    user: ann\n", "N009 3:11"),
        ("processes:\n  - pid: 5\n    state: asleep\n", "N004 3:12"),
        ("processes:\n  - pid: 5\n    argv: /bin/sh\n", "N003 3:11"),
        ("processes:\n  - pid: 5\n    rss: 5M\n", "N004 3:10"),
        ("processes:\n  - pid: 5\n    unreadable: {exe: refused}\n", "N004 3:23"),
        ("processes:\n  - pid: 0\n", "N004 2:10"),
        ("processes:\n  - pid: 5\n    argvHex: [zz]\n", "N004 3:15"),
        ("host:\n  files:\n    usr/bin/x: {elf: true}\n", "N004 3:5"),
        ("host:\n  files:\n    /a: {link: b, elf: true}\n", "N005 3:19"),
        ("host:\n  files:\n    /a: {id: [1], elf: true}\n", "N004 3:14"),
        // The same fact twice, in agreement and not.
        (
            "host: {boot: 2026-01-01T00:00:00Z, now: 2026-01-01T01:00:00Z}\nprocesses:\n  - {pid: 5, startTicks: 0, age: 1h}\n",
            "none",
        ),
        (
            "host: {boot: 2026-01-01T00:00:00Z, now: 2026-01-01T01:00:00Z}\nprocesses:\n  - {pid: 5, startTicks: 0, age: 2h}\n",
            "N005 3:29",
        ),
        // All of them at once.
        ("processes:\n  - pid: 5\n    usr: 0\n    state: asleep\n", "N002 3:5, N004 4:12"),
    ] {
        faults.same(yaml, &mistakes(yaml), expected);
    }
    faults.none();
}

#[test]
fn what_is_not_stated_is_absent_or_the_engines_own() {
    about(
        &host("", "comm: x, state: sleeping"),
        PID,
        &[
            ("has(exe) || has(argv[0]) || has(cwd) || has(execfn) || has(tty)", "false"),
            ("same_root", "true"),
            ("ns.pid == self.ns.pid && ns.mnt == self.ns.mnt", "true"),
            ("user == \"root\"", "false"),
            ("user != \"root\"", "true"),
            ("threads > 0", "false"),
            ("kernel_thread", "false"),
            ("argv_rewritten", "false"),
        ],
    );
}

#[test]
fn files_are_as_on_a_host() {
    let files = "
    /opt: {link: /data}
    /data/app/run: {id: [1, 910], elf: true}
    /data/app/current: {link: v2}
    /data/app/v2/run: {id: [1, 911], elf: true}
";
    about(
        &host(files, "exe: /data/app/v2/run, state: sleeping"),
        PID,
        &[
            ("exe == \"/opt/app/current/run\"", "true"),
            ("exe == \"/opt/app/run\"", "false"),
            ("exe == \"/opt/app/current/../run\"", "false"),
            ("realpath(\"/opt/app/current/../run\") == \"/data/app/run\"", "true"),
            // Parents of a listed file exist.
            ("has(file(\"/data/app\"))", "true"),
            ("has(file(\"/data/nothing\"))", "false"),
        ],
    );
}
