//! Which process a document means, and the fields that need a look at files.

use super::files::{Files, base, join};
use super::found::{Found, Weight, account_text};
use crate::lang::quote;
use crate::process::paths::family;
use crate::process::script::{self, Operand};
use crate::spec::{Account, Expression};

/// Fills in what follows from the other fields: the groups of the user, and `match`.
pub(super) fn complete(found: &mut Found, files: &dyn Files) {
    groups(found, files);
    name_of_script(found);
    pidfile_of_option(found);
    found.service.narrow = Some(Expression::new(condition(found)));
}

/// The condition that only this process fulfils.
fn condition(found: &Found) -> String {
    let mut parts = vec![match &found.service.becomes {
        Some(_) => "(runs(startas) || runs(spec.becomes))".to_owned(),
        None => "runs(startas)".to_owned(),
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
        [only] => only.trim_start_matches('(').replace("becomes))", "becomes)"),
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
    if let Operand::Script { name, .. } = script::operand(family(program.as_bytes()), &argv)
        && let Ok(name) = String::from_utf8(name)
        && name.starts_with('/')
        && !name.contains("${")
    {
        return Some(format!("script == {}", quote(name.as_bytes())));
    }
    // Of several copies each has arguments of its own, which the default rule compares.
    (found.service.replicas == 1 && !found.service.args.is_empty()).then(|| "has_args(args)".to_owned())
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

/// A wrapper script that ends by executing a program: what it becomes.
pub(super) fn becomes(found: &mut Found, files: &dyn Files, request: &super::Request) {
    if found.service.becomes.is_some() || found.program().is_empty() {
        return;
    }
    let path = found.program().to_owned();
    let Ok(text) = files.read(&path) else { return };
    let head = text.lines().next().unwrap_or_default();
    let shell =
        head.starts_with("#!") && head.split([' ', '/']).any(|word| matches!(word, "sh" | "bash" | "dash"));
    if !shell {
        return;
    }
    let own = found.service.args.clone();
    let given: Vec<&str> = own.iter().map(String::as_str).collect();
    let mut machine = super::shell::Machine::new(&path, files, request).with_parameters(&given);
    machine.run_text(&path, &text);
    let last = machine.finish().calls.into_iter().rfind(|call| call.replaces && !call.unsure);
    let Some(call) = last else { return };
    let program = call.words.first().and_then(super::shell::Value::known).unwrap_or_default();
    if program.starts_with('/') && program != path {
        found.service.becomes = Some(program.into());
        let program = base(program).to_owned();
        found.changed(
            &call.place,
            format!("exec {program}"),
            "the script executes it in its place: `becomes`",
        );
        let words: Vec<Option<&str>> = call.words.iter().map(super::shell::Value::known).collect();
        if !words.ends_with(&given.iter().copied().map(Some).collect::<Vec<_>>()) {
            found.unclear(
                &call.place,
                format!("exec {program}"),
                "it isn't called with the arguments of the script at its end, by which it would be known",
            );
        }
    } else if !program.is_empty() && !program.contains('/') {
        let near = join("/usr/bin", program);
        found.note(
            &call.place,
            Weight::Unclear,
            format!("exec {program}"),
            format!("if it is `{near}`, write `becomes: {near}`"),
        );
    }
}
