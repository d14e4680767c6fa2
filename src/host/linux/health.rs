//! The answers to a tick's questions about the health of processes.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::LinuxHost;
use super::observe::{below, named_by_pidfile};
use super::rule::Found;
use crate::facts::{Fact, ProcessKey, Protocol, Reason, Why};
use crate::host::clock;
use crate::host::errno::io_text;
use crate::host::log_lines::{self, LogLines};
use crate::host::look::pidfile_path;
use crate::host::probe::Answer;
use crate::host::proc::LiveWorld;
use crate::host::say::{Heard, Listeners};
use crate::plan::action::{Launch, OutputTarget, Purpose};
use crate::plan::memory::Image;
use crate::plan::observation::{Beat, HealthSeen, Prepared, ProcessQuestion};
use crate::plan::output::{Stream, target};
use crate::plan::{notify_socket, output_marks};
use crate::plugin;
use crate::process::identity::Ternary;
use crate::process::world::World;
use crate::spec::{Expression, KnownHost, ReadinessCheck, Service, ServiceName, StartCondition};
use crate::units::Pid;

/// What this host keeps for answers about health.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) listeners: Listeners,
    pub(super) log_lines: LogLines,
    /// Processes whose port is known not to be a stranger's.
    own_port: BTreeSet<ProcessKey>,
}

impl Ears {
    /// Nothing was heard yet; journals of outputs lie in `journals`.
    pub(super) fn new(journals: PathBuf) -> Self {
        let log_lines = LogLines::new(journals);
        Self { listeners: Listeners::default(), log_lines, own_port: BTreeSet::new() }
    }

    /// Forgets what is no longer on record.
    pub(super) fn retain(&mut self, keys: &BTreeSet<&ProcessKey>, who: impl Fn(&(ServiceName, u32)) -> bool) {
        self.listeners.retain(who);
        self.log_lines.retain(|key| keys.contains(key));
        self.own_port.retain(|key| keys.contains(key));
    }
}

/// A process and the document that speaks of it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) name: &'a ServiceName,
    pub(super) index: u32,
    pub(super) question: &'a ProcessQuestion,
    pub(super) spec: &'a Service,
    pub(super) places: &'a Prepared,
    pub(super) world: &'a LiveWorld,
}

impl Subject<'_> {
    fn pid(&self) -> Pid {
        self.question.key.pid
    }

    /// The files that its output goes to.
    fn outputs(&self) -> Vec<PathBuf> {
        let dirs = (self.places.run_dir.as_str(), self.places.log_dir.as_str());
        let file = |stream: Stream| match target(self.spec, stream.of(self.spec), stream, self.index, dirs) {
            OutputTarget::File(path) | OutputTarget::Syslog(path) => Some(path),
            OutputTarget::Null | OutputTarget::Inherit => None,
        };
        Stream::BOTH.into_iter().filter_map(file).collect()
    }
}

impl LinuxHost {
    /// What has to be there before a process begins: somebody who listens to it, and where its output begins.
    pub(super) fn prepare_health(
        &mut self,
        name: &ServiceName,
        index: u32,
        launch: &Launch,
    ) -> Result<(), String> {
        if let Some(path) = launch.env.get("NOTIFY_SOCKET") {
            let own = || rustix::process::geteuid().as_raw();
            let uid = launch.ids.as_ref().map_or_else(own, |ids| ids.uid.0);
            let epoll = self.probes.descriptor();
            let who = (name.clone(), index);
            self.ears.listeners.open(&who, Path::new(path), uid, epoll, clock::now().boot)?;
        }
        if launch.marks_output {
            let files = [&launch.stdout, &launch.stderr].into_iter().filter_map(|target| match target {
                OutputTarget::File(path) | OutputTarget::Syslog(path) => Some(path.as_path()),
                OutputTarget::Null | OutputTarget::Inherit => None,
            });
            let file = output_marks(&self.looker.run_dir, name, index);
            log_lines::mark(&file, &files.collect::<Vec<_>>(), &self.dirs.outputs())?;
        }
        Ok(())
    }

