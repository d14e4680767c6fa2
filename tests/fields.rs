//! No accepted field is without effect: each one names the test that shows, with real processes, what it does.
//!
//! `tests/fields.txt` has a row for every field of a kind that starts processes: path, file, function.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "fields/basic.rs"]
mod basic;
#[path = "fields/policies.rs"]
mod policies;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use selfsame::report::document_paths;
use selfsame::spec::table::KINDS;

/// Kinds that start no process of their own: their tests are those of the language and of plugins.
const WITHOUT_PROCESSES: [&str; 3] = ["Matcher", "Plugin", "Engine"];

/// Path of a field, where its test is, what that is called.
fn rows() -> Vec<[&'static str; 3]> {
    let text = include_str!("fields.txt");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.try_into().unwrap_or_else(|_| panic!("`{line}`: write `KIND.FIELD FILE FUNCTION`"))
        })
        .collect()
}

#[test]
fn every_field_has_a_test_of_what_it_does() {
    let named: BTreeSet<&str> = rows().iter().map(|[path, ..]| *path).collect();
    let kinds = KINDS.now.iter().filter(|kind| !WITHOUT_PROCESSES.contains(kind));
    let paths: BTreeSet<String> = kinds
        .flat_map(|kind| document_paths(kind).into_iter().map(move |path| format!("{kind}.{path}")))
        .collect();
    let missing: Vec<&String> = paths.iter().filter(|path| !covered(path, &named)).collect();
    assert!(missing.is_empty(), "no row in tests/fields.txt for {missing:#?}");
    let unknown: Vec<&&str> = named.iter().filter(|path| !paths.contains(**path)).collect();
    assert!(unknown.is_empty(), "tests/fields.txt names fields that there are not: {unknown:#?}");
}

/// By its own row or that of the mapping that it stands in. A Task's fields of execution are those of a Service, and what
/// Defaults give is a field of whom they choose.
fn covered(path: &str, named: &BTreeSet<&str>) -> bool {
    let of_service = path.strip_prefix("Task.").map(|field| format!("Service.{field}"));
    std::iter::successors(Some(path), |path| path.rsplit_once('.').map(|(above, _)| above))
        .any(|path| named.contains(path))
        || of_service.is_some_and(|path| covered(&path, named))
}

#[test]
fn every_named_test_exists() {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for [path, file, function] in rows() {
        let text = texts.entry(file).or_insert_with(|| {
            let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            std::fs::read_to_string(&place).unwrap_or_else(|error| panic!("{path}: {file}: {error}"))
        });
        assert!(text.contains(&format!("fn {function}(")), "{path}: there is no test `{function}` in {file}");
    }
}
