//! Which process a document means, and the fields that need a look at files.

use super::files::{Files, base, join};
use super::found::{Found, Weight, account_text};
use crate::lang::quote;
use crate::process::paths::family;
use crate::process::script::{self, Operand};
use crate::spec::{Account, Expression, ServiceType};

/// Fills in what follows from the other fields: the groups of the user, and `match`.
pub(super) fn complete(found: &mut Found, files: &dyn Files) {
    groups(found, files);
    name_of_script(found);
    pidfile_of_option(found);
    found.service.narrow = Some(Expression::new(condition(found)));
}

/// The condition that only this process fulfils.
fn condition(found: &Found) -> String {
    let mut parts = vec![match (&found.service.becomes, &found.becomes_only) {
        (Some(_), None) => "(runs(startas) || runs(spec.becomes))".to_owned(),
        (Some(_), Some(only)) => format!("(runs(startas) || (runs(spec.becomes) && {only}))"),
        (None, _) => "runs(startas)".to_owned(),
    }];
    parts.extend(of_interpreter(found));
    parts.extend(found.service.user.as_ref().map(|user| user_is(&account_text(user))));
    for more in &found.conditions {
        if !parts.contains(more) {
            parts.push(more.clone());
        }
    }
    // One alternative alone needs no parentheses.
    match parts.as_slice() {
        [only] => only.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(only).to_owned(),
        _ => parts.join(" && "),
    }
}

/// An interpreter runs many programs: which script, or else with which arguments.
fn of_interpreter(found: &Found) -> Option<String> {
    let program = found.program();
    if !is_interpreter(program) {
        return None;
    }
    let mut argv = vec![program];
    argv.extend(found.service.args.iter().map(String::as_str));
    // Of several copies each has arguments of its own, which the default rule compares.
    let by_arguments = found.service.replicas == 1 && !found.service.args.is_empty();
    script_of(&argv).or_else(|| by_arguments.then(|| "has_args(args)".to_owned()))
}

/// `script == "/srv/x.py"`, if an interpreter of that command line executes one that is named wholly.
fn script_of(argv: &[&str]) -> Option<String> {
    let Operand::Script { name, .. } = script::operand(family(argv.first()?.as_bytes()), argv) else {
        return None;
    };
    let name = String::from_utf8(name).ok()?;
    (name.starts_with('/') && !name.contains("${")).then(|| format!("script == {}", quote(name.as_bytes())))
}

/// What tells that execution of an interpreter from others: its script, or else its arguments.
fn what_is_run(argv: &[&str]) -> Option<String> {
    let by_arguments = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| quote(word.as_bytes())).collect();
        (!words.is_empty()).then(|| format!("has_args([{}])", words.join(", ")))
    };
    script_of(argv).or_else(|| by_arguments(argv.get(1..)?))
}

/// A daemon that is told where to write its pidfile: a hint, where nothing else names one.
fn pidfile_of_option(found: &mut Found) {
    const OPTIONS: [&str; 5] = ["--pid-file", "--pidfile", "--pid_file", "--pid", "--PidFile"];
    if found.service.pidfile.is_some() {
        return;
    }
    let args = &found.service.args;
    let of = |(at, word): (usize, &String)| {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), args.get(at + 1).cloned()),
        };
        let path = value.filter(|path| path.starts_with('/') && !path.ends_with('/'))?;
        OPTIONS.contains(&name).then(|| (name.to_owned(), path))
    };
    if let Some((name, path)) = args.iter().enumerate().find_map(of) {
        let place = found.place.clone();
        found.changed(&place, format!("{name} {path}"), "the program is told to write it: `pidfile`");
        found.service.pidfile = Some(path);
    }
}

/// What is called after its interpreter is called after its script.
fn name_of_script(found: &mut Found) {
    let program = found.program();
    if found.name != base(program) || !is_interpreter(program) {
        return;
    }
    let mut argv = vec![program];
    argv.extend(found.service.args.iter().map(String::as_str));
    if let Operand::Script { name, .. } = script::operand(family(program.as_bytes()), &argv)
        && let Ok(name) = String::from_utf8(name)
    {
        let name = base(&name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).clone_into(&mut found.name);
    }
}

/// `user == "www-data"`, `user == 33`
pub(super) fn user_is(user: &str) -> String {
    match super::found::account(user) {
        Some(Account::Id(id)) => format!("user == {id}"),
        _ => format!("user == {}", quote(user.as_bytes())),
    }
}

/// Whether a program's name is that of an interpreter.
pub(super) fn is_interpreter(path: &str) -> bool {
    script::is_interpreter(family(path.as_bytes()))
}

/// Whether a file begins with `#!`.
pub(super) fn is_interpreted(files: &dyn Files, path: &str) -> bool {
    files.read(path).is_ok_and(|text| text.starts_with("#!"))
}

