//! Which documents are in force: the newest good ones, and never fewer because of missing knowledge.
//!
//! Pure. Fed with looks at the sources (files read and loaded), it yields a [`SpecSet`]:
//!
//! ```text
//!  look: complete? -- files: good ------> in force
//!                 \         broken -----> the last good content of that file stays in force
//!                  \        gone -------> confirmed by two complete looks `prune_delay` apart, guarded -> removed
//!                   unavailable --------> everything stays in force
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::spec::{Service, ServiceName, SpecSet};
use crate::units::BootTime;

/// What one look at all sources gave.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SourcesSeen {
    /// Every source was listed completely. If not, nothing follows from not finding.
    pub complete: bool,
    /// By path.
    pub files: BTreeMap<String, FileSeen>,
    /// Only objects that came from under one of these may be called gone.
    pub prunable: Vec<String>,
    /// Places that could not be looked at, with the reason.
    pub unavailable: BTreeMap<String, String>,
    /// Plugins that stay in use although their documents can't be used, with the reason.
    pub held_plugins: BTreeMap<String, String>,
    /// The Defaults that are there and can be used, by name.
    pub defaults: BTreeSet<String>,
    /// Objects that are for other hosts, and why. Their documents are there and say so.
    pub elsewhere: BTreeMap<ServiceName, String>,
}

/// What one file gave.
#[derive(Clone, PartialEq, Debug)]
pub enum FileSeen {
    /// Read and valid as a whole.
    Good(Vec<Arc<Service>>),
    /// Not to be used: syntax, validation, trust, or not readable. The text is the first reason.
    Broken(String),
}

/// What is to be said about objects in force whose conditions use a plugin that is held.
fn remarks(seen: &SourcesSeen, set: &SpecSet) -> BTreeMap<ServiceName, String> {
    let remark = |(name, service): (&ServiceName, &Arc<Service>)| {
        let held = service.plugins().find_map(|(plugin, used)| {
            let reason = seen.held_plugins.get(plugin)?;
            Some(format!("version {} of the plugin `{plugin}` stays in use: {reason}", used.version))
        });
        Some((name.clone(), held?))
    };
    set.services.iter().filter_map(remark).collect()
}

/// How careful to be about objects that disappear.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PruneRules {
    /// Two looks at least so far apart must miss an object. Zero: one look is enough.
    pub delay: Duration,
    /// Go beyond the guards: a person said so.
    pub confirmed: bool,
}

/// Why objects that seem to be gone are still in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PruneHeld {
    /// Which.
    pub names: BTreeSet<ServiceName>,
    /// A sentence.
    pub reason: String,
}

/// What is in force after a look.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Accepted {
    /// For planning.
    pub set: SpecSet,
    /// The guards hold something back.
    pub held: Option<PruneHeld>,
    /// Something is waiting for its second look.
    pub recheck: Option<BootTime>,
}

/// What acceptance remembers between looks.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Acceptance {
    in_force: BTreeMap<ServiceName, Arc<Service>>,
    missing_since: BTreeMap<ServiceName, BootTime>,
    /// Objects whose Defaults are missing.
    bare_since: BTreeMap<ServiceName, BootTime>,
}

impl Acceptance {
    /// Begins with what was last accepted, from the ledger.
    pub fn new(last_accepted: impl IntoIterator<Item = Arc<Service>>) -> Self {
        let in_force = last_accepted.into_iter().map(|service| (service.name.clone(), service)).collect();
        Self { in_force, missing_since: BTreeMap::new(), bare_since: BTreeMap::new() }
    }

    /// Takes a look into account.
    pub fn look(&mut self, seen: &SourcesSeen, rules: PruneRules, now: BootTime) -> Accepted {
        let mut set = SpecSet::default();
        let broken = broken_files(seen);
        self.take_good(seen, &mut set);
        let (bare, bare_recheck) = self.keep_defaults(seen, !broken.is_empty(), &mut set, rules, now);
        self.keep_broken(&broken, &mut set);
        let gone = self.gone(seen, &broken, &set);
        let (removed, held, recheck) = self.confirm(gone, &set, seen, rules, now);
        for name in &removed {
            self.missing_since.remove(name);
        }
        for (name, service) in &self.in_force {
            if !removed.contains(name) && may_speak_for(seen, service) {
                set.services.entry(name.clone()).or_insert_with(|| service.clone());
            }
        }
        self.in_force.retain(|name, _| !removed.contains(name));
        self.in_force.extend(set.services.iter().map(|(name, service)| (name.clone(), service.clone())));
        set.removed = removed;
        set.unseen = self.unseen(seen, held.as_ref());
        set.unseen.extend(bare);
        let recheck = recheck.into_iter().chain(bare_recheck).min();
        set.remarks = remarks(seen, &set);
        Accepted { set, held, recheck }
    }

