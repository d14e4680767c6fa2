//! A question asked for ever: which processes begin to match, and which cease to.
//!
//! ```text
//!        +--> a look --> what is so now, against what was so before --> changes
//!        +--- wait: the exit of a process that matches (told at once), a signal, or the next look
//! ```
//!
//! A process is known by its key, so one that takes the number of another is another one. What a change rests on is always
//! a look; an exit only ends the waiting.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::facts::{Fact, ProcessKey, ProcessState};
use crate::host::clock;
use crate::host::exits::{Exits, Life};
use crate::host::proc::LiveWorld;
use crate::host::wake::Waker;
use crate::plan::memory::Exit;
use crate::process::samples::Samples;
use crate::process::world::World;
use crate::units::{BootTime, Pid, StartTicks, WallTime};

/// Most processes whose exit is waited for; the exits of others are seen by the next look.
const HELD_MAX: usize = 512;

/// What a look says of one process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It matches.
    Matches,
    /// It can't be decided, for these reasons.
    Undecided(Vec<String>),
    /// It doesn't match, since this fails.
    Fails(Vec<String>),
}

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It matches now and did not.
    Begins {
        /// It matched already when the first look was made.
        already: bool,
        /// It started since the last look.
        new: bool,
    },
    /// It exited.
    Exited(Exit),
    /// It lives and no longer matches, since this fails.
    Ceases(Vec<String>),
    /// It lives and can't be decided, which was not so before.
    Undecided(Vec<String>),
}

/// How to watch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveOptions {
    /// From look to look.
    pub interval: Duration,
    /// End after so long.
    pub limit: Option<Duration>,
}

/// Asks a look about its processes. Of those in the set it wants to know why they fail; others that fail may be left out.
pub type Judge<'a> = &'a dyn Fn(&dyn World, &BTreeSet<Pid>) -> Vec<(Pid, Standing)>;

/// Is told of each change: when it was seen, of which process, and the look that it was seen in. False: nobody listens.
pub type Tell<'a> = &'a mut dyn FnMut(WallTime, &ProcessKey, &Change, &dyn World) -> bool;

/// Watches until somebody asks for the end (INT, TERM, QUIT or HUP), the time is over, or nobody listens.
///
/// # Errors
/// The kernel gives no descriptors, or `/proc` can't be used.
pub fn watch(judge: Judge<'_>, options: LiveOptions, tell: Tell<'_>) -> io::Result<()> {
    let mut waker = Waker::new(true)?;
    let mut exits = Exits::default();
    let mut sightings = Sightings::new();
    // A look begins a little later than it was wanted, and never so much that the look before is too near.
    let samples = Samples::over(options.interval / 2);
    let mut world = LiveWorld::new()?.with_samples(Rc::new(RefCell::new(samples)));
    let end = options.limit.map(|limit| BootTime(clock::now().boot.0.saturating_add(limit)));
    loop {
        let now = clock::now();
        let look = judge(&world, &sightings.pids());
        for (key, change) in sightings.update(&world, look) {
            let change = with_status(change, &key, &mut exits, &waker);
            if !tell(now.wall, &key, &change, &world) {
                return Ok(());
            }
        }
        exits.retain(|key| sightings.table.contains_key(key));
        let next = BootTime(now.boot.0.saturating_add(options.interval));
        loop {
            for (key, exit) in sightings.exited(&mut exits, &waker) {
                if !tell(clock::now().wall, &key, &Change::Exited(exit), &world) {
                    return Ok(());
                }
            }
            let woken = waker.wait(Some(end.map_or(next, |end| end.min(next))))?;
            let now = clock::now().boot;
            if woken.stop.is_some() || woken.reload || end.is_some_and(|end| now >= end) {
                return Ok(());
            }
            if now >= next {
                break;
            }
        }
        world = world.again();
    }
}

/// A process that is missing from a look has exited; how, the kernel may tell.
fn with_status(change: Change, key: &ProcessKey, exits: &mut Exits, waker: &Waker) -> Change {
    match change {
        Change::Exited(Exit::Unknown) => match exits.life(key, waker) {
            Life::Gone(exit) => Change::Exited(exit),
            Life::Alive | Life::Unknown(_) => Change::Exited(Exit::Unknown),
        },
        change => change,
    }
}

