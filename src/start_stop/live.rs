//! The facts of criteria, answered by this host, and the looks themselves.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::criteria::{Executable, Facts};
use crate::facts::Fact;
use crate::host::proc::Glance;
use crate::host::real_path;
use crate::process::world::Bytes;
use crate::units::{Pid, Uid};

/// This host, and the file of `--exec` by the name that it has with all links followed, once that is needed.
#[derive(Debug)]
pub struct Live {
    /// Raw answers.
    pub glance: Glance,
    real: OnceCell<Vec<u8>>,
}

impl Live {
    /// Asks through this.
    pub fn new(glance: Glance) -> Self {
        Self { glance, real: OnceCell::new() }
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
