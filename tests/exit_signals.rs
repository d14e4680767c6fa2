//! Children that exited are asked for after the kernel told of one: no exit is missed for that, whenever it comes.
//!
//! A program without a harness: the kernel gives a signal to whichever thread doesn't block it, and a harness has one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use selfsame::facts::ProcessKey;
use selfsame::host::state_dir::{Dirs, Surroundings};
use selfsame::host::{Host, HostOptions, LinuxHost, clock};
use selfsame::plan::observation::{HealthQuestion, ProcessQuestion, Questions, ServiceQuestions};
use selfsame::spec::{Service, ServiceName, StopScope};
use selfsame::units::{self, BootTime};

type Case = (&'static str, fn(&mut LinuxHost));

const CASES: [Case; 8] = [
    ("an exit ends the wait", ends_the_wait),
    ("an exit between the look and the wait", before_the_wait),
    ("an exit between the wait and the look", after_the_wait),
    ("an exit after one was heard of and before children are asked for", after_another),
    ("one that is known to have exited, and another at the same time", beside_a_known_one),
    ("many exits are one signal", many_at_once),
    ("children of a thread that is over", of_a_thread),
    ("nobody is asked about while nobody exited", nothing_to_hear),
];

fn main() {
    let base = tempfile::tempdir().unwrap();
    let places = Surroundings { explicit: Some(base.path().to_owned()), ..Surroundings::default() };
    let dirs = Dirs::locate(&places).unwrap();
    let options = HostOptions { signals: true, subreaper: true, ..HostOptions::default() };
    let mut host = LinuxHost::open(&dirs, options).unwrap();
    for (case, run) in CASES {
        look(&mut host);
        assert_eq!(children(), 0, "before: {case}");
        println!("{case}");
        run(&mut host);
    }
    println!("every thread of a watch leaves the signal to the loop");
    threads_of_a_watch();
}

/// A child that runs until its input is closed, and is on no record: nothing but the signal tells of it.
struct Runs(std::process::Child);

impl Runs {
    fn begin() -> Self {
        Self(Command::new("cat").stdin(Stdio::piped()).spawn().unwrap())
    }

    /// When this returns it can be waited for, and nobody has.
    fn end(self) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        self.end_later();
        let status = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
        assert_eq!(status, WaitStatus::Exited(pid, 0));
    }

    fn end_later(mut self) {
        drop(self.0.stdin.take());
    }
}

/// How many there are, collected or not.
fn children() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let of = |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.unwrap().path().join("children"));
    // A thread that ends meanwhile has none.
    tasks.map(|task| of(task).map_or(0, |all| all.split_whitespace().count())).sum()
}

/// One that isn't a complete look, which asks for children in any case.
fn look(host: &mut LinuxHost) {
    host.observe(&Questions::default());
}

/// Returns because of an exit, or the test fails.
#[track_caller]
fn wait(host: &mut LinuxHost) {
    let begin = Instant::now();
    let wakes = host.wait(Some(clock::now().boot.after(Duration::from_mins(1)))).unwrap();
    assert!(wakes.exits && !wakes.due, "{wakes:?} after {:?}", begin.elapsed());
}

/// Doesn't wait for anything that hasn't happened.
fn pass(host: &mut LinuxHost) {
    host.wait(Some(BootTime(Duration::ZERO))).unwrap();
}

#[track_caller]
fn all_collected() {
    assert_eq!(children(), 0, "an exit was missed");
}

fn ends_the_wait(host: &mut LinuxHost) {
    let child = Runs::begin();
    look(host);
    let loops = format!("/proc/self/task/{}/stat", nix::unistd::gettid());
    let ends = thread::spawn(move || {
        // Where it isn't in the wait yet, this is an exit before the wait.
        while !fs::read_to_string(&loops).unwrap().contains(") S ") {
            thread::yield_now();
        }
        child.end_later();
    });
    wait(host);
    ends.join().unwrap();
    all_collected();
}

fn before_the_wait(host: &mut LinuxHost) {
    let child = Runs::begin();
    look(host);
    child.end();
    wait(host);
    all_collected();
}

fn after_the_wait(host: &mut LinuxHost) {
    let (first, second) = (Runs::begin(), Runs::begin());
    pass(host);
    first.end();
    // The look that belongs to that wait doesn't ask once more.
    look(host);
    wait(host);
    look(host);
    assert_eq!(children(), 1, "an exit was missed");
    second.end();
    look(host);
    all_collected();
}

fn after_another(host: &mut LinuxHost) {
    let (first, second, third) = (Runs::begin(), Runs::begin(), Runs::begin());
    first.end();
    wait(host);
    second.end();
    look(host);
    third.end();
    look(host);
    all_collected();
}

