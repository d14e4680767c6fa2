//! Facts that stand in the memory of a process: read on a helper thread, with a deadline.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::allowance::Behind;
use super::entry::{Entry, Hold};
use super::parse::Stage;
use super::raw::{self, Form, Leaf};
use super::read::Failure;
use super::{LiveWorld, RECORD_LIMIT, parse};
use crate::facts::{Arguments, Fact, MemoryUse, Reason, Why};
use crate::process::world::Bytes;
use crate::units::Pid;

/// Of arguments and environment, no more is read.
const TEXT_LIMIT: usize = 2 << 20;
/// `PATH_MAX`: a longer name can't be given to execve.
const NAME_LIMIT: usize = 4096;
/// So often a process in the midst of execve is asked: mostly it is through as soon as it gets a processor.
const GLANCES_AT_EXEC: u32 = 3;
/// The auxiliary vector has some twenty pairs.
const AUXV_LIMIT: usize = 4096;

impl LiveWorld {
    pub(super) fn read_arguments(&self, entry: &Entry) -> Fact<Arc<Arguments>> {
        if let Some(arguments) = self.arguments_ahead(entry) {
            return Fact::Known(Arc::new(arguments));
        }
        let hollow = |(bytes, _): &(Vec<u8>, bool)| bytes.is_empty();
        let read = |dir: &Arc<OwnedFd>, path: Leaf| self.text(entry, dir, path);
        let bytes = self.once_executed(entry, "cmdline", hollow, read);
        bytes.map(|(bytes, more)| Arc::new(parse::parse_arguments(&bytes, more)))
    }

    /// Arguments that were read by pid, with those of the processes around it. They are the first fact of a process, like
    /// any that is read by pid: see [`LiveWorld::may_glimpse`].
    fn arguments_ahead(&self, entry: &Entry) -> Option<Arguments> {
        if !self.could_glimpse(entry) {
            return None;
        }
        let found = self.text_ahead(entry.pid, |text| parse::parse_arguments(text, false))?;
        self.may_glimpse(entry).then_some(found)
    }

    /// Whether the arguments of a process that no descriptor is kept of are at hand: then they are what was glanced at last. They
    /// may be of another moment than what was told of it, which rules nothing out that a later look would find: who is
    /// left is asked again for both.
    pub(super) fn glance(&self, pid: Pid) -> bool {
        let entry = self.entry(pid);
        let by_pid = matches!(*entry.hold.borrow(), Hold::Fresh | Hold::Glimpsed);
        if !by_pid || entry.arguments.get().is_some() {
            return false;
        }
        let mut glanced = self.glanced.borrow_mut();
        if glanced.0 == Some(pid) {
            return true;
        }
        glanced.1.clear();
        let found = self.text_ahead(pid, |text| glanced.1.extend_from_slice(text)).is_some();
        glanced.0 = found.then_some(pid);
        found
    }

    /// What was glanced at is the first fact of a process, for who doesn't ask twice. False: it was glanced at, and has to be asked again.
    pub(super) fn keep_glanced(&self, pid: Pid) -> bool {
        let (entry, glanced) = (self.entry(pid), self.glanced.borrow());
        if glanced.0 != Some(pid) {
            return true;
        }
        let kept = self.only_shown && entry.arguments.get().is_none() && self.may_glimpse(&entry);
        if kept {
            entry.arguments.get_or_init(|| Fact::Known(Arc::new(parse::parse_arguments(&glanced.1, false))));
        }
        kept
    }

    /// Gives `use_text` what a window has of a process whose neighbour in the listing was asked for before it.
    pub(super) fn text_ahead<T>(&self, pid: Pid, use_text: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let listed = self.listed.get()?;
        let (at, pids) = (listed.place(pid)?, &listed.pids);
        let deadline = self.memory_deadline.min(self.budget_left().ok()?);
        let mut ahead = self.ahead.borrow_mut();
        let found = ahead.take(at, pids, &self.proc, &self.ahead_readers, deadline, use_text);
        self.spend(std::mem::take(&mut ahead.waited));
        if found.is_some() {
            self.note_read("cmdline");
        }
        found
    }

