//! Processes that look different from what was started, and strangers that look like it.

use std::fs;
use std::process::{Child, Command, Stdio};

use super::support::{Bench, DAEMON, is_alive, is_root, quick, until};

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Forgets everything, applies again, and expects that what ran is still the only copy.
#[track_caller]
fn found_again(bench: &Bench, name: &str) {
    let pid = bench.the_pid_of(name);
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(bench.starts_of(name).len(), 1, "a second copy: {ran:?}");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(bench.status_pids(name), [pid], "{ran:?}");
}

#[test]
fn a_daemon_that_overwrites_its_title_is_found_again() {
    let bench = Bench::new();
    let body = DAEMON.replace("sleep 1 while 1", "$0 = 'shop: ready to serve'; sleep 1 while 1");
    let script = bench.script("bin/shop", &body);
    bench.spec("shop", &quick(&format!("startas: {}\nargs: [\"--port\", \"1\"]", script.display())));
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("shop");
    until("the title", || {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|t| t.starts_with("shop: ready"))
    });
    found_again(&bench, "shop");
}

#[test]
fn a_title_doesnt_make_what_was_started_for_one_object_another_ones() {
    let bench = Bench::new();
    let body = DAEMON.replace("sleep 1 while 1", "$0 = 'shop: ready to serve'; sleep 1 while 1");
    let script = bench.script("bin/shop", &body);
    let spec = |name: &str, port: &str| {
        bench.spec(name, &quick(&format!("startas: {}\nargs: [\"--port\", {port}]", script.display())));
    };
    for (name, port, copies) in [("one", "\"1${name}\"", 1), ("two", "\"2\"", 2), ("three", "\"3\"", 3)] {
        spec(name, port);
        bench.ok(&["apply", "specs"]);
        until("the titles", || {
            let pids = bench.alive_of("shop");
            let title = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            pids.len() == copies && pids.iter().all(|pid| title(pid).starts_with("shop: ready"))
        });
    }
    assert_eq!(bench.run(&["plan", "specs"]).code, 0);
    // Of a document that asks for the very same, it can't be told from what is there.
    spec("copy", "\"1one\"");
    let ran = bench.run(&["apply", "specs"]);
    assert!(ran.code != 0 && (ran.stdout + &ran.stderr).contains("on record for `one`"));
    assert_eq!(bench.starts_of("shop").len(), 3);
}

#[test]
fn a_script_that_was_replaced_on_disk_is_found_again() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    bench.ok(&["apply", "specs"]);
    bench.the_pid_of("shop");
    bench.script("bin/shop", &format!("{DAEMON}# a newer version\n"));
    found_again(&bench, "shop");
}

#[test]
fn a_program_that_was_replaced_on_disk_is_found_again() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("bin")).unwrap();
    let copy = |name: &str| {
        assert!(Command::new("cp").arg("/bin/sleep").arg(bench.path(name)).status().unwrap().success());
    };
    copy("bin/napper");
    let spec = format!(
        "startas: {}\nargs: [\"1000\"]\nworkingDirectory: {}",
        bench.path("bin/napper").display(),
        bench.root().display()
    );
    bench.spec("napper", &quick(&spec));
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.inhabitants().len(), 1);
    let pid = bench.inhabitants()[0];
    copy("bin/new");
    fs::rename(bench.path("bin/new"), bench.path("bin/napper")).unwrap();
    assert!(fs::read_link(format!("/proc/{pid}/exe")).unwrap().to_string_lossy().ends_with(" (deleted)"));
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.inhabitants(), [pid]);
    assert_eq!(bench.status_pids("napper"), [pid]);
    bench.ok(&["stop", "napper"]);
    assert!(!is_alive(pid), "adopted by its document and still what that says: it may be stopped");
}

#[test]
fn a_script_whose_interpreter_was_replaced_is_found_again() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("bin")).unwrap();
    let copy = |name: &str| {
        assert!(Command::new("cp").arg("/usr/bin/perl").arg(bench.path(name)).status().unwrap().success());
    };
    copy("bin/perl5");
    let body = DAEMON.replace("/usr/bin/perl", &bench.path("bin/perl5").to_string_lossy());
    let script = bench.script("bin/shop", &body);
    bench.spec("shop", &quick(&format!("startas: {}", script.display())));
    bench.ok(&["apply", "specs"]);
    bench.the_pid_of("shop");
    copy("bin/new");
    fs::rename(bench.path("bin/new"), bench.path("bin/perl5")).unwrap();
    found_again(&bench, "shop");
}

#[test]
fn a_zombie_is_not_running() {
    let bench = Bench::new();
    let script = bench.daemon("shop", "");
    let mut zombie = bench.by_hand(bench.root(), &script.to_string_lossy(), &[]);
    let pid = bench.the_pid_of("shop");
    bench.kill(pid, "KILL");
    until("it to be a zombie", || !is_alive(pid));
    assert!(fs::metadata(format!("/proc/{pid}")).is_ok(), "nobody waited for it");
    bench.ok(&["apply", "specs"]);
    bench.the_pid_of("shop");
    assert_eq!(bench.status_pids("shop"), bench.alive_of("shop"));
    zombie.wait().unwrap();
}

