//! A repository beside a bench: a bare one that is followed, and a work tree that is pushed from.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::support::{Bench, until};

pub(crate) struct Repository {
    pub(crate) bench: Bench,
}

impl Repository {
    /// With one service, `one`, in `specs`; nothing is signed yet.
    pub(crate) fn new() -> Self {
        let repository = Self { bench: Bench::new() };
        repository.git(&["init", "-q", "--bare", "-b", "main", &repository.path("repo.git")]);
        repository.git(&["init", "-q", "-b", "main", &repository.path("work")]);
        // The daemon's program is the bench's, its document the repository's.
        let script = repository.bench.daemon("one", "");
        repository.bench.daemon("two", "");
        fs::remove_file(repository.bench.path("specs/one.yaml")).unwrap();
        fs::remove_file(repository.bench.path("specs/two.yaml")).unwrap();
        assert!(script.exists());
        repository
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.bench.path(name).display().to_string()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(args).current_dir(self.bench.path("")).env("HOME", self.bench.path(""));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.org");
        }
        command
    }

    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    #[track_caller]
    pub(crate) fn in_work(&self, args: &[&str]) -> String {
        self.git(&[&["-C", &self.path("work")], args].concat())
    }

    /// A key, and who it is for.
    pub(crate) fn key(&self, name: &str) -> String {
        let file = self.path(name);
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &file]).status();
        assert!(made.unwrap().success());
        file
    }

    /// A file that lets this key sign.
    pub(crate) fn allow(&self, key: &str) -> String {
        let public = fs::read_to_string(format!("{key}.pub")).unwrap();
        let path = self.bench.write("allowed", &format!("ann@example.org {public}"));
        path.display().to_string()
    }

    /// Writes the document of a daemon into the work tree.
    pub(crate) fn document(&self, name: &str, more: &str) {
        self.bench.daemon_spec(name, more);
        let from = self.bench.path(&format!("specs/{name}.yaml"));
        fs::create_dir_all(self.bench.path("work/specs")).unwrap();
        fs::rename(from, self.bench.path(&format!("work/specs/{name}.yaml"))).unwrap();
    }

    /// Commits everything and pushes it, signed by this key or not; says which commit it is.
    #[track_caller]
    pub(crate) fn push(&self, key: Option<&str>) -> String {
        self.in_work(&["add", "--all"]);
        self.push_index(key)
    }

    /// The same with what is in the index.
    #[track_caller]
    pub(crate) fn push_index(&self, key: Option<&str>) -> String {
        let signing = key.map(|key| format!("user.signingkey={key}"));
        let mut args = vec!["-c", "gpg.format=ssh"];
        args.extend(signing.iter().flat_map(|signing| ["-c", signing.as_str()]));
        args.extend(["commit", "-q", "--allow-empty", "-m", "change"]);
        args.extend(key.map(|_| "-S"));
        self.in_work(&args);
        self.in_work(&["push", "-q", "--force", &self.path("repo.git"), "HEAD:main"]);
        self.in_work(&["rev-parse", "HEAD"])
    }

    /// Follows it.
    pub(crate) fn watch(&mut self, more: &[&str]) -> u32 {
        let url = self.path("repo.git");
        let own = ["--git", &url, "--branch", "main", "--path", "specs", "--interval", "200ms"];
        self.bench.watch(&[&own[..], &["--prune-delay", "200ms"], more].concat())
    }

    #[track_caller]
    pub(crate) fn until_said(&self, words: &str) {
        until(&format!("`{words}` to be said"), || self.bench.watch_log().contains(words));
    }

    /// The condition of the followed place, and its revision.
    pub(crate) fn source(&self) -> serde_json::Value {
        let text = self.bench.run(&["status", "--output", "json"]).stdout;
        let status: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let sources = status["sources"].as_array().cloned().unwrap_or_default();
        let is_it =
            |source: &serde_json::Value| source["place"].as_str().is_some_and(|p| p.contains("/lib/git/"));
        sources.into_iter().find(is_it).unwrap_or_default()
    }

    /// `git/HASH` in the state directory.
    pub(crate) fn kept(&self) -> PathBuf {
        let mut entries = fs::read_dir(self.bench.path("state/lib/git")).unwrap();
        entries.next().unwrap().unwrap().path()
    }

    #[track_caller]
    pub(crate) fn until_args(&self, name: &str, args: &str) {
        until(&format!("`{name}` with `{args}`"), || {
            self.bench.starts_of(name).last().is_some_and(|(_, words)| words == args)
        });
    }
}
