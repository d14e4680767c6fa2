//! Init scripts, and command lines of start-stop-daemon: gone through as `start`, `stop` and `reload`, never executed.
//!
//! Every call of start-stop-daemon (and of the functions of LSB and of Red Hat that do the same) that `start` reaches
//! is a Service; `stop` says how each is stopped. A script that decides not to start anything here (`ENABLED=0`) is
//! gone through a second time without its `exit`, and its Services are `state: stopped`.

mod functions;
mod header;
mod model;

use super::command::Context;
use super::files::{Files, base};
use super::found::{Found, Place, Weight};
use super::shell::{Call, Machine, Ran, Value, parse};
use super::ssd::{self, Action};
use super::{Imported, Request, codes};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::spec::{DesiredState, Reload};
use crate::units::Signal;

/// Programs that scripts call on the way.
const USUAL: [&str; 34] = [
    "awk",
    "cat",
    "chmod",
    "chown",
    "cut",
    "date",
    "expr",
    "find",
    "grep",
    "egrep",
    "head",
    "hostname",
    "id",
    "install",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "mktemp",
    "mount",
    "mv",
    "pidof",
    "pidofproc",
    "ps",
    "readlink",
    "rm",
    "sed",
    "sleep",
    "sort",
    "stat",
    "tail",
    "touch",
    "tr",
    "uname",
];
/// What stands for a file where words were given.
const COMMAND_LINE: &str = "command line";

/// Reads a script.
pub(super) fn import(path: &str, files: &dyn Files, request: &Request) -> Imported {
    match files.read(path) {
        Ok(text) => script(path, &text, files, request),
        Err(look) => Imported::problem(unreadable(path, look.words())),
    }
}

/// A source that can't be read.
pub(super) fn unreadable(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(codes::UNREADABLE, format!("`{path}` can't be read: it {why}"))
        .help("name a file that exists and may be read")
}

/// A source that isn't of its form, with the line underlined.
pub(super) fn malformed(path: &str, text: &str, line: usize, message: &str) -> Diagnostic {
    let source = Source::new(path, text);
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    Diagnostic::error(codes::MALFORMED, message.to_owned())
        .at(Span::new(start, start + length), "")
        .in_source(&source)
}

