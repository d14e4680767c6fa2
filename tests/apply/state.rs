//! A state directory that can't be used: what can't be recorded isn't started.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use super::support::{Bench, is_alive, is_root, until};

#[test]
fn a_state_directory_that_is_a_file() {
    let bench = Bench::new();
    bench.daemon("one", "");
    fs::write(bench.path("state"), "not a directory").unwrap();
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("state"), "{ran:?}");
    assert!(bench.starts().is_empty());
}

#[test]
fn a_state_directory_that_cannot_be_read() {
    if is_root() {
        eprintln!("skipped: root reads everything");
        return;
    }
    let bench = Bench::new();
    bench.daemon("one", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    fs::set_permissions(bench.path("state"), fs::Permissions::from_mode(0o000)).unwrap();
    let ran = bench.run(&["apply", "specs"]);
    fs::set_permissions(bench.path("state"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("state"), "{ran:?}");
    assert_eq!(bench.starts().len(), 1);
    assert!(is_alive(pid));
}

#[test]
fn a_state_directory_that_belongs_to_somebody_else() {
    if !is_root() {
        eprintln!("skipped: only root can give a directory away");
        return;
    }
    let bench = Bench::new();
    bench.daemon("one", "");
    fs::create_dir(bench.path("state")).unwrap();
    std::os::unix::fs::chown(bench.path("state"), Some(65534), Some(65534)).unwrap();
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("state"), "{ran:?}");
    assert!(bench.starts().is_empty());
}

/// `doctor` called it ok, and then nothing could be applied.
#[test]
fn doctor_judges_the_state_directory_as_apply_does() {
    let bench = Bench::new();
    bench.daemon("one", "");
    assert_eq!(bench.run(&["doctor"]).code, 0);
    assert!(!bench.path("state").exists(), "it only looks");
    fs::create_dir_all(bench.path("state/run")).unwrap();
    fs::set_permissions(bench.path("state/run"), fs::Permissions::from_mode(0o777)).unwrap();
    let (applied, examined) = (bench.run(&["apply", "specs"]), bench.run(&["doctor"]));
    assert_eq!((applied.code, examined.code), (1, 1), "{applied:?} {examined:?}");
    for said in [applied.stderr, examined.stdout] {
        assert!(said.contains("can be written by others"), "{said}");
    }
}

/// `doctor` said that every process can be seen, where every other verb refused to look.
#[test]
fn doctor_judges_proc_as_every_look_does() {
    if !is_root() {
        eprintln!("skipped: only root can leave its namespaces");
        return;
    }
    let bench = Bench::new();
    bench.daemon("one", "");
    let script = r#"
        "$0" status; "$0" doctor
        mount -t tmpfs none /proc && { "$0" status; "$0" doctor; }
        mount -t proc -o hidepid=2 none /proc && exec setpriv --regid 1 --clear-groups --bounding-set=-all \
            sh -c '"$0" doctor; "$0" plan specs' "$0""#;
    let mut inside = Command::new("unshare");
    inside.args(["--pid", "--mount", "--fork", "sh", "-c", script]).arg(env!("CARGO_BIN_EXE_selfsame"));
    inside.env("SELFSAME_STATE_DIR", bench.path("state")).current_dir(bench.root()).stdin(Stdio::null());
    let ran = inside.output().unwrap();
    let (judged, refused) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let lines: Vec<&str> = refused.lines().collect();
    assert_eq!(
        lines,
        [
            "error: this host can't be looked at: `/proc` is of another PID namespace",
            "error: this host can't be looked at: `/proc` is not a procfs"
        ],
        "{judged}"
    );
    let held =
        "one: held: not started: cannot tell whether it runs (denied: processes of other users (hidepid); ";
    assert!(judged.contains(held), "{judged}");
    let judged: Vec<Vec<&str>> = judged
        .lines()
        .filter(|line| line.contains(" /proc  "))
        .map(|line| line.split("  ").filter(|word| !word.is_empty()).map(str::trim).collect())
        .collect();
    assert_eq!(
        judged,
        [
            ["broken", "/proc", "`/proc` is of another PID namespace"],
            ["broken", "/proc", "`/proc` is not a procfs"],
            ["limited", "/proc", "mounted with `hidepid=invisible`"]
        ]
    );
}

#[test]
fn a_link_in_the_place_of_the_records_is_refused() {
    let bench = Bench::new();
    bench.daemon("one", "");
    fs::create_dir_all(bench.path("elsewhere")).unwrap();
    fs::create_dir_all(bench.path("state")).unwrap();
    symlink(bench.path("elsewhere"), bench.path("state/run")).unwrap();
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(bench.starts().is_empty());
    assert_eq!(fs::read_dir(bench.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn a_newer_format_is_refused_and_nothing_is_started_or_stopped() {
    let bench = Bench::new();
    bench.daemon("one", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    let mut changed = 0;
    for path in files_below(&bench.path("state/run")) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        // Files of one value, and of one in each line.
        let values: Result<Vec<serde_json::Value>, _> = text.lines().map(serde_json::from_str).collect();
        let Ok(mut values) = values else { continue };
        let formats: Vec<_> = values.iter_mut().filter_map(|value| value.get_mut("format")).collect();
        changed += formats.len();
        for format in formats {
            *format = 999.into();
        }
        fs::write(&path, values.iter().map(|value| format!("{value}\n")).collect::<String>()).unwrap();
    }
    assert!(changed > 0);
    bench.daemon_spec("one", "args: [changed]");
    let ran = bench.run(&["apply", "specs"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!((ran.stdout.clone() + &ran.stderr).contains("newer"), "{ran:?}");
    assert_eq!(bench.starts().len(), 1);
    assert!(is_alive(pid));
}

fn files_below(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// The first apply makes the state, then the disk is filled; the second wants to start one more service.
const FULL: &str = r#"
set -u
mkdir -p state && mount -t tmpfs -o size=128k,mode=755 none state || exit 99
noted() { n=0; until [ "$(wc -l < starts)" -ge "$1" ]; do n=$((n + 1)); [ $n -lt 3000 ] || exit 97; sleep 0.02; done; wc -l < starts; }
"$SELFSAME" apply specs/one.yaml || exit 98
head -c 1000000 /dev/zero > state/filler 2>/dev/null
"$SELFSAME" apply specs; echo "full: $?"
noted 1
rm state/filler
"$SELFSAME" apply specs; echo "free: $?"
noted 2
"#;

#[test]
fn a_full_disk_starts_nothing_that_could_not_be_recorded() {
    if !is_root() {
        eprintln!("skipped: needs mount");
        return;
    }
    let bench = Bench::new();
    // Outputs elsewhere: it is the records that don't fit.
    bench.daemon("one", "stdout: null\nstderr: null");
    bench.daemon("two", "stdout: null\nstderr: null");
    let directory = format!("\nworkingDirectory: {}\n", bench.root().display());
    for name in ["one", "two"] {
        bench.daemon_spec(name, &format!("stdout: null\nstderr: null{directory}"));
    }
    let output = Command::new("unshare")
        .args(["-m", "/bin/sh", "-c", FULL])
        .current_dir(bench.root())
        .env("SELFSAME", env!("CARGO_BIN_EXE_selfsame"))
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}\n{errors}");
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("full:") || line.starts_with("free:") || line.parse::<u32>().is_ok())
        .collect();
    assert_eq!(lines, ["full: 1", "1", "free: 0", "2"], "{text}\n{errors}");
    assert!(
        errors.to_lowercase().contains("no space") || text.to_lowercase().contains("no space"),
        "{text}\n{errors}"
    );
    assert_eq!(bench.alive_of("one").len(), 1);
}

/// The disk is full while a watch runs, and when there is none.
const FULL_AND_STOPPED: &str = r#"
set -u
mkdir -p state && mount -t tmpfs -o size=512k,mode=755 none state || exit 99
"$SELFSAME" apply specs || exit 98
"$SELFSAME" watch specs >watch.log 2>&1 &
watch=$!
n=0; until "$SELFSAME" status >/dev/null 2>&1 && grep -q instances watch.log; do n=$((n + 1)); [ $n -lt 3000 ] || { kill $watch; exit 97; }; sleep 0.02; done
head -c 1000000 /dev/zero > state/filler 2>/dev/null
"$SELFSAME" stop one; echo "one: $?"
kill $watch; wait $watch
"$SELFSAME" stop two; echo "two: $?"
"$SELFSAME" start one; echo "start: $?"
"#;

/// A service that filled the disk could not be stopped.
#[test]
fn what_runs_is_stopped_on_a_full_disk() {
    assert_stopped_on_a_full_disk(FULL_AND_STOPPED, &["one: 0", "two: 0", "start: 1"]);
}

/// A watch begins on a full disk, once with the word of the last one that it can write over, once without.
const FULL_FROM_THE_BEGINNING: &str = r#"
set -u
until_so() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 3000 ] || { echo "never: $1"; kill $watch; exit 97; }; sleep 0.02; done; }
watched() { : > watch.log; "$SELFSAME" watch specs >>watch.log 2>&1 & watch=$!; until_so 'grep -q "two: Running" watch.log'; }
mkdir -p state && mount -t tmpfs -o size=512k,mode=755 none state || exit 99
watched; kill -9 $watch; wait $watch
head -c 1000000 /dev/zero > state/filler 2>/dev/null
watched
timeout 60 "$SELFSAME" stop one; echo "one: $?"
kill -9 $watch; wait $watch
rm state/run/watch.json; head -c 10000 /dev/zero >> state/filler 2>/dev/null
watched
grep -q "watch.json. can't be written" watch.log; echo "said: $?"
rm state/filler
# Each tick tries again; this makes one.
until_so 'kill -HUP $watch; [ -s state/run/watch.json ]'
timeout 60 "$SELFSAME" stop two; echo "two: $?"
kill $watch; wait $watch
"#;

#[test]
fn a_watch_that_began_on_a_full_disk_is_found_by_those_who_want_something_stopped() {
    assert_stopped_on_a_full_disk(FULL_FROM_THE_BEGINNING, &["one: 0", "said: 0", "two: 0"]);
}

/// Runs a script that has the state on a small disk of its own, and stops both services.
#[track_caller]
fn assert_stopped_on_a_full_disk(script: &str, expected: &[&str]) {
    if !is_root() {
        eprintln!("skipped: needs mount");
        return;
    }
    let bench = Bench::new();
    let directory = format!("\nworkingDirectory: {}\n", bench.root().display());
    for name in ["one", "two"] {
        bench.daemon(name, "stdout: null\nstderr: null");
        bench.daemon_spec(name, &format!("stdout: null\nstderr: null{directory}"));
    }
    let output = Command::new("unshare")
        .args(["-m", "/bin/sh", "-c", script])
        .current_dir(bench.root())
        .env("SELFSAME", env!("CARGO_BIN_EXE_selfsame"))
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let said: Vec<&str> = text.lines().filter(|line| line.contains(": ") && line.len() < 10).collect();
    assert_eq!(said, expected, "{text}\n{errors}");
    assert!(bench.alive_of("one").is_empty() && bench.alive_of("two").is_empty(), "{text}\n{errors}");
}

#[test]
fn watch_survives_the_loss_of_its_state_directory() {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    bench.watch(&[]);
    bench.until_running(&["one"]);
    let pid = bench.the_pid_of("one");
    // At one stroke: watch makes it again while it is being removed.
    fs::rename(bench.path("state/run"), bench.path("removed")).unwrap();
    fs::remove_dir_all(bench.path("removed")).unwrap();
    bench.daemon("two", "");
    until("watch to go on", || bench.starts_of("two").len() == 1);
    bench.until_running(&["one", "two"]);
    assert_eq!(bench.alive_of("one"), [pid]);
    assert_eq!(bench.starts().len(), 2);
    let log = bench.watch_log();
    assert!(log.contains("the state directory was removed"), "{log}");
    // Other verbs find the watch in the new directory.
    let ran = bench.ok(&["apply", "specs"]);
    assert!(ran.stderr.contains("handed over"), "{ran:?}");
}

/// Whoever tidies `/run` by hand: other verbs found no watch, and waited for one.
#[test]
fn a_watch_makes_again_what_it_is_found_by() {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    bench.watch(&["--resync", "200ms"]);
    bench.until_running(&["one"]);
    let pid = bench.the_pid_of("one");
    let found_by = ["state/run/watch.json", "state/run/control"].map(|name| bench.path(name));
    for gone in [&found_by[..1], &found_by[1..], &found_by[..]] {
        for path in gone {
            fs::remove_file(path).unwrap();
        }
        until("both to be there again", || found_by.iter().all(|path| path.exists()));
        let ran = bench.ok(&["apply", "specs"]);
        assert!(ran.stderr.contains("handed over"), "{ran:?}");
    }
    assert_eq!(bench.alive_of("one"), [pid]);
    bench.ok(&["stop", "one"]);
}
