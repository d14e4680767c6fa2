//! Which entry of `binfmt_misc` the kernel would take (`fs/binfmt_misc.c`, `search_binfmt_handler`).

use crate::facts::{Binfmt, BinfmtMatch, Fact, HEAD_BYTES, Reason, Why};
use crate::process::paths;
use crate::process::world::World;

/// The first enabled entry that applies; they are tried before ELF and `#!`.
///
/// # Errors
/// `binfmt_misc` is mounted but can't be read: then nothing can be said of any program.
pub(super) fn find(world: &dyn World, path: &[u8], head: &[u8]) -> Result<Option<Binfmt>, Reason> {
    match world.binfmt() {
        Fact::Known(entries) => Ok(entries.iter().find(|entry| applies(entry, path, head)).cloned()),
        Fact::Absent => Ok(None),
        Fact::Unknown(reason) => {
            Err(Reason::new(Why::Unresolved, format!("binfmt_misc can't be read ({})", reason.why)))
        }
    }
}

fn applies(entry: &Binfmt, path: &[u8], head: &[u8]) -> bool {
    match &entry.matches {
        BinfmtMatch::Extension(extension) => {
            let name = paths::base_name(path);
            let dot = name.iter().rposition(|b| *b == b'.');
            dot.and_then(|at| name.get(at + 1..)).is_some_and(|found| found == extension.as_slice())
        }
        BinfmtMatch::Magic { offset, magic, mask } => {
            // The kernel's buffer is padded with NULs to its full length.
            let byte = |at: usize| (at < HEAD_BYTES).then(|| head.get(at).copied().unwrap_or(0));
            magic.iter().enumerate().all(|(at, wanted)| {
                let mask = mask.get(at).copied().unwrap_or(0xff);
                byte(offset + at).is_some_and(|found| (found ^ wanted) & mask == 0)
            })
        }
    }
}
