//! Tests against the kernel that runs them: own children, files of a temporary folder, and the `procfs` crate as
//! a second opinion on every process of the machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests say what they expect"
)]

mod access;
mod ahead;
mod children;
mod files;
mod foreseen;
mod likeness;
mod limits;
mod measure;
mod oracle;
mod reuse;
mod sockets;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::LiveWorld;
use crate::facts::{Fact, ProcessState, Stat, Why};
use crate::process::world::World;
use crate::units::Pid;

/// A child that is killed and waited for when the test is over.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// A `sleep` that is through with exec, so that it can be told from the test itself.
    fn sleep() -> Self {
        let child = Self::start(Command::new("/bin/sleep").arg("1000"));
        child.until_asleep();
        child
    }

    /// Of one that becomes `sleep`. It has its name a while before it has its arguments, and is asleep after both.
    #[track_caller]
    fn until_asleep(&self) {
        self.until_asleep_as(b"sleep");
    }

    /// The same of one that has this name then.
    #[track_caller]
    fn until_asleep_as(&self, name: &[u8]) {
        self.until(|world, pid| {
            let asleep = |stat: &Stat| *stat.comm == *name && stat.state == ProcessState::Sleeping;
            world.stat(pid).known().is_some_and(|stat| asleep(&stat))
        });
    }

    fn pid(&self) -> Pid {
        Pid(i32::try_from(self.0.id()).unwrap())
    }

    /// Looks again and again until it is so.
    #[track_caller]
    fn until(&self, so: impl Fn(&LiveWorld, Pid) -> bool) {
        let world = look();
        eventually(|| so(&world.again(), self.pid()));
    }

    fn end(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A look that a busy machine does not make late.
fn look() -> LiveWorld {
    let long = Duration::from_mins(1);
    LiveWorld::new().unwrap().with_memory_deadline(long).with_budget(long)
}

const AGAIN: &str = "SELFSAME_TEST_AGAIN";

/// Runs one of these tests again with `command` before it. Whether it is that second run already.
fn second_run(name: &str, mut command: Command) -> bool {
    if std::env::var_os(AGAIN).is_some() {
        return true;
    }
    let name = format!("host::proc::tests::{name}");
    let command = command.args([name.as_str(), "--exact", "--nocapture"]).env(AGAIN, "1");
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || said.contains("not permitted"), "{said}");
            if !output.status.success() {
                eprintln!("skipped: the test can't be run again: {said}");
            }
        }
        Err(error) => eprintln!("skipped: the test can't be run again: {error}"),
    }
    false
}

#[track_caller]
fn eventually(so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "it did not become so");
        std::thread::yield_now();
    }
}

fn why<T>(fact: &Fact<T>) -> Option<Why> {
    match fact {
        Fact::Unknown(reason) => Some(reason.why),
        Fact::Known(_) | Fact::Absent => None,
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn bytes(path: &Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}
