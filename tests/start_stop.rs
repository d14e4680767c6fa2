//! The drop-in beside the program that it stands in for, in the same sandbox: exit codes, what is said on stdout, and what started
//! programs and files look like afterwards.
//!
//! Each scenario is a small sh script in a file under `tests/start_stop/scenarios`, run as the first process of a PID and a mount
//! namespace of its own, in an empty directory, once with Debian's program and once with ours. What it prints is compared.
//! A scenario is two lines and a script:
//!
//! ```text
//! == a name that says what is shown
//! differs: the hazard that was removed, in words of docs/start-stop-daemon.md      (only where they differ)
//! daemon a
//! ssd --status --exec "$D/a"
//! -- oracle          (only where they differ: what each prints; `UPDATE_CASES=1` writes both anew)
//! exit 0
//! -- ours
//! exit 1
//! ```
//!
//! `tests/start_stop/prelude.sh` has the words that scripts are made of. One scenario alone: `SCENARIO=words cargo test --test
//! start_stop -- --nocapture` shows both transcripts. Another program in place of ours: `SSD_UNDER_TEST=/path`.
//!
//! Whether they would show anything is shown by programs that are not the same: busybox' start-stop-daemon, and Debian's own, deaf to one
//! of its options.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

#[path = "start_stop/bench.rs"]
mod bench;
#[path = "start_stop/options.rs"]
mod options;
#[path = "start_stop/scenario.rs"]
mod scenario;

use bench::{Bench, Means, ORACLE};
use scenario::{Scenario, files, read, rewrite, verdict};

const SCENARIOS_MIN: usize = 150;
/// So many scenarios are run with a program that lacks an option.
const SCENARIOS_OF_AN_OPTION: usize = 3;
/// So often a scenario is tried that shows something else with ours.
const TRIES: usize = 4;

/// What the tests have in common: the oracle is run once.
struct Run {
    bench: Bench,
    scenarios: Vec<Scenario>,
    /// Of the oracle.
    transcripts: Vec<String>,
    /// Of ours.
    ours: Vec<String>,
}

/// The first test that asks runs it; the last one that needs it takes it down.
static SHARED: Mutex<Weak<Run>> = Mutex::new(Weak::new());

impl Run {
    /// `None`: skipped, and said so.
    fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap();
        if let Some(run) = shared.upgrade() {
            return Some(run);
        }
        let bench = Bench::new()?;
        let wanted = std::env::var("SCENARIO").unwrap_or_default();
        let scenarios: Vec<Scenario> =
            files().iter().flat_map(|file| read(file)).filter(|one| one.name.contains(&wanted)).collect();
        let begin = Instant::now();
        let jobs: Vec<_> = scenarios
            .iter()
            .flat_map(|one| [(one, Path::new(ORACLE), Means::Same), (one, bench.ours.as_path(), Means::Same)])
            .collect();
        let mut texts = bench.transcripts(&jobs).into_iter();
        let (mut transcripts, mut ours) = (Vec::new(), Vec::new());
        while let (Some(theirs), Some(own)) = (texts.next(), texts.next()) {
            transcripts.push(theirs);
            ours.push(own);
        }
        eprintln!("{} scenarios twice in {:.1} s", scenarios.len(), begin.elapsed().as_secs_f64());
        let run = Arc::new(Self { bench, scenarios, transcripts, ours });
        *shared = Arc::downgrade(&run);
        Some(run)
    }

    /// Scenarios with what the oracle does in them.
    fn known(&self) -> impl Iterator<Item = (&Scenario, &String)> {
        self.scenarios.iter().zip(&self.transcripts)
    }
}

#[test]
fn the_drop_in_does_what_the_program_does() {
    let Some(run) = Run::shared() else { return };
    if std::env::var("UPDATE_CASES").is_ok() {
        update(&run);
    }
    let mut found = Vec::new();
    for ((scenario, oracle), ours) in run.known().zip(&run.ours) {
        found.extend(verdict(scenario, oracle, ours).map(|text| (scenario, text)));
    }
    let wrong = each_time(&run.bench, &run.bench.ours, found);
    let differ = run.scenarios.iter().filter(|one| one.differs.is_some()).count();
    eprintln!("{} scenarios, {differ} with a difference that has a name", run.scenarios.len());
    assert!(wrong.is_empty(), "{} of {} scenarios:\n{}", wrong.len(), run.scenarios.len(), wrong.join("\n"));
}

