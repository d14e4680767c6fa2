//! Which Policies are in force: as of Services, but one whose document is gone just ends, since nothing is stopped by that.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Acceptance, FileSeen, SourcesSeen};
use crate::spec::policy::Policy;
use crate::spec::{ServiceName, SpecSet};

/// A document and the file that it stands in.
type Claim<'a> = (&'a str, &'a Arc<Policy>);

impl Acceptance {
    /// Puts the Policies into a set: what good files say, each name once; what came from files that can't be read or are in error,
    /// as it last was.
    pub(super) fn take_policies(&mut self, seen: &SourcesSeen, set: &mut SpecSet) {
        let mut claims: BTreeMap<&ServiceName, Vec<Claim<'_>>> = BTreeMap::new();
        for (path, file) in seen.files.iter() {
            for policy in file.good().iter().flat_map(|file| file.policies.iter()) {
                claims.entry(&policy.name).or_default().push((path, policy));
            }
        }
        for (name, claims) in &claims {
            let (winner, stale) = self.winner(name, claims, seen);
            if let Some(reason) = stale {
                set.stale_policies.insert((*name).clone(), reason);
            }
            if let Some(policy) = winner {
                // One that says what it said stays the very value that it was.
                let same = self.policies.get(*name).filter(|former| *former == policy);
                set.policies.insert((*name).clone(), Arc::clone(same.unwrap_or(policy)));
            }
        }
        let stays = |policy: &Arc<Policy>| Some((Arc::clone(policy), unsure(&policy.origin.file, seen)?));
        let in_force = self.policies.values().filter_map(stays);
        let broken = seen.broken();
        // After the end of the engine that had them in force, what the files last said counts.
        let last_good = broken.values().flat_map(|file| {
            file.last_good_policies.iter().map(|policy| (Arc::clone(policy), file.reason.clone()))
        });
        for (policy, reason) in in_force.chain(last_good) {
            if !claims.contains_key(&policy.name) && !set.policies.contains_key(&policy.name) {
                set.stale_policies.insert(policy.name.clone(), reason);
                set.policies.insert(policy.name.clone(), policy);
            }
        }
        self.policies.clone_from(&set.policies);
    }

    /// Who has a name, and why its newest document hasn't.
    fn winner<'a>(
        &'a self,
        name: &ServiceName,
        claims: &[Claim<'a>],
        seen: &SourcesSeen,
    ) -> (Option<&'a Arc<Policy>>, Option<String>) {
        let owner = self.policies.get(name);
        match claims {
            [(path, policy)] => {
                let elsewhere = owner.filter(|owner| *owner.origin.file != **path);
                match elsewhere.and_then(|owner| Some((owner, unsure(&owner.origin.file, seen)?))) {
                    Some((owner, why)) => {
                        let (line, file) = (policy.origin.line, &owner.origin.file);
                        let reason = format!(
                            "`{name}` stands in {path}:{line} and may still stand in `{file}`: {why}"
                        );
                        (Some(owner), Some(reason))
                    }
                    None => (Some(policy), None),
                }
            }
            several => {
                let own =
                    several.iter().find(|(path, _)| Some(*path) == owner.map(|owner| &*owner.origin.file));
                let places: Vec<String> =
                    several.iter().map(|(path, policy)| format!("{path}:{}", policy.origin.line)).collect();
                let reason = format!("`{name}` stands in {}", places.join(" and "));
                (own.map(|(_, policy)| *policy), Some(reason))
            }
        }
    }
}

