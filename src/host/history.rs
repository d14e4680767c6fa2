//! The last sets of documents that were in force, safe on disk: what `history` shows and `rollback` takes back.
//!
//! ```text
//! lib/history/objects              SHA256 JSON, a line each: a document that several sets share stands once
//! lib/history/NNNNNNNN.json        a set: when, who, why, and the digest of each of its documents, or of those that differ (`form`)
//! lib/history/pin.json             the set that is in force instead of what the sources say
//! ```
//!
//! Syncing takes as long as a disk takes, so that it is done by a thread beside the loop, which sleeps while nothing is accepted.
//! Objects are synced before the set that names them; a set that isn't complete on disk isn't there.

mod form;
mod keeper;
mod pack;
mod told;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use form::Reader;
use keeper::Keeper;
pub use told::{ToldHistory, ToldPin, ToldSet, told};

use super::atomic;
use super::errno::io_text;
use super::spawn::give_back;
use super::state_dir::Dirs;
use crate::sharing::SharedMap;
use crate::spec::{Origin, Service, ServiceName, Services};
use crate::units::WallTime;

/// So many sets are kept.
pub const KEPT: usize = 20;
const SET_BYTES_MAX: u64 = 16 << 20;
const MODE: u32 = 0o600;

/// A set of documents that was in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptSet {
    /// Its number: one more than that of the set before.
    pub number: u64,
    /// Since when it was in force.
    pub at: WallTime,
    /// Who put it in force.
    pub by: String,
    /// How it came to be, as one sentence.
    pub why: String,
    /// Its documents. Sets have in common what didn't change between them.
    pub objects: SharedMap<ServiceName, KeptObject>,
    /// The set that its file says the differences from.
    base: Option<u64>,
}

/// A document of a set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptObject {
    /// SHA-256 of what it says, in hexadecimal.
    pub digest: String,
    /// Where it stood.
    pub origin: Origin,
}

/// A set to be kept.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The documents.
    pub services: Services,
    /// Since when it is in force.
    pub at: WallTime,
    /// Who put it in force.
    pub by: String,
    /// How it came to be.
    pub why: String,
}

/// Keeps sets, beside whoever gives them.
#[derive(Debug)]
pub struct History {
    dirs: Dirs,
    thread: Option<(Sender<Accepted>, JoinHandle<()>)>,
}

impl History {
    /// Of the state in these directories, which is ours.
    pub fn new(dirs: &Dirs) -> Self {
        Self { dirs: dirs.clone(), thread: None }
    }

    /// Keeps this set, if it isn't the last one that was kept.
    pub fn keep(&mut self, accepted: Accepted) {
        if self.thread.is_none() {
            self.thread = begin(&self.dirs);
        }
        match &self.thread {
            Some((sender, _)) => drop(sender.send(accepted)),
            // The loop waits for the disk, and the next set may find a thread.
            None => drop(Keeper::new(self.dirs.clone()).keep(&accepted)),
        }
    }
}

/// The thread that keeps what it is sent. `None`: there may be no more threads.
fn begin(dirs: &Dirs) -> Option<(Sender<Accepted>, JoinHandle<()>)> {
    let (sender, receiver) = channel::<Accepted>();
    let mut keeper = Keeper::new(dirs.clone());
    let work = move || {
        let mut large = true;
        while let Ok(accepted) = receiver.recv() {
            // What can't be kept is missing in the history and nowhere else.
            let _ = keeper.keep(&accepted);
            drop(accepted);
            if std::mem::take(&mut large) {
                keeper.settle();
                give_back();
            }
        }
    };
    let thread = std::thread::Builder::new().name("history".into()).spawn(work).ok()?;
    Some((sender, thread))
}

