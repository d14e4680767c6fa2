//! Configurations of supervisord: `[program:x]` sections, expansions, numbers of processes, included files.

mod expand;
mod outputs;
mod program;

use super::command::Context;
use super::files::{Files, join, parent};
use super::ini::{Section, parse};
use super::init::{malformed, unreadable};
use super::{Imported, Request};
use crate::import::found::{Note, Weight};

/// Files that are included, and the depth of it.
const INCLUDED_MAX: usize = 500;

/// Reads a configuration and what it includes.
pub(super) fn import(path: &str, files: &dyn Files, request: &Request) -> Imported {
    let mut imported = Imported::default();
    let sections = match read(path, files) {
        Ok(sections) => sections,
        Err(problem) => return Imported::problem(*problem),
    };
    let mut all = sections;
    for file in included(&all, path, files) {
        match read(&file, files) {
            Ok(more) => all.extend(more),
            Err(problem) => imported.problems.push(*problem),
        }
    }
    let general = all.iter().find(|section| section.name == "supervisord").cloned();
    let context = Context { files, request, searches: true };
    for section in &all {
        match section.name.split_once(':') {
            Some(("program", name)) => {
                let here = parent(&section.place.file).to_owned();
                imported.extend(program::carry(section, name.trim(), &here, general.as_ref(), context));
            }
            Some((kind @ ("fcgi-program" | "eventlistener"), _)) => {
                imported
                    .notes
                    .push(note(section, format!("a `{kind}` lives from what supervisord gives it")));
            }
            Some(("group", _)) => {
                imported.notes.push(note(section, "a group is a label: `metadata.labels`".to_owned()));
            }
            _ => {}
        }
    }
    imported
}

fn note(section: &Section, text: String) -> Note {
    Note { place: section.place.clone(), weight: Weight::Lost, item: format!("[{}]", section.name), text }
}

fn read(path: &str, files: &dyn Files) -> Result<Vec<Section>, Box<crate::diagnostic::Diagnostic>> {
    let text = files.read(path).map_err(|look| Box::new(unreadable(path, look.words())))?;
    parse(path, &text).map_err(|(line, message)| Box::new(malformed(path, &text, line, &message)))
}

/// The files of `[include] files = conf.d/*.conf`, relative to the configuration.
fn included(sections: &[Section], path: &str, files: &dyn Files) -> Vec<String> {
    let patterns = sections
        .iter()
        .filter(|section| section.name == "include")
        .filter_map(|section| section.item("files"));
    let mut found = Vec::new();
    for pattern in patterns.flat_map(|item| item.value.split_whitespace()) {
        let pattern = pattern.replace("%(here)s", parent(path));
        let whole = join(parent(path), &pattern);
        let (directory, name) = whole.rsplit_once('/').unwrap_or(("/", &whole));
        let Ok(glob) = globset::Glob::new(name) else { continue };
        let matcher = glob.compile_matcher();
        let names = files.list(directory).into_iter().filter(|name| matcher.is_match(name));
        found.extend(names.map(|name| join(directory, &name)));
    }
    found.sort();
    found.dedup();
    found.truncate(INCLUDED_MAX);
    found
}

/// Whether a text is such a configuration: for detection.
pub(super) fn is_configuration(text: &str) -> bool {
    parse("", text).is_ok_and(|sections| {
        sections
            .iter()
            .any(|section| section.name.starts_with("program:") && section.item("command").is_some())
    })
}