/// How a process stood that matched, or could not be decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sight {
    matches: bool,
    /// It was a zombie already when it came in, so that its exit is no news.
    over: bool,
}

/// What was so at the last look.
#[derive(Debug)]
struct Sightings {
    table: BTreeMap<ProcessKey, Sight>,
    /// Exited, which was told, and still listed since nobody has waited for them.
    zombies: BTreeSet<ProcessKey>,
    looked: bool,
    /// When the last look was made: what started later is new.
    moment: StartTicks,
}

impl Sightings {
    fn new() -> Self {
        Self { table: BTreeMap::new(), zombies: BTreeSet::new(), looked: false, moment: StartTicks(0) }
    }

    fn pids(&self) -> BTreeSet<Pid> {
        self.table.keys().map(|key| key.pid).collect()
    }

    /// Takes in a look; what has changed, by key.
    fn update(&mut self, world: &dyn World, look: Vec<(Pid, Standing)>) -> BTreeMap<ProcessKey, Change> {
        let mut changes = BTreeMap::new();
        let mut table = BTreeMap::new();
        for (pid, standing) in look {
            let Some((key, over)) = key_of(world, pid) else { continue };
            let before = self.table.remove(&key);
            if self.zombies.contains(&key) {
                continue;
            }
            let sight = |matches| Sight { matches, over: before.map_or(over, |before| before.over) };
            let was = before.map(|before| before.matches);
            match (standing, was) {
                (Standing::Matches, Some(true)) => {
                    table.insert(key, sight(true));
                }
                (Standing::Matches, Some(false) | None) => {
                    let new = self.looked && key.start >= self.moment;
                    changes.insert(key.clone(), Change::Begins { already: !self.looked, new });
                    table.insert(key, sight(true));
                }
                (Standing::Undecided(_), Some(false)) => {
                    table.insert(key, sight(false));
                }
                (Standing::Undecided(why), Some(true) | None) => {
                    changes.insert(key.clone(), Change::Undecided(why));
                    table.insert(key, sight(false));
                }
                (Standing::Fails(why), Some(_)) => {
                    changes.insert(key, Change::Ceases(why));
                }
                (Standing::Fails(_), None) => {}
            }
        }
        for (key, sight) in std::mem::take(&mut self.table) {
            // A process that this look could not be asked about, and that is still there, is as it was.
            if key_of(world, key.pid).is_some_and(|(same, _)| same == key) {
                table.insert(key, sight);
            } else {
                changes.insert(key, Change::Exited(Exit::Unknown));
            }
        }
        self.zombies.retain(|key| key_of(world, key.pid).is_some_and(|(same, _)| same == *key));
        (self.table, self.looked, self.moment) = (table, true, moment_of(world));
        changes
    }

    /// Those that have exited since the look, each once.
    fn exited(&mut self, exits: &mut Exits, waker: &Waker) -> Vec<(ProcessKey, Exit)> {
        let mut gone = Vec::new();
        let held = self.table.iter().filter(|(_, sight)| !sight.over).map(|(key, _)| key);
        for key in held.take(HELD_MAX) {
            if let Life::Gone(exit) = exits.life(key, waker) {
                gone.push((key.clone(), exit));
            }
        }
        for (key, _) in &gone {
            self.table.remove(key);
            self.zombies.insert(key.clone());
        }
        gone
    }
}

/// The moment of a look in the unit of start times.
fn moment_of(world: &dyn World) -> StartTicks {
    let since_boot = world.uptime().known().map_or(Duration::ZERO, |uptime| uptime.0);
    let ticks = since_boot.as_nanos() * u128::from(world.ticks_per_second()) / 1_000_000_000;
    StartTicks(u64::try_from(ticks).unwrap_or(u64::MAX))
}

/// The key, and whether it is a zombie. `None`: it is gone, or its start can't be read, and then it is nobody that could
/// be followed.
fn key_of(world: &dyn World, pid: Pid) -> Option<(ProcessKey, bool)> {
    match (world.boot_id(), world.stat(pid)) {
        (Fact::Known(boot), Fact::Known(stat)) => {
            let over = matches!(stat.state, ProcessState::Zombie | ProcessState::Dead);
            Some((ProcessKey { boot, pid, start: stat.start }, over))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
