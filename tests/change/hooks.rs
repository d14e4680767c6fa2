//! Commands around a process.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::{Bench, is_alive, is_root, stat_field, until};
use super::{said, say};

#[test]
fn they_run_in_order_around_a_life_and_know_whose_it_is() {
    let mut bench = Bench::new();
    let hooks = format!(
        "hooks:\n  preStart: [{}, {}]\n  postStart: [{}]\n  preStop: [{}]\n  postStop: [{}]",
        say(&bench, "one [$MAINPID]"),
        say(&bench, "two $SELFSAME_NAME $SELFSAME_INDEX"),
        say(&bench, "started $MAINPID"),
        say(&bench, "stops $MAINPID"),
        say(&bench, "gone"),
    );
    bench.daemon("shop", &hooks);
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    assert_eq!(
        said(&bench),
        ["one []", "two shop 0", &format!("started {pid}")],
        "before it counts as Ready"
    );
    bench.ok(&["stop", "shop"]);
    assert_eq!(said(&bench)[3..], [format!("stops {pid}"), "gone".to_owned()], "stop waits for all of it");
    bench.ok(&["start", "shop"]);
    bench.until_running(&["shop"]);
    assert_eq!(said(&bench).len(), 8, "and around the next one again");
}

#[test]
fn what_runs_after_an_end_runs_after_a_crash_and_before_the_next_start() {
    let mut bench = Bench::new();
    let starts = bench.path("starts");
    let command = format!(
        "{{command: [/bin/sh, -c, 'wc -l < {} >> {}']}}",
        starts.display(),
        bench.path("said").display()
    );
    bench.daemon("shop", &format!("hooks: {{postStop: [{command}]}}\nrestart: {{backoff: 10ms}}"));
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    bench.kill(bench.the_pid_of("shop"), "KILL");
    until("the next one", || bench.starts_of("shop").len() == 2);
    assert_eq!(said(&bench), ["1"], "one had been started when it ran");
}

/// The variable was there, and the file that it names wasn't while nothing ran.
#[test]
fn secrets_are_there_for_who_comes_before_and_after_and_belong_to_the_service() {
    let mut bench = Bench::new();
    let key = bench.path("key");
    fs::write(&key, "one\n").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    for file in ["starts", "said"] {
        fs::write(bench.path(file), "").unwrap();
        fs::set_permissions(bench.path(file), fs::Permissions::from_mode(0o666)).unwrap();
    }
    let own = rustix::process::geteuid().as_raw();
    let (user, uid) = if is_root() { ("user: nobody\n", 65534) } else { ("", own) };
    // By the service's user, and by one of its own.
    let read = |by: &str| {
        let said = bench.path("said");
        let line = format!("echo $(cat $KEY_FILE) of $(stat -c %u $KEY_FILE) >> {}", said.display());
        format!("{{command: [/bin/sh, -c, '{line}']{by}}}")
    };
    let reads = format!("[{}, {}]", read(""), read(&format!(", user: {own}")));
    let hooks = format!("hooks: {{preStart: {reads}, preStop: {reads}, postStop: {reads}}}");
    bench.daemon("shop", &format!("{user}secrets: [{{name: KEY, file: {}}}]\n{hooks}", key.display()));
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let twice = format!("one of {uid}");
    assert_eq!(said(&bench), [&*twice; 2]);
    bench.ok(&["stop", "shop"]);
    assert_eq!(said(&bench), [&*twice; 6]);
    until("the copy to be gone", || !bench.path("state/run/secrets/shop.0").exists());
}

#[test]
fn a_start_whose_hook_fails_is_none() {
    let mut bench = Bench::new();
    bench.daemon("shop", "hooks: {preStart: [{command: [/bin/sh, -c, 'exit 3']}]}");
    let ignored = "hooks: {preStart: [{command: [/bin/sh, -c, 'exit 3'], onFailure: continue}]}";
    bench.daemon("other", ignored);
    bench.watch(&[]);
    bench.until_phase(&["shop"], "BackOff");
    bench.until_running(&["other"]);
    assert_eq!(bench.starts_of("shop").len(), 0);
    // Between two attempts: during one there is no such condition.
    until("it to be said", || {
        let message = bench.condition("shop", "BackOff")["message"].to_string();
        message.contains("`/bin/sh -c exit 3` failed: it exited with code 3")
    });
}

