//! The looks of a record, one after the other: each changes the host that the one before left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::merge;
use crate::diagnostic::{Diagnostic, Source};
use crate::facts::Fact;
use crate::process::snapshot::clock::{self, Claims};
use crate::process::snapshot::codes;
use crate::process::snapshot::host::{self, Names};
use crate::process::snapshot::model::{Host, Process};
use crate::process::snapshot::read::{Fields, Reader};
use crate::process::snapshot::{Snapshot, finish, process};
use crate::units::{BootTime, Pid, StartTicks, WallTime};
use crate::yaml::{Node, NodeKind};

/// Keys of the first document.
pub(super) const FIRST_KEYS: [&str; 5] = ["record", "every", "events", "host", "processes"];
/// Keys of the others.
const KEYS: [&str; 7] = ["at", "noticed", "host", "processes", "gone", "unlinked", "ended"];
/// What says when a process began.
const CLOCK_KEYS: [&str; 3] = ["startTicks", "started", "age"];

/// One look.
#[derive(Debug)]
pub struct Frame<'f> {
    /// Since the first look.
    pub at: Duration,
    /// The processes that the kernel told of, those that exited left out; `None` for a look at everything.
    pub noticed: Option<Vec<Pid>>,
    /// Those that are no more since the look before.
    pub gone: Vec<Pid>,
    /// The host as it was then.
    pub world: &'f Snapshot,
    /// Why the recording ended here, if it did so by itself.
    pub ended: Option<String>,
}

/// The looks that are left.
#[derive(Debug)]
pub struct Frames<'r> {
    source: &'r Arc<Source>,
    left: std::slice::Iter<'r, Node>,
    first: Option<First>,
    at: Duration,
    host: Option<Node>,
    names: Names,
    processes: BTreeMap<Pid, Node>,
    world: Snapshot,
}

/// What a document says beside the host.
#[derive(Debug)]
struct Said {
    noticed: Option<Vec<Pid>>,
    gone: Vec<Pid>,
    ended: Option<String>,
}

/// The clocks of the first look, which go on from there.
#[derive(Clone, Copy, Debug)]
struct First {
    now: Option<WallTime>,
    boot: Option<WallTime>,
    uptime: BootTime,
}

impl<'r> Frames<'r> {
    pub(super) fn new(source: &'r Arc<Source>, documents: &'r [Node]) -> Self {
        Self {
            source,
            left: documents.iter(),
            first: None,
            at: Duration::ZERO,
            host: None,
            names: Names::default(),
            processes: BTreeMap::new(),
            world: Snapshot { host: Host::default(), processes: BTreeMap::new() },
        }
    }

