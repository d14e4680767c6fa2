//! What can go wrong with a file that a service writes to, as `status` says it.

use std::path::Path;

use super::cut::CutError;
use crate::plan::observation::OutputTrouble;
use crate::plan::output::Kept;
use crate::units::format_size;

/// Nothing helps but another file system.
pub(super) const CANNOT: &str = "OutputGrows";
const FULL: &str = "LogDiskFull";

/// Why it isn't kept below its limit.
pub(super) fn of_cut(path: &Path, error: &CutError, kept: &Kept) -> OutputTrouble {
    let path = path.display();
    let limit = kept.rotation.max_size.map_or_else(|| "its limit".to_owned(), format_size);
    match error {
        CutError::Unable => OutputTrouble {
            reason: CANNOT,
            message: format!("`{path}` grows beyond {limit}: {error}; put it on ext4, xfs or btrfs"),
        },
        CutError::Full => {
            OutputTrouble { reason: FULL, message: format!("`{path}` can't be kept below {limit}: {error}") }
        }
        CutError::Failed(_) => OutputTrouble {
            reason: "OutputNotKept",
            message: format!("`{path}` can't be kept below {limit}: {error}"),
        },
    }
}

/// Writes fail.
pub(super) fn full_disk(path: &Path) -> OutputTrouble {
    OutputTrouble {
        reason: FULL,
        message: format!("the disk of `{}` is full: what is written now is lost", path.display()),
    }
}

/// Another program renamed it, as one that rotates logs does, and whoever writes to it goes on with the renamed one.
pub(super) fn moved(path: &Path, to: &Path) -> OutputTrouble {
    OutputTrouble {
        reason: "OutputMoved",
        message: format!(
            "`{}` was moved to `{}` while it is written to: the output goes there until a restart; let `maxSize` and `keep` rotate \
             it, and no other program",
            path.display(),
            to.display()
        ),
    }
}

/// It was there, and whoever writes to it has it open: its blocks are in use until that one ends.
pub(super) fn removed(path: &Path) -> OutputTrouble {
    OutputTrouble {
        reason: "OutputRemoved",
        message: format!(
            "`{}` was removed while it is written to: what is written now is lost, until a restart makes it anew",
            path.display()
        ),
    }
}