/// What is wrong counts if something is each time, with both programs run anew: there are times among what is compared, and a machine that
/// is busy with something else makes one of them late now and then.
fn each_time(bench: &Bench, program: &Path, mut found: Vec<(&Scenario, String)>) -> Vec<String> {
    for _ in 1..TRIES {
        if found.is_empty() {
            break;
        }
        let names: Vec<&str> = found.iter().map(|(scenario, _)| scenario.name.as_str()).collect();
        eprintln!("different, tried again: {names:?}");
        let jobs: Vec<_> = found
            .iter()
            .flat_map(|(one, _)| [(*one, Path::new(ORACLE), Means::Same), (*one, program, Means::Same)])
            .collect();
        let texts = bench.transcripts(&jobs);
        found = found
            .iter()
            .zip(texts.chunks(2))
            .filter_map(|((one, _), pair)| Some((*one, verdict(one, &pair[0], &pair[1])?)))
            .collect();
    }
    let shown = |(scenario, text): &(&Scenario, String)| {
        format!("== {} ({})\n{text}", scenario.name, scenario.file.display())
    };
    found.iter().map(shown).collect()
}

/// Writes down what each does in scenarios that differ.
fn update(run: &Run) {
    for file in files() {
        let mut scenarios = read(&file);
        for scenario in scenarios.iter_mut().filter(|one| one.differs.is_some()) {
            for ((known, oracle), ours) in run.known().zip(&run.ours) {
                if known.name == scenario.name {
                    scenario.oracle.clone_from(oracle);
                    scenario.ours.clone_from(ours);
                }
            }
        }
        rewrite(&file, &scenarios);
    }
}

/// Debian's program without one of its options is told from it, whichever option it is.
#[test]
fn a_program_that_lacks_an_option_is_told_from_it() {
    let Some(run) = Run::shared() else { return };
    if std::env::var("SCENARIO").is_ok() {
        return;
    }
    let programs: Vec<_> =
        options::ALL.iter().map(|option| run.bench.wrapper(option.long, &option.deaf())).collect();
    let (mut jobs, mut of) = (Vec::new(), Vec::new());
    for (option, program) in options::ALL.iter().zip(&programs) {
        // Where it matters most.
        let mut about: Vec<_> = run.known().filter(|(one, _)| option.uses(&one.script) > 0).collect();
        about.sort_by_key(|(one, _)| std::cmp::Reverse(option.uses(&one.script)));
        for (scenario, oracle) in about.into_iter().take(SCENARIOS_OF_AN_OPTION) {
            jobs.push((scenario, program.as_path(), Means::Other));
            of.push((option.long, oracle));
        }
    }
    let begin = Instant::now();
    let mut told: BTreeMap<&str, usize> = options::ALL.iter().map(|option| (option.long, 0)).collect();
    for (text, (option, oracle)) in run.bench.transcripts(&jobs).iter().zip(of) {
        *told.entry(option).or_default() += usize::from(text != oracle);
    }
    eprintln!("how many of {SCENARIOS_OF_AN_OPTION} scenarios tell a program without the option: {told:?}");
    eprintln!("in {:.1} s", begin.elapsed().as_secs_f64());
    let unnoticed: Vec<_> = told.iter().filter(|(_, count)| **count == 0).collect();
    assert!(unnoticed.is_empty(), "nothing tells a program without {unnoticed:?}");
}