    /// The next look.
    ///
    /// # Errors
    /// Every mistake of its text. Those that follow it can't be trusted.
    #[allow(clippy::should_implement_trait, reason = "a look is lent until the next one is asked for")]
    pub fn next(&mut self) -> Option<Result<Frame<'_>, Vec<Diagnostic>>> {
        let document = self.left.next()?;
        let mut reader = Reader::default();
        let read = self.apply(&mut reader, document);
        Some(match finish(reader, read, self.source) {
            Ok(Said { noticed, gone, ended }) => {
                Ok(Frame { at: self.at, noticed, gone, world: &self.world, ended })
            }
            Err(diagnostics) => {
                self.left = [].iter();
                Err(diagnostics)
            }
        })
    }

    /// Takes a document in.
    fn apply(&mut self, reader: &mut Reader, document: &Node) -> Option<Said> {
        let keys: &[&str] = if self.first.is_none() { &FIRST_KEYS } else { &KEYS };
        let fields = reader.fields(document, "a look of a record", keys)?;
        self.time(reader, &fields)?;
        let gone = self.leave(reader, &fields);
        self.read_host(reader, &fields);
        let items = match fields.get("processes") {
            Some(node) if node.kind != NodeKind::Null => reader.items(node, "write processes as a list"),
            Some(_) | None => &[],
        };
        let claims: Vec<(Pid, Claims, Option<StartTicks>)> =
            items.iter().filter_map(|item| self.read_process(reader, item)).collect();
        let first = self.clocks(reader, document, &claims);
        for (pid, claim, known) in claims {
            let start = known.or_else(|| clock::start(reader, &self.world.host, &claim));
            if let (Some(start), Some(process)) = (start, self.world.processes.get_mut(&pid))
                && let Fact::Known(stat) = &mut process.stat
            {
                Arc::make_mut(stat).start = start;
            }
        }
        self.first = Some(first);
        let noticed = fields.get("noticed").map(|node| pids(reader, node));
        let ended = fields.get("ended").and_then(|node| reader.text(node, "write why the recording ended"));
        Some(Said { noticed, gone, ended: ended.map(str::to_owned) })
    }

    /// `at`, which never goes back.
    fn time(&mut self, reader: &mut Reader, fields: &Fields<'_>) -> Option<()> {
        if self.first.is_none() {
            return Some(());
        }
        let Some(node) = fields.get("at") else {
            let help = "write the time since the first look, for example `at: 5s`";
            reader.error(codes::MISSING, fields.span, "a look needs its `at`", help);
            return None;
        };
        let at = reader.duration(node)?;
        if at < self.at {
            let message = "this look is before the one above it";
            reader.error(codes::DISAGREES, node.span, message, "order the looks by `at`");
            return None;
        }
        self.at = at;
        Some(())
    }

    /// `gone` and `unlinked`.
    fn leave(&mut self, reader: &mut Reader, fields: &Fields<'_>) -> Vec<Pid> {
        let gone = fields.get("gone").map(|node| pids(reader, node)).unwrap_or_default();
        for pid in &gone {
            self.processes.remove(pid);
            self.world.processes.remove(pid);
        }
        let unlinked = fields.get("unlinked").map(|node| reader.items(node, "write paths as a list"));
        let paths: Vec<&str> = unlinked
            .unwrap_or_default()
            .iter()
            .filter_map(|item| reader.text(item, "write the path of a file"))
            .collect();
        if let Some(host) = self.host.as_mut().filter(|_| !paths.is_empty()) {
            *host = merge::without_files(host, &paths);
        }
        gone
    }

    /// The host is read again where anything of it changed.
    fn read_host(&mut self, reader: &mut Reader, fields: &Fields<'_>) {
        let stated = fields.get("host").filter(|node| node.kind != NodeKind::Null);
        if self.first.is_some() && stated.is_none() && fields.get("unlinked").is_none() {
            return;
        }
        self.host = match (self.host.take(), stated) {
            (Some(before), Some(now)) => Some(merge::host(&before, now)),
            (Some(same), None) => Some(same),
            (None, stated) => stated.cloned(),
        };
        (self.world.host, self.names) = host::host(reader, self.host.as_ref());
    }

    /// One process. Its start, if that is known from before.
    fn read_process(
        &mut self,
        reader: &mut Reader,
        item: &Node,
    ) -> Option<(Pid, Claims, Option<StartTicks>)> {
        let pid = item.get("pid").and_then(|node| reader.number(node)).map(Pid);
        let before = pid.and_then(|pid| self.processes.get(&pid));
        let whole = before.map_or_else(|| item.clone(), |before| merge::process(before, item));
        let says_start = CLOCK_KEYS.iter().any(|key| item.get(key).is_some());
        let known = pid.filter(|_| before.is_some() && !says_start).and_then(|pid| self.start_of(pid));
        let (pid, process, claims) = process::process(reader, &whole, &self.world.host, &self.names, None)?;
        let process: Process = process;
        self.processes.insert(pid, whole);
        self.world.processes.insert(pid, process);
        Some((pid, claims, known))
    }

    fn start_of(&self, pid: Pid) -> Option<StartTicks> {
        let process = self.world.processes.get(&pid)?;
        process.stat.as_ref().known().map(|stat| stat.start)
    }

    /// The first look completes its clocks from what it says; in the others they have gone on.
    fn clocks(
        &mut self,
        reader: &mut Reader,
        document: &Node,
        claims: &[(Pid, Claims, Option<StartTicks>)],
    ) -> First {
        let host = &mut self.world.host;
        let Some(first) = self.first else {
            let all: Vec<Claims> = claims.iter().map(|(_, claim, _)| *claim).collect();
            clock::complete(reader, host, document.span, &all);
            let uptime = *host.uptime.get_or_insert_default();
            return First { now: host.now, boot: host.boot, uptime };
        };
        host.now = first.now.map(|now| WallTime(now.0.saturating_add(self.at)));
        host.boot = first.boot;
        host.uptime = Some(first.uptime.after(self.at));
        first
    }
}

fn pids(reader: &mut Reader, node: &Node) -> Vec<Pid> {
    let items = reader.items(node, "write pids as a list, for example `[811, 812]`");
    items.iter().filter_map(|item| reader.number(item).map(Pid)).collect()
}
