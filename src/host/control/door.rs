//! The socket's place: how it is bound, and how it is found.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// The directory of the socket, opened: a name below it fits into an address however long the path is.
struct Place(File);

impl Place {
    fn of(path: &Path) -> io::Result<(Self, PathBuf)> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        };
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        let directory = OpenOptions::new().read(true).custom_flags(flags).open(directory)?;
        Ok((Self(directory), PathBuf::from(name)))
    }

    fn address(&self, name: &Path) -> PathBuf {
        Path::new("/proc/self/fd").join(self.0.as_raw_fd().to_string()).join(name)
    }
}

fn socket(more: SocketFlags) -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC | more, None)?)
}

/// Listens at `path`, which leads to the old socket or to this one at every moment. Who may connect, the mode says.
pub(super) fn open(path: &Path, mode: u32) -> io::Result<OwnedFd> {
    let (place, name) = Place::of(path)?;
    let beside = place.address(&name.with_extension("new"));
    let _ = fs::remove_file(&beside);
    let socket = socket(SocketFlags::NONBLOCK)?;
    bind(&socket, &SocketAddrUnix::new(&beside)?)?;
    // Nobody finds it under this name, and nobody can connect before it listens.
    fs::set_permissions(&beside, Permissions::from_mode(mode))?;
    listen(&socket, BACKLOG)?;
    fs::rename(&beside, place.address(&name))?;
    Ok(socket)
}

/// Connects to whoever listens at `path`, within this time.
pub(super) fn enter(path: &Path, within: Duration) -> io::Result<OwnedFd> {
    let (place, name) = Place::of(path)?;
    let socket = socket(SocketFlags::empty())?;
    set_socket_timeout(&socket, Timeout::Send, Some(within))?;
    let address = SocketAddrUnix::new(place.address(&name))?;
    rustix::io::retry_on_intr(|| connect(&socket, &address))?;
    Ok(socket)
}
