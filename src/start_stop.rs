//! `start-stop-daemon`: the drop-in for the program of Debian's dpkg, without its hazards.
//!
//! Floor 8. `docs/start-stop-daemon.md` says what differs and why.
//!
//! ```text
//!  arguments --options--> texts --command--> a command that makes sense --resolve--> criteria, accounts
//!                                                                                       |
//!       status <---- exit code ----- find: who is meant, now, and what can't be told <--+
//!       stop   <---- schedule -----/  \---- lock, look again ----> start: become the program, or detach
//! ```
//!
//! # Theory of operation
//!
//! Init scripts call this program all the time, mostly to hear that nothing is to be done. So nothing is built on that way that
//! the answer doesn't need: no clap, no schema, no thread, no look at more of `/proc` than the question names.
//! [`criteria::Criteria`] is the typed form of the match expression that `--explain` shows, and holds where that holds.
//!
//! What acts goes through the doors of `host` that everything else here goes through: signals through a pidfd, to a process that was
//! asked again while it was held (`host::signal`), the program through `host::spawn` and `host::become_program`.

pub mod command;
pub mod criteria;
pub mod fault;
pub mod find;
pub mod getopt;
pub mod in_world;
pub mod live;
mod more;
pub mod numbers;
pub mod options;
mod readiness;
pub mod resolve;
pub mod schedule;
pub mod start;
mod stop;
#[cfg(test)]
mod tests;
mod texts;
pub mod values;
pub mod voice;

use std::ffi::OsString;

use command::Command;
use fault::{DEAD, DEAD_PIDFILE, DONE, Fault, UNKNOWN};
use find::{Finder, State};
use live::Live;
use options::{Action, Compat, Ending, Options};
use resolve::{Resolved, resolve};
use start::Places;
use voice::{Voice, exactly};

use crate::host::proc::Glance;

/// One call of the program.
#[derive(Debug)]
pub struct Call<'a> {
    /// How it was called, for messages.
    pub program: String,
    /// What stands behind its name.
    pub args: &'a [OsString],
    /// `POSIXLY_CORRECT` is set.
    pub strict_order: bool,
    /// Where things belong.
    pub places: Places,
}

/// Does it. The exit code; a start in the foreground doesn't return if all goes well.
pub fn run(call: Call<'_>) -> u8 {
    let mut voice = Voice::new(call.program);
    let mut options = Options::default();
    let done = match options.read(call.args, call.strict_order) {
        Ok(Ending::Help) => {
            exactly(texts::HELP);
            return DONE;
        }
        Ok(Ending::Version) => {
            exactly(&texts::version());
            return DONE;
        }
        Ok(Ending::Work) => work(&options, &mut voice, &call.places),
        Err(fault) => Err(fault),
    };
    done.unwrap_or_else(|fault| {
        voice.fail(&fault);
        fault.code(asked_for(&options))
    })
}

/// A command that the version stood in for doesn't have was not asked for.
fn asked_for(options: &Options<'_>) -> Option<Action> {
    options.action.filter(|action| *action != Action::Pidof || options.compat == Compat::Newer)
}

fn work(options: &Options<'_>, voice: &mut Voice, places: &Places) -> Result<u8, Fault> {
    let command = Command::new(options)?;
    voice.set(command.level, command.compat);
    if command.target.name_too_long() {
        voice.warn(
            "this system is not able to track process names\nlonger than 15 characters, please use --exec instead of --name.",
        );
    }
    let Resolved { criteria, account } = resolve(&command)?;
    let finder = Finder::new(&command, &criteria, Live::new(Glance::new()), voice)?;
    if command.explain {
        return explain(&finder);
    }
    match command.action {
        Action::Start => start::run(&finder, &criteria, &account, places),
        Action::Stop => stop::run(&finder),
        Action::Status => Ok(status(finder.look()?.state)),
        Action::Pidof => {
            let found = finder.look()?;
            exactly(&found.pids.iter().map(|pid| format!("{pid}\n")).collect::<String>());
            Ok(status(found.state))
        }
    }
}

fn status(state: State) -> u8 {
    match state {
        State::Running => DONE,
        State::DeadPidfile => DEAD_PIDFILE,
        State::Dead => DEAD,
        State::Unknown => UNKNOWN,
    }
}

/// The criteria as an expression, and whom they are true of. Nothing is done.
fn explain(finder: &Finder<'_>) -> Result<u8, Fault> {
    let mut parts = Vec::new();
    if let Some(pidfile) = finder.command.target.pidfile {
        let path = crate::lang::show(&crate::lang::value::Value::path(pidfile));
        parts.push(format!("pidfile({path})"));
    }
    let rest = finder.criteria.expression();
    parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
    let found = finder.look()?;
    let list =
        |pids: &[crate::units::Pid]| pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let whom = if found.pids.is_empty() { "no process".to_owned() } else { list(&found.pids) };
    exactly(&format!("{}\ntrue of: {whom}\n", parts.join(" && ")));
    if !found.doubts.is_empty() {
        exactly(&format!("not known of: {}\n", found.doubt()));
    }
    if !found.spared.is_empty() {
        exactly(&format!("left out, since this command was started by it: {}\n", list(&found.spared)));
    }
    Ok(DONE)
}
