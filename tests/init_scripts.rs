//! Init scripts of Debian packages, as they are shipped, with ours in place of start-stop-daemon.
//!
//! `tests/init_scripts/root` makes a Debian root with the packages; `tests/init_scripts/table` is the list. Each script
//! runs in PID, mount, network, UTS and IPC namespaces of its own, in an overlay of that root: `start`, `start` again,
//! `status`, `restart`, `stop`, `status`. First with the start-stop-daemon of the root, which is the oracle, then with the
//! replacement bound over it. After each step exit status, stdout, pidfiles and everything that start-stop-daemon has a say
//! in of every process must be the same, except for what `tests/init_scripts/named` names with its reason.
//!
//! `tests/init_scripts/root && cargo test --test init_scripts -- --ignored --nocapture --test-threads=1`. With
//! `INIT_SCRIPTS_DIR` the root lies elsewhere, `INIT_SCRIPTS_REPLACEMENT` is another program than the one just built,
//! `INIT_SCRIPTS_ONLY=cron,nginx` is a choice. What this host can't do prints SKIPPED with the reason.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "init_scripts/compare.rs"]
mod compare;
#[path = "init_scripts/importing.rs"]
mod importing;
#[path = "init_scripts/scenario.rs"]
mod scenario;

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use compare::{across, differences};
use importing::Imported;
use scenario::{Manner, Outcome, Script, attempt, chosen, hindrance, named, rows, side_by_side, table};
use serde_json::{Value, json};

fn ours() -> PathBuf {
    let named = std::env::var_os("INIT_SCRIPTS_REPLACEMENT").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_selfsame")))
}

/// A script with the oracle and with a replacement.
#[derive(Debug)]
enum Verdict {
    Same(Vec<Value>),
    Differs(Vec<Value>, Vec<String>),
    Skipped(String),
    Failed(String),
}

/// What was seen with the oracle, if the daemon came up at all.
fn with_the_oracle(script: &Script) -> Result<Vec<Value>, Verdict> {
    match attempt(script, &Manner::default()) {
        Outcome::Seen(steps) if steps[0]["copies"] == 0 => {
            let said = format!("{} {}", steps[0]["stdout"], steps[0]["stderr"]);
            Err(Verdict::Skipped(format!("its daemon does not come up here: {said}")))
        }
        Outcome::Seen(steps) => Ok(steps),
        Outcome::Skipped(reason) => Err(Verdict::Skipped(reason)),
        Outcome::Failed(reason) => Err(Verdict::Failed(reason)),
    }
}

fn compared(script: &Script, replacement: &Path) -> Verdict {
    let oracle = match with_the_oracle(script) {
        Ok(steps) => steps,
        Err(verdict) => return verdict,
    };
    let expected = oracle.iter().map(|step| step["state"].clone()).collect();
    let manner =
        Manner { replacement: Some(replacement.to_owned()), expected: Some(expected), ..Manner::default() };
    match attempt(script, &manner) {
        Outcome::Seen(steps) => {
            let found = differences(&oracle, &steps);
            if found.is_empty() { Verdict::Same(steps) } else { Verdict::Differs(steps, found) }
        }
        Outcome::Skipped(reason) => Verdict::Skipped(reason),
        Outcome::Failed(reason) => Verdict::Failed(reason),
    }
}

/// The lines, without what a step before said already: a wrong start is wrong until the stop.
fn news(found: &[String]) -> Vec<&String> {
    let mut said = HashSet::new();
    found.iter().filter(|line| said.insert(line.split_once(": ").map_or("", |(_, what)| what))).collect()
}

/// Prints the table and says how many of each verdict there are: same, different or failed, skipped.
fn report(scripts: &[Script], verdicts: &[Verdict]) -> (usize, usize, usize) {
    let (mut same, mut wrong, mut skipped) = (0, 0, 0);
    println!("{:26} {:16} {:14} {:14} verdict", "script", "exit status", "copies", "kept");
    for (script, verdict) in scripts.iter().zip(verdicts) {
        let row = |steps: &[Value], word: &str| {
            let [status, copies, kept] = ["status", "copies", "kept"].map(|field| across(steps, field));
            println!("{:26} {status:16} {copies:14} {kept:14} {word}", script.name);
        };
        match verdict {
            Verdict::Same(steps) => {
                same += 1;
                row(steps, "same");
            }
            Verdict::Differs(steps, found) => {
                wrong += 1;
                row(steps, "DIFFERENT");
                for line in news(found) {
                    println!("    {line}");
                }
            }
            Verdict::Failed(reason) => {
                wrong += 1;
                println!("{:26} FAILED {reason}", script.name);
            }
            Verdict::Skipped(reason) => {
                skipped += 1;
                println!("{:26} SKIPPED {reason}", script.name);
            }
        }
    }
    println!("{same} same, {wrong} different or failed, {skipped} skipped");
    (same, wrong, skipped)
}

