//! What becomes of the services when watch ends, and when another one begins.

use std::io::{Read as _, Write as _};
use std::process::Command;

use super::support::{Bench, is_alive, signal, until};

fn two_running() -> (Bench, u32, [i32; 2]) {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    bench.daemon("two", "args: [\"x\"]");
    let watch = bench.watch(&[]);
    bench.until_running(&["one", "two"]);
    let pids = ["one", "two"].map(|name| bench.the_pid_of(name));
    (bench, watch, pids)
}

#[track_caller]
fn same_as_before(bench: &Bench, pids: [i32; 2]) {
    bench.until_running(&["one", "two"]);
    for (name, pid) in ["one", "two"].into_iter().zip(pids) {
        assert_eq!(bench.alive_of(name), [pid], "{name}");
        assert_eq!(bench.starts_of(name).len(), 1, "{name}");
        assert_eq!(bench.status_pids(name), [pid], "{name}");
        assert_eq!(bench.status_of(name)["instances"][0]["restarts"], 0, "{name}");
    }
}

#[test]
fn services_outlive_every_end_of_watch_and_the_next_one_knows_them() {
    let (mut bench, _, pids) = two_running();
    for signal in ["TERM", "INT", "KILL", "QUIT"] {
        bench.end_watch(signal);
        assert!(pids.iter().all(|pid| is_alive(*pid)), "after {signal}");
        bench.watch(&[]);
        // The state that status shows may still be the old watch's: a change proves that the new one is at work.
        bench.daemon(&format!("after-{}", signal.to_lowercase()), "");
        bench.until_running(&[&format!("after-{}", signal.to_lowercase())]);
        same_as_before(&bench, pids);
        assert_eq!(bench.status_of("one")["instances"][0]["adopted"], false, "still on record as started");
    }
}

#[test]
fn term_and_int_end_watch_with_success() {
    for signal in ["TERM", "INT"] {
        let (mut bench, watch, _) = two_running();
        assert!(Command::new("kill").args(["-s", signal, &watch.to_string()]).status().unwrap().success());
        let mut child = bench.take_watch();
        let mut status = None;
        until("watch to end", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(0), "{signal}");
    }
}

/// What a log rotation sends by habit ended the watch.
#[test]
fn signals_that_mean_nothing_to_it_change_nothing() {
    let (bench, watch, pids) = two_running();
    for signal in ["-USR1", "-USR2", "-ALRM"] {
        assert!(Command::new("kill").args([signal, &watch.to_string()]).status().unwrap().success());
    }
    bench.daemon("three", "");
    bench.until_running(&["three"]);
    assert!(is_alive(i32::try_from(watch).unwrap()));
    same_as_before(&bench, pids);
}

/// The kernel says it by a signal as well, which ended the watch without a word.
#[test]
fn a_file_that_may_not_grow_is_said_and_nothing_is_started_until_it_may() {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    let log = std::fs::File::create(bench.path("watch.log")).unwrap();
    let plain = bench.command(&["watch", "specs"]);
    let mut limited = Command::new("prlimit");
    limited.args(["--fsize=1024:unlimited", env!("CARGO_BIN_EXE_selfsame"), "watch", "specs"]);
    limited.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(bench.root());
    let watch = limited.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let pid = watch.id().to_string();
    bench.keep_watch(watch);
    until("it to be said", || {
        bench.watch_log().contains("the records can't be written: file too large (EFBIG)")
    });
    assert_eq!(bench.starts_of("one").len(), 0);
    assert!(Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap().success());
    bench.until_running(&["one"]);
}

/// A terminal that closes is no reason to end, nor to do anything.
#[test]
fn a_hangup_changes_nothing() {
    let (bench, watch, pids) = two_running();
    assert!(Command::new("kill").args(["-HUP", &watch.to_string()]).status().unwrap().success());
    bench.daemon("three", "");
    bench.until_running(&["three"]);
    assert!(is_alive(i32::try_from(watch).unwrap()));
    same_as_before(&bench, pids);
}

#[test]
fn a_watch_whose_state_was_lost_adopts_what_runs() {
    let (mut bench, _, pids) = two_running();
    bench.end_watch("KILL");
    std::fs::remove_dir_all(bench.path("state/run")).unwrap();
    bench.watch(&[]);
    bench.until_running(&["one", "two"]);
    for (name, pid) in ["one", "two"].into_iter().zip(pids) {
        assert_eq!(bench.status_pids(name), [pid]);
        assert_eq!(bench.status_of(name)["instances"][0]["adopted"], true);
        assert_eq!(bench.starts_of(name).len(), 1);
    }
}

