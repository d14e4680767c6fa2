//! What all files give to acceptance, kept from look to look: a look costs what changed in it.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::here::Here;
use crate::diagnostic::Source;
use crate::engine::accept::{FileSeen, GoodFile};
use crate::host::spawn::to_stay;
use crate::spec::LoadedFile;
use crate::spec::policy::Policy;

/// Files by their absolute names, as the last look gave them.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// What each gives.
    pub(super) files: Arc<BTreeMap<Arc<str>, FileSeen>>,
    /// Their texts, for whoever shows them: nobody does for whom they are shown for long.
    pub(super) texts: Arc<BTreeMap<String, Arc<Source>>>,
    /// Grows with each look in which a file was another one.
    pub(super) generation: u64,
    /// What isn't shown as it was loaded: the absolute name, and the name as given.
    other: BTreeMap<String, String>,
    /// Names of files that were loaded, or are gone, since the last look.
    stale: BTreeSet<String>,
    /// All files were loaded.
    all_stale: bool,
    /// They are shown for long.
    stays: bool,
}

impl Shown {
    /// It is worth an effort to have them take little memory.
    #[must_use]
    pub(super) fn that_stay(self) -> Self {
        Self { stays: true, ..self }
    }

    /// This file was loaded anew, or is gone.
    pub(super) fn is_stale(&mut self, name: &str) {
        if !self.all_stale {
            self.stale.insert(name.to_owned());
        }
    }

    /// All files were loaded anew.
    pub(super) fn are_stale(&mut self) {
        self.all_stale = true;
    }

    /// Whether anything was loaded, or is gone, since the last look.
    pub(super) fn has_stale(&self) -> bool {
        self.all_stale || !self.stale.is_empty()
    }

    /// Everything is shown as it was loaded, and nothing was loaded since.
    pub(super) fn is_plain(&self) -> bool {
        self.other.is_empty() && !self.has_stale()
    }

    /// What the digest of a look says of them.
    pub(super) fn digest_line(&self) -> String {
        format!("files {}\n", self.generation)
    }

    /// Shows what was loaded, but for files of libraries. Gives the absolute names of what may be other than at the last look;
    /// `None`: everything.
    pub(super) fn renew(
        &mut self,
        loaded: &BTreeMap<Arc<str>, LoadedFile>,
        libraries: &BTreeSet<String>,
        here: &Here,
    ) -> Option<BTreeSet<String>> {
        self.generation += u64::from(self.has_stale());
        let stale = std::mem::take(&mut self.stale);
        let other = std::mem::take(&mut self.other);
        if std::mem::take(&mut self.all_stale) || !libraries.is_empty() || self.files.is_empty() {
            let own = loaded.iter().filter(|(name, _)| !libraries.contains(&***name));
            let own: BTreeMap<String, &LoadedFile> =
                own.map(|(name, file)| (here.absolute(name), file)).collect();
            // Maps that are made at once have no empty places in them.
            let files = || own.iter().map(|(place, file)| (shared(place, file), seen(file))).collect();
            let many = if self.stays { own.len() } else { 0 };
            self.files = to_stay(many, || Arc::new(files()));
            if !self.stays {
                let texts = own.iter().map(|(place, file)| (place.clone(), Arc::clone(&file.source)));
                self.texts = Arc::new(texts.collect());
            }
            return None;
        }
        let mut changed = BTreeSet::new();
        let stale = stale.into_iter().map(|name| (here.absolute(&name), name));
        for (place, name) in stale.chain(other) {
            let file = loaded.get(name.as_str());
            put(Arc::make_mut(&mut self.files), &place, file.map(seen));
            if !self.stays {
                put(Arc::make_mut(&mut self.texts), &place, file.map(|file| Arc::clone(&file.source)));
            }
            changed.insert(place);
        }
        Some(changed)
    }

    /// Shows a file as something else than what was loaded, in this look.
    pub(super) fn instead(&mut self, name: &str, here: &Here, file: FileSeen) -> String {
        let place = here.absolute(name);
        Arc::make_mut(&mut self.files).insert(place.as_str().into(), file);
        self.other.insert(place.clone(), name.to_owned());
        place
    }
}

/// Puts a value in the place of another one, or of none; nothing: it is gone.
fn put<K, T>(map: &mut BTreeMap<K, T>, place: &str, value: Option<T>)
where
    K: Ord + Borrow<str> + for<'p> From<&'p str>,
{
    match value {
        Some(value) => drop(map.insert(place.into(), value)),
        None => drop(map.remove(place)),
    }
}

/// A place as a text that others have as well, where there is one.
fn shared(place: &str, file: &LoadedFile) -> Arc<str> {
    let own = file.services().first().map(|service| &service.origin.file).filter(|own| ***own == *place);
    own.map_or_else(|| place.into(), Arc::clone)
}

fn seen(file: &LoadedFile) -> FileSeen {
    match file.reason() {
        Some(reason) => FileSeen::broken(reason),
        None => {
            // Shared: what nobody edited is the very value that it was, for all who compare.
            FileSeen::Good(GoodFile {
                digest: file.digest.clone(),
                services: file.services().into(),
                policies: policies_in(file),
                empty: file.is_empty(),
            })
        }
    }
}

pub(super) fn policies_in(file: &LoadedFile) -> Arc<[Arc<Policy>]> {
    if file.policies().is_empty() {
        // The one that all files without any share.
        return Arc::default();
    }
    file.policies().iter().map(|document| Arc::clone(&document.policy)).collect()
}
