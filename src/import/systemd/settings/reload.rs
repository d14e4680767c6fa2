//! `ExecReload`: a signal where it is a `kill` of the main process, else the command itself.

use std::time::Duration;

use super::super::exec;
use super::super::unit::Entry;
use crate::import::command::template;
use crate::import::files::base;
use crate::import::found::Found;
use crate::spec::Reload;
use crate::units::Signal;

/// How systemd calls the process that a unit is about.
const MAIN: [&str; 2] = ["$MAINPID", "${MAINPID}"];

/// Carries it, if it is one.
pub(super) fn carry(entry: &Entry, found: &mut Found) -> bool {
    if entry.key != "ExecReload" {
        return false;
    }
    let item = format!("ExecReload={}", entry.value);
    let (prefixes, line) = exec::prefixes(&entry.value);
    let words = exec::words(line).unwrap_or_default();
    let plain = !prefixes.names_argv0 && !prefixes.privileged && !prefixes.elevated;
    match reload(&words).filter(|_| plain && found.service.reload.is_none()) {
        Some(reload) => found.service.reload = Some(reload).into(),
        None => found.lost(
            &entry.place,
            item,
            "write it as `reload.command`, which is one command without a shell",
        ),
    }
    true
}

fn reload(words: &[String]) -> Option<Reload> {
    let (program, rest) = words.split_first()?;
    if base(program) == "kill" {
        return signal(rest).map(Reload::Signal);
    }
    // Nothing is put in for variables, and a `;` begins another command.
    let is_plain = |word: &String| !word.contains('$') && word != ";";
    (program.starts_with('/') && words.iter().all(is_plain)).then(|| Reload::Command {
        command: words.iter().map(|word| template(word)).collect(),
        timeout: Duration::from_secs(30),
    })
}

/// `-HUP $MAINPID`, `-s HUP $MAINPID`.
fn signal(words: &[String]) -> Option<Signal> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (name, main) = match words.as_slice() {
        ["-s", name, main] => (*name, *main),
        [flag, main] => (flag.strip_prefix('-')?, *main),
        _ => return None,
    };
    Signal::parse(name).ok().filter(|_| MAIN.contains(&main))
}
