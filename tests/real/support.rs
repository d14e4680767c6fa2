//! What the tests of the real kernel share.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
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

/// Waits for `condition`, at most a minute, of which the time in which this process stood still is no part.
#[track_caller]
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let (mut waited, mut last) = (Duration::ZERO, Instant::now());
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(waited < Duration::from_mins(1), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(2));
        waited += last.elapsed().min(Duration::from_secs(1));
        last = Instant::now();
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

/// Writes an executable file. By another process: a child that another test forks at this moment keeps what is open for writing
/// here open until its exec, and the kernel would refuse to execute it (ETXTBSY).
pub fn script(path: &Path, text: &str) {
    shell("cat > \"$0\" && chmod 755 \"$0\"", path, text);
}

/// Writes a file that is closed for good when this returns, for the same reason.
pub fn written(path: &Path, text: &str) {
    shell("cat > \"$0\"", path, text);
}

fn shell(script: &str, path: &Path, input: &str) {
    let mut child =
        Command::new("/bin/sh").args(["-c", script]).arg(path).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Through with execve: the kernel wakes the parent when the child leaves its memory, which is a moment before it closes
/// descriptors and lays out the new stack.
pub fn executing(process: &Guarded) {
    let path = format!("/proc/{}/environ", process.0.pid);
    // Another user's can't be read by anybody but root.
    eventually("execve", || fs::read(&path).map_or(Some(()), |text| (!text.is_empty()).then_some(())));
}

/// A port of the loopback device that is taken while this lives, and where nobody listens: a closed listener is free for others, or
/// still held by a child before its exec.
pub fn silent_port() -> (OwnedFd, u16) {
    let flags = SocketFlags::CLOEXEC;
    let taken = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
    rustix::net::bind(&taken, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let port = SocketAddr::try_from(rustix::net::getsockname(&taken).unwrap()).unwrap().port();
    (taken, port)
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
