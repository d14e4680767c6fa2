//! A plan for a person, before it is carried out; and deeds, when they are done.

use std::sync::Arc;

use serde::Serialize;

use super::printable;
use crate::plan::action::{Action, Outcome, Step};
use crate::plan::{Change, Doing, FieldChange, Plan};
use crate::spec::Revision;

/// One line an instance: `web: start, because nothing matches`; fields that differ below it.
pub fn plan_text(plan: &Plan, everything: bool) -> String {
    let mut text = String::new();
    for change in plan.changes.iter().filter(|change| everything || change.doing != Doing::Nothing) {
        text.push_str(&change_line(change, plan.replicas(&change.service)));
        for field in &change.fields {
            text.push_str(&format!("    {}\n", printable(field_words(field))));
        }
    }
    if text.is_empty() {
        text.push_str("nothing to do\n");
    }
    text
}

fn change_line(change: &Change, replicas: u32) -> String {
    let name = change.service.instance(change.index, replicas);
    let because = printable(&change.because);
    let word = change.doing.word();
    match change.doing {
        Doing::Held => format!("{name}: held: {because}\n"),
        Doing::Nothing if because.is_empty() => format!("{name}: nothing to do\n"),
        Doing::Start
        | Doing::Adopt
        | Doing::Restart
        | Doing::Stop
        | Doing::Release
        | Doing::Reload
        | Doing::Adjust
        | Doing::Wait
        | Doing::Fail
        | Doing::Nothing => format!("{name}: {word}: {because}\n"),
    }
}

/// A change for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRow {
    /// The object.
    pub service: String,
    /// Which replica, from 0, also where it is the only one; people read `NAME[INDEX]` where there are several.
    pub index: u32,
    /// start, adopt, adjust, restart, stop, release, reload, wait, nothing, held or fail.
    pub action: &'static str,
    /// Why.
    pub because: String,
    /// Fields that differ, as sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The revision that its document is of, if it lies in a work tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Arc<Revision>>,
}

/// All changes for programs, also those that do nothing.
pub fn plan_rows(plan: &Plan) -> Vec<ChangeRow> {
    plan.changes
        .iter()
        .map(|change| ChangeRow {
            service: change.service.to_string(),
            index: change.index,
            action: change.doing.word(),
            because: change.because.clone(),
            fields: change.fields.iter().map(field_words).collect(),
            revision: None,
        })
        .collect()
}

/// What was done of a plan, as a sentence: `web: started as pid 412, because ...`.
pub fn deed(step: &Step, outcome: &Outcome, plan: &Plan) -> String {
    let name = step.service.instance(step.index, plan.replicas(&step.service));
    let what = match (&step.action, outcome) {
        (Action::Start { .. }, Outcome::Started(key)) => format!("started as pid {}", key.pid),
        (Action::Start { .. }, Outcome::StartFailed { error } | Outcome::Refused { error }) => {
            return printable(format!("{name}: not started: {error}"));
        }
        (Action::Start { .. }, Outcome::Done | Outcome::Gone | Outcome::NotLive { .. }) => {
            "not started".to_owned()
        }
        (Action::Adopt { key }, _) => format!("adopted pid {}", key.pid),
        (Action::Release { key }, _) => format!("released pid {}", key.pid),
        (Action::Signal { key, signal, .. }, Outcome::Gone) => {
            format!("{signal} for pid {}: already gone", key.pid)
        }
        (
            Action::Signal { key, signal, .. },
            Outcome::Refused { error } | Outcome::StartFailed { error } | Outcome::NotLive { error },
        ) => {
            return printable(format!("{name}: {signal} not sent to pid {}: {error}", key.pid));
        }
        (Action::Signal { key, signal, .. }, Outcome::Done | Outcome::Started(_)) => {
            format!("{signal} sent to pid {}", key.pid)
        }
        (Action::Run { launch, .. }, _) => format!("`{}` runs", launch.argv.join(" ")),
        (Action::KillTree { main, tree, .. }, outcome) => {
            let pids: Vec<String> = main.iter().chain(tree).map(|key| key.pid.to_string()).collect();
            let whole = format!("pid {} and all that belongs to it", pids.join(", "));
            match outcome {
                Outcome::Done | Outcome::Started(_) => format!("KILL sent to {whole}"),
                Outcome::Gone => format!("KILL for {whole}: already gone"),
                Outcome::Refused { error } | Outcome::StartFailed { error } | Outcome::NotLive { error } => {
                    return printable(format!("{name}: KILL not sent to {whole}: {error}"));
                }
            }
        }
        (
            Action::Constrain { key, .. },
            Outcome::Refused { error } | Outcome::StartFailed { error } | Outcome::NotLive { error },
        ) => {
            return printable(format!("{name}: `resources` of pid {} not set: {error}", key.pid));
        }
        (Action::Constrain { key, .. }, Outcome::Done | Outcome::Gone | Outcome::Started(_)) => {
            format!("`resources` of pid {} set", key.pid)
        }
        (Action::Adjust { key, field, .. }, Outcome::Done | Outcome::Started(_)) => {
            format!("gave pid {} its new `{field}`", key.pid)
        }
        (Action::Adjust { key, .. }, Outcome::Gone) => {
            format!("nothing changed for pid {}: it is gone", key.pid)
        }
        (
            Action::Adjust { field, .. },
            Outcome::NotLive { error } | Outcome::Refused { error } | Outcome::StartFailed { error },
        ) => return printable(format!("{name}: `{field}` not changed: {error}")),
        (Action::Probe { .. }, _) => "asked whether it is ready".to_owned(),
    };
    printable(format!("{name}: {what}, because {}", step.because))
}

/// `args: "--port 80" -> "--port 81"`
fn field_words(field: &FieldChange) -> String {
    format!("{}: {} -> {}", field.field, field.from, field.to)
}
