//! Policy documents on the command line: `check`, `test`, `fmt`, `help`.

use super::support::Bench;

const CRON: &str = "\
apiVersion: selfsame/v1
kind: Policy
metadata: {name: one-cron, labels: {team: ops}}
spec:
  match: name == \"cron\"
  when: nice < 5
  count: ..2
  severity: error
  message: \"${name} of ${user} as pid ${pid}\"
  tests:
    - name: two are one too many
      processes: [{pid: 3, comm: cron, nice: 0, user: root}, {pid: 4, comm: cron, nice: 0, user: root}]
      host: {users: {root: 0}}
      expect: {violated: true, message: cron of root as pid 4}
    - name: one is as it should be, and a nice one doesn't count
      processes: [{comm: cron, nice: 0}, {comm: cron, nice: 9}, {comm: sh, nice: 0}]
      expect: {violated: false}
    - name: nobody knows of one
      processes: [{comm: cron, nice: 0}, {comm: cron, unreadable: {nice: denied}}]
      expect: {violated: unknown}
    - name: an empty host
      processes: []
      expect: {violated: false}
";

/// A Policy with this `spec`, its name being `hogs`.
fn policy(spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: hogs}}\nspec:\n{spec}")
}

#[test]
fn a_policy_and_its_tests_are_right() {
    let bench = Bench::new();
    bench.write("specs/cron.yaml", CRON);
    assert_eq!(bench.ok(&["check", "--strict", "specs"]).stdout, "1 object in 1 file: good\n");
    let tested = bench.ok(&["test", "specs"]);
    assert!(tested.stdout.ends_with("4 tests, 0 failed\n"), "{tested:?}");
    let rows: serde_json::Value =
        serde_json::from_str(&bench.ok(&["test", "specs", "--output", "json"]).stdout).unwrap();
    assert_eq!((rows[0]["policy"].as_str(), rows[0]["found"].as_str()), (Some("one-cron"), Some("true")));
    assert_eq!(rows[0]["message"], "cron of root as pid 4");
    assert!(rows[0]["matcher"].is_null() && rows[1]["message"].is_null(), "{rows}");
    let cost = bench.ok(&["check", "--cost", "specs"]);
    assert!(cost.stdout.contains("one-cron match") && cost.stdout.contains("one-cron when"), "{cost:?}");
}

