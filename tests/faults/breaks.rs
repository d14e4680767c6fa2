//! Three keepers of promises, switched off one at a time: the cases above must notice.

use crate::inside::inside;
use crate::matrix::{Hidden, faulty, living, one_copy_each, two};
use crate::numbers::BETWEEN;
use crate::support::{Bench, until};

/// Killed right after the start. What the next engine makes of it.
fn killed_after_start(broken: Option<&str>) -> Result<(), String> {
    let bench = two();
    let _hidden = Hidden(&bench);
    let with = |rule: &str| {
        let mut command = faulty(&bench, rule, &["apply", "specs", "--timeout", "60s"]);
        if let Some(what) = broken {
            command.env("SELFSAME_BREAK", what);
        }
        command.output().unwrap()
    };
    // The hidden one comes first by name.
    with("start.spawned=kill@1");
    with("wait=delay:1");
    one_copy_each(&bench, &["plain", "hidden"])
}

#[test]
fn a_skipped_intent_is_noticed() {
    assert_eq!(killed_after_start(None), Ok(()));
    let noticed = killed_after_start(Some("skip-intent")).unwrap_err();
    assert!(noticed.contains("`hidden` lives 2 times"), "{noticed}");
}

/// It can't be told whether what runs lives, once.
fn cannot_tell(broken: Option<&str>) -> Result<(), String> {
    let bench = two();
    let _hidden = Hidden(&bench);
    bench.ok(&["apply", "specs"]);
    until("their notes", || bench.starts().len() == 2);
    let mut command = faulty(&bench, "life=error", &["apply", "specs", "--timeout", "2s"]);
    if let Some(what) = broken {
        command.env("SELFSAME_BREAK", what);
    }
    command.output().unwrap();
    // Which waits for the note of a second copy.
    bench.run(&["apply", "specs"]);
    match (living(&bench, "plain").len(), living(&bench, "hidden").len()) {
        (1, 1) => Ok(()),
        counts => Err(format!("copies: {counts:?}")),
    }
}

#[test]
fn unknown_that_counts_as_no_is_noticed() {
    assert_eq!(cannot_tell(None), Ok(()));
    let noticed = cannot_tell(Some("unknown-is-no")).unwrap_err();
    assert!(noticed.starts_with("copies"), "{noticed}");
}

#[test]
fn a_signal_by_number_is_noticed() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    let script = format!(
        "export SELFSAME_BREAK=signal-by-number PATIENCE=3000\n{BETWEEN}\n! lives $first || fail 'nobody noticed'\ndone_ok\n"
    );
    inside(&bench, &script);
}
