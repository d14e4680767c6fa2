//! The record of what happened: one file of JSON lines, bounded, kept over restarts and boots.
//!
//! ```text
//! lib/events.jsonl     {"seq":7,"times":         3,"last":"...","pid":      4711,...,"object":"shop","kind":"Started",...}
//! ```
//!
//! *Theory of operation.* A new event is a line at the end. The same event once more (see [`Event::again`]) is counted in the
//! line that is there, whose head has a fixed width, and which has some room where its sentence may be another one: a service that crashes all day writes three lines. Nothing is synced, since
//! nothing is decided from it: a kill of the engine loses nothing, a loss of power the last seconds. When the file has grown
//! to its bound, the older half goes, the events of objects that have the most of them first. A line without an end is what a
//! kill or a full disk left behind, and is cut off by the next engine; readers pass over it.

mod compact;
mod line;
mod read;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use read::{Follower, read};

use super::errno::io_text;
use super::spawn::close_up;
use super::state_dir::Dirs;
use super::{atomic, failpoint};
use crate::plan::event::{Event, Recorded};
use crate::units::{BootId, BootTime, Now, counted};

const MODE: u32 = 0o600;
/// An event that comes back within that time is counted.
const AGAIN: Duration = Duration::from_mins(10);
/// A line that has counted for so long is left, and another one begun.
const COUNTS: Duration = Duration::from_hours(24);
/// So many different events are known again.
const KNOWN_MAX: usize = 4096;
/// The next engine reads so much of the end, and knows again what stands there: to read all of it takes as long as to load a hundred
/// documents.
const KNOWN_BYTES: u64 = 64 << 10;

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Of all events.
    pub bytes: u64,
    /// Events of one object (and of none), to which they are cut back when an engine knows of twice as many.
    pub per_object: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 4 << 20, per_object: 1000 }
    }
}

/// A line that can be counted in. There are thousands of them.
#[derive(Clone, Copy, Debug)]
struct Known {
    seq: u64,
    /// Of its head in the file.
    offset: u64,
    /// Bytes of the line, with its end.
    width: u32,
    times: u32,
    first: Moment,
    last: Moment,
}

/// A moment of this boot in nanoseconds, half as large as [`BootTime`].
#[derive(Clone, Copy, Debug)]
struct Moment(u64);