#[test]
fn one_that_hangs_is_killed_in_time_with_what_descends_from_it() {
    let mut bench = Bench::new();
    let hangs = "{command: [/bin/sh, -c, 'sleep 600 & sleep 600'], timeout: 300ms, onFailure: continue}";
    bench.daemon("shop", &format!("hooks: {{preStart: [{hangs}]}}"));
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    until("nothing else to be left", || bench.inhabitants() == [pid]);
}

#[test]
fn one_that_fails_after_the_start_ends_it() {
    let mut bench = Bench::new();
    let fails = format!(
        "{{command: [/bin/sh, -c, 'until [ -s {} ]; do sleep 0.02; done; exit 1']}}",
        bench.path("starts").display()
    );
    bench.daemon("shop", &format!("hooks: {{postStart: [{fails}]}}\nrestart: {{backoff: 60s}}"));
    bench.watch(&[]);
    bench.until_phase(&["shop"], "BackOff");
    assert_eq!((bench.starts_of("shop").len(), bench.alive_of("shop").len()), (1, 0));
}

#[test]
fn a_command_stops_it_before_the_schedule() {
    let mut bench = Bench::new();
    let stop =
        "stop: {command: [/bin/sh, -c, 'kill -USR1 $MAINPID'], schedule: [{signal: CONT, wait: 600s}]}";
    bench.daemon("shop", stop);
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    bench.ok(&["stop", "shop"]);
    assert_eq!(bench.alive_of("shop").len(), 0);
}

#[test]
fn a_command_runs_as_the_user_that_it_names_and_else_as_that_of_the_service() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    for name in ["said", "starts"] {
        fs::set_permissions(bench.write(name, ""), fs::Permissions::from_mode(0o666)).unwrap();
    }
    let said_by_all = bench.path("said");
    let says_and = |word: &str, then: &str| {
        let text = format!("echo {word} $(id -un) $(id -gn) $USER $HOME >> {}", said_by_all.display());
        format!("[/bin/sh, -c, '{text}; {then}']")
    };
    let says = |word: &str| says_and(word, "true");
    let spec = format!(
        "user: nobody\nhooks: {{preStart: [{{command: {}}}, {{command: {}, user: root}}]}}\n\
         readiness: {{exec: {{command: [/bin/sh, -c, '[ $(id -u) = 1 ]'], user: daemon}}, period: 50ms}}\n\
         reload: {{command: {}, user: 0}}\n\
         stop: {{command: {}, commandUser: root}}",
        says("own"),
        says("start"),
        says("reload"),
        says_and("stop", "kill $MAINPID"),
    );
    bench.daemon("shop", &spec);
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    bench.ok(&["reload", "shop"]);
    bench.ok(&["stop", "shop"]);
    let expected = [
        "own nobody nogroup nobody /nonexistent",
        "start root root root /root",
        "reload root root root /root",
        "stop root root root /root",
    ];
    assert_eq!(said(&bench), expected);
}

#[test]
fn a_start_with_a_command_for_somebody_who_is_not_there_is_none() {
    let bench = Bench::new();
    bench.daemon("shop", "hooks: {postStop: [{command: [/bin/true], user: no-such-user}]}");
    let ran = bench.run(&["apply", "specs"]);
    let said = "a command of it names a user of its own: there is no user `no-such-user`";
    assert!(ran.code != 0 && ran.stdout.contains(said), "{ran:?}");
    assert_eq!(bench.starts_of("shop").len(), 0);
}

#[test]
fn a_stop_command_that_fails_leaves_it_to_the_schedule() {
    let mut bench = Bench::new();
    bench.daemon("shop", "stop: {command: [/bin/false], schedule: [{signal: TERM, wait: 600s}]}");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    bench.ok(&["stop", "shop"]);
    assert_eq!(bench.alive_of("shop").len(), 0);
}

