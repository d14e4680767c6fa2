//! The engine against a host that is out to get it: a fake clock, a fake process table, and faults from a seed.
//!
//! `SIM_SEED=17 cargo test --test sim` replays one run and prints its whole story.
//! `SIM_RUNS=5000` makes it a long night.

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

use run::Run;

#[test]
fn promises_hold_under_faults() {
    if let Some(seed) = std::env::var("SIM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        let mut run = Run::new(seed);
        let result = run.whole();
        println!("{}", run.story(usize::MAX));
        assert_eq!(result, Ok(()), "seed {seed}");
        return;
    }
    let runs = std::env::var("SIM_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(100);
    let mut kinds = run::Tally::default();
    for seed in 0..runs {
        let mut run = Run::new(seed);
        if let Err(problem) = run.whole() {
            panic!("{problem}\n\nthe end of the story (SIM_SEED={seed} replays it):\n{}", run.story(40));
        }
        kinds.add(&run);
    }
    // A simulation in which nothing happens proves nothing.
    assert!(kinds.starts > runs && kinds.adoptions > runs / 4 && kinds.signals > runs, "{kinds:?}");
    assert!(kinds.crashes > runs && kinds.held > runs / 4 && kinds.refusals > runs / 4, "{kinds:?}");
}
