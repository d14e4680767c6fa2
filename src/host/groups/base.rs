//! Where the groups of one engine lie, and what may be their names.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files::remove;

/// Where the engine itself goes if it has to leave its group.
pub(super) const ENGINE: &str = "engine";

/// Where groups of this state directory were made in this boot. Written down before the first is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Base {
    /// Of version 2.
    pub(super) tree: Option<PathBuf>,
    /// Of version 1, by controller.
    pub(super) controllers: BTreeMap<String, PathBuf>,
}

impl Base {
    pub(super) fn dirs(&self) -> impl Iterator<Item = &PathBuf> {
        self.tree.iter().chain(self.controllers.values())
    }

    pub(super) fn groups(&self) -> Vec<String> {
        let entries = self.dirs().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
        let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        dirs.filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_name(name) && name != ENGINE)
            .collect()
    }

    /// Removes the empty groups of a name. False if one is left.
    pub(super) fn remove(&self, name: &str) -> bool {
        // Each of them, also after one that stays.
        is_name(name)
            && !self.dirs().map(|dir| remove(&dir.join(name), 0)).collect::<Vec<_>>().contains(&false)
    }
}

/// Of the form that starts give their groups.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.len() < 200 && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_starts_give_are_looked_up() {
        for good in ["web-1a2b-0-1", "a", "cgroup-1-0-1"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "..", "a/b", "cgroup.procs", "A", "web 1"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
