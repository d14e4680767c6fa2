//! What a process runs and where: `exe`, `cwd`, `root`, `argv`, `env`, and what it has open: `files`.

use std::sync::Arc;

use super::codes;
use super::file;
use super::files::{FileTable, UNSTATED_DEVICE, plain};
use super::host::Names;
use super::process::Draft;
use super::read::{Fields, Reader};
use crate::facts::{Arguments, Fact, FileFacts, FileId, FileKind, MagicLink, OpenFile, RootLink, Why};
use crate::process::world::Bytes;
use crate::yaml::{Node, NodeKind};

const DELETED: &[u8] = b" (deleted)";
/// Keys of what a magic link leads to.
const LINK_KEYS: [&str; 12] =
    ["path", "hex", "id", "nlink", "kind", "mode", "owner", "group", "size", "mtime", "ctime", "multicall"];

/// `same`, a path, or `{path: /, id: [9, 2]}`. Not stated is the same root.
pub(super) fn root(draft: &mut Draft<'_, '_>) -> Fact<RootLink> {
    let top = identity(draft.host.files.file(b"/"));
    let same = RootLink { text: Arc::from(&b"/"[..]), dev: top.dev, ino: top.ino, same: true };
    let Some(node) = draft.fields.get("root") else {
        return match draft.unread.missing("root") {
            Fact::Absent => Fact::Known(same),
            unknown => unknown,
        };
    };
    if node.scalar().is_some_and(|word| word.text == "same") {
        return Fact::Known(same);
    }
    let link = located(draft.reader, node, "`root`", &draft.host.files);
    Fact::from_option(link.map(|(text, id)| {
        let same = (id.dev, id.ino) == (top.dev, top.ino);
        RootLink { text, dev: id.dev, ino: id.ino, same }
    }))
}

fn identity(file: Fact<FileFacts>) -> FileId {
    file.known()
        .map_or(FileId { dev: UNSTATED_DEVICE, ino: 0 }, |file| FileId { dev: file.dev, ino: file.ino })
}

/// The table in which the text of a link of this process is looked up. A changed root inside the engine's
/// tree shows as its outer path; only a root in another mount namespace shows as `/`.
fn table<'r>(draft: &Draft<'r, '_>, root: &Fact<RootLink>) -> &'r FileTable {
    let host = draft.host;
    match root {
        Fact::Known(link) if !link.same && &*link.text == b"/" => {
            host.roots.get(&FileId { dev: link.dev, ino: link.ino }).unwrap_or(&host.files)
        }
        _ => &host.files,
    }
}

/// A path and the identity behind it: stated, or that of the file in the table.
fn located(reader: &mut Reader, node: &Node, of: &str, table: &FileTable) -> Option<(Bytes, FileId)> {
    if !matches!(node.kind, NodeKind::Mapping(_)) {
        let text = reader.bytes(node)?;
        let id = found(table, &text);
        return Some((text, id));
    }
    let fields = reader.fields(node, of, &["path", "id", "hex"])?;
    if let (Some(hex), None) = (fields.get("hex"), fields.get("path")) {
        let text = reader.hex(hex)?;
        return Some((Arc::clone(&text), found(table, &text)));
    }
    let Some(path) = fields.get("path") else {
        let message = format!("{of} needs its `path`");
        reader.error(codes::MISSING, node.span, message, "write for example `{path: /, id: [9, 2]}`");
        return None;
    };
    let text = reader.bytes(path)?;
    let id = match fields.get("id") {
        Some(id) => reader.file_id(id)?,
        None => found(table, &text),
    };
    Some((text, id))
}

fn found(table: &FileTable, text: &[u8]) -> FileId {
    table.file(text).known().map_or_else(|| unlisted(text), |file| FileId { dev: file.dev, ino: file.ino })
}

/// The identity of a file that is only named: equal for equal names, different from every listed file.
fn unlisted(text: &[u8]) -> FileId {
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    FileId { dev: UNSTATED_DEVICE, ino: hash | 1 << 63 }
}

