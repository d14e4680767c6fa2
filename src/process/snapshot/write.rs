//! Writes the facts of a host as a snapshot that answers the same.
//!
//! Values of the environment may be secrets: they are `<redacted>` unless their key is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::emit;
use super::time::format_time;
use super::walk::Walk;
use super::words::NAMESPACES;
use super::write_process::{Entry, process};
use crate::facts::{Binfmt, BinfmtMatch, Fact, FileId};
use crate::process::world::{Bytes, Root, World};
use crate::units::{Gid, Pid, Uid};

/// What to write beside the processes.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Environment variables whose values are written.
    pub env_keys: Vec<String>,
    /// Paths in the engine's root that an expression will ask about, beside those that the processes show.
    pub files: Vec<Bytes>,
}

/// Writes the host and these processes as YAML that [`Snapshot::parse`](super::Snapshot::parse) reads: the files
/// are those that `exe ==`, `interpreter()` and `runs()` ask about for these processes. A fact that could not
/// be read is listed as unreadable.
///
/// Not kept: whether an ELF file that no entry of `binfmt_misc` looks at has more than its magic, and names of
/// users and groups to whom nothing that is written belongs.
pub fn write(world: &dyn World, pids: &[Pid], options: &WriteOptions) -> String {
    let mut text = String::from("host:\n");
    for (key, value) in host(world) {
        line(&mut text, 2, key, &value);
    }
    let (engine, roots) = files(world, pids, options);
    let (users, groups) = owners(world, pids, &engine);
    line(&mut text, 2, "users", &emit::mapping(&users));
    line(&mut text, 2, "groups", &emit::mapping(&groups));
    table(&mut text, 2, &engine.written);
    if !roots.is_empty() {
        text.push_str("  roots:\n");
        for (id, walk) in &roots {
            let _ = writeln!(text, "    - id: {}", emit::list([id.dev.to_string(), id.ino.to_string()]));
            table(&mut text, 6, &walk.written);
        }
    }
    text.push_str(if pids.is_empty() { "processes: []\n" } else { "processes:\n" });
    for pid in pids {
        let _ = writeln!(text, "  - pid: {pid}");
        for Entry { key, value } in process(world, *pid, options) {
            line(&mut text, 4, key, &value);
        }
    }
    text
}

fn line(text: &mut String, indent: usize, key: &str, value: &str) {
    let _ = writeln!(text, "{:indent$}{key}: {value}", "");
}

fn table(text: &mut String, indent: usize, files: &BTreeMap<Vec<u8>, String>) {
    // A name that isn't UTF-8 can't be a key.
    let named: Vec<(&str, &String)> =
        files.iter().filter_map(|(path, file)| Some((std::str::from_utf8(path).ok()?, file))).collect();
    if named.is_empty() {
        return line(text, indent, "files", "{}");
    }
    let _ = writeln!(text, "{:indent$}files:", "");
    for (path, file) in named {
        line(text, indent + 2, &emit::text(path), file);
    }
}

fn host(world: &dyn World) -> Vec<(&'static str, String)> {
    let mut keys = Vec::new();
    let mut unread: Vec<(String, String)> = Vec::new();
    let mut put = |key: &'static str, name: &str, value: Fact<String>| match value {
        Fact::Known(value) => keys.push((key, value)),
        Fact::Absent => {}
        Fact::Unknown(reason) => unread.push((name.to_owned(), reason.why.word().to_owned())),
    };
    put("bootId", "bootId", world.boot_id().map(|id| emit::text(&id.0)));
    put("now", "now", world.now().map(|now| format_time(now.0)));
    put("uptime", "uptime", world.uptime().map(|up| super::stat::exact(up.0)));
    put("ticksPerSecond", "", Fact::Known(world.ticks_per_second().to_string()));
    put("memory", "memory", world.memory_total().map(emit::size));
    put("self", "self", world.self_pid().map(|pid| pid.to_string()));
    put("env", "env", world.default_path().map(|path| emit::mapping(&[("PATH".into(), emit::bytes(&path))])));
    put("binfmt", "binfmt", world.binfmt().map(|entries| emit::list(entries.iter().map(binfmt))));
    let mut kinds = Vec::new();
    for (key, kind, _) in NAMESPACES {
        let inode = world.own_namespace(kind).map(|inode| inode.to_string());
        match inode {
            Fact::Known(inode) => kinds.push((key.to_owned(), inode)),
            Fact::Absent => {}
            Fact::Unknown(reason) => put("", "ns", Fact::Unknown(reason)),
        }
    }
    put("ns", "", Fact::Known(emit::mapping(&kinds)));
    if let Fact::Unknown(reason) = world.pids() {
        put("", "processes", Fact::Unknown(reason));
    }
    // Asked for nobody: a database that doesn't answer says so.
    for (name, answer) in
        [("users", world.user_id("root").map(drop)), ("groups", world.group_id("root").map(drop))]
    {
        if let Fact::Unknown(reason) = answer {
            put("", name, Fact::Unknown(reason));
        }
    }
    unread.dedup();
    if !unread.is_empty() {
        keys.push(("unreadable", emit::mapping(&unread)));
    }
    keys
}

