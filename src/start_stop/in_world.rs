//! The facts of criteria, answered by any world: a live look, a snapshot.

use super::criteria::{Executable, Facts};
use crate::facts::Fact;
use crate::process::exe::{self, Wanted};
use crate::process::tree;
use crate::process::world::{Bytes, World};
use crate::units::{Pid, Uid};

/// One look.
#[derive(Clone, Copy)]
pub struct InWorld<'w>(pub &'w dyn World);

impl std::fmt::Debug for InWorld<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InWorld")
    }
}

impl InWorld<'_> {
    /// Where a snapshot states fields one by one, a record has no say of a field that it lacks.
    fn field<T>(&self, pid: Pid, name: &str, read: impl FnOnce() -> Fact<T>) -> Fact<T> {
        match self.0.gap(pid, name) {
            None | Some(Fact::Known(())) => read(),
            Some(Fact::Absent) => Fact::Absent,
            Some(Fact::Unknown(reason)) => Fact::Unknown(reason),
        }
    }
}

impl Facts for InWorld<'_> {
    fn owner(&self, pid: Pid) -> Fact<Uid> {
        self.field(pid, "user", || self.0.owner(pid).map(|(uid, _)| uid))
    }

    fn executes(&self, pid: Pid, file: &Executable) -> Fact<bool> {
        self.field(pid, "exe", || exe::equal(self.0, pid, &Wanted::path(self.0, &file.path)).holds)
    }

    fn parent(&self, pid: Pid) -> Fact<Pid> {
        self.field(pid, "ppid", || tree::parent(self.0, pid))
    }

    fn comm(&self, pid: Pid) -> Fact<Bytes> {
        self.field(pid, "comm", || self.0.comm(pid))
    }

    fn alive(&self, pid: Pid) -> Fact<bool> {
        match self.0.gap(pid, "alive") {
            Some(Fact::Unknown(reason)) => Fact::Unknown(reason),
            None | Some(Fact::Known(()) | Fact::Absent) => tree::is_alive(self.0, pid),
        }
    }
}
