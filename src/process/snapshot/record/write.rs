//! Writes a record: the first look whole, then what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::VERSION;
use crate::facts::FileId;
use crate::process::snapshot::emit;
use crate::process::snapshot::stat::exact;
use crate::process::snapshot::write::{
    Named, Parts, Table, WriteOptions, line, parts, write_roots, write_table,
};
use crate::process::snapshot::write_process::Entry;
use crate::process::world::World;
use crate::units::{BootTime, Pid};

/// What the clocks of a frame say is its `at`.
const CLOCKS: [&str; 2] = ["now", "uptime"];

/// Remembers what it has written.
#[derive(Debug)]
pub struct Recorder {
    options: WriteOptions,
    begun: Option<BootTime>,
    host: BTreeMap<&'static str, String>,
    users: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
    files: Table,
    roots: BTreeMap<FileId, Table>,
    processes: BTreeMap<Pid, BTreeMap<&'static str, String>>,
}

impl Recorder {
    /// Nothing was written.
    pub fn new(options: WriteOptions) -> Self {
        Self {
            options,
            begun: None,
            host: BTreeMap::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            files: Table::new(),
            roots: BTreeMap::new(),
            processes: BTreeMap::new(),
        }
    }

    /// The first look, with the heading.
    pub fn begin(&mut self, world: &dyn World, pids: &[Pid], every: Duration, events: bool) -> String {
        let parts = parts(world, pids, &self.options);
        let mut text = format!("record: {VERSION}\nevery: {}\nevents: {events}\n", exact(every));
        parts.write(&mut text);
        text.push_str("...\n");
        self.begun = world.uptime().known();
        self.roots.clone_from(&parts.roots);
        let mut nothing = String::new();
        self.host_changes(&mut nothing, &parts, true);
        self.process_changes(&mut nothing, &parts);
        text
    }

    /// A look at all processes.
    pub fn look(&mut self, world: &dyn World, pids: &[Pid]) -> String {
        let there: BTreeSet<Pid> = pids.iter().copied().collect();
        let gone: Vec<Pid> = self.processes.keys().filter(|pid| !there.contains(pid)).copied().collect();
        self.frame(world, pids, gone, false)
    }

    /// What the kernel told: these are there, changed or new, and those have exited. `None` if nobody knew of them.
    pub fn noticed(&mut self, world: &dyn World, pids: &[Pid], exited: &[Pid]) -> Option<String> {
        let gone: Vec<Pid> = exited.iter().filter(|pid| self.processes.contains_key(pid)).copied().collect();
        if pids.is_empty() && gone.is_empty() {
            return None;
        }
        Some(self.frame(world, pids, gone, true))
    }

    /// The last words.
    pub fn end(&self, world: &dyn World, why: &str) -> String {
        let mut text = self.heading(world);
        line(&mut text, 0, "ended", &emit::text(why));
        text.push_str("...\n");
        text
    }

