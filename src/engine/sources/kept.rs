//! Files that can't be used at the moment count as they last did: what they define for others stays, and what they declare
//! is known. Their last good texts stand in for them.
//!
//! What is said about such a file is about its present text, and acceptance is told that it is broken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::here::Here;
use super::shown::{Shown, policies_in};
use super::{Sources, upgrade};
use crate::engine::accept::{BrokenFile, FileSeen};
use crate::host::good_texts::{GoodText, GoodTexts};
use crate::spec::policy::Policy;
use crate::spec::{Loaded, LoadedFile, Service, SpecFile};

/// What stands in for files that can't be used.
#[derive(Debug, Default)]
pub(super) struct Kept {
    texts: GoodTexts,
    /// What files that can't be used declared last, by their names as given.
    declared: BTreeMap<String, Declared>,
    /// Files whose former definitions are in use.
    defining: BTreeSet<String>,
    /// The Matcher documents that are in use as they last were, by name, and why.
    pub(super) stale_matchers: BTreeMap<String, String>,
    /// The same of Defaults.
    pub(super) stale_defaults: BTreeMap<String, String>,
    /// A text could not be written down.
    trouble: Option<String>,
}

/// What a file declared when it last counted.
#[derive(Clone, PartialEq, Debug, Default)]
struct Declared {
    services: Arc<[Arc<Service>]>,
    policies: Arc<[Arc<Policy>]>,
}

impl Declared {
    /// By a text that stands in for the present one.
    fn by(file: &LoadedFile, here: &Here) -> Self {
        let mut file = file.clone();
        file.stands_in(&here.absolute(&file.source.name.clone()));
        Self { services: file.services().into(), policies: policies_in(&file) }
    }
}

impl Kept {
    pub(super) fn new(texts: GoodTexts) -> Self {
        Self { texts, ..Self::default() }
    }

    /// Tells acceptance what files that can't be used declared when they last counted.
    /// Gives the absolute names of such files.
    pub(super) fn recall(&self, shown: &mut Shown, here: &Here) -> Vec<String> {
        let mut recalled = Vec::new();
        for (name, declared) in &self.declared {
            let file = shown.files.get(here.absolute(name).as_str());
            if let Some(FileSeen::Broken(BrokenFile { reason, .. })) = file {
                let Declared { services, policies } = declared.clone();
                let broken =
                    BrokenFile { reason: reason.clone(), last_good: services, last_good_policies: policies };
                recalled.push(shown.instead(name, here, FileSeen::Broken(broken)));
            }
        }
        recalled
    }

    /// Nothing stands in for anything.
    pub(super) fn is_idle(&self) -> bool {
        let stale = !self.stale_matchers.is_empty() || !self.stale_defaults.is_empty();
        self.declared.is_empty() && self.defining.is_empty() && !stale
    }

    /// What this file defines is in use though the file isn't.
    fn is_stale(&mut self, file: &LoadedFile, reason: &str) {
        let of = |name: &String| (name.clone(), reason.to_owned());
        self.stale_matchers.extend(file.matchers().iter().map(|document| of(&document.name)));
        self.stale_defaults.extend(file.defaults().iter().map(|document| of(&document.name)));
    }

    /// What went wrong since this was last asked.
    pub(super) fn take_trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// The text of a file that it was asked for.
    fn text(&self, name: &str, here: &Here) -> Option<&GoodText> {
        self.texts.get(&here.absolute(name))
    }

    /// Asks for the texts of these files, and such as can't be read.
    fn ask<'a>(&mut self, files: impl IntoIterator<Item = &'a str>, (unusable, here): (&'a [String], &Here)) {
        let files = files.into_iter().chain(unusable.iter().map(String::as_str));
        self.texts.ask(files.map(|name| here.absolute(name)));
    }

    /// Whether a file that can't be used defined something that isn't in use, or something in use is to be left.
    pub(super) fn wants_all(
        &mut self,
        fresh: &[LoadedFile],
        holds: &dyn Fn(&str) -> bool,
        (unusable, here): (&[String], &Here),
    ) -> bool {
        self.ask(rejected(fresh), (unusable, here));
        let defined = |name: &str| self.text(name, here).is_some_and(|text| text.defines);
        rejected(fresh).any(defined)
            || unusable.iter().any(|name| defined(name) && !self.defining.contains(name))
            || self.defining.iter().any(|name| !holds(name) && !unusable.contains(name))
    }
}

