//! The key `host` of a snapshot: everything that isn't of one process.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codes;
use super::file;
use super::model::{Host, User};
use super::read::{Fields, Reader};
use super::words::NAMESPACES;
use crate::facts::{Binfmt, BinfmtMatch, HEAD_BYTES};
use crate::units::{BootId, BootTime, Gid, Pid, Uid, WallTime};
use crate::yaml::{Node, NodeKind};

const HOST: &str = "a host";
const HOST_KEYS: [&str; 15] = [
    "files",
    "users",
    "groups",
    "env",
    "now",
    "boot",
    "uptime",
    "bootId",
    "ticksPerSecond",
    "ns",
    "self",
    "roots",
    "binfmt",
    "memory",
    "unreadable",
];
const UNREADABLE_KEYS: [&str; 12] = [
    "users",
    "groups",
    "env",
    "now",
    "uptime",
    "bootId",
    "ns",
    "self",
    "binfmt",
    "locks",
    "processes",
    "memory",
];

/// Names of users and groups, for keys that take a name or a number.
#[derive(Debug, Default)]
pub(super) struct Names {
    users: BTreeMap<String, Uid>,
    groups: BTreeMap<String, Gid>,
}

impl Names {
    /// A user by number or by a name of `host.users`.
    pub(super) fn user(&self, reader: &mut Reader, node: &Node) -> Option<Uid> {
        id(reader, node, "user", &|name| self.users.get(name).map(|uid| uid.0)).map(Uid)
    }

    /// A group by number or by a name of `host.groups`.
    pub(super) fn group(&self, reader: &mut Reader, node: &Node) -> Option<Gid> {
        id(reader, node, "group", &|name| self.groups.get(name).map(|gid| gid.0)).map(Gid)
    }
}

fn id(reader: &mut Reader, node: &Node, what: &str, find: &dyn Fn(&str) -> Option<u32>) -> Option<u32> {
    let text = reader.text(node, "write a name or a number")?;
    let found = find(text).or_else(|| text.parse().ok());
    if found.is_none() {
        let help = format!("add it to `host.{what}s`, or write its number");
        reader.error(codes::UNKNOWN_NAME, node.span, format!("`host.{what}s` has no `{text}`"), help);
    }
    found
}

/// Reads `host`; without one, everything is absent.
pub(super) fn host(reader: &mut Reader, node: Option<&Node>) -> (Host, Names) {
    let mut host = Host { ticks_per_second: 100, ..Host::default() };
    let Some(fields) = node.and_then(|node| reader.fields(node, HOST, &HOST_KEYS)) else {
        return (host, Names::default());
    };
    if let Some(node) = fields.get("unreadable") {
        (host.unread.keys, host.unread.rest) = reader.unreadable(node, HOST, &UNREADABLE_KEYS);
        " of the host".clone_into(&mut host.unread.owner);
    }
    groups(reader, &fields, &mut host);
    let groups = host.groups.iter().map(|(name, gid)| (name.to_string(), *gid)).collect();
    let mut names = Names { users: BTreeMap::new(), groups };
    users(reader, &fields, &mut host, &names);
    names.users = host.users.iter().map(|user| (user.name.to_string(), user.uid)).collect();
    plain_keys(reader, &fields, &mut host);
    if let Some(node) = fields.get("files") {
        host.files = file::table(reader, node, &names, 0);
    }
    roots(reader, &fields, &mut host, &names);
    (host, names)
}

fn plain_keys(reader: &mut Reader, fields: &Fields<'_>, host: &mut Host) {
    let mut set = |key: &str, apply: &mut dyn FnMut(&mut Reader, &Node)| {
        if let Some(node) = fields.get(key) {
            apply(reader, node);
        }
    };
    set("now", &mut |r, n| host.now = r.time(n).map(WallTime));
    set("boot", &mut |r, n| host.boot = r.time(n).map(WallTime));
    set("uptime", &mut |r, n| host.uptime = r.duration(n).map(BootTime));
    set("bootId", &mut |r, n| host.boot_id = r.text(n, "write the boot id").map(|id| BootId(id.into())));
    set("self", &mut |r, n| host.engine = r.number(n).map(Pid));
    set("ticksPerSecond", &mut |r, n| match r.number::<u64>(n) {
        Some(0) => r.error(codes::VALUE, n.span, "a second has no ticks", "write for example `100`"),
        Some(ticks) => host.ticks_per_second = ticks,
        None => {}
    });
    set("memory", &mut |r, n| host.memory = r.size(n));
    set("env", &mut |r, n| {
        for (key, _, value) in r.entries(n, "write for example `{PATH: \"/usr/bin:/bin\"}`") {
            let value = r.bytes(value);
            if key == "PATH" {
                host.path = value;
            }
        }
    });
    set("ns", &mut |r, n| {
        if let Some(kinds) = r.fields(n, "`ns`", &NAMESPACES.map(|(key, ..)| key)) {
            for (key, ..) in NAMESPACES {
                let inode = kinds.get(key).and_then(|node| r.number(node));
                host.namespaces.extend(inode.map(|inode| (key, inode)));
            }
        }
    });
    set("binfmt", &mut |r, n| binfmt(r, n, host));
}