impl Drop for History {
    /// What was given is safe before whoever gave it goes on.
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

fn set_path(dirs: &Dirs, number: u64) -> PathBuf {
    dirs.history().join(format!("{number:08}.json"))
}

/// The sets that are kept, the oldest first. What can't be read is passed over.
///
/// # Errors
/// What the kernel answered; a history that isn't there is an empty one.
pub fn sets(dirs: &Dirs) -> io::Result<Vec<KeptSet>> {
    let mut reader = Reader::new(dirs);
    // What is older stays only because others are told by their differences from it.
    let newest = numbers(dirs)?.into_iter().rev().filter_map(|number| reader.set(number)).take(KEPT);
    let mut sets: Vec<KeptSet> = newest.collect();
    sets.reverse();
    Ok(sets)
}

/// The numbers that files have, whatever is in them, in order.
fn numbers(dirs: &Dirs) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dirs.history()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The set of this number.
///
/// # Errors
/// A sentence: which ones there are.
pub fn find(sets: &[KeptSet], number: u64) -> Result<&KeptSet, String> {
    let found = sets.iter().find(|set| set.number == number);
    found.ok_or_else(|| match (sets.first(), sets.last()) {
        (Some(first), Some(last)) => {
            format!("set {number} is not kept; there are sets {} to {}", first.number, last.number)
        }
        _ => format!("set {number} is not kept: nothing was accepted yet"),
    })
}

/// The documents of a set.
///
/// # Errors
/// A sentence: one is missing, or is not what it was.
pub fn services(dirs: &Dirs, set: &KeptSet) -> Result<Services, String> {
    let texts = texts(dirs)?;
    let one = |(name, object)| Ok((ServiceName::clone(name), Arc::new(document(&texts, set, name, object)?)));
    set.objects.iter().map(one).collect()
}

/// All documents of all sets, by digest.
fn texts(dirs: &Dirs) -> Result<BTreeMap<String, String>, String> {
    pack::read(&dirs.history().join("objects")).map_err(|error| unreadable(&error))
}

fn unreadable(error: &io::Error) -> String {
    format!("the history can't be read: {}", io_text(error))
}

fn document(
    texts: &BTreeMap<String, String>,
    set: &KeptSet,
    name: &ServiceName,
    object: &KeptObject,
) -> Result<Service, String> {
    let text = texts.get(&object.digest);
    let service = text.and_then(|text| serde_json::from_str::<Service>(text).ok());
    let service = service
        .ok_or_else(|| format!("the document of `{name}` in set {} is not there any more", set.number))?;
    Ok(Service { origin: object.origin.clone(), ..service })
}

/// A digest of what documents say, wherever they stand.
pub fn digest_of(services: &Services) -> String {
    let mut all = String::new();
    for service in services.values() {
        let plain = Service { origin: Origin::default(), ..Service::clone(service) };
        all.push_str(&serde_json::to_string(&plain).unwrap_or_default());
        all.push('\n');
    }
    pack::digest(all.as_bytes())
}

/// The set that is in force instead of what the sources say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pinned {
    /// Its number.
    pub number: u64,
    /// Who put it in force.
    pub by: String,
    /// [`digest_of`] what the documents said then.
    pub sources: String,
}

/// The pin, if there is one.
pub fn pinned(dirs: &Dirs) -> Option<Pinned> {
    let own = rustix::process::geteuid().as_raw();
    let bytes = atomic::read(&dirs.history().join("pin.json"), &[0, own], 1 << 16).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Writes the pin down, or takes it away.
///
/// # Errors
/// A sentence.
pub fn pin(dirs: &Dirs, pinned: Option<&Pinned>) -> Result<(), String> {
    let path = dirs.history().join("pin.json");
    let done = match pinned {
        Some(pinned) => serde_json::to_vec(pinned)
            .map_err(io::Error::other)
            .and_then(|bytes| atomic::write_synced(&path, &bytes, MODE)),
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    };
    done.map_err(|error| format!("`{}` can't be written: {}", path.display(), io_text(&error)))
}

#[cfg(test)]
mod tests;
