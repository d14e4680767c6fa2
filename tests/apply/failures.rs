//! A start that fails says why, in words and with the kernel's reason, and within a bound.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::support::{Bench, Ran, is_root, quick, until};

fn apply_one(bench: &Bench, startas: &Path) -> Ran {
    // However slow a program is that fails: it isn't Ready before it does.
    bench.spec("one", &quick(&format!("startas: {}\nreadiness: {{aliveFor: 1m}}", startas.display())));
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let began = Instant::now();
        let ran = bench.run(&["apply", "specs"]);
        assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
        // A stranger that overwrote its title could be anything, as long as it lives.
        if ran.code != 7 || Instant::now() > end {
            return ran;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[track_caller]
fn fails_with(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 1, "{ran:?}");
    let text = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
    assert!(text.contains("one"), "the object is named: {ran:?}");
    assert!(words.iter().any(|word| text.contains(&word.to_lowercase())), "one of {words:?} in {ran:?}");
}

/// `plan` called it held, and `apply` failed.
#[test]
fn plan_and_apply_say_the_same_of_a_missing_program() {
    let bench = Bench::new();
    bench.spec("one", "startas: /no/such/program");
    let (planned, applied) = (bench.run(&["plan", "specs"]), bench.run(&["apply", "specs"]));
    assert_eq!((planned.code, applied.code), (1, 1), "{planned:?} {applied:?}");
    assert!(planned.stdout.contains("one: fail: `/no/such/program`"), "{planned:?}");
}

/// `plan` said that there was nothing to do about what is down.
#[test]
fn a_start_that_waits_after_a_failure_is_planned() {
    let bench = Bench::new();
    let program = bench.script("bin/fails", "#!/bin/sh\nexit 3\n");
    bench.spec(
        "one",
        &format!("startas: {}\nreadiness: {{aliveFor: 1m}}\nrestart: {{backoff: 4m}}", program.display()),
    );
    assert_eq!(bench.run(&["apply", "specs"]).code, 1);
    let planned = bench.run(&["plan", "specs"]);
    let wait = "one: wait: it is started when its back-off is over, after a failure: it exited with code 3\n";
    assert_eq!((planned.code, planned.stdout.as_str()), (2, wait), "{planned:?}");
}

/// `plan` said that it would be started.
#[test]
fn plan_and_apply_say_the_same_of_a_missing_working_directory() {
    let bench = Bench::new();
    bench.spec("one", "startas: /bin/true\nworkingDirectory: /no/such");
    let (planned, applied) = (bench.run(&["plan", "specs"]), bench.run(&["apply", "specs"]));
    let why = "the working directory `/no/such` does not exist";
    fails_with(&planned, &[why]);
    fails_with(&applied, &[why]);
    assert!(planned.stdout.contains("one: fail: "), "{planned:?}");
    std::fs::write(bench.path("file"), "").unwrap();
    bench.spec("one", &format!("startas: /bin/true\nworkingDirectory: {}", bench.path("file").display()));
    fails_with(&bench.run(&["plan", "specs"]), &["is not a directory"]);
}

/// `apply` panicked, and so did `watch`, which as PID 1 of a container that is out of processes takes everything with it.
#[test]
fn without_another_process_or_thread_nothing_is_started_and_nothing_panics() {
    if !is_root() {
        eprintln!("skipped: only root can become another user, for whom the limit counts");
        return;
    }
    let bench = Bench::new();
    bench.spec("one", "startas: /bin/sleep\nargs: ['1000']\nrestart: {backoff: 4m}");
    fs::create_dir(bench.path("state")).unwrap();
    std::os::unix::fs::chown(bench.path("state"), Some(65534), Some(65534)).unwrap();
    let alone = |verb: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.args(["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]);
        command.args(["prlimit", "--nproc=1", env!("CARGO_BIN_EXE_selfsame"), verb, "specs"]);
        command
            .current_dir(bench.root())
            .env("SELFSAME_STATE_DIR", bench.path("state"))
            .env("HOME", bench.path("home"));
        command.env_remove("XDG_CONFIG_HOME").stdin(Stdio::null());
        command
    };
    let applied = alone("apply").output().unwrap();
    let said =
        String::from_utf8_lossy(&applied.stdout).into_owned() + &String::from_utf8_lossy(&applied.stderr);
    assert_eq!(applied.status.code(), Some(1), "{said}");
    assert!(said.contains("one: not started: could not create a process: try again (EAGAIN)"), "{said}");
    let log = bench.path("watch.log");
    let file = fs::File::create(&log).unwrap();
    let mut watch = alone("watch").stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
    let says = || fs::read_to_string(&log).unwrap();
    let ended = &mut None;
    until("the watch to look", || {
        *ended = watch.try_wait().unwrap();
        ended.is_some() || says().contains("one: BackOff")
    });
    if ended.is_none() {
        bench.kill(i32::try_from(watch.id()).unwrap(), "INT");
    }
    assert_eq!(watch.wait().unwrap().code(), Some(0), "{}", says());
}

/// It said that there was nothing to do, beside the mistake.
#[test]
fn nothing_is_said_to_be_done_where_documents_are_refused() {
    let bench = Bench::new();
    bench.spec("one", "startas: relative");
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(ran.stderr.contains("one.yaml"), "{ran:?}");
}

#[test]
fn a_missing_file() {
    let bench = Bench::new();
    let ran = apply_one(&bench, &bench.path("bin/absent"));
    fails_with(&ran, &["no such file"]);
    assert!(ran.stderr.contains("bin/absent") || ran.stdout.contains("bin/absent"), "{ran:?}");
}

#[test]
fn a_file_that_is_not_executable() {
    let bench = Bench::new();
    let script = bench.script("bin/one", "#!/bin/sh\nsleep 1000\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    fails_with(&apply_one(&bench, &script), &["not executable", "permission denied"]);
}

#[test]
fn a_directory() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("bin/one")).unwrap();
    fails_with(
        &apply_one(&bench, &bench.path("bin/one")),
        &["directory", "not a regular file", "permission denied"],
    );
}

#[test]
fn an_interpreter_that_is_not_there() {
    let bench = Bench::new();
    let script = bench.script("bin/one", "#!/no/such/interpreter -x\n");
    let ran = apply_one(&bench, &script);
    fails_with(&ran, &["no such file"]);
    assert!(
        (ran.stdout.clone() + &ran.stderr).contains("/no/such/interpreter"),
        "the missing file is named: {ran:?}"
    );
}

#[test]
fn a_text_without_an_interpreter_line() {
    let bench = Bench::new();
    let script = bench.script("bin/one", "just some words\n");
    fails_with(&apply_one(&bench, &script), &["exec format error"]);
}

#[test]
fn a_loop_of_links() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("bin")).unwrap();
    symlink("b", bench.path("bin/a")).unwrap();
    symlink("a", bench.path("bin/b")).unwrap();
    fails_with(&apply_one(&bench, &bench.path("bin/a")), &["too many levels of symbolic links", "loop"]);
}

