//! The children and threads of this process, without a look at all processes.

use std::collections::BTreeSet;

use super::raw::{self, Form, Leaf};
use super::{LiveWorld, RECORD_LIMIT};
use crate::units::Pid;

impl LiveWorld {
    /// The children of our first thread, which orphans come to (`find_new_reaper`, kernel/exit.c), and of this one, which starts
    /// services: `/proc/self/task/TID/children` (`proc_pid_task_children(5)`). Those of other threads are helpers of a moment.
    /// Read once in a look.
    pub fn own_children(&self) -> &BTreeSet<Pid> {
        self.children.get_or_init(|| {
            let this = Pid(rustix::thread::gettid().as_raw_nonzero().get());
            let threads = [Some(self.me), Some(this).filter(|this| *this != self.me)];
            let (mut children, mut text) = (BTreeSet::new(), Vec::new());
            for thread in threads.into_iter().flatten() {
                let path = Leaf::new(format_args!("self/task/{thread}/children"));
                if raw::read_at(self.proc(), path.as_c_str(), Form::Stream, RECORD_LIMIT, &mut text).is_ok() {
                    let words = text.split(u8::is_ascii_whitespace);
                    children.extend(words.filter_map(raw::numeric).filter(|pid| *pid > 0).map(Pid));
                }
            }
            children
        })
    }

    /// Whether this number is that of a thread of this process, and so no other process's.
    pub fn is_own_thread(&self, pid: Pid) -> bool {
        raw::stat_at(self.proc(), Leaf::new(format_args!("self/task/{pid}")).as_c_str()).is_ok()
    }
}
