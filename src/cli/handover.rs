//! What a verb does while a watch holds the state: it asks on the control socket, and is told the status until the objects
//! have come to rest.

mod resting;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::args::{ApplyArgs, Output};
use super::confirming;
use super::each_once::each_once;
use super::exit::Exit;
use super::line::{Follower, put_to, reach, refused, unexpected};
use super::one_look::say_rollback;
use super::revisions::Revisions;
use super::terminal::Terminal;
use crate::engine::sources::{Sources, absolute};
use crate::host::control::{Ask, Line, LineError, Reply};
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::{Presence, suspended, watcher};
use crate::host::state_dir::Dirs;
use crate::plan::settled::{Settled, settled};
use crate::plan::sources::{SourceStatus, Status};
use crate::plan::status::ServiceStatus;
use crate::plan::wanted::{Objects, Wanted};
use crate::report::{held_text, moments, status_line};
use crate::spec::ServiceName;
use crate::units::{Pid, some_of};

use resting::Rested;

/// Without `--timeout`, a watch that doesn't answer isn't waited for any longer than that.
const ANSWER: Duration = Duration::from_mins(2);
/// More names than that aren't sent: all objects are followed then.
const NAMES_MAX: usize = 500;

/// How a handover ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Handover {
    /// With an answer.
    Answered(Exit),
    /// The watch ended. What was asked is on record, or nobody will do it any more.
    WatchEnded {
        /// It is on record, for these objects.
        taken: Option<BTreeSet<ServiceName>>,
    },
}

/// Hands an `apply` over to the watch that keeps the same places.
pub(super) fn apply(watch: &Presence, args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) -> Handover {
    if let Some(path) = args.paths.iter().find(|path| !watch.keeps(path)) {
        terminal.say(&format!(
            "error: a watch (pid {}) holds the state and doesn't keep `{}`; put the file there, or stop it",
            watch.pid,
            path.display()
        ));
        return Handover::Answered(Exit::HeldByOther);
    }
    let wanted = Wanted::Apply {
        confirmed: args.confirm_restarts,
        prune: args.confirm_prune.iter().cloned().collect(),
    };
    let patience = Patience::new(args.timeout.unwrap_or(ANSWER));
    // First of all: what there is to say of the documents is found out after the watch has begun.
    let (mut line, moved) = match request(&wanted, &patience, dirs, terminal) {
        Ok((line, moved)) => (Some(line), moved),
        Err(handover) => return handover,
    };
    let rested = follow(&mut line, &moved, watch, args, (&patience, dirs, terminal));
    let after = sources(dirs);
    if let (Ok(_), Some(exit)) = (&rested, confirming::refused_by_watch(&after, args, dirs, terminal)) {
        return Handover::Answered(exit);
    }
    let mine = |held: &&SourceStatus| args.paths.iter().any(|path| absolute(path) == held.place);
    let held = after.sources.iter().filter(mine).filter_map(|source| Some((source, source.held.as_ref()?)));
    let held: Vec<String> = held.map(|(source, held)| held_text(held, &source.place)).collect();
    for text in &held {
        terminal.say(&format!("held: {text}"));
    }
    match rested {
        Ok(Followed { exit: Exit::Ok, broken: true, .. }) => Handover::Answered(Exit::Failed),
        Ok(Followed { exit: Exit::Ok, .. }) if !held.is_empty() => Handover::Answered(Exit::Held),
        Ok(Followed { exit: Exit::Ok, last_word, .. }) => {
            terminal.data(&last_word);
            Handover::Answered(Exit::Ok)
        }
        Ok(Followed { exit, .. }) => Handover::Answered(exit),
        Err(handover) => handover,
    }
}

/// What became of the objects.
struct Followed {
    exit: Exit,
    /// Some documents are wrong.
    broken: bool,
    /// What is said when everything is as wanted.
    last_word: String,
}

/// Follows the objects until they have come to rest, and prints what there is to say of them.
fn follow(
    line: &mut Option<Line>,
    moved: &BTreeSet<ServiceName>,
    watch: &Presence,
    args: &ApplyArgs,
    (patience, dirs, terminal): (&Patience, &Dirs, Terminal),
) -> Result<Followed, Handover> {
    // Whoever wants everything printed follows everything.
    let few = args.output == Output::Text && moved.len() <= NAMES_MAX;
    let said = if few { resting::first(line, moved, args, patience) } else { Ok(None) };
    if let Ok(Some(told)) = said {
        introduce(watch, args, dirs, terminal);
        let Rested { told, objects, went_on } = resting::rest(told, moved.clone(), patience, dirs, terminal)?;
        return Ok(Followed::new(&told, objects, !moved.is_empty() || went_on, terminal));
    }
    let said = documents(line, args, patience);
    let knows = said.is_ok();
    let (names, broken) = match said {
        Ok(Some(names)) => (names, false),
        Ok(None) | Err(_) => own_look(watch, args, terminal),
    };
    introduce(watch, args, dirs, terminal);
    let (status, went_on) = await_rest(line.take(), &names, patience, dirs, terminal)?;
    if args.output == Output::Json {
        terminal.json(&moments(&status));
        return Ok(Followed { exit: exit_of(&status), broken, last_word: String::new() });
    }
    // A watch of an earlier version doesn't say what changed.
    let quiet = knows && !went_on && moved.is_disjoint(&names);
    let objects = status.len();
    let told: Vec<ServiceStatus> = (status.into_iter())
        .filter(|status| settled(status) != Settled::Ready || moved.contains(&status.name))
        .collect();
    Ok(Followed { broken, ..Followed::new(&told, objects, !quiet, terminal) })
}

