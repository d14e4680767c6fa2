//! What selfsame asks: `http`, `unix`, `logLine`, `when`, `exec`, as readiness and as liveness.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::support::{Bench, free_port, is_alive, is_root, quick, until};

/// Answers every request with what stands in the file `answer`.
const HTTP: &str = r#"#!/usr/bin/perl
use strict; use Socket;
my ($port, $answer) = @ARGV;
open(my $f, '>>', '%STARTS%') or die; syswrite($f, "$$ web\n"); close $f;
socket(my $s, PF_INET, SOCK_STREAM, 0) or die; setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
bind($s, sockaddr_in($port, INADDR_LOOPBACK)) or die "bind: $!"; listen($s, 5);
while (1) {
  accept(my $c, $s) or next;
  my $request = ''; while ($request !~ /\r\n\r\n/) { sysread($c, $request, 1024, length $request) or last }
  open(my $r, '>>', "$answer.requests"); syswrite($r, $request); close $r;
  open(my $a, '<', $answer) or next; local $/; my $text = <$a>; close $a;
  syswrite($c, $text); close $c;
}
"#;

#[test]
fn http_is_ready_by_the_status_of_the_answer() {
    let mut bench = Bench::new();
    let port = free_port();
    let (script, answer) = (bench.script("bin/web", HTTP), bench.write("answer", "HTTP/1.1 503 No\r\n\r\n"));
    bench.spec(
        "web",
        &quick(&format!(
            "startas: {}\nargs: [\"{port}\", {}]\nreadiness: {{http: {{port: {port}, path: /health, headers: {{X-Probe: \
             \"1\"}}}}, period: 100ms}}",
            script.display(),
            answer.display()
        )),
    );
    bench.watch(&[]);
    let requests = || fs::read_to_string(bench.path("answer.requests")).unwrap_or_default();
    until("requests", || requests().contains("GET /health HTTP/1.1\r\n"));
    assert!(
        requests().contains("X-Probe: 1\r\n") && requests().contains(&format!("Host: 127.0.0.1:{port}\r\n"))
    );
    until("the reason", || {
        bench.condition("web", "Ready")["message"].to_string().contains("answered with status 503")
    });
    assert_eq!(bench.status_of("web")["phase"], "Starting");
    bench.write("answer", "HTTP/1.1 204 Fine\r\n\r\n");
    bench.until_running(&["web"]);
    bench.write("answer", "HTTP/1.1 500 Oh\r\n\r\n");
    until("it not to be Ready any more", || bench.condition("web", "Ready")["status"] == "False");
    assert_eq!(bench.starts().len(), 1, "readiness restarts nothing");
}

#[test]
fn a_socket_is_ready_when_somebody_listens_at_it() {
    let mut bench = Bench::new();
    let script = bench.script(
        "bin/sock",
        r#"#!/usr/bin/perl
use Socket; my ($go, $path) = @ARGV;
open(my $f, '>>', '%STARTS%') or die; syswrite($f, "$$ sock\n"); close $f;
select(undef, undef, undef, 0.02) until -e $go;
socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un($path)) or die; listen($s, 5);
sleep 1 while 1;
"#,
    );
    bench.spec(
        "sock",
        &quick(&format!(
            "startas: {}\nargs: [{}, \"${{runDir}}/s\"]\nreadiness: {{unix: {{path: \"${{runDir}}/s\"}}, period: 100ms}}",
            script.display(),
            bench.path("go").display()
        )),
    );
    bench.watch(&[]);
    until("the reason", || bench.condition("sock", "Ready")["message"].to_string().contains("ENOENT"));
    bench.write("go", "");
    bench.until_running(&["sock"]);
}

/// Says `ready` when the file `go` is there and takes it away; gives its log to be rotated meanwhile.
const TALKER: &str = r#"#!/usr/bin/perl
$| = 1; my ($go) = @ARGV;
open(my $f, '>>', '%STARTS%') or die; syswrite($f, "$$ talker\n"); close $f;
print "is getting ready\n";
while (1) { if (unlink $go) { print "now it is ready\n" } select(undef, undef, undef, 0.02) }
"#;

