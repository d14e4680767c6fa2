//! A snapshot: read, written, read again, and asked every question that the language has.

use std::sync::{Arc, OnceLock};

use selfsame::diagnostic::Source;
use selfsame::facts::{Fact, Why};
use selfsame::lang::Predicate;
use selfsame::process::expression::compile_expression;
use selfsame::process::snapshot::{Snapshot, WriteOptions, write};
use selfsame::process::world::{Bytes, Namespace, Root, World};
use selfsame::process::{declarations, paths};
use selfsame::units::{Pid, Uid};
use selfsame::yaml::{self, Limits, Node, NodeKind};

use super::staged::verdicts;

/// More processes than that say nothing new.
const PROCESSES_MAX: usize = 16;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Source::new("host.yaml", text);
    match Snapshot::parse(&source) {
        Err(diagnostics) => {
            super::assert_shown(&diagnostics, &source);
            assert!(
                diagnostics.iter().any(selfsame::diagnostic::Diagnostic::is_error),
                "refused for nothing"
            );
        }
        Ok(snapshot) => accepted(&snapshot, &source),
    }
}

fn accepted(snapshot: &Snapshot, source: &Arc<Source>) {
    let pids = snapshot.pids().known().unwrap_or_else(|| Arc::from([]));
    let pids = &pids[..pids.len().min(PROCESSES_MAX)];
    for example in examples() {
        let _ = verdicts(example, snapshot, pids);
    }
    let files = named(source);
    let variables = pids.iter().filter_map(|pid| snapshot.environ(*pid).known());
    let env_keys =
        variables.flat_map(|all| all.iter().map(|entry| key_of(entry)).collect::<Vec<_>>()).collect();
    let options = WriteOptions { env_keys, files, redact: false };
    let written = write(snapshot, pids, &options);
    let again = match Snapshot::parse(&Source::new("written", written.as_str())) {
        Ok(again) => again,
        Err(diagnostics) => panic!("what is written is refused: {diagnostics:?}\n{written}"),
    };
    for (was, is) in answers(snapshot, snapshot, pids, &options.files).iter().zip(answers(
        &again,
        snapshot,
        pids,
        &options.files,
    )) {
        assert_eq!(*was, is, "{}\n----\n{written}", source.text);
    }
    assert_eq!(write(&again, pids, &options), written, "written again");
}

/// Every example of the reference.
fn examples() -> &'static [Predicate] {
    static EXAMPLES: OnceLock<Vec<Predicate>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let all = declarations();
        let fields = all.fields.iter().map(|field| field.example.as_ref());
        let functions = all.functions.iter().map(|function| function.example.as_ref());
        fields.chain(functions).filter_map(|example| compile_expression(example).predicate).collect()
    })
}

/// The variable that an entry of the environment sets.
fn key_of(entry: &[u8]) -> String {
    let key = entry.split(|byte| *byte == b'=').next().unwrap_or_default();
    String::from_utf8_lossy(key).into_owned()
}

/// The paths that a text speaks of.
fn named(source: &Arc<Source>) -> Vec<Bytes> {
    let parsed = yaml::parse(source, &Limits::default());
    let mut files = Vec::new();
    let mut open: Vec<&Node> = parsed.documents.iter().collect();
    while let Some(node) = open.pop() {
        match &node.kind {
            NodeKind::Mapping(pairs) => {
                let keys = pairs.iter().map(|(key, _)| &key.text).filter(|key| key.starts_with('/'));
                files.extend(keys.map(paths::shared));
                open.extend(pairs.iter().map(|(_, value)| value));
            }
            NodeKind::Sequence(items) => open.extend(items),
            NodeKind::Scalar(_) | NodeKind::Null | NodeKind::Refused => {}
        }
    }
    files
}

const KINDS: [Namespace; 8] = [
    Namespace::Pid,
    Namespace::Mnt,
    Namespace::Net,
    Namespace::User,
    Namespace::Uts,
    Namespace::Ipc,
    Namespace::Cgroup,
    Namespace::Time,
];

/// Why, without the words about it: they name the fact that was looked at.
fn plain<T>(fact: Fact<T>) -> Result<Option<T>, Why> {
    match fact {
        Fact::Known(value) => Ok(Some(value)),
        Fact::Absent => Ok(None),
        Fact::Unknown(reason) => Err(reason.why),
    }
}

