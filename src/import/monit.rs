//! monit's `check process`: how it finds a process, and how it starts one.
//!
//! What monit starts is mostly an init script or a unit. Those are read in turn, and what monit knows besides (the
//! pidfile, the account) is added.

use std::collections::BTreeMap;
use std::time::Duration;

use super::command::{self, Context};
use super::files::{Files, base};
use super::found::{Found, Place, account};
use super::init::{malformed, unreadable};
use super::{Imported, Request, codes};
use crate::diagnostic::Diagnostic;
use crate::lang::quote;
use crate::process::expression::compile_expression;
use crate::spec::ServiceType;

/// A word of the control file.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Word {
    text: String,
    quoted: bool,
    line: usize,
}

impl Word {
    fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(keyword)
    }
}

/// Words without a meaning, which monit allows anywhere.
const NOISE: [&str; 13] =
    ["is", "as", "are", "on", "only", "with", "within", "and", "has", "using", "use", "the", "program"];
/// What begins a statement inside of a check.
const STATEMENTS: [&str; 16] = [
    "check", "start", "stop", "restart", "if", "depends", "group", "every", "mode", "onreboot", "noalert",
    "alert", "set", "include", "not", "else",
];

/// Reads a control file.
pub(super) fn import(path: &str, files: &dyn Files, request: &Request) -> Imported {
    let text = match files.read(path) {
        Ok(text) => text,
        Err(look) => return Imported::problem(unreadable(path, look.words())),
    };
    let words = match lex(&text) {
        Ok(words) => words,
        Err(line) => return Imported::problem(malformed(path, &text, line, "a quote is not closed")),
    };
    let mut imported = Imported::default();
    for check in checks(&words) {
        imported.extend(process(check, path, files, request));
    }
    imported
}

/// Whether a text is a control file with processes: for detection.
pub(super) fn is_control(text: &str) -> bool {
    lex(text).is_ok_and(|words| !checks(&words).is_empty())
}

fn lex(text: &str) -> Result<Vec<Word>, usize> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1;
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' | '\'' => {
                let begun = line;
                let mut word = String::new();
                loop {
                    match chars.next() {
                        None => return Err(begun),
                        Some(end) if end == c => break,
                        Some(inner) => {
                            if inner == '\n' {
                                line += 1;
                            }
                            word.push(inner);
                        }
                    }
                }
                words.push(Word { text: word, quoted: true, line: begun });
            }
            '=' | ',' | ';' => {}
            c if c.is_whitespace() => {}
            c => {
                let mut word = String::from(c);
                while let Some(next) =
                    chars.next_if(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '=' | ',' | ';' | '#'))
                {
                    word.push(next);
                }
                words.push(Word { text: word, quoted: false, line });
            }
        }
    }
    Ok(words)
}

/// The words of each `check process`.
fn checks(words: &[Word]) -> Vec<&[Word]> {
    let begins = |at: usize| words.get(at).is_some_and(|word| word.is("check"));
    let starts: Vec<usize> = (0..words.len()).filter(|at| begins(*at)).collect();
    let mut found = Vec::new();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(words.len());
        if words.get(start + 1).is_some_and(|word| word.is("process"))
            && let Some(check) = words.get(start + 2..end)
            && !check.is_empty()
        {
            found.push(check);
        }
    }
    found
}

/// The statements of a check: each begins with a word that begins one.
fn statements(words: &[Word]) -> Vec<&[Word]> {
    let begins = |word: &Word| {
        STATEMENTS.iter().any(|name| word.is(name)) || word.is("pidfile") || word.is("matching")
    };
    let mut cuts: Vec<usize> = Vec::new();
    let mut inside_if = false;
    for (at, word) in words.iter().enumerate() {
        if !begins(word) {
            continue;
        }
        // `if ... then restart` is one statement; what follows the action begins another.
        let action = inside_if
            && at > 0
            && words.get(at - 1).is_some_and(|before| before.is("then") || before.is("else"));
        if action || (inside_if && word.is("else")) {
            continue;
        }
        inside_if = word.is("if");
        cuts.push(at);
    }
    let ends = cuts.iter().skip(1).copied().chain([words.len()]);
    cuts.iter().zip(ends).filter_map(|(from, to)| words.get(*from..to)).collect()
}

