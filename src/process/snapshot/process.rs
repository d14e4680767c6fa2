//! One process of a snapshot: who it is, what it runs, where it is. Its records `stat` and `status` are
//! read next door.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::clock::Claims;
use super::codes;
use super::host::Names;
use super::image;
use super::keys;
use super::model::{Host, Process, Unread};
use super::read::{Fields, Reader};
use super::words::{LIMITS, NAMESPACES};
use super::{rates, sockets, stat, status};
use crate::facts::{CgroupLine, Fact, IoCounts, LimitPair, MemoryUse, ProcessState, Task, Why};
use crate::process::world::Bytes;
use crate::units::{Gid, Pid, Uid};
use crate::yaml::{Node, NodeKind};

/// The id of nobody: what the kernel calls `(uid_t) -1`.
const NO_ID: u32 = u32::MAX;

/// Keys below `io`, and as they stand in lists of keys.
const IO: [(&str, &str); 6] = [
    ("readBytes", "io.readBytes"),
    ("writeBytes", "io.writeBytes"),
    ("readChars", "io.readChars"),
    ("writeChars", "io.writeChars"),
    ("readCalls", "io.readCalls"),
    ("writeCalls", "io.writeCalls"),
];

/// One process while it is read.
pub(super) struct Draft<'r, 'n> {
    pub(super) reader: &'r mut Reader,
    pub(super) fields: Fields<'n>,
    pub(super) names: &'r Names,
    pub(super) host: &'r Host,
    pub(super) unread: Unread,
    pub(super) stated: BTreeSet<&'static str>,
    pub(super) pid: Pid,
}

impl Draft<'_, '_> {
    /// A fact that one key states.
    pub(super) fn fact<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Reader, &Node) -> Option<T>,
    ) -> Fact<T> {
        match self.fields.get(key) {
            Some(node) => {
                self.stated.insert(key);
                Fact::from_option(read(self.reader, node))
            }
            None => self.unread.missing(key),
        }
    }

    /// A field of a record that one key states; nothing otherwise.
    pub(super) fn field<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Reader, &Node) -> Option<T>,
    ) -> Option<T> {
        let node = self.fields.get(key)?;
        self.stated.insert(key);
        read(self.reader, node)
    }

    /// Bytes as a text below `key`, or in hexadecimal digits below `hex`.
    fn bytes(&mut self, key: &'static str, hex: &'static str) -> Fact<Bytes> {
        if let Some(node) = self.fields.get(hex) {
            self.refuse_second(key);
            self.stated.insert(key);
            return Fact::from_option(self.reader.hex(node));
        }
        self.fact(key, Reader::bytes)
    }

    /// Notes that a key says again what another one said.
    pub(super) fn refuse_second(&mut self, key: &str) {
        if let Some(span) = self.fields.key_span(key) {
            let message = format!("`{key}` is stated twice in two forms");
            self.reader.error(codes::TWICE, span, message, "keep one of them");
        }
    }
}

/// Reads one process. `pid` is the number of a process that need not state one.
pub(super) fn process(
    reader: &mut Reader,
    node: &Node,
    host: &Host,
    names: &Names,
    pid: Option<Pid>,
) -> Option<(Pid, Process, Claims)> {
    let fields = known_fields(reader, node)?;
    let pid = match fields.get("pid") {
        Some(node) => Pid(reader.number(node)?),
        None if pid.is_some() => pid?,
        None => {
            reader.error(
                codes::MISSING,
                node.span,
                "a process needs its `pid`",
                "write for example `pid: 600`",
            );
            return None;
        }
    };
    if pid.0 <= 0 {
        let span = fields.get("pid").map_or(node.span, |node| node.span);
        reader.error(codes::VALUE, span, format!("no process has the pid {pid}"), "pids count from 1");
        return None;
    }
    let unread = unreadable(reader, &fields, pid);
    let mut fields = fields;
    hide(&mut fields, &unread);
    let mut draft = Draft { reader, fields, names, host, unread, stated: BTreeSet::new(), pid };
    let (process, claims) = draft.read();
    Some((pid, process, claims))
}