impl Followed {
    /// Of `objects`, all but those that are told are as wanted and as they were.
    fn new(told: &[ServiceStatus], objects: usize, went_on: bool, terminal: Terminal) -> Self {
        terminal.data(&told.iter().map(|status| status_line(status) + "\n").collect::<String>());
        let last_word = if went_on {
            let unlike = told.iter().filter(|status| settled(status) != Settled::Ready).count();
            format!("{} as wanted\n", some_of(objects.saturating_sub(unlike), objects, "object"))
        } else {
            "nothing to do\n".to_owned()
        };
        Self { exit: exit_of(told), broken: false, last_word }
    }
}

fn introduce(watch: &Presence, args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) {
    if args.output == Output::Text {
        terminal.data(&Revisions::of(&args.paths, dirs).text());
    }
    terminal.say(&format!("handed over to the watch (pid {})", watch.pid));
    say_rollback(dirs, terminal);
}

/// The places of a watch are those that were given, no more and no less.
fn names_same_places(args: &ApplyArgs, kept: &[PathBuf]) -> bool {
    let named: BTreeSet<String> = args.paths.iter().map(|path| absolute(path)).collect();
    let kept: BTreeSet<String> = kept.iter().map(|place| absolute(place)).collect();
    named == kept
}

/// What the documents declare, as the watch has just seen them: if it keeps exactly what was named, and has nothing to say.
///
/// # Errors
/// It doesn't know the question, or is gone; then the connection is over.
fn documents(
    line: &mut Option<Line>,
    args: &ApplyArgs,
    patience: &Patience,
) -> Result<Option<BTreeSet<ServiceName>>, LineError> {
    let reply = match line.as_mut() {
        Some(line) => line.ask(Ask::Documents, patience.left()),
        None => Err(LineError::Ended),
    };
    match reply {
        Ok(Reply::Documents(told)) => {
            Ok((told.clean && names_same_places(args, &told.places)).then_some(told.objects))
        }
        Ok(other) => Err(unexpected(&other)),
        Err(error) => {
            *line = None;
            Err(error)
        }
    }
}

/// What the documents declare and whether some are wrong, which is said.
fn own_look(watch: &Presence, args: &ApplyArgs, terminal: Terminal) -> (BTreeSet<ServiceName>, bool) {
    let host = watch.host.clone().unwrap_or_default();
    let look = Sources::new(each_once(&args.paths, false)).on_host(host).look();
    terminal.diagnostics_in_short(&look.diagnostics);
    let broken = look.diagnostics.iter().any(crate::diagnostic::Diagnostic::is_error);
    (look.services().iter().map(|service| service.name.clone()).collect(), broken)
}

/// What the watch says of its places; nothing where it doesn't answer.
pub(super) fn sources(dirs: &Dirs) -> Status {
    // No object has this name: the places are told with any answer.
    let none = Objects { names: vec![String::new()], ..Objects::default() };
    let asked =
        Line::connect(dirs, ANSWER).and_then(|mut line| match line.ask(Ask::Status(none), ANSWER)? {
            Reply::Status(told) => {
                Ok(Status { objects: told.objects, policies: told.policies, sources: told.sources })
            }
            other => Err(unexpected(&other)),
        });
    asked.unwrap_or_default()
}

/// Generation and processes of an object: what an apply changes.
type Standing = (u64, Vec<Option<Pid>>);

fn stands(status: &ServiceStatus) -> Standing {
    (status.generation, status.instances.iter().map(|instance| instance.pid).collect())
}

/// Asks, and waits until the objects have come to rest: these, and those that the watch says it is about.
pub(super) fn ask(
    wanted: &Wanted,
    names: &BTreeSet<ServiceName>,
    timeout: Duration,
    output: Output,
    dirs: &Dirs,
    terminal: Terminal,
) -> Handover {
    let patience = Patience::new(timeout);
    match request(wanted, &patience, dirs, terminal) {
        Ok((line, about)) => {
            let names: BTreeSet<ServiceName> = names.union(&about).cloned().collect();
            ended(await_rest(Some(line), &names, &patience, dirs, terminal), output, terminal)
        }
        Err(handover) => handover,
    }
}

/// Waits until these have come to rest: what is asked of them is on record already.
pub(super) fn rest(
    names: &BTreeSet<ServiceName>,
    timeout: Duration,
    output: Output,
    dirs: &Dirs,
    terminal: Terminal,
) -> Handover {
    ended(await_rest(None, names, &Patience::new(timeout), dirs, terminal), output, terminal)
}

