//! What Services may have in common, as numbers: where no two have one in common, no pair of them is of any concern, and an edit
//! is compared with what is known of the others instead of all with each other.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};
use std::path::{Path, PathBuf};
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
        // Many documents name the same program: to follow its path once for each of them was most of what this took.
        let known: RefCell<HashMap<PathBuf, Option<(u64, u64)>>> = RefCell::default();
        let once = |path: &Path| {
            let before = known.borrow().get(path).copied();
            before.unwrap_or_else(|| *known.borrow_mut().entry(path.into()).or_insert(identity(path)))
        };
        let mut marks = Self::default();
        for file in files {
            if !marks.replace(&[], file.services(), &once) {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::cell::Cell;

    use super::*;
    use crate::spec::tests::load_text;

    #[test]
    fn the_path_of_a_program_is_followed_once_for_all_documents() {
        let document = |name: &str, program: &str| {
            format!(
                "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: {name}}}\n\
                 spec: {{startas: {program}, args: [{name}]}}\n"
            )
        };
        let text = [("a", "/bin/x"), ("b", "/bin/x"), ("c", "/bin/y"), ("d", "/bin/x"), ("e", "/bin/none")]
            .map(|(name, program)| document(name, program))
            .join("---\n");
        let loaded = load_text(&text);
        assert_eq!(loaded.files.iter().flat_map(LoadedFile::services).count(), 5);
        let asked = Cell::new(0);
        let identity = |path: &Path| {
            asked.set(asked.get() + 1);
            (!path.ends_with("none")).then_some((1, 2))
        };
        let together = Marks::of(loaded.files.iter(), &identity).unwrap();
        assert_eq!(asked.get(), 3, "also where it says nothing");
        let mut each = Marks::default();
        assert!(loaded.files.iter().all(|file| each.replace(&[], file.services(), &identity)));
        assert_eq!(together.0, each.0);
    }
}
