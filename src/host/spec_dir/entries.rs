//! Directories of documents, watched through `notify`: all that happens in them counts.
//!
//! Its thread only puts down what it heard and pokes: while it does more the kernel's queue fills. A watch goes with its
//! directory, so that another one under the same name is watched anew.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use rustix::event::{EventfdFlags, eventfd};

use crate::host::errno::io_text;

/// So many files that are being written are kept in mind.
const WRITING_MAX: usize = 10_000;

/// So many names are kept of what changed; when there are more, everything is looked at.
const TOUCHED_MAX: usize = 1_000;

/// Device, inode and, where the file system keeps it, the birth: the number of a removed directory is soon given to the
/// next one.
type DirIdentity = (u64, u64, Option<SystemTime>);

/// What was heard and not taken yet.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Something changed, or may have.
    pub(super) changed: bool,
    /// Files that somebody began to write and hasn't closed.
    pub(super) writing: BTreeSet<PathBuf>,
    /// The probe was touched.
    pub(super) probed: bool,
    /// The names that this was about.
    pub(super) touched: Touched,
}

/// Where something changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Touched {
    /// Files in watched directories, by their paths without links.
    pub names: BTreeSet<PathBuf>,
    /// It may also be elsewhere: something was lost, or isn't about a name.
    pub elsewhere: bool,
}

impl Touched {
    /// Takes in what another one says.
    pub fn extend(&mut self, other: Self) {
        self.names.extend(other.names);
        self.elsewhere |= other.elsewhere || self.names.len() > TOUCHED_MAX;
        if self.elsewhere {
            self.names.clear();
        }
    }
}

/// A watcher of directories with all that is in them.
#[derive(Debug)]
pub(super) struct Entries {
    watcher: RecommendedWatcher,
    watched: BTreeSet<(PathBuf, DirIdentity)>,
    inbox: Arc<Mutex<Inbox>>,
    /// An eventfd that its thread writes to.
    poke: Arc<OwnedFd>,
}

impl Entries {
    /// A watcher of nothing but the probe, which is no change.
    pub(super) fn new(probe: Option<&Path>) -> Result<Self, String> {
        let poke = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let poke = Arc::new(poke.map_err(|errno| io_text(&errno.into()))?);
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let (into, wake) = (Arc::clone(&inbox), Arc::clone(&poke));
        let of_probe = probe.map(Path::to_owned);
        let hear = move |event: notify::Result<Event>| {
            let mut inbox = into.lock().unwrap_or_else(PoisonError::into_inner);
            if inbox.hear(&event, of_probe.as_deref()) {
                // A full counter means that it is readable already.
                let _ = rustix::io::write(&*wake, &1u64.to_ne_bytes());
            }
        };
        // Its thread is begun unseen, and whoever talks to one that is missing panics.
        let trial = std::thread::Builder::new().name("trial".into()).spawn(|| ());
        let trial = trial.map_err(|error| format!("no thread is to be had: {}", io_text(&error)))?;
        drop(trial.join());
        let mut watcher = notify::recommended_watcher(hear)
            .map_err(|error| format!("no notifications are to be had: {}", reason(&error)))?;
        if let Some(probe) = probe {
            // Without it nobody can tell whether this hears, and it is believed to.
            let _ = watcher.watch(probe, RecursiveMode::NonRecursive);
        }
        Ok(Self { watcher, watched: BTreeSet::new(), inbox, poke })
    }

    /// Readable when something was heard.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.poke.as_fd()
    }

    /// Watches exactly these from now on.
    pub(super) fn watch(&mut self, wanted: &BTreeSet<&Path>) -> Result<(), String> {
        let before = self.watched.clone();
        let outcome = self.watch_exactly(wanted);
        if self.watched != before {
            // What happened while something wasn't watched has no name.
            let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
            inbox.touched.extend(Touched { elsewhere: true, ..Touched::default() });
        }
        outcome
    }

    fn watch_exactly(&mut self, wanted: &BTreeSet<&Path>) -> Result<(), String> {
        let mut now = BTreeSet::new();
        let mut failed = Ok(());
        for path in wanted {
            let Some(identity) = identity(path) else { continue };
            now.insert(((*path).to_owned(), identity));
        }
        for (path, _) in self.watched.difference(&now) {
            let _ = self.watcher.unwatch(path);
        }
        let mut watched: BTreeSet<_> = self.watched.intersection(&now).cloned().collect();
        for new in now.difference(&self.watched) {
            match self.watcher.watch(&new.0, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    watched.insert(new.clone());
                }
                // It went away since; what is above it tells of its coming back.
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    failed =
                        Err(format!("changes of `{}` can't be watched: {}", new.0.display(), reason(&error)));
                }
            }
        }
        self.watched = watched;
        failed
    }

    /// What was heard. The files that are being written stay in mind, the rest is taken.
    pub(super) fn take(&self) -> Inbox {
        let _ = rustix::io::read(&*self.poke, &mut [0u8; 8]);
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = Inbox {
            changed: inbox.changed,
            writing: inbox.writing.clone(),
            probed: inbox.probed,
            touched: std::mem::take(&mut inbox.touched),
        };
        (inbox.changed, inbox.probed) = (false, false);
        taken
    }

    /// Where it was.
    pub(super) fn touched(&self) -> Touched {
        std::mem::take(&mut self.inbox.lock().unwrap_or_else(PoisonError::into_inner).touched)
    }

    /// Makes it deaf, as a lost descriptor would.
    #[cfg(test)]
    pub(super) fn deafen(&mut self) {
        self.watcher = notify::recommended_watcher(|_| {}).unwrap_or_else(|_| unreachable!());
    }
}

