//! Processes that end unseen: whoever took their place is found before anything is started, and nobody else's process is.

#![allow(clippy::zombie_processes, reason = "the host under test collects all children of this process")]

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use selfsame::facts::ProcessKey;
use selfsame::host::clock;
use selfsame::host::signal::hold;
use selfsame::plan::memory::TaskResult;
use selfsame::spec::{Service, ServiceName, ServiceType, TaskPlan, TaskRun};

use crate::stage::{DAEMON, Stage, kill, name, with_fifo};
use crate::support::eventually;

/// A restart that follows an end at once, so that the tick that learns of the end is the one that decides.
fn at_once(stage: &mut Stage) {
    let restart = &mut stage.spec().restart;
    (restart.backoff, restart.reset_after) = (Duration::ZERO, Duration::ZERO);
}

fn other() -> ServiceName {
    ServiceName::new("other").unwrap()
}

/// Another Service of the same program.
fn add_other(stage: &mut Stage, args: &[&str]) {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let spec = Service { name: other(), args, ..stage.spec().clone() };
    stage.set.services.insert(other(), spec.into());
}

fn on_record(stage: &Stage, of: &ServiceName) -> Option<ProcessKey> {
    let record = stage.memory.services.get(of)?;
    Some(record.instances.get(&0)?.phase.process()?.key.clone())
}

/// Runs the program beside the engine, as somebody else would, up to where it waits.
fn by_hand(stage: &Stage) -> Child {
    let child = Command::new(stage.program()).spawn().unwrap();
    let third = format!("/proc/{}/fd/3", child.id());
    eventually("it waits", || fs::read_link(&third).is_ok_and(|file| file.ends_with("fifo")).then_some(()));
    child
}

fn end(key: &ProcessKey) {
    kill(key);
    eventually("its end", || hold(key).is_err().then_some(()));
}

/// Ticks that look at no more than they need, until something else is on record than before.
#[track_caller]
fn until_another(stage: &mut Stage, before: &ProcessKey) -> ProcessKey {
    eventually("another process on record", || {
        stage.tick_with(false);
        on_record(stage, &name()).filter(|key| key != before)
    })
}

/// Whoever is on record for others isn't looked at; what took the place of the one that ended is on no record.
#[test]
fn a_copy_of_one_that_ended_unseen_is_taken_in_beside_others_of_its_program() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    at_once(&mut stage);
    add_other(&mut stage, &["--other"]);
    let first = stage.until_running();
    let others = on_record(&stage, &other()).unwrap();
    stage.host = None;
    let copy = by_hand(&stage);
    end(&first);
    stage.begin();
    let found = until_another(&mut stage, &first);
    assert_eq!(found.pid.0.cast_unsigned(), copy.id());
    assert_eq!(on_record(&stage, &other()), Some(others.clone()));
    assert_eq!(stage.copies(), BTreeSet::from([found.pid.0, others.pid.0]));
}

/// The arguments of the other one can't be read any more. That it was started with others than these is on record, so that it isn't
/// taken, and nothing waits for it to be told.
#[test]
fn one_that_ended_unseen_is_started_anew_beside_one_that_hides_its_arguments() {
    let mut stage = Stage::new("");
    let copied = Command::new("/bin/cp").arg("/usr/bin/perl").arg(stage.program()).status();
    assert!(copied.unwrap().success());
    at_once(&mut stage);
    let sleeps = "sleep 1 while 1";
    add_other(&mut stage, &["-e", &format!("$0 = 'hidden'; {sleeps}"), "other"]);
    stage.spec().args = ["-e", sleeps, "web"].map(str::to_owned).to_vec();
    let first = stage.until_running();
    let others = on_record(&stage, &other()).unwrap();
    let argv = format!("/proc/{}/cmdline", others.pid);
    eventually("another title", || fs::read(&argv).unwrap().starts_with(b"hidden").then_some(()));
    stage.host = None;
    end(&first);
    stage.begin();
    stage.tick_with(false);
    let second = on_record(&stage, &name());
    assert!(second.as_ref().is_some_and(|key| *key != first && *key != others), "{second:?}");
    assert_eq!(on_record(&stage, &other()), Some(others.clone()));
    assert_eq!(stage.copies(), BTreeSet::from([second.unwrap().pid.0, others.pid.0]));
}

