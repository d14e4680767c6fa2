//! `apply --confirm-prune ID`: exactly the removal that was shown, or none at all.

use super::args::ApplyArgs;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::engine::accept::{Accepted, PruneHeld};
use crate::host::held_plans;
use crate::host::state_dir::Dirs;
use crate::plan::sources::{HeldPlan, Status};
use crate::report::moved_text;

/// Refuses the whole call if something was confirmed that is not what would be removed now. Takes note of what is held.
pub(super) fn refused(
    accepted: &Accepted,
    args: &ApplyArgs,
    dirs: &Dirs,
    terminal: Terminal,
) -> Option<Exit> {
    let now: Vec<HeldPlan> = accepted.held.iter().map(PruneHeld::plan).collect();
    for plan in &now {
        if let Err(reason) = held_plans::note(dirs, plan) {
            terminal.say(&format!("warning: {reason}"));
        }
    }
    let carried_out = |id: &String| accepted.confirmed.contains_key(id);
    say_moved(args, carried_out, &now, dirs, terminal)
}

/// The same, after a watch was asked.
pub(super) fn refused_by_watch(
    status: &Status,
    args: &ApplyArgs,
    dirs: &Dirs,
    terminal: Terminal,
) -> Option<Exit> {
    let now: Vec<HeldPlan> = status.sources.iter().filter_map(|source| source.held.clone()).collect();
    let carried_out = |id: &String| status.sources.iter().any(|source| source.confirmed.as_ref() == Some(id));
    say_moved(args, carried_out, &now, dirs, terminal)
}

fn say_moved(
    args: &ApplyArgs,
    carried_out: impl Fn(&String) -> bool,
    now: &[HeldPlan],
    dirs: &Dirs,
    terminal: Terminal,
) -> Option<Exit> {
    let moved: Vec<&String> = args.confirm_prune.iter().filter(|id| !carried_out(id)).collect();
    for id in &moved {
        terminal.say(&format!("refused: {}", moved_text(id, held_plans::find(dirs, id).as_ref(), now)));
    }
    (!moved.is_empty()).then_some(Exit::Refused)
}
