//! Arguments, exit codes, wiring. No logic of its own.
//!
//! Floor 9.

mod args;
mod check;
mod codes;
mod exit;
mod lint;
mod matching;
mod state;
mod terminal;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

pub use exit::Exit;

use args::{Cli, Verb};
use terminal::Terminal;

/// Runs the program with these arguments, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Cli::try_parse_from(args) {
        Ok(cli) => dispatch(&cli).into(),
        Err(error) => usage(&error).into(),
    }
}

/// Help and version go to stdout and are a success; everything else is wrong usage.
fn usage(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Ok }
}

/// The whole command line, for completions and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}

fn dispatch(cli: &Cli) -> Exit {
    let terminal = Terminal::new(cli);
    match &cli.verb {
        Verb::Check(args) => check::run(args, terminal),
        Verb::Match(args) => matching::run_match(args, terminal),
        Verb::Explain(args) => matching::run_explain(args, terminal),
        Verb::Watch(args) => match state::dirs(cli) {
            Ok(dirs) => watch::run(args, &dirs, terminal),
            Err(_) => Exit::Failed,
        },
        _ => Exit::Usage,
    }
}