fn binfmt(entry: &Binfmt) -> String {
    let mut keys = match &entry.matches {
        BinfmtMatch::Extension(extension) => vec![("extension".to_owned(), emit::bytes(extension))],
        BinfmtMatch::Magic { offset, magic, mask } => vec![
            ("offset".to_owned(), offset.to_string()),
            ("magicHex".to_owned(), emit::hex(magic)),
            ("maskHex".to_owned(), emit::hex(mask)),
        ],
    };
    keys.push(("interpreter".to_owned(), emit::bytes(&entry.interpreter)));
    keys.push(("flags".to_owned(), emit::text(&entry.flags)));
    emit::mapping(&keys)
}

/// The files of the engine's root, and those of other roots.
fn files<'w>(
    world: &'w dyn World,
    pids: &[Pid],
    options: &WriteOptions,
) -> (Walk<'w>, BTreeMap<FileId, Walk<'w>>) {
    let mut engine = Walk::new(world, Root::Engine);
    let mut roots: BTreeMap<FileId, Walk<'w>> = BTreeMap::new();
    for path in &options.files {
        engine.program(path);
    }
    for pid in pids {
        let paths = asked(world, *pid);
        for path in &paths {
            engine.program(path);
        }
        if let Fact::Known(link) = world.root(*pid)
            && !link.same
        {
            let id = FileId { dev: link.dev, ino: link.ino };
            let walk = roots.entry(id).or_insert_with(|| Walk::new(world, Root::Of(*pid)));
            walk.program(b"/");
            for path in &paths {
                walk.program(path);
            }
        }
    }
    // A root of which nothing is known must not become one that is known to be empty.
    roots.retain(|_, walk| !walk.written.is_empty());
    (engine, roots)
}

/// The paths that a process shows: what it executes, the name it was executed by, words of its command line.
fn asked(world: &dyn World, pid: Pid) -> BTreeSet<Vec<u8>> {
    let cwd = world.cwd(pid).known().map(|link| link.text.to_vec());
    let mut paths = BTreeSet::new();
    let mut take = |path: &[u8]| {
        if path.starts_with(b"/") {
            paths.insert(path.to_vec());
        } else if let Some(cwd) = &cwd {
            paths.insert(super::files::join(cwd, path));
        }
    };
    if let Fact::Known(text) = world.exe_text(pid) {
        take(text.strip_suffix(b" (deleted)").unwrap_or(&text));
    }
    if let Fact::Known(name) = world.execfn(pid) {
        take(&name);
    }
    if let Fact::Known(arguments) = world.arguments(pid) {
        // A script stands near the beginning; options and what follows them are no files to run.
        for word in arguments.words.iter().take(16).filter(|word| !word.is_empty() && !word.starts_with(b"-"))
        {
            take(word);
        }
    }
    paths
}

type Named = Vec<(String, String)>;

/// Names of the ids that appear, and of root.
fn owners(world: &dyn World, pids: &[Pid], engine: &Walk<'_>) -> (Named, Named) {
    let mut uids: BTreeSet<Uid> = [Uid(0)].into();
    let mut gids: BTreeSet<Gid> = [Gid(0)].into();
    for pid in pids {
        if let Fact::Known((uid, gid)) = world.owner(*pid) {
            uids.insert(uid);
            gids.insert(gid);
        }
        if let Fact::Known(status) = world.status(*pid) {
            uids.extend(status.credentials.uid.map(Uid));
            gids.extend(status.credentials.gid.map(Gid));
            gids.extend(&status.groups);
        }
        uids.extend(world.login_uid(*pid).known());
    }
    for path in engine.written.keys() {
        if let Fact::Known(file) = world.file(Root::Engine, path) {
            uids.insert(file.uid);
            gids.insert(file.gid);
        }
    }
    // A user's group has its name as a rule, and expressions that name one may name the other.
    let namesakes: Vec<Gid> =
        uids.iter().filter_map(|uid| world.group_id(&world.user_name(*uid).known()?).known()).collect();
    uids.extend(gids.iter().filter_map(|gid| world.user_id(&world.group_name(*gid).known()?).known()));
    gids.extend(namesakes);
    let mut users = Vec::new();
    for uid in uids {
        let Fact::Known(name) = world.user_name(uid) else { continue };
        let groups = world.groups_of(uid).known();
        gids.extend(groups.iter().flat_map(|groups| groups.iter()));
        let value = groups.map_or_else(
            || uid.to_string(),
            |groups| {
                let groups = emit::list(groups.iter().map(Gid::to_string));
                emit::mapping(&[("uid".to_owned(), uid.to_string()), ("groups".to_owned(), groups)])
            },
        );
        users.push((name.to_string(), value));
    }
    let named = |gid: &Gid| world.group_name(*gid).known().map(|name| (name.to_string(), gid.to_string()));
    (users, gids.iter().filter_map(named).collect())
}