#[test]
fn an_interpreter_that_is_its_own_interpreter() {
    let bench = Bench::new();
    let path = bench.path("bin/one");
    bench.script("bin/one", &format!("#!{}\n", path.display()));
    fails_with(&apply_one(&bench, &path), &["too many levels of symbolic links", "loop"]);
}

#[test]
fn a_working_directory_that_is_not_there() {
    let bench = Bench::new();
    bench.daemon("one", &format!("workingDirectory: {}", bench.path("absent").display()));
    let ran = bench.run(&["apply", "specs"]);
    fails_with(&ran, &["does not exist"]);
    assert!((ran.stdout.clone() + &ran.stderr).contains("absent"), "{ran:?}");
    assert!(bench.starts().is_empty());
}

#[test]
fn a_user_that_does_not_exist() {
    let bench = Bench::new();
    bench.daemon("one", "user: no-such-user-here");
    let ran = bench.run(&["apply", "specs"]);
    // Known not to exist: nothing can run as it, so nothing is held and the start fails.
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!((ran.stdout.clone() + &ran.stderr).contains("no-such-user-here"), "{ran:?}");
    assert!(bench.starts().is_empty());
}

#[test]
fn a_missing_file_of_variables() {
    let bench = Bench::new();
    bench.daemon("one", &format!("envFrom: [{{file: {}}}]", bench.path("absent.env").display()));
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!((ran.stdout.clone() + &ran.stderr).contains("absent.env"), "{ran:?}");
    assert!(bench.starts().is_empty());
}

#[test]
fn an_output_that_is_a_link_is_refused() {
    let bench = Bench::new();
    fs::write(bench.path("precious"), "precious\n").unwrap();
    symlink(bench.path("precious"), bench.path("out.log")).unwrap();
    bench.daemon("one", &format!("stdout: {{file: {}}}", bench.path("out.log").display()));
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!((ran.stdout.clone() + &ran.stderr).contains("out.log"), "{ran:?}");
    assert!(bench.starts().is_empty());
    assert_eq!(fs::read_to_string(bench.path("precious")).unwrap(), "precious\n");
}

