//! What is of no use about plugins: grants that they don't need, and plugins that nobody uses.

use std::collections::BTreeSet;

use super::PluginDocument;
use crate::diagnostic::Diagnostic;
use crate::lang::codes::UNUSED;
use crate::plugin::Plugin;
use crate::spec::decode::Decoder;
use crate::spec::{LoadedFile, Names, codes};

/// S131: what it may see and never asks for.
pub(super) fn say_unneeded(document: &PluginDocument, plugin: &Plugin, d: &mut Decoder<'_>) {
    let manifest = plugin.manifest();
    let inputs = manifest.entries().flat_map(|declared| &declared.entry().inputs);
    let fields: BTreeSet<&str> = inputs.map(|input| input.field.as_str()).collect();
    for (granted, at) in &document.grants_at {
        if !fields.contains(granted.as_str()) && !manifest.files.contains(granted) {
            let message = format!("the plugin `{}` does not need `{granted}`", document.name);
            d.say(Diagnostic::warning(codes::UNUSED_GRANT, message).at(*at, "").help("take it out"));
        }
    }
}

/// W130: plugins that no expression of these files uses. Nothing where a file was refused, since nobody knows what it
/// uses, and nothing where there is no Service: then they are for others.
pub fn unused<'a>(files: impl Iterator<Item = &'a LoadedFile> + Clone, names: &Names) -> Vec<Diagnostic> {
    let idle = files.clone().all(|file| file.services().is_empty() && file.policies().is_empty());
    if idle || names.plugins.is_empty() || files.clone().any(|file| file.rejected().is_some()) {
        return Vec::new();
    }
    let library = &names.library;
    let mut used: BTreeSet<String> = BTreeSet::new();
    for file in files.clone() {
        used.extend(
            file.services().iter().flat_map(|service| service.plugins().map(|(name, _)| name.clone())),
        );
        let policies = file.policies().iter().flat_map(|document| document.policy.expressions());
        used.extend(policies.flat_map(|expression| expression.plugins.keys().cloned()));
        for document in file.matchers() {
            let defined: BTreeSet<String> =
                document.drafts.iter().map(|draft| draft.written.name.clone()).collect();
            used.extend(library.plugins_of("true", &library.closure(defined)));
            for expectation in document.tests.iter().flat_map(|test| &test.expect) {
                used.extend(library.plugins_of(&expectation.written.text, &BTreeSet::new()));
            }
        }
    }
    let documents = files.flat_map(LoadedFile::plugins).filter(|document| !used.contains(&document.name));
    documents
        .map(|document| {
            Diagnostic::warning(UNUSED, format!("the plugin `{}` is not used", document.name))
                .at(document.name_at, "")
                .in_source(&document.source)
                .help("remove it, or use one of its fields or functions")
        })
        .collect()
}
