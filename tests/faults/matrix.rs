//! Scenarios, points, deeds.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::{Bench, Ran, is_alive, until};

/// Becomes something that the identity rule can't find again: only the record knows it.
pub(crate) const HIDDEN: &str = "#!/bin/sh
echo \"$$ hidden\" >> '%STARTS%'
exec /bin/sleep 100000
";

pub(crate) const NAMES: [&str; 2] = ["plain", "hidden"];
const DEEDS: [&str; 3] = ["kill", "error", "delay:60"];

/// One service that can be recognised and one that can't.
pub(crate) fn two() -> Bench {
    let bench = Bench::new();
    bench.daemon("plain", QUICK);
    let script = bench.script("bin/hidden", HIDDEN);
    bench.spec("hidden", &format!("startas: {}\nadopt: never\n{QUICK}\n{STOP}", script.display()));
    bench
}

const QUICK: &str = "readiness: {aliveFor: 1ms}";
const STOP: &str = "stop: {schedule: [{signal: TERM, wait: 5s}, {signal: KILL, wait: 5s}]}";

/// A verb with faults. `rule` is a failpoint with its deed.
pub(crate) fn with_fault(bench: &Bench, rule: &str, args: &[&str]) -> Ran {
    let output = faulty(bench, rule, args).output().unwrap();
    Ran {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

pub(crate) fn faulty(bench: &Bench, rule: &str, args: &[&str]) -> Command {
    let mut command = bench.command(args);
    command.env("SELFSAME_FAILPOINTS", rule).env("SELFSAME_FAILPOINTS_LOG", bench.path("faults.log"));
    command
}

/// How often a point did something. A matrix whose points are never reached proves nothing.
pub(crate) fn reached(bench: &Bench) -> usize {
    fs::read_to_string(bench.path("faults.log")).unwrap_or_default().lines().count()
}

pub(crate) fn one_copy_each(bench: &Bench, names: &[&str]) -> Result<(), String> {
    // Neither what is on record nor what isn't may have come to its first line yet.
    bench.until_noted();
    let noted = |name: &&str| {
        let starts = bench.starts_of(name);
        let known = |pid: &i32| starts.iter().any(|(noted, _)| noted == pid);
        !starts.is_empty() && bench.status_pids(name).iter().all(known)
    };
    until("their notes", || names.iter().all(noted));
    for name in names {
        let alive = living(bench, name);
        if alive.len() != 1 {
            return Err(format!("`{name}` lives {} times: {:?}", alive.len(), bench.starts_of(name)));
        }
        if bench.status_pids(name) != alive {
            return Err(format!("`{name}` is {alive:?}, and on record {:?}", bench.status_pids(name)));
        }
    }
    Ok(())
}

/// Which of the noted processes of this name live; the bench's own account knows only those that run its scripts.
pub(crate) fn living(bench: &Bench, name: &str) -> Vec<i32> {
    let noted = bench.starts_of(name);
    noted.iter().map(|(pid, _)| *pid).filter(|pid| is_alive(*pid)).collect()
}

/// The hidden ones are no inhabitants that the bench would find and end.
pub(crate) struct Hidden<'a>(pub(crate) &'a Bench);

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        for pid in living(self.0, "hidden") {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if line == "/bin/sleep\x00100000\x00" {
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            }
        }
    }
}

