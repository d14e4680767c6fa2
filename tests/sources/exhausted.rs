//! A host that gives no notifications. In a user namespace of its own, whose limits are nobody else's: needs root, whose
//! files are root's in there as well.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{Bench, is_root, until};
use crate::ward::place_condition;

/// The watch looks every two seconds, and says why.
fn polls(limit: &str, value: &str) {
    if !is_root() {
        eprintln!("skipped: only root's files can be trusted in a user namespace");
        return;
    }
    let mut bench = Bench::new();
    bench.daemon("one", "args: [r0]");
    let log = fs::File::create(bench.path("watch.log")).unwrap();
    let script = format!("echo {value} > /proc/sys/user/{limit} || exit 77; exec \"$0\" watch specs");
    let mut watch = Command::new("unshare")
        .args(["--user", "--map-root-user", "/bin/sh", "-c", &script, env!("CARGO_BIN_EXE_selfsame")])
        .current_dir(bench.root())
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut over = None;
    until("the watch to begin, or not to", || {
        over = watch.try_wait().unwrap();
        over.is_some() || !bench.starts().is_empty()
    });
    if over.is_some() {
        eprintln!("skipped: no user namespace to be had: {}", bench.watch_log());
        return;
    }
    bench.give_watch(watch);
    let condition = || place_condition(&bench, "Watch");
    until("status to say so", || condition()["status"] == "False");
    assert_eq!(condition()["reason"], "Poll");
    assert!(condition()["message"].as_str().unwrap().contains(&format!("user.{limit}")), "{}", condition());
    bench.daemon_spec("one", "args: [r1]");
    until("the change to be seen", || bench.starts_of("one").iter().any(|(_, words)| words == "r1"));
    assert_eq!(bench.watch_log().matches("looking every 2s").count(), 1, "{}", bench.watch_log());
}

#[test]
fn no_watchers_are_left() {
    polls("max_inotify_instances", "0");
}

#[test]
fn no_watches_are_left() {
    polls("max_inotify_watches", "1");
}
