//! `status`, and `explain NAME`: from a running watch if there is one, else from a look of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::args::{ExplainArgs, Output, StatusArgs, WaitFor};
use super::exit::Exit;
use super::line::{Follower, reach, unexpected, words};
use super::one_look::options;
use super::state::{self, NotOpened, Opened};
use super::terminal::Terminal;
use crate::engine::tick::preview;
use crate::facts::ProcessKey;
use crate::host::control::{Ask, Explained, LineError, Refusal, Reply, Told};
use crate::host::linux::{LinuxHost, NearMiss};
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::host::{Host as _, clock};
use crate::lang::Verdict;
use crate::plan::memory::Memory;
#[cfg(feature = "tui")]
use crate::plan::memory::Record;
use crate::plan::observation::Look;
use crate::plan::policy::PolicyStatus;
use crate::plan::settled::{Settled, settled};
use crate::plan::sources::{SourceStatus, Status};
use crate::plan::status::ServiceStatus;
use crate::plan::wanted::{Objects, no_object};
use crate::plan::{QuestionHints, Recorded, questions};
use crate::report::{
    FailingLeaf, MatchRow, NearMisses, Overview, SeenProcess, command_of, look_text, moments,
    near_misses_text, policies_table, policy_details, printable, sources_text, status_details, status_table,
    user_of,
};
use crate::spec::{ServiceName, SpecSet};
use crate::units::Now;

/// A watch that doesn't answer for so long is stuck.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// The objects that are asked for; nothing named is everything.
pub(super) fn asked_for(args: &StatusArgs) -> Objects {
    let selector = args.selector.clone().unwrap_or_default().0;
    Objects { names: args.names.clone(), selector, all: false }
}

/// Runs `status` without `--watch`.
pub(super) fn run(args: &StatusArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let objects = asked_for(args);
    let patience = Patience::new(args.timeout);
    let waits = args.wait == Some(WaitFor::Ready);
    let mut eye = Eye::new(objects, waits);
    loop {
        let found = match eye.look(dirs, &patience, terminal) {
            Ok(found) => found,
            Err(reason) => return reason.report(terminal),
        };
        let ready =
            found.missing.is_empty() && found.status.iter().all(|service| settled(service) == Settled::Ready);
        // Who waits has just begun something: that nothing is on record yet doesn't mean that all of it is ready.
        let ready = ready && (!waits || !found.status.is_empty());
        if waits && !ready && !patience.is_over() {
            continue;
        }
        if !found.missing.is_empty() {
            let all = names_on_record(dirs, terminal);
            for name in &found.missing {
                terminal.say(&format!("error: {}", no_object(name, all.iter().map(String::as_str))));
            }
        }
        if !found.told {
            // Why it wasn't told was said where there is a watch.
            let nobody = if watcher(dirs).is_none() { "no watch is running; " } else { "" };
            terminal.say(&format!("{nobody}this is what a look just now shows"));
        }
        print(&found, args, terminal);
        return if ready { Exit::Ok } else { Exit::NotReady };
    }
}

/// What was found out, and by whom.
#[derive(Clone)]
pub(super) struct Found {
    /// Of the objects that are meant.
    pub(super) status: Vec<ServiceStatus>,
    /// Names of which there is no object.
    missing: Vec<String>,
    /// Policies that are meant; none without a watch.
    pub(super) policies: Vec<PolicyStatus>,
    /// The places that the watch keeps.
    sources: Vec<SourceStatus>,
    pub(super) now: Now,
    /// By a running watch.
    pub(super) told: bool,
}

/// The status of these objects now.
pub(super) fn look(objects: &Objects, dirs: &Dirs, terminal: Terminal) -> Result<Found, NotOpened> {
    Eye::new(objects.clone(), false).look(dirs, &Patience::new(ANSWER), terminal)
}

/// Whoever looks, again and again: a running watch says what changed, or this process looks for itself.
struct Eye {
    follower: Follower,
    follows: bool,
    /// The last status that was told, where the next one is waited for.
    last: Option<Found>,
    looked: bool,
}

