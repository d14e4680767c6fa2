//! Who waits for whom.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::{Bench, until};
use super::{said, say};

#[test]
fn a_start_waits_for_what_it_depends_on_and_a_stop_goes_the_other_way() {
    let bench = Bench::new();
    // The commands and not the programs, which note a moment after their start when they come to it.
    let hooks = |bench: &Bench, name: &str| {
        let [before, after] = ["start", "end"].map(|what| say(bench, &format!("{what} {name}")));
        format!("hooks: {{preStart: [{before}], postStop: [{after}]}}")
    };
    // By name the other way round.
    bench.daemon("z-db", &format!("readiness: {{aliveFor: 500ms}}\n{}", hooks(&bench, "db")));
    bench.daemon("m-app", &format!("dependsOn: [{{name: z-db}}]\n{}", hooks(&bench, "app")));
    bench.daemon(
        "a-web",
        &format!("dependsOn: [{{name: m-app, condition: started}}]\n{}", hooks(&bench, "web")),
    );
    let starts = ["start db", "start app", "start web"];
    let ends = ["end web", "end app", "end db"];
    bench.ok(&["apply", "specs"]);
    assert_eq!(said(&bench), starts);
    bench.ok(&["restart", "--all"]);
    assert_eq!(said(&bench)[3..], [ends, starts].concat());
    bench.ok(&["stop", "--all"]);
    assert_eq!(said(&bench)[9..], ends);
    assert_eq!((bench.starts().len(), bench.alive().len()), (6, 0));
}

#[test]
fn what_is_missing_or_fails_holds_it_and_says_so() {
    let mut bench = Bench::new();
    bench.daemon("app", "dependsOn: [{name: nobody}]");
    bench.spec("db", "startas: /bin/false\nrestart: {backoff: 600s, maxBackoff: 600s}");
    bench.daemon("web", "dependsOn: [{name: db}]");
    bench.watch(&[]);
    bench.until_phase(&["app", "web"], "Held");
    // `web` waits at first for a `db` of which nothing is known yet.
    for (name, message) in [
        ("app", "app: not started: it waits for `nobody` to be ready, and there is no `nobody`"),
        ("web", "web: not started: it waits for `db` to be ready, which fails"),
    ] {
        until(message, || bench.condition(name, "Blocked")["message"] == message);
    }
    assert_eq!(bench.starts().len(), 0);
    bench.daemon("nobody", "");
    bench.until_running(&["app"]);
}

#[test]
fn a_task_runs_when_what_it_depends_on_is_ready_its_conditions_hold_and_nobody_suspends_it() {
    let mut bench = Bench::new();
    let gate = bench.path("gate");
    let open = format!("[ -e {} ]", gate.display());
    bench.daemon("db", &format!("readiness: {{exec: {{command: [/bin/sh, -c, '{open}']}}, period: 50ms}}"));
    let report = format!("'echo report >> {}'", bench.path("said").display());
    let spec = |more: &str| {
        let spec = format!("startas: /bin/sh\n  args: [-c, {report}]\n  dependsOn: [{{name: db}}]\n  {more}");
        format!("apiVersion: selfsame/v1\nkind: Task\nmetadata: {{name: report}}\nspec:\n  {spec}\n")
    };
    let data = format!("conditions: [{{pathExists: {}}}]", bench.path("data").display());
    bench.write("specs/report.yaml", &spec(&format!("{data}\n  suspend: {{reason: holidays}}")));
    bench.watch(&[]);
    until("it to be suspended", || bench.condition("report", "Suspended")["status"] == "True");
    bench.write("specs/report.yaml", &spec(&data));
    let blocked = |bench: &Bench| bench.condition("report", "Blocked")["message"].to_string();
    until("it to wait for db", || blocked(&bench).contains("waits for `db` to be ready"));
    bench.write("gate", "");
    until("it to wait for its condition", || blocked(&bench).contains("data` isn't there"));
    assert_eq!(said(&bench).len(), 0);
    bench.write("data", "");
    until("the report", || said(&bench) == ["report"]);
}

#[test]
fn a_change_that_could_not_be_started_leaves_what_runs() {
    let mut bench = Bench::new();
    let script = bench.daemon("shop", "");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    let kept = |bench: &Bench, why: &str| {
        until(why, || bench.condition("shop", "Blocked")["message"].to_string().contains(why));
        assert_eq!(bench.alive_of("shop"), [pid]);
    };
    bench.daemon("shop", "workingDirectory: /no/such/place");
    kept(&bench, "not restarted: it couldn't be started again: the working directory `/no/such/place`");
    bench.daemon("shop", "");
    until("it to be as its document says", || bench.condition("shop", "Blocked").is_null());
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = bench.run(&["restart", "shop"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    kept(&bench, "is not executable, mend it with");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    until("another copy", || bench.starts_of("shop").len() == 2);
    bench.until_running(&["shop"]);
    assert_eq!(bench.alive_of("shop").len(), 1);
}

#[test]
fn an_end_with_success_can_be_waited_for() {
    let mut bench = Bench::new();
    let gate = bench.path("gate");
    let script = bench
        .script("bin/once", &format!("#!/bin/sh\nuntil [ -e {} ]; do sleep 0.02; done\n", gate.display()));
    bench.spec("once", &format!("startas: {}\nrestart: {{policy: on-failure}}", script.display()));
    bench.daemon("app", "dependsOn: [{name: once, condition: completed}]");
    bench.watch(&[]);
    until("it to wait", || bench.condition("app", "Blocked")["reason"] == "Dependency");
    assert_eq!(bench.starts_of("app").len(), 0);
    std::fs::write(&gate, "").unwrap();
    bench.until_running(&["app"]);
}

#[test]
fn a_circle_is_refused_with_the_whole_of_it() {
    let mut bench = Bench::new();
    bench.daemon("a", "dependsOn: [{name: b}]");
    bench.daemon("b", "dependsOn: [{name: c}]");
    bench.daemon("c", "dependsOn: [{name: a}]");
    let ran = bench.run(&["check", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let text = format!("{}{}", ran.stdout, ran.stderr);
    assert!(text.contains("S062") && text.contains("a -> b -> c -> a"), "{text}");
    bench.watch(&[]);
    bench.daemon("alone", "");
    bench.until_running(&["alone"]);
    assert_eq!(bench.starts().len(), 1, "none of the circle is started");
}

#[test]
fn not_more_are_started_at_a_time_than_may_be() {
    let mut bench = Bench::new();
    let gate = bench.path("gate");
    for name in ["a", "b", "c"] {
        let check = format!(
            "readiness: {{exec: {{command: [/usr/bin/test, -e, {}]}}, period: 50ms}}",
            gate.display()
        );
        bench.daemon(name, &check);
    }
    bench.watch(&["--max-parallel-starts", "1"]);
    until("the first", || bench.starts().len() == 1);
    bench.until_phase(&["b", "c"], "Pending");
    assert_eq!(bench.starts().len(), 1);
    std::fs::write(&gate, "").unwrap();
    bench.until_running(&["a", "b", "c"]);
    assert_eq!(bench.starts().len(), 3);
}
