//! Who matches which policy, and of whom its `when` is so. Decides nothing: [`crate::plan::policy::decide`] does.
//!
//! ```text
//!  told of: fork, exec, ids, name, exit --> the rows of these processes ----\
//!  no ears, overrun ----------------------> rows whose pulse is another now -+--> which policies may be true of it,
//!  verification -----------------------> rows whose likeness is another now -+
//!                                                                            |    by what events tell of (exe, user ...)
//!  rows of these, and at `every` the rows of policies that ask for more -----+--> match, when: all facts, read now
//! ```
//!
//! What a row says is kept as long as nothing is told of its process and its likeness (start, user, image, name) is the same:
//! which policies can't be true of it. Everything else is asked anew in each look, so that no policy that is about a few
//! processes costs more than these, however many there are.

mod kept;
mod message;
mod owners;
mod rows;
mod stamps;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use owners::Owners;

use crate::facts::{Fact, ProcessKey};
use crate::host::conditions::Conditions;
use crate::host::table::Changed;
use crate::plan::policy::{PolicyLook, Shown, Subject};
use crate::plugin;
use crate::process::likeness::Likeness;
use crate::process::plain::Sieve;
use crate::process::vocabulary::ProcessVocabulary;
use crate::process::world::World;
use crate::process::{exe, paths};
use crate::spec::ServiceName;
use crate::spec::policy::{Lasting, Policy};
use crate::units::{BootTime, Pid};
use kept::{Found, Kept};
use stamps::Stamps;

/// After so long what rows say isn't believed even where the likeness is the same: files that conditions name may have changed
/// meanwhile, in what they hold; those that became others are seen at once. Counted in time and not in looks, since this costs
/// many times what a look does, and a host where nobody tells looks every few seconds.
const ANEW: Duration = Duration::from_mins(5);
/// So often verifications compare likenesses; in between they compare pulses, which cost a quarter. What a pulse doesn't tell (that a
/// program's file was deleted, that a process wrote others over its arguments) is noticed so late at most.
const WHOLE: Duration = Duration::from_mins(2);
/// What couldn't be told of a process that something just happened to is asked once more after so long.
const SOON: Duration = Duration::from_millis(20);
/// No policy looks more often than that by time.
const EVERY_MIN: Duration = Duration::from_millis(100);

/// Where a look is made.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The processes and files, one look.
    pub world: &'a dyn World,
    /// What compiles conditions, and knows plugins.
    pub conditions: &'a Conditions,
    /// Whose processes they are.
    pub owners: &'a Owners,
}

impl std::fmt::Debug for Scene<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("owners", &self.owners).finish_non_exhaustive()
    }
}

/// Why it is looked.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// Whom something happened to since the last look.
    pub changed: Changed,
    /// Somebody tells of what happens; else each look that is due looks at everybody.
    pub told: bool,
    /// Everybody is to be looked at whatever was told.
    pub verify: bool,
    /// Policies that want a look now whatever happened.
    pub wanted: BTreeSet<ServiceName>,
    /// The moment.
    pub now: BootTime,
}

/// What is known from look to look.
#[derive(Debug, Default)]
pub struct Looking {
    rows: BTreeMap<Pid, Row>,
    policies: Vec<Kept>,
    sieve: Option<Sieve>,
    /// What the constants of conditions rest on.
    stamps: Stamps,
    /// The rows are those of a listing that was whole.
    complete: bool,
    /// When everything was last asked anew.
    anew: Option<BootTime>,
    /// When likenesses were last compared.
    whole: Option<BootTime>,
    /// Processes that a verification found to be others before that was told.
    untold: u64,
}

/// Processes to be asked about, with the policies that each may have been of until now.
type Touched = BTreeMap<Pid, Vec<usize>>;

/// One process.
#[derive(Debug)]
struct Row {
    likeness: Likeness,
    /// How far it had run before it was found to be as it is.
    run: Option<u64>,
    /// Policies that what events tell of doesn't rule out.
    may: Vec<usize>,
}

/// All processes for all policies, once: for whoever doesn't look again.
pub fn look_for(
    policies: &BTreeMap<ServiceName, Arc<Policy>>,
    scene: &Scene<'_>,
    now: BootTime,
) -> BTreeMap<ServiceName, PolicyLook> {
    let occasion = Occasion {
        changed: Changed::Anything,
        told: false,
        verify: false,
        wanted: policies.keys().cloned().collect(),
        now,
    };
    Looking::default().look(policies, scene, &occasion)
}

/// What people are told of one that violates its policy.
fn shown(kept: &Kept, pid: Pid, violates: &Fact<bool>, eyes: &Eyes<'_>) -> Shown {
    if *violates != Fact::Known(true) {
        return Shown::default();
    }
    let world = eyes.scene.world;
    let exe = exe::path(world, pid).known().map(|path| paths::show(&path));
    let user = world.owner(pid).known().map(|(uid, _)| match world.user_name(uid) {
        Fact::Known(name) => name.to_string(),
        Fact::Absent | Fact::Unknown(_) => uid.to_string(),
    });
    Shown { exe, user, message: kept.message_of(pid, eyes) }
}

/// When the next look is due. At multiples of the time, so that policies that look equally often look together.
fn next_of(every: Duration, now: BootTime) -> BootTime {
    let every = every.max(EVERY_MIN);
    let past = now.0.as_nanos() % every.as_nanos();
    now.after(every.saturating_sub(Duration::from_nanos(u64::try_from(past).unwrap_or(0))))
}

/// What a look is made with.
struct Eyes<'a> {
    scene: &'a Scene<'a>,
    vocabulary: ProcessVocabulary<'a>,
    plugins: plugin::Look,
}

