//! Waking up, collecting exits, probing, requests.

use std::fs;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use selfsame::facts::ProcessKey;
use selfsame::host::clock;
use selfsame::host::exits::{Exits, Life};
use selfsame::host::probe::{Answer, Probes};
use selfsame::host::signal::{boot_id, hold, vital};
use selfsame::host::spawn::{Spawned, send_signal, spawn};
use selfsame::host::spec_dir::{Watcher, watched};
use selfsame::host::wake::Waker;
use selfsame::plan::action::Purpose;
use selfsame::plan::memory::Exit;
use selfsame::spec::ReadinessCheck;
use selfsame::units::{BootTime, Pid, Signal, StartTicks};

use crate::support::{Guarded, eventually, launch, silent_port};

fn start(argv: &[&str]) -> (Spawned, ProcessKey) {
    let slot = tempfile::tempfile().unwrap();
    let spawned = spawn(&launch(argv), Some(slot.as_fd())).unwrap();
    let key = ProcessKey { boot: boot_id().unwrap(), pid: spawned.pid, start: spawned.start };
    (spawned, key)
}

fn soon() -> Option<BootTime> {
    Some(clock::now().boot.after(Duration::from_mins(1)))
}

#[test]
fn a_deadline_wakes_and_one_in_the_past_at_once() {
    let mut waker = Waker::new(false).unwrap();
    let begin = Instant::now();
    let wakes = waker.wait(Some(clock::now().boot.after(Duration::from_millis(30)))).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(29) && wakes == Default::default());
    waker.wait(Some(BootTime(Duration::ZERO))).unwrap();
}

#[test]
fn what_watchers_hear_wakes_until_it_is_read() {
    let mut waker = Waker::new(false).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::new(None).unwrap();
    waker.watch_specs(watcher.descriptor()).unwrap();
    watcher.watch(&watched(dir.path())).unwrap();
    fs::write(dir.path().join("a"), "").unwrap();
    for _ in 0..2 {
        let wakes = waker.wait(soon()).unwrap();
        assert!(wakes.specs && !wakes.exits);
    }
    assert!(watcher.take().changed);
    // One write is several events, and the watcher's thread may pass on the later ones after the
    // first was read: each of them wakes once more, and then it is quiet.
    eventually("nothing is left that wakes", || {
        watcher.take();
        let wakes = waker.wait(Some(clock::now().boot.after(Duration::from_millis(5)))).unwrap();
        (!wakes.specs).then_some(())
    });
}

#[test]
fn an_exit_wakes_once_and_its_status_is_kept() {
    let mut waker = Waker::new(false).unwrap();
    let mut exits = Exits::default();
    let (spawned, key) = start(&["/bin/sh", "-c", "exit 3"]);
    exits.started(&key, spawned.pidfd, &waker);
    assert!(waker.wait(soon()).unwrap().exits);
    assert_eq!(exits.life(&key, &waker), Life::Gone(Exit::Code(3)));
    assert_eq!(exits.life(&key, &waker), Life::Gone(Exit::Code(3)), "it is kept");
    assert!(!waker.wait(Some(clock::now().boot.after(Duration::from_millis(5)))).unwrap().exits);
}

#[test]
fn a_running_process_is_alive_and_a_key_of_the_past_is_gone() {
    let waker = Waker::new(false).unwrap();
    let mut exits = Exits::default();
    let (spawned, key) = start(&["/bin/sleep", "60"]);
    let process = Guarded(spawned);
    assert_eq!(exits.life(&key, &waker), Life::Alive);
    let stranger = ProcessKey { start: StartTicks(key.start.0 - 1), ..key.clone() };
    assert_eq!(exits.life(&stranger, &waker), Life::Gone(Exit::Unknown));
    drop(process);
    assert!(matches!(exits.life(&key, &waker), Life::Gone(_)));
    exits.retain(|_| false);
}