    /// Everything that is asked about the health of a living process, besides its readiness.
    pub(super) fn health(&mut self, subject: Subject<'_>) -> HealthSeen {
        let asked = &subject.question.health;
        let mut seen = HealthSeen::default();
        if asked.said
            && let Some(heard) = self.heard(subject)
        {
            (seen.said, seen.main) = (heard.said, heard.main);
            seen.main = seen.main.filter(|_| !subject.question.starter);
            seen.beat = Some(heard.beat);
        }
        if let Some(check) = &asked.liveness {
            if let ReadinessCheck::LogLine { regex } = check {
                seen.beat = self.log_beat(subject, regex);
            }
            (seen.lives, seen.detail) = self.answer(subject, check, Purpose::Liveness);
        }
        if asked.image {
            seen.image = self.image(&subject.spec.startas);
        }
        if asked.recognized {
            let Subject { question, spec, places, world, .. } = subject;
            let found = self.rule_finds(&question.key, spec, places, world);
            seen.recognized = found.map(|found| found != Found::No);
        }
        let holds = |when: &Expression| self.holds(when, subject.pid(), subject.spec, subject.world).0;
        seen.conditions = asked.conditions.iter().map(holds).collect();
        seen
    }

    /// Of a thousand services of one program it is asked once in a look.
    fn image(&mut self, path: &Path) -> Fact<Image> {
        if let Some(known) = self.images.get(path.as_os_str()) {
            return known.clone();
        }
        let image = read_image(path);
        self.images.insert(path.as_os_str().to_owned(), image.clone());
        image
    }

    fn heard(&mut self, subject: Subject<'_>) -> Option<Heard> {
        if self.ledger.is_none() {
            return Some(Heard::by_nobody(clock::now().boot));
        }
        let path = notify_socket(&subject.places.run_dir, subject.name, subject.index);
        let who = (subject.name.clone(), subject.index);
        let (epoll, now) = (self.probes.descriptor(), clock::now().boot);
        self.ears.listeners.heard(&who, &subject.question.key, &path, epoll, now)
    }

    /// A process of its tree that a service which is gone named as its main one.
    pub(super) fn named_before(
        &mut self,
        name: &ServiceName,
        index: u32,
        question: &ProcessQuestion,
    ) -> Option<ProcessKey> {
        if !question.health.said || self.ledger.is_none() {
            return None;
        }
        let path = notify_socket(&self.looker.run_dir, name, index);
        let (epoll, now) = (self.probes.descriptor(), clock::now().boot);
        let heard = self.ears.listeners.heard(&(name.clone(), index), &question.key, &path, epoll, now)?;
        heard.main
    }

    fn log_beat(&mut self, subject: Subject<'_>, regex: &str) -> Option<Beat> {
        let about = (subject.question.key.clone(), Purpose::Liveness);
        self.ears.log_lines.beat(&about, regex, &subject.outputs(), clock::now().boot)
    }

    /// The answer to a check, and why it isn't yes.
    pub(super) fn answer(
        &mut self,
        subject: Subject<'_>,
        check: &ReadinessCheck,
        purpose: Purpose,
    ) -> (Fact<bool>, String) {
        let about = (subject.question.key.clone(), purpose);
        match check {
            ReadinessCheck::AliveFor(_) => (Fact::Absent, String::new()),
            ReadinessCheck::Pidfile => match pidfile_path(subject.spec, subject.index, subject.places) {
                Some(path) => named_by_pidfile(&path, subject.pid(), subject.world),
                None => (Fact::Known(false), "the document names no `pidfile`".into()),
            },
            ReadinessCheck::When(when) => self.holds(when, subject.pid(), subject.spec, subject.world),
            ReadinessCheck::Notify => {
                let ready = self.heard(subject).is_some_and(|heard| heard.said.ready);
                (Fact::Known(ready), if ready { String::new() } else { "it didn't say `READY=1`".into() })
            }
            ReadinessCheck::LogLine { regex } => {
                let marks = output_marks(&subject.places.run_dir, subject.name, subject.index);
                let found = self.ears.log_lines.since_start(&about, regex, &marks, clock::now().boot);
                let detail = match &found {
                    Fact::Known(false) => format!("no line of its output matches `{regex}`"),
                    Fact::Unknown(reason) => reason.to_string(),
                    Fact::Known(true) | Fact::Absent => String::new(),
                };
                (found, detail)
            }
            ReadinessCheck::Tcp { host, port } => match self.judge_port(subject, host, *port, purpose) {
                Some(doubt) => {
                    let detail = format!("who listens at port {port} can't be told yet: {doubt}");
                    (Fact::Unknown(doubt), detail)
                }
                None => self.probed(&about),
            },
            ReadinessCheck::Exec { .. } | ReadinessCheck::Http(_) | ReadinessCheck::Unix { .. } => {
                self.probed(&about)
            }
        }
    }

