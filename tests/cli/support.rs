//! A workbench for tests on the real binary: a directory with specs, programs and state of its own, and an
//! independent account of every process that was started in it.
//!
//! Programs under test append their PID to the file `starts` first of all, so the number of copies ever started is
//! known without asking selfsame. When the bench is dropped, exactly the processes that live in it are ended.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "test support, shared by several test files that each use a part of it"
)]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
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
        // By another process: were it open for writing here, a child that another test forks at this moment
        // would keep it open until its exec, and the kernel would refuse to execute it (ETXTBSY).
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0.new\" && chmod 755 \"$0.new\" && mv \"$0.new\" \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        path
    }

    /// A copy of a program, made by another process, for the same reason.
    pub fn copy_of(&self, program: &str, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert!(Command::new("/bin/cp").args(["--", program]).arg(&path).status().unwrap().success());
        path
    }

    /// Writes `specs/NAME.yaml`: a Service with this `spec`, given as YAML lines without indentation.
    pub fn spec(&self, name: &str, spec: &str) -> PathBuf {
        let body = format!("  {}\n", spec.trim().replace('\n', "\n  "));
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
        if matches!(args.first(), Some(&("apply" | "start" | "restart"))) {
            self.until_noted();
        }
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

    /// Ends a watch that a test began by itself with the bench.
    pub fn keep_watch(&mut self, watch: Child) {
        self.watches.push(watch);
    }

    /// What `change` does is one change for the newest watch, which stands still meanwhile: nothing that this test can't help, as
    /// that it has to wait for a processor, comes between its parts.
    pub fn at_once(&self, change: impl FnOnce()) {
        let watch = i32::try_from(self.watches.last().unwrap().id()).unwrap();
        signal(watch, "STOP");
        until("the watch to stand still", || stat_field(watch, 3) == "T");
        change();
        signal(watch, "CONT");
    }

    pub fn watch_log(&self) -> String {
        fs::read_to_string(self.path("watch.log")).unwrap_or_default()
    }

    /// Sends a signal to the newest watch and waits for its end.
    pub fn end_watch(&mut self, signal: &str) {
        let mut child = self.watches.pop().unwrap();
        self::signal(child.id(), signal);
        until("watch to end", || child.try_wait().unwrap().is_some());
    }

    /// A daemon in perl that notes its PID, name and arguments, and a Service that runs it. `more` is further YAML
    /// lines of its spec.
    pub fn daemon(&self, name: &str, more: &str) -> PathBuf {
        let script = self.script(&format!("bin/{name}"), DAEMON);
        self.daemon_spec(name, more);
        script
    }

    /// Only the Service of [`Bench::daemon`], for a change of it.
    pub fn daemon_spec(&self, name: &str, more: &str) -> PathBuf {
        self.spec(name, &format!("startas: {}\n{}", self.path(&format!("bin/{name}")).display(), quick(more)))
    }

    fn noted(&self) -> Vec<(i32, String)> {
        let text = fs::read_to_string(self.path("starts")).unwrap_or_default();
        let row = |line: &str| {
            let (pid, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            Some((pid.parse().ok()?, rest.trim().to_owned()))
        };
        text.lines().filter_map(row).collect()
    }

    /// The newest watch, for a test that wants to see how it ends.
    pub fn take_watch(&mut self) -> Child {
        self.watches.pop().unwrap()
    }

    /// Takes a watch in, to be ended with the bench.
    pub fn give_watch(&mut self, watch: Child) {
        self.watches.push(watch);
    }

    /// Every PID that a program of this bench noted at its start, in order.
    pub fn starts(&self) -> Vec<i32> {
        self.noted().into_iter().map(|(pid, _)| pid).collect()
    }

    /// The starts of one daemon: PID, and its arguments with blanks between them.
    pub fn starts_of(&self, name: &str) -> Vec<(i32, String)> {
        let of = |words: String| {
            let (first, rest) = words.split_once(' ').unwrap_or((&words, ""));
            (first == name).then(|| rest.to_owned())
        };
        self.noted().into_iter().filter_map(|(pid, words)| Some((pid, of(words)?))).collect()
    }

    /// Those of them that live now.
    pub fn alive_of(&self, name: &str) -> Vec<i32> {
        self.starts_of(name).into_iter().map(|(pid, _)| pid).filter(|pid| self.is_ours(*pid)).collect()
    }

    /// Waits until this daemon runs exactly once, and gives its PID.
    #[track_caller]
    pub fn the_pid_of(&self, name: &str) -> i32 {
        let mut found = 0;
        until(&format!("one `{name}`"), || {
            let alive = self.alive_of(name);
            found = alive.first().copied().unwrap_or_default();
            alive.len() == 1
        });
        found
    }

    /// Those that noted their start and live now.
    pub fn alive(&self) -> Vec<i32> {
        self.starts().into_iter().filter(|pid| self.is_ours(*pid)).collect()
    }

    /// Waits until every service that lives has noted its start: selfsame calls it Running, or is done with it, as soon as its
    /// process is there, which on a slow machine is long before the first line of its program.
    #[track_caller]
    pub fn until_noted(&self) {
        until("the notes of what was started", || {
            let noted = self.starts();
            !pids().any(|pid| !noted.contains(&pid) && leads_session(pid) && self.runs_what_notes(pid))
        });
    }

    /// Its command line names a program of this bench that notes its starts.
    fn runs_what_notes(&self, pid: i32) -> bool {
        let list = self.path("starts").display().to_string();
        let argv = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if argv.is_empty() {
            // In the middle of its exec.
            return self.is_ours(pid);
        }
        let words = argv.split(|byte| *byte == 0).map(|word| PathBuf::from(OsStr::from_bytes(word)));
        let mut files = words.filter(|path| path.starts_with(self.root()) && path.is_file());
        files.any(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&list))) && is_alive(pid)
    }

    /// Every process of this bench that lives, whether it noted its start or not; selfsame itself is not counted.
    pub fn inhabitants(&self) -> Vec<i32> {
        let own = fs::canonicalize(env!("CARGO_BIN_EXE_selfsame")).unwrap();
        let is_selfsame = |pid: &i32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == own);
        pids().filter(|pid| self.is_ours(*pid) && !is_selfsame(pid)).collect()
    }

    /// Lives, and is a process of this bench: its output or its directory is in here.
    pub fn is_ours(&self, pid: i32) -> bool {
        let root = fs::canonicalize(self.dir.path()).unwrap();
        let inside = |link: &str| {
            fs::read_link(format!("/proc/{pid}/{link}")).is_ok_and(|target| target.starts_with(&root))
        };
        is_alive(pid) && (inside("fd/1") || inside("cwd"))
    }

    /// Runs a program of this bench, though its output and its directory are elsewhere: in a file system of the test's own.
    fn named_here(&self) -> Vec<i32> {
        let programs = self.path("bin/").display().to_string().into_bytes();
        let names = |pid: &i32| {
            let argv = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            argv.split(|byte| *byte == 0).any(|word| word.starts_with(&programs))
        };
        pids().filter(|pid| names(pid) && is_alive(*pid)).collect()
    }

    pub fn kill(&self, pid: i32, signal: &str) {
        assert!(self.is_ours(pid), "{pid} is not a process of this test");
        self::signal(pid, signal);
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

    /// A connection to the control socket of a running watch.
    pub fn connect(&self) -> std::io::Result<UnixStream> {
        // Below a descriptor, so that the name fits into an address.
        let directory = fs::File::open(self.path("state/run"))?;
        UnixStream::connect(format!("/proc/self/fd/{}/control", directory.as_raw_fd()))
    }

    /// Says one line on the control socket and hears one: nothing where the other end is gone.
    #[track_caller]
    pub fn say(&self, line: &str) -> String {
        let mut stream = self.connect().unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        answer
    }

    /// The same, with an answer.
    #[track_caller]
    pub fn call(&self, line: &str) -> serde_json::Value {
        let answer = self.say(line);
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?} to {line:?}"))
    }

    /// The status of all objects.
    pub fn status(&self) -> serde_json::Value {
        self.whole_status()["objects"].take()
    }

    /// Everything that status says: objects and sources.
    pub fn whole_status(&self) -> serde_json::Value {
        serde_json::from_str(&self.run(&["status", "--output", "json"]).stdout).unwrap_or_default()
    }

    /// The status of one object.
    pub fn status_of(&self, name: &str) -> serde_json::Value {
        let all = self.status();
        let found =
            all.as_array().and_then(|list| list.iter().find(|object| object["name"] == name).cloned());
        found.unwrap_or_default()
    }

    /// The status of one policy.
    pub fn policy_status_of(&self, name: &str) -> serde_json::Value {
        let all = self.whole_status()["policies"].take();
        all.as_array().and_then(|all| all.iter().find(|one| one["name"] == name).cloned()).unwrap_or_default()
    }

    /// The events on record, as a program reads them: those that these further arguments choose.
    pub fn events(&self, more: &[&str]) -> Vec<serde_json::Value> {
        let lines = self.ok(&[&["events", "--output", "json"], more].concat()).stdout;
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The PIDs that status names for one object.
    pub fn status_pids(&self, name: &str) -> Vec<i32> {
        let status = self.status_of(name);
        let instances = status["instances"].as_array().cloned().unwrap_or_default();
        instances.iter().filter_map(|i| i["pid"].as_i64()).filter_map(|pid| i32::try_from(pid).ok()).collect()
    }

    /// One condition in the status of one object.
    pub fn condition(&self, name: &str, kind: &str) -> serde_json::Value {
        let status = self.status_of(name);
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
    }

    /// Waits until status calls these objects Running.
    #[track_caller]
    pub fn until_running(&self, names: &[&str]) {
        self.until_phase(names, "Running");
    }

    /// Waits until status gives this phase for these objects; what it calls Running has noted its start then.
    #[track_caller]
    pub fn until_phase(&self, names: &[&str], phase: &str) {
        until(&format!("{names:?} to be {phase}"), || {
            let all = self.status();
            let is = |name: &&str| {
                all.as_array()
                    .is_some_and(|list| list.iter().any(|o| o["name"] == **name && o["phase"] == phase))
            };
            names.iter().all(is)
        });
        if phase == "Running" {
            self.until_noted();
        }
    }

    /// Waits until status speaks about this generation of an object.
    #[track_caller]
    pub fn until_generation(&self, name: &str, generation: u64) {
        until(&format!("generation {generation} of `{name}`"), || {
            self.status_of(name)["observedGeneration"] == generation
        });
    }
}

