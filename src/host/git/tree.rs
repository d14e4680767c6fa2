//! What a commit may hold: files, directories, and links that stay in the tree.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use crate::units::format_size;

/// A tree has no more files than this.
pub(super) const FILES_MAX: usize = 50_000;
/// All files of a tree together.
pub(super) const BYTES_MAX: u64 = 256 << 20;

/// What is noted of a tree before it is written out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Listed {
    /// Its symbolic links, whose targets are judged when they are there.
    pub(super) links: Vec<String>,
}

/// Judges what `git ls-tree -r -z -l` says. `path`: the directory that has to be there.
///
/// # Errors
/// A sentence about the first thing that can't be taken.
pub(super) fn judge(listing: &[u8], path: Option<&str>) -> Result<Listed, String> {
    let (mut listed, mut files, mut bytes, mut found) = (Listed::default(), 0usize, 0u64, path.is_none());
    for entry in listing.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let entry =
            std::str::from_utf8(entry).map_err(|_| "the name of a file in it is not UTF-8".to_owned())?;
        let (about, name) = entry.split_once('\t').ok_or("git lists it in a form that is not known")?;
        let mut words = about.split_whitespace();
        let mode = words.next().unwrap_or_default();
        files = files.saturating_add(1);
        bytes = bytes.saturating_add(words.nth(2).and_then(|size| size.parse().ok()).unwrap_or(0));
        match mode {
            "100644" | "100755" | "100664" => {}
            "120000" => listed.links.push(name.to_owned()),
            "160000" => return Err(format!("it has a submodule, `{name}`, and submodules are not followed")),
            other => return Err(format!("`{name}` is of a kind that is not known (mode {other})")),
        }
        found |= path.is_some_and(|path| Path::new(name).starts_with(path));
    }
    if files > FILES_MAX || bytes > BYTES_MAX {
        let most = format_size(BYTES_MAX);
        return Err(format!(
            "it is too large: {files} files, {bytes} bytes; {FILES_MAX} files and {most} are the most"
        ));
    }
    match path.filter(|_| !found) {
        Some(path) => Err(format!("there is no `{path}` in it")),
        None => Ok(listed),
    }
}

/// Whether no link leads out of the tree, as the kernel follows it. A link to nothing is none that leads out.
///
/// # Errors
/// A sentence about the first link that does, or that can't be judged.
pub(super) fn judge_links(root: &Path, links: &[String]) -> Result<(), String> {
    if links.is_empty() {
        return Ok(());
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let failed = |errno: Errno| crate::host::errno::errno_text(errno.raw_os_error());
    let root = openat(CWD, root, flags | OFlags::DIRECTORY, Mode::empty()).map_err(failed)?;
    for link in links {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match openat2(root.as_fd(), link.as_str(), flags, Mode::empty(), beneath) {
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(Errno::XDEV) => return Err(format!("the link `{link}` leads out of the tree")),
            Err(errno) => return Err(format!("the link `{link}` can't be judged: {}", failed(errno))),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    type Row<'a> = (String, Option<&'a str>, Result<&'a [&'a str], &'a str>);

    #[test]
    fn a_listing_is_judged() {
        let file = "100644 blob 0123 12\tspecs/a.yaml\0";
        let rows: [Row<'_>; 7] = [
            (file.into(), None, Ok(&[])),
            (file.into(), Some("specs"), Ok(&[])),
            (file.into(), Some("spec"), Err("there is no `spec`")),
            (format!("{file}120000 blob 0123 3\tl\0"), None, Ok(&["l"])),
            (format!("{file}160000 commit 0123 -\tsub\0"), None, Err("submodule, `sub`")),
            ("100644 blob 0123 999999999999\tbig\0".into(), None, Err("too large")),
            ("040000 tree 0123 -\todd\0".into(), None, Err("mode 040000")),
        ];
        for (listing, path, wanted) in rows {
            let judged = judge(listing.as_bytes(), path);
            match wanted {
                Ok(links) => assert_eq!(judged.unwrap().links, links),
                Err(part) => assert!(judged.clone().is_err_and(|text| text.contains(part)), "{judged:?}"),
            }
        }
    }

    /// By what the kernel does: `..` behind a link to a shallower place leads further up than the text says.
    #[test]
    fn links_that_lead_out_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tree");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        symlink("a/b", root.join("inside")).unwrap();
        symlink("nothing", root.join("dangling")).unwrap();
        symlink("../..", root.join("a/up")).unwrap();
        symlink("/etc", root.join("absolute")).unwrap();
        symlink("..", root.join("a/shallow")).unwrap();
        symlink("a/shallow/../x", root.join("sly")).unwrap();
        for (link, good) in [
            ("inside", true),
            ("dangling", true),
            ("a/shallow", true),
            ("a/up", false),
            ("absolute", false),
            ("sly", false),
        ] {
            assert_eq!(judge_links(&root, &[link.to_owned()]).is_ok(), good, "{link}");
        }
    }
}