/// Something else would bring the process back: taking it over would be a quarrel.
#[test]
fn what_another_supervisor_keeps_is_not_adopted_and_not_started_beside() {
    let bench = Bench::new();
    let script = bench.daemon("shop", "");
    assert!(Command::new("cp").arg("/bin/sh").arg(bench.path("bin/runsv")).status().unwrap().success());
    let supervisor = bench.path("bin/runsv");
    let command = format!("{}; exit 0", script.display());
    let mut child = bench.by_hand(bench.root(), &supervisor.to_string_lossy(), &["-c", &command]);
    let pid = bench.the_pid_of("shop");
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let text = ran.stdout + &ran.stderr;
    assert!(text.contains("runsv") && text.contains(&pid.to_string()), "{text}");
    assert_eq!(bench.starts_of("shop").len(), 1);
    assert!(bench.status_pids("shop").is_empty());
    assert_eq!(bench.condition("shop", "Owned")["status"], "False", "{}", bench.status_of("shop"));
    end(&mut child);
}

/// The key is the same after an exec, the program isn't: what was adopted by its looks must still have them.
#[test]
fn an_adopted_process_that_became_something_else_is_not_signalled() {
    let bench = Bench::new();
    let body = DAEMON.replace("$| = 1;", "$SIG{USR1} = sub { exec '/bin/sleep', '1000' };");
    let script = bench.script("bin/shop", &body);
    bench.spec("shop", &quick(&format!("startas: {}", script.display())));
    let mut child = bench.by_hand(bench.root(), &script.to_string_lossy(), &[]);
    let pid = bench.the_pid_of("shop");
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.status_of("shop")["instances"][0]["adopted"], true);
    bench.kill(pid, "USR1");
    until("the exec", || fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("sleep")));
    let ran = bench.run(&["stop", "shop", "--timeout", "2s"]);
    assert!(child.try_wait().unwrap().is_none(), "it was signalled: {ran:?}");
    assert_ne!(ran.code, 0, "{ran:?}");
    end(&mut child);
}

/// What selfsame started is on record, whatever it executes now.
#[test]
fn a_started_process_that_became_something_else_is_still_ours() {
    let bench = Bench::new();
    let body = DAEMON.replace("sleep 1 while 1", "exec '/bin/sleep', '1000'");
    let script = bench.script("bin/shop", &body);
    bench.spec("shop", &quick(&format!("startas: {}", script.display())));
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("shop");
    until("the exec", || fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("sleep")));
    let again = bench.ok(&["apply", "specs"]);
    assert!(again.stdout.contains("nothing to do"), "{again:?}");
    assert_eq!(bench.starts().len(), 1);
    bench.ok(&["stop", "shop"]);
    assert!(!is_alive(pid));
}

#[test]
fn kernel_threads_are_nobodys_service() {
    if !is_root() || fs::read_to_string("/proc/2/comm").ok().as_deref() != Some("kthreadd\n") {
        eprintln!("skipped: kernel threads can't be seen here");
        return;
    }
    let bench = Bench::new();
    fs::write(bench.path("shop.pid"), "2\n").unwrap();
    bench.daemon("shop", &format!("pidfile: {}", bench.path("shop.pid").display()));
    bench.daemon("thread", "matchOnly: kernel_thread && pid == 2");
    bench.run(&["apply", "specs"]);
    let status = bench.status();
    assert!(!status.to_string().contains("\"pid\":2,"), "{status}");
    bench.ok(&["stop", "--all"]);
}

/// A root without devices: the message said only that an output can't be used.
#[test]
fn a_missing_dev_null_is_named_with_what_makes_it() {
    if !is_root() {
        eprintln!("skipped: needs mount");
        return;
    }
    let bench = Bench::new();
    bench.daemon("one", "stdout: null");
    let script = "mount -t tmpfs none /dev && exec \"$0\" apply specs";
    let output = Command::new("unshare")
        .args(["-m", "/bin/sh", "-c", script, env!("CARGO_BIN_EXE_selfsame")])
        .current_dir(bench.root())
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("(ENOENT); every process needs it, and `mknod -m 666 /dev/null c 1 3` makes it"),
        "{text}"
    );
    assert!(bench.starts().is_empty());
}

#[test]
fn few_descriptors_lose_nothing() {
    let bench = Bench::new();
    let names: Vec<String> = (0..12).map(|number| format!("d{number}")).collect();
    for name in &names {
        bench.daemon(name, "");
    }
    for limit in [12, 16, 63, 64, 70, 80] {
        let mut command = Command::new("prlimit");
        command
            .arg(format!("--nofile={limit}:{limit}"))
            .arg(env!("CARGO_BIN_EXE_selfsame"))
            .args(["apply", "specs", "--timeout", "60s"])
            .current_dir(bench.root())
            .env("SELFSAME_STATE_DIR", bench.path("state"))
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!errors.contains("panicked"), "{errors}");
        eprintln!("with {limit} descriptors: exit {:?}", output.status.code());
        if limit < 64 {
            let why = format!(
                "error: this host can't be looked at: {limit} descriptors at most may be open here, and it takes 64"
            );
            assert!(output.status.code() == Some(1) && errors.starts_with(&why), "{errors}");
        }
        for name in &names {
            assert!(bench.starts_of(name).len() <= 1, "{name}: {errors}");
        }
    }
    bench.ok(&["apply", "specs"]);
    until("their notes", || names.iter().all(|name| !bench.starts_of(name).is_empty()));
    for name in &names {
        assert_eq!(bench.starts_of(name).len(), 1, "{name}");
    }
}
