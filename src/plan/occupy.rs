//! Is a place free, may a running process take it, or can't it be told? Decides before every start.

use std::collections::BTreeMap;

use super::observation::{ArgumentsSeen, Candidate, Look};
use super::status::{ConditionStatus, ConditionType};
use crate::facts::Why;
use crate::spec::{AdoptPolicy, Service};

/// What follows from a look, for the places that have no process.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Occupancy {
    /// Nothing that could be the service runs.
    Free,
    /// These take these places.
    Adopt(BTreeMap<u32, Candidate>),
    /// Nothing is done.
    Hold(Hold),
}

/// Why nothing is done.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Hold {
    pub(super) condition: (ConditionType, ConditionStatus),
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// What isn't known may be at the next look: somebody was just being executed, or ended.
    pub(super) passes: bool,
    /// More processes match than there are places: which could be stopped, the youngest last.
    pub(super) surplus: Vec<Candidate>,
    /// Those that could take places, if the surplus goes.
    pub(super) fitting: BTreeMap<u32, Candidate>,
}

impl Hold {
    fn new(kind: ConditionType, status: ConditionStatus, reason: &'static str, message: String) -> Self {
        let (surplus, fitting) = (Vec::new(), BTreeMap::new());
        Self { condition: (kind, status), reason, message, passes: false, surplus, fitting }
    }
}

/// Decides about the vacant places (ascending).
pub(super) fn occupy(spec: &Service, look: &Look, vacant: &[u32]) -> Occupancy {
    if let Some(hold) = cannot_tell(look) {
        return Occupancy::Hold(hold);
    }
    let pool = pool(look);
    if let Some(hold) = pool.iter().find_map(|candidate| not_to_be_taken(candidate)) {
        return Occupancy::Hold(hold);
    }
    match (pool.is_empty(), spec.adopt) {
        (true, AdoptPolicy::Require) => Occupancy::Hold(Hold::new(
            ConditionType::Blocked,
            ConditionStatus::True,
            "NothingToAdopt",
            "not started: nothing that matches runs, and `adopt: require` starts nothing".into(),
        )),
        (true, AdoptPolicy::IfMatches | AdoptPolicy::Never) => Occupancy::Free,
        (false, AdoptPolicy::Never) => Occupancy::Hold(Hold::new(
            ConditionType::Blocked,
            ConditionStatus::True,
            "AdoptNever",
            format!(
                "not started: {} matches and runs already, and `adopt: never` takes nothing over",
                pids(&pool)
            ),
        )),
        (false, AdoptPolicy::IfMatches | AdoptPolicy::Require) => assign(&pool, vacant),
    }
}

/// The processes beside those on record, when no place is vacant: more than there should be.
pub(super) fn extra(look: &Look) -> Vec<&Candidate> {
    pool(look).into_iter().filter(|candidate| not_to_be_taken(candidate).is_none()).collect()
}

/// What speaks against that nothing of an object runs.
pub(super) fn stray(look: &Look) -> Option<Hold> {
    if let Some(unknown) = what_is_unknown(look) {
        let message = format!("cannot tell whether it runs ({unknown})");
        return Some(Hold::new(ConditionType::Unique, ConditionStatus::Unknown, "CannotTell", message));
    }
    let is_one = |candidate: &&Candidate| {
        candidate.recorded_for.is_none() && !candidate.foreign_user && !candidate.weak
    };
    let found: Vec<&Candidate> = pool(look).into_iter().filter(is_one).collect();
    let message = format!("it runs all the same, is not on record and left alone: {}", pids(&found));
    (!found.is_empty())
        .then(|| Hold::new(ConditionType::Unique, ConditionStatus::False, "RunsAnyway", message))
}

/// `812, 813`
pub(super) fn pids(candidates: &[&Candidate]) -> String {
    let pids: Vec<String> = candidates.iter().map(|candidate| candidate.key.pid.to_string()).collect();
    pids.join(", ")
}

fn cannot_tell(look: &Look) -> Option<Hold> {
    let unknown = what_is_unknown(look)?;
    let message = format!("not started: cannot tell whether it runs ({unknown})");
    let hold = Hold::new(ConditionType::Unique, ConditionStatus::Unknown, "CannotTell", message);
    Some(Hold { passes: passes(look), ..hold })
}

