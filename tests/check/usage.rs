//! Wrong usage, help, completions, the schema, and outputs that nobody reads.

use std::process::{Command, Stdio};

use super::support::Bench;

const VERBS: [&str; 16] = [
    "check",
    "test",
    "plan",
    "apply",
    "watch",
    "status",
    "match",
    "explain",
    "start",
    "stop",
    "restart",
    "snapshot",
    "schema",
    "completions",
    "explain-code",
    "help",
];

#[test]
fn every_verb_has_a_help_text() {
    let bench = Bench::new();
    for verb in VERBS {
        let ran = bench.ok(&[verb, "--help"]);
        assert!(ran.stdout.contains("Usage: selfsame"), "{verb}: {ran:?}");
        assert!(ran.stderr.is_empty(), "{verb}: {ran:?}");
        assert!(ran.stdout.lines().count() > 5, "{verb}: {ran:?}");
    }
    let all = bench.ok(&["--help"]).stdout;
    for verb in VERBS {
        assert!(all.contains(&format!("\n  {verb}")), "{verb} in\n{all}");
    }
    assert!(bench.ok(&["--version"]).stdout.starts_with("selfsame "));
}

#[test]
fn a_file_that_is_not_used_says_what_can_be_done() {
    let bench = Bench::new();
    bench.write("specs/good.yaml", "");
    std::os::unix::fs::symlink("/dev/null", bench.path("specs/none.yaml")).unwrap();
    let ran = bench.run(&["check", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("error[F001]"), "{ran:?}");
    assert!(ran.stderr.contains("help: put a regular file in its place"), "{ran:?}");
}

#[test]
fn wrong_usage_is_64_and_says_so_on_stderr() {
    let bench = Bench::new();
    let rows: [&[&str]; 12] = [
        &[],
        &["chekc"],
        &["check"],
        &["check", "--nosuch", "specs"],
        &["plan"],
        &["apply"],
        &["apply", "specs", "--timeout", "soon"],
        &["watch", "specs", "--settle", "1"],
        &["stop"],
        &["stop", "web", "--all"],
        &["completions", "nosuch"],
        &["status", "--output", "xml"],
    ];
    for args in rows {
        let ran = bench.run(args);
        assert_eq!(ran.code, 64, "{args:?}: {ran:?}");
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
}

/// A stop that ends at once was done and undone in silence.
#[test]
fn a_wish_that_is_over_already_is_wrong_usage() {
    let bench = Bench::new();
    for end in [["--for", "0s"], ["--until", "2020-01-01T00:00:00Z"]] {
        for verb in ["start", "stop", "suspend"] {
            let ran = bench.run(&[verb, "shop", end[0], end[1]]);
            assert!(ran.code == 64 && ran.stderr.contains("that moment is over"), "{verb} {end:?}: {ran:?}");
        }
    }
}

#[test]
fn help_knows_operators_and_kinds() {
    let bench = Bench::new();
    for (topic, line) in [
        ("like", "a glob covers the whole text"),
        ("&&", "and"),
        ("||", "or"),
        ("not", "not"),
        ("??", "the right side where the left one is absent"),
        ("not in", "one of a list"),
    ] {
        let ran = bench.ok(&["help", "match", topic]);
        assert!(ran.stdout.contains(&format!("\n    {line}")), "{topic}: {ran:?}");
    }
    let ran = bench.run(&["help", "service"]);
    assert!(ran.code == 64 && ran.stderr.contains("did you mean `Service`?"), "{ran:?}");
}

#[test]
fn completions_are_written_for_each_shell() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = bench.ok(&["completions", shell]);
        assert!(ran.stdout.contains("selfsame") && ran.stdout.contains("explain"), "{shell}");
    }
    bench.write("complete.bash", &bench.ok(&["completions", "bash"]).stdout);
    let parsed = Command::new("bash").arg("-n").arg(bench.path("complete.bash")).status().unwrap();
    assert!(parsed.success());
}

#[test]
fn the_schema_is_json_and_knows_every_field() {
    let bench = Bench::new();
    let schema: serde_json::Value = serde_json::from_str(&bench.ok(&["schema"]).stdout).unwrap();
    let text = schema.to_string();
    let fields = [
        "apiVersion",
        "kind",
        "metadata",
        "previousName",
        "labels",
        "annotations",
        "state",
        "startas",
        "args",
        "match",
        "matchOnly",
        "becomes",
        "type",
        "pidfile",
        "user",
        "group",
        "supplementaryGroups",
        "umask",
        "workingDirectory",
        "env",
        "envFrom",
        "limits",
        "scheduling",
        "stdout",
        "stderr",
        "replicas",
        "readiness",
        "startTimeout",
        "restart",
        "stop",
        "adopt",
        "duplicates",
        "onRemove",
        "trustExecutable",
        "aliveFor",
        "failureThreshold",
        "maxBackoff",
        "successCodes",
        "schedule",
        "cpuAffinity",
        "oomScoreAdj",
    ];
    for field in fields {
        assert!(text.contains(&format!("\"{field}\"")), "{field}");
    }
    assert!(schema["$schema"].as_str().is_some_and(|name| name.contains("json-schema.org")), "{text}");
}

