//! Units of systemd (`systemd.service(5)`): the file with its drop-ins, specifiers, and a row for each setting.

mod exec;
mod settings;
mod specifiers;
mod unit;

use super::command::Context;
use super::files::{Files, base, join, parent};
use super::found::{Found, Place};
use super::init::unreadable;
use super::{Imported, Request, codes};
use crate::diagnostic::Diagnostic;
use unit::{Entry, Unit};

/// Where units are, what an administrator writes first.
pub(super) const DIRECTORIES: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Reads a unit, its path or its bare name.
pub(super) fn import(path: &str, files: &dyn Files, request: &Request) -> Imported {
    let name = base(path);
    let Some((file, text)) = locate(path, files) else {
        return Imported::problem(unreadable(path, files.look(path).words()));
    };
    if !name.ends_with(".service") {
        let message = format!("`{name}` is a unit of another kind than a service");
        let help = "name the `.service` that it starts";
        return Imported::problem(Diagnostic::error(codes::NOTHING, message).help(help));
    }
    if specifiers::is_template(name) {
        let message = format!("`{name}` is a template, which is no service without an instance");
        let instance = path.replacen("@.service", "@NAME.service", 1);
        return Imported::problem(
            Diagnostic::error(codes::NOTHING, message)
                .help(format!("name the instance: `selfsame import {instance}`")),
        );
    }
    let mut unit = match Unit::parse(&file, &text) {
        Ok(unit) => unit,
        Err((line, message)) => {
            return Imported::problem(super::init::malformed(&file, &text, line, &message));
        }
    };
    let mut imported = Imported::default();
    for drop_in in drop_ins(&file, name, files) {
        match files.read(&drop_in).map_err(|look| look.words().to_owned()) {
            Ok(text) => match Unit::parse(&drop_in, &text) {
                Ok(more) => unit.entries.extend(more.entries),
                Err((line, message)) => {
                    imported.problems.push(super::init::malformed(&drop_in, &text, line, &message));
                }
            },
            Err(why) => imported.problems.push(unreadable(&drop_in, &why)),
        }
    }
    let mut found = Found::new(name.trim_end_matches(".service"), Place::new(file.as_str(), 0));
    let context = Context { files, request, searches: true };
    match settings::carry(&unit, name, &mut found, context) {
        Ok(()) => imported.found.push(found),
        Err(problem) => imported.problems.push(*problem),
    }
    imported
}

/// The file of a unit: the path itself, the template behind an instance, or what the directories have.
fn locate(path: &str, files: &dyn Files) -> Option<(String, String)> {
    let name = base(path);
    let template = specifiers::template_of(name);
    let names = std::iter::once(name.to_owned()).chain(template);
    let directories: Vec<&str> = if path.contains('/') { vec![parent(path)] } else { DIRECTORIES.to_vec() };
    for name in names {
        for directory in &directories {
            let file = join(directory, &name);
            if let Ok(text) = files.read(&file) {
                return Some((file, text));
            }
        }
    }
    None
}

/// Case counts in names of units.
#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "as systemd does")]
fn has_ending(name: &str) -> bool {
    name.ends_with(".conf")
}

/// The drop-ins in the order in which they count: by name, whatever directory they are in.
fn drop_ins(file: &str, name: &str, files: &dyn Files) -> Vec<String> {
    let own = parent(file);
    let mut directories: Vec<&str> = DIRECTORIES.to_vec();
    if !directories.contains(&own) {
        directories = vec![own];
    }
    let of_all = name.rsplit_once('.').map(|(_, kind)| kind.to_owned());
    let mut found: Vec<(String, String)> = Vec::new();
    let mut add = |directory: String| {
        for conf in files.list(&directory).into_iter().filter(|conf| has_ending(conf)) {
            // The same name in a directory that comes first hides it.
            if !found.iter().any(|(known, _)| *known == conf) {
                let path = join(&directory, &conf);
                found.push((conf, path));
            }
        }
    };
    let names = drop_in_names(name);
    for directory in &directories {
        for of in &names {
            add(join(directory, &format!("{of}.d")));
        }
    }
    for directory in &directories {
        if let Some(kind) = &of_all {
            add(join(directory, &format!("{kind}.d")));
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// The names whose directories count, the most particular first: those of the unit and of its template, then of both cut
/// behind each hyphen (`a-b-.service` and `a-.service` for `a-b-c.service`).
fn drop_in_names(name: &str) -> Vec<String> {
    let Some((stem, kind)) = name.rsplit_once('.') else { return vec![name.to_owned()] };
    let (prefix, instance) = stem.split_once('@').map_or((stem, None), |(prefix, of)| (prefix, Some(of)));
    let mut names = Vec::new();
    let mut prefix = Some(prefix);
    while let Some(of) = prefix {
        names.extend(instance.map(|instance| format!("{of}@{instance}.{kind}")));
        names.push(if instance.is_some() { format!("{of}@.{kind}") } else { format!("{of}.{kind}") });
        prefix = of.trim_end_matches('-').rfind('-').and_then(|hyphen| of.get(..=hyphen));
    }
    names
}

/// Whether a text is a unit: for detection.
pub(super) fn is_unit(text: &str) -> bool {
    Unit::parse("", text).is_ok_and(|unit| {
        unit.entries.iter().any(|Entry { section, key, .. }| section == "Service" && key.starts_with("Exec"))
    })
}
