//! The file that settings come from: read at the start, and again whenever it changed.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::sources::load_files;
use crate::diagnostic::{Code, Diagnostic};
use crate::host::settings_file;
use crate::spec::engine::{Settings, settings};
use crate::spec::{NoModules, SpecFile};

/// The file can't be read.
const UNREADABLE: Code = Code("F003");

/// Codes of this module.
pub const CODES: &[(Code, &str)] = &[(UNREADABLE, "the engine's settings can't be read")];

/// Puts over settings what was given more closely than in the file: flags.
pub type Over = Rc<dyn Fn(&mut Settings)>;

/// The file, and what is known of it.
#[derive(Clone)]
pub struct SettingsFile {
    path: PathBuf,
    /// A person named it, so that it has to be there.
    named: bool,
    over: Over,
    seen: Seen,
}

/// What was found when it was last read.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    /// It was never read.
    Never,
    /// It isn't there, and need not be.
    Missing,
    /// Its content.
    Text(Vec<u8>),
    /// Why it can't be used.
    Unreadable(String),
}

impl std::fmt::Debug for SettingsFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SettingsFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SettingsFile {
    /// The file at this path; with `named` it has to be there.
    pub fn new(path: PathBuf, named: bool, over: Over) -> Self {
        Self { path, named, over, seen: Seen::Never }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says, with the flags over it. `None`: it is as it was when this was last asked.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn news(&mut self) -> Option<Result<Settings, Vec<Diagnostic>>> {
        let seen = match settings_file::read(&self.path) {
            Ok(Some(bytes)) => Seen::Text(bytes),
            Ok(None) if self.named => Seen::Unreadable("it isn't there".into()),
            Ok(None) => Seen::Missing,
            Err(reason) => Seen::Unreadable(reason),
        };
        if self.seen == seen {
            return None;
        }
        self.seen = seen;
        Some(self.understand())
    }

    fn understand(&self) -> Result<Settings, Vec<Diagnostic>> {
        let mut found = match &self.seen {
            Seen::Never | Seen::Missing => Settings::default(),
            Seen::Unreadable(reason) => {
                let message = format!("`{}` can't be used: {reason}", self.path.display());
                return Err(vec![Diagnostic::error(UNREADABLE, message)]);
            }
            Seen::Text(bytes) => {
                let bytes = bytes.clone();
                let directory = self.path.parent().unwrap_or(Path::new("/"));
                let directory = crate::host::real_path(directory).unwrap_or_else(|| directory.to_owned());
                let file = SpecFile { name: self.path.display().to_string(), directory, bytes: bytes.into() };
                settings(&load_files(std::slice::from_ref(&file), None, &NoModules, None, None))?
            }
        };
        (self.over)(&mut found);
        Ok(found)
    }
}
