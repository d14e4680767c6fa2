//! Policies for a person: how each stands, and what they would do now.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::printable;
use super::status::{ago, plain_rows};
use crate::engine::policy::Foreseen;
use crate::facts::Fact;
use crate::plan::memory::Suspension;
use crate::plan::policy::{Acted, PolicyStatus, PolicyStep, Subject};
use crate::units::{Now, Pid, StartTicks, WallTime, counted};

/// Processes that are shown one by one.
const SHOWN_MAX: usize = 50;

/// One row a policy; nothing where there is none.
pub fn policies_table(policies: &[PolicyStatus], now: Now) -> String {
    if policies.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["POLICY", "SEVERITY", "VIOLATED", "BY", "SINCE", "ACTED", "NOTE"]);
    for policy in policies {
        table.add_row([
            policy.name.to_string(),
            policy.severity.word().to_owned(),
            violated_word(policy).to_owned(),
            if policy.violated == Some(true) { policy.violating.to_string() } else { String::new() },
            policy.since.map(|since| ago(since, now)).unwrap_or_default(),
            policy.acted.as_ref().map(|acted| ago(acted.at, now)).unwrap_or_default(),
            printable(note(policy, now)),
        ]);
    }
    plain_rows(&table)
}

fn violated_word(policy: &PolicyStatus) -> &'static str {
    match policy.violated {
        _ if policy.suspended.is_some() => "suspended",
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

/// The one thing worth saying in a table.
fn note(policy: &PolicyStatus, now: Now) -> String {
    if let Some(suspended) = &policy.suspended {
        return left_alone(suspended);
    }
    if let Some(stale) = &policy.stale {
        return format!("an earlier document is in force: {stale}");
    }
    if policy.violated == Some(true)
        && let Some(withheld) = &policy.withheld
    {
        return format!("only said: {withheld}{}", again(policy, now));
    }
    match policy.processes.first() {
        Some(first) => format!("pid {}: {}", first.pid, first.message),
        None if policy.unknown > 0 => format!("not known of {}", counted(policy.unknown, "process")),
        None => String::new(),
    }
}

fn again(policy: &PolicyStatus, now: Now) -> String {
    let until = |at: WallTime| ago(now.wall, Now { wall: at, ..now });
    policy
        .next_allowed
        .filter(|at| *at > now.wall)
        .map_or_else(String::new, |at| format!("; again in {}", until(at)))
}

/// One line about a policy, for changes: `no-telnet: violated by 2 processes`.
pub fn policy_line(policy: &PolicyStatus) -> String {
    let what = match (violated_word(policy), policy.violating) {
        ("yes", 0) => "violated".to_owned(),
        ("yes", count) => format!("violated by {}", counted(count, "process")),
        ("no", _) => "not violated".to_owned(),
        ("suspended", _) => "left alone".to_owned(),
        _ => "not known".to_owned(),
    };
    let withheld = policy.withheld.as_ref().filter(|_| policy.violated == Some(true));
    let withheld = withheld.map_or_else(String::new, |why| format!(", only said: {why}"));
    printable(format!("{}: {what}{withheld}", policy.name))
}

/// Everything that is known of one policy.
pub fn policy_details(policy: &PolicyStatus, now: Now) -> String {
    let mut text = format!(
        "{}: {}\n  source: {}:{}\n  severity: {}\n  about: {}, {} violate it, {} unknown\n",
        policy.name,
        match violated_word(policy) {
            "yes" => "violated",
            "no" => "not violated",
            "suspended" => "left alone",
            other => other,
        },
        printable(&*policy.source.file),
        policy.source.line,
        policy.severity.word(),
        counted(policy.matching, "process"),
        policy.violating,
        policy.unknown,
    );
    let mut line = |words: String| text.push_str(&format!("  {}\n", printable(words)));
    line(format!("noticed: {}", policy.noticed));
    let dry_run = match policy.dry_run {
        Some(true) => "nothing is done, only said",
        Some(false) => "to whatever it is about",
        None => "only to what a Service here owns",
    };
    line(format!("does: {} ({dry_run})", policy.actions.join(", ")));
    if let Some(since) = policy.since {
        line(format!("violated for {}", ago(since, now)));
    }
    if let Some(acted) = &policy.acted {
        line(format!("acted {} ago: {}", ago(acted.at, now), acted_words(acted)));
    }
    if let Some(withheld) = &policy.withheld {
        line(format!("only said: {withheld}{}", again(policy, now)));
    }
    if let Some(stale) = &policy.stale {
        line(format!("an earlier document is in force: {stale}"));
    }
    if let Some(suspended) = &policy.suspended {
        line(left_alone(suspended));
    }
    for process in &policy.processes {
        let exe = process.exe.as_ref().map_or_else(String::new, |exe| format!(" ({exe})"));
        line(format!("pid {}{exe}: {}", process.pid, process.message));
    }
    let more = policy.violating.saturating_sub(policy.processes.len());
    if more > 0 {
        line(format!("and {more} more"));
    }
    text
}

fn left_alone(suspended: &Suspension) -> String {
    let reason = |word: &Suspension| match word.reason.as_str() {
        "" => String::new(),
        text => format!(": {text}"),
    };
    format!("left alone by {}", suspended.said(|word| format!("{}{}", word.by, reason(word))))
}

fn acted_words(acted: &Acted) -> String {
    let process = acted.pid.map_or_else(String::new, |pid| format!(" on pid {pid}"));
    let failed = if acted.failed { " failed" } else { "" };
    format!("{}{process}{failed}: {}", acted.action, acted.outcome)
}

/// What policies would do now, below a plan; nothing where there are none.
pub fn foreseen_text(foreseen: &[Foreseen]) -> String {
    if foreseen.is_empty() {
        return String::new();
    }
    let mut text = "\npolicies, which `watch` looks after:\n".to_owned();
    for one in foreseen {
        let name = &one.policy.name;
        if let Some(suspended) = &one.suspended {
            text.push_str(&format!(
                "{name}: left alone by {}\n",
                printable(suspended.said(|word| word.by.clone()))
            ));
            continue;
        }
        text.push_str(&format!("{name}: {}\n", printable(seen_words(one))));
        for step in one.steps.iter().take(SHOWN_MAX) {
            text.push_str(&format!("    {}\n", printable(step_words(step))));
        }
        let more = one.steps.len().saturating_sub(SHOWN_MAX);
        if more > 0 {
            text.push_str(&format!("    and {more} more\n"));
        }
    }
    text
}

fn seen_words(one: &Foreseen) -> String {
    let about = one.look.subjects.len();
    let violating = one.look.subjects.iter().filter(|one| one.violates == Fact::Known(true)).count();
    let unknown = unknown(one);
    let unknown = if unknown > 0 { format!(", {unknown} not known") } else { String::new() };
    match (&one.policy.count, one.violated, violating) {
        (Some(range), true, _) => {
            format!("violated: {}, {range} may be{unknown}", counted(violating, "process"))
        }
        (Some(range), false, _) => format!("{}, {range} may be{unknown}", counted(violating, "process")),
        (None, true, _) => format!("violated by {violating} of {about} processes{unknown}"),
        (None, false, 0) => format!("not violated by any of {about} processes{unknown}"),
        (None, false, _) => format!("{violating} of {about} processes, not for long enough{unknown}"),
    }
}

fn unknown(one: &Foreseen) -> usize {
    let undecided = one.look.subjects.iter().filter(|one| matches!(one.violates, Fact::Unknown(_))).count();
    undecided + usize::try_from(one.look.unsure).unwrap_or(usize::MAX)
}

fn step_words(step: &PolicyStep) -> String {
    let exe = step.shown.exe.as_ref().map_or_else(String::new, |exe| format!(" ({exe})"));
    let process = step.process.as_ref().map_or_else(String::new, |key| format!(" pid {}{exe}", key.pid));
    let message = step.shown.message.as_deref().unwrap_or(&step.because);
    let word = step.action.word();
    match &step.withheld {
        Some(why) => format!("would only say `{word}`{process}: {message}; {why}"),
        None if step.action.acts() => format!("{word}{process}: {message}"),
        None => format!("say{process}: {message}"),
    }
}

/// What a policy would do now, for programs.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeseenRow {
    /// Which.
    pub policy: String,
    /// How bad a violation is.
    pub severity: &'static str,
    /// Whether it counts as violated.
    pub violated: bool,
    /// How many processes it is about.
    pub matching: usize,
    /// Of how many something isn't known.
    pub unknown: usize,
    /// Who has it left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended: Option<String>,
    /// What would be said and done, in order.
    pub steps: Vec<ForeseenStep>,
}

