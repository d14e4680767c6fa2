//! Which revisions places are at that lie in work trees, and whether what is in them is as it was committed. Asked beside the loop.
//!
//! ```text
//! a place --> its work tree, its commit --> the same as last time, and nothing was written? --> nothing
//!                                       \--> `git status` of the place, in a directory of git of our own --> its revision
//! ```
//!
//! That directory lends git the objects and the index of the repository and none of its settings, so that no filter, monitor or hook
//! that somebody wrote into them is ever carried out.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::child::{Ended, Order};
use super::order;
use super::runner::Runner;
use crate::host::patience::Patience;
use crate::host::work_tree::{Head, WorkTree};
use crate::host::{atomic, clock};
use crate::plan::memory::Exit;
use crate::spec::Revision;
use crate::units::{BootTime, Pid};

/// What is being asked.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Asked {
    place: PathBuf,
    tree: WorkTree,
    head: Head,
}

/// The places of one engine.
#[derive(Debug)]
pub struct WorkTrees {
    program: PathBuf,
    env: BTreeMap<String, String>,
    /// The directory of git of our own.
    own: PathBuf,
    runner: Runner<Asked>,
    waiting: VecDeque<Asked>,
    /// What was said of each place last; `None`: that it lies in no work tree, or isn't kept there.
    said: BTreeMap<PathBuf, Option<Revision>>,
    news: Vec<(PathBuf, Option<Revision>)>,
}

impl WorkTrees {
    /// Nothing was asked yet. What it needs is made below `run`.
    ///
    /// # Errors
    /// A sentence: there is no git that may be run.
    pub fn new(run: &Path, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let program = order::program(environment)?;
        let runner = Runner::new().map_err(|error| crate::host::errno::io_text(&error))?;
        let path = environment.get("PATH").map(|path| ("PATH".to_owned(), path.clone()));
        Ok(Self {
            program,
            env: path.into_iter().collect(),
            own: run.join("work-tree"),
            runner,
            waiting: VecDeque::new(),
            said: BTreeMap::new(),
            news: Vec::new(),
        })
    }

    /// Readable when something may have come of it.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.runner.descriptor()
    }

    /// Asks which revision places are at: of all of them if something in them was changed, else of those that another commit was
    /// checked out for.
    pub fn ask(&mut self, places: impl IntoIterator<Item = PathBuf>, changed: bool, now: BootTime) {
        for place in places {
            let found = WorkTree::of(&place).and_then(|tree| tree.head().map(|head| (tree, head)));
            let Some((tree, head)) = found else {
                self.say(place, None);
                continue;
            };
            let known = self.said.get(&place);
            let same = known.is_some_and(|said| said.as_ref().is_none_or(|said| said.commit == head.commit));
            let asked = Asked { place, tree, head };
            if (changed || !same) && !self.waiting.contains(&asked) {
                self.waiting.push_back(asked);
            }
        }
        self.go_on(now);
    }

    /// What is to be said of places now and wasn't before.
    pub fn take_news(&mut self) -> Vec<(PathBuf, Option<Revision>)> {
        std::mem::take(&mut self.news)
    }

    /// Takes note of what ended, and goes on with what waits.
    pub fn poll(&mut self, now: BootTime) {
        if let Some((asked, ended)) = self.runner.poll(now) {
            // If git couldn't tell, nothing is said: neither that there are changes nor that there are none.
            let revision = ended.good().ok().and_then(|_| revision(&asked, &ended));
            self.say(asked.place, revision);
        }
        self.go_on(now);
    }

    /// A child that the reaper of orphans collected.
    pub fn exited(&mut self, pid: Pid, status: &Exit) {
        self.runner.exited(pid, status);
    }

    /// When the child that runs has to be ended.
    pub fn deadline(&self) -> Option<BootTime> {
        self.runner.deadline()
    }

    /// Gives up what is under way.
    pub fn cancel(&mut self) {
        self.waiting.clear();
        self.runner.stop();
    }

    /// Asks of places, and waits.
    fn answer(mut self, places: Vec<PathBuf>, limit: Duration) -> Vec<(PathBuf, Option<Revision>)> {
        let patience = Patience::new(limit);
        self.ask(places, true, clock::now().boot);
        while self.runner.is_busy() && !patience.is_over() {
            let most = rustix::time::Timespec::try_from(patience.left()).ok();
            let descriptor = self.descriptor();
            // Interrupted or not: whether it is over is asked below.
            let _ = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], most.as_ref());
            self.poll(clock::now().boot);
        }
        self.cancel();
        self.take_news()
    }

    fn go_on(&mut self, now: BootTime) {
        while !self.runner.is_busy() {
            let Some(asked) = self.waiting.pop_front() else { return };
            let begun = self
                .lend(&asked)
                .map_err(|error| error.to_string())
                .and_then(|()| self.runner.begin(asked.clone(), self.order(&asked), now));
            if begun.is_err() {
                self.say(asked.place, None);
            }
        }
    }

    fn say(&mut self, place: PathBuf, revision: Option<Revision>) {
        if self.said.get(&place) != Some(&revision) {
            self.said.insert(place.clone(), revision.clone());
            self.news.push((place, revision));
        }
    }

    /// Makes our directory stand for the commit.
    fn lend(&self, asked: &Asked) -> io::Result<()> {
        for part in ["objects", "refs"] {
            fs::create_dir_all(self.own.join(part))?;
        }
        let format = if asked.head.commit.len() == 64 {
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"
        } else {
            "[core]\n\trepositoryformatversion = 0\n"
        };
        atomic::write(&self.own.join("config"), format.as_bytes(), 0o600)?;
        atomic::write(&self.own.join("HEAD"), format!("{}\n", asked.head.commit).as_bytes(), 0o600)
    }

    fn order(&self, asked: &Asked) -> Order {
        let excluded = format!("core.excludesFile={}", asked.tree.common.join("info/exclude").display());
        let place = asked.place.display().to_string();
        let mut order = order::git(
            &self.program,
            &self.env,
            &[
                "-c",
                &excluded,
                "--no-optional-locks",
                "status",
                "--porcelain=v1",
                "-z",
                "--untracked-files=normal",
                "--ignored=matching",
                "--ignore-submodules=all",
                "--",
                &place,
            ],
        );
        let lent = [
            ("GIT_DIR", self.own.clone()),
            ("GIT_OBJECT_DIRECTORY", asked.tree.common.join("objects")),
            ("GIT_INDEX_FILE", asked.tree.git.join("index")),
            ("GIT_WORK_TREE", asked.tree.top.clone()),
        ];
        let lent = lent.map(|(name, path)| (name.to_owned(), path.display().to_string()));
        order.launch.env.extend(lent);
        order.launch.working_directory.clone_from(&asked.tree.top);
        Order { answer_only: true, ..order }
    }
}