/// Runs `scenario` for each point (with its number, if only one of several hits counts) and each deed, on all processors.
fn matrix(points: &[&str], scenario: impl Fn(&str) -> Result<usize, String> + Sync) {
    let cases: Vec<String> = points
        .iter()
        .flat_map(|point| {
            let (name, number) = point.split_once('@').unwrap_or((point, "1"));
            DEEDS.map(|deed| format!("{name}={deed}@{number}"))
        })
        // A child can't fail by itself at a point; its own errors have tests of their own.
        .filter(|rule| !(rule.starts_with("child.") && rule.contains("error")))
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut problems = Vec::new();
        while let Some(rule) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
            match scenario(rule) {
                Ok(0) => problems.push(format!("{rule}: this point was never reached")),
                Ok(_) => {}
                Err(problem) => problems.push(format!("{rule}: {problem}")),
            }
        }
        problems
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let problems: Vec<String> = thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    eprintln!("{} cases", cases.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

const START: [&str; 16] = [
    "remember",
    "file.written",
    "file.renamed",
    "file.renamed@2",
    "remember.done",
    "look",
    "start.slot",
    "start.slot@2",
    "start.clone",
    "child.key",
    "child.session",
    "child.exec",
    "child.exec@2",
    "start.spawned",
    "start.spawned@2",
    "remember@2",
];

pub(crate) fn start(rule: &str) -> Result<usize, String> {
    let bench = two();
    let _hidden = Hidden(&bench);
    with_fault(&bench, rule, &["apply", "specs", "--timeout", "60s"]);
    let again = bench.run(&["apply", "specs"]);
    if again.code != 0 {
        return Err(format!("{again:?}"));
    }
    one_copy_each(&bench, &NAMES)?;
    let starts = bench.starts_of("plain").len() + bench.starts_of("hidden").len();
    if starts != 2 {
        return Err(format!("{starts} starts"));
    }
    Ok(reached(&bench))
}

#[test]
fn faults_1_to_5_a_start_that_is_disturbed_leaves_one_copy() {
    matrix(&START, start);
}

#[test]
fn a_stop_that_is_disturbed_is_finished() {
    let points = [
        "life",
        "remember",
        "file.written",
        "file.renamed",
        "remember.done",
        "signal.verify",
        "signal.send",
        "signal.sent",
        "remember@2",
        "ledger.half",
        "ledger.added",
    ];
    matrix(&points, |rule| {
        let bench = two();
        let _hidden = Hidden(&bench);
        bench.ok(&["apply", "specs"]);
        until("their notes", || bench.starts().len() == 2);
        for name in NAMES {
            with_fault(&bench, rule, &["stop", name, "--timeout", "60s"]);
            bench.ok(&["stop", name]);
            if !living(&bench, name).is_empty() {
                return Err(format!("`{name}` lives on"));
            }
        }
        bench.ok(&["start", "--all"]);
        one_copy_each(&bench, &NAMES)?;
        Ok(reached(&bench))
    });
}

#[test]
fn fault_8_a_restart_that_is_disturbed_starts_once() {
    let points = [
        "life",
        "remember",
        "file.renamed",
        "signal.verify",
        "signal.send",
        "signal.sent",
        "remember@2",
        "ledger.half",
        "ledger.added",
        "remember@3",
        "ledger.half@2",
        "start.slot",
        "start.clone",
        "child.session",
        "child.exec",
        "start.spawned",
        "remember.done@3",
    ];
    matrix(&points, |rule| {
        let bench = two();
        let _hidden = Hidden(&bench);
        bench.ok(&["apply", "specs"]);
        until("their notes", || bench.starts().len() == 2);
        let script = bench.path("bin/hidden");
        let lines = format!("startas: {}\nadopt: never\nargs: [new]\n{QUICK}\n{STOP}", script.display());
        bench.spec("hidden", &lines);
        with_fault(&bench, rule, &["apply", "specs", "--timeout", "60s"]);
        let again = bench.run(&["apply", "specs"]);
        if again.code != 0 {
            return Err(format!("{again:?}"));
        }
        until("the note of the new copy", || bench.starts_of("hidden").len() >= 2);
        one_copy_each(&bench, &NAMES)?;
        match (bench.starts_of("hidden").len(), bench.starts_of("plain").len()) {
            (2, 1) => Ok(reached(&bench)),
            counts => Err(format!("starts: {counts:?}")),
        }
    });
}

#[test]
fn fault_9_a_prune_that_is_disturbed_leaves_it_owned_or_gone() {
    let points = [
        "life",
        "remember",
        "file.renamed",
        "signal.verify",
        "signal.send",
        "signal.sent",
        "remember@2",
        "record.remove",
        "remember.done@2",
    ];
    matrix(&points, |rule| {
        let bench = two();
        let _hidden = Hidden(&bench);
        bench.ok(&["apply", "specs"]);
        until("their notes", || bench.starts().len() == 2);
        fs::remove_file(bench.path("specs/hidden.yaml")).unwrap();
        with_fault(&bench, rule, &["apply", "specs", "--timeout", "60s"]);
        // In this order: what lives after the second look lived at the first.
        let owned = bench.status_pids("hidden");
        let alive = living(&bench, "hidden");
        if !alive.is_empty() && alive != owned {
            return Err(format!("{alive:?} lives, {owned:?} is on record"));
        }
        let again = bench.run(&["apply", "specs"]);
        if again.code != 0 || !living(&bench, "hidden").is_empty() {
            return Err(format!("it lives on: {again:?}"));
        }
        one_copy_each(&bench, &["plain"])?;
        Ok(reached(&bench))
    });
}

/// A daemon that somebody started by hand.
fn by_hand(bench: &Bench) -> Child {
    let script = bench.path("bin/plain");
    let child =
        Command::new(script).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    until("its note", || bench.starts_of("plain").len() == 1);
    child
}

#[test]
fn an_adoption_that_is_disturbed_touches_nothing_and_makes_no_second_copy() {
    let points = ["look", "remember", "file.written", "file.renamed", "adopt", "remember.done"];
    matrix(&points, |rule| {
        let bench = Bench::new();
        bench.daemon("plain", QUICK);
        let mut child = by_hand(&bench);
        with_fault(&bench, rule, &["apply", "specs", "--timeout", "60s"]);
        let again = bench.run(&["apply", "specs"]);
        let result =
            if again.code == 0 { one_copy_each(&bench, &["plain"]) } else { Err(format!("{again:?}")) };
        let pid = i32::try_from(child.id()).unwrap();
        let untouched = bench.starts_of("plain").len() == 1 && is_alive(pid);
        child.kill().unwrap();
        child.wait().unwrap();
        result?;
        if untouched { Ok(reached(&bench)) } else { Err("it was touched or started again".into()) }
    });
}

#[test]
fn a_release_that_is_disturbed_touches_nothing() {
    let points = ["remember", "release", "record.remove", "remember.done"];
    matrix(&points, |rule| {
        let bench = two();
        let _hidden = Hidden(&bench);
        bench.daemon_spec("plain", &format!("{QUICK}\nonRemove: release"));
        bench.ok(&["apply", "specs"]);
        until("their notes", || bench.starts().len() == 2);
        let pid = living(&bench, "plain");
        fs::remove_file(bench.path("specs/plain.yaml")).unwrap();
        with_fault(&bench, rule, &["apply", "specs", "--timeout", "60s"]);
        let again = bench.run(&["apply", "specs"]);
        if again.code != 0 || living(&bench, "plain") != pid || !bench.status_pids("plain").is_empty() {
            return Err(format!("{again:?}"));
        }
        one_copy_each(&bench, &["hidden"])?;
        Ok(reached(&bench))
    });
}

#[test]
fn fault_15_an_upgrade_that_is_disturbed_touches_nothing() {
    // The points of the image that is left; `upgrade.taken` is one of the image that comes.
    let points = ["request.answer", "remember@3", "upgrade.exec", "upgrade.taken"];
    matrix(&points, |rule| {
        let bench = two();
        let _hidden = Hidden(&bench);
        bench.ok(&["apply", "specs"]);
        until("their notes", || bench.starts().len() == 2);
        let pids: Vec<Vec<i32>> = NAMES.iter().map(|name| bench.status_pids(name)).collect();
        let mut watch = faulty(&bench, rule, &["watch", "specs"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(bench.path("watch.log")).unwrap())
            .spawn()
            .unwrap();
        // Until then it is no watch that is asked, and what is Running the call says that looks itself.
        until("the watch", || bench.connect().is_ok());
        bench.until_running(&NAMES);
        let upgraded = bench.run(&["upgrade", "--timeout", "8s"]);
        let died = rule.contains("kill");
        if died {
            until("the watch to die", || watch.try_wait().unwrap().is_some());
        } else if rule.starts_with("upgrade.exec=error") && upgraded.code != 1 {
            return Err(format!("the refusal isn't told: {upgraded:?}"));
        }
        let mut second = died.then(|| {
            bench.command(&["watch", "specs"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        });
        bench.until_running(&NAMES);
        let result = one_copy_each(&bench, &NAMES);
        let after: Vec<Vec<i32>> = NAMES.iter().map(|name| bench.status_pids(name)).collect();
        for watch in second.iter_mut().chain([&mut watch]) {
            let _ = watch.kill();
            watch.wait().unwrap();
        }
        result?;
        if after == pids { Ok(reached(&bench)) } else { Err(format!("{pids:?} became {after:?}")) }
    });
}
