//! `status`, and `explain NAME`: from a running watch if there is one, else from a look of its own.

use std::collections::BTreeSet;

use serde::Serialize;

use super::apply::{Settled, settled};
use super::args::{ExplainArgs, Output, StatusArgs, WaitFor};
use super::exit::Exit;
use super::plan::options;
use super::state::{self, NotOpened, Opened};
use super::terminal::Terminal;
use crate::engine::tick::preview;
use crate::host::Host as _;
use crate::host::linux::NearMiss;
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::watcher;
use crate::host::requests::read_status;
use crate::host::state_dir::Dirs;
use crate::lang::Verdict;
use crate::plan::memory::Memory;
use crate::plan::observation::Look;
use crate::plan::sources::{SourceStatus, Status};
use crate::plan::status::ServiceStatus;
use crate::plan::{QuestionHints, questions};
use crate::report::{
    FailingLeaf, MatchRow, NearMisses, Overview, SeenProcess, command_of, look_text, near_misses_text,
    printable, sources_text, status_details, status_table, user_of,
};
use crate::spec::{ServiceName, SpecSet};
use crate::units::Now;

/// Runs `status`.
pub(super) fn run(args: &StatusArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let labels = match args.selector.as_deref().map(selector).transpose() {
        Ok(labels) => labels.unwrap_or_default(),
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Usage;
        }
    };
    let patience = Patience::new(args.timeout);
    loop {
        let found = match look(dirs, terminal) {
            Ok(found) => found,
            Err(reason) => return reason.report(terminal),
        };
        let (chosen, missing) = choose(&found, &args.names, &labels);
        let ready = missing.is_empty() && chosen.iter().all(|service| settled(service) == Settled::Ready);
        // Who waits has just begun something: that nothing is on record yet doesn't mean that all of it is ready.
        let ready = ready && (args.wait.is_none() || !chosen.is_empty());
        let waits = args.wait == Some(WaitFor::Ready) && !ready && !patience.is_over();
        if waits {
            patience.pause(PAUSE);
            continue;
        }
        for name in &missing {
            terminal.say(&format!("error: no object `{name}` is on record"));
        }
        if !found.told {
            terminal.say("no watch is running; this is what a look just now shows");
        }
        print(&chosen, &found, args, terminal);
        return if ready { Exit::Ok } else { Exit::NotReady };
    }
}

/// What was found out, and by whom.
struct Found {
    status: Vec<ServiceStatus>,
    /// The places that the watch keeps.
    sources: Vec<SourceStatus>,
    memory: Memory,
    now: Now,
    /// By a running watch.
    told: bool,
}

fn look(dirs: &Dirs, terminal: Terminal) -> Result<Found, NotOpened> {
    let Opened { mut host, memory } = state::look(dirs, terminal)?;
    let now = host.now();
    let told: Option<Status> =
        if watcher(dirs).is_some() { read_status(dirs).map_err(NotOpened::Failed)? } else { None };
    let is_told = told.is_some();
    let Status { objects: status, sources } = match told {
        Some(status) => status,
        None => {
            let plan = preview(&mut host, &in_force(&memory), &memory, options(false, None));
            Status { objects: plan.status, sources: Vec::new() }
        }
    };
    Ok(Found { status, sources, memory, now, told: is_told })
}

/// The documents on record.
fn in_force(memory: &Memory) -> SpecSet {
    let services = memory.services.iter().map(|(name, record)| (name.clone(), record.spec.clone()));
    SpecSet { services: services.collect(), ..SpecSet::default() }
}

/// `key=value,key2=value2`
pub(super) fn selector(text: &str) -> Result<Vec<(String, String)>, String> {
    text.split(',')
        .map(|part| match part.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok((key.trim().to_owned(), value.trim_start_matches('=').trim().to_owned()))
            }
            _ => Err(format!("`{part}` is not a selector, write `key=value`")),
        })
        .collect()
}