/// The names of those that don't count.
fn rejected<'a>(files: impl IntoIterator<Item = &'a LoadedFile>) -> impl Iterator<Item = &'a str> {
    files.into_iter().filter(|file| file.rejected().is_some()).map(|file| &*file.source.name)
}

fn spec_file(name: &str, text: &GoodText) -> SpecFile {
    SpecFile {
        name: name.to_owned(),
        directory: text.directory.to_path_buf(),
        bytes: Arc::clone(&text.source.text).into(),
    }
}

impl Sources {
    /// Loads everything again if files that define something for others are rejected, or can't be read: with what they said
    /// when they last counted.
    pub(super) fn with_stand_ins(&mut self, loaded: Loaded, all: &[SpecFile], unusable: &[String]) -> Loaded {
        self.kept.declared.clear();
        self.kept.stale_matchers.clear();
        self.kept.stale_defaults.clear();
        self.kept.ask(rejected(&loaded.files), (unusable, &self.here));
        let rejected = loaded.files.iter().filter(|file| file.rejected().is_some());
        let names = rejected.map(|file| (&*file.source.name, Some(&*file.digest)));
        let names = names.chain(unusable.iter().map(|name| (name.as_str(), None)));
        // A text that is the present one can't stand in for it: what it lacks is elsewhere.
        let other = |(name, digest): (&str, Option<&str>)| {
            let text = self
                .kept
                .text(name, &self.here)
                .filter(|text| text.defines && Some(&*text.digest) != digest)?;
            Some((name.to_owned(), spec_file(name, text)))
        };
        let mut stand_ins: BTreeMap<String, SpecFile> = names.filter_map(other).collect();
        self.kept.defining = stand_ins.keys().cloned().collect();
        if stand_ins.is_empty() {
            return loaded;
        }
        let mut files: Vec<SpecFile> =
            all.iter().map(|file| stand_ins.remove(&file.name).unwrap_or_else(|| file.clone())).collect();
        files.extend(stand_ins.into_values());
        let mut with = upgrade::load(&files, &self.names.plugins, self.around());
        let mut present: BTreeMap<String, LoadedFile> =
            loaded.files.into_iter().map(|file| (file.source.name.to_string(), file)).collect();
        for file in &mut with.files {
            let name = file.source.name.to_string();
            if self.kept.defining.contains(&name) {
                self.kept.declared.insert(name.clone(), Declared::by(file, &self.here));
                let present = present.remove(&name);
                let reason = present.as_ref().and_then(LoadedFile::reason);
                self.kept.is_stale(file, &reason.unwrap_or_else(|| format!("`{name}` can't be used")));
                if let Some(present) = present {
                    *file = present;
                }
            }
        }
        with.files.retain(|file| unusable.iter().all(|name| **name != *file.source.name));
        with
    }

    /// Finds out what rejected files, and such that can't be read, declared when they last counted.
    pub(super) fn recall_services(&mut self, unusable: &[String]) {
        let broken: BTreeSet<String> =
            rejected(self.loaded.values()).map(str::to_owned).chain(unusable.iter().cloned()).collect();
        self.kept.ask(broken.iter().map(String::as_str), (&[], &self.here));
        let asked = broken.iter().map(|name| self.here.absolute(name)).collect();
        self.kept.texts.forget_all_but(&asked);
        self.kept.declared.retain(|name, _| broken.contains(name));
        for name in broken {
            if self.kept.declared.contains_key(&name) {
                continue;
            }
            let Some(text) = self.kept.text(&name, &self.here).filter(|text| !text.defines) else { continue };
            let file = spec_file(&name, text);
            let loaded = self.around().load(std::slice::from_ref(&file), Some(&self.names), None);
            let declared =
                loaded.files.first().map(|file| Declared::by(file, &self.here)).unwrap_or_default();
            self.kept.declared.insert(name, declared);
        }
    }

    /// Keeps the texts of those of these files (with their directories) that count.
    pub(super) fn keep_good(&mut self, judged: &BTreeMap<String, Arc<Path>>) {
        let good = |(name, directory): (&String, &Arc<Path>)| {
            let file = self.loaded.get(name.as_str()).filter(|file| file.rejected().is_none())?;
            let (directory, source) = (Arc::clone(directory), Arc::clone(&file.source));
            let text = GoodText::new(directory, Arc::clone(&file.digest), file.defines(), source);
            Some((self.here.absolute(name), text))
        };
        let texts = judged.iter().filter_map(good);
        if let Err(reason) = self.kept.texts.keep(texts) {
            self.kept.trouble = Some(reason);
        }
    }
}
