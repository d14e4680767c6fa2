//! Where the state lies, and whose it must be.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::errno::io_text;
use super::{spawn, walk};
use crate::units::Pid;

/// What the place depends on. Read once from the environment, by whoever has it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `--state-dir` or `SELFSAME_STATE_DIR`: everything under one folder.
    pub explicit: Option<PathBuf>,
    /// Effective uid.
    pub uid: u32,
    /// `HOME`
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`
    pub runtime: Option<PathBuf>,
    /// `XDG_STATE_HOME`
    pub state: Option<PathBuf>,
}

/// The three directories.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dirs {
    /// Records of this boot.
    pub run: PathBuf,
    /// Accepted documents, history.
    pub lib: PathBuf,
    /// Output of services.
    pub log: PathBuf,
}

impl Dirs {
    /// The place for these surroundings.
    ///
    /// # Errors
    /// A sentence: nothing says where, or it is a name that services could not be told.
    pub fn locate(surroundings: &Surroundings) -> Result<Self, String> {
        let dirs = Self::of(surroundings)?;
        // Outputs, sockets and pid files lie there, by names that stand in documents, records and environments as text.
        let torn = [&dirs.run, &dirs.lib, &dirs.log].into_iter().find(|dir| dir.to_str().is_none());
        if let Some(dir) = torn {
            return Err(format!(
                "the state directory `{}` has a name that is not UTF-8; give one that is, with `--state-dir` or \
                 `SELFSAME_STATE_DIR`",
                dir.display()
            ));
        }
        Ok(dirs)
    }

    fn of(surroundings: &Surroundings) -> Result<Self, String> {
        if let Some(base) = &surroundings.explicit {
            if !base.is_absolute() {
                return Err(format!("the state directory `{}` is not an absolute path", base.display()));
            }
            return Ok(Self { run: base.join("run"), lib: base.join("lib"), log: base.join("log") });
        }
        if surroundings.uid == 0 {
            return Ok(Self {
                run: "/run/selfsame".into(),
                lib: "/var/lib/selfsame".into(),
                log: "/var/log/selfsame".into(),
            });
        }
        let absolute = |path: &Option<PathBuf>| path.clone().filter(|path| path.is_absolute());
        let state = absolute(&surroundings.state)
            .or_else(|| absolute(&surroundings.home).map(|home| home.join(".local/state")))
            .ok_or("neither `HOME` nor `XDG_STATE_HOME` says where the state belongs, give `--state-dir`")?
            .join("selfsame");
        let run =
            absolute(&surroundings.runtime).map_or_else(|| state.join("run"), |dir| dir.join("selfsame"));
        Ok(Self { run, log: state.join("log"), lib: state })
    }

    /// What the engine remembers.
    pub fn ledger(&self) -> PathBuf {
        self.run.join("ledger.jsonl")
    }

    /// Records as former versions wrote them, a file each.
    pub fn records(&self) -> PathBuf {
        self.run.join("records")
    }

    /// Slots of starts as former versions made them, a file each.
    pub fn starts(&self) -> PathBuf {
        self.run.join("starts")
    }

    /// Slots of starts that are under way.
    pub fn slots(&self) -> PathBuf {
        self.run.join("slots")
    }

    /// What Tasks ran for.
    pub fn tasks(&self) -> PathBuf {
        self.lib.join("tasks")
    }

    /// Modules of the plugins that are in force.
    pub fn plugins(&self) -> PathBuf {
        self.run.join("plugins")
    }

    /// What is remembered of files that output goes to.
    pub fn outputs(&self) -> PathBuf {
        self.lib.join("output")
    }

    /// What happened.
    pub fn events(&self) -> PathBuf {
        self.lib.join("events.jsonl")
    }

    /// Sets of documents that were in force.
    pub fn history(&self) -> PathBuf {
        self.lib.join("history")
    }

    /// Where a running watch listens.
    pub fn control(&self) -> PathBuf {
        self.run.join("control")
    }

    /// Sockets that services say things of themselves to.
    pub fn notify(&self) -> PathBuf {
        self.run.join("notify")
    }

    /// Where the outputs of services began.
    pub fn marks(&self) -> PathBuf {
        self.run.join("marks")
    }

    /// The last good text of each spec file.
    pub fn good_texts(&self) -> PathBuf {
        self.lib.join("good.jsonl")
    }

    /// Removals that wait to be confirmed.
    pub fn held_plans(&self) -> PathBuf {
        self.run.join("held.json")
    }

    /// What is remembered of policies.
    pub fn policies(&self) -> PathBuf {
        self.run.join("policies.json")
    }

    /// Signals of policies that are under way.
    pub fn courses(&self) -> PathBuf {
        self.run.join("courses.json")
    }

    /// Each, and the mode that it is made with.
    fn all(&self, own: u32) -> [(PathBuf, u32); 9] {
        let open = open_mode(own);
        [
            (self.run.clone(), open),
            (self.plugins(), 0o700),
            // The services of other users find their own socket in it, and no list.
            (self.notify(), if own == 0 { 0o711 } else { 0o700 }),
            (self.marks(), 0o700),
            (self.lib.clone(), 0o700),
            (self.tasks(), 0o700),
            (self.outputs(), 0o700),
            (self.history(), 0o700),
            (self.log.clone(), open),
        ]
    }

    /// Checks what is there as [`Dirs::ensure`] does, and that the rest can be made. Makes nothing.
    ///
    /// # Errors
    /// A sentence that names the directory.
    pub fn check(&self) -> Result<(), String> {
        let own = rustix::process::geteuid().as_raw();
        self.all(own).iter().try_for_each(|(dir, _)| check_one(dir, own))
    }

    /// Makes what is missing and checks what is there: directories, no links, of this user or root, and nobody else
    /// can change where they lead.
    ///
    /// # Errors
    /// A sentence that names the directory.
    pub fn ensure(&self) -> Result<(), String> {
        let own = rustix::process::geteuid().as_raw();
        for (dir, mode) in self.all(own) {
            ensure_one(&dir, mode, own).map_err(|text| format!("state directory: {text}"))?;
        }
        Ok(())
    }
}

/// Makes the log directory anew, which somebody removed since [`Dirs::ensure`] made it.
///
/// # Errors
/// A sentence that names it.
pub fn renew_log(dir: &Path) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    ensure_one(dir, open_mode(own), own)
}

/// Others may see the status of root's services, and their logs as far as the files' modes go.
fn open_mode(own: u32) -> u32 {
    if own == 0 { 0o755 } else { 0o700 }
}

fn ensure_one(dir: &Path, mode: u32, own: u32) -> Result<(), String> {
    let failed = |error: io::Error| format!("`{}`: {}", dir.display(), io_text(&error));
    match fs::symlink_metadata(dir) {
        Ok(meta) if meta.file_type().is_symlink() => {
            return Err(format!("`{}` is a symbolic link", dir.display()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(mode).create(dir).map_err(failed)?;
            // The umask may have taken bits away.
            fs::set_permissions(dir, Permissions::from_mode(mode)).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    judge(dir, own)
}

/// What is there is as it has to be, or the nearest one above it is, and can be written.
fn check_one(dir: &Path, own: u32) -> Result<(), String> {
    let there = dir.ancestors().find(|above| fs::symlink_metadata(above).is_ok()).unwrap_or(dir);
    if there == dir {
        if fs::symlink_metadata(dir).is_ok_and(|meta| meta.file_type().is_symlink()) {
            return Err(format!("`{}` is a symbolic link", dir.display()));
        }
        judge(dir, own)?;
    } else {
        let stages =
            walk::stages(there).map_err(|error| format!("`{}`: {}", there.display(), io_text(&error)))?;
        if let Some(weak) = walk::weakest(&stages, &[own]) {
            return Err(weak);
        }
        if stages.last().is_none_or(|stage| !stage.meta.is_dir()) {
            return Err(format!("`{}` is not a directory", there.display()));
        }
    }
    rustix::fs::access(there, rustix::fs::Access::WRITE_OK)
        .map_err(|errno| format!("`{}` can't be written: {}", there.display(), io_text(&errno.into())))
}

/// A directory that nobody else can put anything into, or have led elsewhere.
fn judge(dir: &Path, own: u32) -> Result<(), String> {
    let failed = |error: io::Error| format!("`{}`: {}", dir.display(), io_text(&error));
    let stages = walk::stages(dir).map_err(failed)?;
    match walk::weakest(&stages, &[own]) {
        Some(weak) => Err(weak),
        // Sticky is enough for a directory on the way, and not for ours: nobody else may put a file in it.
        None if stages.last().is_some_and(|stage| stage.meta.mode() & 0o1002 == 0o1002) => {
            Err(format!("`{}` can be written by others", dir.display()))
        }
        None if stages.last().is_none_or(|stage| !stage.meta.is_dir()) => {
            Err(format!("`{}` is not a directory", dir.display()))
        }
        None => Ok(()),
    }
}

/// The state is ours, as long as this lives and, through inheritance, until every child that is being started has
/// executed or is gone (see `spawn`).
#[derive(Debug)]
pub struct StateLock {
    file: File,
    path: PathBuf,
}

/// Why the state can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another engine has it.
    #[error("another selfsame (pid {0}) holds the state")]
    HeldBy(Pid),
    /// The lock file can't be used.
    #[error("the lock file `{}` can't be used: {text}", path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// Why.
        text: String,
    },
}

/// A killed engine's child holds the lock for a moment longer.
const DYING: Duration = Duration::from_secs(1);
/// Whoever only asks who holds it (see [`holder`]) has it for a moment.
const ASKING: Duration = Duration::from_millis(100);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

impl StateLock {
    /// Takes the lock if nobody has it.
    pub fn try_lock(dirs: &Dirs) -> Result<Self, LockError> {
        Self::lock_timeout(dirs, Duration::ZERO)
    }

    /// Takes the lock, waiting for it if need be.
    pub fn lock_timeout(dirs: &Dirs, timeout: Duration) -> Result<Self, LockError> {
        let begin = Instant::now();
        let path = dirs.run.join("lock");
        loop {
            let unusable =
                |error: io::Error| LockError::Unusable { path: path.clone(), text: io_text(&error) };
            if let Some(lock) = Self::attempt(&path).map_err(unusable)? {
                return Ok(lock);
            }
            let holder = holder_in(&path);
            let patience = timeout.max(if is_alive(holder) { ASKING } else { DYING });
            if begin.elapsed() >= patience {
                return Err(LockError::HeldBy(holder));
            }
            std::thread::sleep(BETWEEN_ATTEMPTS);
        }
    }

    fn attempt(path: &Path) -> io::Result<Option<Self>> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        file.set_len(0)?;
        file.rewind()?;
        // Only for the message of whoever comes next: a full disk takes nothing from the lock.
        let _ = writeln!(file, "{}", rustix::process::getpid().as_raw_nonzero());
        spawn::held_until_exec(&file);
        let lock = Self { file, path: path.to_owned() };
        // Somebody may have removed the file in between: then what we locked is not what the next one will lock.
        Ok(lock.holds().then_some(lock))
    }

    /// The lock that this process took before it became the present binary (see `takeover`).
    pub(super) fn handed_down(file: File, dirs: &Dirs) -> Option<Self> {
        spawn::held_until_exec(&file);
        let lock = Self { file, path: dirs.run.join("lock") };
        // The same open file: taking it again changes nothing, and somebody else's is refused.
        let ours = flock(&lock.file, FlockOperation::NonBlockingLockExclusive).is_ok();
        (ours && lock.holds()).then_some(lock)
    }

    /// Whether the file that we locked is still the one under its name.
    pub fn holds(&self) -> bool {
        let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        match (self.file.metadata(), fs::symlink_metadata(&self.path)) {
            (Ok(ours), Ok(there)) => same(&ours, &there),
            _ => false,
        }
    }
}

impl AsFd for StateLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The engine that holds the state, if one does.
pub fn holder(dirs: &Dirs) -> Option<Pid> {
    let path = dirs.run.join("lock");
    let file = File::open(&path).ok()?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => Some(holder_in(&path)),
        _ => None,
    }
}

fn holder_in(path: &Path) -> Pid {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(32).read_to_string(&mut text));
    Pid(read.ok().and_then(|_| text.trim().parse().ok()).unwrap_or(0))
}

fn is_alive(pid: Pid) -> bool {
    rustix::process::Pid::from_raw(pid.0)
        .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    type Row<'a> = (&'a dyn Fn(&mut Surroundings), &'a str);

    #[test]
    fn the_place_follows_from_the_surroundings() {
        let user = Surroundings { uid: 1000, home: Some("/home/ann".into()), ..Surroundings::default() };
        let with = |change: &dyn Fn(&mut Surroundings)| {
            let mut surroundings = user.clone();
            change(&mut surroundings);
            Dirs::locate(&surroundings).map(|dirs| {
                [dirs.run, dirs.lib, dirs.log].map(|dir| dir.to_string_lossy().into_owned()).join(" ")
            })
        };
        let rows: [Row<'_>; 5] = [
            (
                &|_| {},
                "/home/ann/.local/state/selfsame/run /home/ann/.local/state/selfsame \
                 /home/ann/.local/state/selfsame/log",
            ),
            (
                &|s| s.runtime = Some("/run/user/1000".into()),
                "/run/user/1000/selfsame /home/ann/.local/state/selfsame /home/ann/.local/state/selfsame/log",
            ),
            (
                &|s| {
                    s.runtime = Some("relative".into());
                    s.state = Some("/st".into());
                },
                "/st/selfsame/run /st/selfsame /st/selfsame/log",
            ),
            (&|s| s.explicit = Some("/x".into()), "/x/run /x/lib /x/log"),
            (&|s| s.uid = 0, "/run/selfsame /var/lib/selfsame /var/log/selfsame"),
        ];
        for (change, expected) in rows {
            assert_eq!(with(change).unwrap(), expected);
        }
        assert!(with(&|s| s.home = None).is_err());
        assert!(with(&|s| s.explicit = Some("x".into())).is_err());
        let torn = PathBuf::from(std::ffi::OsString::from_vec(b"/st\xff".to_vec()));
        for change in [&|s: &mut Surroundings| s.explicit = Some(torn.clone()), &|s: &mut Surroundings| {
            s.state = Some(torn.clone());
        }] as [&dyn Fn(&mut Surroundings); 2]
        {
            assert!(with(change).unwrap_err().contains("not UTF-8; give one that is"));
        }
    }
}
