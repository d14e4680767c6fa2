//! Which processes each of many objects has to look at: one pass over all processes instead of one for each object.
//!
//! ```text
//!  a written condition  --> an index over all conditions; what is false of a process by plain facts is left out
//!  the default rule     --> processes by the file they execute; what can't be an execution of startas is left out
//!  a pid file           --> the process that it names is always looked at
//! ```
//!
//! INVARIANT: what is left out, the identity rule would have found to be no candidate. A process of which something
//! decisive isn't known is never left out.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

use super::{Looker, Sight, pidfile_path};
use crate::host::conditions::Bound;
use crate::host::executable::surroundings;
use crate::host::outside::outside;
use crate::plan::observation::Questions;
use crate::process::ProcessVocabulary;
use crate::process::pidfile;
use crate::process::plain::Scan;
use crate::process::runs::{Images, Target};
use crate::process::world::World;
use crate::spec::{Service, ServiceName};
use crate::units::Pid;

/// Below this many objects the lists cost more than they save.
const MANY: usize = 4;

/// The processes to look at, ascending. Objects that aren't here look at all.
pub(in crate::host) type Shortlists = BTreeMap<ServiceName, Vec<Pid>>;

impl Looker {
    /// The lists for all objects that look and don't have one.
    pub(in crate::host) fn shortlists(
        &self,
        questions: &Questions,
        given: &Shortlists,
        sight: Sight<'_>,
    ) -> Shortlists {
        let Sight { world, pids, .. } = sight;
        let looking: Vec<(&ServiceName, &Service)> = questions
            .services
            .iter()
            .filter(|(name, question)| question.look && !given.contains_key(*name))
            .map(|(name, question)| (name, &*question.spec))
            .collect();
        if looking.len() < MANY {
            return Shortlists::new();
        }
        let mut lists = self.by_condition(&looking, sight);
        by_image(&looking, world, pids, &mut lists);
        for (name, spec) in looking {
            if let Some(list) = lists.get_mut(name) {
                self.add_named(spec, world, list);
            }
        }
        lists
    }

    /// Those with a condition: `matchOnly` says alone who is looked at, and a `match` that is false puts out.
    fn by_condition(
        &self,
        looking: &[(&ServiceName, &Service)],
        Sight { world, plugins, pids }: Sight<'_>,
    ) -> Shortlists {
        let places = self.places();
        let mut bound: Vec<(&ServiceName, Bound<'_>)> = Vec::new();
        for (name, spec) in looking {
            let condition = spec.match_only.as_ref().or(spec.narrow.as_ref());
            bound
                .extend(condition.map(|condition| {
                    (*name, self.conditions.bind(condition, spec, &places, world, plugins))
                }));
        }
        // One that can't be compiled is unknown of every process: its object looks at all of them.
        let usable: Vec<_> = bound
            .iter()
            .filter_map(|(name, bound)| Some((*name, bound.matcher.as_ref().ok()?, &bound.vocabulary)))
            .collect();
        let reader = ProcessVocabulary::new(world).sieving();
        let scan = Scan::new(&reader, usable.iter().map(|(_, matcher, vocabulary)| (*matcher, *vocabulary)));
        let mut found: Vec<Vec<Pid>> = usable.iter().map(|_| Vec::new()).collect();
        scan.each(pids, |pid, number, _| {
            if let Some(list) = found.get_mut(number) {
                list.push(pid);
            }
        });
        usable.iter().zip(found).map(|((name, ..), list)| ((*name).clone(), list)).collect()
    }

    /// Puts those on the list that pid files name.
    pub(in crate::host) fn add_named(&self, spec: &Service, world: &dyn World, list: &mut Vec<Pid>) {
        let places = self.places();
        for index in 0..spec.replicas {
            let path = pidfile_path(spec, index, &places);
            let named = path.and_then(|path| pidfile::number(world, &path).known());
            if let Some((at, pid)) = named.and_then(|pid| Some((list.binary_search(&pid).err()?, pid))) {
                list.insert(at, pid);
            }
        }
    }
}

/// Those with the default rule alone.
fn by_image(looking: &[(&ServiceName, &Service)], world: &dyn World, pids: &[Pid], lists: &mut Shortlists) {
    let plain = looking.iter().filter(|(_, spec)| spec.match_only.is_none() && spec.narrow.is_none());
    let mut images = None;
    for (name, spec) in plain {
        let images = images.get_or_insert_with(|| Images::new(world, pids));
        let spec = outside(spec);
        let around = surroundings(&spec);
        let programs = std::iter::once(&spec.startas).chain(&spec.becomes);
        let targets: Vec<Target> =
            programs.map(|path| Target::new(world, path.as_os_str().as_bytes(), &around)).collect();
        lists.insert((*name).clone(), images.may_run(&targets));
    }
}
