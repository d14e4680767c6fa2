//! Commands that set something and execute the next one in their place.

use super::{Context, initgroups, set_directory, set_variable};
use crate::import::files::{base, join};
use crate::import::found::{Found, Place, account};
use crate::import::quantity;
use crate::import::shell::{Machine, Value, plain};
use crate::spec::{IoClass, Limit};

/// The words behind a wrapper, if there is one that is understood: its meaning is in the fields then.
pub(crate) fn unwrap(
    found: &mut Found,
    words: &[Value],
    place: &Place,
    context: Context<'_>,
) -> Option<Vec<Value>> {
    let (first, rest) = words.split_first()?;
    let name = base(first.known()?);
    let mut trial = found.clone();
    let left = of(name, &mut trial, rest, place, context);
    if left.is_some() {
        *found = trial;
    }
    left
}

fn of(
    name: &str,
    found: &mut Found,
    rest: &[Value],
    place: &Place,
    context: Context<'_>,
) -> Option<Vec<Value>> {
    match name {
        "exec" | "command" | "nohup" | "setsid" | "pgrphack" => {
            let flags = options(rest, &[], &[])?;
            Some(flags.rest)
        }
        "env" => env(found, rest, place),
        "nice" => nice(found, rest),
        "ionice" => ionice(found, rest),
        "chpst" => chpst(found, rest, place, context),
        "setuidgid" | "s6-setuidgid" | "gosu" | "su-exec" => setuidgid(name, found, rest),
        "runuser" | "sudo" => run_as(found, rest),
        "su" => su(found, rest, place, context),
        "envdir" | "s6-envdir" => {
            let given = options(rest, &[], &["-s"])?;
            let (directory, rest) = given.rest.split_first()?;
            env_dir(found, directory.known()?, place, context);
            Some(rest.to_vec())
        }
        "softlimit" | "s6-softlimit" => softlimit(name, found, rest),
        "taskset" => taskset(found, rest),
        "sh" | "bash" | "dash" | "ash" => shell(found, rest, place, context),
        _ => None,
    }
}

/// Options and what follows them.
struct Given {
    values: Vec<(String, Option<String>)>,
    rest: Vec<Value>,
}

impl Given {
    fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().rev().find(|(known, _)| known == name).and_then(|(_, value)| value.as_deref())
    }
}

/// Reads options up to the first other word: `flags` alone, `valued` with a value behind or in the same word. `None`:
/// an option that isn't known, or whose value isn't.
fn options(words: &[Value], flags: &[&str], valued: &[&str]) -> Option<Given> {
    let mut given = Given { values: Vec::new(), rest: Vec::new() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = match word.known() {
            Some(text) if text.len() > 1 && text.starts_with('-') => text,
            _ => {
                given.rest.push(word.clone());
                break;
            }
        };
        if text == "--" {
            break;
        }
        if flags.contains(&text) {
            given.values.push((text.to_owned(), None));
            continue;
        }
        if valued.contains(&text) {
            let value = words.next()?.known()?;
            given.values.push((text.to_owned(), Some(value.to_owned())));
            continue;
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) if text.starts_with("--") => (name, value),
            _ => text.split_at_checked(2)?,
        };
        if valued.contains(&name) && !value.is_empty() {
            given.values.push((name.to_owned(), Some(value.to_owned())));
        } else {
            return None;
        }
    }
    given.rest.extend(words.cloned());
    Some(given)
}

/// `NAME=value` words before the command.
fn env(found: &mut Found, rest: &[Value], place: &Place) -> Option<Vec<Value>> {
    let given = options(rest, &["-i", "-", "--ignore-environment"], &["-u", "--unset", "-C", "--chdir"])?;
    for (name, value) in &given.values {
        match (name.as_str(), value) {
            ("-u" | "--unset", Some(variable)) => {
                found.service.env.remove(variable);
            }
            ("-C" | "--chdir", Some(directory)) => set_directory(found, directory, place),
            // The environment of a service is a clean one.
            _ => found.service.env.clear(),
        }
    }
    let mut words = given.rest.as_slice();
    while let Some((word, more)) = words.split_first() {
        let Some((name, _)) =
            word.shown().split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        else {
            break;
        };
        let value = word.behind_equals();
        set_variable(found, &name, &value, place);
        words = more;
    }
    Some(words.to_vec())
}

fn nice(found: &mut Found, rest: &[Value]) -> Option<Vec<Value>> {
    // `nice -5 program` and `nice --5 program` are the old forms.
    if let Some((first, more)) = rest.split_first()
        && let Some(number) =
            first.known().and_then(|text| text.strip_prefix('-')).and_then(|n| n.parse::<i32>().ok())
    {
        found.service.scheduling.nice = Some(number.clamp(-20, 19));
        return Some(more.to_vec());
    }
    let given = options(rest, &[], &["-n", "--adjustment"])?;
    let value = given.value("-n").or(given.value("--adjustment")).unwrap_or("10");
    found.service.scheduling.nice = Some(value.parse::<i32>().ok()?.clamp(-20, 19));
    Some(given.rest)
}

