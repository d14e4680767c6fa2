//! A writer that counts, cuts under it, deaths of selfsame, and readers that must find every byte once.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Bench, until};

/// Writes numbered lines of different lengths, with the kernel's `O_APPEND` as the only order, and then notes that it is
/// done.
const COUNTER: &str = r#"#!/usr/bin/perl
open(my $f, '>>', '%STARTS%') or die; syswrite($f, "$$ counter\n"); close $f;
my ($lines, $done) = @ARGV;
for my $n (0 .. $lines - 1) {
    my $line = sprintf("%09d %s\n", $n, "x" x ($n % 97));
    die "$!" unless syswrite(STDOUT, $line) == length($line);
    select(undef, undef, undef, 0.002) if $n % 1000 == 999;
}
open(my $d, '>', $done); close $d;
sleep 1 while 1;
"#;

/// What the counter writes.
pub(crate) fn expected(lines: usize) -> Vec<u8> {
    (0..lines).flat_map(|n| format!("{n:09} {}\n", "x".repeat(n % 97)).into_bytes()).collect()
}

/// A service that counts; its output is `log`, and `more` are further fields of it.
pub(crate) fn counter(bench: &Bench, log: &Path, lines: usize, more: &str) {
    let script = bench.script("bin/counter", COUNTER);
    let done = bench.path("done");
    bench.spec(
        "counter",
        &format!(
            "startas: {}\nargs: ['{lines}', '{}']\nworkingDirectory: {}\nreadiness: {{aliveFor: 50ms}}\nstdout: {{file: {}, {more}}}",
            script.display(),
            done.display(),
            bench.root().display(),
            log.display()
        ),
    );
}

/// `selfsame logs counter -f` into a file.
pub(crate) fn follow(bench: &Bench) -> (Child, PathBuf) {
    let into = bench.path("followed");
    let child = bench
        .command(&["logs", "counter", "-f"])
        .stdout(fs::File::create(&into).unwrap())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    (child, into)
}

/// Everything that `logs` shows.
pub(crate) fn logs(bench: &Bench, args: &[&str]) -> Vec<u8> {
    let output = bench.command(&[&["logs", "counter"], args].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[track_caller]
pub(crate) fn same(found: &[u8], expected: &[u8], who: &str) {
    let at = found.iter().zip(expected).position(|(one, other)| one != other);
    let around = |bytes: &[u8], at: usize| {
        String::from_utf8_lossy(
            bytes.get(at.saturating_sub(60)..bytes.len().min(at + 60)).unwrap_or_default(),
        )
        .into_owned()
    };
    if let Some(at) = at {
        panic!("{who}: differs at {at}: `{}` instead of `{}`", around(found, at), around(expected, at));
    }
    assert_eq!(found.len(), expected.len(), "{who}: how much");
}

/// The pieces beside a file.
pub(crate) fn pieces(log: &Path) -> Vec<PathBuf> {
    let name = format!("{}.", log.file_name().unwrap().to_string_lossy());
    let mut found: Vec<PathBuf> = fs::read_dir(log.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&name))
        .collect();
    found.sort();
    found
}

/// Counts while selfsame cuts, and dies `deaths` times; every byte must be found once, by one who reads along and by one
/// who reads afterwards.
pub(crate) fn counts(log: &Path, deaths: usize, lines: usize) {
    let mut bench = Bench::new();
    let max = 128 << 10;
    counter(&bench, log, lines, "maxSize: 128KiB, keep: 1000");
    bench.watch(&[]);
    bench.the_pid_of("counter");
    bench.until_running(&["counter"]);
    let (mut follower, told) = follow(&bench);
    for n in 0..deaths {
        // Different moments of cuts: they are some milliseconds each.
        std::thread::sleep(Duration::from_millis(300 + 37 * u64::try_from(n).unwrap()));
        bench.end_watch("KILL");
        bench.watch(&[]);
    }
    let end = Instant::now() + Duration::from_mins(2);
    while !bench.path("done").exists() {
        assert!(Instant::now() < end, "the counter doesn't come to its end");
        std::thread::sleep(Duration::from_millis(20));
    }
    let expected = expected(lines);
    until("the file to be below its limit", || fs::metadata(log).unwrap().blocks() * 512 <= max + 8192);
    assert!(!pieces(log).is_empty(), "it was cut");
    same(&logs(&bench, &[]), &expected, "logs");
    until("the follower to have read all", || {
        fs::metadata(&told).unwrap().len() >= u64::try_from(expected.len()).unwrap()
    });
    same(&fs::read(&told).unwrap(), &expected, "logs -f");
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert_eq!(bench.starts().len(), 1, "the service was left alone");
    bench.end_watch("TERM");
}

#[test]
fn no_byte_is_lost_or_doubled_while_files_are_cut_and_selfsame_dies() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let log = dir.path().canonicalize().unwrap().join("counter.log");
    counts(&log, 6, 200_000);
}

