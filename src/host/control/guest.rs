//! One connection: what has come, what waits to be read, and how long it may take.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::epoll::EventFlags;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::pace::{CALL_TIME, READ_TIME, STALL, call_max};
use super::{Lines, Peer, Rights, TooLong};
use crate::units::BootTime;

/// So much is read at a time: the others come first then.
const PIECE: usize = 16 << 10;

/// What a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    /// A call may come.
    Listens,
    /// Its call is with the engine.
    Asked,
    /// It is told of changes; a call ends that.
    Follows,
}

/// An answer that is being read.
#[derive(Clone, Copy, Debug)]
struct Reading {
    since: BootTime,
    /// The last time that something was taken.
    moved: BootTime,
}

#[derive(Debug)]
pub(super) struct Guest {
    pub(super) socket: OwnedFd,
    pub(super) peer: Peer,
    pub(super) rights: Rights,
    pub(super) doing: Doing,
    /// The engine's last business with it, or its arrival.
    pub(super) since: BootTime,
    /// What the epoll waits for.
    pub(super) armed: EventFlags,
    /// Its user made calls too often; the next one is looked at then.
    pub(super) paused: Option<BootTime>,
    lines: Lines,
    /// When the call began that hasn't come to its end.
    begun: Option<BootTime>,
    unread: VecDeque<Arc<[u8]>>,
    /// So much of the first of them was taken.
    taken: usize,
    reading: Option<Reading>,
    /// Nothing more comes from it.
    over: bool,
    /// It is closed when everything is read.
    ends: bool,
}

/// What becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Stays,
    Goes,
}

impl Guest {
    pub(super) fn new(socket: OwnedFd, peer: Peer, rights: Rights, now: BootTime) -> Self {
        Self {
            socket,
            peer,
            rights,
            doing: Doing::Listens,
            since: now,
            armed: EventFlags::empty(),
            paused: None,
            lines: Lines::default(),
            begun: None,
            unread: VecDeque::new(),
            taken: 0,
            reading: None,
            over: false,
            ends: false,
        }
    }

    /// Takes in what came.
    pub(super) fn hear(&mut self, now: BootTime) -> Fate {
        let mut piece = [0u8; PIECE];
        match recv(&self.socket, &mut piece, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => self.over = true,
            Ok((_, length)) => {
                self.lines.push(piece.get(..length).unwrap_or_default());
                self.begun = self.begun.or(Some(now));
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(_) => return Fate::Goes,
        }
        Fate::Stays
    }

    /// The next call, if one has come and may be answered now.
    pub(super) fn next_line(&mut self, now: BootTime) -> Result<Option<Vec<u8>>, TooLong> {
        if self.doing == Doing::Asked || self.ends || !self.unread.is_empty() {
            return Ok(None);
        }
        let line = self.lines.next(call_max(self.rights))?;
        if line.is_some() {
            // What came behind it is another call.
            self.begun = (!self.lines.is_empty()).then_some(now);
        }
        Ok(line)
    }

    /// A line that has come and is looked at later.
    pub(super) fn put_back(&mut self, line: &[u8], until: BootTime) {
        self.lines.put_back(line);
        self.paused = Some(until);
    }

    /// Has something for it to read.
    pub(super) fn say(&mut self, line: Vec<u8>, now: BootTime) {
        self.unread.push_back(line.into());
        self.reading = self.reading.or(Some(Reading { since: now, moved: now }));
        self.since = now;
    }

    /// Nothing more is taken from it.
    pub(super) fn end(&mut self) {
        self.ends = true;
        self.doing = Doing::Listens;
    }

    /// Gives it what it takes.
    pub(super) fn write(&mut self, now: BootTime) -> Fate {
        while let Some(first) = self.unread.front() {
            let rest = first.get(self.taken..).unwrap_or_default();
            match send(&self.socket, rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(length) => {
                    self.taken += length;
                    if let Some(reading) = &mut self.reading {
                        reading.moved = now;
                    }
                    if self.taken >= first.len() {
                        self.unread.pop_front();
                        self.taken = 0;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Fate::Stays,
                Err(_) => return Fate::Goes,
            }
        }
        self.reading = None;
        self.fate()
    }

    /// Whether there is still something to be had from it or for it.
    pub(super) fn fate(&self) -> Fate {
        let done = self.unread.is_empty() && (self.ends || (self.over && self.waits_for_call()));
        if done { Fate::Goes } else { Fate::Stays }
    }

    fn waits_for_call(&self) -> bool {
        self.doing == Doing::Listens && !self.lines.has_line()
    }

    /// So many bytes wait to be read.
    pub(super) fn unread(&self) -> usize {
        self.unread.iter().map(|piece| piece.len()).sum::<usize>().saturating_sub(self.taken)
    }

    /// Everything was read.
    pub(super) fn is_served(&self) -> bool {
        self.unread.is_empty()
    }

    /// It could be closed without harm to anybody who is in the middle of something.
    pub(super) fn is_idle(&self) -> bool {
        self.unread.is_empty() && self.waits_for_call()
    }

    /// A call is there, and no event of the socket will say so.
    pub(super) fn has_more(&self) -> bool {
        let free = self.doing != Doing::Asked && self.paused.is_none() && !self.ends;
        free && self.unread.is_empty() && self.lines.has_line()
    }

    /// What the epoll shall wait for.
    pub(super) fn interest(&self) -> EventFlags {
        let mut flags = EventFlags::empty();
        if !self.unread.is_empty() {
            flags |= EventFlags::OUT;
        } else if self.doing != Doing::Asked && !self.over && !self.ends && !self.lines.has_line() {
            flags |= EventFlags::IN;
        }
        flags
    }

    /// When somebody has to look at it although nothing happens; it is too slow then, unless it was to be paused.
    pub(super) fn deadline(&self) -> Option<BootTime> {
        self.patience().into_iter().chain(self.paused).min()
    }

    /// When it is too slow.
    fn patience(&self) -> Option<BootTime> {
        let call = self.begun.filter(|_| self.waits_for_call() && !self.over);
        let call = call.map(|begun| begun.after(CALL_TIME));
        let read = self.reading.map(|reading| reading.moved.after(STALL).min(reading.since.after(READ_TIME)));
        call.into_iter().chain(read).min()
    }

    pub(super) fn is_late(&self, now: BootTime) -> bool {
        self.patience().is_some_and(|until| until <= now)
    }
}

/// Tells somebody that there is no room, if it listens.
pub(super) fn turn_away(socket: &OwnedFd, line: &[u8]) -> io::Result<()> {
    send(socket, line, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
    Ok(())
}
