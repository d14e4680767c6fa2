//! What is to be said about the Policies of a set: two that pull at the same thing in different directions, and one that is about
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::PolicyDocument;
use crate::diagnostic::Diagnostic;
use crate::lang::{Library, Predicate};
use crate::process::expression::{compile_with, schema_of};
use crate::spec::policy::{Policy, PolicyAction};
use crate::spec::{LoadedFile, codes};

/// Policies that each one is compared with.
const COMPARED_MAX: usize = 256;

/// S123: pairs of Policies of which one means all processes of the other, and that would give those different values.
pub fn contrary<'a>(files: impl Iterator<Item = &'a LoadedFile>, library: &Arc<Library>) -> Vec<Diagnostic> {
    let pulling: Vec<(&PolicyDocument, Meant)> = files
        .flat_map(LoadedFile::policies)
        .filter(|document| document.policy.actions.iter().any(|action| action.handle().is_some()))
        .take(COMPARED_MAX)
        .map(|document| (document, Meant::of(&document.policy, library)))
        .collect();
    let mut found = Vec::new();
    for (at, (document, meant)) in pulling.iter().enumerate() {
        let earlier = pulling.get(..at).unwrap_or_default();
        let said = earlier.iter().find_map(|(other, other_meant)| {
            let what = pull(&document.policy, &other.policy)?;
            meant.overlaps(other_meant, library).then(|| said(document, other, what))
        });
        found.extend(said);
    }
    found
}

fn said(document: &PolicyDocument, other: &PolicyDocument, what: &str) -> Diagnostic {
    let (a, b) = (&other.policy.name, &document.policy.name);
    let message =
        format!("the Policies `{a}` and `{b}` pull the {what} of the same processes in different directions");
    Diagnostic::warning(codes::CONTRARY_POLICIES, message)
        .at(document.name_at, "")
        .in_source(&document.source)
        .at_other(&other.source, other.name_at, "and this one")
        .help("make their conditions exclude each other, or one Policy of both")
}

/// What both change, differently.
fn pull(a: &Policy, b: &Policy) -> Option<&'static str> {
    let pairs = a.actions.iter().flat_map(|one| b.actions.iter().map(move |other| (one, other)));
    let mut contrary = pairs.filter(|(one, other)| are_contrary(one, other));
    contrary.find_map(|(one, _)| one.handle())
}

fn are_contrary(a: &PolicyAction, b: &PolicyAction) -> bool {
    match (a, b) {
        (PolicyAction::Renice(a), PolicyAction::Renice(b)) => a != b,
        (PolicyAction::SetLimit(a), PolicyAction::SetLimit(b)) => {
            a.iter().any(|(name, limit)| b.get(name).is_some_and(|other| other != limit))
        }
        (PolicyAction::Move(a), PolicyAction::Move(b)) => a.name != b.name || a.name.is_none() || a != b,
        (PolicyAction::Restart, PolicyAction::Stop) | (PolicyAction::Stop, PolicyAction::Restart) => true,
        _ => false,
    }
}

/// Which processes a Policy acts on.
struct Meant {
    subject: Option<Predicate>,
    selector: Option<crate::spec::defaults::Selector>,
}

impl Meant {
    fn of(policy: &Policy, library: &Arc<Library>) -> Self {
        let subject = policy.subject.as_ref();
        let subject = subject.and_then(|text| compile_with(&text.text, BTreeMap::new(), library).predicate);
        Self { subject, selector: policy.selector.clone() }
    }

    /// One of them surely means what the other means. Where neither says more than the other, nobody knows.
    fn overlaps(&self, other: &Self, library: &Library) -> bool {
        let schema = schema_of(library);
        let subjects = match (&self.subject, &other.subject) {
            (Some(a), Some(b)) => (a.implies(b, schema) || b.implies(a, schema)) && !a.excludes(b, schema),
            (None, Some(_) | None) | (Some(_), None) => true,
        };
        let selectors = match (&self.selector, &other.selector) {
            (Some(a), Some(b)) => a == b || a.is_empty() || b.is_empty(),
            (None, None) => true,
            // Of a condition and of labels nobody knows, unless both have the condition.
            (None, Some(_)) | (Some(_), None) => self.subject.is_some() && other.subject.is_some(),
        };
        subjects && selectors
    }
}

/// S194: Policies whose selector chooses no Service and no Task. Nothing where a file was refused, and where there is nothing to be
/// chosen.
pub fn idle<'a>(files: &(impl Iterator<Item = &'a LoadedFile> + Clone)) -> Vec<Diagnostic> {
    let mut services = files.clone().flat_map(LoadedFile::services);
    if services.next().is_none() || files.clone().any(|file| file.rejected().is_some()) {
        return Vec::new();
    }
    let is_idle = |document: &&PolicyDocument| {
        let chosen = |selector: &crate::spec::defaults::Selector| {
            files.clone().flat_map(LoadedFile::services).any(|service| selector.matches(&service.labels))
        };
        document.policy.selector.as_ref().is_some_and(|selector| !chosen(selector))
    };
    let idle = files.clone().flat_map(LoadedFile::policies).filter(is_idle);
    idle.map(|document| {
        let message = format!("the selector of the Policy `{}` chooses nothing", document.policy.name);
        Diagnostic::warning(codes::IDLE_POLICY, message)
            .at(document.name_at, "")
            .in_source(&document.source)
            .help("mend the selector, or the labels of the Services")
    })
    .collect()
}
