//! Nice values, limits and control groups of one process, and of nobody else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use procfs::process::{LimitValue, Process};
use selfsame::host::groups::{Controller, Places};
use selfsame::host::policy::Done;
use selfsame::spec::Resources;
use selfsame::spec::policy::{PolicyAction, PolicyGroup};

use super::{Stage, lives, policy, sleeper, started, step, values, yes};
use crate::support::{eventually, is_root};

#[test]
fn a_process_gets_another_nice_value_and_its_child_does_not() {
    let (_process, key) = started(&["/bin/sh", "-c", "sleep 60 & wait"]);
    let child = eventually("child", || {
        let tasks = Process::new(key.pid.0).unwrap().tasks().unwrap();
        tasks.flatten().find_map(|task| task.children().ok()?.first().copied())
    });
    let mut stage = Stage::new();
    let policy = policy(vec![PolicyAction::Renice(7)]);
    let was = values(&key).0;
    let done = stage.act(&policy, &step(&policy, &key), &yes);
    assert_eq!(done, Ok(Done::Done(format!("its nice value is 7 now and was {was}"))));
    assert_eq!(values(&key).0, 7);
    let child = Process::new(i32::try_from(child).unwrap()).unwrap().stat().unwrap();
    assert_eq!(child.nice, i64::from(was), "what descends from it is another process");
    let ended = selfsame::host::signal::signal_verified(
        &selfsame::host::proc::process_key(selfsame::units::Pid(child.pid)).known().unwrap(),
        selfsame::units::Signal::KILL,
        || selfsame::facts::Fact::Known(true),
    );
    assert_eq!(ended, selfsame::plan::action::Outcome::Done);
}

#[test]
fn a_process_gets_other_limits() {
    let (_process, key) = sleeper();
    let mut stage = Stage::new();
    let limits = BTreeMap::from([
        ("nofile".to_owned(), (Some(64), Some(128))),
        ("core".to_owned(), (Some(0), Some(0))),
    ]);
    let policy = policy(vec![PolicyAction::SetLimit(limits)]);
    let done = stage.act(&policy, &step(&policy, &key), &yes).unwrap().to_string();
    assert!(done.contains("its limit `nofile` is 64:128 now and was "), "{done}");
    assert!(done.contains("its limit `core` is 0:0 now"), "{done}");
    let now = Process::new(key.pid.0).unwrap().limits().unwrap();
    let (files, core) = (now.max_open_files, now.max_core_file_size);
    let seen = [files.soft_limit, files.hard_limit, core.soft_limit, core.hard_limit];
    let wanted = [64, 128, 0, 0].map(LimitValue::Value);
    assert_eq!(format!("{seen:?}"), format!("{wanted:?}"));
}

#[test]
fn a_limit_that_the_kernel_refuses_is_told_with_what_was_done_before() {
    let (_process, key) = sleeper();
    let mut stage = Stage::new();
    let limits = BTreeMap::from([
        ("core".to_owned(), (Some(0), Some(0))),
        ("nofile".to_owned(), (Some(128), Some(64))),
    ]);
    let policy = policy(vec![PolicyAction::SetLimit(limits)]);
    let why = stage.act(&policy, &step(&policy, &key), &yes).unwrap_err().to_string();
    assert!(why.contains("`core` is 0:0 now") && why.contains("`nofile` can't be changed"), "{why}");
    assert!(why.contains("EINVAL"), "{why}");
}

/// The groups of a process, one a line of `/proc/PID/cgroup`.
fn groups(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap()
}

#[test]
fn a_process_is_moved_into_a_group_with_bounds_or_told_why_not() {
    let (_process, key) = sleeper();
    let (_other, stranger) = sleeper();
    let before = groups(key.pid.0);
    let mut stage = Stage::new();
    let resources = Resources { pids_max: Some(9), ..Resources::default() };
    let group = PolicyGroup { name: None, resources };
    let policy = policy(vec![PolicyAction::Move(group)]);
    let can = is_root() && Places::of_this_process().has(Controller::Pids).is_ok();
    match stage.act(&policy, &step(&policy, &key), &yes) {
        Ok(done) => {
            let done = done.to_string();
            let dir = PathBuf::from(done.split('`').nth(1).unwrap());
            assert!(dir.ends_with("policy--tools"), "{done}");
            assert_eq!(std::fs::read_to_string(dir.join("pids.max")).unwrap().trim(), "9");
            let inside = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap();
            assert_eq!(inside.trim(), key.pid.to_string(), "it and nobody else");
            assert_ne!(groups(key.pid.0), before);
            assert_eq!(groups(stranger.pid.0), before);
            // A second time is no harm.
            stage.act(&policy, &step(&policy, &key), &yes).unwrap();
        }
        Err(why) => {
            assert!(!can, "{why}");
            assert_eq!(groups(key.pid.0), before, "{why}");
        }
    }
    assert!(lives(&key));
}