fn choose<'a>(
    found: &'a Found,
    names: &[String],
    labels: &[(String, String)],
) -> (Vec<&'a ServiceStatus>, Vec<String>) {
    let wanted = |name: &ServiceName| names.is_empty() || names.iter().any(|wanted| wanted == name.as_str());
    let labelled = |name: &ServiceName| {
        let record = found.memory.services.get(name);
        labels
            .iter()
            .all(|(key, value)| record.is_some_and(|record| record.spec.labels.get(key) == Some(value)))
    };
    let chosen =
        found.status.iter().filter(|service| wanted(&service.name) && labelled(&service.name)).collect();
    let known: BTreeSet<&str> = found.status.iter().map(|service| service.name.as_str()).collect();
    let missing = names.iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
    (chosen, missing)
}

fn print(chosen: &[&ServiceStatus], found: &Found, args: &StatusArgs, terminal: Terminal) {
    let owned: Vec<ServiceStatus> = chosen.iter().map(|service| (*service).clone()).collect();
    let now = found.now;
    match args.output {
        Output::Json => terminal.json(&Status { objects: owned, sources: found.sources.clone() }),
        Output::Text if owned.is_empty() && args.names.is_empty() => terminal.data("nothing is on record\n"),
        Output::Text if args.names.is_empty() => terminal.data(&status_table(&owned, now)),
        Output::Text => {
            let details: Vec<String> = owned.iter().map(|service| status_details(service, now)).collect();
            terminal.data(&details.join("\n"));
        }
    }
    if args.output == Output::Text {
        terminal.data(&sources_text(&found.sources));
    }
}

/// Whether the subject of `explain` is an object on record.
pub(super) fn is_object(subject: &str, dirs: &Dirs, terminal: Terminal) -> bool {
    ServiceName::new(subject).is_ok_and(|name| {
        state::look(dirs, terminal).is_ok_and(|opened| opened.memory.services.contains_key(&name))
    })
}

/// Runs `explain NAME`: its status, and which processes its identity rule finds now.
pub(super) fn explain(args: &ExplainArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let found = match look(dirs, terminal) {
        Ok(found) => found,
        Err(reason) => return reason.report(terminal),
    };
    let seen = seen_now(&args.subject, &found, dirs, terminal);
    let (chosen, _) = choose(&found, std::slice::from_ref(&args.subject), &[]);
    let near = seen.as_ref().map(|(_, near)| near.as_slice()).unwrap_or_default();
    match args.output {
        Output::Json => {
            let rows: Vec<ExplainedObject<'_>> =
                chosen.iter().map(|status| ExplainedObject { status, near_misses: near }).collect();
            terminal.json(&rows);
        }
        Output::Text => {
            for service in &chosen {
                terminal.data(&status_details(service, found.now));
            }
            if let Some((look, near)) = &seen {
                terminal.data(&look_text(look));
                terminal.data(&near_misses_text(near));
            }
        }
    }
    Exit::Ok
}

/// An object with the processes that only just aren't it, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedObject<'a> {
    #[serde(flatten)]
    status: &'a ServiceStatus,
    near_misses: &'a [NearMisses],
}

/// What a look finds besides the processes on record, and what it only just doesn't.
fn seen_now(
    subject: &str,
    found: &Found,
    dirs: &Dirs,
    terminal: Terminal,
) -> Option<(Look, Vec<NearMisses>)> {
    let name = ServiceName::new(subject).ok()?;
    let mut opened = state::look(dirs, terminal).ok()?;
    let mut asked =
        questions(&in_force(&found.memory), &found.memory, found.now, QuestionHints { full: true });
    asked.services.retain(|known, _| *known == name);
    if let Some(question) = asked.services.get_mut(&name) {
        question.look = true;
    }
    let near = match found.memory.services.get(&name) {
        Some(record) => opened.host.near_misses(&name, &record.spec, &asked),
        None => Vec::new(),
    };
    let look = opened.host.observe(&asked).services.remove(&name)?.look?;
    Some((look, grouped(near)))
}

/// By the condition that they fail, with what a person knows them by.
fn grouped(near: Vec<NearMiss>) -> Vec<NearMisses> {
    let Ok(world) = super::matching::open_world(None) else { return Vec::new() };
    let seen = near.into_iter().map(|near| SeenProcess {
        row: MatchRow::new(near.pid, &Verdict::NoMatch, Vec::new()),
        user: user_of(&*world, near.pid),
        command: command_of(&*world, near.pid),
        failing: vec![FailingLeaf {
            condition: near.condition,
            values: near.values.into_iter().map(printable).collect(),
        }],
    });
    Overview::default().with_near_misses(seen.collect()).near_misses
}
