//! The drop-in beside the program that it stands in for, in the same sandbox: exit codes, what is said on stdout, and what started
//! programs and files look like afterwards.
//!
//! Each scenario is a small sh script in a file under `tests/start_stop/scenarios`, run as the first process of a PID and a mount
//! namespace of its own, in an empty directory, once with Debian's program and once with ours. What it prints is compared.
//! A scenario is two lines and a script:
//!
//! ```text
//! == a name that says what is shown
//! differs: the hazard that was removed, in words of docs/start-stop-daemon.md      (only where they differ)
//! daemon a
//! ssd --status --exec "$D/a"
//! -- oracle          (only where they differ: what each prints; `UPDATE_CASES=1` writes both anew)
//! exit 0
//! -- ours
//! exit 1
//! ```
//!
//! `tests/start_stop/prelude.sh` has the words that scripts are made of. One scenario alone: `SCENARIO=words cargo test --test
//! start_stop -- --nocapture` shows both transcripts. Another program in place of ours: `SSD_UNDER_TEST=/path`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const ORACLE: &str = "/usr/sbin/start-stop-daemon";
const PRELUDE: &str = include_str!("start_stop/prelude.sh");
/// No scenario takes as long; what hangs is ended.
const LONGEST: &str = "60";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Scenario {
    file: PathBuf,
    name: String,
    differs: Option<String>,
    script: String,
    oracle: String,
    ours: String,
}

/// What scenarios are run with.
struct Bench {
    dir: tempfile::TempDir,
    probe: PathBuf,
    /// Ours, by the name of the oracle.
    ours: PathBuf,
}

impl Bench {
    /// `None`, with the reason said: it can't be done here.
    fn new() -> Option<Self> {
        let skip = |why: &str| {
            eprintln!("SKIPPED: {why}");
            None
        };
        if !Path::new(ORACLE).exists() {
            return skip("there is no start-stop-daemon of Debian to compare with");
        }
        let works = Command::new("unshare")
            .args([
                "--pid",
                "--fork",
                "--mount-proc",
                "sh",
                "-c",
                "mount -t tmpfs tmpfs /run && echo 300 > /proc/sys/kernel/ns_last_pid",
            ])
            .stderr(Stdio::null())
            .status();
        if !works.is_ok_and(|status| status.success()) {
            return skip("no PID namespace to be had (it takes root)");
        }
        // A place that every user can get to, for scenarios of other users.
        let dir = tempfile::Builder::new().prefix("ssd-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let probe = dir.path().join("probe");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/start_stop/probe.c");
        let built = Command::new("cc").args(["-O1", "-o"]).arg(&probe).arg(source).status();
        assert!(built.is_ok_and(|status| status.success()), "the probe can't be compiled");
        let ours = dir.path().join("bin/start-stop-daemon");
        fs::create_dir(dir.path().join("bin")).unwrap();
        let under_test =
            std::env::var("SSD_UNDER_TEST").unwrap_or_else(|_| env!("CARGO_BIN_EXE_selfsame").into());
        // A copy: the build directory may be one that other users can't get to.
        fs::copy(under_test, &ours).unwrap();
        Some(Self { dir, probe, ours })
    }