impl Looking {
    /// Looks where something may be otherwise, and says what is seen of the policies for which it is, of those that are
    /// wanted, and of those whose `every` has passed. Each answer is about all processes.
    pub fn look(
        &mut self,
        policies: &BTreeMap<ServiceName, Arc<Policy>>,
        scene: &Scene<'_>,
        occasion: &Occasion,
    ) -> BTreeMap<ServiceName, PolicyLook> {
        let anew = self.take(policies) || self.sieve.is_none();
        let due = self.due(occasion);
        let sweep = anew
            || occasion.verify
            || occasion.changed == Changed::Anything
            || (!occasion.told && !due.is_empty());
        if self.policies.is_empty() || (!sweep && due.is_empty() && occasion.changed.is_empty()) {
            return BTreeMap::new();
        }
        let eyes =
            Eyes { scene, vocabulary: ProcessVocabulary::new(scene.world), plugins: plugin::Look::default() };
        let others = self.bind(occasion, &eyes);
        let mut news = due.clone();
        let touched = match &occasion.changed {
            Changed::These(pids) if !sweep && !others => self.living(pids, &eyes, &mut news),
            Changed::These(_) | Changed::Anything => self.sweep(anew || others, occasion, &eyes, &mut news),
        };
        self.ask(&touched, &eyes, &mut news);
        self.examine_due(&touched, &due, &eyes);
        if anew {
            news.extend(0..self.policies.len());
        }
        self.tell(&news, &due, &eyes, occasion)
    }

    /// When a look is due though nothing happens.
    pub fn next(&self) -> Option<BootTime> {
        self.policies.iter().filter_map(|kept| kept.due).min()
    }

    /// How many processes verifications found to be new or others before that was told: those that began in that moment, and
    /// those of which the kernel says nothing.
    pub fn untold(&self) -> u64 {
        self.untold
    }

    /// How many processes there are in the table.
    pub fn processes(&self) -> usize {
        self.rows.len()
    }

    /// Takes the policies in force. True if they are others than before: then nothing of them is known.
    fn take(&mut self, policies: &BTreeMap<ServiceName, Arc<Policy>>) -> bool {
        let same = self.policies.len() == policies.len()
            && self
                .policies
                .iter()
                .zip(policies.values())
                .all(|(kept, policy)| Arc::ptr_eq(&kept.policy, policy));
        if !same {
            *self = Self {
                policies: policies.values().map(|policy| Kept::new(Arc::clone(policy))).collect(),
                untold: self.untold,
                ..Self::default()
            };
        }
        !same
    }

    /// Policies that are to be looked at whatever happened.
    fn due(&self, occasion: &Occasion) -> BTreeSet<usize> {
        let is_due = |kept: &Kept| {
            occasion.wanted.contains(&kept.policy.name) || kept.due.is_some_and(|due| due <= occasion.now)
        };
        (0..).zip(&self.policies).filter(|(_, kept)| is_due(kept)).map(|(number, _)| number).collect()
    }

    /// Looks up what the constants of conditions stand for, unless that is as it was. True if other files stand behind them now:
    /// then what rows say is of before.
    fn bind(&mut self, occasion: &Occasion, eyes: &Eyes<'_>) -> bool {
        let world = eyes.scene.world;
        let now = self.stamps.again(world);
        if self.sieve.is_some() && !occasion.verify && now.as_ref() == Some(&self.stamps) {
            return false;
        }
        for kept in &mut self.policies {
            kept.bind(eyes.scene, &eyes.plugins);
        }
        let matchers = self.policies.iter().map(|kept| (kept.matcher(), &eyes.vocabulary));
        self.sieve = Some(Sieve::new(matchers));
        let others = now.is_some_and(|now| now.are_others(&self.stamps));
        self.stamps = Stamps::of(world);
        others
    }

    /// The looks of these policies; those that count looks have theirs at their time only.
    fn tell(
        &mut self,
        news: &BTreeSet<usize>,
        due: &BTreeSet<usize>,
        eyes: &Eyes<'_>,
        occasion: &Occasion,
    ) -> BTreeMap<ServiceName, PolicyLook> {
        let mut looks = BTreeMap::new();
        let Fact::Known(boot) = eyes.scene.world.boot_id() else { return looks };
        let spared = owners::Spared::of(eyes.scene.world);
        for number in news {
            let Some(kept) = self.policies.get_mut(*number) else { continue };
            let counts_looks = matches!(kept.policy.lasting, Lasting::Looks { .. });
            if counts_looks && !due.contains(number) && kept.due.is_some() {
                continue;
            }
            let mut look = PolicyLook { complete: self.complete, ..PolicyLook::default() };
            for (pid, found) in &kept.found {
                let Found::Sure { start, violates } = found else {
                    look.unsure = look.unsure.saturating_add(1);
                    continue;
                };
                look.subjects.push(Subject {
                    key: ProcessKey { boot: boot.clone(), pid: *pid, start: *start },
                    violates: violates.clone(),
                    owner: eyes.scene.owners.of(eyes.scene.world, *pid),
                    spared: spared.why(eyes.scene.world, *pid),
                    shown: shown(kept, *pid, violates, eyes),
                });
            }
            look.message = kept.message_of_nobody();
            look.subjects.sort_by_key(|subject| (subject.key.start, subject.key.pid));
            let again = kept.looks_again() || !occasion.told;
            let due_at = next_of(kept.policy.every, occasion.now);
            // Who changed while it was looked at is looked at once more before long.
            let soon = occasion.now.after(SOON);
            let just_told = matches!(occasion.changed, Changed::These(_)) && !due.contains(number);
            let in_doubt = just_told && kept.unsure().next().is_some();
            kept.due = again.then(|| if in_doubt { soon.min(due_at) } else { due_at });
            looks.insert(kept.policy.name.clone(), look);
        }
        looks
    }
}
