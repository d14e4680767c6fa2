//! The ready policies of `examples/policies`, on stated facts and on real processes; records of a host and what policies make of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/inside.rs"]
mod inside;
#[path = "cli/support.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use inside::inside;
use serde_json::Value as Json;
use support::{Bench, until};

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies")
}

fn files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(library())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_policy_of_the_library_is_good_and_its_tests_pass() {
    let bench = Bench::new();
    let place = library();
    let place = place.to_str().unwrap();
    let checked = bench.ok(&["check", place]);
    // This host needs neither the accounts nor the programs.
    let of_host = |line: &str| ["warning[W107]", "warning[W113]"].iter().any(|code| line.starts_with(code));
    let said = format!("{}{}", checked.stdout, checked.stderr);
    let others: Vec<&str> =
        said.lines().filter(|line| line.starts_with("warning[") && !of_host(line)).collect();
    assert!(others.is_empty(), "{said}");
    let tried = bench.ok(&["test", place]);
    for (name, _) in files() {
        let count = tried.stdout.lines().filter(|line| line.starts_with(&format!("{name}: "))).count();
        assert!(count >= 2, "{name} has {count} tests\n{}", tried.stdout);
    }
}

/// Whoever copies one harms nobody, and finds out what it is for.
#[test]
fn every_policy_of_the_library_only_reports_and_explains_itself() {
    let files = files();
    assert!(files.len() >= 15, "{}", files.len());
    for (name, text) in files {
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        let has = |wanted: &str| code.iter().any(|line| line.contains(wanted));
        assert!(text.starts_with("# "), "{name} begins with a word to the reader");
        assert!(has(&format!("metadata: {{name: {name}}}")), "{name} is called as its file");
        assert!(!has("  do:") && !has("dryRun"), "{name} does nothing but report");
        assert!(has("  message: "), "{name} says what to do");
        assert!(has("violated: true") && has("violated: false"), "{name} is tried in both directions");
    }
}

/// A host with nearly everything that the library is about. `for` is left out: nobody has the time.
#[test]
fn policies_of_the_library_find_real_processes() {
    let bench = Bench::new();
    for (name, text) in files() {
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("  for: "))
            .map(|line| format!("{line}\n"))
            .collect();
        bench.write(&format!("policies/{name}.yaml"), &text);
    }
    if !support::has("/usr/bin/perl") || !support::has("/usr/bin/setpriv") {
        return;
    }
    inside(
        &bench,
        r#"
named() { perl -e '$0 = shift; sleep 60' "$1" & }
until_named() { n=0; while [ "$(cat /proc/$1/comm)" != "$2" ]; do n=$((n + 1)); [ $n -lt 3000 ] || fail "$1 isn't $2"; sleep 0.02; done; }
named cron; until_named $! cron; named cron; until_named $! cron
named xmrig; miner=$!; until_named $miner xmrig
cp "$(readlink -f "$(command -v sleep)")" replaced; ./replaced 60 & old=$!; until_named $old replaced; rm replaced
perl -e 'for (1..12) { exit 0 unless fork } $0 = "forgetful"; sleep 60' & zombies=$!; until_named $zombies forgetful
perl -e 'for (1..31) { unless (fork) { sleep 60; exit } } $0 = "runaway"; sleep 60' & runaway=$!; until_named $runaway runaway
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "0.0.0.0", Proto => "tcp") or die; $0 = "memcached"; sleep 60' &
open=$!; until_named $open memcached
dropped=$(mktemp -d /tmp/policy-library.XXXXXX); echo 'sleep 60' > $dropped/x.pl
perl $dropped/x.pl & script=$!; until_named $script perl
setpriv --reuid 54321 --clear-groups perl -e '$0 = "left"; sleep 60' & left=$!; until_named $left left
selfsame test --record 1s --interval 250ms --out record policies; rm -r $dropped
[ $code = 0 ] || fail "record: $code"
selfsame test --replay record policies
[ $code = 0 ] || fail "replay: $code"
found() { grep -q "^$1: violated" out || fail "$1 found nothing"; [ $# = 1 ] || grep -q " $1 .*pid $2 " out || fail "$1 doesn't name $2"; }
found one-cron; found ssh-is-there
found miners $miner; found deleted-binaries $old; found zombies $zombies; found runaway-children $runaway
found listens-everywhere $open; found departed-users $left; found from-tmp $script
for none in long-jobs memory-hogs mighty-containers shell-of-a-server forbidden-tools; do
    grep -q "^$none: never violated" out || fail "$none finds what isn't there"
done
for pid in $miner $old $zombies $runaway $open $left; do lives $pid || fail "$pid was ended"; done
done_ok
"#,
    );
}

/// A process that waits for as long as we live.
struct Waiting(Child);

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn policy(name: &str, spec: &str) -> String {
    format!("apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  {spec}\n")
}

