//! A tick about what was touched says what a tick about everything would say.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use selfsame::engine::carried::{Carried, Sum};
use selfsame::engine::statuses::Statuses;
use selfsame::facts::ProcessKey;
use selfsame::plan::memory::{Memory, Record};
use selfsame::plan::observation::{Alive, Look, Observation, ProcessSeen, Seen};
use selfsame::plan::status::ServiceStatus;
use selfsame::plan::{Outlook, Plan, PlanOptions, plan, plan_of};
use selfsame::spec::{Dependency, DependencyCondition, Service, ServiceName, TaskPlan, TaskRun};
use selfsame::units::{BootTime, Now};

use crate::bench::*;
use crate::properties::{a_case, config};

fn all_of(statuses: &Statuses) -> Vec<ServiceStatus> {
    statuses.iter().map(Cow::into_owned).collect()
}

/// Every process lives, and nothing was looked for.
fn calm(record: &Record) -> Seen {
    let lives = record.instances.iter().filter(|(_, instance)| instance.phase.process().is_some());
    let processes = lives.map(|(index, _)| (*index, ProcessSeen::Alive(alive()))).collect();
    Seen { processes, ..Seen::default() }
}

fn all_calm(memory: &Memory, now: Now) -> Observation {
    let services = memory.services.iter().map(|(name, record)| (name.clone(), calm(record))).collect();
    Observation { now, boot: boot(), services }
}

fn keys(record: &Record) -> impl Iterator<Item = &ProcessKey> {
    record.instances.values().filter_map(|instance| instance.phase.process()).map(|process| &process.key)
}

/// What makes objects depend on others or on more than their processes.
#[derive(Clone, Copy, Debug)]
struct More {
    /// The object at this place depends on the one at that place, which has to be this.
    links: [(usize, usize, DependencyCondition); 2],
    /// The object at this place is a Task.
    task: Option<usize>,
    /// So many starts at a time.
    max_starts: Option<usize>,
}

fn more() -> impl Strategy<Value = More> {
    let condition = prop_oneof![
        Just(DependencyCondition::Started),
        Just(DependencyCondition::Ready),
        Just(DependencyCondition::Completed)
    ];
    let link = || (0..3_usize, 0..3_usize, condition.clone());
    let links = [link(), link()];
    (links, proptest::option::of(0..3_usize), proptest::option::of(0..2_usize))
        .prop_map(|(links, task, max_starts)| More { links, task, max_starts })
}

fn with_more(mut case: Case, more: More) -> Case {
    let names = ["api", "db", "web"];
    let change = |spec: &Arc<Service>| {
        let place = names.iter().position(|of| *of == spec.name.as_str());
        let mut spec = Service::clone(spec);
        // A link to itself is a circle; those are refused where documents are read, and must do no harm here.
        let links = more.links.iter().filter(|(from, ..)| Some(*from) == place);
        spec.depends_on = links
            .map(|(_, to, condition)| Dependency { name: name(names[*to]), condition: *condition })
            .collect();
        if place.is_some() && place == more.task {
            spec.task = Some(TaskPlan { run: TaskRun::Once, ..TaskPlan::default() }).into();
        }
        Arc::new(spec)
    };
    for spec in case.desired.services.values_mut() {
        *spec = change(spec);
    }
    for record in case.memory.services.values_mut() {
        let record = Arc::make_mut(record);
        record.spec = change(&record.spec);
    }
    case.options.max_starts = more.max_starts;
    case
}

/// Two ticks, so that what can be at rest is.
fn to_rest(case: &Case, carried: &mut Carried) -> Plan {
    let mut memory = case.memory.clone();
    let mut last = None;
    for observed in [None, Some(())] {
        let observed = if observed.is_none() && case.options.confirmed {
            case.observed.clone()
        } else {
            all_calm(&plan(&case.desired, &case.observed, &memory, &case.options).memory, now())
        };
        let mut done = plan(&case.desired, &observed, &memory, &case.options);
        carried.complete(&mut done, true);
        memory = done.memory.clone();
        last = Some(done);
    }
    last.unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_left_out_makes_no_difference(
        case in a_case(),
        other in a_case(),
        more in more(),
        chosen in any::<[bool; 3]>(),
        later in 0..100_u64,
        confirmed in any::<bool>(),
    ) {
        let case = with_more(case, more);
        let mut carried = Carried::default();
        let before = to_rest(&case, &mut carried);
        let now = Now { boot: at(NOW + later), ..now() };
        let options = PlanOptions { confirmed, ..case.options };
        let woken: BTreeSet<ProcessKey> = before
            .memory
            .services
            .values()
            .zip(chosen)
            .filter(|(_, chosen)| *chosen)
            .flat_map(|(record, _)| keys(record).cloned())
            .collect();
        let touched = carried.touched(&before.memory, now.boot, Some(&woken)).unwrap();
        // Of what was touched anything may be seen; of the others there is no news.
        let mut observed = all_calm(&before.memory, now);
        for name in &touched {
            match other.observed.services.get(name) {
                Some(seen) => observed.services.insert(name.clone(), seen.clone()),
                None => observed.services.remove(name),
            };
        }
        let mut whole = plan(&case.desired, &observed, &before.memory, &options);
        observed.services.retain(|name, _| touched.contains(name));
        let mut narrow = plan_of(Some(&touched), &case.desired, &observed, &before.memory, &options);
        prop_assert_eq!(&narrow.steps, &whole.steps);
        prop_assert_eq!(&narrow.memory, &whole.memory);
        prop_assert_eq!(&narrow.changes, &whole.changes);
        let mut statuses = Statuses::default();
        carried.tell(&mut statuses);
        carried.complete(&mut narrow, false);
        carried.tell(&mut statuses);
        let statuses = all_of(&statuses);
        prop_assert_eq!(carried.sum(), Sum::of(&statuses));
        Carried::default().complete(&mut whole, true);
        prop_assert_eq!(narrow.next.filter(|next| *next > now.boot), whole.next);
        // What a wait is called in words depends on the moment.
        let words = |statuses: &[ServiceStatus]| -> BTreeMap<_, _> {
            statuses.iter().map(|status| (status.name.clone(), (status.phase, status.instances.len()))).collect()
        };
        prop_assert_eq!(words(&statuses), words(&whole.status));
    }
}

