//! The one who kills.

use std::fmt;
use std::ops::RangeInclusive;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::checker::{Checker, look};
use super::field::Field;

pub(crate) struct Means {
    pub(crate) services: usize,
    pub(crate) time: Duration,
    pub(crate) faults: &'static str,
    pub(crate) broken: Option<&'static str>,
    /// Between two deeds, milliseconds.
    pub(crate) pause: RangeInclusive<u64>,
}

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) violations: Vec<String>,
    pub(crate) engine_kills: u32,
    pub(crate) service_kills: u32,
    pub(crate) edits: u32,
    pub(crate) strangers: (u32, u32),
    pub(crate) starts: usize,
    pub(crate) samples: u64,
    /// By the engine that was there at the end of the fury, whose looks and writes go on failing.
    pub(crate) settled: Duration,
    /// After one more deed, by an engine to which nothing is done any more.
    pub(crate) converged: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the engine was killed {} times, services {} times, {} documents were edited, {} strangers came, {} of them under \
             the number of a dead service; {} starts; {} samples of /proc; converged {:?} after the fury while steps went on \
             failing, and {:?} after the last deed",
            self.engine_kills,
            self.service_kills,
            self.edits,
            self.strangers.0,
            self.strangers.1,
            self.starts,
            self.samples,
            self.settled,
            self.converged
        )?;
        self.violations.iter().try_for_each(|violation| writeln!(f, "VIOLATION {violation}"))
    }
}

/// Chance from a seed, which is told: the deeds are the same again, though not their moments.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }
}

/// Kills by number what this very look has found, in a namespace where everything is of this test.
fn kill(pid: i32) -> bool {
    Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success()
}

fn pid_of(name: &str) -> Option<i32> {
    look().get(name)?.first().map(|key| key.0)
}

/// Waits until all live once and the engine says so, and says how long it took.
fn converge(field: &mut Field, limit: Duration) -> Duration {
    let began = Instant::now();
    while began.elapsed() < limit {
        let found = look();
        let all = field.names.iter().all(|name| found.get(name).is_some_and(|keys| keys.len() == 1));
        if all && field.running() == field.names.len() {
            return began.elapsed();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("not converged; the end of the log:\n{}", field.log());
    limit
}

/// After this it won't come to it any more.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

pub(crate) fn rage(means: &Means) -> Report {
    let mut field = Field::new(means);
    let checker = Checker::new(field.path("watch.log"));
    let mut report = Report::default();
    std::thread::scope(|scope| {
        scope.spawn(|| checker.watch());
        field.start_engine();
        let up = converge(&mut field, Duration::from_mins(1));
        println!("{} services came up within {up:?}", means.services);
        deeds(means, &mut field, &checker, &mut report);
        if means.broken.is_none() {
            report.settled = converge(&mut field, LONGEST);
            // How long that takes is chance: a look that fails is made again at the next resync, and may fail again.
            field.faults = "";
            everything_dies(&mut field, &mut report);
            report.converged = converge(&mut field, LONGEST);
        }
        checker.over.store(true, Ordering::SeqCst);
    });
    report.violations.append(&mut checker.violations.lock().unwrap());
    report.violations.extend(field.strangers_hit());
    if !report.violations.is_empty() && means.broken.is_none() {
        println!("the end of {}:\n{}", checker.log.display(), field.log());
    }
    report.starts = field.starts();
    report.samples = checker.samples.load(Ordering::SeqCst);
    report.strangers = (field.strangers_made, field.recycled);
    report
}

fn deeds(means: &Means, field: &mut Field, checker: &Checker, report: &mut Report) {
    let seed = std::env::var("NEMESIS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(17);
    println!("NEMESIS_SEED={seed}");
    let mut chance = Chance(seed);
    let began = Instant::now();
    while began.elapsed() < means.time {
        let span = means.pause.end() - means.pause.start();
        std::thread::sleep(Duration::from_millis(means.pause.start() + chance.below(span + 1)));
        report.violations.extend(field.engine_ended());
        let index = usize::try_from(chance.below(means.services as u64)).unwrap();
        let name = field.names[index].clone();
        match chance.below(10) {
            // The engine, and at once another one.
            0..=2 => {
                field.kill_engine();
                report.engine_kills += 1;
                field.start_engine();
            }
            // A service.
            3 | 4 => {
                if let Some(pid) = pid_of(&name) {
                    report.service_kills += u32::from(kill(pid));
                }
            }
            // A service, and its number goes to a stranger.
            5 | 6 => {
                if let Some(pid) = pid_of(&name) {
                    report.service_kills += u32::from(kill(pid));
                    await_end(pid);
                    field.stranger(Some(pid));
                }
            }
            // A restart, in the middle of which the process dies and its number goes to a stranger.
            7 | 8 => {
                let pid = pid_of(&name);
                field.edit(index);
                report.edits += 1;
                std::thread::sleep(Duration::from_millis(20 + chance.below(120)));
                if let Some(pid) = pid.filter(|pid| pid_of(&name) == Some(*pid)) {
                    report.service_kills += u32::from(kill(pid));
                    await_end(pid);
                    field.stranger(Some(pid));
                }
            }
            _ => everything_dies(field, report),
        }
        report.violations.extend(field.strangers_hit());
        let noticed = !report.violations.is_empty() || !checker.violations.lock().unwrap().is_empty();
        if means.broken.is_some() && noticed {
            return;
        }
    }
}

/// The engine and many services, and another engine comes.
fn everything_dies(field: &mut Field, report: &mut Report) {
    field.kill_engine();
    report.engine_kills += 1;
    for victim in field.names.iter().step_by(7) {
        if let Some(pid) = pid_of(victim) {
            report.service_kills += u32::from(kill(pid));
        }
    }
    field.start_engine();
}

/// Until the number is free, or somebody else's already.
fn await_end(pid: i32) {
    let end = Instant::now() + Duration::from_millis(500);
    while std::path::Path::new(&format!("/proc/{pid}")).exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}
