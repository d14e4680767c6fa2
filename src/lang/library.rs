//! Named matchers and lists: definitions that expressions use by name.
//!
//! ```text
//! drafts (a name, typed parameters, a text) --build: order, cycles, check--> Library --Scope--> check of a use
//!                                                                              |  ^
//!                                             of one expression, to be kept: record  restored
//! ```
//!
//! A definition is checked once, alone: its parameters are variables of their types. A use clones the checked body,
//! with the checked arguments in place of the variables ([`super::ir::Kind::Named`], [`super::ir::Kind::Argument`]).
//! No text is ever put into a text, so an argument can't change what a definition means, and every message can
//! name two places: where it is used and where it is defined.

mod build;
mod names;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use build::{Built, build};
pub use names::{Reserved, Taken};
pub use record::{Record, Recorded, literal};

use super::catalog::Schema;
use super::ir::{Measure, Node};
use super::value::{Type, Value};
use crate::diagnostic::{Diagnostic, Source, Span, did_you_mean};
use crate::yaml::Scalar;

/// A text of the language with a name, and where it is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// `web.instance`
    pub name: String,
    /// The text, that all spans in the tree refer to.
    pub text: Arc<str>,
    /// What it is a part of.
    pub source: Arc<Source>,
    scalar: Option<Arc<Scalar>>,
}

impl Written {
    /// The text of a scalar of a document.
    pub fn in_document(name: &str, text: &str, source: &Arc<Source>, scalar: &Scalar) -> Self {
        let scalar = Some(Arc::new(scalar.clone()));
        Self { name: name.to_owned(), text: Arc::from(text), source: Arc::clone(source), scalar }
    }

    /// A text of its own.
    pub fn alone(name: &str, source: &Arc<Source>) -> Self {
        Self {
            name: name.to_owned(),
            text: Arc::clone(&source.text),
            source: Arc::clone(source),
            scalar: None,
        }
    }

    /// The place in the source of a span of the text.
    pub fn place(&self, span: Span) -> Span {
        let Some(scalar) = &self.scalar else { return span };
        let (span, whole) = (scalar.source_span(span), scalar.span);
        Span::new(span.start.min(whole.end), span.end.min(whole.end))
    }

    /// Moves a diagnostic about the text into the source.
    pub fn locate(&self, diagnostic: Diagnostic) -> Diagnostic {
        diagnostic.map_spans(|span| self.place(span)).in_source(&self.source)
    }
}

/// A parameter of a definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// What the text calls it.
    pub name: String,
    /// What is passed.
    pub ty: Type,
    /// Where it is declared, in the source of the definition.
    pub at: Span,
}

/// A definition as written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// In the order of positional arguments.
    pub params: Vec<Parameter>,
    /// The condition, and its name.
    pub written: Arc<Written>,
    /// Where the name is declared, in the same source.
    pub name_at: Span,
}

impl Draft {
    /// `web.instance(app, port)`
    pub fn form(&self) -> String {
        let params: Vec<&str> = self.params.iter().map(|param| param.name.as_str()).collect();
        let name = &self.written.name;
        if params.is_empty() { name.clone() } else { format!("{name}({})", params.join(", ")) }
    }
}

/// A named list.
#[derive(Clone, Debug)]
pub struct NamedList {
    /// `web.admins`, without the `@`.
    pub name: String,
    /// The type of its elements.
    pub element: Type,
    /// The elements; those of a named type as the literals that it converts from.
    pub values: Vec<Value>,
    /// Where it is declared.
    pub source: Arc<Source>,
    /// Where in the source.
    pub name_at: Span,
}

/// A checked definition.
#[derive(Clone, Debug)]
pub struct Definition {
    /// As written.
    pub draft: Draft,
    /// Its parameters are variables.
    pub(super) body: Node,
    /// What a use adds at least.
    pub(super) measure: Measure,
    /// Nodes as written: its own, and those of all definitions that it uses, by name.
    pub(super) written: BTreeMap<String, usize>,
    /// The definitions and lists (`@...`) that its text names.
    pub(super) uses: BTreeSet<String>,
}

impl Definition {
    /// The condition; its parameters are variables.
    pub fn body(&self) -> &Node {
        &self.body
    }
}

/// What a name of an expression stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'l> {
    /// A definition.
    Definition(&'l Arc<Definition>),
    /// One that is itself in error: where, and why.
    Unusable(&'l str),
}

/// What is missing although something stands for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unusable {
    /// The kind of its document.
    pub(super) kind: &'static str,
    /// A sentence.
    pub(super) reason: String,
}