/// So often a script is tried that does something else with ours.
const TRIES: usize = 4;

/// A difference counts if it is there each time: some daemons take their time now and then, or find their port taken by
/// what they were a moment ago, whoever starts them. What `tests/init_scripts/named` names is none.
fn each_time(script: &Script, replacement: &Path) -> Verdict {
    let mut verdict = unless_named(script, compared(script, replacement));
    for _ in 1..TRIES {
        let Verdict::Differs(_, found) = &verdict else { break };
        println!("{}: different, tried again: {:#?}", script.name, news(found));
        verdict = unless_named(script, compared(script, replacement));
    }
    verdict
}

/// Takes away what is named of the script. What is named and isn't so is a difference too.
fn unless_named(script: &Script, verdict: Verdict) -> Verdict {
    let (steps, mut found) = match verdict {
        Verdict::Same(steps) => (steps, Vec::new()),
        Verdict::Differs(steps, found) => (steps, found),
        other => return other,
    };
    for (line, reason) in named(&script.name) {
        match found.iter().position(|difference| *difference == line) {
            Some(place) => {
                found.remove(place);
                println!("{}: {line}, as named: {reason}", script.name);
            }
            None => found.push(format!("named, and not so: {line}")),
        }
    }
    if found.is_empty() { Verdict::Same(steps) } else { Verdict::Differs(steps, found) }
}

#[test]
#[ignore = "needs root and a Debian root: see above"]
fn every_script_does_the_same_with_ours() {
    if let Some(reason) = hindrance() {
        println!("SKIPPED: {reason}");
        return;
    }
    let (scripts, replacement) = (chosen(), ours());
    let verdicts = side_by_side(&scripts, |script| each_time(script, &replacement));
    assert_eq!(report(&scripts, &verdicts).1, 0, "see the table");
}

/// Puts a sh script in place of start-stop-daemon; the oracle is at `/usr/local/sbin/oracle` then.
fn wrapper(dir: &Path, body: &str) -> PathBuf {
    let path = dir.join("wrapper");
    std::fs::write(&path, format!("#!/bin/sh\n{body}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Leaves out an option with its argument, and goes on as the oracle.
fn without(option: &str) -> String {
    format!(
        r#"count=$#; skip=; passed=
while [ $count -gt 0 ]; do
    word=$1; shift; count=$((count - 1))
    [ -n "$passed" ] || case $word in
        --) passed=yes ;;
        {option}) skip=yes; continue ;;
        {option}=*) continue ;;
    esac
    if [ -n "$skip" ]; then skip=; continue; fi
    set -- "$@" "$word"
done
exec /usr/local/sbin/oracle "$@"
"#
    )
}

/// Options that are left out, each with a script that uses it.
const MISSING: [(&str, &str); 5] = [
    ("--pidfile", "mosquitto"),
    ("--chuid", "redis-server"),
    ("--umask", "redis-server"),
    ("--retry", "opendkim"),
    ("--exec", "memcached"),
];

