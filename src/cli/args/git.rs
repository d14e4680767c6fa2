//! A repository to follow.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration;
use crate::spec::engine::{GitSource, Settings};

// Of `watch`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "A git repository to follow, which `engine.yaml` can say as well")]
pub(in crate::cli) struct GitArgs {
    /// Also keep the spec files of this repository: fetched, checked, and kept at the last good revision
    #[arg(long, value_name = "URL")]
    pub git: Option<String>,
    /// Its branch [default: the repository's HEAD]
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// The directory in it that holds the spec files: `hosts/web` [default: the whole tree]
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// Fetch it so often [default: 1m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub interval: Option<Duration>,
    /// Take only commits that somebody signed whom `--allowed-signers` names
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_signed: Option<bool>,
    /// Who may sign, as ssh-keygen(1) has it: `ann@example.org ssh-ed25519 AAAA...`
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Also take a commit that doesn't follow the one in force
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_rewind: Option<bool>,
}

impl GitArgs {
    /// Puts what was given over the settings. Another repository has nothing of the one that they name.
    pub(in crate::cli) fn put_over(&self, settings: &mut Settings) {
        if let Some(url) = &self.git {
            settings.git = Some(GitSource::new(url.clone()));
        }
        let Some(git) = &mut settings.git else { return };
        put(self.branch.clone().map(Some), &mut git.branch);
        put(self.path.clone().map(|path| Some(path.trim_matches('/').to_owned())), &mut git.path);
        put(self.interval, &mut git.interval);
        put(self.require_signed, &mut git.require_signed);
        let signers = self.allowed_signers.as_ref();
        put(
            signers.map(|path| Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))),
            &mut git.allowed_signers,
        );
        put(self.allow_rewind, &mut git.allow_rewind);
    }

    /// Something is said of a repository.
    pub(in crate::cli) fn says_anything(&self) -> bool {
        self.branch.is_some()
            || self.path.is_some()
            || self.interval.is_some()
            || self.require_signed.is_some()
            || self.allowed_signers.is_some()
            || self.allow_rewind.is_some()
    }
}

fn put<T>(given: Option<T>, target: &mut T) {
    if let Some(given) = given {
        *target = given;
    }
}
