//! Procfiles: `name: command line of a shell`, one process a line.

use super::command::{self, Context, directory_of};
use super::files::{Files, join};
use super::found::{Found, Place};
use super::init::{malformed, unreadable};
use super::{Imported, Request, codes};
use crate::diagnostic::Diagnostic;

/// Reads a Procfile.
pub(super) fn import(path: &str, files: &dyn Files, request: &Request) -> Imported {
    let text = match files.read(path) {
        Ok(text) => text,
        Err(look) => return Imported::problem(unreadable(path, look.words())),
    };
    let mut imported = Imported::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, command)) = entry(line) else {
            imported.problems.push(malformed(path, &text, number + 1, "not of the form `name: command`"));
            continue;
        };
        let place = Place::new(path, number + 1);
        let mut found = Found::new(name, place.clone());
        command::set_directory(&mut found, directory_of(path), &place);
        let environment = join(directory_of(path), ".env");
        if files.look(&environment).exists() {
            found.service.env_from.push(crate::spec::EnvFrom {
                file: environment.into(),
                optional: true,
                prefix: String::new(),
            });
        }
        let context = Context { files, request, searches: true };
        match command::carry_shell(&mut found, command, &place, context) {
            Ok(()) => {
                notes(&mut found, &place, command);
                imported.found.push(found);
            }
            Err(why) => {
                let message = format!("{place}: the program of `{name}` can't be named: {why}");
                imported.problems.push(Diagnostic::error(codes::PROGRAM, message));
            }
        }
    }
    imported
}

fn notes(found: &mut Found, place: &Place, command: &str) {
    if command.contains("PORT") && !found.service.env.contains_key("PORT") {
        found.changed(
            place,
            "PORT",
            "a runner of Procfiles sets it: write the value into `env`, or give it with `--set PORT=5000`",
        );
    }
}

/// A name of letters, digits, `-` and `_`, and a command.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, command) = line.split_once(':')?;
    let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let command = command.trim();
    (good && !command.is_empty()).then_some((name, command))
}

/// Whether a text is a Procfile: for detection, together with the name of the file. A line that is wrong is named by the import.
pub(super) fn is_procfile(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| !line.starts_with('#') && entry(line).is_some())
}
