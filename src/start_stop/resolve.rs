//! From the options to what they mean on this host: files and accounts. In the oracle's order, and each failure is fatal.

use std::io;

use super::command::Command;
use super::criteria::{Criteria, Exec, Executable};
use super::fault::Fault;
use super::numbers;
use super::start::{Account, User};
use super::texts::show;
use crate::facts::Fact;
use crate::host::errno::io_text;
use crate::host::name_service::NameService;
use crate::host::pidfile::identity;
use crate::units::{Gid, Pid, Uid};

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// What processes must satisfy.
    pub criteria: Criteria,
    /// Whose the started process will be.
    pub account: Account,
}

/// Asks the host.
///
/// # Errors
/// No such file, user or group, or no answer.
pub fn resolve(command: &Command<'_>) -> Result<Resolved, Fault> {
    let target = &command.target;
    let exec = target.exec_outside.as_deref().map(|path| exec(path, target.interpreted)).transpose()?;
    // Most commands name nobody.
    let asks = target.user.is_some() || command.start.group.is_some() || command.start.user.is_some();
    let Some(names) = asks.then(NameService::default) else {
        return Ok(Resolved { criteria: criteria(command, exec, None), account: Account::default() });
    };
    let user = target.user.map(|user| uid(&names, user).map(|uid| (uid, user.to_vec()))).transpose()?;
    let group = command.start.group.map(|group| gid(&names, group)).transpose()?;
    let account = account(&names, command.start.user, command.start.group.zip(group))?;
    Ok(Resolved { criteria: criteria(command, exec, user), account })
}

fn criteria(command: &Command<'_>, exec: Option<Exec>, user: Option<(Uid, Vec<u8>)>) -> Criteria {
    let target = &command.target;
    Criteria {
        exec,
        name: target.name.map(<[u8]>::to_vec),
        user,
        parent: target.ppid.map(Pid),
        pid: target.pid.map(Pid),
        expression: target.expression.map(str::to_owned),
        zombies: command.is_strict(),
    }
}

fn exec(path: &[u8], interpreted: bool) -> Result<Exec, Fault> {
    let unable =
        |error: io::Error| Fault::Trouble(format!("unable to stat {} ({})", show(path), io_text(&error)));
    let identity = identity(path).map_err(unable)?;
    if interpreted {
        return Ok(Exec::Script(path.to_vec()));
    }
    Ok(Exec::Image(Executable { path: path.to_vec(), identity }))
}

/// A number counts as it is, a name is looked up.
fn uid(names: &NameService, text: &[u8]) -> Result<Uid, Fault> {
    match numbers::unsigned(text, 10) {
        Some(number) => Ok(Uid(number.cast_unsigned())),
        None => known("user", text, names.user_named(&show(text), |user| user.uid)),
    }
}

fn gid(names: &NameService, text: &[u8]) -> Result<Gid, Fault> {
    match numbers::unsigned(text, 10) {
        Some(number) => Ok(Gid(number.cast_unsigned())),
        None => known("group", text, names.group_named(&show(text), |group| group.gid)),
    }
}

fn known<T>(what: &str, text: &[u8], found: Fact<T>) -> Result<T, Fault> {
    match found {
        Fact::Known(entry) => Ok(entry),
        Fact::Absent => Err(Fault::Trouble(format!("{what} '{}' not found", show(text)))),
        Fact::Unknown(reason) => {
            Err(Fault::Trouble(format!("{what} '{}' can't be looked up: {reason}", show(text))))
        }
    }
}

/// `--chuid` and `--group`. A user must have an entry, even one given by number; without a group it is that of the entry.
fn account(names: &NameService, user: Option<&[u8]>, group: Option<(&[u8], Gid)>) -> Result<Account, Fault> {
    let of = |user: &crate::host::name_service::User<'_>| {
        (User { name: user.name.into(), uid: user.uid, home: user.home.into() }, user.gid)
    };
    let entry = user
        .map(|text| {
            let found = match numbers::unsigned(text, 10) {
                Some(number) => names.user_numbered(Uid(number.cast_unsigned()), of),
                None => names.user_named(&show(text), of),
            };
            known("user", text, found)
        })
        .transpose()?;
    let own = entry.as_ref().map(|(_, gid)| *gid);
    Ok(Account {
        gid: group.map(|(_, gid)| gid).or(own),
        group_given: group.map(|(text, _)| show(text)),
        user: entry.map(|(user, _)| user),
    })
}
