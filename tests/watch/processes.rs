//! What watch does with processes: start, know, bring back, replace, stop.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::{Bench, is_alive, is_root, quick, stat_field, until};

#[test]
fn everything_becomes_running_and_status_agrees_with_proc() {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    bench.daemon("two", "args: [\"--level\", \"2\"]");
    bench.daemon("web", "args: [\"--port\", \"80${index}\"]\nreplicas: 2");
    bench.watch(&[]);
    bench.until_running(&["one", "two", "web"]);
    for (name, count) in [("one", 1), ("two", 1), ("web", 2)] {
        let status = bench.status_of(name);
        let mut shown = bench.status_pids(name);
        shown.sort_unstable();
        let mut truth = bench.alive_of(name);
        truth.sort_unstable();
        assert_eq!((shown.len(), &shown), (count, &truth), "{status}");
        for instance in status["instances"].as_array().unwrap() {
            let pid = i32::try_from(instance["pid"].as_i64().unwrap()).unwrap();
            assert_eq!(instance["startTicks"].to_string(), stat_field(pid, 22), "{status}");
            assert_eq!(instance["adopted"], false, "{status}");
            assert_eq!(instance["restarts"], 0, "{status}");
            let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
            assert_eq!(instance["exe"].as_str().unwrap(), exe.to_string_lossy(), "{status}");
        }
        assert_eq!(bench.condition(name, "Ready")["status"], "True", "{status}");
    }
    assert_eq!(bench.starts_of("two")[0].1, "--level 2");
    let table = bench.ok(&["status"]).stdout;
    for word in ["NAME", "one", "two", "web[0]", "web[1]", "Running"] {
        assert!(table.contains(word), "`{word}` in\n{table}");
    }
}

#[test]
fn each_replica_has_its_index() {
    let mut bench = Bench::new();
    bench.daemon("web", "args: [\"--port\", \"80${index}\", \"${name}\"]\nreplicas: 3");
    bench.watch(&[]);
    bench.until_running(&["web"]);
    let mut arguments: Vec<String> = bench.starts_of("web").into_iter().map(|(_, words)| words).collect();
    arguments.sort();
    assert_eq!(arguments, ["--port 800 web", "--port 801 web", "--port 802 web"]);
    for instance in bench.status_of("web")["instances"].as_array().unwrap() {
        let expected = format!("--port 80{} web", instance["index"]);
        let (pid, _) = bench.starts_of("web").into_iter().find(|(_, words)| *words == expected).unwrap();
        assert_eq!(instance["pid"], pid, "index {}", instance["index"]);
    }
}

/// Kills it and waits for the next copy: the time that took.
fn kill_and_time(bench: &Bench, name: &str) -> Duration {
    let old = bench.the_pid_of(name);
    let count = bench.starts_of(name).len();
    bench.kill(old, "KILL");
    let killed = Instant::now();
    until("the next copy", || bench.starts_of(name).len() > count);
    let took = killed.elapsed();
    assert!(!is_alive(old));
    took
}

#[test]
fn a_service_that_was_ready_for_3s_comes_back_at_once() {
    let mut bench = Bench::new();
    bench.daemon("shop", "restart: {backoff: 60s}");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let ready = Instant::now();
    until("3 s of readiness to pass", || ready.elapsed() > Duration::from_millis(3300));
    let took = kill_and_time(&bench, "shop");
    eprintln!("back after {took:?}");
    assert!(took < Duration::from_secs(40), "{took:?}");
    bench.until_running(&["shop"]);
    let status = bench.status_of("shop");
    assert_eq!(status["instances"][0]["restarts"], 1, "{status}");
    assert!(status["instances"][0]["lastExit"].to_string().contains("KILL"), "{status}");
    assert_eq!(bench.alive_of("shop").len(), 1);
}

#[test]
fn a_service_that_dies_early_comes_back_after_its_back_off() {
    let mut bench = Bench::new();
    // However long it takes until it is killed, it is never Ready.
    bench.daemon("shop", "readiness: {aliveFor: 90s}\nrestart: {backoff: 10s, jitter: 0}");
    bench.watch(&[]);
    let old = bench.the_pid_of("shop");
    let killed = Instant::now();
    bench.kill(old, "KILL");
    let mut status = Value::Null;
    until("its back-off", || {
        status = bench.status_of("shop");
        status["phase"] == "BackOff"
    });
    assert!(status["nextAttemptMs"].as_u64().unwrap() <= 10_000, "{status}");
    until("the next copy", || bench.starts_of("shop").len() == 2);
    let took = killed.elapsed();
    eprintln!("back {:?} after its deadline", took.saturating_sub(Duration::from_secs(10)));
    assert!(took >= Duration::from_secs(10), "{took:?}");
    assert!(took < Duration::from_secs(40), "{took:?}");
}

