//! Whose a process will be: users, groups, and the variables that come from files.

use std::collections::BTreeMap;

use rustix::fs::OFlags;

use super::errno::io_text;
use super::name_service::{NameService, User};
use super::{atomic, walk};
use crate::facts::Fact;
use crate::plan::observation::{Owner, Prepared, Unprepared};
use crate::spec::{Account, EnvFrom, Listen, Service, Socket};
use crate::units::{Gid, Uid};

/// No environment file is larger.
const ENV_BYTES_MAX: u64 = 1 << 20;

/// Whether the engine can start a process as the user and groups that a document asks for.
///
/// # Errors
/// A sentence: there is no such user, or it can't be taken on.
pub fn can_be_taken_on(spec: &Service) -> Result<(), String> {
    of_service(spec, &NameService::default()).map(|_| ())
}

/// Whether it can run the commands that name a user of their own.
///
/// # Errors
/// A sentence: there is no such user, or it can't be taken on.
pub fn can_run_commands(spec: &Service) -> Result<(), String> {
    of_commands(spec, &NameService::default()).map(|_| ())
}

/// Whose a command is that names a user of its own.
///
/// # Errors
/// A sentence: there is no such user, or it can't be taken on.
pub fn of_command(user: &Account) -> Result<Owner, String> {
    owner(Some(user), None, &[], &NameService::default())
}

/// Looks up the account of a service by these names; `places` has the directories filled in.
///
/// # Errors
/// There is no such user, it can't be taken on, or it wasn't asked for: within one look nobody is after an answer that didn't come in time.
pub fn account(spec: &Service, places: &Prepared, names: &NameService) -> Result<Prepared, Unprepared> {
    names.take_withheld();
    looked_up(spec, places, names).map_err(|error| {
        if names.take_withheld() { Unprepared::NotAsked(error) } else { Unprepared::Refused(error) }
    })
}

fn looked_up(spec: &Service, places: &Prepared, names: &NameService) -> Result<Prepared, String> {
    let owner = of_service(spec, names)?;
    let (uid, gid) = (owner.uid.0, owner.gid.0);
    Ok(Prepared {
        owner,
        others: of_commands(spec, names)?,
        env_from: env_from(&spec.env_from, uid)?,
        secrets: super::secrets::read(&spec.secrets, uid)?,
        socket_owners: socket_owners(&spec.sockets, names, (uid, gid))?,
        ..places.clone()
    })
}

fn of_service(spec: &Service, names: &NameService) -> Result<Owner, String> {
    owner(spec.user.as_ref(), spec.group.as_ref(), &spec.supplementary_groups, names)
}

fn of_commands(spec: &Service, names: &NameService) -> Result<BTreeMap<Account, Owner>, String> {
    let owner_of = |user: &Account| match owner(Some(user), None, &[], names) {
        Ok(owner) => Ok((user.clone(), owner)),
        Err(error) => Err(format!("a command of it names a user of its own: {error}")),
    };
    spec.users_of_commands().into_iter().map(owner_of).collect()
}

/// Whose a process will be for which a document says this.
fn owner(
    user: Option<&Account>,
    group: Option<&Account>,
    supplementary_groups: &[Account],
    names: &NameService,
) -> Result<Owner, String> {
    let engine = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let entry = match user {
        None => by_uid(names, engine.0)?,
        Some(Account::Id(uid)) => by_uid(names, *uid)?,
        Some(Account::Name(name)) => Some(by_name(names, name)?),
    };
    let uid = entry.as_ref().map_or_else(
        || match user {
            Some(Account::Id(uid)) => *uid,
            Some(Account::Name(_)) | None => engine.0,
        },
        |user| user.uid,
    );
    let gid = match (group, &entry) {
        (Some(group), _) => group_id(names, group)?,
        (None, _) if user.is_none() => engine.1,
        (None, Some(user)) => user.gid,
        (None, None) => {
            return Err(format!("user {uid} has no entry, so that its group is not known: give `group`"));
        }
    };
    let groups = supplementary_groups.iter().map(|group| group_id(names, group).map(Gid));
    let groups = groups.collect::<Result<Vec<_>, _>>()?;
    let change_ids = (uid, gid) != engine || !groups.is_empty();
    if change_ids && engine.0 != 0 {
        let wanted = entry.as_ref().map_or_else(|| uid.to_string(), |user| user.name.clone());
        return Err(format!(
            "user `{wanted}` with group {gid} can't be taken on: selfsame runs as user {} and not as root",
            engine.0
        ));
    }
    let (name, home, shell) = entry.map_or_else(
        || (uid.to_string(), "/".to_owned(), "/bin/sh".to_owned()),
        |user| (user.name, text_or(user.home, "/"), text_or(user.shell, "/bin/sh")),
    );
    Ok(Owner { uid: Uid(uid), gid: Gid(gid), groups, change_ids, name, home, shell })
}

fn text_or(text: String, default: &str) -> String {
    if text.is_empty() { default.to_owned() } else { text }
}

