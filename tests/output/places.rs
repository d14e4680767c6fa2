//! Where output goes besides files, and files that are not what they seem.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use crate::bytes::pieces;
use crate::support::{Bench, has, is_root, until};

/// Says `line` on both streams, then sleeps.
fn speaker(bench: &Bench, more: &str) {
    let script = bench.script(
        "bin/speaker",
        "#!/bin/sh\necho $$ speaker >> '%STARTS%'\necho to out\necho to err >&2\nexec sleep 1000\n",
    );
    bench.spec(
        "speaker",
        &format!(
            "startas: {}\nworkingDirectory: {}\nreadiness: {{aliveFor: 50ms}}\n{more}",
            script.display(),
            bench.root().display()
        ),
    );
}

#[test]
fn inherited_output_goes_where_ours_goes() {
    let bench = Bench::new();
    speaker(&bench, "stdout: inherit\nstderr: inherit");
    let [out, err] = ["out", "err"].map(|name| fs::File::create(bench.path(name)).unwrap());
    let status = bench.command(&["apply", "specs"]).stdout(out).stderr(err).status().unwrap();
    assert!(status.success());
    let text = |name: &str| fs::read_to_string(bench.path(name)).unwrap();
    until("both lines", || text("out").contains("to out\n") && text("err").contains("to err\n"));
    let ran = bench.run(&["logs", "speaker"]);
    assert!(ran.code == 1 && ran.stderr.contains("goes where that of selfsame goes"), "{}", ran.stderr);
    bench.ok(&["stop", "speaker"]);
}

#[test]
fn logs_of_what_never_wrote_or_is_nobody_say_so() {
    let bench = Bench::new();
    speaker(&bench, "state: stopped\nstderr: null");
    bench.ok(&["apply", "specs"]);
    for (args, part) in [
        (vec!["logs", "nobody"], "no object `nobody` is on record"),
        (vec!["logs", "speaker"], "nothing was written yet"),
        (vec!["logs", "speaker", "--stderr"], "`stderr` of `speaker` is thrown away"),
        (vec!["logs", "speaker", "--replica", "3"], "has 1 replicas"),
    ] {
        let ran = bench.run(&args);
        assert!(ran.code == 1 && ran.stderr.contains(part), "{args:?}: {} {}", ran.code, ran.stderr);
    }
    assert_eq!(bench.run(&["logs", "speaker", "--since", "soon"]).code, 64);
}

/// A reader that has seen enough is no error, and a follower ends with it.
#[test]
fn a_follower_ends_with_its_reader() {
    let bench = Bench::new();
    speaker(&bench, "");
    bench.ok(&["apply", "specs"]);
    let mut follower = bench.command(&["logs", "speaker", "-f"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let out = follower.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    assert_eq!(line, "to out\n");
    until("the follower to end", || follower.try_wait().unwrap().is_some());
    assert!(follower.wait().unwrap().success());
    bench.ok(&["stop", "speaker"]);
}

/// The log daemon is a socket of ours, in a mount namespace in which it stands at `/dev/log`.
#[test]
fn lines_go_to_the_system_log_and_wait_while_nobody_takes_them() {
    if !is_root() || !has("/usr/bin/unshare") {
        return eprintln!("skipped: only root can put a socket at /dev/log of its own");
    }
    let bench = Bench::new();
    speaker(&bench, "stdout: syslog\nstderr: syslog");
    let socket = bench.path("dev/log");
    fs::create_dir(bench.path("dev")).unwrap();
    for name in ["null", "zero", "urandom", "tty", "full", "random"] {
        let made = Command::new("cp").args(["-a", &format!("/dev/{name}")]).arg(bench.path("dev")).status();
        if !made.unwrap().success() {
            return eprintln!("skipped: no devices can be made here");
        }
    }
    let can_mount = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if !can_mount.is_ok_and(|status| status.success()) {
        return eprintln!("skipped: no mount namespace to be had");
    }
    let script = "mount --bind dev /dev && exec \"$0\" watch specs --resync 200ms";
    let mut watch = bench
        .command(&[])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .get_envs()
        .fold(&mut Command::new("unshare"), |command, (name, value)| match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        })
        .current_dir(bench.root())
        .args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_selfsame")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Nobody listens: the service runs, its lines wait, and status says so.
    until("status to say it", || bench.condition("speaker", "Degraded")["reason"] == "SyslogDown");
    assert_eq!(bench.alive().len(), 1);
    let daemon = UnixDatagram::bind(&socket).unwrap();
    daemon.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let pid = bench.starts()[0];
    let mut heard: Vec<String> = (0..2)
        .map(|_| {
            let mut buffer = [0u8; 200];
            let count = daemon.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..count]).into_owned()
        })
        .collect();
    heard.sort();
    assert_eq!(heard, [format!("<27>speaker[{pid}]: to err"), format!("<30>speaker[{pid}]: to out")]);
    until("status to be silent", || bench.condition("speaker", "Degraded").is_null());
    // Nothing is said twice: not by a later look, nor by another engine.
    watch.kill().unwrap();
    watch.wait().unwrap();
    bench.ok(&["stop", "speaker"]);
    daemon.set_nonblocking(true).unwrap();
    assert!(daemon.recv(&mut [0u8; 200]).is_err(), "a line came twice");
}

