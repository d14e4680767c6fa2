//! Taking back: an earlier set in force until the documents change.

use super::support::{Bench, until};

fn arguments(bench: &Bench, name: &str) -> String {
    let started = bench.starts_of(name);
    let (pid, arguments) = started.last().cloned().unwrap_or_default();
    if bench.alive_of(name) == [pid] { arguments } else { String::new() }
}

fn accepted(bench: &Bench, name: &str) -> String {
    let text = bench.run(&["status", name, "--output", "json"]).stdout;
    let status: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let conditions = status["objects"][0]["conditions"].as_array().cloned().unwrap_or_default();
    let accepted = conditions.iter().find(|condition| condition["type"] == "Accepted");
    accepted.map(|condition| condition["message"].to_string()).unwrap_or_default()
}

#[test]
fn a_set_is_taken_back_until_the_documents_change_also_by_the_next_watch() {
    let mut bench = Bench::new();
    bench.daemon("shop", "args: [one]");
    bench.watch(&["--prune-delay", "10ms"]);
    bench.until_running(&["shop"]);
    bench.daemon_spec("shop", "args: [two]");
    until("the second version", || arguments(&bench, "shop") == "two");
    // What came since goes, what was there is as it was.
    bench.daemon("other", "");
    bench.until_running(&["shop", "other"]);
    bench.ok(&["rollback", "1"]);
    until("the first version", || arguments(&bench, "shop") == "one");
    until("nothing of what came later", || bench.alive_of("other").is_empty());
    assert!(accepted(&bench, "shop").contains("rolled back to set 1"), "{}", accepted(&bench, "shop"));
    // Another watch goes on with it, and so does a document that can't be read.
    let pid = bench.the_pid_of("shop");
    bench.end_watch("KILL");
    bench.write("specs/broken.yaml", "kind: [");
    bench.watch(&["--prune-delay", "10ms"]);
    until("the rollback in the next watch", || accepted(&bench, "shop").contains("rolled back to set 1"));
    assert_eq!(bench.the_pid_of("shop"), pid);
    assert!(bench.ok(&["history"]).stderr.contains("set 1 is in force"), "history says so");
    std::fs::remove_file(bench.path("specs/broken.yaml")).unwrap();
    bench.daemon_spec("shop", "args: [three]");
    until("the third version", || arguments(&bench, "shop") == "three");
    until("what the documents say", || !bench.alive_of("other").is_empty());
    assert!(!accepted(&bench, "shop").contains("rolled back"));
    let told = bench.events(&[]);
    let asked: Vec<_> = told.iter().filter(|event| event["reason"] == "Rollback").collect();
    assert_eq!(asked.len(), 1, "{told:?}");
    assert_eq!((&asked[0]["kind"], &asked[0]["message"]), (&"Asked".into(), &"rollback 1".into()));
    assert!(asked[0]["who"]["uid"].is_u64(), "{}", asked[0]);
    let over: Vec<_> = told.iter().filter(|event| event["reason"] == "RollbackOver").collect();
    assert_eq!(over.len(), 1, "{told:?}");
}

#[test]
fn a_rollback_that_removes_much_or_that_nobody_can_do_changes_nothing() {
    let mut bench = Bench::new();
    let nobody = bench.run(&["rollback", "1"]);
    assert_eq!(
        (nobody.code, nobody.stderr.contains("nothing was accepted yet")),
        (1, true),
        "{}",
        nobody.stderr
    );
    bench.daemon("first", "");
    bench.watch(&[]);
    bench.until_running(&["first"]);
    let more = ["a", "b", "c", "d", "e"];
    // In one edit, so that the set before is the one with the first alone.
    let text: Vec<String> = more
        .iter()
        .map(|name| {
            bench.daemon(name, "");
            std::fs::remove_file(bench.path(&format!("specs/{name}.yaml"))).ok();
            format!(
                "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  startas: {}\n",
                bench.path(&format!("bin/{name}")).display()
            )
        })
        .collect();
    bench.write("specs/more.yaml", &text.join("---\n"));
    bench.until_running(&more);
    let refused = bench.run(&["rollback", "1"]);
    assert_eq!((refused.code, refused.stderr.contains("--confirm")), (1, true), "{}", refused.stderr);
    assert!(more.iter().all(|name| bench.alive_of(name).len() == 1), "nothing was changed");
    let missing = bench.run(&["rollback", "99"]);
    assert_eq!(
        (missing.code, missing.stderr.contains("set 99 is not kept")),
        (1, true),
        "{}",
        missing.stderr
    );
    bench.ok(&["rollback", "1", "--confirm"]);
    until("the first alone", || more.iter().all(|name| bench.alive_of(name).is_empty()));
    assert_eq!(bench.alive_of("first").len(), 1);
}

/// It was left alone for ever, as something that no document speaks for; and the next watch took it for an edit that it had to miss
/// that object's document, so that the rollback was over.
#[test]
fn what_only_the_earlier_set_has_goes_when_the_documents_change() {
    let mut bench = Bench::new();
    bench.daemon("shop", "args: [one]");
    bench.daemon("other", "");
    bench.watch(&["--prune-delay", "10ms"]);
    bench.until_running(&["shop", "other"]);
    std::fs::remove_file(bench.path("specs/other.yaml")).unwrap();
    until("its document is gone", || bench.alive_of("other").is_empty());
    bench.ok(&["rollback", "1"]);
    until("the earlier set", || bench.alive_of("other").len() == 1);
    // The plan is about the documents, which don't count for now.
    let plan = bench.run(&["plan", "specs"]);
    assert!(plan.stderr.contains("rolled back to set 1: a watch keeps to it"), "{plan:?}");
    bench.end_watch("KILL");
    bench.watch(&["--prune-delay", "10ms"]);
    until("the rollback in the next watch", || accepted(&bench, "other").contains("rolled back to set 1"));
    assert!(bench.ok(&["history"]).stderr.contains("set 1 is in force"), "history says so");
    bench.daemon_spec("shop", "args: [two]");
    until("what the documents say", || arguments(&bench, "shop") == "two");
    until("and nothing else", || bench.alive_of("other").is_empty());
}