fn ionice(found: &mut Found, rest: &[Value]) -> Option<Vec<Value>> {
    let given = options(rest, &["-t", "--ignore"], &["-c", "--class", "-n", "--classdata"])?;
    let class = match given.value("-c").or(given.value("--class"))? {
        "1" | "realtime" => IoClass::RealTime,
        "2" | "best-effort" => IoClass::BestEffort,
        "3" | "idle" => IoClass::Idle,
        _ => return None,
    };
    found.service.scheduling.io_class = Some(class);
    if let Some(priority) = given.value("-n").or(given.value("--classdata"))
        && class != IoClass::Idle
    {
        found.service.scheduling.io_priority = Some(priority.parse().ok().filter(|n| *n <= 7)?);
    }
    Some(given.rest)
}

/// chpst(8) of runit.
fn chpst(found: &mut Found, rest: &[Value], place: &Place, context: Context<'_>) -> Option<Vec<Value>> {
    let flags = ["-v", "-P", "-0", "-1", "-2"];
    let valued = [
        "-u", "-U", "-b", "-e", "-/", "-C", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-r", "-t",
    ];
    let given = options(rest, &flags, &valued)?;
    for (name, value) in &given.values {
        let text = value.as_deref().unwrap_or_default();
        match name.as_str() {
            "-u" => user_and_groups(found, text),
            "-e" => env_dir(found, text, place, context),
            "-C" => set_directory(found, text, place),
            "-n" => found.service.scheduling.nice = Some(text.parse::<i32>().ok()?.clamp(-20, 19)),
            "-m" => ["data", "stack", "memlock", "as"].iter().for_each(|limit| set_limit(found, limit, text)),
            "-d" => set_limit(found, "data", text),
            "-o" => set_limit(found, "nofile", text),
            "-p" => set_limit(found, "nproc", text),
            "-f" => set_limit(found, "fsize", text),
            "-c" => set_limit(found, "core", text),
            "-t" => set_limit(found, "cpu", text),
            "-r" => set_limit(found, "rss", text),
            "-P" | "-v" => {
                found.needless(place, format!("chpst {name}"), "each service has a session of its own");
            }
            "-0" | "-1" | "-2" => found.changed(place, format!("chpst {name}"), "the descriptor stays open"),
            "-l" | "-L" => found.lost(
                place,
                format!("chpst {name} {text}"),
                "selfsame starts no second copy without a lock file",
            ),
            "-/" => {
                found.lost(place, format!("chpst -/ {text}"), "another root isn't carried over: write `chroot`, and everything else as it is seen in there");
                found.observe();
            }
            "-b" => found.lost(place, format!("chpst -b {text}"), "argv[0] is always the program's path"),
            _ => found.lost(place, format!("chpst {name} {text}"), "there is no field for it"),
        }
    }
    Some(given.rest)
}

/// `user:group:group`: the first group is the primary one.
fn user_and_groups(found: &mut Found, text: &str) {
    // A leading colon makes all of them numbers, which they are without it as well.
    let mut parts = text.trim_start_matches(':').split(':');
    found.service.user = parts.next().and_then(account);
    if let Some(group) = parts.next() {
        found.service.group = account(group);
    }
    found.service.supplementary_groups = parts.filter_map(account).collect();
}

fn setuidgid(name: &str, found: &mut Found, rest: &[Value]) -> Option<Vec<Value>> {
    let (who, rest) = rest.split_first()?;
    let who = who.known()?;
    let (user, group) = who.split_once(':').map_or((who, None), |(user, group)| (user, Some(group)));
    found.service.user = account(user);
    found.service.group = group.and_then(account);
    // daemontools' own drops all other groups.
    if name != "setuidgid" {
        initgroups(found);
    }
    Some(rest.to_vec())
}

/// `runuser -u USER -- COMMAND`, `sudo -u USER COMMAND`.
fn run_as(found: &mut Found, rest: &[Value]) -> Option<Vec<Value>> {
    let given = options(rest, &["-E", "-H", "-n", "-b"], &["-u", "-g", "--user", "--group"])?;
    found.service.user = account(given.value("-u").or(given.value("--user"))?);
    found.service.group = given.value("-g").or(given.value("--group")).and_then(account);
    initgroups(found);
    Some(given.rest)
}