/// Words of a command line; one word is a line with shell quoting.
pub(super) fn import_words(words: &[String], files: &dyn Files, request: &Request) -> Imported {
    if let [text] = words {
        let text = if text.contains("start-stop-daemon") {
            text.clone()
        } else {
            format!("start-stop-daemon {text}")
        };
        return script(COMMAND_LINE, &text, files, request);
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
    let named = words.first().is_some_and(|word| base(word) == "start-stop-daemon");
    let text = if named { quoted.join(" ") } else { format!("start-stop-daemon {}", quoted.join(" ")) };
    script(COMMAND_LINE, &text, files, request)
}

fn script(path: &str, text: &str, files: &dyn Files, request: &Request) -> Imported {
    if let Err(wrong) = parse(text) {
        return Imported::problem(malformed(path, text, wrong.line, &wrong.message));
    }
    let run = |action: &str, goes_on: bool| {
        let machine = Machine::new(path, files, request).with_parameters(&[action]);
        let mut machine = if goes_on { machine.going_on() } else { machine };
        model::run(&mut machine, path, text);
        machine.finish()
    };
    let context = Context { files, request, searches: false };
    let started = run("start", false);
    let mut imported = services(&started, context);
    if imported.found.is_empty() && imported.problems.is_empty() {
        imported = services(&run("start", true), context);
        for found in &mut imported.found {
            let place = started.ended.clone().unwrap_or_else(|| found.place.clone());
            found.service.state = DesiredState::Stopped;
            found.changed(&place, "start", "the script starts nothing here: `state: stopped`");
        }
    }
    if imported.found.is_empty() {
        imported.problems.extend(nothing(path, &started, imported.problems.is_empty()));
        return imported;
    }
    stops(&mut imported.found, &run("stop", false), &run("stop", true));
    preparations(&mut imported.found, &started);
    reloads(&mut imported.found, &run("reload", false), &run("force-reload", false));
    describe(&mut imported.found, path, text);
    imported
}

/// Nothing is started by what is understood; what is called is said, so that somebody can go on from there.
fn nothing(path: &str, ran: &Ran, alone: bool) -> Option<Diagnostic> {
    let message = format!("`{path}` calls no start-stop-daemon when it starts");
    let programs: Vec<String> = ran
        .calls
        .iter()
        .filter(|call| {
            call.words.first().and_then(Value::known).is_some_and(|name| !USUAL.contains(&base(name)))
        })
        .map(|call| {
            let words: Vec<String> = call.words.iter().take(4).map(Value::shown).collect();
            format!("`{}` (line {})", words.join(" "), call.place.line)
        })
        .take(5)
        .collect();
    let diagnostic = Diagnostic::error(codes::NOTHING, message);
    let diagnostic = match programs.as_slice() {
        [] => diagnostic.help("import the process that runs: `selfsame import --pid PID`"),
        some => diagnostic.help(format!(
            "it calls {}; import what those run, or the process: `selfsame import --pid PID`",
            some.join(", ")
        )),
    };
    alone.then_some(diagnostic)
}

/// The Services of a run.
fn services(ran: &Ran, context: Context<'_>) -> Imported {
    let mut imported = Imported::default();
    let mut sure = Vec::new();
    for call in &ran.calls {
        let Some((words, initial)) = functions::start(call, context) else { continue };
        let parsed = ssd::parse(&words);
        if parsed.action != Some(Action::Start) || parsed.has("test") {
            continue;
        }
        match ssd::start(call, &words, initial, context) {
            Ok(found) => add(&mut imported.found, &mut sure, found, !call.unsure),
            Err(why) => {
                let message = format!("{}: the program can't be named: {why}", call.place);
                let help =
                    "write its whole path, or give the variable in it its value with `--set NAME=VALUE`";
                let problem = Diagnostic::error(codes::PROGRAM, message).help(help);
                if !imported.problems.contains(&problem) {
                    imported.problems.push(problem);
                }
            }
        }
    }
    for found in &mut imported.found {
        ssd::adopt_notes(found, &ran.notes);
    }
    imported
}

/// Adds a Service. The same one again, started elsewhere, is the same; another form of it under a condition that can't be
/// told is a doubt.
fn add(all: &mut Vec<Found>, sure: &mut Vec<bool>, found: Found, is_sure: bool) {
    let same = |other: &Found| other.program() == found.program();
    let Some(at) = all.iter().position(same) else {
        all.push(found);
        sure.push(is_sure);
        return;
    };
    let (Some(first), Some(first_sure)) = (all.get_mut(at), sure.get(at)) else { return };
    if first.service == found.service {
        return;
    }
    if *first_sure && is_sure {
        all.push(found);
        sure.push(true);
        return;
    }
    let place = found.place.clone();
    let text = format!(
        "whether it is started so, or as at {}, depends on a test whose outcome isn't known",
        first.place
    );
    first.unclear(&place, format!("start of {}", found.program()), text);
}

fn stops(all: &mut [Found], ran: &Ran, going_on: &Ran) {
    let ran = if ran.calls.iter().any(|call| functions::stop(call).is_some()) { ran } else { going_on };
    for found in all {
        // The first is the usual one; a second is for what that leaves.
        let known = ran
            .calls
            .iter()
            .any(|call| functions::stop(call).is_some_and(|words| ssd::stop(call, &words, found)));
        if !known {
            stopped_by_itself(found, ran);
        }
    }
}

/// `server-ctl start` and `server-ctl stop`: what runs in between is another program. Other commands only ask it to stop.
fn stopped_by_itself(found: &mut Found, ran: &Ran) {
    let own = |call: &&Call| call.words.first().and_then(Value::known) == Some(found.program());
    let says = |call: &Call, word: &str| call.words.iter().any(|argument| argument.known() == Some(word));
    let Some(call) =
        ran.calls.iter().filter(own).find(|call| says(call, "stop")).or_else(|| ran.calls.iter().find(own))
    else {
        return;
    };
    let (place, words) =
        (call.place.clone(), call.words.iter().take(4).map(Value::shown).collect::<Vec<_>>().join(" "));
    if says(call, "stop") && found.service.args.iter().any(|argument| argument == "start") {
        found.unclear(&place, words, super::identity::BY_ANOTHER);
    } else {
        found.lost(&place, words, "it is stopped by signals: write the command as `stop.command` or one of `hooks.preStop` where these aren't enough");
    }
}

fn reloads(all: &mut [Found], reload: &Ran, force: &Ran) {
    let signals = |call: &Call| {
        let words = functions::stop(call)?;
        let parsed = ssd::parse(&words);
        let signal = parsed.value("signal")?.shown();
        // Who waits for the end and kills doesn't reload.
        (!parsed.has("retry") && parsed.action == Some(Action::Stop)).then(|| (call.place.clone(), signal))
    };
    let Some((place, name)) = reload.calls.iter().chain(&force.calls).find_map(signals) else { return };
    for found in all {
        match Signal::parse(&name) {
            Ok(signal) => found.service.reload = Some(Reload::Signal(signal)).into(),
            Err(_) => {
                found.lost(&place, format!("reload by signal {name}"), "it is no signal: write a `reload`");
            }
        }
    }
}

/// Commands that make or mend what a start needs.
const PREPARING: [&str; 6] = ["mkdir", "install", "chown", "chmod", "touch", "ln"];

/// What the script makes before it starts something, most often below `/run`, where it is gone after a boot.
fn preparations(all: &mut [Found], started: &Ran) {
    let prepares = |call: &&Call| {
        call.words.first().and_then(Value::known).is_some_and(|name| PREPARING.contains(&base(name)))
    };
    for found in all {
        let start = found.place.clone();
        let before = started.calls.iter().take_while(|call| call.place != start);
        for call in before.filter(prepares) {
            let words = call.words.iter().map(Value::shown).collect::<Vec<_>>().join(" ");
            let text = "nothing does it before a start: write it as one of `hooks.preStart`, with `user: root` there if it needs that, or see to it at boot";
            found.lost(&call.place, words, text);
        }
    }
}

/// Name, description, and what is so of every init script.
fn describe(all: &mut [Found], path: &str, text: &str) {
    let alone = all.len() == 1;
    let header = header::read(path, text);
    for found in all {
        if alone && path != COMMAND_LINE {
            let name = base(path);
            name.strip_suffix(".sh").unwrap_or(name).clone_into(&mut found.name);
        }
        if path != COMMAND_LINE {
            header.clone().into_iter().for_each(|part| header::add(found, part));
            found.note(
                &Place::new(path, 0),
                Weight::Changed,
                "no restart",
                "an init script doesn't bring its service back, selfsame does: to have it so, write `restart: {policy: never}`",
            );
        }
    }
}