#[test]
fn a_service_that_exits_at_once() {
    let bench = Bench::new();
    let script = bench.script("bin/one", "#!/bin/sh\necho $$ one >> '%STARTS%'\nexit 3\n");
    let ran = apply_one(&bench, &script);
    fails_with(&ran, &["exited with code 3", "code 3", "status 3"]);
    assert!(!bench.starts().is_empty());
}

#[test]
fn a_service_that_dies_by_a_signal_at_once() {
    let bench = Bench::new();
    let script = bench.script("bin/one", "#!/bin/sh\necho $$ one >> '%STARTS%'\nkill -SEGV $$\n");
    let ran = apply_one(&bench, &script);
    fails_with(&ran, &["SEGV"]);
}

#[test]
fn a_failure_of_one_does_not_keep_the_others_from_starting() {
    let bench = Bench::new();
    bench.spec("broken", &quick(&format!("startas: {}", bench.path("bin/absent").display())));
    bench.daemon("good", "");
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(bench.alive_of("good").len(), 1);
    assert_eq!(bench.status_of("good")["phase"], "Running");
}

#[test]
fn a_service_that_never_becomes_ready() {
    let bench = Bench::new();
    // Port 1 of the loopback: nobody listens there.
    bench.daemon("one", "readiness: {tcp: {port: 1}, period: 100ms}\nstartTimeout: 60s");
    let began = Instant::now();
    let ran = bench.run(&["apply", "specs", "--timeout", "700ms"]);
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!((ran.stdout.clone() + &ran.stderr).contains("ready"), "{ran:?}");
    assert_eq!(bench.alive_of("one").len(), 1, "it is left as it is");
}

#[test]
fn a_broken_file_fails_apply_and_the_others_are_applied() {
    let bench = Bench::new();
    bench.daemon("good", "");
    bench
        .write("specs/bad.yaml", "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: bad}\nspec: {}\n");
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("specs/bad.yaml:4:") && ran.stderr.contains("startas"), "{ran:?}");
}

#[test]
fn root_does_not_run_what_others_can_write() {
    if !is_root() {
        eprintln!("skipped: this is about root");
        return;
    }
    let bench = Bench::new();
    let script = bench.daemon("one", "");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o777)).unwrap();
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!((ran.stdout.clone() + &ran.stderr).contains("trustExecutable"), "{ran:?}");
    assert!(bench.starts().is_empty());
    // As somebody else it may run, and with trustExecutable anyway.
    bench.daemon_spec("one", "trustExecutable: true");
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.alive_of("one").len(), 1);
}

#[test]
fn root_does_not_run_from_a_directory_that_others_can_write() {
    if !is_root() {
        eprintln!("skipped: this is about root");
        return;
    }
    let bench = Bench::new();
    bench.daemon("one", "");
    fs::set_permissions(bench.path("bin"), fs::Permissions::from_mode(0o777)).unwrap();
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(bench.starts().is_empty());
    // Sticky, as /tmp: others can add files there, but not put another one in the place of this one.
    fs::set_permissions(bench.path("bin"), fs::Permissions::from_mode(0o1777)).unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.alive_of("one").len(), 1);
}

#[test]
fn root_does_not_run_an_interpreter_that_others_can_write() {
    if !is_root() {
        eprintln!("skipped: this is about root");
        return;
    }
    let bench = Bench::new();
    // An interpreter of its own: a copy of sh.
    bench.copy_of("/bin/sh", "bin/shell");
    fs::set_permissions(bench.path("bin/shell"), fs::Permissions::from_mode(0o757)).unwrap();
    let text = format!("#!{}\necho $$ one >> '%STARTS%'\nsleep 1000\n", bench.path("bin/shell").display());
    let script = bench.script("bin/one", &text);
    let ran = apply_one(&bench, &script);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!((ran.stdout.clone() + &ran.stderr).contains("bin/shell"), "{ran:?}");
    assert!(bench.starts().is_empty());
}

#[test]
fn specs_that_others_can_write_are_not_believed() {
    let bench = Bench::new();
    let script = bench.daemon("one", "");
    assert!(script.exists());
    fs::set_permissions(bench.path("specs/one.yaml"), fs::Permissions::from_mode(0o666)).unwrap();
    let ran = bench.run(&["apply", "specs"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!((ran.stdout.clone() + &ran.stderr).contains("one.yaml"), "{ran:?}");
    assert!(bench.starts().is_empty());
}