    /// What is in force although its document wasn't seen, and why.
    fn unseen(&self, seen: &SourcesSeen, held: Option<&PruneHeld>) -> BTreeMap<ServiceName, String> {
        let mut unseen = BTreeMap::new();
        for (name, service) in &self.in_force {
            let place = seen
                .unavailable
                .iter()
                .find(|(place, _)| std::path::Path::new(&service.origin.file).starts_with(place.as_str()));
            if let Some((_, reason)) = place {
                unseen.insert(name.clone(), reason.clone());
            } else if let Some(held) = held.filter(|held| held.names.contains(name)) {
                unseen.insert(name.clone(), held.reason.clone());
            }
        }
        unseen
    }

    /// Good files: each name once. Of two documents with one name the present owner's wins; between newcomers nobody.
    fn take_good(&self, seen: &SourcesSeen, set: &mut SpecSet) {
        let mut claims: BTreeMap<&ServiceName, Vec<(&String, &Arc<Service>)>> = BTreeMap::new();
        for (path, file) in &seen.files {
            if let FileSeen::Good(services) = file {
                for service in services {
                    claims.entry(&service.name).or_default().push((path, service));
                }
            }
        }
        for (name, claims) in claims {
            let owner = self.in_force.get(name).map(|service| &service.origin.file);
            let winner = match claims.as_slice() {
                [(_, only)] => Some(*only),
                several => several.iter().find(|(path, _)| Some(*path) == owner).map(|(_, service)| *service),
            };
            if claims.len() > 1 {
                let places: Vec<String> =
                    claims.iter().map(|(path, service)| format!("{path}:{}", service.origin.line)).collect();
                set.rejected.insert(name.clone(), format!("`{name}` stands in {}", places.join(" and ")));
            }
            if let Some(service) = winner {
                // A document that says what it said stays the value that records share.
                let same = self.in_force.get(name).filter(|former| *former == service);
                set.services.insert(name.clone(), Arc::clone(same.unwrap_or(service)));
            }
        }
    }

