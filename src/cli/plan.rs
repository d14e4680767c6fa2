//! `plan`: what `apply` would do, and why. Looks, and touches nothing.

use super::args::{Output, PlanArgs};
use super::exit::Exit;
use super::state;
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::accept::{Acceptance, Accepted, PruneRules};
use crate::engine::sources::{Sources, SourcesLook};
use crate::engine::tick::{TickOptions, preview};
use crate::host::Host as _;
use crate::host::state_dir::Dirs;
use crate::plan::memory::Memory;
use crate::plan::{PlanOptions, QuestionHints};
use crate::report::{plan_rows, plan_text, printable};
use crate::units::BootTime;

/// Runs `plan`.
pub(super) fn run(args: &PlanArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let look = Sources::new(args.paths.clone()).look();
    terminal.diagnostics(&look.diagnostics);
    let mut opened = match state::look(dirs, terminal) {
        Ok(opened) => opened,
        Err(reason) => return reason.report(terminal),
    };
    let now = opened.host.now().boot;
    let accepted = accept(&look, &opened.memory, false, now, terminal);
    let memory = concerned(opened.memory, &accepted);
    let plan = preview(&mut opened.host, &accepted.set, &memory, options(false));
    match args.output {
        Output::Text => terminal.data(&plan_text(&plan, false)),
        Output::Json => terminal.json(&plan_rows(&plan)),
    }
    if look.diagnostics.iter().any(Diagnostic::is_error) {
        Exit::Failed
    } else if !plan.is_quiet() {
        Exit::Changes
    } else if plan.is_held() || accepted.held.is_some() {
        Exit::Held
    } else {
        Exit::Ok
    }
}

/// What is in force after this one look. Says what is held back.
pub(super) fn accept(
    look: &SourcesLook,
    memory: &Memory,
    confirmed: bool,
    now: BootTime,
    terminal: Terminal,
) -> Accepted {
    let rules = PruneRules { delay: std::time::Duration::ZERO, confirmed };
    let mut acceptance = Acceptance::new(memory.services.values().map(|record| record.spec.clone()));
    let accepted = acceptance.look(&look.seen, rules, now);
    if let Some(held) = &accepted.held {
        terminal.say(&format!("held: nothing is removed: {}", printable(&held.reason)));
    }
    accepted
}

/// Objects of other sources are none of this call's business.
pub(super) fn concerned(mut memory: Memory, accepted: &Accepted) -> Memory {
    let set = &accepted.set;
    memory.services.retain(|name, _| set.services.contains_key(name) || set.removed.contains(name));
    memory
}

/// A complete look.
pub(super) fn options(confirmed: bool) -> TickOptions {
    TickOptions { plan: PlanOptions { confirmed }, hints: QuestionHints { full: true } }
}
