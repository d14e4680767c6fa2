//! The services, the engine, and the strangers.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::fury::Means;

/// A single process that the identity rule finds: the shell waits in itself, on a FIFO that nobody writes to.
const PLAIN: &str = "#!/bin/sh\necho \"$$ $NEMESIS\" >> '%DIR%/starts'\nexec 3<> '%DIR%/never'\nwhile :; do read x <&3; done\n";
/// A process that only its record knows.
const HIDDEN: &str = "#!/bin/sh\necho \"$$ $NEMESIS\" >> '%DIR%/starts'\nexec /bin/sleep 100000\n";
/// Notes every signal that it can.
const STRANGER: &str = "#!/bin/sh\nfor s in TERM INT HUP QUIT USR1 USR2 CONT; do trap \"echo $$ $s >> '%DIR%/hits'\" $s; done\n\
exec 3<> '%DIR%/never'\nwhile :; do read x <&3; done\n";

pub(crate) struct Field {
    dir: tempfile::TempDir,
    engine: Option<Child>,
    strangers: Vec<Child>,
    pub(crate) faults: &'static str,
    broken: Option<&'static str>,
    versions: Vec<u32>,
    pub(crate) names: Vec<String>,
    pub(crate) strangers_made: u32,
    pub(crate) recycled: u32,
}

impl Field {
    pub(crate) fn new(means: &Means) -> Self {
        let dir =
            tempfile::Builder::new().prefix("nemesis-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let field = Self {
            dir,
            engine: None,
            strangers: Vec::new(),
            faults: means.faults,
            broken: means.broken,
            versions: vec![0; means.services],
            names: (0..means.services).map(|index| format!("s{index:03}")).collect(),
            strangers_made: 0,
            recycled: 0,
        };
        for sub in ["specs", "bin"] {
            fs::create_dir_all(field.path(sub)).unwrap();
        }
        assert!(Command::new("mkfifo").arg(field.path("never")).status().unwrap().success());
        field.script("stranger", STRANGER);
        for index in 0..means.services {
            let name = field.names[index].clone();
            field.script(&name, if index % 2 == 0 { PLAIN } else { HIDDEN });
            field.write_spec(index);
        }
        field
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        let text = text.replace("%DIR%", &self.dir.path().to_string_lossy());
        // By another process: what is forked here meanwhile must not hold it open for writing.
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
    }

    fn write_spec(&self, index: usize) {
        let (name, version) = (&self.names[index], self.versions[index]);
        let program = self.path("bin").join(name);
        let adopt = if index.is_multiple_of(2) { "ifMatches" } else { "never" };
        let text = format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  startas: {}\n  env: {{NEMESIS: \
             {name}, VERSION: \"{version}\"}}\n  adopt: {adopt}\n  readiness: {{aliveFor: 100ms}}\n  restart: {{backoff: \
             100ms, maxBackoff: 500ms}}\n  stop: {{schedule: [{{signal: TERM, wait: 300ms}}, {{signal: KILL, wait: 5s}}]}}\n",
            program.display()
        );
        let temporary = self.path("specs").join(format!(".{name}.new"));
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, self.path("specs").join(format!("{name}.yaml"))).unwrap();
    }

    /// A restart-class change.
    pub(crate) fn edit(&mut self, index: usize) {
        self.versions[index] += 1;
        self.write_spec(index);
    }

    pub(crate) fn start_engine(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.path("watch.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_selfsame"));
        command
            .args(["watch", "specs", "--settle", "20ms", "--settle-max", "100ms", "--resync", "2s"])
            .current_dir(self.dir.path())
            .env("SELFSAME_STATE_DIR", self.path("state"))
            .env("SELFSAME_FAILPOINTS", self.faults)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(broken) = self.broken {
            command.env("SELFSAME_BREAK", broken);
        }
        self.engine = Some(command.spawn().unwrap());
    }

    pub(crate) fn kill_engine(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            // It may have ended by itself, which is noticed below.
            let _ = engine.kill();
            engine.wait().unwrap();
        }
    }

    /// The engine never ends by itself.
    pub(crate) fn engine_ended(&mut self) -> Option<String> {
        let status = self.engine.as_mut()?.try_wait().unwrap()?;
        Some(format!("the engine ended by itself: {status}"))
    }

    /// A stranger, under this number if it is to be had.
    pub(crate) fn stranger(&mut self, wanted: Option<i32>) {
        if let Some(wanted) = wanted {
            let _ = fs::write("/proc/sys/kernel/ns_last_pid", (wanted - 1).to_string());
        }
        let child = Command::new(self.path("bin/stranger"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.strangers_made += 1;
        self.recycled += u32::from(wanted == i32::try_from(child.id()).ok());
        self.strangers.push(child);
    }

    /// A stranger that got a signal: none of them is ever sent one by us.
    pub(crate) fn strangers_hit(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        self.strangers.retain_mut(|stranger| match stranger.try_wait().unwrap() {
            Some(status) => {
                found.push(format!("a stranger was ended: {} by {:?}", stranger.id(), status.signal()));
                false
            }
            None => true,
        });
        let hits = fs::read_to_string(self.path("hits")).unwrap_or_default();
        found.extend(hits.lines().map(|line| format!("a stranger was signalled: {line}")));
        found
    }

    pub(crate) fn starts(&self) -> usize {
        fs::read_to_string(self.path("starts")).unwrap_or_default().lines().count()
    }

    /// What the running engine says: how many are Running.
    pub(crate) fn running(&self) -> usize {
        let status = self.ask(r#"{"version":1,"ask":{"status":{}}}"#).unwrap_or_default();
        let rows = status["reply"]["status"]["objects"].as_array().cloned().unwrap_or_default();
        rows.iter().filter(|row| row["phase"] == "Running").count()
    }

    /// One call on the control socket; an engine that is being killed all the time may not answer.
    fn ask(&self, line: &str) -> std::io::Result<serde_json::Value> {
        let directory = fs::File::open(self.path("state/run"))?;
        let mut stream = UnixStream::connect(format!("/proc/self/fd/{}/control", directory.as_raw_fd()))?;
        stream.set_read_timeout(Some(std::time::Duration::from_secs(2)))?;
        stream.write_all(format!("{line}\n").as_bytes())?;
        let mut answer = String::new();
        std::io::BufReader::new(stream).read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer).unwrap_or_default())
    }

    pub(crate) fn log(&self) -> String {
        let text = fs::read_to_string(self.path("watch.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        self.kill_engine();
        for stranger in &mut self.strangers {
            let _ = stranger.kill();
            let _ = stranger.wait();
        }
        // The namespace ends with its first process, and everything in it.
    }
}