/// A process that isn't our child: its parent is a shell.
#[test]
fn the_exit_of_a_process_that_is_not_ours_is_known_or_unknown_but_never_wrong() {
    let waker = Waker::new(false).unwrap();
    let mut exits = Exits::default();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let text = format!(
        "(sleep 60; exit 1) & echo $! > {0}.tmp; mv {0}.tmp {0}; wait; exec sleep 60",
        file.display()
    );
    let (spawned, _) = start(&["/bin/sh", "-c", &text]);
    let _shell = Guarded(spawned);
    let pid: i32 = eventually("pid", || fs::read_to_string(&file).ok()).trim().parse().unwrap();
    let start = vital(Pid(pid)).unwrap().start;
    let key = ProcessKey { boot: boot_id().unwrap(), pid: Pid(pid), start };
    assert_eq!(exits.life(&key, &waker), Life::Alive);
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    for below in children.split_whitespace().map(|pid| Pid(pid.parse().unwrap())) {
        let start = vital(below).unwrap().start;
        let held = hold(&ProcessKey { boot: boot_id().unwrap(), pid: below, start }).unwrap();
        send_signal(&held.pidfd, Signal::KILL).unwrap();
    }
    if let Ok(held) = hold(&key) {
        // Its child is gone: it may be as well by now, and collected by the shell.
        let _ = send_signal(&held.pidfd, Signal::KILL);
    }
    let life = eventually("exit", || match exits.life(&key, &waker) {
        Life::Alive => None,
        over => Some(over),
    });
    let expected = [Exit::Unknown, Exit::Signal(Signal::KILL), Exit::Code(1)];
    assert!(matches!(&life, Life::Gone(exit) if expected.contains(exit)), "{life:?}");
}

/// Blocks signals in a process of its own: this file's name is run again.
#[test]
fn signals_become_wake_ups() {
    const INSIDE: &str = "SELFSAME_TEST_SIGNALS";
    if std::env::var_os(INSIDE).is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "loops::signals_become_wake_ups", "--test-threads=1"])
            .env(INSIDE, "1")
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.unwrap().success());
        return;
    }
    // raise(3) sends to the calling thread, which is the one that blocks them.
    let mut waker = Waker::new(true).unwrap();
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGHUP).unwrap();
    assert!(waker.wait(soon()).unwrap().reload);
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(waker.wait(soon()).unwrap().stop, Some(Signal::TERM));
    // As a subreaper: an orphan comes to us and is collected.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let (spawned, key) = start(&["/bin/sh", "-c", "(exec sleep 0.05) & exit 4"]);
    let mut exits = Exits::default();
    exits.started(&key, spawned.pidfd, &waker);
    let mut others = Vec::new();
    while others.is_empty() || exits.life(&key, &waker) == Life::Alive {
        // The test's first thread doesn't block CHLD, so that the kernel may drop it here.
        waker.wait(Some(clock::now().boot.after(Duration::from_millis(10)))).unwrap();
        others.extend(exits.reap_all());
    }
    assert_eq!(exits.life(&key, &waker), Life::Gone(Exit::Code(4)));
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].1, Exit::Code(0));
}

/// Some key to name a probe by.
fn any_key() -> ProcessKey {
    ProcessKey { boot: boot_id().unwrap(), pid: Pid(2), start: StartTicks(1) }
}

fn probe(check: &ReadinessCheck, timeout: Duration) -> Answer {
    let mut probes = Probes::new().unwrap();
    let mut waker = Waker::new(false).unwrap();
    waker.watch_probes(probes.descriptor()).unwrap();
    let key = any_key();
    let about = (key, Purpose::Readiness);
    let launch = launch(&["/bin/true"]);
    probes.begin(&about, check, timeout, Some(&launch), clock::now().boot);
    loop {
        probes.poll(clock::now().boot);
        if let Some(answer) = probes.answer(&about) {
            return answer.clone();
        }
        waker.wait(probes.deadline()).unwrap();
    }
}

const LONG: Duration = Duration::from_mins(1);

#[test]
fn tcp_is_ready_when_somebody_accepts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost"] {
        let answer = probe(&ReadinessCheck::Tcp { host: host.into(), port }, LONG);
        assert!(answer.ready, "{host}: {answer:?}");
    }
    let (_taken, port) = silent_port();
    let answer = probe(&ReadinessCheck::Tcp { host: "127.0.0.1".into(), port }, LONG);
    assert!(!answer.ready && answer.detail.contains("ECONNREFUSED"), "{answer:?}");
}

#[test]
fn a_name_that_leads_nowhere_is_not_ready() {
    let answer =
        probe(&ReadinessCheck::Tcp { host: "no such host".into(), port: 1 }, Duration::from_secs(10));
    assert!(!answer.ready && !answer.detail.is_empty());
}

/// Whether somebody listens at this port, by the kernel's own table.
fn listens(port: u16) -> bool {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let at = format!(":{port:04X}");
    let is_it = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1).is_some_and(|local| local.ends_with(&at)) && words.get(3) == Some(&"0A")
    };
    tables.iter().any(|table| table.lines().any(is_it))
}

