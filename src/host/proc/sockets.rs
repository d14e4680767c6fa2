//! Sockets of processes: the numbers that their descriptors name, looked up in what the kernel says about the whole
//! network namespace.
//!
//! ```text
//!  fd/* of 412 --> socket:[4711], socket:[4712] --\
//!                                                  join by number --> sockets of 412
//!  ns/net of 412 --first time in this look--> table of the namespace (sock_diag, else /proc/412/net)
//! ```
//!
//! The table of a namespace is read once in a look. Netlink answers for the namespace of the thread that opens the
//! socket, so another namespace is entered by a thread that ends afterwards: none of ours is ever elsewhere.
//! Where that is not permitted, `/proc/PID/net` of the process shows the same as text.

mod diag;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::entry::Entry;
use super::parse::{self, SocketTable};
use super::raw::{self, Form, Leaf};
use super::read::Failure;
use super::{LiveWorld, reason};
use crate::facts::{Fact, Protocol, Reason, Socket, Why};
use crate::process::world::{Namespace, World as _};
pub(super) use diag::Kind;

/// More than a million connections as text.
const TEXT_LIMIT: usize = 256 << 20;

/// Tables by the inode number of their network namespace.
#[derive(Debug, Default)]
pub(super) struct Cache(RefCell<BTreeMap<u64, Fact<Rc<SocketTable>>>>);

/// What one namespace said about each kind of socket.
type Dumped = Vec<(Kind, Result<SocketTable, Errno>)>;

impl LiveWorld {
    pub(super) fn read_sockets(&self, entry: &Entry) -> Fact<Arc<[Socket]>> {
        let inodes = match self.socket_inodes(entry) {
            Fact::Known(inodes) if inodes.is_empty() => return Fact::Known(Arc::from([])),
            Fact::Known(inodes) => inodes,
            Fact::Absent => return Fact::Absent,
            Fact::Unknown(reason) => return Fact::Unknown(reason),
        };
        // A kernel without network namespaces has one of them, which has no number.
        let numbered = |id| if id == Fact::Absent { Fact::Known(0) } else { id };
        let own = numbered(self.own_namespace(Namespace::Net));
        let its = numbered(self.namespace(entry.pid, Namespace::Net));
        let table = its.clone().and_then(|its| self.table_of(entry, its, own == Fact::Known(its)));
        table.and_then(|table| {
            // A socket stays in the namespace it was made in: one that was handed over is most likely ours.
            let handed = own != its && inodes.iter().any(|inode| !table.contains_key(inode));
            let ours = match own {
                Fact::Known(own) if handed => self.table_of(entry, own, true).known(),
                _ => None,
            };
            let find = |inode| table.get(inode).or_else(|| ours.as_ref()?.get(inode));
            Fact::Known(inodes.iter().filter_map(find).cloned().collect())
        })
    }

    fn table_of(&self, entry: &Entry, namespace: u64, own: bool) -> Fact<Rc<SocketTable>> {
        if let Some(table) = self.sockets.0.borrow().get(&namespace) {
            return table.clone();
        }
        let table = self.read_table(entry, namespace, own).map(Rc::new);
        // What one process's file denies or lacks, that of the next one in the namespace may show.
        let of_the_process = matches!(&table, Fact::Unknown(reason) if reason.why != Why::Budget);
        if !of_the_process {
            self.sockets.0.borrow_mut().insert(namespace, table.clone());
        }
        table
    }

    fn read_table(&self, entry: &Entry, namespace: u64, own: bool) -> Fact<SocketTable> {
        let dir = match self.dir(entry) {
            Ok(dir) => dir,
            Err(reason) => return Fact::Unknown(reason),
        };
        let inside = if own { Ok(None) } else { enter(&dir, namespace).map(Some) };
        let dumped = match inside.map(|inside| self.dump(inside)) {
            Ok(Ok(dumped)) => dumped,
            Ok(Err(failure)) => return entry.refused("sockets", failure),
            Err(errno) => Kind::ALL.map(|kind| (kind, Err(errno))).into(),
        };
        let mut whole = SocketTable::new();
        for (kind, sockets) in dumped {
            match sockets.or_else(|_| self.as_text(&dir, kind)) {
                Ok(sockets) => whole.extend(sockets),
                Err(Errno::SRCH) => return Fact::Unknown(entry.vanished()),
                Err(errno) => {
                    return Fact::Unknown(reason(errno, &format!("net/{} of {}", kind.file(), entry.pid)));
                }
            }
        }
        // The text is that of the namespace that the process is in now.
        match raw::stat_at(dir.as_fd(), c"ns/net") {
            Ok(stat) if own || stat.st_ino == namespace => Fact::Known(whole),
            Ok(_) => Fact::Unknown(Reason::new(
                Why::Unresolved,
                format!("{} changed its network namespace while it was looked at", entry.pid),
            )),
            Err(_) if own => Fact::Known(whole),
            Err(errno) => entry.refused("ns/net", errno.into()),
        }
    }

    /// Asks netlink on a thread of its own, in another namespace if one is given, within the time of the look.
    fn dump(&self, inside: Option<OwnedFd>) -> Result<Dumped, Failure> {
        let patience = self.budget_left()?;
        let begun = Instant::now();
        let (tell, told) = mpsc::channel();
        let work = move || {
            let dumped = match inside.map(|inside| go_into(&inside)) {
                Some(Err(errno)) => Kind::ALL.map(|kind| (kind, Err(errno))).into(),
                Some(Ok(())) | None => Kind::ALL.map(|kind| (kind, diag::dump(kind))).into(),
            };
            // Nobody waits any more where the look ran out of time.
            let _late = tell.send(dumped);
        };
        let started = thread::Builder::new().name("sockets".into()).spawn(work);
        let dumped = started
            .map_err(|_| Failure::Errno(Errno::AGAIN))
            .and_then(|_running| told.recv_timeout(patience).map_err(|_| Failure::Spent));
        self.spend(begun.elapsed());
        dumped
    }

    /// The same from `/proc/PID/net`.
    pub(super) fn as_text(&self, dir: &Arc<OwnedFd>, kind: Kind) -> Result<SocketTable, Errno> {
        let path = Leaf::new(format_args!("net/{}", kind.file()));
        let parse = |bytes: &[u8]| match kind.protocol() {
            Protocol::Unix => parse::parse_net_unix(bytes),
            protocol @ (Protocol::Tcp | Protocol::Udp) => parse::parse_net_inet(bytes, protocol),
        };
        match self.slurp(dir.as_fd(), path.as_c_str(), Form::Stream, TEXT_LIMIT, parse) {
            Ok(Some(table)) => Ok(table),
            Ok(None) => Err(Errno::IO),
            // A kernel without this protocol has no such sockets; a process that is gone has no `net` either.
            Err(Errno::NOENT) => {
                raw::stat_at(dir.as_fd(), c"net").map_or(Err(Errno::SRCH), |_| Ok(SocketTable::new()))
            }
            Err(errno) => Err(errno),
        }
    }
}

/// The network namespace of a process, if it is still the one that was asked for.
fn enter(dir: &OwnedFd, namespace: u64) -> Result<OwnedFd, Errno> {
    let opened = raw::open_read(dir.as_fd(), c"ns/net")?;
    if rustix::fs::fstat(&opened)?.st_ino == namespace { Ok(opened) } else { Err(Errno::STALE) }
}

fn go_into(namespace: &OwnedFd) -> Result<(), Errno> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
}