#[test]
fn a_failed_test_shows_the_evaluation_and_its_place() {
    let bench = Bench::new();
    bench
        .write("specs/cron.yaml", &CRON.replace("count: ..2", "count: ..=2").replace("pid ${pid}", "${pid}"));
    let tested = bench.run(&["test", "specs"]);
    assert_eq!(tested.code, 1, "{tested:?}");
    for part in [
        "one-cron: two are one too many: failed\n",
        "  violated is false, not true (specs/cron.yaml:14)\n",
        "  pid 3: name == \"cron\"\n",
        "true     name == \"cron\"",
        "one-cron: an empty host: passed\n",
    ] {
        assert!(tested.stdout.contains(part), "`{part}` in\n{}", tested.stdout);
    }
    let checked = bench.run(&["check", "specs"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    for part in ["error[S061]", "specs/cron.yaml:14:26", "^^^^ it is kept", "is kept in the test"] {
        assert!(checked.stderr.contains(part), "`{part}` in\n{}", checked.stderr);
    }
    bench.write("specs/cron.yaml", &CRON.replace("as pid ${pid}", "with pid ${pid}"));
    let checked = bench.run(&["check", "specs"]);
    for part in ["says `cron of root with pid 4`", "not `cron of root as pid 4`", "specs/cron.yaml:14:41"] {
        assert!(checked.stderr.contains(part), "`{part}` in\n{}", checked.stderr);
    }
}

/// What is wrong with the document, as `LINE:COLUMN CODE`, in order.
fn said(bench: &Bench, text: &str) -> Vec<String> {
    bench.write("specs/a.yaml", text);
    let ran = bench.run(&["check", "--output", "json", "specs"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).unwrap();
    let place = |row: &serde_json::Value| {
        format!("{}:{} {}", row["line"], row["column"], row["code"].as_str().unwrap())
    };
    rows.iter().map(place).collect()
}

#[test]
fn mistakes_are_said_where_they_stand() {
    let bench = Bench::new();
    let name = "  match: name == \"hog\"\n";
    let mut others = Vec::new();
    for (spec, expected) in [
        (name.to_owned(), &[][..]),
        ("  when: rss > 1GiB\n".into(), &["4:1 S022"]),
        ("  match: nam == \"hog\"\n".into(), &["5:10 M203"]),
        ("  match: runs(startas)\n".into(), &["5:15 M203"]),
        (format!("{name}  when: rss > \"x\"\n"), &["6:13 M301"]),
        (format!("{name}  message: \"it is ${{nam}} of ${{rss}}\"\n"), &["6:21 M203"]),
        (format!("{name}  message: \"${{rss\"\n"), &["6:13 M116"]),
        (format!("{name}  count: 3..1\n"), &["6:10 S025"]),
        (format!("{name}  count: few\n"), &["6:10 S025"]),
        (format!("{name}  for: 6 of 5\n"), &["6:8 S025"]),
        (format!("{name}  for: long\n"), &["6:8 S025"]),
        (format!("{name}  for: 1s\n  every: 5s\n"), &["6:3 S124"]),
        (format!("{name}  every: 1ms\n"), &["6:10 S025"]),
        (format!("{name}  limit: {{count: 0}}\n"), &["6:18 S025"]),
        (format!("{name}  do: TERM\n"), &["6:7 S026"]),
        (format!("{name}  do: kill\n"), &["6:7 S026"]),
        (format!("{name}  do: signal\n"), &["6:7 S026"]),
        (format!("{name}  do: [report, stpo]\n"), &["6:16 S026"]),
        (format!("{name}  do: {{signal: TERM, renice: 3}}\n"), &["6:22 S060"]),
        (format!("{name}  do: {{sginal: TERM}}\n"), &["6:8 S020"]),
        (format!("{name}  do: {{exec: {{command: [ls]}}}}\n"), &["6:24 S025"]),
        (format!("{name}  do: {{exec: {{command: [/bin/ls], user: ann}}}}\n"), &[]),
        (format!("{name}  do: {{signal: {{schedule: []}}}}\n"), &["6:27 S025"]),
        (format!("{name}  do: {{renice: 20}}\n"), &["6:16 S025"]),
        (format!("{name}  do: {{setLimit: {{}}}}\n"), &["6:18 S025"]),
        (format!("{name}  do: {{setLimit: {{nofiles: 1}}}}\n"), &["6:19 S020"]),
        (format!("{name}  do: {{cgroup: {{name: A b}}}}\n"), &["6:23 S030"]),
        (format!("{name}  do: []\n"), &["6:7 S025"]),
        (format!("{name}  count: 1..\n  do: stop\n"), &["7:3 S060"]),
        (format!("{name}  count: 1..\n  do: {{exec: {{command: [/bin/true]}}}}\n"), &[]),
        (format!("{name}  tests: [{{name: a, expect: {{violated: true}}}}]\n"), &["6:11 S022"]),
        (
            format!("{name}  tests: [{{name: a, process: {{usr: 1}}, expect: {{violated: true}}}}]\n"),
            &["6:31 N002"],
        ),
        // What acts on whatever there is.
        ("  match: user == \"root\"\n  do: stop\n  dryRun: false\n".into(), &["5:3 S094"]),
        ("  match: 'true'\n  do: {renice: 3}\n  dryRun: false\n".into(), &["5:3 S094", "5:11 W106"]),
        (
            "  match: pid > 0\n  do: [report, {signal: KILL}]\n  dryRun: false\n".into(),
            &["5:3 S094", "5:10 W106"],
        ),
        ("  match: exe under \"/usr\"\n  do: {cgroup: {}}\n  dryRun: false\n".into(), &["5:3 S094"]),
        ("  match: user == \"root\"\n  do: stop\n".into(), &[]),
        ("  match: user == \"root\"\n  do: stop\n  dryRun: true\n".into(), &[]),
        ("  match: user == \"root\"\n  dryRun: false\n".into(), &[]),
        ("  match: exe == \"/opt/hog\"\n  do: stop\n  dryRun: false\n".into(), &[]),
        ("  selector: {}\n  match: rss > 1GiB\n  do: stop\n  dryRun: false\n".into(), &[]),
        // What processes say of themselves.
        (format!("{name}  do: stop\n  dryRun: false\n"), &["5:10 W105"]),
        (format!("{name}  when: exe under \"/tmp\"\n  do: stop\n  dryRun: false\n"), &[]),
        ("  match: exe == interpreter(\"/srv/a.py\")\n".into(), &["5:10 W101", "5:17 W113"]),
        // What nobody has installed may be forbidden.
        ("  match: runs(\"/srv/none\")\n".into(), &[]),
    ] {
        let found = said(&bench, &policy(&spec));
        if found != expected {
            others.push(format!("{found:?}, not {expected:?}, of\n{spec}"));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[test]
fn policies_of_a_set_are_seen_together() {
    let bench = Bench::new();
    let first = policy("  match: exe == \"/opt/hog\"\n  do: {renice: 5}\n");
    let other = |spec: &str| format!("{first}---\n{}", policy(spec).replace("hogs", "more"));
    for (spec, expected) in [
        ("  match: exe == \"/opt/hog\" && rss > 1GiB\n  do: {renice: 9}\n", &["10:18 S123"][..]),
        ("  match: exe == \"/opt/hog\" && rss > 1GiB\n  do: {renice: 5}\n", &[]),
        ("  match: exe == \"/opt/hog\"\n  do: stop\n", &[]),
        ("  match: exe == \"/opt/pig\"\n  do: {renice: 9}\n", &[]),
    ] {
        assert_eq!(said(&bench, &other(spec)), expected, "{spec}");
    }
    assert_eq!(said(&bench, &other("  match: pid == 7\n").replace("more", "hogs")), ["10:18 S031"]);
    // A Service may have the name of a Policy, and one for another host the name of one for this.
    let service = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: hogs, labels: {tier: a}}\nspec: {startas: /bin/true}\n";
    assert_eq!(said(&bench, &format!("{first}---\n{service}")), [""; 0]);
    let elsewhere = policy("  match: pid == 7\n  hosts: {names: [no-such-host]}\n");
    assert_eq!(said(&bench, &format!("{first}---\n{elsewhere}")), [""; 0]);
    let shown = bench.ok(&["check", "--verbose", "specs"]);
    assert!(shown.stderr.contains("hogs: not for this host: "), "{shown:?}");
    let chosen = policy("  selector: {matchLabels: {tier: b}}\n");
    assert_eq!(said(&bench, &format!("{chosen}---\n{service}")), ["3:18 S194"]);
}

#[test]
fn a_definition_that_a_policy_uses_is_used() {
    let bench = Bench::new();
    let matcher = "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: ours}\nspec: {define: {hog: 'exe == \"/opt/hog\"', pig: pid == 7}}\n";
    let text = format!("{matcher}---\n{}", policy("  match: ours.hog\n  do: stop\n  dryRun: false\n"));
    assert_eq!(said(&bench, &text), ["4:43 W130"]);
}

#[test]
fn its_expressions_are_formatted_and_its_fields_explained() {
    let bench = Bench::new();
    let path = bench.write("specs/a.yaml", &policy("  match: name==\"hog\"\n  when: rss>1GiB\n"));
    bench.ok(&["fmt", "specs"]);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("match: name == \"hog\"\n") && text.contains("when: rss > 1GiB\n"), "{text}");
    let help = bench.ok(&["help", "Policy", "do"]).stdout;
    for part in ["`stop`: stop the process", "### do.signal", "### do.cgroup.memory"] {
        assert!(help.contains(part), "`{part}` in\n{help}");
    }
}
