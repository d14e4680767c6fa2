//! Lines of a service's output that match, looked for as it is written.
//!
//! ```text
//! before a start: the position in the stream of each output --> run/marks/NAME.INDEX.json
//! each look: from there on, line by line, through pieces that were cut off and files that were renamed away
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::errno::io_text;
use super::output::read::{Next, Reader as Output};
use super::probe::About;
use crate::facts::{Fact, ProcessKey, Reason, Why};
use crate::plan::observation::Beat;
use crate::units::BootTime;

/// Read in one look of one output; the rest waits for the next one.
const LOOK_MAX: usize = 4 << 20;
/// A longer line is looked at in pieces.
const LINE_MAX: usize = 64 << 10;
/// A mark is a few lines.
const MARK_MAX: usize = 64 << 10;

/// Where an output was when the process began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Mark {
    path: PathBuf,
    /// In the stream.
    position: u64,
}

impl Mark {
    /// An output that isn't there yet begins at its beginning.
    fn at(path: &Path, journals: &Path) -> Self {
        let end = Output::new(path, journals).ok().and_then(|mut output| {
            output.seek_end().ok()?;
            Some(output.position())
        });
        Self { path: path.to_owned(), position: end.unwrap_or(0) }
    }
}

/// Notes where these outputs are now. Journals of what was cut off lie in `journals`.
///
/// # Errors
/// A sentence.
pub fn mark(file: &Path, outputs: &[&Path], journals: &Path) -> Result<(), String> {
    let marks: Vec<Mark> = outputs.iter().map(|path| Mark::at(path, journals)).collect();
    let bytes = serde_json::to_vec(&marks).map_err(|error| error.to_string())?;
    super::atomic::write(file, &bytes, 0o600)
        .map_err(|error| format!("where its output begins can't be noted: {}", io_text(&error)))
}

#[derive(Debug)]
struct Stream {
    mark: Mark,
    output: Option<Output>,
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
pub struct LogLines {
    journals: PathBuf,
    readers: BTreeMap<About, Reader>,
}

impl LogLines {
    /// None yet; journals of what was cut off of outputs lie in `journals`.
    pub fn new(journals: PathBuf) -> Self {
        Self { journals, readers: BTreeMap::new() }
    }

    /// Whether a line matched since the process began, by the mark in `file`.
    pub fn since_start(&mut self, about: &About, text: &str, file: &Path, now: BootTime) -> Fact<bool> {
        if self.readers.get(about).is_none_or(|reader| reader.text != text) {
            let marks = super::files::read_bytes(file, MARK_MAX)
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Vec<Mark>>(&bytes).ok());
            let Some(marks) = marks else {
                let detail = "where its output began was not noted";
                return Fact::Unknown(Reason::new(Why::Unresolved, detail));
            };
            match Reader::new(text, marks, now) {
                Ok(reader) => drop(self.readers.insert(about.clone(), reader)),
                Err(reason) => return Fact::Unknown(reason),
            }
        }
        let Some(reader) = self.readers.get_mut(about) else { return Fact::Absent };
        if !reader.found {
            reader.read(&self.journals, now);
        }
        if reader.found {
            reader.streams.clear();
        }
        Fact::Known(reader.found)
    }

    /// When a line matched last, of those that were written since somebody looks.
    pub fn beat(&mut self, about: &About, text: &str, outputs: &[PathBuf], now: BootTime) -> Option<Beat> {
        if self.readers.get(about).is_none_or(|reader| reader.text != text) {
            let marks = outputs.iter().map(|path| Mark::at(path, &self.journals)).collect();
            self.readers.insert(about.clone(), Reader::new(text, marks, now).ok()?);
        }
        let reader = self.readers.get_mut(about)?;
        reader.read(&self.journals, now);
        Some(Beat { last: reader.last, since: reader.since })
    }

    /// Forgets processes that are gone.
    pub fn retain(&mut self, wanted: impl Fn(&ProcessKey) -> bool) {
        self.readers.retain(|about, _| wanted(&about.0));
    }
}

impl Reader {
    fn new(text: &str, mut marks: Vec<Mark>, now: BootTime) -> Result<Self, Reason> {
        let regex = RegexBuilder::new(text)
            .size_limit(1 << 20)
            .build()
            .map_err(|_| Reason::new(Why::Unresolved, "this version can't compile its `logLine`"))?;
        marks.dedup_by(|one, other| one.path == other.path);
        let stream = |mark: Mark| Stream { mark, output: None, carry: Vec::new() };
        let streams = marks.into_iter().map(stream).collect();
        Ok(Self { regex, text: text.to_owned(), streams, found: false, last: None, since: now })
    }

    fn read(&mut self, journals: &Path, now: BootTime) {
        let regex = &self.regex;
        let mut matched = false;
        for stream in &mut self.streams {
            stream.read(journals, &mut |line| matched |= regex.is_match(line));
        }
        if matched {
            self.found = true;
            self.last = Some(now);
        }
    }
}

impl Stream {
    /// What can't be read now may be at the next look: then nothing matched yet.
    fn read(&mut self, journals: &Path, each: &mut dyn FnMut(&[u8])) {
        if self.output.is_none() {
            self.output = Output::new(&self.mark.path, journals).ok();
            if let Some(output) = &mut self.output {
                output.seek(self.mark.position);
            }
        }
        let Some(output) = &mut self.output else { return };
        let mut left = LOOK_MAX;
        while left > 0 {
            match output.next() {
                Ok(Next::Bytes(bytes)) => {
                    left = left.saturating_sub(bytes.len());
                    lines(&mut self.carry, &bytes, each);
                }
                Ok(Next::Gap(_) | Next::Anew) => self.carry.clear(),
                Ok(Next::End) | Err(_) => return,
            }
        }
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
