//! One start at a time of the same thing: a lock on a file that only its user can open, held from the second look until the
//! program executes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};

use crate::units::{Pid, StartTicks};

/// Another start may have to wait for a slow disk.
const PATIENCE: Duration = Duration::from_mins(1);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(5);

/// Held while this lives, and by children until they execute.
#[derive(Debug)]
pub struct StartLock(File);

/// Why there is none.
#[derive(Debug)]
pub enum NotLocked {
    /// There is no place for it: a sentence.
    NoPlace(String),
    /// Another start holds it for longer than anybody should.
    Held,
}

/// Where locks of this user belong: below the run directory, else below `/tmp` in a directory of the user's own.
pub fn place(runtime: Option<PathBuf>) -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    // After `su` it may still be that of another user.
    let is_own = |dir: &PathBuf| dir.is_absolute() && fs::metadata(dir).is_ok_and(|meta| meta.uid() == uid);
    match runtime.filter(|dir| uid != 0 && is_own(dir)) {
        _ if uid == 0 => "/run/selfsame/start-stop-daemon".into(),
        Some(dir) => dir.join("selfsame/start-stop-daemon"),
        None => format!("/tmp/selfsame-{uid}/start-stop-daemon").into(),
    }
}

impl StartLock {
    /// Takes the lock for what `key` says, waiting for another start to end.
    ///
    /// # Errors
    /// No place for it, or no end to the other start.
    pub fn take(place: &Path, key: &[u8]) -> Result<Self, NotLocked> {
        let no_place = |error: io::Error| {
            NotLocked::NoPlace(format!("`{}`: {}", place.display(), super::errno::io_text(&error)))
        };
        ensure(place).map_err(no_place)?;
        let name: String = Sha256::digest(key).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(place.join(name))
            .map_err(no_place)?;
        let begin = Instant::now();
        while let Err(errno) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if errno != rustix::io::Errno::WOULDBLOCK {
                return Err(no_place(errno.into()));
            }
            if begin.elapsed() > PATIENCE {
                return Err(NotLocked::Held);
            }
            std::thread::sleep(BETWEEN_ATTEMPTS);
        }
        Ok(Self(file))
    }

    /// Who was started in the foreground under this lock before, of which the pid file may not know yet. Of another boot: nobody.
    pub fn started(&self) -> Option<(Pid, StartTicks)> {
        let mut text = String::new();
        (&self.0).take(256).read_to_string(&mut text).ok()?;
        let mut words = text.split_whitespace();
        let (boot, pid, start) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (boot == &*super::signal::boot_id().ok()?.0).then_some((Pid(pid), StartTicks(start)))
    }

    /// Notes that we are becoming the program.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn note(&self, pid: Pid, start: StartTicks) -> io::Result<()> {
        let boot = super::signal::boot_id()?;
        let mut file = &self.0;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(format!("{boot} {pid} {start}\n").as_bytes())
    }
}

/// Makes the directory, and sees to it that it and the one above are the user's own and nobody else's to write.
fn ensure(place: &Path) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    for dir in [place.parent().unwrap_or(place), place] {
        match DirBuilder::new().mode(if own == 0 && dir != place { 0o755 } else { 0o700 }).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let meta = fs::symlink_metadata(dir)?;
        if !meta.is_dir() || meta.uid() != own || meta.mode() & 0o022 != 0 {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn the_same_thing_is_locked_once_and_another_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("selfsame/locks");
        fs::create_dir(dir.path().join("selfsame")).unwrap();
        fs::set_permissions(dir.path().join("selfsame"), fs::Permissions::from_mode(0o700)).unwrap();
        let first = StartLock::take(&place, b"a").unwrap();
        let _other = StartLock::take(&place, b"b").unwrap();
        let free = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let second = StartLock::take(&place, b"a").unwrap();
                assert!(free.load(Ordering::SeqCst), "it was still held");
                second.started()
            });
            first.note(Pid(7), StartTicks(11)).unwrap();
            assert!(!waiting.is_finished());
            free.store(true, Ordering::SeqCst);
            drop(first);
            assert_eq!(waiting.join().unwrap(), Some((Pid(7), StartTicks(11))));
        });
    }

    #[test]
    fn a_place_that_others_can_write_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("locks");
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(StartLock::take(&place, b"a"), Err(NotLocked::NoPlace(_))));
    }
}