fn groups(reader: &mut Reader, fields: &Fields<'_>, host: &mut Host) {
    let Some(node) = fields.get("groups") else { return };
    for (name, _, value) in reader.entries(node, "write names with numbers, for example `{www-data: 33}`") {
        host.groups.extend(reader.number(value).map(|gid| (Arc::from(name), Gid(gid))));
    }
}

fn users(reader: &mut Reader, fields: &Fields<'_>, host: &mut Host, names: &Names) {
    let Some(node) = fields.get("users") else { return };
    for (name, _, value) in reader.entries(node, "write names with numbers, for example `{www-data: 33}`") {
        host.users.extend(user(reader, name, value, names));
    }
}

/// `33`, or `{uid: 33, groups: [www-data, adm]}` with the primary group among the groups.
fn user(reader: &mut Reader, name: &str, node: &Node, names: &Names) -> Option<User> {
    if !matches!(node.kind, NodeKind::Mapping(_)) {
        return reader.number(node).map(|uid| User { name: name.into(), uid: Uid(uid), groups: None });
    }
    let fields = reader.fields(node, "a user", &["uid", "groups"])?;
    let Some(uid) = fields.get("uid") else {
        reader.error(codes::MISSING, node.span, "a user needs its `uid`", "write for example `uid: 33`");
        return None;
    };
    let uid = Uid(reader.number(uid)?);
    let groups = fields.get("groups").map(|node| {
        let items = reader.items(node, "write for example `[www-data, adm]`");
        items.iter().filter_map(|item| names.group(reader, item)).collect()
    });
    Some(User { name: name.into(), uid, groups })
}

fn roots(reader: &mut Reader, fields: &Fields<'_>, host: &mut Host, names: &Names) {
    let Some(node) = fields.get("roots") else { return };
    let items = reader.items(node, "write for example `[{id: [9, 2], files: {}}]`");
    for (number, item) in (1u64..).zip(items) {
        let Some(fields) = reader.fields(item, "a root", &["id", "files"]) else { continue };
        let Some(id) = fields.get("id") else {
            let help = "write the device and the inode of its directory, for example `id: [9, 2]`";
            reader.error(codes::MISSING, item.span, "a root needs its `id`", help);
            continue;
        };
        let files = fields.get("files").map(|files| file::table(reader, files, names, number));
        if let Some(key) = reader.file_id(id)
            && host.roots.insert(key, files.unwrap_or_default()).is_some()
        {
            reader.error(
                codes::TWICE,
                id.span,
                "this root is listed twice",
                "put the files of both into one",
            );
        }
    }
}

/// `absent`, a reason, or the entries.
fn binfmt(reader: &mut Reader, node: &Node, host: &mut Host) {
    match &node.kind {
        NodeKind::Scalar(scalar) if scalar.text == "absent" => {}
        NodeKind::Scalar(_) => {
            let why = reader.why(node);
            host.unread.keys.extend(why.map(|why| ("binfmt".to_owned(), why)));
        }
        _ => {
            let items = reader.items(node, "write `absent`, a reason such as `denied`, or a list of entries");
            host.binfmt = Some(items.iter().filter_map(|item| binfmt_entry(reader, item)).collect());
        }
    }
}

fn binfmt_entry(reader: &mut Reader, node: &Node) -> Option<Binfmt> {
    const KEYS: [&str; 8] =
        ["magic", "magicHex", "offset", "mask", "maskHex", "extension", "interpreter", "flags"];
    let fields = reader.fields(node, "an entry of `binfmt`", &KEYS)?;
    let bytes = |reader: &mut Reader, text: &str, hex: &str| match (fields.get(text), fields.get(hex)) {
        (Some(node), _) => reader.bytes(node),
        (None, Some(node)) => reader.hex(node),
        (None, None) => None,
    };
    let Some(interpreter) = fields.get("interpreter") else {
        reader.error(
            codes::MISSING,
            node.span,
            "an entry of `binfmt` needs its `interpreter`",
            "write its path",
        );
        return None;
    };
    let interpreter = reader.bytes(interpreter)?;
    let flags = fields.get("flags").and_then(|node| {
        reader.parsed(node, "flags of binfmt_misc", "write letters of `POCF`", |text| {
            text.chars().all(|letter| "POCF".contains(letter)).then(|| text.to_owned())
        })
    });
    let magic = bytes(reader, "magic", "magicHex");
    let matches = match (magic, fields.get("extension")) {
        (None, Some(extension)) => BinfmtMatch::Extension(reader.bytes(extension)?.to_vec()),
        (Some(magic), None) => {
            let offset = fields.get("offset").map_or(Some(0), |node| reader.number(node))?;
            let mask = bytes(reader, "mask", "maskHex")
                .map_or_else(|| vec![0xff; magic.len()], |mask| mask.to_vec());
            if mask.len() != magic.len() || magic.len().saturating_add(offset) > HEAD_BYTES {
                let help = "mask and magic are equally long, and lie in the first 256 bytes";
                reader.error(codes::VALUE, node.span, "the kernel would not take this entry", help);
            }
            BinfmtMatch::Magic { offset, magic: magic.to_vec(), mask }
        }
        (Some(_), Some(_)) | (None, None) => {
            let message = "an entry of `binfmt` has either a `magic` or an `extension`";
            reader.error(codes::MISSING, node.span, message, "write for example `extension: jar`");
            return None;
        }
    };
    Some(Binfmt { matches, interpreter, flags: flags.unwrap_or_default() })
}
