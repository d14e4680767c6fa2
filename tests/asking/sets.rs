//! Selectors, columns and forms of the output.

use crate::support::Bench;
use crate::{is_napper, json, nappers};

#[test]
fn the_newest_the_oldest_and_the_first_are_picked() {
    let bench = Bench::new();
    let (program, _guard, pids) = nappers(&bench, 3);
    let expression = is_napper(&program);
    let ask = |more: &[&str]| {
        let mut args = vec!["match", expression.as_str()];
        args.extend(more);
        bench.ok(&args).stdout
    };
    assert_eq!(ask(&["--newest"]), format!("{}\n", pids[2]));
    assert_eq!(ask(&["--oldest"]), format!("{}\n", pids[0]));
    let lowest = pids.iter().min().unwrap();
    assert_eq!(ask(&["--limit", "1"]), format!("{lowest}\n"));
    assert_eq!(ask(&["--count"]), "3\n");
    assert_eq!(json(&ask(&["--count", "--output", "json"]))["count"], 3);
    assert_eq!(ask(&["--quiet"]), "");
    let two = [pids[0].to_string(), pids[1].to_string()];
    assert_eq!(ask(&["--newest", "--pid", &two[0], "--pid", &two[1]]), format!("{}\n", pids[1]));
    let joined = ask(&["--delimiter", ","]);
    assert_eq!(joined.trim_end().split(',').count(), 3, "{joined}");
    let nul = ask(&["-0"]);
    assert!(nul.ends_with('\0') && nul.matches('\0').count() == 3 && !nul.contains('\n'), "{nul:?}");
}

const SNAPSHOT: &str = r"host:
  files:
    /bin/a: {id: [1, 1], elf: true}
    /bin/b: {id: [1, 2], elf: true}
processes:
  - {pid: 600, ppid: 1, startTicks: 1000, state: sleeping, comm: a, exe: /bin/a}
  - {pid: 601, ppid: 600, startTicks: 1001, state: sleeping, comm: b, exe: /bin/b}
  - {pid: 602, ppid: 601, startTicks: 1002, state: sleeping, comm: c, exe: /bin/b}
  - {pid: 603, ppid: 1, startTicks: 1003, state: sleeping, comm: d, unreadable: {exe: denied}}
";

/// They were left out without a word, also by an expression about nothing else.
#[test]
fn processes_in_containers_are_left_out_aloud_and_taken_in_when_they_are_meant() {
    let bench = Bench::new();
    let inner = format!("ns: {{pid: 4026532999}}, cgroup: {{v2: /docker/{}}}", "0123456789abcdef".repeat(4));
    let text = format!(
        "host:\n  files:\n    /bin/a: {{id: [1, 1], elf: true}}\nprocesses:\n\
         \x20 - {{pid: 600, ppid: 1, startTicks: 1000, comm: a, exe: /bin/a, ns: {{pid: 4026531836}}, cgroup: {{v2: /}}}}\n\
         \x20 - {{pid: 601, ppid: 600, startTicks: 1001, comm: a, exe: /bin/a, {inner}}}\n"
    );
    bench.write("host.yaml", &text);
    for (expression, more, out, said) in [
        ("comm == \"a\"", &[][..], "600\n", true),
        ("comm == \"a\"", &["--containers"], "600\n601\n", false),
        ("ns.pid != self.ns.pid", &[], "601\n", false),
        ("has(container) && comm == \"a\"", &[], "601\n", false),
        ("pid == 601", &[], "", true),
        ("comm == \"a\"", &["--pid", "601"], "601\n", false),
    ] {
        let ran = bench.run(&[&["match", expression, "--snapshot", "host.yaml"], more].concat());
        assert_eq!(ran.stdout, out, "{expression} {more:?}: {}", ran.stderr);
        let left_out = "left out: 1 in other PID namespaces; `--containers` takes them in";
        assert_eq!(ran.stderr.contains(left_out), said, "{expression} {more:?}: {}", ran.stderr);
    }
}