#[test]
#[ignore = "needs root and a Debian root: see above"]
fn a_replacement_that_is_not_the_same_is_found_out() {
    if let Some(reason) = hindrance() {
        println!("SKIPPED: {reason}");
        return;
    }
    let mut cases: Vec<(String, String, &str)> =
        MISSING.map(|(option, name)| (format!("without {option}"), without(option), name)).to_vec();
    let busybox = "exec /bin/busybox start-stop-daemon \"$@\"\n";
    cases.extend(["redis-server", "cron"].map(|name| ("busybox".to_owned(), busybox.to_owned(), name)));
    let verdicts = side_by_side(&cases, |(_, body, name)| {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let script = rows(&[name]).remove(0);
        let verdict = compared(&script, &wrapper(dir.path(), body));
        (script, verdict)
    });
    let mut unnoticed = Vec::new();
    for ((what, _, name), (script, verdict)) in cases.iter().zip(verdicts) {
        println!("{what}:");
        report(&[script], std::slice::from_ref(&verdict));
        if !matches!(verdict, Verdict::Differs(..)) {
            unnoticed.push(format!("{name} {what}"));
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}

/// The wrapper itself changes nothing: what the tests above find is the missing option.
#[test]
#[ignore = "needs root and a Debian root: see above"]
fn the_oracle_behind_a_wrapper_is_the_oracle() {
    if let Some(reason) = hindrance() {
        println!("SKIPPED: {reason}");
        return;
    }
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let replacement = wrapper(dir.path(), &without("--no-such-option"));
    let scripts = rows(&["mosquitto", "redis-server", "memcached"]);
    let verdicts = side_by_side(&scripts, |script| each_time(script, &replacement));
    assert_eq!(report(&scripts, &verdicts).1, 0, "see the table");
}

#[test]
#[ignore = "needs root and a Debian root: see above"]
fn what_runs_is_adopted_by_what_is_imported_of_its_script() {
    if let Some(reason) = hindrance() {
        println!("SKIPPED: {reason}");
        return;
    }
    let (scripts, program) = (chosen(), ours());
    // A look has little time for each process, and a machine that is busy enough makes it say that it can't tell.
    let results = side_by_side(&scripts, |script| match importing::import(script, &program) {
        Imported::Wrong(said) => {
            println!("{}: wrong at first, tried again: {said}", script.name);
            importing::import(script, &program)
        }
        other => other,
    });
    let (mut adopted, mut wrong) = (0, Vec::new());
    for (script, result) in scripts.iter().zip(results) {
        let (name, promised) = (&script.name, importing::promised(&script.name));
        match result {
            Imported::As(kind, _) if kind == promised => {
                adopted += usize::from(kind == "adopted");
                println!("{name:26} {kind}");
            }
            Imported::As(kind, said) => {
                println!("{name:26} WRONG: {kind}, and `tests/init_scripts/imports` says {promised}\n{said}");
                wrong.push(name);
            }
            Imported::Skipped(reason) => println!("{name:26} SKIPPED {reason}"),
            Imported::Wrong(said) => {
                println!("{name:26} WRONG: {said}");
                wrong.push(name);
            }
        }
    }
    println!("{adopted} adopted of {}", scripts.len());
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(adopted >= 25 || scripts.len() < table().len(), "only {adopted} are adopted");
}

#[test]
fn the_table_has_enough_scripts() {
    let scripts = table();
    let mut names: Vec<&str> = scripts.iter().map(|script| script.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() == scripts.len() && names.len() >= 25, "{names:?}");
    assert!(scripts.iter().all(|script| !script.setup.contains("init.d")), "scripts stay as they are");
}

#[test]
fn every_kind_of_difference_is_found() {
    let process = json!({"comm": "a", "argv": "a -d", "uid": "0 0 0 0"});
    let step = json!({"step": "start", "status": "0", "stdout": "", "kept": 0, "copies": 1, "seconds": 0.1,
        "state": {"processes": [process], "pidfiles": ["/run/a.pid 644 0:0 names a"]}});
    assert_eq!(differences(std::slice::from_ref(&step), std::slice::from_ref(&step)), [""; 0]);
    let changed: [(&str, Value); 8] = [
        ("/status", json!("1")),
        ("/stdout", json!("a")),
        ("/kept", json!(1)),
        ("/copies", json!(2)),
        ("/seconds", json!(9.0)),
        ("/state/processes/0/uid", json!("1 1 1 1")),
        ("/state/processes", json!([process, process])),
        ("/state/pidfiles/0", json!("/run/a.pid 644 0:0 names nobody")),
    ];
    for (place, value) in changed {
        let mut other = step.clone();
        *other.pointer_mut(place).unwrap() = value;
        let found = differences(std::slice::from_ref(&step), &[other]);
        assert!(!found.is_empty(), "{place}: {found:?}");
    }
    assert!(!differences(std::slice::from_ref(&step), &[]).is_empty());
}