/// Says what became of objects that came to rest.
fn ended(rest: Result<(Vec<ServiceStatus>, bool), Handover>, output: Output, terminal: Terminal) -> Handover {
    match rest {
        Ok((status, _)) => Handover::Answered(conclude(&status, output, terminal)),
        Err(handover) => handover,
    }
}

/// Asks, and gives the objects that the watch says it is about; or how the handover ended, if it isn't done.
fn request(
    wanted: &Wanted,
    patience: &Patience,
    dirs: &Dirs,
    terminal: Terminal,
) -> Result<(Line, BTreeSet<ServiceName>), Handover> {
    loop {
        match reach(dirs, patience).and_then(|line| put(line, wanted, patience, (dirs, terminal))) {
            Ok(done) => return Ok(done),
            Err(LineError::Ended | LineError::Nobody) if watcher(dirs).is_none() => {
                return Err(Handover::WatchEnded { taken: None });
            }
            // Another image of it, or another watch, comes.
            Err(LineError::Ended | LineError::Nobody) if !patience.is_over() => patience.pause(PAUSE),
            Err(error) => return Err(Handover::Answered(refused(&error, dirs, terminal))),
        }
    }
}

fn put(
    mut line: Line,
    wanted: &Wanted,
    patience: &Patience,
    (dirs, terminal): (&Dirs, Terminal),
) -> Result<(Line, BTreeSet<ServiceName>), LineError> {
    match put_to(&mut line, Ask::Do(wanted.clone()), patience, (dirs, terminal))? {
        Reply::Done { objects } => Ok((line, objects)),
        other => Err(unexpected(&other)),
    }
}

/// Follows these objects until they have come to rest, and gives their status then. Also says whether anything became of them
/// meanwhile.
///
/// # Errors
/// How the handover ended, if it isn't so.
fn await_rest(
    line: Option<Line>,
    names: &BTreeSet<ServiceName>,
    patience: &Patience,
    dirs: &Dirs,
    terminal: Terminal,
) -> Result<(Vec<ServiceStatus>, bool), Handover> {
    if names.is_empty() {
        return Ok((Vec::new(), false));
    }
    let mut first: Option<Vec<ServiceStatus>> = None;
    let mut latest: Vec<ServiceStatus> = Vec::new();
    let mut follower = Follower { line, following: false, objects: objects(names) };
    loop {
        let ours: Vec<ServiceStatus> = match follower.next(dirs, patience) {
            Ok(told) => told.objects.into_iter().filter(|s| names.contains(&s.name)).collect(),
            Err(error) => {
                if matches!(error, LineError::Late) {
                    let waiting = latest.iter().filter(|status| settled(status) != Settled::Ready);
                    waiting.for_each(|status| terminal.say(status_line(status).trim_end()));
                }
                bear(&error, names, patience, dirs, terminal)?;
                continue;
            }
        };
        let rests = ours.len() == names.len() && ours.iter().all(|status| settled(status) != Settled::NotYet);
        if rests {
            let all_stand =
                |status: &[ServiceStatus]| -> Vec<Standing> { status.iter().map(stands).collect() };
            let went_on = first.is_some_and(|first| all_stand(&first) != all_stand(&ours));
            return Ok((ours, went_on));
        }
        latest.clone_from(&ours);
        first.get_or_insert(ours);
    }
}

/// Whoever was followed is gone, and another one may come.
///
/// # Errors
/// How the handover ended: nobody comes, or it is another error.
fn bear(
    error: &LineError,
    names: &BTreeSet<ServiceName>,
    patience: &Patience,
    dirs: &Dirs,
    terminal: Terminal,
) -> Result<(), Handover> {
    match error {
        LineError::Ended | LineError::Nobody if watcher(dirs).is_none() => {
            Err(Handover::WatchEnded { taken: Some(names.clone()) })
        }
        LineError::Ended | LineError::Nobody if !patience.is_over() => {
            patience.pause(PAUSE);
            Ok(())
        }
        LineError::Late if suspended(dirs).is_none() => {
            terminal.say("error: not everything was ready in time");
            Err(Handover::Answered(Exit::Failed))
        }
        error => Err(Handover::Answered(refused(error, dirs, terminal))),
    }
}

fn objects(names: &BTreeSet<ServiceName>) -> Objects {
    let few = names.len() <= NAMES_MAX;
    let names = names.iter().filter(|_| few).map(|name| name.as_str().to_owned()).collect();
    Objects { names, ..Objects::default() }
}

fn conclude(status: &[ServiceStatus], output: Output, terminal: Terminal) -> Exit {
    match output {
        Output::Json => terminal.json(&moments(&status)),
        Output::Text => terminal.data(&status.iter().map(|one| status_line(one) + "\n").collect::<String>()),
    }
    exit_of(status)
}

fn exit_of(status: &[ServiceStatus]) -> Exit {
    match status.iter().map(settled).max().unwrap_or(Settled::Ready) {
        Settled::Ready => Exit::Ok,
        Settled::Held => Exit::Held,
        Settled::Failed | Settled::NotYet => Exit::Failed,
    }
}
