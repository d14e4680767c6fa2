//! The engine against a host that is out to get it: a fake clock, a fake process table, and faults from a seed.
//!
//! `SIM_SEED=17 cargo test --test sim` replays one history and prints its whole story. `SIM_RUNS=100000` with
//! `--profile proof` is what `.ci/run` does. A seed that fails is appended to `sim/regressions`, which are played first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "sim/answer.rs"]
mod answer;
#[path = "sim/chance.rs"]
mod chance;
#[path = "sim/check.rs"]
mod check;
#[path = "sim/run.rs"]
mod run;
#[path = "sim/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use run::{Run, Tally};

/// With that of the C library a quarter of the time went into allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seeds that failed once, a line each: `SEED what went wrong`.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sim/regressions");

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn known() -> BTreeSet<u64> {
    let text = std::fs::read_to_string(REGRESSIONS).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

/// Plays all histories below `runs`, on every processor. The smallest seed of a failure, with its story.
fn play(runs: u64, before_each: fn()) -> Result<Tally, (u64, String)> {
    let next = AtomicU64::new(0);
    let failed = AtomicU64::new(u64::MAX);
    let work = || {
        before_each();
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= runs || seed > failed.load(Ordering::SeqCst) {
                return tally;
            }
            let mut run = Run::new(seed);
            if run.whole().is_err() {
                failed.fetch_min(seed, Ordering::SeqCst);
            }
            tally.add(&run);
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let seed = failed.load(Ordering::SeqCst);
    if seed == u64::MAX {
        return Ok(tallies.into_iter().fold(Tally::default(), Tally::and));
    }
    before_each();
    let mut run = Run::new(seed);
    let problem = run.whole().expect_err("the same seed, the same history");
    Err((seed, format!("{problem}\n\nthe end of the story (SIM_SEED={seed} replays it):\n{}", run.story(40))))
}

#[test]
fn promises_hold_under_faults() {
    if let Some(seed) = number("SIM_SEED") {
        let mut run = Run::new(seed);
        let result = run.whole();
        println!("{}", run.story(usize::MAX));
        assert_eq!(result, Ok(()), "seed {seed}");
        return;
    }
    for seed in known() {
        let mut run = Run::new(seed);
        assert_eq!(run.whole(), Ok(()), "seed {seed}, which failed before:\n{}", run.story(40));
    }
    let runs = number("SIM_RUNS").unwrap_or(100);
    let kinds = match play(runs, || {}) {
        Ok(kinds) => kinds,
        Err((seed, story)) => {
            let what = story.lines().next().unwrap_or_default();
            let file = std::fs::OpenOptions::new().append(true).open(REGRESSIONS);
            let _ = file.and_then(|mut file| writeln!(file, "{seed} {what}"));
            panic!("{story}");
        }
    };
    println!("{runs} histories of {} steps: {kinds:?}", run::STEPS);
    // A simulation in which nothing happens proves nothing.
    assert!(kinds.starts > runs && kinds.adoptions > runs / 4 && kinds.signals > runs, "{kinds:?}");
    assert!(kinds.crashes > runs && kinds.held > runs / 4 && kinds.refusals > runs / 4, "{kinds:?}");
}

/// Each keeper of a promise is switched off, and the checkers notice.
#[cfg(feature = "failpoints")]
mod breaks {
    use selfsame::host::failpoint::{Break, break_here};

    /// The first line of the first story in which something is wrong.
    #[track_caller]
    fn caught(before_each: fn(), expected: &[&str]) {
        let found = super::play(300, before_each);
        break_here(None);
        let Err((seed, story)) = found else { panic!("nobody noticed") };
        let what = story.lines().next().unwrap_or_default();
        println!("noticed with seed {seed}: {what}");
        assert!(expected.iter().any(|part| what.contains(part)), "{story}");
    }

    #[test]
    fn a_start_without_its_intent_is_noticed() {
        caught(|| break_here(Some(Break::SkipIntent)), &["is started without an intent on disk"]);
    }

    #[test]
    fn a_signal_to_a_number_is_noticed() {
        caught(|| break_here(Some(Break::SignalByNumber)), &["a stranger is signalled"]);
    }

    #[test]
    fn unknown_that_counts_as_no_is_noticed() {
        let expected = ["although something was unknown", "live copies", "is on record twice", "lives "];
        caught(|| break_here(Some(Break::UnknownIsNo)), &expected);
    }
}