impl From<BootTime> for Moment {
    fn from(time: BootTime) -> Self {
        Self(u64::try_from(time.0.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Moment> for BootTime {
    fn from(moment: Moment) -> Self {
        Self(Duration::from_nanos(moment.0))
    }
}

impl Known {
    fn new(recorded: &Recorded, offset: u64, width: usize) -> Self {
        let lived = recorded.last.since(recorded.time);
        Self {
            seq: recorded.seq,
            offset,
            width: u32::try_from(width).unwrap_or(u32::MAX),
            times: u32::try_from(recorded.times).unwrap_or(u32::MAX),
            first: recorded.since_boot.into(),
            last: recorded.since_boot.after(lived).into(),
        }
    }

    /// It may be counted in now.
    fn counts(&self, now: BootTime) -> bool {
        now.since(self.last.into()) <= AGAIN && now.since(self.first.into()) <= COUNTS
    }
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
    known: BTreeMap<u64, Known>,
    /// Events of each object, and under the empty name those of none, by the hash of its name: two that are counted as one are cut
    /// back the sooner. What stood there before the end that was read isn't among them.
    counts: BTreeMap<u64, u32>,
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
            known: BTreeMap::new(),
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
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .custom_flags(flags)
            .open(&self.path)?;
        let length = file.metadata()?.len();
        // Twice the bound was never written by us.
        let (bytes, begin) = end_of(&file, length.min(self.bounds.bytes.saturating_mul(2)))?;
        let lines = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
        self.len = begin + as_u64(lines);
        if self.len < length {
            file.set_len(self.len)?;
        }
        self.take_in(bytes.get(..lines).unwrap_or_default(), begin);
        self.file = Some(file);
        Ok(())
    }

    /// Counts, numbers, and the lines that can be counted in, from this place on.
    fn take_in(&mut self, lines: &[u8], begin: u64) {
        self.counts.clear();
        self.known.clear();
        let boot = self.boot.clone();
        let recent = line::Recent::within(AGAIN, &boot);
        let mut offset = begin;
        for text in lines.split_inclusive(|byte| *byte == b'\n') {
            self.count_line(line::object(text));
            if let Some(seq) = line::seq(text) {
                self.next = self.next.max(seq.saturating_add(1));
            }
            if let Some(recorded) = recent.read(text) {
                self.known.insert(key(&recorded.event), Known::new(&recorded, offset, text.len()));
            }
            offset += as_u64(text.len());
        }
    }

    fn count_line(&mut self, object: &str) {
        let count = self.counts.entry(hash(object)).or_default();
        *count = count.saturating_add(1);
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
            let message = format!("{} could not be written down", counted(self.lost, "event"));
            lost = Some(Event::new(crate::plan::event::EventKind::Lost, "NotWritten", message));
        }
        let mut recorded = Vec::with_capacity(events.len());
        let mut fresh = Vec::new();
        for event in lost.iter().chain(events) {
            let again = self.known.get(&key(event)).filter(|known| known.counts(now.boot));
            match again.copied() {
                Some(known) => {
                    self.append(&mut fresh)?;
                    let counted = self.count(event, known, now)?;
                    recorded.push(counted.unwrap_or_else(|| self.add(event, now, &mut fresh)));
                }
                None => recorded.push(self.add(event, now, &mut fresh)),
            }
        }
        self.append(&mut fresh)?;
        self.lost = 0;
        let most = u32::try_from(self.bounds.per_object.saturating_mul(2)).unwrap_or(u32::MAX);
        let noisy = self.counts.values().any(|count| *count > most);
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
        let text = line::text(&recorded);
        fresh.extend_from_slice(text.as_bytes());
        if self.known.len() >= KNOWN_MAX {
            self.known.retain(|_, known| now.boot.since(known.last.into()) <= AGAIN);
        }
        if self.known.len() < KNOWN_MAX {
            self.known.insert(key(event), Known::new(&recorded, offset, text.len()));
        }
        self.count_line(event.object.as_ref().map_or("", |object| object.as_str()));
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

    /// Once more in the line that is there; nothing if what it says by now has no room in it.
    fn count(&mut self, event: &Event, known: Known, now: Now) -> io::Result<Option<Recorded>> {
        let known = Known { times: known.times.saturating_add(1), last: now.boot.into(), ..known };
        let first = BootTime::from(known.first);
        let since = now.boot.since(first);
        let recorded = Recorded {
            seq: known.seq,
            times: known.times.into(),
            time: crate::units::WallTime(now.wall.0.saturating_sub(since)),
            last: now.wall,
            since_boot: first,
            boot: self.boot.clone(),
            event: event.clone(),
        };
        let text = if event.kind.tells_facts() {
            line::of_width(&recorded, usize::try_from(known.width).unwrap_or_default())
        } else {
            Some(line::head(&recorded))
        };
        let Some(text) = text else { return Ok(None) };
        if let Some(file) = &self.file {
            file.write_all_at(text.as_bytes(), known.offset)?;
            failpoint::hit("events.counted")?;
        }
        self.known.insert(key(event), known);
        Ok(Some(recorded))
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

    /// Much was written at once, for a moment of which much more was needed.
    pub fn settle(&mut self) {
        close_up(&mut self.known);
        close_up(&mut self.counts);
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

/// The last whole lines of so much of a file, with what follows them, and where they begin.
fn end_of(file: &File, length: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut much = KNOWN_BYTES;
    loop {
        let begin = length.saturating_sub(much);
        let mut bytes = vec![0; usize::try_from(length - begin).unwrap_or_default()];
        file.read_exact_at(&mut bytes, begin)?;
        if begin == 0 {
            return Ok((bytes, 0));
        }
        // The first line may lack its beginning.
        let first = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
        let lines = bytes.split_off(first);
        if memchr::memchr(b'\n', &lines).is_some() {
            return Ok((lines, begin + as_u64(first)));
        }
        much = much.saturating_mul(8);
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Equal for events that count as the same.
fn key(event: &Event) -> u64 {
    hash(&serde_json::to_string(&event.again()).unwrap_or_default())
}

fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

#[cfg(test)]
mod tests;
