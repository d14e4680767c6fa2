//! A command line as fields: the program, its arguments, and what the commands before it set.
//!
//! `exec chpst -u www-data -o 1024 nice -n 5 /srv/shop/shop.py --port 80` names one program and says four things
//! about it. Commands that execute another one in their place are taken away and become fields; what stays in
//! front of its child (`timeout`, `tini`) is the program.

mod surroundings;
mod wrappers;

use crate::import::Request;
use crate::import::files::{Files, base, join, parent, search};
use crate::import::found::{Found, Place, Weight};
use crate::import::shell::{Value, stays};
use crate::spec::Output;

pub(super) use surroundings::Surroundings;
pub(super) use wrappers::{cpu_list, unwrap};

/// Commands before the program that are taken away.
const UNWRAPPED_MAX: usize = 32;

/// What is needed to follow a command line.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) files: &'c dyn Files,
    pub(super) request: &'c Request,
    /// Names without a slash are looked up in `PATH`; without this they are taken from the working directory.
    pub(super) searches: bool,
}

/// Sets program and arguments from the words of a command.
///
/// # Errors
/// Why the program can't be named.
pub(super) fn carry(
    found: &mut Found,
    words: &[Value],
    place: &Place,
    context: Context<'_>,
) -> Result<(), String> {
    let mut words = words.to_vec();
    for _ in 0..UNWRAPPED_MAX {
        match unwrap(found, &words, place, context) {
            Some(rest) if !rest.is_empty() => words = rest,
            Some(_) | None => break,
        }
    }
    let Some((program, arguments)) = words.split_first() else { return Err("it has no program".to_owned()) };
    set_program(found, program, place, context)?;
    for argument in arguments {
        push_argument(found, argument, place);
    }
    if let [option, text, ..] = arguments
        && option.known() == Some("-c")
        && matches!(base(found.program()), "sh" | "bash" | "dash" | "ash")
    {
        left_to_shell(found, &text.shown(), place);
    }
    Ok(())
}

fn set_program(
    found: &mut Found,
    program: &Value,
    place: &Place,
    context: Context<'_>,
) -> Result<(), String> {
    let Some(name) = program.known() else {
        let why = program.first_doubt().map(|doubt| doubt.why.clone()).unwrap_or_default();
        return Err(format!("`{}`: {why}", program.shown()));
    };
    if name.is_empty() {
        return Err("its name is empty".to_owned());
    }
    if name.starts_with('/') {
        found.set_program(name);
        return Ok(());
    }
    if name.contains('/') || !context.searches {
        let directory = found.service.working_directory.to_string_lossy().into_owned();
        found.set_program(&join(&directory, name.trim_start_matches("./")));
        return Ok(());
    }
    let own = found.service.env.get("PATH").cloned();
    let path = own.as_deref().unwrap_or(context.request.search_path());
    match search(context.files, path, name) {
        Some(file) => {
            found.changed(place, name, format!("found in PATH as `{file}`"));
            // Where it was found it may look for others.
            if let Some(path) = context.request.value("PATH") {
                found.service.env.entry("PATH".to_owned()).or_insert_with(|| template(path));
            }
            found.set_program(&file);
            Ok(())
        }
        None => Err(format!(
            "`{name}` is in none of the directories `{path}`; say where with `--set PATH=DIR:DIR`, or where the files are with `--root DIR`"
        )),
    }
}

/// A text in which nothing is to be put in for `${...}`.
pub(super) fn template(text: &str) -> String {
    text.replace("${", "$${")
}

/// Adds an argument; one that can't be evaluated is left out and holds the document back.
pub(super) fn push_argument(found: &mut Found, argument: &Value, place: &Place) {
    match argument.known() {
        Some(text) if !text.contains('\0') => found.service.args.push(template(text)),
        Some(_) => found.unclear(place, "argument", "it holds a NUL"),
        None => {
            let number = found.service.args.len() + 1;
            let why = argument.first_doubt().map(reason).unwrap_or_default();
            found.unclear(
                place,
                argument.shown(),
                format!("it stands at place {number} of the arguments: {why}"),
            );
        }
    }
}

/// Why a value isn't known, with the place where that began.
pub(super) fn reason(doubt: &crate::import::shell::Doubt) -> String {
    if doubt.place.line == 0 { doubt.why.clone() } else { format!("{} ({})", doubt.why, doubt.place) }
}

/// The program is run with the groups that its user has in the group database.
pub(super) fn initgroups(found: &mut Found) {
    found.groups_of_user = true;
}

/// An absolute directory.
pub(super) fn set_directory(found: &mut Found, directory: &str, place: &Place) {
    if directory.starts_with('/') && !directory.contains("${") {
        found.service.working_directory = super::files::tidy(directory).into();
    } else {
        found.unclear(place, format!("directory {directory}"), "it isn't an absolute path");
    }
}

/// A pidfile is a hint: one that can't be used is only said.
pub(super) fn set_pidfile(found: &mut Found, path: &str, place: &Place) {
    if path.starts_with('/') && !path.ends_with('/') {
        found.service.pidfile = Some(template(&super::files::tidy(path)));
    } else {
        found.note(place, Weight::Lost, format!("pidfile {path}"), "it isn't the absolute path of a file");
    }
}

/// Both streams into one file.
pub(super) fn set_output(found: &mut Found, file: &str, place: &Place) {
    if file.starts_with('/') && !file.ends_with('/') {
        found.service.stdout = Output::File(template(file).into());
        found.service.stderr = found.service.stdout.clone();
    } else {
        found.lost(place, format!("output {file}"), "it isn't the absolute path of a file");
    }
}

/// A value of the environment. What looks like a secret is named and not written.
pub(super) fn set_variable(found: &mut Found, name: &str, value: &Value, place: &Place) {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match value.known() {
        _ if !good => found.lost(place, name, "it can't be the name of a variable"),
        Some(_) if super::found::looks_secret(name) => {
            found.unclear(
                place,
                name,
                "it looks like a secret and isn't written: put it into a file and name that in `envFrom`",
            );
        }
        Some(text) => {
            found.service.env.insert(name.to_owned(), template(text));
        }
        None => {
            let why = value.first_doubt().map(reason).unwrap_or_default();
            found.unclear(place, format!("{name}={}", value.shown()), why);
        }
    }
}

/// A command line of a shell. One plain command becomes program and arguments; everything else stays a text for
/// `/bin/sh -c`, which means the same.
///
/// # Errors
/// Why the program can't be named.
pub(super) fn carry_shell(
    found: &mut Found,
    text: &str,
    place: &Place,
    context: Context<'_>,
) -> Result<(), String> {
    if let Some(words) = wrappers::one_command(found, text, place, context) {
        return carry(found, &words, place, context);
    }
    found.changed(place, text, "it is more than one plain command, and is left to a shell");
    found.set_program("/bin/sh");
    found.service.args = vec!["-c".to_owned(), template(text)];
    left_to_shell(found, text, place);
    Ok(())
}

/// A shell may execute the last command in its place, and then nobody can tell which process it is.
fn left_to_shell(found: &mut Found, text: &str, place: &Place) {
    if !stays(text) {
        let why = "a shell may execute the last command in its place, and it is no longer known by what it was given: write a script of it";
        found.unclear(place, text, why);
    }
}

/// The directory of a file, for formats in which it is the working directory.
pub(super) fn directory_of(path: &str) -> &str {
    parent(path)
}
