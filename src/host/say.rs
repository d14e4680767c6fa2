//! What services say of themselves: `sd_notify(3)`, a datagram socket for each instance that may say something.
//!
//! ```text
//! before a start: bind run/notify/HASH, only its user may write --> NOTIFY_SOCKET in its environment
//! a datagram  --> who sent it (SCM_CREDENTIALS, by the kernel)? of the instance's tree? --> Said
//! after a restart of the engine: bound again at the same path; what was said meanwhile is lost, and known to be
//! ```
//!
//! Nothing that is said decides about a process outside the tree of who says it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, recvmsg};
use rustix::event::epoll;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, socket_with, sockopt};

use super::errno::io_text;
use super::signal::vital;
use crate::facts::ProcessKey;
use crate::plan::memory::Said;
use crate::plan::observation::Beat;
use crate::spec::ServiceName;
use crate::units::{BootTime, Pid, StartTicks};

/// Longer messages are cut; `sd_notify(3)` of systemd takes as much.
const MESSAGE_MAX: usize = 4096;
/// So much of a `STATUS=` is shown.
const STATUS_MAX: usize = 200;
/// Messages of one instance taken in a look; the rest waits for the next one.
const MESSAGES_MAX: usize = 256;
/// No chain of parents inside a service is longer.
const ANCESTORS_MAX: usize = 64;
/// Descriptors that a message may carry; they are closed.
const DESCRIPTORS_MAX: usize = 16;

/// Which instance.
pub type Who = (ServiceName, u32);

#[derive(Debug)]
struct Listener {
    socket: OwnedFd,
    /// Whose tree may speak; `None` until its start is known.
    key: Option<ProcessKey>,
    said: Said,
    main: Option<ProcessKey>,
    beat: Option<BootTime>,
    since: BootTime,
}

/// The sockets of all instances.
#[derive(Debug, Default)]
pub struct Listeners(BTreeMap<Who, Listener>);

/// What was heard of an instance.
#[derive(Clone, PartialEq, Debug)]
pub struct Heard {
    /// Since somebody listens.
    pub said: Said,
    /// Another process of its tree that it named as its main one.
    pub main: Option<ProcessKey>,
    /// Its signs of life.
    pub beat: Beat,
}

impl Heard {
    /// For who only looks: another socket at that path would take the place of the one that a running watch listens at.
    pub fn by_nobody(now: BootTime) -> Self {
        let said = Said { deaf: true, ..Said::default() };
        Self { said, main: None, beat: Beat { last: None, since: now } }
    }
}

impl Listeners {
    /// A fresh socket at `path`, for an instance that is about to be started as `uid`.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(
        &mut self,
        who: &Who,
        path: &Path,
        uid: u32,
        epoll: BorrowedFd<'_>,
        now: BootTime,
    ) -> Result<(), String> {
        self.0.remove(who);
        let socket = listen(path, uid, epoll)
            .map_err(|error| format!("the socket `{}` can't be had: {}", path.display(), io_text(&error)))?;
        let said = Said::default();
        self.0.insert(who.clone(), Listener { socket, key: None, said, main: None, beat: None, since: now });
        Ok(())
    }

    /// What this instance said. Without a socket one is bound again; then it may have said more than is known.
    pub fn heard(
        &mut self,
        who: &Who,
        key: &ProcessKey,
        path: &Path,
        epoll: BorrowedFd<'_>,
        now: BootTime,
    ) -> Option<Heard> {
        if !self.0.contains_key(who) {
            let uid = owner(path).or_else(|| owner(format!("/proc/{}", key.pid).as_ref()))?;
            self.open(who, path, uid, epoll, now).ok()?;
            self.0.get_mut(who)?.said.deaf = true;
        }
        let listener = self.0.get_mut(who)?;
        if listener.key.as_ref() != Some(key) {
            listener.key = Some(key.clone());
            listener.main = listener.main.take().filter(|main| main != key);
        }
        listener.hear(now);
        let beat = Beat { last: listener.beat, since: listener.since };
        Some(Heard { said: listener.said.clone(), main: listener.main.clone(), beat })
    }

    /// Forgets instances that are no longer there.
    pub fn retain(&mut self, wanted: impl Fn(&Who) -> bool) {
        self.0.retain(|who, _| wanted(who));
    }
}

fn owner(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|meta| meta.uid())
}

