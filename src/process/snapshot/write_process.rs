//! Writes one process as keys of a snapshot.

use std::collections::BTreeMap;

use super::emit;
use super::keys::STATUS;
use super::walk;
use super::words::{LIMITS, NAMESPACES};
use super::write::WriteOptions;
use super::{rates, secrets, sockets, stat, status};
use crate::facts::{Arguments, CgroupLine, Fact, LimitPair, OpenFile, Reason, RootLink, Stat, Why};
use crate::process::container;
use crate::process::world::{Bytes, World};
use crate::units::{Pid, StartTicks};

/// A key and its value, written already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) value: String,
}

/// What is stated and what isn't known.
#[derive(Default)]
pub(super) struct Lines {
    stated: Vec<Entry>,
    unread: BTreeMap<String, Why>,
}

impl Lines {
    pub(super) fn put(&mut self, key: &'static str, value: String) {
        self.stated.push(Entry { key, value });
    }

    fn fact<T>(&mut self, key: &'static str, fact: Fact<T>, show: impl FnOnce(T) -> String) {
        match fact {
            Fact::Known(value) => self.put(key, show(value)),
            Fact::Absent => {}
            Fact::Unknown(reason) => self.unknown(key, &reason),
        }
    }

    pub(super) fn unknown(&mut self, key: &str, reason: &Reason) {
        self.unread.insert(key.to_owned(), reason.why);
    }

    /// A part of this key is known: the rest is left out, and so not known either.
    pub(super) fn stated_after_all(&mut self, key: &str) {
        self.unread.remove(key);
    }

    /// A field of a record, unless the world knows that it has none.
    fn field(&mut self, world: &dyn World, pid: Pid, key: &'static str) -> bool {
        match world.gap(pid, key) {
            None => return true,
            Some(Fact::Unknown(reason)) => self.unknown(key, &reason),
            Some(Fact::Absent | Fact::Known(())) => {}
        }
        false
    }
}

/// The keys of a process after its pid.
pub(super) fn process(world: &dyn World, pid: Pid, options: &WriteOptions) -> Vec<Entry> {
    let mut lines = Lines::default();
    owner(&mut lines, world, pid);
    record_stat(&mut lines, world, pid);
    lines.fact("comm", world.comm(pid), |comm| emit::bytes(&comm));
    exe(&mut lines, world, pid);
    arguments(&mut lines, world.arguments(pid), options);
    lines.fact("execfn", world.execfn(pid), |name| emit::bytes(&name));
    lines.fact("cwd", world.cwd(pid), |link| located(&link.text, link.dev, link.ino));
    lines.fact("root", world.root(pid), |link| root(&link));
    record_status(&mut lines, world, pid);
    environ(&mut lines, world.environ(pid), options);
    namespaces(&mut lines, world, pid);
    lines.fact("cgroup", world.cgroups(pid), |cgroups| cgroup(&cgroups));
    limits(&mut lines, world, pid);
    lines.fact("loginUser", world.login_uid(pid), |uid| uid.to_string());
    lines.fact("oomScore", world.oom_score(pid), |score| score.to_string());
    lines.fact("oomScoreAdj", world.oom_score_adj(pid), |score| score.to_string());
    io(&mut lines, world, pid);
    lines.fact("fds", world.fd_count(pid), |count| count.to_string());
    rates::written(&mut lines, world, pid);
    memory_use(&mut lines, world, pid);
    lines.fact("files", world.files(pid), |files| emit::list(files.iter().map(open_file)));
    sockets(&mut lines, world, pid);
    container(&mut lines, world, pid);
    lines.fact("securityLabel", world.security_label(pid), |label| emit::bytes(&label));
    tasks(&mut lines, world, pid);
    lines.fact("managedAs", world.managed_as(pid), |name| emit::text(&name));
    finish(lines)
}

