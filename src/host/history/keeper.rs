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
use crate::spec::{Origin, Service, ServiceName};
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
    /// The newest one.
    last: Objects,
    /// All documents that are there, by digest.
    there: BTreeSet<Arc<str>>,
    /// What the file of all documents was when it was last written: another one was put there by somebody else.
    file: Option<(u64, u64)>,
    /// Documents are counted anew when there are more than this.
    sweep_above: usize,
}

/// Documents and their digests. Without a document: it was read from disk.
type Objects = BTreeMap<ServiceName, (Option<Arc<Service>>, Arc<str>)>;

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
        let (objects, texts) = disk.objects_of(accepted)?;
        let same = objects.len() == disk.last.len()
            && objects.iter().zip(&disk.last).all(|(a, b)| a.0 == b.0 && a.1.1 == b.1.1);
        disk.last = objects;
        if same {
            return Ok(disk);
        }
        let path = self.objects();
        pack::add(&path, &texts)?;
        disk.file = file_of(&path);
        disk.there.extend(texts.into_keys());
        failpoint::hit("history.objects")?;
        let number = disk.numbers.last().copied().unwrap_or_default().saturating_add(1);
        self.write_set(number, &disk.last, accepted)?;
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

    fn write_set(&self, number: u64, objects: &Objects, accepted: &Accepted) -> io::Result<()> {
        let written = objects.iter().zip(accepted.services.values());
        let written = written
            .map(|((name, (_, digest)), service)| (name, WrittenObject { digest, origin: &service.origin }));
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
            (name, (None, there.get(&digest).cloned().unwrap_or(digest)))
        });
        Ok(Self {
            last: objects.collect(),
            // What is newer can't be read: its number is free.
            numbers: numbers.into_iter().filter(|number| *number <= last).collect(),
            file: file_of(&path),
            there,
            sweep_above: 0,
        })
    }

    /// The documents of a set, and the texts that aren't there yet.
    fn objects_of(&self, accepted: &Accepted) -> io::Result<(Objects, BTreeMap<Arc<str>, String>)> {
        let (mut objects, mut texts) = (Objects::new(), BTreeMap::new());
        let mut former = self.last.iter().peekable();
        for (name, service) in &accepted.services {
            while former.next_if(|(other, _)| *other < name).is_some() {}
            let same = former.next_if(|(other, _)| *other == name).map(|(_, known)| known);
            let same =
                same.filter(|(known, _)| known.as_ref().is_some_and(|known| Arc::ptr_eq(known, service)));
            let digest = match same {
                Some((_, digest)) => Arc::clone(digest),
                None => {
                    let plain = Service { origin: Origin::default(), ..Service::clone(service) };
                    let text = serde_json::to_string(&plain)?;
                    let digest: Arc<str> = pack::digest(text.as_bytes()).into();
                    if let Some(there) = self.there.get(&digest) {
                        Arc::clone(there)
                    } else {
                        texts.insert(Arc::clone(&digest), text);
                        digest
                    }
                }
            };
            objects.insert(name.clone(), (Some(Arc::clone(service)), digest));
        }
        Ok((objects, texts))
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
