//! A process that runs, as the Service that would start it again.
//!
//! What a process was given at its start is mostly still there to be read. What isn't (a title hides the arguments) is
//! said, and the document takes the process over without ever starting another one.

mod fields;
mod pidfiles;

use super::files::Files;
use super::found::{Found, Place, Weight};
use super::{Imported, codes, identity};
use crate::diagnostic::Diagnostic;
use crate::facts::Fact;
use crate::process::arguments::is_title;
use crate::process::chain::Surroundings;
use crate::process::runs::{Target, runs};
use crate::process::world::{Bytes, Namespace, World};
use crate::process::{exe, paths, script, supervisor, tree};
use crate::units::Pid;

/// What may be written of a process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunningOptions {
    /// Variables of its environment whose values are written. Of the others only names are said.
    pub env: Vec<String>,
}

/// Reads a process.
pub fn running(pid: Pid, world: &dyn World, files: &dyn Files, options: &RunningOptions) -> Imported {
    let place = Place::new(format!("process {pid}"), 0);
    if let Some(why) = unfit(pid, world) {
        return Imported::problem(Diagnostic::error(
            codes::PROCESS,
            format!("process {pid} can't be imported: {why}"),
        ));
    }
    let mut found = Found::new(String::new(), place.clone());
    fields::directory(pid, world, &mut found);
    if let Err(why) = program(pid, world, &mut found, &place) {
        let message = format!("the program of process {pid} can't be named: {why}");
        return Imported::problem(
            Diagnostic::error(codes::PROCESS, message).help("ask as root, or as its user"),
        );
    }
    fields::carry(pid, world, &mut found, options);
    pidfiles::carry(pid, world, &mut found, files);
    surroundings(pid, world, &mut found, &place);
    identity::complete(&mut found, files);
    Imported { found: vec![found], ..Imported::default() }
}

/// Why it is no service at all.
fn unfit(pid: Pid, world: &dyn World) -> Option<String> {
    if pid.0 == 1 {
        return Some("it is the init of this host or container".to_owned());
    }
    if let Fact::Unknown(reason) = world.stat(pid) {
        return Some(format!("there is nothing to be read of it: {reason}"));
    }
    if tree::is_kernel_thread(world, pid) == Fact::Known(true) {
        return Some("it is a thread of the kernel".to_owned());
    }
    (tree::is_alive(world, pid) == Fact::Known(false))
        .then(|| "it has exited and waits for its parent".to_owned())
}

/// The program and its arguments: the script, where an interpreter executes one that could be executed itself.
fn program(pid: Pid, world: &dyn World, found: &mut Found, place: &Place) -> Result<(), String> {
    let arguments = match world.arguments(pid) {
        Fact::Known(arguments) => arguments,
        Fact::Absent => return Err("it has no command line".to_owned()),
        Fact::Unknown(reason) => return Err(reason.to_string()),
    };
    let image = match exe::path(world, pid) {
        Fact::Known(path) => path,
        Fact::Absent => return Err("it has no image".to_owned()),
        Fact::Unknown(reason) => return Err(reason.to_string()),
    };
    let titled = is_title(world, pid, &arguments) || arguments.truncated;
    let (path, after) = match itself(pid, world, found, titled) {
        Some((path, after)) => (path, after),
        None => (called(pid, world, &image), Some(1)),
    };
    let path = String::from_utf8(path).map_err(|_| "its path is not UTF-8".to_owned())?;
    found.set_program(&path);
    let base = super::files::base(&path);
    base.rsplit_once('.').map_or(base, |(stem, _)| stem).clone_into(&mut found.name);
    if titled {
        found.note(
            place,
            Weight::Unclear,
            "arguments",
            "the process wrote a title over them: write what it was started with into `args`",
        );
        found.hold = super::found::Hold::NoStart;
        return Ok(());
    }
    for word in arguments.words.iter().skip(after.unwrap_or(1)) {
        match std::str::from_utf8(word) {
            Ok(text) => found.service.args.push(super::command::template(text)),
            Err(_) => found.unclear(
                place,
                paths::show(word),
                "an argument is not UTF-8, which no document can say: let a script give it, and start that",
            ),
        }
    }
    Ok(())
}