impl Eye {
    fn new(objects: Objects, follows: bool) -> Self {
        let follower = Follower { line: None, following: false, objects };
        Self { follower, follows, last: None, looked: false }
    }

    fn look(&mut self, dirs: &Dirs, patience: &Patience, terminal: Terminal) -> Result<Found, NotOpened> {
        let again = std::mem::replace(&mut self.looked, true);
        if watcher(dirs).is_some() {
            match self.told(dirs, patience) {
                Ok(found) => return Ok(found),
                Err(LineError::Late) if again => {
                    if let Some(last) = self.last.take() {
                        return Ok(last);
                    }
                }
                Err(LineError::Nobody | LineError::Ended) => {}
                Err(error) => terminal.say(&format!("warning: {}", words(&error, dirs))),
            }
        }
        if again {
            patience.pause(PAUSE);
        }
        look_for_oneself(&self.follower.objects, dirs, terminal)
    }

    fn told(&mut self, dirs: &Dirs, patience: &Patience) -> Result<Found, LineError> {
        // Who only wants to know doesn't wait long for a watch that is stuck.
        let patience = if self.follows { *patience } else { Patience::new(ANSWER) };
        let Told { objects, policies, sources, missing } = self.follower.next(dirs, &patience)?;
        let found = Found { status: objects, policies, missing, sources, now: clock::now(), told: true };
        self.last = self.follows.then(|| found.clone());
        Ok(found)
    }
}

fn look_for_oneself(objects: &Objects, dirs: &Dirs, terminal: Terminal) -> Result<Found, NotOpened> {
    let Opened { mut host, memory } = state::look(dirs, terminal)?;
    let now = host.now();
    let plan = preview(&mut host, &in_force(&memory), &memory, options(false, None));
    let missing =
        objects.names.iter().filter(|name| plan.status.iter().all(|service| service.name.as_str() != **name));
    let missing = missing.cloned().collect();
    let covered = |service: &ServiceStatus| {
        objects.covers(&service.name, memory.services.get(&service.name).map(|record| &**record))
    };
    let status = plan.status.into_iter().filter(covered).collect();
    Ok(Found { status, policies: Vec::new(), missing, sources: Vec::new(), now, told: false })
}

/// The documents on record.
fn in_force(memory: &Memory) -> SpecSet {
    let services = memory.services.iter().map(|(name, record)| (name.clone(), record.spec.clone()));
    SpecSet { services: services.collect(), ..SpecSet::default() }
}

fn print(found: &Found, args: &StatusArgs, terminal: Terminal) {
    let (status, now) = (&found.status, found.now);
    match args.output {
        Output::Json => terminal.json(&moments(&Status {
            objects: status.clone(),
            policies: found.policies.clone(),
            sources: found.sources.clone(),
        })),
        Output::Text if status.is_empty() && found.policies.is_empty() && args.names.is_empty() => {
            terminal.data("nothing is on record\n");
        }
        Output::Text if args.names.is_empty() => {
            let tables = [status_table(status, now), policies_table(&found.policies, now)];
            let tables: Vec<String> = tables.into_iter().filter(|table| !table.is_empty()).collect();
            terminal.data(&tables.join("\n\n"));
        }
        Output::Text => {
            let details = status.iter().map(|service| status_details(service, now));
            let policies = found.policies.iter().map(|policy| policy_details(policy, now));
            let details: Vec<String> = details.chain(policies).collect();
            terminal.data(&details.join("\n"));
        }
    }
    if args.output == Output::Text {
        terminal.data(&sources_text(&found.sources));
    }
}

/// An object on record, as a running watch knows it, or this process.
pub(super) struct Subject {
    name: ServiceName,
    status: Option<ServiceStatus>,
    /// With its own record at least.
    memory: Memory,
    /// Every process on record.
    recorded: Recorded,
    host: LinuxHost,
}

/// The names of all objects and policies, for who mistook one.
pub(super) fn names_on_record(dirs: &Dirs, terminal: Terminal) -> Vec<String> {
    let Ok(found) = look(&Objects::default(), dirs, terminal) else { return Vec::new() };
    let objects = found.status.iter().map(|service| service.name.to_string());
    objects.chain(found.policies.iter().map(|policy| policy.name.to_string())).collect()
}