/// A process of which nothing is known for one reason needs no list of it.
fn finish(mut lines: Lines) -> Vec<Entry> {
    let gone = !lines.unread.is_empty() && lines.unread.values().all(|why| *why == Why::Vanished);
    if gone && lines.stated.is_empty() {
        lines.unread = BTreeMap::from([("*".to_owned(), Why::Vanished)]);
    }
    if !lines.unread.is_empty() {
        let reasons: Vec<(String, String)> =
            lines.unread.iter().map(|(key, why)| (key.clone(), why.word().to_owned())).collect();
        lines.put("unreadable", emit::mapping(&reasons));
    }
    lines.stated
}

fn owner(lines: &mut Lines, world: &dyn World, pid: Pid) {
    match world.owner(pid) {
        Fact::Known((uid, gid)) => {
            if lines.field(world, pid, "user") {
                lines.put("uid", uid.to_string());
            }
            if lines.field(world, pid, "group") {
                lines.put("gid", gid.to_string());
            }
        }
        Fact::Absent => {}
        Fact::Unknown(reason) => lines.unknown("user", &reason),
    }
}

fn record_stat(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let record = match world.stat(pid) {
        Fact::Known(record) => record,
        Fact::Absent => return,
        Fact::Unknown(reason) => return lines.unknown("stat", &reason),
    };
    for (key, value) in stat::written(&record) {
        if key == "flags" || lines.field(world, pid, key) {
            lines.put(key, value);
        }
    }
    if record.arg_range != (0, 0) {
        let (from, to) = record.arg_range;
        lines.put("argRange", emit::list([format!("{from:#x}"), format!("{to:#x}")]));
    }
    processor(lines, world, pid, &record);
    faults(lines, world, pid, &record);
}

/// All four numbers where they are known, else the durations that are.
fn processor(lines: &mut Lines, world: &dyn World, pid: Pid, record: &Stat) {
    let [user, system, children, _] = record.cpu_ticks;
    let keys = [
        ("cpuUser", user),
        ("cpuSys", system),
        ("childrenCpu", children),
        ("cpuTime", user.saturating_add(system)),
    ];
    if keys.iter().all(|(key, _)| world.gap(pid, key).is_none()) {
        return lines.put("cpuTicks", emit::list(record.cpu_ticks.map(|ticks| ticks.to_string())));
    }
    for (key, ticks) in keys {
        if lines.field(world, pid, key) {
            let time = super::clock::duration(StartTicks(ticks), world.ticks_per_second());
            lines.put(key, stat::exact(time));
        }
    }
}

fn faults(lines: &mut Lines, world: &dyn World, pid: Pid, record: &Stat) {
    let [minor, major] = record.faults;
    let mut keys = Vec::new();
    for (key, dotted, number) in [("minor", "faults.minor", minor), ("major", "faults.major", major)] {
        if lines.field(world, pid, dotted) {
            keys.push((key.to_owned(), number.to_string()));
        }
    }
    if !keys.is_empty() {
        lines.put("faults", emit::mapping(&keys));
    }
}

fn record_status(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let record = match world.status(pid) {
        Fact::Known(record) => record,
        Fact::Absent => return,
        Fact::Unknown(reason) => return lines.unknown("status", &reason),
    };
    let mut nested: BTreeMap<&'static str, Vec<(String, String)>> = BTreeMap::new();
    let written = status::written(&record);
    // What the record has nothing for may still be unreadable.
    for key in STATUS.into_iter().filter(|key| written.iter().all(|(known, _)| !known.starts_with(key))) {
        let _nothing_to_write = lines.field(world, pid, key);
    }
    for (key, value) in written {
        if !lines.field(world, pid, key) {
            continue;
        }
        match key.split_once('.') {
            Some((outer, inner)) => nested.entry(outer).or_default().push((inner.to_owned(), value)),
            None => lines.put(key, value),
        }
    }
    for (outer, entries) in nested {
        lines.put(outer, emit::mapping(&entries));
    }
}