/// The further groups of the user by the group database. A missing one is only said.
fn groups(found: &mut Found, files: &dyn Files) {
    if !found.groups_of_user {
        return;
    }
    let Some(user) = &found.service.user else { return };
    let user = match user {
        Account::Name(name) => Some(name.clone()),
        Account::Id(id) => name_of(files, *id),
    };
    let place = found.place.clone();
    let (Some(user), Ok(text)) = (user, files.read("/etc/group")) else {
        found.note(
            &place,
            Weight::Unclear,
            "groups of the user",
            "the group database can't be asked: add what is missing to `supplementaryGroups`",
        );
        return;
    };
    let primary = found.service.group.as_ref().map(account_text);
    for line in text.lines() {
        let mut parts = line.split(':');
        let (Some(group), Some(members)) = (parts.next(), parts.nth(2)) else { continue };
        let account = Account::Name(group.to_owned());
        let known = found.service.supplementary_groups.contains(&account);
        if members.split(',').any(|member| member == user) && primary.as_deref() != Some(group) && !known {
            found.service.supplementary_groups.push(account);
        }
    }
}

fn name_of(files: &dyn Files, id: u32) -> Option<String> {
    let text = files.read("/etc/passwd").ok()?;
    let is = |line: &&str| line.split(':').nth(2).and_then(|uid| uid.parse().ok()) == Some(id);
    text.lines().find(is).and_then(|line| line.split(':').next()).map(str::to_owned)
}

/// Of `server-ctl start` and `server-ctl stop`: what runs in between is another program.
pub(super) const BY_ANOTHER: &str = "it is stopped by the program that starts it: the service itself is another program, to be named in `becomes`, and in `match` as `runs(spec.becomes)`";

/// A wrapper script that ends by executing a program: what it becomes. A shell script that ends while its daemon goes on
/// is never that daemon.
pub(super) fn becomes(found: &mut Found, files: &dyn Files, request: &super::Request) {
    if found.service.becomes.is_some() || found.program().is_empty() {
        return;
    }
    let path = found.program().to_owned();
    let Ok(text) = files.read(&path) else { return };
    if !is_of_shell(&text) {
        return;
    }
    let given = found.service.args.clone();
    let parameters: Vec<&str> = given.iter().map(String::as_str).collect();
    let mut machine = super::shell::Machine::new(&path, files, request).with_parameters(&parameters);
    machine.run_text(&path, &text);
    match machine.finish().calls.into_iter().rfind(|call| call.replaces) {
        Some(call) => in_its_place(found, &call, &path),
        None if found.service.service_type == ServiceType::Forking => {
            let place = found.place.clone();
            found.unclear(&place, path, ENDS);
        }
        None => {}
    }
}

/// What a shell script that forks away leaves behind.
const ENDS: &str = "the script ends when the service has begun, which is another program, to be named in `becomes`, and in `match` as `runs(spec.becomes)`";

fn is_of_shell(text: &str) -> bool {
    let head = text.lines().next().unwrap_or_default();
    head.starts_with("#!") && head.split([' ', '/']).any(|word| matches!(word, "sh" | "bash" | "dash"))
}

/// `exec tclsh "$0" "$@"`: it is still the script, which is known by its name.
fn gives_on(call: &super::shell::Call, path: &str) -> bool {
    let words: Option<Vec<&str>> = call.words.iter().map(super::shell::Value::known).collect();
    let script = words.filter(|argv| argv.first().is_some_and(|program| is_interpreter(program)));
    script.and_then(|argv| script_of(&argv)) == Some(format!("script == {}", quote(path.as_bytes())))
}

/// The script executes another program.
fn in_its_place(found: &mut Found, call: &super::shell::Call, path: &str) {
    let program = call.words.first().and_then(super::shell::Value::known).unwrap_or_default();
    let item = || format!("exec {}", if program.is_empty() { "..." } else { base(program) });
    if program == path || gives_on(call, path) {
        return;
    }
    if !program.contains('/') && !program.is_empty() {
        let near = join("/usr/bin", program);
        found.unclear(&call.place, item(), format!("if it is `{near}`, write `becomes: {near}`"));
        return;
    }
    if !program.starts_with('/') {
        found.unclear(&call.place, item(), "which program it executes isn't known: name it in `becomes`");
        return;
    }
    if call.unsure {
        let text = "whether the script executes it in its place depends on a test whose outcome isn't known: `becomes`";
        found.unclear(&call.place, item(), text);
    } else {
        found.changed(&call.place, item(), "the script executes it in its place: `becomes`");
    }
    let words: Vec<Option<&str>> = call.words.iter().map(super::shell::Value::known).collect();
    let given = &found.service.args;
    let keeps_arguments = words.ends_with(&given.iter().map(|word| Some(word.as_str())).collect::<Vec<_>>());
    found.set_becomes(program);
    if is_interpreter(program) {
        found.becomes_only =
            words.into_iter().collect::<Option<Vec<&str>>>().and_then(|argv| what_is_run(&argv));
        if found.becomes_only.is_none() {
            found.unclear(&call.place, item(), "which script that executes isn't known: say it in `match`");
        }
    }
    if !keeps_arguments {
        found.unclear(
            &call.place,
            item(),
            "it isn't called with the arguments of the script at its end, by which it would be known",
        );
    }
}
