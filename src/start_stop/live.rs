//! The facts of criteria, answered by this host, and the looks themselves.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use super::criteria::{Criteria, Executable, Facts};
use crate::facts::Fact;
use crate::host::proc::Glance;
use crate::host::real_path;
use crate::process::identity::Ternary;
use crate::process::world::Bytes;
use crate::units::{Pid, Uid};

/// Fewer processes are asked sooner than a thread is made: it takes as long as fifty of them.
const SHARED: usize = 1024;
/// Room of the second thread, which formats a reason at most.
const STACK: usize = 128 << 10;

/// This host, and the file of `--exec` by the name that it has with all links followed, once that is needed.
#[derive(Debug)]
pub struct Live {
    /// Raw answers.
    pub glance: Arc<Glance>,
    real: OnceCell<Vec<u8>>,
}

impl Live {
    /// Asks through this.
    pub fn new(glance: Glance) -> Self {
        Self { glance: Arc::new(glance), real: OnceCell::new() }
    }

    /// Those of these processes of which the criteria hold or can't be told. Two threads share a long list: such a look is all
    /// system calls, and few of them wait for one another.
    pub fn all(&self, criteria: &Criteria, pids: &[Pid]) -> Vec<(Pid, Ternary)> {
        let halves = (pids.len() >= SHARED).then(|| pids.split_at(pids.len() / 2));
        let Some((mine, theirs)) = halves else { return self.some(criteria, pids) };
        std::thread::scope(|scope| {
            let glance = Arc::clone(&self.glance);
            let other = move || Self { glance, real: OnceCell::new() }.some(criteria, theirs);
            let other = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, other);
            let mut found = self.some(criteria, mine);
            // Without a second thread, or where it broke off, it is asked here.
            let rest = other.ok().and_then(|other| other.join().ok());
            found.extend(rest.unwrap_or_else(|| self.some(criteria, theirs)));
            found
        })
    }

    fn some(&self, criteria: &Criteria, pids: &[Pid]) -> Vec<(Pid, Ternary)> {
        let answers = pids.iter().map(|pid| (*pid, criteria.holds(self, *pid)));
        answers.filter(|(_, answer)| *answer != Ternary::False).collect()
    }

    fn real(&self, path: &[u8]) -> &[u8] {
        self.real.get_or_init(|| {
            let real = real_path(Path::new(OsStr::from_bytes(path)));
            real.map_or_else(|| path.to_vec(), |real| real.into_os_string().as_bytes().to_vec())
        })
    }
}

impl Facts for Live {
    fn owner(&self, pid: Pid) -> Fact<Uid> {
        self.glance.owner(pid).map(|(uid, _)| uid)
    }

    /// One stat in nearly all cases. The name of the image is asked for only where it has none any more.
    fn executes(&self, pid: Pid, file: &Executable) -> Fact<bool> {
        match self.glance.image(pid) {
            Fact::Known(image) if image.identity == file.identity => Fact::Known(true),
            Fact::Known(image) if image.named => Fact::Known(false),
            Fact::Known(_) => self.glance.was_called(pid, self.real(&file.path)),
            Fact::Absent => Fact::Known(false),
            Fact::Unknown(reason) => Fact::Unknown(reason),
        }
    }

    fn parent(&self, pid: Pid) -> Fact<Pid> {
        self.glance.stat(pid).map(|stat| stat.ppid)
    }

    fn comm(&self, pid: Pid) -> Fact<Bytes> {
        self.glance.comm(pid)
    }

    fn alive(&self, pid: Pid) -> Fact<bool> {
        self.glance.alive(pid)
    }
}
