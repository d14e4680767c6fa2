//! `ExecReload`: a signal where it is a `kill` of the main process, else the command itself.

use std::time::Duration;

use super::super::exec;
use super::super::unit::{Entry, Unit};
use crate::import::command::template;
use crate::import::files::base;
use crate::import::found::Found;
use crate::spec::Reload;
use crate::units::Signal;

/// How systemd calls the process that a unit is about.
const MAIN: [&str; 2] = ["$MAINPID", "${MAINPID}"];

/// Carries it, if it is one. Of several lines the others are checks before a signal.
pub(super) fn carry(entry: &Entry, unit: &Unit, found: &mut Found) -> bool {
    if entry.key != "ExecReload" {
        return false;
    }
    let (prefixes, line) = exec::prefixes(&entry.value);
    let words = exec::words(line).unwrap_or_default();
    let plain = !prefixes.names_argv0 && !prefixes.privileged && !prefixes.elevated;
    let alone = unit.list("Service", "ExecReload").len() == 1;
    let reload = signal(&words).or_else(|| command(&words).filter(|_| plain && alone));
    match reload.filter(|_| found.service.reload.is_none()) {
        Some(reload) => found.service.reload = Some(reload).into(),
        None => {
            let text = "a reload is one signal, or one command without variables: write it as `reload`";
            found.lost(&entry.place, format!("ExecReload={}", entry.value), text);
        }
    }
    true
}

/// `Type=notify-reload`: a signal, unless a command was carried.
pub(super) fn of_type(unit: &Unit, found: &mut Found) {
    let is_so = unit.last("Service", "Type").is_some_and(|entry| entry.value == "notify-reload");
    if !is_so || found.service.reload.is_some() {
        return;
    }
    let signal = match unit.last("Service", "ReloadSignal") {
        None => Some(Signal::HUP),
        Some(entry) => Signal::parse(&entry.value).ok(),
    };
    found.service.reload = signal.map(Reload::Signal).into();
}

/// Nothing is put in for variables, and a `;` begins another command.
fn command(words: &[String]) -> Option<Reload> {
    let is_plain = |word: &String| !word.contains('$') && word != ";";
    (words.first()?.starts_with('/') && words.iter().all(is_plain)).then(|| Reload::Command {
        command: words.iter().map(|word| template(word)).collect(),
        timeout: Duration::from_secs(30),
        user: None,
    })
}

/// `kill -HUP $MAINPID`, `kill -s HUP $MAINPID`.
fn signal(words: &[String]) -> Option<Reload> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (program, name, main) = match words.as_slice() {
        [program, "-s", name, main] => (*program, *name, *main),
        [program, flag, main] => (*program, flag.strip_prefix('-')?, *main),
        _ => return None,
    };
    let of_main = base(program) == "kill" && MAIN.contains(&main);
    Signal::parse(name).ok().filter(|_| of_main).map(Reload::Signal)
}