#[test]
fn an_output_that_nobody_reads_is_a_success() {
    let bench = Bench::new();
    bench.daemon("web", "");
    bench.ok(&["apply", "specs"]);
    let rows: [&[&str]; 8] = [
        &["--help"],
        &["schema"],
        &["completions", "bash"],
        &["status"],
        &["status", "--output", "json"],
        &["match", "pid > 0"],
        &["snapshot"],
        &["check", "specs"],
    ];
    for args in rows {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = bench.command(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let status = child.wait().unwrap();
        let mut errors = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}: {status} {errors}");
        assert!(!errors.contains("panicked") && !errors.contains("roken pipe"), "{args:?}: {errors}");
    }
}

#[test]
fn a_full_disk_under_the_output_is_an_error() {
    let bench = Bench::new();
    bench.daemon_spec("one", "");
    let rows: [(&[&str], i32); 7] = [
        (&["schema"], 1),
        (&["--help"], 1),
        (&["help", "match"], 1),
        (&["completions", "bash"], 1),
        // Something would change, which is no longer what matters.
        (&["plan", "specs"], 1),
        (&["match", "pid == 1"], 3),
        (&["match", "pid == 1", "--output", "json"], 3),
    ];
    for (args, code) in rows {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = bench.command(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        let said = errors.ends_with("error: the output can't be written: no space left on device (ENOSPC)\n");
        assert!(said && !errors.contains("panicked"), "{args:?}: {errors}");
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let bench = Bench::new();
    bench.write("specs/web.yaml", "apiVersion: selfsame/v1\nkind: Sevice\n");
    let errors = |args: &[&str], no_colour: bool| {
        let mut command = bench.command(args);
        if !no_colour {
            command.env_remove("NO_COLOR");
        }
        String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned()
    };
    assert!(!errors(&["check", "specs"], false).contains('\u{1b}'), "not on a pipe");
    assert!(errors(&["check", "specs", "--color", "always"], true).contains('\u{1b}'), "asked for");
    assert!(!errors(&["check", "specs", "--color", "never"], false).contains('\u{1b}'));
}

/// Each was said by nobody before the start had failed.
#[test]
fn what_a_start_would_meet_is_said_before() {
    if !super::support::is_root() {
        eprintln!("skipped: needs root, to be another user");
        return;
    }
    let bench = Bench::new();
    bench.spec(
        "late",
        "startas: /bin/true\nuser: root\ngroup: root\nworkingDirectory: /no/such\nlimits: {nofile: 4096}",
    );
    let here = "`workingDirectory`: `/no/such` does not exist on this host";
    let of_root = bench.ok(&["check", "specs"]).stderr;
    assert!(
        of_root.contains(here) && !of_root.contains("`limits") && !of_root.contains("`user`"),
        "{of_root}"
    );
    let line = "ulimit -n 256; exec setpriv --reuid=65534 --regid=65534 --clear-groups \\
                --bounding-set=-all --inh-caps=-all \"$0\" check specs";
    std::fs::set_permissions(bench.root(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line, env!("CARGO_BIN_EXE_selfsame")]).current_dir(bench.root());
    let command = command.env("HOME", bench.root()).env_remove("XDG_CONFIG_HOME");
    let checked = command.env("SELFSAME_STATE_DIR", bench.path("state")).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success(), "warnings: {said}");
    for words in [
        "late.yaml:6:",
        "`user`: user `root` with group 0 can't be taken on: selfsame runs as user 65534",
        here,
        "`limits.nofile` of 4096 is above selfsame's own hard limit of 256",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
}

/// With little stack (`ulimit -s`) it ended by a signal, in the middle of the documents.
#[test]
fn little_stack_is_enough() {
    let bench = Bench::new();
    let deep = format!("{}pid == 1{}", "(".repeat(60), ")".repeat(60));
    bench.spec("deep", &format!("startas: /bin/true\nmatch: '{deep} || pid > 1'"));
    for words in ["check specs", "plan specs", "status", "match \"$DEEP\""] {
        let mut command = Command::new("/bin/sh");
        let line = format!("ulimit -s 100; exec \"$0\" {words}");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_selfsame")]).current_dir(bench.root());
        command.env("DEEP", &deep).env("SELFSAME_STATE_DIR", bench.path("state"));
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.code().is_some_and(|code| code != 1 && code != 3),
            "{words}: {:?} {said}",
            done.status
        );
    }
}

/// What is refused at the start is said before.
#[test]
fn what_this_host_cannot_do_is_said_with_its_place() {
    let bench = Bench::new();
    bench.spec("jailed", "startas: /bin/true\nchroot: /srv/jail");
    let mut command = if super::support::is_root() {
        let mut command = std::process::Command::new("setpriv");
        command.args([
            "--bounding-set=-sys_chroot",
            "--inh-caps=-sys_chroot",
            env!("CARGO_BIN_EXE_selfsame"),
        ]);
        command
    } else {
        std::process::Command::new(env!("CARGO_BIN_EXE_selfsame"))
    };
    let output =
        command.args(["check", "specs"]).current_dir(bench.root()).env("NO_COLOR", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "a warning: {said}");
    for words in
        ["C005", "`chroot` needs CAP_SYS_CHROOT", "jailed.yaml:6:", "`jailed` would not be started here"]
    {
        assert!(said.contains(words), "{words} in {said}");
    }
    if super::support::is_root() {
        assert!(!bench.ok(&["check", "specs"]).stderr.contains("C005"), "root can");
    }
}
