//! Where a watch says what it does. That may be a pipe or a terminal from which nobody reads for a while: Ctrl-S, a pager, a log
//! driver that hangs. It isn't waited for: what isn't taken is left out, and it is said how much that was. A reader who is only slow,
//! as when a thousand services are started at once, is given a moment.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A pipe that can be written takes as much at once.
const PIECE: usize = 4096;
/// So long a reader is waited for, and not again before he has read.
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
const NO_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Standard output and standard error of this process.
#[derive(Debug)]
pub struct Outlets {
    out: Outlet,
    err: Outlet,
    left_out: u64,
}

impl Outlets {
    /// Those that the process was given.
    ///
    /// # Errors
    /// The kernel gives no further descriptor.
    pub fn of_this_process() -> io::Result<Self> {
        let (out, err) = (Outlet::new(io::stdout().as_fd())?, Outlet::new(io::stderr().as_fd())?);
        Ok(Self { out, err, left_out: 0 })
    }

    /// Writes whole lines to standard output.
    ///
    /// # Errors
    /// What the kernel answered, other than that it would have to wait.
    pub fn out(&mut self, lines: &str) -> io::Result<()> {
        self.say_left_out();
        let taken = self.out.write(lines.as_bytes())?;
        self.left_out += u64::from(!taken);
        Ok(())
    }

    /// Writes whole lines to standard error.
    ///
    /// # Errors
    /// As [`Outlets::out`].
    pub fn err(&mut self, lines: &str) -> io::Result<()> {
        self.say_left_out();
        let taken = self.err.write(lines.as_bytes())?;
        self.left_out += u64::from(!taken);
        Ok(())
    }

    fn say_left_out(&mut self) {
        if self.left_out == 0 {
            return;
        }
        let said = format!(
            "warning: nobody read {} messages, they are left out; `selfsame events` has what happened\n",
            self.left_out
        );
        if self.err.write(said.as_bytes()).is_ok_and(|taken| taken) {
            self.left_out = 0;
        }
    }
}

#[derive(Debug)]
struct Outlet {
    file: File,
    /// The beginning of a line was taken, and no more.
    torn: bool,
    /// He who reads was waited for, and didn't.
    stuck: bool,
}

impl Outlet {
    fn new(stream: BorrowedFd<'_>) -> io::Result<Self> {
        let file = match own_terminal(stream) {
            Some(file) => file,
            None => File::from(stream.try_clone_to_owned()?),
        };
        Ok(Self { file, torn: false, stuck: false })
    }

    /// Whether all of it was taken.
    fn write(&mut self, text: &[u8]) -> io::Result<bool> {
        if self.torn {
            if !self.pass(b"\n")?.is_empty() {
                return Ok(false);
            }
            self.torn = false;
        }
        let rest = self.pass(text)?;
        self.torn = !rest.is_empty() && rest.len() < text.len();
        Ok(rest.is_empty())
    }

    /// What wasn't taken.
    fn pass<'t>(&mut self, text: &'t [u8]) -> io::Result<&'t [u8]> {
        let mut rest = text;
        while !rest.is_empty() {
            self.stuck = !self.takes();
            if self.stuck {
                break;
            }
            match self.file.write(rest.get(..PIECE).unwrap_or(rest)) {
                Ok(0) => break,
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rest)
    }

    /// Whether a write would be answered at once, be it by an error. An interrupted wait is over.
    fn takes(&self) -> bool {
        let mut fds = [PollFd::new(&self.file, PollFlags::OUT)];
        let wait = if self.stuck { NO_TIME } else { MOMENT };
        poll(&mut fds, Some(&wait)).is_ok_and(|ready| ready > 0)
    }
}

/// The terminal, opened anew, so that our writes don't wait: it can be written from the first byte of room on, and a mode of the
/// descriptor that we were given would be one of the shell's as well.
fn own_terminal(stream: BorrowedFd<'_>) -> Option<File> {
    if !stream.is_terminal() {
        return None;
    }
    let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
    File::options().write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).ok()
}
