//! Records: a host over a while, as a snapshot and what changed since.
//!
//! ```text
//! record: 1          the form; every: from look to look; events: the kernel told of changes between them
//! host: ...          a snapshot
//! processes: ...
//! ...
//! ---
//! at: 5s             since the first look
//! processes:         a process that is new has all its keys, another one those that changed; `~` for one that ended
//!   - {pid: 812, rss: 14MiB}
//! gone: [811]        exited, applied before `processes`
//! ...
//! ```
//!
//! Of `host` a frame states what changed; in `files`, `users` and `groups` each entry by itself, and `unlinked` lists
//! the paths that are no more. `noticed: [812]` says that the frame is no whole look, but what the kernel told of these processes.
//!
//! The clocks go on by `at`. A setting of the wall clock is not recorded. Each document ends with `...`: what follows the last one
//! was being written when the recording was killed, and is left out.

mod frames;
mod merge;
mod write;

#[cfg(test)]
mod tests;

pub use frames::{Frame, Frames};
pub use write::Recorder;

use std::sync::Arc;
use std::time::Duration;

use super::codes;
use super::read::Reader;
use super::{LIMITS, finish};
use crate::diagnostic::{Diagnostic, Source};
use crate::yaml::{Node, NodeKind};

/// The form that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// A record, read and not yet looked at.
#[derive(Debug)]
pub struct Record {
    source: Arc<Source>,
    /// The heading with the first look, and the frames.
    documents: Vec<Node>,
    /// From look to look.
    pub every: Duration,
    /// The kernel told of changes between the looks, so that short-lived processes are in it.
    pub events: bool,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// It is none, of another form, or no YAML. What is wrong with a frame says that frame.
    pub fn parse(name: &str, text: String) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(name, whole(text));
        let parsed = crate::yaml::parse(&source, &LIMITS);
        let mut reader = Reader { diagnostics: parsed.diagnostics };
        let documents = parsed.documents;
        let Some(heading) = documents.first().filter(|first| matches!(first.kind, NodeKind::Mapping(_)))
        else {
            if reader.diagnostics.is_empty() {
                let message = "a record begins with `record: 1` and a snapshot";
                let span = documents.first().map(|first| first.span).unwrap_or_default();
                reader.error(
                    codes::FORM,
                    span,
                    message,
                    "make one with `selfsame test --record 1h --out FILE`",
                );
            }
            return Err(located(reader, &source));
        };
        let Some((every, events)) = self::heading(&mut reader, heading) else {
            return Err(located(reader, &source));
        };
        finish(reader, Some(Self { source: Arc::clone(&source), documents, every, events }), &source)
    }

    /// Its looks, from the first.
    pub fn frames(&self) -> Frames<'_> {
        Frames::new(&self.source, &self.documents)
    }
}

/// `every` and `events` of the first document.
fn heading(reader: &mut Reader, node: &Node) -> Option<(Duration, bool)> {
    let fields = reader.fields(node, "the beginning of a record", &frames::FIRST_KEYS)?;
    let Some(version) = fields.get("record") else {
        let help = "make one with `selfsame test --record 1h --out FILE`";
        reader.error(codes::FORM, node.span, "this is no record: `record: 1` is missing", help);
        return None;
    };
    let found: u32 = reader.number(version)?;
    if found != VERSION {
        let message = format!("a record of the form {found} can't be read, only {VERSION}");
        reader.error(
            codes::FORM,
            version.span,
            message,
            "read it with the selfsame that made it, or record anew",
        );
        return None;
    }
    let every = match fields.get("every") {
        Some(node) => reader.duration(node)?,
        None => Duration::from_secs(5),
    };
    let events = match fields.get("events") {
        Some(node) => reader.boolean(node)?,
        None => false,
    };
    Some((every, events))
}

/// Without a document that wasn't written to its end. One that people wrote may have no ends at all.
fn whole(mut text: String) -> String {
    if let Some(end) = text.rfind("\n...\n") {
        text.truncate(end + "\n...\n".len());
    }
    text
}

fn located(reader: Reader, source: &Arc<Source>) -> Vec<Diagnostic> {
    reader.diagnostics.into_iter().map(|diagnostic| diagnostic.in_source(source)).collect()
}
