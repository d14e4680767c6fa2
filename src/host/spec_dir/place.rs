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

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};

use super::chain::{self, Watched};
use super::git::{self, GitHold};
use super::identity::{Believed, Identity, Standing};
use super::known::{KnownFiles, Outcome, Patience, Verdict};
use super::names::why_ignored;
use super::read::{FLAGS, Refusal, not_regular, read_in, read_listed, read_trusted, unreadable};
use super::remote::remote;
use super::stamp::Stamp;
use super::{
    Ignored, Limits, Listing, Look, Pending, Problem, ProblemReason, SpecFile, Trust, Unavailable,
    UnavailableReason, digest_of,
};
use crate::host::errno::io_text;
use crate::host::git::WorkTree;
use crate::host::walk;
use crate::units::BootTime;

/// Sub-directories are entered so deep.
const DEPTH_MAX: usize = 32;
/// Directories that links of documents lead to are watched, at most so many of them.
const LINKED_MAX: usize = 64;
/// While git is at work it is looked at so often: its own end may not be heard.
const GIT_AGAIN: Duration = Duration::from_millis(250);
/// A file that is never finished is looked at so often.
const UNSTABLE_AGAIN: Duration = Duration::from_secs(1);

/// How to look, always.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manner {
    /// Whose files count.
    pub trust: Trust,
    /// Enter sub-directories.
    pub recursive: bool,
    /// A change that nobody heard of must stand for so long.
    pub settle: Duration,
    /// The whole place waits no longer than that for one file.
    pub settle_max: Duration,
    /// How much to take.
    pub limits: Limits,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            trust: Trust::own(),
            recursive: false,
            settle: Duration::from_millis(100),
            settle_max: Duration::from_secs(2),
            limits: Limits::default(),
        }
    }
}

/// How to look this time.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// The present moment.
    pub now: BootTime,
    /// Whatever changed was heard of, and nothing was heard for the settle time (or somebody asks for the state at this
    /// very moment): what is there is finished.
    pub quiet: bool,
    /// Read all files, whatever their stamps say.
    pub contents: bool,
    /// Since when changes wait.
    pub waiting_since: Option<BootTime>,
    /// Files that are being written.
    pub writing: &'a BTreeSet<PathBuf>,
    /// Nothing changed since the last look but these files, as was heard; by their paths without links. `None`: whatever may have.
    pub named: Option<&'a BTreeSet<PathBuf>>,
}

static NOTHING: BTreeSet<PathBuf> = BTreeSet::new();

impl Attention<'_> {
    /// The state at this moment, as it is.
    pub fn at(now: BootTime) -> Self {
        Self { now, quiet: true, contents: false, waiting_since: None, writing: &NOTHING, named: None }
    }
}

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
    pub(super) directories: Vec<PathBuf>,
    pub(super) linked: BTreeSet<PathBuf>,
}

/// What one look gathers.
struct Gathering<'a> {
    attention: Attention<'a>,
    files: Vec<Arc<SpecFile>>,
    problems: Vec<Problem>,
    ignored: Vec<Ignored>,
    unfinished: Vec<(OsString, PathBuf)>,
    complete: bool,
    bytes: u64,
    again: Option<BootTime>,
    directories: Vec<PathBuf>,
    linked: BTreeSet<PathBuf>,
    entered: BTreeSet<PathBuf>,
}

/// What a file is called.
#[derive(Clone, Copy)]
struct Name<'a> {
    /// Below the place; empty for the place itself.
    below: &'a Path,
    /// As a person sees it.
    shown: &'a Path,
    /// Where it really is, unless it is a link itself.
    real: &'a Path,
}

