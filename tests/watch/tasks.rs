//! Tasks and Defaults with real processes.

use std::fs;
use std::time::Duration;

use super::support::{Bench, is_alive, until};

impl Bench {
    /// A Task that runs a script, which notes its start first. `more` is further YAML lines of its spec.
    fn task(&self, name: &str, script: &str, more: &str) {
        let text = format!("#!/bin/sh\necho \"$$ {name} $*\" >> %STARTS%\n{script}\n");
        let program = self.script(&format!("bin/{name}"), &text);
        self.task_spec(name, &format!("startas: {}\n{more}", program.display()));
    }

    fn task_spec(&self, name: &str, spec: &str) {
        let body = spec.trim().replace('\n', "\n  ");
        let text =
            format!("apiVersion: selfsame/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec:\n  {body}\n");
        self.write(&format!("specs/{name}.yaml"), &text);
    }

    fn until_result(&self, name: &str, result: &str) {
        until(&format!("{name} to have {result}"), || {
            let last = &self.status_of(name)["task"]["last"]["result"];
            last == result || last.get(result).is_some()
        });
    }
}

/// Long enough for a run that should not be to be seen.
fn look_for_more(bench: &Bench, name: &str, count: usize) {
    let began = std::time::Instant::now();
    until("a while to pass", || {
        assert_eq!(bench.starts_of(name).len(), count, "{}", bench.watch_log());
        began.elapsed() > Duration::from_millis(1500)
    });
}

