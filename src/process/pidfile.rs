//! Pid files: a number that was once right. Evidence, never proof, and one rule of trust everywhere.

use super::paths;
use super::world::{Root, World};
use crate::facts::{Fact, FileFacts, FileKind, Reason};
use crate::units::{Pid, Uid};

/// How much of a pid file is read: a number and a few lines about it.
const BYTES_MAX: usize = 4_096;
/// How much earlier than the start of its process a pid file may seem to be written, in nanoseconds: clocks of
/// file systems are coarse, and ticks are.
const SLACK: i128 = 1_500_000_000;
/// Others may write.
const WRITABLE: u32 = 0o002;

/// What a pid file says of one process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// It names the process and can be believed.
    Believed,
    /// It names another process, or none.
    Other,
    /// It names the process and can't be believed: a sentence why.
    Refused(String),
}

/// The number in a pid file: the first word of its first line. Absent if the file doesn't exist or holds none.
pub fn number(world: &dyn World, path: &[u8]) -> Fact<Pid> {
    world.content(path, BYTES_MAX).and_then(|text| Fact::from_option(parse(&text)))
}

/// Never 0, 1 or negative: those mean groups and init to `kill(2)`.
pub fn parse(text: &[u8]) -> Option<Pid> {
    let word = text.split(u8::is_ascii_whitespace).find(|word| !word.is_empty())?;
    let word = word.strip_suffix(b"\0").unwrap_or(word);
    if word.is_empty() || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: i32 = std::str::from_utf8(word).ok()?.parse().ok()?;
    (number > 1).then_some(Pid(number))
}

/// Whether the pid file names `pid` and can be believed. Whether the process is the service is another
/// question: `runs` must hold as well.
pub fn trust(world: &dyn World, path: &[u8], pid: Pid) -> Fact<Trust> {
    match number(world, path) {
        Fact::Known(named) if named == pid => believe(world, path, pid),
        Fact::Known(_) | Fact::Absent => Fact::Known(Trust::Other),
        Fact::Unknown(reason) => Fact::Unknown(about(path, reason)),
    }
}

fn about(path: &[u8], reason: Reason) -> Reason {
    match reason.detail {
        Some(_) => reason,
        None => Reason::new(reason.why, format!("pid file `{}`", paths::show(path))),
    }
}

fn believe(world: &dyn World, path: &[u8], pid: Pid) -> Fact<Trust> {
    let file = match world.file(Root::Engine, path) {
        Fact::Known(file) => file,
        Fact::Absent => return Fact::Known(Trust::Other),
        Fact::Unknown(reason) => return Fact::Unknown(about(path, reason)),
    };
    let uid = match world.owner(pid) {
        Fact::Known((uid, _)) => uid,
        Fact::Absent => return Fact::Known(Trust::Other),
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    if let Some(fault) = fault_of_file(&file, uid) {
        return Fact::Known(Trust::Refused(format!("pid file `{}` {fault}", paths::show(path))));
    }
    match fault_of_directories(world, path, &file) {
        Fact::Known(fault) => return Fact::Known(Trust::Refused(fault)),
        Fact::Unknown(reason) => return Fact::Unknown(reason),
        Fact::Absent => {}
    }
    began(world, pid).map(|began| {
        if began > file.mtime + SLACK {
            let path = paths::show(path);
            return Trust::Refused(format!("recycled pid: {pid} began after pid file `{path}` was written"));
        }
        Trust::Believed
    })
}

fn fault_of_file(file: &FileFacts, uid: Uid) -> Option<String> {
    if file.kind != FileKind::Regular {
        return Some("is not a regular file".into());
    }
    if file.mode & WRITABLE != 0 {
        return Some(format!("is writable by others (mode {:04o})", file.mode & 0o7777));
    }
    (file.uid != Uid(0) && file.uid != uid)
        .then(|| format!("belongs to uid {}, neither to root nor to the process's uid {uid}", file.uid))
}

/// The directory of the name and, behind a link, that of the file. Absent: nothing is wrong with them.
fn fault_of_directories(world: &dyn World, path: &[u8], file: &FileFacts) -> Fact<String> {
    let mut directories = vec![paths::parent(path)];
    if paths::parent(&file.real) != paths::parent(path) {
        directories.push(paths::parent(&file.real));
    }
    for directory in directories {
        match world.file(Root::Engine, directory) {
            Fact::Known(facts) if facts.mode & WRITABLE != 0 => {
                let (path, directory) = (paths::show(path), paths::show(directory));
                return Fact::Known(format!(
                    "directory `{directory}` of pid file `{path}` is writable by others"
                ));
            }
            Fact::Known(_) | Fact::Absent => {}
            Fact::Unknown(reason) => return Fact::Unknown(about(path, reason)),
        }
    }
    Fact::Absent
}

/// When a process began, in nanoseconds since the Unix epoch: by the wall clock of now, which may have been
/// set since. That is why the time may only refuse.
pub fn began(world: &dyn World, pid: Pid) -> Fact<i128> {
    let stat = match world.stat(pid) {
        Fact::Known(stat) => stat,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    booted(world).map(|boot| boot + since_boot(world, stat.start.0))
}

/// When the host was booted, in nanoseconds since the Unix epoch.
pub fn booted(world: &dyn World) -> Fact<i128> {
    world.now().and_then(|now| world.uptime().map(|uptime| nanos(now.0) - nanos(uptime.0)))
}

/// Clock ticks as nanoseconds.
pub fn since_boot(world: &dyn World, ticks: u64) -> i128 {
    let second = i128::from(world.ticks_per_second().max(1));
    i128::from(ticks) * 1_000_000_000 / second
}

fn nanos(duration: std::time::Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests;
