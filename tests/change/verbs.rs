//! What a person asks of what runs.

use super::support::{Bench, is_alive, quick, until};
use super::{reloading, reloads, said};

#[test]
fn reload_sends_the_signal_of_the_document_with_and_without_a_watch() {
    let mut bench = Bench::new();
    reloading(&bench, "shop", "reload: {signal: HUP}");
    bench.daemon("other", "");
    bench.watch(&[]);
    bench.until_running(&["shop", "other"]);
    let pid = bench.the_pid_of("shop");
    bench.ok(&["reload", "shop"]);
    until("it to arrive", || reloads(&bench) == [("shop".to_owned(), pid)]);
    let ran = bench.run(&["reload", "other"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("`other` has no `reload` in its document"), "{ran:?}");
    bench.end_watch("TERM");
    bench.ok(&["reload", "--all"]);
    until("the next one to arrive", || reloads(&bench).len() == 2);
    assert_eq!(bench.starts().len(), 2);
}

#[test]
fn reload_waits_for_the_command_of_the_document_and_says_that_it_failed() {
    let mut bench = Bench::new();
    let said_file = bench.path("said");
    let good =
        format!("reload: {{command: [/bin/sh, -c, 'sleep 0.2; echo $MAINPID >> {}']}}", said_file.display());
    bench.daemon("shop", &good);
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    bench.ok(&["reload", "shop"]);
    assert_eq!(said(&bench), [pid.to_string()]);
    bench.daemon_spec("shop", "reload: {command: [/bin/false]}");
    bench.until_generation("shop", 2);
    assert_eq!(bench.run(&["reload", "shop"]).code, 1);
    assert_eq!(bench.condition("shop", "Degraded")["reason"], "ReloadFailed");
    assert!(is_alive(pid));
}

/// On HUP it goes on as another process: the child executes it anew, the parent exits.
const SUCCEEDED: &str = "#!/usr/bin/perl
$| = 1; (my $name = $0) =~ s{.*/}{};
my $again = 0; $SIG{HUP} = sub { $again = 1 };
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ $name @ARGV\\n\"); close $f;
select(undef, undef, undef, 0.02) until $again;
my $child = fork; exec($0, @ARGV) if defined $child && $child == 0;
exit 0;
";

#[test]
fn the_record_follows_a_process_that_goes_on_under_another_pid() {
    let mut bench = Bench::new();
    let script = bench.script("bin/shop", SUCCEEDED);
    bench.spec("shop", &format!("startas: {}\n{}", script.display(), quick("reload: {signal: HUP}")));
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    for count in 2..4 {
        let old = bench.the_pid_of("shop");
        bench.ok(&["reload", "shop"]);
        until("the next one", || bench.starts_of("shop").len() == count);
        until("it to be on record", || bench.status_pids("shop") == bench.alive_of("shop") && !is_alive(old));
        bench.until_running(&["shop"]);
    }
    assert_eq!(bench.starts_of("shop").len(), 3);
    assert_eq!(bench.status_of("shop")["instances"][0]["restarts"], 0, "nothing was started by selfsame");
    let last = bench.the_pid_of("shop");
    bench.ok(&["stop", "shop"]);
    assert!(!is_alive(last), "and it is stopped as ours");
}

#[test]
fn signal_sends_what_is_asked() {
    let mut bench = Bench::new();
    reloading(&bench, "shop", "");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    bench.ok(&["signal", "HUP", "shop"]);
    until("it to arrive", || reloads(&bench).len() == 1);
    assert_eq!(bench.run(&["signal", "NONSENSE", "shop"]).code, 64);
}

#[test]
fn what_is_suspended_is_left_alone_until_it_is_resumed() {
    let mut bench = Bench::new();
    bench.daemon("shop", "restart: {backoff: 10ms}");
    bench.daemon("other", "restart: {backoff: 10ms}");
    bench.watch(&[]);
    bench.until_running(&["shop", "other"]);
    bench.ok(&["suspend", "shop", "--until", "2099-01-31T08:00:00Z"]);
    bench.until_phase(&["shop"], "Held");
    let message = bench.condition("shop", "Suspended")["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("suspended it, until 2099-01-31T08:00:00Z"), "{message}");
    bench.ok(&["suspend", "shop", "--reason", "moving house"]);
    bench.until_phase(&["shop"], "Held");
    let message = bench.condition("shop", "Suspended")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("suspended it: moving house"), "{message}");
    bench.kill(bench.the_pid_of("shop"), "KILL");
    bench.kill(bench.the_pid_of("other"), "KILL");
    until("the other one to be back", || bench.starts_of("other").len() == 2);
    bench.end_watch("KILL");
    bench.watch(&[]);
    bench.until_running(&["other"]);
    assert_eq!(bench.starts_of("shop").len(), 1, "also by the next engine");
    bench.ok(&["resume", "shop"]);
    bench.until_running(&["shop"]);
}

#[test]
fn a_document_suspends_until_a_moment() {
    let mut bench = Bench::new();
    bench.daemon("shop", "suspend: {reason: moving house}");
    bench.daemon("past", "suspend: {reason: it was, until: \"2020-01-31T08:00:00Z\"}");
    bench.watch(&[]);
    bench.until_running(&["past"]);
    bench.until_phase(&["shop"], "Held");
    assert_eq!(bench.starts_of("shop").len(), 0);
    assert_eq!(bench.run(&["resume", "shop"]).code, 1, "its document says it");
    bench.daemon_spec("shop", "");
    bench.until_running(&["shop"]);
}
