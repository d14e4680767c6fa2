//! Lines of a service's output that match, looked for as the file grows.
//!
//! ```text
//! before a start: where each output ends --> run/marks/HASH
//! each look: from there on, line by line, across cuts; a file that was renamed away is read to its end first
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::errno::io_text;
use super::output::read as output;
use super::probe::About;
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
    /// Where it is remembered how its file was cut.
    journals: PathBuf,
    /// Of the whole stream, which cuts don't change.
    position: u64,
}

impl Mark {
    fn at(path: &Path, journals: &Path) -> Self {
        let end = output::Reader::new(path, journals).ok().and_then(|reader| reader.end().ok());
        Self { path: path.to_owned(), journals: journals.to_owned(), position: end.unwrap_or(0) }
    }
}

/// Notes where these outputs end now; `journals` is where it is remembered how their files are cut.
///
/// # Errors
/// A sentence.
pub fn mark(file: &Path, outputs: &[&Path], journals: &Path) -> Result<(), String> {
    let marks: Vec<Mark> = outputs.iter().map(|path| Mark::at(path, journals)).collect();
    let bytes = serde_json::to_vec(&marks).map_err(|error| error.to_string())?;
    super::atomic::write(file, &bytes, 0o600)
        .map_err(|error| format!("where its output ends can't be noted: {}", io_text(&error)))
}

#[derive(Debug)]
struct Stream {
    mark: Mark,
    open: Option<output::Reader>,
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
    pub fn beat(
        &mut self,
        about: &About,
        text: &str,
        (outputs, journals): (&[PathBuf], &Path),
        now: BootTime,
    ) -> Option<Beat> {
        if self.0.get(about).is_none_or(|reader| reader.text != text) {
            let marks = outputs.iter().map(|path| Mark::at(path, journals)).collect();
            self.0.insert(about.clone(), Reader::new(text, marks, now).ok()?);
        }
        let reader = self.0.get_mut(about)?;
        reader.read(now);
        Some(Beat { last: reader.last, since: reader.since })
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
        let stream = |mark| Stream { mark, open: None, carry: Vec::new() };
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
    /// From where it was to the end, or as far as one look may go.
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let reader = match &mut self.open {
            Some(reader) => reader,
            None => {
                let opened = output::Reader::new(&self.mark.path, &self.mark.journals);
                let mut reader = opened.map_err(|error| io::Error::other(error.to_string()))?;
                reader.seek(self.mark.position);
                self.open.insert(reader)
            }
        };
        let mut left = LOOK_MAX;
        while left > 0 {
            match reader.next()? {
                output::Next::Bytes(bytes) => {
                    left = left.saturating_sub(bytes.len());
                    lines(&mut self.carry, &bytes, each);
                }
                // What isn't kept any more, or is another's, doesn't go on with the line that was begun.
                output::Next::Gap(_) | output::Next::Anew => self.carry.clear(),
                output::Next::End => break,
            }
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
