//! `plan`: what `apply` would do, and why. Looks, and touches nothing.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::rc::Rc;

use super::args::{Output, PlanArgs};
use super::exit::Exit;
use super::one_look::{accept, at_once, foresee, say_empty, say_held, say_rollback};
use super::revisions::Revisions;
use super::settings;
use super::state::{self, Opened};
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::accept::PruneRules;
use crate::engine::policy::looking::Owners;
use crate::engine::policy::{Foreseen, PolicyEye, preview};
use crate::engine::sources::{Beside, SourcesLook};
use crate::host::Host;
use crate::host::good_texts::GoodTexts;
use crate::host::imagined::{NothingRuns, SnapshotHost};
use crate::host::shelf::Shelf;
use crate::host::spawn::take_large_pages;
use crate::host::state_dir::Dirs;
use crate::lang::Predicate;
use crate::lang::ir::{Id, Kind};
use crate::plan::memory::Memory;
use crate::process::expression::schema;
use crate::report::{ChangeRow, ForeseenRow, foreseen_rows, foreseen_text, plan_rows, plan_text};
use crate::spec::SpecSet;

/// Runs `plan`.
pub(super) fn run(args: &PlanArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let over = args.settings.clone();
    let config = args.settings.look.config.as_ref();
    let settings = match settings::read(config, move |settings| over.put_over(settings), terminal) {
        Ok(configured) => configured.settings,
        Err(exit) => return exit,
    };
    let host = super::on_host::shown_host(&args.host, &settings, Some(dirs));
    let made = |paths: Vec<PathBuf>| super::lint::sources(&paths, &[], args.snapshot.as_deref());
    let sources = match super::piped::sources(&args.paths, &settings, made) {
        Ok(sources) => sources,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    let mut sources = sources.on_host(host).for_one_look();
    let rules = at_once(&settings);
    if let Some(file) = &args.snapshot {
        let shelf = Rc::new(Shelf::default());
        let look = sources.with_shelf(Rc::clone(&shelf)).look();
        terminal.diagnostics_in_short(&look.diagnostics);
        return match snapshot_host(file, &shelf) {
            Ok(mut host) => {
                let memory = Memory::new(host.boot().clone());
                show((args, dirs), &look, &mut host, &memory, &rules, terminal)
            }
            Err(problems) => {
                terminal.diagnostics(&problems);
                Exit::Failed
            }
        };
    }
    take_large_pages();
    match state::look_beside(dirs, &mut sources, terminal) {
        Ok(mut opened) => {
            let shelf = Rc::clone(opened.host.shelf());
            let in_use = shelf.in_use(&opened.memory);
            let texts = GoodTexts::look(opened.host.dirs());
            opened.host.begin_look();
            let sources = sources.with_good_texts(texts).with_shelf(shelf).with_plugins(in_use);
            // They stay until the process ends, which gives a hundred thousand pieces of memory back at once.
            let mut sources = ManuallyDrop::new(sources);
            let Opened { host, memory } = opened;
            let mut host = ManuallyDrop::new(host);
            let (wanted, begun) = (Cell::new(false), Cell::new(args.host.as_host.is_some()));
            // As soon as it is known whose.
            let read_arguments = || begun.set(begun.get() || (wanted.get() && host.begin_arguments()));
            let condition = |condition: &Predicate| {
                wanted.set(wanted.get() || (!begun.get() && asks_for_arguments(condition)));
                read_arguments();
            };
            // What follows until the look asks about them is for one processor.
            let loaded = || {
                read_arguments();
                if args.host.as_host.is_none() {
                    host.begin_holding(&memory);
                }
            };
            let beside = Beside { condition: &condition, file: &read_arguments, loaded: &loaded };
            let look = ManuallyDrop::new(sources.look_telling(beside));
            terminal.diagnostics_in_short(&look.diagnostics);
            if args.host.as_host.is_some() {
                let memory = Memory::new(host.boot().clone());
                let mut host = NothingRuns(ManuallyDrop::into_inner(host));
                return show((args, dirs), &look, &mut host, &memory, &rules, terminal);
            }
            show((args, dirs), &look, &mut *host, &memory, &rules, terminal)
        }
        Err(reason) => {
            terminal.diagnostics_in_short(&sources.look().diagnostics);
            reason.report(terminal)
        }
    }
}

/// Whether a condition asks everybody for arguments: where it asks for something cheaper as well, few are asked for more.
fn asks_for_arguments(condition: &Predicate) -> bool {
    let is_of_arguments = |id: Id| {
        schema().field_by_id(id).is_some_and(|field| matches!(field.name.as_ref(), "cmdline" | "argv"))
    };
    let (mut any, mut other) = (false, false);
    condition.root().walk(&mut |node| match &node.kind {
        Kind::Field { field, .. } | Kind::Entry { field, .. } => {
            any = true;
            other = other || !is_of_arguments(field.id);
        }
        Kind::Call { .. } => other = true,
        _ => {}
    });
    any && !other
}

fn snapshot_host(file: &std::path::Path, shelf: &Rc<Shelf>) -> Result<SnapshotHost, Vec<Diagnostic>> {
    super::matching::read_snapshot(file).map(|snapshot| SnapshotHost::new(snapshot, Rc::clone(shelf)))
}

/// Plans for a host, and prints the plan.
fn show<H: Host + PolicyEye>(
    (args, dirs): (&PlanArgs, &Dirs),
    look: &SourcesLook,
    host: &mut H,
    memory: &Memory,
    rules: &PruneRules,
    terminal: Terminal,
) -> Exit {
    let now = host.now().boot;
    // As the documents, these stay until the process ends.
    let accepted = ManuallyDrop::new(accept(look, memory, rules, now));
    say_empty(look, &args.paths, terminal);
    say_held(&accepted, terminal);
    if args.host.as_host.is_none() && args.snapshot.is_none() {
        say_rollback(dirs, terminal);
    }
    let previewed = ManuallyDrop::new(foresee(host, &accepted.set, memory));
    if let Some(out) = &args.out {
        let basis = (&*previewed, &accepted.set, memory);
        if let Err(sentence) = super::stored::keep(out, &args.paths, basis, host.now().wall) {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    }
    let plan = &previewed.plan;
    let revisions = Revisions::of(&args.paths, dirs);
    let broken = look.diagnostics.iter().any(Diagnostic::is_error);
    let foreseen = of_policies(host, &accepted.set, memory);
    match args.output {
        Output::Text => {
            // That nothing is to be done can't be said of documents that couldn't be read.
            let plan = if broken && plan.changes.is_empty() { String::new() } else { plan_text(plan, false) };
            terminal.data(&(revisions.text() + &plan + &foreseen_text(&foreseen)));
        }
        Output::Json => {
            let mut rows = plan_rows(plan);
            // A row for each change, in order.
            for (row, change) in rows.iter_mut().zip(&plan.changes) {
                let service = accepted.set.services.get(&change.service);
                row.revision = service.and_then(|service| revisions.of_file(&service.origin.file));
            }
            let rows = rows.into_iter().map(PlanRow::Object);
            let policies = foreseen_rows(&foreseen).into_iter().map(PlanRow::Policy);
            terminal.json(&rows.chain(policies).collect::<Vec<_>>());
        }
    }
    if broken {
        Exit::Failed
    } else if !plan.is_quiet() {
        Exit::Changes
    } else if plan.fails() {
        Exit::Failed
    } else if plan.is_held() || !accepted.held.is_empty() {
        Exit::Held
    } else {
        Exit::Ok
    }
}

/// A row for programs: of an object, or below them of a policy.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum PlanRow {
    Object(ChangeRow),
    Policy(ForeseenRow),
}

/// What the policies of these documents would do now. They are no part of the plan: `watch` looks after them.
fn of_policies<H: Host + PolicyEye>(host: &H, set: &SpecSet, memory: &Memory) -> Vec<Foreseen> {
    if set.policies.is_empty() {
        return Vec::new();
    }
    let now = host.now();
    let looks = host.look_for(&set.policies, &Owners::of_memory(memory), now);
    preview(&set.policies, &looks, &host.kept(), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::expression::compile_expression;

    #[test]
    fn arguments_are_read_ahead_for_conditions_that_ask_for_nothing_cheaper() {
        for (text, expected) in [
            ("cmdline contains \"x\"", true),
            ("argv[1] == \"x\" || cmdline contains \"y\"", true),
            ("exe == \"/bin/x\" && argv[1] == \"x\"", false),
            ("runs(\"/bin/x\")", false),
            ("comm == \"x\"", false),
        ] {
            let predicate = compile_expression(text).predicate;
            assert_eq!(predicate.as_ref().map(asks_for_arguments), Some(expected), "{text}");
        }
    }
}
