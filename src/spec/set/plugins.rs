//! The plugins of a set of files: those of good documents, and those that stay in use since their documents are not good.

use std::collections::BTreeMap;

use super::SaidByFile;
use crate::diagnostic::Diagnostic;
use crate::plugin::Plugins;
use crate::spec::file::Reading;
use crate::spec::{HeldPlugins, InUse, PluginDocument, codes};

/// What became of all Plugin documents.
#[derive(Default)]
pub(super) struct Of {
    /// By name.
    pub(super) usable: BTreeMap<String, InUse>,
    /// By name: why it can't be used.
    pub(super) unusable: BTreeMap<String, String>,
    pub(super) said: SaidByFile,
    /// What stands in several files.
    pub(super) redefined: Vec<Diagnostic>,
}

impl Of {
    /// Those that can be used.
    pub(super) fn all(&self) -> Plugins {
        Plugins::new(self.usable.values().map(|one| one.plugin.clone()).collect())
    }
}

/// A document and the number of its file.
type Place<'a> = (usize, &'a PluginDocument);

/// `reasons`: why each file is refused, where it is.
pub(super) fn of(readings: &[Reading], reasons: &[Option<String>], held: &HeldPlugins) -> Of {
    let mut by_name: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for (at, reading) in readings.iter().enumerate() {
        for document in &reading.plugins {
            by_name.entry(&document.name).or_default().push((at, document));
        }
    }
    let mut found = Of::default();
    for (name, places) in by_name {
        match places.as_slice() {
            [(at, document)] => {
                let refused = reasons.get(*at).cloned().flatten();
                found.single(*at, document, refused, readings, held);
            }
            [(_, first), others @ ..] => found.several(first, others),
            [] => {}
        }
        if let Some(stays) = held.get(name).filter(|_| found.unusable.contains_key(name)) {
            found.unusable.remove(name);
            found.usable.insert(name.to_owned(), stays.plugin.clone());
        }
    }
    // What was in use stays too where nobody can read whether its document is still there.
    if readings.iter().any(Reading::may_hold_plugin) {
        for (name, stays) in held {
            found.usable.entry(name.clone()).or_insert_with(|| stays.plugin.clone());
        }
    }
    found
}

impl Of {
    fn single(
        &mut self,
        at: usize,
        document: &PluginDocument,
        refused: Option<String>,
        readings: &[Reading],
        held: &HeldPlugins,
    ) {
        let name = &document.name;
        if let Some(said) = as_matcher(document, readings) {
            self.unusable.insert(name.clone(), said.message.clone());
            self.said.entry(at).or_default().push(said);
            return;
        }
        let sound = readings.get(at).is_some_and(|reading| !reading.has_errors());
        match (&document.loaded, refused) {
            (Some(loaded), None) if sound => {
                let stays = held.get(name).and_then(|held| Some((held, held.instead.as_ref()?)));
                match stays {
                    Some((held, why)) => {
                        self.said.entry(at).or_default().push(not_taken(document, loaded, &held.plugin, why));
                        self.usable.insert(name.clone(), held.plugin.clone());
                    }
                    None => {
                        self.usable.insert(name.clone(), loaded.clone());
                    }
                }
            }
            (_, refused) => {
                let why = refused
                    .unwrap_or_else(|| format!("its document in `{}` is in error", document.source.name));
                self.unusable.insert(name.clone(), why);
            }
        }
    }

    /// A name that stands in several documents is nobody's.
    fn several(&mut self, first: &PluginDocument, others: &[Place<'_>]) {
        let name = &first.name;
        let files: Vec<String> = others.iter().map(|(_, other)| format!("`{}`", other.source.name)).collect();
        let message =
            format!("the Plugin `{name}` stands in `{}` and in {}", first.source.name, files.join(", "));
        self.unusable.insert(name.clone(), message.clone());
        // Within one file that was said there.
        if others.iter().any(|(_, other)| other.source.name != first.source.name) {
            let said = Diagnostic::error(codes::DUPLICATE_NAME, message)
                .at(first.name_at, "")
                .in_source(&first.source)
                .help("give one of them another name");
            self.redefined.push(
                others
                    .iter()
                    .fold(said, |said, (_, other)| said.at_other(&other.source, other.name_at, "and here")),
            );
        }
    }
}

/// A Matcher document of the same name: what both define would begin alike.
fn as_matcher(document: &PluginDocument, readings: &[Reading]) -> Option<Diagnostic> {
    let mut matchers = readings.iter().flat_map(|reading| &reading.matchers);
    let other = matchers.find(|matcher| matcher.name == document.name)?;
    let message = format!("a Matcher document is called `{}` as well", document.name);
    let said = Diagnostic::error(codes::DUPLICATE_NAME, message)
        .at(document.name_at, "")
        .in_source(&document.source)
        .at_other(&other.source, other.name_at, "this one");
    Some(said.help("give one of them another name"))
}

fn not_taken(document: &PluginDocument, new: &InUse, old: &InUse, why: &str) -> Diagnostic {
    let (name, new, old) = (&document.name, new.plugin.version(), old.plugin.version());
    Diagnostic::error(
        codes::PLUGIN_HELD,
        format!("version {new} of the plugin `{name}` is not taken: with it {why}"),
    )
    .at(document.name_at, format!("version {old} stays in use"))
    .in_source(&document.source)
    .help("mend the plugin, or the documents that it breaks")
}
