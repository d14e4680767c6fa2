//! From what people have to Service documents: init scripts, units, configurations of supervisors, running processes.
//!
//! Floor 6. Pure: nothing is executed, and files are asked for through [`Files`]. One file a format, and all of them
//! end in the same [`Found`]: the fields of a Service, and notes about everything that didn't become one.
//!
//! ```text
//!  source --detect--> format --parse--> [Found] --identity--> match --document--> YAML --load--> checked again
//!                                  \--> notes: file, line, what, why          (what is written is what was meant)
//! ```
//!
//! What can't be evaluated is never guessed. It is noted with its place, and where starting without it would start
//! something else, the document says so itself: `state: observed` or `adopt: require`.

pub mod codes;
mod command;
mod detect;
mod document;
mod files;
mod found;
mod identity;
mod ini;
mod init;
mod monit;
mod procfile;
mod quantity;
mod running;
mod servicedir;
mod shell;
mod ssd;
mod supervisord;
mod systemd;

use crate::diagnostic::Diagnostic;

pub use detect::{KINDS, Kind, detect};
pub use document::{Refused, Written, write};
pub use files::{FileLook, Files, Memory};
pub use found::{Found, Hold, Note, Place, Weight};
pub use running::{RunningOptions, running};

/// What the person who imports says besides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// Values of variables that the source takes from its surroundings: of the shell, `%(ENV_X)s`, `PATH` to search.
    pub set: Vec<(String, String)>,
}

impl Request {
    /// The value that was given for a variable; of two the last.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.set.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where programs are looked up that are named without a directory.
    pub fn search_path(&self) -> &str {
        self.value("PATH").unwrap_or(DEFAULT_PATH)
    }
}

/// Where programs are looked up unless it is said otherwise.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What came of one source.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Imported {
    /// The Services, in the order of the source.
    pub found: Vec<Found>,
    /// What belongs to no Service.
    pub notes: Vec<Note>,
    /// Why nothing, or not all, could be made of it.
    pub problems: Vec<Diagnostic>,
}

impl Imported {
    fn problem(diagnostic: Diagnostic) -> Self {
        Self { problems: vec![diagnostic], ..Self::default() }
    }

    /// Adds what came of another source.
    pub fn extend(&mut self, other: Self) {
        self.found.extend(other.found);
        self.notes.extend(other.notes);
        self.problems.extend(other.problems);
    }
}

/// Reads one source of a kind. `path` is its name in [`Files`].
pub fn import(kind: Kind, path: &str, files: &dyn Files, request: &Request) -> Imported {
    let mut imported = match kind {
        Kind::Command | Kind::Init => init::import(path, files, request),
        Kind::Systemd => systemd::import(path, files, request),
        Kind::Supervisord => supervisord::import(path, files, request),
        Kind::Directory => servicedir::import(path, files, request),
        Kind::Monit => monit::import(path, files, request),
        Kind::Procfile => procfile::import(path, files, request),
    };
    if imported.found.is_empty() && imported.problems.is_empty() {
        let message = format!("`{path}` starts nothing that could be a Service");
        imported.problems.push(
            Diagnostic::error(codes::NOTHING, message)
                .help("name another file, or import the process that runs with `selfsame import --pid PID`"),
        );
    }
    finished(imported, files, request)
}

/// Reads one command line of start-stop-daemon, given as words or as one text with shell quoting.
pub fn import_command(words: &[String], files: &dyn Files, request: &Request) -> Imported {
    let imported = init::import_words(words, files, request);
    finished(imported, files, request)
}

/// What is asked of the files of each program, whatever the source is.
fn finished(mut imported: Imported, files: &dyn Files, request: &Request) -> Imported {
    for found in &mut imported.found {
        identity::becomes(found, files, request);
        identity::complete(found, files);
    }
    imported
}
