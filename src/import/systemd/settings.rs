//! From settings to fields, a row for each; what has no row is reported as lost.

mod environment;
mod reload;
mod rows;

use super::exec;
use super::specifiers::expand;
use super::unit::{Entry, Unit};
use crate::diagnostic::Diagnostic;
use crate::import::codes;
use crate::import::command::{self, Context};
use crate::import::found::Found;
use crate::import::shell::Value;
use crate::spec::{ReadinessCheck, ServiceType};

/// What `Type=` may be.
const KINDS: [&str; 8] = ["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"];

/// Fills in what the unit says.
///
/// # Errors
/// Why it is no service that selfsame could keep.
pub(super) fn carry(
    unit: &Unit,
    name: &str,
    found: &mut Found,
    context: Context<'_>,
) -> Result<(), Box<Diagnostic>> {
    let kind = unit.last("Service", "Type").map_or("simple", |entry| entry.value.as_str());
    let nothing =
        |message: String, help: &str| Box::new(Diagnostic::error(codes::NOTHING, message).help(help));
    if kind == "oneshot" {
        let message = format!("`{name}` runs to its end (`Type=oneshot`) and is no service that goes on");
        return Err(nothing(message, "write a Task for it, or keep it where it is"));
    }
    if kind == "forking" {
        found.service.service_type = ServiceType::Forking;
    }
    if matches!(kind, "notify" | "notify-reload") {
        found.service.service_type = ServiceType::Notify;
        found.service.readiness.check = ReadinessCheck::Notify;
    }
    if let Some(place) = unit.last("Service", "Type").map(|entry| &entry.place)
        && matches!(kind, "dbus" | "idle")
    {
        let text = "there is no readiness of this kind: it is Ready when it has lived for a second";
        found.changed(place, format!("Type={kind}"), text);
    }
    if let Some(entry) = unit.last("Service", "Type")
        && !KINDS.contains(&kind)
    {
        found.unclear(&entry.place, format!("Type={kind}"), "there is no such type of service");
    }
    let starts = unit.list("Service", "ExecStart");
    let Some(start) = starts.first() else {
        let message = format!("`{name}` has no `ExecStart`");
        return Err(nothing(message, "name the unit that starts the program"));
    };
    for more in starts.iter().skip(1) {
        found.lost(&more.place, format!("ExecStart={}", more.value), "a service has one program");
    }
    // Settings first: the line may name what they set, and looks up its program in their environment.
    for entry in effective(unit) {
        match expand(&entry.value, name) {
            Ok(value) => rows::carry(&Entry { value, ..entry.clone() }, unit, found),
            Err(specifier) => rows::unknown_specifier(entry, &specifier, found),
        }
    }
    let variables = environment::carry(unit, name, found, context);
    rows::finish(unit, found);
    program(start, name, &variables, found, context)?;
    started_by_another(unit, found);
    Ok(())
}

/// `server-ctl start` of a unit that forks, beside `server-ctl stop`.
fn started_by_another(unit: &Unit, found: &mut Found) {
    let starts = found.service.args.iter().any(|argument| argument == "start");
    if found.service.service_type != ServiceType::Forking || !starts {
        return;
    }
    let own = found.program().to_owned();
    let stops = |entry: &&Entry| {
        let words = exec::words(exec::prefixes(&entry.value).1).unwrap_or_default();
        words.first() == Some(&own) && words.iter().any(|word| word == "stop")
    };
    let stop = unit.list("Service", "ExecStop").into_iter().find(stops);
    if let Some(entry) = stop {
        let item = format!("ExecStop={}", entry.value);
        found.unclear(&entry.place, item, crate::import::identity::BY_ANOTHER);
    }
}

/// The entries that count, of each setting in order.
fn effective(unit: &Unit) -> Vec<&Entry> {
    let mut entries = Vec::new();
    for (at, entry) in unit.entries.iter().enumerate() {
        let later = unit.entries.get(at + 1..).unwrap_or_default();
        let same = |other: &&Entry| other.section == entry.section && other.key == entry.key;
        let overridden = if rows::is_list(&entry.key) {
            later.iter().filter(same).any(|other| other.value.is_empty())
        } else {
            later.iter().any(|other| same(&other))
        };
        if !overridden && !entry.value.is_empty() {
            entries.push(entry);
        }
    }
    entries
}

fn program(
    start: &Entry,
    unit: &str,
    variables: &environment::Variables,
    found: &mut Found,
    context: Context<'_>,
) -> Result<(), Box<Diagnostic>> {
    let wrong = |message: String| {
        let problem = Diagnostic::error(codes::PROGRAM, format!("{}: {message}", start.place));
        Box::new(problem.help("write `ExecStart` with an absolute path"))
    };
    let (prefixes, line) = exec::prefixes(&start.value);
    // Words first: what a specifier puts in is not split.
    let words = exec::words(line).map_err(&wrong)?;
    let mut expanded = Vec::new();
    for word in words {
        match expand(&word, unit) {
            Ok(word) => expanded.push(word),
            Err(specifier) => {
                let why = format!("the value of `{specifier}` isn't known before the unit is loaded");
                found.unclear(&start.place, word, why);
            }
        }
    }
    let mut values: Vec<Value> = if prefixes.verbatim {
        expanded.iter().map(|word| Value::text(word.as_str())).collect()
    } else {
        exec::substitute(&expanded, &variables.values, variables.unknown.as_deref(), &start.place)
    };
    say_prefixes(prefixes, &mut values, start, found);
    if let Some(end) = values.iter().position(|word| word.known() == Some(";")) {
        found.lost(&start.place, "ExecStart=...;...", "a service has one program");
        values.truncate(end);
    }
    command::carry(found, &values, &start.place, context).map_err(wrong)
}

fn say_prefixes(prefixes: exec::Prefixes, values: &mut Vec<Value>, start: &Entry, found: &mut Found) {
    let place = &start.place;
    if prefixes.names_argv0 && values.len() > 1 {
        let name = values.remove(1);
        found.lost(place, format!("ExecStart=@... {}", name.shown()), "argv[0] is always the program's path");
    }
    if prefixes.ignores_failure {
        found.changed(
            place,
            "ExecStart=-",
            "a failure stays a failure; name the codes in `restart.successCodes`",
        );
    }
    if prefixes.privileged {
        found.service.user = None;
        found.service.group = None;
        found.groups_of_user = false;
        found.changed(place, "ExecStart=+", "it runs as the user that selfsame runs as");
    }
    if prefixes.elevated {
        found.service.user = None;
        found.service.group = None;
        found.groups_of_user = false;
        found.changed(
            place,
            "ExecStart=!",
            "it runs as the user that selfsame runs as, and changes its user itself",
        );
    }
}