/// What of an environment can be asked for by a key, and so is written; the rest may be secrets.
fn tellable(entries: &[Bytes]) -> Vec<Vec<u8>> {
    let hidden = b"<redacted>".as_slice();
    let told = |entry: &Bytes| match entry.iter().position(|byte| *byte == b'=') {
        None => hidden.to_vec(),
        Some(at) if std::str::from_utf8(&entry[..at]).is_ok() => entry.to_vec(),
        Some(at) => [&entry[..=at], hidden].concat(),
    };
    entries.iter().map(told).collect()
}

/// Of an ELF file only that it is one is kept.
fn head(bytes: Bytes) -> Bytes {
    if selfsame::facts::is_elf(&bytes) { paths::shared("ELF") } else { bytes }
}

/// What a world answers about everything that another one lists.
fn answers(world: &Snapshot, listed: &Snapshot, pids: &[Pid], files: &[Bytes]) -> Vec<String> {
    let mut all = vec![
        format!("boot {:?}", plain(world.boot_id())),
        format!("binfmt {:?}", plain(world.binfmt())),
        format!("path {:?}", plain(world.default_path())),
        format!("now {:?} {:?}", plain(world.now()), plain(world.uptime())),
        format!("ticks {}", world.ticks_per_second()),
        format!("self {:?}", plain(world.self_pid())),
    ];
    all.extend(KINDS.map(|kind| format!("own {kind:?} {:?}", plain(world.own_namespace(kind)))));
    for path in files {
        let shown = String::from_utf8_lossy(path);
        all.push(format!("file {shown} {:?}", plain(world.file(Root::Engine, path))));
        all.push(format!("head {shown} {:?}", plain(world.head(Root::Engine, path).map(head))));
        all.push(format!("lock {shown} {:?}", plain(world.lock_holder(path))));
    }
    for pid in pids {
        all.extend(of_process(world, *pid).into_iter().map(|answer| format!("{pid} {answer}")));
        let owner = listed.owner(*pid).known().map_or(Uid(0), |(uid, _)| uid);
        all.push(format!("user {:?}", plain(world.user_name(owner))));
        all.push(format!("{pid} root {:?}", plain(world.file(Root::Of(*pid), b"/"))));
    }
    all
}

fn of_process(world: &Snapshot, pid: Pid) -> Vec<String> {
    let mut all = vec![
        format!("owner {:?}", plain(world.owner(pid))),
        format!("exe_file {:?}", plain(world.exe_file(pid))),
        format!("exe_text {:?}", plain(world.exe_text(pid))),
        format!("stat {:?}", plain(world.stat(pid))),
        format!("comm {:?}", plain(world.comm(pid))),
        format!("status {:?}", plain(world.status(pid))),
        format!("arguments {:?}", plain(world.arguments(pid))),
        format!("environ {:?}", plain(world.environ(pid)).map(|all| all.map(|all| tellable(&all)))),
        format!("execfn {:?}", plain(world.execfn(pid))),
        format!("cwd {:?}", plain(world.cwd(pid))),
        format!("root {:?}", plain(world.root(pid))),
        format!("cgroups {:?}", plain(world.cgroups(pid))),
        format!("login {:?}", plain(world.login_uid(pid))),
        format!("oom {:?} {:?}", plain(world.oom_score(pid)), plain(world.oom_score_adj(pid))),
        format!("io {:?}", plain(world.io(pid))),
        format!("fds {:?}", plain(world.fd_count(pid))),
        format!("label {:?}", plain(world.security_label(pid))),
        format!("tasks {:?}", plain(world.tasks(pid))),
        format!("managed {:?}", plain(world.managed_as(pid))),
    ];
    all.extend(KINDS.map(|kind| format!("ns {kind:?} {:?}", plain(world.namespace(pid, kind)))));
    all.extend(["nofile", "core"].map(|name| format!("limit {name} {:?}", plain(world.limit(pid, name)))));
    for field in ["user", "group", "nice", "rss", "state", "caps.eff", "ruser", "age", "cpu_time", "swap"] {
        all.push(format!("gap {field} {:?}", world.gap(pid, field).map(plain)));
    }
    all
}