    /// Values that came from Defaults stay while it isn't sure that those are gone: a document that lost them is as unsure as
    /// one that is missing.
    fn keep_defaults(
        &mut self,
        seen: &SourcesSeen,
        broken: bool,
        set: &mut SpecSet,
        rules: PruneRules,
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
            if !unsure && (rules.confirmed || now >= over) {
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

    /// Broken files: what came from them stays, and says so.
    fn keep_broken(&self, broken: &BTreeMap<&String, &String>, set: &mut SpecSet) {
        for (name, service) in &self.in_force {
            if let Some(reason) = broken.get(&service.origin.file)
                && !set.services.contains_key(name)
            {
                set.services.insert(name.clone(), service.clone());
                set.rejected.insert(name.clone(), (*reason).clone());
            }
        }
    }

    /// Objects that are in force and that nobody declares any more.
    fn gone(
        &self,
        seen: &SourcesSeen,
        broken: &BTreeMap<&String, &String>,
        set: &SpecSet,
    ) -> BTreeSet<ServiceName> {
        if !seen.complete {
            return BTreeSet::new();
        }
        self.in_force
            .iter()
            .filter(|(name, service)| {
                !set.services.contains_key(*name)
                    && !set.rejected.contains_key(*name)
                    && !broken.contains_key(&service.origin.file)
                    && is_under(&service.origin.file, &seen.prunable)
            })
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Deletion in steps: seen missing long enough, and within the guards.
    fn confirm(
        &mut self,
        gone: BTreeSet<ServiceName>,
        set: &SpecSet,
        seen: &SourcesSeen,
        rules: PruneRules,
        now: BootTime,
    ) -> (BTreeSet<ServiceName>, Option<PruneHeld>, Option<BootTime>) {
        if !seen.complete {
            // A gap in knowledge starts the waiting anew, it does not count towards it.
            self.missing_since.clear();
            return (BTreeSet::new(), None, None);
        }
        self.missing_since.retain(|name, _| gone.contains(name));
        for name in &gone {
            self.missing_since.entry(name.clone()).or_insert(now);
        }
        if gone.is_empty() {
            return (gone, None, None);
        }
        if let Some(reason) = self.guard(&gone, set, seen).filter(|_| !rules.confirmed) {
            return (BTreeSet::new(), Some(PruneHeld { names: gone, reason }), None);
        }
        let (ripe, waiting): (BTreeSet<_>, BTreeSet<_>) =
            gone.into_iter().partition(|name| self.since(name, now) >= rules.delay);
        let recheck = waiting
            .iter()
            .filter_map(|name| self.missing_since.get(name))
            .map(|since| since.after(rules.delay))
            .min();
        (ripe, None, recheck)
    }

    fn since(&self, name: &ServiceName, now: BootTime) -> Duration {
        self.missing_since.get(name).map_or(Duration::ZERO, |since| now.since(*since))
    }

    /// A set that shrinks to nothing, or by more than half (and more than three), is more likely a mistake or a
    /// missing mount than a wish; so is a file that still exists and was emptied.
    fn guard(&self, gone: &BTreeSet<ServiceName>, set: &SpecSet, seen: &SourcesSeen) -> Option<String> {
        let ours =
            self.in_force.values().filter(|service| is_under(&service.origin.file, &seen.prunable)).count();
        if set.services.is_empty() {
            return Some(format!(
                "all {ours} objects would be removed at once; confirm with `apply --confirm-prune`"
            ));
        }
        if gone.len() > (ours / 2).max(3) {
            let count = gone.len();
            return Some(format!(
                "{count} of {ours} objects would be removed at once; confirm with `apply --confirm-prune`"
            ));
        }
        // What was meant for other hosts was not emptied.
        let vanished = gone.iter().filter(|name| !seen.elsewhere.contains_key(*name));
        let emptied = vanished.filter_map(|name| self.in_force.get(name)).find(|service| {
            matches!(seen.files.get(&service.origin.file), Some(FileSeen::Good(services)) if services.is_empty())
        })?;
        Some(format!(
            "`{}` is empty now; remove the file, or confirm with `apply --confirm-prune`",
            emptied.origin.file
        ))
    }
}

/// An object that is missing stays in force only if it comes from these sources; others are not our business.
fn may_speak_for(seen: &SourcesSeen, service: &Service) -> bool {
    seen.files.contains_key(&service.origin.file) || is_under(&service.origin.file, &seen.prunable)
}

fn broken_files(seen: &SourcesSeen) -> BTreeMap<&String, &String> {
    seen.files
        .iter()
        .filter_map(|(path, file)| match file {
            FileSeen::Broken(reason) => Some((path, reason)),
            FileSeen::Good(_) => None,
        })
        .collect()
}

/// Component-wise: `/etc/a` covers `/etc/a/x`, not `/etc/ab`.
fn is_under(path: &str, roots: &[String]) -> bool {
    roots.iter().any(|root| std::path::Path::new(path).starts_with(root))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const TEN: PruneRules = PruneRules { delay: Duration::from_secs(10), confirmed: false };

    fn name(text: &str) -> ServiceName {
        ServiceName::new(text).unwrap()
    }

    fn service(text: &str, file: &str) -> Service {
        let mut service = Service::new(name(text), "/bin/true".into());
        service.origin.file = file.into();
        service
    }

    fn at(seconds: u64) -> BootTime {
        BootTime(Duration::from_secs(seconds))
    }

    /// Files by `path: name name`, `path!` for a broken one.
    fn seen(complete: bool, files: &[&str]) -> SourcesSeen {
        let file = |line: &str| match line.split_once(':') {
            Some((path, names)) => {
                let services = names.split_whitespace().map(|n| Arc::new(service(n, path))).collect();
                (path.to_owned(), FileSeen::Good(services))
            }
            None => (line.trim_end_matches('!').to_owned(), FileSeen::Broken("line 1 is wrong".into())),
        };
        SourcesSeen {
            complete,
            files: files.iter().map(|line| file(line)).collect(),
            prunable: vec!["d".into()],
            ..SourcesSeen::default()
        }
    }

    fn names(accepted: &Accepted) -> String {
        accepted.set.services.keys().map(ServiceName::as_str).collect::<Vec<_>>().join(" ")
    }

    fn removed(accepted: &Accepted) -> String {
        accepted.set.removed.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_broken_file_keeps_its_last_good_content() {
        let mut acceptance = Acceptance::default();
        acceptance.look(&seen(true, &["d/a: web", "d/b: db"]), TEN, at(0));
        let after = acceptance.look(&seen(true, &["d/a!", "d/b: db"]), TEN, at(60));
        assert_eq!((names(&after).as_str(), removed(&after).as_str()), ("db web", ""));
        assert!(after.set.rejected.contains_key(&name("web")));
    }

    #[test]
    fn a_document_is_gone_only_after_two_looks() {
        let mut acceptance = Acceptance::default();
        acceptance.look(&seen(true, &["d/a: web", "d/b: db"]), TEN, at(0));
        let first = acceptance.look(&seen(true, &["d/b: db"]), TEN, at(1));
        assert_eq!((names(&first).as_str(), first.recheck), ("db web", Some(at(11))));
        let gap = acceptance.look(&seen(false, &[]), TEN, at(8));
        assert_eq!(names(&gap), "db web");
        let again = acceptance.look(&seen(true, &["d/b: db"]), TEN, at(12));
        assert_eq!(removed(&again), "", "the gap began the waiting anew");
        let second = acceptance.look(&seen(true, &["d/b: db"]), TEN, at(22));
        assert_eq!((names(&second).as_str(), removed(&second).as_str()), ("db", "web"));
    }

    #[test]
    fn a_vanished_or_emptied_directory_removes_nothing() {
        for (complete, files) in [(false, vec![]), (true, vec![]), (true, vec!["d/a:", "d/b:"])] {
            let mut acceptance = Acceptance::default();
            acceptance.look(&seen(true, &["d/a: web", "d/b: db"]), TEN, at(0));
            for seconds in [10, 20, 30, 40] {
                let after = acceptance.look(&seen(complete, &files), TEN, at(seconds));
                assert_eq!((names(&after).as_str(), removed(&after).as_str()), ("db web", ""));
            }
        }
    }

    #[test]
    fn more_than_half_is_held_until_confirmed() {
        let all = ["d/a: a1 a2 a3 a4 a5", "d/b: b1 b2 b3"];
        let mut acceptance = Acceptance::default();
        acceptance.look(&seen(true, &all), TEN, at(0));
        let held = acceptance.look(&seen(true, &["d/b: b1 b2 b3"]), TEN, at(100));
        assert!(held.held.is_some());
        assert_eq!(removed(&held), "");
        let confirmed = PruneRules { delay: Duration::ZERO, confirmed: true };
        let after = acceptance.look(&seen(true, &["d/b: b1 b2 b3"]), confirmed, at(101));
        assert_eq!(removed(&after), "a1 a2 a3 a4 a5");
    }

    #[test]
    fn one_emptied_file_is_held() {
        let mut acceptance = Acceptance::default();
        acceptance.look(&seen(true, &["d/a: web", "d/b: db"]), TEN, at(0));
        let after = acceptance.look(&seen(true, &["d/a:", "d/b: db"]), TEN, at(100));
        assert!(after.held.is_some_and(|held| held.reason.contains("d/a")));
    }

    #[test]
    fn a_moved_document_is_the_same_object() {
        let mut acceptance = Acceptance::default();
        acceptance.look(&seen(true, &["d/a: web", "d/b: db"]), TEN, at(0));
        let after = acceptance.look(&seen(true, &["d/c: web", "d/b: db"]), TEN, at(100));
        assert_eq!((names(&after).as_str(), removed(&after).as_str()), ("db web", ""));
    }

    #[test]
    fn of_two_documents_with_one_name_the_owner_stays() {
        let mut acceptance = Acceptance::default();
        acceptance.look(&seen(true, &["d/b: web"]), TEN, at(0));
        let after = acceptance.look(&seen(true, &["d/a: web new", "d/b: web", "d/c: new"]), TEN, at(1));
        assert_eq!(names(&after), "web");
        assert_eq!(after.set.services.get(&name("web")).map(|s| s.origin.file.as_str()), Some("d/b"));
        assert_eq!(after.set.rejected.len(), 2);
    }

    #[test]
    fn objects_of_other_sources_are_not_touched() {
        let mut acceptance =
            Acceptance::new([service("other", "elsewhere/x"), service("web", "d/a")].map(Arc::new));
        let after = acceptance.look(&seen(true, &["d/a: web"]), TEN, at(100));
        assert_eq!((names(&after).as_str(), removed(&after).as_str()), ("web", ""));
    }

    #[test]
    fn after_a_restart_the_ledger_is_the_last_good_content() {
        let mut acceptance = Acceptance::new([service("web", "d/a")].map(Arc::new));
        let after = acceptance.look(&seen(true, &["d/a!"]), TEN, at(1));
        assert_eq!(names(&after), "web");
    }
}
