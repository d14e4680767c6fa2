//! The points of a test build.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use super::rules::{Deed, Rule};
use super::{Break, POINTS};

fn rules() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let text = std::env::var("SELFSAME_FAILPOINTS").unwrap_or_default();
        text.split_whitespace().map(|word| Rule::parse(word).unwrap_or_else(|| refuse(word))).collect()
    })
}

/// A misspelled point would let a test pass that proves nothing.
fn refuse(word: &str) -> ! {
    let _ = writeln!(io::stderr(), "`{word}` is no failpoint: POINT=kill|error|stop|delay:MS[@N|/N]");
    std::process::exit(99)
}

fn note(point: &str) {
    if let Some(path) = std::env::var_os("SELFSAME_FAILPOINTS_LOG") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(format!("{point}\n").as_bytes()));
    }
}

/// The engine comes to a point.
///
/// # Errors
/// The test wants the step to fail.
pub fn hit(point: &'static str) -> io::Result<()> {
    debug_assert!(POINTS.contains(&point), "`{point}` isn't listed");
    for rule in rules().iter().filter(|rule| rule.point() == point) {
        let Some(deed) = rule.due() else { continue };
        note(point);
        let own = rustix::process::getpid();
        match deed {
            Deed::Kill => {
                let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
                // It comes before the call returns; this is for the reader.
                std::thread::park();
            }
            Deed::Stop => {
                let _ = rustix::process::kill_process(own, rustix::process::Signal::STOP);
            }
            Deed::Delay(milliseconds) => std::thread::sleep(Duration::from_millis(milliseconds)),
            Deed::Error => return Err(io::Error::from_raw_os_error(libc::ENOSPC)),
        }
    }
    Ok(())
}

/// What the child between clone and execve has to do at one of its points, decided before it is made, since it may
/// neither allocate nor read the environment: the point, and `None` for a kill of the engine or nanoseconds to wait.
pub fn child_plan() -> Option<(&'static str, Option<i64>)> {
    for rule in rules().iter().filter(|rule| rule.point().starts_with("child.")) {
        let Some(point) = POINTS.into_iter().find(|point| *point == rule.point()) else { continue };
        match rule.due() {
            Some(Deed::Kill) => {
                note(point);
                return Some((point, None));
            }
            Some(Deed::Delay(milliseconds)) => {
                note(point);
                return Some((
                    point,
                    i64::try_from(milliseconds).ok().map(|ms| ms.saturating_mul(1_000_000)),
                ));
            }
            Some(Deed::Error | Deed::Stop) | None => {}
        }
    }
    None
}

thread_local! {
    static BROKEN: Cell<Option<Break>> = const { Cell::new(None) };
}

/// Breaks something in this thread, for simulations.
pub fn break_here(what: Option<Break>) {
    BROKEN.set(what);
}

/// Whether this keeper is switched off.
pub fn broken(what: Break) -> bool {
    static GIVEN: OnceLock<Option<Break>> = OnceLock::new();
    let given = GIVEN.get_or_init(|| match std::env::var("SELFSAME_BREAK").as_deref() {
        Ok("skip-intent") => Some(Break::SkipIntent),
        Ok("signal-by-number") => Some(Break::SignalByNumber),
        Ok("unknown-is-no") => Some(Break::UnknownIsNo),
        Ok(other) => refuse(other),
        Err(_) => None,
    });
    BROKEN.get().or(*given) == Some(what)
}