/// One thing that a policy would do.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeseenStep {
    /// A word of the document.
    pub action: &'static str,
    /// To which process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<Pid>,
    /// When that was forked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_ticks: Option<StartTicks>,
    /// What it executes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The fact.
    pub because: String,
    /// The document's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it would only be said: one CamelCase word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<&'static str>,
    /// The same as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld_because: Option<String>,
}

/// What policies would do now, for programs.
pub fn foreseen_rows(foreseen: &[Foreseen]) -> Vec<ForeseenRow> {
    let row = |one: &Foreseen| ForeseenRow {
        policy: one.policy.name.to_string(),
        severity: one.policy.severity.word(),
        violated: one.violated,
        matching: one.look.subjects.len(),
        unknown: unknown(one),
        suspended: one.suspended.as_ref().map(|suspended| suspended.said(|word| word.by.clone())),
        steps: one.steps.iter().map(foreseen_step).collect(),
    };
    foreseen.iter().map(row).collect()
}

fn foreseen_step(step: &PolicyStep) -> ForeseenStep {
    ForeseenStep {
        action: step.action.word(),
        pid: step.process.as_ref().map(|key| key.pid),
        start_ticks: step.process.as_ref().map(|key| key.start),
        exe: step.shown.exe.clone(),
        service: step.owner.as_ref().map(ToString::to_string),
        because: step.because.clone(),
        message: step.shown.message.clone(),
        withheld: step.withheld.as_ref().map(crate::plan::policy::Withheld::word),
        withheld_because: step.withheld.as_ref().map(ToString::to_string),
    }
}

