//! What the tests of the real kernel share.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use selfsame::host::spawn::{Spawned, reap, send_signal};
use selfsame::host::state_dir::{Dirs, Surroundings};
use selfsame::plan::action::Launch;
use selfsame::plan::memory::{Exit, Record};
use selfsame::spec::{Output, Service, ServiceName, Stop, StopStep};
use selfsame::units::Signal;

/// A launch of `argv` with nothing special about it.
pub fn launch(argv: &[&str]) -> Launch {
    Launch {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        ..Launch::bare(argv[0].into())
    }
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// True, and a note, if the test needs root and this isn't.
pub fn needs_root(test: &str) -> bool {
    if !is_root() {
        eprintln!("skipped: {test} needs root");
    }
    !is_root()
}

/// Waits for `condition`, at most ten seconds.
#[track_caller]
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "{what}: not within ten seconds");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The exit of a child, which must come soon.
#[track_caller]
pub fn exit(spawned: &Spawned) -> Exit {
    eventually("exit", || reap(&spawned.pidfd).unwrap())
}

/// A process of a test; gone at the end of the test, whatever happens.
pub struct Guarded(pub Spawned);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = send_signal(&self.0.pidfd, Signal::KILL);
        while let Ok(None) = reap(&self.0.pidfd) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Writes an executable file.
pub fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Field 22 of `/proc/PID/stat`, by the procfs crate.
pub fn start_ticks(pid: i32) -> u64 {
    procfs::process::Process::new(pid).unwrap().stat().unwrap().starttime
}

/// A Service with every default that sleeps, is stopped by TERM alone, and says nothing.
pub fn service(name: &str) -> Service {
    Service {
        args: vec!["60".into()],
        stdout: Output::Null,
        stderr: Output::Null,
        stop: Stop {
            schedule: vec![StopStep { signal: Signal::TERM, wait: Duration::from_secs(30) }],
            ..Stop::default()
        }
        .into(),
        ..Service::new(ServiceName::new(name).unwrap(), "/bin/sleep".into())
    }
}

/// A record without instances.
pub fn record(name: &str) -> Record {
    Record::new(service(name))
}

/// Directories under a temporary one.
pub fn dirs(base: &Path) -> Dirs {
    let surroundings = Surroundings { explicit: Some(base.to_owned()), ..Surroundings::default() };
    let dirs = Dirs::locate(&surroundings).unwrap();
    dirs.ensure().unwrap();
    dirs
}
