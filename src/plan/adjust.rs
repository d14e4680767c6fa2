//! Changes of limits and scheduling that a running process can be given.
//!
//! What a process was launched with is kept as text by field; two texts of one field give the values that differ.

use std::collections::{BTreeMap, BTreeSet};

use super::memory::Adjusted;
use crate::spec::{CpuPolicy, IoClass, Limit, Scheduling, Service};

/// One value that a running process gets. `None`: the engine's own, which it would have inherited.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Adjustment {
    /// A limit by its `setrlimit(2)` name in lower case.
    Limit(String, Option<Limit>),
    /// `setpriority(2)`
    Nice(Option<i32>),
    /// `ioprio_set(2)`: class and level.
    Io(Option<IoClass>, Option<u8>),
    /// `sched_setscheduler(2)`: policy and real-time priority.
    Policy(Option<CpuPolicy>, Option<u8>),
    /// `sched_setaffinity(2)`: CPU numbers.
    Affinity(Option<Vec<u32>>),
    /// `/proc/PID/oom_score_adj`
    OomScoreAdj(Option<i32>),
}

/// What a change of a field means for the process as it runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Live {
    /// These values are to be given to it.
    Apply(Vec<Adjustment>),
    /// That was refused, and a restart wouldn't mend it.
    Refused,
    /// It takes a restart.
    Restart,
}

/// The kernel lays out memory by it when a program begins, and C libraries read it then.
const AT_START_ONLY: &str = "stack";

/// What the change of `field` from one text to another means. `spec` is the document that the second text is of.
pub(super) fn live(field: &str, from: &str, to: &str, adjusted: &Adjusted, spec: &Service) -> Live {
    let known = |failed: &BTreeMap<String, String>| failed.get(field).is_some_and(|text| text == to);
    if known(&adjusted.refused) {
        return Live::Refused;
    }
    if known(&adjusted.not_live) {
        return Live::Restart;
    }
    match field {
        "limits" => limits(from, to, spec).map_or(Live::Restart, Live::Apply),
        "scheduling" => scheduling(from, &spec.scheduling).map_or(Live::Restart, Live::Apply),
        _ => Live::Restart,
    }
}

/// `None`: one of them counts at a start only.
fn limits(from: &str, to: &str, spec: &Service) -> Option<Vec<Adjustment>> {
    let (from, to) = (rows(from), rows(to));
    let names: BTreeSet<&str> = from.keys().chain(to.keys()).copied().collect();
    let changed = names.into_iter().filter(|name| from.get(name) != to.get(name));
    changed
        .map(|name| {
            // As at a launch: no core dumps, unless the document says otherwise.
            let none = (name == "core").then_some(Limit { soft: Some(0), hard: Some(0) });
            let limit = spec.limits.get(name).copied().or(none);
            (name != AT_START_ONLY).then(|| Adjustment::Limit(name.to_owned(), limit))
        })
        .collect()
}

/// `NAME=SOFT:HARD,...`
fn rows(text: &str) -> BTreeMap<&str, &str> {
    text.split(',').filter_map(|row| row.split_once('=')).collect()
}

/// `None`: the record can't be read.
fn scheduling(from: &str, to: &Scheduling) -> Option<Vec<Adjustment>> {
    let from: Scheduling = serde_json::from_str(from).ok()?;
    let io = |of: &Scheduling| (of.io_class, of.io_priority);
    let policy = |of: &Scheduling| (of.policy, of.rt_priority);
    let rows = [
        (policy(&from) != policy(to), Adjustment::Policy(to.policy, to.rt_priority)),
        (from.nice != to.nice, Adjustment::Nice(to.nice)),
        (io(&from) != io(to), Adjustment::Io(to.io_class, to.io_priority)),
        (from.cpu_affinity != to.cpu_affinity, Adjustment::Affinity(to.cpu_affinity.clone())),
        (from.oom_score_adj != to.oom_score_adj, Adjustment::OomScoreAdj(to.oom_score_adj)),
    ];
    Some(rows.into_iter().filter_map(|(differs, adjustment)| differs.then_some(adjustment)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::plan::launch::launched;
    use crate::spec::ServiceName;

    fn service(limits: &[(&str, u64)], scheduling: Scheduling) -> Service {
        let mut spec = Service::new(ServiceName::new("web").unwrap(), "/srv/web".into());
        let limit = |value: u64| Limit { soft: Some(value), hard: Some(value) };
        spec.limits = limits.iter().map(|(name, value)| ((*name).to_owned(), limit(*value))).collect();
        spec.scheduling = scheduling.into();
        spec
    }

    fn of(field: &str, from: &Service, to: &Service) -> Live {
        let text = |spec: &Service| launched(spec, None).get(field).unwrap().to_owned();
        live(field, &text(from), &text(to), &Adjusted::default(), to)
    }

    #[test]
    fn limits_that_differ_are_set_and_those_that_are_gone_are_the_engines() {
        let before = service(&[("nofile", 10), ("nproc", 5), ("core", 7)], Scheduling::default());
        let after = service(&[("nofile", 20), ("cpu", 3)], Scheduling::default());
        let limit = |value: u64| Some(Limit { soft: Some(value), hard: Some(value) });
        let expected = [("core", limit(0)), ("cpu", limit(3)), ("nofile", limit(20)), ("nproc", None)]
            .map(|(name, limit)| Adjustment::Limit(name.into(), limit));
        assert_eq!(of("limits", &before, &after), Live::Apply(expected.to_vec()));
        let stack = service(&[("stack", 1 << 20)], Scheduling::default());
        assert_eq!(of("limits", &before, &stack), Live::Restart);
    }

    #[test]
    fn scheduling_is_compared_value_by_value() {
        let before =
            service(&[], Scheduling { nice: Some(1), oom_score_adj: Some(3), ..Scheduling::default() });
        let after = service(
            &[],
            Scheduling {
                nice: Some(2),
                oom_score_adj: Some(3),
                io_priority: Some(1),
                ..Scheduling::default()
            },
        );
        let expected = vec![Adjustment::Nice(Some(2)), Adjustment::Io(None, Some(1))];
        assert_eq!(of("scheduling", &before, &after), Live::Apply(expected));
        let none = service(&[], Scheduling::default());
        let expected = vec![Adjustment::Nice(None), Adjustment::OomScoreAdj(None)];
        assert_eq!(of("scheduling", &before, &none), Live::Apply(expected));
    }

    #[test]
    fn what_failed_is_not_tried_again_until_something_else_is_wanted() {
        let (before, after) = (
            service(&[("nofile", 1)], Scheduling::default()),
            service(&[("nofile", 2)], Scheduling::default()),
        );
        let text = |spec: &Service| launched(spec, None).get("limits").unwrap().to_owned();
        let failed = BTreeMap::from([("limits".to_owned(), text(&after))]);
        let not_live = Adjusted { not_live: failed.clone(), ..Adjusted::default() };
        let refused = Adjusted { refused: failed, ..Adjusted::default() };
        assert_eq!(live("limits", &text(&before), &text(&after), &not_live, &after), Live::Restart);
        assert_eq!(live("limits", &text(&before), &text(&after), &refused, &after), Live::Refused);
        let other = service(&[("nofile", 3)], Scheduling::default());
        assert!(matches!(live("limits", &text(&before), &text(&other), &refused, &other), Live::Apply(_)));
    }
}
