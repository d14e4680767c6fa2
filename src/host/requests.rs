//! How other verbs talk with a running watch, through files: crash-safe, and readable by `ls`.
//!
//! A verb leaves a request; the watch carries it out and removes the file. What the watch has to say stands in the
//! status file, replaced as a whole.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::errno::io_text;
use super::state_dir::Dirs;
use super::{atomic, clock, failpoint};
use crate::facts::ProcessKey;
use crate::spec::ServiceName;
use crate::units::{Signal, WallTime};

const REQUEST_BYTES_MAX: u64 = 64 << 10;
const STATUS_BYTES_MAX: u64 = 256 << 20;
const FORMAT: u64 = 1;

/// What somebody asks of a running watch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Who asks, for the record: a user's name.
    pub by: String,
    /// What.
    pub wanted: Wanted,
}

/// The kinds of requests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Wanted {
    /// Run this, whatever its document says.
    Start(ServiceName),
    /// Stop this, whatever its document says.
    Stop(ServiceName),
    /// Restart this once.
    Restart(ServiceName),
    /// Have what runs read its configuration anew.
    Reload(ServiceName),
    /// Send a signal to the main process of what runs.
    Signal {
        /// Of which object.
        name: ServiceName,
        /// Which signal.
        signal: Signal,
    },
    /// Leave this alone.
    Suspend {
        /// Which object.
        name: ServiceName,
        /// For people; may be empty.
        reason: String,
        /// By the wall clock; none: until it is resumed.
        until: Option<WallTime>,
    },
    /// No longer leave this alone because somebody asked for it.
    Resume(ServiceName),
    /// Become this binary of selfsame, absolute, and go on.
    Upgrade(PathBuf),
    /// Take this process over.
    Adopt {
        /// For which object.
        name: ServiceName,
        /// Which.
        key: ProcessKey,
        /// Although something else keeps it.
        force: bool,
    },
    /// Let its processes go, and leave it alone.
    Release(ServiceName),
    /// Look at the documents now.
    Apply {
        /// Mass restarts and stops are meant.
        confirmed: bool,
        /// Removals that are meant, by the ids of their plans.
        #[serde(default)]
        prune: BTreeSet<String>,
    },
}

impl Wanted {
    /// What is asked, as one CamelCase word.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Start(_) => "Start",
            Self::Stop(_) => "Stop",
            Self::Restart(_) => "Restart",
            Self::Reload(_) => "Reload",
            Self::Signal { .. } => "Signal",
            Self::Suspend { .. } => "Suspend",
            Self::Resume(_) => "Resume",
            Self::Upgrade(_) => "Upgrade",
            Self::Adopt { .. } => "Adopt",
            Self::Release(_) => "Release",
            Self::Apply { .. } => "Apply",
        }
    }

    /// The objects that it is about; none: all, or the engine itself.
    pub fn names(&self) -> Vec<&ServiceName> {
        match self {
            Self::Start(name)
            | Self::Stop(name)
            | Self::Restart(name)
            | Self::Reload(name)
            | Self::Signal { name, .. }
            | Self::Suspend { name, .. }
            | Self::Resume(name)
            | Self::Adopt { name, .. }
            | Self::Release(name) => vec![name],
            Self::Upgrade(_) | Self::Apply { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for Wanted {
    /// As it is typed: `stop shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(name) => write!(f, "start {name}"),
            Self::Stop(name) => write!(f, "stop {name}"),
            Self::Restart(name) => write!(f, "restart {name}"),
            Self::Reload(name) => write!(f, "reload {name}"),
            Self::Signal { name, signal } => write!(f, "signal {signal} {name}"),
            Self::Suspend { name, .. } => write!(f, "suspend {name}"),
            Self::Resume(name) => write!(f, "resume {name}"),
            Self::Upgrade(program) => write!(f, "upgrade to {}", program.display()),
            Self::Adopt { name, key, force } => {
                write!(f, "adopt {} --as {name}{}", key.pid, if *force { " --force" } else { "" })
            }
            Self::Release(name) => write!(f, "release {name}"),
            Self::Apply { confirmed, .. } => {
                f.write_str(if *confirmed { "apply, confirmed" } else { "apply" })
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    format: u64,
    content: T,
}

/// A request that waits, and the file to remove when it is done.
#[derive(Debug)]
pub struct Waiting {
    /// Its file.
    pub path: PathBuf,
    /// What.
    pub request: Request,
}

impl Waiting {
    /// Removes it. Called when what it asks for is on record, so that a crash before that does it again.
    ///
    /// # Errors
    /// What the kernel answered; a request that stays is done again.
    pub fn done(self) -> io::Result<()> {
        failpoint::hit("request.answer")?;
        fs::remove_file(self.path)
    }
}

/// Leaves a request. The file's name orders it by time.
///
/// # Errors
/// A sentence.
pub fn leave(dirs: &Dirs, request: &Request) -> Result<PathBuf, String> {
    let now = clock::now().boot.0.as_nanos();
    let own = rustix::process::getpid().as_raw_nonzero();
    let path = dirs.requests().join(format!("{now:020}-{own}.json"));
    write_json(&path, request, 0o600).map(|()| path)
}

/// Takes a request back that nobody has taken yet.
///
/// # Errors
/// What the kernel answered, for example that it is gone.
pub fn withdraw(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// The requests that wait, the oldest first, and sentences about files that are none; those are removed.
pub fn waiting(dirs: &Dirs) -> (Vec<Waiting>, Vec<String>) {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    let entries = match fs::read_dir(dirs.requests()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (found, problems),
        Err(error) => return (found, vec![format!("the requests can't be listed: {}", io_text(&error))]),
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")))
        .collect();
    paths.sort();
    for path in paths {
        match read_json(&path, REQUEST_BYTES_MAX) {
            Ok(request) => found.push(Waiting { path, request }),
            Err(text) => {
                let _ = fs::remove_file(&path);
                problems.push(format!("the request `{}` is refused: {text}", path.display()));
            }
        }
    }
    (found, problems)
}

/// Replaces the status file.
///
/// # Errors
/// A sentence; the old one stays.
pub fn write_status<T: Serialize>(dirs: &Dirs, status: &T) -> Result<(), String> {
    write_json(&dirs.status(), status, 0o644)
}

/// What the last watch of this boot said; `None` if none ever did.
///
/// # Errors
/// A sentence: it is there and can't be read.
pub fn read_status<T: DeserializeOwned>(dirs: &Dirs) -> Result<Option<T>, String> {
    match fs::symlink_metadata(dirs.status()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read_json(&dirs.status(), STATUS_BYTES_MAX).map(Some),
    }
}

pub(super) fn write_json<T: Serialize>(path: &Path, content: &T, mode: u32) -> Result<(), String> {
    let bytes = serde_json::to_vec(&Versioned { format: FORMAT, content })
        .map_err(|error| format!("`{}` can't be written: {error}", path.display()))?;
    atomic::write(path, &bytes, mode)
        .map_err(|error| format!("`{}` can't be written: {}", path.display(), io_text(&error)))
}

fn read_json<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<T, String> {
    let own = rustix::process::geteuid().as_raw();
    let bytes = atomic::read(path, &[0, own], limit).map_err(|error| io_text(&error))?;
    content(&bytes)
}

/// What a versioned file says.
pub(super) fn content<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let versioned: Versioned<T> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if versioned.format > FORMAT {
        return Err(format!("it is of format {}, this version knows {FORMAT}", versioned.format));
    }
    Ok(versioned.content)
}