fn known_fields<'n>(reader: &mut Reader, node: &'n Node) -> Option<Fields<'n>> {
    let known = keys::all();
    let mut allowed = known.clone();
    for (key, span, _) in reader.entries(node, "write the facts of a process, for example `pid: 600`") {
        if !known.contains(&key)
            && let Some(from) = keys::following(key)
        {
            let message = format!("`{key}` is not stated, it follows from {from}");
            reader.error(codes::FOLLOWS, span, message, "state those instead");
            allowed.push(key);
        }
    }
    matches!(node.kind, NodeKind::Mapping(_)).then(|| reader.fields(node, "a process", &allowed)).flatten()
}

fn unreadable(reader: &mut Reader, fields: &Fields<'_>, pid: Pid) -> Unread {
    let mut unread = Unread { owner: format!(" of {pid}"), ..Unread::default() };
    let Some(node) = fields.get("unreadable") else { return unread };
    let known: Vec<&str> = keys::all().into_iter().chain(keys::UNREADABLE).collect();
    (unread.keys, unread.rest) = reader.unreadable(node, "a process", &known);
    unread
}

/// What is listed as unreadable can't be read, also where it is stated: so one line injects a fault.
fn hide(fields: &mut Fields<'_>, unread: &Unread) {
    for (key, why) in &unread.keys {
        // The beginning of truncated arguments is known.
        if !(key == "argv" && *why == Why::Truncated) {
            fields.forget(key);
            fields.forget(&format!("{key}Hex"));
        }
    }
}

impl Draft<'_, '_> {
    fn read(&mut self) -> (Process, Claims) {
        let owner = self.owner();
        let comm = self.bytes("comm", "commHex");
        let (stat, claims) = stat::stat(self, comm.as_ref().known());
        let status = status::status(self, &owner);
        let root = image::root(self);
        let (exe_file, exe_text) = image::exe(self, &root);
        let cwd = image::cwd(self, &root);
        let arguments = image::arguments(self);
        let files = image::files(self, &root);
        let tasks = self.tasks(stat.as_ref().known().map(|stat| stat.state));
        let (sockets, listens) = sockets::sockets(self);
        let has_ended = |task: &Task| matches!(task.state, ProcessState::Zombie | ProcessState::Dead);
        let ended = tasks.as_ref().known().is_some_and(|tasks| tasks.iter().all(has_ended));
        let process = Process {
            owner,
            exe_file,
            exe_text,
            stat: stat.map(Arc::new),
            comm,
            status: status.map(Arc::new),
            arguments: arguments.map(Arc::new),
            environ: image::environ(self),
            execfn: self.bytes("execfn", "execfnHex"),
            cwd,
            root,
            namespaces: self.namespaces(ended),
            cgroups: self.fact("cgroup", |r, n| Some(cgroups(r, n))),
            limits: self.field("limits", |r, n| Some(limits(r, n))).unwrap_or_default(),
            login_uid: self.login_uid(),
            oom_score: self.fact("oomScore", Reader::number),
            oom_score_adj: self.fact("oomScoreAdj", Reader::number),
            io: self.io(),
            fd_count: self.fact("fds", Reader::number),
            rates: rates::rates(self),
            changed: rates::changed(self),
            memory_use: self.memory_use(),
            files,
            sockets,
            listens,
            container: self.container(),
            security_label: self.bytes("securityLabel", "securityLabelHex"),
            tasks,
            managed_as: self
                .fact("managedAs", |r, n| r.text(n, "write the name of the service").map(Arc::from)),
            stated: std::mem::take(&mut self.stated),
            unread: std::mem::take(&mut self.unread),
        };
        (process, claims)
    }