    /// What the scenario prints with this program.
    fn transcript(&self, scenario: &Scenario, program: &Path, number: usize) -> String {
        // No word of it looks like the number of a process.
        let place = self.dir.path().join(format!("place{number}x"));
        fs::create_dir(&place).unwrap();
        let output = Command::new("timeout")
            .args([LONGEST, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"])
            .arg(format!("{PRELUDE}\n{}", scenario.script))
            .current_dir(&place)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("SSD", program)
            .env("OURS", if program == self.ours { "yes" } else { "" })
            .env("PROBE", &self.probe)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).replace(place.to_str().unwrap(), "/D");
        let program = program.to_str().unwrap();
        if std::env::var("SCENARIO").is_ok() {
            eprintln!(
                "== {} with {program}\n{text}{}",
                scenario.name,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let text = text.replace(program, "SSD").replace(self.dir.path().to_str().unwrap(), "/B");
        if output.status.code() == Some(124) { format!("{text}HANGS\n") } else { text }
    }
}

fn read(file: &Path) -> Vec<Scenario> {
    let text = fs::read_to_string(file).unwrap();
    let mut found: Vec<Scenario> = Vec::new();
    let mut part = 0;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            found.push(Scenario {
                file: file.into(),
                name: name.into(),
                differs: None,
                script: String::new(),
                oracle: String::new(),
                ours: String::new(),
            });
            part = 0;
            continue;
        }
        let Some(scenario) = found.last_mut() else {
            assert!(
                line.is_empty() || line.starts_with('#'),
                "{}: `{line}` before a scenario",
                file.display()
            );
            continue;
        };
        match (part, line) {
            (_, "-- oracle") => part = 1,
            (_, "-- ours") => part = 2,
            (0, line) => match line.strip_prefix("differs: ") {
                Some(why) => scenario.differs = Some(why.into()),
                None => scenario.script += &format!("{line}\n"),
            },
            (1, line) => scenario.oracle += &format!("{line}\n"),
            (_, line) => scenario.ours += &format!("{line}\n"),
        }
    }
    for scenario in &mut found {
        for text in [&mut scenario.script, &mut scenario.oracle, &mut scenario.ours] {
            *text = text.trim_end().to_owned() + if text.trim().is_empty() { "" } else { "\n" };
        }
    }
    found
}

fn written(header: &str, scenarios: &[Scenario]) -> String {
    let mut text = header.to_owned();
    for scenario in scenarios {
        text += &format!("== {}\n", scenario.name);
        if let Some(why) = &scenario.differs {
            text += &format!("differs: {why}\n");
        }
        text += &scenario.script;
        if scenario.differs.is_some() {
            text += &format!("-- oracle\n{}-- ours\n{}", scenario.oracle, scenario.ours);
        }
        text += "\n";
    }
    text.trim_end().to_owned() + "\n"
}

fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/start_stop/scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What is wrong with the pair of transcripts, if anything is.
fn verdict(scenario: &Scenario, oracle: &str, ours: &str) -> Option<String> {
    let shown = || format!("-- oracle\n{oracle}-- ours\n{ours}");
    match &scenario.differs {
        None if oracle == ours => None,
        None => Some(format!("they differ:\n{}", difference(oracle, ours))),
        Some(_) if oracle == ours => Some(format!("they are said to differ, and don't:\n{}", shown())),
        Some(_) if scenario.oracle == oracle && scenario.ours == ours => None,
        Some(_) => Some(format!(
            "not the difference that is written down:\n{}",
            difference(&format!("{}{}", scenario.oracle, scenario.ours), &format!("{oracle}{ours}"))
        )),
    }
}

/// Lines that stand in one only, in order.
fn difference(left: &str, right: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let only = |mark: char, these: &[&str], others: &[&str]| {
        these
            .iter()
            .filter(|line| !others.contains(line))
            .map(|line| format!("{mark} {line}\n"))
            .collect::<String>()
    };
    let text = only('-', &left, &right) + &only('+', &right, &left);
    if text.is_empty() { format!("in order or number only:\n{left:#?}\n{right:#?}") } else { text }
}

#[test]
fn the_drop_in_does_what_the_program_does() {
    let Some(bench) = Bench::new() else { return };
    let wanted = std::env::var("SCENARIO").ok();
    let update = std::env::var("UPDATE_CASES").is_ok();
    let all: Vec<Vec<Scenario>> = files().iter().map(|file| read(file)).collect();
    let chosen: Vec<&Scenario> = all
        .iter()
        .flatten()
        .filter(|scenario| wanted.as_ref().is_none_or(|words| scenario.name.contains(words.as_str())))
        .collect();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, String, String)>> = Mutex::default();
    // Most of a scenario is waiting.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(scenario) = chosen.get(at) else { return };
                    let oracle = bench.transcript(scenario, Path::new(ORACLE), 2 * at);
                    let ours = bench.transcript(scenario, &bench.ours, 2 * at + 1);
                    results.lock().unwrap().push((at, oracle, ours));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort();
    let mut wrong = Vec::new();
    for (at, oracle, ours) in &results {
        if let Some(text) = verdict(chosen[*at], oracle, ours) {
            wrong.push(format!("== {} ({})\n{text}", chosen[*at].name, chosen[*at].file.display()));
        }
    }
    if update {
        rewrite(&all, &chosen, &results);
    }
    eprintln!(
        "{} scenarios, {} with a difference",
        chosen.len(),
        chosen.iter().filter(|s| s.differs.is_some()).count()
    );
    assert!(wrong.is_empty(), "{} of {} scenarios:\n{}", wrong.len(), chosen.len(), wrong.join("\n"));
}

/// Writes the transcripts of scenarios that differ into their files.
fn rewrite(all: &[Vec<Scenario>], chosen: &[&Scenario], results: &[(usize, String, String)]) {
    for scenarios in all {
        let Some(first) = scenarios.first() else { continue };
        let mut scenarios = scenarios.clone();
        for scenario in scenarios.iter_mut().filter(|scenario| scenario.differs.is_some()) {
            for (at, oracle, ours) in results {
                if chosen[*at].name == scenario.name {
                    scenario.oracle.clone_from(oracle);
                    scenario.ours.clone_from(ours);
                }
            }
        }
        let text = fs::read_to_string(&first.file).unwrap();
        let header = text.split("== ").next().unwrap();
        fs::write(&first.file, written(header, &scenarios)).unwrap();
    }
}

#[test]
fn names_are_said_once_and_every_difference_is_in_the_docs() {
    let mut names = std::collections::BTreeSet::new();
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/start-stop-daemon.md")).unwrap();
    for scenario in files().iter().flat_map(|file| read(file)) {
        assert!(names.insert(scenario.name.clone()), "`{}` twice", scenario.name);
        if let Some(why) = &scenario.differs {
            assert!(
                docs.contains(why.as_str()),
                "`{}`: docs/start-stop-daemon.md doesn't say `{why}`",
                scenario.name
            );
            assert!(
                !scenario.ours.is_empty() || !scenario.oracle.is_empty(),
                "`{}` has no transcripts",
                scenario.name
            );
        }
    }
    assert!(names.len() >= 30);
}
