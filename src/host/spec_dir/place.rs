//! One place, looked at again and again. Level-triggered: whatever an event said, the look decides.
//!
//! ```text
//! walk to it --> who could change where it leads? --> which directory is it? --> git at work?
//!   --> all names --> stamps --> what changed is read (unless it is still being written) --> all of it together
//! ```
//!
//! A look that finds the place in the middle of a change gives the last state again and says when to look next: a
//! checkout of five hundred files is one change. Nobody waits for longer than `settle_max`; what still changes then is
//! left out by itself (`ReadUnstable`).

mod entering;
mod file;
mod gathering;
mod manner;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gathering::{Directory, Gathering, Name};
use rustix::fs::FileType;

pub use manner::{Attention, Manner};

use super::chain::{self, Watched};
use super::git::{self, GitHold};
use super::identity::{Believed, Identity};
use super::known::{KnownFiles, Patience};
use super::read::{not_regular, read_trusted};
use super::remote::remote;
use super::stamp::{Reading, Stamp};
use super::{Listing, Look, Pending, Problem, ProblemReason, SpecFile, Unavailable, UnavailableReason};
use crate::host::clock;
use crate::host::errno::io_text;
use crate::host::walk;
use crate::host::work_tree::WorkTree;
use crate::units::BootTime;

/// While git is at work it is looked at so often: its own end may not be heard.
const GIT_AGAIN: Duration = Duration::from_millis(250);

/// A file that is never finished is looked at so often.
const UNSTABLE_AGAIN: Duration = Duration::from_secs(1);

/// A place, and what is known of it from the looks before.
#[derive(Debug)]
pub struct Place {
    pub(super) path: PathBuf,
    pub(super) manner: Arc<Manner>,
    known: KnownFiles,
    believed: Believed,
    pub(super) git: GitHold,
    pub(super) git_dir: Option<PathBuf>,
    pub(super) last: Option<Listing>,
    /// Of all files of the last listing.
    pub(super) bytes: u64,
    waiting_since: Option<BootTime>,
    nothing_new: bool,
    remote: Option<&'static str>,
    /// Of the present look.
    pub(super) reading: Option<Reading>,
    pub(super) directories: Vec<PathBuf>,
    pub(super) linked: BTreeSet<PathBuf>,
}

impl Place {
    /// A directory or a file.
    pub fn new(path: PathBuf, manner: Manner) -> Self {
        Self {
            path,
            manner: Arc::new(manner),
            known: KnownFiles::default(),
            believed: Believed::default(),
            git: GitHold::default(),
            git_dir: None,
            last: None,
            bytes: 0,
            waiting_since: None,
            nothing_new: false,
            remote: None,
            reading: None,
            directories: Vec::new(),
            linked: BTreeSet::new(),
        }
    }

    /// Looks in this manner from now on. What is known stays known where it doesn't rest on the former manner.
    pub fn look_in(&mut self, manner: &Manner) {
        if (&self.manner.trust, self.manner.limits) != (&manner.trust, manner.limits) {
            self.known = KnownFiles::default();
        }
        self.manner = Arc::new(manner.clone());
    }

