//! A set of files: what they define for each other, and then each file as a whole or not at all.
//!
//! A file that is refused gives nothing to others. What it would have defined is missing then, so that more files may
//! be refused: everything is judged again until no further file with definitions falls out.

mod plugins;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::{self, Reading};
use super::{
    HeldPlugins, LoadContext, Loaded, LoadedFile, Names, SpecFile, codes, defaults, duplicate_policies,
    duplicates, matcher,
};
use crate::diagnostic::Diagnostic;
use crate::lang::library::{Built, build};
use crate::lang::{Library, codes as lang_codes};
use crate::process::expression::{self, lints_of_definition, variables};

/// Loads files. A file is accepted as a whole or not at all, and does not disturb the others but by what it defines
/// for them. What is beyond the limits of the whole set is refused, in the order given.
pub fn load(files: &[SpecFile], context: &LoadContext<'_>) -> Loaded {
    let readings = read(files, context);
    let defines = readings.iter().any(Reading::defines);
    // Without definitions of their own they use those that are there.
    let mut loaded = match context.names.filter(|_| !defines) {
        Some(names) => Loaded {
            files: readings
                .into_iter()
                .map(|reading| file::complete(reading, Vec::new(), names, context))
                .collect(),
            names: names.clone(),
            ..Loaded::default()
        },
        None => together(&readings, context),
    };
    loaded.duplicates = duplicates(&loaded.files, context.host.is_some());
    loaded.duplicate_policies = duplicate_policies(&loaded.files, context.host.is_some());
    loaded
}

fn read(files: &[SpecFile], context: &LoadContext<'_>) -> Vec<Reading> {
    let mut bytes = 0usize;
    let each = files.iter().enumerate().map(|(at, file)| {
        bytes = bytes.saturating_add(file.bytes.len());
        if at >= context.limits.files {
            let message = format!("more than {} files", context.limits.files);
            file::refused(file, codes::TOO_MUCH, message)
        } else if bytes > context.limits.bytes {
            let message = format!("more than {} bytes in all files", context.limits.bytes);
            file::refused(file, codes::TOO_MUCH, message)
        } else {
            file::read(file, context)
        }
    });
    each.collect()
}

fn together(readings: &[Reading], context: &LoadContext<'_>) -> Loaded {
    // Files with definitions that were refused, by number: what was said of them then stays.
    let mut refused: BTreeMap<usize, LoadedFile> = BTreeMap::new();
    loop {
        let Given { names, mut said, redefined } = given_by(readings, &refused, context);
        let mut files = Vec::new();
        let before = refused.len();
        for (at, reading) in readings.iter().enumerate() {
            if let Some(file) = refused.get(&at) {
                files.push(file.clone());
                continue;
            }
            let of_definitions = said.remove(&at).unwrap_or_default();
            let file = file::complete(reading.clone(), of_definitions, &names, context);
            if reading.defines() && file.rejected().is_some() {
                refused.insert(at, file.clone());
            }
            files.push(file);
        }
        if refused.len() == before {
            return Loaded { files, redefined, names, ..Loaded::default() };
        }
    }
}

type SaidByFile = BTreeMap<usize, Vec<Diagnostic>>;

/// What files give to each other.
struct Given {
    names: Names,
    /// By the number of the file.
    said: SaidByFile,
    /// What stands twice.
    redefined: Vec<Diagnostic>,
}

/// What all files give that are not refused.
fn given_by(readings: &[Reading], refused: &BTreeMap<usize, LoadedFile>, context: &LoadContext<'_>) -> Given {
    let reasons: Vec<Option<String>> = (0..readings.len())
        .map(|at| {
            let reason = refused.get(&at).and_then(LoadedFile::reason);
            reason.map(|reason| format!("the file that defines it is refused ({reason})"))
        })
        .collect();
    let plugins = plugins::of(readings, &reasons, context.held.unwrap_or(&HeldPlugins::new()));
    let mut base = if plugins.usable.is_empty() {
        Library::default()
    } else {
        Library::over(Arc::clone(plugins.all().schema()))
    };
    for (name, reason) in &plugins.unusable {
        base.set_unusable("Plugin", name, reason.clone());
    }
    let documents = readings.iter().zip(&reasons);
    let documents = documents.flat_map(|(reading, reason)| {
        reading.matchers.iter().map(move |document| (document, reason.clone()))
    });
    let mut collected = matcher::collect(documents, base);
    for reading in readings.iter().filter(|reading| reading.is_unread()) {
        collected.library.add_unread(&reading.source.name);
    }
    let schema = collected.library.schema().cloned();
    let schema = schema.as_deref().unwrap_or_else(|| expression::schema());
    let mut said = plugins.said;
    let Built { library, diagnostics } = build(collected.library, collected.drafts, schema);
    for (name, diagnostic) in diagnostics {
        said.entry(file_of(readings, &name)).or_default().push(as_parameter(diagnostic));
    }
    for definition in library.definitions() {
        let found = lints_of_definition(definition);
        if !found.is_empty() {
            said.entry(file_of(readings, &definition.draft.written.name)).or_default().extend(found);
        }
    }
    let (defaults, twice) = defaults::of(readings, &reasons);
    let names =
        Names { library: Arc::new(library), plugins: Arc::new(plugins.usable), defaults: Arc::new(defaults) };
    let redefined = plugins.redefined.into_iter().chain(collected.redefined).chain(twice);
    Given { names, said, redefined: redefined.collect() }
}

/// What documents bind, a definition has to be given.
fn as_parameter(diagnostic: Diagnostic) -> Diagnostic {
    if diagnostic.code != lang_codes::UNKNOWN_NAME {
        return diagnostic;
    }
    let text = diagnostic.source.as_deref().zip(diagnostic.span());
    let word = text.and_then(|(source, span)| source.text.get(span.start..span.end)).unwrap_or_default();
    let help = variables().get(word).map(|ty| {
        let name = word.rsplit('.').next().unwrap_or(word);
        format!("only documents bind it: take it as a parameter, `params: {{{name}: {ty}}}`")
    });
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// The number of the file that a definition stands in.
fn file_of(readings: &[Reading], name: &str) -> usize {
    let document = name.split_once('.').map_or(name, |(document, _)| document);
    let is_in = |reading: &Reading| reading.matchers.iter().any(|matcher| matcher.name == document);
    readings.iter().position(is_in).unwrap_or_default()
}
