//! Who waits for whom.

use super::support::{Bench, until};
use super::{said, say};

#[test]
fn a_start_waits_for_what_it_depends_on_and_a_stop_goes_the_other_way() {
    let bench = Bench::new();
    let gone = |bench: &Bench, name: &str| format!("hooks: {{postStop: [{}]}}", say(bench, name));
    // By name the other way round.
    bench.daemon("z-db", &format!("readiness: {{aliveFor: 500ms}}\n{}", gone(&bench, "db")));
    bench.daemon("m-app", &format!("dependsOn: [{{name: z-db}}]\n{}", gone(&bench, "app")));
    bench.daemon(
        "a-web",
        &format!("dependsOn: [{{name: m-app, condition: started}}]\n{}", gone(&bench, "web")),
    );
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let names = |bench: &Bench| {
        let of = |pid: &i32| {
            ["z-db", "m-app", "a-web"].into_iter().find(|name| bench.alive_of(name).contains(pid))
        };
        bench.starts().iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(names(&bench), ["z-db", "m-app", "a-web"]);
    bench.ok(&["restart", "--all"]);
    assert_eq!(said(&bench), ["web", "app", "db"]);
    assert_eq!(names(&bench), ["z-db", "m-app", "a-web"]);
    bench.ok(&["stop", "--all"]);
    assert_eq!(said(&bench)[3..], ["web", "app", "db"]);
}

#[test]
fn what_is_missing_or_fails_holds_it_and_says_so() {
    let mut bench = Bench::new();
    bench.daemon("app", "dependsOn: [{name: nobody}]");
    bench.spec("db", "startas: /bin/false\nrestart: {backoff: 600s, maxBackoff: 600s}");
    bench.daemon("web", "dependsOn: [{name: db}]");
    bench.watch(&[]);
    bench.until_phase(&["app", "web"], "Held");
    let message =
        |name: &str| bench.condition(name, "Blocked")["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        message("app"),
        "app: not started: it waits for `nobody` to be ready, and there is no `nobody`"
    );
    assert_eq!(message("web"), "web: not started: it waits for `db` to be ready, which fails");
    assert_eq!(bench.starts().len(), 0);
    bench.daemon("nobody", "");
    bench.until_running(&["app"]);
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
