//! Defaults: values for the Services and Tasks that labels choose, put under what their documents say.
//!
//! They are merged as YAML, before anything is read: a mapping is filled up with the keys that it lacks, everything else is the
//! document's as a whole. What is filled in stands at the document's `spec` for messages, with a note of where it comes from.

mod apply;
mod read;
mod selector;

pub(super) use apply::{Applied, applied};
pub(super) use read::{read, read_selector};
pub use selector::{Operator, Requirement, Selector};

use std::collections::BTreeMap;
use std::sync::Arc;

use super::LoadedFile;
use super::codes;
use super::file::Reading;
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::yaml::Node;

/// A document of kind Defaults.
#[derive(Clone, PartialEq, Debug)]
pub struct DefaultsDocument {
    /// Unique among Defaults.
    pub name: String,
    /// The file it stands in.
    pub source: Arc<Source>,
    /// Where its name stands.
    pub name_at: Span,
    /// Whom it chooses.
    pub selector: Selector,
    /// The heavier one wins.
    pub weight: i32,
    /// Its values, as written.
    pub(super) values: Node,
    /// The directory of its file.
    pub(super) directory: Option<String>,
}

/// Defaults that can't be used: whom they may choose must not be taken without them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Unusable {
    /// Nothing: nobody knows whom.
    pub(super) selector: Option<Selector>,
    /// Why, as the end of a sentence.
    pub(super) reason: String,
}

/// All Defaults of a set of files.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DefaultsSet {
    /// The heaviest first.
    good: Vec<DefaultsDocument>,
    unusable: Vec<Unusable>,
}

impl DefaultsSet {
    /// The documents that can be used, the heaviest first.
    pub fn documents(&self) -> &[DefaultsDocument] {
        &self.good
    }
}

/// The Defaults of all files; `reasons`: why each file is refused, where it is. Also what stands in several files.
pub(super) fn of(readings: &[Reading], reasons: &[Option<String>]) -> (DefaultsSet, Vec<Diagnostic>) {
    let (mut set, mut redefined) = (DefaultsSet::default(), Vec::new());
    let mut by_name: BTreeMap<&str, Vec<&DefaultsDocument>> = BTreeMap::new();
    for (reading, reason) in readings.iter().zip(reasons) {
        match reason {
            Some(reason) => set.refuse(reading, reason),
            None => {
                for document in &reading.defaults {
                    by_name.entry(&document.name).or_default().push(document);
                }
            }
        }
        if reading.is_unread() && seems_to_hold(&reading.source.text) {
            let reason = format!("`{}` can't be read", reading.source.name);
            set.unusable.push(Unusable { selector: None, reason });
        }
    }
    for (name, documents) in by_name {
        match documents.as_slice() {
            [only] => set.good.push((*only).clone()),
            several => {
                let places: Vec<&str> = several.iter().map(|one| &*one.source.name).collect();
                let message = format!("the Defaults `{name}` stand in {}", places.join(" and in "));
                set.unusable.extend(several.iter().map(|document| Unusable {
                    selector: Some(document.selector.clone()),
                    reason: message.clone(),
                }));
                let said = several.iter().take(1).map(|first| {
                    Diagnostic::error(codes::DUPLICATE_NAME, message.clone())
                        .at(first.name_at, "")
                        .in_source(&first.source)
                        .help("give one of them another name")
                });
                redefined.extend(said);
            }
        }
    }
    set.good.sort_by(|a, b| (b.weight, &b.name).cmp(&(a.weight, &a.name)));
    (set, redefined)
}

impl DefaultsSet {
    fn refuse(&mut self, reading: &Reading, reason: &str) {
        let known = reading.defaults.iter().map(|document| Some(document.selector.clone()));
        let more = (reading.defaults_seen > reading.defaults.len()).then_some(None);
        self.unusable
            .extend(known.chain(more).map(|selector| Unusable { selector, reason: reason.to_owned() }));
    }
}

/// S192: Defaults that choose nothing. Nothing where a file was refused, and where there is nothing to be chosen.
pub fn unused<'a>(
    files: &(impl Iterator<Item = &'a LoadedFile> + Clone),
    set: &DefaultsSet,
) -> Vec<Diagnostic> {
    let mut services = files.clone().flat_map(LoadedFile::services);
    if services.next().is_none() || files.clone().any(|file| file.rejected().is_some()) {
        return Vec::new();
    }
    let chooses = |document: &&DefaultsDocument| {
        let mut services = files.clone().flat_map(LoadedFile::services);
        services.any(|service| document.selector.matches(&service.labels))
    };
    let own = files.clone().flat_map(LoadedFile::defaults).filter(|document| !chooses(document));
    own.filter(|document| set.good.iter().any(|good| good.name == document.name))
        .map(|document| {
            let message = format!("the Defaults `{}` choose nothing", document.name);
            Diagnostic::warning(codes::UNUSED_DEFAULTS, message)
                .at(document.name_at, "")
                .in_source(&document.source)
                .help("mend the selector, or remove them")
        })
        .collect()
}

/// A text that isn't YAML and speaks of Defaults.
fn seems_to_hold(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim_end().strip_prefix("kind:").is_some_and(|kind| kind.trim() == "Defaults"))
}
