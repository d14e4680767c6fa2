//! Processes on record, each held by a pidfd, and how they ended.

mod many;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use super::errno::io_text;
use super::failpoint;
use super::pidfs;
use super::signal::{Held, NotHeld, Vital, boot_id, hold_in};
use super::spawn::{
    close_up, exit_of, exit_of_status, out_of_the_way, peek, peek_any_exited, reap, reap_pid,
};
use super::wake::Waker;
use crate::facts::{ProcessKey, Reason, Why};
use crate::plan::memory::Exit;
use crate::process::world::Bytes;
use crate::units::{BootId, Pid, PidfdInode, StartTicks};

use many::{Many, WORTH_A_THREAD};

/// Whether a process on record lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Life {
    /// It does.
    Alive,
    /// It doesn't, or is a zombie.
    Gone(Exit),
    /// It can't be told.
    Unknown(Reason),
}

/// So many descriptors are asked about in one call. Who may not even have as many open is refused, and asks for each by itself.
const AT_ONCE_MOST: usize = 256;
/// No waiting.
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

#[derive(Debug)]
struct Entry {
    pidfd: OwnedFd,
    inode: Option<PidfdInode>,
    exit: Option<Exit>,
    /// It is a child of ours: its number is its own until we collect it.
    own: bool,
    /// It lived after it was held, and nobody asked since.
    fresh: bool,
    /// We were its parent.
    waited: bool,
}

/// The table.
#[derive(Debug, Default)]
pub struct Exits {
    table: BTreeMap<ProcessKey, Entry>,
    /// Collected before anybody asked: a new image of the engine finds the exits of its former life among the orphans.
    strays: BTreeMap<(Pid, StartTicks), Exit>,
    /// Processes without a group of their own, whose session is looked at before they are collected: until then its number
    /// can't come to mean another one.
    in_sessions: BTreeSet<ProcessKey>,
    /// What was in the session of one that exited.
    left: BTreeMap<ProcessKey, Vec<ProcessKey>>,
    /// Children whose exit is known, and that are to be collected before the next wait.
    uncollected: Vec<Pid>,
    /// Whose exit was noticed since somebody asked for these.
    woken: BTreeSet<ProcessKey>,
    /// Read once: the first look of an engine holds all processes on record.
    boot: OnceCell<BootId>,
    /// Our own number.
    me: OnceCell<Pid>,
    /// Nobody is going to wait for exits, and nothing is started: who looks once.
    looks_only: bool,
    /// Many that a thread holds, until they are asked about.
    begun: RefCell<Option<Many>>,
    /// What many that were held at once execute, until the look takes it.
    images: Vec<(Pid, Bytes)>,
}

impl Entry {
    fn new(pidfd: OwnedFd, own: bool) -> Self {
        let inode = pidfs::inode(&pidfd);
        Self { pidfd, inode, exit: None, own, fresh: false, waited: false }
    }

    /// Of a process that is known by the inode of its pidfds: nothing else needs to be read of it, but whether it lives. Not for children.
    fn known(boot: &BootId, key: &ProcessKey, inode: Option<PidfdInode>) -> Option<Self> {
        let inode = inode.filter(|_| key.boot == *boot)?;
        let pid = rustix::process::Pid::from_raw(key.pid.0)?;
        let entry = Self::new(pidfd_open(pid, PidfdFlags::empty()).ok()?, false);
        (entry.inode == Some(inode)).then_some(entry)
    }

    /// Of a process that lived a moment ago. `me`: whose children are ours.
    fn held(held: Held, me: Pid) -> Self {
        Self { fresh: true, ..Self::new(held.pidfd, held.vital.parent == me) }
    }
}

impl Exits {
    /// For who only looks: what is held wakes nobody.
    pub fn of_one_look() -> Self {
        Self { looks_only: true, ..Self::default() }
    }