    fn heading(&self, world: &dyn World) -> String {
        let at = world.uptime().known().zip(self.begun).map_or(Duration::ZERO, |(up, begun)| up.since(begun));
        format!(
            "---\nat: {}\n",
            exact(Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(u64::MAX)))
        )
    }

    fn frame(&mut self, world: &dyn World, pids: &[Pid], mut gone: Vec<Pid>, noticed: bool) -> String {
        let parts = parts(world, pids, &self.options);
        // A number that was given out again is another process, and nothing of the first holds for it.
        gone.extend(self.successors(&parts));
        for pid in &gone {
            self.processes.remove(pid);
        }
        let mut text = self.heading(world);
        if noticed {
            line(&mut text, 0, "noticed", &list(pids));
        }
        self.host_changes(&mut text, &parts, !noticed);
        self.process_changes(&mut text, &parts);
        if !gone.is_empty() {
            gone.sort_unstable();
            gone.dedup();
            line(&mut text, 0, "gone", &list(&gone));
        }
        text.push_str("...\n");
        text
    }

    fn successors(&self, parts: &Parts) -> Vec<Pid> {
        let start = |entries: &[Entry]| {
            entries.iter().find(|entry| entry.key == "startTicks").map(|entry| entry.value.clone())
        };
        let is_other = |(pid, entries): &(Pid, Vec<Entry>)| {
            let before = self.processes.get(pid)?.get("startTicks")?;
            start(entries).filter(|now| now != before).map(|_| *pid)
        };
        parts.processes.iter().filter_map(is_other).collect()
    }

    /// Also takes note of what is so now. Only a whole look can tell that a file is no more.
    fn host_changes(&mut self, text: &mut String, parts: &Parts, whole: bool) {
        let mut changes = String::new();
        let host: BTreeMap<&'static str, String> =
            parts.host.iter().filter(|(key, _)| !CLOCKS.contains(key)).cloned().collect();
        for (key, value) in &host {
            if self.host.get(key) != Some(value) {
                line(&mut changes, 2, key, value);
            }
        }
        for key in self.host.keys().filter(|key| !host.contains_key(*key)) {
            line(&mut changes, 2, key, "~");
        }
        self.host = host;
        for (key, known, now) in
            [("users", &mut self.users, &parts.users), ("groups", &mut self.groups, &parts.groups)]
        {
            let new = news(known, now.iter().map(|(name, value)| (name, value)));
            if !new.is_empty() {
                line(&mut changes, 2, key, &emit::mapping(&new));
            }
        }
        let new: Table = news(&mut self.files, parts.files.iter()).into_iter().collect();
        if !new.is_empty() {
            write_table(&mut changes, 2, &new);
        }
        let others = parts.roots.iter().any(|(id, table)| self.roots.get(id) != Some(table));
        if others {
            self.roots.extend(parts.roots.iter().map(|(id, table)| (*id, table.clone())));
            write_roots(&mut changes, &self.roots);
        }
        if !changes.is_empty() {
            let _ = write!(text, "host:\n{changes}");
        }
        if whole {
            self.unlinked(text, parts);
        }
    }

    /// Files that are no more, as far as somebody shows them still.
    fn unlinked(&mut self, text: &mut String, parts: &Parts) {
        let old: Vec<String> =
            self.files.keys().filter(|path| !parts.files.contains_key(*path)).cloned().collect();
        if old.is_empty() {
            return;
        }
        self.files.retain(|path, _| parts.files.contains_key(path));
        line(text, 0, "unlinked", &emit::list(old.iter().map(|path| emit::text(path))));
    }

    fn process_changes(&mut self, text: &mut String, parts: &Parts) {
        let mut changes = String::new();
        for (pid, entries) in &parts.processes {
            let now: BTreeMap<&'static str, String> =
                entries.iter().map(|entry| (entry.key, entry.value.clone())).collect();
            let before = self.processes.get(pid);
            let same =
                |key: &str, value: &String| before.is_some_and(|before| before.get(key) == Some(value));
            let mut keys: Vec<(&'static str, &str)> =
                entries.iter().filter(|entry| !same(entry.key, &entry.value)).map(pair).collect();
            let ended = before.into_iter().flat_map(BTreeMap::keys).filter(|key| !now.contains_key(*key));
            keys.extend(ended.map(|key| (*key, "~")));
            if before.is_none() || !keys.is_empty() {
                let _ = writeln!(changes, "  - pid: {pid}");
            }
            for (key, value) in keys {
                line(&mut changes, 4, key, value);
            }
            self.processes.insert(*pid, now);
        }
        if !changes.is_empty() {
            let _ = write!(text, "processes:\n{changes}");
        }
    }
}

fn pair(entry: &Entry) -> (&'static str, &str) {
    (entry.key, &entry.value)
}

/// What is new or another, which is noted.
fn news<'a>(
    known: &mut BTreeMap<String, String>,
    now: impl Iterator<Item = (&'a String, &'a String)>,
) -> Named {
    let mut new = Vec::new();
    for (key, value) in now {
        if known.get(key) != Some(value) {
            known.insert(key.clone(), value.clone());
            new.push((key.clone(), value.clone()));
        }
    }
    new
}

fn list(pids: &[Pid]) -> String {
    emit::list(pids.iter().map(Pid::to_string))
}
