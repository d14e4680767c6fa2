//! `plugin inspect`: what a plugin says of itself.

use super::open::{Opened, digest, open};
use super::refuse;
use crate::cli::args::{InspectArgs, Output};
use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::plugin::{Grants, Survey, wire};
use crate::report::{Inspection, diagnostic_rows, inspection_text};

/// Runs `plugin inspect`.
pub(super) fn run(args: &InspectArgs, terminal: Terminal) -> Exit {
    let opened = match open(&args.path) {
        Ok(opened) => opened,
        Err(said) => return refuse(&said, args.output, terminal),
    };
    if args.sha256 {
        terminal.data(&digest(&opened.wasm));
        return Exit::Ok;
    }
    match opened.survey() {
        Ok(survey) => show(&opened, &survey, args.output, terminal),
        Err(said) => refuse(&said, args.output, terminal),
    }
}

/// Shows it, and what stands between it and its use.
fn show(opened: &Opened, survey: &Survey, output: Output, terminal: Terminal) -> Exit {
    let said = opened.load().err().unwrap_or_default();
    let grants = Grants::asked_by(&survey.manifest);
    let inspection = Inspection {
        manifest: &survey.manifest,
        imports: &survey.imports,
        bytes: opened.wasm.len(),
        abi: wire::VERSION,
        sha256: digest(&opened.wasm),
        grants: &grants,
        mistakes: diagnostic_rows(&said),
    };
    match output {
        Output::Json => terminal.json(&inspection.row()),
        Output::Text => {
            terminal.data(&inspection_text(&inspection));
            terminal.diagnostics(&said);
        }
    }
    if said.is_empty() { Exit::Ok } else { Exit::Failed }
}