#[test]
fn the_back_off_of_a_service_that_always_dies_grows() {
    let mut bench = Bench::new();
    let script =
        bench.script("bin/brief", "#!/bin/sh\necho \"$$ brief $(date +%s%N)\" >> '%STARTS%'\nexit 3\n");
    bench.spec(
        "brief",
        &quick(&format!("startas: {}\nrestart: {{backoff: 200ms, jitter: 0}}", script.display())),
    );
    bench.watch(&[]);
    until("five starts", || bench.starts_of("brief").len() >= 5);
    let times: Vec<u64> = bench.starts_of("brief").iter().map(|(_, words)| words.parse().unwrap()).collect();
    let gaps: Vec<u64> = times.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000_000).collect();
    for (gap, least) in gaps.iter().zip([200, 400, 800, 1600]) {
        assert!(*gap + 20 >= least, "{gaps:?} ms");
    }
    let status = bench.status_of("brief");
    assert!(status["instances"][0]["lastExit"].to_string().contains('3'), "{status}");
}

#[test]
fn a_restart_class_edit_restarts_only_that_service() {
    let mut bench = Bench::new();
    bench.daemon("shop", "args: [\"--port\", \"1\"]");
    bench.daemon("other", "");
    bench.watch(&[]);
    bench.until_running(&["shop", "other"]);
    let (old, other) = (bench.the_pid_of("shop"), bench.the_pid_of("other"));
    bench.daemon_spec("shop", "args: [\"--port\", \"2\"]");
    until("a copy with the new argument", || {
        bench.starts_of("shop").iter().any(|(_, words)| words == "--port 2")
    });
    assert!(!is_alive(old), "the old copy went before the new one came");
    bench.until_running(&["shop"]);
    assert_eq!(bench.alive_of("shop").len(), 1);
    assert_eq!(bench.alive_of("other"), [other]);
    assert_eq!(bench.starts_of("other").len(), 1);
    assert_ne!(bench.condition("shop", "UpToDate")["status"], "False", "{}", bench.status_of("shop"));
}

#[test]
fn a_live_edit_leaves_the_process_alone() {
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    let edits = [
        "restart: {policy: on-failure}",
        "restart: {policy: on-failure}\nstop: {schedule: [{signal: INT, wait: 1s}, {signal: KILL, wait: 1s}]}",
        "restart: {policy: on-failure}\nreadiness: {aliveFor: 80ms}\nstartTimeout: 7s",
    ];
    for (number, edit) in edits.iter().enumerate() {
        bench.daemon_spec("shop", edit);
        bench.until_generation("shop", number as u64 + 2);
        assert_eq!(bench.status_pids("shop"), [pid], "{edit}");
    }
    assert_eq!(bench.starts_of("shop").len(), 1);
    assert_eq!(bench.alive_of("shop"), [pid]);
}

#[test]
fn fewer_replicas_stop_the_highest_index() {
    let mut bench = Bench::new();
    bench.daemon("web", "args: [\"--index\", \"${index}\"]\nreplicas: 2");
    bench.watch(&[]);
    bench.until_running(&["web"]);
    let pid_of = |words: &str| bench.starts_of("web").into_iter().find(|(_, w)| w == words).unwrap().0;
    let (first, second) = (pid_of("--index 0"), pid_of("--index 1"));
    bench.daemon_spec("web", "args: [\"--index\", \"${index}\"]\nreplicas: 1");
    until("index 1 to be stopped", || !is_alive(second));
    until("status to show one", || bench.status_pids("web") == [first]);
    assert!(is_alive(first));
    bench.daemon_spec("web", "args: [\"--index\", \"${index}\"]\nreplicas: 2");
    until("index 1 again", || bench.alive_of("web").len() == 2);
    assert_eq!(bench.starts_of("web").len(), 3);
    assert!(is_alive(first));
}

#[test]
fn state_stopped_stops_and_running_starts_again() {
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    bench.watch(&[]);
    let pid = bench.the_pid_of("shop");
    bench.daemon_spec("shop", "state: stopped");
    until("it to be stopped", || !is_alive(pid));
    bench.until_phase(&["shop"], "Stopped");
    bench.daemon_spec("shop", "state: running");
    bench.until_running(&["shop"]);
    assert_eq!(bench.starts_of("shop").len(), 2);
}

