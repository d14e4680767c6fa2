//! A repository that is followed, among everything else that the loop waits for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::LinuxHost;
use crate::host::clock;
use crate::host::errno::io_text;
use crate::host::git::{Git, News};
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
}
