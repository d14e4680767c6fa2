#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::diagnostic::Source;
use crate::process::snapshot::Snapshot;

/// A look at processes, each `pid@start` with its state.
fn look(processes: &[(i32, u64, &str)]) -> Snapshot {
    let row = |(pid, start, state): &(i32, u64, &str)| {
        format!("  - {{pid: {pid}, ppid: 1, startTicks: {start}, state: {state}, comm: x}}\n")
    };
    let rows: String = processes.iter().map(row).collect();
    // 2.5 s after boot, 250 ticks.
    let host = r#"host: {boot: "2026-01-01T00:00:00Z", now: "2026-01-01T00:00:02.5Z"}"#;
    Snapshot::parse(&Source::new("look", format!("{host}\nprocesses:\n{rows}"))).unwrap()
}

fn told(
    sightings: &mut Sightings,
    processes: &[(i32, u64, &str)],
    verdicts: &[(i32, Standing)],
) -> Vec<(i32, Change)> {
    let verdicts = verdicts.iter().map(|(pid, standing)| (Pid(*pid), standing.clone())).collect();
    let changes = sightings.update(&look(processes), verdicts);
    changes.into_iter().map(|(key, change)| (key.pid.0, change)).collect()
}

const ALIVE: &str = "sleeping";

fn begins(already: bool, new: bool) -> Change {
    Change::Begins { already, new }
}

#[test]
fn what_is_so_is_told_once() {
    let mut sightings = Sightings::new();
    let two = [(10, 100, ALIVE), (11, 200, ALIVE)];
    let first = told(&mut sightings, &two, &[(10, Standing::Matches)]);
    assert_eq!(first, [(10, begins(true, false))]);
    assert_eq!(told(&mut sightings, &two, &[(10, Standing::Matches)]), []);
    // One that was there before comes to match; another starts.
    let three = [(10, 100, ALIVE), (11, 200, ALIVE), (12, 300, ALIVE)];
    let all = [(10, Standing::Matches), (11, Standing::Matches), (12, Standing::Matches)];
    let changes = told(&mut sightings, &three, &all);
    assert_eq!(changes, [(11, begins(false, false)), (12, begins(false, true))]);
    let why = vec!["comm".to_owned()];
    let fails = [(10, Standing::Fails(why.clone())), (11, Standing::Matches), (12, Standing::Matches)];
    assert_eq!(told(&mut sightings, &three, &fails), [(10, Change::Ceases(why))]);
    assert_eq!(told(&mut sightings, &three, &fails), []);
}

#[test]
fn a_number_that_was_given_out_again_is_an_exit_and_a_start() {
    let mut sightings = Sightings::new();
    told(&mut sightings, &[(10, 100, ALIVE)], &[(10, Standing::Matches)]);
    let changes = told(&mut sightings, &[(10, 500, ALIVE)], &[(10, Standing::Matches)]);
    assert_eq!(changes, [(10, Change::Exited(Exit::Unknown)), (10, begins(false, true))]);
    assert_eq!(told(&mut sightings, &[], &[]), [(10, Change::Exited(Exit::Unknown))]);
}

#[test]
fn unknown_is_told_and_is_no_end() {
    let mut sightings = Sightings::new();
    let one = [(10, 100, ALIVE)];
    let unknown = || Standing::Undecided(vec!["denied".into()]);
    told(&mut sightings, &one, &[(10, Standing::Matches)]);
    let changes = told(&mut sightings, &one, &[(10, unknown())]);
    assert_eq!(changes, [(10, Change::Undecided(vec!["denied".into()]))]);
    assert_eq!(told(&mut sightings, &one, &[(10, unknown())]), []);
    assert_eq!(told(&mut sightings, &one, &[(10, Standing::Matches)]), [(10, begins(false, false))]);
    // A look that has nothing to say about it, while it is there, changes nothing.
    assert_eq!(told(&mut sightings, &one, &[]), []);
}

#[test]
fn a_zombie_whose_exit_was_told_does_not_begin_again() {
    let mut sightings = Sightings::new();
    told(&mut sightings, &[(10, 100, ALIVE)], &[(10, Standing::Matches)]);
    let key = sightings.table.keys().next().unwrap().clone();
    // As `exited` does when the pidfd tells.
    sightings.table.remove(&key);
    sightings.zombies.insert(key);
    let zombie = [(10, 100, "zombie")];
    assert_eq!(told(&mut sightings, &zombie, &[(10, Standing::Matches)]), []);
    assert_eq!(told(&mut sightings, &[], &[]), []);
    assert!(sightings.zombies.is_empty(), "it isn't remembered for ever");
}