#[test]
fn what_is_unknown_is_neither_picked_nor_turned_around() {
    let bench = Bench::new();
    bench.write("host.yaml", SNAPSHOT);
    let ask = |expression: &str, more: &[&str]| {
        let mut args = vec!["match", expression, "--snapshot", "host.yaml"];
        args.extend(more);
        let ran = bench.run(&args);
        (ran.code, ran.stdout, ran.stderr)
    };
    let is_b = "exe == \"/bin/b\"";
    // 603 started last and can't be decided: it might be the newest, and can't be the oldest.
    let (code, out, err) = ask(is_b, &["--newest"]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("603") && err.contains("in doubt"), "{err}");
    assert_eq!(ask(is_b, &["--oldest"]).1, "601\n");
    let (code, out, _) = ask(is_b, &["--inverse"]);
    assert_eq!((code, out.as_str()), (0, "600\n"));
    let (code, out, _) = ask("exe != \"/bin/b\" && comm == \"d\"", &["--inverse", "--pid", "603"]);
    assert_eq!((code, out.as_str()), (2, ""), "unknown stays unknown");
    let (code, out, _) = ask("exe == \"/bin/b\"", &["--inverse", "--pid", "601", "--pid", "602"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(ask("comm == \"a\"", &["--children"]).1, "600\n601\n");
    assert_eq!(ask("comm == \"a\"", &["--tree"]).1, "600\n601\n602\n");
    let rows = json(&ask("comm == \"a\"", &["--tree", "--output", "json"]).1);
    assert_eq!(rows[2]["notes"][0], "below 600", "{rows}");
    assert_eq!((&rows[0]["verdict"], &rows[2]["verdict"]), (&"true".into(), &"false".into()));
}

#[test]
fn fields_have_values_of_their_types() {
    let bench = Bench::new();
    let (program, _guard, pids) = nappers(&bench, 1);
    let expression = is_napper(&program);
    let fields = "pid,exe,ppid,rss,age,tty,argv,threads == 1,env[\"NO_SUCH\"],parent.pid";
    let ran = bench.ok(&["match", &expression, "--fields", fields, "--output", "json"]);
    let row = &json(&ran.stdout)[0];
    let values = &row["fields"];
    assert_eq!((&values["pid"], &values["exe"]), (&pids[0].into(), &program.clone().into()), "{row}");
    assert_eq!(values["ppid"], std::process::id());
    assert_eq!(values["parent.pid"], std::process::id());
    assert!(values["rss"].as_i64().unwrap() > 1000 && values["age"].is_number(), "{row}");
    assert_eq!((&values["argv"][1], &values["threads == 1"]), (&"1000".into(), &true.into()));
    assert!(values["env[\"NO_SUCH\"]"].is_null());
    // Lines of columns: the names, then the values.
    let ran = bench.ok(&["match", &expression, "--fields", "pid,exe,tty", "--output", "tsv"]);
    let mut lines = ran.stdout.lines();
    assert_eq!(lines.next(), Some("pid\texe\ttty"));
    assert!(lines.next().unwrap().starts_with(&format!("{}\t{program}\t", pids[0])), "{}", ran.stdout);
    // A table is the default as soon as there are columns.
    let ran = bench.ok(&["match", &expression, "--fields", "pid,comm"]);
    assert!(ran.stdout.starts_with("PID") && ran.stdout.contains("napper"), "{}", ran.stdout);
    let ran = bench.ok(&["match", &expression, "--output", "jsonl"]);
    assert_eq!(json(ran.stdout.trim_end())["pid"], pids[0]);
    let wrong = bench.run(&["match", &expression, "--fields", "pid,usr"]);
    assert_eq!(wrong.code, 3, "{wrong:?}");
    assert!(wrong.stderr.contains("did you mean `user`"), "{wrong:?}");
}

#[test]
fn options_that_contradict_are_wrong_usage() {
    let bench = Bench::new();
    bench.write("host.yaml", SNAPSHOT);
    let rows: [&[&str]; 13] = [
        &["--newest", "--oldest"],
        &["--children", "--tree"],
        &["--all", "--newest"],
        &["--yes"],
        &["--signal", "NOSUCH", "--yes"],
        &["--signal", "TERM", "--snapshot", "host.yaml", "--yes"],
        &["--watch", "--snapshot", "host.yaml"],
        &["--wait", "1s", "--snapshot", "host.yaml"],
        &["--timeout", "1s"],
        &["--watch", "--interval", "0s"],
        &["--trace", "--newest"],
        &["--fields", "pid", "--output", "pids"],
        &["--null", "--output", "json"],
    ];
    for more in rows {
        let mut args = vec!["match", "comm == \"nobody-is-so-called\""];
        args.extend(more);
        let ran = bench.run(&args);
        assert_eq!(ran.code, 64, "{more:?}: {ran:?}");
    }
}

#[test]
fn a_trace_tells_what_was_read_and_what_was_skipped() {
    let bench = Bench::new();
    let (program, _guard, pids) = nappers(&bench, 1);
    let pid = pids[0].to_string();
    let expression = format!("exe == \"{program}\" && comm == \"other\" && pid > 1 && threads > 7");
    let mut args = vec!["match", &expression, "--trace", "--pid", &pid, "--output", "json"];
    let ran = bench.run(&args);
    assert_eq!(ran.code, 1, "{ran:?}");
    let all = json(&ran.stdout);
    let process = &all["processes"][0];
    let conditions: Vec<&str> =
        process["steps"].as_array().unwrap().iter().map(|s| s["condition"].as_str().unwrap()).collect();
    // Cheapest first: the number, the name, the image; and nothing after the one that is false.
    assert_eq!(conditions[0], "pid > 1", "{process}");
    assert_eq!(process["decidedBy"], "comm == \"other\"", "{process}");
    assert!(process["skipped"].to_string().contains("threads > 7"), "{process}");
    let comm = &process["steps"].as_array().unwrap().last().unwrap()["asked"][0];
    assert_eq!(
        (&comm["fact"], &comm["value"], &comm["cost"]),
        (&"comm".into(), &"\"napper\"".into(), &3.into())
    );
    assert!(comm["reads"].to_string().contains("comm"), "{comm}");
    let summary = &all["summary"];
    assert_eq!(
        (&summary["processes"], &summary["facts"]["comm"]["asked"]),
        (&1.into(), &1.into()),
        "{summary}"
    );
    assert!(summary["reads"]["comm"].as_u64().unwrap() >= 1, "{summary}");
    assert_eq!(summary["reads"]["stat"], serde_json::Value::Null, "what is skipped isn't read: {summary}");
    args.truncate(5);
    let text = bench.run(&args).stdout;
    for part in ["skipped", "decided by", "reads of files in /proc/PID", "threads > 7"] {
        assert!(text.contains(part), "`{part}` in\n{text}");
    }
}

#[test]
fn a_trace_of_all_processes_sums_up_to_the_verdicts_of_match() {
    let bench = Bench::new();
    let (program, _guard, _) = nappers(&bench, 2);
    let expression = is_napper(&program);
    let traced = bench.ok(&["match", &expression, "--trace", "--output", "json"]);
    let summary = &json(&traced.stdout)["summary"];
    assert_eq!(summary["verdicts"]["true"], 2, "{summary}");
    let decided: u64 =
        summary["decidedBy"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(decided, summary["processes"].as_u64().unwrap(), "{summary}");
}
