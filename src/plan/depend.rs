//! Who waits for whom: starts for what an object depends on, stops for what depends on it.
//!
//! Decided from memory as it was before the tick, so that questions and decision agree: what became true in this tick
//! counts in the next, which follows at once.

use std::collections::{BTreeMap, BTreeSet};

use super::aim::{Aim, aim};
use super::memory::{Exit, Instance, Memory, Phase, Purpose, Record};
use super::status::PhaseWord;
use super::{ready, task};
use crate::spec::{Dependency, DependencyCondition, ServiceName, SpecSet};
use crate::units::{BootTime, Now};

/// What objects wait for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Web {
    starts: BTreeMap<ServiceName, Waits>,
    restarts: BTreeMap<ServiceName, Waits>,
    stops: BTreeMap<ServiceName, String>,
}

/// Why a start waits, or a restart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Waits {
    /// Time alone won't end it: something is missing, stopped, held or failing.
    pub(super) stuck: bool,
    /// The end of a sentence.
    pub(super) message: String,
}

impl Web {
    /// Looks at all who depend on others.
    pub(super) fn of(desired: &SpecSet, memory: &Memory, now: Now) -> Self {
        let mut web = Self::default();
        let all = All { desired, memory, now };
        let dependents = memory.services.rows_where(|told| told.depends);
        let dependents = dependents.filter(|(_, record)| !record.spec.depends_on.is_empty());
        for (name, record) in dependents {
            if let Some(waits) = all.first_reason(name, record) {
                web.starts.insert(name.clone(), waits);
                let way_back = all.no_way_back(record, &mut BTreeSet::from([name]));
                web.restarts.extend(way_back.map(|waits| (name.clone(), waits)));
            }
            for dependency in &record.spec.depends_on {
                if let Some(because) = all.stop_waits(&dependency.name, name, record) {
                    web.stops.entry(dependency.name.clone()).or_insert(because);
                }
            }
        }
        web
    }

    /// Why this object isn't to be started yet.
    pub(super) fn start(&self, name: &ServiceName) -> Option<&Waits> {
        self.starts.get(name)
    }

    /// Why this object isn't to be taken down for a restart yet: it couldn't be started again.
    pub(super) fn restart(&self, name: &ServiceName) -> Option<&Waits> {
        self.restarts.get(name)
    }

    /// Why this object isn't to be stopped yet.
    pub(super) fn stop(&self, name: &ServiceName) -> Option<&String> {
        self.stops.get(name)
    }
}

struct All<'a> {
    desired: &'a SpecSet,
    memory: &'a Memory,
    now: Now,
}

impl All<'_> {
    fn first_reason(&self, name: &ServiceName, record: &Record) -> Option<Waits> {
        if let Some(waits) = circular(name, self.memory) {
            return Some(waits);
        }
        let reasons = record.spec.depends_on.iter().filter_map(|dependency| self.reason(dependency));
        // What is stuck says more than what only takes time.
        reasons.max_by_key(|waits| waits.stuck)
    }

    fn reason(&self, dependency: &Dependency) -> Option<Waits> {
        let (name, word) = (&dependency.name, dependency.condition.word());
        let waits = format!("waits for `{name}` to be {word}");
        let stuck = |why: String| Some(Waits { stuck: true, message: format!("{waits}, {why}") });
        let Some(record) = self.memory.services.get(name) else {
            return stuck(format!("and there is no `{name}`"));
        };
        if is_met(record, dependency.condition) {
            return None;
        }
        match aim(name, record, self.desired, self.now) {
            Aim::Stop { because, .. } => return stuck(format!("which is stopped: {because}")),
            Aim::Remove(_) => return stuck("whose document is gone".into()),
            Aim::Suspend { because, .. } => return stuck(format!("which is left alone: {because}")),
            Aim::Released { by } => return stuck(format!("which was let go by {by}")),
            Aim::Run | Aim::Observe | Aim::Leave => {}
        }
        match record.shown {
            Some(PhaseWord::BackOff) => stuck("which fails".into()),
            Some(PhaseWord::Held) => stuck("which is held".into()),
            Some(PhaseWord::Unknown) => stuck("of which nothing is known".into()),
            Some(PhaseWord::Stopped) => stuck("which does not run".into()),
            Some(PhaseWord::Running | PhaseWord::Pending | PhaseWord::Starting | PhaseWord::Stopping)
            | None => Some(Waits { stuck: false, message: waits }),
        }
    }

    /// What would keep it from being started again after a restart. That something it depends on is to be restarted as well is
    /// no obstacle, unless that restart is held back itself.
    fn no_way_back<'a>(&'a self, record: &'a Record, seen: &mut BTreeSet<&'a ServiceName>) -> Option<Waits> {
        let mut reasons: Vec<Waits> = circular(&record.spec.name, self.memory).into_iter().collect();
        for dependency in &record.spec.depends_on {
            let own = self.memory.services.get(&dependency.name);
            match own.filter(|own| will_be_restarted(own)) {
                None => reasons.extend(self.reason(dependency)),
                Some(own) if seen.insert(&dependency.name) => reasons.extend(self.no_way_back(own, seen)),
                Some(_) => {}
            }
        }
        reasons.into_iter().max_by_key(|waits| waits.stuck)
    }

    /// Whether a stop of `name` waits for its dependent: both are to be stopped (or restarted because a person asked),
    /// and the dependent still runs and can be stopped, or the commands after its end do. One whose restart is held back
    /// stays as it is, and isn't waited for.
    fn stop_waits(&self, name: &ServiceName, dependent: &ServiceName, record: &Record) -> Option<String> {
        let own = self.memory.services.get(name)?;
        let ends = |name: &ServiceName, record: &Record| {
            matches!(aim(name, record, self.desired, self.now), Aim::Stop { .. } | Aim::Remove(_))
        };
        let together = (ends(name, own) && ends(dependent, record))
            || (will_be_restarted(own)
                && (will_be_restarted(record) || is_stopping(record) || tidies_up(record)));
        if !together || circle(dependent, self.memory).is_some() {
            return None;
        }
        let held = !is_stopping(record)
            && self.no_way_back(record, &mut BTreeSet::from([dependent])).is_some_and(|waits| waits.stuck);
        if held && !ends(dependent, record) {
            return None;
        }
        let known = !matches!(record.shown, Some(PhaseWord::Unknown | PhaseWord::Held));
        let lives = tidies_up(record)
            || record.instances.values().any(|instance| match &instance.phase {
                Phase::Stopping { overdue, .. } => !overdue,
                Phase::Starting { .. } | Phase::Running { .. } | Phase::Intended { .. } => known,
                Phase::Vacant | Phase::BackOff { .. } | Phase::Finished => false,
            });
        lives.then(|| format!("waits until `{dependent}`, which depends on it, is stopped"))
    }
}

