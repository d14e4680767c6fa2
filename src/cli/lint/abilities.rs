//! What a document asks for and an engine of this user could not do on this host, and what of it isn't there.

use std::sync::Arc;

use super::super::codes::ABILITY;
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::engine::sources::SourcesLook;
use crate::host::abilities;
use crate::spec::Service;
use crate::yaml::{self, Node};

/// A warning for each field of each document.
pub(in super::super) fn lacking(look: &SourcesLook) -> Vec<Diagnostic> {
    look.services().into_iter().flat_map(|service| of_service(service, look)).collect()
}

fn of_service(service: &Service, look: &SourcesLook) -> Vec<Diagnostic> {
    let source = look.texts.get(&*service.origin.file);
    let sentences = abilities::missing(service).into_iter().chain(abilities::unmet(service));
    sentences.map(|sentence| said(sentence, service, source)).collect()
}

fn said(sentence: String, service: &Service, source: Option<&Arc<Source>>) -> Diagnostic {
    // A sentence begins with the field that it is about.
    let field = sentence.split('`').nth(1).and_then(|path| path.split('.').next()).unwrap_or_default();
    let place = source.and_then(|source| place(service, field, source));
    let diagnostic = Diagnostic::warning(ABILITY, sentence)
        .at(place.unwrap_or_default(), "")
        .note(format!("`{}` would not be started here", service.name))
        .help("`selfsame doctor` says what this host allows");
    match source {
        Some(source) => diagnostic.in_source(source),
        None => diagnostic,
    }
}

/// Where the field stands; with values of Defaults, that is nowhere.
fn place(service: &Service, field: &str, source: &Arc<Source>) -> Option<Span> {
    let documents = yaml::parse(source, &yaml::Limits::default()).documents;
    let is_it = |document: &&Node| {
        let name = document.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::scalar);
        name.is_some_and(|name| name.text == service.name.as_str())
    };
    Some(documents.iter().find(is_it)?.get("spec")?.get(field)?.span)
}