/// Notes its PID, name and arguments, then sleeps for ever.
pub const DAEMON: &str = "#!/usr/bin/perl
$| = 1; (my $name = $0) =~ s{.*/}{};
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ $name @ARGV\\n\"); close $f;
sleep 1 while 1;
";

/// These spec lines, and where they don't say it themselves, such as let a test go on soon.
pub fn quick(lines: &str) -> String {
    let defaults = [
        ("readiness:", "readiness: {aliveFor: 150ms}"),
        ("stop:", "stop: {schedule: [{signal: TERM, wait: 1m}, {signal: KILL, wait: 1m}]}"),
    ];
    let mut text = lines.trim().to_owned();
    for (key, line) in defaults {
        if !lines.lines().any(|own| own.starts_with(key)) {
            text.push('\n');
            text.push_str(line);
        }
    }
    text
}

/// Every process but the first.
fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").unwrap();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    entries.filter_map(move |entry| number(entry.ok()?)).filter(|pid| *pid > 1)
}

/// As everything does that selfsame starts, and nothing that such a process forks.
fn leads_session(pid: i32) -> bool {
    stat_field(pid, 6) == pid.to_string()
}

/// Sends a signal to a process that the test knows to be its own.
pub fn signal(pid: impl std::fmt::Display, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

/// Exists and is not a zombie.
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !after.is_empty() && !after.starts_with('Z')
}

