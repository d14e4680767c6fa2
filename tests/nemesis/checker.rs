//! Samples `/proc`, knowing nothing of selfsame: which processes carry which service's mark.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A living process: number and start time.
pub(crate) type Key = (i32, u64);

/// Number and start time of a process that is no zombie.
fn key_of(pid: i32) -> Option<Key> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let words: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let alive = !matches!(*words.first()?, "Z" | "X" | "x");
    alive.then_some((pid, words.get(19)?.parse().ok()?))
}

/// The service whose mark a process carries in its environment, once it executes the service's program: between fork and
/// exec it carries nothing.
fn mark_of(pid: i32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let entry = environment.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(b"NEMESIS="))?;
    Some(String::from_utf8_lossy(entry).into_owned())
}

/// The living processes of each service.
pub(crate) fn look() -> BTreeMap<String, BTreeSet<Key>> {
    let mut found: BTreeMap<String, BTreeSet<Key>> = BTreeMap::new();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        let before = key_of(pid);
        let mark = mark_of(pid);
        if let (Some(key), Some(mark)) = (before, mark)
            && key_of(pid) == Some(key)
        {
            found.entry(mark).or_default().insert(key);
        }
    }
    found
}

/// Two of them that live at the same moment: the first is seen alive before and after the second is.
fn two_at_once(keys: &BTreeSet<Key>) -> Option<(Key, Key)> {
    let living = |key: &Key| key_of(key.0) == Some(*key);
    for first in keys {
        for second in keys.iter().filter(|second| *second > first) {
            if living(first) && living(second) && living(first) {
                return Some((*first, *second));
            }
        }
    }
    None
}

pub(crate) struct Checker {
    pub(crate) over: AtomicBool,
    pub(crate) samples: AtomicU64,
    pub(crate) violations: Mutex<Vec<String>>,
    pub(crate) log: PathBuf,
}

impl Checker {
    pub(crate) fn new(log: PathBuf) -> Self {
        Self { over: AtomicBool::new(false), samples: AtomicU64::new(0), violations: Mutex::default(), log }
    }

    /// Samples until it is over.
    pub(crate) fn watch(&self) {
        let mut told = BTreeSet::new();
        while !self.over.load(Ordering::SeqCst) {
            for (name, keys) in look().iter().filter(|(_, keys)| keys.len() > 1) {
                if let Some((first, second)) = two_at_once(keys)
                    && told.insert(name.clone())
                {
                    self.violations
                        .lock()
                        .unwrap()
                        .push(format!("{name} lives twice: {first:?} and {second:?}"));
                }
            }
            self.samples.fetch_add(1, Ordering::SeqCst);
            // A pace, not luck: the more samples the better.
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
