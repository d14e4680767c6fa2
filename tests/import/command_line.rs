//! The verb itself: where things go, exit codes, files that are never overwritten.

use std::fs;

use super::support::Bench;

const SCRIPT: &str = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: shop\n### END INIT INFO\nDAEMON=/usr/sbin/shopd\n[ -r /etc/default/shop ] && . /etc/default/shop\ncase \"$1\" in\nstart) start-stop-daemon --start --exec $DAEMON -- $OPTS ;;\nesac\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("root/etc/init.d/shop", SCRIPT);
    bench.write("root/etc/default/shop", "OPTS='--port 80'\n");
    bench
}

#[test]
fn documents_go_to_stdout_and_the_report_to_stderr() {
    let bench = bench();
    for source in ["/etc/init.d/shop", "root/etc/init.d/shop"] {
        let ran = bench.ok(&["import", "--root", "root", source]);
        assert!(ran.stdout.contains("startas: /usr/sbin/shopd"), "{}", ran.stdout);
        assert!(ran.stdout.contains("args: [\"--port\", \"80\"]"), "{}", ran.stdout);
        assert!(ran.stderr.contains("shop: `no restart` carried differently"), "{}", ran.stderr);
        assert!(
            ran.stderr.trim_end().ends_with("1 document, 1 carried differently, 1 not needed"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn files_are_written_and_never_overwritten() {
    let bench = bench();
    let import = ["import", "--root", "root", "/etc/init.d/shop", "--out", "specs"];
    bench.ok(&import);
    bench.ok(&["check", "specs"]);
    let first = fs::read_to_string(bench.path("specs/shop.yaml")).unwrap();
    fs::write(bench.path("specs/shop.yaml"), "mine").unwrap();
    let ran = bench.run(&import);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("[C004]"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(bench.path("specs/shop.yaml")).unwrap(), "mine");
    // A directory that isn't there is made.
    bench.ok(&["import", "--root", "root", "/etc/init.d/shop", "--out", "new/specs"]);
    assert_eq!(fs::read_to_string(bench.path("new/specs/shop.yaml")).unwrap(), first);
    bench.ok(&["import", "--root", "root", "/etc/init.d/shop", "--out", "specs", "--name", "other"]);
    assert_eq!(
        fs::read_to_string(bench.path("specs/other.yaml")).unwrap(),
        first.replace("name: shop", "name: other")
    );
}

#[test]
fn exit_codes_say_what_came_of_it() {
    let bench = bench();
    bench.write("root/what", "nobody knows\n");
    bench.write("file", "");
    bench.write("root/etc/init.d/pinned", &SCRIPT.replace("--start", "--start --chroot /srv/jail"));
    for (args, code, said) in [
        (vec!["import"], 64, "name a source"),
        (vec!["import", "/nothing/there"], 1, "[I002]"),
        (vec!["import", "--root", "root", "/what"], 1, "[I001]"),
        (vec!["import", "--root", "root", "/etc/init.d/shop", "--out", "file"], 64, "is not a directory"),
        (vec!["import", "--root", "root", "/etc/init.d/shop", "--out", "file/specs"], 1, "can't be made"),
        (vec!["import", "--root", "root", "/etc/init.d/shop", "--name", "A B"], 64, "--name A B"),
        (vec!["import", "--root", "root", "/etc/init.d/shop", "--strict"], 0, "1 document"),
        (vec!["import", "--root", "root", "/etc/init.d/pinned", "--strict"], 3, "another root"),
        (vec!["import", "--root", "root", "/etc/init.d/shop", "/what"], 1, "[I001]"),
        (
            vec!["import", "--root", "root", "/etc/init.d/shop", "/etc/init.d/pinned", "--name", "x"],
            64,
            "there are 2",
        ),
        (vec!["import", "--pid", "1"], 1, "[I007]"),
    ] {
        let ran = bench.run(&args);
        assert_eq!(ran.code, code, "{args:?}\n{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{args:?}\n{}", ran.stderr);
    }
}

#[test]
fn a_command_line_is_given_as_words_or_as_one_text() {
    let bench = bench();
    let line = ["import", "start-stop-daemon", "--start", "--exec", "/usr/sbin/a b", "--", "--help", "-x"];
    let words = bench.ok(&line);
    let text = bench.ok(&["import", "start-stop-daemon", "--start --exec '/usr/sbin/a b' -- --help -x"]);
    assert_eq!(words.stdout, text.stdout);
    assert!(words.stdout.contains("startas: \"/usr/sbin/a b\""), "{}", words.stdout);
    assert!(words.stdout.contains("args: [\"--help\", \"-x\"]"), "{}", words.stdout);
    let named = bench.ok(&["import", "--name", "other", "start-stop-daemon", "-S", "-x", "/usr/sbin/a"]);
    assert!(named.stdout.contains("name: other"), "{}", named.stdout);
}

#[test]
fn json_has_the_documents_the_notes_and_the_problems() {
    let bench = bench();
    let ran = bench.run(&["import", "--root", "root", "/etc/init.d/shop", "/nothing", "--output", "json"]);
    assert_eq!(ran.code, 1);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let document = &json["documents"][0];
    assert_eq!(document["name"], "shop");
    assert!(document["document"].as_str().unwrap().contains("kind: Service"));
    assert_eq!(document["notes"][0]["place"]["file"], "/etc/init.d/shop");
    assert_eq!(json["problems"][0]["code"], "I002");
}

#[test]
fn secrets_of_a_process_are_named_and_not_written() {
    let bench = Bench::new();
    let script = bench.script("bin/shop", super::support::DAEMON);
    let mut child = std::process::Command::new(&script)
        .current_dir(bench.root())
        .env("SHOP_TOKEN", "hush-hush")
        .env("APP_ENV", "production")
        .stdin(std::process::Stdio::null())
        .spawn()
        .unwrap();
    super::support::until("it to run", || !bench.starts().is_empty());
    let pid = child.id().to_string();
    let plain = bench.ok(&["import", "--pid", &pid]);
    let asked = bench.ok(&["import", "--pid", &pid, "--env", "APP_ENV"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!plain.stdout.contains("hush-hush") && !plain.stderr.contains("hush-hush"));
    assert!(plain.stderr.contains("APP_ENV") && plain.stderr.contains("SHOP_TOKEN"), "{}", plain.stderr);
    assert!(!plain.stdout.contains("production"));
    assert!(
        asked.stdout.contains("APP_ENV: \"production\"") && !asked.stdout.contains("hush-hush"),
        "{}",
        asked.stdout
    );
    assert!(asked.stdout.contains("startas: ") && asked.stdout.contains("bin/shop"), "{}", asked.stdout);
}

#[test]
fn the_help_has_examples_and_the_completions_know_the_verb() {
    let bench = Bench::new();
    let help = bench.ok(&["help", "import"]);
    assert!(help.stdout.contains("selfsame import --pid 812"), "{}", help.stdout);
    for shell in ["bash", "zsh", "fish"] {
        let script = bench.ok(&["completions", shell]).stdout;
        assert!(script.contains("import") && script.contains("procfile"), "{shell}");
    }
}