/// Bound beside and renamed, so that the path never leads nowhere.
fn listen(path: &Path, uid: u32, epoll: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let beside: PathBuf = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    // The name that the service uses has to fit as well, and is shorter.
    bind(&socket, &SocketAddrUnix::new(&beside)?)?;
    sockopt::set_socket_passcred(&socket, true)?;
    fs::set_permissions(&beside, Permissions::from_mode(0o600))?;
    if uid != rustix::process::geteuid().as_raw() {
        std::os::unix::fs::chown(&beside, Some(uid), None)?;
    }
    fs::rename(&beside, path)?;
    epoll::add(epoll, &socket, epoll::EventData::new_u64(0), epoll::EventFlags::IN | epoll::EventFlags::ET)?;
    Ok(socket)
}

/// One message.
struct Message {
    sender: Pid,
    text: Vec<u8>,
}

impl Listener {
    fn hear(&mut self, now: BootTime) {
        let Some(key) = self.key.clone() else { return };
        for _ in 0..MESSAGES_MAX {
            // Descriptors that came along are closed here, after the message counted: `sd_notify_barrier(3)` waits for that.
            let Some((message, descriptors)) = receive(self.socket.as_fd()) else { return };
            if let Some(message) = message.filter(|message| is_of(message.sender, &key)) {
                self.take_in(&message.text, &key, now);
            }
            for descriptor in descriptors {
                let _ = nix::unistd::close(descriptor);
            }
        }
    }

    fn take_in(&mut self, text: &[u8], key: &ProcessKey, now: BootTime) {
        for line in text.split(|byte| *byte == b'\n') {
            let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once('='))
            else {
                continue;
            };
            match (name, value) {
                ("READY", "1") => self.said.ready = true,
                ("STOPPING", "1") => self.said.stopping = true,
                ("STATUS", text) => self.said.status = shown(text),
                ("WATCHDOG", "1") => self.beat = Some(now),
                ("WATCHDOG", "trigger") => self.said.dead = true,
                ("EXTEND_TIMEOUT_USEC", number) => {
                    if let Ok(micros) = number.parse() {
                        self.said.until = self.said.until.max(Some(now.after(Duration::from_micros(micros))));
                    }
                }
                ("MAINPID", number) => {
                    if let Some(main) = number.parse().ok().and_then(|pid| named(Pid(pid), key)) {
                        self.main = Some(main).filter(|main| main != key);
                    }
                }
                _ => {}
            }
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(STATUS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The next message with the descriptors in it; `None`: there is none. A message without a sender is nobody's.
fn receive(socket: BorrowedFd<'_>) -> Option<(Option<Message>, Vec<i32>)> {
    let mut buffer = [0u8; MESSAGE_MAX];
    let mut space = nix::cmsg_space!(libc::ucred, [i32; DESCRIPTORS_MAX]);
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let (mut sender, mut descriptors) = (None, Vec::new());
    let length = {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let got = loop {
            match recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
                Err(nix::errno::Errno::EINTR) => {}
                answer => break answer.ok()?,
            }
        };
        for part in got.cmsgs().into_iter().flatten() {
            match part {
                ControlMessageOwned::ScmCredentials(credentials) => sender = Some(Pid(credentials.pid())),
                ControlMessageOwned::ScmRights(rights) => descriptors.extend(rights),
                _ => {}
            }
        }
        got.bytes
    };
    let text = buffer.get(..length).unwrap_or_default().to_vec();
    let message = sender.filter(|pid| pid.0 > 0).map(|sender| Message { sender, text });
    Some((message, descriptors))
}

/// Whether a process is the main one, a descendant of it, or of the session that it leads (a service that was started here
/// leads one; while anybody is in it, its number is given to nobody else).
fn is_of(pid: Pid, main: &ProcessKey) -> bool {
    let mut at = pid;
    for depth in 0..ANCESTORS_MAX {
        let Ok(vital) = vital(at) else { return false };
        if at == main.pid {
            return vital.start == main.start;
        }
        if depth == 0 && vital.session == main.pid && vital.start >= main.start {
            return true;
        }
        at = vital.parent;
        if at.0 <= 1 {
            return false;
        }
    }
    false
}

/// A process that is named as the main one, if it is of the same tree.
fn named(pid: Pid, main: &ProcessKey) -> Option<ProcessKey> {
    let start: StartTicks = vital(pid).ok().filter(|vital| !vital.is_over())?.start;
    is_of(pid, main).then(|| ProcessKey { boot: main.boot.clone(), pid, start })
}
