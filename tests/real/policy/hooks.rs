//! Commands of policies: what they are told, and how they end.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use selfsame::facts::ProcessKey;
use selfsame::host::policy::{Done, VARIABLES, Why};
use selfsame::plan::policy::{PolicyStep, Shown};
use selfsame::spec::policy::{Policy, PolicyAction};
use selfsame::spec::{ServiceName, StopCommand};
use selfsame::units::StartTicks;

use super::{Stage, policy, started, step, yes};

fn exec(script: &str, timeout: Duration) -> Policy {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    policy(vec![PolicyAction::Exec(StopCommand { command, timeout, user: None })])
}

const LONG: Duration = Duration::from_mins(1);

fn told(stage: &Stage) -> BTreeMap<String, String> {
    let text = fs::read_to_string(stage.base.path().join("log/tools.policy.log")).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_command_is_told_the_facts_and_writes_into_the_policys_log() {
    let (_process, key) = started(&["/bin/sleep", "1000"]);
    let mut stage = Stage::new();
    let policy = exec("env | grep SELFSAME_", LONG);
    let web = ServiceName::new("web").unwrap();
    let step = PolicyStep { owner: Some(web), ..step(&policy, &key) };
    let begun = stage.act(&policy, &step, &yes);
    assert_eq!(begun, Ok(Done::Begun("`/bin/sh -c env | grep SELFSAME_` was begun".into())));
    let ended = stage.until_ended(&policy, &yes);
    assert_eq!(ended.outcome, Ok("`/bin/sh -c env | grep SELFSAME_` succeeded".into()));
    assert_eq!((&ended.process, &ended.action), (&step.process, &step.action));
    let told = told(&stage);
    let rows = [
        ("POLICY", "tools"),
        ("SEVERITY", "error"),
        ("MESSAGE", "it is so"),
        ("REASON", "`true` is so"),
        ("SERVICE", "web"),
        ("PID", &key.pid.to_string()),
        ("START", &key.start.to_string()),
        ("PPID", &std::process::id().to_string()),
        ("COMM", "sleep"),
        ("ARGV", "/bin/sleep 1000"),
        ("UID", &nix::unistd::geteuid().to_string()),
        ("CWD", "/"),
    ];
    for (name, value) in rows {
        assert_eq!(told.get(&format!("SELFSAME_{name}")).map(String::as_str), Some(value), "{name}");
    }
    assert!(told["SELFSAME_EXE"].starts_with('/'));
    let known: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
    for name in told.keys() {
        assert!(known.contains(&name.as_str()), "{name} is on no list");
    }
}

#[test]
fn of_whoever_has_the_number_now_a_command_is_told_nothing() {
    let (_process, key) = started(&["/bin/sleep", "1000"]);
    let mut stage = Stage::new();
    let policy = exec("env | grep SELFSAME_", LONG);
    let gone = ProcessKey { start: StartTicks(key.start.0 + 1), ..key };
    let shown = Shown { exe: Some("/opt/seen".into()), ..Shown::default() };
    stage.act(&policy, &PolicyStep { shown, ..step(&policy, &gone) }, &yes).unwrap();
    stage.until_ended(&policy, &yes);
    let told = told(&stage);
    assert_eq!(told["SELFSAME_PID"], gone.pid.to_string());
    assert_eq!(told["SELFSAME_EXE"], "/opt/seen", "as it was when it was seen");
    for name in ["COMM", "ARGV", "USER", "UID", "PPID", "CWD"] {
        assert!(!told.contains_key(&format!("SELFSAME_{name}")), "{name}");
    }
}

#[test]
fn a_command_that_fails_takes_too_long_or_cannot_begin_is_told() {
    let (_process, key) = started(&["/bin/sleep", "1000"]);
    let mut stage = Stage::new();
    let rows = [
        (exec("exit 3", LONG), "`/bin/sh -c exit 3`: it exited with code 3"),
        (exec("exec sleep 1000", Duration::from_millis(50)), "it was killed, since it took longer than 50ms"),
    ];
    for (policy, expected) in rows {
        stage.act(&policy, &step(&policy, &key), &yes).unwrap();
        let why = stage.until_ended(&policy, &yes).outcome.unwrap_err().to_string();
        assert!(why.contains(expected), "{why}");
    }
    let command = vec!["/nowhere/at/all".to_owned()];
    let policy = policy(vec![PolicyAction::Exec(StopCommand { command, timeout: LONG, user: None })]);
    let why = stage.act(&policy, &step(&policy, &key), &yes).unwrap_err();
    assert!(matches!(&why, Why::Refused(text) if text.contains("could not be begun")), "{why}");
}

#[test]
fn where_too_few_processes_are_the_reason_a_command_is_told_of_none() {
    let mut stage = Stage::new();
    let policy = exec("env | grep SELFSAME_", LONG);
    let step = PolicyStep {
        process: None,
        owner: None,
        shown: Shown::default(),
        action: policy.actions[0].clone(),
        withheld: None,
        because: "0 processes match".into(),
    };
    stage.act(&policy, &step, &yes).unwrap();
    assert_eq!(stage.until_ended(&policy, &yes).process, None);
    let told = told(&stage);
    assert_eq!(told["SELFSAME_REASON"], "0 processes match");
    assert!(!told.contains_key("SELFSAME_PID"));
}