#[test]
fn state_observed_starts_nothing_and_stops_nothing() {
    let mut bench = Bench::new();
    bench.daemon("shop", "state: observed");
    bench.daemon("other", "");
    bench.watch(&[]);
    bench.until_running(&["other"]);
    assert!(bench.starts_of("shop").is_empty());
    let table = bench.ok(&["status", "shop"]).stdout;
    assert!(
        table.contains("observed only"),
        "the table says why it is left alone, and that is as wanted: {table}"
    );
    let other = bench.the_pid_of("other");
    bench.daemon_spec("other", "state: observed\nargs: [changed]");
    bench.until_generation("other", 2);
    bench.daemon_spec("other", "state: running\nargs: []");
    bench.until_generation("other", 3);
    assert_eq!(bench.alive_of("other"), [other]);
    assert_eq!(bench.starts_of("other").len(), 1);
}

#[test]
fn a_policy_of_never_leaves_it_ended() {
    let mut bench = Bench::new();
    bench.daemon("shop", "restart: {policy: never}");
    bench.daemon("other", "");
    bench.watch(&[]);
    bench.until_running(&["shop", "other"]);
    bench.kill(bench.the_pid_of("shop"), "TERM");
    until("status to see it", || bench.status_pids("shop").is_empty());
    // The other one's start is later than any start of this one would have been.
    bench.kill(bench.the_pid_of("other"), "KILL");
    until("the other one to be back", || bench.starts_of("other").len() == 2);
    assert_eq!(bench.starts_of("shop").len(), 1);
}

/// Forks twice, notes the grandchild and writes its PID into a pidfile: the classic daemon.
const FORKING: &str = "#!/usr/bin/perl
use POSIX;
exit 0 if fork;
POSIX::setsid();
exit 0 if fork;
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ forker\\n\"); close $f;
open(my $p, '>', \"$ARGV[0].new\") or die; print $p \"$$\\n\"; close $p; rename \"$ARGV[0].new\", $ARGV[0];
sleep 1 while 1;
";

#[test]
fn a_daemon_that_forks_away_is_followed() {
    let mut bench = Bench::new();
    let script = bench.script("bin/forker", FORKING);
    let pidfile = bench.path("forker.pid");
    bench.spec(
        "forker",
        &quick(&format!(
            "startas: {}\nargs: [\"{file}\"]\ntype: forking\npidfile: {file}\nreadiness: {{pidfile: true}}",
            script.display(),
            file = pidfile.display()
        )),
    );
    bench.watch(&[]);
    bench.until_running(&["forker"]);
    let pid = bench.the_pid_of("forker");
    assert_eq!(bench.status_pids("forker"), [pid]);
    assert_eq!(fs::read_to_string(&pidfile).unwrap().trim(), pid.to_string());
    bench.kill(pid, "KILL");
    until("it to be back", || bench.starts_of("forker").len() == 2);
    bench.until_running(&["forker"]);
    let next = bench.the_pid_of("forker");
    bench.ok(&["stop", "forker"]);
    assert!(!is_alive(next));
    assert_eq!(bench.starts_of("forker").len(), 2);
}

/// Its first thread ends, and a second one goes on: `/proc` shows a zombie without arguments, executable and memory.
const LEADERLESS: &str = "#!/usr/bin/python3
import ctypes, os, platform, threading, time
def go_on():
    while open('/proc/self/stat').read().rsplit(')', 1)[1].split()[0] != 'Z':
        time.sleep(0.01)
    with open('%STARTS%', 'a') as starts:
        starts.write(f'{os.getpid()} leaderless\\n')
    while True:
        time.sleep(60)
threading.Thread(target=go_on).start()
ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)
";