    /// As it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why changes of it are to be expected that nobody tells of: the name of its file system.
    pub fn remote(&self) -> Option<&'static str> {
        self.remote
    }

    /// What to watch to hear of its changes.
    pub fn watched(&self) -> BTreeSet<Watched> {
        let mut found = chain::watched(&self.path);
        found.extend(self.directories.iter().chain(&self.linked).cloned().map(Watched::Entries));
        if let Some(git) = &self.git_dir {
            found.extend(git::SIGNS.iter().map(|sign| Watched::Entry(git.clone(), (*sign).into())));
        }
        found
    }

    /// Whether the last look at all of it found the very files that were known, and left no doubt.
    pub fn has_nothing_new(&self) -> bool {
        self.nothing_new && self.remote.is_none()
    }

    /// Looks at it.
    pub fn look(&mut self, attention: Attention<'_>) -> Look {
        self.look_telling(attention, &|_| {})
    }

    /// The same, and tells of each file that can be used, as it is now or still is, while it goes on.
    pub fn look_telling(&mut self, attention: Attention<'_>, heard: &dyn Fn(&SpecFile)) -> Look {
        self.nothing_new = false;
        match self.see(attention, heard) {
            Ok(listing) => Look::Found(listing),
            Err((reason, text)) => {
                self.waiting_since = None;
                let text = format!("`{}`: {text}", self.path.display());
                Look::Unavailable(Unavailable { reason, text })
            }
        }
    }

    fn see(
        &mut self,
        attention: Attention<'_>,
        heard: &dyn Fn(&SpecFile),
    ) -> Result<Listing, (UnavailableReason, String)> {
        let absolute = std::path::absolute(&self.path).map_err(|error| away(&error))?;
        let stages = walk::stages(&absolute).map_err(|error| away(&error))?;
        let Some(last) = stages.last() else {
            return Err((UnavailableReason::Missing, "it leads nowhere".into()));
        };
        if !last.meta.is_dir() {
            let weak = walk::weakest(&stages, &self.manner.trust.owners);
            return Ok(self.one_file(&absolute, &last.meta, weak, Gathering::new(attention, heard)));
        }
        if let Some(weak) = walk::weakest(&stages, &self.manner.trust.owners) {
            return Err((UnavailableReason::UntrustedSource, format!("it is not to be trusted: {weak}")));
        }
        let (open, identity) = open_judged(&last.path, &last.meta).map_err(|error| away(&error))?;
        self.remote = remote(&open);
        self.git_dir = WorkTree::of(&last.path).map(|tree| tree.git);
        if let Some(why) = self.git.look(self.git_dir.as_deref(), attention.now) {
            let again = attention.now.after(GIT_AGAIN);
            return self.once_more(why.clone(), again).ok_or((UnavailableReason::Unsettled, why));
        }
        self.directory(
            &Directory { open, real: last.path.clone(), below: PathBuf::new() },
            identity,
            Gathering::new(attention, heard),
        )
    }

    /// The last state again, since the present one is none.
    fn once_more(&self, text: String, again: BootTime) -> Option<Listing> {
        let last = self.last.clone()?;
        Some(Listing { complete: false, pending: Some(Pending { text, again }), again: Some(again), ..last })
    }

    fn directory(
        &mut self,
        directory: &Directory,
        identity: Identity,
        mut gathering: Gathering<'_>,
    ) -> Result<Listing, (UnavailableReason, String)> {
        // Before the first file: what happens to one after it was read is later.
        self.reading =
            self.remote.is_none().then(|| Reading { device: identity.dev, at: clock::of_stamps() });
        let elsewhere = self.believed.moved_elsewhere(Path::new(""), &identity);
        let real = directory.real.clone();
        let before = elsewhere.then(|| self.believed.clone());
        self.known.begin();
        self.enter(directory, identity, &mut gathering, 0).map_err(|error| away(&error))?;
        if let Some(before) = before
            && gathering.files.is_empty()
            && gathering.problems.is_empty()
        {
            // However often it is seen so.
            self.believed = before;
            let text = "another file system is there than before, without documents: something was mounted over it or unmounted";
            return Err((UnavailableReason::AnotherMount, text.into()));
        }
        // It may have been replaced while its files were read.
        let still =
            OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(&real);
        gathering.complete &=
            still.is_ok_and(|dir| Identity::of(&dir).is_ok_and(|now| now.is_same(&identity)));
        Ok(self.conclude(gathering, identity))
    }

    fn one_file(
        &mut self,
        real: &Path,
        meta: &fs::Metadata,
        weak: Option<String>,
        mut gathering: Gathering<'_>,
    ) -> Listing {
        self.known.begin();
        (self.remote, self.reading) = (None, None);
        let stamp = Stamp::of(meta);
        let shown = self.path.clone();
        if stamp.kind() != FileType::RegularFile {
            gathering.refuse(shown, not_regular());
        } else if let Some(weak) = weak {
            gathering.refuse(shown, (ProblemReason::UntrustedSource, weak));
        } else {
            let manner = Arc::clone(&self.manner);
            let opened = || read_trusted(real, &manner.trust, manner.limits.file_bytes);
            self.file(Name { below: Path::new(""), shown: &shown, real }, stamp, &mut gathering, opened);
        }
        let identity = Identity { dev: meta.dev(), ino: meta.ino(), born: None, mount: 0 };
        self.conclude(gathering, identity)
    }

    /// All of it together, or the last state once more.
    fn conclude(&mut self, gathering: Gathering<'_>, identity: Identity) -> Listing {
        let Gathering {
            attention,
            mut files,
            mut problems,
            mut ignored,
            unfinished,
            complete,
            mut again,
            ..
        } = gathering;
        let patience = self.patience(&attention);
        let waited_for = unfinished.iter().filter(|(below, _)| self.known.is_waited_for(below));
        let mut waited_for = waited_for.peekable();
        if let Some((_, path)) = waited_for.peek() {
            let first = attention.waiting_since.unwrap_or(attention.now);
            let since = *self.waiting_since.get_or_insert(first);
            let in_time = attention.now < since.after(self.manner.settle_max)
                || waited_for.clone().any(|(below, _)| !self.known.had_its_time(below, patience));
            let text = format!("`{}` is being written", path.display());
            if in_time && let Some(last) = self.once_more(text, attention.now.after(self.manner.settle)) {
                return last;
            }
        }
        self.waiting_since = None;
        for (below, path) in unfinished {
            self.known.give_up(&below);
            again = again.into_iter().chain([attention.now.after(UNSTABLE_AGAIN)]).min();
            let text = "it is being written, and doesn't come to rest".to_owned();
            problems.push(Problem { path, reason: ProblemReason::ReadUnstable, text });
        }
        if complete {
            self.known.end();
            self.believed.keep(|below| gathering.entered.contains(below));
        }
        if gathering.directories.len() > 1 {
            // The names of one directory come in order.
            files.sort_by(|a, b| a.path.cmp(&b.path));
        }
        problems.sort_by(|a, b| a.path.cmp(&b.path));
        ignored.sort_by(|a, b| a.path.cmp(&b.path));
        self.directories = gathering.directories;
        self.linked = gathering.linked;
        self.bytes = gathering.bytes;
        let listing = Listing { complete, files, problems, identity, ignored, pending: None, again };
        self.nothing_new = self.last.as_ref().is_some_and(|last| last.is_the_very_same(&listing));
        self.last = Some(listing.clone());
        listing
    }

    pub(super) fn patience(&self, attention: &Attention<'_>) -> Patience {
        Patience {
            now: attention.now,
            // The first look has nothing to fall back on; and what changes elsewhere is never heard.
            quiet: self.last.is_none() || (attention.quiet && self.remote.is_none()),
            settle: self.manner.settle,
            contents: attention.contents,
        }
    }
}

/// Only what isn't there is missing; whatever else goes wrong says nothing about what it holds.
fn away(error: &io::Error) -> (UnavailableReason, String) {
    let missing = matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR));
    let reason = if missing { UnavailableReason::Missing } else { UnavailableReason::Unreadable };
    (reason, io_text(error))
}

/// The directory that was judged, held open.
pub(super) fn open_judged(real: &Path, judged: &fs::Metadata) -> io::Result<(File, Identity)> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let open = OpenOptions::new().read(true).custom_flags(flags).open(real)?;
    let found = open.metadata()?;
    if Stamp::of(&found).is_same_file(&Stamp::of(judged)) {
        let identity = Identity::of(&open)?;
        Ok((open, identity))
    } else {
        Err(io::Error::other("another directory took its place while it was opened"))
    }
}
