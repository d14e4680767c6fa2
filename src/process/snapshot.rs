//! Snapshots: a host from a file. Everything that an evaluation asks is answered from one YAML text, with no
//! look at the real host, and a live host can be written as such a text.
//!
//! ```text
//! YAML --yaml::parse--> positioned tree --host, process, clock--> Host, Process --answers--> World
//!  ^                                                                                          |
//!  '------------------------------------- write <---------------------------------------------'
//! ```
//!
//! A fact that is neither stated nor listed as unreadable is absent; but a process whose `root` or `ns` isn't
//! stated has the engine's. All mistakes of a text are found in one run.

mod answers;
mod clock;
pub mod codes;
mod emit;
mod file;
mod files;
mod host;
mod image;
mod keys;
mod model;
mod process;
mod rates;
mod read;
pub mod record;
mod secrets;
mod sockets;
mod stat;
mod status;
mod time;
mod walk;
mod words;
mod write;
mod write_process;

#[cfg(test)]
mod tests;

pub use write::{WriteOptions, write};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source, Span};
use crate::units::Pid;
use crate::yaml::{Limits, Node, NodeKind, Scalar};
use model::{Host, Process};
use read::Reader;

/// What a snapshot may be: its text, and how deeply it nests.
const LIMITS: Limits = Limits { bytes: 64 << 20, depth: 64 };

/// The pid of a process of a test that states none.
const TEST_PID: Pid = Pid(1000);

/// A host from a file. Implements [`World`](crate::process::world::World).
#[derive(Clone, Debug)]
pub struct Snapshot {
    host: Host,
    processes: BTreeMap<Pid, Process>,
}

impl Snapshot {
    /// Reads a snapshot: a mapping with `host` and `processes`.
    ///
    /// # Errors
    /// Every mistake of the text, located in `source`; warnings may stand among them.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        let parsed = crate::yaml::parse(source, &LIMITS);
        let mut reader = Reader { diagnostics: parsed.diagnostics };
        let snapshot = match parsed.documents.as_slice() {
            [document] => Some(decode(&mut reader, document)),
            [] if reader.diagnostics.iter().any(Diagnostic::is_error) => None,
            documents => {
                let span = documents.get(1).map_or(Span::default(), |second| second.span);
                let message = format!("a snapshot is one document, this has {}", documents.len());
                reader.error(codes::FORM, span, message, "write `host:` and `processes:` in one document");
                None
            }
        };
        finish(reader, snapshot, source)
    }

    /// Reads the host and the one process of a test, which need not state its pid. The nodes are parts of
    /// `source`; without a host, everything of it is absent.
    ///
    /// # Errors
    /// Every mistake in the two, located in `source`.
    pub fn of_test(
        source: &Arc<Source>,
        host: Option<&Node>,
        process: &Node,
    ) -> Result<(Self, Pid), Vec<Diagnostic>> {
        let mut reader = Reader::default();
        let snapshot =
            assemble(&mut reader, host, std::slice::from_ref(process), process.span, Some(TEST_PID));
        let snapshot = finish(reader, Some(snapshot), source)?;
        let pid = snapshot.processes.keys().next().copied().unwrap_or(TEST_PID);
        Ok((snapshot, pid))
    }
}

/// The first pid that a test gives to processes that state none.
const TESTS_PID: i32 = 1000;

impl Snapshot {
    /// The same with any number of processes, which need not state their pids: those are 1000, 1001, and so on.
    ///
    /// # Errors
    /// Every mistake, located in `source`.
    pub fn of_tests(
        source: &Arc<Source>,
        host: Option<&Node>,
        processes: &[Node],
    ) -> Result<(Self, Vec<Pid>), Vec<Diagnostic>> {
        let numbered: Vec<Node> =
            processes.iter().zip(TESTS_PID..).map(|(node, pid)| with_pid(node, pid)).collect();
        let mut reader = Reader::default();
        let span = processes.first().or(host).map_or(Span::default(), |node| node.span);
        let snapshot = assemble(&mut reader, host, &numbered, span, None);
        let snapshot = finish(reader, Some(snapshot), source)?;
        let pid = |node: &Node| Some(Pid(node.get("pid")?.scalar()?.text.parse().ok()?));
        Ok((snapshot, numbered.iter().filter_map(pid).collect()))
    }
}

/// A process that states its pid, or this one.
fn with_pid(node: &Node, pid: i32) -> Node {
    let mut node = node.clone();
    if let NodeKind::Mapping(pairs) = &mut node.kind
        && !pairs.iter().any(|(key, _)| key.text == "pid")
    {
        let scalar = |text: String| Scalar::plain(text, node.span);
        let value = Node { kind: NodeKind::Scalar(scalar(pid.to_string())), span: node.span };
        pairs.insert(0, (scalar("pid".to_owned()), value));
    }
    node
}

fn finish<T>(reader: Reader, read: Option<T>, source: &Arc<Source>) -> Result<T, Vec<Diagnostic>> {
    let mut diagnostics: Vec<Diagnostic> =
        reader.diagnostics.into_iter().map(|diagnostic| diagnostic.in_source(source)).collect();
    diagnostics.sort_by_key(Diagnostic::span);
    match read {
        Some(read) if !diagnostics.iter().any(Diagnostic::is_error) => Ok(read),
        Some(_) | None => Err(diagnostics),
    }
}

fn decode(reader: &mut Reader, document: &Node) -> Snapshot {
    // An empty text is a host without processes.
    let fields = match document.kind {
        NodeKind::Null => None,
        _ => reader.fields(document, "a snapshot", &["host", "processes"]),
    };
    let host = fields.as_ref().and_then(|fields| fields.get("host"));
    let list = fields.as_ref().and_then(|fields| fields.get("processes"));
    let items = list.map_or(&[][..], |node| match node.kind {
        NodeKind::Null => &[],
        _ => reader.items(node, "write the processes as a list, each beginning with `- pid: 600`"),
    });
    assemble(reader, host, items, document.span, None)
}

fn assemble(
    reader: &mut Reader,
    host: Option<&Node>,
    items: &[Node],
    span: Span,
    pid: Option<Pid>,
) -> Snapshot {
    let host_span = host.map_or(span, |node| node.span);
    let (mut host, names) = host::host(reader, host.filter(|node| node.kind != NodeKind::Null));
    let mut processes = BTreeMap::new();
    let mut claims = Vec::new();
    for item in items {
        let Some((pid, process, claim)) = process::process(reader, item, &host, &names, pid) else {
            continue;
        };
        claims.push((pid, claim));
        if processes.insert(pid, process).is_some() {
            let span = item.get("pid").map_or(item.span, |node| node.span);
            reader.error(
                codes::TWICE,
                span,
                format!("{pid} is listed twice"),
                "keep one of the two processes",
            );
        }
    }
    let all: Vec<clock::Claims> = claims.iter().map(|(_, claim)| *claim).collect();
    clock::complete(reader, &mut host, host_span, &all);
    for (pid, claim) in claims {
        if let Some(start) = clock::start(reader, &host, &claim)
            && let Some(process) = processes.get_mut(&pid)
            && let crate::facts::Fact::Known(stat) = &mut process.stat
        {
            Arc::make_mut(stat).start = start;
        }
    }
    Snapshot { host, processes }
}