#[test]
fn a_service_whose_first_thread_ended_goes_on_as_the_one_copy() {
    if !std::path::Path::new("/usr/bin/python3").exists() {
        eprintln!("skipped: no python3");
        return;
    }
    let mut bench = Bench::new();
    let script = bench.script("bin/leaderless", LEADERLESS);
    bench.spec("leaderless", &quick(&format!("startas: {}", script.display())));
    bench.watch(&[]);
    until("its thread to be alone", || bench.starts_of("leaderless").len() == 1);
    bench.until_running(&["leaderless"]);
    let (pid, _) = bench.starts_of("leaderless")[0].clone();
    assert_eq!(bench.status_pids("leaderless"), [pid]);

    // The next watch finds it by its record; and one that has none, by what its thread executes.
    bench.end_watch("KILL");
    bench.watch(&[]);
    bench.until_running(&["leaderless"]);
    bench.end_watch("KILL");
    fs::remove_dir_all(bench.path("state")).unwrap();
    bench.watch(&[]);
    bench.until_running(&["leaderless"]);
    assert_eq!(bench.status_pids("leaderless"), [pid]);
    assert_eq!(bench.starts_of("leaderless").len(), 1, "one copy");
    bench.ok(&["stop", "leaderless"]);
    until("its threads to be gone", || {
        fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count) < 2
    });
}

