//! What all files give together, and what is to be said of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::{Sources, SourcesLook};
use crate::diagnostic::Diagnostic;
use crate::engine::accept::FileSeen;
use crate::spec::{
    LoadedFile, defaults, dependency_mistakes, engine, matcher, names_that_stand_twice, overlaps, plugin,
    policies,
};

impl Sources {
    /// Fills in what every file gave. Of `libraries` only the Matcher documents count.
    pub(super) fn finish(&mut self, mut look: SourcesLook, libraries: &BTreeSet<String>) -> SourcesLook {
        look.diagnostics.extend(names_that_stand_twice(self.loaded.values()));
        look.diagnostics.extend(self.redefined.iter().cloned());
        look.names = self.names.clone();
        look.seen.defaults =
            self.names.defaults.documents().iter().map(|document| document.name.clone()).collect();
        let declared = self.loaded.iter().filter(|(_, file)| !file.plugins().is_empty());
        self.with_plugins = declared.map(|(name, _)| name.to_string()).collect();
        for document in self.plugins() {
            let module = match &document.module {
                Some(Ok(digest)) => digest,
                Some(Err(reason)) => reason,
                None => "not read",
            };
            look.digest.push_str(&format!("{} {module}\n", document.wasm.display()));
        }
        let mut changed = self.shown.renew(&self.loaded, libraries, &self.here);
        look.digest.push_str(&self.shown.digest_line());
        look.seen.stale_matchers.clone_from(&self.kept.stale_matchers);
        look.seen.stale_defaults.clone_from(&self.kept.stale_defaults);
        for (name, file) in &mut self.loaded {
            look.diagnostics.append(&mut said_of(file, self.once));
            // Who gives the file by its name checks it; in a directory somebody counts on it.
            if !file.engines().is_empty()
                && !self.given.iter().any(|place| place.as_path() == Path::new(&**name))
            {
                look.diagnostics.extend(engine::misplaced(file));
            }
            if libraries.contains(&**name) {
                continue;
            }
            if !file.plugins().is_empty()
                && let Some(reason) = file.reason()
            {
                let names = file.plugins().iter().map(|document| &document.name);
                let held = names.filter(|name| self.names.plugins.contains_key(*name));
                look.seen.held_plugins.extend(held.map(|name| (name.clone(), reason.clone())));
            }
            look.matchers.extend(file.matchers().iter().cloned());
            look.plugins.extend(file.plugins().iter().cloned());
            look.policies.extend(file.policies().iter().cloned());
            look.policies_elsewhere.extend(file.policies_elsewhere().iter().cloned());
            look.seen.elsewhere.extend(file.elsewhere().iter().cloned());
        }
        let own: Vec<&LoadedFile> = self
            .loaded
            .iter()
            .filter(|(name, _)| !libraries.contains(&***name))
            .map(|(_, file)| file)
            .collect();
        let mut instead: Vec<(String, FileSeen)> = Vec::new();
        for (name, reason) in &look.unusable {
            instead.push((name.clone(), FileSeen::broken(reason.clone())));
        }
        if self.pairs.0 != look.digest {
            let found = overlaps(own.iter().copied(), &self.names.library, &*self.identity);
            self.pairs = (look.digest.clone(), found);
        }
        look.diagnostics.extend(self.pairs.1.iter().cloned());
        let mistakes = dependency_mistakes(own.iter().copied());
        for (name, diagnostic) in mistakes.circles {
            instead.push((name, FileSeen::broken(diagnostic.message.clone())));
            look.diagnostics.push(diagnostic);
        }
        look.diagnostics.extend(mistakes.missing);
        look.diagnostics.extend(matcher::unused(own.iter().copied(), &self.names.library));
        look.diagnostics.extend(plugin::unused(own.iter().copied(), &self.names));
        look.diagnostics.extend(policies::contrary(own.iter().copied(), &self.names.library));
        look.diagnostics.extend(policies::idle(&own.iter().copied()));
        look.diagnostics.extend(defaults::unused(&own.into_iter(), &self.names.defaults));
        let mut also = Vec::new();
        for (name, file) in instead {
            also.push(self.shown.instead(&name, &self.here, file));
        }
        also.extend(self.kept.recall(&mut self.shown, &self.here));
        if let Some(changed) = &mut changed {
            changed.extend(also);
        }
        self.show(&mut look, changed);
        look
    }

    /// Fills in the files themselves, and which of them are other than at the last look.
    pub(super) fn show(&self, look: &mut SourcesLook, changed: Option<BTreeSet<String>>) {
        look.texts = Arc::clone(&self.shown.texts);
        look.seen.files = Arc::clone(&self.shown.files);
        (look.seen.number, look.seen.changed) = (self.looks, changed);
    }
}

/// What is to be said of a file. Where nobody asks for it again it isn't kept with the file as well, unless that is why it was
/// rejected.
fn said_of(file: &mut LoadedFile, once: bool) -> Vec<Diagnostic> {
    if once && file.rejected().is_none() {
        std::mem::take(&mut file.diagnostics)
    } else {
        file.diagnostics.clone()
    }
}