#[test]
fn a_free_port_does_not_answer_itself() {
    // In the range of source ports; without care some of these connect to themselves.
    let mut port = silent_port().1;
    let mut asked = 0;
    while asked < 50 {
        let ready = probe(&ReadinessCheck::Tcp { host: "127.0.0.1".into(), port }, LONG).ready;
        if ready && listens(port) {
            // Another test was given this very port.
            (port, asked) = (silent_port().1, 0);
            continue;
        }
        assert!(!ready, "{port}");
        asked += 1;
    }
}

#[test]
fn a_command_is_ready_when_it_exits_with_0() {
    for (text, timeout, ready, detail) in [
        ("exit 0", LONG, true, ""),
        ("exit 9", LONG, false, "exited with 9"),
        ("kill -9 $$", LONG, false, "died by KILL"),
        ("exec sleep 1000", Duration::from_millis(300), false, "no answer within 300ms"),
    ] {
        let command = ["sh", "-c", text].map(String::from).to_vec();
        let answer = probe(&ReadinessCheck::Exec { command, user: None }, timeout);
        assert!(answer.ready == ready && answer.detail.contains(detail), "{text}: {answer:?}");
    }
    let missing = probe(&ReadinessCheck::Exec { command: vec!["no-such-program".into()], user: None }, LONG);
    assert!(!missing.ready && missing.detail.contains("ENOENT"), "{missing:?}");
}

/// The answer of a command whose two seconds are over as soon as it has written so many numbers into a file, and these: the
/// clock that it is measured by is the test's.
fn overdue(text: &str, file: &std::path::Path, count: usize) -> (Answer, Vec<i32>) {
    let mut probes = Probes::new().unwrap();
    let command = ["sh", "-c", text].map(String::from).to_vec();
    let (about, begun) = ((any_key(), Purpose::Readiness), clock::now().boot);
    let launch = launch(&["/bin/true"]);
    let timeout = Duration::from_secs(2);
    probes.begin(&about, &ReadinessCheck::Exec { command, user: None }, timeout, Some(&launch), begun);
    let pids = eventually("the numbers", || {
        let text = fs::read_to_string(file).unwrap_or_default();
        let pids: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        (text.ends_with('\n') && pids.len() == count).then_some(pids)
    });
    probes.poll(begun);
    assert_eq!(probes.answer(&about), None);
    probes.poll(begun.after(timeout));
    (probes.answer(&about).unwrap().clone(), pids)
}

#[test]
fn a_probe_that_takes_too_long_is_killed_with_its_tree() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pids");
    let text =
        format!("sleep 1061 & echo $! >> {0}; setsid sleep 1062 & echo $! >> {0}; wait", file.display());
    let (answer, pids) = overdue(&text, &file, 2);
    assert!(!answer.ready);
    for pid in pids {
        eventually("the tree is gone", || vital(Pid(pid)).map_or(Some(()), |v| v.is_over().then_some(())));
    }
}

/// Fault 61: it hangs, forks, leaves its session, and prints without end.
#[test]
fn nothing_that_a_probe_started_outlives_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pids");
    // A daemon of its own: forked twice, in another session, its parents gone.
    let text = format!(
        "setsid sh -c '(sleep 1063 & echo $! >> {0}) &' ; setsid sh -c 'sh -c \"sleep 1064 & echo \\$! >> {0}; wait\" &'; sleep 1065 & echo $! >> {0}; wait",
        file.display()
    );
    let (answer, pids) = overdue(&text, &file, 3);
    assert!(!answer.ready && answer.detail.contains("no answer within 2s"), "{answer:?}");
    for pid in pids {
        eventually("all of it is gone", || {
            vital(Pid(pid)).map_or(Some(()), |vital| vital.is_over().then_some(()))
        });
    }
}

#[test]
fn what_a_probe_prints_is_capped_and_its_last_line_is_told() {
    let ask = |text: &str| {
        let command = ["sh", "-c", text].map(String::from).to_vec();
        probe(&ReadinessCheck::Exec { command, user: None }, LONG)
    };
    let begun = std::time::Instant::now();
    let answer = ask("head -c 1073741824 /dev/zero; sleep 1000");
    assert!(answer.detail.contains("wrote more than 1MiB"), "{answer:?}");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let answer = ask("echo fine; echo the queue is stuck >&2; exit 3");
    assert_eq!(answer.detail, "the command exited with 3: the queue is stuck");
    assert!(ask("head -c 500000 /dev/zero; exit 0").ready);
}
