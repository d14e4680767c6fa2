//! What a process is known again by, in as few system calls as there are, for whoever looks at everybody every few seconds.
//!
//! ```text
//!  has it run at all? open read close 412/schedstat
//!  its pulse:         open read close 412/stat, stat 412
//!  its likeness:      the same, stat 412/exe, and the arguments out of a window read ahead
//! ```
//!
//! All of it is read by pid and nothing is kept as a fact of the look, so no descriptor is needed that holds the parts together:
//! they are only compared with those of another look. Where the pid went over to another process between two of them, or
//! it called exec, some part is otherwise in the next look, if not in this one: start and image are among them. Whatever isn't
//! an ordinary process with ordinary answers is asked the long way ([`Likeness::of`]).

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use rustix::io::Errno;

use super::raw::{self, Form, Leaf};
use super::{LiveWorld, RECORD_LIMIT, parse};
use crate::facts::{Fact, Why};
use crate::process::likeness::{Image, Likeness, Pulse, digest, digest_of};
use crate::process::world::{Bytes, World as _};
use crate::units::{Gid, Pid, StartTicks, Uid};

/// What `stat` says of a process that hasn't ended.
struct Told {
    start: StartTicks,
    comm: Bytes,
    kernel_thread: bool,
    layout: Option<u64>,
}

/// The process is no more.
struct Gone;

impl LiveWorld {
    /// `None`: it has to be asked the long way.
    pub(super) fn quick_likeness(&self, pid: Pid, arguments: bool) -> Option<Likeness> {
        let told = self.quick_stat(pid)?;
        let (owner, layout) = (Some(self.quick_owner(pid)?), told.layout);
        let stat = Some((told.start, told.comm, false));
        if told.kernel_thread {
            return Some(Likeness { owner, image: Image::None, stat, arguments: None, layout });
        }
        let image = self.quick_image(pid)?;
        let arguments = if arguments { self.quick_arguments(pid).ok()? } else { None };
        Some(Likeness { owner, image, stat, arguments, layout })
    }

    pub(super) fn read_pulse(&self, pid: Pid) -> Option<Pulse> {
        let Told { start, comm, kernel_thread, layout } = self.quick_stat(pid)?;
        if layout.is_none() && !kernel_thread {
            return None;
        }
        Some(Pulse { owner: self.quick_owner(pid)?, start, comm, layout })
    }

    /// `/proc/PID/schedstat` (`Documentation/scheduler/sched-stats.rst`), which costs half of `stat`. Its file is there for every
    /// process; a kernel that doesn't count writes zeros.
    pub(super) fn read_has_run(&self, pid: Pid) -> Option<u64> {
        self.note_read("schedstat");
        let path = Leaf::of(pid, "schedstat");
        let read = |text: &[u8]| (!text.starts_with(b"0 ")).then(|| digest(text));
        self.slurp(self.proc(), path.as_c_str(), Form::Record, RECORD_LIMIT, read).ok()?
    }

    fn quick_stat(&self, pid: Pid) -> Option<Told> {
        self.note_read("stat");
        let read = |text: &[u8]| {
            let brief = parse::parse_brief(text).filter(|brief| !brief.state.is_over())?;
            Some(Told {
                start: brief.start,
                comm: Arc::from(brief.comm),
                kernel_thread: brief.is_kernel_thread(),
                layout: brief.layout().map(|fields| of_fields(&fields)),
            })
        };
        let path = Leaf::of(pid, "stat");
        self.slurp(self.proc(), path.as_c_str(), Form::Record, RECORD_LIMIT, read).ok()?
    }

    fn quick_owner(&self, pid: Pid) -> Option<(Uid, Gid)> {
        self.note_read("");
        let stat = raw::stat_at(self.proc(), Leaf::of(pid, "").as_c_str()).ok()?;
        Some((Uid(stat.st_uid), Gid(stat.st_gid)))
    }

    fn quick_image(&self, pid: Pid) -> Option<Image> {
        self.note_read("exe");
        match raw::stat_at(self.proc(), Leaf::of(pid, "exe").as_c_str()) {
            Ok(file) => Some(Image::File(file.st_dev, file.st_ino, file.st_nlink > 0)),
            Err(Errno::ACCESS) => Some(Image::Unknown),
            Err(_) => None,
        }
    }

    /// Out of a window, or as the facts of the look are read: such a read may never end. `None` if
    /// they can't be told.
    fn quick_arguments(&self, pid: Pid) -> Result<Option<u64>, Gone> {
        if let Some(digest) = self.text_ahead(pid, digest) {
            return Ok(Some(digest));
        }
        match self.arguments(pid) {
            Fact::Known(arguments) => Ok(Some(digest_of(&arguments))),
            Fact::Unknown(reason) if reason.why == Why::Vanished => Err(Gone),
            Fact::Absent | Fact::Unknown(_) => Ok(None),
        }
    }
}

fn of_fields(fields: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for field in fields {
        hasher.write(field);
        hasher.write(b" ");
    }
    hasher.finish()
}
