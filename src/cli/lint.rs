//! Warnings that depend on a host: users that don't exist, programs that can't be executed.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::diagnostic::{Code, Diagnostic, Source};
use crate::facts::{Fact, FileKind};
use crate::lang::Vocabularies;
use crate::process::ProcessVocabulary;
use crate::process::expression::compile_with;
use crate::process::world::{Root, World};
use crate::spec::{Expression, Service, variables};

/// The program isn't there, or isn't executable.
const NOT_EXECUTABLE: Code = Code("W113");

/// What is to be said about these documents on the host (or snapshot) that they are for.
pub(super) fn on_host(services: &[&Service], snapshot: Option<&Path>) -> Vec<Diagnostic> {
    match super::matching::open_world(snapshot) {
        Ok(world) => services.iter().flat_map(|service| of_service(service, &*world)).collect(),
        // Without a host there is nothing to say about it; a snapshot that can't be read is an error.
        Err(problems) if snapshot.is_some() => problems,
        Err(_) => Vec::new(),
    }
}

fn of_service(service: &Service, world: &dyn World) -> Vec<Diagnostic> {
    let expressions = service.narrow.iter().chain(&service.match_only);
    let mut found: Vec<Diagnostic> = expressions.flat_map(|text| bound(service, text, world)).collect();
    found.extend(executable(service, world));
    found
}

fn bound(service: &Service, expression: &Expression, world: &dyn World) -> Vec<Diagnostic> {
    let named = variables(service);
    let types = named.iter().map(|(name, (ty, _))| (name.clone(), ty.clone())).collect();
    let values = named.into_iter().map(|(name, (_, value))| (name, value)).collect();
    let Some(predicate) = compile_with(&expression.text, types).predicate else { return Vec::new() };
    let vocabulary = ProcessVocabulary::new(world);
    let name = format!("{}: match of `{}`", service.origin.file, service.name);
    let source = Source::new(name, expression.text.clone());
    let diagnostics = predicate.bind(&values, &Vocabularies(vec![&vocabulary])).diagnostics;
    diagnostics.into_iter().map(|diagnostic| diagnostic.in_source(&source)).collect()
}

fn executable(service: &Service, world: &dyn World) -> Option<Diagnostic> {
    let path = service.startas.as_os_str().as_bytes();
    let (problem, help) = match world.file(Root::Engine, path) {
        Fact::Absent => ("does not exist on this host", "install it, or correct `startas`"),
        Fact::Known(file) if file.kind != FileKind::Regular => {
            ("is not a regular file", "name the program itself")
        }
        Fact::Known(file) if file.mode & 0o111 == 0 => ("is not executable", "`chmod +x` it"),
        Fact::Known(_) | Fact::Unknown(_) => return None,
    };
    let path = service.startas.display();
    let warning = Diagnostic::warning(NOT_EXECUTABLE, format!("`{}`: `{path}` {problem}", service.name));
    Some(
        warning
            .note(format!("declared in `{}`, line {}", service.origin.file, service.origin.line))
            .help(help),
    )
}
