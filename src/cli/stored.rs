//! Stored plans: `plan --out F` keeps one, `apply F` carries it out exactly, or refuses when the world moved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::args::{ApplyArgs, Output};
use super::each_once::each_once;
use super::exit::Exit;
use super::one_look::{accept, at_once, foresee, parallel_starts};
use super::revisions::Revisions;
use super::state::{self, NotOpened, Opened};
use super::terminal::Terminal;
use super::to_rest::Run;
use crate::diagnostic::Diagnostic;
use crate::engine::events::Chronicle;
use crate::engine::sources::Sources;
use crate::engine::tick::{Previewed, carry_out};
use crate::host::Host as _;
use crate::host::linux::HostOptions;
use crate::host::state_dir::Dirs;
use crate::host::{presence, stored_plan};
use crate::plan::memory::Memory;
use crate::plan::stored::{Basis, StoredPlan};
use crate::report::{deed, printable};
use crate::spec::SpecSet;
use crate::spec::engine::Settings;
use crate::units::WallTime;

/// Keeps what was shown.
pub(super) fn keep(
    out: &Path,
    paths: &[PathBuf],
    (previewed, desired, memory): (&Previewed, &SpecSet, &Memory),
    at: WallTime,
) -> Result<(), String> {
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let basis = Basis { plan: &previewed.plan, desired, observed: &previewed.observed, memory };
    let paths = paths.iter().map(absolute).collect();
    stored_plan::write(out, &StoredPlan::of(basis, paths, crate::host::caller(), at))
}

/// The stored plan that is to be carried out, if one was given.
pub(super) fn given(args: &ApplyArgs) -> Option<Result<StoredPlan, String>> {
    match args.paths.as_slice() {
        [only] => stored_plan::read(only),
        _ => None,
    }
}

/// Carries out a stored plan.
pub(super) fn apply(
    stored: &StoredPlan,
    args: &ApplyArgs,
    (settings, dirs): (&Settings, &Dirs),
    terminal: Terminal,
) -> Exit {
    if !args.confirm_prune.is_empty() || args.confirm_restarts {
        terminal.say("error: a stored plan says all that is to be done; leave the confirmation out");
        return Exit::Usage;
    }
    if let Some(watch) = presence::watcher(dirs) {
        // What a watch finds to do it does at once: nothing is left for a plan that was made before.
        terminal.say(&format!(
            "error: a watch (pid {}) holds the state and acts by its documents alone",
            watch.pid
        ));
        return Exit::HeldByOther;
    }
    let host_options =
        HostOptions { lock_timeout: args.lock_timeout, signals: true, subreaper: true, patient: true };
    match state::open(dirs, host_options, terminal) {
        Ok(opened) => carry(stored, opened, args, (settings, dirs), terminal),
        Err(reason @ (NotOpened::Held(_) | NotOpened::Failed(_))) => reason.report(terminal),
    }
}

fn carry(
    stored: &StoredPlan,
    mut opened: Opened,
    args: &ApplyArgs,
    (settings, dirs): (&Settings, &Dirs),
    terminal: Terminal,
) -> Exit {
    let shelf = Rc::clone(opened.host.shelf());
    let in_use = shelf.in_use(&opened.memory);
    let host = super::on_host::this_host(settings, dirs);
    let sources =
        Sources::new(each_once(&stored.paths, settings.recursive)).with_settings(settings).on_host(host);
    let look = sources.with_shelf(shelf).with_plugins(in_use).look();
    terminal.diagnostics_in_short(&look.diagnostics);
    let now = opened.host.now();
    let accepted = accept(&look, &opened.memory, &at_once(settings), now.boot);
    let previewed = foresee(&mut opened.host, &accepted.set, &opened.memory);
    let basis = Basis {
        plan: &previewed.plan,
        desired: &accepted.set,
        observed: &previewed.observed,
        memory: &opened.memory,
    };
    let present = StoredPlan::of(basis, stored.paths.clone(), stored.by.clone(), now.wall);
    let differences = stored.differences(&present);
    if !differences.is_empty() {
        terminal.say("error: nothing was done, since this is not as it was when the plan was made:");
        for difference in &differences {
            terminal.say(&format!("  {}", printable(difference)));
        }
        return Exit::Refused;
    }
    let mut chronicle = Chronicle::new(&opened.host);
    let asked = format!("apply the plan that {} made at {}", stored.by, stored.at.rfc3339());
    chronicle.asked(&crate::host::person(), "ApplyPlan", &asked, &[]);
    // The very plan that was compared.
    let names = stored.changed();
    let set = of_these(accepted.set, &names);
    super::apply::keep_in_history(&opened, &set, asked);
    let plan = stored.only(previewed.plan, &opened.memory);
    let tick = carry_out(&mut opened.host, &mut opened.memory, plan);
    chronicle.tell(&tick.events);
    drop(chronicle);
    if args.output == Output::Text {
        for (step, outcome) in &tick.outcomes {
            terminal.data(&deed(step, outcome, &tick.plan));
        }
    }
    let broken = look.diagnostics.iter().any(Diagnostic::is_error);
    let run = Run {
        began: opened.host.now().wall,
        opened,
        set,
        tried: names.clone(),
        names,
        confirmed: false,
        max_starts: parallel_starts(settings.max_parallel_starts),
        until: args.timeout.map(|timeout| now.boot.after(timeout)),
        terminal,
        text: args.output == Output::Text,
        did_something: !tick.outcomes.is_empty(),
        unrecorded: tick.not_remembered.is_some(),
        broken: false,
        revisions: Revisions::of(&stored.paths, dirs),
    };
    match run.run_to_rest(args.output) {
        Exit::Ok if broken => Exit::Failed,
        other => other,
    }
}

/// Only what the plan is about: nothing else is touched while it comes to rest.
fn of_these(mut set: SpecSet, names: &BTreeSet<crate::spec::ServiceName>) -> SpecSet {
    set.services.retain(|name, _| names.contains(name));
    set.removed.retain(|name| names.contains(name));
    set
}