const DEAF: &str = "#!/usr/bin/perl
$SIG{TERM} = sub { open(my $t, '>>', '%STARTS%.term'); print $t \"$$\\n\"; close $t };
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ deaf\\n\"); close $f;
sleep 1 while 1;
";

#[test]
fn a_service_that_ignores_term_is_killed_after_its_grace() {
    let mut bench = Bench::new();
    let script = bench.script("bin/deaf", DEAF);
    // Time enough for a program that has to wait for a processor.
    let stop = "stop: {schedule: [{signal: TERM, wait: 7s}, {signal: KILL, wait: 5s}]}";
    bench.spec("deaf", &quick(&format!("startas: {}\n{stop}", script.display())));
    bench.watch(&[]);
    bench.until_running(&["deaf"]);
    let pid = bench.the_pid_of("deaf");
    let began = Instant::now();
    bench.spec("deaf", &quick(&format!("startas: {}\n{stop}\nstate: stopped", script.display())));
    until("TERM to arrive", || bench.path("starts.term").exists());
    until("KILL to arrive", || !is_alive(pid));
    assert!(began.elapsed() >= Duration::from_secs(7), "{:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    let terms = fs::read_to_string(bench.path("starts.term")).unwrap();
    assert_eq!(terms.trim(), pid.to_string(), "one TERM only");
    bench.until_phase(&["deaf"], "Stopped");
}

#[test]
fn a_child_that_a_shell_loop_leaves_behind_ends_with_it() {
    let mut bench = Bench::new();
    let script = bench
        .script("bin/looper", "#!/bin/sh\necho \"$$ looper\" >> '%STARTS%'\nwhile :; do sleep 60; done\n");
    bench.spec("looper", &quick(&format!("startas: {}", script.display())));
    bench.watch(&[]);
    bench.until_running(&["looper"]);
    until("its child", || bench.inhabitants().len() == 2);
    bench.spec("looper", &quick(&format!("startas: {}\nstate: stopped", script.display())));
    until("both to end", || bench.inhabitants().is_empty());
}

#[test]
fn scope_main_leaves_the_child_alone() {
    let mut bench = Bench::new();
    let script = bench
        .script("bin/looper", "#!/bin/sh\necho \"$$ looper\" >> '%STARTS%'\nwhile :; do sleep 60; done\n");
    let stop = "stop: {scope: main, schedule: [{signal: TERM, wait: 5s}, {signal: KILL, wait: 5s}]}";
    bench.spec("looper", &format!("startas: {}\nreadiness: {{aliveFor: 50ms}}\n{stop}", script.display()));
    bench.watch(&[]);
    bench.until_running(&["looper"]);
    until("its child", || bench.inhabitants().len() == 2);
    let main = bench.the_pid_of("looper");
    bench.ok(&["stop", "looper"]);
    assert!(!is_alive(main));
    assert_eq!(bench.inhabitants().len(), 1, "the sleep lives on");
}

#[test]
fn a_process_that_runs_already_is_adopted_and_not_touched() {
    let mut bench = Bench::new();
    let script = bench.daemon("shop", "");
    let mut child = bench.by_hand(bench.root(), &script.to_string_lossy(), &[]);
    let pid = bench.the_pid_of("shop");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let status = bench.status_of("shop");
    assert_eq!(status["instances"][0]["pid"], pid, "{status}");
    assert_eq!(status["instances"][0]["adopted"], true, "{status}");
    bench.daemon_spec("shop", "restart: {policy: always, backoff: 2s}");
    bench.until_generation("shop", 2);
    assert_eq!(bench.alive_of("shop"), [pid]);
    // It isn't selfsame's child: its end is seen all the same, and what follows it is selfsame's.
    child.kill().unwrap();
    child.wait().unwrap();
    until("another copy", || bench.starts_of("shop").len() == 2);
    bench.until_running(&["shop"]);
    assert_eq!(bench.status_of("shop")["instances"][0]["adopted"], false);
}

/// Runs `make` while the service runs, which makes another copy by hand, then ends the service: that copy takes its place.
fn the_other_copy_takes_its_place(more: &[&str], make: impl FnOnce(&Bench, &str) -> Child) {
    let mut bench = Bench::new();
    let script = bench.daemon("shop", "readiness: {aliveFor: 0s}");
    bench.watch(more);
    bench.until_running(&["shop"]);
    let mut by_hand = make(&bench, &script.to_string_lossy());
    until("the other copy", || bench.alive_of("shop").len() == 2);
    let own = bench.status_pids("shop")[0];
    let begun = bench.starts_of("shop").len();
    bench.kill(own, "KILL");
    let other = i32::try_from(by_hand.id()).unwrap();
    until("its adoption", || bench.status_pids("shop") == [other]);
    assert_eq!(bench.starts_of("shop").len(), begun, "nothing was started beside it");
    assert_eq!(bench.status_of("shop")["instances"][0]["adopted"], true);
    by_hand.kill().unwrap();
    by_hand.wait().unwrap();
}

#[test]
fn a_copy_that_began_since_the_last_look_takes_the_place_of_the_service() {
    for more in [&[][..], &["--no-hints"]] {
        the_other_copy_takes_its_place(more, |bench, script| bench.by_hand(bench.root(), script, &[]));
    }
}

/// What was looked at as another program is a newcomer once it executes this one, however old it is: where the kernel tells.
#[test]
fn a_process_that_became_a_copy_since_the_last_look_takes_the_place_of_the_service() {
    let initial = fs::read_link("/proc/self/ns/pid").unwrap().to_str() == Some("pid:[4026531836]");
    if !is_root() || !initial {
        eprintln!("SKIPPED: the kernel tells root in its initial namespaces only");
        return;
    }
    the_other_copy_takes_its_place(&["--resync", "1h"], |bench, script| {
        let go = bench.path("go");
        assert!(Command::new("mkfifo").arg(&go).status().unwrap().success());
        let waits = format!("read line < {}; exec {script}", go.display());
        let child = bench.by_hand(bench.root(), "/bin/sh", &["-c", &waits]);
        // A restart, and numbers enough that this one isn't near the last any more.
        for _ in 0..200 {
            assert!(Command::new("/bin/true").status().unwrap().success());
        }
        let begun = bench.starts_of("shop").len();
        bench.kill(bench.the_pid_of("shop"), "KILL");
        until("a restart", || bench.starts_of("shop").len() > begun);
        bench.until_running(&["shop"]);
        fs::write(&go, "now\n").unwrap();
        child
    });
}

/// Who is there then is told by the listing of the first and the numbers that were given out since.
#[test]
fn who_was_begun_by_hand_just_before_its_document_was_asked_for_is_adopted() {
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    bench.watch(&["--settle", "1m", "--settle-max", "1m"]);
    bench.until_running(&["shop"]);
    for name in ["first", "second", "third"] {
        let script = bench.daemon(name, "");
        let mut child = bench.by_hand(bench.root(), &script.to_string_lossy(), &[]);
        let pid = bench.the_pid_of(name);
        bench.ok(&["apply", "specs"]);
        let status = bench.status_of(name);
        assert_eq!(status["instances"][0]["pid"], pid, "{status}");
        assert_eq!(status["instances"][0]["adopted"], true, "{status}");
        assert_eq!(bench.alive_of(name), [pid]);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_service_that_was_stopped_by_sigstop_ends_without_kill() {
    let mut bench = Bench::new();
    let body = "#!/usr/bin/perl
$SIG{TERM} = sub { open(my $t, '>>', '%STARTS%.term'); print $t \"$$\\n\"; close $t; exit 0 };
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ frozen\\n\"); close $f;
sleep 1 while 1;
";
    let script = bench.script("bin/frozen", body);
    bench.spec(
        "frozen",
        &quick(&format!(
            "startas: {}\nstop: {{schedule: [{{signal: TERM, wait: 100s}}, {{signal: KILL, wait: 5s}}]}}",
            script.display()
        )),
    );
    bench.watch(&[]);
    bench.until_running(&["frozen"]);
    let pid = bench.the_pid_of("frozen");
    bench.kill(pid, "STOP");
    until("it to be stopped", || stat_field(pid, 3) == "T");
    bench.ok(&["stop", "frozen", "--timeout", "90s"]);
    assert!(!is_alive(pid));
    assert!(bench.path("starts.term").exists(), "it could do its work on TERM");
}

#[test]
fn of_five_edits_while_it_stops_only_the_last_is_started() {
    let mut bench = Bench::new();
    let script = bench.script("bin/deaf", &DEAF.replace("$$ deaf", "$$ deaf @ARGV"));
    let spec = |bench: &Bench, argument: &str| {
        let stop = "stop: {schedule: [{signal: TERM, wait: 100s}, {signal: KILL, wait: 5s}]}";
        bench.spec("deaf", &quick(&format!("startas: {}\nargs: [{argument}]\n{stop}", script.display())));
    };
    spec(&bench, "v0");
    bench.watch(&["--settle", "20ms"]);
    bench.until_running(&["deaf"]);
    for version in ["v1", "v2", "v3", "v4", "v5"] {
        spec(&bench, version);
        until("it to be looked at", || {
            bench.status_of("deaf")["generation"].as_u64() > Some(u64::from(version.as_bytes()[1] - b'0'))
        });
    }
    bench.kill(bench.the_pid_of("deaf"), "KILL");
    until("the last", || bench.starts_of("deaf").iter().any(|(_, words)| words == "v5"));
    bench.until_running(&["deaf"]);
    let words: Vec<String> = bench.starts_of("deaf").into_iter().map(|(_, words)| words).collect();
    assert_eq!(words, ["v0", "v5"]);
    assert_eq!(bench.alive_of("deaf").len(), 1);
}

#[test]
fn a_file_that_is_removed_while_its_service_starts_leaves_nothing() {
    let mut bench = Bench::new();
    bench.daemon("slow", "readiness: {aliveFor: 60s}");
    bench.daemon("other", "");
    bench.watch(&["--prune-delay", "100ms"]);
    bench.until_phase(&["slow"], "Starting");
    let pid = bench.the_pid_of("slow");
    fs::remove_file(bench.path("specs/slow.yaml")).unwrap();
    until("it to be gone", || !is_alive(pid));
    until("status to forget it", || bench.status_of("slow").is_null());
    assert_eq!(bench.starts_of("slow").len(), 1);
    bench.the_pid_of("other");
    assert_eq!(bench.starts_of("other").len(), 1);
}

/// Their signals are merged by the kernel, and each of them is missed and replaced all the same.
#[test]
fn a_storm_of_exits_is_answered_one_by_one() {
    const MANY: usize = 30;
    let mut bench = Bench::new();
    bench.daemon("web", &format!("replicas: {MANY}"));
    bench.daemon("still", "");
    bench.watch(&[]);
    bench.until_running(&["web", "still"]);
    let (before, still) = (bench.alive_of("web"), bench.the_pid_of("still"));
    assert_eq!(before.len(), MANY);
    let pids: Vec<String> = before.iter().map(ToString::to_string).collect();
    assert!(std::process::Command::new("kill").arg("-KILL").args(&pids).status().unwrap().success());
    until("all to run again", || {
        let now = bench.alive_of("web");
        now.len() == MANY && now.iter().all(|pid| !before.contains(pid))
    });
    bench.until_running(&["web"]);
    assert_eq!(bench.starts_of("web").len(), 2 * MANY, "each was replaced once");
    assert_eq!(bench.alive_of("still"), [still]);
}

#[test]
fn a_wait_for_the_next_start_is_told_once_however_often_others_are_looked_at() {
    let mut bench = Bench::new();
    let broken = bench.script("bin/broken", "#!/bin/sh\nexit 1\n");
    let long = "restart: {backoff: 10m, maxBackoff: 10m}";
    bench.spec("broken", &format!("startas: {}\n{long}", broken.display()));
    bench.daemon("shop", "");
    bench.watch(&[]);
    let told = || {
        let said = bench.watch_log();
        said.lines().filter(|line| line.starts_with("broken: BackOff: next start in ")).count()
    };
    until("the wait to be told", || told() == 1);
    for _ in 0..3 {
        bench.ok(&["restart", "shop"]);
    }
    // Told in the order of names, so that one of `broken` would stand before this.
    bench.ok(&["stop", "shop"]);
    until("the end to be told", || bench.watch_log().contains("shop: Stopped"));
    assert_eq!(told(), 1, "{}", bench.watch_log());
}
