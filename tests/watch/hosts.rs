//! `spec.hosts`: one directory for several hosts.

use std::fs;

use super::support::{Bench, is_alive, until};

/// One directory for web and database hosts; `both` stands twice, for either kind.
fn fleet() -> Bench {
    let bench = Bench::new();
    bench.daemon("web", "hosts: {names: [web-*]}");
    bench.daemon("db", "hosts: {selector: {matchLabels: {role: db}}}");
    bench.daemon("everywhere", "");
    bench.daemon("both", "args: [web]\nhosts: {names: [web-*]}");
    let text = fs::read_to_string(bench.path("specs/both.yaml")).unwrap();
    let other = text.replace("args: [web]", "args: [db]").replace("web-*", "db-*");
    bench.write("specs/both.yaml", &format!("{text}---\n{other}"));
    bench
}

const WEB: [&str; 4] = ["--host-name", "web-1.example.org", "--host-labels", "role=web,zone=a"];

#[test]
fn a_host_runs_what_is_meant_for_it() {
    let mut bench = fleet();
    bench.watch(&[&WEB[..], &["--prune-delay", "200ms"]].concat());
    bench.until_running(&["web", "everywhere", "both"]);
    assert!(bench.status_of("db").is_null());
    assert_eq!(bench.starts_of("both").iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>(), ["web"]);
    // Verbs beside the watch take its word for what this host is.
    let ran = bench.ok(&["check", "-v", "specs"]);
    let why = "db: not for this host: `web-1.example.org` doesn't have the label `role: db`";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    assert_eq!(bench.ok(&["plan", "specs"]).stdout, "nothing to do\n");
    // Another host's plan, where nothing runs yet.
    let plan = bench.run(&["plan", "specs", "--as-host", "db-7", "--labels", "role=db"]);
    let lines: Vec<&str> = plan.stdout.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(lines, ["both", "db", "everywhere"], "{}", plan.stdout);
    assert!(plan.stdout.lines().all(|line| line.contains(": start: ")), "{}", plan.stdout);
    // What moves to other hosts is removed here, and its file isn't taken for an emptied one.
    let pid = bench.the_pid_of("web");
    bench.daemon_spec("web", "hosts: {names: [mail]}");
    until("it to be stopped", || !is_alive(pid));
    until("status to forget it", || bench.status_of("web").is_null());
    assert_eq!(bench.alive_of("everywhere").len(), 1);
}

#[test]
fn labels_that_are_none_are_wrong_usage() {
    let bench = fleet();
    let ran = bench.run(&["plan", "specs", "--labels", "role"]);
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.contains("`role` is no label, write `role=web,zone=a`"), "{}", ran.stderr);
}

#[test]
fn a_condition_on_the_facts_of_a_host_chooses_and_unknown_is_not_no() {
    let bench = Bench::new();
    bench.daemon("large", "hosts: {when: cpus >= 1 && memory > 1MiB}");
    bench.daemon("odd", "hosts: {when: 'arch == \"pdp11\"'}");
    let planned = |more: &[&str]| {
        let ran = bench.run(&[&["plan", "specs"], more].concat());
        let names: Vec<String> = ran
            .stdout
            .lines()
            .filter_map(|line| line.split_once(": start: "))
            .map(|(name, _)| name.to_owned())
            .collect();
        (names, ran)
    };
    assert_eq!(planned(&[]).0, ["large"]);
    let ran = bench.ok(&["check", "-v", "specs"]);
    assert!(ran.stderr.contains("odd: not for this host: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("is not as `arch == \"pdp11\"` wants it"), "{}", ran.stderr);
    // Of another host nothing is known but what is told, and that is no reason to leave a document out in silence.
    let (names, ran) = planned(&["--as-host", "db-7"]);
    assert!(names.is_empty() && ran.code == 1, "{ran:?}");
    assert_eq!(ran.stderr.matches("cannot tell whether it is for this host").count(), 2, "{}", ran.stderr);
    let told = ["--as-host", "db-7", "--facts", "cpus=2,memory=4GiB,arch=pdp11"];
    assert_eq!(planned(&told).0, ["large", "odd"]);
    let (_, ran) = planned(&["--facts", "ram=4GiB"]);
    assert!(ran.code == 64 && ran.stderr.contains("`ram` is no fact of a host"), "{ran:?}");
}