    /// Takes in a child that was just started.
    pub fn started(&mut self, key: &ProcessKey, pidfd: OwnedFd, waker: &Waker) {
        let entry = self.watched(key, Entry::new(pidfd, true), waker);
        self.table.insert(key.clone(), entry);
    }

    fn watched(&self, key: &ProcessKey, mut entry: Entry, waker: &Waker) -> Entry {
        if !self.looks_only {
            entry.pidfd = out_of_the_way(entry.pidfd);
            // Without a wake-up its exit is seen at the next resync only, which is late but not wrong.
            let _ = waker.watch_exit(key.pid, &entry.pidfd);
        }
        entry
    }

    /// A thread begins to hold these processes, where they are many and nobody waits for exits.
    pub fn begin_many(&self, keys: impl Iterator<Item = (ProcessKey, Option<PidfdInode>)>) {
        if let Some(many) = self.many(keys).map(Many::begun) {
            self.begun.replace(Some(many));
        }
    }

    /// Holds these processes by two threads, where they are many and nobody waits for exits, and those that a thread began to hold. Whether
    /// they live is still to be asked; whoever can't be held is left to [`Self::life`], which says why.
    pub fn hold_many<'k>(&mut self, keys: impl Iterator<Item = (&'k ProcessKey, Option<PidfdInode>)>) {
        if !self.looks_only {
            return;
        }
        if let Some(many) = self.begun.take() {
            self.take_in(many);
        }
        let others = keys.filter(|(key, _)| !self.table.contains_key(*key));
        let others = others.map(|(key, inode)| (key.clone(), inode));
        if let Some(many) = self.many(others).map(Many::begun) {
            self.take_in(many);
        }
    }

    fn many(&self, keys: impl Iterator<Item = (ProcessKey, Option<PidfdInode>)>) -> Option<Many> {
        let keys: Vec<_> = if self.looks_only { keys.collect() } else { return None };
        (keys.len() >= WORTH_A_THREAD).then(|| Some(Many::new(self.boot().ok()?, self.me(), keys))).flatten()
    }

    fn take_in(&mut self, many: Many) {
        for (key, entry, image) in many.finish() {
            self.images.extend(image.map(|image| (key.pid, image)));
            self.table.insert(key, entry);
        }
    }

    /// Which of these live, as far as they are held already: where they are many, the kernel is asked of many at once. Of the others nothing is
    /// said, so that each is to be asked for by itself.
    pub fn living(&self, asked: &[(&ProcessKey, Option<PidfdInode>)]) -> Vec<bool> {
        let held = |(key, inode): &(&ProcessKey, Option<PidfdInode>)| {
            let is_it = |entry: &&Entry| inode.is_none() || entry.inode.is_none() || entry.inode == *inode;
            let entry = self.table.get(*key).filter(is_it)?;
            (!entry.fresh && entry.exit.is_none()).then_some(&entry.pidfd)
        };
        let mut lives = Vec::with_capacity(asked.len());
        for part in asked.chunks_exact(AT_ONCE_MOST) {
            let held: Vec<Option<&OwnedFd>> = part.iter().map(held).collect();
            let mut fds: Vec<PollFd<'_>> =
                held.iter().flatten().map(|pidfd| PollFd::new(*pidfd, PollFlags::IN)).collect();
            let told = fds.is_empty() || poll(&mut fds, Some(&AT_ONCE)).is_ok();
            let mut silent = fds.iter().map(|fd| told && fd.revents().is_empty());
            lives.extend(held.iter().map(|pidfd| pidfd.is_some() && silent.next().unwrap_or(false)));
        }
        lives.resize(asked.len(), false);
        lives
    }

    /// What those execute that were held since this was last asked, as far as it was read.
    pub fn take_images(&mut self) -> Vec<(Pid, Bytes)> {
        std::mem::take(&mut self.images)
    }

    /// Much was needed for a moment while processes were started.
    pub fn settle(&mut self) {
        close_up(&mut self.table);
    }

    /// The processes of these numbers have exited, if they are in the table.
    pub fn note(&mut self, pids: &[Pid]) {
        for pid in pids {
            let woken: Vec<ProcessKey> = of(&mut self.table, *pid).map(|(key, _)| key.clone()).collect();
            self.woken.extend(woken);
        }
    }

    /// Whose exit was noticed since this was last asked.
    pub fn take_woken(&mut self) -> BTreeSet<ProcessKey> {
        std::mem::take(&mut self.woken)
    }

    /// Exits were noticed since [`Self::take_woken`].
    pub fn has_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    /// Its exit is known.
    pub fn is_known_gone(&self, key: &ProcessKey) -> bool {
        self.table.get(key).is_some_and(|entry| entry.exit.is_some())
    }

    /// Its exit is known since we waited for it as its parent: what it left behind came to us, if we are a subreaper.
    pub fn was_our_child(&self, key: &ProcessKey) -> bool {
        self.table.get(key).is_some_and(|entry| entry.waited)
    }

    /// Forgets what isn't on record any more.
    pub fn retain(&mut self, wanted: impl Fn(&ProcessKey) -> bool) {
        self.table.retain(|key, _| wanted(key));
        self.in_sessions.retain(|key| wanted(key));
        self.left.retain(|key, _| wanted(key));
        self.forget_strays();
    }

    /// Whoever asks for these has asked by now.
    pub fn forget_strays(&mut self) {
        self.strays.clear();
    }

    /// From now on, what is in its session is noted when it exits.
    pub fn note_session(&mut self, key: &ProcessKey) {
        if !self.in_sessions.contains(key) {
            self.in_sessions.insert(key.clone());
        }
    }

    /// What was in the session of a process when it exited, if that was to be noted.
    pub fn left(&self, key: &ProcessKey) -> &[ProcessKey] {
        self.left.get(key).map_or(&[], Vec::as_slice)
    }

    /// The number of this process is certainly its own still: it is a child of ours that we haven't collected.
    pub fn keeps_number(&self, key: &ProcessKey) -> bool {
        self.table.get(key).is_some_and(|entry| entry.own && entry.exit.is_none())
    }

    /// The numbers of all such, ascending.
    pub fn kept_numbers(&self) -> impl Iterator<Item = Pid> {
        self.table.iter().filter(|(_, entry)| entry.own && entry.exit.is_none()).map(|(key, _)| key.pid)
    }

    /// All others that are held and haven't exited, asked at once.
    pub fn others_that_live(&self) -> BTreeSet<&ProcessKey> {
        let held: Vec<_> =
            self.table.iter().filter(|(_, entry)| !entry.own && entry.exit.is_none()).collect();
        let mut fds: Vec<PollFd<'_>> =
            held.iter().map(|(_, entry)| PollFd::new(&entry.pidfd, PollFlags::IN)).collect();
        if fds.is_empty() || poll(&mut fds, Some(&AT_ONCE)).is_err() {
            return BTreeSet::new();
        }
        let lives = held.into_iter().zip(fds).filter(|(_, fd)| fd.revents().is_empty());
        lives.map(|((key, _), _)| key).collect()
    }

    /// That of the pidfds of a process that is held.
    pub fn inode(&self, key: &ProcessKey) -> Option<PidfdInode> {
        self.table.get(key).and_then(|entry| entry.inode)
    }

    /// Whether the process of this key, and of this inode if one is known, lives. Holds it from now on.
    pub fn life_of(&mut self, key: &ProcessKey, inode: Option<PidfdInode>, waker: &Waker) -> Life {
        let watched = self.table.contains_key(key);
        let life = match self.life(key, waker) {
            Life::Gone(Exit::Unknown) if !watched => Life::Gone(Exit::Unwatched),
            life => life,
        };
        let another = inode.is_some_and(|asked| self.inode(key).is_some_and(|held| held != asked));
        if !another {
            return life;
        }
        // It got the number in the very clock tick in which ours began.
        self.table.remove(key);
        Life::Gone(if watched { Exit::Unknown } else { Exit::Unwatched })
    }

    /// Whether the process of this key lives. Holds it from now on.
    pub fn life(&mut self, key: &ProcessKey, waker: &Waker) -> Life {
        if let Err(error) = failpoint::hit("life") {
            let detail = format!("process {}: {}", key.pid, io_text(&error));
            return Life::Unknown(Reason::new(Why::Denied, detail));
        }
        if !self.table.contains_key(key) {
            match self.hold(key) {
                Ok(held) => {
                    let entry = self.watched(key, Entry::held(held, self.me()), waker);
                    self.table.insert(key.clone(), entry);
                }
                Err(NotHeld::Gone(pidfd, vital)) => {
                    let stray = self.strays.get(&(key.pid, key.start)).cloned();
                    return Life::Gone(stray.unwrap_or_else(|| exit_seen(pidfd.as_ref(), vital)));
                }
                Err(NotHeld::Failed(error)) => {
                    let detail = format!("process {}: {}", key.pid, io_text(&error));
                    return Life::Unknown(Reason::new(Why::Denied, detail));
                }
            }
        }
        let Some(entry) = self.table.get_mut(key) else { return Life::Alive };
        if !std::mem::take(&mut entry.fresh) && entry.exit.is_none() && has_exited(&entry.pidfd) {
            if self.in_sessions.contains(key) && zombie(key).is_some() {
                self.left.insert(key.clone(), in_session_of(key));
            }
            let exit = match reap(&entry.pidfd) {
                Ok(Some(exit)) => {
                    entry.waited = true;
                    exit
                }
                // Not our child, or collected with the orphans.
                Ok(None) | Err(_) => exit_seen(Some(&entry.pidfd), zombie(key)),
            };
            entry.exit = Some(exit);
        }
        entry.exit.clone().map_or(Life::Alive, Life::Gone)
    }

    fn me(&self) -> Pid {
        *self.me.get_or_init(|| Pid(rustix::process::getpid().as_raw_nonzero().get()))
    }

    fn boot(&self) -> io::Result<BootId> {
        match self.boot.get() {
            Some(known) => Ok(known.clone()),
            None => boot_id().map(|boot| self.boot.get_or_init(|| boot).clone()),
        }
    }

    fn hold(&self, key: &ProcessKey) -> Result<Held, NotHeld> {
        hold_in(&self.boot().map_err(NotHeld::Failed)?, key)
    }

    /// How children ended that are known to have exited, each asked for by itself: to ask for any of them goes through all children.
    /// Whether that was all of these; who isn't in the table, or whose session is to be looked at before, is left to [`Self::reap_all`].
    /// They are collected by [`Self::collect`]: what is started in their place doesn't wait until the kernel has taken them apart.
    pub fn ask_told(&mut self, pids: &[Pid]) -> bool {
        let mut all = !pids.is_empty();
        for pid in pids {
            let in_sessions = &self.in_sessions;
            let child = of(&mut self.table, *pid)
                .find(|(key, entry)| entry.own && entry.exit.is_none() && !in_sessions.contains(*key));
            let exit = child.as_ref().and_then(|(_, entry)| peek(&entry.pidfd).ok().flatten());
            match child.zip(exit) {
                Some(((_, entry), exit)) => {
                    (entry.exit, entry.waited) = (Some(exit), true);
                    self.uncollected.push(*pid);
                }
                None => all = false,
            }
        }
        all
    }

    /// Collects those whose exit is known. Until then their numbers are their own, and they count where the kernel bounds processes.
    pub fn collect(&mut self) {
        self.uncollected.drain(..).for_each(reap_pid);
    }

    /// Collects every child that exited, orphans that came to us as their subreaper among them. The statuses of those
    /// on record are kept; the others are returned.
    pub fn reap_all(&mut self) -> Vec<(Pid, Exit)> {
        self.collect();
        let mut others = Vec::new();
        while let Some((pid, exit)) = peek_any_exited() {
            // While it isn't collected, the number is certainly that of the child.
            let ours = of(&mut self.table, pid).find(|(_, entry)| has_exited(&entry.pidfd));
            match ours {
                Some((key, entry)) => {
                    if self.in_sessions.contains(key) {
                        self.left.insert(key.clone(), in_session_of(key));
                    }
                    entry.exit = entry.exit.take().or(Some(exit));
                    entry.waited = true;
                    self.woken.insert(key.clone());
                }
                None => {
                    if let Ok(vital) = super::signal::vital(pid) {
                        self.strays.insert((pid, vital.start), exit.clone());
                    }
                    others.push((pid, exit));
                }
            }
            reap_pid(pid);
        }
        others
    }
}

