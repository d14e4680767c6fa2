//! A newer binary takes over: in place (`selfsame upgrade`), or after a stop. Nothing of what runs notices.
//!
//! Numbers in names are those of the table in `tests/faults.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Bench, Ran, is_alive, stat_field, until};

/// Fails as long as the file beside it says so.
const FAILING: &str = "#!/usr/bin/perl
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ failing\\n\"); close $f;
exit 3;
";

/// A copy of the binary under another name: a newer version, as far as the kernel can tell.
fn another_binary(bench: &Bench, name: &str) -> PathBuf {
    let path = bench.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    // By another process, so that no child forked here holds it open for writing.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_selfsame")).arg(&path).status().unwrap();
    assert!(copied.success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn run_with(bench: &Bench, binary: &Path, args: &[&str]) -> Ran {
    let output = Command::new(binary)
        .args(args)
        .current_dir(bench.root())
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

fn exe_of(pid: u32) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default()
}

fn record(bench: &Bench, name: &str) -> Value {
    let text = fs::read_to_string(bench.path("state/run/ledger.jsonl")).unwrap();
    // Behind the last end of a line stands what is being written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    // The last line of an object counts.
    lines.rfind(|line| line["name"] == name).unwrap()["record"].clone()
}

/// What must be the same after an upgrade: phase, process, readiness since when, failures, restarts, exits. Whether the
/// identity rule finds it is learnt by a complete look, as the first one of an engine is.
fn history(bench: &Bench) -> Vec<Value> {
    let of = |name: &&str| {
        let mut instances = record(bench, name)["instances"].clone();
        for instance in instances.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
            if let Some(health) = instance["health"].as_object_mut() {
                health.remove("recognized");
            }
        }
        instances
    };
    ["web", "db", "failing"].iter().map(of).collect()
}

/// One service that is Ready, one that was restarted once, one that waits a long time for its next start.
fn at_work() -> Bench {
    let mut bench = Bench::new();
    bench.daemon("web", "");
    bench.daemon("db", "");
    let script = bench.script("bin/failing", FAILING);
    bench.spec(
        "failing",
        &format!("startas: {}\nrestart: {{backoff: 5m, maxBackoff: 10m}}", script.display()),
    );
    bench.watch(&[]);
    bench.until_running(&["web", "db"]);
    bench.until_phase(&["failing"], "BackOff");
    let first = bench.the_pid_of("db");
    assert!(Command::new("kill").args(["-9", &first.to_string()]).status().unwrap().success());
    until("another db", || bench.starts_of("db").len() == 2);
    bench.until_running(&["web", "db"]);
    assert_eq!(record(&bench, "db")["instances"]["0"]["restarts"], 1);
    bench
}

fn watch_pid(bench: &Bench) -> u32 {
    let text = fs::read_to_string(bench.path("state/run/watch.json")).unwrap();
    u32::try_from(serde_json::from_str::<Value>(&text).unwrap()["pid"].as_u64().unwrap()).unwrap()
}

#[test]
fn fault_15_the_watch_becomes_another_binary_and_nothing_else_changes() {
    let bench = at_work();
    let (pids, before, watch) = (bench.alive(), history(&bench), watch_pid(&bench));
    let started = stat_field(i32::try_from(watch).unwrap(), 22);
    for round in 0..3 {
        let newer = another_binary(&bench, &format!("new-{round}/selfsame"));
        let ran = run_with(&bench, &newer, &["upgrade"]);
        assert_eq!(ran.code, 0, "{ran:?}\n{}", bench.watch_log());
        assert_eq!(watch_pid(&bench), watch);
        assert_eq!(stat_field(i32::try_from(watch).unwrap(), 22), started, "the very same process");
        assert_eq!(exe_of(watch), newer);
        // A complete look has been made by then: the status is the new image's own.
        bench.until_running(&["web", "db"]);
        bench.until_phase(&["failing"], "BackOff");
        assert_eq!(history(&bench), before, "round {round}");
        assert_eq!(bench.alive(), pids);
    }
    // It still is an engine: it waits for its children, and knows how they end.
    let web = bench.the_pid_of("web");
    assert!(Command::new("kill").args(["-9", &web.to_string()]).status().unwrap().success());
    until("another web", || bench.starts_of("web").len() == 2);
    bench.until_running(&["web", "db"]);
    assert_eq!(record(&bench, "web")["instances"]["0"]["lastExit"]["signal"], "KILL");
    // The lock was kept all the time, by nobody else.
    let ran = bench.run(&["watch", "specs"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stderr.contains(&watch.to_string()));
}

#[test]
fn an_exit_while_the_engine_is_replaced_is_seen_with_its_code() {
    let bench = at_work();
    let newer = another_binary(&bench, "new/selfsame");
    for round in 0..6_usize {
        let starts = bench.starts_of("web").len();
        let web = bench.alive_of("web")[0];
        let kill = Command::new("/bin/sh")
            .args(["-c", &format!("sleep 0.0{}; kill -9 {web}", round * 2)])
            .spawn()
            .unwrap();
        let ran = run_with(&bench, &newer, &["upgrade"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        kill.wait_with_output().unwrap();
        until("another web", || {
            bench.starts_of("web").len() == starts + 1 && bench.alive_of("web").len() == 1
        });
        until("its exit to be on record", || {
            record(&bench, "web")["instances"]["0"]["lastExit"]["signal"] == "KILL"
        });
        bench.ok(&["restart", "web"]);
        until("it to be restarted", || bench.alive_of("web").len() == 1);
        bench.until_running(&["web"]);
    }
}

#[test]
fn a_binary_that_others_can_change_is_refused_and_the_watch_goes_on() {
    let bench = at_work();
    let (pids, watch) = (bench.alive(), watch_pid(&bench));
    let before = exe_of(watch);
    let newer = another_binary(&bench, "new/selfsame");
    fs::set_permissions(&newer, fs::Permissions::from_mode(0o777)).unwrap();
    let ran = run_with(&bench, &newer, &["upgrade"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("others can change"), "{ran:?}");
    // Asked behind the verb's back, the watch refuses by itself.
    leave(&bench, &newer);
    until("the refusal", || bench.watch_log().contains("this watch stays as it is"));
    assert_eq!((exe_of(watch), bench.alive()), (before, pids));
    assert_eq!(run_with(&bench, Path::new(env!("CARGO_BIN_EXE_selfsame")), &["upgrade"]).code, 0);
}

/// A call as the verb makes it.
fn leave(bench: &Bench, program: &Path) {
    let call = serde_json::json!({"version": 1, "id": 1, "by": "ann", "ask": {"do": {"upgrade": program}}});
    let answer = bench.say(&call.to_string());
    assert!(answer.is_empty() || answer.contains(r#""refused":{"failed":"#), "{answer}");
}

#[test]
fn a_file_that_cannot_be_executed_changes_nothing() {
    let bench = at_work();
    let watch = watch_pid(&bench);
    let broken = bench.script("bin/broken", "\x7fELF, and nothing more\n");
    leave(&bench, &broken);
    until("the refusal", || bench.watch_log().contains("can't be executed"));
    bench.daemon("more", "");
    bench.until_running(&["web", "db", "more"]);
    assert_eq!(watch_pid(&bench), watch);
    // The lock doesn't leak into what is started from now on.
    let more = bench.the_pid_of("more");
    let descriptors = Command::new("ls").arg("-l").arg(format!("/proc/{more}/fd")).output().unwrap();
    let text = String::from_utf8_lossy(&descriptors.stdout).into_owned();
    assert!(!text.contains("/run/lock"), "{text}");
}

#[test]
fn a_binary_that_ends_at_once_leaves_what_a_killed_engine_leaves() {
    let mut bench = at_work();
    let (pids, before) = (bench.alive(), history(&bench));
    let mut watch = bench.take_watch();
    let short = bench.script("bin/short", "#!/bin/sh\nexit 0\n");
    leave(&bench, &short);
    until("the end of it", || watch.try_wait().unwrap().is_some());
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    bench.watch(&[]);
    bench.until_running(&["web", "db"]);
    bench.until_phase(&["failing"], "BackOff");
    assert_eq!((history(&bench), bench.alive()), (before, pids));
}

#[test]
fn without_a_watch_there_is_nothing_to_upgrade() {
    let bench = Bench::new();
    let ran = bench.run(&["upgrade"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("no watch runs here"));
}

#[test]
fn stopped_and_started_as_a_newer_binary_everything_is_as_before() {
    let mut bench = at_work();
    let (pids, before) = (bench.alive(), history(&bench));
    bench.end_watch("TERM");
    let newer = another_binary(&bench, "new/selfsame");
    let mut child = Command::new(&newer)
        .args(["watch", "specs"])
        .current_dir(bench.root())
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the new watch", || watch_pid(&bench) == child.id());
    bench.until_running(&["web", "db"]);
    bench.until_phase(&["failing"], "BackOff");
    let after = (history(&bench), bench.alive());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(after, (before, pids));
}

#[test]
fn fault_16_records_of_a_newer_format_are_refused_and_the_services_keep_running() {
    let mut bench = at_work();
    let pids = bench.alive();
    let path = bench.path("state/run/ledger.jsonl");
    let newer = |bench: &Bench| {
        let text = fs::read_to_string(&path).unwrap().replacen("\"format\":1", "\"format\":999", 1);
        bench.write("state/run/ledger.jsonl", &text);
    };
    // In place: the newer binary asks itself first, and the watch goes on.
    newer(&bench);
    let watch = watch_pid(&bench);
    let ran = bench.run(&["upgrade"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("format 999") && ran.stderr.contains("goes on as it is"), "{ran:?}");
    assert!(is_alive(i32::try_from(watch).unwrap()));
    // Stopped and started.
    bench.end_watch("TERM");
    newer(&bench);
    for args in [["watch", "specs"], ["apply", "specs"], ["stop", "web"]] {
        let ran = bench.run(&args);
        assert_eq!(ran.code, 1, "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("format 999"), "{ran:?}");
    }
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    assert_eq!(bench.alive(), pids);
}

#[test]
fn fault_83_a_record_of_an_older_version_restarts_nothing() {
    let bench = Bench::new();
    let script = bench.daemon("old", "");
    // As a former engine would have left it: its child, running, and a record with the fields that it knew.
    let mut child = Command::new(&script).current_dir("/").stdout(Stdio::null()).spawn().unwrap();
    until("its note", || bench.starts().len() == 1);
    let pid = bench.starts()[0];
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = include_str!("upgrade/record.json")
        .replace("%BOOT%", boot.trim())
        .replace("%PID%", &pid.to_string())
        .replace("%START%", &stat_field(pid, 22))
        .replace("%STARTAS%", &script.display().to_string())
        .replace("%SPEC%", &bench.path("specs/old.yaml").display().to_string());
    for dir in ["state", "state/run", "state/run/records"] {
        fs::create_dir_all(bench.path(dir)).unwrap();
        fs::set_permissions(bench.path(dir), fs::Permissions::from_mode(0o700)).unwrap();
    }
    bench.write("state/run/records/old.json", &text);
    fs::set_permissions(bench.path("state/run/records/old.json"), fs::Permissions::from_mode(0o600)).unwrap();
    let ran = bench.ok(&["apply", "specs"]);
    assert!(!ran.stderr.contains("warning"), "the old record was understood: {ran:?}");
    assert_eq!(bench.status_pids("old"), [pid]);
    assert_eq!(bench.starts().len(), 1, "{ran:?}");
    let after = record(&bench, "old");
    assert_eq!(after["instances"]["0"]["restarts"], 3, "{after}");
    assert_eq!(after["instances"]["0"]["lastExit"]["code"], 7, "{after}");
    assert_eq!(bench.condition("old", "UpToDate")["status"].as_str().unwrap_or("True"), "True");
    child.kill().unwrap();
    child.wait().unwrap();
}
