//! `events`: what happened, from the record, and on as it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::args::{EventsArgs, Output};
use super::exit::Exit;
use super::state;
use super::terminal::Terminal;
use crate::host::clock;
use crate::host::control::{Ask, EventsWanted, Line, LineError, Reply, ToldEvents};
use crate::host::errno::io_text;
use crate::host::events::{Follower, read};
use crate::host::output::read::is_unread;
use crate::host::state_dir::Dirs;
use crate::plan::event::Recorded;
use crate::plan::memory::Memory;
use crate::plan::wanted::{no_object, parse_selector as selector};
use crate::report::{event_line, event_lines};
use crate::spec::ServiceName;
use crate::units::{WallTime, counted};

/// A watch that takes longer isn't waited for.
const ANSWER: Duration = Duration::from_secs(10);
/// So often it is looked whether somebody reads what is told.
const LOOK: Duration = Duration::from_secs(1);

/// Which events.
struct Choice {
    names: BTreeSet<String>,
    /// Objects on record with the labels that were asked for; `None`: no labels were.
    labelled: Option<BTreeSet<ServiceName>>,
    since: Option<WallTime>,
}

impl Choice {
    fn takes(&self, recorded: &Recorded) -> bool {
        let object = recorded.event.object.as_ref();
        let named =
            self.names.is_empty() || object.is_some_and(|object| self.names.contains(object.as_str()));
        let labelled = match &self.labelled {
            Some(chosen) => object.is_some_and(|object| chosen.contains(object)),
            None => true,
        };
        named && labelled && self.since.is_none_or(|since| recorded.last >= since)
    }
}

/// Runs `events`: the watch tells it where one runs, and else the files do.
pub(super) fn run(args: &EventsArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let choice = match choice(args, dirs, terminal) {
        Ok(choice) => choice,
        Err(exit) => return exit,
    };
    let result = match Told::ask(args, dirs) {
        Some((told, events)) => {
            show(args, &choice, (events.events, events.unread), terminal);
            if args.follow { told.follow(args.output, &choice, dirs, terminal) } else { Ok(()) }
        }
        None => from_files(args, &choice, dirs, terminal),
    };
    match result {
        Ok(()) => Exit::Ok,
        Err(error) => {
            let path = dirs.events();
            terminal.say(&format!("error: `{}` can't be read: {}", path.display(), io_text(&error)));
            Exit::Failed
        }
    }
}

fn from_files(args: &EventsArgs, choice: &Choice, dirs: &Dirs, terminal: Terminal) -> std::io::Result<()> {
    // Before the look at what is there, so that nothing falls between.
    let follower = if args.follow { Some(Follower::new(dirs)?) } else { None };
    show(args, choice, read(dirs)?, terminal);
    follower.map_or(Ok(()), |follower| follow(follower, args.output, choice, terminal))
}

/// A watch that tells of events.
struct Told {
    line: Line,
    /// How often each event was counted when it was told, by number.
    given: BTreeMap<u64, u64>,
}

impl Told {
    /// Asks the watch that runs, if one does that knows the question.
    fn ask(args: &EventsArgs, dirs: &Dirs) -> Option<(Self, ToldEvents)> {
        let wanted = EventsWanted { names: args.names.iter().cloned().collect(), follow: args.follow };
        let mut line = Line::connect(dirs, ANSWER).ok()?;
        match line.ask(Ask::Events(wanted), ANSWER) {
            Ok(Reply::Events(events)) => {
                let given = events.events.iter().map(|one| (one.seq, one.times)).collect();
                Some((Self { line, given }, events))
            }
            Ok(_) | Err(_) => None,
        }
    }

