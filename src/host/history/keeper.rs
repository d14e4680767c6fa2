//! Writes sets down, and remembers between them what is on disk: a set costs what changed in it. One in twenty has all of its
//! names, and so has one that differs much from the last one that had.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::form::{Reader, Written, WrittenObject};
use super::pack::{Digest, Fresh};
use super::{Accepted, KEPT, MODE, numbers, pack, set_path, sets};
use crate::host::spawn::side_by_side;
use crate::host::state_dir::Dirs;
use crate::host::{atomic, failpoint};
use crate::sharing::Change;
use crate::spec::{Origin, Service, ServiceName, Services};

/// A set is written whole where more than one in so many of its documents differs from the last whole one.
const FEW: usize = 4;

/// Keeps sets in the order in which they are given.
#[derive(Debug)]
pub(super) struct Keeper {
    dirs: Dirs,
    /// What is on disk; `None`: it has to be read.
    disk: Option<Disk>,
}

#[derive(Debug, Default)]
struct Disk {
    /// The sets that are there, each with the one that it differs from.
    sets: BTreeMap<u64, Option<u64>>,
    /// The last one that was written whole by us.
    whole: Option<u64>,
    /// Names of documents that aren't in that one, or not as they were there, or at another place.
    other: BTreeSet<ServiceName>,
    /// The digests of the documents of the newest one.
    last: BTreeMap<ServiceName, Digest>,
    /// The documents that these are of. Empty: they were read from disk.
    given: Services,
    /// All documents that are there, by digest.
    there: BTreeSet<Digest>,
    /// What the file of all documents was when it was last written: another one was put there by somebody else.
    file: Option<(u64, u64)>,
    /// Documents are counted anew when there are more than this.
    sweep_above: usize,
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

    /// What was noted one by one, between what the texts of a large set needed, is put side by side.
    pub(super) fn settle(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        let copies = || {
            let last = disk.last.iter().map(|(name, digest)| (name.clone(), *digest)).collect();
            (disk.there.iter().copied().collect(), last)
        };
        if let Some(copied) = side_by_side(copies) {
            (disk.there, disk.last) = copied;
        }
    }

    fn objects(&self) -> PathBuf {
        self.dirs.history().join("objects")
    }

    fn add(&self, mut disk: Disk, accepted: &Accepted) -> io::Result<Disk> {
        let Some(fresh) = disk.take(&accepted.services)? else { return Ok(disk) };
        let path = self.objects();
        fresh.append(&path)?;
        disk.file = file_of(&path);
        disk.there.extend(fresh.digests);
        failpoint::hit("history.objects")?;
        let number = disk.sets.last_key_value().map_or(0, |(number, _)| *number).saturating_add(1);
        // Where somebody took that one away, this set is told without it.
        let base = disk.base_for(number).filter(|base| set_path(&self.dirs, *base).is_file());
        let set = disk.form(number, base, accepted);
        atomic::write_synced(&set_path(&self.dirs, number), &serde_json::to_vec(&set)?, MODE)?;
        failpoint::hit("history.set")?;
        disk.was_written(number, base);
        for old in disk.drop_old() {
            let _ = fs::remove_file(set_path(&self.dirs, old));
        }
        if disk.there.len() > disk.last.len().saturating_mul(2).max(disk.sweep_above) {
            disk.sweep(&self.dirs, &path)?;
        }
        Ok(disk)
    }
}

impl Disk {
    fn read(dirs: &Dirs) -> io::Result<Self> {
        let path = dirs.history().join("objects");
        let there = pack::digests(&path)?;
        let (mut reader, mut newest, mut sets) = (Reader::new(dirs), None, BTreeMap::new());
        for number in numbers(dirs)?.into_iter().rev() {
            let set = reader.set(number);
            // What is newer than what can be read: its number is free.
            if set.is_some() || newest.is_some() {
                sets.insert(number, set.as_ref().and_then(|set| set.base));
            }
            newest = newest.or(set);
        }
        let objects = newest.iter().flat_map(|set| set.objects.iter());
        let objects =
            objects.filter_map(|(name, object)| Some((name.clone(), Digest::read(&object.digest)?)));
        Ok(Self { last: objects.collect(), sets, file: file_of(&path), there, ..Self::default() })
    }

