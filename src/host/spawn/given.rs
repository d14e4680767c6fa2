//! What a child is given besides arguments, environment and standard descriptors, ready for the kernel: a view of the
//! file system, listening sockets, secrets.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use super::confine::RawConfinement;
use super::{SpawnError, Step};
use crate::host::errno::io_text;
use crate::host::signal::hold;
use crate::plan::action::Launch;
use crate::plan::exec::Confinement;
use crate::spec::SecretForm;
use crate::units::Capability;

/// The first descriptor of a socket (`sd_listen_fds(3)`).
pub const FIRST_SOCKET: usize = 3;
/// Set for sockets, so never by a document that has some.
const LISTEN: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];
const LISTEN_PID: &[u8] = b"LISTEN_PID=";
/// Digits of a process id, and the end of the text.
const DIGITS: usize = 11;

/// Owns what the child's orders point to.
#[derive(Debug)]
pub(super) struct Given {
    root: Option<CString>,
    read_only: Vec<CString>,
    inaccessible: Vec<CString>,
    cover: CString,
    join: Option<OwnedFd>,
    pub(super) sockets: Vec<OwnedFd>,
    /// `LISTEN_PID=` and room for a number, which only the child knows.
    pub(super) listen_pid: Option<Box<[AtomicU8]>>,
}

impl Given {
    /// # Errors
    /// A path that can't be passed, no descriptors, a process that can't be joined.
    pub(super) fn new(launch: &Launch, sockets: &[BorrowedFd<'_>]) -> Result<Self, SpawnError> {
        let confinement = &launch.confinement;
        let texts = |paths: &[std::path::PathBuf]| {
            paths.iter().map(|path| text(path, launch)).collect::<Result<Vec<_>, _>>()
        };
        if !confinement.inaccessible.is_empty() && confinement.join.is_none() {
            make_cover(&confinement.cover).map_err(|error| cover_error(&confinement.cover, &error))?;
        }
        let above = i32::try_from(FIRST_SOCKET.saturating_add(sockets.len())).unwrap_or(i32::MAX);
        let lifted = |socket: &BorrowedFd<'_>| {
            rustix::io::fcntl_dupfd_cloexec(socket, above)
                .map_err(|errno| SpawnError::at(Step::Descriptors, errno.raw_os_error(), launch))
        };
        Ok(Self {
            root: confinement.chroot.as_deref().map(|path| text(path, launch)).transpose()?,
            read_only: texts(&confinement.read_only)?,
            inaccessible: texts(&confinement.inaccessible)?,
            cover: text(&confinement.cover, launch)?,
            join: joined(confinement, launch)?,
            sockets: sockets.iter().map(lifted).collect::<Result<_, _>>()?,
            listen_pid: (!sockets.is_empty())
                .then(|| LISTEN_PID.iter().copied().chain([0; DIGITS]).map(AtomicU8::new).collect()),
        })
    }

    pub(super) fn confinement<'a>(&'a self, of: &Confinement) -> RawConfinement<'a> {
        let bits =
            |set: &std::collections::BTreeSet<Capability>| set.iter().fold(0, |all, one| all | one.bit());
        RawConfinement {
            mounts: of.mounts(),
            join: self.join.as_ref().map_or(-1, AsRawFd::as_raw_fd),
            root: self.root.as_deref(),
            read_only: &self.read_only,
            inaccessible: &self.inaccessible,
            private_tmp: of.private_tmp,
            cover: &self.cover,
            bounding: of.bounding.as_ref().map(bits),
            ambient: bits(&of.ambient),
            no_new_privileges: of.no_new_privileges,
        }
    }

    /// The variable that the child completes, as the kernel takes it.
    pub(super) fn listen_pid(&self) -> Option<*const c_char> {
        self.listen_pid.as_ref().map(|text| text.as_ptr().cast())
    }
}

/// Writes the number into the variable. Called by the child: no more than stores.
pub(super) fn complete_listen_pid(text: &[AtomicU8], pid: u64) {
    let mut scale = 1u64;
    while let Some(next) = scale.checked_mul(10).filter(|next| *next <= pid) {
        scale = next;
    }
    for place in text.iter().skip(LISTEN_PID.len()).take(DIGITS - 1) {
        if scale == 0 {
            break;
        }
        let digit = u8::try_from((pid / scale) % 10).unwrap_or(0);
        place.store(b'0'.saturating_add(digit), Ordering::SeqCst);
        scale /= 10;
    }
}

/// The whole environment but [`LISTEN_PID`].
pub(super) fn environment(launch: &Launch, sockets: usize) -> BTreeMap<&str, Vec<u8>> {
    let mut env: BTreeMap<&str, Vec<u8>> =
        launch.env.iter().map(|(name, value)| (name.as_str(), value.as_bytes().to_vec())).collect();
    let secrets = launch.secrets.iter().filter(|secret| secret.form == SecretForm::Env);
    env.extend(secrets.map(|secret| (secret.name.as_str(), secret.content.0.clone())));
    if sockets > 0 {
        env.retain(|name, _| !LISTEN.contains(name));
        let names: Vec<&str> = launch.sockets.iter().map(|socket| socket.name.as_str()).collect();
        env.insert("LISTEN_FDS", sockets.to_string().into_bytes());
        env.insert("LISTEN_FDNAMES", names.join(":").into_bytes());
    }
    env
}

fn text(path: &Path, launch: &Launch) -> Result<CString, SpawnError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| SpawnError::at(Step::Arguments, libc::EINVAL, launch))
}

/// The mount namespace of a process, which is held while it is opened.
fn joined(confinement: &Confinement, launch: &Launch) -> Result<Option<OwnedFd>, SpawnError> {
    let Some(key) = confinement.join.as_ref().filter(|_| confinement.mounts()) else { return Ok(None) };
    let gone = |errno| SpawnError::at(Step::Namespace, errno, launch);
    let held = hold(key).map_err(|_| gone(libc::ESRCH))?;
    let namespace = std::fs::File::open(format!("/proc/{}/ns/mnt", key.pid))
        .map_err(|error| gone(error.raw_os_error().unwrap_or(libc::EIO)))?;
    // Still held: what was opened is its own.
    drop(held);
    Ok(Some(namespace.into()))
}

/// An empty file that nobody may open.
fn make_cover(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o000).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        answer => {
            answer?;
        }
    }
    let meta = std::fs::symlink_metadata(path)?;
    if meta.is_file() && meta.len() == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EEXIST)) }
}

fn cover_error(path: &Path, error: &io::Error) -> SpawnError {
    SpawnError::said(Step::Inaccessible, format!("`{}` can't be made: {}", path.display(), io_text(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_child_is_written_into_the_text() {
        for pid in [1, 42, 4_194_304, 2_147_483_647] {
            let text: Vec<AtomicU8> =
                LISTEN_PID.iter().copied().chain([0; DIGITS]).map(AtomicU8::new).collect();
            complete_listen_pid(&text, pid);
            let bytes: Vec<u8> = text.iter().map(|byte| byte.load(Ordering::SeqCst)).collect();
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            let written = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
            assert_eq!(written, format!("LISTEN_PID={pid}"));
            assert!(end < bytes.len(), "it ends in NUL");
        }
    }
}
