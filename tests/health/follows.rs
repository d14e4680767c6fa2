//! What follows from what is seen: triggers, conditions before a start, a replaced program.

use std::fs;
use std::time::{Duration, Instant};

use crate::asked::NAMED;
use crate::support::{Bench, is_alive, quick, until};

#[test]
fn a_trigger_restarts_once_and_again_only_after_a_time_without() {
    let mut bench = Bench::new();
    bench.daemon("shop", "triggers: [{when: comm == \"open\", for: 6s, do: restart}]");
    bench.script("bin/shop", NAMED);
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let first = bench.the_pid_of("shop");
    // Too short.
    bench.kill(first, "USR1");
    let begun = Instant::now();
    until("less than its time", || begun.elapsed() > Duration::from_millis(250));
    bench.kill(first, "USR2");
    until("more than its time", || begun.elapsed() > Duration::from_millis(6600));
    assert_eq!(bench.alive_of("shop"), [first]);
    bench.kill(first, "USR1");
    until("another copy", || bench.starts_of("shop").len() == 2);
    assert!(!is_alive(first));
    let log = bench.watch_log();
    assert!(log.contains("`comm == \"open\"` has held for 6s"), "{log}");
    // The new copy falls ill at once: what didn't help isn't repeated, and that is said.
    let second = bench.the_pid_of("shop");
    bench.kill(second, "USR1");
    until("it to be said", || bench.condition("shop", "Healthy")["reason"] == "TriggerActed");
    let begun = Instant::now();
    until("more than its time", || begun.elapsed() > Duration::from_millis(6600));
    assert_eq!(bench.alive_of("shop"), [second]);
    // Well for long enough, then ill again.
    bench.kill(second, "USR2");
    until("all to be well", || bench.condition("shop", "Healthy")["reason"] != "TriggerActed");
    let begun = Instant::now();
    until("more than its time", || begun.elapsed() > Duration::from_millis(6600));
    bench.kill(second, "USR1");
    until("a third copy", || bench.starts_of("shop").len() == 3);
}

#[test]
fn a_start_waits_for_what_must_be_there() {
    let mut bench = Bench::new();
    let (there, full) = (bench.path("there"), bench.path("full"));
    bench.daemon(
        "shop",
        &format!("conditions: [{{pathExists: {}}}, {{fileNotEmpty: {}}}]", there.display(), full.display()),
    );
    bench.watch(&[]);
    until("the first to be missed", || {
        bench.condition("shop", "Blocked")["message"].to_string().contains("there` isn't there")
    });
    fs::create_dir(&there).unwrap();
    until("the second to be missed", || {
        bench.condition("shop", "Blocked")["message"].to_string().contains("full`")
    });
    assert_eq!(bench.condition("shop", "Blocked")["reason"], "ConditionNotMet");
    fs::write(&full, "").unwrap();
    let begun = Instant::now();
    until("a moment", || begun.elapsed() > Duration::from_millis(500));
    assert!(bench.starts().is_empty());
    fs::write(&full, "x").unwrap();
    bench.until_running(&["shop"]);
    // What runs is left alone.
    fs::remove_dir(&there).unwrap();
    let begun = Instant::now();
    until("a moment", || begun.elapsed() > Duration::from_millis(500));
    bench.daemon_spec("shop", &format!("conditions: [{{pathExists: {}}}]", there.display()));
    bench.until_generation("shop", 2);
    assert_eq!(bench.alive_of("shop").len(), 1);
    assert_eq!(bench.starts_of("shop").len(), 1);
}

