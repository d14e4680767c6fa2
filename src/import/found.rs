//! What every format ends in: a Service, and notes about what isn't in it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::spec::{Account, Service, ServiceName};

/// Where something stands in a source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize)]
pub struct Place {
    /// The file, or what stands for one (`command line`, `process 812`).
    pub file: Arc<str>,
    /// Counted from 1; 0 for the whole.
    pub line: usize,
}

impl Place {
    /// A line of a file.
    pub fn new(file: impl Into<Arc<str>>, line: usize) -> Self {
        Self { file: file.into(), line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { f.write_str(&self.file) } else { write!(f, "{}:{}", self.file, self.line) }
    }
}

/// What became of a part of the source that is no field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Weight {
    /// Its value can't be told without executing something.
    Unclear,
    /// There is no field for it.
    Lost,
    /// It became something that is not quite the same.
    Changed,
    /// It has no meaning for selfsame.
    Needless,
}

impl Weight {
    /// For reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unclear => "not evaluated",
            Self::Lost => "not carried",
            Self::Changed => "carried differently",
            Self::Needless => "not needed",
        }
    }
}

/// What the document may do while something is missing in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Hold {
    /// Everything.
    #[default]
    Free,
    /// Take over and stop, and never start: `adopt: require`.
    NoStart,
    /// Only look: `state: observed`.
    Observe,
}

/// A line of the report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Note {
    /// Where it stands.
    pub place: Place,
    /// What became of it.
    pub weight: Weight,
    /// The part of the source, as it is written there.
    pub item: String,
    /// Why, and what to do: lower case, no full stop.
    pub text: String,
}

/// A Service that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// What it is called in the source; becomes a name of an object.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Its fields. The name in it doesn't count.
    pub service: Service,
    /// What isn't in the fields.
    pub notes: Vec<Note>,
    /// What the document may do.
    pub hold: Hold,
    /// Conditions for `match` beside the program and the user.
    pub conditions: Vec<String>,
    /// What tells the program that it becomes from others of the same file.
    pub becomes_only: Option<String>,
    /// It has the groups that its user has in the group database.
    pub groups_of_user: bool,
}

impl Found {
    /// A Service that has nothing but a name yet.
    pub fn new(name: impl Into<String>, place: Place) -> Self {
        Self {
            name: name.into(),
            place,
            service: Service::new(ServiceName::near("service"), PathBuf::new()),
            notes: Vec::new(),
            hold: Hold::Free,
            conditions: Vec::new(),
            becomes_only: None,
            groups_of_user: false,
        }
    }

    /// Adds a line to the report, once.
    pub fn note(&mut self, place: &Place, weight: Weight, item: impl Into<String>, text: impl Into<String>) {
        let note = Note { place: place.clone(), weight, item: item.into(), text: text.into() };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// There is no field for it.
    pub fn lost(&mut self, place: &Place, item: impl Into<String>, text: impl Into<String>) {
        self.note(place, Weight::Lost, item, text);
    }

    /// It became something that is not quite the same.
    pub fn changed(&mut self, place: &Place, item: impl Into<String>, text: impl Into<String>) {
        self.note(place, Weight::Changed, item, text);
    }

    /// It has no meaning here.
    pub fn needless(&mut self, place: &Place, item: impl Into<String>, text: impl Into<String>) {
        self.note(place, Weight::Needless, item, text);
    }

    /// It can't be evaluated, and without it nothing may be done.
    pub fn unclear(&mut self, place: &Place, item: impl Into<String>, text: impl Into<String>) {
        self.note(place, Weight::Unclear, item, text);
        self.hold = Hold::Observe;
    }

    /// Nothing may be done by the document as it is.
    pub fn observe(&mut self) {
        self.hold = Hold::Observe;
    }

    /// The program, if it is known by now.
    pub fn has_program(&self) -> bool {
        !self.service.startas.as_os_str().is_empty()
    }

    /// The program to execute.
    pub fn set_program(&mut self, path: &str) {
        self.service.startas = PathBuf::from(super::files::tidy(path));
    }

    /// The absolute path of what the program becomes, as a document reads it back.
    pub fn set_becomes(&mut self, path: &str) {
        self.service.becomes = Some(PathBuf::from(super::files::tidy(path)));
    }

    /// The program as text; empty if it isn't known.
    pub fn program(&self) -> &str {
        self.service.startas.to_str().unwrap_or_default()
    }
}

/// An account by what is written: a number is an id.
pub(super) fn account(text: &str) -> Option<Account> {
    if text.is_empty() {
        return None;
    }
    match text.parse::<u32>() {
        Ok(id) if text.bytes().all(|b| b.is_ascii_digit()) => Some(Account::Id(id)),
        _ => Some(Account::Name(text.to_owned())),
    }
}

/// An account for a sentence or an expression.
pub(super) fn account_text(account: &Account) -> String {
    match account {
        Account::Name(name) => name.clone(),
        Account::Id(id) => id.to_string(),
    }
}

/// Whether a variable of this name usually holds a secret.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    [
        "PASSW",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "CREDENTIAL",
        "PRIVATE",
        "APIKEY",
        "API_KEY",
        "ACCESS_KEY",
        "_DSN",
        "DATABASE_URL",
    ]
    .iter()
    .any(|word| name.contains(word))
        || name == "PASS"
        || name.ends_with("_PASS")
        || name.ends_with("_KEY")
        || name.ends_with("_PWD")
}
