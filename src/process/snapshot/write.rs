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
    /// Words of command lines that look like secrets are `<redacted>`, and of a script only its first line is written.
    pub redact: bool,
}

/// The parts of a snapshot, each value written already.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Keys of the host but its tables.
    pub(super) host: Vec<(&'static str, String)>,
    /// Names with ids.
    pub(super) users: Named,
    /// Names with ids.
    pub(super) groups: Named,
    /// Paths of the engine's root.
    pub(super) files: Table,
    /// The same of other roots.
    pub(super) roots: BTreeMap<FileId, Table>,
    /// Keys by process, in the order asked for.
    pub(super) processes: Vec<(Pid, Vec<Entry>)>,
}

/// Files by path.
pub(super) type Table = BTreeMap<String, String>;
/// Names with ids.
pub(super) type Named = Vec<(String, String)>;

/// Writes the host and these processes as YAML that [`Snapshot::parse`](super::Snapshot::parse) reads: the files
/// are those that `exe ==`, `interpreter()` and `runs()` ask about for these processes. A fact that could not
/// be read is listed as unreadable.
///
/// Not kept: whether an ELF file that no entry of `binfmt_misc` looks at has more than its magic, and names of
/// users and groups to whom nothing that is written belongs.
pub fn write(world: &dyn World, pids: &[Pid], options: &WriteOptions) -> String {
    let mut text = String::new();
    parts(world, pids, options).write(&mut text);
    text
}

/// What [`write()`] writes.
pub(super) fn parts(world: &dyn World, pids: &[Pid], options: &WriteOptions) -> Parts {
    let (engine, roots) = files(world, pids, options);
    let (users, groups) = owners(world, pids, &engine);
    Parts {
        host: host(world),
        users,
        groups,
        files: table(&engine.written),
        roots: roots.iter().map(|(id, walk)| (*id, table(&walk.written))).collect(),
        processes: pids.iter().map(|pid| (*pid, process(world, *pid, options))).collect(),
    }
}

impl Parts {
    /// As the text of a snapshot.
    pub(super) fn write(&self, text: &mut String) {
        text.push_str("host:\n");
        for (key, value) in &self.host {
            line(text, 2, key, value);
        }
        line(text, 2, "users", &emit::mapping(&self.users));
        line(text, 2, "groups", &emit::mapping(&self.groups));
        write_table(text, 2, &self.files);
        write_roots(text, &self.roots);
        text.push_str(if self.processes.is_empty() { "processes: []\n" } else { "processes:\n" });
        for (pid, entries) in &self.processes {
            let _ = writeln!(text, "  - pid: {pid}");
            for Entry { key, value } in entries {
                line(text, 4, key, value);
            }
        }
    }
}

/// A key with its value on a line.
pub(super) fn line(text: &mut String, indent: usize, key: &str, value: &str) {
    let _ = writeln!(text, "{:indent$}{key}: {value}", "");
}

/// A name that isn't UTF-8 can't be a key.
fn table(files: &BTreeMap<Vec<u8>, String>) -> Table {
    let named =
        |(path, file): (&Vec<u8>, &String)| Some((std::str::from_utf8(path).ok()?.to_owned(), file.clone()));
    files.iter().filter_map(named).collect()
}

/// The key `files`.
pub(super) fn write_table(text: &mut String, indent: usize, files: &Table) {
    if files.is_empty() {
        return line(text, indent, "files", "{}");
    }
    let _ = writeln!(text, "{:indent$}files:", "");
    for (path, file) in files {
        line(text, indent + 2, &emit::text(path), file);
    }
}

/// The key `roots`, if there are any.
pub(super) fn write_roots(text: &mut String, roots: &BTreeMap<FileId, Table>) {
    if !roots.is_empty() {
        text.push_str("  roots:\n");
    }
    for (id, files) in roots {
        let _ = writeln!(text, "    - id: {}", emit::list([id.dev.to_string(), id.ino.to_string()]));
        write_table(text, 6, files);
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
    let walk = |root| Walk::new(world, root, options.redact);
    let mut engine = walk(Root::Engine);
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
            let walk = roots.entry(id).or_insert_with(|| walk(Root::Of(*pid)));
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
