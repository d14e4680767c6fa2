//! Who writes to a file: a document that is open for writing may not be complete, whatever it says.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Those of these files that a process has open for writing, as far as it can be seen: the descriptors of all processes
/// are looked through (`/proc/PID/fd`, proc(5)). No files, no look.
pub fn open_for_writing(files: BTreeSet<String>) -> BTreeSet<String> {
    let known = |file: String| Some((inode(&fs::metadata(&file).ok()?), file));
    let wanted: Vec<((u64, u64), String)> = files.into_iter().filter_map(known).collect();
    if wanted.is_empty() {
        return BTreeSet::new();
    }
    let own = std::process::id().to_string();
    let processes =
        names("/proc".as_ref()).filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && *name != own);
    let mut found = BTreeSet::new();
    for pid in processes {
        let dir = Path::new("/proc").join(pid);
        for fd in names(&dir.join("fd")) {
            let Ok(meta) = fs::metadata(dir.join("fd").join(&fd)) else { continue };
            let is_it = |(wanted, _): &&((u64, u64), String)| *wanted == inode(&meta);
            if let Some((_, file)) = wanted.iter().find(is_it)
                && writes(&dir.join("fdinfo").join(&fd))
            {
                found.insert(file.clone());
            }
        }
    }
    found
}

fn names(dir: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

fn inode(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

/// Whether a descriptor is open for writing: the line `flags:` of `/proc/PID/fdinfo/FD`, in octal.
fn writes(fdinfo: &Path) -> bool {
    let text = fs::read_to_string(fdinfo).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok()).unwrap_or_default();
    flags & libc::O_ACCMODE != libc::O_RDONLY
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::host::testing::{Holder, written};

    #[test]
    fn a_writer_is_told_from_a_reader() {
        let dir = tempfile::tempdir().unwrap();
        for (redirection, is_writer) in [("<", false), (">>", true), ("<>", true)] {
            let path = dir.path().join("file");
            written(&path, "text");
            let file = path.to_string_lossy().into_owned();
            let holder = Holder::open(&path, redirection, ":");
            let other = dir.path().join("other").to_string_lossy().into_owned();
            let found = open_for_writing(BTreeSet::from([file.clone(), other]));
            assert_eq!(found.contains(&file), is_writer, "{redirection}");
            holder.close();
            assert!(open_for_writing(BTreeSet::from([file])).is_empty());
        }
    }
}
