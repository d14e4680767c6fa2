//! Lines of a service's output that match, looked for as the file grows.
//!
//! ```text
//! before a start: where each output ends --> run/marks/HASH
//! each look: from there on, line by line; a file that was renamed away is read to its end first
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use regex::bytes::{Regex, RegexBuilder};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::errno::io_text;
use super::probe::About;
use super::walk;
use crate::facts::{Fact, ProcessKey, Reason, Why};
use crate::plan::observation::Beat;
use crate::units::BootTime;

/// Read in one look of one file; the rest waits for the next one.
const LOOK_MAX: usize = 4 << 20;
/// A longer line is looked at in pieces.
const LINE_MAX: usize = 64 << 10;
/// A mark is a few lines.
const MARK_MAX: usize = 64 << 10;

/// Where an output ended when the process began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Mark {
    path: PathBuf,
    /// The file; both zero: there was none.
    dev: u64,
    ino: u64,
    size: u64,
}

impl Mark {
    fn at(path: &Path, from_end: bool) -> Self {
        let meta = fs::metadata(path).ok().filter(|_| from_end);
        let of = |part: fn(&fs::Metadata) -> u64| meta.as_ref().map_or(0, part);
        Self {
            path: path.to_owned(),
            dev: of(MetadataExt::dev),
            ino: of(MetadataExt::ino),
            size: of(MetadataExt::size),
        }
    }
}

/// Notes where these outputs end now.
///
/// # Errors
/// A sentence.
pub fn mark(file: &Path, outputs: &[&Path]) -> Result<(), String> {
    let marks: Vec<Mark> = outputs.iter().map(|path| Mark::at(path, true)).collect();
    let bytes = serde_json::to_vec(&marks).map_err(|error| error.to_string())?;
    super::atomic::write(file, &bytes, 0o600)
        .map_err(|error| format!("where its output ends can't be noted: {}", io_text(&error)))
}

#[derive(Debug)]
struct Stream {
    path: PathBuf,
    open: Option<File>,
    mark: Mark,
    carry: Vec<u8>,
}

#[derive(Debug)]
struct Reader {
    regex: Regex,
    text: String,
    streams: Vec<Stream>,
    found: bool,
    last: Option<BootTime>,
    since: BootTime,
}

/// Readers by process and purpose.
#[derive(Debug, Default)]
pub struct LogLines(BTreeMap<About, Reader>);

impl LogLines {
    /// Whether a line matched since the process began, by the mark in `file`.
    pub fn since_start(&mut self, about: &About, text: &str, file: &Path, now: BootTime) -> Fact<bool> {
        if self.0.get(about).is_none_or(|reader| reader.text != text) {
            let marks = super::files::read_bytes(file, MARK_MAX)
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Vec<Mark>>(&bytes).ok());
            let Some(marks) = marks else {
                let detail = "where its output began was not noted";
                return Fact::Unknown(Reason::new(Why::Unresolved, detail));
            };
            match Reader::new(text, marks, now) {
                Ok(reader) => drop(self.0.insert(about.clone(), reader)),
                Err(reason) => return Fact::Unknown(reason),
            }
        }
        let Some(reader) = self.0.get_mut(about) else { return Fact::Absent };
        if !reader.found {
            reader.read(now);
        }
        if reader.found {
            reader.streams.clear();
        }
        Fact::Known(reader.found)
    }

    /// When a line matched last, of those that were written since somebody looks.
    pub fn beat(&mut self, about: &About, text: &str, outputs: &[PathBuf], now: BootTime) -> Option<Beat> {
        if self.0.get(about).is_none_or(|reader| reader.text != text) {
            let marks = outputs.iter().map(|path| Mark::at(path, true)).collect();
            self.0.insert(about.clone(), Reader::new(text, marks, now).ok()?);
        }
        let reader = self.0.get_mut(about)?;
        reader.read(now);
        Some(Beat { last: reader.last, since: reader.since })
    }

    /// The first `removed` bytes of a file were taken away; call it before, when all that stands in there is to be read,
    /// with `removed` 0.
    pub fn rotated(&mut self, path: &Path, removed: u64, now: BootTime) {
        for reader in self.0.values_mut() {
            if reader.streams.iter().all(|stream| stream.path != path) {
                continue;
            }
            if removed == 0 {
                reader.read(now);
                continue;
            }
            for stream in reader.streams.iter_mut().filter(|stream| stream.path == path) {
                stream.mark.size = stream.mark.size.saturating_sub(removed);
            }
        }
    }

    /// Forgets processes that are gone.
    pub fn retain(&mut self, wanted: impl Fn(&ProcessKey) -> bool) {
        self.0.retain(|about, _| wanted(&about.0));
    }
}