fn exe(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let mut keys = Vec::new();
    match world.exe_text(pid) {
        Fact::Known(text) => keys.push(("path".to_owned(), emit::bytes(&text))),
        Fact::Absent => {}
        Fact::Unknown(reason) => lines.unknown("exe.path", &reason),
    }
    match world.exe_file(pid) {
        Fact::Known(file) => keys.extend(walk::facts(&file)),
        Fact::Absent => {}
        Fact::Unknown(reason) => lines.unknown("exe.id", &reason),
    }
    let reasons = ["exe.path", "exe.id"].map(|key| lines.unread.get(key).copied());
    if let [Some(path), Some(id)] = reasons
        && path == id
    {
        lines.unread.retain(|key, _| !key.starts_with("exe."));
        lines.unread.insert("exe".to_owned(), id);
    }
    if !keys.is_empty() {
        lines.put("exe", emit::mapping(&keys));
    }
}

fn arguments(lines: &mut Lines, arguments: Fact<std::sync::Arc<Arguments>>, options: &WriteOptions) {
    if let Fact::Known(arguments) = &arguments {
        if arguments.padded {
            lines.put("argvRewritten", "true".to_owned());
        }
        if arguments.truncated {
            lines.unread.insert("argv".to_owned(), Why::Truncated);
        }
    }
    lines.fact("argv", arguments, |arguments| {
        if options.redact {
            return emit::list(secrets::redacted(&arguments.words).iter().map(|word| emit::bytes(word)));
        }
        emit::list(arguments.words.iter().map(|word| emit::bytes(word)))
    });
}

/// A path with the identity behind it.
fn located(text: &[u8], dev: u64, ino: u64) -> String {
    let id = emit::list([dev.to_string(), ino.to_string()]);
    emit::mapping(&[("path".to_owned(), emit::bytes(text)), ("id".to_owned(), id)])
}

fn root(link: &RootLink) -> String {
    if link.same && *link.text == *b"/" { "same".to_owned() } else { located(&link.text, link.dev, link.ino) }
}

/// By key if every entry has one of its own, else as the raw list.
fn environ(lines: &mut Lines, environ: Fact<std::sync::Arc<[Bytes]>>, options: &WriteOptions) {
    let Fact::Known(entries) = &environ else {
        return lines.fact("env", environ, |_| String::new());
    };
    let asked = |key: &[u8]| options.env_keys.iter().any(|asked| asked.as_bytes() == key);
    let mut by_key: Vec<(String, String)> = Vec::new();
    let mut raw = Vec::new();
    for entry in entries.iter() {
        let equals = entry.iter().position(|byte| *byte == b'=');
        let (key, value) = entry.split_at(equals.unwrap_or(0));
        let value = value.strip_prefix(b"=").unwrap_or(value);
        let value = if asked(key) { value } else { b"<redacted>" };
        raw.push(emit::bytes(&if equals.is_some() { [key, b"=", value].concat() } else { value.to_vec() }));
        if let (Ok(key), Some(_)) = (std::str::from_utf8(key), equals)
            && by_key.iter().all(|(known, _)| known != key)
        {
            by_key.push((key.to_owned(), emit::bytes(value)));
        }
    }
    if by_key.len() == entries.len() {
        lines.put("env", emit::mapping(&by_key));
    } else {
        lines.put("environ", emit::list(raw));
    }
}

fn namespaces(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let mut kinds = Vec::new();
    let mut reasons = Vec::new();
    for (key, kind, _) in NAMESPACES {
        match world.namespace(pid, kind) {
            Fact::Known(inode) => kinds.push((key.to_owned(), inode.to_string())),
            Fact::Absent => {}
            Fact::Unknown(reason) => reasons.push((format!("ns.{key}"), reason)),
        }
    }
    match reasons.as_slice() {
        [(_, first), ..] if kinds.is_empty() => lines.unknown("ns", first),
        some => some.iter().for_each(|(key, reason)| lines.unknown(key, reason)),
    }
    if !kinds.is_empty() {
        lines.put("ns", emit::mapping(&kinds));
    }
}

fn cgroup(cgroups: &[CgroupLine]) -> String {
    let key = |line: &CgroupLine| if line.v2 { "v2".to_owned() } else { line.controllers.join(",") };
    let entries: Vec<(String, String)> =
        cgroups.iter().map(|line| (key(line), emit::bytes(&line.path))).collect();
    emit::mapping(&entries)
}