    /// Effective ids. One of them may be stated alone; the other is then nobody's.
    fn owner(&mut self) -> Fact<(Uid, Gid)> {
        let names = self.names;
        let user = self.one_of("user", "uid", |r, n| names.user(r, n));
        let group = self.one_of("group", "gid", |r, n| names.group(r, n));
        match (user, group) {
            (None, None) => self.unread.first_of(&["user", "uid", "group", "gid"]),
            (uid, gid) => Fact::Known((uid.unwrap_or(Uid(NO_ID)), gid.unwrap_or(Gid(NO_ID)))),
        }
    }

    fn one_of<T>(
        &mut self,
        key: &'static str,
        other: &'static str,
        read: impl FnOnce(&mut Reader, &Node) -> Option<T>,
    ) -> Option<T> {
        if self.fields.get(other).is_none() {
            return self.field(key, read);
        }
        self.refuse_second(key);
        self.stated.insert(key);
        self.field(other, read)
    }

    fn login_uid(&mut self) -> Fact<Uid> {
        let names = self.names;
        self.fact("loginUser", |r, n| names.user(r, n))
    }

    fn io(&mut self) -> Fact<IoCounts> {
        let keys = IO.map(|(_, dotted)| dotted);
        let Some(node) = self.fields.get("io") else {
            return self.unread.first_of(&[["io"].as_slice(), &keys].concat());
        };
        let fields = self.reader.fields(node, "`io`", &IO.map(|(key, _)| key));
        let mut counts = IoCounts::default();
        for (key, dotted) in IO {
            let Some(node) = fields.as_ref().and_then(|fields| fields.get(key)) else { continue };
            let read = match key {
                "readCalls" | "writeCalls" => self.reader.number(node),
                _ => self.reader.size(node),
            };
            *io_slot(&mut counts, key) = read.unwrap_or_default();
            self.stated.insert(dotted);
        }
        Fact::Known(counts)
    }

    fn memory_use(&mut self) -> Fact<MemoryUse> {
        let pss = self.field("pss", Reader::size);
        let uss = self.field("uss", Reader::size);
        match (pss, uss) {
            (None, None) => self.unread.first_of(&["pss", "uss"]),
            (pss, uss) => {
                Fact::Known(MemoryUse { pss: pss.unwrap_or_default(), uss: uss.unwrap_or_default() })
            }
        }
    }

    /// Stated or unreadable by its own key; otherwise it follows from the control groups.
    fn container(&mut self) -> Option<Fact<Bytes>> {
        let listed = self.unread.keys.contains_key("container");
        (listed || self.fields.get("container").is_some()).then(|| self.fact("container", Reader::bytes))
    }

    fn namespaces(&mut self, ended: bool) -> BTreeMap<&'static str, Fact<u64>> {
        let stated = self
            .fields
            .get("ns")
            .and_then(|n| self.reader.fields(n, "`ns`", &NAMESPACES.map(|(key, ..)| key)));
        let mut all = BTreeMap::new();
        for (key, _, initial) in NAMESPACES {
            let inode = stated.as_ref().and_then(|kinds| kinds.get(key)).map(|node| self.reader.number(node));
            let dotted = format!("ns.{key}");
            let fact = match (inode, self.unread.first_of::<u64>(&[dotted.as_str(), "ns"])) {
                (Some(inode), _) => Fact::from_option(inode),
                (None, unknown @ Fact::Unknown(_)) => unknown,
                // A zombie has let go of its own, but of those that its number and its user are of.
                (None, _) if ended && !matches!(key, "pid" | "user") => Fact::Absent,
                // Not stated is the engine's.
                (None, _) => Fact::Known(self.host.namespaces.get(key).copied().unwrap_or(initial)),
            };
            all.insert(key, fact);
        }
        all
    }

    /// The other threads, the leader before them.
    fn tasks(&mut self, leader: Option<ProcessState>) -> Fact<Arc<[Task]>> {
        let first = Task { tid: self.pid, state: leader.unwrap_or(ProcessState::Sleeping) };
        let Some(node) = self.fields.get("tasks") else {
            return match self.unread.missing("tasks") {
                // A process has at least its leader.
                Fact::Absent if leader.is_some() => Fact::Known(Arc::from([first])),
                other => other,
            };
        };
        let items = self.reader.items(node, "write for example `[{tid: 709, state: sleeping}]`");
        let others =
            items.iter().filter_map(|item| task(self.reader, item)).filter(|task| task.tid != first.tid);
        Fact::Known(std::iter::once(first).chain(others).collect())
    }
}