/// The script that it executes, if that says the same as the whole command line; and where its arguments begin.
fn itself(pid: Pid, world: &dyn World, found: &Found, titled: bool) -> Option<(Vec<u8>, Option<usize>)> {
    let file = script::script(world, pid).known()?;
    // By the name that it was executed by, links in it kept.
    let named = world.execfn(pid).known().filter(|name| {
        script::file_of(world, pid, name, None).known().is_some_and(|other| other.same_file(&file))
    });
    let directory = world.cwd(pid).known().map_or_else(|| b"/".to_vec(), |cwd| cwd.text.to_vec());
    let path = named.map_or_else(|| file.real.to_vec(), |name| paths::join(&directory, &name));
    if path.is_empty() || file.mode & 0o111 == 0 {
        return None;
    }
    let around = Surroundings {
        working_directory: Some(shared(found.service.working_directory.as_os_str().as_encoded_bytes())),
        path: None,
    };
    let target = Target::new(world, &path, &around);
    let run = runs(world, pid, &target);
    // Options of the interpreter that `#!` doesn't say would be lost.
    let whole = titled || run.after.is_some_and(|after| same_words(pid, world, &target, after));
    (run.holds == Fact::Known(true) && target.chain().script && whole).then_some((path, run.after))
}

/// Between the interpreter and the script stands what `#!` says and nothing else.
fn same_words(pid: Pid, world: &dyn World, target: &Target, after: usize) -> bool {
    let Fact::Known(arguments) = world.arguments(pid) else { return false };
    let own: Vec<&[u8]> =
        arguments.words.iter().take(after.saturating_sub(1)).skip(1).map(AsRef::as_ref).collect();
    let chain: Vec<&[u8]> = target.chain().words.iter().map(Vec::as_slice).collect();
    own == chain
}

/// A native program by the name it was called by, where that leads to it: a link may say which of several it is.
fn called(pid: Pid, world: &dyn World, image: &[u8]) -> Vec<u8> {
    let Fact::Known(name) = world.execfn(pid) else { return image.to_vec() };
    if !paths::is_absolute(&name) {
        return image.to_vec();
    }
    let file = script::file_of(world, pid, &name, None).known();
    match (file, world.exe_file(pid).known()) {
        (Some(file), Some(image)) if file.same_file(&image) => paths::tidy(&name),
        _ => image.to_vec(),
    }
}

fn shared(bytes: &[u8]) -> Bytes {
    paths::shared(bytes)
}

/// What else has to do with it.
fn surroundings(pid: Pid, world: &dyn World, found: &mut Found, place: &Place) {
    if let Fact::Known(name) = supervisor::foreign(world, pid, &std::collections::BTreeSet::new()) {
        let text = format!(
            "{name} would bring it back: selfsame doesn't take it over before that lets go; import that instead"
        );
        found.lost(place, "supervisor", text);
    }
    if let (Fact::Known(its), Fact::Known(own)) =
        (world.namespace(pid, Namespace::Pid), world.own_namespace(Namespace::Pid))
        && its != own
    {
        found.lost(place, "container", "it lives in another PID namespace: selfsame has to run in there");
        found.observe();
    }
    let around = Surroundings::default();
    let startas = found.program().as_bytes().to_vec();
    let target = Target::new(world, &startas, &around);
    if let Fact::Known(parent) = tree::parent(world, pid)
        && parent.0 > 1
        && runs(world, parent, &target).holds == Fact::Known(true)
    {
        let text = format!(
            "its parent {parent} runs the same program and is the service: `selfsame import --pid {parent}`"
        );
        found.lost(place, "worker", text);
        found.observe();
    }
    if exe::path(world, pid).known().is_some_and(|_| {
        world.exe_text(pid).known().is_some_and(|text| paths::strip_deleted(&text).is_some())
    }) {
        found.changed(place, "exe", "its file was replaced or removed since it was started");
    }
}
