//! A watch over two daemons, and the questions that every test asks about them.

use std::fs;
use std::path::PathBuf;

use crate::support::{Bench, until};

/// How the watch is told of changes.
pub(crate) type Way = &'static [&'static str];
pub(crate) const HINTS: Way = &[];
/// Looks come more often than the two seconds of an engine that isn't told of changes, so that the tests take less time.
pub(crate) const SILENT: Way = &["--no-hints", "--resync", "300ms"];

/// `one` is edited by the tests, `still` must run through all of it.
pub(crate) struct Ward {
    pub(crate) bench: Bench,
    still: i32,
}

impl Ward {
    /// A removal takes effect soon, so that a wrong one would be seen; and a resync comes too late to help.
    pub(crate) fn new(way: Way) -> Self {
        Self::with(way, &["--prune-delay", "300ms"])
    }

    pub(crate) fn with(way: Way, more: &[&str]) -> Self {
        let mut bench = Bench::new();
        for name in ["one", "still"] {
            bench.daemon(name, "args: [r0]");
        }
        bench.watch(&given(way, more));
        bench.until_running(&["one", "still"]);
        let still = bench.the_pid_of("still");
        Self { bench, still }
    }

    pub(crate) fn spec(&self, name: &str) -> PathBuf {
        self.bench.path(&format!("specs/{name}"))
    }

    /// The text of `one.yaml` with this argument.
    pub(crate) fn text(&self, word: &str) -> String {
        let text = fs::read_to_string(self.spec("still.yaml")).unwrap();
        text.replace("name: still", "name: one")
            .replace("bin/still", "bin/one")
            .replace("[r0]", &format!("[{word}]"))
    }

    /// Waits until `one` runs with this argument.
    #[track_caller]
    pub(crate) fn until_one_is(&self, word: &str) {
        until(&format!("`one` with {word}"), || self.words().last().is_some_and(|last| last == word));
        self.bench.until_running(&["one"]);
    }

    /// The arguments that `one` was started with so far.
    pub(crate) fn words(&self) -> Vec<String> {
        self.bench.starts_of("one").into_iter().map(|(_, words)| words).collect()
    }

    /// What came of it all: `one` was started with exactly these arguments, and `still` was left alone.
    #[track_caller]
    pub(crate) fn only(&self, words: &[&str]) {
        assert_eq!(self.words(), words, "{}", self.bench.watch_log());
        assert_eq!(self.bench.alive_of("one").len(), 1);
        assert_eq!(self.bench.alive_of("still"), [self.still], "{}", self.bench.watch_log());
        assert_eq!(self.bench.starts_of("still").len(), 1);
    }

    /// Waits for proof that the directory was looked at since: a further daemon that comes to run.
    #[track_caller]
    pub(crate) fn looked_again(&self, name: &str) {
        self.bench.daemon(name, "");
        self.bench.until_running(&[name]);
    }

    /// Waits until a condition of the place has this status, and gives its reason.
    #[track_caller]
    pub(crate) fn until_place_is(&self, condition: &str, status: &str) -> String {
        let found = || place_condition(&self.bench, condition);
        until(&format!("{condition} to be {status}"), || found()["status"] == status);
        found()["reason"].as_str().unwrap_or_default().to_owned()
    }
}

/// Options of a test after those of its way; an option can be given only once.
pub(crate) fn given<'a>(way: Way, more: &[&'a str]) -> Vec<&'a str> {
    let way = if more.contains(&"--resync") { way.get(..1).unwrap_or_default() } else { way };
    [way, more].concat()
}

/// One condition of the only place that a watch keeps.
pub(crate) fn place_condition(bench: &Bench, kind: &str) -> serde_json::Value {
    let whole: serde_json::Value =
        serde_json::from_str(&bench.run(&["status", "--output", "json"]).stdout).unwrap_or_default();
    let conditions = whole["sources"][0]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
}