/// The object on record of this name, if there is one.
pub(super) fn subject(text: &str, dirs: &Dirs, terminal: Terminal) -> Option<Subject> {
    let name = ServiceName::new(text).ok()?;
    if watcher(dirs).is_some() {
        match explained(&name, dirs) {
            Ok(explained) => return of_told(name, explained, dirs),
            Err(LineError::Refused(Refusal::Impossible(_))) => return None,
            Err(_) => {}
        }
    }
    let Opened { mut host, memory } = state::look(dirs, terminal).ok()?;
    if !memory.services.contains_key(&name) {
        return None;
    }
    let set = in_force(&memory);
    let plan = preview(&mut host, &set, &memory, options(false, None));
    let status = plan.status.into_iter().find(|service| service.name == name);
    let recorded = questions(&set, &memory, host.now(), QuestionHints::default()).recorded;
    Some(Subject { name, status, memory, recorded, host })
}

fn explained(name: &ServiceName, dirs: &Dirs) -> Result<Explained, LineError> {
    let patience = Patience::new(ANSWER);
    match reach(dirs, &patience)?.ask(Ask::Explain(name.clone()), patience.left())? {
        Reply::Explained(explained) => Ok(*explained),
        other => Err(unexpected(&other)),
    }
}

fn of_told(name: ServiceName, explained: Explained, dirs: &Dirs) -> Option<Subject> {
    let host = LinuxHost::observer(dirs).ok()?;
    let Explained { status, record, recorded } = explained;
    let mut memory = Memory::new(host.boot().clone());
    memory.services.insert(name.clone(), Arc::new(record));
    let of_one =
        |(name, keys): (ServiceName, Vec<ProcessKey>)| keys.into_iter().map(move |key| (key, name.clone()));
    let recorded: BTreeMap<ProcessKey, ServiceName> = recorded.into_iter().flat_map(of_one).collect();
    let recorded = Recorded::from(recorded);
    Some(Subject { name, status, memory, recorded, host })
}

/// Runs `explain NAME`: its status, and which processes its identity rule finds now.
pub(super) fn explain(args: &ExplainArgs, mut subject: Subject, terminal: Terminal) -> Exit {
    match args.output {
        Output::Json => {
            let seen = seen_now(&mut subject);
            let near = seen.as_ref().map(|(_, near)| near.as_slice()).unwrap_or_default();
            let rows: Vec<ExplainedObject<'_>> =
                subject.status.iter().map(|status| ExplainedObject { status, near_misses: near }).collect();
            terminal.json(&moments(&rows));
        }
        Output::Text => terminal.data(&explanation(&mut subject)),
    }
    Exit::Ok
}

/// The same, as text.
pub(super) fn explanation(subject: &mut Subject) -> String {
    let seen = seen_now(subject);
    let now = subject.host.now();
    let mut text: String = subject.status.iter().map(|service| status_details(service, now)).collect();
    if let Some((look, near)) = &seen {
        text.push_str(&look_text(look));
        text.push_str(&near_misses_text(near));
    }
    text
}

#[cfg(feature = "tui")]
impl Subject {
    /// What is remembered of it.
    pub(super) fn record(&self) -> Option<&Record> {
        self.memory.services.get(&self.name).map(|record| &**record)
    }
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
fn seen_now(subject: &mut Subject) -> Option<(Look, Vec<NearMisses>)> {
    let Subject { name, memory, recorded, host, .. } = subject;
    let mut asked = questions(&in_force(memory), memory, host.now(), QuestionHints { full: true });
    asked.services.retain(|known, _| known == name);
    asked.recorded.clone_from(recorded);
    if let Some(question) = asked.services.get_mut(name) {
        question.look = true;
    }
    let near = match memory.services.get(name) {
        Some(record) => host.near_misses(name, &record.spec, &asked),
        None => Vec::new(),
    };
    let look = host.observe(&asked).services.remove(name)?.look?;
    Some((look, grouped(near)))
}

/// By the condition that they fail, with what a person knows them by.
pub(super) fn grouped(near: Vec<NearMiss>) -> Vec<NearMisses> {
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
