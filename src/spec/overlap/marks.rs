//! What Services may have in common, as numbers: where no two have one in common, no pair of them is of any concern, and an edit
//! is compared with what is known of the others instead of all with each other.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};
use std::path::Path;
use std::sync::Arc;

use super::{FileIdentity, instances};
use crate::spec::{LoadedFile, Service};

type State = BuildHasherDefault<DefaultHasher>;

/// The marks of a set of Services, no two of which have one in common, wait for each other, or have a `matchOnly`: about such a
/// set neither [`super::overlaps`] nor [`crate::spec::dependency_mistakes`] nor
/// [`crate::spec::names_that_stand_twice`] has anything to say.
#[derive(Clone, Debug, Default)]
pub struct Marks(HashSet<u64, State>);

impl Marks {
    /// Of these files; `None`: there may be something to say.
    pub fn of<'a>(files: impl Iterator<Item = &'a LoadedFile>, identity: FileIdentity<'_>) -> Option<Self> {
        let mut marks = Self::default();
        for file in files {
            if !marks.replace(&[], file.services(), identity) {
                return None;
            }
        }
        Some(marks)
    }

    /// Takes Services in place of others. False: there may be something to say, and these marks are of no use any more.
    pub fn replace(
        &mut self,
        former: &[Arc<Service>],
        present: &[Arc<Service>],
        identity: FileIdentity<'_>,
    ) -> bool {
        // A program that was replaced meanwhile leaves its mark behind, which only makes for a closer look.
        for mark in former.iter().flat_map(|service| of_service(service, identity)) {
            self.0.remove(&mark);
        }
        present.iter().all(|service| {
            let is_plain = service.match_only.is_none() && service.depends_on.is_empty();
            is_plain && of_service(service, identity).into_iter().all(|mark| self.0.insert(mark))
        })
    }
}

/// Its name, its pid files, and its programs, by path and by file, with its arguments.
fn of_service(service: &Service, identity: FileIdentity<'_>) -> BTreeSet<u64> {
    let words: Vec<u64> = instances(service, &service.args).iter().map(hash).collect();
    let mut marks = BTreeSet::from([hash(&("name", service.name.as_str()))]);
    for path in std::iter::once(&service.startas).chain(&service.becomes) {
        let programs = [Some(of_path(path)), identity(path).map(|file| hash(&("file", file)))];
        let each = programs.into_iter().flatten();
        marks.extend(each.flat_map(|program| words.iter().map(move |words| hash(&(program, words)))));
    }
    let pidfiles = service.pidfile.iter().flat_map(|path| instances(service, std::slice::from_ref(path)));
    marks.extend(pidfiles.map(|path| hash(&("pidfile", path))));
    marks
}

fn of_path(path: &Path) -> u64 {
    hash(&("path", path.as_os_str()))
}

fn hash(of: &(impl Hash + ?Sized)) -> u64 {
    State::default().hash_one(of)
}
