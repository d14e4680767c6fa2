//! Facts that stand in the memory of a process: read on a helper thread, with a deadline.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::entry::Entry;
use super::raw::{self, Form, Leaf};
use super::read::Failure;
use super::{LiveWorld, parse};
use crate::facts::{Arguments, Fact, Reason, Why};
use crate::process::world::Bytes;

/// Of arguments and environment, no more is read.
const TEXT_LIMIT: usize = 2 << 20;
/// `PATH_MAX`: a longer name can't be given to execve.
const NAME_LIMIT: usize = 4096;
/// The auxiliary vector has some twenty pairs.
const AUXV_LIMIT: usize = 4096;

impl LiveWorld {
    pub(super) fn read_arguments(&self, entry: &Entry) -> Fact<Arc<Arguments>> {
        if let Some(arguments) = self.arguments_ahead(entry) {
            return Fact::Known(Arc::new(arguments));
        }
        let hollow = |(bytes, _): &(Vec<u8>, bool)| bytes.is_empty();
        let read = |dir: &Arc<OwnedFd>, path: Leaf| self.text(entry, dir, path);
        let bytes = self.own(entry, "cmdline", hollow, read);
        bytes.map(|(bytes, more)| Arc::new(parse::parse_arguments(&bytes, more)))
    }

    /// Arguments that were read by pid, with those of the processes around it. They are the first fact of a process, like
    /// any that is read by pid: see [`LiveWorld::may_glimpse`].
    fn arguments_ahead(&self, entry: &Entry) -> Option<Arguments> {
        if !self.could_glimpse(entry) {
            return None;
        }
        let pids = &self.listed.get()?.pids;
        let at = pids.binary_search(&entry.pid).ok()?;
        let parse = |text: &[u8]| parse::parse_arguments(text, false);
        let mut ahead = self.ahead.borrow_mut();
        let found = ahead.take(at, pids, &self.proc, &self.ahead_readers, self.memory_deadline, parse)?;
        self.may_glimpse(entry).then_some(found)
    }

    /// Whether the process behind `dir` still has these arguments.
    pub(super) fn has_arguments(&self, dir: &OwnedFd, told: &Arguments) -> Result<bool, Errno> {
        let file = rustix::fs::openat(dir, c"cmdline", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let read = move || {
            let mut text = Vec::new();
            raw::read_all(file.as_fd(), Form::Stream, TEXT_LIMIT, &mut text).map(|_| text)
        };
        let text = self.readers.run(self.memory_deadline, read).unwrap_or(Err(Errno::TIMEDOUT))?;
        Ok(parse::parse_arguments(&text, false) == *told)
    }

    pub(super) fn read_environ(&self, entry: &Entry) -> Fact<Arc<[Bytes]>> {
        let hollow = |(bytes, _): &(Vec<u8>, bool)| bytes.is_empty();
        let read = |dir: &Arc<OwnedFd>, path: Leaf| self.text(entry, dir, path);
        match self.own(entry, "environ", hollow, read) {
            Fact::Known((_, true)) => {
                Fact::Unknown(Reason::new(Why::Truncated, format!("environ of {}", entry.pid)))
            }
            fact => fact.map(|(bytes, _)| parse::parse_environ(&bytes)),
        }
    }

    pub(super) fn read_execfn(&self, entry: &Entry) -> Fact<Bytes> {
        let read = |dir: &Arc<OwnedFd>, path: Leaf| {
            let dir = Arc::clone(dir);
            self.in_time(entry, move || execfn(&dir, &path))
        };
        // `own` puts `task/TID/` before the leaf, so the leaf is the file that leads to the others.
        self.own(entry, "auxv", Vec::is_empty, read).and_then(|name| {
            if name.is_empty() {
                return Fact::Absent;
            }
            match name.strip_suffix(b"\0") {
                Some(name) => Fact::Known(Arc::from(name)),
                None => Fact::Unknown(Reason::new(Why::Malformed, format!("execfn of {}", entry.pid))),
            }
        })
    }

    fn text(&self, entry: &Entry, dir: &Arc<OwnedFd>, path: Leaf) -> Result<(Vec<u8>, bool), Failure> {
        let dir = Arc::clone(dir);
        self.in_time(entry, move || {
            let mut bytes = Vec::new();
            let more = raw::read_at(dir.as_fd(), path.as_c_str(), Form::Stream, TEXT_LIMIT, &mut bytes)?;
            Ok((bytes, more))
        })
    }

    fn in_time<T: Send + 'static>(
        &self,
        entry: &Entry,
        work: impl FnOnce() -> Result<T, Errno> + Send + 'static,
    ) -> Result<T, Failure> {
        // One late read costs the whole deadline and a helper; the next one of this process would be late too.
        if entry.rest().memory_stuck.get().is_some() {
            return Err(Failure::Late);
        }
        let Some(answer) = self.readers.run(self.memory_deadline, work) else {
            entry.rest().memory_stuck.get_or_init(|| ());
            return Err(Failure::Late);
        };
        Ok(answer?)
    }
}

/// The name given to execve with its NUL, read from where `auxv` points to. Empty where there is none.
fn execfn(dir: &OwnedFd, auxv: &Leaf) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    raw::read_at(dir.as_fd(), auxv.as_c_str(), Form::Record, AUXV_LIMIT, &mut bytes)?;
    let Some(address) = parse::execfn_address(&bytes) else { return Ok(Vec::new()) };
    let memory = auxv.as_c_str().to_bytes().strip_suffix(b"auxv").unwrap_or_default();
    let memory = [memory, b"mem"].concat();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let memory = rustix::fs::openat(dir, memory.as_slice(), flags, Mode::empty())?;
    let mut name = vec![0; NAME_LIMIT];
    let got = rustix::io::pread(&memory, name.as_mut_slice(), address)?;
    name.truncate(got);
    // It stands at the end of the stack, so the read may be short; without a NUL it isn't what we think.
    let end = name.iter().position(|byte| *byte == 0).map_or(name.len(), |nul| nul + 1);
    name.truncate(end);
    Ok(name)
}