    /// The set that the next one may differ from.
    fn base_for(&self, number: u64) -> Option<u64> {
        let is_near = |whole: &u64| number.saturating_sub(*whole) < KEPT as u64;
        self.whole.filter(is_near).filter(|_| self.other.len().saturating_mul(FEW) <= self.last.len())
    }

    /// What is to be written of the newest set, which was given last.
    fn form<'a>(&'a self, number: u64, base: Option<u64>, accepted: &'a Accepted) -> Written<'a> {
        let object = |name: &'a ServiceName| {
            let (digest, service) = (self.last.get(name)?, accepted.services.get(name)?);
            Some((name, WrittenObject { digest: *digest, origin: &service.origin }))
        };
        let Some(base) = base else {
            return Written::whole(number, accepted, self.last.keys().filter_map(object).collect());
        };
        let gone = self.other.iter().filter(|name| !self.last.contains_key(*name)).collect();
        Written::whole(number, accepted, self.other.iter().filter_map(object).collect()).over(base, gone)
    }

    fn was_written(&mut self, number: u64, base: Option<u64>) {
        self.sets.insert(number, base);
        if base.is_none() {
            self.whole = Some(number);
            self.other.clear();
        }
    }

    /// Forgets the sets that are older than the last twenty, unless one of these differs from them, and gives their numbers.
    fn drop_old(&mut self) -> Vec<u64> {
        let kept = || self.sets.iter().rev().take(KEPT);
        let needed: BTreeSet<u64> =
            kept().flat_map(|(number, base)| [Some(*number), *base]).flatten().collect();
        let old: Vec<u64> = self.sets.keys().filter(|number| !needed.contains(number)).copied().collect();
        self.sets.retain(|number, _| needed.contains(number));
        old
    }

    /// Takes these documents for the newest set, and gives the texts that aren't there yet. `None`: the newest set says the same.
    fn take(&mut self, services: &Services) -> io::Result<Option<Fresh>> {
        let Self { last, given, there, other, .. } = self;
        // What was read goes with the names that it was read with: those of the documents stay anyway.
        let read = if given.is_empty() { std::mem::take(last) } else { BTreeMap::new() };
        let (mut moved, mut fresh) = (read.keys().any(|name| !services.contains_key(name)), Fresh::default());
        for Change { key, was, is } in services.changes_since(given) {
            let Some(service) = is else {
                moved |= last.remove(key).is_some();
                other.insert(key.clone());
                continue;
            };
            let plain = Service { origin: Origin::default(), ..Service::clone(service) };
            let text = serde_json::to_string(&plain)?;
            let digest = Digest::of(text.as_bytes());
            if !there.contains(&digest) {
                fresh.add(digest, &text);
            }
            let before = last.insert(key.clone(), digest).or_else(|| read.get(key).copied());
            let says_other = before != Some(digest);
            moved |= says_other;
            if says_other || was.is_none_or(|was| was.origin != service.origin) {
                other.insert(key.clone());
            }
        }
        given.clone_from(services);
        Ok(moved.then_some(fresh))
    }

    /// Drops the documents that no set needs, when that is more than half.
    fn sweep(&mut self, dirs: &Dirs, path: &std::path::Path) -> io::Result<()> {
        let sets = sets(dirs)?;
        let digests = sets.iter().flat_map(|set| set.objects.values());
        let needed: BTreeSet<Digest> = digests.filter_map(|object| Digest::read(&object.digest)).collect();
        if pack::sweep(path, &needed)? {
            self.there.retain(|digest| needed.contains(digest));
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
