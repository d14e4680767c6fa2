//! `upgrade`: the running watch becomes the binary that this verb was called with.

use super::args::UpgradeArgs;
use super::exit::Exit;
use super::state;
use super::terminal::Terminal;
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::{Presence, watcher};
use crate::host::requests::{Request, Wanted, leave, withdraw};
use crate::host::state_dir::Dirs;
use crate::host::takeover;
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
    let asked = takeover::own_program().and_then(|program| {
        takeover::judge(&program)?;
        leave(dirs, &Request { by: crate::host::caller(), wanted: Wanted::Upgrade(program) })
    });
    let request = match asked {
        Ok(request) => request,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    let patience = Patience::new(args.timeout);
    loop {
        match watcher(dirs) {
            Some(now) if now.at > watch.at => return conclude(&now, terminal),
            Some(_) if patience.is_over() => {
                let _ = withdraw(&request);
                terminal.say(&format!(
                    "error: the watch (pid {}, version {}) doesn't answer; it may be older than this verb: stop it and \
                     start the new one, the services go on meanwhile",
                    watch.pid,
                    if watch.version.is_empty() { "unknown" } else { &watch.version }
                ));
                return Exit::Failed;
            }
            // Between two images nobody has announced himself; that lasts for a moment.
            None if patience.is_over() => {
                let _ = withdraw(&request);
                terminal.say("error: the watch ended; the services go on; start it anew");
                return Exit::Failed;
            }
            Some(_) | None => patience.pause(PAUSE),
        }
    }
}

fn conclude(now: &Presence, terminal: Terminal) -> Exit {
    match &now.not_upgraded {
        Some(reason) => {
            terminal.say(&format!(
                "error: the watch (pid {}) stays as it is: {}",
                now.pid,
                printable(reason)
            ));
            Exit::Failed
        }
        None => {
            terminal.data(&format!("the watch (pid {}) is selfsame {} now", now.pid, now.version));
            Exit::Ok
        }
    }
}