#[test]
fn pieces_are_few_compressed_and_the_last_lines_are_found_in_them() {
    let mut bench = Bench::new();
    let log = fs::canonicalize(bench.root()).unwrap().join("counter.log");
    counter(&bench, &log, 60_000, "maxSize: 64KiB, keep: 3, compress: true");
    bench.watch(&[]);
    until("the counter to be done", || bench.path("done").exists());
    let all = expected(60_000);
    // In this order: nothing is cut any more, and what was cut is as it stays.
    until("the file to be below its limit", || fs::metadata(&log).unwrap().len() < 64 << 10);
    until("three compressed pieces", || {
        let pieces = pieces(&log);
        pieces.len() == 3 && pieces.iter().all(|piece| piece.extension().is_some_and(|end| end == "gz"))
    });
    let kept = logs(&bench, &[]);
    assert!(kept.len() > 3 * (60 << 10) && all.ends_with(&kept), "{} bytes are kept", kept.len());
    // What anybody else makes of them.
    let zcat = Command::new("zcat").args(pieces(&log)).output().unwrap().stdout;
    same(&[zcat, fs::read(&log).unwrap()].concat(), &kept, "zcat and cat");
    for count in [0, 1, 10, 3_000] {
        let lines: Vec<&[u8]> = all.split_inclusive(|byte| *byte == b'\n').collect();
        let last = lines[lines.len() - count..].concat();
        same(&logs(&bench, &["-n", &count.to_string()]), &last, "logs -n");
    }
    assert!(logs(&bench, &["--since", "1h"]) == kept, "everything was written since");
    bench.end_watch("TERM");
}

#[test]
fn what_was_written_since_is_shown_and_not_much_more() {
    let mut bench = Bench::new();
    let script = bench.script(
        "bin/counter",
        "#!/bin/sh\necho $$ counter >> '%STARTS%'\necho early\nwhile [ ! -e go ]; do sleep 0.02; done\necho late\nexec sleep 1000\n",
    );
    bench.spec(
        "counter",
        &format!(
            "startas: {}\nworkingDirectory: {}\nreadiness: {{aliveFor: 50ms}}",
            script.display(),
            bench.root().display()
        ),
    );
    // The first line stands before anybody marks how far it came.
    bench.ok(&["apply", "specs"]);
    until("the first line", || logs(&bench, &[]) == b"early\n");
    bench.watch(&[]);
    until("a mark behind it", || {
        let found = fs::read_dir(bench.path("state/lib/output"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path());
        let mut marks = found.filter(|path| path.extension().is_some_and(|end| end == "marks"));
        marks.any(|path| fs::read_to_string(path).is_ok_and(|text| text.ends_with(" 6\n")))
    });
    let now = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.%3NZ"]).output().unwrap().stdout;
    let now = String::from_utf8(now).unwrap();
    assert_eq!(logs(&bench, &["--since", now.trim()]), b"", "nothing was written since");
    bench.write("go", "");
    until("the second line", || logs(&bench, &[]) == b"early\nlate\n");
    assert_eq!(logs(&bench, &["--since", now.trim()]), b"late\n");
    assert_eq!(logs(&bench, &["--since", "1h"]), b"early\nlate\n");
    bench.end_watch("TERM");
}
