//! Policies in a real watch: what it says, what it does, and that it goes on where the last one left off.

use std::fs;
use std::process::Child;

use serde_json::Value;

use super::support::{Bench, is_alive, until};

/// A process of ours that nobody here owns, by a name that nobody else has, and through with its exec.
fn stranger(bench: &Bench, name: &str) -> Child {
    let program = bench.path(name);
    if !program.exists() {
        bench.copy_of("/bin/sleep", name);
    }
    let child = bench.by_hand(bench.root(), program.to_str().unwrap(), &["300"]);
    let line = format!("/proc/{}/cmdline", child.id());
    until("exec", || fs::read(&line).unwrap().ends_with(format!("{name}\0300\0").as_bytes()));
    child
}

fn policy(bench: &Bench, name: &str, program: &str, spec: &str) {
    let path = bench.path(program);
    let text = format!(
        "apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  match: 'exe == \"{}\"'\n  every: 200ms\n{spec}",
        path.display()
    );
    bench.write(&format!("specs/{name}.yaml"), &text);
}

fn until_violated(bench: &Bench, name: &str, violated: bool) {
    until("the policy to be seen so", || bench.policy_status_of(name)["violated"] == violated);
}

#[test]
fn what_violates_is_said_once_and_left_alone_by_default() {
    let mut bench = Bench::new();
    let mut tool = stranger(&bench, "forbidden");
    policy(&bench, "no-tool", "forbidden", "  do: {signal: KILL}\n  severity: error\n");
    bench.watch(&[]);
    until_violated(&bench, "no-tool", true);
    let status = bench.policy_status_of("no-tool");
    assert_eq!((&status["severity"], &status["violating"]), (&"error".into(), &1.into()), "{status}");
    assert_eq!(status["processes"][0]["pid"], tool.id(), "{status}");
    assert!(status["withheld"].as_str().unwrap().contains("belongs to no Service here"), "{status}");
    let table = bench.ok(&["status"]).stdout;
    assert!(table.contains("no-tool") && table.contains("POLICY"), "{table}");
    assert_eq!(tool.try_wait().unwrap(), None, "nothing was done");
    let kinds: Vec<Value> = bench.events(&["no-tool"]).iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["Violated", "PolicyWithheld"]);
    let event = &bench.events(&["no-tool"])[0];
    assert_eq!(event["policy"]["severity"], "error");
    assert_eq!((&event["pid"], &event["times"]), (&tool.id().into(), &1.into()), "{event}");
    assert_eq!(event["policy"]["exe"], bench.path("forbidden").to_str().unwrap());
    // Another watch knows that it was said.
    bench.end_watch("TERM");
    bench.watch(&[]);
    until_violated(&bench, "no-tool", true);
    assert_eq!(bench.events(&["no-tool"]).len(), 2);
    // The same again is counted.
    tool.kill().unwrap();
    tool.wait().unwrap();
    until_violated(&bench, "no-tool", false);
    let mut tool = stranger(&bench, "forbidden");
    until("it to be counted", || bench.events(&["no-tool"]).iter().any(|event| event["times"] == 2));
    tool.kill().unwrap();
    tool.wait().unwrap();
}

#[test]
fn a_policy_acts_within_its_limit_and_can_be_left_alone() {
    let mut bench = Bench::new();
    policy(
        &bench,
        "no-tool",
        "forbidden",
        "  do: {signal: KILL}\n  dryRun: false\n  limit: {count: 1, per: 1h}\n",
    );
    bench.watch(&[]);
    until_violated(&bench, "no-tool", false);
    bench.ok(&["suspend", "no-tool", "--reason", "a visit"]);
    let mut first = stranger(&bench, "forbidden");
    until("it to be left alone", || bench.policy_status_of("no-tool")["suspended"]["reason"] == "a visit");
    assert_eq!(first.try_wait().unwrap(), None);
    bench.ok(&["resume", "policy/no-tool"]);
    assert!(!first.wait().unwrap().success(), "killed");
    until("it to be told", || bench.policy_status_of("no-tool")["acted"]["action"] == "signal");
    let mut second = stranger(&bench, "forbidden");
    until("it to be withheld", || {
        bench.events(&["no-tool"]).iter().any(|event| event["policy"]["withheld"] == "Limit")
    });
    // Also by the next engine.
    bench.end_watch("KILL");
    bench.watch(&[]);
    until_violated(&bench, "no-tool", true);
    assert!(is_alive(i32::try_from(second.id()).unwrap()));
    let explained = bench.ok(&["explain", "no-tool"]).stdout;
    assert!(explained.contains("violates it") && explained.contains("`spec.limit` allows 1"), "{explained}");
    let metrics = bench.ok(&["metrics"]).stdout;
    assert!(metrics.contains("selfsame_policy_violating_processes{policy=\"no-tool\"} 1"), "{metrics}");
    second.kill().unwrap();
    second.wait().unwrap();
}

#[test]
fn a_service_is_restarted_in_its_own_way() {
    let mut bench = Bench::new();
    bench.daemon("web", "");
    bench.watch(&[]);
    bench.until_running(&["web"]);
    let pid = bench.the_pid_of("web");
    bench.write(
        "specs/old.yaml",
        &format!(
            "apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: old}}\nspec:\n  match: 'pid == {pid}'\n  every: 200ms\n  do: restart\n"
        ),
    );
    until("another process", || {
        !is_alive(pid) && bench.alive_of("web").len() == 1 && bench.the_pid_of("web") != pid
    });
    bench.until_running(&["web"]);
    assert_eq!(bench.starts_of("web").len(), 2);
    let acted = bench.events(&["old"]).into_iter().find(|event| event["kind"] == "PolicyActed").unwrap();
    assert!(acted["message"].as_str().unwrap().contains("asked for a restart of `web`"), "{acted}");
}

#[test]
fn plan_says_what_policies_would_do_and_apply_leaves_them_to_watch() {
    let bench = Bench::new();
    let mut tool = stranger(&bench, "forbidden");
    policy(&bench, "no-tool", "forbidden", "  do: {signal: KILL}\n");
    let ran = bench.ok(&["plan", "specs"]);
    assert!(ran.stdout.contains("nothing to do\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("no-tool: violated by 1 of 1 processes"), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("would only say `signal` pid {}", tool.id())), "{}", ran.stdout);
    let rows: Value = serde_json::from_str(&bench.ok(&["plan", "specs", "-o", "json"]).stdout).unwrap();
    assert_eq!(rows[0]["policy"], "no-tool");
    assert_eq!(rows[0]["steps"][0]["withheld"], "NotOwned", "{rows}");
    let ran = bench.ok(&["apply", "specs"]);
    assert!(ran.stderr.contains("1 Policy is looked after by `watch` only"), "{}", ran.stderr);
    assert_eq!(tool.try_wait().unwrap(), None);
    let missing = bench.run(&["explain", "policy/no-tool"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("no watch runs here"), "{}", missing.stderr);
    tool.kill().unwrap();
    tool.wait().unwrap();
}
