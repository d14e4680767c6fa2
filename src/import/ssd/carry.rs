//! From options to fields.

use super::options::{Parsed, parse};
use super::stop;
use crate::import::command::{self, Context, Surroundings};
use crate::import::files::{Files, base, join};
use crate::import::found::{Found, Hold, Note, Place, Weight, account};
use crate::import::identity;
use crate::import::quantity;
use crate::import::shell::{Call, Value};
use crate::spec::{CpuPolicy, IoClass, Output, Readiness, ReadinessCheck, ServiceType};

/// Options without a meaning for a document.
const NEEDLESS: [(&str, &str); 4] = [
    ("quiet", "selfsame says what it does"),
    ("verbose", "selfsame says what it does"),
    ("oknodo", "asking twice is never an error"),
    ("remove-pidfile", "selfsame keeps its own record"),
];

/// A Service from a call of `start-stop-daemon --start`; `words` are those behind the program's name, `initial` what was set
/// before it.
///
/// # Errors
/// Why the program can't be named.
pub(crate) fn start(
    call: &Call,
    words: &[Value],
    initial: Found,
    context: Context<'_>,
) -> Result<Found, String> {
    let parsed = parse(words);
    let files = context.files;
    let place = &call.place;
    let mut found = initial;
    said(&parsed, &mut found, place);
    let program = program(&parsed, &mut found, place, files)?;
    found.name = name(&parsed, &program);
    accounts(&parsed, &mut found, place);
    surroundings(call, &parsed, &mut found, place);
    scheduling(&parsed, &mut found, place);
    pidfile(&parsed, &mut found, place);
    output(&parsed, &mut found, place);
    matchers(&parsed, &mut found, place);
    stop::beside_a_start(&parsed, &mut found, place);
    let mut words = vec![Value::text(program)];
    words.extend(parsed.operands.iter().cloned());
    command::carry(&mut found, &words, place, context)?;
    Ok(found)
}

/// What can't be understood, and what has no meaning.
fn said(parsed: &Parsed, found: &mut Found, place: &Place) {
    for word in &parsed.wrong {
        found.unclear(place, word.as_str(), "start-stop-daemon would refuse it");
    }
    for word in &parsed.unclear {
        // `${PIDFILE:+--pidfile "$PIDFILE"}`: only a hint isn't known.
        if word.doubts().all(|doubt| doubt.text.contains(":+--pidfile ") || doubt.text.contains(":+-p ")) {
            let why = word.first_doubt().map(command::reason).unwrap_or_default();
            found.note(place, Weight::Unclear, word.shown(), why);
            continue;
        }
        let why = word.first_doubt().map(|doubt| doubt.why.clone()).unwrap_or_default();
        found.unclear(place, word.shown(), format!("it may be options of start-stop-daemon: {why}"));
    }
    for (name, why) in NEEDLESS {
        if parsed.has(name) {
            found.needless(place, format!("--{name}"), why);
        }
    }
    for (name, why) in [
        ("notify-await", "readiness by notification isn't carried over: write `readiness: {notify: true}`"),
        ("notify-timeout", "it is `startTimeout` that says how long a start may take"),
    ] {
        if parsed.has(name) {
            found.lost(place, format!("--{name}"), why);
        }
    }
}

fn text<'v>(parsed: &'v Parsed, name: &str, found: &mut Found, place: &Place) -> Option<&'v str> {
    let value = parsed.value(name)?;
    if value.known().is_none() {
        let why = value.first_doubt().map(|doubt| doubt.why.clone()).unwrap_or_default();
        found.unclear(place, format!("--{name} {}", value.shown()), why);
    }
    value.known().filter(|text| !text.is_empty())
}

