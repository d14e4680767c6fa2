//! A workbench for tests on the real binary: a directory with specs, programs and state of its own, and an
//! independent account of every process that was started in it.
//!
//! Programs under test append their PID to the file `starts` first of all, so the number of copies ever started is
//! known without asking selfsame. When the bench is dropped, exactly those processes are ended.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "test support, shared by several test files that each use a part of it"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Bench {
    dir: tempfile::TempDir,
    watches: Vec<Child>,
}

#[derive(Debug)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Bench {
    pub fn new() -> Self {
        // Below the build directory: a place that belongs to the user who runs the tests, without links in its path.
        let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir_all(dir.path().join("specs")).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir, watches: Vec::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file the way an editor does: a temporary name, then a rename.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let temporary = path.with_file_name(format!(".{}.new", path.file_name().unwrap().to_string_lossy()));
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, &path).unwrap();
        path
    }

    /// Writes an executable script; `%STARTS%` in it becomes the path of the list of starts.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let text = text.replace("%STARTS%", &self.path("starts").to_string_lossy());
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Writes `specs/NAME.yaml`: a Service with this `spec`, given as YAML lines without indentation.
    pub fn spec(&self, name: &str, spec: &str) -> PathBuf {
        let body: String = spec.trim().lines().map(|line| format!("  {line}\n")).collect();
        let text =
            format!("apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n{body}");
        self.write(&format!("specs/{name}.yaml"), &text)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_selfsame"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("SELFSAME_STATE_DIR", self.path("state"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        Ran {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Runs and expects success.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "selfsame {args:?}\nstdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// `selfsame watch specs` in the background; it is ended with the bench.
    pub fn watch(&mut self, more: &[&str]) -> u32 {
        let log = fs::File::options().create(true).append(true).open(self.path("watch.log")).unwrap();
        let mut args = vec!["watch", "specs"];
        args.extend(more);
        let child = self.command(&args).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let pid = child.id();
        self.watches.push(child);
        pid
    }

    pub fn watch_log(&self) -> String {
        fs::read_to_string(self.path("watch.log")).unwrap_or_default()
    }

    /// Sends a signal to the newest watch and waits for its end.
    pub fn end_watch(&mut self, signal: &str) {
        let mut child = self.watches.pop().unwrap();
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        until("watch to end", || child.try_wait().unwrap().is_some());
    }

    /// Every PID that a program of this bench noted at its start, in order.
    pub fn starts(&self) -> Vec<i32> {
        let text = fs::read_to_string(self.path("starts")).unwrap_or_default();
        text.lines().filter_map(|line| line.trim().parse().ok()).collect()
    }

    /// Those of them that live now.
    pub fn alive(&self) -> Vec<i32> {
        self.starts().into_iter().filter(|pid| self.is_ours(*pid)).collect()
    }

    /// Lives, and is a process of this bench: its output or its directory is in here.
    fn is_ours(&self, pid: i32) -> bool {
        let root = fs::canonicalize(self.dir.path()).unwrap();
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let zombie = state.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z');
        let inside = |link: &str| {
            fs::read_link(format!("/proc/{pid}/{link}")).is_ok_and(|target| target.starts_with(&root))
        };
        !zombie && (inside("fd/1") || inside("cwd"))
    }

    pub fn kill(&self, pid: i32, signal: &str) {
        assert!(self.is_ours(pid), "{pid} is not a process of this test");
        assert!(Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap().success());
    }

    /// Starts a program by hand, as somebody else would, with its output in this bench.
    pub fn by_hand(&self, directory: &Path, program: &str, args: &[&str]) -> Child {
        let log = fs::File::options().create(true).append(true).open(self.path("by-hand.log")).unwrap();
        Command::new(program)
            .args(args)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    pub fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.run(&["status", "--output", "json"]).stdout).unwrap_or_default()
    }

    /// The status of one object.
    pub fn status_of(&self, name: &str) -> serde_json::Value {
        let all = self.status();
        let found =
            all.as_array().and_then(|list| list.iter().find(|object| object["name"] == name).cloned());
        found.unwrap_or_default()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for watch in &mut self.watches {
            let _ = watch.kill();
            let _ = watch.wait();
        }
        for pid in self.alive() {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
        if std::thread::panicking() {
            eprintln!("watch log:\n{}", self.watch_log());
        }
    }
}

/// Polls a condition, with a limit far above what it should take.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a program is there, with a word to the reader of the test output if not.
pub fn has(program: &str) -> bool {
    let found = Path::new(program).exists();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}
