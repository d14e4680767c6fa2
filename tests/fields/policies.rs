//! Fields of Policies, as real processes meet them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use serde_json::Value;

use super::support::{Bench, is_root, until};

/// A process that nobody here owns, by a program that nobody else has.
fn stranger(bench: &Bench) -> Child {
    let program = bench.path("stranger");
    if !program.exists() {
        bench.copy_of("/bin/sleep", "stranger");
    }
    bench.by_hand(bench.root(), program.to_str().unwrap(), &["300"])
}

/// A Policy that looks often.
fn policy(bench: &Bench, name: &str, spec: &str) {
    let head =
        format!("apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  every: 200ms\n");
    let spec = spec.replace("STRANGER", &format!("exe == \"{}\"", bench.path("stranger").display()));
    bench.write(&format!("specs/{name}.yaml"), &format!("{head}{spec}"));
}

fn message_of(bench: &Bench, name: &str) -> String {
    let ran = bench.run(&["events", name, "--output", "json"]);
    let first = ran.stdout.lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok());
    first.map(|event| event.to_string()).unwrap_or_default()
}

#[test]
fn a_command_runs_as_the_user_that_it_names() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    let mut stranger = stranger(&bench);
    let told = bench.write("told", "");
    fs::set_permissions(&told, fs::Permissions::from_mode(0o666)).unwrap();
    let command = format!("'echo $(id -un) $USER $HOME $SELFSAME_PID > {}'", told.display());
    let spec = format!(
        "  match: STRANGER\n  count: 0\n  dryRun: false\n  do: {{exec: {{command: [/bin/sh, -c, {command}], user: nobody}}}}\n"
    );
    policy(&bench, "none", &spec);
    bench.watch(&[]);
    let expected = format!("nobody nobody /nonexistent {}\n", stranger.id());
    until("the command", || fs::read_to_string(&told).is_ok_and(|text| text == expected));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn what_labels_choose_gets_another_nice_value_and_other_limits() {
    let mut bench = Bench::new();
    bench.daemon("web", "");
    bench.daemon("db", "");
    let spec = bench.path("specs/web.yaml");
    let text = fs::read_to_string(&spec).unwrap();
    assert!(text.contains("metadata: {name: web}"), "{text}");
    fs::write(&spec, text.replace("metadata: {name: web}", "metadata: {name: web, labels: {tier: front}}"))
        .unwrap();
    policy(
        &bench,
        "lean",
        "  selector: {matchLabels: {tier: front}}\n  when: nice < 7\n  do: [{renice: 7}, {setLimit: {core: {soft: 0, hard: 0}}}]\n  limit: {count: 2, per: 1h}\n",
    );
    bench.watch(&[]);
    bench.until_running(&["web", "db"]);
    let limit = |pid: i32| {
        let text = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
        let line =
            text.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default().to_owned();
        line.split_whitespace().nth(4) == Some("0") && line.split_whitespace().nth(5) == Some("0")
    };
    let (web, db) = (bench.the_pid_of("web"), bench.the_pid_of("db"));
    until("the nice value and the limit", || nice(web) == Some(7) && limit(web));
    assert_eq!(nice(db), Some(0));
    until("it to be kept", || bench.policy_status_of("lean")["violated"] == false);
    assert_eq!((bench.the_pid_of("web"), bench.starts_of("web").len()), (web, 1));
}

/// The nineteenth field of `stat`.
fn nice(pid: i32) -> Option<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(16)?.parse().ok()
}

#[test]
fn a_number_that_lasts_is_told_with_the_facts_and_given_to_a_command() {
    let mut bench = Bench::new();
    let mut first = stranger(&bench);
    let told = bench.path("told");
    policy(
        &bench,
        "one-stranger",
        &format!(
            "  match: STRANGER\n  count: ..2\n  for: 2 of 2\n  severity: critical\n  dryRun: false\n  message: \"${{name}} is one too many\"\n  do: {{exec: {{command: [/bin/sh, -c, 'echo \"$SELFSAME_POLICY $SELFSAME_SEVERITY $SELFSAME_PID\" > {}'], timeout: 10s}}}}\n",
            told.display()
        ),
    );
    policy(&bench, "elsewhere", "  match: STRANGER\n  hosts: {names: [no-such-host]}\n");
    policy(&bench, "asleep", "  match: STRANGER\n  suspend: {reason: holidays}\n");
    bench.watch(&[]);
    until("it to be kept", || bench.policy_status_of("one-stranger")["violated"] == false);
    let mut second = stranger(&bench);
    until("the command", || fs::read_to_string(&told).is_ok_and(|text| text.ends_with('\n')));
    let younger = second.id();
    assert_eq!(fs::read_to_string(&told).unwrap(), format!("one-stranger critical {younger}\n"));
    until("it to be told", || message_of(&bench, "one-stranger").contains("stranger is one too many"));
    assert_eq!(bench.policy_status_of("one-stranger")["severity"], "critical");
    assert!(bench.policy_status_of("elsewhere").is_null());
    assert_eq!(message_of(&bench, "asleep"), "", "it looks at nothing");
    for child in [&mut first, &mut second] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
