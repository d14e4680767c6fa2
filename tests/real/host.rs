//! The whole host under the tick: start once, adopt, follow, stop, and survive the engine's death.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use selfsame::engine::tick::{TickOptions, preview};
use selfsame::host::signal::{hold, vital};
use selfsame::host::spawn::send_signal;
use selfsame::host::{Host, HostOptions, LinuxHost, OpenError};
use selfsame::plan::action::{Action, Outcome, Step};
use selfsame::plan::memory::{Exit, Launched, Memory, Phase};
use selfsame::plan::observation::Look;
use selfsame::plan::{Plan, QuestionHints, questions};
use selfsame::spec::{
    Account, DesiredState, EnvFrom, Expression, Limit, Output, ReadinessCheck, ServiceType, SpecSet,
};
use selfsame::units::{Pid, Signal};

use crate::stage::{DAEMON, INSIDE, Stage, kill, name, phase, with_fifo};
use crate::support::{dirs, eventually, needs_root, script};

/// True in that process; elsewhere runs the test in such a process, and false.
fn alone(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("host::{test}"), "--test-threads=1", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    false
}

/// The text of a file, once something stands in it.
fn whole_lines(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().filter(|text| text.ends_with('\n'))
}

#[test]
fn a_service_is_started_once_and_calling_again_changes_nothing() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let key = stage.until_running();
    assert_eq!(stage.copies(), BTreeSet::from([key.pid.0]));
    for _ in 0..3 {
        stage.tick();
        assert_eq!(stage.until_running(), key);
    }
    assert_eq!(stage.copies().len(), 1);
}

/// What a look for the service finds, the whole look or the one that goes on from the last.
fn look_of(host: &mut LinuxHost, stage_set: &SpecSet, memory: &Memory, full: bool) -> Look {
    let asked = questions(stage_set, memory, host.now(), QuestionHints { full });
    host.observe(&asked).services.remove(&name()).unwrap().look.unwrap()
}

#[test]
fn where_the_kernel_tells_a_look_that_goes_on_sees_what_a_whole_look_sees() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let mut host = stage.host.take().unwrap();
    host.listen_to_processes(false);
    if let Some(why) = host.table().deaf() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let (set, memory, program) = (stage.set.clone(), stage.memory.clone(), stage.program());
    let begin = || std::process::Command::new(&program).spawn().unwrap();
    let mut check = |what: &str, expected: &[u32]| {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let goes_on = look_of(&mut host, &set, &memory, false);
            let found: Vec<u32> =
                goes_on.candidates.iter().map(|one| one.key.pid.0.cast_unsigned()).collect();
            // Of a script the look can't tell between the exec of its interpreter and that interpreter's start.
            let mut other = LinuxHost::observer(&dirs(stage.base.path())).unwrap();
            let whole = look_of(&mut other, &set, &memory, false);
            if found == expected && goes_on.complete && goes_on.unknown.is_empty() && goes_on == whole {
                break;
            }
            assert!(Instant::now() < end, "{what}: {goes_on:?}, and as a whole {whole:?}");
        }
    };
    check("nothing runs", &[]);
    let mut first = begin();
    check("it begins", &[first.id()]);
    check("nothing happens", &[first.id()]);
    let mut second = begin();
    check("another one", &[first.id(), second.id()]);
    first.kill().unwrap();
    first.wait().unwrap();
    check("the first is gone", &[second.id()]);
    // The program is another file now, which the second one doesn't execute.
    fs::rename(&program, program.with_extension("old")).unwrap();
    script(&program, DAEMON);
    let mut third = begin();
    check("the program was replaced", &[second.id(), third.id()]);
    for child in [&mut second, &mut third] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    check("all are gone", &[]);
}

#[test]
fn a_crashed_engine_finds_its_service_again() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let key = stage.until_running();
    stage.crash();
    assert_eq!(stage.until_running(), key);
    assert_eq!(stage.copies(), BTreeSet::from([key.pid.0]));
}

