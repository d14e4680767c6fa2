//! One round: observe, decide, remember, perform, fold, remember. Everything else hangs on these lines.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::carried::Carried;
use super::unwritten::{self, OnRecord};
use crate::host::Host;
use crate::host::failpoint::{self, Break};
use crate::plan::action::{Action, Outcome, Step};
use crate::plan::event::{self, Event};
use crate::plan::memory::{Memory, Phase};
use crate::plan::observation::{Observation, Questions};
use crate::plan::{Plan, PlanOptions, QuestionHints, fold, plan, plan_of, questions, questions_of};
use crate::spec::{ServiceName, SpecSet};
use crate::units::BootTime;

/// Wait before memory that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// After a look at new processes only, a complete one follows so soon.
const COMPLETE_LOOK: Duration = Duration::from_millis(900);

/// How a tick is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TickOptions {
    /// What a person allows.
    pub plan: PlanOptions,
    /// How much to look at.
    pub hints: QuestionHints,
}

/// What a tick did.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub struct Tick {
    /// What was decided. Its memory and status are those before the steps.
    pub plan: Plan,
    /// What came of each step that was carried out, in order.
    pub outcomes: Vec<(Step, Outcome)>,
    /// What happened, for whoever keeps a record of that.
    pub events: Vec<Event>,
    /// Something changed: the next tick may find more to do at once.
    pub again: bool,
    /// How many records are others than before.
    pub changed: usize,
    /// When to tick anew if nothing happens before; `None`: at the next event.
    pub next: Option<BootTime>,
    /// Memory could not be written down.
    pub not_remembered: Option<String>,
    /// Objects that nothing was done about for that reason, as their statuses say.
    pub withheld: BTreeSet<ServiceName>,
}

/// Carries out one round.
///
/// INVARIANT: no step is carried out that rests on something that was not written down. If writing fails,
/// `memory` stays as it was but for stops, which may have room of their own ([`Host::remember_stops`]), and only signals
/// of stops that it holds are sent.
pub fn tick<H: Host>(host: &mut H, desired: &SpecSet, memory: &mut Memory, options: TickOptions) -> Tick {
    let plan = look_and_plan(host, desired, memory, options).plan;
    carry_out(host, memory, plan)
}

/// Carries out one round about what was touched since the last one. If `options` asks for a complete look everything is looked at, and decided
/// about is also what looks otherwise than at the last one.
pub fn tick_on<H: Host>(
    host: &mut H,
    desired: &SpecSet,
    memory: &mut Memory,
    options: TickOptions,
    carried: &mut Carried,
) -> Tick {
    let present = host.now();
    let now = present.boot;
    let full = options.hints.full;
    let woken = host.woken().filter(|_| !full);
    let mut scope = carried.touched(memory, now, woken.as_ref());
    let mut asked = questions_of(scope.as_ref(), desired, memory, present, options.hints);
    for name in carried.due_looks(now) {
        if let Some(question) = asked.services.get_mut(&name) {
            question.look = true;
        }
    }
    let observed = observe(host, &asked);
    for (name, look) in observed.services.iter().filter_map(|(name, seen)| Some((name, seen.look.as_ref()?)))
    {
        carried.looked(name, look.new_only.then(|| now.after(COMPLETE_LOOK)));
    }
    if full {
        scope = carried.touched_or_other(memory, now, &observed);
    }
    let mut plan = plan_of(scope.as_ref(), desired, &observed, memory, &options.plan);
    carried.complete(&mut plan, scope.is_none());
    if full {
        carried.saw(&plan, observed);
    }
    let mut tick = carry_out(host, memory, plan);
    carried.not_remembered(&mut tick);
    tick
}

