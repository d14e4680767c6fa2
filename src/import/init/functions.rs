//! Calls that start or stop: start-stop-daemon itself, and the functions of LSB and Red Hat that stand for it.

use crate::import::command::Context;
use crate::import::files::base;
use crate::import::found::Found;
use crate::import::shell::{Call, Value};

/// Commands that may stand before start-stop-daemon.
const BEFORE_MAX: usize = 8;

/// The words of `start-stop-daemon --start` that a call stands for, and what was set before them.
pub(super) fn start(call: &Call, context: Context<'_>) -> Option<(Vec<Value>, Found)> {
    let mut initial = Found::new(String::new(), call.place.clone());
    let mut words = call.words.clone();
    for _ in 0..BEFORE_MAX {
        let (first, rest) = words.split_first()?;
        let name = base(first.known()?).to_owned();
        let translated = match name.as_str() {
            "start-stop-daemon" => Some(rest.to_vec()),
            "start_daemon" | "startproc" => Some(start_daemon(rest)),
            "daemon" => Some(daemon(rest)),
            _ => None,
        };
        if let Some(words) = translated {
            return Some((words, initial));
        }
        words = crate::import::command::unwrap(&mut initial, &words, &call.place, context)?;
    }
    None
}

/// The words of `start-stop-daemon --stop` that a call stands for.
pub(super) fn stop(call: &Call) -> Option<Vec<Value>> {
    let (first, rest) = call.words.split_first()?;
    match base(first.known()?) {
        "start-stop-daemon" => Some(rest.to_vec()),
        "killproc" => Some(killproc(rest)),
        _ => None,
    }
}

fn word(text: &str) -> Value {
    Value::text(text)
}

/// `start_daemon [-f] [-n NICE] [-p PIDFILE] PROGRAM ARGUMENT...`, LSB 8.2 and SUSE's `startproc`.
fn start_daemon(words: &[Value]) -> Vec<Value> {
    let mut out = vec![word("--start"), word("--quiet"), word("--oknodo")];
    let mut rest = words.iter();
    let mut program = None;
    while let Some(next) = rest.next() {
        match next.known() {
            Some("-f") => {}
            Some("-n") => out
                .extend(rest.next().map(|level| [word("--nicelevel"), level.clone()]).into_iter().flatten()),
            Some("-p") => {
                out.extend(rest.next().map(|file| [word("--pidfile"), file.clone()]).into_iter().flatten());
            }
            Some("-u") => {
                out.extend(rest.next().map(|user| [word("--chuid"), user.clone()]).into_iter().flatten());
            }
            Some("--") => {}
            _ => {
                program = Some(next.clone());
                break;
            }
        }
    }
    out.extend(program.map(|program| [word("--exec"), program]).into_iter().flatten());
    out.push(word("--"));
    out.extend(rest.cloned());
    out
}

/// `daemon [--user=USER] [--pidfile=FILE] [+/-NICE] PROGRAM ARGUMENT...` of Red Hat; the program may be a whole line.
fn daemon(words: &[Value]) -> Vec<Value> {
    let mut out = vec![word("--start"), word("--quiet")];
    let mut rest = words.iter();
    let mut line: Vec<Value> = Vec::new();
    while let Some(next) = rest.next() {
        let text = next.shown();
        let value = |name: &str| text.strip_prefix(name).map(word);
        if let Some(user) = value("--user=") {
            out.extend([word("--chuid"), user]);
        } else if let Some(file) = value("--pidfile=") {
            out.extend([word("--pidfile"), file]);
        } else if matches!(text.as_str(), "--user" | "--pidfile" | "--check") {
            let option = if text == "--user" { "--chuid" } else { "--pidfile" };
            let given = rest.next().cloned();
            if text != "--check" {
                out.extend(given.map(|given| [word(option), given]).into_iter().flatten());
            }
        } else if text.starts_with("--check=") || text == "--force" {
        } else if text.starts_with(['+', '-']) && text.trim_start_matches(['+', '-']).parse::<i32>().is_ok() {
            out.extend([word("--nicelevel"), word(text.trim_start_matches('+'))]);
        } else {
            line.push(next.clone());
            break;
        }
    }
    // One word with blanks is a line of a shell.
    let split = match line.first().and_then(Value::known) {
        Some(text) if text.contains(' ') => text.split_whitespace().map(word).collect(),
        _ => line,
    };
    let mut all = split.into_iter().chain(rest.cloned());
    out.extend(all.next().map(|program| [word("--exec"), program]).into_iter().flatten());
    out.push(word("--"));
    out.extend(all);
    out
}

/// `killproc [-p PIDFILE] [-d SECONDS] PROGRAM [-SIGNAL]`.
fn killproc(words: &[Value]) -> Vec<Value> {
    let mut out = vec![word("--stop"), word("--quiet")];
    let mut rest = words.iter();
    let mut seconds = word("5");
    let mut signal = None;
    let mut names = 0;
    while let Some(next) = rest.next() {
        match next.known() {
            Some("-p") => {
                out.extend(rest.next().map(|file| [word("--pidfile"), file.clone()]).into_iter().flatten());
            }
            Some("-d") => seconds = rest.next().cloned().unwrap_or(seconds),
            Some(text) if text.starts_with('-') => {
                signal = Some(word(text.trim_start_matches("-SIG").trim_start_matches('-')));
            }
            Some(text) if names > 0 => signal = Some(word(text.trim_start_matches("SIG"))),
            _ => names += 1,
        }
    }
    match signal {
        Some(signal) => out.extend([word("--signal"), signal]),
        None => out.extend([word("--retry"), seconds]),
    }
    out
}
