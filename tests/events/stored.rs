//! Plans that are kept, and carried out exactly or not at all.

use std::fs;

use super::record::of_kind;
use super::support::{Bench, signal, until};

fn planned() -> Bench {
    let bench = Bench::new();
    bench.daemon("shop", "");
    bench.daemon("other", "");
    let plan = bench.run(&["plan", "specs", "--out", "kept"]);
    assert_eq!(plan.code, 2, "{}", plan.stderr);
    bench
}

#[test]
fn a_stored_plan_is_carried_out_and_then_nothing_is_left_of_it() {
    let bench = planned();
    let ran = bench.ok(&["apply", "kept"]);
    assert!(ran.stdout.contains("2 of 2 objects are as wanted"), "{}", ran.stdout);
    bench.the_pid_of("shop");
    bench.the_pid_of("other");
    let asked = bench.events(&[]);
    assert!(asked.iter().any(|event| event["reason"] == "ApplyPlan"), "{asked:?}");
    assert_eq!(of_kind(&asked, "shop", "Started").len(), 1);
    let again = bench.run(&["apply", "kept"]);
    assert_eq!(again.code, 4, "{}", again.stdout);
    assert!(again.stderr.contains("shop: nothing would be done about it any more"), "{}", again.stderr);
}

/// It was left out, and didn't run: "1 of 1 objects are as wanted".
#[test]
fn what_waits_for_another_object_is_told_and_is_part_of_it() {
    let bench = Bench::new();
    bench.daemon("first", "");
    bench.daemon("second", "dependsOn: [{name: first, condition: ready}]");
    let plan = bench.run(&["plan", "specs", "--out", "kept"]);
    assert_eq!(plan.code, 2, "{}", plan.stderr);
    let waits = "second: wait: not started: it waits for `first` to be ready";
    assert!(plan.stdout.contains(waits), "{}", plan.stdout);
    let ran = bench.ok(&["apply", "kept"]);
    assert!(ran.stdout.contains("2 of 2 objects are as wanted"), "{}", ran.stdout);
    for name in ["first", "second"] {
        bench.the_pid_of(name);
        assert_eq!(bench.starts_of(name).len(), 1, "{name}");
    }
}

#[test]
fn it_is_refused_with_the_difference_when_the_world_moved() {
    type Moves = (&'static str, fn(&Bench), &'static str);
    let rows: [Moves; 4] = [
        (
            "a document",
            |bench| drop(bench.daemon_spec("shop", "args: [other]")),
            "shop: its document has another meaning",
        ),
        (
            "a removal",
            |bench| fs::remove_file(bench.path("specs/shop.yaml")).unwrap(),
            "shop: nothing would be done",
        ),
        (
            "a wish",
            |bench| {
                bench.ok(&["apply", "specs"]);
                bench.ok(&["stop", "shop"]);
            },
            "shop: nothing would be done",
        ),
        (
            "a program",
            |bench| fs::remove_file(bench.path("bin/shop")).unwrap(),
            "shop: what a start needs was nothing, and is",
        ),
    ];
    for (what, happens, expected) in rows {
        let bench = planned();
        happens(&bench);
        let before = bench.starts().len();
        let ran = bench.run(&["apply", "kept"]);
        assert_eq!(ran.code, 4, "{what}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(expected), "{what}: {}", ran.stderr);
        assert_eq!(bench.starts().len(), before, "{what}: nothing was done");
    }
}

#[test]
fn what_it_does_not_speak_of_is_left_alone() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    bench.daemon("other", "");
    bench.ok(&["apply", "specs"]);
    bench.daemon_spec("shop", "args: [changed]");
    assert_eq!(bench.run(&["plan", "specs", "--out", "kept"]).code, 2);
    let other = bench.the_pid_of("other");
    signal(other, "KILL");
    until("its end", || bench.alive_of("other").is_empty());
    bench.ok(&["apply", "kept"]);
    assert_eq!(bench.starts_of("shop").last().unwrap().1, "changed");
    assert_eq!(bench.starts_of("other").len(), 1, "the plan didn't say that it is started");
}