/// The first one leaves something like it behind and ends; who comes after it waits.
fn leaves(what: &str, code: i32) -> Stage {
    let waits = "while read -r line <&3; do :; done";
    let text = format!(
        "#!/bin/sh\nexec 3<>\"$(dirname \"$0\")/fifo\"\necho $$ >> \"$0.starts\"\n\
         wait_for_it() {{ while [ ! -e \"$0.other\" ]; do read -r line < \"$0.starts\"; done; }}\n\
         subshell() {{ (: > \"$0.other\"; {waits}) & }}\n\
         anew() {{ HEIR=1 \"$0\" & }}\n\
         [ -z \"$HEIR\" ] || : > \"$0.other\"\n\
         [ -e \"$0.other\" ] || {{ {what}; wait_for_it; exit {code}; }}\n{waits}\n"
    );
    let mut stage = Stage::new(&text);
    with_fifo(&stage);
    at_once(&mut stage);
    stage
}

fn starts(stage: &Stage) -> Vec<i32> {
    let text = fs::read_to_string(stage.program().with_extension("starts")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// A subshell of a script that had ended was taken for the service: it was down, and said to be Running.
#[test]
fn a_mere_fork_in_its_session_is_no_successor() {
    for code in [0, 3] {
        let mut stage = leaves("subshell", code);
        eventually("another start", || {
            stage.tick_with(false);
            (starts(&stage).len() == 2).then_some(())
        });
        let second = starts(&stage)[1];
        stage.until("it is on record", |instances| {
            let pids = instances.values().filter_map(|instance| instance.phase.process());
            pids.map(|one| one.key.pid.0).eq([second])
        });
        assert_eq!(stage.copies(), BTreeSet::from([second]), "code {code}");
    }
}

/// A daemon that goes to the background without being asked: its fork leaves the session when the first process has ended.
#[test]
fn a_fork_that_leaves_the_session_takes_its_place() {
    let text = "#!/usr/bin/perl\nuse POSIX ();\nmy $starter = $$;\n\
                open(my $starts, '>>', \"$0.starts\"); syswrite($starts, \"$$\\n\");\n\
                exit 0 if fork();\nselect(undef, undef, undef, 0.01) while getppid() == $starter;\n\
                POSIX::setsid(); open(my $heir, '>', \"$0.heir\"); syswrite($heir, \"$$\\n\"); POSIX::pause() while 1;\n";
    let mut stage = Stage::new(text);
    at_once(&mut stage);
    let heir = until_heir(&mut stage);
    assert_eq!((stage.copies(), starts(&stage).len()), (BTreeSet::from([heir]), 1));
}

/// Ticks until that one is on record which called itself the heir.
fn until_heir(stage: &mut Stage) -> i32 {
    eventually("the heir on record", || {
        stage.tick_with(false);
        let heir = fs::read_to_string(stage.program().with_extension("heir")).ok()?.trim().parse().ok()?;
        on_record(stage, &name()).filter(|key| key.pid.0 == heir).map(|_| heir)
    })
}

/// Who executes the program anew takes over whatever the old one ends with.
#[test]
fn who_executed_the_program_anew_takes_the_place_of_one_that_failed() {
    let mut stage = leaves("anew", 3);
    let heir = eventually("the heir on record", || {
        stage.tick_with(false);
        let heir = *starts(&stage).get(1)?;
        on_record(&stage, &name()).filter(|key| key.pid.0 == heir)
    });
    assert_eq!((stage.copies(), starts(&stage).len()), (BTreeSet::from([heir.pid.0]), 2));
}

/// memcached `-d -u USER`: neither the daemon, which was another user by then, nor who forked it was taken for the service.
#[test]
fn a_daemon_that_becomes_another_user_is_followed() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for service_type in [ServiceType::Simple, ServiceType::Forking] {
        let text = "#!/usr/bin/perl\nuse POSIX ();\nopen(my $starts, '>>', \"$0.starts\"); syswrite($starts, \"$$\\n\");\n\
                    open(my $heir, '>', \"$0.heir\"); POSIX::setgid(65534); POSIX::setuid(65534);\n\
                    exit 0 if fork(); POSIX::setsid(); exit 0 if fork();\n\
                    syswrite($heir, \"$$\\n\"); POSIX::pause() while 1;\n";
        let mut stage = Stage::new(text);
        at_once(&mut stage);
        stage.spec().service_type = service_type;
        let heir = until_heir(&mut stage);
        assert_eq!((stage.copies(), starts(&stage).len()), (BTreeSet::from([heir]), 1), "{service_type:?}");
    }
}

/// What a run had left in the background, and was not yet another program, gave the run its own end.
#[test]
fn a_run_of_a_task_ends_with_its_process() {
    for (code, result) in
        [(0, TaskResult::Succeeded), (3, TaskResult::Failed("it exited with code 3".into()))]
    {
        let mut stage = leaves("subshell", code);
        stage.spec().task = Some(TaskPlan { run: TaskRun::Once, ..TaskPlan::default() }).into();
        let last = eventually("the end of the run", || {
            stage.tick_with(false);
            stage.memory.services.get(&name())?.task.past.last.clone()
        });
        assert_eq!((last.result, starts(&stage).len()), (result, 1));
    }
}

/// Processes are listed while documents are accepted. A service that forks its successor after that and ends was started a second
/// time: the listing didn't have the successor.
#[test]
fn whoever_took_its_place_since_a_listing_was_begun_is_found() {
    for full in [false, true] {
        let mut stage = Stage::new(DAEMON);
        with_fifo(&stage);
        at_once(&mut stage);
        let first = stage.until_running();
        begin_listing(&mut stage);
        let copy = by_hand(&stage);
        end(&first);
        stage.tick_with(full);
        let found = on_record(&stage, &name()).filter(|key| *key != first);
        let found = found.unwrap_or_else(|| until_another(&mut stage, &first));
        assert_eq!(found.pid.0.cast_unsigned(), copy.id(), "full: {full}");
        assert_eq!(stage.copies(), BTreeSet::from([found.pid.0]), "full: {full}");
    }
}

/// A listing is of one turn of the loop.
#[test]
fn a_listing_that_nobody_used_is_forgotten_by_who_waits() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    begin_listing(&mut stage);
    let copy = by_hand(&stage);
    stage.host.as_mut().unwrap().wait(Some(clock::now().boot)).unwrap();
    let found = stage.until_running();
    assert_eq!(found.pid.0.cast_unsigned(), copy.id());
    assert_eq!(stage.copies(), BTreeSet::from([found.pid.0]));
}

/// The same for documents that are read anew.
#[test]
fn a_listing_is_forgotten_when_documents_are_read_anew() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    begin_listing(&mut stage);
    let copy = by_hand(&stage);
    stage.host.as_mut().unwrap().forget_listing();
    let found = stage.until_running();
    assert_eq!(found.pid.0.cast_unsigned(), copy.id());
    assert_eq!(stage.copies(), BTreeSet::from([found.pid.0]));
}

/// One that was listed and is gone before the look is not taken in, and what is started is one copy.
#[test]
fn one_that_ended_since_a_listing_was_begun_is_not_taken_in() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let mut copy = by_hand(&stage);
    begin_listing(&mut stage);
    copy.kill().unwrap();
    copy.wait().unwrap();
    let found = stage.until_running();
    assert_ne!(found.pid.0.cast_unsigned(), copy.id());
    assert_eq!(stage.copies(), BTreeSet::from([found.pid.0]));
}

/// Begins it, and goes on when it is made.
fn begin_listing(stage: &mut Stage) {
    let host = stage.host.as_mut().unwrap();
    host.begin_listing();
    // These are asked of whoever was listed.
    eventually("the listing", || host.begin_arguments().then_some(()));
}
