//! System calls that a signal interrupts (EINTR), injected by strace(1).
//!
//! Those that wait are interrupted on every host now and then, and nobody notices. Those of files are interrupted on file systems
//! that ask a program (FUSE, some network file systems): there it may be an error, and is never a second copy or a lost one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Bench, is_alive, until};

const STRACE: &str = "/usr/bin/strace";
/// Calls that wait for something.
const WAITS: &str = "poll,ppoll,epoll_wait,epoll_pwait,epoll_pwait2,waitid,wait4,clock_nanosleep,accept4,connect,\
    recvfrom,recvmsg,sendto,sendmsg,pread64,pwrite64,fsync,fdatasync";
/// Calls for files, each in a run of its own: the first that fails may be the last.
const FILES: [&str; 11] = [
    "openat",
    "openat2",
    "read",
    "write",
    "flock",
    "statx",
    "newfstatat",
    "getdents64",
    "readlinkat",
    "fcntl",
    "fallocate",
];
/// So many of these runs at a time.
const SIDE_BY_SIDE: usize = 4;

/// selfsame, interrupted at each `every`th of these calls. The services aren't: strace lets go of what calls execve.
fn interrupted(bench: &Bench, calls: &str, every: &str, args: &[&str]) -> Command {
    let inner = bench.command(args);
    let mut command = Command::new(STRACE);
    // It traces from a process beside (`-D`), so that our child is selfsame itself.
    command.args(["-D", "-f", "-q", "-b", "execve", "-o"]).arg(bench.path("trace"));
    command.args([
        "-e",
        &format!("trace={calls}"),
        "-e",
        &format!("inject={calls}:error=EINTR:when={every}"),
    ]);
    command.arg(inner.get_program()).args(args).current_dir(bench.root()).stdin(Stdio::null());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

fn injected(bench: &Bench) -> usize {
    let trace = fs::read_to_string(bench.path("trace")).unwrap_or_default();
    trace.lines().filter(|line| line.contains("(INJECTED)")).count()
}

/// Whether a process can be traced here, and this strace knows all that is asked of it.
fn can_trace() -> bool {
    let bench = Bench::new();
    let works = interrupted(&bench, "poll", "1", &["help"]).output().is_ok_and(|ran| ran.status.success());
    if !works {
        eprintln!("skipped: no process can be traced by strace here");
    }
    works
}

#[test]
fn fault_30_whoever_waits_and_is_interrupted_waits_on() {
    if !can_trace() {
        return;
    }
    for every in ["1+2", "2+3"] {
        let mut bench = Bench::new();
        bench.daemon("shop", &support::quick(""));
        let log = fs::File::create(bench.path("watch.log")).unwrap();
        let mut watch = interrupted(&bench, WAITS, every, &["watch", "specs"]);
        let watch = watch.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        bench.keep_watch(watch);
        bench.until_running(&["shop"]);
        let first = bench.the_pid_of("shop");
        bench.kill(first, "KILL");
        until("the second start", || bench.starts().len() == 2);
        bench.until_running(&["shop"]);
        bench.daemon_spec("shop", &support::quick("args: [another]"));
        until("the third", || bench.starts().len() == 3);
        bench.until_running(&["shop"]);
        for args in [&["restart", "shop"][..], &["status"], &["stop", "shop"]] {
            let ran = interrupted(&bench, WAITS, every, args).output().unwrap();
            assert!(ran.status.success(), "{args:?} {ran:?}");
        }
        assert_eq!((bench.starts().len(), bench.alive()), (4, vec![]));
        assert!(!bench.watch_log().contains("nterrupted"), "{}", bench.watch_log());
        assert!(injected(&bench) > 0, "{every}: nothing was interrupted");
    }
}

#[test]
fn fault_30_a_file_that_can_not_be_had_makes_no_second_copy() {
    if !can_trace() {
        return;
    }
    // Most of the time goes by in waiting.
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(calls) = FILES.get(next.fetch_add(1, Ordering::SeqCst)) {
            starts_once_although_interrupted(calls);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(work);
        }
    });
}

fn starts_once_although_interrupted(calls: &str) {
    let bench = Bench::new();
    bench.daemon("shop", "readiness: {aliveFor: 1ms}\nrestart: {backoff: 1s}");
    let mut seen = 0;
    for (round, every) in ["1+3", "2+5", "3+17", "7+97"].into_iter().enumerate() {
        let verb: &[&str] = if round == 3 {
            &["stop", "shop", "--timeout", "2s"]
        } else {
            &["apply", "specs", "--timeout", "2s"]
        };
        let ran = interrupted(&bench, calls, every, verb).output().unwrap();
        assert!(ran.status.code().is_some(), "{calls} {every}: {ran:?}");
        seen += injected(&bench);
        bench.until_noted();
        let living: Vec<i32> = bench.starts().into_iter().filter(|pid| is_alive(*pid)).collect();
        assert!(living.len() <= 1, "{calls} {every}: {living:?}");
    }
    // Stopped or never heard of.
    bench.run(&["start", "shop"]);
    bench.ok(&["apply", "specs"]);
    until("its note", || !bench.starts().is_empty());
    let pids = bench.status_pids("shop");
    let living: Vec<i32> = bench.starts().into_iter().filter(|pid| is_alive(*pid)).collect();
    assert_eq!((living.len(), living), (1, pids), "{calls}");
    assert!(seen > 0 || calls == "fallocate", "{calls}: nothing was interrupted");
    bench.ok(&["stop", "shop"]);
    assert_eq!(bench.alive(), Vec::<i32>::new(), "{calls}");
}
