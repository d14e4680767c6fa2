//! One file of a snapshot, and the tables of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codes;
use super::files::{Entry, File, FileTable, UNSTATED_DEVICE, canonical, plain};
use super::host::Names;
use super::read::{Fields, Reader};
use crate::facts::{FileFacts, FileKind, HEAD_BYTES, Why};
use crate::process::world::Bytes;
use crate::units::Pid;
use crate::yaml::{Node, NodeKind};

const FILE: &str = "a file";
const FILE_KEYS: [&str; 17] = [
    "link",
    "id",
    "elf",
    "multicall",
    "head",
    "headHex",
    "unreadable",
    "mode",
    "owner",
    "group",
    "mtime",
    "ctime",
    "size",
    "nlink",
    "kind",
    "lockedBy",
    "linkHex",
];

/// The beginning of a file of which only `elf: true` is said.
pub(super) const ELF_HEAD: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0";

/// Kinds of files by their words.
pub(super) const KINDS: [(&str, FileKind); 3] =
    [("regular", FileKind::Regular), ("directory", FileKind::Directory), ("other", FileKind::Other)];

/// The files of one root. `number` tells the roots of a snapshot apart.
pub(super) fn table(reader: &mut Reader, node: &Node, names: &Names, number: u64) -> FileTable {
    let mut entries = BTreeMap::new();
    let help = "write paths with their files, for example `/srv/a.py: {id: [1, 201]}`";
    for (key, span, value) in reader.entries(node, help) {
        let Some(path) = canonical(key.as_bytes()) else {
            let message = format!("`{key}` is not an absolute path without `..`");
            reader.error(codes::VALUE, span, message, "write it from `/`, as it is without `..`");
            continue;
        };
        let unstated = number << 32 | 1 << 31 | u64::try_from(entries.len()).unwrap_or_default();
        if let Some(entry) = entry(reader, value, names, unstated)
            && entries.insert(path, entry).is_some()
        {
            reader.error(codes::TWICE, span, format!("`{key}` is listed twice"), "keep one of them");
        }
    }
    refuse_children(reader, node, &entries);
    FileTable::new(entries, number)
}

/// A listed path below a link or a regular file could never be reached.
fn refuse_children(reader: &mut Reader, node: &Node, entries: &BTreeMap<Vec<u8>, Entry>) {
    for (key, span, _) in reader.entries(node, "") {
        let Some(path) = canonical(key.as_bytes()) else { continue };
        let slashes: Vec<usize> =
            path.iter().enumerate().skip(1).filter(|(_, b)| **b == b'/').map(|(at, _)| at).collect();
        for end in slashes {
            let above = path.get(..end).unwrap_or_default();
            let what = match entries.get(above) {
                Some(Entry::Link(_)) => "a link",
                Some(Entry::File(file)) if file.facts.kind != FileKind::Directory => "not a directory",
                Some(Entry::Unread(_)) => "not readable",
                Some(Entry::File(_)) | None => continue,
            };
            let above = String::from_utf8_lossy(above);
            let message = format!("`{key}` can't be reached, because `{above}` is {what}");
            let help = match what {
                "a link" => format!("list it below the directory that `{above}` leads to"),
                "not a directory" => {
                    format!("write `kind: directory` for `{above}`, or leave one of the two out")
                }
                _ => format!("leave `{key}` out, or don't list `{above}` as unreadable"),
            };
            reader.error(codes::DISAGREES, span, message, help);
        }
    }
}

fn entry(reader: &mut Reader, node: &Node, names: &Names, unstated: u64) -> Option<Entry> {
    // `/srv/app/a.py:` alone says that there is such a file.
    if node.kind == NodeKind::Null {
        let facts = plain(UNSTATED_DEVICE, unstated);
        return Some(Entry::File(Box::new(File { facts, head: Err(None), locked_by: Err(None) })));
    }
    let fields = reader.fields(node, FILE, &FILE_KEYS)?;
    if let Some(key) = ["link", "linkHex"].into_iter().find(|key| fields.get(key).is_some()) {
        return link(reader, &fields, key);
    }
    let (unread, rest) = unreadable(reader, &fields);
    if let Some(why) = rest
        && fields.keys().all(|key| key == "unreadable")
    {
        return Some(Entry::Unread(why));
    }
    let head = match head(reader, &fields) {
        Some(head) => Ok(head),
        None => Err(unread.get("head").copied().or(rest)),
    };
    let locked_by = match fields.get("lockedBy") {
        Some(node) => Ok(Pid(reader.number(node)?)),
        None => Err(unread.get("lockedBy").copied().or(rest)),
    };
    let base = match fields.get("id").and_then(|node| reader.file_id(node)) {
        Some(id) => plain(id.dev, id.ino),
        None => plain(UNSTATED_DEVICE, unstated),
    };
    let mut facts = facts(reader, &fields, names, base);
    if fields.get("size").is_none() {
        facts.size = head.as_ref().map_or(0, |head| u64::try_from(head.len()).unwrap_or_default());
    }
    Some(Entry::File(Box::new(File { facts, head, locked_by })))
}