/// Nothing tells when what isn't known now can be told, so it is asked for again.
fn passes(look: &Look) -> bool {
    let mut reasons = look.unknown.iter().flat_map(|(_, reasons)| reasons);
    reasons.any(|reason| matches!(reason.why, Why::Timeout | Why::Vanished | Why::Budget))
}

fn what_is_unknown(look: &Look) -> Option<String> {
    let unknown = look.unknown.first().map(|(pid, reasons)| {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let text = reasons.join(", ");
        if text.contains(&pid.to_string()) { text } else { format!("{text} of {pid}") }
    });
    unknown.or_else(|| {
        let why = || match look.notes.as_slice() {
            [] => "the list of processes is not complete".into(),
            notes => notes.join("; "),
        };
        (!look.complete).then(why)
    })
}

/// Those with the specified arguments or a pidfile that speaks for them; else those whose arguments are
/// overwritten; never those with other arguments.
fn pool(look: &Look) -> Vec<&Candidate> {
    let with = |wanted: ArgumentsSeen| {
        let fits = move |candidate: &&Candidate| candidate.arguments == wanted || candidate.anchored;
        let mut fitting: Vec<&Candidate> = look.candidates.iter().filter(fits).collect();
        fitting.sort_by_key(|candidate| (candidate.key.start, candidate.key.pid));
        fitting
    };
    let equal = with(ArgumentsSeen::Equal);
    if equal.is_empty() { with(ArgumentsSeen::Overwritten) } else { equal }
}

fn not_to_be_taken(candidate: &Candidate) -> Option<Hold> {
    let pid = candidate.key.pid;
    if let Some(other) = &candidate.recorded_for {
        return Some(Hold::new(
            ConditionType::Blocked,
            ConditionStatus::True,
            "RecordedForAnother",
            format!("not started: {pid} matches and is on record for `{other}`"),
        ));
    }
    if let Some(supervisor) = &candidate.foreign_supervisor {
        return Some(Hold::new(
            ConditionType::Owned,
            ConditionStatus::False,
            "ForeignSupervisor",
            format!("not started: {pid} matches and is kept by {supervisor}"),
        ));
    }
    if candidate.above {
        return Some(Hold::new(
            ConditionType::Owned,
            ConditionStatus::False,
            "AboveSelfsame",
            format!(
                "not started: {pid} matches and is the first process or one that selfsame was started from, which it leaves \
                 alone: start selfsame from elsewhere, or take it over with `selfsame adopt`"
            ),
        ));
    }
    if candidate.foreign_user {
        return Some(Hold::new(
            ConditionType::Unique,
            ConditionStatus::False,
            "ForeignUser",
            format!(
                "not started: {pid} matches and belongs to another user (uid {0}); if it is the service, say so with \
                 `match: user == {0}`",
                candidate.uid
            ),
        ));
    }
    candidate.weak.then(|| {
        Hold::new(
            ConditionType::Unique,
            ConditionStatus::Unknown,
            "WeakEvidence",
            format!("not started: {pid} seems to be it, but nothing that the kernel attests says so"),
        )
    })
}

/// Gives each candidate a place: the one its arguments name, else by age.
fn assign(pool: &[&Candidate], vacant: &[u32]) -> Occupancy {
    let mut order: Vec<&&Candidate> = pool.iter().collect();
    // Stable: the oldest first among those with the same choice.
    order.sort_by_key(
        |candidate| if candidate.indexes.is_empty() { usize::MAX } else { candidate.indexes.len() },
    );
    let mut places: BTreeMap<u32, Candidate> = BTreeMap::new();
    let mut surplus = Vec::new();
    for candidate in order {
        let fits = |index: &&u32| {
            !places.contains_key(index) && (candidate.indexes.is_empty() || candidate.indexes.contains(index))
        };
        match vacant.iter().find(fits) {
            Some(index) => {
                places.insert(*index, (*candidate).clone());
            }
            None => surplus.push((*candidate).clone()),
        }
    }
    if surplus.is_empty() {
        return Occupancy::Adopt(places);
    }
    let message = format!(
        "nothing done: {} match and there is room for {}, so it is ambiguous which to keep",
        pids(pool),
        vacant.len()
    );
    let mut hold = Hold::new(ConditionType::Unique, ConditionStatus::False, "Ambiguous", message);
    hold.surplus = surplus;
    hold.fitting = places;
    Occupancy::Hold(hold)
}
