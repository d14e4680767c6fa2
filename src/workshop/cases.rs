//! Case files: processes, and what the expressions of a plugin have to be for them.
//!
//! ```yaml
//! snapshot: host.yaml             # for cases with a pid; beside this file, as `selfsame snapshot` writes it
//! cases:
//!   - name: docker
//!     process: {cgroup: /docker/3726...}         # one process as in a snapshot; with `host:` what is around it
//!     expect: {container.runtime: docker, container.pod: absent, 'container.is("3726")': true}
//!   - {name: the web server, pid: 600, expect: {container.id: unknown}}
//! ```

use std::sync::Arc;

use super::codes;
use super::expected::{self, Expected};
use super::read::Reader;
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::process::snapshot::Snapshot;
use crate::process::world::World as _;
use crate::units::Pid;
use crate::yaml::{self, Node, Scalar};

/// A case file that was read.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// Its name and text.
    pub source: Arc<Source>,
    /// In the order of the file.
    pub cases: Vec<Case>,
}

/// A process and what has to be so of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about.
    pub name: String,
    /// The host that it lives on.
    pub host: Arc<Snapshot>,
    /// The process.
    pub pid: Pid,
    /// In the order of the file.
    pub expect: Vec<Expectation>,
}

/// An expression and its value.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The expression and where it stands.
    pub expression: Scalar,
    /// What it has to be.
    pub expected: Expected,
    /// Where that stands.
    pub at: Span,
}

/// How a snapshot that a case file names is had: by the name as written.
pub type Snapshots<'a> = dyn Fn(&str) -> Result<Snapshot, Vec<Diagnostic>> + 'a;

/// A file of cases may be as large as a snapshot.
const LIMITS: yaml::Limits = yaml::Limits { bytes: 64 << 20, depth: 64 };
const ROOT: [&str; 2] = ["snapshot", "cases"];
const CASE: [&str; 5] = ["name", "host", "process", "pid", "expect"];
const SAY_SO: &str = "write `process: {argv: [...]}`, or a `pid` of the snapshot";

/// Reads a case file.
///
/// # Errors
/// Everything that is wrong with it, in its text.
pub fn read(source: &Arc<Source>, snapshots: &Snapshots<'_>) -> Result<CaseFile, Vec<Diagnostic>> {
    let parsed = yaml::parse(source, &LIMITS);
    let mut reader = Reader { code: codes::FORM, said: parsed.diagnostics };
    let mut cases = Vec::new();
    match parsed.documents.as_slice() {
        [root] => cases = read_root(root, source, snapshots, &mut reader),
        [] if !reader.said.is_empty() => {}
        documents => {
            let at = documents.get(1).map_or(Span::default(), |second| second.span);
            let message = format!("a case file is one document, this has {}", documents.len());
            reader.say(at, message, "write `cases:` and below it one `- name:` for each");
        }
    }
    let said: Vec<Diagnostic> = reader.said.into_iter().map(|one| one.in_source(source)).collect();
    if said.iter().any(Diagnostic::is_error) {
        Err(said)
    } else {
        Ok(CaseFile { source: Arc::clone(source), cases })
    }
}

fn read_root(root: &Node, source: &Arc<Source>, snapshots: &Snapshots<'_>, r: &mut Reader) -> Vec<Case> {
    if r.mapping(root, "a case file", &ROOT).is_none() {
        return Vec::new();
    }
    let host = root.get("snapshot").and_then(|node| {
        let name = r.scalar(node, "`snapshot`")?;
        match snapshots(&name.text) {
            Ok(snapshot) => Some(Arc::new(snapshot)),
            Err(said) => {
                r.said.extend(said);
                None
            }
        }
    });
    let Some(list) =
        r.needed(root, "the file", "cases", "write `cases:` and below it one `- name:` for each")
    else {
        return Vec::new();
    };
    let items = r.items(list, "`cases`");
    if items.is_empty() {
        r.say(list.span, "there are no cases", "write one: `- {name: ..., process: {...}, expect: {...}}`");
    }
    items.iter().filter_map(|item| read_case(item, source, host.as_ref(), r)).collect()
}

fn read_case(
    node: &Node,
    source: &Arc<Source>,
    host: Option<&Arc<Snapshot>>,
    r: &mut Reader,
) -> Option<Case> {
    r.mapping(node, "a case", &CASE)?;
    let name = r.needed(node, "a case", "name", "say what it is about: `name: ...`");
    let name = name.and_then(|name| r.scalar(name, "`name`")).map(|name| name.text.to_string());
    let expect = r.needed(node, "a case", "expect", "write `expect: {EXPRESSION: VALUE}`");
    let expect = expect.map(|expect| read_expect(expect, r));
    let (host, pid) = place(node, source, host, r)?;
    Some(Case { name: name?, host, pid, expect: expect? })
}

/// The process that a case is about.
fn place(
    node: &Node,
    source: &Arc<Source>,
    host: Option<&Arc<Snapshot>>,
    r: &mut Reader,
) -> Option<(Arc<Snapshot>, Pid)> {
    match (node.get("process"), node.get("pid")) {
        (Some(process), None) => match Snapshot::of_test(source, node.get("host"), process) {
            Ok((snapshot, pid)) => Some((Arc::new(snapshot), pid)),
            Err(said) => {
                r.said.extend(said);
                None
            }
        },
        (None, Some(pid)) => {
            let number = r.scalar(pid, "`pid`")?;
            let Ok(wanted) = number.text.parse::<i32>().map(Pid) else {
                r.say(number.span, format!("`{}` is no pid", number.text), "write a number");
                return None;
            };
            let Some(host) = host else {
                r.say(number.span, "there is no snapshot that this process could be of", SAY_SO);
                return None;
            };
            if !host.pids().known().is_some_and(|pids| pids.contains(&wanted)) {
                r.say(number.span, format!("the snapshot has no process {wanted}"), "write one of its pids");
                return None;
            }
            Some((Arc::clone(host), wanted))
        }
        (Some(process), Some(_)) => {
            r.say(process.span, "a case has `process` or `pid`, not both", "leave out one of them");
            None
        }
        (None, None) => {
            r.say(node.span, "a case has no process", SAY_SO);
            None
        }
    }
}

fn read_expect(node: &Node, r: &mut Reader) -> Vec<Expectation> {
    let entries = r.entries(node, "`expect`").unwrap_or_default();
    if entries.is_empty() {
        r.say(node.span, "nothing is expected", "write `expect: {EXPRESSION: VALUE}`");
    }
    let each = entries.iter().filter_map(|(key, value)| {
        let expected = expected::read(value, r)?;
        Some(Expectation { expression: key.clone(), expected, at: value.span })
    });
    each.collect()
}