fn link(reader: &mut Reader, fields: &Fields<'_>, key: &str) -> Option<Entry> {
    for other in fields.keys().filter(|other| *other != key) {
        let span = fields.key_span(other).unwrap_or(fields.span);
        let message = format!("a link has no `{other}` of its own");
        reader.error(codes::DISAGREES, span, message, "write it for the file that the link leads to");
    }
    let node = fields.get(key)?;
    let text = if key == "link" { reader.bytes(node)? } else { reader.hex(node)? };
    if text.is_empty() {
        reader.error(codes::VALUE, node.span, "a link leads nowhere", "write the path that it leads to");
        return None;
    }
    Some(Entry::Link(text))
}

fn unreadable(reader: &mut Reader, fields: &Fields<'_>) -> (BTreeMap<String, Why>, Option<Why>) {
    match fields.get("unreadable") {
        None => (BTreeMap::new(), None),
        Some(node) if matches!(node.kind, NodeKind::Mapping(_)) => {
            let (keys, rest) = reader.unreadable(node, FILE, &["head", "lockedBy"]);
            for (key, others) in [("head", &["head", "headHex", "elf"][..]), ("lockedBy", &["lockedBy"])] {
                if keys.contains_key(key) && others.iter().any(|other| fields.get(other).is_some()) {
                    let message = format!("`{key}` is stated and unreadable");
                    reader.error(codes::DISAGREES, node.span, message, "keep one of the two");
                }
            }
            (keys, rest)
        }
        Some(node) => (BTreeMap::new(), reader.why(node)),
    }
}

fn head(reader: &mut Reader, fields: &Fields<'_>) -> Option<Bytes> {
    let elf = fields.get("elf").and_then(|node| reader.boolean(node)) == Some(true);
    let stated: Vec<(&str, &Node)> =
        ["head", "headHex"].into_iter().filter_map(|key| fields.get(key).map(|node| (key, node))).collect();
    let (key, node) = match stated.as_slice() {
        [] => return elf.then(|| Arc::from(ELF_HEAD)),
        [one] => *one,
        [_, (_, second), ..] => {
            reader.error(codes::TWICE, second.span, "`head` is stated twice", "keep `head` or `headHex`");
            return None;
        }
    };
    let bytes = if key == "head" { reader.bytes(node)? } else { reader.hex(node)? };
    if elf && !crate::facts::is_elf(&bytes) {
        reader.error(
            codes::DISAGREES,
            node.span,
            "an ELF file does not begin like this",
            "leave `elf` or this out",
        );
    }
    // More than the kernel looks at is allowed, and cut as it cuts.
    Some(bytes.get(..HEAD_BYTES).map_or(Arc::clone(&bytes), Arc::from))
}

/// The facts of stat that are stated, the identity and the others as in `base`. Also for the file that `exe` leads to.
pub(super) fn facts(reader: &mut Reader, fields: &Fields<'_>, names: &Names, base: FileFacts) -> FileFacts {
    let mut facts = base;
    let mut set = |key: &str, apply: &mut dyn FnMut(&mut Reader, &Node)| {
        if let Some(node) = fields.get(key) {
            apply(reader, node);
        }
    };
    set("kind", &mut |r, n| facts.kind = r.word(n, "a kind of file", &KINDS).unwrap_or(facts.kind));
    set("mode", &mut |r, n| facts.mode = r.octal(n).unwrap_or(facts.mode));
    set("owner", &mut |r, n| facts.uid = names.user(r, n).unwrap_or(facts.uid));
    set("group", &mut |r, n| facts.gid = names.group(r, n).unwrap_or(facts.gid));
    set("size", &mut |r, n| facts.size = r.size(n).unwrap_or(facts.size));
    set("nlink", &mut |r, n| facts.nlink = r.number(n).unwrap_or(facts.nlink));
    set("multicall", &mut |r, n| facts.multicall = r.boolean(n).unwrap_or(facts.multicall));
    set("mtime", &mut |r, n| facts.mtime = nanoseconds(r, n).unwrap_or(facts.mtime));
    facts.ctime = facts.mtime;
    set("ctime", &mut |r, n| facts.ctime = nanoseconds(r, n).unwrap_or(facts.ctime));
    facts
}

fn nanoseconds(reader: &mut Reader, node: &Node) -> Option<i128> {
    reader.time(node).and_then(|time| i128::try_from(time.as_nanos()).ok())
}
