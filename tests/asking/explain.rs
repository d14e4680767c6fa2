//! Explanations: one process in full, and the near misses of a whole host.

use crate::support::Bench;
use crate::{json, nappers};

#[test]
fn a_tree_has_value_source_cost_and_what_is_skipped() {
    let bench = Bench::new();
    let (program, _guard, pids) = nappers(&bench, 1);
    let pid = pids[0].to_string();
    let expression =
        format!("exe == \"{program}\" && (arg(\"--port\") == \"1\" || threads > 9) && comm == \"x\"");
    let ran = bench.ok(&["explain", &expression, "--pid", &pid]);
    for part in [
        "VERDICT",
        "all of",
        "one of",
        "/proc/PID/exe",
        "skipped",
        "comm = \"napper\"",
        "fails in 2 places",
        "where comm = \"napper\"",
    ] {
        assert!(ran.stdout.contains(part), "`{part}` in\n{}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 160), "{}", ran.stdout);
    let all = json(&bench.ok(&["explain", &expression, "--pid", &pid, "--output", "json"]).stdout);
    let process = &all[0];
    assert_eq!(process["verdict"], "false");
    assert_eq!(process["tree"]["form"], "and", "{process}");
    let exe = &process["tree"]["children"][0]["children"][0];
    assert_eq!((&exe["source"], &exe["cost"]), (&"/proc/PID/exe".into(), &2.into()), "{exe}");
    assert!(process["failing"].to_string().contains("comm = "), "{process}");
}

#[test]
fn long_values_are_cut_for_people_and_whole_for_programs() {
    let bench = Bench::new();
    let long = "x".repeat(3000);
    let child = bench.by_hand(bench.root(), "/usr/bin/perl", &["-e", "sleep 1000", &long]);
    let pid = child.id().to_string();
    let _guard = crate::Guard(vec![child]);
    crate::support::until("exec", || bench.run(&["match", "len(argv) == 4", "--pid", &pid]).code == 0);
    let text = bench.ok(&["explain", "argv[3] == \"y\"", "--pid", &pid]).stdout;
    assert!(text.contains("xxx...") && text.len() < 2000, "{text}");
    let whole = bench.ok(&["explain", "argv[3] == \"y\"", "--pid", &pid, "--output", "json"]).stdout;
    assert!(whole.contains(&long));
}

#[test]
fn near_misses_are_grouped_by_what_they_fail() {
    let bench = Bench::new();
    let (program, _guard, pids) = nappers(&bench, 2);
    let shell = bench.by_hand(bench.root(), &program, &["1001"]);
    let third = shell.id().to_string();
    let _other = crate::Guard(vec![shell]);
    crate::support::until("exec", || bench.run(&["match", "argv[1] == \"1001\"", "--pid", &third]).code == 0);
    // True of nobody; two fail by their argument, one by that and its name.
    let expression =
        format!("comm == \"napper\" && exe == \"{program}\" && argv[1] == \"1001\" && nice == 19");
    let overview = json(&bench.ok(&["explain", &expression, "--output", "json"]).stdout);
    let groups = overview["nearMisses"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{overview}");
    assert_eq!(groups[0]["condition"], "nice == 19");
    assert_eq!(groups[0]["processes"][0]["pid"].to_string(), third);
    assert_eq!(groups[0]["processes"][0]["failing"][0]["values"][0], "nice = 0");
    let expression = format!("comm == \"napper\" && exe == \"{program}\" && argv[1] == \"1001\"");
    let text = bench.ok(&["explain", &expression]).stdout;
    assert!(text.contains("1 of ") && text.contains(&third), "{text}");
    assert!(text.contains("near miss: 2 fail in one place, argv[1] == \"1001\""), "{text}");
    for pid in pids {
        assert!(text.contains(&pid.to_string()) && text.contains("argv[1] = \"1000\""), "{text}");
    }
    // Of one condition alone everybody would be a near miss.
    let text = bench.ok(&["explain", "comm == \"nobody-is-so-called\""]).stdout;
    assert!(text.contains("no near miss"), "{text}");
}

#[test]
fn an_object_names_its_near_misses() {
    let bench = Bench::new();
    let script = bench.daemon("shop", "match: nice == 0");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("shop");
    // The same program with another nice value: all of the rule but the condition.
    let other = bench.by_hand(bench.root(), "/usr/bin/nice", &["-n", "5", &script.to_string_lossy()]);
    let near = other.id().to_string();
    let _guard = crate::Guard(vec![other]);
    crate::support::until("the second", || bench.starts().len() == 2);
    let text = bench.ok(&["explain", "shop"]).stdout;
    let line = text.lines().find(|line| line.contains("near miss")).unwrap_or_default();
    assert!(line.contains(&near) && line.contains("nice == 0") && line.contains("nice = 5"), "{text}");
    let all = json(&bench.ok(&["explain", "shop", "--output", "json"]).stdout);
    assert_eq!(all[0]["nearMisses"][0]["processes"][0]["pid"].to_string(), near, "{all}");
    assert_eq!(all[0]["instances"][0]["pid"], pid, "{all}");
}

/// `explain wbe` said that there is no field `wbe`, and nothing of the object that was meant; `status` and `events` named none.
#[test]
fn who_mistypes_a_name_is_told_the_one_that_is_meant() {
    let bench = Bench::new();
    bench.daemon("worker", "");
    bench.ok(&["apply", "specs"]);
    for (verb, code) in [("explain", 3), ("status", 5), ("events", 0), ("logs", 1)] {
        let ran = bench.run(&[verb, "wroker"]);
        let said = ran.stderr.contains("no object `wroker` is on record; did you mean `worker`?");
        assert!(said && ran.code == code, "{verb}: {ran:?}");
    }
}
