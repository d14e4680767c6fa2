//! Service directories of runit, daemontools and s6: `run`, and what lies beside it.

mod execline;

use super::command::{self, Context, Surroundings};
use super::files::{Files, base, join};
use super::found::{Found, Place, Weight};
use super::init::{malformed, unreadable};
use super::shell::{Machine, Value, parse};
use super::{Imported, Request, codes};
use crate::diagnostic::Diagnostic;
use crate::spec::{DesiredState, Readiness, ReadinessCheck, StopStep};
use crate::units::Signal;
use std::time::Duration;

/// What lies in a directory and has no field.
const BESIDE: [(&str, &str); 10] = [
    ("finish", "write it as one of `hooks.postStop`"),
    ("control", "write it as `stop.command` or `reload.command`"),
    ("notification-fd", "there is no readiness by a descriptor: it is Ready when it has lived for a second"),
    ("timeout-finish", "there is no command after the exit whose time could be limited"),
    ("max-death-tally", "selfsame never gives up: the waits grow to `restart.maxBackoff`"),
    ("lock-fd", "selfsame starts no second copy without a lock"),
    ("dependencies", "write it as `dependsOn`; without, a start that fails is tried again"),
    ("dependencies.d", "write it as `dependsOn`; without, a start that fails is tried again"),
    ("producer-for", "its output goes to files in the log directory"),
    ("consumer-for", "its output goes to files in the log directory"),
];

/// Reads a directory, or the `run` in it.
pub(super) fn import(path: &str, files: &dyn Files, request: &Request) -> Imported {
    let directory = path.strip_suffix("/run").unwrap_or(path.trim_end_matches('/'));
    let run = join(directory, "run");
    let text = match files.read(&run) {
        Ok(text) => text,
        Err(look) => return Imported::problem(unreadable(&run, look.words())),
    };
    let mut found = Found::new(base(directory), Place::new(run.as_str(), 0));
    let place = Place::new(run.as_str(), 0);
    command::set_directory(&mut found, directory, &place);
    let of_type = join(directory, "type");
    match files.read(&of_type).as_deref().map(str::trim) {
        Ok("oneshot") => {
            let message = format!("`{directory}` runs to its end and is no service that goes on");
            return Imported::problem(Diagnostic::error(codes::NOTHING, message).help("write a Task for it"));
        }
        Ok("longrun") | Err(_) => {}
        Ok(other) => {
            found.unclear(&Place::new(of_type.as_str(), 1), other, "it is neither `longrun` nor `oneshot`");
        }
    }
    let context = Context { files, request, searches: true };
    let head = text.lines().next().unwrap_or_default();
    let carried = if head.contains("execline") {
        execline::carry(&run, &text, &mut found, context)
    } else if is_shell(head) {
        shell(&run, &text, directory, &mut found, context)
    } else {
        // A program in another language: it is the service itself, or becomes it.
        found.set_program(&run);
        Ok(())
    };
    match carried {
        Ok(()) => {
            beside(directory, &mut found, files);
            Imported { found: vec![found], ..Imported::default() }
        }
        Err(problem) => Imported::problem(*problem),
    }
}

fn is_shell(head: &str) -> bool {
    head.starts_with("#!")
        && head.split(['/', ' ']).any(|word| matches!(word, "sh" | "bash" | "dash" | "ash" | "ksh"))
}

type Carried = Result<(), Box<Diagnostic>>;

#[expect(clippy::unnecessary_box_returns, reason = "it is the error of a result")]
fn problem(place: &Place, why: &str) -> Box<Diagnostic> {
    let message = format!("{place}: the program can't be named: {why}");
    Box::new(
        Diagnostic::error(codes::PROGRAM, message).help("give a variable its value with `--set NAME=VALUE`"),
    )
}

