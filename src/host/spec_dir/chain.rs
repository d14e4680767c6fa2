//! What to watch so that nothing that happens on the way to a place is missed, and nothing else wakes us.
//!
//! ```text
//! /etc/selfsame/specs -> /srv/live        watched for itself: / etc selfsame, the link `specs`, / srv live
//!                                         watched with its entries: live
//! /etc/selfsame/missing                   besides: what comes into /etc/selfsame under the name `missing`
//! ```
//!
//! A directory on the way is watched for its own removal or renaming, not for its entries: those of `/tmp` or `/etc` are
//! somebody else's business.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::way::{Step, Way};

/// One thing to watch.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Watched {
    /// A directory or a link on the way: that it is removed or renamed.
    Itself(PathBuf),
    /// A directory, and all that happens in it.
    Entries(PathBuf),
    /// What happens to one name in a directory.
    Entry(PathBuf, OsString),
}

/// What to watch for a directory with all that is in it, or for a file.
pub fn watched(place: &Path) -> BTreeSet<Watched> {
    let mut found = BTreeSet::new();
    let mut way = Way::to(&std::path::absolute(place).unwrap_or_else(|_| place.to_owned()));
    loop {
        let before = way.here().to_owned();
        let Some(step) = way.step() else {
            found.insert(Watched::Entries(before));
            return found;
        };
        found.insert(Watched::Itself(before.clone()));
        let Step::Name(name) = step else { continue };
        let next = before.join(&name);
        match fs::symlink_metadata(&next) {
            Ok(meta) if meta.is_symlink() => {
                let Ok(target) = fs::read_link(&next) else { return found };
                found.insert(Watched::Itself(next));
                if way.follow(&target).is_err() {
                    return found;
                }
            }
            Ok(meta) if meta.is_dir() => way.enter(&name),
            // A file, or nothing: its directory tells of it. A file itself is never watched: a watch is lost when
            // another one takes its place.
            Ok(_) | Err(_) => {
                found.insert(Watched::Entry(before, name));
                return found;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::super::way::LINKS_MAX;
    use super::*;

    #[test]
    fn the_way_is_watched_for_itself_and_the_end_with_its_entries() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/specs")).unwrap();
        fs::write(root.join("a/specs/one.yaml"), "").unwrap();
        symlink("a/specs", root.join("link")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let itself = |name: &str| Watched::Itself(root.join(name));
        let of = |name: &str| {
            let found = watched(&root.join(name));
            let above = |one: &Watched| matches!(one, Watched::Itself(path) if root.starts_with(path));
            found.into_iter().filter(|one| !above(one)).collect::<BTreeSet<_>>()
        };
        assert_eq!(of("a/specs"), [itself("a"), Watched::Entries(root.join("a/specs"))].into());
        assert_eq!(of("link"), [itself("link"), itself("a"), Watched::Entries(root.join("a/specs"))].into());
        let one = Watched::Entry(root.join("a/specs"), "one.yaml".into());
        assert_eq!(of("link/one.yaml"), [itself("link"), itself("a"), itself("a/specs"), one].into());
        assert_eq!(of("a/no/more"), [itself("a"), Watched::Entry(root.join("a"), "no".into())].into());
        assert!(of("loop").len() <= 2 * LINKS_MAX + 1);
    }
}
