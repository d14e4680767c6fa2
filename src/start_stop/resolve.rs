//! From the options to what they mean on this host: files and accounts. In the oracle's order, and each failure is fatal.

use std::io;

use super::command::Command;
use super::criteria::{Criteria, Exec, Executable};
use super::fault::Fault;
use super::numbers;
use super::start::{Account, User};
use super::texts::show;
use crate::host::accounts::{Entry, group_id, user_by_id, user_by_name};
use crate::host::errno::io_text;
use crate::host::pidfile::identity;
use crate::units::{Pid, Uid};

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
    let user = target.user.map(|user| uid(user).map(|uid| (uid, user.to_vec()))).transpose()?;
    let gid = command.start.group.map(gid).transpose()?;
    let account = account(command.start.user, command.start.group.zip(gid))?;
    Ok(Resolved {
        criteria: Criteria {
            exec,
            name: target.name.map(<[u8]>::to_vec),
            user,
            parent: target.ppid.map(Pid),
            pid: target.pid.map(Pid),
            expression: target.expression.map(str::to_owned),
            zombies: command.is_strict(),
        },
        account,
    })
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
fn uid(text: &[u8]) -> Result<Uid, Fault> {
    match numbers::unsigned(text, 10) {
        Some(number) => Ok(Uid(number.cast_unsigned())),
        None => Ok(Uid(known_user(text, user_by_name(&show(text)))?.uid)),
    }
}

fn gid(text: &[u8]) -> Result<u32, Fault> {
    if let Some(number) = numbers::unsigned(text, 10) {
        return Ok(number.cast_unsigned());
    }
    match group_id(&show(text)) {
        Ok(Some(gid)) => Ok(gid),
        Ok(None) => Err(Fault::Trouble(format!("group '{}' not found", show(text)))),
        Err(why) => Err(Fault::Trouble(format!("group '{}' can't be looked up: {why}", show(text)))),
    }
}

fn known_user(text: &[u8], found: Result<Option<Entry>, String>) -> Result<Entry, Fault> {
    match found {
        Ok(Some(entry)) => Ok(entry),
        Ok(None) => Err(Fault::Trouble(format!("user '{}' not found", show(text)))),
        Err(why) => Err(Fault::Trouble(format!("user '{}' can't be looked up: {why}", show(text)))),
    }
}

/// `--chuid` and `--group`. A user must have an entry, even one given by number; without a group it is that of the entry.
fn account(user: Option<&[u8]>, group: Option<(&[u8], u32)>) -> Result<Account, Fault> {
    let entry = user
        .map(|text| {
            let found = match numbers::unsigned(text, 10) {
                Some(number) => user_by_id(number.cast_unsigned()),
                None => user_by_name(&show(text)),
            };
            known_user(text, found)
        })
        .transpose()?;
    let gid = group.map(|(_, gid)| gid).or_else(|| entry.as_ref().map(|entry| entry.gid));
    Ok(Account {
        gid,
        group_given: group.map(|(text, _)| show(text)),
        user: entry.map(|entry| User { name: entry.name, uid: entry.uid, home: entry.home }),
    })
}