/// The known one is asked for by itself, which the look that follows doesn't go beyond; both are collected before the loop sleeps again.
fn beside_a_known_one(host: &mut LinuxHost) {
    let (known, other) = (Runs::begin(), Runs::begin());
    host.observe(&about(host.key_of(units::Pid(known.0.id().cast_signed())).known().unwrap()));
    known.end();
    other.end();
    wait(host);
    look(host);
    assert_eq!(children(), 2, "nobody else was asked for, and what is started now waits for neither");
    host.wait(Some(clock::now().boot.after(Duration::from_mins(1)))).unwrap();
    all_collected();
}

/// Whether this process lives.
fn about(key: ProcessKey) -> Questions {
    let name = ServiceName::new("cat").unwrap();
    let process = ProcessQuestion {
        key,
        inode: None,
        adopted_by: None,
        starter: false,
        followed: false,
        readiness: None,
        tree: Vec::new(),
        list_tree: false,
        scope: StopScope::Main,
        group: None,
        health: HealthQuestion::default(),
    };
    let service = ServiceQuestions {
        spec: Arc::new(Service::new(name.clone(), "/bin/cat".into())),
        processes: [(0, process)].into_iter().collect(),
        look: false,
        if_gone: false,
        intents: BTreeMap::new(),
        prepare: false,
        conditions: false,
        commands: BTreeMap::new(),
    };
    let services = BTreeMap::from([(name, service)]);
    Questions { services, ..Questions::default() }
}

fn many_at_once(host: &mut LinuxHost) {
    let all: Vec<Runs> = (0..200).map(|_| Runs::begin()).collect();
    look(host);
    all.into_iter().for_each(Runs::end);
    wait(host);
    all_collected();
}

fn of_a_thread(host: &mut LinuxHost) {
    let child = thread::spawn(Runs::begin).join().unwrap();
    look(host);
    child.end();
    wait(host);
    all_collected();
}

fn nothing_to_hear(host: &mut LinuxHost) {
    let child = Runs::begin();
    pass(host);
    look(host);
    assert!(!host.waker().take_exits(), "it would be asked for nothing");
    child.end();
    assert!(host.waker().take_exits() && host.waker().take_exits(), "the signal is still unread");
    wait(host);
    all_collected();
    assert!(!host.waker().take_exits());
}

/// A thread that leaves the signal unblocked gets it, and it is gone: nobody is told of that exit.
fn threads_of_a_watch() {
    let base = tempfile::tempdir().unwrap();
    let specs = base.path().join("specs");
    fs::create_dir(&specs).unwrap();
    let readiness = "readiness: {exec: {command: [/bin/true]}}";
    for n in 0..40 {
        let text = format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: s{n}}}\nspec: {{startas: /bin/sleep, args: [\"6{n}\"], {readiness}}}\n"
        );
        fs::write(specs.join(format!("{n}.yaml")), text).unwrap();
    }
    let mut watch = Watch(
        Command::new(env!("CARGO_BIN_EXE_selfsame"))
            .args(["watch", "--stop-on-exit", "--state-dir"])
            .args([&base.path().join("state"), &specs])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let ready = AtomicBool::new(false);
    let stdout = BufReader::new(watch.0.stdout.take().unwrap());
    let tasks = format!("/proc/{}/task", watch.0.id());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut lines = stdout.lines().map_while(Result::ok);
            // Read to its end: a full pipe would hold nothing up, but its lines would be lost.
            lines.by_ref().find(|line| line.contains("40 of 40 instances are ready"));
            ready.store(true, Ordering::Relaxed);
            lines.for_each(drop);
        });
        // Dropped before the scope waits for that thread, also where an assertion fails: its end ends the thread.
        let mut watch = watch;
        let mut most = 0;
        while !ready.load(Ordering::Relaxed) || most == 0 {
            most = most.max(threads_that_block(&tasks));
        }
        println!("{most} threads at most");
        assert!(watch.stop().success());
    });
}

/// Asked to end, with all that it started, whatever becomes of the test.
struct Watch(std::process::Child);

impl Watch {
    fn stop(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        // Waited for already, or not: it is a child of this process until then.
        if let Ok(Some(status)) = self.0.try_wait() {
            return status;
        }
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How many threads there are; all of them block the signal once the loop has taken it.
#[track_caller]
fn threads_that_block(tasks: &str) -> usize {
    let mask = |task: fs::DirEntry| {
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        // Of a thread that has ended, and is about to go, no signals are told: they read as nothing (`task_sig`, fs/proc/array.c).
        if status.lines().any(|line| line == "Threads:\t0") {
            return None;
        }
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
        u64::from_str_radix(blocked.trim(), 16).ok()
    };
    // Listed before any is read: one that began in between blocks what the loop, read before it, may not have blocked yet.
    let listed: Vec<fs::DirEntry> = fs::read_dir(tasks).into_iter().flatten().flatten().collect();
    let masks: Vec<u64> = listed.into_iter().filter_map(mask).collect();
    let blocking = masks.iter().filter(|mask| **mask & (1 << (libc::SIGCHLD - 1)) != 0).count();
    // None: it hasn't come to that yet.
    assert!(blocking == 0 || blocking == masks.len(), "{masks:x?}");
    blocking
}