/// busybox has a program of the same name that does less, and some of it differently.
#[test]
fn another_program_of_the_same_name_is_told_from_it() {
    let Some(run) = Run::shared() else { return };
    if std::env::var("SCENARIO").is_ok() {
        return;
    }
    let there = std::process::Command::new("busybox").args(["start-stop-daemon", "--help"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        bench::skip("there is no busybox with a start-stop-daemon");
        return;
    }
    let program = run.bench.wrapper("busybox", "!!/bin/busybox\n+start-stop-daemon\n");
    let begin = Instant::now();
    let jobs: Vec<_> = run.scenarios.iter().map(|one| (one, program.as_path(), Means::Other)).collect();
    let texts = run.bench.transcripts(&jobs);
    let differ = texts.iter().zip(&run.transcripts).filter(|(text, oracle)| text != oracle).count();
    eprintln!(
        "busybox: {differ} of {} scenarios differ, in {:.1} s",
        texts.len(),
        begin.elapsed().as_secs_f64()
    );
    // It has most of the options by their letters, so that its scenarios would be alike if little were compared.
    assert!(differ * 10 >= texts.len() * 8, "only {differ} of {} scenarios differ", texts.len());
}

/// `--compat strict` brings back what docs/start-stop-daemon.md says that it does, and changes nothing where there was no difference.
#[test]
fn where_it_is_strict_the_hazards_that_are_a_nuisance_are_back() {
    let Some(run) = Run::shared() else { return };
    let how = format!("!{}\n+--compat\n+strict\n", run.bench.ours.display());
    let program = run.bench.wrapper("strict", &how);
    let docs = docs();
    let back: Vec<_> = run
        .known()
        .filter(|(one, _)| one.differs.as_ref().is_none_or(|why| row(&docs, why).is_some_and(is_restored)))
        .collect();
    let jobs: Vec<_> = back.iter().map(|(one, _)| (*one, program.as_path(), Means::Same)).collect();
    let same: Vec<_> = back.iter().map(|(one, _)| Scenario { differs: None, ..(*one).clone() }).collect();
    let mut found = Vec::new();
    for ((scenario, (_, oracle)), strict) in same.iter().zip(&back).zip(run.bench.transcripts(&jobs)) {
        found.extend(verdict(scenario, oracle, &strict).map(|text| (scenario, text)));
    }
    let wrong = each_time(&run.bench, &program, found);
    let restored = back.iter().filter(|(one, _)| one.differs.is_some()).count();
    eprintln!("strict: {} scenarios are as they were, {restored} of them are not without it", back.len());
    assert!(wrong.is_empty(), "{} of {} scenarios:\n{}", wrong.len(), back.len(), wrong.join("\n"));
    assert!(restored > 3 || std::env::var("SCENARIO").is_ok());
}

fn docs() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/start-stop-daemon.md")).unwrap()
}

/// The row of the table that is about this.
fn row<'d>(docs: &'d str, why: &str) -> Option<&'d str> {
    docs.lines().find(|line| line.starts_with(&format!("| {why} |")))
}

fn is_restored(row: &str) -> bool {
    row.trim_end_matches(" |").rsplit(" | ").next().is_some_and(|strict| strict.starts_with("restored"))
}

#[test]
fn names_are_said_once_and_every_difference_is_in_the_docs() {
    let mut names = std::collections::BTreeSet::new();
    let docs = docs();
    for scenario in files().iter().flat_map(|file| read(file)) {
        assert!(names.insert(scenario.name.clone()), "`{}` twice", scenario.name);
        if let Some(why) = &scenario.differs {
            assert!(
                row(&docs, why).is_some(),
                "`{}`: docs/start-stop-daemon.md has no row `{why}`",
                scenario.name
            );
            assert!(
                !scenario.ours.is_empty() || !scenario.oracle.is_empty(),
                "`{}` has no transcripts",
                scenario.name
            );
        }
    }
    assert!(names.len() >= SCENARIOS_MIN, "{}", names.len());
}

#[test]
fn every_option_stands_in_a_scenario_by_each_of_its_names() {
    let scripts: String = files().iter().flat_map(|file| read(file)).map(|one| one.script).collect();
    for option in options::ALL {
        for name in option.names() {
            assert!(scripts.split_whitespace().any(|word| word == name), "{name} stands in no scenario");
        }
    }
}