#[test]
fn with_its_state_lost_it_adopts_what_runs() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let key = stage.until_running();
    stage.host = None;
    fs::remove_dir_all(stage.dirs.run.clone()).unwrap();
    stage.begin();
    assert_eq!(stage.until_running(), key);
    assert_eq!(stage.copies(), BTreeSet::from([key.pid.0]));
    let adopted = matches!(phase(&stage.memory.services[&name()].instances),
        Some(Phase::Running { process, .. }) if process.adopted);
    assert!(adopted);
}

#[test]
fn an_exit_leads_to_one_new_copy() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let first = stage.until_running();
    stage.spec().restart.backoff = Duration::from_millis(10);
    kill(&first);
    stage.until("the exit is seen", |instances| instances.get(&0).is_some_and(|i| i.last_exit.is_some()));
    let second = stage.until_running();
    assert_ne!(first, second);
    assert_eq!(stage.copies(), BTreeSet::from([second.pid.0]));
}

#[test]
fn a_stop_ends_it_and_it_stays_stopped() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let key = stage.until_running();
    stage.spec().state = DesiredState::Stopped;
    stage.until("stopped", |instances| matches!(phase(instances), None | Some(Phase::Vacant)));
    assert!(hold(&key).is_err() && stage.copies().is_empty());
}

/// A plan that starts the service, and the step that does.
fn planned_start(stage: &mut Stage) -> (Plan, Step) {
    let options = || TickOptions { hints: QuestionHints { full: true }, ..TickOptions::default() };
    // While others start and end nobody can tell of some whether they are it, and then nothing is started.
    eventually("a plan with the start", || {
        let observed = preview(stage.host.as_mut().unwrap(), &stage.set, &stage.memory, options());
        let start = observed.steps.iter().find(|step| matches!(step.action, Action::Start { .. })).cloned();
        start.map(|start| (observed, start))
    })
}

/// Many are made by two threads: each has the slot that was made for it, and is told once, as is the one that can't be started.
#[test]
fn many_starts_are_told_each_with_its_own_process() {
    const MANY: u32 = 20;
    const WRONG: u32 = 7;
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let (_, step) = planned_start(&mut stage);
    let numbered = |index: u32| {
        let mut step = step.clone();
        step.index = index;
        if let Action::Start { nonce, launch } = &mut step.action {
            *nonce = format!("n{index}");
            launch.group = None;
            if index == WRONG {
                launch.program = "/nothing/here".into();
            }
        }
        step
    };
    let steps: Vec<Step> = (0..MANY).map(numbered).collect();
    let mut told = BTreeMap::new();
    let host = stage.host.as_mut().unwrap();
    host.perform_all(&steps.iter().collect::<Vec<_>>(), &mut |at, outcome, _| {
        assert!(told.insert(steps[at].index, outcome).is_none());
    });
    assert_eq!(told.len(), steps.len());
    let failed = told.remove(&WRONG);
    assert!(matches!(failed, Some(Outcome::StartFailed { .. })), "{failed:?}");
    let slots = fs::read(stage.dirs.slots()).unwrap();
    let slots: Vec<_> = slots.chunks(256).map(|slot| String::from_utf8_lossy(slot).into_owned()).collect();
    let mut pids = BTreeSet::new();
    for (index, outcome) in told {
        let Outcome::Started(key) = outcome else { panic!("{outcome:?}") };
        let named = format!("{}.{index}.n{index}\0", name());
        let slot = slots.iter().find(|slot| slot.starts_with(&named)).unwrap();
        assert!(slot.contains(&format!("\0{} {}\n", key.pid, key.start.0)), "{slot:?} {key:?}");
        pids.insert(key.pid.0);
        kill(&key);
    }
    assert_eq!(pids.len(), steps.len() - 1);
}