fn io_slot<'c>(counts: &'c mut IoCounts, key: &str) -> &'c mut u64 {
    match key {
        "readBytes" => &mut counts.read_bytes,
        "writeBytes" => &mut counts.write_bytes,
        "readChars" => &mut counts.read_chars,
        "writeChars" => &mut counts.write_chars,
        "readCalls" => &mut counts.read_calls,
        _ => &mut counts.write_calls,
    }
}

fn task(reader: &mut Reader, node: &Node) -> Option<Task> {
    let fields = reader.fields(node, "a task", &["tid", "state"])?;
    let (Some(tid), Some(word)) = (fields.get("tid"), fields.get("state")) else {
        let help = "write for example `{tid: 709, state: sleeping}`";
        reader.error(codes::MISSING, node.span, "a task needs its `tid` and its `state`", help);
        return None;
    };
    Some(Task { tid: Pid(reader.number(tid)?), state: state(reader, word)? })
}

/// One of the words for the kernel's states.
pub(super) fn state(reader: &mut Reader, node: &Node) -> Option<ProcessState> {
    reader.word(node, "a state of a process", &ProcessState::ALL.map(|state| (state.word(), state)))
}

/// `{v2: /system.slice/app.service, "cpu,cpuacct": /app}`, or the path of v2 alone.
fn cgroups(reader: &mut Reader, node: &Node) -> Arc<[CgroupLine]> {
    if let NodeKind::Scalar(scalar) = &node.kind {
        let path = scalar.text.as_bytes().into();
        return Arc::from([CgroupLine { controllers: Vec::new(), v2: true, path }]);
    }
    let mut lines = Vec::new();
    for (key, _, value) in reader.entries(node, "write for example `{v2: /system.slice/app.service}`") {
        let v2 = key == "v2";
        let controllers =
            if v2 || key.is_empty() { Vec::new() } else { key.split(',').map(str::to_owned).collect() };
        lines.extend(reader.bytes(value).map(|path| CgroupLine { controllers, v2, path }));
    }
    lines.into()
}

fn limits(reader: &mut Reader, node: &Node) -> BTreeMap<String, LimitPair> {
    let mut limits = BTreeMap::new();
    for (name, span, value) in reader.entries(node, "write for example `{nofile: {soft: 1024, hard: 4096}}`")
    {
        if !LIMITS.contains(&name) {
            reader.unknown_key(name, span, "`limits`", &LIMITS);
            continue;
        }
        let pair = if matches!(value.kind, NodeKind::Scalar(_)) {
            Some(limit(reader, value)).map(|both| LimitPair { soft: both, hard: both })
        } else {
            reader.fields(value, "a limit", &["soft", "hard"]).and_then(|fields| {
                let (Some(soft), Some(hard)) = (fields.get("soft"), fields.get("hard")) else {
                    let help = "write for example `{soft: 1024, hard: unlimited}`";
                    reader.error(codes::MISSING, value.span, "a limit needs `soft` and `hard`", help);
                    return None;
                };
                Some(LimitPair { soft: limit(reader, soft), hard: limit(reader, hard) })
            })
        };
        limits.extend(pair.map(|pair| (name.to_owned(), pair)));
    }
    limits
}

/// A number or `unlimited`, which is none.
fn limit(reader: &mut Reader, node: &Node) -> Option<u64> {
    match &node.kind {
        NodeKind::Scalar(scalar) if scalar.text == "unlimited" => None,
        _ => reader.number(node),
    }
}
