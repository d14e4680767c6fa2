//! The program itself: exit codes and the JSON form.

use crate::support::Bench;

const HOST: &str = r##"host:
  files:
    /usr/bin/python3: {id: [1, 101], elf: true}
    /srv/a.py: {id: [1, 201], head: "#!/usr/bin/python3\n"}
  users: {root: 0, www-data: 33}
processes:
  - {pid: 600, user: www-data, exe: /usr/bin/python3, argv: [/usr/bin/python3, /srv/a.py], execfn: /srv/a.py, cwd: /}
  - {pid: 601, user: root, argv: [x], unreadable: {exe: denied}}
  - {pid: 602, unreadable: {"*": vanished}}
"##;

#[test]
fn exit_codes_and_output_of_match() {
    let bench = Bench::new();
    bench.write("host.yaml", HOST);
    let rows: [(&str, &[&str], i32, &str); 14] = [
        ("exe == interpreter(startas) && user == \"www-data\"", &["--set", "startas=/srv/a.py"], 0, "600\n"),
        ("runs(\"/srv/a.py\")", &[], 0, "600\n"),
        ("exe == \"/nowhere\"", &[], 2, ""),
        ("user == \"nobody\"", &[], 1, ""),
        ("exe == \"/nowhere\"", &["--pid", "600"], 1, ""),
        ("exe == \"/nowhere\"", &["--pid", "602"], 1, ""),
        ("user == \"root\" && exe == \"/usr/bin/python3\"", &[], 2, ""),
        ("true", &["--pid", "999"], 1, ""),
        ("pid > 1", &["--pid", "999"], 1, ""),
        ("pid = 1", &[], 3, ""),
        ("usr == 1", &["--output", "pids"], 3, ""),
        ("startas == exe", &[], 3, ""),
        ("user == \"www-data\"", &["--pid", "600", "--pid", "601"], 0, "600\n"),
        ("false", &[], 1, ""),
    ];
    for (expression, more, code, out) in rows {
        let mut args = vec!["match", expression, "--snapshot", "host.yaml"];
        args.extend(more);
        let ran = bench.run(&args);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, out), "{expression} {more:?}: {ran:?}");
    }
}

#[test]
fn json_has_verdict_reasons_and_notes() {
    let bench = Bench::new();
    bench.write("host.yaml", HOST);
    let ran =
        bench.run(&["match", "exe == \"/nowhere\"", "--snapshot", "host.yaml", "--output", "json", "--all"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let rows: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let seen: Vec<(i64, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["pid"].as_i64().unwrap(), row["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [(600, "false"), (601, "unknown"), (602, "gone")]);
    for row in rows.as_array().unwrap() {
        let mut keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["notes", "pid", "reasons", "verdict"]);
    }
}

#[test]
fn a_snapshot_in_error_ends_with_3_before_any_process_is_looked_at() {
    let bench = Bench::new();
    for (text, part) in [
        (HOST.replace("user: root", "usr: root"), "`usr`"),
        (HOST.replace("denied", "forbidden"), "forbidden"),
        (HOST.replace("pid: 601", "pid: 600"), "600"),
        (HOST.replace("user: root", "user: nobody"), "nobody"),
        ("host: [".into(), "host.yaml:"),
    ] {
        bench.write("host.yaml", &text);
        let ran = bench.run(&["match", "true", "--snapshot", "host.yaml"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{ran:?}");
        assert!(ran.stderr.contains(part) && ran.stderr.contains("host.yaml:"), "{part}: {ran:?}");
    }
}

/// `explain` and lists of processes that are false said nothing of a process that nearly is the one.
#[test]
fn near_misses_are_noted_where_a_person_asks() {
    let bench = Bench::new();
    let aside =
        HOST.replace("exe: /usr/bin/python3,", "exe: {path: /usr/bin/python3.old, id: [1, 99], nlink: 1},");
    bench.write("host.yaml", &aside);
    let expression = "exe == \"/usr/bin/python3\"";
    for args in [
        ["explain", expression, "--pid", "600", "--snapshot", "host.yaml"].as_slice(),
        &["match", expression, "--pid", "600", "--snapshot", "host.yaml", "--output", "json"],
        &["match", expression, "--all", "--snapshot", "host.yaml", "--output", "table"],
    ] {
        let ran = bench.run(args);
        assert!(ran.stdout.contains("near miss"), "{args:?}: {ran:?}");
    }
}
