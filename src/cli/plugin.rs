//! `plugin`: what authors of plugins do.

mod bench;
mod build;
mod inspect;
mod new;
mod open;
mod test;

use super::args::{Output, PluginArgs, PluginVerb};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::report::diagnostic_rows;

/// Runs `plugin`.
pub(super) fn run(args: &PluginArgs, terminal: Terminal) -> Exit {
    match &args.verb {
        PluginVerb::New(args) => new::run(args, terminal),
        PluginVerb::Build(args) => build::run(args, terminal),
        PluginVerb::Inspect(args) => inspect::run(args, terminal),
        PluginVerb::Test(args) => test::run(args, terminal),
        PluginVerb::Bench(args) => bench::run(args, terminal),
    }
}

/// Says what is wrong, where the answer would have been, and ends.
fn refuse(said: &[Diagnostic], output: Output, terminal: Terminal) -> Exit {
    match output {
        Output::Json => terminal.json(&diagnostic_rows(said)),
        Output::Text => terminal.diagnostics(said),
    }
    Exit::Failed
}
