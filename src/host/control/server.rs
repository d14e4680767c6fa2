//! All connections of a running watch.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{SocketFlags, accept_with};

use super::door;
use super::guest::{Doing, Fate, Guest, turn_away};
use super::pace::{GUESTS_OF_ONE, Pace, STRANGERS_MAX, UNREAD_MAX};
use super::protocol::{Call, Refusal, Reply, call, reply_line};
use super::{Peer, Rights};
use crate::host::errno::io_text;
use crate::host::state_dir::Dirs;
use crate::units::{BootTime, Uid};

/// Connections accepted in a row.
const ARRIVALS: usize = 16;
/// Events taken in a row.
const EVENTS: usize = 64;
/// Without descriptors, nobody is accepted for so long.
const CLOSED: Duration = Duration::from_secs(1);
const LISTENER: u64 = 0;
const BELL: u64 = u64::MAX;

/// Names a connection; never given out again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(u64);

/// A call that its maker may make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Whose.
    pub token: Token,
    /// Who that is.
    pub peer: Peer,
    /// What.
    pub call: Call,
}

/// The control socket and whoever is connected to it.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    own: Uid,
    epoll: OwnedFd,
    listener: OwnedFd,
    /// Nobody is accepted until then.
    closed: Option<BootTime>,
    guests: BTreeMap<u64, Guest>,
    last: u64,
    pace: Pace,
    bell: Bell,
}

/// Ends the waiting, from any thread: an answer is ready that was made beside the loop.
#[derive(Clone, Debug)]
pub struct Bell(Arc<OwnedFd>);

impl Bell {
    fn hang(epoll: &OwnedFd) -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        Ok(Self(Arc::new(bell)))
    }

    /// Rings it.
    pub fn ring(&self) {
        // It only fails where it was rung more often than anybody counts.
        let _ = rustix::io::write(&*self.0, &1u64.to_ne_bytes());
    }

    fn is_heard(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0u8; 8]);
    }
}

