//! A repository that is followed and work trees that places lie in, among everything else that the loop waits for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::LinuxHost;
use crate::host::clock;
use crate::host::errno::io_text;
use crate::host::git::{Git, News, WorkTrees};
use crate::spec::Revision;
use crate::spec::engine::GitSource;

impl LinuxHost {
    /// Follows a repository from now on, and says where its documents are. `environment` is the engine's.
    ///
    /// # Errors
    /// A sentence: it can't be followed.
    pub fn follow(
        &mut self,
        source: &GitSource,
        environment: &BTreeMap<String, String>,
    ) -> Result<PathBuf, String> {
        let git = Git::new(source, &self.dirs.lib, environment, self.looker.boot.clone())?;
        self.waker.watch_probes(git.descriptor()).map_err(|error| io_text(&error))?;
        let place = git.place();
        self.git = Some(git);
        Ok(place)
    }

    /// Where the documents of the repository are, if one is followed.
    pub fn followed(&self) -> Option<PathBuf> {
        self.git.as_ref().map(Git::place)
    }

    /// The revision of it that is in force.
    pub fn followed_revision(&self) -> Option<&Revision> {
        self.git.as_ref().and_then(Git::revision)
    }

    /// Begins to fetch it.
    pub fn fetch(&mut self) {
        if let Some(git) = &mut self.git {
            git.begin(clock::now().boot);
        }
    }

    /// What came of it since this was last asked.
    pub fn take_fetched(&mut self) -> Option<Result<News, String>> {
        self.git.as_mut().and_then(Git::take_news)
    }

    /// Is able to say from now on which revisions places are at that lie in work trees. `environment` is the engine's.
    ///
    /// # Errors
    /// A sentence: there is no git for it.
    pub fn know_work_trees(&mut self, environment: &BTreeMap<String, String>) -> Result<(), String> {
        let trees = WorkTrees::new(&self.dirs.run, environment)?;
        self.waker.watch_probes(trees.descriptor()).map_err(|error| io_text(&error))?;
        self.work_trees = Some(trees);
        Ok(())
    }

    /// Asks which revisions these places are at, beside the loop; `changed`: something in them was.
    pub fn ask_revisions(&mut self, places: impl IntoIterator<Item = PathBuf>, changed: bool) {
        if let Some(trees) = &mut self.work_trees {
            trees.ask(places, changed, clock::now().boot);
        }
    }

    /// Places that are at another revision than was said last, or at none any more.
    pub fn take_revisions(&mut self) -> Vec<(PathBuf, Option<Revision>)> {
        self.work_trees.as_mut().map(WorkTrees::take_news).unwrap_or_default()
    }
}
