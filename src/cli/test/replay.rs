//! `test --replay`: what policies would have done while a record was made.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use crate::cli::args::{Output, TestArgs};
use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::policy::replay::{Replayed, replay};
use crate::engine::sources::Sources;
use crate::host::conditions::Conditions;
use crate::host::shelf::Shelf;
use crate::process::snapshot::record::Record;
use crate::report::{diagnostic_rows, replay_json, replay_text};

/// Runs `test --replay`.
pub(super) fn run(args: &TestArgs, file: &Path, terminal: Terminal) -> Exit {
    match replayed(args, file) {
        Ok(replayed) => {
            match args.output {
                Output::Json => terminal.json(&replay_json(&replayed)),
                Output::Text => terminal.data(&replay_text(&replayed)),
            }
            Exit::Ok
        }
        Err(problems) => {
            match args.output {
                Output::Json => terminal.json(&diagnostic_rows(&problems)),
                Output::Text => terminal.diagnostics(&problems),
            }
            Exit::Failed
        }
    }
}

fn replayed(args: &TestArgs, file: &Path) -> Result<Replayed, Vec<Diagnostic>> {
    let look = Sources::new(args.paths.clone()).with_libraries(args.matchers.clone()).look();
    if look.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(look.diagnostics);
    }
    let policies: BTreeMap<_, _> = look
        .policies
        .iter()
        .map(|document| (document.policy.name.clone(), Arc::clone(&document.policy)))
        .collect();
    let name = file.display().to_string();
    let text = crate::host::read_text(file).map_err(|error| {
        vec![Diagnostic::error(crate::cli::codes::FILE, format!("`{name}` can't be read: {error}"))]
    })?;
    let record = Record::parse(&name, text)?;
    replay(&record, &policies, &Conditions::new(Rc::new(Shelf::default())))
}
