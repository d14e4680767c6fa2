//! A work tree that git is changing: what is in it now is neither the old nor the new state.

use std::fs::symlink_metadata;
use std::path::Path;
use std::time::Duration;

use crate::units::BootTime;

/// What git makes while it works, in its directory.
pub(super) const SIGNS: [&str; 4] = ["index.lock", "MERGE_HEAD", "rebase-merge", "rebase-apply"];
/// Longer than this nobody waits: a crashed git leaves its lock behind, and a merge may be left to lie.
const HELD_MAX: Duration = Duration::from_mins(1);

/// Since when git is at work.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct GitHold {
    since: Option<BootTime>,
}

impl GitHold {
    /// Why to wait, if git is at work and hasn't been for too long.
    pub(super) fn look(&mut self, git: Option<&Path>, now: BootTime) -> Option<String> {
        let sign = git.and_then(|git| SIGNS.iter().find(|sign| symlink_metadata(git.join(sign)).is_ok()));
        let Some(sign) = sign else {
            self.since = None;
            return None;
        };
        let since = *self.since.get_or_insert(now);
        (now.since(since) < HELD_MAX).then(|| format!("git is at work there (`{sign}` exists)"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::work_tree::WorkTree;

    #[test]
    fn every_sign_holds_for_a_minute_and_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        let git = WorkTree::of(&dir.path().join("a/b")).unwrap().git;
        assert_eq!(git, dir.path().join(".git"));
        let at = |seconds| BootTime(Duration::from_secs(seconds));
        for sign in SIGNS {
            let mut hold = GitHold::default();
            assert_eq!(hold.look(Some(&git), at(0)), None);
            fs::write(git.join(sign), "").unwrap();
            assert!(hold.look(Some(&git), at(1)).unwrap().contains(sign));
            assert!(hold.look(Some(&git), at(60)).is_some());
            assert_eq!(hold.look(Some(&git), at(61)), None, "a lock that was left behind");
            fs::remove_file(git.join(sign)).unwrap();
            assert_eq!(hold.look(Some(&git), at(62)), None);
            fs::write(git.join(sign), "").unwrap();
            assert!(hold.look(Some(&git), at(63)).is_some(), "a new one");
            fs::remove_file(git.join(sign)).unwrap();
        }
        assert_eq!(GitHold::default().look(None, at(0)), None);
    }
}
