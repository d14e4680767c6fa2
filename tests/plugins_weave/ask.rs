//! `match`, `explain`, `help` and `test` with a plugin.

use super::made::Made;
use super::support::Bench;

const HOST: &str = "processes:
- {pid: 600, comm: shop, uid: 0}
- {pid: 601, comm: other, uid: 0}
";

fn bench() -> Bench {
    let bench = Bench::new();
    Made::tag("1.2.3").write(&bench);
    bench.write("host.yaml", HOST);
    bench
}

#[test]
fn a_field_of_a_plugin_is_asked_like_a_built_in_one() {
    let bench = bench();
    let ask = |expression: &str, more: &[&str]| {
        let mut args = vec!["match", expression, "--plugins", "specs", "--snapshot", "host.yaml"];
        args.extend(more);
        bench.run(&args)
    };
    let ran = ask("tag.comm == \"shop\"", &["--output", "pids"]);
    assert_eq!((ran.stdout.as_str(), ran.code), ("600\n", 0), "{}", ran.stderr);
    let ran = ask("pid > 1 && tag.comm in [\"other\", \"x\"]", &["--output", "pids"]);
    assert_eq!(ran.stdout, "601\n", "{}", ran.stderr);
    let ran = ask("pid == 600", &["--fields", "pid,tag.comm", "--output", "tsv"]);
    assert!(ran.stdout.contains("600\tshop"), "{}{}", ran.stdout, ran.stderr);
    // Types, names and lints as ever.
    for (wrong, code, help) in [
        ("tag.com == \"x\"", "M2", "did you mean `tag.comm`?"),
        ("tag.comm == 5", "M", "string"),
        ("tag == \"x\"", "M2", "tag.comm"),
    ] {
        let ran = ask(wrong, &[]);
        assert_eq!(ran.code, 3, "{wrong}: {}", ran.stderr);
        assert!(ran.stderr.contains(code) && ran.stderr.contains(help), "{wrong}: {}", ran.stderr);
    }
    // Without the plugin the name is nothing.
    let ran = bench.run(&["match", "tag.comm == \"shop\"", "--snapshot", "host.yaml"]);
    assert!(ran.stderr.contains("Plugin document `tag`"), "{}", ran.stderr);
}

#[test]
fn an_explanation_says_what_the_answer_rests_on_and_costs() {
    let bench = bench();
    let args = [
        "explain",
        "tag.comm == \"shop\" && pid > 1",
        "--plugins",
        "specs",
        "--snapshot",
        "host.yaml",
        "--pid",
        "600",
    ];
    let text = bench.ok(&args).stdout;
    assert!(text.contains("tag.comm = \"shop\""), "{text}");
    assert!(text.contains("plugin tag 1.2.3, of comm; ") && text.contains(" fuel"), "{text}");
}

#[test]
fn the_reference_shows_what_a_plugin_adds() {
    let bench = bench();
    let text = bench.ok(&["help", "match", "tag.comm", "--plugins", "specs"]).stdout;
    assert!(text.contains("tag.comm: string of a process"), "{text}");
    assert!(text.contains("from: plugin tag 1.2.3"), "{text}");
    let all = bench.ok(&["help", "match", "--plugins", "specs"]).stdout;
    assert!(all.contains("| `tag.comm` | string |"), "{all}");
    assert_eq!(bench.ok(&["help", "match", "tag", "--plugins", "specs"]).stdout, text);
}

#[test]
fn a_failing_plugin_is_unknown_and_named() {
    let bench = Bench::new();
    let trap =
        r#"{"name": "bad", "type": "bool", "export": "trap", "inputs": ["comm"], "summary": "never works"}"#;
    Made::fields("1.0.0", &[trap]).write(&bench);
    bench.write("host.yaml", HOST);
    let ran = bench.run(&["match", "tag.bad", "--plugins", "specs", "--snapshot", "host.yaml"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("unknown: 600: ") && ran.stderr.contains("`tag`"), "{}", ran.stderr);
    // What decides without it decides.
    let ran =
        bench.run(&["match", "tag.bad && comm == \"none\"", "--plugins", "specs", "--snapshot", "host.yaml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{}", ran.stdout);
}

#[test]
fn tests_of_matcher_documents_use_plugins() {
    let bench = bench();
    let matcher = "apiVersion: selfsame/v1
kind: Matcher
metadata: {name: own}
spec:
  define:
    shop: 'tag.comm == \"shop\"'
  tests:
  - name: shop
    expect: {'shop': true, 'tag.comm == \"x\"': false}
    process: {comm: shop}
";
    bench.write("specs/own.yaml", matcher);
    let ran = bench.ok(&["test", "specs"]);
    assert_eq!(ran.stdout, "own: shop: passed\n1 test, 0 failed\n");
    bench.ok(&["check", "specs"]);
    let ran = bench.ok(&[
        "match",
        "own.shop",
        "--matchers",
        "specs",
        "--snapshot",
        "host.yaml",
        "--output",
        "pids",
    ]);
    assert_eq!(ran.stdout, "600\n");
}
