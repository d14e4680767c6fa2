//! The record of events.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::support::{Bench, signal, until};

pub(super) fn of_kind<'a>(events: &'a [Value], object: &str, kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["object"] == object && event["kind"] == kind).collect()
}

#[test]
fn a_life_is_told_with_who_and_why_and_which_rule() {
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let first = bench.the_pid_of("shop");
    signal(first, "KILL");
    until("another start", || bench.starts_of("shop").len() == 2);
    bench.until_running(&["shop"]);
    bench.ok(&["restart", "shop"]);
    bench.ok(&["stop", "shop"]);
    let told = bench.events(&["shop"]);
    let accepted = of_kind(&told, "shop", "Accepted");
    assert_eq!(accepted.len(), 1);
    assert!(accepted[0]["revision"].as_str().unwrap().contains("shop.yaml:"), "{}", accepted[0]);
    let started = of_kind(&told, "shop", "Started");
    assert_eq!(
        (started[0]["pid"].as_i64(), &started[0]["rule"]),
        (Some(i64::from(first)), &"state: running".into())
    );
    assert_eq!(
        (&started[1]["reason"], &started[1]["rule"]),
        (&"StartedAgain".into(), &"restart.policy: always".into())
    );
    let asked = of_kind(&told, "shop", "Asked");
    assert_eq!(
        (&started[2]["who"]["name"], started[2].get("rule")),
        (&asked[0]["who"]["name"], None),
        "a person asked for the restart: {}",
        started[2]
    );
    assert_eq!((&started[0]["generation"], &started[0]["who"]["is"]), (&1.into(), &"engine".into()));
    let exited = of_kind(&told, "shop", "Exited");
    assert_eq!((&exited[0]["reason"], exited[0]["pid"].as_i64()), (&"Signal".into(), Some(i64::from(first))));
    assert_eq!(exited.last().unwrap()["reason"], "Stopped");
    assert_eq!((&asked[1]["reason"], &asked[1]["who"]["is"]), (&"Stop".into(), &"person".into()));
    let stopping = of_kind(&told, "shop", "Stopping");
    assert_eq!(stopping[1]["who"]["name"], asked[1]["who"]["name"], "{}", stopping[1]);
    let signalled = of_kind(&told, "shop", "Signalled");
    assert_eq!(signalled[0]["signal"], "TERM");
    assert!(signalled[0]["rule"].as_str().unwrap().starts_with("stop.schedule[0]: TERM"), "{}", signalled[0]);
    let text = bench.ok(&["events", "shop"]).stdout;
    assert!(text.contains(&format!("shop: started as pid {first}, because")), "{text}");
    assert!(text.contains("[stop.schedule[0]: TERM"), "{text}");
}

#[test]
fn a_crash_loop_is_counted_and_the_record_outlives_a_killed_watch() {
    let mut bench = Bench::new();
    let script = bench.script("bin/bad", "#!/bin/sh\necho \"$$ bad\" >> '%STARTS%'\nexit 3\n");
    let restart = "restart: {backoff: 5ms, maxBackoff: 10ms, jitter: 0}";
    bench.spec("bad", &format!("startas: {}\nreadiness: {{aliveFor: 10s}}\n{restart}", script.display()));
    bench.watch(&[]);
    until("many starts", || bench.starts_of("bad").len() > 20);
    let mut watch = bench.take_watch();
    watch.kill().unwrap();
    watch.wait().unwrap();
    let before = bench.events(&["bad"]);
    let exits = of_kind(&before, "bad", "Exited");
    assert_eq!(exits.len(), 1, "{exits:?}");
    assert!(exits[0]["times"].as_u64().unwrap() >= 15, "{}", exits[0]);
    assert_eq!(exits[0]["exit"], serde_json::json!({"code": 3}));
    let size = fs::metadata(bench.path("state/lib/events.jsonl")).unwrap().len();
    assert!(size < 16_000, "a crash loop fills nothing: {size}");
    // The next watch goes on counting in the same lines.
    bench.watch(&[]);
    let more = bench.starts_of("bad").len() + 10;
    until("more starts", || bench.starts_of("bad").len() > more);
    let after = bench.events(&["bad"]);
    let exits_after = of_kind(&after, "bad", "Exited");
    let same = exits_after.iter().find(|event| event["seq"] == exits[0]["seq"]).unwrap();
    assert!(same["times"].as_u64() > exits[0]["times"].as_u64(), "{same}");
    let engine: Vec<_> = bench.events(&[]).into_iter().filter(|event| event["kind"] == "Engine").collect();
    assert_eq!(engine[0]["times"], 2, "both watches began: {engine:?}");
}

/// Each call for one object told of all others that no document speaks for them, and the next one that one does.
#[test]
fn a_call_for_one_object_tells_nothing_of_others() {
    let bench = Bench::new();
    bench.daemon("one", "");
    bench.daemon("two", "");
    bench.ok(&["apply", "specs"]);
    let before = bench.events(&["two"]);
    bench.ok(&["signal", "CONT", "one"]);
    bench.ok(&["apply", "specs/one.yaml"]);
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.events(&["two"]), before);
    bench.ok(&["stop", "--all"]);
}

#[test]
fn events_are_followed_and_chosen() {
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    bench.write(
        "specs/other.yaml",
        &fs::read_to_string(bench.daemon_spec("other", ""))
            .unwrap()
            .replace("metadata: {name: other}", "metadata: {name: other, labels: {tier: back}}"),
    );
    bench.script("bin/other", &fs::read_to_string(bench.path("bin/shop")).unwrap());
    bench.watch(&[]);
    bench.until_running(&["shop", "other"]);
    let mut follow =
        bench.command(&["events", "-f", "-n", "1", "shop"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    // Whoever shows the past is following already: what comes now isn't missed, however slow its start was.
    assert!(lines.next().is_some());
    bench.ok(&["restart", "shop"]);
    let asked = lines.find(|line| line.as_ref().unwrap().contains("asked: restart shop"));
    let started = lines.find(|line| line.as_ref().unwrap().contains("shop: started as pid"));
    follow.kill().unwrap();
    follow.wait().unwrap();
    assert!(asked.is_some() && started.is_some());
    let labelled = bench.events(&["-l", "tier=back"]);
    assert!(!labelled.is_empty() && labelled.iter().all(|event| event["object"] == "other"), "{labelled:?}");
    assert!(bench.events(&["--since", "0s", "shop"]).is_empty());
    assert!(bench.events(&["--since", "10m", "shop"]).len() > 3);
    assert_eq!(bench.events(&["-n", "1"]).len(), 1);
    assert_eq!(bench.run(&["events", "-l", "tier"]).code, 64);
}

#[test]
fn apply_and_stop_without_a_watch_are_on_record_too() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    bench.ok(&["apply", "specs"]);
    bench.ok(&["stop", "shop"]);
    let told = bench.events(&[]);
    let asked: Vec<&Value> = told.iter().filter(|event| event["kind"] == "Asked").collect();
    assert_eq!(asked[0]["message"], "apply specs");
    assert_eq!(asked[1]["message"], "stop shop");
    assert!(asked.iter().all(|event| event["who"]["uid"].is_u64()), "{asked:?}");
    assert_eq!(of_kind(&told, "shop", "Started").len(), 1);
    assert_eq!(of_kind(&told, "shop", "Exited")[0]["reason"], "Stopped");
}