#[test]
fn a_start_waits_for_another_process_and_for_its_host() {
    let mut bench = Bench::new();
    let base = bench.script("bin/base", NAMED);
    bench.daemon("elsewhere", "conditions: [{host: no-such-host-anywhere}]");
    bench.daemon("here", "conditions: [{host: \"*\"}]");
    bench.daemon("later", &format!("conditions: [{{when: runs(\"{}\")}}]", base.display()));
    bench.watch(&[]);
    bench.until_running(&["here"]);
    until("no process to be missed", || {
        bench.condition("later", "Blocked")["message"].to_string().contains("no process satisfies")
    });
    let mut by_hand = bench.by_hand(bench.root(), &base.to_string_lossy(), &[]);
    bench.until_running(&["later"]);
    let blocked = bench.condition("elsewhere", "Blocked");
    assert!(blocked["message"].to_string().contains("isn't `no-such-host-anywhere`"), "{blocked}");
    assert!(bench.starts_of("elsewhere").is_empty());
    by_hand.kill().unwrap();
    by_hand.wait().unwrap();
}

/// Fault 32: the program on disk was replaced while it runs.
#[test]
fn a_replaced_program_is_told_left_alone_or_started_anew() {
    let mut bench = Bench::new();
    bench.daemon("told", "");
    bench.daemon("ignored", "binaryChange: ignore");
    bench.daemon("renewed", "binaryChange: restart");
    // It executes a copy that it deletes, as what unpacks itself does.
    let unpacks = "#!/bin/sh\necho $$ unpacks >> %STARTS%\ncp /bin/sleep $0.own\nexec 9< $0.own\nrm $0.own\n\
                   exec /proc/self/fd/9 1000\n";
    let script = bench.script("bin/unpacks", unpacks);
    bench.spec("unpacks", &quick(&format!("startas: {}\nbinaryChange: restart", script.display())));
    bench.watch(&["--resync", "1s"]);
    bench.until_running(&["told", "ignored", "renewed", "unpacks"]);
    let pids = ["told", "ignored", "renewed"].map(|name| bench.the_pid_of(name));
    for name in ["told", "ignored", "renewed"] {
        bench.script(&format!("bin/{name}"), &format!("{}# a newer version\n", crate::support::DAEMON));
    }
    until("it to be told", || bench.condition("told", "UpToDate")["reason"] == "BinaryReplaced");
    until("it to be started anew", || bench.starts_of("renewed").len() == 2);
    assert!(!is_alive(pids[2]));
    bench.until_running(&["renewed"]);
    let begun = Instant::now();
    until("several complete looks", || begun.elapsed() > Duration::from_millis(5500));
    assert_eq!(bench.starts_of("renewed").len(), 2, "once is enough");
    assert_eq!(bench.starts_of("unpacks").len(), 1, "nothing was replaced");
    assert_eq!((bench.the_pid_of("told"), bench.the_pid_of("ignored")), (pids[0], pids[1]));
    assert_ne!(bench.condition("ignored", "UpToDate")["status"], "False");
    let log = bench.watch_log();
    assert!(log.contains("its program was replaced on disk"), "{log}");
}

/// A wrapper that ends in another program is known by its record only: that its rule wouldn't find it was said by nobody.
#[test]
fn what_a_wrapper_became_is_said_until_the_document_says_it() {
    let mut bench = Bench::new();
    let real = bench.script("bin/really", "#!/bin/sh\nwhile :; do sleep 0.2; done\n");
    let script = bench.script("bin/wrapper", &format!("#!/bin/sh\nexec {}\n", real.display()));
    let spec = |more: &str| format!("startas: {}\nreadiness: {{aliveFor: 1ms}}\n{more}", script.display());
    bench.spec("wrapped", &spec(""));
    bench.watch(&["--resync", "200ms"]);
    until("it to be said", || bench.condition("wrapped", "UpToDate")["reason"] == "NotRecognized");
    let message = bench.condition("wrapped", "UpToDate")["message"].to_string();
    assert!(message.contains("`becomes`"), "{message}");
    bench.spec("wrapped", &spec(&format!("becomes: {}", real.display())));
    until("it to be mended", || bench.condition("wrapped", "UpToDate").is_null());
    bench.ok(&["stop", "wrapped"]);
}