    fn probed(&self, about: &(ProcessKey, Purpose)) -> (Fact<bool>, String) {
        match self.probes.answer(about) {
            Some(answer) => (Fact::Known(answer.ready), answer.detail.clone()),
            None => (Fact::Absent, "the first probe has no answer yet".into()),
        }
    }

    /// Somebody accepts there, who may be another program that had the port before. Why it can't be told who, where there wasn't
    /// the time to look: it is looked again then.
    fn judge_port(
        &mut self,
        subject: Subject<'_>,
        host: &str,
        port: u16,
        purpose: Purpose,
    ) -> Option<Reason> {
        let key = &subject.question.key;
        let about = (key.clone(), purpose);
        if !self.probes.answer(&about).is_some_and(|answer| answer.ready) {
            self.ears.own_port.remove(key);
            return None;
        }
        if !is_here(host) || self.ears.own_port.contains(key) {
            return None;
        }
        match stranger(subject.world, key, port) {
            Fact::Known(text) => self.probes.correct(&about, Answer::no(text)),
            Fact::Absent => drop(self.ears.own_port.insert(key.clone())),
            Fact::Unknown(reason) => return Some(reason),
        }
        None
    }

    /// What kept a process that is gone from serving, as far as it shows.
    pub(super) fn obstacle(question: &ProcessQuestion, world: &LiveWorld) -> Option<String> {
        let (host, port) = match question.readiness.as_ref()? {
            ReadinessCheck::Tcp { host, port } => (host, *port),
            ReadinessCheck::Http(check) => (&check.host, check.port),
            ReadinessCheck::AliveFor(_)
            | ReadinessCheck::Pidfile
            | ReadinessCheck::Exec { .. }
            | ReadinessCheck::Notify
            | ReadinessCheck::Unix { .. }
            | ReadinessCheck::LogLine { .. }
            | ReadinessCheck::When(_) => return None,
        };
        if is_here(host) { stranger(world, &question.key, port).known() } else { None }
    }

    /// Whether a condition holds for a process; if not, the one part of it that doesn't.
    fn holds(&self, when: &Expression, pid: Pid, spec: &Service, world: &LiveWorld) -> (Fact<bool>, String) {
        let plugins = plugin::Look::default();
        let bound = self.looker.conditions.bind(when, spec, &self.looker.places(), world, &plugins);
        match bound.holds(pid) {
            Ternary::True => (Fact::Known(true), String::new()),
            Ternary::False => {
                let detail = match bound.only_failure(pid) {
                    Some((text, values)) if values.is_empty() => format!("`{text}` doesn't hold"),
                    Some((text, values)) => format!("`{text}` doesn't hold ({})", values.join(", ")),
                    None => format!("`{}` doesn't hold", when.text),
                };
                (Fact::Known(false), detail)
            }
            Ternary::Unknown(reasons) => {
                let reason = reasons.into_iter().next();
                let reason = reason.unwrap_or(Reason { why: Why::Unresolved, detail: None });
                let detail = reason.to_string();
                (Fact::Unknown(reason), detail)
            }
        }
    }

    /// Whether each of the document's `conditions` is met.
    pub(super) fn conditions_met(&self, spec: &Service, pids: &[Pid], world: &LiveWorld) -> Vec<Fact<bool>> {
        let met = |condition: &StartCondition| match condition {
            StartCondition::PathExists(path) => file(path, |_| true),
            StartCondition::FileNotEmpty(path) => file(path, |meta| meta.is_file() && meta.len() > 0),
            StartCondition::Host(name) => is_host(name),
            StartCondition::When(when) => self.some_process(when, spec, pids, world),
        };
        spec.conditions.iter().map(met).collect()
    }