impl Reader {
    fn new(text: &str, mut marks: Vec<Mark>, now: BootTime) -> Result<Self, Reason> {
        let regex = RegexBuilder::new(text)
            .size_limit(1 << 20)
            .build()
            .map_err(|_| Reason::new(Why::Unresolved, "this version can't compile its `logLine`"))?;
        marks.dedup_by(|one, other| one.path == other.path);
        let stream = |mark: Mark| Stream { path: mark.path.clone(), open: None, mark, carry: Vec::new() };
        let streams = marks.into_iter().map(stream).collect();
        Ok(Self { regex, text: text.to_owned(), streams, found: false, last: None, since: now })
    }

    fn read(&mut self, now: BootTime) {
        let regex = &self.regex;
        let mut matched = false;
        for stream in &mut self.streams {
            // What can't be read now may be at the next look: then nothing matched yet.
            let _ = stream.read(&mut |line| matched |= regex.is_match(line));
        }
        if matched {
            self.found = true;
            self.last = Some(now);
        }
    }
}

impl Stream {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut left = LOOK_MAX;
        let present = open(&self.path).and_then(|file| Ok((file.metadata()?, file)));
        if self.open.is_none() {
            let Ok((meta, file)) = present else { return present.map(|_| ()) };
            if (meta.dev(), meta.ino()) != (self.mark.dev, self.mark.ino) {
                self.mark = Mark { dev: meta.dev(), ino: meta.ino(), size: 0, path: self.path.clone() };
            }
            self.open = Some(file);
            return self.go_on(&mut left, each);
        }
        self.go_on(&mut left, each)?;
        if let Ok((meta, file)) = present
            && (meta.dev(), meta.ino()) != (self.mark.dev, self.mark.ino)
            && left > 0
        {
            // Another file has the name now, and the former one was read to its end.
            self.mark = Mark { dev: meta.dev(), ino: meta.ino(), size: 0, path: self.path.clone() };
            self.open = Some(file);
            self.carry.clear();
            self.go_on(&mut left, each)?;
        }
        Ok(())
    }

    /// From the mark to the end of the file, or as far as one look may go.
    fn go_on(&mut self, left: &mut usize, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let Some(file) = &mut self.open else { return Ok(()) };
        if file.metadata()?.size() < self.mark.size {
            // It was made shorter by somebody who didn't say so.
            self.mark.size = 0;
            self.carry.clear();
        }
        file.seek(SeekFrom::Start(self.mark.size))?;
        let mut buffer = vec![0u8; 64 << 10];
        while *left > 0 {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            *left = left.saturating_sub(read);
            self.mark.size = self.mark.size.saturating_add(u64::try_from(read).unwrap_or(0));
            lines(&mut self.carry, buffer.get(..read).unwrap_or_default(), each);
        }
        Ok(())
    }
}

/// Whole lines; what has no end yet is kept for the next time.
fn lines(carry: &mut Vec<u8>, bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        carry.extend_from_slice(piece);
        if piece.ends_with(b"\n") || carry.len() >= LINE_MAX {
            each(carry.strip_suffix(b"\n").unwrap_or(carry));
            carry.clear();
        }
    }
}

/// A regular file, and no link: its directory may belong to the service's user.
fn open(path: &Path) -> io::Result<File> {
    let file = walk::open_resolved(path, OFlags::RDONLY | OFlags::NONBLOCK, 0)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::from_raw_os_error(libc::EINVAL)) }
}
