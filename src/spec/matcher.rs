//! Matcher documents: named conditions and lists with their own tests.
//!
//! ```text
//! document --read--> lists, drafts of definitions, tests --library--> what expressions of all files can name
//!                                                     \--trial-----> what the tests say
//! ```

mod read;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

pub(super) use read::{check_tests, mend, read, say_name};
pub use trial::{Trial, trials};

use super::{LoadedFile, Service};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::lang::library::{Draft, NamedList, Reserved, Written};
use crate::lang::{Library, codes};
use crate::process::expression::{schema, schema_of, variables};
use crate::process::snapshot::Snapshot;
use crate::units::Pid;

/// A document of kind Matcher.
#[derive(Clone, Debug)]
pub struct MatcherDocument {
    /// `metadata.name`: what its names begin with elsewhere.
    pub name: String,
    /// The file.
    pub source: Arc<Source>,
    /// Where the name stands.
    pub name_at: Span,
    /// `spec.lists`
    pub lists: Vec<NamedList>,
    /// `spec.define`
    pub drafts: Vec<Draft>,
    /// `spec.tests`
    pub tests: Vec<MatcherTest>,
}

/// A test of a Matcher document.
#[derive(Clone, Debug)]
pub struct MatcherTest {
    /// `name`
    pub name: String,
    /// Where that stands.
    pub at: Span,
    /// The host, with one process.
    pub snapshot: Snapshot,
    /// That process.
    pub pid: Pid,
    /// `expect`, in order.
    pub expect: Vec<Expectation>,
}

/// What an expression is expected to be.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The expression, with its place.
    pub written: Arc<Written>,
    /// Where the expected value stands.
    pub at: Span,
    /// The expected value.
    pub expected: Expected,
}

/// A verdict, as tests name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// The process matches.
    True,
    /// It doesn't.
    False,
    /// It can't be told.
    Unknown,
}

impl Expected {
    /// As written.
    pub fn word(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
        }
    }
}

/// The names that Matcher documents can't give.
pub(super) fn reserved() -> Reserved<'static> {
    static VARIABLES: LazyLock<BTreeSet<String>> = LazyLock::new(|| variables().keys().cloned().collect());
    Reserved { schema: schema(), variables: &VARIABLES }
}

/// What the Matcher documents of a set of files give to expressions.
#[derive(Default)]
pub(super) struct Collected {
    /// Lists, and the documents that can't be used.
    pub(super) library: Library,
    /// Definitions that are still to be checked.
    pub(super) drafts: Vec<Draft>,
    /// Documents that stand in several files.
    pub(super) redefined: Vec<Diagnostic>,
}

/// The lists and drafts of these documents. A document that stands twice gives nothing to anybody, and one that is
/// refused gives the reason.
pub(super) fn collect<'a>(
    documents: impl Iterator<Item = (&'a MatcherDocument, Option<String>)>,
    library: Library,
) -> Collected {
    let mut by_name: BTreeMap<&str, Vec<(&MatcherDocument, Option<String>)>> = BTreeMap::new();
    for (document, refused) in documents {
        by_name.entry(&document.name).or_default().push((document, refused));
    }
    let mut all = Collected { library, ..Collected::default() };
    for (name, places) in by_name {
        match places.as_slice() {
            [(document, None)] => {
                document.lists.iter().for_each(|list| all.library.add_list(list.clone()));
                all.drafts.extend(document.drafts.iter().cloned());
            }
            [(_, Some(reason))] => all.library.set_unusable("Matcher", name, reason.clone()),
            [(first, _), others @ ..] => {
                let documents: Vec<&MatcherDocument> = others.iter().map(|(document, _)| *document).collect();
                let said = redefinition(first, &documents);
                all.library.set_unusable("Matcher", name, said.message.clone());
                // Within one file that was said there.
                if documents.iter().any(|other| other.source.name != first.source.name) {
                    all.redefined.push(said);
                }
            }
            [] => {}
        }
    }
    all
}

fn redefinition(first: &MatcherDocument, others: &[&MatcherDocument]) -> Diagnostic {
    let name = &first.name;
    let files: Vec<String> = others.iter().map(|other| format!("`{}`", other.source.name)).collect();
    let message =
        format!("the Matcher `{name}` stands in `{}` and in {}", first.source.name, files.join(", "));
    let said = Diagnostic::error(super::codes::DUPLICATE_NAME, message)
        .at(first.name_at, "")
        .in_source(&first.source)
        .help("give one of them another name");
    others.iter().fold(said, |said, other| said.at_other(&other.source, other.name_at, "and here"))
}

/// W130: definitions and lists that no expression and no test of these files uses. Nothing where a file was refused,
/// since nobody knows what it uses.
pub fn unused<'a>(files: impl Iterator<Item = &'a LoadedFile> + Clone, library: &Library) -> Vec<Diagnostic> {
    let nothing = files.clone().all(|file| file.matchers().is_empty());
    if nothing || files.clone().any(|file| file.rejected().is_some()) {
        return Vec::new();
    }
    let mut used = BTreeSet::new();
    for file in files.clone() {
        used.extend(file.services().iter().flat_map(|service| names_of(service)));
        let policies = file.policies().iter().flat_map(|document| document.policy.expressions());
        used.extend(policies.flat_map(|expression| expression.definitions.keys().cloned()));
        for document in file.matchers() {
            for expectation in document.tests.iter().flat_map(|test| &test.expect) {
                let text = &expectation.written.text;
                used.extend(library.used_by(text, Some(&document.name), schema_of(library), &|_| false));
            }
        }
    }
    let used = library.closure(used);
    files.flat_map(LoadedFile::matchers).flat_map(|document| unused_of(document, &used)).collect()
}

fn names_of(service: &Service) -> impl Iterator<Item = String> {
    service.expressions().flat_map(|expression| expression.definitions.keys().cloned())
}

fn unused_of(document: &MatcherDocument, used: &BTreeSet<String>) -> Vec<Diagnostic> {
    let definitions = document.drafts.iter().map(|draft| (draft.written.name.clone(), draft.name_at));
    let lists = document.lists.iter().map(|list| (format!("@{}", list.name), list.name_at));
    definitions
        .chain(lists)
        .filter(|(name, _)| !used.contains(name))
        .map(|(name, at)| {
            Diagnostic::warning(codes::UNUSED, format!("`{name}` is not used"))
                .at(at, "")
                .in_source(&document.source)
                .help("remove it, or show what it is for in `tests`")
        })
        .collect()
}