/// What counts of an entry of the user database.
struct Entry {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
    shell: String,
}

impl Entry {
    fn of(user: &User<'_>) -> Self {
        Self {
            name: user.name.to_owned(),
            uid: user.uid.0,
            gid: user.gid.0,
            home: user.home.to_owned(),
            shell: user.shell.to_owned(),
        }
    }
}

fn by_uid(names: &NameService, uid: u32) -> Result<Option<Entry>, String> {
    match names.user_numbered(Uid(uid), Entry::of) {
        Fact::Known(user) => Ok(Some(user)),
        Fact::Absent => Ok(None),
        Fact::Unknown(reason) => Err(format!("user {uid} can't be looked up: {reason}")),
    }
}

fn by_name(names: &NameService, name: &str) -> Result<Entry, String> {
    match names.user_named(name, Entry::of) {
        Fact::Known(user) => Ok(user),
        Fact::Absent => Err(format!("there is no user `{name}`")),
        Fact::Unknown(reason) => Err(format!("user `{name}` can't be looked up: {reason}")),
    }
}

fn group_id(names: &NameService, account: &Account) -> Result<u32, String> {
    match account {
        Account::Id(gid) => Ok(*gid),
        Account::Name(name) => match names.group_named(name, |group| group.gid.0) {
            Fact::Known(gid) => Ok(gid),
            Fact::Absent => Err(format!("there is no group `{name}`")),
            Fact::Unknown(reason) => Err(format!("group `{name}` can't be looked up: {reason}")),
        },
    }
}

/// Owners of Unix sockets: those of the service where nothing is said.
fn socket_owners(
    sockets: &[Socket],
    names: &NameService,
    (uid, gid): (u32, u32),
) -> Result<Vec<(Uid, Gid)>, String> {
    let engine = rustix::process::geteuid().as_raw();
    let owner = |socket: &Socket| {
        let user = match &socket.user {
            None => uid,
            Some(Account::Id(id)) => *id,
            Some(Account::Name(name)) => by_name(names, name)?.uid,
        };
        let group = socket.group.as_ref().map_or(Ok(gid), |group| group_id(names, group))?;
        if engine != 0 && user != engine && matches!(socket.listen, Listen::Unix(_)) {
            return Err(format!(
                "socket `{}` can't be given to user {user}: selfsame runs as user {engine} and not as root",
                socket.name
            ));
        }
        Ok((Uid(user), Gid(group)))
    };
    sockets.iter().map(owner).collect()
}

/// Merges the files in order. They may belong to root, the engine's user or the service's.
fn env_from(files: &[EnvFrom], service_uid: u32) -> Result<BTreeMap<String, String>, String> {
    let own = rustix::process::geteuid().as_raw();
    let mut merged = BTreeMap::new();
    for EnvFrom { file, optional, prefix } in files {
        let failed = |text: String| format!("environment file `{}`: {text}", file.display());
        let stages = match walk::stages(file) {
            Err(error) if *optional && error.kind() == std::io::ErrorKind::NotFound => continue,
            stages => stages.map_err(|error| failed(io_text(&error)))?,
        };
        if let Some(weak) = walk::weakest(&stages, &[own, service_uid]) {
            return Err(failed(format!("it is not to be trusted: {weak}")));
        }
        let Some(last) = stages.last() else { continue };
        // The service's user may own a directory on the way, and put a link to another's secrets there meanwhile.
        let bytes = walk::open_resolved(&last.path, OFlags::RDONLY, 0)
            .and_then(|file| atomic::read_opened(file, &[0, own, service_uid], ENV_BYTES_MAX))
            .map_err(|error| failed(io_text(&error)))?;
        let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8".into()))?;
        let variables = parse(&text).map_err(failed)?;
        merged.extend(variables.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
    }
    Ok(merged)
}

/// Lines of `NAME=value`; empty lines and lines that begin with `#` don't count; a value may stand in quotes, and
/// `export` before the name.
fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut variables = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = line
            .split_once('=')
            .filter(|(name, _)| is_name(name))
            .ok_or_else(|| format!("line {} is not of the form `NAME=value`", number + 1))?;
        if value.contains('\0') {
            return Err(format!("line {} holds a NUL", number + 1));
        }
        variables.push((name.to_owned(), unquoted(value.trim()).to_owned()));
    }
    Ok(variables)
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unquoted(value: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_variables_are_read() {
        let text = "# c\nA=1\n\nexport B = x\n";
        assert!(parse(text).is_err(), "no blank before the sign");
        let rows = parse("A=1\n  B=\"x y\"\nexport C='d'\nD=\nE=a=b\n#F=1\nG=\"open\n");
        let expected = [("A", "1"), ("B", "x y"), ("C", "d"), ("D", ""), ("E", "a=b"), ("G", "\"open")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert_eq!(rows, Ok(expected));
        for wrong in ["A", "1A=x", "=x", "A B=x"] {
            assert!(parse(wrong).is_err_and(|text| text.contains("line 1")), "{wrong}");
        }
    }
}