    fn some_process(&self, when: &Expression, spec: &Service, pids: &[Pid], world: &LiveWorld) -> Fact<bool> {
        let plugins = plugin::Look::default();
        let bound = self.looker.conditions.bind(when, spec, &self.looker.places(), world, &plugins);
        let own = world.self_pid().known();
        let mut doubt = None;
        for pid in pids.iter().filter(|pid| Some(**pid) != own) {
            match bound.holds(*pid) {
                Ternary::True => return Fact::Known(true),
                Ternary::False => {}
                Ternary::Unknown(reasons) => doubt = doubt.or_else(|| reasons.into_iter().next()),
            }
        }
        match (doubt, world.pids()) {
            (Some(reason), _) | (None, Fact::Unknown(reason)) => Fact::Unknown(reason),
            (None, Fact::Known(_) | Fact::Absent) => Fact::Known(false),
        }
    }
}

fn file(path: &Path, good: fn(&std::fs::Metadata) -> bool) -> Fact<bool> {
    match std::fs::metadata(path) {
        Ok(meta) => Fact::Known(good(&meta)),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => {
            Fact::Known(false)
        }
        Err(error) => {
            let detail = format!("`{}`: {}", path.display(), io_text(&error));
            Fact::Unknown(Reason::new(Why::Unresolved, detail))
        }
    }
}

/// With or without its domain.
fn is_host(pattern: &str) -> Fact<bool> {
    let Ok(name) = nix::unistd::gethostname() else { return Fact::unknown(Why::Unresolved) };
    let own = KnownHost { name: name.to_string_lossy().into_owned(), ..KnownHost::default() };
    Fact::Known(own.is_called(pattern))
}

fn read_image(path: &Path) -> Fact<Image> {
    match std::fs::metadata(path) {
        Ok(meta) => Fact::Known(Image {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            modified: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Fact::Absent,
        Err(error) => Fact::Unknown(Reason::new(Why::Unresolved, io_text(&error))),
    }
}

/// An address at which only processes of this host accept.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// Who listens at a port, if that is neither the process, nor of its tree, nor selfsame, and was there before it: what
/// began later may well serve on its behalf. Unknown: nobody is known to, and somebody couldn't be asked for want of time.
fn stranger(world: &LiveWorld, key: &ProcessKey, port: u16) -> Fact<String> {
    let mut doubt = None;
    let mut listens = |pid: &Pid| match listens(world, *pid, port) {
        Fact::Known(listens) => listens,
        Fact::Absent => false,
        Fact::Unknown(reason) => {
            if matches!(reason.why, Why::Timeout | Why::Budget | Why::Unresolved) {
                doubt.get_or_insert(reason);
            }
            false
        }
    };
    if std::iter::once(key.pid).chain(below(key.pid, world)).any(|pid| listens(&pid)) {
        return Fact::Absent;
    }
    let Fact::Known(pids) = world.pids() else { return Fact::Absent };
    let own = world.self_pid().known();
    let owners: Vec<Pid> = pids.iter().copied().filter(|pid| listens(pid)).collect();
    let before = |pid: &Pid| world.stat(*pid).known().is_some_and(|stat| stat.start <= key.start);
    match (owners.first(), doubt) {
        (None, Some(reason)) => Fact::Unknown(reason),
        (Some(first), _) if owners.iter().all(|pid| Some(*pid) != own && before(pid)) => {
            let name = world.comm(*first).known().map(|name| String::from_utf8_lossy(&name).into_owned());
            Fact::Known(format!("port {port} is taken by {first} ({})", name.as_deref().unwrap_or("?")))
        }
        (Some(_), _) | (None, None) => Fact::Absent,
    }
}

fn listens(world: &LiveWorld, pid: Pid, port: u16) -> Fact<bool> {
    world.listens(pid).map(|sockets| {
        let here = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
        sockets.iter().any(|socket| {
            socket.protocol == Some(Protocol::Tcp) && socket.port == Some(port) && socket.ip.is_none_or(here)
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    /// It counted as its own port then, for good: on a busy machine a service was Ready while a stranger had its port.
    #[test]
    fn who_had_no_time_to_look_does_not_say_that_a_port_is_the_services_own() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let world = LiveWorld::new().unwrap();
        // Who started us has no part in it.
        let other =
            world.process_key(Pid(std::os::unix::process::parent_id().cast_signed())).known().unwrap();
        let hurried = LiveWorld::new().unwrap().with_budget(Duration::ZERO);
        let told = stranger(&hurried, &other, port);
        assert!(matches!(&told, Fact::Unknown(reason) if reason.why == Why::Budget), "{told:?}");
    }
}
