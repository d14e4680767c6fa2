//! `run/policies.json`: what is remembered of policies, written before anything is done that rests on it.

use super::atomic;
use super::state_dir::Dirs;
use super::versioned::{content, write_json};
use crate::plan::policy::KeptPolicies;

const MODE: u32 = 0o600;
/// Far more than what policies over a large host lead to.
const BYTES_MAX: u64 = 64 << 20;

/// What an engine left behind, in whatever boot. A file that can't be read is said, and none: then windows begin anew.
///
/// # Errors
/// A sentence.
pub fn read(dirs: &Dirs) -> Result<KeptPolicies, String> {
    let path = dirs.policies();
    let own = super::own_uid();
    match atomic::read(&path, &[own, 0], BYTES_MAX) {
        Ok(bytes) => content(&bytes).map_err(|error| format!("`{}` can't be used: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(KeptPolicies::default()),
        Err(error) => Err(format!("`{}` can't be read: {}", path.display(), super::errno::io_text(&error))),
    }
}

/// Replaces it.
///
/// # Errors
/// A sentence; the old one stays.
pub fn write(dirs: &Dirs, kept: &KeptPolicies) -> Result<(), String> {
    write_json(&dirs.policies(), kept, MODE)
}
