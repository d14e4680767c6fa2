//! Which files a snapshot of a live host holds: those that evaluation would ask about, each with the links and
//! directories on the way to it, so that every path resolves as it did.

use std::collections::{BTreeMap, BTreeSet};

use super::emit;
use super::file::{ELF_HEAD, KINDS};
use super::files::{canonical, join, parent};
use super::time::exact_time;
use crate::facts::{Binfmt, BinfmtMatch, Fact, FileFacts, FileKind, Reason, is_elf, parse_shebang};
use crate::process::world::{Bytes, Root, World};

/// Scripts that run scripts: one more than the kernel follows.
const CHAIN_MAX: usize = 6;

/// Files of one root, as they are written.
pub(super) struct Walk<'w> {
    world: &'w dyn World,
    root: Root,
    /// What stands at each path, written already.
    pub(super) written: BTreeMap<Vec<u8>, String>,
    seen: BTreeSet<Vec<u8>>,
    /// ELF files need their beginning only where `binfmt_misc` looks at it.
    elf_heads: bool,
    /// Of a script only what the kernel reads.
    first_lines: bool,
    path: Vec<Vec<u8>>,
}

impl<'w> Walk<'w> {
    /// Nothing yet.
    pub(super) fn new(world: &'w dyn World, root: Root, first_lines: bool) -> Self {
        let by_magic = |entry: &Binfmt| matches!(entry.matches, BinfmtMatch::Magic { .. });
        let elf_heads = world.binfmt().known().is_some_and(|entries| entries.iter().any(by_magic));
        let path = world.default_path().known().unwrap_or_else(|| Bytes::from(&b""[..]));
        let path = path.split(|byte| *byte == b':').map(<[u8]>::to_vec).collect();
        Self { world, root, written: BTreeMap::new(), seen: BTreeSet::new(), elf_heads, first_lines, path }
    }

    /// Adds a program and everything that the kernel and `env` would run for it.
    pub(super) fn program(&mut self, path: &[u8]) {
        self.chain(path, CHAIN_MAX);
    }

    fn chain(&mut self, path: &[u8], depth: usize) {
        let Some(file) = self.add(path) else { return };
        if depth == 0 || file.kind != FileKind::Regular {
            return;
        }
        let Fact::Known(head) = self.world.head(self.root, &file.real) else { return };
        let Ok(line) = parse_shebang(&head) else { return };
        self.chain(&line.interpreter, depth - 1);
        if !line.interpreter.ends_with(b"env") {
            return;
        }
        // `env` looks its program up: any word may be it.
        for word in line.argument.unwrap_or_default().split(u8::is_ascii_whitespace) {
            if word.starts_with(b"/") {
                self.chain(word, depth - 1);
            } else if !word.is_empty() && !word.starts_with(b"-") && !word.contains(&b'=') {
                for directory in self.path.clone() {
                    self.chain(&join(&directory, word), depth - 1);
                }
            }
        }
    }

    /// Adds a file, and where it leads.
    pub(super) fn add(&mut self, path: &[u8]) -> Option<FileFacts> {
        if !path.starts_with(b"/") {
            return None;
        }
        let mut here = b"/".to_vec();
        let mut last = self.step(&here);
        let parts: Vec<&[u8]> =
            path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
        for part in parts {
            // A path goes on below a directory only.
            last.as_ref().filter(|file| file.kind == FileKind::Directory)?;
            if part == b".." {
                here = parent(&here);
            } else {
                here = join(&here, part);
            }
            last = self.step(&here);
            here = last.as_ref().map(|file| file.real.to_vec())?;
        }
        last
    }

    /// One path whose directory has no links: a link to its end, or the file itself.
    fn step(&mut self, path: &[u8]) -> Option<FileFacts> {
        match self.world.file(self.root, path) {
            Fact::Absent => None,
            Fact::Unknown(reason) => {
                if self.seen.insert(path.to_vec()) {
                    self.written.insert(path.to_vec(), unreadable(&reason));
                }
                None
            }
            Fact::Known(file) => {
                if self.seen.insert(path.to_vec()) && *file.real != *path {
                    self.written.insert(path.to_vec(), format!("{{link: {}}}", emit::bytes(&file.real)));
                    // The directories on the way to the end of the link, and the end itself.
                    let real = canonical(&file.real)?;
                    let _end = self.add(&real);
                } else if *file.real == *path && !self.written.contains_key(path) {
                    let text = self.file(&file);
                    self.written.insert(path.to_vec(), text);
                }
                Some(file)
            }
        }
    }

    fn file(&self, file: &FileFacts) -> String {
        let mut keys = facts(file);
        let mut unread = Vec::new();
        if file.kind == FileKind::Regular {
            match self.world.head(self.root, &file.real) {
                Fact::Known(head) => keys.push(self.head(&head)),
                Fact::Absent => {}
                Fact::Unknown(reason) => unread.push(("head".to_owned(), reason.why.word().to_owned())),
            }
            if self.root == Root::Engine {
                match self.world.lock_holder(&file.real) {
                    Fact::Known(pid) => keys.push(("lockedBy".to_owned(), pid.to_string())),
                    Fact::Absent => {}
                    Fact::Unknown(reason) => {
                        unread.push(("lockedBy".to_owned(), reason.why.word().to_owned()));
                    }
                }
            }
        }
        if !unread.is_empty() {
            keys.push(("unreadable".to_owned(), emit::mapping(&unread)));
        }
        emit::mapping(&keys)
    }

    fn head(&self, head: &[u8]) -> (String, String) {
        if head == ELF_HEAD || (is_elf(head) && !self.elf_heads) {
            return ("elf".to_owned(), "true".to_owned());
        }
        let is_script = self.first_lines && head.starts_with(b"#!");
        let first_line = head.iter().position(|byte| *byte == b'\n').filter(|_| is_script);
        let head = first_line.and_then(|end| head.get(..=end)).unwrap_or(head);
        match std::str::from_utf8(head) {
            Ok(text) => ("head".to_owned(), emit::text(text)),
            Err(_) => ("headHex".to_owned(), emit::hex(head)),
        }
    }
}

fn unreadable(reason: &Reason) -> String {
    format!("{{unreadable: {}}}", reason.why)
}

/// What stat says, as keys of a file.
pub(super) fn facts(file: &FileFacts) -> Vec<(String, String)> {
    let mut keys: Vec<(&str, String)> =
        vec![("id", emit::list([file.dev.to_string(), file.ino.to_string()]))];
    if file.kind != FileKind::Regular {
        let word = KINDS.iter().find(|(_, kind)| *kind == file.kind).map_or("other", |(word, _)| word);
        keys.push(("kind", word.to_owned()));
    }
    keys.push(("mode", format!("\"{:04o}\"", file.mode)));
    keys.push(("owner", file.uid.to_string()));
    keys.push(("group", file.gid.to_string()));
    keys.push(("size", emit::size(file.size)));
    keys.push(("nlink", file.nlink.to_string()));
    keys.push(("mtime", exact_time(file.mtime)));
    if file.ctime != file.mtime {
        keys.push(("ctime", exact_time(file.ctime)));
    }
    if file.multicall {
        keys.push(("multicall", "true".to_owned()));
    }
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
