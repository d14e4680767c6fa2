//! Listening sockets of services: opened by the engine and kept while a service is down and started again, so that
//! whoever connects meanwhile waits in the backlog instead of being refused.
//!
//! ```text
//! a start  --> held already? passed | else bound
//! a look   --> a process of ours has some that we lack (a former engine gave them)? copies are taken (pidfd_getfd)
//! memory   --> its object is gone, or is to stay stopped, and nothing of it runs: closed
//! ```
//!
//! A socket lives as long as somebody has it: when the engine dies the service keeps it, and the next engine takes its
//! copy from there. Only where both are gone it is bound anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode, Uid};
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};

use super::errno::{errno_text, io_text};
use super::signal::hold;
use super::spawn::FIRST_SOCKET;
use super::walk;
use crate::facts::ProcessKey;
use crate::plan::exec::SocketOrder;
use crate::spec::{Listen, ServiceName};

/// Which socket: of several replicas with one address it is the same.
type Place = (ServiceName, Listen);

#[derive(Debug)]
struct Held {
    socket: OwnedFd,
    /// The file of a Unix socket: device and inode.
    file: Option<(u64, u64)>,
}

/// All that are held.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    held: BTreeMap<Place, Held>,
    /// Processes whose descriptors were looked at.
    asked: BTreeSet<ProcessKey>,
}

impl Sockets {
    /// The sockets of a launch, in order. Those that nobody holds are opened.
    ///
    /// # Errors
    /// A sentence that names the socket. Those that were opened before it stay.
    pub(super) fn open(
        &mut self,
        name: &ServiceName,
        orders: &[SocketOrder],
    ) -> Result<Vec<BorrowedFd<'_>>, String> {
        for order in orders {
            let failed = |error: String| format!("socket `{}` at `{}`: {error}", order.name, order.listen);
            let place = (name.clone(), order.listen.clone());
            let held = match self.held.remove(&place).filter(Held::is_reachable) {
                Some(held) => held,
                None => bind(order).map_err(failed)?,
            };
            // Also what is held already: the document may say otherwise by now.
            held.settle(order).map_err(failed)?;
            self.held.insert(place, held);
        }
        let place = |order: &SocketOrder| self.held.get(&(name.clone(), order.listen.clone()));
        Ok(orders.iter().filter_map(place).map(|held| held.socket.as_fd()).collect())
    }

    /// Takes copies of what a running process of ours was given by an engine that is gone.
    pub(super) fn recover(&mut self, name: &ServiceName, listens: &[Listen], key: &ProcessKey) {
        let lacking: Vec<&Listen> = listens
            .iter()
            .filter(|listen| !self.held.contains_key(&(name.clone(), (*listen).clone())))
            .collect();
        if lacking.is_empty() || !self.asked.insert(key.clone()) {
            return;
        }
        let Ok(process) = hold(key) else { return };
        for (number, _) in (FIRST_SOCKET..).zip(listens) {
            let number = i32::try_from(number).unwrap_or(-1);
            // The kernel refuses it to whoever may not trace the process: then it is bound anew when nobody has it.
            let Ok(socket) = pidfd_getfd(&process.pidfd, number, PidfdGetfdFlags::empty()) else { continue };
            if let Some(listen) = lacking.iter().find(|listen| leads_to(&socket, listen)) {
                let file = file_of(listen);
                self.held.entry((name.clone(), (*listen).clone())).or_insert(Held { socket, file });
            }
        }
    }

    /// Closes what isn't wanted any more, and takes the names of Unix sockets away that are still theirs.
    pub(super) fn retain(&mut self, wanted: impl Fn(&ServiceName, &Listen) -> bool) {
        self.held.retain(|(name, listen), held| {
            let stays = wanted(name, listen);
            if let (false, Listen::Unix(path), Some(file)) = (stays, listen, held.file)
                && file_of(listen) == Some(file)
            {
                let _ = fs::remove_file(path);
            }
            stays
        });
        if self.held.is_empty() {
            self.asked.clear();
        }
    }

    /// Whether there is nothing to look after.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl Held {
    /// Somebody may have removed the file of a Unix socket: then nobody can connect any more.
    fn is_reachable(&self) -> bool {
        let at = self.path().map(|path| file_of(&Listen::Unix(path)));
        at.is_none_or(|file| file.is_some() && file == self.file)
    }

    fn path(&self) -> Option<String> {
        let name = rustix::net::getsockname(&self.socket).ok()?;
        let path = SocketAddrUnix::try_from(name).ok()?;
        path.path().map(|path| path.to_string_lossy().into_owned())
    }

    /// Permissions of the file, then connections.
    fn settle(&self, order: &SocketOrder) -> Result<(), String> {
        if let Listen::Unix(path) = &order.listen {
            let failed = |errno: rustix::io::Errno| errno_text(errno.raw_os_error());
            let (uid, gid) = order.owner;
            let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
            if (uid.0, gid.0) != own {
                let (uid, gid) = (Some(Uid::from_raw(uid.0)), Some(Gid::from_raw(gid.0)));
                rustix::fs::chownat(CWD, path.as_str(), uid, gid, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(failed)?;
            }
            // Nobody else can put a link in its place: the directory was judged before it was bound.
            rustix::fs::chmod(path.as_str(), Mode::from_raw_mode(order.mode)).map_err(failed)?;
        }
        if !matches!(order.listen, Listen::Udp(_)) {
            let backlog = i32::try_from(order.backlog).unwrap_or(i32::MAX);
            rustix::net::listen(&self.socket, backlog).map_err(|errno| errno_text(errno.raw_os_error()))?;
        }
        Ok(())
    }
}

