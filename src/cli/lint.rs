//! Warnings that depend on a host: users that don't exist, programs that can't be executed.
//!
//! The model keeps no positions: they are looked up again in the text of the file, and only where there is
//! something to say.

mod abilities;

pub(super) use abilities::lacking;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source, Span};
use crate::engine::sources::{Sources, SourcesLook};
use crate::host::checked::Checked;
use crate::lang::Predicate;
use crate::lang::value::{Type, Value};
use crate::plugin::{Look, in_order};
use crate::process::chain::Surroundings;
use crate::process::expression::compile_with;
use crate::process::world::{Root, World};
use crate::process::wrappers::wrapper;
use crate::process::{ProcessVocabulary, lints, paths};
use crate::spec::policy::Policy;
use crate::spec::{Expression, Names, Service, ServiceName, Shape, variables};
use crate::yaml::{self, Node};

/// What is to be said about these documents on the host (or snapshot) that they are for. `checked`: what was compiled when they
/// were loaded.
pub(super) fn on_host(look: &SourcesLook, snapshot: Option<&Path>, checked: &Checked) -> Vec<Diagnostic> {
    match super::matching::open_world(snapshot) {
        Ok(world) => {
            let services = look.services().into_iter();
            let services = services.flat_map(|service| of_service(service, look, &*world, checked));
            let policies =
                look.policies.iter().flat_map(|document| of_policy(&document.policy, look, &*world));
            services.chain(policies).collect()
        }
        // Without a host there is nothing to say about it; a snapshot that can't be read is an error.
        Err(problems) if snapshot.is_some() => problems,
        Err(_) => Vec::new(),
    }
}

/// The documents in these places, and Matchers from others. With a snapshot programs are what it says they are, so that two names of one program
/// are told by it too.
pub(super) fn sources(paths: &[PathBuf], matchers: &[PathBuf], snapshot: Option<&Path>) -> Sources {
    let sources = Sources::new(paths.to_vec()).with_libraries(matchers.to_vec());
    if snapshot.is_none() {
        return sources;
    }
    match super::matching::open_world(snapshot) {
        Ok(world) => sources.identified_by(Box::new(move |path: &Path| identity(&*world, path))),
        // What is wrong with it is said by whoever asks it next.
        Err(_) => sources.identified_by(Box::new(|_| None)),
    }
}

/// Which program a path leads to in a world: nothing for one that acts by its name.
fn identity(world: &dyn World, path: &Path) -> Option<(u64, u64)> {
    let facts = world.file(Root::Engine, path.as_os_str().as_bytes()).known()?;
    (!facts.multicall).then_some((facts.dev, facts.ino))
}

fn of_service(
    service: &Service,
    look: &SourcesLook,
    world: &dyn World,
    checked: &Checked,
) -> Vec<Diagnostic> {
    let source = look.texts.get(&*service.origin.file);
    let around = surroundings(service);
    let startas = service.startas.as_os_str().as_bytes();
    let mut found: Vec<(&str, Diagnostic)> = Vec::new();
    for diagnostic in lints::program(world, startas, &around) {
        found.push(("startas", diagnostic.at(Span::default(), "")));
    }
    if service.match_only.is_none() {
        found.extend(wrapper(world, startas).map(|said| ("startas", said.at(Span::default(), ""))));
    }
    for (key, expression) in [("match", &service.narrow), ("matchOnly", &service.match_only)] {
        let on = (&look.names, world, checked);
        let said = expression.iter().flat_map(|text| bound(service, text, &around, on));
        found.extend(said.map(|diagnostic| (key, diagnostic)));
    }
    // Who says what the wrapper becomes need not be told; and `runs(startas)` says nothing new of `startas`.
    found.retain(|(_, diagnostic)| {
        diagnostic.code != crate::process::codes::SHELL_WRAPPER || service.becomes.is_none()
    });
    let mut said: Vec<(crate::diagnostic::Code, String)> = Vec::new();
    found.retain(|(_, diagnostic)| {
        let key = (diagnostic.code, diagnostic.message.clone());
        let fresh = !said.contains(&key);
        said.push(key);
        fresh
    });
    let place = |key| Place { key, is_policy: false, name: &service.name };
    found.into_iter().map(|(key, diagnostic)| located(diagnostic, &place(key), source)).collect()
}

