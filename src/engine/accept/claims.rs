//! Good files: each name once. Of two documents with one name the present owner's wins; between newcomers nobody.
//!
//! An owner whose file can't be read at the moment still owns the name: nobody knows that it doesn't stand there any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Acceptance, FileSeen, SourcesSeen};
use crate::host::spawn::to_stay;
use crate::plan::meaning;
use crate::spec::{Service, ServiceName, SpecSet};

/// A document and the file that it stands in.
type Claim<'a> = (&'a str, &'a Arc<Service>);

impl Acceptance {
    /// Takes what good files declare.
    pub(super) fn take_good(&self, seen: &SourcesSeen, set: &mut SpecSet) {
        let mut claims: BTreeMap<&ServiceName, Vec<Claim<'_>>> = BTreeMap::new();
        for (path, file) in seen.files.iter() {
            for service in file.good().iter().flat_map(|file| file.services.iter()) {
                claims.entry(&service.name).or_default().push((path, service));
            }
        }
        let mut taken: Vec<(ServiceName, Arc<Service>)> = Vec::with_capacity(claims.len());
        for (name, claims) in claims {
            let owner = self.in_force.get(name);
            let (winner, rejected) = match claims.as_slice() {
                [only] => match owner.and_then(|owner| Some((owner, still_owned(owner, only, seen)?))) {
                    Some((owner, reason)) => (Some(owner), Some(reason)),
                    None => (Some(only.1), None),
                },
                several => {
                    let own = several.iter().find(|(path, _)| Some(*path) == owner.map(|o| &*o.origin.file));
                    (own.map(|(_, service)| *service), Some(twice(name, several)))
                }
            };
            if let Some(reason) = rejected {
                set.rejected.insert(name.clone(), reason);
            }
            if let Some(service) = winner {
                // A document that says what it said stays the value that records share.
                let same = owner.filter(|former| *former == service);
                taken.push((name.clone(), Arc::clone(same.unwrap_or(service))));
            }
        }
        set.services = to_stay(taken.len(), || taken.iter().cloned().collect());
    }
}

fn twice(name: &ServiceName, claims: &[Claim<'_>]) -> String {
    let places: Vec<String> =
        claims.iter().map(|(path, service)| format!("{path}:{}", service.origin.line)).collect();
    format!("`{name}` stands in {}", places.join(" and "))
}

/// Why a name still belongs to the file that it came from, which may or may not declare it. A newcomer that says the same
/// may have it: nothing changes by that.
fn still_owned(owner: &Service, (path, newcomer): &Claim<'_>, seen: &SourcesSeen) -> Option<String> {
    let file = &*owner.origin.file;
    if file == *path || meaning(owner) == meaning(newcomer) {
        return None;
    }
    let why = match seen.files.get(file) {
        Some(FileSeen::Broken(broken)) => &broken.reason,
        Some(FileSeen::Good(_)) => return None,
        None => seen.unavailable(file)?,
    };
    let (name, line) = (&owner.name, newcomer.origin.line);
    Some(format!(
        "`{name}` stands in {path}:{line} and may still stand in `{file}`, which it came from: {why}"
    ))
}