impl Inbox {
    /// Takes an event in. True if it is worth waking up for.
    fn hear(&mut self, event: &notify::Result<Event>, probe: Option<&Path>) -> bool {
        let Ok(event) = event else {
            (self.changed, self.touched.elsewhere) = (true, true);
            return true;
        };
        if event.need_rescan() {
            // Whose closing was lost nobody knows.
            self.writing.clear();
            (self.changed, self.probed, self.touched.elsewhere) = (true, true, true);
            return true;
        }
        if probe.is_some_and(|probe| event.paths.iter().any(|path| path == probe)) {
            self.probed = true;
            return false;
        }
        if !matters(event.kind) {
            return false;
        }
        for path in &event.paths {
            match event.kind {
                EventKind::Modify(ModifyKind::Data(_)) if self.writing.len() < WRITING_MAX => {
                    self.writing.insert(path.clone());
                }
                EventKind::Access(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
                    self.writing.remove(path);
                }
                EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {}
            }
        }
        let names = event.paths.iter().cloned().collect();
        self.touched.extend(Touched { names, elsewhere: event.paths.is_empty() });
        self.changed = true;
        true
    }
}

/// Opening and reading is no change; our own reads would wake us for ever.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

fn identity(dir: &Path) -> Option<DirIdentity> {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(dir).ok()?;
    Some((meta.dev(), meta.ino(), meta.created().ok()))
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => {
            matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP))
        }
        ErrorKind::Generic(_)
        | ErrorKind::WatchNotFound
        | ErrorKind::InvalidConfig(_)
        | ErrorKind::MaxFilesWatch => false,
    }
}

fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "no space left on device (ENOSPC); see the limit `user.max_inotify_watches`".to_owned()
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
            format!("{}; see the limit `user.max_inotify_instances`", io_text(error))
        }
        ErrorKind::Io(error) => io_text(error),
        ErrorKind::Generic(_)
        | ErrorKind::PathNotFound
        | ErrorKind::WatchNotFound
        | ErrorKind::InvalidConfig(_) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, RenameMode};

    use super::*;

    #[test]
    fn reading_and_the_probe_are_no_change_and_a_lost_queue_is_one() {
        let probe = Path::new("/run/probe");
        let event = |kind, path: &str| Event::new(kind).add_path(path.into());
        let open = AccessKind::Open(AccessMode::Any);
        for (row, expected) in [
            (event(EventKind::Access(open), "/etc/specs/a.yaml"), false),
            (event(EventKind::Access(AccessKind::Close(AccessMode::Read)), "/etc/specs/a.yaml"), false),
            (event(EventKind::Access(AccessKind::Close(AccessMode::Write)), "/etc/specs/a.yaml"), true),
            (event(EventKind::Create(CreateKind::File), "/etc/specs/a.yaml"), true),
            (event(EventKind::Modify(ModifyKind::Any), "/run/probe"), false),
            (Event::new(EventKind::Other).set_flag(Flag::Rescan), true),
        ] {
            let mut inbox = Inbox::default();
            assert_eq!(inbox.hear(&Ok(row.clone()), Some(probe)), expected, "{row:?}");
            assert_eq!(inbox.changed, expected, "{row:?}");
            assert_eq!(inbox.touched.elsewhere, row.paths.is_empty(), "{row:?}");
            let named = inbox.touched.names.iter().eq(row.paths.iter().filter(|_| expected));
            assert!(named, "{row:?}: {:?}", inbox.touched);
        }
    }

    #[test]
    fn too_many_names_are_none() {
        let mut touched = Touched::default();
        for number in 0..=TOUCHED_MAX {
            let names = BTreeSet::from([PathBuf::from(format!("/d/{number}"))]);
            touched.extend(Touched { names, elsewhere: false });
            assert_eq!(touched.elsewhere, number == TOUCHED_MAX);
        }
        touched.extend(Touched { names: BTreeSet::from(["/d/x".into()]), elsewhere: false });
        assert_eq!(touched, Touched { names: BTreeSet::new(), elsewhere: true });
    }

    #[test]
    fn what_is_being_written_is_known_until_it_is_closed_renamed_or_gone() {
        let write = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        for end in [
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
            EventKind::Remove(notify::event::RemoveKind::File),
        ] {
            let mut inbox = Inbox::default();
            inbox.hear(&Ok(Event::new(write).add_path("/d/a".into())), None);
            assert_eq!(inbox.writing.len(), 1);
            inbox.hear(&Ok(Event::new(end).add_path("/d/a".into())), None);
            assert!(inbox.writing.is_empty(), "{end:?}");
        }
    }
}
