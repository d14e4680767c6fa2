//! Which processes each of many objects has to look at: one pass over all processes instead of one for each object.
//!
//! ```text
//!  the default rule     --> processes by the file they execute; what can't be an execution of startas is left out
//!  a written condition  --> where that leaves more than a few, or nobody knows who was started as the program: an index over all
//!                           conditions; what is false of a process by plain facts is left out
//!  arguments            --> whom we started as the same program with others, and all below anybody on record, is left out;
//!                           and so is whom we started for the object itself
//!  a pid file           --> the process that it names is always looked at
//! ```
//!
//! INVARIANT: what is left out, the identity rule would have found to be no candidate. A process of which something
//! decisive isn't known is never left out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::known_others::{KnownOthers, program};
use super::{Looker, Sight, pidfile_path};
use crate::facts::ProcessKey;
use crate::host::conditions::Bound;
use crate::host::executable::surroundings;
use crate::host::outside::outside;
use crate::plan::observation::{Prepared, Questions};
use crate::plan::{Executed, mark_of_arguments, substitute};
use crate::process::ProcessVocabulary;
use crate::process::pidfile;
use crate::process::plain::Scan;
use crate::process::runs::{Images, Target};
use crate::process::tree;
use crate::process::world::World;
use crate::spec::{Service, ServiceName};
use crate::units::Pid;

/// Below this many objects an index over conditions costs more than it saves.
const MANY: usize = 4;
/// So many processes are asked one by one whether a condition holds for them: that costs less than to take it into an index.
const FEW: usize = 4;

/// The processes to look at, ascending. Objects that aren't here look at all.
pub(in crate::host) type Shortlists = BTreeMap<ServiceName, Vec<Pid>>;

/// The conditions that an index was made of, each for the object that asks it again of those on its list. By name, ascending.
#[derive(Debug, Default)]
pub(in crate::host) struct BoundOnce<'q, 'w>(Vec<(&'q ServiceName, Option<Bound<'w>>)>);

impl<'w> BoundOnce<'_, 'w> {
    /// That of an object: its `matchOnly`, or its `match`. It is had once.
    pub(in crate::host) fn take(&mut self, name: &ServiceName) -> Option<Bound<'w>> {
        let at = self.0.binary_search_by(|(of, _)| (*of).cmp(name)).ok()?;
        self.0.get_mut(at)?.1.take()
    }
}

impl Looker {
    /// The lists for all objects that look and don't have one, and what they ask. `lives` says whether a process on record is still
    /// there.
    pub(in crate::host) fn shortlists<'q, 'w>(
        &self,
        questions: &'q Questions,
        given: &Shortlists,
        sight: Sight<'w>,
        lives: &dyn Fn(&ProcessKey) -> bool,
    ) -> (Shortlists, BoundOnce<'q, 'w>) {
        let looking = questions
            .services
            .iter()
            .filter(|(name, question)| question.look && !given.contains_key(*name))
            .map(|(name, question)| (name, &*question.spec))
            .collect();
        self.lists_for(looking, questions, sight, lives)
    }

    /// The list for an object of which it turned out only now that it has to look.
    pub(in crate::host) fn shortlist(
        &self,
        (name, spec): (&ServiceName, &Service),
        questions: &Questions,
        sight: Sight<'_>,
        lives: &dyn Fn(&ProcessKey) -> bool,
    ) -> Vec<Pid> {
        let (mut lists, _) = self.lists_for(vec![(name, spec)], questions, sight, lives);
        lists.remove(name).unwrap_or_else(|| sight.pids.to_vec())
    }

