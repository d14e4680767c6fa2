//! Runs scenarios, each in namespaces of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scenario::Scenario;

pub(crate) const ORACLE: &str = "/usr/sbin/start-stop-daemon";
const PRELUDE: &str = include_str!("prelude.sh");
/// No scenario takes as long, in seconds; what hangs is ended.
const LONGEST: &str = "60";
/// Of a program that need not come to an end.
const LONGEST_OTHER: &str = "6";
/// Most of a scenario is waiting.
const AT_ONCE: usize = 8;
/// How often a script looks for something, each 10 ms and more, before it gives it up: long for what will come, short for what
/// won't come from another program.
const PATIENT: &str = "2000";
const IMPATIENT: &str = "60";

/// What scenarios are run with.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
    probe: PathBuf,
    /// Ours, by the name of the oracle.
    pub(crate) ours: PathBuf,
    next: AtomicUsize,
    /// One run at a time has the machine: there are times among what is compared.
    turn: Mutex<()>,
}

/// A program that takes the place of the oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// It is meant to do the same.
    Same,
    /// It isn't, and what it doesn't do need not be waited for.
    Other,
}

/// Says why something can't be done here. Where everything is said to be there (`SELFSAME_SKIPS=fail`, or `start_stop` for what is
/// needed here) that is a failure.
pub(crate) fn skip(why: &str) {
    let must = std::env::var_os("SELFSAME_SKIPS").is_some_and(|how| how == "fail" || how == "start_stop");
    assert!(!must, "SKIPPED: {why}");
    eprintln!("SKIPPED: {why}");
}

impl Bench {
    /// `None`, with the reason said: it can't be done here.
    pub(crate) fn new() -> Option<Self> {
        let skip = |why: &str| {
            skip(why);
            None
        };
        if !Path::new(ORACLE).exists() {
            return skip("there is no start-stop-daemon of Debian to compare with");
        }
        let version = Command::new(ORACLE).arg("--version").output().unwrap().stdout;
        let version = String::from_utf8_lossy(&version);
        if !version.contains(" 1.21.22 ") {
            return skip(&format!("{ORACLE} isn't 1.21.22: {}", version.lines().next().unwrap_or_default()));
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
        for name in ["probe", "wrapper"] {
            let source = format!("{}/tests/start_stop/{name}.c", env!("CARGO_MANIFEST_DIR"));
            let built = Command::new("cc")
                .args(["-O1", "-pthread", "-o"])
                .arg(dir.path().join(name))
                .arg(source)
                .status();
            assert!(built.is_ok_and(|status| status.success()), "{name}.c can't be compiled");
        }
        let probe = dir.path().join("probe");
        let ours = dir.path().join("bin/start-stop-daemon");
        fs::create_dir(dir.path().join("bin")).unwrap();
        let under_test =
            std::env::var("SSD_UNDER_TEST").unwrap_or_else(|_| env!("CARGO_BIN_EXE_selfsame").into());
        // A copy: the build directory may be one that other users can't get to.
        copied(under_test, &ours);
        Some(Self { dir, probe, ours, next: AtomicUsize::new(0), turn: Mutex::default() })
    }

    /// A program called as the oracle is that becomes another one; how is said in the lines of `wrapper.c`.
    pub(crate) fn wrapper(&self, name: &str, how: &str) -> PathBuf {
        let folder = self.dir.path().join(name);
        fs::create_dir(&folder).unwrap();
        let path = folder.join("start-stop-daemon");
        copied(self.dir.path().join("wrapper"), &path);
        fs::write(folder.join("start-stop-daemon.how"), how).unwrap();
        path
    }

    /// What the scenario prints with this program.
    pub(crate) fn transcript(&self, scenario: &Scenario, program: &Path, means: Means) -> String {
        // No word of it looks like the number of a process.
        let place = self.dir.path().join(format!("place{}x", self.next.fetch_add(1, Ordering::SeqCst)));
        fs::create_dir(&place).unwrap();
        let longest = if means == Means::Same { LONGEST } else { LONGEST_OTHER };
        let output = Command::new("timeout")
            .args([
                "--signal=KILL",
                longest,
                "unshare",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "sh",
                "-c",
            ])
            .arg(format!("{PRELUDE}\n{}", scenario.script))
            .arg("scenario")
            .current_dir(&place)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("PATIENCE", if means == Means::Same { PATIENT } else { IMPATIENT })
            .env("SSD", program)
            .env("OURS", if program == self.ours { "yes" } else { "" })
            .env("PROBE", &self.probe)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        // What the shell itself has to say.
        let complaints: BTreeSet<&str> = said.lines().filter(|line| line.starts_with("scenario: ")).collect();
        for line in complaints.into_iter().filter(|_| means == Means::Same) {
            text += &format!("SCRIPT: {line}\n");
        }
        if !matches!(output.status.code(), Some(0..=127)) {
            text += "HANGS\n";
        }
        let text = text
            .replace(place.to_str().unwrap(), "/D")
            .replace(program.to_str().unwrap(), "SSD")
            .replace(self.dir.path().to_str().unwrap(), "/B");
        if std::env::var("SCENARIO").is_ok() {
            eprintln!("== {} with {}\n{text}{said}", scenario.name, program.display());
        }
        let _ = fs::remove_dir_all(place);
        text
    }

    /// Transcripts of all jobs, in their order.
    pub(crate) fn transcripts(&self, jobs: &[(&Scenario, &Path, Means)]) -> Vec<String> {
        let _turn = self.turn.lock().unwrap();
        let next = AtomicUsize::new(0);
        let results: Mutex<BTreeMap<usize, String>> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::SeqCst);
                        let Some((scenario, program, means)) = jobs.get(at) else { return };
                        let text = self.transcript(scenario, program, *means);
                        results.lock().unwrap().insert(at, text);
                    }
                });
            }
        });
        results.into_inner().unwrap().into_values().collect()
    }
}

/// Copies a program by another process: were the copy open for writing here, a child that is forked at this moment would keep it so
/// until its exec, and the kernel would refuse to execute it (ETXTBSY).
fn copied(from: impl AsRef<Path>, to: &Path) {
    assert!(Command::new("/bin/cp").arg(from.as_ref()).arg(to).status().unwrap().success());
}