/// What is executed, and what `--exec` says of it.
fn program(parsed: &Parsed, found: &mut Found, place: &Place, files: &dyn Files) -> Result<String, String> {
    let given = |name: &str| match parsed.value(name) {
        Some(value) => match value.known() {
            Some("") => Ok(None),
            Some(text) => Ok(Some(text.to_owned())),
            None => {
                let doubt = value.first_doubt().map(|doubt| doubt.why.clone()).unwrap_or_default();
                Err(format!("`--{name} {}`: {doubt}", value.shown()))
            }
        },
        None => Ok(None),
    };
    let (exec, startas) = (given("exec")?, given("startas")?);
    let Some(run) = startas.clone().or_else(|| exec.clone()) else {
        return Err("neither `--exec` nor `--startas` says what is executed".to_owned());
    };
    let run = in_directory(parsed, &run)?;
    found.set_program(&run);
    if let (Some(exec), Some(_)) = (exec, startas) {
        let exec = match in_directory(parsed, &exec) {
            Ok(exec) => exec,
            Err(why) => {
                found.unclear(place, format!("--exec {exec}"), why);
                return Ok(run);
            }
        };
        if exec == run {
            return Ok(run);
        }
        if identity::is_interpreted(files, &run) || identity::is_interpreter(&exec) {
            found.needless(place, format!("--exec {exec}"), "`runs(startas)` recognises the script itself");
        } else {
            found.set_becomes(&exec);
            found.changed(place, format!("--exec {exec}"), "it is what the program becomes: `becomes`");
        }
    }
    Ok(run)
}

/// A path as it is after `--chdir`.
///
/// # Errors
/// That it is relative to a directory that isn't known.
fn in_directory(parsed: &Parsed, path: &str) -> Result<String, String> {
    let directory = match parsed.value("chdir") {
        _ if path.starts_with('/') => return Ok(path.to_owned()),
        None => "/",
        Some(given) => given.known().filter(|directory| directory.starts_with('/')).ok_or_else(|| {
            format!("`{path}` is relative to `--chdir {}`, and where that is isn't known", given.shown())
        })?,
    };
    Ok(join(directory, path))
}

/// As init scripts are usually named: after the daemon.
fn name(parsed: &Parsed, program: &str) -> String {
    let pidfile =
        parsed.value("pidfile").and_then(Value::known).map(base).and_then(|name| name.strip_suffix(".pid"));
    let own = parsed.value("name").and_then(Value::known).filter(|name| !name.is_empty());
    own.or(pidfile).unwrap_or_else(|| base(program)).to_owned()
}

fn accounts(parsed: &Parsed, found: &mut Found, place: &Place) {
    if let Some(chuid) = text(parsed, "chuid", found, place) {
        let (user, group) = chuid.split_once(':').map_or((chuid, None), |(user, group)| (user, Some(group)));
        found.service.user = account(user);
        found.service.group = group.and_then(account);
        command::initgroups(found);
    }
    if let Some(group) = text(parsed, "group", found, place) {
        found.service.group = account(group);
    }
}

fn surroundings(call: &Call, parsed: &Parsed, found: &mut Found, place: &Place) {
    let around = Surroundings::of(call);
    around.environment(found);
    around.limits(found);
    if let Some(directory) = text(parsed, "chdir", found, place) {
        command::set_directory(found, directory, place);
    }
    match text(parsed, "umask", found, place) {
        Some(mask) => match quantity::c_number(mask).filter(|mask| *mask <= 0o777) {
            Some(mask) => found.service.umask = mask,
            None => found.unclear(place, format!("--umask {mask}"), "it is not a mask"),
        },
        None => around.umask(found),
    }
    if let Some(root) = text(parsed, "chroot", found, place) {
        found.lost(
            place,
            format!("--chroot {root}"),
            "another root isn't carried over: write `chroot`, and everything else as it is seen in there",
        );
        found.observe();
    }
}

