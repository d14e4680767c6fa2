//! What `plan`, `apply` and the verbs beside them make of a single look at the documents, and how they ask of the host.

use std::path::{Path, PathBuf};

use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::accept::{Acceptance, Accepted, PruneRules};
use crate::engine::sources::SourcesLook;
use crate::engine::tick::{Previewed, TickOptions, preview_all};
use crate::host::Host;
use crate::host::history::{Pinned, pinned};
use crate::host::spec_dir::DIRECTORY;
use crate::host::state_dir::Dirs;
use crate::plan::memory::Memory;
use crate::plan::{PlanOptions, QuestionHints};
use crate::report::{held_text, printable};
use crate::spec::engine::Settings;
use crate::spec::{ServiceName, SpecSet};
use crate::units::BootTime;

/// One complete look is enough to call a document gone.
pub(super) fn at_once(settings: &Settings) -> PruneRules {
    PruneRules { delay: std::time::Duration::ZERO, ..PruneRules::from(settings.prune) }
}

/// What is in force after this one look.
pub(super) fn accept(look: &SourcesLook, memory: &Memory, rules: &PruneRules, now: BootTime) -> Accepted {
    let mut acceptance = Acceptance::new(memory.services.values().map(|record| record.spec.clone()));
    let mut seen = look.seen.clone();
    seen.being_written = crate::host::writers::open_for_writing(acceptance.shrunk(&seen));
    acceptance.look(&seen, rules, now)
}

/// Says that there was nothing to look at: a wrong path, and a pipe whose left side failed, would look like a host where all is well.
pub(super) fn say_empty(look: &SourcesLook, paths: &[PathBuf], terminal: Terminal) {
    let is_broken = look.diagnostics.iter().any(Diagnostic::is_error);
    let any = look.seen.files.values().any(|file| file.good().is_none_or(|good| !good.empty));
    if is_broken || any {
        return;
    }
    let places: Vec<String> = paths
        .iter()
        .map(|path| match path {
            path if path == Path::new("-") => "standard input".to_owned(),
            path => format!("`{}`", path.display()),
        })
        .collect();
    let closed = look.ignored.iter().any(|ignored| ignored.why == DIRECTORY);
    let hint = if closed { "; `--recursive` also looks into the directories there" } else { "" };
    terminal.say(&format!("there are no documents in {}{hint}", places.join(", ")));
}

/// Says that something else is in force than the documents, and until when: what they ask for isn't done meanwhile.
pub(super) fn say_rollback(dirs: &Dirs, terminal: Terminal) {
    if let Some(Pinned { number, by, .. }) = pinned(dirs) {
        let by = printable(by);
        terminal.say(&format!(
            "{by} rolled back to set {number}: a watch keeps to it until the documents change"
        ));
    }
}

/// Says what is held back, and what waits.
pub(super) fn say_held(accepted: &Accepted, terminal: Terminal) {
    for held in &accepted.held {
        terminal.say(&format!("held: {}", held_text(&held.plan(), &held.place)));
    }
}

/// What would be done about the objects of these documents. Those of other sources are none of this call's business, but what is
/// on record for them is taken, and they count where too much would change at once.
pub(super) fn foresee<H: Host>(host: &mut H, set: &SpecSet, memory: &Memory) -> Previewed {
    let mut previewed = preview_all(host, set, memory, options(false, None));
    let plan = &mut previewed.plan;
    let concerns = |name: &ServiceName| set.services.contains_key(name) || set.removed.contains(name);
    plan.steps.retain(|step| concerns(&step.service));
    plan.changes.retain(|change| concerns(&change.service));
    plan.status.retain(|status| concerns(&status.name));
    plan.tell_waits();
    previewed
}

/// How many starts at a time, where nobody says it.
pub(super) fn parallel_starts(given: Option<u32>) -> usize {
    crate::engine::watch::parallel_starts(&Settings { max_parallel_starts: given, ..Settings::default() })
}

/// A complete look.
pub(super) fn options(confirmed: bool, max_starts: Option<usize>) -> TickOptions {
    TickOptions { plan: PlanOptions { confirmed, max_starts }, hints: QuestionHints { full: true } }
}
