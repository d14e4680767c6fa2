//! Arguments, exit codes, wiring. No logic of its own.
//!
//! Floor 10.

mod adopting;
mod apply;
mod args;
mod bench_eval;
mod check;
mod codes;
mod confirming;
mod doctor;
mod drop_in;
mod each_once;
mod events;
mod exit;
mod explain_code;
mod fmt;
mod following;
mod handover;
mod help;
mod history;
mod import;
mod line;
mod lint;
mod live;
mod logs;
mod lsp;
mod man;
mod matching;
mod metrics;
mod on_host;
mod one_look;
mod piped;
mod plan;
mod plugin;
mod policies;
mod progress;
mod revisions;
mod rollback;
mod settings;
mod state;
mod status;
mod stored;
mod terminal;
mod test;
mod to_rest;
mod upgrade;
mod watch;
mod wish;
mod writing;

use std::ffi::OsString;
use std::io::{self, Write as _};

pub use codes::registered_codes;
pub use exit::Exit;

use args::{Cli, ExplainArgs, Verb};
use terminal::Terminal;
use wish::{End, Wish};

use crate::host::stack::with_enough_stack;
use crate::host::state_dir::Dirs;
use crate::plan::wanted::no_object;
use crate::spec::ServiceName;

/// Runs the program with these arguments, the program's name first: the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = drop_in::run(&args) {
        return code;
    }
    match with_enough_stack(|| Cli::read(&args)) {
        // Its exit codes are those of the program that it stands in for.
        Ok(Cli { verb: Verb::StartStopDaemon(args), .. }) => drop_in::run_verb(&args.args),
        Ok(cli) => {
            whole(with_enough_stack(|| dispatch(&cli)), matches!(cli.verb, Verb::Match(_) | Verb::Explain(_)))
                .code()
        }
        Err(error) => whole(usage(&error), false).code(),
    }
}

/// An answer of which a part could not be written is none, as on a full disk: whoever reads the rest has to know.
fn whole(exit: Exit, asks: bool) -> Exit {
    let Some(why) = terminal::lost() else { return exit };
    let _ = writeln!(io::stderr(), "error: the output can't be written: {why}");
    match exit {
        Exit::Ok | Exit::Changes if asks => Exit::Warnings,
        Exit::Ok | Exit::Changes => Exit::Failed,
        Exit::Failed
        | Exit::Warnings
        | Exit::Refused
        | Exit::NotReady
        | Exit::HeldByOther
        | Exit::Held
        | Exit::Usage => exit,
    }
}

/// Help and version go to stdout and are a success; everything else is wrong usage.
fn usage(error: &clap::Error) -> Exit {
    terminal::print(error);
    if error.use_stderr() { Exit::Usage } else { Exit::Ok }
}

/// The whole command line, for completions and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The verb that asks once and ends comes first: the stack that all the others would take is a tenth of what it needs to begin.
fn dispatch(cli: &Cli) -> Exit {
    match &cli.verb {
        Verb::Match(args) => matching::run_match(args, Terminal::new(cli)),
        _ => dispatch_others(cli),
    }
}

