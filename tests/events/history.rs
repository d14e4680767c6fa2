//! The sets that were in force.

use std::fs;

use super::support::{Bench, until};

fn rows(bench: &Bench) -> Vec<serde_json::Value> {
    let text = bench.ok(&["history", "--output", "json"]).stdout;
    serde_json::from_str(&text).unwrap()
}

/// It had no entry, as if nothing had changed.
#[test]
fn a_stored_plan_that_is_carried_out_is_in_the_history() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    for args in ["args: []", "args: [changed]"] {
        bench.daemon_spec("shop", args);
        assert_eq!(bench.run(&["plan", "specs", "--out", "kept"]).code, 2);
        bench.ok(&["apply", "kept"]);
    }
    let rows = rows(&bench);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["added"], serde_json::json!(["shop"]));
    assert_eq!(rows[1]["changed"], serde_json::json!({"shop": ["args: [] -> [\"changed\"]"]}));
    assert!(rows[1]["why"].as_str().unwrap().starts_with("apply the plan that "), "{}", rows[1]);
}

#[test]
fn each_set_is_kept_with_what_changed_and_survives_a_killed_watch() {
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    bench.daemon("other", "");
    bench.ok(&["apply", "specs"]);
    bench.ok(&["apply", "specs"]);
    assert_eq!(rows(&bench).len(), 1, "the same set once more is no other one");
    bench.watch(&["--prune-delay", "10ms"]);
    bench.until_running(&["shop", "other"]);
    bench.daemon_spec("shop", "args: [changed]");
    until("the second set", || rows(&bench).len() == 2);
    fs::remove_file(bench.path("specs/other.yaml")).unwrap();
    until("the third set", || rows(&bench).len() == 3);
    let mut watch = bench.take_watch();
    watch.kill().unwrap();
    watch.wait().unwrap();
    let rows = rows(&bench);
    assert_eq!(rows[0]["added"], serde_json::json!(["other", "shop"]));
    assert_eq!(rows[0]["why"], "apply specs");
    assert_eq!(rows[1]["changed"], serde_json::json!({"shop": ["args: [] -> [\"changed\"]"]}));
    assert_eq!(rows[2]["removed"], serde_json::json!(["other"]));
    let one = bench.ok(&["history", "2"]).stdout;
    assert!(one.contains("  ~ shop\n      args: [] -> [\"changed\"]\n"), "{one}");
    let missing = bench.run(&["history", "9"]);
    assert_eq!(
        (missing.code, missing.stderr.contains("there are sets 1 to 3")),
        (1, true),
        "{}",
        missing.stderr
    );
}
