//! What services say of themselves by `sd_notify(3)`.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::support::{Bench, is_alive, quick, until};

/// Obeys a line in the file `order`: `say TEXT` (as itself, until somebody listens), `once TEXT`, `child TEXT` (as a child), `away TEXT` (as a process that left
/// its tree and session), `hang`.
const SPEAKER: &str = r#"#!/usr/bin/perl
use Socket; use POSIX ();
my ($order) = @ARGV;
open(my $f, '>>', '%STARTS%') or die; syswrite($f, "$$ speaker\n"); close $f;
sub say_it { my $text = $_[0]; $text =~ s/\\n/\n/g; $text =~ s/SELF/$$/g;
  socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; my $a = pack_sockaddr_un($ENV{NOTIFY_SOCKET});
  for (1..500) { return if defined send($s, $text, 0, $a); select(undef, undef, undef, 0.01) } }
my $beats = $ENV{WATCHDOG_USEC} ? 1 : 0;
while (1) {
  select(undef, undef, undef, 0.02);
  say_it("WATCHDOG=1") if $beats;
  open(my $o, '<', $order) or next; my $line = <$o>; close $o; unlink $order; chomp $line;
  my ($verb, $text) = split(/ /, $line, 2);
  if ($verb eq 'say') { say_it($text) }
  elsif ($verb eq 'once') { socket(my $s, PF_UNIX, SOCK_DGRAM, 0); send($s, $text, 0, pack_sockaddr_un($ENV{NOTIFY_SOCKET})) }
  elsif ($verb eq 'hang') { $beats = 0 }
  elsif ($verb eq 'child') { if (!fork) { say_it($text); sleep 1 while 1 } }
  elsif ($verb eq 'away') { if (!fork) { POSIX::setsid(); my $mid = $$; exit 0 if fork;
    select(undef, undef, undef, 0.01) while getppid() == $mid; say_it($text); sleep 1 while 1 } wait }
  elsif ($verb eq 'exit') { exit 0 }
}
"#;

fn speaker(more: &str) -> Bench {
    let bench = Bench::new();
    let script = bench.script("bin/speaker", SPEAKER);
    let order = bench.path("order");
    bench.spec(
        "speaker",
        &format!(
            "{}\nstartas: {}\nargs: [{}]\ntype: notify",
            quick(&format!("{more}\nreadiness: {{notify: true, period: 50ms}}")),
            script.display(),
            order.display()
        ),
    );
    bench
}

fn order(bench: &Bench, text: &str) {
    bench.write("order", &format!("{text}\n"));
    until("the order to be taken", || !bench.path("order").exists());
}

#[test]
fn it_is_ready_when_it_says_so_and_its_words_are_shown() {
    let mut bench = speaker("");
    bench.watch(&[]);
    let pid = bench.the_pid_of("speaker");
    order(&bench, "say STATUS=warming up");
    until("its words", || bench.status_of("speaker")["instances"][0]["says"] == "warming up");
    assert_eq!(bench.status_of("speaker")["phase"], "Starting");
    let details = bench.run(&["status", "speaker"]).stdout;
    assert!(details.contains("says `warming up`"), "{details}");
    order(&bench, "say STATUS=serving\\nREADY=1");
    bench.until_running(&["speaker"]);
    order(&bench, "say STOPPING=1");
    until("it not to be Ready", || bench.condition("speaker", "Ready")["status"] == "False");
    assert_eq!(bench.alive_of("speaker"), [pid]);
}

#[test]
fn a_child_may_speak_and_a_stranger_may_not() {
    let mut bench = speaker("");
    bench.watch(&[]);
    let pid = bench.the_pid_of("speaker");
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let entry = environ.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(b"NOTIFY_SOCKET="));
    let socket = String::from_utf8(entry.unwrap().to_vec()).unwrap();
    // This test is of the same user, and not of the tree.
    UnixDatagram::unbound().unwrap().send_to(b"READY=1\nSTATUS=forged", &socket).unwrap();
    // A process that left the tree isn't of it any more either.
    order(&bench, "away READY=1\\nSTATUS=gone away");
    order(&bench, "child STATUS=by a child");
    until("the words of the child", || bench.status_of("speaker")["instances"][0]["says"] == "by a child");
    let begun = Instant::now();
    until("time for the others to be heard", || begun.elapsed() > Duration::from_millis(700));
    let status = bench.status_of("speaker");
    assert_eq!(status["phase"], "Starting", "{status}");
    assert_eq!(status["instances"][0]["says"], "by a child", "{status}");
    order(&bench, "child READY=1");
    bench.until_running(&["speaker"]);
}

