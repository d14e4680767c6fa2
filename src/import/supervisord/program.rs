//! One `[program:x]`: from its settings to one Service, or several where `${index}` can't say the difference.

use std::time::Duration;

use super::expand::{Names, expand, has_formatted_number};
use super::outputs::{kept, log, redirect, rotations};
use crate::diagnostic::Diagnostic;
use crate::import::command::{self, Context};
use crate::import::found::{Found, Place, account};
use crate::import::ini::{Item, Section};
use crate::import::quantity;
use crate::import::shell::Value;
use crate::import::{Imported, codes};
use crate::spec::{DesiredState, Output, ReadinessCheck, RestartPolicy, StopScope, StopStep};
use crate::units::Signal;

/// Processes of one program.
const PROCESSES_MAX: u32 = 1_000;
/// Said of a value; supervisord takes no such file.
const NO_SWITCH: &str = "it is neither `true` nor `false`";

/// Makes the Services of a section.
pub(super) fn carry(
    section: &Section,
    name: &str,
    here: &str,
    general: Option<&Section>,
    context: Context<'_>,
) -> Imported {
    let number = |key: &str, usual: u32| {
        section.item(key).and_then(|item| item.value.parse::<u32>().ok()).unwrap_or(usual)
    };
    let count = number("numprocs", 1).clamp(1, PROCESSES_MAX);
    let start = number("numprocs_start", 0);
    let numbered = |item: &&Item| item.key != "process_name" && item.value.contains("%(process_num)");
    let alike = start == 0
        && !section.items.iter().filter(numbered).any(|item| has_formatted_number(&item.value))
        && section.items.iter().filter(numbered).all(|item| {
            matches!(item.key.as_str(), "command" | "environment" | "stdout_logfile" | "stderr_logfile")
        });
    let mut imported = Imported::default();
    let numbers: Vec<u32> =
        if count > 1 && !alike { (start..start.saturating_add(count)).collect() } else { vec![start] };
    let several = numbers.len() > 1;
    for at in numbers {
        let names = Names {
            program: name,
            number: at,
            placeholder: (count > 1 && !several).then_some("${index}"),
            here,
            count,
            request: context.request,
        };
        let title = if several { format!("{name}-{at}") } else { name.to_owned() };
        let mut found = Found::new(title, section.place.clone());
        if count > 1 && !several {
            found.service.replicas = count;
        }
        match one(section, general, &names, &mut found, context) {
            Ok(()) => imported.found.push(found),
            Err(problem) => imported.problems.push(*problem),
        }
    }
    imported
}

fn one(
    section: &Section,
    general: Option<&Section>,
    names: &Names<'_>,
    found: &mut Found,
    context: Context<'_>,
) -> Result<(), Box<Diagnostic>> {
    let problem = |place: &Place, message: String| {
        let problem = Diagnostic::error(codes::PROGRAM, format!("{place}: {message}"));
        Box::new(problem.help("give a value with `--set NAME=VALUE`"))
    };
    found.service.restart.policy = RestartPolicy::OnFailure;
    found.service.stop.scope = Some(StopScope::Main);
    for item in general.into_iter().flat_map(|section| &section.items) {
        if matches!(item.key.as_str(), "environment" | "directory" | "umask" | "user") {
            row(item, names, found, section);
        }
    }
    if section.item("startsecs").is_none() {
        found.service.readiness.check = ReadinessCheck::AliveFor(Duration::from_secs(1));
    }
    for item in &section.items {
        row(item, names, found, section);
    }
    rotations(&mut found.service);
    stopping(section, found);
    let Some(command) = section.item("command") else {
        return Err(problem(&section.place, format!("`[{}]` has no `command`", section.name)));
    };
    let words = split(&command.value).map_err(|why| problem(&command.place, why))?;
    let mut values = Vec::new();
    for word in words {
        match expand(&word, names, str::to_owned) {
            Ok(word) => values.push(Value::text(word)),
            Err(unknown) => {
                found.unclear(&command.place, word, format!("the value of `{unknown}` isn't known"));
            }
        }
    }
    let before = found.service.args.len();
    command::carry(found, &values, &command.place, context).map_err(|why| problem(&command.place, why))?;
    // The number of the copy is ours to put in, not the text of the configuration.
    if names.placeholder.is_some() {
        for argument in found.service.args.iter_mut().skip(before) {
            *argument = argument.replace("$${index}", "${index}");
        }
    }
    Ok(())
}

