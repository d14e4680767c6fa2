//! A hundred services, and somebody who kills selfsame and services all the time, edits documents, and gives numbers of the
//! dead to strangers. An independent checker looks at `/proc` meanwhile.
//!
//! `cargo test --features failpoints --test nemesis -- --ignored --nocapture`; `NEMESIS_SECONDS` is the time. It needs root,
//! for a PID namespace of its own: nothing outside can be hit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "nemesis/checker.rs"]
mod checker;
#[path = "nemesis/deck.rs"]
mod deck;
#[path = "nemesis/field.rs"]
mod field;
#[path = "nemesis/fury.rs"]
mod fury;

use std::process::{Command, Stdio};
use std::time::Duration;

use fury::{LONGEST, Means, rage};

/// Runs the ignored test of this name as a child of the first process of a new PID namespace.
#[track_caller]
fn inside(name: &str) {
    let own = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "/bin/sh", "-c", "\"$0\" \"$@\"; exit $?"])
        .arg(own)
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .env("NEMESIS_INSIDE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{text}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn is_inside() -> bool {
    std::env::var_os("NEMESIS_INSIDE").is_some()
}

fn seconds(default: u64) -> Duration {
    let given = std::env::var("NEMESIS_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(given.unwrap_or(default))
}

/// What makes windows wide, and knowledge uncertain at times.
const FAULTS: &str =
    "start.spawned=delay:3/3 signal.send=delay:10/2 life=error/499 look=error/61 remember=error/97";

#[test]
#[ignore = "takes a minute, as root"]
fn a_hundred_services_under_fire() {
    if !is_inside() {
        return inside("a_hundred_services_under_fire");
    }
    let means = Means { services: 100, time: seconds(60), faults: FAULTS, broken: None, pause: 50..=500 };
    let report = rage(&means);
    println!("{report}");
    assert_eq!(report.violations, Vec::<String>::new());
    assert!(report.settled < LONGEST, "didn't converge while steps were failing");
    assert!(report.converged <= Duration::from_secs(5), "converged only after {:?}", report.converged);
    // A fury in which nothing happens proves nothing.
    assert!(report.engine_kills > 20 && report.service_kills > 20 && report.starts > 120, "{report}");
}

#[test]
#[ignore = "takes a minute, as root"]
fn five_hundred_documents_under_fire() {
    if !is_inside() {
        return inside("five_hundred_documents_under_fire");
    }
    let (violations, done) = deck::shuffle(100, 500, seconds(40), &[]);
    println!("{done}");
    assert_eq!(violations, Vec::<String>::new());
}

#[test]
#[ignore = "as root"]
fn absence_that_is_believed_at_once_is_noticed() {
    if !is_inside() {
        return inside("absence_that_is_believed_at_once_is_noticed");
    }
    let (violations, done) = deck::shuffle(20, 20, seconds(60), &["--prune-delay", "0s"]);
    println!("{done}");
    assert!(violations.iter().any(|found| found.contains("after ")), "nobody noticed");
}

/// The promises' keepers, switched off: the checker must notice.
#[track_caller]
fn noticed(name: &str, broken: &'static str, faults: &'static str, what: &str) {
    if !is_inside() {
        return inside(name);
    }
    let means = Means { services: 12, time: seconds(30), faults, broken: Some(broken), pause: 30..=150 };
    let report = rage(&means);
    println!("{report}");
    assert!(report.violations.iter().any(|found| found.contains(what)), "nobody noticed");
}

#[test]
#[ignore = "as root"]
fn a_skipped_intent_is_noticed() {
    noticed("a_skipped_intent_is_noticed", "skip-intent", "start.spawned=delay:40", "lives twice");
}

#[test]
#[ignore = "as root"]
fn a_signal_by_number_is_noticed() {
    noticed("a_signal_by_number_is_noticed", "signal-by-number", "signal.send=delay:120", "a stranger was");
}

#[test]
#[ignore = "as root"]
fn unknown_that_counts_as_no_is_noticed() {
    noticed("unknown_that_counts_as_no_is_noticed", "unknown-is-no", "life=error/53", "lives twice");
}