/// `/proc/PID/cwd`.
pub(super) fn cwd(draft: &mut Draft<'_, '_>, root: &Fact<RootLink>) -> Fact<MagicLink> {
    let files = table(draft, root);
    if let Some(hex) = draft.fields.get("cwdHex") {
        draft.refuse_second("cwd");
        let text = draft.reader.hex(hex);
        return Fact::from_option(text.map(|text| link(Arc::clone(&text), found(files, &text))));
    }
    draft.fact("cwd", |r, n| located(r, n, "`cwd`", files).map(|(text, id)| link(text, id)))
}

fn link(text: Bytes, id: FileId) -> MagicLink {
    MagicLink { text, dev: id.dev, ino: id.ino }
}

/// `/proc/PID/exe`: stat through it, and its text.
pub(super) fn exe(draft: &mut Draft<'_, '_>, root: &Fact<RootLink>) -> (Fact<FileFacts>, Fact<Bytes>) {
    let files = table(draft, root);
    let Some(node) = draft.fields.get("exe") else {
        return (draft.unread.first_of(&["exe", "exe.id"]), draft.unread.first_of(&["exe", "exe.path"]));
    };
    draft.stated.insert("exe");
    if !matches!(node.kind, NodeKind::Mapping(_)) {
        let text = draft.reader.bytes(node);
        let file = text.as_ref().map(|text| base(files, text));
        return (hidden(draft, Fact::from_option(file)), Fact::from_option(text));
    }
    let Some(fields) = draft.reader.fields(node, "`exe`", &LINK_KEYS) else {
        return (Fact::Absent, Fact::Absent);
    };
    let text = path(draft, &fields);
    let id = fields.get("id").and_then(|id| draft.reader.file_id(id));
    let start = start(text.as_ref().known(), id, |text| base(files, text));
    let facts = file::facts(draft.reader, &fields, draft.names, start);
    (hidden(draft, Fact::Known(facts)), text)
}

/// The facts that aren't stated: those of the listed file, if it is the one that is meant.
fn start(text: Option<&Bytes>, id: Option<FileId>, listed: impl FnOnce(&[u8]) -> FileFacts) -> FileFacts {
    let start = text.map_or_else(|| plain(UNSTATED_DEVICE, unlisted(b"").ino), |text| listed(text));
    match id {
        // Another file than the one at its path: only its being deleted can be told from the text.
        Some(id) if (start.dev, start.ino) != (id.dev, id.ino) => {
            let deleted = text.is_some_and(|text| text.ends_with(DELETED));
            FileFacts { nlink: u64::from(!deleted), ..plain(id.dev, id.ino) }
        }
        Some(_) | None => start,
    }
}

/// `/proc/PID/fd`: paths, or mappings with what stat says.
pub(super) fn files(draft: &mut Draft<'_, '_>, root: &Fact<RootLink>) -> Fact<Arc<[OpenFile]>> {
    let (table, names) = (table(draft, root), draft.names);
    draft.fact("files", |r, n| {
        let items = r.items(n, "write a list of paths, for example `[/var/log/app.log]`");
        Some(items.iter().filter_map(|item| open_file(r, item, table, names)).collect())
    })
}

fn open_file(reader: &mut Reader, node: &Node, table: &FileTable, names: &Names) -> Option<OpenFile> {
    if !matches!(node.kind, NodeKind::Mapping(_)) {
        let text = reader.bytes(node)?;
        return Some(OpenFile { facts: any(table, &text), text });
    }
    let fields = reader.fields(node, "an open file", &LINK_KEYS)?;
    let text = match (fields.get("path"), fields.get("hex")) {
        (Some(node), _) => reader.bytes(node)?,
        (None, Some(node)) => reader.hex(node)?,
        (None, None) => {
            let help = "write for example `{path: /var/log/app.log, id: [1, 301]}`";
            reader.error(codes::MISSING, node.span, "an open file needs its `path`", help);
            return None;
        }
    };
    let id = fields.get("id").and_then(|id| reader.file_id(id));
    let start = start(Some(&text), id, |text| any(table, text));
    Some(OpenFile { facts: file::facts(reader, &fields, names, start), text })
}

