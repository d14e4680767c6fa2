//! Signals reach the process that was meant, or nobody.

use std::fs;
use std::os::fd::AsFd;
use std::process::Command;

use selfsame::facts::{Fact, ProcessKey, Why};
use selfsame::host::signal::{boot_id, hold, signal_verified, vital};
use selfsame::host::spawn::spawn;
use selfsame::plan::action::Outcome;
use selfsame::plan::memory::Exit;
use selfsame::units::{BootId, Pid, Signal, StartTicks};

use crate::support::{Guarded, exit, launch, needs_root};

fn sleeper() -> (Guarded, ProcessKey) {
    let slot = tempfile::tempfile().unwrap();
    let process = Guarded(spawn(&launch(&["/bin/sleep", "1000"]), Some(slot.as_fd())).unwrap());
    let key = ProcessKey { boot: boot_id().unwrap(), pid: process.0.pid, start: process.0.start };
    (process, key)
}

fn yes() -> Fact<bool> {
    Fact::Known(true)
}

fn lives(key: &ProcessKey) -> bool {
    hold(key).is_ok()
}

#[test]
fn a_verified_process_gets_the_signal() {
    for signal in [Signal::TERM, Signal::KILL, Signal::parse("RTMIN+3").unwrap()] {
        let (process, key) = sleeper();
        assert_eq!(signal_verified(&key, signal, yes), Outcome::Done);
        assert_eq!(exit(&process.0), Exit::Signal(signal));
        assert_eq!(signal_verified(&key, signal, yes), Outcome::Gone);
    }
}

#[test]
fn another_start_time_or_boot_is_another_process() {
    let (_process, key) = sleeper();
    for other in [
        ProcessKey { start: StartTicks(key.start.0 + 1), ..key.clone() },
        ProcessKey { boot: BootId("another".into()), ..key.clone() },
    ] {
        assert_eq!(signal_verified(&other, Signal::KILL, yes), Outcome::Gone);
    }
    assert!(lives(&key));
}

#[test]
fn what_is_not_certain_is_not_signalled() {
    let (_process, key) = sleeper();
    let doubts = [Fact::Known(false), Fact::unknown(Why::Denied)];
    for doubt in doubts {
        let outcome = signal_verified(&key, Signal::KILL, || doubt);
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
    assert!(lives(&key));
}

#[test]
fn a_zombie_is_gone() {
    let (process, key) = sleeper();
    assert_eq!(signal_verified(&key, Signal::KILL, yes), Outcome::Done);
    crate::support::eventually("zombie", || vital(key.pid).unwrap().is_over().then_some(()));
    assert_eq!(signal_verified(&key, Signal::KILL, yes), Outcome::Gone);
    drop(process);
}

#[test]
fn init_the_engine_its_ancestors_and_kernel_threads_are_never_signalled() {
    let boot = boot_id().unwrap();
    let own = i32::try_from(std::process::id()).unwrap();
    let parent = vital(Pid(own)).unwrap().parent;
    let mut never = vec![Pid(1), Pid(own), parent, Pid(0), Pid(-1)];
    // kthreadd, where this is the first PID namespace.
    never.extend(vital(Pid(2)).ok().filter(|vital| vital.flags & 0x0020_0000 != 0).map(|_| Pid(2)));
    for pid in never {
        let start = vital(pid).map_or(StartTicks(0), |vital| vital.start);
        let key = ProcessKey { boot: boot.clone(), pid, start };
        // CONT would do no harm, were it sent.
        let outcome = signal_verified(&key, Signal::CONT, yes);
        assert!(matches!(outcome, Outcome::Refused { .. }), "{pid}: {outcome:?}");
    }
}

/// Needs a PID namespace of its own, to choose the number of the next process.
#[test]
fn a_recycled_number_is_a_stranger() {
    const INSIDE: &str = "SELFSAME_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        let (mut first, key) = sleeper();
        assert_eq!(signal_verified(&key, Signal::KILL, yes), Outcome::Done);
        exit(&first.0);
        // Process start times have a resolution of 10 ms.
        std::thread::sleep(std::time::Duration::from_millis(30));
        fs::write("/proc/sys/kernel/ns_last_pid", (key.pid.0 - 1).to_string()).unwrap();
        let (second, stranger) = sleeper();
        assert_eq!(stranger.pid, key.pid, "the number is used again");
        assert_eq!(signal_verified(&key, Signal::KILL, yes), Outcome::Gone);
        assert!(lives(&stranger));
        first.0.pidfd = second.0.pidfd.try_clone().unwrap();
        return;
    }
    if needs_root("a_recycled_number_is_a_stranger") {
        return;
    }
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "signal::a_recycled_number_is_a_stranger", "--test-threads=1", "--nocapture"])
        .env(INSIDE, "1")
        .output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("unshare failed") => {
            eprintln!("skipped: no PID namespace can be made here");
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => eprintln!("skipped: unshare: {error}"),
    }
}
