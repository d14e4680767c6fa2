//! What speaks for and against a process beside the criteria: pid files that can't be trusted, numbers that were given out again,
//! and what an ordinary user isn't shown.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::Finder;
use crate::facts::{Fact, Reason, Why};
use crate::host::clock;
use crate::host::errno::io_text;
use crate::host::pidfile::{self, Content};
use crate::host::proc::LiveWorld;
use crate::process::chain::Surroundings;
use crate::process::runs::{self, runs};
use crate::process::world::World as _;
use crate::start_stop::criteria::Exec;
use crate::start_stop::fault::Fault;
use crate::start_stop::options::Action;
use crate::start_stop::texts::show;
use crate::units::Pid;

/// The pid file that takes whoever uses it past every check.
const NOWHERE: &[u8] = b"/dev/null";
/// Others may write.
const WRITABLE: u32 = 0o002;
/// How much later than a pid file its process may seem to begin, in nanoseconds: clocks of file systems are coarse.
const SLACK: i128 = 1_500_000_000;
/// `comm` holds so many bytes; longer names are cut.
const COMM_MAX: usize = 15;

impl Finder<'_> {
    /// Reads the pid file, if that wasn't done before. `None`: there is none.
    pub(super) fn content(&self, path: &[u8]) -> Result<Option<&Content>, Fault> {
        if let Some(content) = self.content.get() {
            return Ok(content.as_ref());
        }
        let read = match pidfile::read(Path::new(OsStr::from_bytes(path))) {
            Ok(content) => Some(content),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // It may come to be while a schedule runs.
                return Ok(None);
            }
            Err(error) => {
                let text = format!("unable to open pidfile {} ({})", show(path), io_text(&error));
                return Err(Fault::Trouble(text));
            }
        };
        if let Some(content) = &read {
            self.trust(path, content)?;
        }
        Ok(self.content.get_or_init(|| read).as_ref())
    }

    /// Who can write the number can have any process taken for the program.
    fn trust(&self, path: &[u8], content: &Content) -> Result<(), Fault> {
        if path == NOWHERE {
            return Ok(());
        }
        let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let strange = ![0, uid].contains(&content.uid) || ![0, gid].contains(&content.gid);
        let insecure =
            |what: &str| Err(Fault::Trouble(format!("matching {what} pidfile {} is insecure", show(path))));
        if self.command.target.only_pidfile() && strange {
            return insecure("only on non-root");
        }
        if content.mode & WRITABLE != 0 {
            return insecure("on world-writable");
        }
        Ok(())
    }

    /// Where zombies count, nothing else may ask whether there is such a process. The oracle doesn't ask for `--stop`.
    pub(super) fn is_nobody(&self, pid: Pid) -> bool {
        self.criteria.zombies
            && self.command.action != Action::Stop
            && self.live.glance.owner(pid) == Fact::Absent
            && !self.is_there_unseen(pid)
    }

    /// The image of another user's process can't be seen without privilege. execve gave it the name of the program, though: with
    /// another name it is another program. (The oracle takes it for another one in any case.)
    pub(super) fn may_be(&self, pid: Pid, why: &[Reason]) -> bool {
        if why.iter().any(|reason| reason.why == Why::Vanished) {
            return false;
        }
        let Some(Exec::Image(file)) = &self.criteria.exec else { return true };
        if self.command.is_strict() {
            return false;
        }
        let name = file.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let cut = name.get(..name.len().min(COMM_MAX)).unwrap_or_default();
        match self.live.glance.comm(pid) {
            Fact::Known(comm) if comm.as_ref() != cut => false,
            // Threads of the kernel have names of programs too (`nfsd`), and execute none.
            Fact::Known(_) => !self.live.glance.stat(pid).known().is_some_and(|stat| stat.is_kernel_thread()),
            Fact::Absent => false,
            Fact::Unknown(_) => true,
        }
    }

    /// `/proc` doesn't show it, and it is there: the mount hides the processes of others.
    pub(super) fn is_hidden(&self, pid: Pid) -> bool {
        !self.command.is_strict() && self.is_there_unseen(pid)
    }

    fn is_there_unseen(&self, pid: Pid) -> bool {
        !rustix::process::geteuid().is_root()
            && self.live.glance.owner(pid) == Fact::Absent
            && rustix::process::Pid::from_raw(pid.0)
                .is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::PERM))
    }

    /// Only the pid file says that it is this process, and the process began after that was written: the number was
    /// given out again. The clock may have been set meanwhile, so that a process that executes the program of
    /// `--startas` is believed all the same.
    pub(super) fn is_recycled(&self, pid: Pid) -> Result<bool, Fault> {
        let target = &self.command.target;
        let Some(path) = target.pidfile.filter(|path| *path != NOWHERE) else { return Ok(false) };
        if target.says_what_it_is() || self.command.is_strict() {
            return Ok(false);
        }
        let (Some(content), Fact::Known(stat)) = (self.content(path)?, self.live.glance.stat(pid)) else {
            return Ok(false);
        };
        if clock::began(stat.start) <= content.mtime + SLACK || self.runs_program(pid) {
            return Ok(false);
        }
        if !self.warned.replace(true) {
            self.voice.warn(&format!(
                "process {pid} began after pidfile '{}' was written: it is another one, and left alone (--exec, \
                 --name or --match would say which one is meant)",
                show(path)
            ));
        }
        Ok(true)
    }

    fn runs_program(&self, pid: Pid) -> bool {
        let program = self.command.start.program;
        if program.is_empty() {
            return false;
        }
        let own = pidfile::identity(program).ok();
        if own.is_some() && self.live.glance.image(pid).known().map(|image| image.identity) == own {
            return true;
        }
        LiveWorld::new().is_ok_and(|world| {
            let target = runs::Target::new(&world, program, &Surroundings::default());
            !matches!(runs(&world, pid, &target).holds, Fact::Known(false) | Fact::Absent)
        })
    }

    /// A listing of an ordinary user that doesn't show the processes that are asked for.
    pub(super) fn listing_is_short(&self) -> bool {
        let own = rustix::process::geteuid();
        let asks_for_own = self.criteria.user.as_ref().is_some_and(|(uid, _)| uid.0 == own.as_raw());
        !own.is_root()
            && !asks_for_own
            && !self.command.is_strict()
            && LiveWorld::new().is_ok_and(|world| matches!(world.pids(), Fact::Unknown(_)))
    }
}