#[test]
fn an_engine_that_dies_in_a_hook_leaves_it_to_the_next_one() {
    let mut bench = Bench::new();
    let gate = bench.path("gate");
    let waits = format!(
        "until [ -e {} ]; do sleep 0.05; done; echo done >> {}",
        gate.display(),
        bench.path("said").display()
    );
    bench.daemon("shop", &format!("hooks: {{preStart: [{{command: [/bin/sh, -c, '{waits}']}}]}}"));
    bench.watch(&[]);
    until("the hook", || !bench.inhabitants().is_empty());
    bench.end_watch("KILL");
    bench.watch(&[]);
    std::fs::write(&gate, "").unwrap();
    bench.until_running(&["shop"]);
    assert_eq!(bench.starts_of("shop").len(), 1);
    assert!(!said(&bench).is_empty());
}

/// Only the first process of a command is tied to the engine by the kernel. What it has forked went on beside the command that the next
/// engine began in its place, a migration beside the same migration. Who has left its session, as a daemon that a hook
/// restarts, stays.
#[test]
fn what_a_hook_has_forked_is_ended_before_it_is_begun_again() {
    let mut bench = Bench::new();
    let (gate, said_at) =
        (bench.path("gate").display().to_string(), bench.path("said").display().to_string());
    let hook = format!(
        "sleep 600 & forked=$!; setsid sleep 600 & echo $$ $forked $! >> {said_at}; until [ -e {gate} ]; do sleep 0.02; done"
    );
    bench.daemon("shop", &format!("hooks: {{preStart: [{{command: [/bin/sh, -c, '{hook}']}}]}}"));
    bench.watch(&[]);
    let begun = |bench: &Bench| -> Vec<Vec<i32>> {
        said(bench).iter().map(|line| line.split(' ').map(|pid| pid.parse().unwrap()).collect()).collect()
    };
    until("the hook", || begun(&bench).len() == 1);
    let [first, forked, left] = begun(&bench)[0][..] else { panic!("three numbers") };
    until("its number on record", || {
        std::fs::read_to_string(bench.path("state/run/ledger.jsonl"))
            .is_ok_and(|text| text.contains("\"process\":{"))
    });
    until("its own session", || stat_field(left, 6) == left.to_string());
    bench.end_watch("KILL");
    until("the end of its first process", || !is_alive(first));
    assert!(is_alive(forked));
    bench.watch(&[]);
    until("the hook again", || begun(&bench).len() == 2);
    assert!(!is_alive(forked), "before the hook is begun again");
    assert!(is_alive(left), "it has left the session of the hook");
    assert!(bench.starts().is_empty(), "before the hook is through");
    std::fs::write(&gate, "").unwrap();
    bench.until_running(&["shop"]);
    assert_eq!((bench.starts_of("shop").len(), begun(&bench).len()), (1, 2));
}

#[test]
fn commands_that_begin_together_are_told_apart() {
    let mut bench = Bench::new();
    for (code, name) in ["fine", "one", "two", "three"].iter().enumerate() {
        let hook = format!("hooks: {{preStart: [{{command: [/bin/sh, -c, 'exit {code}']}}]}}");
        bench.daemon(name, &format!("{hook}\nrestart: {{backoff: 60s}}"));
    }
    bench.watch(&[]);
    bench.until_running(&["fine"]);
    bench.until_phase(&["one", "two", "three"], "BackOff");
    for (name, code) in [("one", 1), ("two", 2), ("three", 3)] {
        assert_eq!(bench.starts_of(name).len(), 0, "{}", bench.watch_log());
        let message = bench.condition(name, "BackOff")["message"].to_string();
        assert!(message.contains(&format!("it exited with code {code}")), "{message}");
    }
}

#[test]
fn before_a_start_that_nobody_wants_any_more_nothing_runs() {
    let mut bench = Bench::new();
    let hook = format!("echo begun >> {}; exec sleep 600", bench.path("said").display());
    bench.daemon("shop", &format!("hooks: {{preStart: [{{command: [/bin/sh, -c, '{hook}']}}]}}"));
    bench.watch(&[]);
    until("the hook", || said(&bench) == ["begun"]);
    bench.end_watch("KILL");
    bench.ok(&["stop", "shop"]);
    assert_eq!(said(&bench), ["begun"]);
    until("nothing to be left", || bench.inhabitants().is_empty());
}
