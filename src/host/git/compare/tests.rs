//! Real work trees, real git.

#![allow(clippy::indexing_slicing, reason = "tests")]

use std::process::Command;
use std::time::{Duration, Instant};

use super::*;
use crate::host::clock;

struct Tree {
    dir: tempfile::TempDir,
    run: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        let tree = Self { dir: tempfile::tempdir().unwrap(), run: tempfile::tempdir().unwrap() };
        tree.git(&["init", "--quiet", "--initial-branch=main"]);
        fs::create_dir_all(tree.dir.path().join("specs")).unwrap();
        tree.write("specs/a.yaml", "one");
        tree.write("other", "one");
        tree.write(".gitignore", "state\n");
        tree.commit();
        tree
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "-m", "a change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn trees(&self) -> WorkTrees {
        let path = std::env::var("PATH").unwrap();
        WorkTrees::new(self.run.path(), &BTreeMap::from([("PATH".into(), path)])).unwrap()
    }

    /// What is said of a place after it was asked for: nothing, or one thing.
    fn said(&self, trees: &mut WorkTrees, place: &str, changed: bool) -> Vec<Option<Revision>> {
        trees.ask([self.dir.path().join(place)], changed, clock::now().boot);
        let end = Instant::now() + Duration::from_mins(1);
        while trees.runner.is_busy() {
            assert!(Instant::now() < end, "git doesn't end");
            std::thread::sleep(Duration::from_millis(2));
            trees.poll(clock::now().boot);
        }
        trees.take_news().into_iter().map(|(_, revision)| revision).collect()
    }
}

#[test]
fn a_place_is_at_a_commit_and_as_it_was_committed_or_not() {
    let tree = Tree::new();
    let first = tree.git(&["rev-parse", "HEAD"]);
    let mut trees = tree.trees();
    let at = |commit: &str, dirty| {
        let (commit, branch) = (commit.to_owned(), Some("main".to_owned()));
        [Some(Revision { commit, branch, dirty, signer: None, committed: None })]
    };
    assert_eq!(tree.said(&mut trees, "specs", false), at(&first, false));
    assert_eq!(tree.said(&mut trees, "specs", true), [], "the same isn't said again");
    // What lies beside the place doesn't count.
    tree.write("other", "two");
    assert_eq!(tree.said(&mut trees, "specs", true), []);
    tree.write("specs/b.yaml", "new");
    assert_eq!(tree.said(&mut trees, "specs", true), at(&first, true));
    let second = tree.commit();
    // Nobody wrote documents; the commit is another one.
    assert_eq!(tree.said(&mut trees, "specs", false), at(&second, false));
    tree.git(&["mv", "specs/b.yaml", "specs/c.yaml"]);
    assert_eq!(tree.said(&mut trees, "specs", true), at(&second, true));
    tree.git(&["checkout", "--quiet", "--detach", "--force", &first]);
    let detached = Revision { commit: first, branch: None, dirty: false, signer: None, committed: None };
    tree.git(&["reset", "--quiet", "--hard"]);
    assert_eq!(tree.said(&mut trees, "specs", true), [Some(detached)]);
}

#[test]
fn what_is_not_kept_in_the_repository_has_no_revision() {
    let tree = Tree::new();
    let mut trees = tree.trees();
    for name in ["state/specs", "fresh"] {
        fs::create_dir_all(tree.dir.path().join(name)).unwrap();
        tree.write(&format!("{name}/a.yaml"), "x");
        assert_eq!(tree.said(&mut trees, name, false), [None], "{name}");
    }
    let outside = tempfile::tempdir().unwrap();
    assert_eq!(tree.said(&mut trees, outside.path().to_str().unwrap(), false), [None]);
}

/// A filter, a monitor and a hook that the repository's settings name would run as us.
#[test]
fn nothing_that_a_repository_names_is_carried_out() {
    let tree = Tree::new();
    let mark = tree.dir.path().join("ran");
    let program = format!("touch {}; cat", mark.display());
    tree.git(&["config", "core.fsmonitor", &program]);
    tree.git(&["config", "filter.x.clean", &program]);
    tree.write(".gitattributes", "*.yaml filter=x\n");
    tree.write("specs/a.yaml", "two");
    let mut trees = tree.trees();
    assert!(tree.said(&mut trees, "specs", true)[0].as_ref().unwrap().dirty);
    assert!(!mark.exists());
}
