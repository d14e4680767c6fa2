//! Matcher documents on the command line: `check`, `test`, and expressions that use them.

use std::path::Path;

use super::support::Bench;

const WEB: &str = "\
apiVersion: selfsame/v1
kind: Matcher
metadata: {name: web}
spec:
  lists: {few: {type: int, items: [1, 2, 3]}}
  define:
    numbered: {params: {n: int}, expr: pid == n && pid in @few}
    first: numbered(1)
  tests:
    - name: the first
      expect: {first: true, numbered(2): false}
      process: {pid: 1}
";

fn project(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).to_string_lossy().into_owned()
}

/// One process, PID 2, as a snapshot.
fn with_snapshot(bench: &Bench) {
    bench.write("host.yaml", "processes: [{pid: 2, comm: shop, user: root}]\nhost: {users: {root: 0}}\n");
}

#[test]
fn the_example_is_right_and_its_tests_pass() {
    let bench = Bench::new();
    let path = project("examples/matchers");
    let checked = bench.ok(&["check", "--strict", &path]);
    assert_eq!(checked.stdout, "2 objects in 2 files: good\n");
    let tested = bench.ok(&["test", &path]);
    assert!(tested.stdout.ends_with("5 tests, 0 failed\n"), "{tested:?}");
    assert_eq!(tested.stdout.matches(": passed\n").count(), 5, "{tested:?}");
}

#[test]
fn a_failed_test_shows_the_evaluation_and_its_place() {
    let bench = Bench::new();
    bench.write("specs/web.yaml", &WEB.replace("numbered(2): false", "numbered(2): true"));
    let tested = bench.run(&["test", "specs"]);
    assert_eq!(tested.code, 1, "{tested:?}");
    for part in [
        "web: the first: failed\n",
        "  numbered(2) is false, not true (specs/web.yaml:11)\n",
        "false    numbered(2)\n",
        "false       |- pid == n",
        "1 test, 1 failed\n",
    ] {
        assert!(tested.stdout.contains(part), "`{part}` in\n{}", tested.stdout);
    }
    let checked = bench.run(&["check", "specs"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    for part in ["error[S061]", "specs/web.yaml:11:42", "^^^^ it is false", "`pid == n` is false"] {
        assert!(checked.stderr.contains(part), "`{part}` in\n{}", checked.stderr);
    }
    let rows: serde_json::Value =
        serde_json::from_str(&bench.run(&["test", "specs", "--output", "json"]).stdout).unwrap();
    let rows: Vec<(&str, bool, bool)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["expression"].as_str().unwrap(), row["passed"] == true, row["tree"].is_object()))
        .collect();
    assert_eq!(rows, [("first", true, false), ("numbered(2)", false, true)]);
}

#[test]
fn test_says_what_check_says_where_nothing_can_be_tested() {
    let bench = Bench::new();
    bench.write("specs/web.yaml", &WEB.replace("pid == n", "pdi == n"));
    let tested = bench.run(&["test", "specs"]);
    assert_eq!((tested.code, tested.stdout.as_str()), (1, ""), "{tested:?}");
    assert!(tested.stderr.contains("did you mean `pid`?"), "{tested:?}");
    assert_eq!(bench.run(&["test", "nowhere"]).code, 1);
    assert_eq!(bench.run(&["test"]).code, 64);
}

#[test]
fn expressions_take_definitions_from_elsewhere() {
    let bench = Bench::new();
    with_snapshot(&bench);
    bench.write("lib/web.yaml", WEB);
    let found =
        |expression: &str| bench.run(&["match", expression, "--snapshot", "host.yaml", "--matchers", "lib"]);
    assert_eq!(found("web.numbered(2)").stdout, "2\n");
    assert_eq!(found("web.first").code, 1);
    assert_eq!(found("pid in @web.few").stdout, "2\n");
    let wrong = found("web.numbered(\"2\")");
    assert_eq!(wrong.code, 3, "{wrong:?}");
    assert!(wrong.stderr.contains("lib/web.yaml:7:25"), "where it is declared: {wrong:?}");
    let without = bench.run(&["match", "web.numbered(2)", "--snapshot", "host.yaml"]);
    assert_eq!(without.code, 3, "{without:?}");
    assert!(without.stderr.contains("Matcher or Plugin document `web`"), "{without:?}");
    let explained =
        bench.ok(&["explain", "web.first", "--snapshot", "host.yaml", "--pid", "2", "--matchers", "lib"]);
    for part in ["false    web.first", "`- numbered(1)", "n = 1", "fails in one place: pid == n"] {
        assert!(explained.stdout.contains(part), "`{part}` in\n{}", explained.stdout);
    }
    bench.write("lib/web.yaml", &WEB.replace("pid == n", "pdi == n"));
    let broken = found("web.numbered(2)");
    assert_eq!(broken.code, 3, "{broken:?}");
    assert!(broken.stderr.contains("lib/web.yaml:7:40"), "the mistake itself: {broken:?}");
}

#[test]
fn check_takes_definitions_from_its_own_paths_and_from_elsewhere() {
    let bench = Bench::new();
    bench.write("lib/web.yaml", WEB);
    bench.write(
        "lib/not-ours.yaml",
        "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: x}\nspec: {startas: /bin/sh}\n",
    );
    bench.spec("shop", "startas: /bin/sh\nmatch: web.numbered(1)");
    let alone = bench.run(&["check", "specs"]);
    assert_eq!(alone.code, 1, "{alone:?}");
    let with = bench.ok(&["check", "specs", "--matchers", "lib"]);
    assert_eq!(with.stdout, "1 object in 1 file: good\n", "nothing else of the library counts");
    bench.write("specs/web.yaml", &WEB.replace("web}", "own}"));
    bench.spec("shop", "startas: /bin/sh\nmatch: own.numbered(1) || web.numbered(2)");
    let both = bench.ok(&["check", "--strict", "specs", "--matchers", "lib/web.yaml"]);
    assert_eq!(both.stdout, "2 objects in 2 files: good\n");
    bench.spec("two", "startas: /bin/sh\nmatch: own.frist");
    let wrong = bench.run(&["check", "specs", "--output", "json", "--matchers", "lib"]);
    assert!(wrong.stdout.contains("did you mean `own.first`?"), "{wrong:?}");
}

#[test]
fn a_definition_in_the_way_of_a_warning_names_both_places() {
    let bench = Bench::new();
    bench.write(
        "specs/web.yaml",
        &WEB.replace("pid == n &&", "user == \"nobody-of-this-name\" && pid == n &&"),
    );
    bench.spec("shop", "startas: /bin/sh\nmatch: web.first");
    with_snapshot(&bench);
    let ran = bench.run(&["check", "specs", "--snapshot", "host.yaml"]);
    for part in ["W107", "specs/shop.yaml:", "specs/web.yaml:7:48"] {
        assert!(ran.stderr.contains(part), "`{part}` in\n{}", ran.stderr);
    }
}
