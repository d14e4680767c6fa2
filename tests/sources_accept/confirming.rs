//! A removal is confirmed to a running watch: exactly the one that was shown.

use std::fs;

use super::support::{Bench, is_alive, until};

fn emptied(more: &[&str]) -> (Bench, Vec<i32>) {
    let mut bench = Bench::new();
    let names = ["one", "two", "three"];
    for name in names {
        bench.daemon(name, "");
    }
    bench.watch(&[&["--prune-delay", "200ms", "--resync", "300ms"], more].concat());
    bench.until_running(&names);
    let pids = names.iter().map(|name| bench.the_pid_of(name)).collect();
    bench.at_once(|| {
        for name in names {
            fs::rename(bench.path(&format!("specs/{name}.yaml")), bench.path(name)).unwrap();
        }
    });
    until("it to be held", || !bench.whole_status()["sources"][0]["held"].is_null());
    (bench, pids)
}

fn held(bench: &Bench) -> serde_json::Value {
    bench.whole_status()["sources"][0]["held"].take()
}

fn confirming(more: &[&str]) {
    let (bench, pids) = emptied(more);
    let plan = held(&bench);
    let id = plan["id"].as_str().unwrap();
    assert_eq!(plan["names"], serde_json::json!(["one", "three", "two"]), "{plan}");
    let text = bench.run(&["status"]).stdout;
    assert!(text.contains("PruneHeld=True") && text.contains(id), "{text}");
    assert_eq!(bench.run(&["apply", "specs"]).code, 7);
    // Another one is there now.
    bench.daemon("four", "");
    bench.until_running(&["four"]);
    until("nothing to be held any more", || {
        bench.run(&["apply", "specs"]).code == 0 || held(&bench).is_null()
    });
    until("them to go, three of four", || pids.iter().all(|pid| !is_alive(*pid)));
    assert_eq!(bench.alive_of("four").len(), 1);
}

#[test]
fn what_is_held_says_so_and_goes_when_others_are_there() {
    confirming(&[]);
}

#[test]
fn what_is_held_says_so_and_goes_when_others_are_there_without_hints() {
    confirming(&["--no-hints"]);
}

#[test]
fn the_plan_that_was_shown_is_carried_out_and_another_one_is_refused() {
    let (bench, pids) = emptied(&[]);
    let id = held(&bench)["id"].as_str().unwrap().to_owned();
    fs::rename(bench.path("three"), bench.path("specs/three.yaml")).unwrap();
    let wrong = bench.run(&["apply", "specs", "--confirm-prune", "0123456789"]);
    assert_eq!(wrong.code, 4, "{wrong:?}");
    let moved = bench.run(&["apply", "specs", "--confirm-prune", &id]);
    assert!(moved.code == 4 && moved.stderr.contains("no longer be removed"), "{moved:?}");
    assert!(is_alive(pids[2]));
    until("two of three to go", || !is_alive(pids[0]) && !is_alive(pids[1]));
    fs::remove_file(bench.path("specs/three.yaml")).unwrap();
    until("the last one to be held", || !held(&bench).is_null());
    let id = held(&bench)["id"].as_str().unwrap().to_owned();
    let done = bench.run(&["apply", "specs", "--confirm-prune", &id]);
    assert_eq!(done.code, 0, "{done:?}");
    until("it to go", || !is_alive(pids[2]));
}

/// The look that finds a removal due and the one of a request may follow each other without anything done in between.
#[test]
fn a_removal_that_falls_due_while_somebody_asks_is_carried_out() {
    let mut bench = Bench::new();
    let names: Vec<String> = (0..12).map(|number| format!("goes-{number}")).collect();
    for name in names.iter().map(String::as_str).chain(["stays"]) {
        bench.daemon(name, "");
    }
    bench.watch(&["--prune-delay", "200ms", "--resync", "300ms"]);
    bench.until_running(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        let pid = bench.the_pid_of(name);
        fs::remove_file(bench.path(&format!("specs/{name}.yaml"))).unwrap();
        until("it to go while somebody asks", || {
            let _ = bench.run(&["apply", "specs", "--timeout", "50ms"]);
            !is_alive(pid)
        });
    }
    assert_eq!(bench.alive_of("stays").len(), 1);
}
