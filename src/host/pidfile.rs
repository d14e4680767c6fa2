//! Pid files of the drop-in: read whatever they hold, written so that a reader finds the old number or the new one.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::units::Pid;

/// How much is looked at: whatever stands behind that is no number any more.
const BYTES_MAX: u64 = 4096;

/// What stands in a pid file, and what is known of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    /// Its beginning; `None` if it can't be read (a directory).
    pub text: Option<Vec<u8>>,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// When it was written, in nanoseconds since the Unix epoch.
    pub mtime: i128,
}

/// Opens and reads a pid file. A FIFO without a writer reads as empty and holds nobody up.
///
/// # Errors
/// `NotFound`, or why it can't be opened.
pub fn read(path: &Path) -> io::Result<Content> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let meta = file.metadata()?;
    let mut text = Vec::new();
    let read = file.take(BYTES_MAX).read_to_end(&mut text);
    Ok(Content {
        text: read.is_ok().then_some(text),
        uid: meta.uid(),
        gid: meta.gid(),
        mode: meta.mode() & 0o7777,
        mtime: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
    })
}

/// A pid file that can be written: that was tried, and nothing is changed yet. Dropped unwritten, it leaves nothing behind.
#[derive(Debug)]
pub struct Prepared {
    path: PathBuf,
    /// Where the number goes first. `None`: straight into the file, which isn't a regular one, has further names or stands in a
    /// directory where we can't make another.
    temporary: Option<PathBuf>,
    file: File,
    /// It was there before.
    existed: bool,
    /// Who made it: after a fork the other process's copy must not clean up.
    maker: u32,
}

impl Prepared {
    /// Makes sure that the file can be written. A new one gets the permissions `mode`, one that is there keeps its own, its owner
    /// and its group.
    ///
    /// # Errors
    /// What the kernel answered; `ELOOP`: a symbolic link, which somebody could have put there to have another file
    /// overwritten.
    pub fn new(path: &Path, mode: u32) -> io::Result<Self> {
        let write =
            |flags: i32| OpenOptions::new().write(true).custom_flags(flags | libc::O_NOFOLLOW).open(path);
        let maker = std::process::id();
        let existing = match write(libc::O_NONBLOCK | libc::O_NOCTTY) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let temporary = temporary_name(path);
        let Some(existing) = existing else {
            let file = create(&temporary)?;
            file.set_permissions(Permissions::from_mode(mode))?;
            return Ok(Self { path: path.into(), temporary: Some(temporary), file, existed: false, maker });
        };
        let meta = existing.metadata()?;
        if meta.is_file()
            && meta.nlink() == 1
            && let Ok(file) = alike(&temporary, &meta)
        {
            return Ok(Self { path: path.into(), temporary: Some(temporary), file, existed: true, maker });
        }
        Ok(Self { path: path.into(), temporary: None, file: existing, existed: true, maker })
    }

    /// Writes the number.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn write(&self, pid: Pid) -> io::Result<()> {
        let text = format!("{pid}\n");
        match &self.temporary {
            Some(temporary) => {
                (&self.file).write_all(text.as_bytes())?;
                fs::rename(temporary, &self.path)
            }
            None => {
                if self.file.metadata()?.is_file() {
                    self.file.set_len(0)?;
                }
                (&self.file).write_all(text.as_bytes())
            }
        }
    }

    /// The program never ran: a new file that names it is removed again.
    pub fn withdraw(&self, pid: Pid) {
        let named = read(&self.path).ok().and_then(|content| content.text);
        if !self.existed && named == Some(format!("{pid}\n").into_bytes()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary
            && self.maker == std::process::id()
        {
            let _ = fs::remove_file(temporary);
        }
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

fn create(temporary: &Path) -> io::Result<File> {
    // What a process with our number left behind: nobody else makes such a name.
    let _ = fs::remove_file(temporary);
    OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(temporary)
}

/// A new file with the owner and permissions of the old one.
fn alike(temporary: &Path, meta: &fs::Metadata) -> io::Result<File> {
    let file = create(temporary)?;
    let owner = (Some(rustix::fs::Uid::from_raw(meta.uid())), Some(rustix::fs::Gid::from_raw(meta.gid())));
    let made = rustix::fs::fchown(file.as_fd(), owner.0, owner.1)
        .map_err(io::Error::from)
        .and_then(|()| file.set_permissions(Permissions::from_mode(meta.mode() & 0o7777)));
    if let Err(error) = made {
        let _ = fs::remove_file(temporary);
        return Err(error);
    }
    Ok(file)
}

/// Removes a pid file.
///
/// # Errors
/// What the kernel answered; that it isn't there is none.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        answer => answer,
    }
}

/// Device and inode of a file, links followed.
///
/// # Errors
/// What the kernel answered; a NUL in the path is `EINVAL`.
pub fn identity(path: &[u8]) -> io::Result<(u64, u64)> {
    let path = CString::new(path).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let stat = rustix::fs::stat(path.as_c_str())?;
    Ok((stat.st_dev, stat.st_ino))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_appears_whole_and_nothing_else_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pid");
        drop(Prepared::new(&path, 0o644).unwrap());
        assert_eq!(names(dir.path()), [""; 0], "nothing was written");
        let prepared = Prepared::new(&path, 0o640).unwrap();
        assert!(!path.exists());
        prepared.write(Pid(412)).unwrap();
        let content = read(&path).unwrap();
        assert_eq!((content.text.as_deref(), content.mode), (Some(&b"412\n"[..]), 0o640));
        prepared.withdraw(Pid(413));
        assert!(path.exists(), "it names another");
        prepared.withdraw(Pid(412));
        drop(prepared);
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[test]
    fn a_file_that_is_there_keeps_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pid");
        fs::write(&path, "a longer text than any number\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
        Prepared::new(&path, 0o644).unwrap().write(Pid(7)).unwrap();
        let content = read(&path).unwrap();
        assert_eq!((content.text.as_deref(), content.mode), (Some(&b"7\n"[..]), 0o604));
        // A second name: both must show the number.
        fs::hard_link(&path, dir.path().join("b.pid")).unwrap();
        Prepared::new(&path, 0o644).unwrap().write(Pid(8)).unwrap();
        assert_eq!(fs::read(dir.path().join("b.pid")).unwrap(), b"8\n");
        assert_eq!(names(dir.path()), ["a.pid", "b.pid"]);
    }

    #[test]
    fn links_are_refused_and_devices_are_left_where_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let (link, target) = (dir.path().join("link"), dir.path().join("target"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(Prepared::new(&link, 0o644).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        assert!(Prepared::new(&dir.path().join("no/such"), 0o644).is_err());
        Prepared::new(Path::new("/dev/null"), 0o644).unwrap().write(Pid(1)).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert_eq!(read(dir.path()).unwrap().text, None, "a directory holds no number");
    }
}