/// Splits as Python's shlex does.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' | '"' => {
                let current = word.get_or_insert_default();
                let mut closed = false;
                while let Some(inner) = chars.next() {
                    if inner == c {
                        closed = true;
                        break;
                    }
                    if inner == '\\' && c == '"' {
                        match chars.next() {
                            Some(next @ ('"' | '\\')) => current.push(next),
                            Some(next) => current.extend(['\\', next]),
                            None => {}
                        }
                        continue;
                    }
                    current.push(inner);
                }
                if !closed {
                    return Err("a quote is not closed".to_owned());
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Carries one setting.
fn row(item: &Item, names: &Names<'_>, found: &mut Found, section: &Section) {
    let place = &item.place;
    let written = || format!("{}={}", item.key, item.value.replace('\n', " "));
    let value = match expand(&item.value, names, command::template) {
        Ok(value) => value,
        Err(_) if item.key == "command" => return,
        Err(unknown) => {
            let why = format!("the value of `{unknown}` isn't known");
            if matches!(item.key.as_str(), "directory" | "environment" | "user" | "umask") {
                found.unclear(place, written(), why);
            } else {
                found.lost(place, written(), why);
            }
            return;
        }
    };
    match item.key.as_str() {
        "command" | "stopsignal" => {}
        "numprocs" | "numprocs_start" | "stopwaitsecs" => counted(item, found),
        "process_name" => found.needless(place, written(), "copies are told apart by their index"),
        "directory" => command::set_directory(found, &value, place),
        "umask" => match quantity::octal(&value) {
            Some(mask) => found.service.umask = mask,
            None => found.unclear(place, written(), "it is not an octal mask"),
        },
        "user" => {
            found.service.user = account(&value);
            command::initgroups(found);
        }
        "environment" => environment(item, names, found),
        "autostart" => match switch(&value) {
            Some(true) => {}
            Some(false) => found.service.state = DesiredState::Stopped,
            None => found.unclear(place, written(), NO_SWITCH),
        },
        "autorestart" => match switch(&value) {
            Some(true) => found.service.restart.policy = RestartPolicy::Always,
            Some(false) => found.service.restart.policy = RestartPolicy::Never,
            None if value.eq_ignore_ascii_case("unexpected") => {}
            None => found.unclear(place, written(), "it is none of `true`, `false` and `unexpected`"),
        },
        "exitcodes" => exit_codes(item, &value, found),
        "startsecs" => match value.parse::<u64>() {
            Ok(0) => found.changed(place, written(), "it is Ready when it has lived for a second"),
            Ok(seconds) => {
                let alive = Duration::from_secs(seconds.min(86_400));
                found.service.readiness.check = ReadinessCheck::AliveFor(alive);
                found.service.start_timeout = found.service.start_timeout.max(alive * 2);
            }
            Err(_) => found.lost(place, written(), "it is not a number of seconds"),
        },
        "startretries" => {
            found.changed(
                place,
                written(),
                "selfsame never gives up: the waits grow to `restart.maxBackoff`",
            );
        }
        "stopasgroup" | "killasgroup" | "redirect_stderr" | "stdout_syslog" | "stderr_syslog" => {
            match switch(&value) {
                Some(true) => switched_on(item, found, section, names),
                Some(false) => {}
                None => found.lost(place, written(), NO_SWITCH),
            }
        }
        "priority" => {
            found.needless(
                place,
                written(),
                "all are started at once, and a start that fails is tried again",
            );
        }
        "stdout_logfile" => log(item, &value, found, false),
        "stderr_logfile" => log(item, &value, found, true),
        key if key.ends_with("_logfile_maxbytes") || key.ends_with("_logfile_backups") => {
            kept(item, &value, found);
        }
        "serverurl" => found.lost(place, written(), "there is no server to call"),
        _ => found.lost(place, written(), "there is no field for it"),
    }
}

/// What follows where a switch is on.
fn switched_on(item: &Item, found: &mut Found, section: &Section, names: &Names<'_>) {
    match item.key.as_str() {
        "stdout_syslog" => found.service.stdout = Output::Syslog,
        "stderr_syslog" => found.service.stderr = Output::Syslog,
        "redirect_stderr" => redirect(&item.place, found, section, names),
        _ => found.service.stop.scope = Some(StopScope::Tree),
    }
}

/// What is read elsewhere as a number, or the usual one instead.
fn counted(item: &Item, found: &mut Found) {
    let number = item.value.parse::<u32>();
    let why = match item.key.as_str() {
        "numprocs" if !number.as_ref().is_ok_and(|count| (1..=PROCESSES_MAX).contains(count)) => {
            format!("it is no number from 1 to {PROCESSES_MAX}")
        }
        _ if number.is_err() => "it is not a number".to_owned(),
        _ => return,
    };
    found.unclear(&item.place, format!("{}={}", item.key, item.value), why);
}

fn exit_codes(item: &Item, value: &str, found: &mut Found) {
    let mut codes = Vec::new();
    for code in value.split(',').map(str::trim).filter(|code| !code.is_empty()) {
        match code.parse::<u8>() {
            Ok(0) => {}
            Ok(code) => codes.push(i32::from(code)),
            Err(_) => found.lost(&item.place, format!("exitcodes={code}"), "it is no number from 0 to 255"),
        }
    }
    found.service.restart.success_codes = codes.into_iter().collect();
}

/// `A="x",B=y`
fn environment(item: &Item, names: &Names<'_>, found: &mut Found) {
    for pair in pairs(&item.value) {
        let Some((name, value)) = pair.split_once('=') else {
            found.unclear(&item.place, pair, "it is not of the form `NAME=\"value\"`");
            continue;
        };
        match (expand(value.trim(), names, str::to_owned), split(value.trim())) {
            (Ok(value), Ok(_)) => {
                let words = split(&value).unwrap_or_default();
                let value = if value.starts_with(['"', '\'']) { words.concat() } else { value };
                command::set_variable(found, name.trim(), &Value::text(value), &item.place);
                if names.placeholder.is_some()
                    && let Some(set) = found.service.env.get_mut(name.trim())
                {
                    *set = set.replace("$${index}", "${index}");
                }
            }
            _ => found.unclear(&item.place, format!("environment {name}"), "its value isn't known"),
        }
    }
}

/// Splits at commas and line ends outside of quotes.
fn pairs(text: &str) -> Vec<String> {
    let (mut pairs, mut pair, mut quote) = (Vec::new(), String::new(), None);
    for c in text.chars() {
        match (c, quote) {
            (',' | '\n', None) => pairs.push(std::mem::take(&mut pair)),
            (c, Some(open)) if c == open => {
                quote = None;
                pair.push(c);
            }
            ('"' | '\'', None) => {
                quote = Some(c);
                pair.push(c);
            }
            (c, _) => pair.push(c),
        }
    }
    pairs.push(pair);
    pairs.into_iter().map(|pair| pair.trim().to_owned()).filter(|pair| !pair.is_empty()).collect()
}

/// TERM, ten seconds, KILL, unless it is said otherwise.
fn stopping(section: &Section, found: &mut Found) {
    let signal = match section.item("stopsignal") {
        Some(item) => Signal::parse(&item.value).unwrap_or_else(|_| {
            found.lost(&item.place, format!("stopsignal={}", item.value), "it is not a signal");
            Signal::TERM
        }),
        None => Signal::TERM,
    };
    let wait = section.item("stopwaitsecs").and_then(|item| item.value.parse().ok()).unwrap_or(10);
    found.service.stop.schedule = vec![
        StopStep { signal, wait: Duration::from_secs(wait) },
        StopStep { signal: Signal::KILL, wait: Duration::from_secs(5) },
    ];
}

/// What supervisord takes for a switch.
fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}