/// Why nobody knows what stands in a file.
fn unsure(file: &str, seen: &SourcesSeen) -> Option<String> {
    match seen.files.get(file) {
        Some(FileSeen::Broken(broken)) => Some(broken.reason.clone()),
        Some(FileSeen::Good(_)) => None,
        None => seen.unavailable(file).cloned().or_else(|| {
            (!seen.complete).then(|| format!("`{file}` was not found, and not all places could be looked at"))
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::super::{BrokenFile, GoodFile, PruneRules};
    use super::*;
    use crate::units::BootTime;

    /// `name` or `name=EVERY`, which makes it say something else.
    fn policy(word: &str, file: &str) -> Arc<Policy> {
        let (name, seconds) = word.split_once('=').unwrap_or((word, "5"));
        let mut policy = Policy::new(ServiceName::new(name).unwrap());
        policy.origin.file = file.into();
        policy.every = std::time::Duration::from_secs(seconds.parse().unwrap());
        Arc::new(policy)
    }

    /// `d/a: one two` is a good file, `d/a! one` a broken one that was good with these.
    fn seen(lines: &[&str]) -> SourcesSeen {
        let file = |line: &&str| {
            let (path, words) = line.split_once([':', '!']).unwrap();
            let policies = words.split_whitespace().map(|word| policy(word, path)).collect();
            let file = if line.contains('!') {
                let reason = "line 1 is wrong".to_owned();
                FileSeen::Broken(BrokenFile { reason, last_good_policies: policies, ..BrokenFile::default() })
            } else {
                FileSeen::Good(GoodFile { policies, ..GoodFile::default() })
            };
            (path.into(), file)
        };
        SourcesSeen {
            complete: true,
            files: Arc::new(lines.iter().map(file).collect()),
            prunable: vec!["d".into()],
            ..SourcesSeen::default()
        }
    }

    /// `name=EVERY@FILE` of what is in force after these looks, `*` behind a stale one, `!name` for one that is stale and not in force.
    fn after(looks: &[SourcesSeen]) -> String {
        let mut acceptance = Acceptance::default();
        let rules = PruneRules::default();
        let sets = looks.iter().map(|seen| acceptance.look(seen, &rules, BootTime::default()).set);
        let set = sets.last().unwrap();
        let mut words: Vec<String> = set
            .policies
            .values()
            .map(|one| {
                let stale = if set.stale_policies.contains_key(&one.name) { "*" } else { "" };
                format!("{}={}@{}{stale}", one.name, one.every.as_secs(), one.origin.file)
            })
            .collect();
        let without = set.stale_policies.keys().filter(|name| !set.policies.contains_key(*name));
        words.extend(without.map(|name| format!("!{name}")));
        words.join(" ")
    }

    #[test]
    fn the_last_good_ones_stay_and_a_gone_one_ends() {
        let unavailable = SourcesSeen {
            complete: false,
            unavailable: [("d".to_owned(), "not mounted".to_owned())].into(),
            ..seen(&[])
        };
        for (looks, expected) in [
            (vec![seen(&["d/a: one two", "d/b: three"])], "one=5@d/a three=5@d/b two=5@d/a"),
            (vec![seen(&["d/a: one"]), seen(&["d/a: one=9"])], "one=9@d/a"),
            (vec![seen(&["d/a: one two"]), seen(&["d/a: two"])], "two=5@d/a"),
            (vec![seen(&["d/a: one"]), seen(&[])], ""),
            // Broken: what was in force counts, not what is on record of the file.
            (vec![seen(&["d/a: one"]), seen(&["d/a! one=9"])], "one=5@d/a*"),
            (vec![seen(&["d/a! one=9"])], "one=9@d/a*"),
            (vec![seen(&["d/a: one"]), unavailable.clone()], "one=5@d/a*"),
            (vec![seen(&["d/a: one"]), unavailable, seen(&["d/a: one"])], "one=5@d/a"),
            // Each name once: the owner's, also while its file can't be read; between newcomers nobody's.
            (vec![seen(&["d/a: one"]), seen(&["d/a: one", "d/b: one=9"])], "one=5@d/a*"),
            (vec![seen(&["d/a: one"]), seen(&["d/a!", "d/b: one=9"])], "one=5@d/a*"),
            (vec![seen(&["d/a: one"]), seen(&["d/b: one=9"])], "one=9@d/b"),
            (vec![seen(&["d/a: one", "d/b: one=9"])], "!one"),
        ] {
            assert_eq!(after(&looks), expected, "{looks:?}");
        }
    }

    #[test]
    fn one_that_says_what_it_said_stays_the_same_value() {
        let mut acceptance = Acceptance::default();
        let mut look = || {
            let set = acceptance.look(&seen(&["d/a: one"]), &PruneRules::default(), BootTime::default()).set;
            set.policies.into_values().next().unwrap()
        };
        assert!(Arc::ptr_eq(&look(), &look()));
    }
}
