//! Secrets of services: read when a start is prepared, and copied where only the service's user can read them.
//!
//! ```text
//! run/secrets/NAME.INDEX/SECRET    0400, of the service's user; gone when nothing of the instance runs
//! ```

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, OFlags, Uid};

use super::errno::io_text;
use super::{atomic, walk};
use crate::plan::exec::{Hidden, SecretOrder};
use crate::spec::{Secret, SecretForm};
use crate::units;

/// No secret is larger.
const BYTES_MAX: u64 = 1 << 20;

/// Reads the contents, in order. The files may belong to root, the engine's user or the service's.
///
/// # Errors
/// A sentence that names the file, and never what is in it.
pub(super) fn read(secrets: &[Secret], service_uid: u32) -> Result<Vec<Hidden>, String> {
    secrets.iter().map(|secret| read_one(secret, service_uid)).collect()
}

fn read_one(secret: &Secret, service_uid: u32) -> Result<Hidden, String> {
    let own = rustix::process::geteuid().as_raw();
    let failed = |text: String| format!("secret `{}` from `{}`: {text}", secret.name, secret.file.display());
    let stages = walk::stages(&secret.file).map_err(|error| failed(io_text(&error)))?;
    if let Some(weak) = walk::weakest(&stages, &[own, service_uid]) {
        return Err(failed(format!("it is not to be trusted: {weak}")));
    }
    let last = stages.last().ok_or_else(|| failed("it is no file".into()))?;
    let mut content = walk::open_resolved(&last.path, OFlags::RDONLY, 0)
        .and_then(|file| atomic::read_opened(file, &[0, own, service_uid], BYTES_MAX))
        .map_err(|error| failed(io_text(&error)))?;
    if secret.form == SecretForm::Env {
        // An editor ends a file with a line break, which is no part of a password.
        if content.last() == Some(&b'\n') {
            content.pop();
        }
        if content.contains(&0) {
            return Err(failed("it holds a NUL, which no variable can: write `as: file`".into()));
        }
    }
    Ok(Hidden(content))
}

/// The directories of copies.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// What lies there, once it was listed.
    known: Option<BTreeSet<PathBuf>>,
}

impl Copies {
    /// Makes the copies of a launch.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn make(&mut self, orders: &[SecretOrder]) -> Result<(), String> {
        let orders: Vec<&SecretOrder> =
            orders.iter().filter(|order| order.form == SecretForm::File).collect();
        let Some(first) = orders.first() else { return Ok(()) };
        let Some(directory) = first.path.parent() else { return Ok(()) };
        let failed = |error: io::Error| {
            format!("secrets can't be copied to `{}`: {}", directory.display(), io_text(&error))
        };
        self.list(directory.parent().unwrap_or(directory));
        self.known.get_or_insert_default().insert(directory.to_owned());
        write_all(directory, &orders, first.owner).map_err(failed)
    }

    /// Removes the copies of instances that aren't wanted. `place` is where all of them lie.
    pub(super) fn retain(&mut self, place: &Path, wanted: impl Fn(&str) -> bool) {
        self.list(place);
        let Some(known) = &mut self.known else { return };
        known.retain(|directory| {
            let name = directory.file_name().and_then(|name| name.to_str());
            // One that can't be removed now is tried again with the next change.
            name.is_some_and(&wanted) || remove(directory).is_err()
        });
    }

    /// What a former engine left.
    fn list(&mut self, place: &Path) {
        self.known.get_or_insert_with(|| {
            let entries = fs::read_dir(place).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect()
        });
    }
}

fn write_all(
    directory: &Path,
    orders: &[&SecretOrder],
    owner: Option<(units::Uid, units::Gid)>,
) -> io::Result<()> {
    let above = directory.parent().unwrap_or(directory);
    match DirBuilder::new().mode(0o711).create(above) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // The umask may have taken bits away.
        answer => answer.and_then(|()| fs::set_permissions(above, Permissions::from_mode(0o711)))?,
    }
    remove(directory)?;
    DirBuilder::new().mode(0o700).create(directory)?;
    for order in orders {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&order.path)?;
        file.write_all(&order.content.0)?;
        give(&file, owner)?;
    }
    // Last: until then nobody but the engine is in there.
    let opened = File::open(directory)?;
    give(&opened, owner)?;
    opened.set_permissions(Permissions::from_mode(0o500))
}

/// Removes the copies of an instance, if they are there. An engine that isn't root owns the directory, in which nobody may write:
/// it has to let itself in first.
fn remove(directory: &Path) -> io::Result<()> {
    let removed = fs::remove_dir_all(directory).or_else(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            fs::set_permissions(directory, Permissions::from_mode(0o700))?;
            fs::remove_dir_all(directory)
        }
        _ => Err(error),
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        answer => answer,
    }
}

fn give(file: &File, owner: Option<(units::Uid, units::Gid)>) -> io::Result<()> {
    let Some((uid, gid)) = owner else { return Ok(()) };
    Ok(rustix::fs::fchown(file.as_fd(), Some(Uid::from_raw(uid.0)), Some(Gid::from_raw(gid.0)))?)
}
