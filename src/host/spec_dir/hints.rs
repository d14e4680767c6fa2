//! Hints that something changed. They only save time: the loop looks without them too, later.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::host::wake::Poke;

/// A source of hints.
pub trait Hints: std::fmt::Debug {
    /// Watches these places from now on, and their parent directories; called before each look, so that nothing that
    /// changes after the look is missed.
    ///
    /// # Errors
    /// A sentence: which place isn't watched, and why. It must be polled then.
    fn watch(&mut self, places: &[PathBuf]) -> Result<(), String>;
}

/// No hints.
#[derive(Debug, Default)]
pub struct NoHints;

impl Hints for NoHints {
    fn watch(&mut self, _places: &[PathBuf]) -> Result<(), String> {
        Ok(())
    }
}

/// Device, inode and, where the file system keeps it, the birth: the number of a removed directory is soon given to the
/// next one.
type DirIdentity = (u64, u64, Option<SystemTime>);

/// Hints of inotify.
#[derive(Debug)]
pub struct NotifyHints {
    watcher: RecommendedWatcher,
    places: Arc<RwLock<Vec<PathBuf>>>,
    watched: BTreeSet<(PathBuf, DirIdentity)>,
}

impl NotifyHints {
    /// Pokes whenever something may have changed.
    ///
    /// # Errors
    /// A sentence: this host gives no (more) watches.
    pub fn new(poke: Poke) -> Result<Self, String> {
        let places = Arc::new(RwLock::new(Vec::new()));
        let relevant = Arc::clone(&places);
        // Runs on notify's own thread, and while it does the kernel's queue fills: it may only set a flag.
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let places = relevant.read().unwrap_or_else(PoisonError::into_inner);
            if event.as_ref().map_or(true, |event| matters(event) && concerns(event, &places)) {
                poke.poke();
            }
        })
        .map_err(|error| format!("changes can't be watched: {error}"))?;
        Ok(Self { watcher, places, watched: BTreeSet::new() })
    }

    /// A directory is watched anew when it is another one than before under the same name: its watch went with it.
    fn watch_dir(&mut self, dir: &Path) -> Result<(), String> {
        use std::os::unix::fs::MetadataExt;
        let Ok(meta) = std::fs::metadata(dir) else { return Ok(()) };
        let row = (dir.to_owned(), (meta.dev(), meta.ino(), meta.created().ok()));
        if self.watched.contains(&row) {
            return Ok(());
        }
        if self.watched.iter().any(|(path, ..)| path == dir) {
            let _ = self.watcher.unwatch(dir);
            self.watched.retain(|(path, ..)| path != dir);
        }
        self.watcher
            .watch(dir, RecursiveMode::NonRecursive)
            .map_err(|error| format!("changes of `{}` can't be watched: {error}", dir.display()))?;
        self.watched.insert(row);
        Ok(())
    }
}

impl Hints for NotifyHints {
    fn watch(&mut self, places: &[PathBuf]) -> Result<(), String> {
        let places: Vec<PathBuf> =
            places.iter().filter_map(|place| std::path::absolute(place).ok()).collect();
        (*self.places.write().unwrap_or_else(PoisonError::into_inner)).clone_from(&places);
        for place in places {
            // Never a file itself: a watch on it is lost when the file is replaced.
            let parent = place.parent().map(Path::to_owned);
            if place.is_dir() {
                self.watch_dir(&place)?;
            }
            if let Some(parent) = parent {
                self.watch_dir(&parent)?;
            }
        }
        Ok(())
    }
}

/// Reading is no change; our own reads would wake us for ever. A lost queue comes as an event without a path.
fn matters(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write) || event.need_rescan(),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

/// A parent directory may be a busy one: only what happens to the place itself or in it counts.
fn concerns(event: &Event, places: &[PathBuf]) -> bool {
    event.paths.is_empty()
        || event.need_rescan()
        || event.paths.iter().any(|path| places.iter().any(|place| path.starts_with(place)))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, Flag};

    use super::*;

    #[test]
    fn reading_is_no_change_and_a_lost_queue_is_one() {
        let places = [PathBuf::from("/etc/specs")];
        let event = |kind, path: &str| Event::new(kind).add_path(path.into());
        let counts = |event: &Event| matters(event) && concerns(event, &places);
        for (row, expected) in [
            (event(EventKind::Access(AccessKind::Open(AccessMode::Any)), "/etc/specs/a.yaml"), false),
            (event(EventKind::Access(AccessKind::Close(AccessMode::Read)), "/etc/specs/a.yaml"), false),
            (event(EventKind::Access(AccessKind::Close(AccessMode::Write)), "/etc/specs/a.yaml"), true),
            (event(EventKind::Create(CreateKind::File), "/etc/specs/a.yaml"), true),
            (event(EventKind::Create(CreateKind::Folder), "/etc/specs"), true),
            (event(EventKind::Create(CreateKind::File), "/etc/passwd.lock"), false),
            (Event::new(EventKind::Other).set_flag(Flag::Rescan), true),
        ] {
            assert_eq!(counts(&row), expected, "{row:?}");
        }
    }
}