proptest! {
    #![proptest_config(config())]

    /// A complete look decides about those of which it sees something else than the last one.
    #[test]
    fn what_is_seen_once_more_makes_no_difference(
        case in a_case(),
        other in a_case(),
        more in more(),
        chosen in any::<[bool; 3]>(),
        later in 0..100_u64,
    ) {
        let case = with_more(case, more);
        let (mut carried, mut memory) = (Carried::default(), case.memory.clone());
        for _ in 0..2 {
            let mut done = plan(&case.desired, &case.observed, &memory, &case.options);
            carried.complete(&mut done, true);
            carried.saw(&done, case.observed.clone());
            memory = done.memory;
        }
        let mut observed = case.observed.clone();
        observed.now = Now { boot: at(NOW + later), ..now() };
        for (name, _) in memory.services.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(row, _)| row) {
            match other.observed.services.get(name) {
                Some(seen) => observed.services.insert(name.clone(), seen.clone()),
                None => observed.services.remove(name),
            };
        }
        let scope = carried.touched_or_other(&memory, observed.now.boot, &observed).unwrap();
        let whole = plan(&case.desired, &observed, &memory, &case.options);
        let mut narrow = plan_of(Some(&scope), &case.desired, &observed, &memory, &case.options);
        prop_assert_eq!(&narrow.steps, &whole.steps);
        prop_assert_eq!(&narrow.memory, &whole.memory);
        prop_assert_eq!(&narrow.changes, &whole.changes);
        let mut statuses = Statuses::default();
        carried.tell(&mut statuses);
        carried.complete(&mut narrow, false);
        carried.tell(&mut statuses);
        let (statuses, mut rest) = (all_of(&statuses), whole.status.clone());
        for (status, before) in rest.iter_mut().zip(&statuses).filter(|(status, _)| scope.contains(&status.name)) {
            // Of these the moments are told anew.
            status.clone_from(before);
        }
        prop_assert_eq!(statuses, rest);
    }
}

/// What the last tick that was about each object left behind, kept in the plainest way.
#[derive(Default)]
struct Plain(BTreeMap<ServiceName, (Arc<Record>, Outlook)>);

impl Plain {
    fn touched(&self, memory: &Memory, now: BootTime, woken: &BTreeSet<ProcessKey>) -> BTreeSet<ServiceName> {
        let rests = |name: &ServiceName, record: &Arc<Record>| {
            self.0.get(name).is_some_and(|(known, outlook)| {
                let due = outlook.next.is_some_and(|next| next <= now);
                let is_woken = keys(record).any(|key| woken.contains(key));
                Arc::ptr_eq(known, record) && outlook.at_rest && !due && !is_woken
            })
        };
        let touched = memory.services.iter().filter(|(name, record)| !rests(name, record));
        touched.map(|(name, _)| name.clone()).collect()
    }

    fn complete(&mut self, plan: &Plan, all: bool) {
        self.0.retain(|name, _| !all && plan.memory.services.contains_key(name));
        for status in &plan.status {
            let record = Arc::clone(&plan.memory.services[&status.name]);
            self.0.insert(status.name.clone(), (record, plan.outlook[&status.name]));
        }
    }
}

