//! What watch does when a Matcher document changes, breaks or disappears: expressions keep their meaning.

use std::fs;

use super::support::{Bench, until};

fn matcher(bench: &Bench, condition: &str) {
    let text = format!(
        "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {{name: own}}\nspec:\n  define:\n    ok: {condition}\n"
    );
    bench.write("specs/matcher.yaml", &text);
}

/// A daemon whose `match` names a definition, and its PID.
fn one() -> (Bench, i32) {
    let mut bench = Bench::new();
    matcher(&bench, "'pid > 1'");
    bench.daemon("one", "match: own.ok");
    bench.watch(&["--resync", "300ms", "--prune-delay", "200ms"]);
    bench.until_running(&["one"]);
    let pid = bench.the_pid_of("one");
    (bench, pid)
}

fn reason(bench: &Bench) -> String {
    bench.condition("one", "Accepted")["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_changed_definition_is_a_new_generation_of_what_uses_it() {
    let (bench, pid) = one();
    bench.until_generation("one", 1);
    matcher(&bench, "'pid > 1 && threads > 0'");
    bench.until_generation("one", 2);
    assert_eq!(bench.alive_of("one"), [pid], "the change is live");
    let record = fs::read_to_string(bench.path("state/run/ledger.jsonl")).unwrap();
    assert!(record.contains("threads > 0"), "the definition is on record: {record}");
}

#[test]
fn a_broken_or_missing_definition_leaves_what_was_accepted_in_force() {
    let (mut bench, pid) = one();
    matcher(&bench, "'pdi > 1'");
    // What the file last gave, as long as it is there, is what others use.
    until("the mistake to be told", || bench.watch_log().contains("unknown field `pdi`"));
    assert_eq!(bench.condition("one", "Accepted")["status"], "True");
    until("the object to say what it rests on", || {
        reason(&bench).contains("what the Matcher `own` said last stays in use: ")
            && reason(&bench).contains("unknown field `pdi`")
    });
    fs::remove_file(bench.path("specs/matcher.yaml")).unwrap();
    until("the missing name to be the reason", || reason(&bench).contains("unknown field `own.ok`"));
    assert_eq!(bench.alive_of("one"), [pid]);
    // Also for a selfsame that never saw the file.
    bench.end_watch("TERM");
    bench.kill(pid, "KILL");
    bench.watch(&["--resync", "300ms"]);
    until("it to run again", || bench.alive_of("one").len() == 1 && bench.alive_of("one") != [pid]);
    bench.until_running(&["one"]);
    let now = bench.the_pid_of("one");
    matcher(&bench, "'pid > 1'");
    until("it to be accepted again", || bench.condition("one", "Accepted")["status"] != "False");
    assert_eq!(bench.alive_of("one"), [now]);
}
