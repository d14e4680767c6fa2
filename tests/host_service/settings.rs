//! Settings from a file: what they do, flags over them, changes while a watch runs, and mistakes.

use std::fs;

use super::support::{Bench, until};

fn engine(bench: &Bench, spec: &str) -> String {
    let text =
        format!("apiVersion: selfsame/v1\nkind: Engine\nmetadata: {{name: engine}}\nspec: {{{spec}}}\n");
    bench.write("engine.yaml", &text).display().to_string()
}

/// `watch` with these arguments and nothing else, in the background.
fn watch(bench: &mut Bench, args: &[&str]) {
    let log = fs::File::options().create(true).append(true).open(bench.path("watch.log")).unwrap();
    let args: Vec<&str> = std::iter::once("watch").chain(args.iter().copied()).collect();
    let child = bench.command(&args).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    bench.keep_watch(child);
}

#[test]
fn the_file_says_which_places_are_kept_and_when_objects_are_gone() {
    let mut bench = Bench::new();
    bench.daemon("shop", &super::support::quick(""));
    bench.daemon("other", &super::support::quick(""));
    let file = engine(&bench, "specs: [./specs], prune: {delay: 50ms}, resync: 10m, stopOnExit: true");
    watch(&mut bench, &["--config", &file]);
    bench.until_running(&["shop", "other"]);
    fs::remove_file(bench.path("specs/other.yaml")).unwrap();
    until("`other` to be stopped, long before the ten seconds of no settings", || {
        bench.alive_of("other").is_empty()
    });
    bench.end_watch("TERM");
    assert_eq!(bench.alive(), Vec::<i32>::new(), "`stopOnExit` of the file");
}

#[test]
fn a_flag_is_over_the_file_and_both_are_over_the_default() {
    let mut bench = Bench::new();
    bench.daemon("shop", &super::support::quick(""));
    bench.daemon("other", &super::support::quick(""));
    let file = engine(&bench, "prune: {delay: 1h}, stopOnExit: true");
    watch(&mut bench, &["specs", "--config", &file, "--prune-delay", "50ms", "--stop-on-exit=false"]);
    bench.until_running(&["shop", "other"]);
    fs::remove_file(bench.path("specs/other.yaml")).unwrap();
    until("`other` to be stopped", || bench.alive_of("other").is_empty());
    bench.end_watch("TERM");
    assert_eq!(bench.alive_of("shop").len(), 1, "the flag says that its end stops nothing");
}

#[test]
fn a_change_is_taken_up_by_a_watch_that_runs_and_a_mistake_changes_nothing() {
    let mut bench = Bench::new();
    bench.daemon("shop", &super::support::quick(""));
    bench.daemon("other", &super::support::quick(""));
    let file = engine(&bench, "prune: {delay: 1h}");
    watch(&mut bench, &["specs", "--config", &file]);
    bench.until_running(&["shop", "other"]);
    engine(&bench, "prune: {delay: 50ms, dely: 1s}");
    // The last line of what is said of it: it is written line by line.
    until("the mistake to be said", || bench.watch_log().contains("the settings stay as they were"));
    let log = bench.watch_log();
    assert!(log.contains("engine.yaml:4:") && log.contains("did you mean `delay`?"), "{log}");
    engine(&bench, "prune: {delay: 50ms}, host: {name: web1}");
    for words in ["are taken up", "`host` counts only when selfsame is started anew"] {
        until(words, || bench.watch_log().contains(words));
    }
    fs::remove_file(bench.path("specs/other.yaml")).unwrap();
    until("`other` to be stopped", || bench.alive_of("other").is_empty());
    assert_eq!(bench.starts().len(), 2, "a change of the settings touches no service");
}

#[test]
fn a_file_that_is_no_settings_is_refused_with_its_place() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    let refused = |text: &str, expected: &[&str]| {
        bench.write("engine.yaml", text);
        for verb in ["watch", "plan", "apply", "check"] {
            let ran = bench.run(&[verb, "specs", "--config", "engine.yaml"]);
            assert_eq!(ran.code, 1, "{verb} {text} {}", ran.stderr);
            for words in expected {
                assert!(ran.stderr.contains(words), "{verb}: {words} in {}", ran.stderr);
            }
        }
    };
    let head = "apiVersion: selfsame/v1\nkind: Engine\nmetadata: {name: engine}\n";
    refused(&format!("{head}spec: {{resink: 30s}}\n"), &["engine.yaml:4:8", "did you mean `resync`?"]);
    refused(&format!("{head}spec: {{settle: 3s}}\n"), &["`spec.settle` is longer than `spec.settleMax`"]);
    refused(&format!("{head}spec: {{limits: {{bytes: unlimited}}}}\n"), &["is not a size"]);
    refused(&format!("{head}spec: {{git: {{url: x, path: ../etc}}}}\n"), &["a directory inside the tree"]);
    refused(
        &format!("{head}spec: {{}}\n---\n{head}spec: {{}}\n"),
        &["one document of kind Engine", "merge them"],
    );
    let service = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: a}\nspec: {startas: /bin/true}\n";
    refused(service, &["has no document of kind Engine"]);
    refused(&format!("{head}spec: {{}}\n---\n{service}"), &["a file of their own"]);
    refused("", &["has no document of kind Engine"]);
    let missing = bench.run(&["watch", "specs", "--config", "nowhere.yaml"]);
    assert_eq!((missing.code, missing.stderr.contains("it isn't there")), (1, true), "{}", missing.stderr);
    assert!(bench.starts().is_empty());
}

#[test]
fn settings_that_others_can_write_are_not_believed() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.daemon("shop", "");
    let file = engine(&bench, "trustOwners: [nobody]");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let ran = bench.run(&["apply", "specs", "--config", &file]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("F003"), "{}", ran.stderr);
    assert!(bench.starts().is_empty());
}

#[test]
fn settings_among_spec_files_have_no_effect_and_that_is_said() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    let file = engine(&bench, "resync: 1m");
    assert_eq!(bench.ok(&["check", &file]).stderr, "", "alone it is what one checks");
    fs::copy(&file, bench.path("specs/engine.yaml")).unwrap();
    let ran = bench.ok(&["check", "specs"]);
    assert!(ran.stderr.contains("S193") && ran.stderr.contains("`--config`"), "{}", ran.stderr);
}
