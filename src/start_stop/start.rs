//! `--start`: a look, a lock, a second look under it, and then we become the program, or fork a daemon that does.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::command::Start;
use super::criteria::Criteria;
use super::fault::{DONE, Fault, NOTHING_DONE};
use super::find::{Finder, Found};
use super::readiness;
use super::texts::{self, show};
use crate::facts::Fact;
use crate::host::become_program::{Ids, Settings, Standard, Step, become_program, environment, umask};
use crate::host::errno::{errno_text, io_text};
use crate::host::name_service::NameService;
use crate::host::notify::{Daemon, NotifySocket};
use crate::host::pidfile::Prepared;
use crate::host::signal::vital;
use crate::host::spawn::{Detached, NotDetached, detach};
use crate::host::start_lock::{NotLocked, StartLock};
use crate::units::{Gid, Pid, StartTicks, Uid};

/// Whose the process will be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// Of `--chuid`.
    pub user: Option<User>,
    /// Of `--group`, or the user's own.
    pub gid: Option<Gid>,
    /// As it was given.
    pub group_given: Option<String>,
}

/// An entry of the user database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Number.
    pub uid: Uid,
    /// Home directory.
    pub home: PathBuf,
}

/// What the environment of the command says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// Where locks belong.
    pub locks: PathBuf,
    /// Where sockets of readiness belong.
    pub sockets: PathBuf,
}

/// Starts the program unless it runs.
///
/// # Errors
/// It can't be told whether it runs, or a step failed. Then nothing was started, unless it is said that it was.
pub fn run(
    finder: &Finder<'_>,
    criteria: &Criteria,
    account: &Account,
    places: &Places,
) -> Result<u8, Fault> {
    let command = finder.command;
    if let Some(code) = running(finder, &finder.look()?)? {
        return Ok(code);
    }
    if command.test {
        finder.voice.say(&texts::would_start(&command.start, account));
        return Ok(DONE);
    }
    let lock = lock(finder, criteria, places)?;
    if let Some(lock) = &lock {
        // Another start may have ended between the look and the lock.
        if let Some(code) = running(finder, &finder.look()?)? {
            return Ok(code);
        }
        if command.target.pidfile.is_some() && lock.started().is_some_and(|key| is_under_way(finder, key)) {
            return Ok(already(finder));
        }
    }
    finder.voice.tell_on_the_way(&format!("Starting {}...\n", show(command.start.program)));
    if command.start.background {
        background(finder, account, places, lock.as_ref())
    } else {
        foreground(finder, account, lock.as_ref())
    }
}

/// The exit code, if it runs. What can't be told is not started.
fn running(finder: &Finder<'_>, found: &Found) -> Result<Option<u8>, Fault> {
    if !found.pids.is_empty() {
        return Ok(Some(already(finder)));
    }
    if found.doubts.is_empty() {
        return Ok(None);
    }
    let program = show(finder.command.start.program);
    Err(Fault::Trouble(format!(
        "it can't be told whether {program} is running, so it is not started ({}); --user says whose is meant",
        found.doubt()
    )))
}

fn already(finder: &Finder<'_>) -> u8 {
    finder.voice.say(&texts::already_running(&finder.command.target));
    if finder.command.oknodo { DONE } else { NOTHING_DONE }
}

/// A process that we started for this pid file and program lives, and hasn't written its number yet, or its file was lost. One
/// that we are started by is a wrapper around this start.
fn is_under_way(finder: &Finder<'_>, (pid, start): (Pid, StartTicks)) -> bool {
    let lives = vital(pid).is_ok_and(|vital| vital.start == start && !vital.is_over());
    let glance = &finder.live.glance;
    lives && pid != glance.me() && !glance.ancestors().contains(&pid)
}

/// The same thing is the same program for the same pid file; without one, the same criteria.
fn lock(finder: &Finder<'_>, criteria: &Criteria, places: &Places) -> Result<Option<StartLock>, Fault> {
    let command = finder.command;
    let key = match command.target.pidfile {
        // Whoever gives this one wants it started in any case.
        Some(b"/dev/null") => return Ok(None),
        Some(path) => {
            let path = std::path::absolute(OsStr::from_bytes(path)).unwrap_or_default();
            [b"pidfile\0", path.as_os_str().as_bytes(), b"\0", command.start.program].concat()
        }
        None => [b"criteria\0", criteria.expression().as_bytes()].concat(),
    };
    match StartLock::take(&places.locks, &key) {
        Ok(lock) => Ok(Some(lock)),
        Err(NotLocked::Held) => Err(Fault::Trouble("another start of the same program does not end".into())),
        Err(NotLocked::NoPlace(why)) => {
            finder.voice.warn(&format!("two starts at once could not be told apart: {why}"));
            Ok(None)
        }
    }
}