/// Fault 6: the engine is killed while it waits for readiness.
#[test]
fn another_engine_hears_it_too() {
    let mut bench = speaker("");
    bench.watch(&[]);
    let pid = bench.the_pid_of("speaker");
    bench.until_phase(&["speaker"], "Starting");
    bench.end_watch("KILL");
    bench.watch(&[]);
    until("the new engine to listen", || {
        order(&bench, "say STATUS=hello again");
        bench.status_of("speaker")["instances"][0]["says"] == "hello again"
    });
    order(&bench, "say READY=1");
    bench.until_running(&["speaker"]);
    assert_eq!(bench.alive_of("speaker"), [pid]);
    // What was heard is remembered by the next one.
    bench.end_watch("KILL");
    bench.watch(&[]);
    until("a new status", || bench.status_of("speaker")["phase"] == "Running");
    assert_eq!(bench.starts_of("speaker").len(), 1);
}

/// They bound its socket anew, and the watch never heard it again.
#[test]
fn who_only_looks_does_not_take_the_words_from_the_watch() {
    let mut bench = speaker("");
    bench.watch(&[]);
    bench.until_phase(&["speaker"], "Starting");
    let pid = bench.the_pid_of("speaker");
    for args in [&["plan", "specs"][..], &["explain", "speaker"], &["status"]] {
        bench.run(args);
    }
    order(&bench, "say READY=1");
    bench.until_running(&["speaker"]);
    assert_eq!(bench.alive_of("speaker"), [pid]);
}

#[test]
fn what_it_may_have_said_to_nobody_is_not_held_against_it() {
    let mut bench = speaker("startTimeout: 12s");
    bench.watch(&[]);
    let pid = bench.the_pid_of("speaker");
    bench.until_phase(&["speaker"], "Starting");
    bench.end_watch("KILL");
    // Nobody listens: the message is lost.
    bench.write("order", "once READY=1\n");
    until("the order to be taken", || !bench.path("order").exists());
    let begun = Instant::now();
    until("its time to be over", || begun.elapsed() > Duration::from_millis(12_100));
    bench.watch(&[]);
    until("the doubt to be told", || bench.condition("speaker", "Ready")["status"] == "Unknown");
    assert_eq!(bench.alive_of("speaker"), [pid]);
    assert_eq!(bench.starts_of("speaker").len(), 1);
    assert!(is_alive(pid));
}

#[test]
fn more_time_can_be_asked_for() {
    let mut bench = speaker("startTimeout: 12s");
    bench.watch(&[]);
    let pid = bench.the_pid_of("speaker");
    order(&bench, "say EXTEND_TIMEOUT_USEC=60000000");
    let begun = Instant::now();
    until("its first time to be over", || begun.elapsed() > Duration::from_millis(12_500));
    assert_eq!(bench.alive_of("speaker"), [pid]);
    order(&bench, "say READY=1");
    bench.until_running(&["speaker"]);
    assert_eq!(bench.starts_of("speaker").len(), 1);
}

#[test]
fn without_a_sign_of_life_it_is_started_anew() {
    let mut bench = speaker("liveness: {notify: true, period: 2s, failureThreshold: 3}");
    bench.watch(&[]);
    let first = bench.the_pid_of("speaker");
    order(&bench, "say READY=1");
    until("its liveness", || bench.condition("speaker", "Healthy")["status"] == "True");
    // It goes on to be believed across engines.
    bench.end_watch("KILL");
    bench.watch(&[]);
    until("its liveness again", || bench.condition("speaker", "Healthy")["status"] == "True");
    assert_eq!(bench.alive_of("speaker"), [first]);
    order(&bench, "hang");
    until("another copy", || bench.starts_of("speaker").len() == 2);
    assert!(!is_alive(first));
    let log = bench.watch_log();
    assert!(log.contains("no `WATCHDOG=1` within 2s"), "{log}");
}

#[test]
fn the_main_process_can_be_named_by_its_own_tree_only() {
    let mut bench = speaker("");
    bench.watch(&[]);
    let first = bench.the_pid_of("speaker");
    order(&bench, "say READY=1");
    bench.until_running(&["speaker"]);
    // Not of its tree: this test, and the first process of the system.
    order(&bench, &format!("say MAINPID={}", std::process::id()));
    order(&bench, "say MAINPID=1\\nSTATUS=tried");
    until("it to be heard", || bench.status_of("speaker")["instances"][0]["says"] == "tried");
    assert_eq!(bench.status_pids("speaker"), [first]);
    order(&bench, "child MAINPID=SELF");
    until("the record to follow", || bench.status_pids("speaker") != [first]);
    let child = bench.status_pids("speaker")[0];
    // The former main process ends, and nothing is started.
    bench.write("order", "exit\n");
    until("the former one to end", || !is_alive(first));
    let begun = Instant::now();
    until("a moment", || begun.elapsed() > Duration::from_millis(500));
    assert_eq!(bench.status_pids("speaker"), [child]);
    assert_eq!(bench.status_of("speaker")["phase"], "Running");
    assert_eq!(bench.starts_of("speaker").len(), 1);
    // Stopping it stops what was named.
    bench.ok(&["stop", "speaker"]);
    until("it to be stopped", || !is_alive(child));
}