/// Some instance began before the restart that a person asked for.
pub(super) fn restart_is_due(record: &Record) -> bool {
    record.restart_before.is_some_and(|moment| began_before(record, moment))
}

/// It is due, and not known to fail.
fn will_be_restarted(record: &Record) -> bool {
    restart_is_due(record) && !record.cannot_start
}

fn began_before(record: &Record, moment: BootTime) -> bool {
    let runs =
        |instance: &&Instance| matches!(instance.phase, Phase::Starting { .. } | Phase::Running { .. });
    let mut processes =
        record.instances.values().filter(runs).filter_map(|instance| instance.phase.process());
    processes.any(|process| process.since < moment)
}

fn is_stopping(record: &Record) -> bool {
    record.instances.values().any(|instance| matches!(instance.phase, Phase::Stopping { .. }))
}

/// The commands that run when a process is gone: they may need what it depended on.
fn tidies_up(record: &Record) -> bool {
    let mut errands = record.instances.values().filter_map(|instance| instance.errand.as_ref());
    errands.any(|errand| errand.purpose == Purpose::PostStop)
}

/// Whether a condition holds of an object now.
fn is_met(record: &Record, condition: DependencyCondition) -> bool {
    let spec = &record.spec;
    let all = |holds: &dyn Fn(&Instance) -> bool| {
        (0..spec.replicas).all(|index| record.instances.get(&index).is_some_and(holds))
    };
    if condition != DependencyCondition::Completed && will_be_restarted(record) {
        return false;
    }
    match condition {
        DependencyCondition::Started => all(&|instance| {
            matches!(instance.phase, Phase::Starting { starter: false, .. } | Phase::Running { .. })
        }),
        DependencyCondition::Ready => all(&|instance| ready::is_ready(instance, spec)),
        DependencyCondition::Healthy => all(&|instance| ready::is_healthy(instance, spec)),
        DependencyCondition::Completed if spec.task.is_some() => {
            task::completion(record) == task::Completion::Succeeded
        }
        DependencyCondition::Completed => all(&|instance| {
            let success = |exit: &Exit| super::backoff::is_success(&spec.restart, exit);
            instance.phase == Phase::Finished && instance.last_exit.as_ref().is_some_and(success)
        }),
    }
}

/// What waits for itself is never started.
fn circular(name: &ServiceName, memory: &Memory) -> Option<Waits> {
    let circle = circle(name, memory)?;
    Some(Waits { stuck: true, message: format!("waits for itself: {circle}") })
}

/// `a -> b -> a`, if an object waits for itself.
fn circle(name: &ServiceName, memory: &Memory) -> Option<String> {
    let mut path = vec![name];
    reaches(name, name, memory, &mut BTreeSet::new(), &mut path)
        .then(|| path.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" -> "))
}

fn reaches<'a>(
    from: &'a ServiceName,
    goal: &ServiceName,
    memory: &'a Memory,
    seen: &mut BTreeSet<&'a ServiceName>,
    path: &mut Vec<&'a ServiceName>,
) -> bool {
    let Some(record) = memory.services.get(from) else { return false };
    for dependency in &record.spec.depends_on {
        path.push(&dependency.name);
        if dependency.name == *goal {
            return true;
        }
        if seen.insert(&dependency.name) && reaches(&dependency.name, goal, memory, seen, path) {
            return true;
        }
        path.pop();
    }
    false
}
