//! One init script in namespaces of its own: what to run and what was seen. `inside.pl` is PID 1 there.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Script {
    pub name: String,
    /// What the comm of the daemon matches.
    pub daemon: String,
    /// sh commands that come first.
    pub setup: String,
}

/// What a tried script came to.
#[derive(Debug)]
pub enum Outcome {
    /// Per step what was seen.
    Seen(Vec<Value>),
    /// This host can't, and why.
    Skipped(String),
    /// The attempt itself went wrong.
    Failed(String),
}

/// How a script is tried.
#[derive(Debug, Default, Clone)]
pub struct Manner {
    /// What stands in place of start-stop-daemon.
    pub replacement: Option<PathBuf>,
    /// Files of this host by the path where they are seen inside.
    pub binaries: Vec<(String, PathBuf)>,
    /// The states to wait for.
    pub expected: Option<Vec<Value>>,
    /// Name, command and what to wait for of each step (see `inside.pl`); empty for the life of a service.
    pub steps: Vec<(String, String, String)>,
}

const LIFE: [(&str, &str, &str); 6] = [
    ("start", "start", "up"),
    ("second start", "start", "up"),
    ("status", "status", "look"),
    ("restart", "restart", "up"),
    ("stop", "stop", "quiet"),
    ("status after", "status", "look"),
];

/// What could reach beyond the namespaces: the clock, modules, a reboot, ports, the kernel's log.
const TAKEN: &str = "-sys_time,-sys_module,-sys_boot,-sys_rawio,-syslog";

/// Seconds for one attempt; steps have limits of their own.
const LIMIT: &str = "300";

pub fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init_scripts").join(name)
}

/// Where `tests/init_scripts/root` makes the Debian root, unless told otherwise.
pub fn directory() -> PathBuf {
    let named = std::env::var_os("INIT_SCRIPTS_DIR").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/init-scripts"))
}

/// The rows of the table that are scripts.
pub fn table() -> Vec<Script> {
    let text = std::fs::read_to_string(here("table")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("- "));
    let script = |line: &str| {
        let fields: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
        let [_, name, daemon, setup] = fields[..] else { panic!("not four fields: {line}") };
        Script { name: name.to_owned(), daemon: daemon.to_owned(), setup: setup.to_owned() }
    };
    rows.map(script).collect()
}

/// All, or those that `INIT_SCRIPTS_ONLY=a,b` names.
pub fn chosen() -> Vec<Script> {
    match std::env::var("INIT_SCRIPTS_ONLY") {
        Ok(only) => rows(&only.split(',').collect::<Vec<_>>()),
        Err(_) => table(),
    }
}

/// The rows of these names.
pub fn rows(names: &[&str]) -> Vec<Script> {
    table().into_iter().filter(|script| names.contains(&script.name.as_str())).collect()
}

/// Differences of a script that are meant, each with its reason.
pub fn named(script: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(here("named")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.splitn(3, '|').map(str::trim).collect();
        let [name, line, reason] = fields[..] else { panic!("not three fields: {line}") };
        (name, (line.to_owned(), reason.to_owned()))
    });
    rows.filter(|(name, _)| *name == script).map(|(_, row)| row).collect()
}

/// Why nothing can be tried here, if nothing can.
pub fn hindrance() -> Option<String> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        return Some("only root can make the namespaces".to_owned());
    }
    let made = directory().join("made");
    (!made.exists()).then(|| "no Debian root here, `tests/init_scripts/root` makes one".to_owned())
}

pub fn attempt(script: &Script, manner: &Manner) -> Outcome {
    let work = tempfile::Builder::new().prefix("init-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let call = |command| format!("/etc/init.d/{} {command}", script.name);
    let life = LIFE.map(|(name, command, wait)| (name.to_owned(), call(command), wait.to_owned()));
    let binaries: serde_json::Map<String, Value> =
        manner.binaries.iter().map(|(path, file)| (path.clone(), json!(file))).collect();
    let task = json!({
        "root": directory().join("root"),
        "work": work.path(),
        "script": script.name,
        "daemon": script.daemon,
        "setup": script.setup,
        "replacement": manner.replacement,
        "binaries": binaries,
        "expected": manner.expected,
        "steps": if manner.steps.is_empty() { life.to_vec() } else { manner.steps.clone() },
    });
    let output = in_namespaces(&task.to_string());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let Ok(answer) = serde_json::from_slice::<Value>(&output.stdout) else {
        return Outcome::Failed(format!("{}: {errors}", output.status));
    };
    match (answer["skipped"].as_str(), answer["steps"].as_array()) {
        (Some(reason), _) => Outcome::Skipped(format!("{reason} {errors}")),
        (None, Some(steps)) => Outcome::Seen(steps.clone()),
        (None, None) => Outcome::Failed(format!("{answer} {errors}")),
    }
}

/// All that a script starts ends with PID 1 of its namespaces, and that one ends with `unshare`.
fn in_namespaces(task: &str) -> Output {
    let mut command = Command::new("timeout");
    command.args([
        "--kill-after=5",
        LIMIT,
        "unshare",
        "--pid",
        "--mount",
        "--net",
        "--uts",
        "--ipc",
        "--fork",
    ]);
    command.args(["--kill-child", "setpriv", "--bounding-set", TAKEN, "perl"]).arg(here("inside.pl"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(task.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Does something with each, a few side by side: scripts wait more than they compute. Results in the same order.
pub fn side_by_side<I: Sync, T: Send>(items: &[I], act: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let workers = 3 * std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(number) else { break };
                    let result = act(item);
                    results.lock().unwrap().push((number, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}
