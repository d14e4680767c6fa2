//! Files for an import, in the root of this host or of another one.
//!
//! Links are followed inside of the root, step by step: a link to `/etc/x` in another root means that root's `/etc/x`.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::errno::io_text;
use super::way::{Step, Way};
use crate::import::{FileLook, Files};

/// A file of an import is no larger than this.
const BYTES_MAX: u64 = 1 << 20;
/// Names of a directory.
const NAMES_MAX: usize = 10_000;

/// The files below a root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportFiles {
    root: PathBuf,
}

impl ImportFiles {
    /// The files below this directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where a path of the root leads on this host, links followed.
    fn resolve(&self, path: &str) -> std::io::Result<PathBuf> {
        let mut way = Way::to(Path::new(path));
        while let Some(step) = way.step() {
            let Step::Name(name) = step else { continue };
            let outside = self.outside(&way.here().join(&name));
            if fs::symlink_metadata(&outside)?.file_type().is_symlink() {
                way.follow(&fs::read_link(&outside)?)?;
            } else {
                way.enter(&name);
            }
        }
        Ok(self.outside(way.here()))
    }

    fn outside(&self, inside: &Path) -> PathBuf {
        self.root.join(inside.strip_prefix("/").unwrap_or(inside))
    }
}

fn failed(error: &std::io::Error) -> FileLook {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => FileLook::Absent,
        _ => FileLook::Unreadable(format!("can't be looked at: {}", io_text(error))),
    }
}

impl Files for ImportFiles {
    fn read(&self, path: &str) -> Result<String, FileLook> {
        let real = self.resolve(path).map_err(|error| failed(&error))?;
        let look = self.look(path);
        if !matches!(look, FileLook::File { .. }) {
            return Err(look);
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW;
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(real)
            .map_err(|error| failed(&error))?;
        let mut bytes = Vec::new();
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(FileLook::Unreadable("is larger than 1MiB".to_owned()));
        }
        // Comments in other encodings are frequent. A value in one would be refused with its document.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn look(&self, path: &str) -> FileLook {
        let meta = self.resolve(path).and_then(fs::symlink_metadata);
        match meta {
            Ok(meta) if meta.is_dir() => FileLook::Directory,
            Ok(meta) if meta.is_file() => {
                FileLook::File { executable: meta.permissions().mode() & 0o111 != 0, filled: meta.len() > 0 }
            }
            Ok(_) => FileLook::Other,
            Err(error) => failed(&error),
        }
    }

    fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = self.resolve(path).and_then(fs::read_dir) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.take(NAMES_MAX).collect();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_in_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("etc/default")).unwrap();
        fs::write(root.join("etc/default/cron"), "A=1\n").unwrap();
        fs::write(root.join("etc/run"), "").unwrap();
        fs::set_permissions(root.join("etc/run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("/etc/default/cron", root.join("absolute")).unwrap();
        symlink("../../../../etc/default/cron", root.join("etc/up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let files = ImportFiles::new(root);
        for path in ["/etc/default/cron", "/absolute", "/etc/up", "/etc/./default/../default/cron"] {
            assert_eq!(files.read(path).as_deref(), Ok("A=1\n"), "{path}");
        }
        assert_eq!(files.look("/etc"), FileLook::Directory);
        assert!(files.look("/etc/run").is_program());
        assert_eq!(files.look("/nothing"), FileLook::Absent);
        assert_eq!(files.look("/etc/default/cron/below"), FileLook::Absent);
        assert!(matches!(files.look("/loop"), FileLook::Unreadable(_)));
        assert_eq!(files.list("/etc"), ["default", "run", "up"]);
        assert!(files.list("/nothing").is_empty());
    }

    #[test]
    fn large_files_are_refused_and_other_encodings_are_marked() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("large"), vec![b'a'; 1 << 20]).unwrap();
        fs::write(dir.path().join("larger"), vec![b'a'; (1 << 20) + 1]).unwrap();
        fs::write(dir.path().join("bytes"), [0xff, 0xfe]).unwrap();
        let files = ImportFiles::new(dir.path());
        assert!(files.read("/large").is_ok());
        assert_eq!(files.read("/larger"), Err(FileLook::Unreadable("is larger than 1MiB".to_owned())));
        assert_eq!(files.read("/bytes").as_deref(), Ok("\u{fffd}\u{fffd}"));
        assert_eq!(files.read("/"), Err(FileLook::Directory));
    }
}
