//! The repository that a watch follows, if the settings name one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::args::GitArgs;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::host::LinuxHost;
use crate::spec::engine::Settings;

/// Whether what is said of a repository can be meant; before anything is done.
pub(super) fn judge(args: &GitArgs, settings: &Settings, terminal: Terminal) -> Result<(), Exit> {
    let judged = match &settings.git {
        Some(source) => crate::host::git::judge(source).map(|_| ()),
        None if args.says_anything() => {
            Err("nothing says which repository is meant\nhelp: add `--git URL`".into())
        }
        None => Ok(()),
    };
    judged.map_err(|sentence| {
        terminal.say(&format!("error: {sentence}"));
        Exit::Usage
    })
}

/// Follows it, and says where its documents are.
pub(super) fn follow(
    host: &mut LinuxHost,
    settings: &Settings,
    terminal: Terminal,
) -> Result<Option<PathBuf>, Exit> {
    let Some(source) = &settings.git else { return Ok(None) };
    host.follow(source, &environment()).map(Some).map_err(|sentence| {
        terminal.say(&format!("error: `{}` can't be followed: {sentence}", source.url));
        Exit::Failed
    })
}

/// Places that lie in a work tree show which revision they are at, where there is a git that may be asked.
pub(super) fn know_work_trees(host: &mut LinuxHost) {
    // Without one nothing is said of revisions, as of places that lie in none.
    let _ = host.know_work_trees(&environment());
}

/// Read here, once.
pub(super) fn environment() -> BTreeMap<String, String> {
    // Others than texts mean nothing to git's settings.
    let texts = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(texts).collect()
}