/// Which revisions these places are at, for a verb: asked now, and waited for no longer than `limit`. What it needs meanwhile is in a
/// temporary directory. Places of which nothing is known are left out.
pub fn revisions(
    places: Vec<PathBuf>,
    environment: &BTreeMap<String, String>,
    limit: Duration,
) -> Vec<(PathBuf, Revision)> {
    let in_trees: Vec<PathBuf> = places
        .into_iter()
        .filter(|place| WorkTree::of(place).is_some_and(|tree| tree.head().is_some()))
        .collect();
    if in_trees.is_empty() {
        return Vec::new();
    }
    let Ok(own) = temporary() else { return Vec::new() };
    let found = WorkTrees::new(&own, environment).map(|trees| trees.answer(in_trees, limit));
    let _ = fs::remove_dir_all(&own);
    let found = found.unwrap_or_default().into_iter();
    found.filter_map(|(place, revision)| Some((place, revision?))).collect()
}

/// A new directory that nobody else can look into.
fn temporary() -> io::Result<PathBuf> {
    let name = format!("selfsame-{}-{}", std::process::id(), clock::now().boot.0.as_nanos());
    let path = std::env::temp_dir().join(name);
    fs::DirBuilder::new().mode(0o700).create(&path)?;
    Ok(path)
}

/// What git's answer means: nothing for a place that isn't kept in the repository at all.
fn revision(asked: &Asked, ended: &Ended) -> Option<Revision> {
    let place = asked.place.strip_prefix(&asked.tree.top).ok()?;
    let text = String::from_utf8_lossy(&ended.output);
    let mut entries = text.split('\0').filter(|entry| entry.len() > 3);
    let mut dirty = false;
    while let Some((state, path)) = entries.next().and_then(|entry| entry.split_at_checked(3)) {
        let is_foreign = state.starts_with("??") || state.starts_with("!!");
        if is_foreign && place.starts_with(path) {
            return None;
        }
        if state.starts_with(['R', 'C']) {
            // The old name is an entry of its own.
            entries.next();
        }
        dirty |= !state.starts_with("!!");
    }
    let Head { commit, branch } = asked.head.clone();
    Some(Revision { commit, branch, dirty, signer: None, committed: None })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