/// What the conditions of a Policy meet.
fn of_policy(policy: &Policy, look: &SourcesLook, world: &dyn World) -> Vec<Diagnostic> {
    let source = look.texts.get(&*policy.origin.file);
    let mut found = Vec::new();
    for (key, expression) in [("match", &policy.subject), ("when", &policy.when)] {
        let Some(expression) = expression else { continue };
        let on = (&look.names, world, None);
        let said = bound_to(expression, BTreeMap::new(), &Surroundings::default(), on, false);
        let place = Place { key, is_policy: true, name: &policy.name };
        found.extend(said.into_iter().map(|diagnostic| located(diagnostic, &place, source)));
    }
    found
}

/// What an expression meets on the host; positions in its own text.
fn bound(
    service: &Service,
    expression: &Expression,
    around: &Surroundings,
    (names, world, checked): (&Names, &dyn World, &Checked),
) -> Vec<Diagnostic> {
    // Definitions and plugins may be others than those that it was compiled with.
    let is_plain = names.library.is_empty() && names.library.schema().is_none();
    let ready = is_plain.then(|| checked.compiled(&expression.text, Shape::of(service))).flatten();
    bound_to(expression, variables(service), around, (names, world, ready), true)
}

fn bound_to(
    expression: &Expression,
    bindings: BTreeMap<String, (Type, Value)>,
    around: &Surroundings,
    (names, world, ready): (&Names, &dyn World, Option<Predicate>),
    of_service: bool,
) -> Vec<Diagnostic> {
    let types: BTreeMap<_, _> = bindings.iter().map(|(name, (ty, _))| (name.clone(), ty.clone())).collect();
    let values = bindings.into_iter().map(|(name, (_, value))| (name, value)).collect();
    let compiled = || compile_with(&expression.text, types, &names.library).predicate;
    let Some(predicate) = ready.or_else(compiled) else { return Vec::new() };
    let vocabulary = ProcessVocabulary::with_context(world, around.clone());
    let answer = names.plugins().vocabularies(&vocabulary, world, &Look::default());
    let bound = predicate.bind(&values, &in_order(&vocabulary, &answer));
    let root = bound.matcher.root();
    // A Policy names what should not be there.
    let images = if of_service { lints::images(root, world) } else { Vec::new() };
    bound
        .diagnostics
        .into_iter()
        .chain(lints::files(root, world, around, !of_service))
        .chain(images)
        .collect()
}

fn surroundings(service: &Service) -> Surroundings {
    Surroundings {
        working_directory: Some(paths::shared(service.working_directory.as_os_str().as_bytes())),
        path: service.env.get("PATH").map(paths::shared),
    }
}

/// A field of a document.
struct Place<'a> {
    key: &'a str,
    /// Policies have names of their own.
    is_policy: bool,
    name: &'a ServiceName,
}

/// Moves the positions from the text of one field into the file.
fn located(diagnostic: Diagnostic, place: &Place<'_>, source: Option<&Arc<Source>>) -> Diagnostic {
    let key = place.key;
    let Some(source) = source else { return diagnostic };
    let documents = yaml::parse(source, &yaml::Limits::default()).documents;
    let is_it = |document: &&Node| {
        let name = document.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::scalar);
        let kind = document.get("kind").and_then(Node::scalar);
        name.is_some_and(|name| name.text == place.name.as_str())
            && kind.is_some_and(|kind| (kind.text == "Policy") == place.is_policy)
    };
    let document = documents.iter().find(is_it);
    let field = document.and_then(|document| document.get("spec")).and_then(|spec| spec.get(key));
    let Some(scalar) = field.and_then(Node::scalar) else { return diagnostic };
    let whole = scalar.span;
    let moved = |span: Span| {
        if key == "startas" {
            return whole;
        }
        let span = scalar.source_span(span);
        Span::new(span.start.min(whole.end), span.end.min(whole.end))
    };
    diagnostic.map_spans(moved).note(format!("in `spec.{key}` of `{}`", place.name)).in_source(source)
}
