//! Facts of a look, as texts that can be compared and read. How far time has gone is no fact.

use std::collections::BTreeMap;

use crate::facts::{Fact, ProcessKey};
use crate::plan::launch::launched;
use crate::plan::life::exit_words;
use crate::plan::memory::Phase;
use crate::plan::observation::{ArgumentsSeen, IntentSeen, Look, ProcessSeen, Seen};
use crate::spec::Service;

/// What was seen of an object.
pub(super) fn of(seen: &Seen, spec: &Service) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for (index, process) in &seen.processes {
        facts.insert(format!("process {index}"), of_process(process));
    }
    for (index, intent) in &seen.intents {
        let text = match intent {
            IntentSeen::NothingRan => "nothing".to_owned(),
            IntentSeen::Ran(key) => of_key(key),
            IntentSeen::Unknown(reason) => format!("unknown ({reason})"),
        };
        facts.insert(format!("what start {index} brought forth"), text);
    }
    if let Some(look) = &seen.look {
        facts.extend(of_look(look));
    }
    for (at, condition) in seen.conditions.iter().flatten().enumerate() {
        let text = match condition {
            Fact::Known(holds) => holds.to_string(),
            Fact::Absent => "absent".into(),
            Fact::Unknown(reason) => format!("unknown ({reason})"),
        };
        facts.insert(format!("conditions[{at}]"), text);
    }
    match &seen.prepared {
        Some(Ok(prepared)) => {
            facts.insert(
                "its account".into(),
                format!("{}:{} {:?}", prepared.owner.uid, prepared.owner.gid, prepared.owner.groups),
            );
            // Contents that may be secret are digests there.
            let with = launched(spec, Some(prepared));
            let without = launched(spec, None);
            let looked_up = with.iter().filter(|(field, _)| without.get(field).is_none());
            let said =
                |(field, digest): (&str, &str)| (format!("the content of `{field}`"), digest.to_owned());
            facts.extend(looked_up.map(said));
        }
        Some(Err(error)) => {
            facts.insert("what a start needs".into(), error.to_string());
        }
        None => {}
    }
    facts
}

fn of_key(key: &ProcessKey) -> String {
    format!("{} (started at tick {})", key.pid, key.start)
}

fn of_process(process: &ProcessSeen) -> String {
    match process {
        ProcessSeen::Alive(alive) => {
            let ours = match &alive.still_ours {
                Fact::Known(true) => "",
                Fact::Known(false) | Fact::Absent => ", no longer by its rule",
                Fact::Unknown(_) => ", nobody knows whether by its rule",
            };
            let replaced = if alive.exe_deleted { ", whose program was replaced" } else { "" };
            format!("alive, executes {}{replaced}{ours}", alive.exe.as_deref().unwrap_or("nobody knows what"))
        }
        ProcessSeen::Gone { exit, .. } => format!("gone: {}", exit_words(exit)),
        ProcessSeen::Unknown(reason) => format!("unknown ({reason})"),
    }
}

fn of_look(look: &Look) -> BTreeMap<String, String> {
    let candidates: Vec<String> = look
        .candidates
        .iter()
        .map(|found| {
            let other = found
                .recorded_for
                .as_ref()
                .map(|name| format!(", on record for `{name}`"))
                .unwrap_or_default();
            let kept =
                found.foreign_supervisor.as_ref().map(|who| format!(", kept by {who}")).unwrap_or_default();
            let above = if found.above { ", above selfsame" } else { "" };
            let arguments = match found.arguments {
                ArgumentsSeen::Equal => "with the same arguments",
                ArgumentsSeen::Overwritten => "with overwritten arguments",
                ArgumentsSeen::Different => "with other arguments",
            };
            format!("{} of uid {}, {arguments}{other}{kept}{above}", of_key(&found.key), found.uid)
        })
        .collect();
    let undecided: Vec<String> = look.unknown.iter().map(|(pid, _)| pid.to_string()).collect();
    let or_none = |texts: Vec<String>| if texts.is_empty() { "none".to_owned() } else { texts.join("; ") };
    BTreeMap::from([
        ("what matches".to_owned(), or_none(candidates)),
        ("what can't be decided".to_owned(), or_none(undecided)),
        (
            "the list of processes".to_owned(),
            if look.complete { "complete" } else { "incomplete" }.to_owned(),
        ),
    ])
}

/// Where an instance is in its life, without moments.
pub(super) fn phase(phase: &Phase) -> String {
    let word = match phase {
        Phase::Vacant => "vacant",
        Phase::BackOff { .. } => "waiting before its next start",
        Phase::Finished => "finished",
        Phase::Intended { .. } => "being started",
        Phase::Starting { .. } => "starting",
        Phase::Running { .. } => "running",
        Phase::Stopping { .. } => "being stopped",
    };
    match phase.process() {
        Some(process) => format!("{word} as {}", of_key(&process.key)),
        None => word.to_owned(),
    }
}
