//! Puts a new text in the place of a person's file: whole or not at all, with its mode and owner.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use super::atomic::create_new;

/// Replaces `old` by `new` through a temporary name beside it. A link stays a link: what it leads to is replaced.
///
/// # Errors
/// What the kernel answered; not a regular file; several names (hard links), which a rename would part; the text is
/// no longer `old`; an owner that this user can't give. The file is as it was.
pub fn replace_text(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let real = fs::canonicalize(path)?;
    let meta = fs::metadata(&real)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if meta.nlink() > 1 {
        return Err(io::Error::other("it has several names (hard links), which would part"));
    }
    let (Some(dir), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    };
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = dir.join(temporary);
    let written = create_new(&temporary, 0o600).and_then(|file| fill(file, new, &meta)).and_then(|()| {
        if super::read_text(&real)? != old {
            return Err(io::Error::other("somebody else changed it meanwhile"));
        }
        fs::rename(&temporary, &real)
    });
    if written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn fill(mut file: File, text: &str, like: &fs::Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(&file, Some(like.uid()), Some(like.gid()))?;
    }
    // After the owner: changing that takes special bits away.
    file.set_permissions(Permissions::from_mode(like.mode() & 0o7777))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
