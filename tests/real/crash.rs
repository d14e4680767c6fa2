//! The engine is killed at any moment of a start; what its slots say is true all the same.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use selfsame::host::ledger::Ledger;
use selfsame::host::signal::{boot_id, hold, vital};
use selfsame::host::spawn::{send_signal, spawn};
use selfsame::host::state_dir::StateLock;
use selfsame::plan::action::Launch;
use selfsame::plan::observation::IntentSeen;
use selfsame::spec::ServiceName;
use selfsame::units::{Pid, Signal};

use crate::support::{dirs, eventually, launch};

const INSIDE: &str = "SELFSAME_TEST_CRASH";
const ROUNDS: u32 = 25;

fn name() -> ServiceName {
    ServiceName::new("x").unwrap()
}

/// The engine that will be killed: one start after the other, each with its slot.
fn start_for_ever(base: &Path) {
    let dirs = dirs(base);
    let mut ledger =
        Ledger::new(dirs.clone(), StateLock::lock_timeout(&dirs, Duration::from_mins(1)).unwrap());
    let launch = Launch { working_directory: base.join("work"), ..launch(&["/bin/sleep", "300"]) };
    for attempt in 0..200 {
        let slot = ledger.create_slot(&name(), attempt, "n").unwrap();
        let _ = spawn(&launch, Some(slot.as_fd()));
    }
}

/// Everything that was started, by the directory that it was put into.
fn running(work: &Path) -> BTreeMap<i32, u64> {
    procfs::process::all_processes()
        .unwrap()
        .filter_map(|process| {
            let process = process.ok()?;
            let stat = process.stat().ok().filter(|stat| stat.state != 'Z')?;
            (process.cwd().ok()? == work).then_some((process.pid, stat.starttime))
        })
        .collect()
}

#[test]
fn an_empty_slot_under_the_lock_means_that_nothing_runs() {
    if let Some(base) = std::env::var_os(INSIDE) {
        start_for_ever(Path::new(&base));
        return;
    }
    let mut empty = 0;
    for round in 0..ROUNDS {
        let temporary = tempfile::tempdir().unwrap();
        let base = temporary.path().canonicalize().unwrap();
        let dirs = dirs(&base);
        let work = base.join("work");
        fs::create_dir(&work).unwrap();
        let mut engine = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::an_empty_slot_under_the_lock_means_that_nothing_runs"])
            .env(INSIDE, &base)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let _ =
            eventually("a first start", || fs::metadata(dirs.slots()).ok().filter(|slots| slots.len() > 0));
        // Somewhere in the middle of a start, another place each round.
        std::thread::sleep(Duration::from_micros(u64::from(round) * 370));
        engine.kill().unwrap();
        let lock = StateLock::lock_timeout(&dirs, Duration::from_mins(1)).unwrap();
        let found = running(&work);
        let slots = String::from_utf8(fs::read(dirs.slots()).unwrap()).unwrap();
        let mut ledger = Ledger::new(dirs.clone(), lock);
        let boot = boot_id().unwrap();
        let mut said = BTreeMap::new();
        for attempt in 0..200 {
            if !slots.contains(&format!("x.{attempt}.n\0")) {
                continue;
            }
            match ledger.read_slot(&boot, &name(), attempt, "n") {
                IntentSeen::Ran(key) => {
                    said.insert(key.pid.0, key.start.0);
                }
                IntentSeen::NothingRan => empty += 1,
                IntentSeen::Unknown(reason) => panic!("{reason}"),
            }
        }
        for pid in found.keys() {
            let start = vital(Pid(*pid)).unwrap().start;
            let key = selfsame::facts::ProcessKey { boot: boot.clone(), pid: Pid(*pid), start };
            if let Ok(held) = hold(&key) {
                let _ = send_signal(&held.pidfd, Signal::KILL);
            }
        }
        engine.wait().unwrap();
        for (pid, start) in &found {
            assert_eq!(said.get(pid), Some(start), "round {round}: {pid} runs and no slot says so");
        }
    }
    eprintln!("{empty} of the starts were cut off before they ran");
}