fn process(check: &[Word], path: &str, files: &dyn Files, request: &Request) -> Imported {
    let Some((name, rest)) = check.split_first() else { return Imported::default() };
    let place = Place::new(path, name.line);
    let mut monitored = Found::new(name.text.as_str(), place.clone());
    let mut start = None;
    for statement in statements(rest) {
        let Some((first, more)) = statement.split_first() else { continue };
        let at = Place::new(path, first.line);
        let argument = more.iter().find(|word| word.quoted || !NOISE.iter().any(|noise| word.is(noise)));
        match first.text.to_ascii_lowercase().as_str() {
            "pidfile" => command::set_pidfile(&mut monitored, argument.map_or("", |word| &word.text), &at),
            "matching" => matching(&mut monitored, argument.map_or("", |word| &word.text), &at),
            "start" => {
                account_and_time(more, &at, &mut monitored);
                start = argument.map(|word| (word.text.clone(), Place::new(path, word.line)));
            }
            "stop" => said(
                &mut monitored,
                statement,
                &at,
                "it is stopped by signals: write the command as `stop.command` where these aren't enough",
            ),
            "restart" => said(&mut monitored, statement, &at, "a restart is a stop and a start"),
            "if" | "else" => {
                said(
                    &mut monitored,
                    statement,
                    &at,
                    "write it as one of `triggers`, as `liveness`, or as a Policy",
                );
            }
            "depends" => said(
                &mut monitored,
                statement,
                &at,
                "write it as `dependsOn`; without, a start that fails is tried again",
            ),
            "group" => {
                if let Some(group) = argument {
                    monitored.service.annotations.insert("group".to_owned(), group.text.clone());
                }
            }
            "mode" if argument.is_some_and(|word| word.is("active")) => {}
            "mode" if argument.is_some_and(|word| word.is("passive")) => {
                monitored.changed(&at, "mode passive", "it is only looked at: `state: observed`");
                monitored.service.state = crate::spec::DesiredState::Observed;
            }
            _ => said(&mut monitored, statement, &at, "there is no field for it"),
        }
    }
    match start {
        Some((line, at)) => started(monitored, &line, &at, files, request),
        None => Imported::problem(
            Diagnostic::error(codes::PROGRAM, format!("{place}: `{}` has no `start program`", name.text))
                .help("import the process that runs: `selfsame import --pid PID`"),
        ),
    }
}

fn said(found: &mut Found, statement: &[Word], place: &Place, text: &str) {
    let words: Vec<&str> = statement.iter().take(12).map(|word| word.text.as_str()).collect();
    found.lost(place, words.join(" "), text);
}

/// A regular expression on the command line narrows; it is kept if it means the same here.
fn matching(found: &mut Found, pattern: &str, place: &Place) {
    let condition = format!("cmdline =~ r{}", quote(pattern.as_bytes()));
    let raw = !pattern.contains(['"', '\\']);
    let text = if raw { condition } else { format!("cmdline =~ {}", quote(pattern.as_bytes())) };
    if compile_expression(&text).predicate.is_some() {
        found.conditions.push(text);
    } else {
        found.lost(
            place,
            format!("matching {pattern}"),
            "the expression isn't understood; the program itself is looked for",
        );
    }
}

/// `as uid x and gid y with timeout 60 seconds`
fn account_and_time(words: &[Word], place: &Place, found: &mut Found) {
    let behind = |keyword: &str| {
        let at = words.iter().position(|word| word.is(keyword))?;
        words.get(at + 1)
    };
    if let Some(user) = behind("uid") {
        found.service.user = account(&user.text);
        command::initgroups(found);
    }
    if let Some(group) = behind("gid") {
        found.service.group = account(&group.text);
    }
    if let Some(time) = behind("timeout") {
        match time.text.parse() {
            Ok(seconds @ 1..) => found.service.start_timeout = Duration::from_secs(seconds),
            _ => found.lost(place, format!("timeout {}", time.text), "it is not a number of seconds"),
        }
    }
}

/// What the start program starts: an init script, a unit, or the daemon itself.
fn started(
    mut monitored: Found,
    line: &str,
    place: &Place,
    files: &dyn Files,
    request: &Request,
) -> Imported {
    let words: Vec<&str> = line.split_whitespace().collect();
    let inner = match words.as_slice() {
        [script, "start"] if script.contains("/init.d/") || script.contains("/rc.d/") => {
            Some(super::init::import(script, files, request))
        }
        [service, name, "start"] if base(service) == "service" => Some(of_service(name, files, request)),
        [systemctl, "start", name] if base(systemctl) == "systemctl" => {
            let unit = if name.contains('.') { (*name).to_owned() } else { format!("{name}.service") };
            Some(super::systemd::import(&unit, files, request))
        }
        _ => None,
    };
    let Some(mut inner) = inner else {
        monitored.service.service_type = ServiceType::Forking;
        let context = Context { files, request, searches: true };
        return match command::carry_shell(&mut monitored, line, place, context) {
            Ok(()) => Imported { found: vec![monitored], ..Imported::default() },
            Err(why) => {
                let message = format!("{place}: the program can't be named: {why}");
                Imported::problem(Diagnostic::error(codes::PROGRAM, message))
            }
        };
    };
    if inner.found.len() != 1 {
        for found in &mut inner.found {
            found.notes.extend(monitored.notes.iter().cloned());
        }
        return inner;
    }
    for found in &mut inner.found {
        found.name.clone_from(&monitored.name);
        found.notes.extend(monitored.notes.iter().cloned());
        if found.service.pidfile.is_none() {
            found.service.pidfile.clone_from(&monitored.service.pidfile);
        } else if monitored.service.pidfile.is_some() && found.service.pidfile != monitored.service.pidfile {
            let own = monitored.service.pidfile.clone().unwrap_or_default();
            found.changed(place, format!("pidfile {own}"), "what it starts names another one, which is kept");
        }
        found.conditions.extend(monitored.conditions.iter().cloned());
        found.service.start_timeout = monitored.service.start_timeout;
        found.service.annotations.extend(BTreeMap::clone(&monitored.service.annotations));
        found.service.state = monitored.service.state;
    }
    inner
}

/// `service NAME start`: the unit if there is one, else the script.
fn of_service(name: &str, files: &dyn Files, request: &Request) -> Imported {
    let script = format!("/etc/init.d/{name}");
    if files.look(&script).exists() {
        return super::init::import(&script, files, request);
    }
    super::systemd::import(&format!("{name}.service"), files, request)
}