/// Only the text of the link may be known: `exe.id` unreadable.
fn hidden(draft: &Draft<'_, '_>, file: Fact<FileFacts>) -> Fact<FileFacts> {
    match draft.unread.keys.get("exe.id") {
        Some(_) => draft.unread.first_of(&["exe.id"]),
        None => file,
    }
}

fn path(draft: &mut Draft<'_, '_>, fields: &Fields<'_>) -> Fact<Bytes> {
    match (fields.get("path"), fields.get("hex")) {
        (Some(node), _) => Fact::from_option(draft.reader.bytes(node)),
        (None, Some(node)) => Fact::from_option(draft.reader.hex(node)),
        (None, None) => draft.unread.first_of(&["exe.path"]),
    }
}

/// The listed file at a path, or one that is equal to itself only.
fn base(files: &FileTable, text: &[u8]) -> FileFacts {
    let listed = files.file(text).known().filter(|file| file.kind != FileKind::Directory);
    unnamed(listed, text)
}

/// The same where directories count too.
fn any(files: &FileTable, text: &[u8]) -> FileFacts {
    unnamed(files.file(text).known(), text)
}

fn unnamed(listed: Option<FileFacts>, text: &[u8]) -> FileFacts {
    let facts = listed.unwrap_or_else(|| {
        let id = unlisted(text);
        FileFacts { nlink: u64::from(!text.ends_with(DELETED)), ..plain(id.dev, id.ino) }
    });
    // The path behind the link is its text, which is asked on its own.
    FileFacts { real: Arc::from(&b""[..]), ..facts }
}

/// `/proc/PID/cmdline`.
pub(super) fn arguments(draft: &mut Draft<'_, '_>) -> Fact<Arguments> {
    let rewritten = draft.field("argvRewritten", Reader::boolean);
    let words = |r: &mut Reader, n: &Node, each: fn(&mut Reader, &Node) -> Option<Bytes>| {
        let items = r.items(n, "write a list, for example `[/usr/bin/python3, /srv/a.py]`");
        Some(items.iter().filter_map(|item| each(r, item)).collect::<Vec<Bytes>>())
    };
    let words = if draft.fields.get("argvHex").is_some() {
        draft.refuse_second("argv");
        draft.fact("argvHex", |r, n| words(r, n, Reader::hex))
    } else {
        draft.fact("argv", |r, n| words(r, n, Reader::bytes))
    };
    let truncated = draft.unread.keys.get("argv") == Some(&Why::Truncated);
    words.map(|words| Arguments { words, padded: rewritten.unwrap_or_default(), truncated })
}

/// `/proc/PID/environ`: by key, or as the raw list.
pub(super) fn environ(draft: &mut Draft<'_, '_>) -> Fact<Arc<[Bytes]>> {
    for (key, read) in
        [("environ", Reader::bytes as fn(&mut Reader, &Node) -> Option<Bytes>), ("environHex", Reader::hex)]
    {
        if draft.fields.get(key).is_some() {
            draft.refuse_second("env");
            return draft.fact(key, |r, n| {
                let items = r.items(n, "write a list, for example `[APP_ENV=prod]`");
                Some(items.iter().filter_map(|item| read(r, item)).collect())
            });
        }
    }
    draft.fact("env", |r, n| {
        let mut all: Vec<Bytes> = Vec::new();
        for (key, _, value) in r.entries(n, "write for example `{APP_ENV: prod}`") {
            all.extend(r.bytes(value).map(|value| Bytes::from([key.as_bytes(), b"=", &value].concat())));
        }
        Some(all.into())
    })
}
