//! `test`: what the tests of Matcher and Policy documents say, and why.

mod record;
mod replay;

use super::args::{Output, TestArgs};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::sources::{Sources, SourcesLook};
use crate::report::{Trials, diagnostic_rows, trial_rows, trials_text};
use crate::spec::matcher::trials;
use crate::spec::policies::policy_trials;

/// Runs `test`.
pub(super) fn run(args: &TestArgs, terminal: Terminal) -> Exit {
    if let (Some(length), Some(out)) = (args.record.record, &args.record.out) {
        return record::run(args, length, out, terminal);
    }
    if let Some(file) = &args.record.replay {
        return replay::run(args, file, terminal);
    }
    let look = Sources::new(args.paths.clone()).with_libraries(args.matchers.clone()).look();
    if look.diagnostics.iter().any(Diagnostic::is_error) {
        match args.output {
            Output::Json => terminal.json(&diagnostic_rows(&look.diagnostics)),
            Output::Text => terminal.diagnostics(&look.diagnostics),
        }
        return Exit::Failed;
    }
    let trials = all(&look);
    match args.output {
        Output::Json => terminal.json(&trial_rows(&trials)),
        Output::Text => terminal.data(&trials_text(&trials)),
    }
    if trials.passed() { Exit::Ok } else { Exit::Failed }
}

/// All tests of all good files, carried out.
pub(super) fn all(look: &SourcesLook) -> Trials<'_> {
    Trials {
        matchers: look.matchers.iter().flat_map(|document| trials(document, &look.names)).collect(),
        policies: look.policies.iter().flat_map(|document| policy_trials(document, &look.names)).collect(),
    }
}
