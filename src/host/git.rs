//! Documents from a git repository: fetched, checked, and put where looks find them, by the system's own git.
//!
//! ```text
//! fetch --> which commit? --> follows ours? --> signed? --> nothing forbidden in it? --> written out --> `current` turned to it
//! ```
//!
//! Each arrow is a child of its own that is asked later, so that nothing waits for it. Whatever fails on the way leaves `current`
//! at the last good commit. The directory is ours alone (`git/HASH` in the state directory, by repository and branch):
//!
//! ```text
//! bare/         the clone, without hooks and with no settings but ours
//! trees/COMMIT  what documents are read from, one a revision
//! current       a link to one of them, turned by a rename: a look sees one revision as a whole
//! ```
//!
//! The path of a document goes through `current` and stays the same from one revision to the next.

mod child;
mod compare;
mod kept;
mod order;
mod round;
mod runner;
mod tree;
mod url;

pub use compare::{WorkTrees, revisions};
pub use url::judge;

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use self::kept::Kept;
use self::round::{Round, Step};
use self::runner::Runner;
use super::errno::io_text;
use crate::plan::memory::Exit;
use crate::spec::Revision;
use crate::spec::engine::GitSource;
use crate::units::{BootId, BootTime, Pid};

/// What git is given of the engine's environment: programs, keys and `.netrc` of the engine's user, and the way through proxies.
const INHERITED: [&str; 9] = [
    "PATH",
    "HOME",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// What came of a round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// There is no other revision.
    Same,
    /// This one is in force from now on.
    Taken(Revision),
}

/// One repository that is followed.
#[derive(Debug)]
pub struct Git {
    source: GitSource,
    program: PathBuf,
    env: BTreeMap<String, String>,
    protocol: String,
    kept: Kept,
    boot: BootId,
    runner: Runner<Step>,
    round: Round,
    /// The clone can't be used, and is made anew by the next round.
    broken: bool,
    news: Option<Result<News, String>>,
}

impl Git {
    /// Follows a repository; its directory is below `lib`. `environment` is the engine's.
    ///
    /// # Errors
    /// A sentence: it can't be followed, whatever the network does.
    pub fn new(
        source: &GitSource,
        lib: &Path,
        environment: &BTreeMap<String, String>,
        boot: BootId,
    ) -> Result<Self, String> {
        let protocol = judge(source)?;
        let program = order::program(environment)?;
        let env = INHERITED
            .iter()
            .filter_map(|name| environment.get(*name).map(|value| ((*name).to_owned(), value.clone())));
        let name =
            Sha256::digest(format!("{}\0{}", source.url, source.branch.as_deref().unwrap_or_default()));
        let name: String = name.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            source: source.clone(),
            program,
            env: env.collect(),
            protocol,
            kept: Kept::open(lib.join("git").join(name))?,
            boot,
            runner: Runner::new().map_err(|error| io_text(&error))?,
            round: Round::default(),
            broken: false,
            news: None,
        })
    }

    /// Where its documents are, now and later; there is nothing before the first good revision.
    pub fn place(&self) -> PathBuf {
        match &self.source.path {
            Some(path) => self.kept.current().join(path),
            None => self.kept.current(),
        }
    }

    /// The revision in force, if there is one.
    pub fn revision(&self) -> Option<&Revision> {
        self.kept.revision()
    }

    /// Readable when something may have come of it.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.runner.descriptor()
    }

    /// Begins a round, unless one is under way.
    pub fn begin(&mut self, now: BootTime) {
        if !self.runner.is_busy() {
            self.round = Round::default();
            let first = self.kept.make_again().map(|()| self.first());
            self.go(first, now);
        }
    }

    /// What came of a round, once.
    pub fn take_news(&mut self) -> Option<Result<News, String>> {
        self.news.take()
    }

    /// Takes note of what ended, ends what took too long, and goes on with what is next.
    pub fn poll(&mut self, now: BootTime) {
        let Some((step, ended)) = self.runner.poll(now) else { return };
        match self.after(step, &ended) {
            Ok(Some(next)) => self.go(Ok(next), now),
            Ok(None) => {}
            Err(sentence) => self.fail(sentence),
        }
    }

    /// A child that the reaper of orphans collected.
    pub fn exited(&mut self, pid: Pid, status: &Exit) {
        self.runner.exited(pid, status);
    }

    /// When the child that runs has to be ended.
    pub fn deadline(&self) -> Option<BootTime> {
        self.runner.deadline()
    }

    /// Gives up the round that is under way.
    pub fn cancel(&mut self) {
        self.runner.stop();
    }

    fn go(&mut self, step: Result<Step, String>, now: BootTime) {
        let begun =
            step.and_then(|step| self.order(step).and_then(|order| self.runner.begin(step, order, now)));
        if let Err(sentence) = begun {
            self.fail(sentence);
        }
    }

    fn fail(&mut self, sentence: String) {
        // What was taken stays taken: the rest was only tidying.
        if !matches!(self.news, Some(Ok(_))) {
            self.news = Some(Err(sentence));
        }
    }
}
