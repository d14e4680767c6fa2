//! A socket on which a daemon says that it is ready (`sd_notify(3)`), in a directory that only its user can enter.

use std::ffi::CString;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::signal;
use crate::facts::ProcessKey;
use crate::units::{Pid, StartTicks};

/// No message is longer; what is longer is cut, as the kernel does it.
const MESSAGE_BYTES_MAX: usize = 4096;
/// Attempts at a directory name that nobody has.
const NAMES_MAX: u32 = 100;
/// How often it is looked whether a daemon whose first process ended still has another.
const FAMILY_INTERVAL: Duration = Duration::from_millis(100);

/// The socket. The directory is removed when this is dropped by who made it.
#[derive(Debug)]
pub struct NotifySocket {
    socket: UnixDatagram,
    directory: PathBuf,
    maker: u32,
}

/// What came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// Text of a process of the daemon.
    Message(Vec<u8>),
    /// Nothing until the deadline.
    Late,
    /// The daemon has ended, and no process of its session is left.
    Dead,
}

/// The sender's pid and uid as the kernel knows them, and the text.
type Message = ((Pid, u32), Vec<u8>);

/// Whose messages count.
#[derive(Debug)]
pub struct Daemon {
    /// Its first process.
    pub pid: Pid,
    /// When that was forked.
    pub start: StartTicks,
    /// Its session.
    pub session: Pid,
    /// Its user.
    pub uid: u32,
}

impl NotifySocket {
    /// Makes the socket below `base`, for the daemon's user and group.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn new(base: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<Self> {
        let directory = fresh_directory(base)?;
        let maker = std::process::id();
        let path = directory.join("notify");
        let socket = UnixDatagram::bind(&path);
        let made = Self { socket: socket?, directory, maker };
        setsockopt(&made.socket, sockopt::PassCred, &true)?;
        fs::set_permissions(&path, Permissions::from_mode(0o660))?;
        if uid.is_some() || gid.is_some() {
            std::os::unix::fs::chown(&path, uid, gid)?;
            std::os::unix::fs::chown(&made.directory, uid, gid)?;
        }
        Ok(made)
    }

    /// Its path, for `NOTIFY_SOCKET`.
    pub fn path(&self) -> CString {
        CString::new(self.directory.join("notify").as_os_str().as_bytes()).unwrap_or_default()
    }

    /// Waits for a message of the daemon, its end, or the deadline, whichever comes first.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn hear(&self, daemon: &Daemon, until: Instant) -> io::Result<Heard> {
        let boot = signal::boot_id()?;
        let key = ProcessKey { boot, pid: daemon.pid, start: daemon.start };
        let mut held = signal::hold(&key).ok().map(|held| held.pidfd);
        loop {
            // What it said before it ended counts.
            match self.receive() {
                Ok(Some((from, text))) if counts(daemon, from) => return Ok(Heard::Message(text)),
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => return Err(error),
            }
            if held.as_ref().is_none_or(has_ended) {
                held = None;
                if !has_family(daemon) {
                    return Ok(match self.receive()? {
                        Some((from, text)) if counts(daemon, from) => Heard::Message(text),
                        Some(_) | None => Heard::Dead,
                    });
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Heard::Late);
            }
            let left = if held.is_none() { left.min(FAMILY_INTERVAL) } else { left };
            self.wait(held.as_ref(), left)?;
        }
    }

    fn wait(&self, held: Option<&OwnedFd>, left: Duration) -> io::Result<()> {
        let mut places = vec![PollFd::new(&self.socket, PollFlags::IN)];
        places.extend(held.map(|pidfd| PollFd::new(pidfd, PollFlags::IN)));
        match poll(&mut places, Some(&timespec(left))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// The next message that is there.
    fn receive(&self) -> io::Result<Option<Message>> {
        use std::os::fd::AsRawFd as _;
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        let mut control = nix::cmsg_space!(libc::ucred);
        let (count, from) = {
            let mut parts = [io::IoSliceMut::new(&mut buffer)];
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
            let received = match recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags)
            {
                Ok(received) => received,
                Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            };
            let from = received.cmsgs().map_err(io::Error::from)?.find_map(|message| match message {
                ControlMessageOwned::ScmCredentials(sender) => Some((Pid(sender.pid()), sender.uid())),
                _ => None,
            });
            (received.bytes, from)
        };
        buffer.truncate(count);
        // A message that the kernel names no sender for is nobody's.
        Ok(Some((from.unwrap_or((Pid(0), u32::MAX)), buffer)))
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        if self.maker == std::process::id() {
            let _ = fs::remove_file(self.directory.join("notify"));
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// Waits are given to the kernel as a timespec.
pub fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

fn fresh_directory(base: &Path) -> io::Result<PathBuf> {
    let own = std::process::id();
    for attempt in 0..NAMES_MAX {
        let directory = base.join(format!(".s-s-d-notify.{own}.{attempt}"));
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            answer => return answer.map(|()| directory),
        }
    }
    Err(io::Error::from_raw_os_error(libc::EEXIST))
}

fn has_ended(pidfd: &OwnedFd) -> bool {
    let mut places = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut places, Some(&timespec(Duration::ZERO))).is_ok_and(|ready| ready > 0)
}

/// The daemon itself, one of its session, or one that is gone already, of its user or root: the directory keeps all
/// other users out, and a helper that only says it and ends (`systemd-notify`) can't be looked at any more.
fn counts(daemon: &Daemon, (pid, uid): (Pid, u32)) -> bool {
    let trusted = uid == daemon.uid || uid == 0;
    trusted && (pid == daemon.pid || signal::vital(pid).map_or(true, |vital| vital.session == daemon.session))
}

/// A process of the daemon's session that lives. What can't be listed may be one.
fn has_family(daemon: &Daemon) -> bool {
    let Ok(pids) = super::proc::Glance::new().pids() else { return true };
    pids.into_iter()
        .any(|pid| signal::vital(pid).is_ok_and(|vital| vital.session == daemon.session && !vital.is_over()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn ourselves() -> Daemon {
        let pid = Pid(std::process::id().cast_signed());
        let vital = signal::vital(pid).unwrap();
        Daemon { pid, start: vital.start, session: vital.session, uid: rustix::process::geteuid().as_raw() }
    }

    fn soon(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[test]
    fn a_message_of_the_daemon_is_heard_and_the_directory_goes_with_the_socket() {
        let base = tempfile::tempdir().unwrap();
        let socket = NotifySocket::new(base.path(), None, None).unwrap();
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(socket.path().to_bytes()));
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(b"READY=1", &path).unwrap();
        assert_eq!(socket.hear(&ourselves(), soon(60_000)).unwrap(), Heard::Message(b"READY=1".to_vec()));
        assert_eq!(socket.hear(&ourselves(), soon(20)).unwrap(), Heard::Late);
        drop(socket);
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_end_of_the_daemon_is_noticed_and_what_strangers_say_is_not() {
        let base = tempfile::tempdir().unwrap();
        let socket = NotifySocket::new(base.path(), None, None).unwrap();
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(socket.path().to_bytes()));
        UnixDatagram::unbound().unwrap().send_to(b"READY=1", &path).unwrap();
        // A daemon that is no more, in a session that nobody is of: what we say isn't its word.
        let gone = Daemon { pid: Pid(i32::MAX), start: StartTicks(1), session: Pid(i32::MAX), ..ourselves() };
        assert_eq!(socket.hear(&gone, soon(60_000)).unwrap(), Heard::Dead);
    }
}