#[test]
fn a_file_that_is_no_plan_of_ours_is_told() {
    let bench = planned();
    let text = fs::read_to_string(bench.path("kept")).unwrap();
    fs::write(bench.path("newer"), text.replace("{\"selfsamePlan\":1", "{\"selfsamePlan\":9")).unwrap();
    fs::write(bench.path("torn"), &text.as_bytes()[..text.len() / 2]).unwrap();
    for (file, expected) in [("newer", "it is of format 9"), ("torn", "can't be used")] {
        let ran = bench.run(&["apply", file]);
        assert_eq!((ran.code, ran.stderr.contains(expected)), (1, true), "{file}: {}", ran.stderr);
    }
    assert_eq!(bench.run(&["apply", "kept", "--confirm-restarts"]).code, 64);
    assert!(bench.starts().is_empty());
}

/// The only document there is: this name, for the program of `shop`.
fn renamed(bench: &Bench, metadata: &str) {
    let _ = fs::remove_file(bench.path("specs/shop.yaml"));
    let program = bench.path("bin/shop");
    let text = format!(
        "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{{metadata}}}\nspec:\n  startas: {}\n  readiness: {{aliveFor: 50ms}}\n",
        program.display()
    );
    bench.write("specs/new.yaml", &text);
}

#[test]
fn a_plan_for_one_file_takes_nothing_that_is_on_record_for_another() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("shop");
    renamed(&bench, "name: new");
    let plan = bench.run(&["plan", "specs/new.yaml", "--out", "kept"]);
    let why = format!("new: held: not started: {pid} matches and is on record for `shop`");
    assert_eq!((plan.code, plan.stdout.trim()), (7, why.as_str()), "{}", plan.stderr);
    bench.run(&["apply", "kept"]);
    assert_eq!(bench.status_pids("shop"), [pid]);
    // With the former name in it, the record goes over, and nothing stays behind that claims the process too.
    renamed(&bench, "name: new, previousName: shop");
    let plan = bench.run(&["plan", "specs/new.yaml"]);
    assert_eq!((plan.code, plan.stdout.trim()), (0, "nothing to do"), "{}", plan.stderr);
    bench.ok(&["apply", "specs/new.yaml"]);
    assert_eq!(bench.status_pids("new"), [pid]);
    assert_eq!(bench.run(&["status", "shop"]).code, 5, "it is no longer on record");
    assert_eq!(bench.alive_of("shop"), [pid]);
}

#[test]
fn a_stored_plan_of_a_renamed_object_leaves_no_second_claim() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    bench.ok(&["apply", "specs"]);
    let before = bench.the_pid_of("shop");
    renamed(&bench, "name: new, previousName: shop");
    let text = fs::read_to_string(bench.path("specs/new.yaml")).unwrap();
    bench.write("specs/new.yaml", &format!("{text}  args: [other]\n"));
    let plan = bench.run(&["plan", "specs/new.yaml", "--out", "kept"]);
    assert_eq!(plan.code, 2, "{}{}", plan.stdout, plan.stderr);
    bench.ok(&["apply", "kept"]);
    let after = bench.the_pid_of("shop");
    assert_ne!(after, before);
    assert_eq!(bench.status_pids("new"), [after]);
    assert_eq!(bench.run(&["status", "shop"]).code, 5, "it is no longer on record");
}

#[test]
fn of_documents_that_cannot_be_read_a_plan_does_not_say_that_nothing_is_to_be_done() {
    let bench = Bench::new();
    bench.write("specs/shop.yaml", "kind: [");
    let plan = bench.run(&["plan", "specs"]);
    assert_eq!((plan.code, plan.stdout.as_str()), (1, ""), "{}", plan.stderr);
}