/// Carries out a plan that was just made from this memory.
pub fn carry_out<H: Host>(host: &mut H, memory: &mut Memory, mut plan: Plan) -> Tick {
    let before = memory.clone();
    // Also when nothing changed: an earlier write may have failed. The host writes only what differs.
    let unwritten = failpoint::broken(Break::SkipIntent) && plan.steps.iter().any(is_start);
    let on_record =
        if unwritten { OnRecord::All } else { unwritten::write_down(host, &before, &plan.memory) };
    on_record.take(memory, &plan.memory);
    let may_be_done = |step: &&Step| on_record.has(&step.service) || was_decided_before(step, &before);
    let steps: Vec<&Step> = plan.steps.iter().filter(may_be_done).collect();
    let mut outcomes = BTreeMap::new();
    host.perform_all(&steps, &mut |at, outcome, now| {
        if let Some(step) = steps.get(at) {
            fold(memory, step, &outcome, now);
            outcomes.insert(at, ((*step).clone(), outcome));
        }
    });
    let outcomes: Vec<(Step, Outcome)> = outcomes.into_values().collect();
    let mut not_remembered = on_record.error().cloned();
    if not_remembered.is_none() && *memory != plan.memory {
        // What was done is folded in already; if it can't be written now, start slots and a look tell it later.
        not_remembered = unwritten::write_down(host, &plan.memory, memory).error().cloned();
    }
    let withheld = match on_record.error() {
        Some(reason) => {
            let names = unwritten::withheld(&before, &plan, &on_record, &outcomes);
            unwritten::tell(&mut plan.status, reason, &names, host.now().wall);
            names
        }
        None => BTreeSet::new(),
    };
    let again = not_remembered.is_none() && *memory != before;
    let retry = not_remembered.as_ref().map(|_| host.now().boot.after(RETRY));
    let next = plan.next.into_iter().chain(retry).min();
    let events = event::events(&before, &plan, &outcomes, &|name| on_record.has(name));
    let changed = memory.services.changes_since(&before.services).count();
    Tick { plan, outcomes, events, again, changed, next, not_remembered, withheld }
}

/// A plan, and the look that it rests on.
#[derive(Debug)]
#[must_use]
pub struct Previewed {
    /// The plan.
    pub plan: Plan,
    /// The look.
    pub observed: Observation,
}

/// What a tick would do. Looks, and changes nothing.
pub fn preview<H: Host>(host: &mut H, desired: &SpecSet, memory: &Memory, options: TickOptions) -> Plan {
    preview_all(host, desired, memory, options).plan
}

/// The same with the look that it rests on.
pub fn preview_all<H: Host>(
    host: &mut H,
    desired: &SpecSet,
    memory: &Memory,
    options: TickOptions,
) -> Previewed {
    let previewed = look_and_plan(host, desired, memory, options);
    // A record that another boot left makes the first plan look at nothing.
    if memory.boot == previewed.plan.memory.boot {
        return previewed;
    }
    let fresh = Memory::new(previewed.plan.memory.boot);
    look_and_plan(host, desired, &fresh, options)
}

fn look_and_plan<H: Host>(
    host: &mut H,
    desired: &SpecSet,
    memory: &Memory,
    options: TickOptions,
) -> Previewed {
    let asked = questions(desired, memory, host.now(), options.hints);
    let observed = observe(host, &asked);
    Previewed { plan: plan(desired, &observed, memory, &options.plan), observed }
}

fn observe<H: Host>(host: &mut H, asked: &Questions) -> Observation {
    let observed = host.observe(asked);
    #[cfg(feature = "failpoints")]
    let observed = if failpoint::broken(Break::UnknownIsNo) {
        super::sabotage::unknown_is_no(observed)
    } else {
        observed
    };
    observed
}

fn is_start(step: &Step) -> bool {
    matches!(step.action, Action::Start { .. })
}

/// A signal of a stop whose position is on record.
fn was_decided_before(step: &Step, before: &Memory) -> bool {
    let instance = before.services.get(&step.service).and_then(|record| record.instances.get(&step.index));
    match (&step.action, instance.map(|instance| &instance.phase)) {
        (Action::Signal { key, .. }, Some(Phase::Stopping { noted: true, process, tree, .. })) => {
            process.key == *key || tree.contains(key)
        }
        (
            Action::KillTree { main, tree: all, .. },
            Some(Phase::Stopping { noted: true, process, tree, .. }),
        ) => {
            main.as_ref().is_none_or(|main| process.key == *main) && all.iter().all(|key| tree.contains(key))
        }
        (
            Action::Signal { .. }
            | Action::KillTree { .. }
            | Action::Constrain { .. }
            | Action::Start { .. }
            | Action::Adopt { .. }
            | Action::Release { .. }
            | Action::Adjust { .. }
            | Action::Probe { .. }
            | Action::Run { .. },
            _,
        ) => false,
    }
}