/// The words after the command name in `/proc/PID/stat`, beginning with the state: field 3 is the first.
pub fn stat_field(pid: i32, field: usize) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let words = stat.rsplit(')').next().unwrap_or_default();
    words.split_whitespace().nth(field - 3).unwrap_or_default().to_owned()
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

impl Bench {
    /// The control groups of this bench: a killed engine leaves them to the next one, and here comes none.
    fn remove_groups(&self) {
        let text = fs::read_to_string(self.path("state/run/groups.json")).unwrap_or_default();
        let bases: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        for base in bases.as_array().into_iter().flatten() {
            let controllers = base["controllers"].as_object().into_iter().flat_map(|all| all.values());
            for dir in std::iter::once(&base["tree"]).chain(controllers).filter_map(serde_json::Value::as_str)
            {
                for _ in 0..20 {
                    for group in fs::read_dir(dir).into_iter().flatten().flatten() {
                        let _ = fs::remove_dir(group.path());
                    }
                    match fs::remove_dir(dir) {
                        // What was killed a moment ago may not be gone yet.
                        Err(error) if error.raw_os_error() == Some(16) => {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        _ => break,
                    }
                }
            }
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for watch in &mut self.watches {
            let _ = watch.kill();
            let _ = watch.wait();
        }
        // A service may be between fork and exec, or fork on: ended only when a look finds nobody.
        for _ in 0..50 {
            let mut left = self.inhabitants();
            left.extend(self.named_here());
            if left.is_empty() {
                break;
            }
            let pids: Vec<String> = left.iter().map(ToString::to_string).collect();
            let _ = Command::new("kill").arg("-KILL").args(&pids).stderr(Stdio::null()).status();
            std::thread::sleep(Duration::from_millis(5));
        }
        self.remove_groups();
        if std::thread::panicking() {
            eprintln!("watch log:\n{}", self.watch_log());
        }
    }
}

/// Polls a condition, with a limit far above what it should take: a minute, of which the time in which this process, or the whole
/// machine, stood still is no part.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let (mut waited, mut last) = (Duration::ZERO, Instant::now());
    while !condition() {
        assert!(waited < Duration::from_mins(1), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
        waited += last.elapsed().min(Duration::from_secs(1));
        last = Instant::now();
    }
}

/// A port of the loopback device that nobody has now, and nobody else is given: below the range of those that the kernel chooses
/// (`ip_local_port_range`), and another one with each call.
pub fn free_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let port = |n: u32| u16::try_from(20_000 + n % 8_000).unwrap();
    loop {
        let port = port(std::process::id() * 61 + CALLS.fetch_add(1, Ordering::Relaxed));
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
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