#[test]
fn what_was_recorded_is_for_its_owner_and_has_no_secrets() {
    let bench = Bench::new();
    bench.write("p.yaml", &policy("waiting", "match: 'argv[4] == \"--password=<redacted>\"'"));
    let child = Command::new("/bin/sh")
        .args(["-c", "read x", "x", "--password=hush-hush"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let waiting = Waiting(child);
    let pid = waiting.0.id();
    let file = bench.path("record");
    let replay = || -> Json {
        let replayed = bench.ok(&["test", "--replay", "record", "-o", "json", "p.yaml"]);
        serde_json::from_str(&replayed.stdout).unwrap()
    };
    // A look takes as long as it takes on a machine with much to do: then there was time for one only.
    let mut found = Json::Null;
    for length in ["400ms", "4s", "30s"] {
        let _ = fs::remove_file(&file);
        bench.ok(&["test", "--record", length, "--interval", "150ms", "--out", "record"]);
        found = replay();
        if found["looks"].as_u64().unwrap() >= 2 {
            break;
        }
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("hush-hush") && text.contains("ended: time"), "{text}");

    let happened = found["happened"].as_array().unwrap();
    assert!(happened.iter().any(|it| it["pid"] == pid), "{found}");
    assert!(found["looks"].as_u64().unwrap() >= 2, "{found}");
    assert!(text.contains(&format!("- pid: {pid}\n")));

    let again = bench.run(&["test", "--record", "1s", "--out", "record"]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(again.stderr.contains("`record` exists already"), "{}", again.stderr);
}

#[test]
fn a_replay_names_the_process_and_why_nothing_would_be_done() {
    let bench = Bench::new();
    let program = bench.copy_of("/bin/sleep", "tool");
    let under = bench.root().to_str().unwrap().to_owned();
    bench.write(
        "p.yaml",
        &policy("no-tools", &format!("match: 'exe under \"{under}\"'\n  do: {{signal: TERM}}")),
    );
    let tool = Waiting(Command::new(&program).arg("60").spawn().unwrap());
    bench.ok(&["test", "p.yaml", "--record", "300ms", "--interval", "100ms", "--out", "record"]);
    let replayed = bench.ok(&["test", "--replay", "record", "-o", "json", "p.yaml"]);
    let found: Json = serde_json::from_str(&replayed.stdout).unwrap();
    let happened = found["happened"].as_array().unwrap();
    let of_tool: Vec<&Json> = happened.iter().filter(|one| one["pid"] == tool.0.id()).collect();
    assert_eq!(of_tool.len(), 2, "{found}");
    assert_eq!((&of_tool[0]["what"], &of_tool[1]["what"]), (&"violated".into(), &"withheld".into()));
    assert_eq!(of_tool[1]["withheld"], "NotOwned");
    let broken = bench.run(&["test", "--replay", "p.yaml", "p.yaml"]);
    assert_eq!(broken.code, 1);
    assert!(broken.stderr.contains("this is no record"), "{}", broken.stderr);
}

/// A policy that looks each second was tried on looks of every 5 s.
#[test]
fn a_record_has_looks_as_often_as_its_policies_look() {
    let bench = Bench::new();
    bench.write("p.yaml", &policy("often", "every: 200ms\n  match: pid == 1"));
    bench.write("q.yaml", &policy("rarely", "every: 1m\n  match: pid == 1"));
    for (given, every) in [
        (&["p.yaml", "q.yaml"][..], "every: 200ms"),
        (&["q.yaml"], "every: 1m"),
        (&["p.yaml", "--interval", "300ms"], "every: 300ms"),
        (&[], "every: 5s"),
    ] {
        let _ = fs::remove_file(bench.path("record"));
        bench.ok(&[&["test", "--record", "1ms", "--out", "record"], given].concat());
        let text = fs::read_to_string(bench.path("record")).unwrap();
        assert!(text.lines().any(|line| line == every), "{given:?}: {text}");
    }
}

/// Where the kernel tells, a process that comes and goes between two looks is in the record.
#[test]
fn what_lives_between_two_looks_is_recorded_where_the_kernel_tells() {
    let bench = Bench::new();
    let program = bench.copy_of("/bin/sleep", "short");
    let under = bench.root().to_str().unwrap().to_owned();
    bench.write("p.yaml", &policy("no-tools", &format!("match: 'exe under \"{under}\"'")));
    let mut recording = bench
        .command(&["test", "p.yaml", "--record", "5m", "--interval", "2m", "--out", "record"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let file = bench.path("record");
    let text = || fs::read_to_string(&file).unwrap_or_default();
    until("the first look", || text().contains("\n...\n"));
    let heard = text().contains("\nevents: true\n");
    if heard {
        // It lives until it was seen as what it executes, however much the machine has to do; the next look is far away.
        let short = Waiting(Command::new(&program).arg("60").spawn().unwrap());
        let row = format!("- pid: {}\n", short.0.id());
        let seen = format!("exe: {{path: {}, id: ", program.display());
        until("its beginning", || text().contains(&row) && text().contains(&seen));
        drop(short);
        // As long as nobody has collected it, it is there as a zombie; that it is collected isn't told.
        until("its end", || text().contains("gone: [") || text().contains("state: zombie"));
    }
    bench.kill(i32::try_from(recording.id()).unwrap(), "INT");
    assert!(recording.wait().unwrap().success());
    assert!(text().contains("ended: signal"));
    if !heard {
        eprintln!("skipped: the kernel tells no process events here");
        return;
    }
    let replayed = bench.ok(&["test", "--replay", "record", "p.yaml"]);
    assert!(replayed.stdout.contains("no-tools: violated once"), "{}", replayed.stdout);
}
