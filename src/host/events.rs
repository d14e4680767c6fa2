//! The record of what happened: one file of JSON lines, bounded, kept over restarts and boots.
//!
//! ```text
//! lib/events.jsonl     {"seq":7,"times":         3,"last":"...","pid":      4711,...,"object":"shop","kind":"Started",...}
//! ```
//!
//! *Theory of operation.* A new event is a line at the end. The same event once more (see [`Event::again`]) is counted in the
//! line that is there, whose head has a fixed width: a service that crashes all day writes three lines. Nothing is synced, since
//! nothing is decided from it: a kill of the engine loses nothing, a loss of power the last seconds. When the file has grown
//! to its bound, the older half goes, the events of objects that have the most of them first. A line without an end is what a
//! kill or a full disk left behind, and is cut off by the next engine; readers pass over it.

mod compact;
mod line;
mod read;

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use read::{Follower, read};

use super::errno::io_text;
use super::state_dir::Dirs;
use super::{atomic, failpoint};
use crate::plan::event::{Event, Recorded};
use crate::units::{BootId, BootTime, Now};

const MODE: u32 = 0o600;
/// An event that comes back within that time is counted.
const AGAIN: Duration = Duration::from_mins(10);
/// A line that has counted for so long is left, and another one begun.
const COUNTS: Duration = Duration::from_hours(24);
/// So many different events are known again.
const KNOWN_MAX: usize = 4096;

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Of all events.
    pub bytes: u64,
    /// Events of one object (and of none), to which they are cut back when they are twice as many.
    pub per_object: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 4 << 20, per_object: 1000 }
    }
}

/// A line that can be counted in.
#[derive(Clone, Copy, Debug)]
struct Known {
    seq: u64,
    /// Of its head in the file.
    offset: u64,
    times: u64,
    first: BootTime,
    last: BootTime,
}

/// The record, as the engine that holds the state writes it.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    boot: BootId,
    bounds: Bounds,
    file: Option<File>,
    /// Length of what is whole.
    len: u64,
    next: u64,
    known: HashMap<u64, Known>,
    /// Events of each object, and under the empty name those of none.
    counts: BTreeMap<String, usize>,
    /// Events that could not be written since the last that could.
    lost: u64,
}

impl EventLog {
    /// The record in these directories, which are ours. What was torn is cut off.
    pub fn open(dirs: &Dirs, boot: &BootId, bounds: Bounds) -> Self {
        let mut log = Self {
            path: dirs.events(),
            boot: boot.clone(),
            bounds,
            file: None,
            len: 0,
            next: 1,
            known: HashMap::new(),
            counts: BTreeMap::new(),
            lost: 0,
        };
        // What can't be opened now is tried again with the first event.
        let _ = log.begin();
        log
    }

