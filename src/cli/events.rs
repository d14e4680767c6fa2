//! `events`: what happened, from the record, and on as it happens.

use std::collections::BTreeSet;

use super::args::{EventsArgs, Output};
use super::exit::Exit;
use super::state;
use super::status::selector;
use super::terminal::Terminal;
use crate::host::clock;
use crate::host::errno::io_text;
use crate::host::events::{Follower, read};
use crate::host::state_dir::Dirs;
use crate::plan::event::Recorded;
use crate::plan::memory::Memory;
use crate::report::{event_line, event_lines};
use crate::spec::ServiceName;
use crate::units::WallTime;

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

/// Runs `events`.
pub(super) fn run(args: &EventsArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let choice = match choice(args, dirs, terminal) {
        Ok(choice) => choice,
        Err(exit) => return exit,
    };
    // Before the look at what is there, so that nothing falls between.
    let follower = if args.follow { Some(Follower::new(dirs)) } else { None };
    let result = show(args, &choice, dirs, terminal)
        .and_then(|()| follower.map_or(Ok(()), |follower| follow(follower?, args.output, &choice, terminal)));
    match result {
        Ok(()) => Exit::Ok,
        Err(error) => {
            let path = dirs.events();
            terminal.say(&format!("error: `{}` can't be read: {}", path.display(), io_text(&error)));
            Exit::Failed
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
fn with_labels(memory: &Memory, labels: &[(String, String)]) -> BTreeSet<ServiceName> {
    let has = |name: &&ServiceName| {
        let record = memory.services.get(*name);
        labels
            .iter()
            .all(|(key, value)| record.is_some_and(|record| record.spec.labels.get(key) == Some(value)))
    };
    memory.services.keys().filter(has).cloned().collect()
}

fn show(args: &EventsArgs, choice: &Choice, dirs: &Dirs, terminal: Terminal) -> std::io::Result<()> {
    let (mut events, unread) = read(dirs)?;
    if unread > 0 {
        terminal.say(&format!("warning: {unread} lines of the record can't be read"));
    }
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
        Output::Text if shown.is_empty() && !args.follow => terminal.say("nothing is on record"),
        Output::Text => terminal.data(&event_lines(shown)),
    }
    Ok(())
}

fn follow(
    mut follower: Follower,
    output: Output,
    choice: &Choice,
    terminal: Terminal,
) -> std::io::Result<()> {
    loop {
        for recorded in follower.fresh()?.iter().filter(|recorded| choice.takes(recorded)) {
            let line = match output {
                Output::Json => json(recorded),
                Output::Text => event_line(recorded),
            };
            if !terminal.line(&line) {
                return Ok(());
            }
        }
        if !follower.wait()? {
            return Ok(());
        }
    }
}

fn json(recorded: &Recorded) -> String {
    serde_json::to_string(recorded).unwrap_or_default()
}