#[test]
fn records_that_are_garbage_are_put_aside_and_nothing_is_started_twice() {
    let (mut bench, _, pids) = two_running();
    bench.end_watch("KILL");
    let mut spoilt = 0;
    for entry in walk(&bench.path("state/run")) {
        if entry.extension().is_some_and(|e| e == "json") {
            std::fs::write(&entry, if spoilt % 2 == 0 { &b"{ \"format\": "[..] } else { &b""[..] }).unwrap();
            spoilt += 1;
        }
    }
    assert!(spoilt > 0, "no record found");
    bench.watch(&[]);
    bench.until_running(&["one", "two"]);
    for (name, pid) in ["one", "two"].into_iter().zip(pids) {
        assert_eq!(bench.status_pids(name), [pid]);
        assert_eq!(bench.starts_of(name).len(), 1);
    }
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_process_that_died_while_nobody_watched_is_started_once() {
    let (mut bench, _, pids) = two_running();
    bench.end_watch("TERM");
    bench.kill(pids[0], "KILL");
    until("it to be dead", || !is_alive(pids[0]));
    bench.watch(&[]);
    until("another copy", || bench.starts_of("one").len() == 2);
    bench.until_running(&["one", "two"]);
    assert_eq!(bench.alive_of("one").len(), 1);
    assert_eq!(bench.alive_of("two"), [pids[1]]);
}

#[test]
fn an_edit_while_nobody_watched_restarts_once() {
    let (mut bench, _, pids) = two_running();
    bench.end_watch("TERM");
    bench.daemon_spec("one", "args: [\"new\"]");
    bench.watch(&[]);
    until("the new copy", || bench.starts_of("one").last().is_some_and(|(_, words)| words == "new"));
    bench.until_running(&["one", "two"]);
    assert!(!is_alive(pids[0]));
    assert_eq!(bench.starts_of("one").len(), 2);
    assert_eq!(bench.alive_of("two"), [pids[1]]);
}

#[test]
fn a_second_watch_is_refused_and_names_the_first() {
    let (bench, watch, pids) = two_running();
    let second = bench.run(&["watch", "specs"]);
    assert_eq!(second.code, 6, "{second:?}");
    assert!(second.stderr.contains(&watch.to_string()), "{second:?}");
    same_as_before(&bench, pids);
}

#[test]
fn stopped_and_continued_watch_restarts_nothing() {
    let (bench, watch, pids) = two_running();
    let signal = |name: &str| {
        assert!(Command::new("kill").args(["-s", name, &watch.to_string()]).status().unwrap().success());
    };
    signal("STOP");
    bench.kill(pids[0], "KILL");
    until("it to be dead", || !is_alive(pids[0]));
    signal("CONT");
    until("another copy", || bench.starts_of("one").len() == 2);
    bench.until_running(&["one", "two"]);
    assert_eq!(bench.alive_of("one").len(), 1);
    assert_eq!(bench.alive_of("two"), [pids[1]]);
}

/// Two engines that know nothing of each other: what runs is found by what it is, and there is no second copy.
#[test]
fn an_engine_with_another_state_starts_no_second_copy() {
    let (bench, _, pids) = two_running();
    let other = bench.path("other-state").display().to_string();
    for _ in 0..2 {
        bench.ok(&["--state-dir", &other, "apply", "specs"]);
        same_as_before(&bench, pids);
    }
}

/// Ctrl-S, a pager, a log driver that hangs: the watch waited for its reader, restarted nothing, and didn't even end.
#[test]
fn a_reader_who_does_not_read_holds_nothing_up() {
    let mut bench = Bench::new();
    bench.daemon("one", "restart: {backoff: 10ms}");
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    rustix::pipe::fcntl_setpipe_size(&writer, 8192).unwrap();
    writer.write_all(&[b'x'; 8192]).unwrap();
    let watch = bench
        .command(&["watch", "specs"])
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .spawn()
        .unwrap();
    bench.keep_watch(watch);
    bench.until_running(&["one"]);
    signal(bench.the_pid_of("one"), "KILL");
    until("a second start", || bench.starts_of("one").len() == 2);
    bench.until_running(&["one"]);
    // Somebody reads again, and is told what is missing.
    reader.read_exact(&mut [0; 8192]).unwrap();
    bench.ok(&["restart", "one"]);
    bench.end_watch("TERM");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("warning: nobody read ") && text.contains("selfsame ends"), "{text}");
}
