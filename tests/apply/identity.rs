//! One copy: however often and by how many it is asked for, and whatever else runs.

use std::fs;
use std::process::Stdio;

use super::support::{Bench, is_alive, until};

#[test]
fn the_second_apply_finds_nothing_to_do() {
    let bench = Bench::new();
    bench.daemon("one", "args: [\"a b\", \"\", \"$HOME\"]");
    bench.daemon("two", "replicas: 2\nargs: [\"${index}\"]");
    let first = bench.ok(&["apply", "specs"]);
    assert!(first.stdout.contains("one") && first.stdout.contains("two"), "{first:?}");
    until("three notes", || bench.alive().len() == 3);
    let pids = bench.alive();
    for _ in 0..3 {
        let again = bench.ok(&["apply", "specs"]);
        assert!(again.stdout.contains("nothing to do"), "{again:?}");
    }
    assert_eq!(bench.alive(), pids);
    assert_eq!(bench.starts().len(), 3);
    assert_eq!(bench.run(&["plan", "specs"]).code, 0);
    assert_eq!(bench.run(&["status"]).code, 0);
}

#[test]
fn plan_says_what_apply_would_do_and_touches_nothing() {
    let bench = Bench::new();
    bench.daemon("one", "");
    let planned = bench.run(&["plan", "specs"]);
    assert_eq!(planned.code, 2, "{planned:?}");
    assert!(planned.stdout.contains("one") && planned.stdout.contains("start"), "{planned:?}");
    assert!(bench.starts().is_empty());
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    assert_eq!(bench.run(&["plan", "specs"]).code, 0);
    bench.daemon_spec("one", "args: [\"--new\"]");
    let planned = bench.run(&["plan", "specs"]);
    assert_eq!(planned.code, 2, "{planned:?}");
    assert!(planned.stdout.contains("args") && planned.stdout.contains("restart"), "{planned:?}");
    assert_eq!(bench.alive_of("one"), [pid]);
}

