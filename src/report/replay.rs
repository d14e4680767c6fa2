//! What policies would have done while a record was made, as text and as rows.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::printable;
use crate::engine::policy::replay::{Happened, Replayed, Summary};
use crate::plan::event::{Event, EventKind};
use crate::units::{Pid, StartTicks, counted, format_duration};

/// One line of a replay, for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayRow {
    /// Since the record begins.
    pub at: String,
    /// By the clock of the recorded host.
    pub time: String,
    /// The Policy.
    pub policy: String,
    /// How bad it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<crate::spec::policy::Severity>,
    /// `violated`, `wouldAct`, `withheld` or `notViolated`.
    pub what: &'static str,
    /// Which process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<Pid>,
    /// With the pid, its identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_ticks: Option<StartTicks>,
    /// What it executes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// What would be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Why it would not, as one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// The sentence.
    pub message: String,
}

/// For programs.
pub fn replay_json(replayed: &Replayed) -> Json {
    let policies = replayed.policies.iter().map(|(name, summary)| {
        json!({
            "policy": name, "severity": summary.severity, "violations": summary.violations, "wouldAct": summary.acts,
            "withheld": summary.withheld, "leftOut": summary.left_out,
        })
    });
    json!({
        "looks": replayed.looks, "noticed": replayed.told, "length": format_duration(replayed.length),
        "events": replayed.events, "ended": replayed.ended, "more": replayed.more,
        "happened": replayed.happened.iter().map(row).collect::<Vec<_>>(),
        "policies": policies.collect::<Vec<_>>(),
    })
}

fn row(one: &Happened) -> ReplayRow {
    let Happened { at, wall, event } = one;
    let note = event.policy.as_ref();
    ReplayRow {
        at: format_duration(*at),
        time: wall.rfc3339(),
        policy: event.object.as_ref().map(ToString::to_string).unwrap_or_default(),
        severity: note.map(|note| note.severity),
        what: what(event),
        pid: event.pid,
        start_ticks: event.start_ticks,
        exe: note.and_then(|note| note.exe.clone()),
        action: note.and_then(|note| note.action.clone()),
        withheld: note.and_then(|note| note.withheld.clone()),
        message: event.message.clone(),
    }
}

fn what(event: &Event) -> &'static str {
    match event.kind {
        EventKind::PolicyWithheld => "withheld",
        EventKind::PolicyActed | EventKind::PolicyFailed => "wouldAct",
        EventKind::NotViolated => "notViolated",
        _ => "violated",
    }
}

/// For a person: what happened, line by line, and at the end what became of each policy.
pub fn replay_text(replayed: &Replayed) -> String {
    let mut text = String::new();
    for one in &replayed.happened {
        line(&mut text, one);
    }
    if replayed.more > 0 {
        let _ = writeln!(text, "... and {} more", replayed.more);
    }
    if !replayed.happened.is_empty() {
        text.push('\n');
    }
    for (name, summary) in &replayed.policies {
        let _ = writeln!(text, "{name}: {}", became(summary));
    }
    let told = if replayed.events {
        format!(" and {} that the kernel told something", counted(replayed.told, "time"))
    } else {
        "; what lives from no look to the next is not in it".to_owned()
    };
    let length = format_duration(std::time::Duration::from_secs(replayed.length.as_secs()));
    let _ = writeln!(text, "the record has {} in {length}{told}", counted(replayed.looks, "look"));
    text
}

fn line(text: &mut String, one: &Happened) {
    let Happened { at, wall, event } = one;
    let name = event.object.as_ref().map(ToString::to_string).unwrap_or_default();
    let severity = event.policy.as_ref().map(|note| note.severity);
    let word = severity.and_then(|severity| serde_json::to_value(severity).ok());
    let word = word.as_ref().and_then(Json::as_str).unwrap_or("warning").to_owned();
    let exe = event.policy.as_ref().and_then(|note| note.exe.as_deref());
    let by = match (event.pid, exe) {
        (Some(pid), Some(exe)) => format!(" pid {pid} ({exe})"),
        (Some(pid), None) => format!(" pid {pid}"),
        (None, _) => String::new(),
    };
    let what = match what(event) {
        "wouldAct" => "would act",
        "withheld" => "withheld",
        "notViolated" => "no longer",
        _ => "violated",
    };
    let at = format!("+{}", format_duration(*at));
    let message = printable(&event.message);
    let _ = writeln!(text, "{at:<9} {}  {name} [{word}]  {what}{}: {message}", wall.rfc3339(), printable(by));
}

fn became(summary: &Summary) -> String {
    if let Some(why) = &summary.left_out {
        return format!("left out: {why}");
    }
    if summary.violations == 0 {
        return "never violated".to_owned();
    }
    let times = |count: u64| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let mut text = format!("violated {}", times(summary.violations));
    if summary.acts > 0 {
        let _ = write!(text, ", would have acted {}", times(summary.acts));
    }
    for (why, count) in &summary.withheld {
        let _ = write!(text, ", withheld {} ({why})", times(*count));
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::engine::policy::replay::replay;
    use crate::host::conditions::Conditions;
    use crate::host::shelf::Shelf;
    use crate::process::snapshot::record::Record;
    use crate::spec::policy::{Policy, PolicyAction};
    use crate::spec::{Expression, ServiceName};
    use crate::units::Signal;

    const RECORD: &str = "record: 1
host: {bootId: b, uptime: 1000s, now: \"2030-01-01T00:00:00Z\"}
processes: [{pid: 50, uid: 0, startTicks: 900, comm: sh, exe: /bin/sh}]
---
at: 5s
processes: [{pid: 50, comm: tool}]
---
at: 10s
processes: [{pid: 50, comm: sh}]
";

    #[test]
    fn people_and_programs_are_told_the_same() {
        let mut policy = Policy::new(ServiceName::new("no-tool").unwrap());
        policy.subject = Some(Expression::new("comm == \"tool\""));
        policy.actions = vec![PolicyAction::Signal(vec![(Signal::TERM, Duration::ZERO)])];
        let mut quiet = policy.clone();
        quiet.name = ServiceName::new("quiet").unwrap();
        quiet.subject = Some(Expression::new("comm == \"other\""));
        let policies: BTreeMap<_, _> =
            [policy, quiet].into_iter().map(|policy| (policy.name.clone(), Arc::new(policy))).collect();
        let record = Record::parse("record", RECORD.to_owned()).unwrap();
        let replayed = replay(&record, &policies, &Conditions::new(Rc::new(Shelf::default()))).unwrap();
        let expected = "\
+5s       2030-01-01T00:00:05.000Z  no-tool [warning]  violated pid 50 (/bin/sh): `comm == \"tool\"` is so
+5s       2030-01-01T00:00:05.000Z  no-tool [warning]  withheld pid 50 (/bin/sh): `signal` is only said: it belongs to no Service here, and `spec.dryRun: false` isn't given
+10s      2030-01-01T00:00:10.000Z  no-tool [warning]  no longer: nothing violates it any more

no-tool: violated once, withheld once (NotOwned)
quiet: never violated
the record has 3 looks in 10s; what lives from no look to the next is not in it
";
        assert_eq!(replay_text(&replayed), expected);
        let rows = replay_json(&replayed);
        let first = rows.pointer("/happened/0").unwrap();
        assert_eq!(first.get("what").unwrap(), "violated");
        assert_eq!(first.get("pid").unwrap(), 50);
        assert_eq!(rows.pointer("/happened/1/withheld").unwrap(), "NotOwned");
        assert_eq!(rows.pointer("/policies/1/violations").unwrap(), 0);
    }
}