fn foreground(finder: &Finder<'_>, account: &Account, lock: Option<&StartLock>) -> Result<u8, Fault> {
    let command = finder.command;
    let me = finder.live.glance.me();
    let mask = command.start.umask.map_or_else(umask, i32::cast_unsigned);
    let settings = settings(finder, account, Standard::Ours, mask, None)?;
    if let (Some(lock), Fact::Known(stat)) = (lock, finder.live.glance.stat(me))
        && let Err(error) = lock.note(me, stat.start)
    {
        finder.voice.warn(&format!("this start could not be noted down: {}", io_text(&error)));
    }
    let (step, errno) = become_program(&settings, me);
    withdraw(finder, &settings, me);
    Err(Fault::Trouble(sentence(&command.start, account, step, errno)))
}

/// The program never ran: the pid file that names it goes, unless the oracle's ways are wanted.
fn withdraw(finder: &Finder<'_>, settings: &Settings, pid: Pid) {
    if let Some(pidfile) = settings.pidfile.as_ref().filter(|_| !finder.command.is_strict()) {
        pidfile.withdraw(pid);
    }
}

/// The umask of the pid file that is made for a daemon, whatever its own will be.
const PIDFILE_UMASK: u32 = 0o022;

fn background(
    finder: &Finder<'_>,
    account: &Account,
    places: &Places,
    lock: Option<&StartLock>,
) -> Result<u8, Fault> {
    let start = &finder.command.start;
    let output = start.output.map(|path| PathBuf::from(OsStr::from_bytes(path)));
    let standard = match (start.no_close, output) {
        (false, output) => Standard::Replaced(output),
        (true, Some(output)) => Standard::Redirected(output),
        (true, None) => Standard::Ours,
    };
    let socket = start.notify.map(|_| socket(account, places)).transpose()?;
    let settings = settings(finder, account, standard, PIDFILE_UMASK, socket.as_ref())?;
    finder.voice.tell_on_the_way(&format!("Detaching to start {}...\n", show(start.program)));
    let detached = detach(|me| {
        let (step, errno) = become_program(&settings, me);
        (step as u32, errno)
    });
    let daemon = match detached {
        Ok(daemon) => daemon,
        Err(failure) => return not_detached(finder, account, &settings, failure),
    };
    finder.voice.tell_on_the_way("Detaching complete...\n");
    if let Some(lock) = lock
        && let Err(error) = lock.note(daemon.pid, daemon.start)
    {
        finder.voice.warn(&format!("this start could not be noted down: {}", io_text(&error)));
    }
    match socket.zip(start.notify) {
        Some((socket, seconds)) => {
            let uid =
                account.user.as_ref().map_or_else(|| rustix::process::getuid().as_raw(), |user| user.uid.0);
            readiness::wait(finder.voice, &socket, &as_daemon(daemon, uid), seconds)
        }
        None => Ok(DONE),
    }
}

fn as_daemon(daemon: Detached, uid: u32) -> Daemon {
    Daemon { pid: daemon.pid, start: daemon.start, session: daemon.session, uid }
}

/// The oracle has returned 0 by then. That is left so only where its ways are wanted.
fn not_detached(
    finder: &Finder<'_>,
    account: &Account,
    settings: &Settings,
    failure: NotDetached,
) -> Result<u8, Fault> {
    if let Some(pid) = failure.pid {
        withdraw(finder, settings, pid);
    }
    let step = failure.step.and_then(Step::from_number);
    let text = match step {
        Some(step) => sentence(&finder.command.start, account, step, failure.errno),
        None => format!("unable to detach ({})", errno_text(failure.errno)),
    };
    let fault = Fault::Trouble(text);
    if finder.command.is_strict() && step.is_some_and(|step| step != Step::Pidfile) {
        finder.voice.fail(&fault);
        return Ok(DONE);
    }
    Err(fault)
}

fn socket(account: &Account, places: &Places) -> Result<NotifySocket, Fault> {
    let uid = account.user.as_ref().map(|user| user.uid.0);
    NotifySocket::new(&places.sockets, uid, account.gid.map(|gid| gid.0))
        .map_err(|error| Fault::Trouble(format!("cannot create notification socket ({})", io_text(&error))))
}