fn scheduling(parsed: &Parsed, found: &mut Found, place: &Place) {
    if let Some(level) = text(parsed, "nicelevel", found, place) {
        let number = level.trim().parse::<i32>().unwrap_or(0);
        if number != 0 {
            found.service.scheduling.nice = Some(number.clamp(-20, 19));
        }
    }
    if let Some(policy) = text(parsed, "procsched", found, place) {
        let (name, priority) = policy.split_once(':').map_or((policy, None), |(name, n)| (name, Some(n)));
        let scheduling = &mut found.service.scheduling;
        scheduling.policy = match name {
            "other" => Some(CpuPolicy::Other),
            "fifo" => Some(CpuPolicy::Fifo),
            "rr" => Some(CpuPolicy::Rr),
            _ => None,
        };
        if matches!(scheduling.policy, Some(CpuPolicy::Fifo | CpuPolicy::Rr)) {
            scheduling.rt_priority = priority.and_then(|n| n.parse().ok()).filter(|n| (1..=99).contains(n));
        }
        if scheduling.policy.is_none() || (name != "other" && scheduling.rt_priority.is_none()) {
            scheduling.policy = None;
            found.unclear(place, format!("--procsched {policy}"), "start-stop-daemon would refuse it");
        }
    }
    if let Some(class) = text(parsed, "iosched", found, place) {
        let (name, priority) = class.split_once(':').map_or((class, None), |(name, n)| (name, Some(n)));
        let scheduling = &mut found.service.scheduling;
        scheduling.io_class = match name {
            "real-time" => Some(IoClass::RealTime),
            "best-effort" => Some(IoClass::BestEffort),
            "idle" => Some(IoClass::Idle),
            _ => None,
        };
        match scheduling.io_class {
            Some(IoClass::RealTime | IoClass::BestEffort) => {
                scheduling.io_priority = priority.and_then(|n| n.parse().ok()).filter(|n| *n <= 7);
            }
            Some(IoClass::Idle) => {}
            None => found.unclear(place, format!("--iosched {class}"), "start-stop-daemon would refuse it"),
        }
    }
}

fn pidfile(parsed: &Parsed, found: &mut Found, place: &Place) {
    let made = parsed.has("make-pidfile");
    let Some(value) = parsed.value("pidfile") else { return };
    let Some(path) = value.known() else {
        // Only a hint: without it the process is found by what it runs.
        let why = value.first_doubt().map(|doubt| doubt.why.clone()).unwrap_or_default();
        found.note(place, Weight::Unclear, format!("--pidfile {}", value.shown()), why);
        return;
    };
    if path == "/dev/null" || path.is_empty() {
        found.needless(place, format!("--pidfile {path}"), "it never names a process");
        return;
    }
    command::set_pidfile(found, path, place);
    if made {
        found.lost(
            place,
            "--make-pidfile",
            format!("selfsame keeps a record and doesn't write `{path}`: what reads the file has to ask `selfsame status`"),
        );
    }
    // Something that forks away is Ready when the file names it, as the script waited for it.
    if !parsed.has("background") && !made && found.service.pidfile.is_some() {
        found.service.readiness = Readiness { check: ReadinessCheck::Pidfile, ..Readiness::default() }.into();
    }
}

fn output(parsed: &Parsed, found: &mut Found, place: &Place) {
    if !parsed.has("background") {
        found.service.service_type = ServiceType::Forking;
        return;
    }
    if let Some(file) = text(parsed, "output", found, place) {
        command::set_output(found, file, place);
    } else if parsed.has("no-close") {
        found.changed(place, "--no-close", "the output goes to files in the log directory");
    } else {
        found.service.stdout = Output::Null;
        found.service.stderr = Output::Null;
    }
}

/// What narrows which process is meant.
fn matchers(parsed: &Parsed, found: &mut Found, place: &Place) {
    if let Some(user) = text(parsed, "user", found, place) {
        found.conditions.push(identity::user_is(user));
    }
    if let Some(name) = text(parsed, "name", found, place) {
        let more = if name.len() > 15 { "; a name of more than 15 bytes never matched" } else { "" };
        found.needless(
            place,
            format!("--name {name}"),
            format!("`runs(startas)` says more than a name that the process may change{more}"),
        );
    }
    for option in ["pid", "ppid"] {
        if let Some(number) = text(parsed, option, found, place) {
            found.lost(place, format!("--{option} {number}"), "a number says nothing about the next start");
        }
    }
}

/// Notes of a run that may matter to every Service in it.
pub(crate) fn adopt_notes(found: &mut Found, notes: &[Note]) {
    for note in notes {
        if note.weight == Weight::Unclear {
            found.hold = found.hold.max(Hold::Observe);
        }
        if !found.notes.contains(note) {
            found.notes.push(note.clone());
        }
    }
}