/// The last command of a run script is the service, usually behind `exec`.
fn shell(run: &str, text: &str, directory: &str, found: &mut Found, context: Context<'_>) -> Carried {
    if let Err(wrong) = parse(text) {
        return Err(Box::new(malformed(run, text, wrong.line, &wrong.message)));
    }
    let mut machine = Machine::new(run, context.files, context.request).in_directory(directory);
    machine.run_text(run, text);
    let ran = machine.finish();
    for note in &ran.notes {
        found.note(&note.place, note.weight, note.item.clone(), note.text.clone());
        if note.weight == Weight::Unclear {
            found.observe();
        }
    }
    let ends = ran.calls.iter().filter(|call| call.replaces).count();
    let Some(call) = ran.calls.iter().rfind(|call| call.replaces).or(ran.calls.last()) else {
        return Err(problem(&Place::new(run, 0), "it calls no program"));
    };
    if !call.replaces {
        // The shell stays in front of it.
        found.set_program(run);
        found.changed(
            &call.place,
            call.words.first().map(Value::shown).unwrap_or_default(),
            "there is no `exec`: the script itself is the service",
        );
        return Ok(());
    }
    if ends > 1 || call.unsure {
        let text = "whether this is executed depends on a test whose outcome isn't known";
        found.unclear(&call.place, format!("exec {}", shown(&call.words)), text);
    }
    for other in ran.calls.iter().filter(|other| !other.replaces) {
        found.lost(
            &other.place,
            shown(&other.words),
            "write it as one of `hooks.preStart`, with `user: root` there if it needs that",
        );
    }
    let around = Surroundings::of(call);
    around.directory(found);
    around.umask(found);
    around.limits(found);
    around.environment(found);
    around.streams(found);
    command::carry(found, &call.words, &call.place, context).map_err(|why| problem(&call.place, &why))
}

fn shown(words: &[Value]) -> String {
    words.iter().take(6).map(Value::shown).collect::<Vec<_>>().join(" ")
}

/// Files beside `run`.
fn beside(directory: &str, found: &mut Found, files: &dyn Files) {
    for name in files.list(directory) {
        let path = join(directory, &name);
        let place = Place::new(path.as_str(), 0);
        let first = || files.read(&path).map(|text| text.trim().to_owned()).unwrap_or_default();
        match name.as_str() {
            "down" => found.service.state = DesiredState::Stopped,
            "log" => {
                let run = files.read(&join(&path, "run")).unwrap_or_default();
                let line =
                    run.lines().rfind(|line| line.trim_start().starts_with("exec ")).unwrap_or_default();
                let text = format!(
                    "the output goes to files in the log directory{}",
                    if line.is_empty() {
                        String::new()
                    } else {
                        format!(", and not through `{}`", line.trim())
                    }
                );
                found.changed(&place, "log/run", text);
            }
            "check" => {
                found.service.readiness = Readiness {
                    check: ReadinessCheck::Exec { command: vec![path.clone()], user: None },
                    ..Readiness::default()
                }
                .into();
            }
            "down-signal" => match Signal::parse(&first()) {
                Ok(signal) => first_step(found, |step| step.signal = signal),
                Err(_) => found.lost(&place, name.as_str(), "it is not a signal"),
            },
            "timeout-kill" => match first().parse::<u64>() {
                Ok(0) => found.changed(&place, name.as_str(), "it is killed in the end: see `stop`"),
                Ok(ms) => first_step(found, |step| step.wait = Duration::from_millis(ms)),
                Err(_) => found.lost(&place, name.as_str(), "it is not a number of milliseconds"),
            },
            name => {
                if let Some((_, why)) = BESIDE.iter().find(|(known, _)| *known == name) {
                    found.lost(&place, name, *why);
                }
            }
        }
    }
}

/// Changes the first step of the stop.
fn first_step(found: &mut Found, change: impl FnOnce(&mut StopStep)) {
    if let Some(step) = found.service.stop.schedule.first_mut() {
        change(step);
    }
}

/// Whether a directory is one: for detection.
pub(super) fn is_directory(path: &str, files: &dyn Files) -> bool {
    matches!(files.look(&join(path, "run")), super::FileLook::File { .. })
}
