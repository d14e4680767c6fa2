//! What a look says where it may not see everything. Each test runs itself again, as somebody with less.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::super::{is_subject, parse};
use super::{Fact, LiveWorld, Pid, Why, World, is_root, look, second_run, why};

#[test]
fn without_privilege_strangers_are_denied_by_name() {
    let mut nobody = Command::new(std::env::current_exe().unwrap());
    if is_root() {
        nobody.uid(65534).gid(65534);
    }
    if !second_run("access::without_privilege_strangers_are_denied_by_name", nobody) {
        return;
    }
    let world = look();
    let Fact::Unknown(reason) = world.exe_file(Pid(1)) else {
        eprintln!("skipped: process 1 is our own");
        return;
    };
    assert_eq!(reason.to_string(), "denied: exe of 1");
    assert_eq!(why(&world.environ(Pid(1))), Some(Why::Denied));
    assert_eq!(why(&world.execfn(Pid(1))), Some(Why::Denied));
    assert_eq!(why(&world.cwd(Pid(1))), Some(Why::Denied));
    assert_eq!(why(&world.memory_use(Pid(1))), Some(Why::Denied));
    assert_eq!(why(&world.files(Pid(1))), Some(Why::Denied));
    assert_eq!(why(&world.listens(Pid(1))), Some(Why::Denied));
    assert_eq!(why(&world.container(Pid(1))), None);
    assert!(world.owner(Pid(1)).known().is_some());
    assert!(world.comm(Pid(1)).known().is_some());
    assert!(world.arguments(Pid(1)).known().is_some());
}

#[test]
fn the_proc_of_another_pid_namespace_is_refused() {
    if !is_root() {
        eprintln!("skipped: only root can leave its PID namespace");
        return;
    }
    let mut inside = Command::new("unshare");
    inside.args(["--pid", "--fork"]).arg(std::env::current_exe().unwrap());
    if second_run("access::the_proc_of_another_pid_namespace_is_refused", inside) {
        let error = LiveWorld::new().unwrap_err();
        assert_eq!(error.to_string(), "`/proc` is of another PID namespace");
    }
}

#[test]
fn hidepid_matters_to_those_without_capability_and_group() {
    let hides = |mode: &str| parse::Hidepid { mode: mode.into(), gid: 4 };
    let status = |caps: &str, groups: &str| {
        format!("Uid:\t9\t9\t9\t9\nGid:\t9\t9\t9\t9\nGroups:\t{groups}\nCapEff:\t{caps}\n").into_bytes()
    };
    for (mode, caps, groups, subject) in [
        ("invisible", "0000000000000000", "24", true),
        ("invisible", "0000000000080000", "24", false),
        ("invisible", "0000000000000000", "4 24", false),
        ("ptraceable", "0000000000000000", "4 24", true),
        ("ptraceable", "0000000000080000", "", false),
    ] {
        assert_eq!(is_subject(&hides(mode), &status(caps, groups)), subject, "{mode} {caps} {groups}");
    }
    assert!(hides("2").shortens_listing() && !hides("1").shortens_listing());
}
