//! Reading the record, without holding the state.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::line;
use crate::host::atomic;
use crate::host::output::read::Watch;
use crate::host::state_dir::Dirs;
use crate::plan::event::Recorded;

/// Nothing of ours is near this size.
const BYTES_MAX: u64 = 64 << 20;

/// All events on record, in the order in which they began, and how many lines can't be read.
///
/// # Errors
/// What the kernel answered. A record that isn't there is an empty one.
pub fn read(dirs: &Dirs) -> io::Result<(Vec<Recorded>, usize)> {
    let bytes = bytes(&dirs.events())?;
    let lines = whole(&bytes);
    let events: Vec<Recorded> = lines.iter().filter_map(|line| Recorded::parse(line)).collect();
    let unread = lines.len() - events.len();
    Ok((events, unread))
}

fn bytes(path: &std::path::Path) -> io::Result<Vec<u8>> {
    let own = rustix::process::geteuid().as_raw();
    match atomic::read(path, &[0, own], BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

/// The lines that have an end: one without is being written, or was torn.
fn whole(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).collect()
}

/// Follows the record: what is new in it, and what was counted once more.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    /// How often each event was counted when it was last given.
    given: BTreeMap<u64, u64>,
    watch: Watch,
}

impl Follower {
    /// Begins behind what is there now.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn new(dirs: &Dirs) -> io::Result<Self> {
        let mut follower = Self { path: dirs.events(), given: BTreeMap::new(), watch: Watch::new() };
        let _ = follower.fresh()?;
        Ok(follower)
    }

    /// Goes on behind events that were told by another way: how often each was counted then, by number.
    pub fn behind(dirs: &Dirs, given: BTreeMap<u64, u64>) -> Self {
        Self { path: dirs.events(), given, watch: Watch::new() }
    }

    /// What came since the last time.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn fresh(&mut self) -> io::Result<Vec<Recorded>> {
        let bytes = bytes(&self.path)?;
        let mut fresh = Vec::new();
        let mut given = BTreeMap::new();
        for text in whole(&bytes) {
            let (Some(seq), Some(times)) = (line::seq(text), line::times(text)) else { continue };
            if self.given.get(&seq) != Some(&times) {
                fresh.extend(Recorded::parse(text));
            }
            given.insert(seq, times);
        }
        self.given = given;
        Ok(fresh)
    }

    /// Waits until something is written, at most a second. False: nobody reads our output any more.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn wait(&mut self) -> io::Result<bool> {
        // A record that isn't there yet can't be watched, and is looked for each second.
        self.watch.wait(&self.path)
    }
}
