//! A directory with a state and a program, and an engine that can die: the whole host under the tick.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use selfsame::engine::tick::{TickOptions, tick};
use selfsame::facts::ProcessKey;
use selfsame::host::signal::hold;
use selfsame::host::spawn::send_signal;
use selfsame::host::state_dir::Dirs;
use selfsame::host::{HostOptions, LinuxHost, clock};
use selfsame::plan::QuestionHints;
use selfsame::plan::memory::{Instances, Memory, Phase};
use selfsame::spec::{ReadinessCheck, Service, ServiceName, SpecSet};
use selfsame::units::Signal;

use crate::support::{dirs, eventually, script, service};

/// A directory with a state, a program of its own name, and an engine that can die.
pub struct Stage {
    pub base: tempfile::TempDir,
    pub dirs: Dirs,
    pub host: Option<LinuxHost>,
    pub memory: Memory,
    pub set: SpecSet,
}

impl Stage {
    pub fn new(text: &str) -> Self {
        let base = tempfile::tempdir().unwrap();
        let dirs = dirs(base.path());
        script(&base.path().join("daemon"), text);
        let mut stage = Self {
            dirs: dirs.clone(),
            host: None,
            memory: Memory::new(selfsame::host::signal::boot_id().unwrap()),
            set: SpecSet::default(),
            base,
        };
        stage.begin();
        let spec = Service {
            startas: stage.program(),
            args: vec![],
            readiness: selfsame::spec::Readiness {
                check: ReadinessCheck::AliveFor(Duration::from_millis(50)),
                period: Duration::from_millis(20),
                ..(*service("x").readiness).clone()
            }
            .into(),
            ..service("web")
        };
        stage.set.services.insert(name(), spec.into());
        stage
    }

    pub fn program(&self) -> PathBuf {
        self.base.path().canonicalize().unwrap().join("daemon")
    }

    /// A new engine takes over.
    pub fn begin(&mut self) {
        let options = HostOptions {
            subreaper: std::env::var_os(INSIDE).is_some(),
            // Children that other tests start at this moment hold a copy of the lock until they execute.
            lock_timeout: Duration::from_mins(1),
            ..HostOptions::default()
        };
        let mut host = LinuxHost::open(&self.dirs, options).unwrap();
        let loaded = host.load().unwrap();
        assert_eq!(loaded.problems, Vec::<String>::new());
        self.memory = loaded.memory;
        self.host = Some(host);
    }

    /// The engine is gone, with all that it knew; its children live on.
    pub fn crash(&mut self) {
        self.host = None;
        self.begin();
    }

    pub fn spec(&mut self) -> &mut Service {
        std::sync::Arc::make_mut(self.set.services.get_mut(&name()).unwrap())
    }

    pub fn tick(&mut self) -> Option<selfsame::units::BootTime> {
        self.tick_with(true)
    }

    /// One tick: with a look at everything, or only at what it needs.
    pub fn tick_with(&mut self, full: bool) -> Option<selfsame::units::BootTime> {
        let options = TickOptions { hints: QuestionHints { full }, ..TickOptions::default() };
        let tick = tick(self.host.as_mut().unwrap(), &self.set, &mut self.memory, options);
        assert_eq!(tick.not_remembered, None);
        if tick.again {
            None
        } else {
            Some(tick.next.unwrap_or(clock::now().boot.after(Duration::from_secs(1))))
        }
    }

    /// Ticks until it is so, a minute at most.
    #[track_caller]
    pub fn until(&mut self, what: &str, is: impl Fn(&Instances) -> bool) {
        let end = Instant::now() + Duration::from_mins(1);
        while !self.memory.services.get(&name()).is_some_and(|record| is(&record.instances)) {
            assert!(Instant::now() < end, "{what}: {:#?}", self.memory);
            if let Some(next) = self.tick() {
                let soon = clock::now().boot.after(Duration::from_millis(50));
                self.host.as_mut().unwrap().wait(Some(next.min(soon))).unwrap();
            }
        }
    }

    #[track_caller]
    pub fn until_running(&mut self) -> ProcessKey {
        self.until("running", |instances| matches!(phase(instances), Some(Phase::Running { .. })));
        let key = match phase(&self.memory.services[&name()].instances) {
            Some(Phase::Running { process, .. }) => process.key.clone(),
            other => panic!("{other:?}"),
        };
        // It counts as running when it has lived for a moment, though it may be in the middle of its exec.
        eventually("its arguments", || {
            let text = fs::read(format!("/proc/{}/cmdline", key.pid));
            text.map_or(Some(()), |text| (!text.is_empty()).then_some(()))
        });
        key
    }

    /// Processes of this machine that run the program, by what stands in their arguments or by the file they execute; without
    /// what such a shell forked for a moment.
    pub fn copies(&self) -> BTreeSet<i32> {
        let program = self.program();
        let parents: BTreeMap<i32, i32> = procfs::process::all_processes()
            .unwrap()
            .filter_map(|process| {
                let process = process.ok()?;
                let stat = process.stat().ok().filter(|stat| stat.state != 'Z')?;
                let words = process.cmdline().ok()?;
                let named = words.get(1).is_some_and(|word| Path::new(word) == program);
                let runs = named || process.exe().is_ok_and(|exe| exe == program);
                runs.then_some((process.pid, stat.ppid))
            })
            .collect();
        parents.iter().filter(|(_, parent)| !parents.contains_key(parent)).map(|(pid, _)| *pid).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for pid in self.copies() {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// Set in a process that runs one test alone: then the engine may collect every child.
pub const INSIDE: &str = "SELFSAME_TEST_ALONE";

pub fn name() -> ServiceName {
    ServiceName::new("web").unwrap()
}

pub fn phase(instances: &Instances) -> Option<&Phase> {
    instances.get(&0).map(|instance| &instance.phase)
}

pub fn kill(key: &ProcessKey) {
    send_signal(&hold(key).unwrap().pidfd, Signal::KILL).unwrap();
}

/// Its process is a shell that waits on a pipe of its own, without a child.
pub const DAEMON: &str =
    "#!/bin/sh\nexec 3<>\"$(dirname \"$0\")/fifo\" 2>/dev/null\nwhile read -r line <&3; do :; done\n";

pub fn with_fifo(stage: &Stage) {
    let path = stage.base.path().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR).unwrap();
}