/// The engine dies at the worst moments of a start: after the intent, and after the child wrote its key.
#[test]
fn an_intent_is_resolved_by_its_slot() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let (observed, step) = planned_start(&mut stage);
    // After the intent, before anything ran.
    stage.host.as_mut().unwrap().remember(&observed.memory).unwrap();
    stage.crash();
    assert!(matches!(phase(&stage.memory.services[&name()].instances), Some(Phase::Intended { .. })));
    let key = stage.until_running();
    assert_eq!(stage.copies(), BTreeSet::from([key.pid.0]));
    kill(&key);
    // After the child ran, before its key was recorded.
    stage.host.as_mut().unwrap().remember(&observed.memory).unwrap();
    let _ = stage.host.as_mut().unwrap().perform(&step);
    stage.crash();
    let second = stage.until_running();
    assert_ne!(second, key);
    assert_eq!(stage.copies(), BTreeSet::from([second.pid.0]));
    let launched = matches!(phase(&stage.memory.services[&name()].instances),
        Some(Phase::Running { process, .. }) if !process.adopted && process.launched.as_ref() != Some(&Launched::default()));
    assert!(launched, "it is ours and not adopted");
    assert_eq!(
        fs::metadata(stage.dirs.slots()).unwrap().len(),
        256,
        "a slot whose result is on record is used again"
    );
}

#[test]
fn what_can_not_be_started_says_why_and_is_tried_again() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    stage.spec().restart.backoff = Duration::from_millis(10);
    stage.spec().working_directory = stage.base.path().join("later");
    stage.until("the error", |instances| {
        let error = instances.get(&0).and_then(|instance| instance.last_error.as_deref());
        error.is_some_and(|text| text.contains("working directory"))
    });
    assert!(stage.copies().is_empty());
    fs::create_dir(stage.base.path().join("later")).unwrap();
    stage.until_running();
}

#[test]
fn a_written_match_narrows_and_an_unsatisfied_one_holds_nothing_back() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    let text = format!("exe == interpreter(startas) && user == \"{user}\"");
    stage.spec().narrow = Some(Expression::new(text));
    let key = stage.until_running();
    stage.host = None;
    fs::remove_dir_all(stage.dirs.run.clone()).unwrap();
    stage.begin();
    assert_eq!(stage.until_running(), key, "the headline expression recognises it");
    assert_eq!(stage.copies().len(), 1);
}

#[test]
fn a_forking_service_is_found_by_its_pidfile() {
    let text = "#!/bin/sh\ndir=$(dirname \"$0\")\nif [ \"$1\" = run ]; then exec 3<>\"$dir/fifo\"; echo $$ > \"$dir/pid\"\n\
                while read -r line <&3; do :; done; fi\nsetsid \"$0\" run </dev/null >/dev/null 2>&1 &\n";
    let mut stage = Stage::new(text);
    with_fifo(&stage);
    let pidfile = stage.base.path().canonicalize().unwrap().join("pid");
    stage.spec().service_type = ServiceType::Forking;
    stage.spec().pidfile = Some(pidfile.to_string_lossy().into_owned());
    stage.spec().readiness.check = ReadinessCheck::Pidfile;
    let key = stage.until_running();
    assert_eq!(fs::read_to_string(&pidfile).unwrap().trim(), key.pid.to_string());
    assert_eq!(stage.copies(), BTreeSet::from([key.pid.0]));
}