/// Those of this number; all in the table are of one boot.
fn of(table: &mut BTreeMap<ProcessKey, Entry>, pid: Pid) -> impl Iterator<Item = (&ProcessKey, &mut Entry)> {
    let boot = table.keys().next().map(|key| key.boot.clone());
    let ends = boot.map(|boot| {
        let key = |start: u64| ProcessKey { boot: boot.clone(), pid, start: StartTicks(start) };
        key(0)..=key(u64::MAX)
    });
    ends.map(|ends| table.range_mut(ends)).into_iter().flatten()
}

/// The others in the session that a process opened which isn't collected yet.
fn in_session_of(leader: &ProcessKey) -> Vec<ProcessKey> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid);
    pids.filter(|pid| *pid != leader.pid)
        .filter_map(|pid| {
            let vital = super::signal::vital(pid).ok()?;
            let inside = vital.session == leader.pid && vital.start >= leader.start && !vital.is_over();
            inside.then(|| ProcessKey { boot: leader.boot.clone(), pid, start: vital.start })
        })
        .collect()
}

fn has_exited(pidfd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&AT_ONCE)).is_ok_and(|ready| ready > 0)
}

fn zombie(key: &ProcessKey) -> Option<Vital> {
    super::signal::vital(key.pid).ok().filter(|vital| vital.start == key.start && vital.is_over())
}

