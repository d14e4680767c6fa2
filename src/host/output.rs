//! Looking after the files that services write to. Theory of operation:
//!
//! A service writes to its file itself, so that nothing is lost or stands still when selfsame does. A thread besides the
//! loop keeps these files below their limits: it takes the head off a file that is too large (`cut`), in a way that no byte
//! is lost or doubled, removes and compresses pieces, and passes on what is meant for the system's log (`syslog`).
//!
//! ```text
//! the loop --which files, each complete look--> keeper --troubles--> the next observation
//! inotify, once a file ----the first write----> |
//!                                               v
//!              written to?  look again soon, the sooner the faster it grows
//!              no?          ask inotify for the next write, and sleep
//! ```
//!
//! So nobody wakes up while nothing is written, a writer pays for one notification in a while, and a file passes its limit
//! by no more than what is written in between (50 ms for the fastest, 2 s for slow ones).

pub mod ability;
pub mod compress;
pub mod cut;
pub mod journal;
mod keeper;
mod marks;
mod moved;
pub mod open;
pub mod pieces;
pub mod read;
mod syslog;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use self::keeper::Keeper;
use super::state_dir::Dirs;
use crate::plan::observation::OutputTrouble;
use crate::plan::output::Kept;
use crate::spec::ServiceName;

/// The thread that looks after files of output. It ends, in the middle of whatever it does, with the process.
#[derive(Debug)]
pub struct Outputs {
    shared: Option<Arc<Shared>>,
}

/// What the thread and the loop have in common.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    poke: OwnedFd,
}

#[derive(Debug, Default)]
struct State {
    orders: Vec<Order>,
    troubles: BTreeMap<ServiceName, Vec<OutputTrouble>>,
    end: bool,
}

/// Which files are looked after.
#[derive(Debug)]
enum Order {
    /// These and no others; and all of them are looked at.
    All(BTreeMap<PathBuf, Kept>),
    /// Those that are known are looked at, all of them.
    Look,
    /// These as well.
    Also(BTreeMap<PathBuf, Kept>),
}

impl Outputs {
    /// Begins, with no files yet. Where no thread can be had, files are left as they are.
    pub fn new(dirs: &Dirs) -> Self {
        Self::with_log(dirs, Path::new("/dev/log"))
    }

    fn with_log(dirs: &Dirs, log: &Path) -> Self {
        let shared = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map(|poke| Arc::new(Shared { state: Mutex::default(), poke }));
        let shared = shared.ok().filter(|shared| {
            let (theirs, dir, log) = (Arc::clone(shared), dirs.outputs(), log.to_owned());
            // The encoder of pieces is built on the stack. What isn't used of it costs nothing.
            let thread = std::thread::Builder::new().name("output".into()).stack_size(2 << 20);
            thread.spawn(move || Keeper::new(theirs, dir, &log).run()).is_ok()
        });
        Self { shared }
    }

    /// Looks after these files and no others, and at all of them soon.
    pub fn keep(&self, files: BTreeMap<PathBuf, Kept>) {
        self.order(Order::All(files));
    }

    /// Looks at all files soon that it looks after.
    pub fn look(&self) {
        self.order(Order::Look);
    }

    /// Looks after these files as well.
    pub fn keep_also(&self, files: BTreeMap<PathBuf, Kept>) {
        self.order(Order::Also(files));
    }

    /// What is wrong with the files of an object.
    pub fn troubles(&self, name: &ServiceName) -> Vec<OutputTrouble> {
        self.shared.as_ref().and_then(|shared| shared.lock().troubles.get(name).cloned()).unwrap_or_default()
    }

    fn order(&self, order: Order) {
        let Some(shared) = &self.shared else { return };
        let mut state = shared.lock();
        let first = state.orders.is_empty();
        state.orders.push(order);
        drop(state);
        // It takes them together after a while: a thousand starts wake it once.
        if first {
            shared.wake();
        }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.lock().end = true;
            shared.wake();
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        let _ = rustix::io::write(&self.poke, &1u64.to_ne_bytes());
    }
}