    /// Tells what comes, and goes on with the files when the watch ends: another one may come.
    fn follow(
        mut self,
        output: Output,
        choice: &Choice,
        dirs: &Dirs,
        terminal: Terminal,
    ) -> std::io::Result<()> {
        loop {
            let events = match self.line.next(LOOK) {
                Ok(Reply::Events(events)) => events,
                Err(LineError::Late) if is_unread() => return Ok(()),
                Err(LineError::Late) => continue,
                Ok(_) | Err(_) => {
                    return follow(Follower::behind(dirs, self.given), output, choice, terminal);
                }
            };
            if events.missed > 0 {
                let missed = counted(events.missed, "event");
                terminal.say(&format!("warning: {missed} came too fast, and stand in `selfsame events`"));
            }
            for recorded in &events.events {
                // What came while the record was read is told twice.
                let is_new = self.given.insert(recorded.seq, recorded.times) != Some(recorded.times);
                if is_new && choice.takes(recorded) && !terminal.line(&line(recorded, output)) {
                    return Ok(());
                }
            }
        }
    }
}

fn choice(args: &EventsArgs, dirs: &Dirs, terminal: Terminal) -> Result<Choice, Exit> {
    let labels = args.selector.as_deref().map(selector).transpose().map_err(|sentence| {
        terminal.say(&format!("error: {sentence}"));
        Exit::Usage
    })?;
    let labelled = match labels {
        Some(labels) => {
            let opened = state::look(dirs, terminal).map_err(|reason| reason.report(terminal))?;
            Some(with_labels(&opened.memory, &labels))
        }
        None => None,
    };
    let since = args.since.map(|since| since.moment(clock::now().wall));
    Ok(Choice { names: args.names.iter().cloned().collect(), labelled, since })
}

/// Objects on record now: of those that are gone nobody knows the labels.
fn with_labels(memory: &Memory, labels: &BTreeMap<String, String>) -> BTreeSet<ServiceName> {
    let has = |name: &&ServiceName| {
        let record = memory.services.get(*name);
        labels
            .iter()
            .all(|(key, value)| record.is_some_and(|record| record.spec.labels.get(key) == Some(value)))
    };
    memory.services.keys().filter(has).cloned().collect()
}

fn show(args: &EventsArgs, choice: &Choice, read: (Vec<Recorded>, usize), terminal: Terminal) {
    let (mut events, unread) = read;
    if unread > 0 {
        terminal.say(&format!("warning: {} of the record can't be read", counted(unread, "line")));
    }
    let missing = unknown_names(&events, choice);
    events.retain(|recorded| choice.takes(recorded));
    // What was counted once more belongs where it happened last.
    events.sort_by_key(|recorded| (recorded.last, recorded.seq));
    let first = args.last.map_or(0, |count| events.len().saturating_sub(count));
    let shown = events.get(first..).unwrap_or_default();
    match args.output {
        Output::Json => {
            for recorded in shown {
                if !terminal.line(&json(recorded)) {
                    break;
                }
            }
        }
        Output::Text if shown.is_empty() && !args.follow => match missing.as_slice() {
            [] => terminal.say("nothing is on record"),
            missing => missing.iter().for_each(|sentence| terminal.say(sentence)),
        },
        Output::Text => terminal.data(&event_lines(shown)),
    }
}

/// A sentence for each name of which nothing at all is told.
fn unknown_names(events: &[Recorded], choice: &Choice) -> Vec<String> {
    let objects: BTreeSet<&str> =
        events.iter().filter_map(|recorded| Some(recorded.event.object.as_ref()?.as_str())).collect();
    let unknown = choice.names.iter().filter(|name| !objects.contains(name.as_str()));
    unknown.map(|name| no_object(name, objects.iter().copied())).collect()
}

fn follow(
    mut follower: Follower,
    output: Output,
    choice: &Choice,
    terminal: Terminal,
) -> std::io::Result<()> {
    loop {
        for recorded in follower.fresh()?.iter().filter(|recorded| choice.takes(recorded)) {
            if !terminal.line(&line(recorded, output)) {
                return Ok(());
            }
        }
        if !follower.wait()? {
            return Ok(());
        }
    }
}

fn line(recorded: &Recorded, output: Output) -> String {
    match output {
        Output::Json => json(recorded),
        Output::Text => event_line(recorded),
    }
}

fn json(recorded: &Recorded) -> String {
    serde_json::to_string(recorded).unwrap_or_default()
}