fn limits(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let number = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let show = |pair: LimitPair| {
        emit::mapping(&[("soft".to_owned(), number(pair.soft)), ("hard".to_owned(), number(pair.hard))])
    };
    let mut entries = Vec::new();
    for name in LIMITS {
        match world.limit(pid, name) {
            Fact::Known(pair) => entries.push((name.to_owned(), show(pair))),
            Fact::Absent => {}
            Fact::Unknown(reason) => return lines.unknown("limits", &reason),
        }
    }
    if !entries.is_empty() {
        lines.put("limits", emit::mapping(&entries));
    }
}

fn io(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let counts = match world.io(pid) {
        Fact::Known(counts) => counts,
        Fact::Absent => return,
        Fact::Unknown(reason) => return lines.unknown("io", &reason),
    };
    let mut keys = Vec::new();
    for (key, dotted, value) in [
        ("readBytes", "io.readBytes", emit::size(counts.read_bytes)),
        ("writeBytes", "io.writeBytes", emit::size(counts.write_bytes)),
        ("readChars", "io.readChars", emit::size(counts.read_chars)),
        ("writeChars", "io.writeChars", emit::size(counts.write_chars)),
        ("readCalls", "io.readCalls", counts.read_calls.to_string()),
        ("writeCalls", "io.writeCalls", counts.write_calls.to_string()),
    ] {
        if lines.field(world, pid, dotted) {
            keys.push((key.to_owned(), value));
        }
    }
    lines.put("io", emit::mapping(&keys));
}

fn memory_use(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let memory = match world.memory_use(pid) {
        Fact::Known(memory) => memory,
        Fact::Absent => return,
        Fact::Unknown(reason) => {
            lines.unknown("pss", &reason);
            return lines.unknown("uss", &reason);
        }
    };
    for (key, bytes) in [("pss", memory.pss), ("uss", memory.uss)] {
        if lines.field(world, pid, key) {
            lines.put(key, emit::size(bytes));
        }
    }
}

fn open_file(open: &OpenFile) -> String {
    let mut keys = vec![("path".to_owned(), emit::bytes(&open.text))];
    keys.extend(walk::facts(&open.facts));
    emit::mapping(&keys)
}

/// Which sockets wait follows from all of them, unless a snapshot says otherwise.
fn sockets(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let (all, waiting) = (world.sockets(pid), world.listens(pid));
    let follows = match (&all, &waiting) {
        (Fact::Known(all), Fact::Known(waiting)) => {
            all.iter().filter(|socket| socket.is_waiting()).eq(waiting.iter())
        }
        (Fact::Unknown(_), Fact::Known(_)) | (_, Fact::Unknown(_)) => false,
        (_, Fact::Absent) | (Fact::Absent, Fact::Known(_)) => true,
    };
    lines.fact("sockets", all, |all| sockets::written(&all));
    if !follows {
        lines.fact("listens", waiting, |waiting| sockets::written(&waiting));
    }
}

/// It follows from the control groups, unless a snapshot says otherwise.
fn container(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let cgroups = world.cgroups(pid);
    match world.container(pid) {
        Fact::Known(name) => {
            let derived = cgroups.as_ref().known().and_then(|lines| container::of_cgroups(lines));
            if derived != Some(&*name) {
                lines.put("container", emit::bytes(&name));
            }
        }
        Fact::Unknown(reason) if !matches!(cgroups, Fact::Unknown(_)) => lines.unknown("container", &reason),
        Fact::Absent | Fact::Unknown(_) => {}
    }
}

/// The threads beside the leader.
fn tasks(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let tasks = match world.tasks(pid) {
        Fact::Known(tasks) => tasks,
        Fact::Absent => return,
        Fact::Unknown(reason) => return lines.unknown("tasks", &reason),
    };
    let others: Vec<String> = tasks
        .iter()
        .filter(|task| task.tid != pid)
        .map(|task| {
            let state = task.state.word().to_owned();
            emit::mapping(&[("tid".to_owned(), task.tid.to_string()), ("state".to_owned(), state)])
        })
        .collect();
    if !others.is_empty() || world.stat(pid) == Fact::Absent {
        lines.put("tasks", emit::list(others));
    }
}
