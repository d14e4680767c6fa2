//! Writes sets down, and remembers between them what is on disk: a set costs what changed in it, but for its list of names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::{Accepted, FORMAT, KEPT, MODE, numbers, pack, set_of, set_path, sets};
use crate::host::state_dir::Dirs;
use crate::host::{atomic, failpoint};
use crate::sharing::Change;
use crate::spec::{Origin, Service, ServiceName, Services};
use crate::units::WallTime;

/// Keeps sets in the order in which they are given.
#[derive(Debug)]
pub(super) struct Keeper {
    dirs: Dirs,
    /// What is on disk; `None`: it has to be read.
    disk: Option<Disk>,
}

#[derive(Debug, Default)]
struct Disk {
    /// The sets that are there, the oldest first.
    numbers: Vec<u64>,
    /// The digests of the documents of the newest one.
    last: BTreeMap<ServiceName, Arc<str>>,
    /// The documents that these are of. Empty: they were read from disk.
    given: Services,
    /// All documents that are there, by digest.
    there: BTreeSet<Arc<str>>,
    /// What the file of all documents was when it was last written: another one was put there by somebody else.
    file: Option<(u64, u64)>,
    /// Documents are counted anew when there are more than this.
    sweep_above: usize,
}

/// A set as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    format: u64,
    number: u64,
    at: WallTime,
    by: &'a str,
    why: &'a str,
    objects: BTreeMap<&'a ServiceName, WrittenObject<'a>>,
}

#[derive(Serialize)]
struct WrittenObject<'a> {
    digest: &'a str,
    origin: &'a Origin,
}

impl Keeper {
    /// Of the state in these directories, which is ours.
    pub(super) fn new(dirs: Dirs) -> Self {
        Self { dirs, disk: None }
    }

    /// Writes a set down, if it isn't the last one.
    pub(super) fn keep(&mut self, accepted: &Accepted) -> io::Result<()> {
        fs::create_dir_all(self.dirs.history())?;
        let disk = match self.disk.take().filter(|disk| disk.file == file_of(&self.objects())) {
            Some(disk) => disk,
            None => Disk::read(&self.dirs)?,
        };
        // After a failure the disk is looked at anew.
        self.disk = Some(self.add(disk, accepted)?);
        Ok(())
    }

    fn objects(&self) -> PathBuf {
        self.dirs.history().join("objects")
    }

    fn add(&self, mut disk: Disk, accepted: &Accepted) -> io::Result<Disk> {
        let Some(texts) = disk.take(&accepted.services)? else { return Ok(disk) };
        let path = self.objects();
        pack::add(&path, &texts)?;
        disk.file = file_of(&path);
        disk.there.extend(texts.into_keys());
        failpoint::hit("history.objects")?;
        let number = disk.numbers.last().copied().unwrap_or_default().saturating_add(1);
        self.write_set(number, &disk, accepted)?;
        failpoint::hit("history.set")?;
        disk.numbers.push(number);
        while disk.numbers.len() > KEPT {
            let _ = fs::remove_file(set_path(&self.dirs, disk.numbers.remove(0)));
        }
        if disk.there.len() > disk.last.len().saturating_mul(2).max(disk.sweep_above) {
            disk.sweep(&self.dirs, &path)?;
        }
        Ok(disk)
    }

    fn write_set(&self, number: u64, disk: &Disk, accepted: &Accepted) -> io::Result<()> {
        let written = disk.last.iter().zip(accepted.services.values());
        let written = written
            .map(|((name, digest), service)| (name, WrittenObject { digest, origin: &service.origin }));
        let set = Written {
            format: FORMAT,
            number,
            at: accepted.at,
            by: &accepted.by,
            why: &accepted.why,
            objects: written.collect(),
        };
        atomic::write_synced(&set_path(&self.dirs, number), &serde_json::to_vec(&set)?, MODE)
    }
}

impl Disk {
    fn read(dirs: &Dirs) -> io::Result<Self> {
        let numbers = numbers(dirs)?;
        let path = dirs.history().join("objects");
        let there: BTreeSet<Arc<str>> = pack::read(&path)?.into_keys().map(Arc::from).collect();
        let newest = numbers.iter().rev().find_map(|number| set_of(dirs, *number));
        let last = newest.as_ref().map_or(0, |set| set.number);
        let objects = newest.into_iter().flat_map(|set| set.objects);
        let objects = objects.map(|(name, object)| {
            let digest: Arc<str> = object.digest.into();
            (name, there.get(&digest).cloned().unwrap_or(digest))
        });
        Ok(Self {
            last: objects.collect(),
            given: Services::default(),
            // What is newer can't be read: its number is free.
            numbers: numbers.into_iter().filter(|number| *number <= last).collect(),
            file: file_of(&path),
            there,
            sweep_above: 0,
        })
    }

    /// Takes these documents for the newest set, and gives the texts that aren't there yet. `None`: the newest set says the same.
    fn take(&mut self, services: &Services) -> io::Result<Option<BTreeMap<Arc<str>, String>>> {
        let Self { last, given, there, .. } = self;
        let (mut moved, mut texts) = (false, BTreeMap::new());
        if given.is_empty() {
            let before = last.len();
            last.retain(|name, _| services.contains_key(name));
            moved = last.len() != before;
        }
        for Change { key, is, .. } in services.changes_since(given) {
            let Some(service) = is else {
                moved |= last.remove(key).is_some();
                continue;
            };
            let plain = Service { origin: Origin::default(), ..Service::clone(service) };
            let text = serde_json::to_string(&plain)?;
            let digest: Arc<str> = pack::digest(text.as_bytes()).into();
            let digest = if let Some(there) = there.get(&digest) {
                Arc::clone(there)
            } else {
                texts.insert(Arc::clone(&digest), text);
                digest
            };
            moved |= last.insert(key.clone(), Arc::clone(&digest)).as_ref() != Some(&digest);
        }
        given.clone_from(services);
        Ok(moved.then_some(texts))
    }

    /// Drops the documents that no set needs, when that is more than half.
    fn sweep(&mut self, dirs: &Dirs, path: &std::path::Path) -> io::Result<()> {
        let sets = sets(dirs)?;
        let digests = sets.iter().flat_map(|set| set.objects.values());
        let needed: BTreeSet<&str> = digests.map(|object| object.digest.as_str()).collect();
        if pack::sweep(path, &needed)? {
            self.there.retain(|digest| needed.contains(&**digest));
            self.file = file_of(path);
        }
        self.sweep_above = needed.len().saturating_mul(2);
        Ok(())
    }
}

/// Inode and size of the file of all documents.
fn file_of(path: &std::path::Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|meta| (meta.ino(), meta.len()))
}