/// Faults 43 and 44: what a service's user plants in its own directory is not followed, and said.
#[test]
fn planted_links_are_neither_cut_nor_compressed() {
    let mut bench = Bench::new();
    let dir = bench.path("logs");
    fs::create_dir(&dir).unwrap();
    let log = fs::canonicalize(&dir).unwrap().join("counter.log");
    let victim = bench.write("victim", &"precious\n".repeat(20_000));
    crate::bytes::counter(&bench, &log, 2_000, "maxSize: 64KiB");
    bench.watch(&["--resync", "200ms"]);
    until("the counter to be done", || bench.path("done").exists());
    let plant = |how: &dyn Fn()| {
        let _ = fs::remove_file(&log);
        how();
    };
    let said = |part: &str| {
        until(part, || {
            let degraded = bench.condition("counter", "Degraded");
            degraded["reason"] == "OutputNotSafe" && degraded["message"].to_string().contains(part)
        });
    };
    plant(&|| fs::hard_link(&victim, &log).unwrap());
    said("second name");
    plant(&|| symlink(&victim, &log).unwrap());
    // A link is shorter than any limit: it is not even opened, and what it was is forgotten.
    until("the link to be left alone", || {
        bench.condition("counter", "Degraded").is_null() || log.is_symlink()
    });
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious\n".repeat(20_000));
    let _ = fs::remove_file(&log);
    assert!(pieces(&log).iter().all(|piece| !piece.to_string_lossy().contains("precious")));
    bench.end_watch("TERM");
    let ran = bench.run(&["logs", "counter"]);
    assert!(!ran.stdout.contains("precious"));
}

/// Whoever clears `/var/log` takes the directory along: no start of anything succeeded any more, until the watch was started anew.
#[test]
fn a_log_that_was_removed_is_said_and_made_anew_with_its_directory() {
    let mut bench = Bench::new();
    let script = bench.script(
        "bin/chatter",
        "#!/bin/sh\necho $$ chatter >> '%STARTS%'\nwhile :; do echo on; sleep 0.05; done\n",
    );
    bench.spec("chatter", &format!("startas: {}\nreadiness: {{aliveFor: 50ms}}", script.display()));
    bench.watch(&["--resync", "200ms"]);
    let shows = || bench.run(&["logs", "chatter"]).stdout.starts_with("on\n");
    until("its output", shows);
    bench.until_running(&["chatter"]);
    // A mark of each stream: it was seen before.
    until("a look at both files", || {
        fs::read_dir(bench.path("state/lib/output")).is_ok_and(|marks| marks.count() >= 2)
    });
    fs::remove_dir_all(bench.path("state/log")).unwrap();
    until("status to say it", || bench.condition("chatter", "Degraded")["reason"] == "OutputRemoved");
    bench.ok(&["restart", "chatter"]);
    until("its output, again", shows);
    until("status to be silent", || bench.condition("chatter", "Degraded").is_null());
    bench.ok(&["stop", "chatter"]);
}

/// The file is away when the next engine begins: it had never seen it, and said nothing.
#[test]
fn a_log_that_was_rotated_while_no_engine_looked_is_said() {
    let mut bench = Bench::new();
    let script = bench.script("bin/chatter", "#!/bin/sh\nwhile :; do echo on; sleep 0.05; done\n");
    bench.spec("chatter", &format!("startas: {}\nreadiness: {{aliveFor: 50ms}}", script.display()));
    bench.watch(&["--resync", "200ms"]);
    bench.until_running(&["chatter"]);
    bench.end_watch("TERM");
    let log = bench.path("state/log/chatter.stdout.log");
    fs::rename(&log, log.with_extension("log.1")).unwrap();
    bench.watch(&["--resync", "200ms"]);
    until("status to say it", || bench.condition("chatter", "Degraded")["reason"] == "OutputMoved");
    bench.ok(&["restart", "chatter"]);
    until("status to be silent", || bench.condition("chatter", "Degraded").is_null());
    bench.ok(&["stop", "chatter"]);
}

/// logrotate's `create`: the service wrote on to the renamed file, and nobody said so.
#[test]
fn a_log_that_another_program_rotates_is_said_until_a_restart() {
    let mut bench = Bench::new();
    let script = bench.script("bin/chatter", "#!/bin/sh\nwhile :; do echo on; sleep 0.05; done\n");
    bench.spec("chatter", &format!("startas: {}\nreadiness: {{aliveFor: 50ms}}", script.display()));
    bench.watch(&["--resync", "200ms"]);
    let log = bench.path("state/log/chatter.stdout.log");
    let writes = || fs::metadata(&log).is_ok_and(|meta| meta.len() > 0);
    until("its output", writes);
    bench.until_running(&["chatter"]);
    until("a look at the files", || {
        fs::read_dir(bench.path("state/lib/output")).is_ok_and(|marks| marks.count() >= 2)
    });
    fs::rename(&log, log.with_extension("log.1")).unwrap();
    fs::write(&log, "").unwrap();
    until("status to say it", || bench.condition("chatter", "Degraded")["reason"] == "OutputMoved");
    bench.ok(&["restart", "chatter"]);
    until("its output, again", writes);
    until("status to be silent", || bench.condition("chatter", "Degraded").is_null());
    bench.ok(&["stop", "chatter"]);
}