/// What the kernel tells of the end of a process that we don't wait for: a zombie's status, where we may read it, or
/// what the pidfd keeps.
fn exit_seen(pidfd: Option<&OwnedFd>, vital: Option<Vital>) -> Exit {
    // A zombie's field is 0 as well where it isn't readable; then nothing is known.
    let from_stat = vital.filter(|vital| vital.exit != 0).map(|vital| exit_of_status(vital.exit));
    from_stat.or_else(|| pidfd.and_then(exit_of)).unwrap_or(Exit::Unknown)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use crate::host::signal::{boot_id, vital};

    fn key(pid: u32) -> ProcessKey {
        let pid = Pid(i32::try_from(pid).unwrap());
        ProcessKey { boot: boot_id().unwrap(), pid, start: vital(pid).unwrap().start }
    }

    #[test]
    fn who_is_known_by_the_inode_of_its_pidfds_is_held_by_it_alone() {
        let boot = boot_id().unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let key = key(child.id());
        let held = Entry::held(hold_in(&boot, &key).unwrap(), Pid(0));
        let Some(inode) = held.inode else {
            // Before Linux 6.9 there is none, and nothing to be known by.
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        };
        let known = |inode| Entry::known(&boot, &key, inode);
        assert_eq!(known(Some(inode)).and_then(|entry| entry.inode), Some(inode));
        assert!(known(Some(PidfdInode(inode.0 + 1))).is_none() && known(None).is_none());
        assert!(Entry::known(&BootId("another".into()), &key, Some(inode)).is_none());
        child.kill().unwrap();
        while !has_exited(&held.pidfd) {
            std::thread::yield_now();
        }
        assert!(
            known(Some(inode)).is_some_and(|entry| has_exited(&entry.pidfd)),
            "it isn't collected, and lives no more"
        );
        child.wait().unwrap();
        assert!(known(Some(inode)).is_none());
    }

    #[test]
    fn who_is_known_to_have_exited_is_collected_by_itself() {
        let (mut exits, waker) = (Exits::default(), Waker::new(false).unwrap());
        let mut begin = || {
            let child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            let key = key(child.id());
            assert_eq!(exits.life(&key, &waker), Life::Alive);
            (child, key)
        };
        let ((mut one, of_one), (mut another, of_another)) = (begin(), begin());
        let mut stranger = std::process::Command::new("true").spawn().unwrap();
        let of_stranger = Pid(i32::try_from(stranger.id()).unwrap());
        exits.note_session(&of_another);
        assert!(!exits.ask_told(&[]) && !exits.ask_told(&[of_one.pid]), "it lives");
        for child in [&mut one, &mut another] {
            child.kill().unwrap();
        }
        while [&of_one, &of_another].iter().any(|key| zombie(key).is_none()) {
            std::thread::yield_now();
        }
        assert!(exits.ask_told(&[of_one.pid]) && !exits.ask_told(&[of_one.pid]));
        assert!(exits.was_our_child(&of_one) && exits.is_known_gone(&of_one));
        assert_eq!(exits.life(&of_one, &waker), Life::Gone(Exit::Signal(crate::units::Signal::KILL)));
        assert!(zombie(&of_one).is_some(), "its number is its own still");
        exits.collect();
        assert!(one.wait().is_err(), "it is collected");
        assert!(!exits.ask_told(&[of_another.pid, of_stranger]), "neither is collected by that");
        assert!(another.wait().is_ok() && stranger.wait().is_ok());
    }

    #[test]
    #[expect(clippy::indexing_slicing, reason = "as many as were begun")]
    fn of_many_at_once_it_is_said_who_lives_for_sure() {
        let (mut exits, waker) = (Exits::default(), Waker::new(false).unwrap());
        let begin = || std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut children: Vec<_> = (0..2 * AT_ONCE_MOST).map(|_| begin()).collect();
        let keys: Vec<ProcessKey> = children.iter().map(|child| key(child.id())).collect();
        let asked: Vec<_> = keys.iter().map(|key| (key, None)).collect();
        assert!(exits.living(&asked).iter().all(|lives| !lives), "nobody is held yet");
        for key in &keys {
            assert_eq!(exits.life(key, &waker), Life::Alive);
        }
        assert!(exits.living(&asked).iter().all(|lives| *lives));
        let another = exits.inode(&keys[1]).map(|inode| PidfdInode(inode.0 + 1));
        let mut of_another = asked.clone();
        of_another[1].1 = another;
        assert_eq!(exits.living(&of_another)[..2], [true, another.is_none()], "by the inode on record");
        assert!(exits.living(&asked[..2]).iter().all(|lives| !lives), "of a few each is asked for by itself");
        let ended = [3, AT_ONCE_MOST + 2];
        for at in ended {
            children[at].kill().unwrap();
            while !has_exited(&exits.table[&keys[at]].pidfd) {
                std::thread::yield_now();
            }
        }
        let lives = exits.living(&asked);
        let dead: Vec<usize> = (0..keys.len()).filter(|at| !lives[*at]).collect();
        assert_eq!(dead, ended);
        for mut child in children {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    #[test]
    fn the_number_of_a_child_is_its_own_until_it_is_collected() {
        let (mut exits, waker) = (Exits::default(), Waker::new(false).unwrap());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (child_key, other) = (key(child.id()), key(std::os::unix::process::parent_id()));
        for key in [&child_key, &other] {
            assert_eq!(exits.life(key, &waker), Life::Alive);
        }
        assert!(exits.keeps_number(&child_key) && !exits.keeps_number(&other));
        assert_eq!(exits.others_that_live(), BTreeSet::from([&other]));
        child.kill().unwrap();
        while exits.life(&child_key, &waker) == Life::Alive {
            std::thread::yield_now();
        }
        assert!(!exits.keeps_number(&child_key));
        // Collected above, so that there is nothing to wait for.
        assert!(child.wait().is_err());
    }
}