#[test]
fn a_line_of_the_output_counts_from_the_start_on() {
    let mut bench = Bench::new();
    let script = bench.script("bin/talker", TALKER);
    bench.spec(
        "talker",
        &quick(&format!(
            "startas: {}\nargs: [{}]\nreadiness: {{logLine: {{regex: \"^now it is ready$\"}}, period: 100ms}}",
            script.display(),
            bench.path("go").display()
        )),
    );
    bench.watch(&[]);
    let first = bench.the_pid_of("talker");
    until("the reason", || bench.condition("talker", "Ready")["message"].to_string().contains("no line"));
    bench.write("go", "");
    bench.until_running(&["talker"]);
    // The line of the former process is still there, and says nothing about this one.
    bench.kill(first, "KILL");
    until("the next copy", || bench.starts_of("talker").len() == 2);
    until("the reason again", || {
        let ready = bench.condition("talker", "Ready");
        bench.status_pids("talker").iter().any(|pid| *pid != first)
            && ready["message"].to_string().contains("no line")
    });
    // Its log is renamed away, as logrotate does it: it goes on to write into the old file.
    let log = bench.path("state/log/talker.stdout.log");
    fs::rename(&log, bench.path("state/log/talker.old")).unwrap();
    fs::write(&log, "nothing yet\n").unwrap();
    // The engine is another one, too: where the output began was noted.
    bench.end_watch("KILL");
    fs::rename(bench.path("state/log/talker.old"), &log).unwrap();
    bench.watch(&[]);
    bench.write("go", "");
    bench.until_running(&["talker"]);
    assert_eq!(bench.starts_of("talker").len(), 2);
}

#[test]
fn a_log_that_is_renamed_away_is_read_to_its_end() {
    let mut bench = Bench::new();
    let script = bench.script("bin/talker", TALKER);
    bench.spec(
        "talker",
        &quick(&format!(
            "startas: {}\nargs: [{}]\nreadiness: {{logLine: {{regex: now it is ready}}, period: 50ms}}",
            script.display(),
            bench.path("go").display()
        )),
    );
    bench.watch(&[]);
    until("the reason", || bench.condition("talker", "Ready")["message"].to_string().contains("no line"));
    let log = bench.path("state/log/talker.stdout.log");
    fs::rename(&log, bench.path("state/log/talker.stdout.log.1")).unwrap();
    bench.write("go", "");
    bench.until_running(&["talker"]);
}

#[test]
fn a_condition_makes_it_ready_and_not_ready() {
    let mut bench = Bench::new();
    bench.daemon("shop", "readiness: {when: comm == \"open\", period: 50ms, failureThreshold: 2}");
    bench.script("bin/shop", NAMED);
    bench.watch(&[]);
    until("the reason", || bench.condition("shop", "Ready")["message"].to_string().contains("comm"));
    let pid = bench.the_pid_of("shop");
    bench.kill(pid, "USR1");
    bench.until_running(&["shop"]);
    bench.kill(pid, "USR2");
    until("it not to be Ready", || bench.condition("shop", "Ready")["status"] == "False");
    assert_eq!(bench.the_pid_of("shop"), pid);
}

/// Calls itself `open` after USR1 and `shut` after USR2.
pub(crate) const NAMED: &str = r#"#!/usr/bin/perl
(my $name = $0) =~ s{.*/}{};
sub called { open(my $c, '>', '/proc/self/comm'); syswrite($c, $_[0]); close $c }
$SIG{USR1} = sub { called("open") }; $SIG{USR2} = sub { called("shut") };
open(my $f, '>>', '%STARTS%') or die; syswrite($f, "$$ $name @ARGV\n"); close $f;
select(undef, undef, undef, 0.05) while 1;
"#;

/// What nobody can tell is neither ready nor a reason to stop what runs.
#[test]
fn an_unknown_readiness_stops_nothing() {
    let mut bench = Bench::new();
    // Nobody may read what the process of another user has open; root may, so it asks what doesn't resolve.
    bench.daemon(
        "shop",
        "readiness: {when: exe == \"/proc/self/fd/../../1/no\", period: 50ms}\nstartTimeout: 700ms",
    );
    bench.watch(&[]);
    let pid = bench.the_pid_of("shop");
    let begun = Instant::now();
    until("time to go by", || begun.elapsed() > Duration::from_millis(1500));
    if bench.condition("shop", "Ready")["status"] == "Unknown" {
        assert_eq!(bench.alive_of("shop"), [pid]);
        assert_eq!(bench.starts_of("shop").len(), 1);
    } else {
        // A known no: it was not Ready in time, and is started anew.
        until("another copy", || bench.starts_of("shop").len() > 1);
    }
}

