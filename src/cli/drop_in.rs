//! The program under another name. Asked before anything else is, since starting is most of what such a call costs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::start_lock;
use crate::start_stop::start::Places;
use crate::start_stop::{self, Call};

/// The name that it stands in for.
const NAME: &str = "start-stop-daemon";

/// Runs it if we were called by its name, or with it as the first argument: the exit code.
pub(super) fn run(args: &[OsString]) -> Option<u8> {
    let (program, rest) = args.split_first()?;
    if Path::new(program).file_name() == Some(OsStr::new(NAME)) {
        return Some(call(program.to_string_lossy().into_owned(), rest));
    }
    match rest.split_first() {
        Some((first, rest)) if first.as_bytes() == NAME.as_bytes() => Some(call(NAME.to_owned(), rest)),
        Some(_) | None => None,
    }
}

/// The same behind options of ours.
pub(super) fn run_verb(args: &[OsString]) -> u8 {
    call(NAME.to_owned(), args)
}

#[expect(clippy::disallowed_methods, reason = "the environment is read here, once")]
fn call(program: String, args: &[OsString]) -> u8 {
    let directory = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = crate::host::own_uid() == 0;
    let sockets = if root { None } else { directory("TMPDIR") };
    start_stop::run(Call {
        program,
        args,
        strict_order: std::env::var_os("POSIXLY_CORRECT").is_some(),
        places: Places {
            locks: start_lock::place(directory("XDG_RUNTIME_DIR")),
            sockets: sockets.unwrap_or_else(|| if root { "/run".into() } else { "/tmp".into() }),
        },
    })
}
