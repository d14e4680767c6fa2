//! How many processes there are, and which of them are too many.

use std::collections::BTreeMap;

use super::{Due, PolicyLook, PolicyMemory, PolicyOutcome, Subject, Window};
use crate::facts::{Fact, ProcessKey, Why};
use crate::spec::policy::{CountRange, Lasting, Policy};
use crate::units::BootTime;

/// The number of those of which it is so.
pub(super) fn of_number<'a>(
    policy: &Policy,
    range: CountRange,
    look: &'a PolicyLook,
    memory: &mut PolicyMemory,
    now: BootTime,
    outcome: &mut PolicyOutcome,
) -> Vec<Due<'a>> {
    let counted: Vec<&Subject> =
        look.subjects.iter().filter(|subject| subject.violates == Fact::Known(true)).collect();
    let sure = as_u32(counted.len());
    let violated = judge(range, look, sure);
    let begins = memory.number.note(&violated, policy.lasting, now);
    outcome.next = memory.number.next(policy.lasting);
    if violated != Fact::Known(true) {
        if violated == Fact::Known(false) && !memory.number.counts() {
            memory.processes.clear();
        }
        return Vec::new();
    }
    if !memory.number.counts() {
        return Vec::new();
    }
    let so = memory.number.so(policy.lasting, now);
    let because = format!("{sure} processes match `{}`, which {so}; {range} may be", policy.about());
    // Those that are too many are the youngest; of too few there is nobody.
    let most = range.most.map_or(counted.len(), |most| usize::try_from(most).unwrap_or(usize::MAX));
    let extra: Vec<&Subject> = counted.into_iter().skip(most).collect();
    if extra.is_empty() {
        let begins_or_owes = begins || memory.number.owes();
        return begins_or_owes.then_some(Due { subject: None, because, begins }).into_iter().collect();
    }
    let mut known: BTreeMap<ProcessKey, Window> = std::mem::take(&mut memory.processes).into_iter().collect();
    let mut due = Vec::new();
    for subject in extra {
        let mut window = known.remove(&subject.key).unwrap_or_default();
        // One that comes while there are too many anyway is one more.
        let begins = window.note(&subject.violates, Lasting::Seen, now);
        if begins || window.owes() {
            due.push(Due { subject: Some(subject), because: because.clone(), begins });
        }
        memory.processes.push((subject.key.clone(), window));
    }
    due
}

fn judge(range: CountRange, look: &PolicyLook, sure: u32) -> Fact<bool> {
    let unsure = look.subjects.iter().filter(|subject| matches!(subject.violates, Fact::Unknown(_))).count();
    let unsure = as_u32(unsure).saturating_add(look.unsure);
    let most = look.complete.then_some(sure.saturating_add(unsure));
    match range.holds(sure, most) {
        Some(holds) => Fact::Known(!holds),
        None => Fact::unknown(Why::Unresolved),
    }
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl std::fmt::Display for CountRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.least, self.most) {
            (least, Some(most)) if least == most => write!(f, "{least}"),
            (0, Some(most)) => write!(f, "at most {most}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
            (least, None) => write!(f, "at least {least}"),
        }
    }
}
