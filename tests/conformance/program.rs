//! The program itself: exit codes, output forms, and that a snapshot is all it looks at.

use std::path::PathBuf;
use std::process::Command;

use crate::ask::Faults;

const SNAPSHOT: &str = "host:
  users: {root: 0, www-data: 33}
  groups: {root: 0}
  self: 50
  files:
    /usr/bin/python3: {link: python3.11}
    /usr/bin/python3.11: {id: [1, 101], elf: true}
    /srv/a.py: {id: [1, 201], head: \"#!/usr/bin/python3\\n\"}
processes:
  - {pid: 1, ppid: 0, startTicks: 1, state: sleeping, comm: init, user: root, argv: [init]}
  - {pid: 50, ppid: 1, startTicks: 2, state: sleeping, comm: selfsame, user: root, argv: [selfsame]}
  - {pid: 600, ppid: 1, startTicks: 3, state: sleeping, comm: a.py, user: www-data, exe: /usr/bin/python3.11, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]}
  - {pid: 601, ppid: 1, startTicks: 4, state: sleeping, comm: b, user: www-data, unreadable: {exe: denied, argv: denied, execfn: denied}}
  - {pid: 602, ppid: 1, comm: c, unreadable: {\"*\": vanished}}
  - {pid: 603, ppid: 1, startTicks: 5, state: sleeping, comm: inner, user: root, ns: {pid: 77}}
";

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(verb: &str, expression: &str, more: &[&str]) -> Ran {
    // One file for each call: tests of one binary run side by side.
    let mut path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut name =
        tempfile::Builder::new().prefix("conformance-").suffix(".yaml").tempfile_in(&path).unwrap();
    std::io::Write::write_all(&mut name, SNAPSHOT.as_bytes()).unwrap();
    path.push(name.path());
    let ran = Command::new(env!("CARGO_BIN_EXE_selfsame"))
        .args([verb, expression, "--snapshot"])
        .arg(&path)
        .args(more)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: ran.status.code().unwrap(), out: text(ran.stdout), err: text(ran.stderr) }
}

#[test]
fn the_exit_code_says_what_was_found() {
    let mut faults = Faults::default();
    for (expression, more, code, out) in [
        ("comm == \"a.py\"", &[][..], 0, "600\n"),
        ("runs(\"/srv/a.py\") && user == \"www-data\"", &[], 0, "600\n"),
        ("exe == interpreter(startas) && user == \"www-data\"", &["--set", "startas=/srv/a.py"], 0, "600\n"),
        ("comm == \"nobody\"", &[], 1, ""),
        // Only 601 is left, which can't be read.
        ("exe == \"/srv/x\"", &[], 2, ""),
        ("exe == \"/srv/x\"", &["--pid", "600"], 1, ""),
        ("exe == \"/srv/x\"", &["--pid", "601"], 2, ""),
        // Gone is not unknown, and not there is gone.
        ("user == \"root\"", &["--pid", "602"], 1, ""),
        ("pid > 1", &["--pid", "999"], 1, ""),
        ("true", &["--pid", "999"], 1, ""),
        // selfsame itself is no candidate, and neither is what runs in a container.
        ("comm == \"selfsame\"", &[], 1, ""),
        ("comm == \"inner\"", &[], 1, ""),
        ("comm == \"inner\"", &["--pid", "603"], 0, "603\n"),
        ("comm = \"a.py\"", &[], 3, ""),
        ("usr == 1", &[], 3, ""),
        ("exe == startas", &[], 3, ""),
        ("exe == startas", &["--set", "startsa=/x"], 3, ""),
        ("comm == \"a.py\"", &["--output", "nonsense"], 64, ""),
    ] {
        let ran = run("match", expression, more);
        faults.same(
            &format!("{expression} {more:?}\n{}", ran.err),
            &format!("{} {}", ran.code, ran.out),
            &format!("{code} {out}"),
        );
    }
    faults.none();
}

#[test]
fn json_has_the_documented_form() {
    let ran = run("match", "exe == \"/usr/bin/python3\"", &["--all", "--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let rows = rows.as_array().unwrap();
    let mut faults = Faults::default();
    let verdicts: Vec<String> =
        rows.iter().map(|row| format!("{} {}", row["pid"], row["verdict"].as_str().unwrap())).collect();
    faults.same("verdicts", &verdicts.join(", "), "1 false, 600 true, 601 unknown, 602 gone, 603 false");
    for row in rows {
        let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
        faults.same("keys", &format!("{keys:?}"), "[\"notes\", \"pid\", \"reasons\", \"verdict\"]");
    }
    let some = run("match", "exe == \"/usr/bin/python3\"", &["--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&some.out).unwrap();
    let false_ones = rows.as_array().unwrap().iter().filter(|row| row["verdict"] == "false").count();
    faults.same("false ones are left out", &false_ones.to_string(), "0");
    let wrong = run("match", "comm = \"x\"", &["--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&wrong.out).unwrap();
    let row = &rows.as_array().unwrap()[0];
    faults.same("code", row["code"].as_str().unwrap(), "M109");
    faults.same("severity", row["severity"].as_str().unwrap(), "error");
    faults.same("place", &format!("{} {} {}", row["line"], row["column"], row["endColumn"]), "1 6 7");
    faults.none();
}

#[test]
fn explain_exits_with_success_when_it_could_explain() {
    let mut faults = Faults::default();
    for (expression, more, code, part) in [
        ("exe == \"/usr/bin/python3\"", &["--pid", "600"][..], 0, "/usr/bin/python3.11"),
        ("comm == \"nobody\"", &["--pid", "600"], 0, "a.py"),
        ("exe == \"/srv/x\"", &["--pid", "601"], 0, "denied"),
        ("comm = \"x\"", &["--pid", "600"], 3, ""),
    ] {
        let ran = run("explain", expression, more);
        faults.same(&format!("{expression}\n{}", ran.err), &ran.code.to_string(), &code.to_string());
        if !ran.out.contains(part) {
            faults.same(expression, &ran.out, part);
        }
    }
    faults.none();
}

#[test]
fn explain_tells_a_near_miss() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("conformance-near.yaml");
    std::fs::write(
        &path,
        "host:\n  files:\n    /usr/sbin/nginx: {id: [1, 5], elf: true}\nprocesses:\n  - {pid: 600, state: sleeping, exe: {path: /usr/sbin/nginx, id: [9, 5]}, root: {path: /, id: [9, 2]}}\n",
    )
    .unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_selfsame"))
        .args(["explain", "exe == \"/usr/sbin/nginx\"", "--pid", "600", "--snapshot"])
        .arg(&path)
        .output()
        .unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    assert!(out.contains("near miss"), "{out}");
}
