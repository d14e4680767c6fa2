//! The children of this process, without a look at all processes.

use std::collections::BTreeSet;

use super::raw::{self, Form, Leaf};
use super::{LiveWorld, RECORD_LIMIT};
use crate::units::Pid;

impl LiveWorld {
    /// Our children, whichever of our threads made them: `/proc/self/task/TID/children` (`proc_pid_task_children(5)`). Read once
    /// in a look.
    pub fn own_children(&self) -> &BTreeSet<Pid> {
        self.children.get_or_init(|| {
            let mut threads = Vec::new();
            // Of a list that breaks off what it named is true.
            let _ = raw::list_at(self.proc(), c"self/task", |name, _| threads.extend(raw::numeric(name)));
            let (mut children, mut text) = (BTreeSet::new(), Vec::new());
            for thread in threads {
                let path = Leaf::new(format_args!("self/task/{thread}/children"));
                if raw::read_at(self.proc(), path.as_c_str(), Form::Stream, RECORD_LIMIT, &mut text).is_ok() {
                    let words = text.split(u8::is_ascii_whitespace);
                    children.extend(words.filter_map(raw::numeric).filter(|pid| *pid > 0).map(Pid));
                }
            }
            children
        })
    }
}
