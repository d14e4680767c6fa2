//! From the verdicts of a look to a set of processes: the youngest, the oldest, the first few, with their families.
//!
//! A set that depends on something unknown is in doubt, and then nothing is chosen: what can't be decided might have
//! been the youngest.

use std::collections::BTreeSet;

use super::tree;
use super::world::World;
use crate::facts::{Fact, Why};
use crate::units::{Pid, StartTicks};

/// Which of the matching processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Pick {
    /// All of them.
    #[default]
    All,
    /// The one that started last; of several at once the one with the highest number.
    Newest,
    /// The one that started first; of several at once the one with the lowest number.
    Oldest,
    /// So many, the lowest numbers.
    First(usize),
}

/// Who comes along.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Family {
    /// Nobody.
    #[default]
    Alone,
    /// The children of each.
    Children,
    /// All descendants of each.
    Tree,
}

/// A chosen process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Chosen {
    /// Which.
    pub pid: Pid,
    /// It comes along as one of the family of this one, which was picked.
    pub with: Option<Pid>,
}

/// Picks of the matching processes, with their families, ascending.
///
/// # Errors
/// A sentence that says what is in doubt, and so nothing is chosen.
pub fn select(
    world: &dyn World,
    matching: &[Pid],
    undecided: &[Pid],
    pick: Pick,
    family: Family,
) -> Result<Vec<Chosen>, String> {
    let picked = picked(world, matching, undecided, pick)?;
    with_family(world, picked, family)
}

fn picked(world: &dyn World, matching: &[Pid], undecided: &[Pid], pick: Pick) -> Result<Vec<Pid>, String> {
    match pick {
        Pick::All => Ok(matching.to_vec()),
        Pick::First(most) => {
            let mut all = matching.to_vec();
            all.sort_unstable();
            all.truncate(most);
            Ok(all)
        }
        Pick::Newest => extreme(world, matching, undecided, "newest", |a, b| a > b),
        Pick::Oldest => extreme(world, matching, undecided, "oldest", |a, b| a < b),
    }
}

/// The process that comes before all others in the order of `before`, unless an undecided one might.
fn extreme(
    world: &dyn World,
    matching: &[Pid],
    undecided: &[Pid],
    which: &str,
    before: impl Fn((StartTicks, Pid), (StartTicks, Pid)) -> bool,
) -> Result<Vec<Pid>, String> {
    let mut best: Option<(StartTicks, Pid)> = None;
    for pid in matching {
        let Some(start) = start_of(world, *pid, which)? else { continue };
        if best.is_none_or(|best| before((start, *pid), best)) {
            best = Some((start, *pid));
        }
    }
    for pid in undecided {
        let Some(start) = start_of(world, *pid, which)? else { continue };
        if best.is_none_or(|best| before((start, *pid), best)) {
            return Err(format!("the {which} one is in doubt: {pid} can't be decided and might be it"));
        }
    }
    Ok(best.map(|(_, pid)| pid).into_iter().collect())
}

/// `None`: it is gone meanwhile.
fn start_of(world: &dyn World, pid: Pid, which: &str) -> Result<Option<StartTicks>, String> {
    match world.stat(pid) {
        Fact::Known(stat) => Ok(Some(stat.start)),
        Fact::Unknown(reason) if reason.why == Why::Vanished => Ok(None),
        Fact::Absent => Err(format!("the {which} one is in doubt: the start time of {pid} isn't known")),
        Fact::Unknown(reason) => {
            Err(format!("the {which} one is in doubt: the start time of {pid} can't be read ({reason})"))
        }
    }
}