proptest! {
    #![proptest_config(config())]

    /// Over many ticks and changes: the same objects as one finds who compares all of them.
    #[test]
    fn what_is_touched_is_found_without_a_look_at_the_others(
        case in a_case(),
        more in more(),
        edits in prop::collection::vec((0..6_u8, 0..3_usize, 0..200_u64), 1..12),
    ) {
        let case = with_more(case, more);
        let (mut carried, mut plain) = (Carried::default(), Plain::default());
        let (mut memory, mut moment) = (case.memory.clone(), NOW);
        let mut statuses = Statuses::default();
        for (edit, which, later) in edits {
            moment += later;
            let now = Now { boot: at(moment), ..now() };
            let chosen = memory.services.keys().nth(which).cloned();
            let mut woken = BTreeSet::new();
            if let Some(name) = &chosen {
                match edit {
                    0 => memory.record_mut(name).unwrap().ask_restart(now.boot, "ann".into()),
                    1 => drop(memory.services.remove(name)),
                    2 => woken.extend(keys(&memory.services[name]).cloned()),
                    3 => {
                        let copy = Record::clone(&memory.services[name]);
                        memory.services.insert(name.clone(), Arc::new(copy));
                    }
                    4 => memory.record_mut(name).unwrap().terminating = true,
                    _ => {}
                }
            }
            let touched = carried.touched(&memory, now.boot, Some(&woken));
            if let Some(touched) = &touched {
                prop_assert_eq!(touched, &plain.touched(&memory, now.boot, &woken));
            }
            let mut observed = all_calm(&memory, now);
            observed.services.retain(|name, _| touched.as_ref().is_none_or(|touched| touched.contains(name)));
            let scope = touched.as_ref();
            let mut plan = plan_of(scope, &case.desired, &observed, &memory, &case.options);
            plain.complete(&plan, scope.is_none());
            carried.complete(&mut plan, scope.is_none());
            let next = plain.0.values().filter_map(|(_, outlook)| outlook.next).min();
            prop_assert!(next.is_none_or(|next| plan.next.is_some_and(|of_plan| of_plan <= next)));
            memory = plan.memory;
            carried.tell(&mut statuses);
            prop_assert!(statuses.names().eq(memory.services.keys()));
            prop_assert_eq!(carried.sum(), Sum::of(&all_of(&statuses)));
        }
    }
}

/// `api`, `db` and `web`, as 30, 40 and 50.
fn three_at_rest() -> Case {
    let mut case = Case::new();
    for (of, pid) in [("api", 30), ("db", 40), ("web", 50)] {
        let spec = service(of);
        let process = started(&spec, pid);
        case = case.with(spec, vec![instance(running(process))], Seen::default());
    }
    case.observed = all_calm(&case.memory, now());
    case
}

#[test]
fn only_what_was_touched_is_asked_about() {
    let case = three_at_rest();
    let mut carried = Carried::default();
    let mut plan = case.plan();
    carried.complete(&mut plan, true);
    let mut memory = plan.memory.clone();
    carried.complete(&mut plan_again(&case, &memory), true);
    let names = |memory: &Memory, woken: &[i32]| -> Vec<String> {
        let woken = woken.iter().map(|pid| key(*pid)).collect();
        let touched = carried.touched(memory, now().boot, Some(&woken)).unwrap();
        touched.iter().map(ToString::to_string).collect()
    };
    assert!(names(&memory, &[]).is_empty());
    assert_eq!(names(&memory, &[40]), ["db"]);
    memory.record_mut(&name("web")).unwrap().ask_restart(at(NOW), "ann".into());
    assert_eq!(names(&memory, &[30]), ["api", "web"]);
    assert!(carried.touched(&memory, now().boot, None).is_none(), "anything may have happened");
}

fn plan_again(case: &Case, memory: &Memory) -> Plan {
    plan(&case.desired, &all_calm(memory, now()), memory, &case.options)
}

#[test]
fn a_complete_look_decides_about_what_looks_otherwise_than_before() {
    let case = three_at_rest();
    let (mut carried, mut memory) = (Carried::default(), case.memory.clone());
    for _ in 0..2 {
        let mut done = plan_again(&case, &memory);
        carried.complete(&mut done, true);
        carried.saw(&done, case.observed.clone());
        memory = done.memory;
    }
    let decided = |carried: &Carried, observed: &Observation| -> Vec<String> {
        let about = carried.touched_or_other(&memory, now().boot, observed).unwrap();
        about.iter().map(ToString::to_string).collect()
    };
    let mut observed = case.observed.clone();
    assert!(decided(&carried, &observed).is_empty());
    let alive = |observed: &mut Observation, of: &str, change: &dyn Fn(&mut Alive)| {
        for seen in observed.services.get_mut(&name(of)).unwrap().processes.values_mut() {
            if let ProcessSeen::Alive(alive) = seen {
                change(alive);
            }
        }
    };
    alive(&mut observed, "db", &|alive| alive.exe = Some("/another".into()));
    assert_eq!(decided(&carried, &observed), ["db"]);
    observed.services.get_mut(&name("web")).unwrap().look = Some(Look::default());
    assert_eq!(decided(&carried, &observed), ["db", "web"]);
    observed.services.remove(&name("api"));
    assert_eq!(
        decided(&carried, &observed),
        ["api", "db", "web"],
        "of what isn't there nothing is known any more"
    );
    // What is decided about an object without a complete look isn't what the next one compares with.
    let about = BTreeSet::from([name("api")]);
    let mut narrow = plan_of(Some(&about), &case.desired, &case.observed, &memory, &case.options);
    carried.complete(&mut narrow, false);
    assert_eq!(decided(&carried, &case.observed), ["api"]);
}
