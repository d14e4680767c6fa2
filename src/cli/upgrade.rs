//! `upgrade`: the running watch becomes the binary that this verb was called with.

use super::args::UpgradeArgs;
use super::exit::Exit;
use super::line::{put_to, reach, refused, unexpected};
use super::state;
use super::terminal::Terminal;
use crate::host::control::{Ask, LineError};
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::{suspended, watcher};
use crate::host::state_dir::Dirs;
use crate::host::takeover;
use crate::plan::wanted::Wanted;
use crate::report::printable;

/// Runs `upgrade`.
pub(super) fn run(args: &UpgradeArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let Some(watch) = watcher(dirs) else {
        terminal
            .say("error: no watch runs here; start one with this binary, it goes on with what is remembered");
        return Exit::Failed;
    };
    // The new binary asks itself whether it understands what the old one wrote, before anything happens.
    if let Err(reason) = state::look(dirs, terminal) {
        let exit = reason.report(terminal);
        terminal.say(&format!("the watch (pid {}) goes on as it is", watch.pid));
        return exit;
    }
    let program = match takeover::own_program().and_then(|own| takeover::judge(&own).map(|()| own)) {
        Ok(program) => program,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    let patience = Patience::new(args.timeout);
    let asked = reach(dirs, &patience).and_then(|mut line| {
        put_to(&mut line, Ask::Do(Wanted::Upgrade(program)), &patience, (dirs, terminal))
    });
    match asked {
        // The image that was asked is gone, and the next one knows nothing of the question.
        Err(LineError::Ended) => {}
        Err(error @ LineError::Refused(_)) => {
            let reason = printable(error.to_string());
            terminal.say(&format!("error: the watch (pid {}) stays as it is: {reason}", watch.pid));
            return Exit::Failed;
        }
        Err(error @ LineError::Late) if suspended(dirs).is_some() => return refused(&error, dirs, terminal),
        Err(LineError::Nobody | LineError::Late) => {
            terminal.say(&format!(
                "error: the watch (pid {}, version {}) doesn't answer; it may be older than this verb: stop it and \
                 start the new one, the services go on meanwhile",
                watch.pid,
                if watch.version.is_empty() { "unknown" } else { &watch.version }
            ));
            return Exit::Failed;
        }
        Err(error) => return refused(&error, dirs, terminal),
        Ok(reply) => return refused(&unexpected(&reply), dirs, terminal),
    }
    loop {
        match watcher(dirs) {
            Some(now) if now.at > watch.at => {
                terminal.data(&format!("the watch (pid {}) is selfsame {} now", now.pid, now.version));
                return Exit::Ok;
            }
            // Between two images nobody has announced himself; that lasts for a moment.
            _ if !patience.is_over() => patience.pause(PAUSE),
            Some(_) => {
                return refused(&LineError::Late, dirs, terminal);
            }
            None => {
                terminal.say("error: the watch ended; the services go on; start it anew");
                return Exit::Failed;
            }
        }
    }
}