#[test]
fn environment_files_are_merged_and_untrusted_ones_refused() {
    use std::os::unix::fs::PermissionsExt;
    let mut stage = Stage::new("#!/bin/sh\necho \"$APP_A $B\" > \"$(dirname \"$0\")/said\"\nexec sleep 60\n");
    let file = stage.base.path().join("env");
    fs::write(&file, "A=from-file\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    stage.spec().env = BTreeMap::from([("B".into(), "from-spec".into())]);
    stage.spec().env_from =
        vec![EnvFrom { file: file.clone(), optional: false, prefix: "APP_".into() }].into();
    let mut ticks = 0;
    while ticks < 5 {
        stage.tick();
        ticks += 1;
    }
    assert!(!stage.base.path().join("said").exists(), "a file that others write is not used");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let key = stage.until_running();
    // It counts as running when it has lived for a moment, whatever it has come to until then.
    let said = eventually("what it says", || whole_lines(&stage.base.path().join("said")));
    assert_eq!(said, "from-file from-spec\n");
    kill(&key);
    stage.spec().state = DesiredState::Stopped;
}

#[test]
fn root_does_not_run_what_others_can_change() {
    use std::os::unix::fs::PermissionsExt;
    if needs_root("root_does_not_run_what_others_can_change") {
        return;
    }
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    fs::set_permissions(stage.program(), fs::Permissions::from_mode(0o777)).unwrap();
    for _ in 0..5 {
        stage.tick();
    }
    assert!(stage.copies().is_empty());
    let record = &stage.memory.services[&name()];
    let said = format!("{record:?}");
    assert!(
        !matches!(phase(&record.instances), Some(Phase::Running { .. } | Phase::Starting { .. })),
        "{said}"
    );
    stage.spec().trust_executable = true;
    stage.until_running();
}

#[test]
fn a_second_engine_is_refused_and_an_observer_is_not() {
    let mut stage = Stage::new(DAEMON);
    with_fifo(&stage);
    let key = stage.until_running();
    assert!(matches!(LinuxHost::open(&stage.dirs, HostOptions::default()), Err(OpenError::Lock(_))));
    let mut observer = LinuxHost::observer(&stage.dirs).unwrap();
    let memory = observer.load().unwrap().memory;
    assert_eq!(memory, stage.memory);
    let options = TickOptions { hints: QuestionHints { full: true }, ..TickOptions::default() };
    let plan = preview(&mut observer, &stage.set, &memory, options);
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    assert!(observer.remember(&memory).is_err());
    assert!(vital(Pid(key.pid.0)).is_ok());
}

#[test]
fn output_goes_to_the_log_directory() {
    let mut stage = Stage::new("#!/bin/sh\necho hello\necho oops >&2\nexec sleep 60\n");
    stage.spec().stdout = Output::Log;
    stage.spec().stderr = Output::Log;
    let key = stage.until_running();
    let read = |file: &str| eventually(file, || whole_lines(&stage.dirs.log.join(file)));
    assert_eq!((read("web.stdout.log"), read("web.stderr.log")), ("hello\n".into(), "oops\n".into()));
    kill(&key);
}

/// It forks away twice, leaves the session, and writes no pidfile.
#[test]
fn a_forking_service_without_a_pidfile_comes_to_the_subreaper() {
    if !alone("a_forking_service_without_a_pidfile_comes_to_the_subreaper") {
        return;
    }
    let text = "#!/bin/sh\ndir=$(dirname \"$0\")\nif [ -n \"$RUN\" ]; then exec 3<>\"$dir/fifo\"\n\
                while read -r line <&3; do :; done; fi\nRUN=1 setsid \"$0\" </dev/null >/dev/null 2>&1 &\n";
    let mut stage = Stage::new(text);
    with_fifo(&stage);
    stage.spec().service_type = ServiceType::Forking;
    let key = stage.until_running();
    assert_eq!(stage.copies(), BTreeSet::from([key.pid.0]));
    assert_eq!(vital(key.pid).unwrap().parent.0, i32::try_from(std::process::id()).unwrap());
    // Until then it forks for `dirname`: whoever is ended there leaves an orphan with its arguments, which ends in a way of its own.
    eventually("it reads", || {
        let third = fs::read_link(format!("/proc/{}/fd/3", key.pid));
        third.is_ok_and(|file| file.ends_with("fifo")).then_some(())
    });
    // Its exit is known, though we never started it.
    stage.spec().restart.policy = selfsame::spec::RestartPolicy::Never;
    send_signal(&hold(&key).unwrap().pidfd, Signal::TERM).unwrap();
    stage.until("the exit is seen", |instances| {
        instances.get(&0).is_some_and(|i| i.last_exit == Some(Exit::Signal(Signal::TERM)))
    });
}

/// A parent that ignores SIGCHLD hands that down; without care every exit would be unknown.
#[test]
fn exits_are_known_where_the_parent_ignored_them() {
    const TEST: &str = "exits_are_known_where_the_parent_ignored_them";
    if std::env::var_os(INSIDE).is_none() {
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", "trap '' CHLD; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &format!("host::{TEST}"), "--test-threads=1", "--nocapture"])
            .env(INSIDE, "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let mut stage = Stage::new("#!/bin/sh\nexit 5\n");
    stage.until("the code", |instances| {
        instances.get(&0).is_some_and(|instance| instance.last_exit == Some(Exit::Code(5)))
    });
}

/// As php-fpm and spamd do on HUP: the same program under another number.
#[test]
fn the_record_follows_a_service_that_comes_back_under_a_new_number() {
    if !alone("the_record_follows_a_service_that_comes_back_under_a_new_number") {
        return;
    }
    let text = "#!/bin/sh\ndir=$(dirname \"$0\")\ntrap 'RUN=1 \"$0\" & exit 0' HUP\nexec 3<>\"$dir/fifo\"\n\
                while :; do read -r line <&3; done\n";
    let mut stage = Stage::new(text);
    with_fifo(&stage);
    let first = stage.until_running();
    let restarts = stage.memory.services[&name()].instances.get(&0).unwrap().restarts;
    // It counts as running when it has lived for a moment; its trap comes when it comes, and what it is for when it reads.
    eventually("it waits for a line, with its trap", || {
        let process = procfs::process::Process::new(first.pid.0).unwrap();
        let third = fs::read_link(format!("/proc/{}/fd/3", first.pid));
        let traps = process.status().unwrap().sigcgt & 1 != 0;
        (traps && third.is_ok_and(|file| file.ends_with("fifo")) && process.stat().unwrap().state == 'S')
            .then_some(())
    });
    send_signal(&hold(&first).unwrap().pidfd, Signal::HUP).unwrap();
    stage.until(
        "another number",
        |instances| matches!(phase(instances), Some(Phase::Running { process, .. }) if process.key != first),
    );
    let second = stage.until_running();
    assert_eq!(stage.copies(), BTreeSet::from([second.pid.0]));
    assert_eq!(
        stage.memory.services[&name()].instances.get(&0).unwrap().restarts,
        restarts,
        "that was no restart of ours"
    );
}

/// Who has ended counts until it is collected, which a start that follows doesn't wait for: it was refused where its user may have no
/// process more.
#[test]
fn one_that_ended_leaves_its_place_to_the_next_where_processes_are_bounded() {
    const NOBODY_ELSE: u32 = 48_713;
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    // Those before count the new process itself as well.
    let counts =
        release.split('.').next().and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 6);
    if needs_root("bounded processes") || !counts {
        return;
    }
    if !alone("one_that_ended_leaves_its_place_to_the_next_where_processes_are_bounded") {
        return;
    }
    let mut stage = Stage::new("");
    let bounded = stage.spec();
    (bounded.startas, bounded.args) = ("/bin/sleep".into(), vec!["48713.5".into()]);
    (bounded.user, bounded.group) = (Some(Account::Id(NOBODY_ELSE)), Some(Account::Id(NOBODY_ELSE)));
    bounded.working_directory = "/".into();
    bounded.limits.insert("nproc".into(), Limit { soft: Some(0), hard: Some(0) });
    (bounded.restart.backoff, bounded.restart.reset_after) = (Duration::ZERO, Duration::ZERO);
    let first = stage.until_running();
    kill(&first);
    // Looks at everything collect whoever ended before they start anything.
    let error = eventually("another one, or none", || {
        let soon = selfsame::host::clock::now().boot.after(Duration::from_millis(50));
        stage.host.as_mut().unwrap().wait(Some(soon)).unwrap();
        stage.tick_with(false);
        let instance = stage.memory.services[&name()].instances.get(&0).unwrap();
        let another = instance.phase.process().is_some_and(|process| process.key != first);
        (another || instance.last_error.is_some()).then(|| instance.last_error.clone())
    });
    kill(&stage.until_running());
    assert_eq!(error, None);
}
