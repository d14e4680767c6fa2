//! A service with a root directory of its own, as it looks from outside: where its paths lead.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

use crate::spec::Service;

/// The document with the paths of its program and directory as everybody else sees them. What can't be followed keeps
/// its text below the root directory.
pub(super) fn outside(spec: &Service) -> Cow<'_, Service> {
    let Some(root) = &spec.chroot else { return Cow::Borrowed(spec) };
    let place = |path: &Path| resolve(root, path).unwrap_or_else(|_| below(root, path));
    Cow::Owned(Service {
        startas: place(&spec.startas),
        becomes: spec.becomes.as_deref().map(place),
        working_directory: place(&spec.working_directory),
        chroot: None,
        ..spec.clone()
    })
}

/// Where a path inside `root` leads, links followed as a process in there follows them: none leads out.
///
/// # Errors
/// What the kernel answered; `ENOSYS` before Linux 5.6.
pub(super) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let root = openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let found = File::from(openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)?);
    std::fs::read_link(format!("/proc/self/fd/{}", found.as_raw_fd()))
}

/// The text of a path inside `root`, from outside.
pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::spec::ServiceName;

    #[test]
    fn links_are_followed_as_from_inside() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::write(root.join("usr/bin/real"), "").unwrap();
        symlink("/usr/bin", root.join("bin")).unwrap();
        symlink("/../../usr/bin/real", root.join("up")).unwrap();
        for path in ["/bin/real", "/usr/bin/../bin/real", "/up"] {
            assert_eq!(resolve(&root, Path::new(path)).unwrap(), root.join("usr/bin/real"), "{path}");
        }
        let mut spec = Service::new(ServiceName::new("a").unwrap(), "/bin/real".into());
        spec.chroot = Some(root.clone());
        spec.working_directory = "/no/such".into();
        let seen = outside(&spec);
        assert_eq!(
            (&seen.startas, &seen.working_directory),
            (&root.join("usr/bin/real"), &root.join("no/such"))
        );
    }
}
