//! Scripts that run as PID 1 of a PID namespace of their own, where signals by match reach nobody else.
//!
//! Each is a small sh script with the bench as its directory, and prints `ok` at its end.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "test support, shared by several test files"
)]

use std::process::{Command, Stdio};

use crate::support::{Bench, is_root};

const PRELUDE: &str = r#"
set -u
trap 'echo TERM >> hit' TERM; trap 'echo INT >> hit' INT; trap 'echo HUP >> hit' HUP; trap 'echo USR1 >> hit' USR1
fail() { echo "FAIL: $*"; cat starts; exit 1; }
selfsame() { timeout 120 "$SELFSAME" "$@" > out 2> err; code=$?; cat out err; }
starts() { if [ -f starts ]; then wc -l < starts; else echo 0; fi; }
pid_of() { sed -n "$1p" starts | cut -d' ' -f1; }
# until_so WHAT COMMAND...: waits until the command succeeds, a minute at most
until_so() {
    awaited=$1; shift; looked=0
    until "$@"; do looked=$((looked + 1)); [ $looked -lt 3000 ] || fail "waited in vain for $awaited"; sleep 0.02; done
}
gone() { until_so "the end of $1" test ! -d "/proc/$1"; }
has_starts() { [ "$(starts)" -ge "$1" ]; }
noted() { until_so "$1 starts" has_starts "$1"; }
# recycle PID COMMAND...: starts the command under exactly this number
recycle() {
    wanted=$1; shift
    echo $((wanted - 1)) > /proc/sys/kernel/ns_last_pid
    "$@" > stranger.log 2>&1 &
    [ $! = "$wanted" ] || fail "got $! and wanted $wanted"
}
lives() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:.*Z' "/proc/$1/status"; }
done_ok() { [ ! -e hit ] || fail "PID 1 was signalled: $(cat hit)"; echo ok; }
"#;

/// The options that give a PID namespace here, if any do.
fn means() -> Option<Vec<&'static str>> {
    let plain = vec!["--pid", "--fork", "--mount-proc"];
    // In a user namespace of an ordinary user the files of the host have no owner that could be trusted.
    let candidates = if is_root() { vec![plain] } else { Vec::new() };
    let works = |options: &Vec<&str>| {
        let status = Command::new("unshare")
            .args(options)
            .args(["/bin/sh", "-c", "echo 300 > /proc/sys/kernel/ns_last_pid"])
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    let found = candidates.into_iter().find(works);
    if found.is_none() {
        eprintln!("skipped: no PID namespace to be had");
    }
    found
}

/// Runs a script as PID 1 of a new namespace and expects `ok`.
#[track_caller]
pub fn inside(bench: &Bench, script: &str) {
    let Some(options) = means() else { return };
    let output = Command::new("unshare")
        .args(options)
        .args(["/bin/sh", "-c", &format!("{PRELUDE}{script}")])
        .current_dir(bench.root())
        .env("SELFSAME", env!("CARGO_BIN_EXE_selfsame"))
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.trim_end().ends_with("ok") && !text.contains("FAIL"), "{text}\n{errors}");
}