/// `su [-] [-s SHELL] [-c COMMAND] USER`, options before or behind the user.
fn su(found: &mut Found, rest: &[Value], place: &Place, context: Context<'_>) -> Option<Vec<Value>> {
    let (mut user, mut command, mut login) = (None, None, false);
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.known()? {
            "-" | "-l" | "--login" => login = true,
            "-m" | "-p" | "--preserve-environment" | "-f" => {}
            "-s" | "--shell" => {
                words.next()?;
            }
            "-c" | "--command" => command = Some(words.next()?.known()?.to_owned()),
            text if text.starts_with("--command=") => {
                command = Some(text.trim_start_matches("--command=").to_owned());
            }
            text if text.starts_with("--shell=") => {}
            text if text.starts_with('-') => return None,
            text if user.is_none() => user = Some(text.to_owned()),
            _ => return None,
        }
    }
    found.service.user = account(&user?);
    initgroups(found);
    if login {
        found.changed(place, "su -", "no login shell reads its files: what they set is missing");
    }
    one_command(found, &command?, place, context)
}

/// `sh -c 'exec program'`: one plain command.
fn shell(found: &mut Found, rest: &[Value], place: &Place, context: Context<'_>) -> Option<Vec<Value>> {
    let given = options(rest, &["-e", "-l"], &["-c"])?;
    if !given.rest.is_empty() {
        return None;
    }
    one_command(found, given.value("-c")?, place, context)
}

/// The words of a text that is one plain command of a shell; what it sets before that is in the fields then.
pub(super) fn one_command(
    found: &mut Found,
    text: &str,
    place: &Place,
    context: Context<'_>,
) -> Option<Vec<Value>> {
    if !plain(text) {
        return None;
    }
    let mut trial = found.clone();
    let mut machine = Machine::new("sh", context.files, context.request);
    machine.run_text_at(place, text);
    let ran = machine.finish();
    let ([call], []) = (ran.calls.as_slice(), ran.notes.as_slice()) else { return None };
    if call.background || call.unsure {
        return None;
    }
    let around = super::Surroundings::of(call).at(place);
    around.directory(&mut trial);
    around.umask(&mut trial);
    around.limits(&mut trial);
    around.environment(&mut trial);
    around.streams(&mut trial);
    *found = trial;
    Some(call.words.clone())
}

/// One variable a file, the first line its value.
fn env_dir(found: &mut Found, directory: &str, place: &Place, context: Context<'_>) {
    let from = found.service.working_directory.to_string_lossy().into_owned();
    let directory = join(&from, directory.trim_start_matches("./"));
    let names = context.files.list(&directory);
    if names.is_empty() {
        found.unclear(place, format!("envdir {directory}"), "the directory isn't there, or is empty");
        return;
    }
    for name in names {
        let file = join(&directory, &name);
        match context.files.read(&file) {
            Ok(text) if text.is_empty() => {
                found.service.env.remove(&name);
            }
            Ok(text) => {
                let line = text.lines().next().unwrap_or_default().trim_end();
                set_variable(found, &name, &Value::text(line.replace('\0', "\n")), &Place::new(file, 1));
            }
            Err(look) => found.unclear(place, file.as_str(), format!("it {}", look.words())),
        }
    }
    found.changed(place, format!("envdir {directory}"), "the values are written out as they are now");
}

/// softlimit(8) of daemontools, and of s6.
fn softlimit(name: &str, found: &mut Found, rest: &[Value]) -> Option<Vec<Value>> {
    let valued = ["-m", "-d", "-s", "-l", "-a", "-o", "-p", "-f", "-c", "-r", "-t"];
    let given = options(rest, if name == "softlimit" { &[] } else { &["-H", "-h"] }, &valued)?;
    for (option, value) in &given.values {
        let text = value.as_deref().unwrap_or_default();
        match option.as_str() {
            "-m" => ["data", "stack", "memlock", "as"].iter().for_each(|limit| set_limit(found, limit, text)),
            "-d" => set_limit(found, "data", text),
            "-s" => set_limit(found, "stack", text),
            "-l" => set_limit(found, "memlock", text),
            "-a" => set_limit(found, "as", text),
            "-o" => set_limit(found, "nofile", text),
            "-p" => set_limit(found, "nproc", text),
            "-f" => set_limit(found, "fsize", text),
            "-c" => set_limit(found, "core", text),
            "-r" => set_limit(found, "rss", text),
            "-t" => set_limit(found, "cpu", text),
            _ => {}
        }
    }
    Some(given.rest)
}

/// `=` is as much as the hard limit allows, which is what is inherited.
fn set_limit(found: &mut Found, name: &str, text: &str) {
    let amount = match text {
        "=" => return,
        "unlimited" => None,
        text => match quantity::size(text) {
            Some(amount) => amount,
            None => return,
        },
    };
    found.service.limits.insert(name.to_owned(), Limit { soft: amount, hard: amount });
}

fn taskset(found: &mut Found, rest: &[Value]) -> Option<Vec<Value>> {
    let given = options(rest, &["-a"], &["-c", "--cpu-list"])?;
    let list = given.value("-c").or(given.value("--cpu-list"))?;
    found.service.scheduling.cpu_affinity = Some(cpu_list(list)?);
    Some(given.rest)
}

/// `0,2-3`, blanks or commas between.
pub(crate) fn cpu_list(text: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last >= 8192 {
            return None;
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    (!cpus.is_empty()).then_some(cpus)
}
