//! `explain POLICY`: how a policy in force stands, and what it sees of each process just now.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::args::{ExplainArgs, Output};
use super::exit::Exit;
use super::line::{reach, unexpected};
use super::status::{ANSWER, grouped};
use super::terminal::Terminal;
use crate::engine::policy::looking::Owners;
use crate::engine::policy::{Foreseen, PolicyEye as _, near_misses, preview};
use crate::host::Host as _;
use crate::host::control::{Ask, ExplainedPolicy, LineError, Reply};
use crate::host::linux::LinuxHost;
use crate::host::patience::Patience;
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::plan::policy::PolicyStatus;
use crate::report::{
    ForeseenRow, NearMisses, SubjectRow, foreseen_rows, moments, near_misses_text, policy_details,
    subject_rows, subjects_text,
};
use crate::spec::ServiceName;

/// Before the name of a policy, where an object or an expression may look the same.
const PREFIX: &str = "policy/";

/// The policy in force of this name, as a running watch knows it. Nothing where none has it.
pub(super) fn subject(text: &str, dirs: &Dirs) -> Option<ExplainedPolicy> {
    let name = ServiceName::new(text.strip_prefix(PREFIX).unwrap_or(text)).ok()?;
    watcher(dirs)?;
    explained(&name, dirs).ok()
}

/// Nobody has a policy of this name in force, and nothing else can be meant by it.
pub(super) fn is_meant(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|name| ServiceName::new(name).is_ok())
}

/// Says that there is none.
pub(super) fn missing(text: &str, dirs: &Dirs, terminal: Terminal) -> Exit {
    let help = match watcher(dirs) {
        Some(_) => "`selfsame status` lists those in force",
        None => {
            "no watch runs here, and nobody else looks after policies; `selfsame plan DIR` says what they would do"
        }
    };
    terminal
        .say(&format!("error: no Policy `{}` is in force\nhelp: {help}", text.trim_start_matches(PREFIX)));
    Exit::Failed
}

fn explained(name: &ServiceName, dirs: &Dirs) -> Result<ExplainedPolicy, LineError> {
    let patience = Patience::new(ANSWER);
    match reach(dirs, &patience)?.ask(Ask::ExplainPolicy(name.clone()), patience.left())? {
        Reply::ExplainedPolicy(explained) => Ok(*explained),
        other => Err(unexpected(&other)),
    }
}

/// A policy for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedRow {
    status: Option<PolicyStatus>,
    /// Each process that it is about.
    processes: Vec<SubjectRow>,
    /// What would follow now.
    now: Vec<ForeseenRow>,
    near_misses: Vec<NearMisses>,
}

/// Runs `explain POLICY`.
pub(super) fn explain(
    args: &ExplainArgs,
    explained: ExplainedPolicy,
    dirs: &Dirs,
    terminal: Terminal,
) -> Exit {
    let ExplainedPolicy { policy, status, recorded, labels } = explained;
    let host = match LinuxHost::observer(dirs) {
        Ok(host) => host,
        Err(error) => {
            terminal.say(&format!("error: {error}"));
            return Exit::Failed;
        }
    };
    let now = host.now();
    let keys = recorded.into_iter();
    let keys = keys.flat_map(|(name, keys)| keys.into_iter().map(move |key| (key, name.clone())));
    let owners = Owners::new(keys).with_labels(labels);
    let set = BTreeMap::from([(policy.name.clone(), Arc::new(policy))]);
    let looks = host.look_for(&set, &owners, now);
    let foreseen = preview(&set, &looks, &host.kept(), now);
    let near = set.values().flat_map(|policy| near_misses(&host, policy)).collect();
    let near = grouped(near);
    match args.output {
        Output::Json => terminal.json(&moments(&ExplainedRow {
            processes: foreseen.iter().flat_map(|one| subject_rows(&one.look.subjects)).collect(),
            now: foreseen_rows(&foreseen),
            status,
            near_misses: near,
        })),
        Output::Text => {
            let mut text: String = status.iter().map(|status| policy_details(status, now)).collect();
            text.push_str(&seen(&foreseen));
            text.push_str(&near_misses_text(&near));
            terminal.data(&text);
        }
    }
    Exit::Ok
}

fn seen(foreseen: &[Foreseen]) -> String {
    let subjects = |one: &Foreseen| format!("seen just now:\n{}", subjects_text(&one.look.subjects));
    foreseen.iter().filter(|one| !one.look.subjects.is_empty()).map(subjects).collect()
}