/// Device and inode of the file of a Unix socket, if there is one.
fn file_of(listen: &Listen) -> Option<(u64, u64)> {
    let Listen::Unix(path) = listen else { return None };
    let meta = fs::symlink_metadata(path).ok().filter(|meta| meta.file_type().is_socket())?;
    Some((meta.dev(), meta.ino()))
}

/// Whether a descriptor is a socket of this address that waits for whoever comes.
fn leads_to(socket: &OwnedFd, listen: &Listen) -> bool {
    let Ok(name) = rustix::net::getsockname(socket) else { return false };
    let stream = sockopt::socket_type(socket) == Ok(SocketType::STREAM);
    let waits = stream && sockopt::socket_acceptconn(socket) == Ok(true);
    match listen {
        Listen::Tcp(address) => waits && internet(name) == Some(*address),
        Listen::Udp(address) => !stream && internet(name) == Some(*address),
        Listen::Unix(path) => {
            let named = SocketAddrUnix::try_from(name).ok();
            let named = named.and_then(|name| name.path().map(|path| path.to_bytes().to_vec()));
            waits && named.as_deref() == Some(path.as_bytes())
        }
    }
}

fn internet(name: SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(name).ok()
}

fn bind(order: &SocketOrder) -> Result<Held, String> {
    let failed = |errno: rustix::io::Errno| match errno {
        rustix::io::Errno::ADDRINUSE => "the address is in use by somebody else".to_owned(),
        errno => errno_text(errno.raw_os_error()),
    };
    let family = |address: &SocketAddr| match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket =
        |family, kind| rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None).map_err(failed);
    match &order.listen {
        Listen::Tcp(address) => {
            let socket = socket(family(address), SocketType::STREAM)?;
            // Connections of a former one that are being ended don't keep the address.
            sockopt::set_socket_reuseaddr(&socket, true).map_err(failed)?;
            rustix::net::bind(&socket, address).map_err(failed)?;
            Ok(Held { socket, file: None })
        }
        Listen::Udp(address) => {
            let socket = socket(family(address), SocketType::DGRAM)?;
            rustix::net::bind(&socket, address).map_err(failed)?;
            Ok(Held { socket, file: None })
        }
        Listen::Unix(path) => {
            make_way(Path::new(path))?;
            let socket = socket(AddressFamily::UNIX, SocketType::STREAM)?;
            // The file gets the mode of the socket: nobody connects before its owner and mode are set.
            rustix::fs::fchmod(&socket, Mode::empty()).map_err(failed)?;
            let address = SocketAddrUnix::new(path.as_str()).map_err(failed)?;
            rustix::net::bind(&socket, &address).map_err(failed)?;
            Ok(Held { socket, file: file_of(&order.listen) })
        }
    }
}

/// Judges the directory, and takes away a socket that nobody listens at.
fn make_way(path: &Path) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    let directory = path.parent().unwrap_or(path);
    let stages = walk::stages(directory)
        .map_err(|error| format!("the directory `{}`: {}", directory.display(), io_text(&error)))?;
    if let Some(weak) = walk::weakest(&stages, &[own]) {
        return Err(format!("somebody else could put another file in its place: {weak}"));
    }
    let meta = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        answer => answer.map_err(|error| io_text(&error))?,
    };
    if !meta.file_type().is_socket() {
        return Err("something else than a socket has this name".into());
    }
    if meta.uid() != 0 && meta.uid() != own && own != 0 {
        return Err(format!("there is a socket of user {} already", meta.uid()));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| io_text(&error))
        }
        Ok(_) => Err("somebody else listens there".into()),
        Err(error) => {
            Err(format!("there is a socket already, and it can't be told whose: {}", io_text(&error)))
        }
    }
}
