//! Verbs that write something out: `snapshot`, `schema`, `completions`.

use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::time::Duration;

use super::args::{CompletionsArgs, SnapshotArgs};
use super::exit::Exit;
use super::matching::sampling;
use super::terminal::Terminal;
use crate::facts::Fact;
use crate::host::proc::LiveWorld;
use crate::process::snapshot::{WriteOptions, write};
use crate::process::world::World as _;
use crate::units::Pid;

/// How long a snapshot may wait for reads that can block.
const SNAPSHOT_BUDGET: Duration = Duration::from_mins(1);

/// Runs `snapshot`.
pub(super) fn snapshot(args: &SnapshotArgs, terminal: Terminal) -> Exit {
    let world = match LiveWorld::new() {
        // Nobody waits for a decision here: a snapshot may take the time that its facts take.
        Ok(world) => world.with_budget(SNAPSHOT_BUDGET),
        Err(error) => {
            terminal.say(&format!("error: this host's `/proc` can't be used: {error}"));
            return Exit::Failed;
        }
    };
    let world = match args.sample {
        Some(time) => sampling::all_of(world, &args.pid, time),
        None => world,
    };
    let pids: Vec<Pid> = if args.pid.is_empty() {
        match world.pids() {
            Fact::Known(pids) => pids.to_vec(),
            Fact::Absent | Fact::Unknown(_) => world.visible_pids().to_vec(),
        }
    } else {
        args.pid.iter().copied().map(Pid).collect()
    };
    let gone: Vec<&Pid> = pids.iter().filter(|pid| matches!(world.stat(**pid), Fact::Unknown(_))).collect();
    if !args.pid.is_empty() && !gone.is_empty() {
        for pid in gone {
            terminal.say(&format!("error: there is no process {pid}"));
        }
        return Exit::Failed;
    }
    let files = args.files.iter().map(|path| Arc::from(path.as_os_str().as_bytes())).collect();
    terminal.data(&write(&world, &pids, &WriteOptions { env_keys: args.env.clone(), files, redact: false }));
    Exit::Ok
}

/// Runs `schema`.
pub(super) fn schema(terminal: Terminal) -> Exit {
    terminal.json(&crate::spec::json_schema());
    Exit::Ok
}

/// Runs `completions`.
pub(super) fn completions(args: &CompletionsArgs, terminal: Terminal) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "selfsame", &mut script);
    terminal.data(&String::from_utf8_lossy(&script));
    Exit::Ok
}
