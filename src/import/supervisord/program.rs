//! One `[program:x]`: from its settings to one Service, or several where `${index}` can't say the difference.

use std::time::Duration;

use super::expand::{Names, expand, has_formatted_number};
use crate::diagnostic::Diagnostic;
use crate::import::command::{self, Context};
use crate::import::found::{Found, Place, account};
use crate::import::ini::{Item, Section};
use crate::import::quantity;
use crate::import::shell::Value;
use crate::import::{Imported, codes};
use crate::spec::{
    DesiredState, Output, ReadinessCheck, RestartPolicy, Rotation, Service, StopScope, StopStep,
};
use crate::units::Signal;

/// The least that a document takes for `maxSize`.
const SIZE_MIN: u64 = 4096;
/// Processes of one program.
const PROCESSES_MAX: u32 = 1_000;

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
        "command" | "numprocs" | "numprocs_start" | "stopsignal" | "stopwaitsecs" => {}
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
        "autostart" if no(&value) => found.service.state = DesiredState::Stopped,
        "autostart" => {}
        "autorestart" => match value.as_str() {
            "unexpected" => {}
            value if no(value) => found.service.restart.policy = RestartPolicy::Never,
            _ => found.service.restart.policy = RestartPolicy::Always,
        },
        "exitcodes" => {
            let codes = value.split(',').filter_map(|code| code.trim().parse::<i32>().ok());
            found.service.restart.success_codes = codes.filter(|code| (1..=255).contains(code)).collect();
        }
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
        "stopasgroup" | "killasgroup" if !no(&value) => found.service.stop.scope = Some(StopScope::Tree),
        "stopasgroup" | "killasgroup" => {}
        "priority" => {
            found.needless(
                place,
                written(),
                "all are started at once, and a start that fails is tried again",
            );
        }
        "redirect_stderr" if !no(&value) => redirect(place, found, section, names),
        "redirect_stderr" => {}
        "stdout_logfile" => log(item, &value, found, false),
        "stderr_logfile" => log(item, &value, found, true),
        "stdout_syslog" | "stderr_syslog" if no(&value) => {}
        "stdout_syslog" => found.service.stdout = Output::Syslog,
        "stderr_syslog" => found.service.stderr = Output::Syslog,
        key if key.ends_with("_logfile_maxbytes") || key.ends_with("_logfile_backups") => {
            kept(item, &value, found);
        }
        "serverurl" => found.lost(place, written(), "there is no server to call"),
        _ => found.lost(place, written(), "there is no field for it"),
    }
}

fn redirect(place: &Place, found: &mut Found, section: &Section, names: &Names<'_>) {
    let file =
        section.item("stdout_logfile").and_then(|item| expand(&item.value, names, command::template).ok());
    match file {
        Some(file) if file.starts_with('/') => found.service.stderr = Output::File(file.into()),
        _ => found.changed(place, "redirect_stderr=true", "the two streams have a file each"),
    }
}

/// One file is kept in one way, that of the first; and what is no file of ours isn't cut: `/dev/stdout` is written with
/// `stdout_logfile_maxbytes=0` in every container, because supervisord couldn't cut it.
fn rotations(service: &mut Service) {
    if matches!(service.stdout, Output::File(_)) && service.stdout == service.stderr {
        service.stderr_rotation = service.stdout_rotation;
    }
    let is_file = |output: &Output| matches!(output, Output::Log | Output::File(_));
    if !is_file(&service.stdout) {
        service.stdout_rotation = Rotation::default();
    }
    if !is_file(&service.stderr) {
        service.stderr_rotation = Rotation::default();
    }
}

/// How much of a file is kept.
fn kept(item: &Item, value: &str, found: &mut Found) {
    let written = || format!("{}={}", item.key, item.value);
    let rotation = if item.key.starts_with("stderr") {
        &mut found.service.stderr_rotation
    } else {
        &mut found.service.stdout_rotation
    };
    if item.key.ends_with("_maxbytes") {
        match bytes(value) {
            Some(0) => rotation.max_size = None,
            Some(size) => {
                rotation.max_size = Some(size.max(SIZE_MIN));
                if size < SIZE_MIN {
                    found.changed(&item.place, written(), "files are cut by the block: it is 4KiB");
                }
            }
            None => found.lost(&item.place, written(), "it is no size"),
        }
        return;
    }
    match value.parse::<u32>() {
        Ok(0) => {
            rotation.keep = 1;
            found.changed(&item.place, written(), "one piece is kept besides the file at least");
        }
        Ok(count) => {
            rotation.keep = count.min(1_000);
        }
        Err(_) => found.lost(&item.place, written(), "it is no number"),
    }
}

/// A size as supervisord has it: its `KB` is 1024 bytes.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let scales = [("kb", 1u64 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("", 1)];
    let (number, scale) =
        scales.into_iter().find_map(|(end, scale)| Some((text.strip_suffix(end)?, scale)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(scale)
}

fn log(item: &Item, value: &str, found: &mut Found, error: bool) {
    let output = match value {
        "AUTO" => return,
        "NONE" | "/dev/null" => Output::Null,
        "syslog" => Output::Syslog,
        // What its own output goes to, in a container most often.
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" if !error => Output::Inherit,
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" if error => Output::Inherit,
        path if path.starts_with('/') && !path.starts_with("/dev/") && !path.ends_with('/') => {
            Output::File(path.into())
        }
        _ => {
            let text = "it goes to a file in the log directory";
            found.changed(&item.place, format!("{}={}", item.key, item.value), text);
            return;
        }
    };
    if error {
        found.service.stderr = output;
    } else {
        found.service.stdout = output;
    }
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

fn no(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0")
}
