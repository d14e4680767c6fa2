//! The engine becomes a newer binary of itself, in place: same process, same children, same lock.
//!
//! ```text
//! old: all is remembered | lock's descriptor survives execve | execve
//! new:                                                               takes the descriptor, goes on from the ledger
//! ```
//!
//! What the old one knows is in the ledger already, so nothing else is handed over, and a new one that dies at once
//! leaves what a killed engine leaves. Its services are its children still, so their exits are waited for as before.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::{FdFlags, fcntl_setfd};

use super::errno::io_text;
use super::state_dir::{Dirs, StateLock};
use super::{failpoint, own_limits, spawn, walk};

/// `PID DESCRIPTOR` of the process that handed its lock to itself. Services never see it: they get an environment of
/// their own.
const VARIABLE: &str = "SELFSAME_TAKEOVER";

/// The binary that runs now, as a path that can be executed.
///
/// # Errors
/// A sentence: it was replaced or removed since.
pub fn own_program() -> Result<PathBuf, String> {
    let path = std::fs::read_link("/proc/self/exe").map_err(|error| io_text(&error))?;
    let ours = std::fs::metadata("/proc/self/exe").map_err(|error| io_text(&error))?;
    let there =
        std::fs::metadata(&path).map_err(|error| format!("`{}`: {}", path.display(), io_text(&error)))?;
    if (ours.dev(), ours.ino()) == (there.dev(), there.ino()) {
        Ok(path)
    } else {
        Err(format!("`{}` was replaced while it was being started, try again", path.display()))
    }
}

/// Whether the engine may become this program: a file that nobody else can change, since it will act with our rights.
///
/// # Errors
/// A sentence.
pub fn judge(program: &Path) -> Result<(), String> {
    if !program.is_absolute() {
        return Err(format!("`{}` is not an absolute path", program.display()));
    }
    let failed = |error: std::io::Error| format!("`{}`: {}", program.display(), io_text(&error));
    let stages = walk::stages(program).map_err(failed)?;
    if let Some(weak) = walk::weakest(&stages, &[super::own_uid()]) {
        return Err(format!("others can change `{}`: {weak}", program.display()));
    }
    rustix::fs::access(program, rustix::fs::Access::EXEC_OK).map_err(|errno| failed(errno.into()))
}

/// Becomes `program`, with the arguments and the environment that we were started with. Returns only if that fails, with
/// a sentence; then everything is as before.
pub(super) fn become_program(program: &Path, lock: &StateLock) -> String {
    let failed = |text: String| format!("`{}` can't be executed: {text}", program.display());
    let text = |bytes: Vec<u8>| CString::new(bytes).map_err(|_| failed("it contains a NUL".into()));
    let own = rustix::process::getpid().as_raw_nonzero();
    let variable = format!("{VARIABLE}={own} {}", lock.as_fd().as_raw_fd());
    let prefix = format!("{VARIABLE}=");
    let mut environment = spawn::environment();
    environment.retain(|entry| !entry.as_bytes().starts_with(prefix.as_bytes()));
    let prepared = text(program.as_os_str().as_bytes().to_vec()).and_then(|path| {
        environment.push(text(variable.into_bytes())?);
        let arguments: Result<Vec<CString>, String> =
            std::env::args_os().map(|argument: OsString| text(argument.into_vec())).collect();
        Ok((path, arguments?))
    });
    let (path, arguments) = match prepared {
        Ok(prepared) => prepared,
        Err(sentence) => return sentence,
    };
    if let Err(errno) = fcntl_setfd(lock, FdFlags::empty()) {
        return failed(io_text(&errno.into()));
    }
    own_limits::give_back();
    // Blocked signals stay blocked, and those that wait stay waiting: the new image takes them as we would have.
    let answer = failpoint::hit("upgrade.exec").map_err(|error| io_text(&error)).and_then(|()| {
        nix::unistd::execve(&path, &arguments, &environment).map_err(|errno| io_text(&errno.into()))
    });
    own_limits::take();
    let _ = fcntl_setfd(lock, FdFlags::CLOEXEC);
    match answer {
        Err(text) => failed(text),
    }
}

/// The lock that this process handed to itself, if it did.
pub(super) fn inherited(dirs: &Dirs) -> Option<StateLock> {
    let value = std::env::var(VARIABLE).ok()?;
    let (pid, descriptor) = value.split_once(' ')?;
    // A child of ours has the variable too, and not the lock.
    if pid.parse() != Ok(rustix::process::getpid().as_raw_nonzero().get()) {
        return None;
    }
    let descriptor = spawn::take_descriptor(descriptor.parse().ok()?)?;
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC).ok()?;
    let lock = StateLock::handed_down(File::from(descriptor), dirs);
    let _ = failpoint::hit("upgrade.taken");
    lock
}
