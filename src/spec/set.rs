//! A set of files: what they define for each other, and then each file as a whole or not at all.
//!
//! A file that is refused gives nothing to others. What it would have defined is missing then, so that more files may
//! be refused: everything is judged again until no further file with definitions falls out.

mod plugins;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memchr::memmem::Finder;

use super::file::{self, Reading, Text, Written};
use super::{
    HeldPlugins, LoadContext, Loaded, LoadedFile, Names, ReadTexts, SpecFile, codes, defaults,
    duplicate_policies, duplicates, matcher, ready,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::library::{Built, build};
use crate::lang::{Library, codes as lang_codes};
use crate::process::expression::{self, lints_of_definition, variables};
use crate::yaml;

/// For fewer files a second thread isn't worth its start.
const MANY: usize = 100;
/// Files that a thread takes at a time.
const STEP: usize = 16;
/// The kinds of documents that others may depend on.
const DEFINING: [&str; 3] = ["Matcher", "Plugin", "Defaults"];

/// A file, and what is wrong with it if it is beyond a limit.
type Limited<'f> = (&'f SpecFile, Option<(Code, String)>);

/// Loads files. A file is accepted as a whole or not at all, and does not disturb the others but by what it defines
/// for them. What is beyond the limits of the whole set is refused, in the order given.
pub fn load(files: &[SpecFile], context: &LoadContext<'_>) -> Loaded {
    load_ready(files, &ReadTexts::new(), context)
}

/// The same, where the texts of some files were read already.
pub fn load_ready(files: &[SpecFile], ready: &ReadTexts, context: &LoadContext<'_>) -> Loaded {
    let files = limited(files, context);
    let alone = context.names.and_then(|names| one_after_the_other(&files, ready, names, context));
    let mut loaded = alone.unwrap_or_else(|| all_at_once(&files, ready, context));
    loaded.duplicates = duplicates(loaded.files.iter(), context.host.is_some());
    loaded.duplicate_policies = duplicate_policies(loaded.files.iter(), context.host.is_some());
    loaded
}

/// Files of which none defines anything for others: each is done with before the next one is read, so that a thousand trees
/// need the memory of one, and who hears of conditions hears of the first one early. `None`: one of them may define something,
/// or does by whatever words.
fn one_after_the_other(
    files: &[Limited<'_>],
    ready: &ReadTexts,
    names: &Names,
    context: &LoadContext<'_>,
) -> Option<Loaded> {
    if may_define(files.iter().map(|(file, _)| *file)) {
        return None;
    }
    let mut done = Vec::with_capacity(files.len());
    for file in files {
        let reading = reading(file, ready, None, context);
        if reading.defines() {
            return None;
        }
        done.push(file::complete(reading, Vec::new(), names, context));
    }
    Some(Loaded { files: done, names: names.clone(), ..Loaded::default() })
}

/// Whether a word of a kind that others may depend on stands in one of these files. Words can be written otherwise, so that none means
/// little; what was read tells.
pub fn may_define<'f>(files: impl IntoIterator<Item = &'f SpecFile>) -> bool {
    let words = DEFINING.map(Finder::new);
    files.into_iter().any(|file| words.iter().any(|word| word.find(&file.bytes).is_some()))
}

fn all_at_once(files: &[Limited<'_>], ready: &ReadTexts, context: &LoadContext<'_>) -> Loaded {
    let readings = read(files, ready, context);
    let defines = readings.iter().any(Reading::defines);
    // Without definitions of their own they use those that are there.
    match context.names.filter(|_| !defines) {
        Some(names) => Loaded {
            files: readings
                .into_iter()
                .map(|reading| file::complete(reading, Vec::new(), names, context))
                .collect(),
            names: names.clone(),
            ..Loaded::default()
        },
        None => together(&readings, context),
    }
}

/// The files with what is beyond the limits, of each or of all of them.
fn limited<'f>(files: &'f [SpecFile], context: &LoadContext<'_>) -> Vec<Limited<'f>> {
    let mut bytes = 0usize;
    let beyond = |(at, file): (usize, &'f SpecFile)| {
        bytes = bytes.saturating_add(file.bytes.len());
        let beyond = if at >= context.limits.files {
            Some((codes::TOO_MUCH, format!("more than {} files", context.limits.files)))
        } else if bytes > context.limits.bytes {
            Some((codes::TOO_MUCH, format!("more than {} bytes in all files", context.limits.bytes)))
        } else {
            file::too_large(file, &context.limits.yaml)
        };
        (file, beyond)
    };
    files.iter().enumerate().map(beyond).collect()
}

fn read(files: &[Limited<'_>], ready: &ReadTexts, context: &LoadContext<'_>) -> Vec<Reading> {
    let is_left = |(file, beyond): &&Limited<'_>| beyond.is_none() && ready::ready(file, ready).is_none();
    let left: Vec<&SpecFile> = files.iter().filter(is_left).map(|(file, _)| *file).collect();
    let mut texts = texts(&left, context.limits.yaml).into_iter();
    let each = files.iter().map(|file| {
        let text = if is_left(&file) { texts.next().flatten() } else { None };
        reading(file, ready, text, context)
    });
    each.collect()
}

/// One file; `text` if somebody has read it.
fn reading(
    (file, beyond): &Limited<'_>,
    ready: &ReadTexts,
    text: Option<Text>,
    context: &LoadContext<'_>,
) -> Reading {
    if let Some((code, message)) = beyond {
        return file::refused(file, *code, message.clone());
    }
    let text = text.or_else(|| ready::ready(file, ready).cloned());
    let read = || file::text(file, file::written(file), &context.limits.yaml);
    file::read(file, text.unwrap_or_else(read), context)
}

/// The texts of files, in order; whatever is missing is read by whoever misses it. What can be found out about a file by itself is
/// most of the work: for many files two threads do it, each as many as it gets to.
fn texts(files: &[&SpecFile], limits: yaml::Limits) -> Vec<Option<Text>> {
    // First what stays: pages in which something stays between what is only needed meanwhile could not be given back.
    let written: Vec<Written> = files.iter().map(|file| file::written(file)).collect();
    let read = |(file, written): (&&SpecFile, Written)| file::text(file, written, &limits);
    if files.len() < MANY {
        return files.iter().zip(written).map(|pair| Some(read(pair))).collect();
    }
    let steps: Vec<_> = files.chunks(STEP).zip(written.chunks(STEP)).collect();
    let next = AtomicUsize::new(0);
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let (files, written) = steps.get(at)?;
        let pairs = files.iter().zip(written.iter().cloned());
        Some((at, pairs.map(read).collect::<Vec<Text>>()))
    };
    let done = std::thread::scope(|scope| {
        let all = || std::iter::from_fn(take).collect::<Vec<_>>();
        // Where there may be no more threads, this one gets to all of them.
        let other = std::thread::Builder::new().spawn_scoped(scope, all);
        let own: BTreeMap<usize, Vec<Text>> = std::iter::from_fn(take).collect();
        let others = other.ok().and_then(|other| other.join().ok());
        own.into_iter().chain(others.unwrap_or_default()).collect::<BTreeMap<_, _>>()
    });
    let mut texts: Vec<Option<Text>> = files.iter().map(|_| None).collect();
    for (place, text) in done.into_iter().flat_map(|(at, texts)| (at * STEP..).zip(texts)) {
        if let Some(missing) = texts.get_mut(place) {
            *missing = Some(text);
        }
    }
    texts
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

#[cfg(test)]
mod tests;