/// A process that a policy is about, for programs.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubjectRow {
    /// Which.
    pub pid: Pid,
    /// When that was forked.
    pub start_ticks: StartTicks,
    /// Whether it violates the policy; `null` where that isn't known.
    pub violates: Option<bool>,
    /// Why it isn't known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// What it executes, of one that violates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// The document's message, of one that violates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Why nothing is ever done to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spared: Option<&'static str>,
}

/// What a policy sees of each process that it is about, for programs.
pub fn subject_rows(subjects: &[Subject]) -> Vec<SubjectRow> {
    let row = |subject: &Subject| SubjectRow {
        pid: subject.key.pid,
        start_ticks: subject.key.start,
        violates: match &subject.violates {
            Fact::Known(violates) => Some(*violates),
            Fact::Absent => Some(false),
            Fact::Unknown(_) => None,
        },
        unknown: match &subject.violates {
            Fact::Unknown(reason) => Some(reason.to_string()),
            Fact::Known(_) | Fact::Absent => None,
        },
        exe: subject.shown.exe.clone(),
        message: subject.shown.message.clone(),
        service: subject.owner.as_ref().map(ToString::to_string),
        spared: subject.spared,
    };
    subjects.iter().map(row).collect()
}

/// What a policy sees of each process that it is about: `explain`.
pub fn subjects_text(subjects: &[Subject]) -> String {
    let mut text = String::new();
    for subject in subjects.iter().take(SHOWN_MAX) {
        text.push_str(&format!("  {}\n", printable(subject_words(subject))));
    }
    let more = subjects.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}

fn subject_words(subject: &Subject) -> String {
    let verdict = match &subject.violates {
        Fact::Known(true) => "violates it".to_owned(),
        Fact::Known(false) | Fact::Absent => "matches and doesn't violate it".to_owned(),
        Fact::Unknown(reason) => format!("matches, and it can't be told whether it violates it: {reason}"),
    };
    let exe = subject.shown.exe.as_ref().map_or_else(String::new, |exe| format!(" ({exe})"));
    let owner = subject.owner.as_ref().map_or_else(String::new, |owner| format!(", of `{owner}`"));
    let spared =
        subject.spared.map_or_else(String::new, |what| format!(", {what}: nothing is ever done to it"));
    let message = subject.shown.message.as_ref().map_or_else(String::new, |text| format!(": {text}"));
    format!("pid {}{exe} {verdict}{message}{owner}{spared}", subject.key.pid)
}
