//! The points of a test build.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Break, POINTS};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    /// SIGKILL to the engine.
    Kill,
    /// The step fails with ENOSPC.
    Error,
    /// SIGSTOP to the engine: the test goes on while it stands still.
    Stop,
    /// It takes so many milliseconds longer.
    Delay(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    Always,
    /// Only the n-th time.
    Nth(u64),
    /// Every n-th time.
    Every(u64),
}

#[derive(Debug)]
struct Rule {
    point: String,
    deed: Deed,
    when: When,
    hits: AtomicU64,
}

fn rules() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let text = std::env::var("SELFSAME_FAILPOINTS").unwrap_or_default();
        text.split_whitespace().map(|word| parse(word).unwrap_or_else(|| refuse(word))).collect()
    })
}

/// A misspelled point would let a test pass that proves nothing.
fn refuse(word: &str) -> ! {
    let _ = writeln!(io::stderr(), "`{word}` is no failpoint: POINT=kill|error|stop|delay:MS[@N|/N]");
    std::process::exit(99)
}

fn parse(word: &str) -> Option<Rule> {
    let (point, rest) = word.split_once('=')?;
    let (deed, when) = match rest.split_once(['@', '/']) {
        Some((deed, number)) => {
            let number = number.parse().ok().filter(|number| *number > 0)?;
            (deed, if rest.contains('@') { When::Nth(number) } else { When::Every(number) })
        }
        None => (rest, When::Always),
    };
    let deed = match (deed, deed.strip_prefix("delay:")) {
        ("kill", _) => Deed::Kill,
        ("error", _) => Deed::Error,
        ("stop", _) => Deed::Stop,
        (_, Some(milliseconds)) => Deed::Delay(milliseconds.parse().ok()?),
        (_, None) => return None,
    };
    POINTS.contains(&point).then(|| Rule { point: point.to_owned(), deed, when, hits: AtomicU64::new(0) })
}

/// What this rule does at this hit, if it does anything.
fn due(rule: &Rule) -> Option<Deed> {
    let hit = rule.hits.fetch_add(1, Ordering::SeqCst) + 1;
    let now = match rule.when {
        When::Always => true,
        When::Nth(n) => hit == n,
        When::Every(n) => hit.is_multiple_of(n),
    };
    now.then_some(rule.deed)
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
    for rule in rules().iter().filter(|rule| rule.point == point) {
        let Some(deed) = due(rule) else { continue };
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
    for rule in rules().iter().filter(|rule| rule.point.starts_with("child.")) {
        let Some(point) = POINTS.into_iter().find(|point| *point == rule.point) else { continue };
        match due(rule) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_nonsense_is_not() {
        let rows = [
            ("start.spawned=kill@3", Some((Deed::Kill, When::Nth(3)))),
            ("look=error/20", Some((Deed::Error, When::Every(20)))),
            ("signal.send=delay:50", Some((Deed::Delay(50), When::Always))),
            ("signal.send=stop", Some((Deed::Stop, When::Always))),
            ("start.spwaned=kill", None),
            ("look=error/0", None),
            ("look=nothing", None),
            ("look", None),
        ];
        for (word, expected) in rows {
            assert_eq!(parse(word).map(|rule| (rule.deed, rule.when)), expected, "{word}");
        }
    }

    #[test]
    fn a_rule_counts_its_hits() {
        let fires = |word: &str| {
            let rule = parse(word);
            (0..6).map(|_| rule.as_ref().and_then(due).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(fires("look=error@2"), [false, true, false, false, false, false]);
        assert_eq!(fires("look=error/3"), [false, false, true, false, false, true]);
        assert_eq!(fires("look=error"), [true; 6]);
    }
}