/// It waited for a moment in which nothing runs, and there never is one.
#[test]
fn apply_ends_although_runs_follow_each_other_without_a_gap() {
    let bench = Bench::new();
    bench.task("busy", "sleep 30", "schedule: {every: 1s}\nconcurrency: replace");
    let ran = bench.run(&["apply", "specs", "--timeout", "20s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(bench.starts_of("busy").len() < 15, "the first run is waited for: {:?}", bench.starts());
    bench.ok(&["stop", "busy"]);
}

#[test]
fn a_task_runs_once_and_a_person_runs_it_again() {
    let mut bench = Bench::new();
    bench.task("job", "exit 0", "");
    bench.watch(&[]);
    bench.until_result("job", "succeeded");
    let status = bench.status_of("job");
    assert_eq!((&status["phase"], &status["task"]["run"]), (&"Stopped".into(), &"once".into()), "{status}");
    assert_eq!(bench.condition("job", "Ready")["reason"], "Completed");
    bench.end_watch("TERM");
    bench.watch(&[]);
    look_for_more(&bench, "job", 1);
    bench.ok(&["start", "job"]);
    assert_eq!(bench.starts_of("job").len(), 2, "start waits for the end");
    // As after a boot: what is of this boot is gone, what a Task ran for is not.
    bench.end_watch("TERM");
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    bench.watch(&[]);
    bench.until_phase(&["job"], "Stopped");
    look_for_more(&bench, "job", 2);
    let text = bench.ok(&["status", "job"]).stdout;
    assert!(text.contains("last run: ended") && text.contains("it succeeded"), "{text}");
}

#[test]
fn an_end_that_nobody_saw_leaves_it_unknown_and_it_is_not_run_by_itself() {
    let mut bench = Bench::new();
    let gate = bench.path("gate");
    bench.task("job", &format!("while ! test -e {}; do sleep 0.05; done", gate.display()), "");
    bench.watch(&[]);
    bench.until_running(&["job"]);
    let pid = bench.the_pid_of("job");
    bench.end_watch("KILL");
    fs::write(&gate, "").unwrap();
    until("the job to end", || !is_alive(pid));
    bench.watch(&[]);
    bench.until_phase(&["job"], "Unknown");
    assert_eq!(bench.condition("job", "Ready")["reason"], "ExitUnknown");
    look_for_more(&bench, "job", 1);
    assert_ne!(bench.run(&["apply", "specs"]).code, 0, "nor by an apply of the same");
    look_for_more(&bench, "job", 1);
    bench.ok(&["start", "job"]);
    assert_eq!(bench.starts_of("job").len(), 2);
    bench.until_result("job", "succeeded");
}

#[test]
fn a_failing_run_is_tried_again_and_a_slow_one_is_stopped() {
    let mut bench = Bench::new();
    let flag = bench.path("flag");
    let flaky = format!("test -e {0} || {{ touch {0}; exit 7; }}", flag.display());
    bench.task("flaky", &flaky, "retry: {limit: 2, backoff: 100ms}");
    bench.task("failing", "exit 3", "retry: {limit: 1, backoff: 100ms}");
    bench.task("fine", "exit 3", "successCodes: [3]");
    bench.task(
        "slow",
        "sleep 600 & wait",
        "timeout: 300ms\nstop: {schedule: [{signal: TERM, wait: 2s}, {signal: KILL, wait: 2s}]}",
    );
    bench.watch(&[]);
    bench.until_result("flaky", "succeeded");
    bench.until_result("failing", "failed");
    bench.until_result("fine", "succeeded");
    bench.until_result("slow", "failed");
    assert_eq!((bench.starts_of("flaky").len(), bench.starts_of("failing").len()), (2, 2));
    let status = bench.status_of("failing");
    assert_eq!(status["task"]["last"]["attempts"], 2, "{status}");
    assert_eq!(status["task"]["last"]["result"]["failed"], "it exited with code 3", "{status}");
    assert_eq!(bench.status_of("slow")["task"]["last"]["result"]["failed"], "it ran longer than `timeout`");
    assert!(bench.alive_of("slow").is_empty());
    assert_eq!(bench.run(&["status"]).code, 5, "what failed isn't ready");
}

#[test]
fn an_interval_runs_again_and_again_one_at_a_time() {
    let mut bench = Bench::new();
    bench.task("tick", "sleep 0.2", "schedule: {every: 1s}");
    bench.watch(&[]);
    until("four runs", || {
        assert!(bench.alive_of("tick").len() <= 1);
        bench.starts_of("tick").len() >= 4
    });
    let status = bench.status_of("tick");
    assert!(status["task"]["next"].is_string(), "{status}");
    assert!(bench.ok(&["status", "tick"]).stdout.contains("next run: "));
    bench.ok(&["stop", "tick"]);
    let count = bench.starts_of("tick").len();
    look_for_more(&bench, "tick", count);
}

#[test]
fn a_change_runs_it_again_and_an_apply_waits_for_it() {
    let bench = Bench::new();
    bench.task("migrate", "sleep 0.1", "run: onChange");
    bench.ok(&["apply", "specs"]);
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts_of("migrate").len(), 1);
    bench.task_spec(
        "migrate",
        &format!("startas: {}\nrun: onChange\nargs: [two]", bench.path("bin/migrate").display()),
    );
    bench.ok(&["apply", "specs"]);
    let starts = bench.starts_of("migrate");
    assert_eq!((starts.len(), starts[1].1.as_str()), (2, "two"));
}

const DEFAULTS: &str = "apiVersion: selfsame/v1\nkind: Defaults\nmetadata: {name: base}\nspec: {selector: {matchLabels: {tier: web}}, values: {args: [--level, ONE]}}\n";

#[test]
fn values_of_defaults_reach_the_process_and_stay_while_they_cannot_be_read() {
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    let path = bench.path("specs/shop.yaml");
    let text =
        fs::read_to_string(&path).unwrap().replace("{name: shop}", "{name: shop, labels: {tier: web}}");
    bench.write("specs/shop.yaml", &text);
    bench.write("specs/base.yaml", DEFAULTS);
    bench.watch(&["--settle", "100ms", "--prune-delay", "1s", "--resync", "1s"]);
    bench.until_running(&["shop"]);
    assert_eq!(bench.starts_of("shop")[0].1, "--level ONE");
    // Broken, and then gone in the same breath: nothing changes.
    bench.write("specs/base.yaml", "kind: Defaults\nspec: {a: [}\n");
    until("the mistake to be told", || bench.watch_log().contains("mismatched bracket"));
    look_for_more(&bench, "shop", 1);
    bench.write("specs/base.yaml", &DEFAULTS.replace("ONE", "TWO"));
    until("the new value", || bench.starts_of("shop").len() == 2);
    assert_eq!(bench.starts_of("shop")[1].1, "--level TWO");
    fs::remove_file(bench.path("specs/base.yaml")).unwrap();
    until("it to be without values", || bench.starts_of("shop").len() == 3);
    assert_eq!(bench.starts_of("shop")[2].1, "");
    let told = bench.run(&["check", "-v", "specs"]);
    assert_eq!(told.code, 0, "{told:?}");
}

#[test]
fn to_start_or_restart_everything_runs_no_task_again() {
    let mut bench = Bench::new();
    bench.task("job", "exit 0", "");
    bench.daemon("shop", "");
    bench.watch(&[]);
    bench.until_result("job", "succeeded");
    bench.until_running(&["shop"]);
    bench.ok(&["stop", "--all"]);
    bench.ok(&["start", "--all"]);
    bench.until_running(&["shop"]);
    bench.ok(&["restart", "--all"]);
    until("the third copy", || bench.starts_of("shop").len() == 3);
    assert_eq!(bench.starts_of("job").len(), 1, "{}", bench.watch_log());
    assert_eq!(bench.condition("job", "Ready")["reason"], "Completed", "it isn't kept from running either");
    bench.ok(&["restart", "job"]);
    until("it to run by its name", || bench.starts_of("job").len() == 2);
}