    /// Opens the file and takes note of what is in it.
    fn begin(&mut self) -> io::Result<()> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .custom_flags(flags)
            .open(&self.path)?;
        let mut bytes = Vec::new();
        // Twice the bound was never written by us.
        (&mut file).take(self.bounds.bytes.saturating_mul(2)).read_to_end(&mut bytes)?;
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
        if whole < bytes.len() {
            file.set_len(as_u64(whole))?;
        }
        bytes.truncate(whole);
        self.take_in(&bytes);
        self.file = Some(file);
        Ok(())
    }

    /// Counts, numbers, and the lines that can be counted in.
    fn take_in(&mut self, bytes: &[u8]) {
        self.len = as_u64(bytes.len());
        self.counts.clear();
        self.known.clear();
        let mut offset = 0;
        for text in bytes.split_inclusive(|byte| *byte == b'\n') {
            *self.counts.entry(line::object(text).to_owned()).or_default() += 1;
            if let Some(seq) = line::seq(text) {
                self.next = self.next.max(seq.saturating_add(1));
            }
            self.know(text, offset);
            offset += as_u64(text.len());
        }
    }

    fn know(&mut self, text: &[u8], offset: u64) {
        let Some(recorded) = line::recent(text, &self.boot, AGAIN) else { return };
        let since = recorded.last.since(recorded.time);
        let known = Known {
            seq: recorded.seq,
            offset,
            times: recorded.times,
            first: recorded.since_boot,
            last: recorded.since_boot.after(since),
        };
        self.known.insert(key(&recorded.event), known);
    }

    /// Writes events down, or counts them where the same is there. Gives them as they stand in the record then, and a
    /// sentence if some could not be written.
    pub fn write(&mut self, events: &[Event], now: Now) -> (Vec<Recorded>, Option<String>) {
        if events.is_empty() {
            return (Vec::new(), None);
        }
        let result = self.try_write(events, now);
        match result {
            Ok(recorded) => (recorded, None),
            Err(error) => {
                let first = self.lost == 0;
                self.lost += as_u64(events.len());
                // What is behind the last whole line must not become the beginning of the next one.
                if let Some(file) = self.file.take() {
                    let _ = file.set_len(self.len);
                }
                let text =
                    format!("events can't be written to `{}`: {}", self.path.display(), io_text(&error));
                (Vec::new(), first.then_some(text))
            }
        }
    }

    fn try_write(&mut self, events: &[Event], now: Now) -> io::Result<Vec<Recorded>> {
        failpoint::hit("events.write")?;
        if self.file.is_none() {
            self.begin()?;
        }
        let mut lost = None;
        if self.lost > 0 {
            let message = format!("{} events could not be written down", self.lost);
            lost = Some(Event::new(crate::plan::event::EventKind::Lost, "NotWritten", message));
        }
        let mut recorded = Vec::with_capacity(events.len());
        let mut fresh = Vec::new();
        for event in lost.iter().chain(events) {
            let again = self
                .known
                .get(&key(event))
                .filter(|known| now.boot.since(known.last) <= AGAIN && now.boot.since(known.first) <= COUNTS);
            match again.copied() {
                Some(known) => {
                    self.append(&mut fresh)?;
                    recorded.push(self.count(event, known, now)?);
                }
                None => recorded.push(self.add(event, now, &mut fresh)),
            }
        }
        self.append(&mut fresh)?;
        self.lost = 0;
        let noisy = self.counts.values().any(|count| *count > self.bounds.per_object.saturating_mul(2));
        if noisy || self.len > self.bounds.bytes {
            self.compact()?;
        }
        Ok(recorded)
    }

    /// A line more, to be appended.
    fn add(&mut self, event: &Event, now: Now, fresh: &mut Vec<u8>) -> Recorded {
        let recorded = Recorded {
            seq: self.next,
            times: 1,
            time: now.wall,
            last: now.wall,
            since_boot: now.boot,
            boot: self.boot.clone(),
            event: event.clone(),
        };
        self.next += 1;
        let offset = self.len + as_u64(fresh.len());
        fresh.extend_from_slice(line::text(&recorded).as_bytes());
        if self.known.len() >= KNOWN_MAX {
            self.known.retain(|_, known| now.boot.since(known.last) <= AGAIN);
        }
        if self.known.len() < KNOWN_MAX {
            let known = Known { seq: recorded.seq, offset, times: 1, first: now.boot, last: now.boot };
            self.known.insert(key(event), known);
        }
        let object = event.object.as_ref().map_or("", |object| object.as_str());
        match self.counts.get_mut(object) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(object.to_owned(), 1);
            }
        }
        recorded
    }

    fn append(&mut self, fresh: &mut Vec<u8>) -> io::Result<()> {
        if let Some(file) = self.file.as_ref().filter(|_| !fresh.is_empty()) {
            file.write_all_at(fresh, self.len)?;
            failpoint::hit("events.appended")?;
            self.len += as_u64(fresh.len());
            fresh.clear();
        }
        Ok(())
    }

    /// Once more in the line that is there.
    fn count(&mut self, event: &Event, known: Known, now: Now) -> io::Result<Recorded> {
        let known = Known { times: known.times.saturating_add(1), last: now.boot, ..known };
        let since = known.last.since(known.first);
        let recorded = Recorded {
            seq: known.seq,
            times: known.times,
            time: crate::units::WallTime(now.wall.0.saturating_sub(since)),
            last: now.wall,
            since_boot: known.first,
            boot: self.boot.clone(),
            event: event.clone(),
        };
        if let Some(file) = &self.file {
            let head = line::head(&recorded);
            file.write_all_at(head.as_bytes(), known.offset)?;
            failpoint::hit("events.counted")?;
        }
        self.known.insert(key(event), known);
        Ok(recorded)
    }

    /// Drops the older part.
    fn compact(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut bytes = vec![0; usize::try_from(self.len).unwrap_or_default()];
        file.read_exact_at(&mut bytes, 0)?;
        let kept = compact::kept(&bytes, self.bounds);
        atomic::write(&self.path, &kept, MODE)?;
        failpoint::hit("events.compacted")?;
        self.file = None;
        self.begin()
    }

    /// Somebody removed the directory, and it was made again: what was written is lost, what comes is not.
    pub fn restored(&mut self) {
        self.file = None;
        self.len = 0;
        self.known.clear();
        self.counts.clear();
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Equal for events that count as the same.
fn key(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(&event.again()).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
