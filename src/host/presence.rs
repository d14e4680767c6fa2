//! Which places a running watch keeps, for other verbs: `run/watch.json`.

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::signal::vital;
use super::state_dir::{Dirs, holder};
use super::{atomic, clock, errno::io_text};
use crate::spec::KnownHost;
use crate::units::{BootTime, Pid};

/// A running watch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Its process.
    pub pid: Pid,
    /// The places it keeps, absolute.
    pub places: Vec<PathBuf>,
    /// What it takes this host for.
    #[serde(default)]
    pub host: Option<KnownHost>,
    /// Which selfsame it is.
    #[serde(default)]
    pub version: String,
    /// When this was said.
    #[serde(default)]
    pub at: BootTime,
}

impl Presence {
    /// Whether it keeps what is at this path.
    pub fn keeps(&self, path: &Path) -> bool {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.places.iter().any(|place| path.starts_with(place))
    }
}

/// Says that this process, which holds the state, watches these places.
///
/// # Errors
/// A sentence.
pub fn announce(dirs: &Dirs, places: &[PathBuf], host: &KnownHost) -> Result<(), String> {
    let absolute = |place: &PathBuf| std::path::absolute(place).unwrap_or_else(|_| place.clone());
    let presence = Presence {
        pid: Pid(rustix::process::getpid().as_raw_nonzero().get()),
        places: places.iter().map(absolute).collect(),
        host: Some(host.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: clock::now().boot,
    };
    let bytes = serde_json::to_vec(&presence).map_err(|error| error.to_string())?;
    let path = dirs.run.join("watch.json");
    // On a full disk a file that is there can still be written over: who wants to stop something has to find the watch above all then.
    // Whoever reads in between finds no watch, for a moment.
    atomic::write(&path, &bytes, 0o644)
        .or_else(|error| write_over(&path, &bytes).map_err(|_| error))
        .map_err(|error| format!("`{}` can't be written: {}", path.display(), io_text(&error)))
}

fn write_over(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.write_all_at(bytes, 0)?;
    file.set_len(bytes.len() as u64)
}

/// The watch that holds the state, if somebody has suspended it (`kill -STOP`, a terminal, a debugger): it answers nobody.
pub fn suspended(dirs: &Dirs) -> Option<Pid> {
    let pid = watcher(dirs)?.pid;
    let state = vital(pid).ok()?.state;
    matches!(state, b'T' | b't').then_some(pid)
}

/// Whether the name of the control socket is there.
pub fn has_socket(dirs: &Dirs) -> bool {
    std::fs::symlink_metadata(dirs.control()).is_ok_and(|meta| meta.file_type().is_socket())
}

/// The watch that holds the state, if a watch does.
pub fn watcher(dirs: &Dirs) -> Option<Presence> {
    let pid = holder(dirs)?;
    let bytes = std::fs::read(dirs.run.join("watch.json")).ok()?;
    let presence: Presence = serde_json::from_slice(&bytes).ok()?;
    (presence.pid == pid).then_some(presence)
}
