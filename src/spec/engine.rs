//! How the engine works: what a document of kind Engine says, and flags of the same names after it.
//!
//! ```text
//! defaults <-- engine.yaml <-- flags     what is given later wins, field by field
//! ```
//!
//! Documents of this kind are read from one file that the engine is told of, never from among the spec files: these come
//! from people who may be trusted with services and not with how they are guarded.

mod change;
mod read;

pub(super) use read::read;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Account, Loaded, LoadedFile, codes};
use crate::diagnostic::{Diagnostic, Source, Span};

/// All settings of an engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Files and directories that `watch` keeps where its command line names none; empty: the default directory.
    pub specs: Vec<PathBuf>,
    /// Directories are entered.
    pub recursive: bool,
    /// Users who may own spec files, besides root and the engine's own.
    pub trust_owners: Vec<Account>,
    /// Quiet time after a hint.
    pub settle: Duration,
    /// The longest wait for quiet.
    pub settle_max: Duration,
    /// A complete look so often, whatever happens.
    pub resync: Duration,
    /// When objects are removed.
    pub prune: Prune,
    /// How much spec files may be.
    pub limits: FileLimits,
    /// So many instances may be being started at a time; `None`: four for each core.
    pub max_parallel_starts: Option<u32>,
    /// What documents choose this host by.
    pub host: HostIdentity,
    /// Everything is stopped when the engine is asked to end; `None`: only as PID 1.
    pub stop_on_exit: Option<bool>,
    /// Address and port at which metrics are served.
    pub metrics: Option<SocketAddr>,
    /// A repository whose files are kept.
    pub git: Option<GitSource>,
}

/// When objects are removed whose documents are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prune {
    /// A document is gone when it was missing for so long.
    pub delay: Duration,
    /// A larger part than this, in thousandths, is removed at once only when a person confirms it.
    pub max_fraction: u32,
    /// The last objects of a place may go without a confirmation.
    pub allow_empty: bool,
}

/// How much the spec files of all places may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileLimits {
    /// Number of files.
    pub files: usize,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
}

/// What documents choose a host by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostIdentity {
    /// `None`: the kernel's name of the host.
    pub name: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A repository whose files are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GitSource {
    /// Where it is fetched from.
    pub url: String,
    /// `None`: the repository's HEAD.
    pub branch: Option<String>,
    /// Directory inside the tree; `None`: all of it.
    pub path: Option<String>,
    /// It is fetched so often.
    pub interval: Duration,
    /// A commit without a good signature isn't taken.
    pub require_signed: bool,
    /// Whose signatures are good.
    pub allowed_signers: Option<PathBuf>,
    /// A commit that doesn't follow the last one is taken.
    pub allow_rewind: bool,
}

impl GitSource {
    /// This repository, and everything else as it is by default.
    pub fn new(url: String) -> Self {
        Self {
            url,
            branch: None,
            path: None,
            interval: Duration::from_mins(1),
            require_signed: false,
            allowed_signers: None,
            allow_rewind: false,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            specs: Vec::new(),
            recursive: false,
            trust_owners: Vec::new(),
            settle: Duration::from_millis(100),
            settle_max: Duration::from_secs(2),
            resync: Duration::from_secs(30),
            prune: Prune::default(),
            limits: FileLimits::default(),
            max_parallel_starts: None,
            host: HostIdentity::default(),
            stop_on_exit: None,
            metrics: None,
            git: None,
        }
    }
}

impl Default for Prune {
    fn default() -> Self {
        Self { delay: Duration::from_secs(10), max_fraction: 500, allow_empty: false }
    }
}

impl Default for FileLimits {
    fn default() -> Self {
        Self { files: 10_000, bytes: 64 << 20, file_bytes: 1 << 20 }
    }
}

/// A document of kind Engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EngineDocument {
    /// The file it stands in.
    pub source: Arc<Source>,
    /// Where its name stands.
    pub name_at: Span,
    /// What it says, and the defaults for the rest.
    pub settings: Settings,
}

/// Settings from the one file that the engine was told of.
///
/// # Errors
/// Everything that is wrong with it; it then gives nothing.
pub fn settings(loaded: &Loaded) -> Result<Settings, Vec<Diagnostic>> {
    let mut said: Vec<Diagnostic> = loaded.diagnostics().cloned().collect();
    let errors = loaded.has_errors();
    match only_document(loaded) {
        Ok(document) if !errors => return Ok(document.settings.clone()),
        Ok(_) => {}
        // What is broken may be the document that is missed.
        Err(_) if errors => {}
        Err(diagnostic) => said.push(*diagnostic),
    }
    Err(said)
}

fn only_document(loaded: &Loaded) -> Result<&EngineDocument, Box<Diagnostic>> {
    let Some(file) = loaded.files.first() else {
        return Err(Box::new(Diagnostic::error(codes::SETTINGS, "there is no document of kind Engine")));
    };
    let wrong = |message: String, at: Span| {
        Diagnostic::error(codes::SETTINGS, message).at(at, "").in_source(&file.source)
    };
    let found = match file.engines() {
        [only] if file.services().is_empty() && !file.defines() => Ok(only),
        [only] => Err(wrong("settings of the engine stand in a file of their own".to_owned(), only.name_at)
            .help("move the other documents to the spec files")),
        [] => Err(wrong(format!("`{}` has no document of kind Engine", file.source.name), Span::default())
            .help(
                "write `apiVersion: selfsame/v1`, `kind: Engine`, `metadata: {name: engine}` and `spec: {}`",
            )),
        [_, second, ..] => {
            Err(wrong("a file of settings has one document of kind Engine".to_owned(), second.name_at)
                .help("merge them"))
        }
    };
    found.map_err(Box::new)
}

/// What is to be said about settings among spec files, where nothing follows from them.
pub fn misplaced(file: &LoadedFile) -> impl Iterator<Item = Diagnostic> {
    file.engines().iter().map(|document| {
        Diagnostic::warning(codes::UNUSED_SETTINGS, "settings of the engine have no effect among spec files")
            .at(document.name_at, "")
            .in_source(&document.source)
            .help("move the file to `/etc/selfsame/engine.yaml`, or name it by `--config`")
    })
}
