//! `rollback`: an earlier set of documents is in force until the documents change again.

use std::collections::BTreeSet;

use super::args::RollbackArgs;
use super::exit::Exit;
use super::handover::{self, Handover};
use super::terminal::Terminal;
use crate::host::errno::io_text;
use crate::host::history::{find, sets};
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::plan::wanted::Wanted;
use crate::spec::ServiceName;

/// Runs `rollback`.
pub(super) fn run(args: &RollbackArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let kept = match sets(dirs) {
        Ok(kept) => kept,
        Err(error) => {
            terminal.say(&format!("error: the history can't be read: {}", io_text(&error)));
            return Exit::Failed;
        }
    };
    let set = match find(&kept, args.number) {
        Ok(set) => set,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    // Without one nobody would know when the documents have changed.
    if watcher(dirs).is_none() {
        terminal.say("error: no watch runs here, and a rollback holds only while one does; start it, or change the documents");
        return Exit::Failed;
    }
    let names: BTreeSet<ServiceName> = set.objects.keys().cloned().collect();
    let wanted = Wanted::Rollback { number: args.number, confirmed: args.confirm };
    match handover::ask(&wanted, &names, args.timeout, args.output, dirs, terminal) {
        Handover::Answered(exit) => exit,
        Handover::WatchEnded { .. } => {
            terminal.say("error: the watch ended meanwhile; `selfsame history` says which set is in force");
            Exit::Failed
        }
    }
}
