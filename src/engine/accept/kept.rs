//! What stays in force although its document, or its Defaults, can't be seen; and what is said about that.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gone::Gone;
use super::{Acceptance, BrokenFile, PruneRules, SourcesSeen};
use crate::spec::{Service, ServiceName, SpecSet};
use crate::units::BootTime;

impl Acceptance {
    /// Broken files: what came from them stays, and says so. After a loss of all records, what they last declared counts.
    pub(super) fn keep_broken(&self, broken: &BTreeMap<&str, &BrokenFile>, set: &mut SpecSet) {
        let in_force = self.in_force.values().filter_map(|service| {
            let file = broken.get(&*service.origin.file)?;
            Some((service, &file.reason))
        });
        // In force first: that is what was accepted last.
        let last_good = broken.values().flat_map(|file| {
            let unknown = file.last_good.iter().filter(|service| !self.in_force.contains_key(&service.name));
            unknown.map(|service| (service, &file.reason))
        });
        for (service, reason) in in_force.chain(last_good) {
            if !set.services.contains_key(&service.name) {
                set.services.insert(service.name.clone(), Arc::clone(service));
                set.rejected.entry(service.name.clone()).or_insert_with(|| reason.clone());
            }
        }
    }

    /// Values that came from Defaults stay while it isn't sure that those are gone: a document that lost them is as unsure as
    /// one that is missing.
    pub(super) fn keep_defaults(
        &mut self,
        seen: &SourcesSeen,
        broken: bool,
        set: &mut SpecSet,
        rules: &PruneRules,
        now: BootTime,
    ) -> (BTreeMap<ServiceName, String>, Option<BootTime>) {
        let (mut kept, mut recheck) = (BTreeMap::new(), None);
        let unsure = broken || !seen.complete;
        let mut bare_since = BTreeMap::new();
        for (name, old) in &self.in_force {
            let gone = old.defaults.values().find(|defaults| !seen.defaults.contains(*defaults));
            let (Some(gone), Some(new)) = (gone, set.services.get(name)) else { continue };
            if new.defaults.values().any(|defaults| defaults == gone) {
                continue;
            }
            let since = match self.bare_since.get(name) {
                Some(since) if !unsure => *since,
                Some(_) | None => now,
            };
            let over = since.after(rules.delay);
            if !unsure && now >= over {
                continue;
            }
            bare_since.insert(name.clone(), since);
            if !unsure {
                recheck = recheck.into_iter().chain([over]).min();
            }
            kept.insert(
                name.clone(),
                format!("the Defaults `{gone}`, which it was accepted with, can't be found"),
            );
            set.services.insert(name.clone(), Arc::clone(old));
        }
        self.bare_since = bare_since;
        (kept, recheck)
    }

    /// What is in force although its document wasn't seen, and why.
    pub(super) fn unseen(&self, seen: &SourcesSeen, gone: &Gone) -> BTreeMap<ServiceName, String> {
        let why = |name: &ServiceName, service: &Service| {
            let held = || gone.held.iter().find(|held| held.names.contains(name));
            seen.unavailable(&service.origin.file)
                .cloned()
                .or_else(|| held().map(|held| held.reason.clone()))
                .or_else(|| gone.waiting.get(name).cloned())
        };
        let unseen =
            self.in_force.iter().filter_map(|(name, service)| Some((name.clone(), why(name, service)?)));
        unseen.collect()
    }
}

/// What is to be said about objects in force that rest on something else than what the files say now: a plugin that is held, or
/// definitions or values of a file that can't be used.
pub(super) fn remarks(seen: &SourcesSeen, set: &SpecSet) -> BTreeMap<ServiceName, String> {
    let SourcesSeen { held_plugins, stale_matchers, stale_defaults, .. } = seen;
    if held_plugins.is_empty() && stale_matchers.is_empty() && stale_defaults.is_empty() {
        return BTreeMap::new();
    }
    let held = |service: &Service| {
        service.plugins().find_map(|(plugin, used)| {
            let reason = held_plugins.get(plugin)?;
            Some(format!("version {} of the plugin `{plugin}` stays in use: {reason}", used.version))
        })
    };
    let stale = |kind: &str, name: &str, of: &BTreeMap<String, String>| {
        let reason = of.get(name)?;
        Some(format!("what the {kind} `{name}` said last stays in use: {reason}"))
    };
    let matcher = |service: &Service| {
        let mut names = service.expressions().flat_map(|expression| expression.definitions.keys());
        names.find_map(|name| stale("Matcher", document_of(name), stale_matchers))
    };
    let defaults = |service: &Service| {
        service.defaults.values().find_map(|name| stale("Defaults", name, stale_defaults))
    };
    let remark = |(name, service): (&ServiceName, &Arc<Service>)| {
        let found = held(service).or_else(|| matcher(service)).or_else(|| defaults(service))?;
        Some((name.clone(), found))
    };
    set.services.iter().filter_map(remark).collect()
}

/// The Matcher document of `web.instance` or `@web.admins`.
fn document_of(definition: &str) -> &str {
    let name = definition.strip_prefix('@').unwrap_or(definition);
    name.split_once('.').map_or(name, |(document, _)| document)
}