/// One directory of the place.
struct Directory {
    open: File,
    /// Where it really is.
    real: PathBuf,
    /// Its path below the place; empty for the place itself.
    below: PathBuf,
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
        self.nothing_new = false;
        match self.see(attention) {
            Ok(listing) => Look::Found(listing),
            Err((reason, text)) => {
                self.waiting_since = None;
                let text = format!("`{}`: {text}", self.path.display());
                Look::Unavailable(Unavailable { reason, text })
            }
        }
    }

    fn see(&mut self, attention: Attention<'_>) -> Result<Listing, (UnavailableReason, String)> {
        let absolute = std::path::absolute(&self.path).map_err(|error| away(&error))?;
        let stages = walk::stages(&absolute).map_err(|error| away(&error))?;
        let Some(last) = stages.last() else {
            return Err((UnavailableReason::Missing, "it leads nowhere".into()));
        };
        if !last.meta.is_dir() {
            let weak = walk::weakest(&stages, &self.manner.trust.owners);
            return Ok(self.one_file(&absolute, &last.meta, weak, attention));
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
            attention,
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
        attention: Attention<'_>,
    ) -> Result<Listing, (UnavailableReason, String)> {
        let elsewhere = self.believed.moved_elsewhere(Path::new(""), &identity);
        let real = directory.real.clone();
        let before = elsewhere.then(|| self.believed.clone());
        let mut gathering = Gathering::new(attention);
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
        attention: Attention<'_>,
    ) -> Listing {
        let mut gathering = Gathering::new(attention);
        self.known.begin();
        self.remote = None;
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

    fn patience(&self, attention: &Attention<'_>) -> Patience {
        Patience {
            now: attention.now,
            // The first look has nothing to fall back on; and what changes elsewhere is never heard.
            quiet: self.last.is_none() || (attention.quiet && self.remote.is_none()),
            settle: self.manner.settle,
            contents: attention.contents,
        }
    }

    /// A directory with all that is in it. Half a listing would make files look gone, so that an error ends it.
    fn enter(
        &mut self,
        directory: &Directory,
        identity: Identity,
        gathering: &mut Gathering<'_>,
        depth: usize,
    ) -> io::Result<()> {
        match self.believed.judge(&directory.below, identity, gathering.attention.now) {
            Standing::Familiar => {}
            Standing::New { again } => {
                gathering.complete = false;
                gathering.look_again(again);
            }
        }
        gathering.directories.push(directory.real.clone());
        gathering.entered.insert(directory.below.clone());
        for (name, kind) in list(&directory.open)? {
            if self.is_as_it_was(directory, &name, kind, gathering) {
                continue;
            }
            let may_enter = self.manner.recursive && !name.as_bytes().starts_with(b".");
            if may_enter && is_directory(&directory.open, &name, kind) {
                self.sub_directory(directory, &name, directory.below.join(&name), gathering, depth);
            } else if let Some(why) = why_ignored(name.as_bytes()) {
                gathering.ignored.push(Ignored { path: self.path.join(directory.below.join(&name)), why });
            } else {
                let below = directory.below.join(&name);
                let (shown, real) = (self.path.join(&below), directory.real.join(&name));
                self.entry(directory, Name { below: &below, shown: &shown, real: &real }, kind, gathering);
            }
        }
        Ok(())
    }

    /// Takes a file that is certainly as it was at the last look: of most files that is all. Whatever is doubtful, or new, is looked
    /// at more closely.
    fn is_as_it_was(
        &mut self,
        directory: &Directory,
        name: &OsStr,
        kind: FileType,
        gathering: &mut Gathering<'_>,
    ) -> bool {
        let limits = self.manner.limits;
        let within = gathering.files.len() < limits.files && gathering.bytes <= limits.total_bytes;
        // The names that are known are those of documents.
        if kind != FileType::RegularFile || self.remote.is_some() || !within {
            return false;
        }
        let in_sub_directory = (!directory.below.as_os_str().is_empty()).then(|| directory.below.join(name));
        let below = in_sub_directory.as_ref().map_or(name, |below| below.as_os_str());
        let stamp = || {
            let stat = statat(&directory.open, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            Some(Stamp::of_stat(&stat))
        };
        let Some(file) = self.known.unchanged(below, gathering.attention.contents, stamp) else {
            return false;
        };
        gathering.bytes = gathering.bytes.saturating_add(file.bytes.len() as u64);
        gathering.files.push(file);
        true
    }

    /// One that can't be entered is a problem, and nothing of what it held is gone.
    fn sub_directory(
        &mut self,
        above: &Directory,
        name: &OsStr,
        below: PathBuf,
        gathering: &mut Gathering<'_>,
        depth: usize,
    ) {
        let shown = self.path.join(&below);
        let entered = if depth >= DEPTH_MAX {
            Err((ProblemReason::TooLarge, "it lies too deep".to_owned()))
        } else {
            self.open_sub_directory(above, name, below).and_then(|(directory, identity)| {
                self.enter(&directory, identity, gathering, depth + 1).map_err(unreadable)
            })
        };
        if let Err(refusal) = entered {
            gathering.complete = false;
            gathering.refuse(shown, refusal);
        }
    }

    fn open_sub_directory(
        &self,
        above: &Directory,
        name: &OsStr,
        below: PathBuf,
    ) -> Result<(Directory, Identity), Refusal> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = openat(&above.open, name, flags, Mode::empty()).map_err(|e| unreadable(e.into()))?;
        let open = File::from(open);
        let stage = walk::Stage { path: above.real.join(name), meta: open.metadata().map_err(unreadable)? };
        if let Some(weak) = walk::weakest(std::slice::from_ref(&stage), &self.manner.trust.owners) {
            return Err((ProblemReason::UntrustedSource, weak));
        }
        let identity = Identity::of(&open).map_err(|errno| unreadable(errno.into()))?;
        Ok((Directory { open, real: stage.path, below }, identity))
    }

    /// A name that a document may have, and its kind as far as that was listed.
    fn entry(
        &mut self,
        directory: &Directory,
        called: Name<'_>,
        kind: FileType,
        gathering: &mut Gathering<'_>,
    ) {
        let (name, shown) = (called.real.file_name().unwrap_or_default(), || called.shown.to_owned());
        if name.to_str().is_none() {
            let text = "its name is not UTF-8".to_owned();
            return gathering.refuse(shown(), (ProblemReason::InvalidName, text));
        }
        let manner = Arc::clone(&self.manner);
        let limits = manner.limits;
        if gathering.files.len() >= limits.files || gathering.bytes > limits.total_bytes {
            let text = "there are too many files before it".to_owned();
            return gathering.refuse(shown(), (ProblemReason::TooLarge, text));
        }
        if kind == FileType::RegularFile
            && self.is_read_in_any_case(called, gathering)
            && let Some((bytes, stamp)) =
                read_listed(&directory.open, name, called.real, &manner.trust, limits.file_bytes)
        {
            let (below, now) = (called.below.as_os_str(), gathering.attention.now);
            let outcome = self.noted(below, called.shown, stamp, Ok(bytes), now);
            return gathering.take(outcome, called.shown);
        }
        let stamp = match self.stamp(directory, name, called.real, gathering) {
            Ok(stamp) => stamp,
            Err(refusal) => return gathering.refuse(shown(), refusal),
        };
        if stamp.kind() != FileType::RegularFile {
            return gathering.refuse(shown(), not_regular());
        }
        let opened = || read_in(&directory.open, name, called.real, &manner.trust, limits.file_bytes);
        self.file(called, stamp, gathering, opened);
    }

    /// Nothing is known of it, and it isn't being written: its stamp decides nothing.
    fn is_read_in_any_case(&self, called: Name<'_>, gathering: &Gathering<'_>) -> bool {
        let writing = self.last.is_some() && gathering.attention.writing.contains(called.real);
        self.patience(&gathering.attention).quiet && !writing && !self.known.has(called.below.as_os_str())
    }

    /// Of the file itself, or of what a link leads to: then everything on the way must be trusted.
    fn stamp(
        &self,
        directory: &Directory,
        name: &OsStr,
        real: &Path,
        gathering: &mut Gathering<'_>,
    ) -> Result<Stamp, Refusal> {
        let own = match self.stat(directory, name) {
            Ok(stat) => Stamp::of_stat(&stat),
            Err(errno) => {
                // It was listed a moment ago: whatever this is, it is no knowledge.
                gathering.complete = false;
                gathering.look_again(gathering.attention.now.after(self.manner.settle));
                return Err(unreadable(errno.into()));
            }
        };
        if own.kind() != FileType::Symlink {
            return Ok(own);
        }
        let stages = walk::stages(real).map_err(unreadable)?;
        for stage in stages.iter().filter(|stage| !directory.real.starts_with(&stage.path)) {
            let above = stage.path.parent().filter(|above| *above != directory.real);
            if gathering.linked.len() < LINKED_MAX {
                gathering.linked.extend(above.map(Path::to_owned));
            }
        }
        let target = stages.last().map_or(own, |stage| Stamp::of(&stage.meta));
        match walk::weakest(&stages, &self.manner.trust.owners) {
            Some(weak) if target.kind() == FileType::RegularFile => {
                Err((ProblemReason::UntrustedSource, weak))
            }
            // What it leads to is no file at all: that is said first.
            Some(_) | None => Ok(target),
        }
    }

    fn stat(&self, directory: &Directory, name: &OsStr) -> rustix::io::Result<Stat> {
        if self.remote.is_some() {
            // Only opening makes a network file system ask its server.
            if let Ok(open) = openat(&directory.open, name, FLAGS, Mode::empty()) {
                return fstat(open);
            }
        }
        statat(&directory.open, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// A regular file with this stamp: as it was, read, or not finished.
    fn file(
        &mut self,
        Name { below, shown, real }: Name<'_>,
        stamp: Stamp,
        gathering: &mut Gathering<'_>,
        opened: impl FnOnce() -> Result<(Vec<u8>, Stamp), Refusal>,
    ) {
        let below = below.as_os_str();
        let patience = self.patience(&gathering.attention);
        let writing = self.last.is_some() && gathering.attention.writing.contains(real);
        let outcome = match self.known.judge(below, stamp, writing, patience) {
            Verdict::Unchanged(outcome) => outcome,
            Verdict::Unfinished => return gathering.unfinished.push((below.to_owned(), shown.to_owned())),
            Verdict::Read => match opened() {
                Ok((bytes, stamp)) => self.noted(below, shown, stamp, Ok(bytes), patience.now),
                Err((ProblemReason::ReadUnstable, _)) => {
                    self.known.unfinished(below, stamp, patience.now);
                    return gathering.unfinished.push((below.to_owned(), shown.to_owned()));
                }
                // Whether it can be read is no matter of its stamp.
                Err(refusal @ (ProblemReason::Unreadable, _)) => Err(refusal),
                Err(refusal) => self.noted(below, shown, stamp, Err(refusal), patience.now),
            },
        };
        gathering.take(outcome, shown);
    }

    pub(super) fn noted(
        &mut self,
        below: &OsStr,
        shown: &Path,
        stamp: Stamp,
        read: Result<Vec<u8>, Refusal>,
        now: BootTime,
    ) -> Outcome {
        let file = |bytes: Vec<u8>| {
            let digest = digest_of(&bytes);
            Arc::new(SpecFile { path: shown.to_owned(), bytes: bytes.into(), digest: digest.into() })
        };
        self.known.note(below, stamp, read.map(file), now)
    }
}

impl<'a> Gathering<'a> {
    fn new(attention: Attention<'a>) -> Self {
        Self {
            attention,
            files: Vec::new(),
            problems: Vec::new(),
            ignored: Vec::new(),
            unfinished: Vec::new(),
            complete: true,
            bytes: 0,
            again: None,
            directories: Vec::new(),
            linked: BTreeSet::new(),
            entered: BTreeSet::new(),
        }
    }

    fn take(&mut self, outcome: Outcome, shown: &Path) {
        match outcome {
            Ok(file) => {
                self.bytes = self.bytes.saturating_add(file.bytes.len() as u64);
                self.files.push(file);
            }
            Err(refusal) => self.refuse(shown.to_owned(), refusal),
        }
    }

    fn refuse(&mut self, path: PathBuf, (reason, text): Refusal) {
        self.problems.push(Problem { path, reason, text });
    }

    fn look_again(&mut self, at: BootTime) {
        self.again = self.again.into_iter().chain([at]).min();
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

/// All names in order, with their kinds where the file system says them, or an error.
fn list(directory: &File) -> io::Result<Vec<(OsString, FileType)>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push((name.to_owned(), entry.file_type()));
        }
    }
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}

fn is_directory(above: &File, name: &OsStr, kind: FileType) -> bool {
    match kind {
        FileType::Directory => true,
        FileType::Unknown => statat(above, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
        _ => false,
    }
}
