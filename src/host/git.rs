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
mod kept;
mod round;
mod tree;
mod url;

pub use url::judge;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::epoll;
use sha2::{Digest, Sha256};

use self::child::Child;
use self::kept::Kept;
use self::round::{Round, Step};
use super::errno::io_text;
use super::probe::{find_program, kill_tree};
use super::spawn::reap;
use super::walk;
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
    epoll: OwnedFd,
    running: Option<(Step, Child)>,
    round: Round,
    /// The clone can't be used, and is made anew by the next round.
    broken: bool,
    news: Option<Result<News, String>>,
    /// Killed and not collected yet.
    dying: Vec<OwnedFd>,
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
        let path = environment.get("PATH").map_or("/usr/bin:/bin", String::as_str);
        let program = find_program("git", path);
        if !program.is_absolute() {
            return Err("there is no `git` in `PATH`".into());
        }
        if rustix::process::geteuid().is_root() {
            let weak = walk::stages(&program).ok().and_then(|stages| walk::weakest(&stages, &[]));
            if let Some(weak) = weak {
                return Err(format!(
                    "`{}` would run as root, and others can change it: {weak}",
                    program.display()
                ));
            }
        }
        let env = INHERITED
            .iter()
            .filter_map(|name| environment.get(*name).map(|value| ((*name).to_owned(), value.clone())));
        let name =
            Sha256::digest(format!("{}\0{}", source.url, source.branch.as_deref().unwrap_or_default()));
        let name: String = name.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let system = |error: io::Error| io_text(&error);
        Ok(Self {
            source: source.clone(),
            program,
            env: env.collect(),
            protocol,
            kept: Kept::open(lib.join("git").join(name))?,
            boot,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io::Error::from).map_err(system)?,
            running: None,
            round: Round::default(),
            broken: false,
            news: None,
            dying: Vec::new(),
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
        self.epoll.as_fd()
    }

    /// Begins a round, unless one is under way.
    pub fn begin(&mut self, now: BootTime) {
        if self.running.is_none() {
            self.round = Round::default();
            let first = self.first();
            self.go(Ok(first), now);
        }
    }

    /// What came of a round, once.
    pub fn take_news(&mut self) -> Option<Result<News, String>> {
        self.news.take()
    }

    /// Takes note of what ended, ends what took too long, and goes on with what is next.
    pub fn poll(&mut self, now: BootTime) {
        self.dying.retain(|pidfd| matches!(reap(pidfd), Ok(None)));
        // Nothing that the look below doesn't say; reading the events rearms the level.
        let mut events = Vec::with_capacity(8);
        let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&zero));
        let Some((step, child)) = &mut self.running else { return };
        let step = *step;
        let Some(ended) = child.look(now) else { return };
        self.stop();
        match self.after(step, &ended) {
            Ok(Some(next)) => self.go(Ok(next), now),
            Ok(None) => {}
            Err(sentence) => self.fail(sentence),
        }
    }

    /// A child that the reaper of orphans collected.
    pub fn exited(&mut self, pid: Pid, status: &Exit) {
        if let Some((_, child)) = self.running.as_mut().filter(|(_, child)| child.pid() == pid) {
            child.exited(status);
        }
    }

    /// When the child that runs has to be ended.
    pub fn deadline(&self) -> Option<BootTime> {
        self.running.as_ref().map(|(_, child)| child.deadline())
    }

    /// Gives up the round that is under way.
    pub fn cancel(&mut self) {
        self.stop();
    }

    fn go(&mut self, step: Result<Step, String>, now: BootTime) {
        let begun = step.and_then(|step| {
            let order = self.order(step)?;
            Ok((step, Child::begin(order, self.epoll.as_fd(), now)?))
        });
        match begun {
            Ok(running) => self.running = Some(running),
            Err(sentence) => self.fail(sentence),
        }
    }

    fn fail(&mut self, sentence: String) {
        // What was taken stays taken: the rest was only tidying.
        if !matches!(self.news, Some(Ok(_))) {
            self.news = Some(Err(sentence));
        }
    }

    fn stop(&mut self) {
        let Some((_, child)) = self.running.take() else { return };
        let is_over = child.is_over();
        let child = child.into_spawned();
        if !is_over {
            kill_tree(&child);
            self.dying.push(child.pidfd);
        }
    }
}

impl Drop for Git {
    fn drop(&mut self) {
        self.stop();
    }
}