    /// Whether the process behind `dir` still has these arguments.
    pub(super) fn has_arguments(&self, dir: &OwnedFd, told: &Arguments) -> Result<bool, Errno> {
        let file = rustix::fs::openat(dir, c"cmdline", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let read = move || {
            let mut text = Vec::new();
            raw::read_all(file.as_fd(), Form::Stream, TEXT_LIMIT, &mut text).map(|_| text)
        };
        let begun = Instant::now();
        let text = self.readers.run(self.memory_deadline, read);
        self.spend(begun.elapsed());
        let text = text.unwrap_or(Err(Errno::TIMEDOUT))?;
        Ok(parse::are_arguments(&text, told))
    }

    /// As [`LiveWorld::own`], of what stands in the memory that execve makes. In the midst of it there is nothing, which doesn't mean that there
    /// will be none: a moment later it may be there, and until then it isn't known.
    fn once_executed<T>(
        &self,
        entry: &Entry,
        leaf: &str,
        hollow: impl Fn(&T) -> bool,
        read: impl Fn(&Arc<OwnedFd>, Leaf) -> Result<T, Failure>,
    ) -> Fact<T> {
        let ask = || self.own(entry, leaf, &hollow, &read);
        for _ in 0..GLANCES_AT_EXEC {
            let fact = ask();
            if !matches!(&fact, Fact::Known(value) if hollow(value)) {
                return fact;
            }
            match self.stage(entry) {
                // It may have come to that since.
                Fact::Known(Stage::Whole) => return ask(),
                Fact::Known(Stage::Untold) => return fact,
                Fact::Known(Stage::Executing) => std::thread::yield_now(),
                Fact::Absent => return Fact::Absent,
                Fact::Unknown(reason) => return Fact::Unknown(reason),
            }
        }
        let detail = format!("{leaf} of {}: it is just being executed", entry.pid);
        Fact::Unknown(Reason::new(Why::Timeout, detail))
    }

    /// Of a thread that has memory, as what is read of it is.
    fn stage(&self, entry: &Entry) -> Fact<Stage> {
        let read = |dir: &Arc<OwnedFd>, path: Leaf| {
            let stage = |bytes: &[u8]| parse::parse_brief(bytes).map(|brief| brief.stage());
            let read = self.slurp(dir.as_fd(), path.as_c_str(), Form::Record, RECORD_LIMIT, stage)?;
            Ok(read.ok_or(Errno::IO)?)
        };
        self.own(entry, "stat", |stage| *stage == Stage::Executing, read)
    }

    /// The environment as far as it is read, and whether there is more.
    pub(super) fn read_environ(&self, entry: &Entry) -> Fact<(Arc<[Bytes]>, bool)> {
        let hollow = |(bytes, _): &(Vec<u8>, bool)| bytes.is_empty();
        let read = |dir: &Arc<OwnedFd>, path: Leaf| self.text(entry, dir, path);
        self.once_executed(entry, "environ", hollow, read).map(|(bytes, more)| {
            // The last entry of a beginning may be cut.
            let whole =
                if more { bytes.rsplitn(2, |byte| *byte == 0).nth(1) } else { Some(bytes.as_slice()) };
            (parse::parse_environ(whole.unwrap_or_default()), more)
        })
    }

    pub(super) fn read_execfn(&self, entry: &Entry) -> Fact<Bytes> {
        let read = |dir: &Arc<OwnedFd>, path: Leaf| {
            let own = Arc::clone(dir);
            self.within(entry, dir, Behind::Memory, move || execfn(&own, &path))
        };
        // `own` puts `task/TID/` before the leaf, so the leaf is the file that leads to the others.
        self.once_executed(entry, "auxv", Vec::is_empty, read).and_then(|name| {
            if name.is_empty() {
                return Fact::Absent;
            }
            self.note_read("mem");
            match name.strip_suffix(b"\0") {
                Some(name) => Fact::Known(Arc::from(name)),
                None => Fact::Unknown(Reason::new(Why::Malformed, format!("execfn of {}", entry.pid))),
            }
        })
    }

    pub(super) fn read_memory_use(&self, entry: &Entry) -> Fact<MemoryUse> {
        let read = |dir: &Arc<OwnedFd>, path: Leaf| {
            let own = Arc::clone(dir);
            self.within(entry, dir, Behind::Memory, move || {
                let mut bytes = Vec::new();
                raw::read_at(own.as_fd(), path.as_c_str(), Form::Record, RECORD_LIMIT, &mut bytes)?;
                Ok(bytes)
            })
        };
        let bytes = self.own(entry, "smaps_rollup", Vec::is_empty, read);
        bytes.and_then(|bytes| match parse::parse_smaps_rollup(&bytes) {
            Some(memory) => Fact::Known(memory),
            None => Fact::Unknown(Reason::new(Why::Malformed, format!("smaps_rollup of {}", entry.pid))),
        })
    }

    fn text(&self, entry: &Entry, dir: &Arc<OwnedFd>, path: Leaf) -> Result<(Vec<u8>, bool), Failure> {
        let own = Arc::clone(dir);
        self.within(entry, dir, Behind::Memory, move || {
            let mut bytes = Vec::new();
            let more = raw::read_at(own.as_fd(), path.as_c_str(), Form::Stream, TEXT_LIMIT, &mut bytes)?;
            Ok((bytes, more))
        })
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