#[test]
fn a_command_that_fails_restarts_what_it_asks_about_and_says_why() {
    let mut bench = Bench::new();
    let probe = bench.script(
        "bin/probe",
        "#!/bin/sh\n[ -e \"$(dirname \"$0\")/../ill\" ] || exit 0\necho 'the queue is stuck' >&2\nexit 3\n",
    );
    bench.daemon(
        "shop",
        &format!(
            "liveness: {{exec: {{command: [{}]}}, period: 100ms, timeout: 5s, failureThreshold: 2}}",
            probe.display()
        ),
    );
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    until("its liveness", || bench.condition("shop", "Healthy")["status"] == "True");
    let first = bench.the_pid_of("shop");
    bench.write("ill", "");
    until("the end of the old copy", || !is_alive(first));
    fs::remove_file(bench.path("ill")).unwrap();
    until("another copy", || bench.starts_of("shop").len() == 2);
    bench.until_running(&["shop"]);
    let log = bench.watch_log();
    assert!(log.contains("its liveness failed 2 times") && log.contains("the queue is stuck"), "{log}");
    assert_eq!(bench.alive_of("shop").len(), 1);
}

#[test]
fn a_command_that_others_can_change_is_not_run_as_root() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    let probe = bench.script("bin/probe", "#!/bin/sh\necho ran > \"$0.ran\"\n");
    fs::set_permissions(&probe, fs::Permissions::from_mode(0o777)).unwrap();
    let readiness = format!("readiness: {{exec: {{command: [{}]}}, period: 50ms}}", probe.display());
    bench.daemon("shop", &readiness);
    bench.watch(&[]);
    until("the reason", || {
        bench.condition("shop", "Ready")["message"].to_string().contains("would run as root, and others")
    });
    assert!(!bench.path("bin/probe.ran").exists());
    fs::set_permissions(&probe, fs::Permissions::from_mode(0o755)).unwrap();
    bench.until_running(&["shop"]);
}

#[test]
fn lines_of_the_output_are_a_sign_of_life() {
    let mut bench = Bench::new();
    let script = bench.script(
        "bin/beat",
        r#"#!/usr/bin/perl
$| = 1; open(my $f, '>>', '%STARTS%') or die; syswrite($f, "$$ beat\n"); close $f;
my $hang = 0; $SIG{USR1} = sub { $hang = 1 };
while (1) { print "tick\n" unless $hang; select(undef, undef, undef, 0.05) }
"#,
    );
    bench.spec(
        "beat",
        &quick(&format!(
            "startas: {}\nliveness: {{logLine: {{regex: tick}}, period: 2s, failureThreshold: 3}}",
            script.display()
        )),
    );
    bench.watch(&[]);
    until("its liveness", || bench.condition("beat", "Healthy")["status"] == "True");
    let first = bench.the_pid_of("beat");
    bench.kill(first, "USR1");
    until("another copy", || bench.starts_of("beat").len() == 2);
    let log = bench.watch_log();
    assert!(log.contains("no line that matches `tick` within 2s"), "{log}");
}

/// Fault 77: another program has the port, and would be taken for the service.
#[test]
fn a_stranger_at_the_port_is_named() {
    let mut bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, own) = (listener.local_addr().unwrap().port(), std::process::id());
    let taken = format!("port {port} is taken by {own}");
    bench.daemon("lives", &format!("readiness: {{tcp: {{port: {port}}}, period: 100ms}}"));
    let script = bench.script("bin/exits", "#!/bin/sh\necho $$ exits >> '%STARTS%'\nsleep 0.3\nexit 98\n");
    bench.spec(
        "exits",
        &quick(&format!(
            "startas: {}\nreadiness: {{http: {{port: {port}}}, period: 10s, timeout: 5s}}",
            script.display()
        )),
    );
    bench.watch(&[]);
    until("the one that lives to say so", || {
        bench.condition("lives", "Ready")["message"].to_string().contains(&taken)
    });
    assert_eq!(bench.status_of("lives")["phase"], "Starting");
    until("the one that exits to say so", || {
        let message = bench.condition("exits", "BackOff")["message"].to_string();
        message.contains("exited with code 98") && message.contains(&taken)
    });
    drop(listener);
}