fn with_family(world: &dyn World, picked: Vec<Pid>, family: Family) -> Result<Vec<Chosen>, String> {
    let own: BTreeSet<Pid> = picked.iter().copied().collect();
    let mut all: BTreeSet<Chosen> = picked.into_iter().map(|pid| Chosen { pid, with: None }).collect();
    if family == Family::Alone || own.is_empty() {
        return Ok(all.into_iter().collect());
    }
    let children = match tree::children(world) {
        Fact::Known(children) => children,
        Fact::Absent => return Err("the parents of processes aren't known".into()),
        Fact::Unknown(reason) => return Err(format!("the parents of processes can't be read ({reason})")),
    };
    let mut seen = own.clone();
    // As in every look, the one that asks is none of those that are asked about.
    seen.extend(world.self_pid().known());
    for parent in own {
        let below = match family {
            Family::Tree => tree::descendants(&children, parent),
            Family::Children | Family::Alone => children.get(&parent).cloned().unwrap_or_default(),
        };
        for pid in below.into_iter().filter(|pid| seen.insert(*pid)) {
            all.insert(Chosen { pid, with: Some(parent) });
        }
    }
    Ok(all.into_iter().collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::process::testing::TestWorld;

    /// 10 (start 100) and its child 11 (start 300), whose child is 12 (start 300); 13 (start 200); 14 has no start.
    fn world() -> TestWorld {
        let mut world = TestWorld::new();
        world.elf("/usr/bin/x");
        for (pid, parent, start) in [(10, 1, 100), (11, 10, 300), (12, 11, 300), (13, 1, 200)] {
            let stat = crate::process::testing::stat(parent, start);
            world.start(pid, parent, "/usr/bin/x", &["x"]).stat = Fact::Known(stat);
        }
        world.start(14, 1, "/usr/bin/x", &["x"]).stat = Fact::unknown(Why::Denied);
        world
    }

    fn pids(numbers: &[i32]) -> Vec<Pid> {
        numbers.iter().copied().map(Pid).collect()
    }

    fn chosen(matching: &[i32], undecided: &[i32], pick: Pick, family: Family) -> Result<Vec<i32>, String> {
        select(&world(), &pids(matching), &pids(undecided), pick, family)
            .map(|all| all.into_iter().map(|chosen| chosen.pid.0).collect())
    }

    #[test]
    fn the_youngest_and_the_oldest_are_told_by_start_and_then_by_number() {
        for (pick, expected) in [(Pick::Newest, 12), (Pick::Oldest, 10)] {
            assert_eq!(chosen(&[10, 11, 12, 13], &[], pick, Family::Alone), Ok(vec![expected]));
        }
        assert_eq!(chosen(&[], &[], Pick::Newest, Family::Alone), Ok(vec![]));
        assert_eq!(chosen(&[13, 12, 10], &[], Pick::First(2), Family::Alone), Ok(vec![10, 12]));
    }

    #[test]
    fn what_might_be_the_youngest_puts_it_in_doubt() {
        for (matching, undecided, pick, certain) in [
            (&[10, 13][..], &[12][..], Pick::Newest, false),
            (&[10, 13], &[12], Pick::Oldest, true),
            (&[12], &[10, 13], Pick::Newest, true),
            (&[12], &[10], Pick::Oldest, false),
            // The same start and a lower number: it can't be the newest.
            (&[12], &[11], Pick::Newest, true),
            // Nothing is known of the start of 14.
            (&[12], &[14], Pick::Newest, false),
            (&[12, 14], &[], Pick::Newest, false),
            (&[], &[10], Pick::Newest, false),
        ] {
            let answer = chosen(matching, undecided, pick, Family::Alone);
            assert_eq!(answer.is_ok(), certain, "{matching:?} {undecided:?} {pick:?}: {answer:?}");
        }
    }

    #[test]
    fn families_come_along_once() {
        let mut world = world();
        world.procs.remove(&14);
        let all = |world: &TestWorld, matching: &[i32], family| {
            let chosen = select(world, &pids(matching), &[], Pick::All, family).unwrap();
            chosen.into_iter().map(|c| (c.pid.0, c.with.map(|pid| pid.0))).collect::<Vec<_>>()
        };
        assert_eq!(all(&world, &[10], Family::Alone), [(10, None)]);
        assert_eq!(all(&world, &[10], Family::Children), [(10, None), (11, Some(10))]);
        assert_eq!(all(&world, &[10], Family::Tree), [(10, None), (11, Some(10)), (12, Some(10))]);
        assert_eq!(all(&world, &[10, 11], Family::Tree), [(10, None), (11, None), (12, Some(10))]);
        // Who asks is a child of the shell that it was called from.
        world.me = 12;
        assert_eq!(all(&world, &[10], Family::Tree), [(10, None), (11, Some(10))]);
        // Where a parent can't be read, the family isn't known.
        assert!(chosen(&[10], &[], Pick::All, Family::Tree).is_err());
    }
}