/// Everything that can fail without anything having been changed is done here.
fn settings(
    finder: &Finder<'_>,
    account: &Account,
    standard: Standard,
    pidfile_umask: u32,
    socket: Option<&NotifySocket>,
) -> Result<Settings, Fault> {
    let start = &finder.command.start;
    let mut argv = vec![c_string(start.program)?];
    for word in &start.arguments {
        argv.push(c_string(word)?);
    }
    let home = account
        .user
        .as_ref()
        .filter(|user| user.home.exists())
        .map(|user| c_string(user.home.as_os_str().as_bytes()));
    let home = home.transpose()?;
    let notify = socket.map(NotifySocket::path);
    let mut changes = Vec::new();
    changes.extend(home.as_deref().map(|home| ("HOME", home)));
    changes.extend(notify.as_deref().map(|path| ("NOTIFY_SOCKET", path)));
    Ok(Settings {
        umask: start.umask.map(i32::cast_unsigned),
        pidfile: finder
            .command
            .target
            .pidfile
            .filter(|_| start.make_pidfile)
            .map(|path| prepared(path, pidfile_umask))
            .transpose()?,
        standard,
        nice: start.nice,
        policy: start.policy.map(|policy| (policy.number, policy.priority)),
        io: start.io.map(|io| (io.class, io.level)),
        root: start.root.map(c_string).transpose()?,
        directory: c_string(start.directory)?,
        ids: ids(account)?,
        program: c_string(start.program)?,
        argv,
        env: environment(&changes),
    })
}

fn prepared(path: &[u8], umask: u32) -> Result<Prepared, Fault> {
    Prepared::new(Path::new(OsStr::from_bytes(path)), 0o666 & !umask).map_err(|error| {
        Fault::Trouble(format!("unable to open pidfile '{}' for writing ({})", show(path), io_text(&error)))
    })
}

fn c_string(bytes: &[u8]) -> Result<CString, Fault> {
    CString::new(bytes).map_err(|_| Fault::Trouble("an argument holds a NUL".into()))
}

/// What has to change. Groups are those that the user has out here, also for a program below another root directory.
fn ids(account: &Account) -> Result<Ids, Fault> {
    let (own_user, own_group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let gid = account.gid.map(|gid| gid.0).filter(|gid| *gid != own_group);
    let Some(user) = &account.user else { return Ok(Ids { gid, ..Ids::default() }) };
    let uid = Some(user.uid.0).filter(|uid| *uid != own_user);
    if gid.is_none() && uid.is_none() {
        return Ok(Ids::default());
    }
    let first = account.gid.unwrap_or(Gid(own_group));
    match NameService::default().groups_of_member(&user.name, first) {
        Fact::Known(groups) => {
            Ok(Ids { gid, uid, groups: Some(groups.iter().map(|group| group.0).collect()) })
        }
        Fact::Absent => Ok(Ids { gid, uid, groups: Some(vec![first.0]) }),
        Fact::Unknown(reason) => {
            Err(Fault::Trouble(format!("the groups of user '{}' can't be looked up: {reason}", user.name)))
        }
    }
}

/// What failed, in the oracle's words.
fn sentence(start: &Start<'_>, account: &Account, step: Step, errno: i32) -> String {
    let what = match step {
        Step::Pidfile => "unable to write the pidfile".into(),
        Step::Null => "unable to open '/dev/null'".into(),
        Step::Output => format!("unable to open '{}'", show(start.output.unwrap_or_default())),
        Step::Nice => format!("unable to alter nice level by {}", start.nice),
        Step::Policy => "unable to set process scheduler".into(),
        Step::RootDirectory => format!("unable to chdir() to {}", show(start.root.unwrap_or_default())),
        Step::Root => format!("unable to chroot() to {}", show(start.root.unwrap_or_default())),
        Step::Directory => format!("unable to chdir() to {}", show(start.directory)),
        Step::Group => format!("unable to set gid to {}", account.gid.map_or(0, |gid| gid.0)),
        Step::Groups => format!("unable to set initgroups() with gid {}", account.gid.map_or(0, |gid| gid.0)),
        Step::User => {
            format!("unable to set uid to {}", account.user.as_ref().map_or("", |user| user.name.as_str()))
        }
        Step::Descriptors => "unable to place the standard descriptors".into(),
        Step::Execute => format!("unable to start {}", show(start.program)),
    };
    format!("{what} ({})", errno_text(errno))
}
