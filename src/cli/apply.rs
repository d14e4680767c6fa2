//! `apply`: converge once, wait until everything is ready or has failed, and end.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::args::{ApplyArgs, Output};
use super::confirming;
use super::exit::Exit;
use super::handover::{self, Handover};
use super::one_look::{accept, at_once, parallel_starts, say_empty, say_held};
use super::revisions::Revisions;
use super::settings;
use super::state::{self, NotOpened, Opened};
use super::terminal::Terminal;
use super::to_rest::Run;
use super::wish::chosen;
use crate::diagnostic::Diagnostic;
use crate::engine::events::Chronicle;
use crate::engine::sources::Sources;
use crate::host::Host as _;
use crate::host::good_texts::GoodTexts;
use crate::host::history::{Accepted, History};
use crate::host::linux::HostOptions;
use crate::host::state_dir::Dirs;
use crate::plan::stored::StoredPlan;
use crate::spec::engine::Settings;
use crate::spec::{ServiceName, SpecSet};

/// What is in force from now on, which is also what this call leaves alone.
pub(super) fn keep_in_history(opened: &Opened, set: &SpecSet, why: String) {
    let mut services = chosen(&opened.memory, &opened.memory.services.keys().cloned().collect()).services;
    services.retain(|name, _| !set.removed.contains(name));
    services.extend(set.services.clone());
    let (at, by) = (opened.host.now().wall, crate::host::caller());
    History::new(opened.host.dirs()).keep(Accepted { services, at, by, why });
}

/// Runs `apply`.
pub(super) fn run(args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let stored = match super::stored::given(args).transpose() {
        Ok(stored) => stored,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    if stored.is_none()
        && let Some(exit) = through_watch(args, dirs, terminal)
    {
        return exit;
    }
    without_watch(stored, args, dirs, terminal)
}

/// Not a part of what comes before it: it has ten pages of the stack, and who only asks a watch would have each of them made.
#[inline(never)]
fn without_watch(stored: Option<StoredPlan>, args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let options =
        HostOptions { lock_timeout: args.lock_timeout, signals: true, subreaper: true, patient: true };
    let over = args.settings.clone();
    let config = args.settings.look.config.as_ref();
    let settings = match settings::read(config, move |settings| over.put_over(settings), terminal) {
        Ok(configured) => configured.settings,
        Err(exit) => return exit,
    };
    if let Some(stored) = stored {
        return super::stored::apply(&stored, args, (&settings, dirs), terminal);
    }
    match state::open_unless_watched(dirs, options, terminal) {
        Ok(opened) => apply(opened, args, (&settings, dirs), terminal),
        Err(NotOpened::Held(pid)) => {
            through_watch(args, dirs, terminal).unwrap_or_else(|| NotOpened::Held(pid).report(terminal))
        }
        Err(reason) => reason.report(terminal),
    }
}

/// Through the watch that holds the state, if one does and doesn't end meanwhile.
fn through_watch(args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) -> Option<Exit> {
    let watch = crate::host::presence::watcher(dirs)?;
    match handover::apply(&watch, args, dirs, terminal) {
        Handover::Answered(exit) => Some(exit),
        Handover::WatchEnded { .. } => None,
    }
}

fn apply(
    mut opened: Opened,
    args: &ApplyArgs,
    (settings, dirs): (&Settings, &Dirs),
    terminal: Terminal,
) -> Exit {
    let shelf = Rc::clone(opened.host.shelf());
    let in_use = shelf.in_use(&opened.memory);
    let host = super::on_host::this_host(settings, dirs);
    let sources = match super::piped::sources(&args.paths, settings, Sources::new) {
        Ok(sources) => sources.on_host(host),
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    let texts = GoodTexts::open(opened.host.dirs());
    let mut look = sources.with_good_texts(texts).with_shelf(shelf).with_plugins(in_use).look();
    if let Some(trouble) = &look.trouble {
        terminal.say(&format!("warning: {trouble}"));
    }
    terminal.diagnostics_in_short(&look.diagnostics);
    say_empty(&look, &args.paths, terminal);
    let broken = look.diagnostics.iter().any(Diagnostic::is_error);
    look.seen.prunable.retain(|place| crate::host::is_directory(place.as_ref()));
    let now = opened.host.now().boot;
    let mut rules = at_once(settings);
    rules.confirmed.extend(args.confirm_prune.iter().cloned());
    let accepted = accept(&look, &opened.memory, &rules, now);
    if let Some(exit) = confirming::refused(&accepted, args, opened.host.dirs(), terminal) {
        return exit;
    }
    say_held(&accepted, terminal);
    if !accepted.set.policies.is_empty() {
        let count = accepted.set.policies.len();
        let noun = if count == 1 { "Policy is" } else { "Policies are" };
        terminal.say(&format!("{count} {noun} looked after by `watch` only; `plan` says what they would do"));
    }
    let names: BTreeSet<ServiceName> =
        accepted.set.services.keys().chain(&accepted.set.removed).cloned().collect();
    let concerned = opened.memory.services.iter_mut().filter(|(name, _)| names.contains(*name));
    for (_, record) in concerned.filter(|(_, record)| record.remembers_failures()) {
        // What failed before this call says nothing about this call.
        Arc::make_mut(record).try_again();
    }
    let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
    let asked = format!("apply {}", paths.join(" "));
    let _ = Chronicle::new(&opened.host).asked(&crate::host::person(), "Apply", &asked, &[]);
    keep_in_history(&opened, &accepted.set, asked);
    let run = Run {
        began: opened.host.now().wall,
        opened,
        set: accepted.set,
        names,
        confirmed: args.confirm_restarts,
        max_starts: parallel_starts(settings.max_parallel_starts),
        until: args.timeout.map(|timeout| now.after(timeout)),
        terminal,
        text: args.output == Output::Text,
        did_something: false,
        tried: BTreeSet::new(),
        unrecorded: false,
        broken,
        revisions: Revisions::of(&args.paths, dirs),
    };
    if run.text {
        terminal.data(&run.revisions.text());
    }
    let exit = run.run_to_rest(args.output);
    match exit {
        Exit::Ok if broken => Exit::Failed,
        Exit::Ok if !accepted.held.is_empty() => Exit::Held,
        other => other,
    }
}