#[inline(never)]
fn dispatch_others(cli: &Cli) -> Exit {
    let terminal = Terminal::new(cli);
    match &cli.verb {
        Verb::Check(args) => check::run(args, state::dirs(cli).ok().as_ref(), terminal),
        Verb::Test(args) => test::run(args, terminal),
        Verb::Import(args) => import::run(args, terminal),
        Verb::Plugin(args) => plugin::run(args, terminal),
        Verb::Snapshot(args) => writing::snapshot(args, terminal),
        Verb::Fmt(args) => fmt::run(args, terminal),
        Verb::Lsp => lsp::run(terminal),
        Verb::BenchEval => bench_eval::run(terminal),
        Verb::Schema => writing::schema(terminal),
        Verb::Completions(args) => writing::completions(args, terminal),
        Verb::Man(args) => man::run(args, terminal),
        Verb::Plan(args) => with_dirs(cli, terminal, |dirs| plan::run(args, dirs, terminal)),
        Verb::Apply(args) => with_dirs(cli, terminal, |dirs| apply::run(args, dirs, terminal)),
        Verb::Watch(args) => with_dirs(cli, terminal, |dirs| watch::run(args, dirs, terminal)),
        Verb::Status(args) if args.watch => with_dirs(cli, terminal, |dirs| live::run(args, dirs, terminal)),
        Verb::Status(args) => with_dirs(cli, terminal, |dirs| status::run(args, dirs, terminal)),
        Verb::Logs(args) => with_dirs(cli, terminal, |dirs| logs::run(args, dirs, terminal)),
        Verb::Events(args) => with_dirs(cli, terminal, |dirs| events::run(args, dirs, terminal)),
        Verb::Metrics(args) => with_dirs(cli, terminal, |dirs| metrics::run(args, dirs, terminal)),
        Verb::Rollback(args) => with_dirs(cli, terminal, |dirs| rollback::run(args, dirs, terminal)),
        Verb::History(args) => with_dirs(cli, terminal, |dirs| history::run(args, dirs, terminal)),
        Verb::Start(args) => {
            let wish = Wish::Start(End { until: args.until, time: args.time });
            with_dirs(cli, terminal, |dirs| wish::run(&wish, &args.wish, dirs, terminal))
        }
        Verb::Stop(args) => {
            let wish = Wish::Stop(End { until: args.until, time: args.time });
            with_dirs(cli, terminal, |dirs| wish::run(&wish, &args.wish, dirs, terminal))
        }
        Verb::Restart(args) => {
            with_dirs(cli, terminal, |dirs| wish::run(&Wish::Restart, args, dirs, terminal))
        }
        Verb::Reload(args) => with_dirs(cli, terminal, |dirs| wish::run(&Wish::Reload, args, dirs, terminal)),
        Verb::Signal(args) => {
            let wish = Wish::Signal(args.signal);
            with_dirs(cli, terminal, |dirs| wish::run(&wish, &args.wish, dirs, terminal))
        }
        Verb::Suspend(args) => {
            let (reason, end) = (args.reason.clone(), End { until: args.until, time: args.time });
            let wish = Wish::Suspend { reason, end };
            with_dirs(cli, terminal, |dirs| wish::run(&wish, &args.wish, dirs, terminal))
        }
        Verb::Resume(args) => with_dirs(cli, terminal, |dirs| wish::run(&Wish::Resume, args, dirs, terminal)),
        Verb::Upgrade(args) => with_dirs(cli, terminal, |dirs| upgrade::run(args, dirs, terminal)),
        Verb::Adopt(args) => with_dirs(cli, terminal, |dirs| adopting::adopt(args, dirs, terminal)),
        Verb::Release(args) => with_dirs(cli, terminal, |dirs| adopting::release(args, dirs, terminal)),
        Verb::Doctor(args) => with_dirs(cli, terminal, |dirs| doctor::run(args, dirs, terminal)),
        Verb::Explain(args) => explain(args, cli, terminal),
        Verb::ExplainCode(args) => explain_code::run(args, terminal),
        Verb::Help(args) => help::run(args, terminal),
        // Neither comes here: the exit codes of the one are others, and the other is dispatched before.
        Verb::StartStopDaemon(_) | Verb::Match(_) => Exit::Usage,
    }
}

fn with_dirs(cli: &Cli, terminal: Terminal, then: impl FnOnce(&Dirs) -> Exit) -> Exit {
    match state::dirs(cli) {
        Ok(dirs) => then(&dirs),
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            Exit::Usage
        }
    }
}

/// An object on record or a policy in force by its name, anything else as an expression. A lone word that is both (`alive`) is the object
/// only if one has that name.
fn explain(args: &ExplainArgs, cli: &Cli, terminal: Terminal) -> Exit {
    let object = args.snapshot.is_none() && args.pid.is_empty();
    match state::dirs(cli) {
        Ok(dirs) if object => match status::subject(&args.subject, &dirs, terminal) {
            Some(subject) => status::explain(args, subject, terminal),
            None => match policies::subject(&args.subject, &dirs) {
                Some(explained) => policies::explain(args, explained, &dirs, terminal),
                None if policies::is_meant(&args.subject) => {
                    policies::missing(&args.subject, &dirs, terminal)
                }
                None => {
                    let exit = matching::run_explain(args, terminal);
                    if exit == Exit::Warnings && ServiceName::new(&args.subject).is_ok() {
                        let all = status::names_on_record(&dirs, terminal);
                        terminal.say(&no_object(&args.subject, all.iter().map(String::as_str)));
                    }
                    exit
                }
            },
        },
        Ok(_) | Err(_) => matching::run_explain(args, terminal),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;

    /// The arguments of a verb are declared late, and a doc comment on them took the place of the verb's own text.
    #[test]
    fn every_verb_says_what_it_is_about_and_has_its_arguments() {
        let mut built = command();
        built.build();
        built.clone().debug_assert();
        for verb in command().get_subcommands() {
            let late = built.find_subcommand(verb.get_name()).unwrap();
            assert_eq!(late.get_about().map(ToString::to_string), verb.get_about().map(ToString::to_string));
        }
        let arguments = |verb: &str| built.find_subcommand(verb).unwrap().get_arguments().count();
        assert!(arguments("match") > arguments("lsp") + 20);
    }
}
