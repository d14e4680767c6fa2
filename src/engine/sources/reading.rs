//! Long texts are read beside the loop, within a limit.
//!
//! ```text
//! a changed file --short--> read when it is loaded
//!               \--long--> a worker --in time--> loaded
//!                                   \--later--> its file counts as it last did, and is looked at again
//!                                    \--never--> refused until it is another text
//! ```
//!
//! A short text takes a few milliseconds whatever it is, which isn't worth a hand-over. For a mebibyte two readers of YAML need
//! up to a second together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::gathered::Found;
use super::{Sources, SourcesLook, TOO_SLOW};
use crate::diagnostic::Diagnostic;
use crate::host::aside::{Job, Progress, Workers};
use crate::host::failpoint;
use crate::host::patience::Patience;
use crate::spec::{ReadText, ReadTexts, SpecFile};
use crate::units::BootTime;
use crate::yaml;

/// Texts of so many bytes, and more, are read beside the loop.
pub(super) const LONG: usize = 16 << 10;
/// CPU time for one text.
const LIMIT: Duration = Duration::from_secs(5);
/// Workers, those that were given up included.
const WORKERS: usize = 2;
/// What a look of the loop waits for texts that aren't read yet, in all.
const PATIENCE: Duration = Duration::from_millis(20);
/// The first look of a loop: nobody is looked after yet.
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(5);
/// Looks that nobody waits for but a person. The limit ends each text long before.
const PATIENCE_OF_A_PERSON: Duration = Duration::from_hours(1);
/// A text that is being read is asked for again after so long.
const AGAIN: Duration = Duration::from_millis(50);

/// Where long texts are read.
#[derive(Debug)]
pub(super) struct Desk {
    workers: Workers,
    limit: Duration,
    read: fn(SpecFile) -> ReadText,
    /// By the name of the file, with the digest of its content.
    jobs: BTreeMap<String, (Arc<str>, Job<ReadText>)>,
    /// Texts that are not tried again: name, digest, and why.
    refused: BTreeMap<String, (Arc<str>, String)>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            workers: Workers::new(WORKERS),
            limit: LIMIT,
            read: |file| {
                let _ = failpoint::hit("text.read");
                ReadText::of(file, &yaml::Limits::default())
            },
            jobs: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }
}

/// What became of the long texts of a look.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    ready: ReadTexts,
    /// Names of files that are being read, or wait for a worker.
    pending: Vec<String>,
    /// Files that are refused, and why.
    refused: BTreeMap<String, String>,
}

impl Desk {
    /// Has these texts read. Takes no longer than `patience`.
    fn read(&mut self, texts: &[&Found], patience: Duration) -> Sifted {
        let is_one = |name: &String, digest: &Arc<str>| {
            texts.iter().any(|found| found.name == *name && found.file.digest() == digest)
        };
        // Answers about texts that nobody has any more are dropped.
        self.jobs.retain(|name, (digest, _)| is_one(name, digest));
        self.refused.retain(|name, (digest, _)| is_one(name, digest));
        let mut sifted = Sifted::default();
        let known = |name: &String| self.jobs.contains_key(name) || self.refused.contains_key(name);
        let mut waiting: Vec<&Found> = texts.iter().copied().filter(|found| !known(&found.name)).collect();
        waiting.reverse();
        let patience = Patience::new(patience);
        loop {
            self.begin(&mut waiting, &mut sifted);
            self.take_answers(patience.left(), &mut sifted);
            if (waiting.is_empty() && self.jobs.is_empty()) || patience.is_over() {
                break;
            }
            if self.jobs.is_empty() {
                // All places are taken by work that was given up.
                patience.pause(crate::host::patience::PAUSE.min(patience.left()));
            }
        }
        sifted.pending =
            self.jobs.keys().cloned().chain(waiting.iter().map(|found| found.name.clone())).collect();
        sifted.refused = self.refused.iter().map(|(name, (_, why))| (name.clone(), why.clone())).collect();
        sifted
    }

    fn begin(&mut self, waiting: &mut Vec<&Found>, sifted: &mut Sifted) {
        while !self.workers.are_busy()
            && let Some(found) = waiting.pop()
        {
            let (file, read) = (found.to_load(), self.read);
            match self.workers.begin(move || read(file), || ()) {
                Ok(job) => {
                    self.jobs.insert(found.name.clone(), (Arc::clone(found.file.digest()), job));
                }
                // Better late than never.
                Err(_) => {
                    sifted.ready.insert(found.name.clone(), (self.read)(found.to_load()));
                }
            }
        }
    }

    /// Waits for the first one of them, and asks the others.
    fn take_answers(&mut self, patience: Duration, sifted: &mut Sifted) {
        let mut patience = patience.min(PATIENCE);
        for (name, (digest, job)) in std::mem::take(&mut self.jobs) {
            let refused = match job.progress(std::mem::take(&mut patience), self.limit) {
                Progress::Done(text) => {
                    sifted.ready.insert(name, text);
                    continue;
                }
                Progress::Working => {
                    self.jobs.insert(name, (digest, job));
                    continue;
                }
                Progress::Over => {
                    format!("reading its YAML takes more than {} s of CPU time", self.limit.as_secs_f32())
                }
                Progress::Lost => "reading its YAML failed, which is a defect of selfsame".to_owned(),
            };
            self.refused.insert(name, (digest, refused));
        }
    }
}

impl Sources {
    /// Has long texts that changed read, and leaves out the files of those that aren't, or can't be.
    pub(super) fn read_aside(&mut self, files: &mut Vec<Found>, look: &mut SourcesLook, now: BootTime) {
        let is_known = |found: &Found| {
            self.loaded.get(found.name.as_str()).is_some_and(|known| known.digest == *found.file.digest())
        };
        let most = yaml::Limits::default().bytes;
        let is_long = |found: &&Found| (LONG..=most).contains(&found.file.bytes.len()) && !is_known(found);
        let texts: Vec<&Found> = files.iter().filter(is_long).collect();
        if texts.is_empty() && self.reading.jobs.is_empty() && self.reading.refused.is_empty() {
            return;
        }
        let patience = match (self.in_loop, self.looks) {
            (false, _) => PATIENCE_OF_A_PERSON,
            (true, ..=1) => PATIENCE_AT_FIRST,
            (true, _) => PATIENCE,
        };
        let sifted = self.reading.read(&texts, patience);
        files.retain(|found| {
            !sifted.pending.contains(&found.name) && !sifted.refused.contains_key(&found.name)
        });
        self.ready = sifted.ready;
        for name in sifted.pending {
            look.again = look.again.into_iter().chain([now.after(AGAIN)]).min();
            look.leave_out(name, "its text is still being read".to_owned());
        }
        for (name, why) in sifted.refused {
            let help = "split it into several files";
            let message = format!("`{name}` is not used: {why}");
            look.diagnostics.push(Diagnostic::error(TOO_SLOW, message).help(help));
            look.leave_out(name, why);
        }
    }
}

impl SourcesLook {
    /// A file counts as it last did.
    fn leave_out(&mut self, name: String, why: String) {
        self.digest.push_str(&format!("{name} {why}\n"));
        self.unusable.insert(name, why);
    }
}

#[cfg(test)]
mod tests;
