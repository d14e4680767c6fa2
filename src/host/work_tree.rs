//! A work tree of somebody else: where its files of git are, and which commit is checked out. Read without git, since it costs two reads.
//!
//! Source: gitrepository-layout(5).

use std::fs::symlink_metadata;
use std::path::{Component, Path, PathBuf};

use crate::host::files::read_bytes;
use crate::host::walk::head_of;

/// `packed-refs` of a repository with a hundred thousand branches and tags.
const PACKED_MAX: usize = 8 << 20;

/// Where things of a work tree are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct WorkTree {
    /// Its topmost directory.
    pub(super) top: PathBuf,
    /// Its directory of git: `HEAD` and `index`.
    pub(super) git: PathBuf,
    /// The directory of git that it shares with other work trees: objects and branches.
    pub(super) common: PathBuf,
}

/// What is checked out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    /// The commit, in hexadecimal.
    pub(super) commit: String,
    /// The branch, without `refs/heads/`.
    pub(super) branch: Option<String>,
}

impl WorkTree {
    /// The one that a directory lies in.
    pub(super) fn of(directory: &Path) -> Option<Self> {
        let top = directory.ancestors().find(|above| symlink_metadata(above.join(".git")).is_ok())?;
        let entry = top.join(".git");
        if entry.is_dir() {
            return Some(Self { top: top.to_owned(), git: entry.clone(), common: entry });
        }
        // A further work tree, or a submodule: a file that names the directory.
        let text = String::from_utf8(head_of(&entry).ok()?).ok()?;
        let git = top.join(text.lines().next()?.strip_prefix("gitdir:")?.trim());
        let common = head_of(&git.join("commondir")).ok().and_then(|text| String::from_utf8(text).ok());
        let common = common.map_or_else(|| git.clone(), |text| git.join(text.trim_end()));
        Some(Self { top: top.to_owned(), git, common })
    }

    /// What is checked out; nothing before the first commit, or where branches are kept in another form than files.
    pub(super) fn head(&self) -> Option<Head> {
        let text = line_of(&self.git.join("HEAD"))?;
        let Some(name) = text.strip_prefix("ref: ") else {
            return Some(Head { commit: commit(&text)?, branch: None });
        };
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || !name.starts_with("refs/") {
            return None;
        }
        let loose =
            [&self.git, &self.common].into_iter().find_map(|directory| line_of(&directory.join(name)));
        let found = loose.map_or_else(|| self.packed(name), |text| commit(&text))?;
        Some(Head { commit: found, branch: name.strip_prefix("refs/heads/").map(str::to_owned) })
    }

    /// A branch that `git pack-refs` put into the one file.
    fn packed(&self, name: &str) -> Option<String> {
        let bytes = read_bytes(&self.common.join("packed-refs"), PACKED_MAX).ok()?;
        let mut lines = std::str::from_utf8(&bytes).ok()?.lines();
        lines.find_map(|line| {
            line.split_once(' ').filter(|(_, of)| *of == name).and_then(|(id, _)| commit(id))
        })
    }
}

fn line_of(path: &Path) -> Option<String> {
    let text = String::from_utf8(head_of(path).ok()?).ok()?;
    text.lines().next().map(|line| line.trim_end().to_owned())
}

/// SHA-1 or SHA-256.
fn commit(text: &str) -> Option<String> {
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    /// Files of git with their texts, and what is checked out.
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<Head>);

    #[test]
    fn what_is_checked_out_is_read_in_every_form() {
        let (id, other) = ("3f2a1c9b04aa0000000000000000000000000000", "b".repeat(64));
        let on = |branch: &str| Some(Head { commit: id.into(), branch: Some(branch.into()) });
        let rows: [Row<'_>; 7] = [
            (&[("HEAD", "ref: refs/heads/main\n"), ("refs/heads/main", id)], on("main")),
            (
                &[
                    ("HEAD", "ref: refs/heads/a/b\n"),
                    ("packed-refs", &format!("# pack-refs\n{id} refs/heads/a/b\n")),
                ],
                on("a/b"),
            ),
            (&[("HEAD", &format!("{other}\n"))], Some(Head { commit: other.clone(), branch: None })),
            (&[("HEAD", "ref: refs/heads/none\n")], None),
            (&[("HEAD", "ref: refs/../../etc/passwd\n")], None),
            (&[("HEAD", "ref: refs/heads/main\n"), ("refs/heads/main", "no id")], None),
            (&[], None),
        ];
        for (files, expected) in rows {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = dir.path().join(".git").join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            fs::create_dir_all(dir.path().join(".git")).unwrap();
            fs::create_dir_all(dir.path().join("specs/more")).unwrap();
            let tree = WorkTree::of(&dir.path().join("specs/more")).unwrap();
            assert_eq!((tree.top.as_path(), tree.head()), (dir.path(), expected), "{files:?}");
        }
    }

    #[test]
    fn a_further_work_tree_names_its_directory_and_the_one_it_shares() {
        let dir = tempfile::tempdir().unwrap();
        let id = "c".repeat(40);
        let files = [
            ("tree/.git", "gitdir: ../main/.git/worktrees/tree\n"),
            ("main/.git/worktrees/tree/HEAD", "ref: refs/heads/side\n"),
            ("main/.git/worktrees/tree/commondir", "../..\n"),
            ("main/.git/refs/heads/side", &id),
        ];
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tree = WorkTree::of(&dir.path().join("tree")).unwrap();
        assert!(tree.git.ends_with("main/.git/worktrees/tree"));
        assert_eq!(tree.head(), Some(Head { commit: id, branch: Some("side".into()) }));
        assert_eq!(WorkTree::of(Path::new("/proc")), None);
    }
}
