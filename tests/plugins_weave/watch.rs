//! Plugins under `plan`, `apply` and `watch`: what is in force stays in force, and a better one is taken.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::made::{COMM, Made};
use super::support::{Bench, until};

/// A field of another type under the name that is in use.
const NUMBER: &str =
    r#"{"name": "comm", "type": "int", "export": "echo", "inputs": ["pid"], "summary": "a number"}"#;
const QUICK: [&str; 4] = ["--resync", "300ms", "--prune-delay", "200ms"];
/// Replaces the look, so that without the plugin nothing is known of any process.
const MATCH: &str = "matchOnly: 'runs(startas) && tag.comm != \"nobody\"'";

/// A daemon whose `match` asks a plugin, and its PID.
fn one() -> (Bench, i32) {
    let mut bench = Bench::new();
    Made::tag("1.0.0").write(&bench);
    bench.daemon("one", MATCH);
    bench.watch(&QUICK);
    bench.until_running(&["one"]);
    let pid = bench.the_pid_of("one");
    (bench, pid)
}

fn record(bench: &Bench) -> String {
    fs::read_to_string(bench.path("state/run/ledger.jsonl")).unwrap_or_default()
}

fn kept(bench: &Bench) -> Vec<String> {
    let entries = fs::read_dir(bench.path("state/run/plugins")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn kept_module(bench: &Bench, digest: &str) -> PathBuf {
    bench.path(&format!("state/run/plugins/{digest}.wasm"))
}

/// A module under the name of the one in use, with a document that fits it.
fn replace(bench: &Bench, version: &'static str, field: &str) -> String {
    Made::fields(version, &[field]).write(bench)
}

fn file_of_plugin(bench: &Bench) -> String {
    bench.run(&["check", "specs"]).stderr
}

#[test]
fn what_is_accepted_with_a_plugin_has_it_on_record_and_its_module_is_kept() {
    let (mut bench, pid) = one();
    bench.daemon("other", "");
    bench.until_running(&["other"]);
    let digest = Made::tag("1.0.0").write(&bench);
    let text = record(&bench);
    assert!(text.contains(&digest) && text.contains("\"version\":\"1.0.0\""), "{text}");
    assert_eq!(kept(&bench), [format!("{digest}.wasm")]);
    let mode = fs::metadata(kept_module(&bench, &digest)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The document and its plugin go: nothing is kept for nobody.
    fs::remove_file(bench.path("specs/one.yaml")).unwrap();
    until("it to be stopped", || bench.alive_of("one").is_empty() && record(&bench).is_empty());
    until("the module to be removed", || kept(&bench).is_empty());
    bench.end_watch("TERM");
    assert!(!bench.is_ours(pid));
}

#[test]
fn a_better_version_is_taken_and_nothing_is_restarted() {
    let (bench, pid) = one();
    bench.until_generation("one", 1);
    let digest = replace(&bench, "1.1.0", COMM);
    bench.until_generation("one", 2);
    until("the new one to be on record", || record(&bench).contains(&digest));
    until("the old module to go", || kept(&bench) == [format!("{digest}.wasm")]);
    assert_eq!(bench.alive_of("one"), [pid], "the change is live");
}

#[test]
fn a_version_that_breaks_a_document_is_not_taken() {
    let (bench, pid) = one();
    let old = Made::tag("1.0.0").wasm();
    let old = super::made::digest(&old);
    replace(&bench, "2.0.0", NUMBER);
    // Its inputs are not those that are granted: the plugin itself is refused first.
    until("the grant to be missed", || file_of_plugin(&bench).contains("P301"));
    let (_, digest) = Made::fields("2.0.0", &[NUMBER]).write_module(&bench);
    Made::tag("2.0.0").write_document(&bench, &digest, "fields: [pid]");
    until("the log to say so", || {
        bench.watch_log().contains("version 2.0.0 of the plugin `tag` is not taken")
            && bench.watch_log().contains("version 1.0.0 stays in use")
    });
    // Others go on with the old one, also with a new document.
    bench.daemon("two", "match: 'tag.comm == \"two\" || true'");
    bench.until_running(&["two"]);
    let accepted = bench.condition("one", "Accepted");
    assert_eq!(accepted["status"], "True");
    let words = accepted["message"].as_str().unwrap().to_owned();
    assert!(
        words.contains("version 1.0.0 of the plugin `tag` stays in use") && words.contains("2.0.0"),
        "{words}"
    );
    assert!(record(&bench).contains(&old), "{}", record(&bench));
    assert_eq!(bench.alive_of("one"), [pid]);
    // The document is changed with the plugin: both are taken.
    bench.daemon_spec("one", "matchOnly: 'runs(startas) && tag.comm != 1'");
    bench.daemon_spec("two", "matchOnly: 'runs(startas) && tag.comm != 1'");
    until("the new one to be taken", || record(&bench).contains(&digest));
    assert_eq!(bench.alive_of("one"), [pid]);
}

#[test]
fn a_broken_or_lost_module_leaves_what_is_in_force() {
    let (mut bench, pid) = one();
    let digest = Made::tag("1.0.0").write(&bench);
    // Only the module changes; a look finds it without a change of a document.
    fs::write(bench.path("specs/tag.wasm"), b"no module").unwrap();
    until("the log to say so", || bench.watch_log().contains("S071"));
    fs::remove_file(bench.path("specs/tag.wasm")).unwrap();
    until("the log to say that it is gone", || bench.watch_log().contains("S070"));
    assert_eq!(bench.alive_of("one"), [pid]);
    // A selfsame that never saw the file uses what was kept.
    bench.end_watch("TERM");
    bench.kill(pid, "KILL");
    bench.watch(&QUICK);
    until("it to run again", || bench.alive_of("one").len() == 1 && bench.alive_of("one") != [pid]);
    bench.until_running(&["one"]);
    let now = bench.the_pid_of("one");
    // Without that it can't be told what is whose, and nothing is started or stopped.
    bench.end_watch("TERM");
    fs::write(kept_module(&bench, &digest), b"something else").unwrap();
    bench.watch(&QUICK);
    until("the watch to be there", || bench.status_pids("one") == [now]);
    bench.kill(now, "KILL");
    until("status to say so", || {
        let all = bench.status_of("one").to_string();
        all.contains("can't be had") && all.contains("is not the module that it was")
    });
    assert!(bench.alive_of("one").is_empty());
    // What can't be told is not a reason to start: it starts again when the plugin is back.
    assert_eq!(bench.starts_of("one").len(), 2);
    Made::tag("1.0.0").write(&bench);
    until("it to run with the plugin", || bench.alive_of("one").len() == 1);
    assert_eq!(bench.starts_of("one").len(), 3);
}

#[test]
fn a_failing_plugin_holds_and_status_says_why() {
    let mut bench = Bench::new();
    let trap =
        r#"{"name": "bad", "type": "bool", "export": "trap", "inputs": ["comm"], "summary": "never works"}"#;
    Made::fields("1.0.0", &[trap]).write(&bench);
    // Somebody runs already who could be it.
    let program = bench.daemon("one", "match: '!tag.bad'");
    let mut by_hand = bench.by_hand(bench.root(), program.to_str().unwrap(), &[]);
    until("it to note its start", || bench.starts().len() == 1);
    let plan = bench.run(&["plan", "specs"]);
    assert_eq!(plan.code, 7, "{}{}", plan.stdout, plan.stderr);
    assert!(plan.stdout.contains("`tag`"), "{}", plan.stdout);
    bench.watch(&QUICK);
    until("status to say why", || bench.status_of("one").to_string().contains("`tag`"));
    assert_eq!(bench.starts().len(), 1);
    by_hand.kill().unwrap();
    by_hand.wait().unwrap();
}

#[test]
fn apply_and_plan_use_plugins() {
    let bench = Bench::new();
    Made::tag("1.0.0").write(&bench);
    bench.daemon("one", MATCH);
    let plan = bench.run(&["plan", "specs"]);
    assert_eq!(plan.code, 2, "{}{}", plan.stdout, plan.stderr);
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    bench.ok(&["plan", "specs"]);
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.alive_of("one"), [pid]);
    // Adopted by a rule with a plugin.
    fs::remove_dir_all(bench.path("state")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.status_pids("one"), [pid]);
}

#[test]
fn a_version_that_came_while_nobody_watched_is_judged_as_well() {
    let (mut bench, pid) = one();
    bench.end_watch("TERM");
    let (_, digest) = Made::fields("2.0.0", &[NUMBER]).write_module(&bench);
    Made::tag("2.0.0").write_document(&bench, &digest, "fields: [pid]");
    bench.watch(&QUICK);
    until("the log to say so", || {
        bench.watch_log().contains("version 2.0.0 of the plugin `tag` is not taken")
    });
    assert_eq!(bench.condition("one", "Accepted")["status"], "True");
    let plan = bench.run(&["plan", "specs"]);
    assert!(plan.stderr.contains("error[S072]"), "{}", plan.stderr);
    assert!(!plan.stderr.contains("error[M"), "{}", plan.stderr);
    assert_eq!(bench.alive_of("one"), [pid]);
}

#[test]
fn a_changed_module_is_noticed_at_once() {
    let mut bench = Bench::new();
    let made = Made::tag("1.0.0");
    let digest = made.write(&bench);
    // It lies elsewhere, so that the directory of the documents doesn't speak of it.
    fs::create_dir(bench.path("modules")).unwrap();
    fs::rename(bench.path("specs/tag.wasm"), bench.path("modules/tag.wasm")).unwrap();
    let path = made.write_document(&bench, &digest, "fields: [comm]");
    let text = fs::read_to_string(&path).unwrap().replace("./tag.wasm", "../modules/tag.wasm");
    bench.write("specs/tag-plugin.yaml", &text);
    bench.daemon("one", MATCH);
    bench.watch(&["--resync", "1h"]);
    bench.until_running(&["one"]);
    bench.write("modules/tag.wasm", "no module");
    until("the log to say so", || bench.watch_log().contains("S071"));
}

#[test]
fn a_plan_for_a_snapshot_asks_plugins_too() {
    let bench = Bench::new();
    Made::tag("1.0.0").write(&bench);
    bench.spec("one", "startas: /srv/one\nmatchOnly: 'tag.comm == \"one\"'");
    let plan = |comm: &str| {
        let host = format!(
            "host:\n  files: {{/srv/one: {{id: [1, 100], elf: true, mode: \"0755\"}}}}\nprocesses:\n- {{pid: 600, comm: {comm}, uid: 0, startTicks: 5}}\n"
        );
        bench.write("host.yaml", &host);
        let ran = bench.run(&["plan", "specs", "--snapshot", "host.yaml"]);
        assert!(!ran.stderr.contains("error"), "{}", ran.stderr);
        ran.stdout
    };
    assert!(plan("other").contains("start"), "{}", plan("other"));
    assert!(plan("one").contains("600"), "{}", plan("one"));
}
