//! `dependsOn` over a set of files: circles, and names that nobody declares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::file::LoadedFile;
use super::{Service, ServiceName, codes};
use crate::diagnostic::{Diagnostic, Source, Span, did_you_mean};

/// What is wrong with the `dependsOn` of a set of files.
#[derive(Debug, Default)]
pub struct DependencyMistakes {
    /// Services that wait for themselves: file (by the name it was loaded under) and message.
    pub circles: Vec<(String, Diagnostic)>,
    /// Names that are declared nowhere: warnings, since another set may declare them.
    pub missing: Vec<Diagnostic>,
}

struct Claim<'a> {
    service: &'a Service,
    file: &'a LoadedFile,
    at: Span,
}

impl Claim<'_> {
    fn source(&self) -> &Arc<Source> {
        &self.file.source
    }
}

/// Looks at all valid documents of these files.
pub fn dependency_mistakes<'a>(files: impl Iterator<Item = &'a LoadedFile> + Clone) -> DependencyMistakes {
    let mut depend = files.clone().flat_map(LoadedFile::services);
    if depend.all(|service| service.depends_on.is_empty()) {
        return DependencyMistakes::default();
    }
    let mut claims: BTreeMap<&ServiceName, Claim<'a>> = BTreeMap::new();
    for file in files {
        for (service, at) in file.services().iter().zip(&file.name_places) {
            claims.entry(&service.name).or_insert(Claim { service, file, at: *at });
        }
    }
    let mut mistakes = DependencyMistakes::default();
    let dependents = claims.values().filter(|claim| !claim.service.depends_on.is_empty());
    for claim in dependents {
        if let Some(circle) = circle(&claim.service.name, &claims) {
            mistakes.circles.push((claim.source().name.to_string(), goes_round(claim, &circle)));
        }
        let missing = claim.service.depends_on.iter().filter(|other| !claims.contains_key(&other.name));
        mistakes.missing.extend(missing.map(|other| {
            let names = claims.keys().map(|name| name.as_str());
            let message = format!(
                "`{}` depends on `{}`, which no document here declares",
                claim.service.name, other.name
            );
            let diagnostic = Diagnostic::warning(codes::MISSING_DEPENDENCY, message).at(claim.at, "");
            let help = match did_you_mean(other.name.as_str(), names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "it is not started before there is one".to_owned(),
            };
            diagnostic.help(help).in_source(claim.source())
        }));
    }
    mistakes
}

fn goes_round(claim: &Claim<'_>, circle: &[&ServiceName]) -> Diagnostic {
    let path: Vec<&str> = circle.iter().map(|name| name.as_str()).collect();
    let message =
        format!("`dependsOn` goes round, so that none of them could be started: {}", path.join(" -> "));
    Diagnostic::error(codes::DEPENDENCY_CIRCLE, message)
        .at(claim.at, "it waits for itself")
        .help("leave one of these `dependsOn` out")
        .in_source(claim.source())
}

/// `a b a`, if an object waits for itself: a way with the fewest steps.
fn circle<'a>(
    name: &'a ServiceName,
    claims: &BTreeMap<&'a ServiceName, Claim<'a>>,
) -> Option<Vec<&'a ServiceName>> {
    let mut ways: Vec<Vec<&ServiceName>> = vec![vec![name]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let Some(claim) = way.last().and_then(|last| claims.get(*last)) else { continue };
            for next in claim.service.depends_on.iter().map(|dependency| &dependency.name) {
                let mut way = way.clone();
                way.push(next);
                if next == name {
                    return Some(way);
                }
                if seen.insert(next) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}