#[test]
fn fifty_at_once_start_one_copy() {
    let bench = Bench::new();
    bench.daemon("one", "");
    bench.daemon("two", "");
    let mut children: Vec<_> = (0..50)
        .map(|_| {
            bench.command(&["apply", "specs"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut failures = Vec::new();
    for child in children.drain(..) {
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            failures.push(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
    until("their notes", || !bench.starts_of("one").is_empty() && !bench.starts_of("two").is_empty());
    assert_eq!(bench.starts_of("one").len(), 1);
    assert_eq!(bench.starts_of("two").len(), 1);
}

#[test]
fn a_lost_state_leads_to_adoption() {
    let bench = Bench::new();
    bench.daemon("one", "args: [\"--port\", \"1\"]");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    fs::remove_dir_all(bench.path("state")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts_of("one").len(), 1);
    assert_eq!(bench.status_pids("one"), [pid]);
    assert_eq!(bench.status_of("one")["instances"][0]["adopted"], true);
}

/// A login over ssh is below sshd, and what cron starts is below cron.
#[test]
fn what_selfsame_was_started_from_is_not_started_beside_it() {
    let bench = Bench::new();
    let program = env!("CARGO_BIN_EXE_selfsame");
    let (state, said) = (bench.path("state"), bench.path("said"));
    let (state, said) = (state.display(), said.display());
    let script = bench.script(
        "bin/login",
        &format!(
            "#!/bin/sh\n{program} --state-dir {state} apply specs > {said} 2>&1\necho \"exit $?\" >> {said}\n"
        ),
    );
    bench.spec("login", &format!("startas: {}", script.display()));
    let mut login = bench.by_hand(bench.root(), script.to_str().unwrap(), &[]);
    let pid = login.id();
    assert!(login.wait().unwrap().success());
    let said = fs::read_to_string(bench.path("said")).unwrap();
    let expected =
        format!("not started: {pid} matches and is the first process or one that selfsame was started from");
    assert!(said.contains(&expected) && said.contains("exit 7"), "{said}");
}

#[test]
fn two_that_match_are_ambiguous_and_nothing_is_done() {
    let bench = Bench::new();
    let script = bench.daemon("one", "");
    let program = script.to_string_lossy().into_owned();
    let mut by_hand: Vec<_> = (0..2).map(|_| bench.by_hand(bench.root(), &program, &[])).collect();
    until("both", || bench.alive_of("one").len() == 2);
    let mut pids = bench.alive_of("one");
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let text = ran.stdout + &ran.stderr;
    pids.sort_unstable();
    for pid in &pids {
        assert!(text.contains(&pid.to_string()), "{pid} in\n{text}");
    }
    assert_eq!(bench.starts_of("one").len(), 2);
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    // With one of them gone it is clear again.
    let mut gone = by_hand.pop().unwrap();
    gone.kill().unwrap();
    gone.wait().unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts_of("one").len(), 2);
    assert_eq!(bench.status_pids("one"), bench.alive_of("one"));
    let mut last = by_hand.pop().unwrap();
    last.kill().unwrap();
    last.wait().unwrap();
}

#[test]
fn the_same_program_with_other_arguments_is_another_process() {
    let bench = Bench::new();
    let script = bench.daemon("one", "args: [\"--port\", \"1\"]");
    let mut stranger = bench.by_hand(bench.root(), &script.to_string_lossy(), &["--port", "2"]);
    until("the stranger", || bench.alive_of("one").len() == 1);
    bench.ok(&["apply", "specs"]);
    until("our copy", || bench.starts_of("one").len() == 2);
    let ours = bench.starts_of("one")[1].clone();
    assert_eq!(ours.1, "--port 1");
    assert_eq!(bench.status_pids("one"), [ours.0]);
    bench.ok(&["stop", "one"]);
    assert!(!is_alive(ours.0));
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger was not touched");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn an_adopted_process_is_never_touched_by_drift_and_released_when_its_document_goes() {
    let bench = Bench::new();
    let script = bench.daemon("one", "");
    bench.daemon("two", "");
    let mut child = bench.by_hand(bench.root(), &script.to_string_lossy(), &[]);
    until("it", || bench.alive_of("one").len() == 1);
    bench.ok(&["apply", "specs"]);
    bench.daemon_spec("one", "umask: \"0077\"");
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts_of("one").len(), 1);
    fs::remove_file(bench.path("specs/one.yaml")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert!(child.try_wait().unwrap().is_none(), "released, not stopped");
    assert!(bench.status_of("one").is_null(), "{}", bench.status());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn adopt_never_and_require_are_obeyed() {
    let bench = Bench::new();
    let script = bench.daemon("one", "adopt: never");
    bench.daemon("absent", "adopt: require");
    let mut child = bench.by_hand(bench.root(), &script.to_string_lossy(), &[]);
    until("it", || bench.alive_of("one").len() == 1);
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(bench.starts_of("one").len(), 1);
    assert!(bench.status_pids("one").is_empty());
    assert!(bench.starts_of("absent").is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_condition_that_says_no_makes_no_second_copy_of_what_is_on_record() {
    let bench = Bench::new();
    bench.daemon("one", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    // An edited match never decides about a running process.
    bench.daemon_spec("one", "match: comm == \"somebody-else\"");
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts_of("one").len(), 1);
    assert_eq!(bench.status_pids("one"), [pid]);
    bench.ok(&["stop", "one"]);
    assert!(!is_alive(pid));
}

#[test]
fn the_headline_expression_narrows_the_default() {
    let bench = Bench::new();
    let user =
        String::from_utf8(std::process::Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let narrow = format!("match: exe == interpreter(startas) && user == \"{}\"", user.trim());
    // Another script of the same interpreter and user satisfies the expression, and is no candidate all the same.
    let other = bench.script("bin/other", super::support::DAEMON);
    let mut stranger = bench.by_hand(bench.root(), &other.to_string_lossy(), &[]);
    until("the stranger", || bench.alive_of("other").len() == 1);
    bench.daemon("one", &narrow);
    bench.ok(&["apply", "specs"]);
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts_of("one").len(), 1);
    assert_eq!(bench.status_pids("one"), bench.alive_of("one"));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_renamed_object_waits_or_takes_over() {
    let bench = Bench::new();
    let script = bench.daemon("one", "");
    bench.daemon("two", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    fs::remove_file(bench.path("specs/one.yaml")).unwrap();
    let text = format!(
        "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: uno, previousName: one}}\nspec:\n  startas: {}\n  readiness: {{aliveFor: 50ms}}\n",
        script.display()
    );
    bench.write("specs/uno.yaml", &text);
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts_of("one").len(), 1, "the same process goes on");
    assert_eq!(bench.status_pids("uno"), [pid]);
    assert!(bench.status_of("one").is_null());
}