impl Control {
    /// Listens in the run directory, in place of whoever did before.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(dirs: &Dirs) -> Result<Self, String> {
        let path = dirs.control();
        let failed = |error: io::Error| {
            format!("the control socket `{}` can't be had: {}", path.display(), io_text(&error))
        };
        let own = Uid(rustix::process::geteuid().as_raw());
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let listener = listen(&path, own, &epoll).map_err(failed)?;
        let bell = Bell::hang(&epoll).map_err(failed)?;
        let (guests, pace) = (BTreeMap::new(), Pace::default());
        Ok(Self { path, own, epoll, listener, closed: None, guests, last: LISTENER, pace, bell })
    }

    /// Listens anew under the same name, which somebody took away. Who is connected stays.
    ///
    /// # Errors
    /// A sentence; then it is as before.
    pub fn open_again(&mut self) -> Result<(), String> {
        self.listener = listen(&self.path, self.own, &self.epoll).map_err(|error| {
            format!("the control socket `{}` can't be had: {}", self.path.display(), io_text(&error))
        })?;
        self.closed = None;
        Ok(())
    }

    /// Readable when there is something to do.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// When there is something to do although nothing happens; nothing while all that are connected are quiet.
    pub fn deadline(&self) -> Option<BootTime> {
        let more = self.guests.values().any(Guest::has_more).then_some(BootTime::default());
        let late = self.guests.values().filter_map(Guest::deadline);
        late.chain(self.closed).chain(more).min()
    }

    /// Takes in what is there, and gives what is wanted as far as it is taken. One call of each connection at most.
    pub fn serve(&mut self, now: BootTime) -> Vec<Asked> {
        let mut events = Vec::with_capacity(EVENTS);
        let none = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
        // Who is interrupted each time and didn't ask again would never hear of a call.
        let _ = rustix::io::retry_on_intr(|| {
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&none))
        });
        for event in &events {
            match event.data.u64() {
                LISTENER => self.let_in(now),
                BELL => self.bell.is_heard(),
                token => self.attend(token, event.flags, now),
            }
        }
        self.keep_time(now);
        let asked = self.calls(now);
        self.guests.iter_mut().for_each(|(token, guest)| arm(&self.epoll, *token, guest));
        asked
    }

    /// Answers a call with a reply in JSON; whoever made it may make another one.
    pub fn answer(&mut self, token: Token, id: u64, reply: &[u8], now: BootTime) {
        self.say(token, id, reply, Doing::Listens, now);
    }

    /// Tells somebody who wants to hear of changes, and goes on with that.
    pub fn tell(&mut self, token: Token, id: u64, reply: &[u8], now: BootTime) {
        self.say(token, id, reply, Doing::Follows, now);
    }

    /// Whether somebody wants to hear of changes still; `Some(true)`: and has read everything until now.
    pub fn follows(&self, token: Token) -> Option<bool> {
        let guest = self.guests.get(&token.0).filter(|guest| guest.doing == Doing::Follows)?;
        Some(guest.is_served())
    }

    /// For whoever makes answers beside the loop.
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// So many are connected.
    pub fn guests(&self) -> usize {
        self.guests.len()
    }

    fn say(&mut self, token: Token, id: u64, reply: &[u8], then: Doing, now: BootTime) {
        let Some(guest) = self.guests.get_mut(&token.0) else { return };
        guest.doing = then;
        guest.say(reply_line(id, reply), now);
        let fate = guest.write(now);
        arm(&self.epoll, token.0, guest);
        self.settle(token.0, fate);
        self.bound();
    }

    /// Refuses a line. What can't be read or is too much ends the connection, as soon as it was told.
    fn refuse(&mut self, token: u64, id: u64, refusal: Refusal, now: BootTime) {
        if let Some(guest) = self.guests.get_mut(&token).filter(|_| refusal.ends()) {
            guest.end();
        }
        if let Ok(reply) = serde_json::to_vec(&Reply::Refused(refusal)) {
            self.say(Token(token), id, &reply, Doing::Listens, now);
        }
    }

    fn let_in(&mut self, now: BootTime) {
        for _ in 0..ARRIVALS {
            match accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok(socket) => self.welcome(socket, now),
                Err(rustix::io::Errno::AGAIN) => return,
                // Whoever came is gone again.
                Err(rustix::io::Errno::CONNABORTED | rustix::io::Errno::INTR) => {}
                // No descriptors or no memory: the listener would wake the loop without end.
                Err(_) => {
                    self.closed = Some(now.after(CLOSED));
                    let _ = modify(&self.epoll, &self.listener, LISTENER, EventFlags::empty());
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, socket: OwnedFd, now: BootTime) {
        let Ok(peer) = Peer::of(&socket) else { return };
        let rights = peer.rights(self.own);
        if !self.make_room(peer, rights) {
            let refusal = Refusal::Busy("there are too many connections, try again".into());
            if let Ok(reply) = serde_json::to_vec(&Reply::Refused(refusal)) {
                let _ = turn_away(&socket, &reply_line(0, &reply));
            }
            return;
        }
        self.last += 1;
        let mut guest = Guest::new(socket, peer, rights, now);
        guest.armed = guest.interest();
        let data = EventData::new_u64(self.last);
        if epoll::add(&self.epoll, &guest.socket, data, guest.armed).is_ok() {
            self.guests.insert(self.last, guest);
            // Whoever comes has mostly called already, and needn't wait for a turn of its own.
            self.attend(self.last, EventFlags::IN, now);
        }
    }

    /// Whether there is room for one more. The one that has been quiet for the longest time makes way for who comes.
    fn make_room(&mut self, peer: Peer, rights: Rights) -> bool {
        let of_user = |guest: &Guest| guest.peer.uid == peer.uid;
        let stranger = |guest: &Guest| guest.rights == Rights::Look;
        let full = |guests: &BTreeMap<u64, Guest>, is: &dyn Fn(&Guest) -> bool, most: usize| {
            guests.values().filter(|guest| is(guest)).count() >= most
        };
        if full(&self.guests, &of_user, GUESTS_OF_ONE) && !self.show_out(&of_user) {
            return false;
        }
        rights == Rights::All || !full(&self.guests, &stranger, STRANGERS_MAX) || self.show_out(&stranger)
    }

    fn show_out(&mut self, is: &dyn Fn(&Guest) -> bool) -> bool {
        let idle = self.guests.iter().filter(|(_, guest)| is(guest) && guest.is_idle());
        let longest = idle.min_by_key(|(_, guest)| guest.since).map(|(token, _)| *token);
        longest.is_some_and(|token| self.guests.remove(&token).is_some())
    }

    fn attend(&mut self, token: u64, flags: EventFlags, now: BootTime) {
        let Some(guest) = self.guests.get_mut(&token) else { return };
        // Nobody is there any more to read an answer.
        let gone = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        let mut fate = if gone { Fate::Goes } else { Fate::Stays };
        if fate == Fate::Stays && flags.contains(EventFlags::IN) {
            fate = guest.hear(now);
        }
        if fate == Fate::Stays && flags.contains(EventFlags::OUT) {
            fate = guest.write(now);
        }
        self.settle(token, fate);
    }

    fn settle(&mut self, token: u64, fate: Fate) {
        if fate == Fate::Goes {
            self.guests.remove(&token);
        }
    }

    /// Who is too slow goes; who had to wait has waited.
    fn keep_time(&mut self, now: BootTime) {
        self.guests.retain(|_, guest| !guest.is_late(now));
        for guest in self.guests.values_mut() {
            guest.paused = guest.paused.filter(|until| *until > now);
        }
        self.pace.sweep(now);
        if self.closed.is_some_and(|until| until <= now) {
            self.closed = None;
            let _ = modify(&self.epoll, &self.listener, LISTENER, EventFlags::IN);
        }
    }

    fn calls(&mut self, now: BootTime) -> Vec<Asked> {
        let tokens: Vec<u64> =
            self.guests.iter().filter(|(_, guest)| guest.paused.is_none()).map(|(token, _)| *token).collect();
        let mut asked = Vec::new();
        for token in tokens {
            let Some(guest) = self.guests.get_mut(&token) else { continue };
            match guest.next_line(now) {
                Ok(Some(line)) => asked.extend(self.call_in(token, &line, now)),
                Ok(None) => {
                    let fate = guest.fate();
                    self.settle(token, fate);
                }
                Err(_) => {
                    let text = "the line is longer than is taken".to_owned();
                    self.refuse(token, 0, Refusal::Malformed(text), now);
                }
            }
        }
        asked
    }

    fn call_in(&mut self, token: u64, line: &[u8], now: BootTime) -> Option<Asked> {
        let guest = self.guests.get_mut(&token)?;
        if let Err(until) = self.pace.take(guest.peer.uid, guest.rights, now) {
            guest.put_back(line, until);
            return None;
        }
        let (peer, rights) = (guest.peer, guest.rights);
        match call(line) {
            Ok(call) if call.ask.needs() > rights => {
                let text = "only root and the user who selfsame runs as may ask for this".to_owned();
                self.refuse(token, call.id, Refusal::Forbidden(text), now);
                None
            }
            Ok(call) => {
                guest.doing = Doing::Asked;
                guest.since = now;
                Some(Asked { token: Token(token), peer, call })
            }
            Err((id, refusal)) => {
                self.refuse(token, id, refusal, now);
                None
            }
        }
    }

    /// What waits to be read is bounded in sum: who has had an answer before it for the longest time goes.
    fn bound(&mut self) {
        while self.guests.values().map(Guest::unread).sum::<usize>() > UNREAD_MAX {
            let slow = self.guests.iter().filter(|(_, guest)| !guest.is_served());
            let Some(token) = slow.min_by_key(|(_, guest)| guest.since).map(|(token, _)| *token) else {
                return;
            };
            self.guests.remove(&token);
        }
    }
}

/// Waits for what the connection is about now.
fn arm(epoll: &OwnedFd, token: u64, guest: &mut Guest) {
    let wanted = guest.interest();
    if wanted != guest.armed && modify(epoll, &guest.socket, token, wanted).is_ok() {
        guest.armed = wanted;
    }
}

fn listen(path: &std::path::Path, own: Uid, epoll: &OwnedFd) -> io::Result<OwnedFd> {
    // As with the directory: everybody may look at root's services, nobody at those of a user.
    let listener = door::open(path, if own == Uid(0) { 0o666 } else { 0o600 })?;
    epoll::add(epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    Ok(listener)
}

fn modify(epoll: &OwnedFd, socket: impl AsFd, token: u64, flags: EventFlags) -> io::Result<()> {
    Ok(epoll::modify(epoll, socket, EventData::new_u64(token), flags)?)
}
