//! `check`: every mistake of all files, in one run.

use super::args::{CheckArgs, Output};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::sources::Sources;
use crate::report::{diagnostic_rows, printable};
use crate::spec::matcher::Trial;

/// Runs `check`.
pub(super) fn run(args: &CheckArgs, terminal: Terminal) -> Exit {
    let mut look = Sources::new(args.paths.clone()).with_libraries(args.matchers.clone()).look();
    let failed: Vec<Diagnostic> = super::test::all(&look).iter().filter_map(Trial::failure).collect();
    look.diagnostics.extend(failed);
    let hints = super::lint::on_host(&look, args.snapshot.as_deref());
    look.diagnostics.extend(hints);
    let errors = look.diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = look.diagnostics.len() - errors;
    match args.output {
        Output::Json => terminal.json(&diagnostic_rows(&look.diagnostics)),
        Output::Text => terminal.diagnostics(&look.diagnostics),
    }
    if args.verbose {
        for path in &look.ignored {
            terminal.say(&format!("passed over: {}", printable(path.as_os_str().as_encoded_bytes())));
        }
    }
    if errors > 0 {
        return Exit::Failed;
    }
    if args.output == Output::Text {
        let count = look.services().len() + look.matchers.len();
        terminal.data(&format!(
            "{count} object{} in {} file{}: good\n",
            plural(count),
            look.files(),
            plural(look.files())
        ));
    }
    if args.strict && warnings > 0 { Exit::Warnings } else { Exit::Ok }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