    fn lists_for<'q, 'w>(
        &self,
        looking: Vec<(&'q ServiceName, &Service)>,
        questions: &Questions,
        sight: Sight<'w>,
        lives: &dyn Fn(&ProcessKey) -> bool,
    ) -> (Shortlists, BoundOnce<'q, 'w>) {
        let dirs = (self.run_dir.as_str(), self.log_dir.as_str());
        let places = self.places();
        // Without a program nobody is known by them.
        let own_marks = |spec: &Service| -> Vec<u64> {
            let replicas = if program(spec).is_some() { spec.replicas } else { 0 };
            (0..replicas).map(|index| own_mark(spec, index, &places)).collect()
        };
        let marks: Vec<Vec<u64>> = looking.iter().map(|(_, spec)| own_marks(spec)).collect();
        let mut wanted = Executed::default();
        for ((_, spec), own) in looking.iter().zip(&marks) {
            if let Some(program) = program(spec) {
                wanted.add(program, own);
            }
        }
        let known = KnownOthers::of(&wanted, &questions.recorded, dirs, lives);
        let mut programs = Programs::new(questions, known, sight, looking.len());
        // In the order of `looking`, since nobody finds a name of thousands for nothing.
        let few = looking.iter().zip(&marks);
        let few: Vec<Option<Vec<Pid>>> =
            few.map(|((name, spec), own)| programs.few_that_may_run(name, spec, own)).collect();
        let others = looking.iter().zip(&few).filter(|(_, few)| few.is_none());
        let by_condition: Vec<_> = others.map(|(one, _)| *one).collect();
        let (mut by_index, mut bound) = (Shortlists::new(), BoundOnce::default());
        if by_condition.len() >= MANY {
            bound = self.by_condition(&by_condition, sight, &mut by_index);
        }
        let mut lists = Vec::with_capacity(looking.len());
        for (((name, spec), own), few) in looking.into_iter().zip(&marks).zip(few) {
            let mut list = few.or_else(|| by_index.remove(name));
            if spec.match_only.is_none() {
                match &mut list {
                    Some(list) => programs.take_out_others(spec, own, list),
                    None => list = Some(programs.that_may_run(name, spec, own)),
                }
            }
            if let Some(mut list) = list {
                self.add_named(spec, sight.world, &mut list);
                lists.push((name.clone(), list));
            }
        }
        (lists.into_iter().collect(), bound)
    }

    /// Those with a condition: `matchOnly` says alone who is looked at, and a `match` that is false puts out.
    fn by_condition<'q, 'w>(
        &self,
        looking: &[(&'q ServiceName, &Service)],
        Sight { world, plugins, pids }: Sight<'w>,
        lists: &mut Shortlists,
    ) -> BoundOnce<'q, 'w> {
        let places = self.places();
        let mut all = Vec::with_capacity(looking.len());
        for (name, spec) in looking {
            let condition = spec.match_only.as_ref().or(spec.narrow.as_ref());
            let bind = |condition| self.conditions.bind(condition, spec, &places, world, plugins);
            all.extend(condition.map(|condition| (*name, Some(bind(condition)))));
        }
        // One that can't be compiled is unknown of every process: its object looks at all of them.
        let usable: Vec<_> = all
            .iter()
            .filter_map(|(name, bound)| {
                let bound = bound.as_ref()?;
                Some((*name, bound.matcher.as_ref().ok()?, &bound.vocabulary))
            })
            .collect();
        let reader = ProcessVocabulary::new(world).sieving();
        let scan = Scan::new(&reader, usable.iter().map(|(_, matcher, vocabulary)| (*matcher, *vocabulary)));
        let mut found: Vec<(Vec<Pid>, Vec<Pid>)> = usable.iter().map(|_| (Vec::new(), Vec::new())).collect();
        scan.each(pids, |pid, number, verdict| {
            if let Some((list, certain)) = found.get_mut(number) {
                list.push(pid);
                // By facts of this very process: a glance may have been at one that had its number before.
                let is_told = world.keep_arguments(pid);
                certain.extend((is_told && verdict == Some(true)).then_some(pid));
            }
        });
        let (found, certain): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        lists.extend(usable.iter().zip(found).map(|((name, ..), list)| ((*name).clone(), list)));
        // Who asks it of those on its list gets the answer of the same facts.
        let conditions = all.iter_mut().filter_map(|(_, bound)| bound.as_mut());
        for (bound, certain) in conditions.filter(|bound| bound.matcher.is_ok()).zip(certain) {
            bound.holds_for(certain);
        }
        BoundOnce(all)
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

/// The arguments of a replica, as what was started is known by them.
fn own_mark(spec: &Service, index: u32, places: &Prepared) -> u64 {
    if !spec.args.iter().any(|arg| arg.contains("${")) {
        return mark_of_arguments(&spec.args);
    }
    let own: Vec<String> = spec.args.iter().map(|arg| substitute(arg, spec, index, places)).collect();
    mark_of_arguments(&own)
}

/// All processes by the file that they execute, looked at when the first object asks.
struct Programs<'a> {
    sight: Sight<'a>,
    questions: &'a Questions,
    known: KnownOthers<'a>,
    /// Of those of whom nothing is known.
    images: Option<Images>,
    /// Of the others.
    images_of_known: Option<Images>,
    /// Those that can be an execution of a program, by all that says which file it is.
    any: BTreeMap<Named<'a>, Vec<Pid>>,
    /// The same without those that processes on record were started as, and without families.
    strangers: BTreeMap<Named<'a>, Vec<Pid>>,
    /// To find out what each process executes costs less than to take the conditions of all objects into an index.
    fewer_than_objects: bool,
}

/// The name of a program, and what it means depends on. Texts: to compare paths takes them apart.
type Named<'a> = (&'a OsStr, &'a OsStr, Option<&'a str>);

fn named(spec: &Service) -> Named<'_> {
    (spec.startas.as_os_str(), spec.working_directory.as_os_str(), spec.env.get("PATH").map(String::as_str))
}

impl<'a> Programs<'a> {
    fn new(questions: &'a Questions, known: KnownOthers<'a>, sight: Sight<'a>, objects: usize) -> Self {
        let (any, strangers) = (BTreeMap::new(), BTreeMap::new());
        let fewer_than_objects = sight.pids.len() < objects;
        Self {
            sight,
            questions,
            known,
            images: None,
            images_of_known: None,
            any,
            strangers,
            fewer_than_objects,
        }
    }

    /// The same as [`Programs::that_may_run`] for an object with a condition, where that need not be asked to find out that they
    /// are few: what else was started as its program is known, or there are few processes.
    fn few_that_may_run(
        &mut self,
        name: &'a ServiceName,
        spec: &'a Service,
        own: &[u64],
    ) -> Option<Vec<Pid>> {
        let is_started = self.known.for_object(spec).is_some();
        let goes_by_program = spec.match_only.is_none() && (is_started || self.fewer_than_objects);
        if spec.narrow.is_none() || !goes_by_program {
            return None;
        }
        let others = if is_started { self.strangers(spec).len() } else { self.any(spec).len() };
        (others <= FEW).then(|| self.that_may_run(name, spec, own))
    }

    /// Those that can be an execution of its program, without those that were started for others. Nor are those among them
    /// that were started for the object itself and live: what is on record for it is no candidate.
    fn that_may_run(&mut self, name: &'a ServiceName, spec: &'a Service, own: &[u64]) -> Vec<Pid> {
        if self.known.for_object(spec).is_none() {
            return self.any(spec);
        }
        let mut list = self.strangers(spec).to_vec();
        if let Some(known) = self.known.for_object(spec) {
            let on_record: Vec<Pid> = self.questions.recorded.of_object(name).map(|key| key.pid).collect();
            list.extend(known.with(own).filter(|pid| !on_record.contains(pid)));
        }
        list.sort_unstable();
        list.dedup();
        list
    }

    /// Those of its program that weren't started as that.
    fn strangers(&mut self, spec: &'a Service) -> &[Pid] {
        let named = named(spec);
        if !self.strangers.contains_key(&named) {
            let strangers = self.any(spec);
            let strangers = self.without_families(spec, strangers);
            self.strangers.insert(named, strangers);
        }
        self.strangers.get(&named).map(Vec::as_slice).unwrap_or_default()
    }

    fn any(&mut self, spec: &'a Service) -> Vec<Pid> {
        if program(spec).is_none() {
            return self.any_that_may_run(spec);
        }
        if let Some(known) = self.any.get(&named(spec)) {
            return known.clone();
        }
        let any = self.any_that_may_run(spec);
        self.any.insert(named(spec), any.clone());
        any
    }

    fn any_that_may_run(&mut self, spec: &Service) -> Vec<Pid> {
        let Sight { world, pids, .. } = self.sight;
        let known = &self.known;
        let images = |is_known: bool| {
            let of_known = known.pids();
            let pids: Vec<Pid> =
                pids.iter().filter(|pid| of_known.binary_search(pid).is_ok() == is_known).copied().collect();
            Images::new(world, &pids)
        };
        let others = known.has_others_than(spec);
        let spec = outside(spec);
        let around = surroundings(&spec);
        let programs = std::iter::once(&spec.startas).chain(&spec.becomes);
        let targets: Vec<Target> =
            programs.map(|path| Target::new(world, path.as_os_str().as_bytes(), &around)).collect();
        let mut list = self.images.get_or_insert_with(|| images(false)).may_run(world, &targets);
        // What was started as another program may have executed this one since. Of those that were started as this one that need
        // not be asked.
        if others {
            list.extend(self.images_of_known.get_or_insert_with(|| images(true)).may_run(world, &targets));
            list.sort_unstable();
        }
        list
    }

    /// Without those that were started as this program, and without whom anybody on record has brought forth: these are of that
    /// one's object, if of any.
    fn without_families(&self, spec: &Service, mut list: Vec<Pid>) -> Vec<Pid> {
        let known = self.known.for_object(spec);
        list.retain(|pid| !known.is_some_and(|known| known.contains(*pid)));
        let is_below = |pid: Pid| {
            let above = tree::ancestors(self.sight.world, pid).known().unwrap_or_default();
            above.iter().any(|at| self.questions.recorded.has_pid(*at))
        };
        list.retain(|pid| !is_below(*pid));
        list
    }

    /// Takes those out that were started for others.
    fn take_out_others(&self, spec: &Service, own: &[u64], list: &mut Vec<Pid>) {
        if let Some(known) = self.known.for_object(spec) {
            list.retain(|pid| !known.contains(*pid) || known.with(own).any(|of_own| of_own == *pid));
        }
    }
}