/// Named matchers and lists, and what can be named besides.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Fields and functions; `None`: those that are built in, which whoever compiles knows.
    schema: Option<Arc<Schema>>,
    definitions: BTreeMap<String, Arc<Definition>>,
    lists: BTreeMap<String, Arc<NamedList>>,
    /// By document: why it can't be used.
    unusable: BTreeMap<String, Unusable>,
    /// Definitions in error, of documents that are otherwise usable: where they stand.
    broken: BTreeMap<String, String>,
    /// Files that nobody could read, so that it isn't known what they define.
    unread: Vec<String>,
}

impl Library {
    /// Nothing yet, over these fields and functions.
    pub fn over(schema: Arc<Schema>) -> Self {
        Self { schema: Some(schema), ..Self::default() }
    }

    /// The fields and functions that its definitions were checked with, and that expressions which use it are to be
    /// checked with; `None`: what is built in.
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    /// All definitions, by name.
    pub fn definitions(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions.values()
    }

    /// All lists, by name.
    pub fn lists(&self) -> impl Iterator<Item = &Arc<NamedList>> {
        self.lists.values()
    }

    /// A definition by its full name.
    pub fn definition(&self, name: &str) -> Option<&Arc<Definition>> {
        self.definitions.get(name)
    }

    /// A list by its full name, without the `@`.
    pub fn list(&self, name: &str) -> Option<&Arc<NamedList>> {
        self.lists.get(name)
    }

    /// Adds a list.
    pub fn add_list(&mut self, list: NamedList) {
        self.lists.insert(list.name.clone(), Arc::new(list));
    }

    /// Notes that a document (of this kind) can't be used, and why: expressions that use it say so.
    pub fn set_unusable(&mut self, kind: &'static str, document: &str, reason: String) {
        self.unusable.insert(document.to_owned(), Unusable { kind, reason });
    }

    /// Notes a file that can't be read: what is unknown may be defined there.
    pub fn add_unread(&mut self, file: &str) {
        self.unread.push(file.to_owned());
    }

    /// Where the document of an unknown name may be.
    pub(super) fn elsewhere(&self, name: &str) -> String {
        let document = name.split_once('.').map_or(name, |(document, _)| document);
        if self.unread.is_empty() {
            return format!(
                "for what the Matcher or Plugin document `{document}` defines name its file as well"
            );
        }
        let files: Vec<String> = self.unread.iter().take(3).map(|file| format!("`{file}`")).collect();
        format!("the document `{document}` may stand in {}, which can't be read", files.join(" or "))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty() && self.lists.is_empty() && self.unusable.is_empty()
    }

    /// What a name in a text of document `home` stands for: names of its own document need no prefix.
    pub(super) fn find(&self, name: &str, home: Option<&str>) -> Option<Found<'_>> {
        let full =
            full(name, home, |full| self.definitions.contains_key(full) || self.broken.contains_key(full))?;
        let usable = self.definitions.get(&full).map(Found::Definition);
        usable.or_else(|| self.broken.get(&full).map(|reason| Found::Unusable(reason)))
    }

    /// The list that a name stands for.
    pub(super) fn find_list(&self, name: &str, home: Option<&str>) -> Option<&Arc<NamedList>> {
        self.lists.get(&full(name, home, |full| self.lists.contains_key(full))?)
    }

    /// Why the document that a dotted name begins with can't be used.
    pub(super) fn unusable(&self, name: &str) -> Option<&Unusable> {
        self.unusable.get(name.split_once('.')?.0)
    }

    /// Whether a dotted name begins with a document that is here.
    pub(super) fn knows_document(&self, name: &str) -> bool {
        let Some((document, _)) = name.split_once('.') else { return false };
        let of_document =
            |full: &String| full.strip_prefix(document).is_some_and(|rest| rest.starts_with('.'));
        self.definitions.keys().chain(self.broken.keys()).chain(self.lists.keys()).any(of_document)
    }

    /// The definition that is probably meant, as it is written in a text of `home`.
    pub(super) fn near(&self, name: &str, home: Option<&str>) -> Option<&str> {
        did_you_mean(name, self.definitions.keys().flat_map(|full| spellings(full, home)))
    }

    /// The same for lists.
    pub(super) fn near_list(&self, name: &str, home: Option<&str>) -> Option<&str> {
        did_you_mean(name, self.lists.keys().flat_map(|full| spellings(full, home)))
    }
}

/// The name itself, or that in the document `home`, whichever is known.
fn full(name: &str, home: Option<&str>, known: impl Fn(&str) -> bool) -> Option<String> {
    if known(name) {
        return Some(name.to_owned());
    }
    let own = format!("{}.{name}", home?);
    known(&own).then_some(own)
}

fn spellings<'n>(full: &'n str, home: Option<&str>) -> impl Iterator<Item = &'n str> {
    let own = home.and_then(|home| full.strip_prefix(home)?.strip_prefix('.'));
    [Some(full), own].into_iter().flatten()
}
