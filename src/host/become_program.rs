//! Becoming another program, in place: the settings in the order in which each is still allowed, then execve.
//!
//! ```text
//! umask -> pid file -> output -> nice, policy, io -> root -> directory -> gid, groups, uid -> descriptors, signals -> execve
//! ```
//!
//! So the pid file and the output are those of the caller's root directory and user, and the directory may be one that
//! only the caller can enter.

use std::ffi::{CStr, CString};
use std::fs::{File, OpenOptions};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{chdir, chroot, execve};
use rustix::fs::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use super::pidfile;
use super::spawn;
use crate::units::Pid;

/// What is becoming of us.
#[derive(Debug)]
pub struct Settings {
    /// Otherwise it stays.
    pub umask: Option<u32>,
    /// Written when it is known who we are.
    pub pidfile: Option<pidfile::Prepared>,
    /// Standard descriptors.
    pub standard: Standard,
    /// Added to the nice level.
    pub nice: i32,
    /// `SCHED_*` and real-time priority.
    pub policy: Option<(i32, i32)>,
    /// `IOPRIO_CLASS_*` and level. That it can't be had is no failure.
    pub io: Option<(u16, u16)>,
    /// New root directory.
    pub root: Option<CString>,
    /// Working directory, below the new root.
    pub directory: CString,
    /// Whose process it will be.
    pub ids: Ids,
    /// The program, as execve takes it.
    pub program: CString,
    /// Its arguments, its own name first.
    pub argv: Vec<CString>,
    /// Its environment.
    pub env: Vec<CString>,
}

/// What the program finds at descriptors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standard {
    /// What we were given.
    Ours,
    /// Input from nowhere, output and errors into this file or nowhere, nothing else open.
    Replaced(Option<PathBuf>),
    /// What we were given, but output and errors into this file.
    Redirected(PathBuf),
}

/// Ids to take on; those that are ours already stay untouched, so that it takes no privilege.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ids {
    /// Group.
    pub gid: Option<u32>,
    /// Supplementary groups.
    pub groups: Option<Vec<u32>>,
    /// User.
    pub uid: Option<u32>,
}

/// A step, for messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
#[allow(missing_docs, reason = "named after what is done")]
pub enum Step {
    Pidfile,
    Null,
    Output,
    Nice,
    Policy,
    RootDirectory,
    Root,
    Directory,
    Group,
    Groups,
    User,
    Descriptors,
    Execute,
}

impl Step {
    const ALL: [Self; 13] = [
        Self::Pidfile,
        Self::Null,
        Self::Output,
        Self::Nice,
        Self::Policy,
        Self::RootDirectory,
        Self::Root,
        Self::Directory,
        Self::Group,
        Self::Groups,
        Self::User,
        Self::Descriptors,
        Self::Execute,
    ];

    /// The step with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as u32 == number)
    }
}

/// Does all that, and returns only if something failed: which step, and the errno. What was done before it stays done.
pub fn become_program(settings: &Settings, me: Pid) -> (Step, i32) {
    match carry_out(settings, me) {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}

fn carry_out(settings: &Settings, me: Pid) -> Result<std::convert::Infallible, (Step, i32)> {
    let at = |step: Step| move |errno: Errno| (step, errno as i32);
    let at_io = |step: Step| move |error: std::io::Error| (step, error.raw_os_error().unwrap_or(libc::EIO));
    if let Some(umask) = settings.umask {
        nix::sys::stat::umask(Mode::from_bits_truncate(umask));
    }
    if let Some(pidfile) = &settings.pidfile {
        pidfile.write(me).map_err(at_io(Step::Pidfile))?;
    }
    let opened = Opened::new(&settings.standard)?;
    if settings.nice != 0 {
        rustix::process::nice(settings.nice).map_err(|errno| (Step::Nice, errno.raw_os_error()))?;
    }
    if let Some((policy, priority)) = settings.policy {
        spawn::set_policy(policy, priority).map_err(|errno| (Step::Policy, errno))?;
    }
    if let Some((class, level)) = settings.io
        && let Err(errno) = spawn::set_io_priority(class, level)
    {
        eprintln!("warning: the IO priority could not be set: {}", super::errno::errno_text(errno));
    }
    if let Some(root) = &settings.root {
        chdir(root.as_c_str()).map_err(at(Step::RootDirectory))?;
        chroot(root.as_c_str()).map_err(at(Step::Root))?;
    }
    chdir(settings.directory.as_c_str()).map_err(at(Step::Directory))?;
    take_on(&settings.ids)?;
    opened.place(&settings.standard).map_err(|errno| (Step::Descriptors, errno))?;
    spawn::hand_down_signals();
    execute(settings).map_err(at(Step::Execute))
}

fn execute(settings: &Settings) -> Result<std::convert::Infallible, Errno> {
    execve(settings.program.as_c_str(), &settings.argv, &settings.env)
}

/// Of this thread, which is the one that executes: others, if there are any, end with that.
fn take_on(ids: &Ids) -> Result<(), (Step, i32)> {
    let at = |step: Step| move |errno: rustix::io::Errno| (step, errno.raw_os_error());
    if let Some(gid) = ids.gid {
        set_thread_gid(Gid::from_raw(gid)).map_err(at(Step::Group))?;
    }
    if let Some(groups) = &ids.groups {
        let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
        set_thread_groups(&groups).map_err(at(Step::Groups))?;
    }
    if let Some(uid) = ids.uid {
        set_thread_uid(Uid::from_raw(uid)).map_err(at(Step::User))?;
    }
    Ok(())
}

/// Files for the standard descriptors, opened while we still have our root directory and user.
struct Opened {
    null: Option<File>,
    output: Option<File>,
}

impl Opened {
    fn new(standard: &Standard) -> Result<Self, (Step, i32)> {
        let failed =
            |step: Step| move |error: std::io::Error| (step, error.raw_os_error().unwrap_or(libc::EIO));
        let null = match standard {
            Standard::Replaced(_) => Some(File::open("/dev/null").map_err(failed(Step::Null))?),
            Standard::Ours | Standard::Redirected(_) => None,
        };
        let output = match standard {
            Standard::Replaced(Some(path)) | Standard::Redirected(path) => {
                Some(append(path).map_err(failed(Step::Output))?)
            }
            Standard::Replaced(None) => {
                Some(append(std::path::Path::new("/dev/null")).map_err(failed(Step::Null))?)
            }
            Standard::Ours => None,
        };
        Ok(Self { null, output })
    }

    fn place(&self, standard: &Standard) -> Result<(), i32> {
        let onto = |file: &Option<File>, place: u8| match file {
            Some(file) => put(file, place),
            None => Ok(()),
        };
        onto(&self.null, 0)?;
        onto(&self.output, 1)?;
        onto(&self.output, 2)?;
        match standard {
            Standard::Replaced(_) => spawn::close_on_exec_from(3),
            Standard::Redirected(_) => close_again(&[0]),
            Standard::Ours => close_again(&[0, 1, 2]),
        }
    }
}

fn append(path: &std::path::Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o664).open(path)
}

fn put(file: &File, place: u8) -> Result<(), i32> {
    // Files of ours have numbers above 2: the runtime opened what was closed below.
    let placed = match place {
        0 => rustix::stdio::dup2_stdin(file.as_fd()),
        1 => rustix::stdio::dup2_stdout(file.as_fd()),
        _ => rustix::stdio::dup2_stderr(file.as_fd()),
    };
    placed.map_err(rustix::io::Errno::raw_os_error)
}

/// Standard descriptors that were closed when we were started are closed again.
fn close_again(places: &[u8]) -> Result<(), i32> {
    for place in places.iter().filter(|place| spawn::was_closed(**place)) {
        rustix::io::fcntl_setfd(standard_fd(*place), rustix::io::FdFlags::CLOEXEC)
            .map_err(rustix::io::Errno::raw_os_error)?;
    }
    Ok(())
}

fn standard_fd(place: u8) -> std::os::fd::BorrowedFd<'static> {
    match place {
        0 => rustix::stdio::stdin(),
        1 => rustix::stdio::stdout(),
        _ => rustix::stdio::stderr(),
    }
}

/// The environment that was handed down, with these variables set: in place where they are there, else at the end.
pub fn environment(changes: &[(&str, &CStr)]) -> Vec<CString> {
    let mut env = spawn::environment();
    for (name, value) in changes {
        let entry = [name.as_bytes(), b"=", value.to_bytes()].concat();
        let Ok(entry) = CString::new(entry) else { continue };
        let of_name = |known: &CString| {
            known.to_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='))
        };
        match env.iter().position(of_name) {
            Some(at) => {
                if let Some(place) = env.get_mut(at) {
                    *place = entry;
                }
            }
            None => env.push(entry),
        }
    }
    env
}

/// Our umask, which can only be read by setting it; nobody else creates files meanwhile.
pub fn umask() -> u32 {
    let own = nix::sys::stat::umask(Mode::empty());
    nix::sys::stat::umask(own);
    own.bits()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn steps_have_their_numbers() {
        for step in Step::ALL {
            assert_eq!(Step::from_number(step as u32), Some(step));
        }
        assert_eq!(Step::from_number(99), None);
    }

    #[test]
    fn variables_are_set_in_place_or_added() {
        let before = environment(&[]);
        let after = environment(&[("PATH", c"/x"), ("NO_SUCH_VARIABLE_HERE", c"y")]);
        let at = before.iter().position(|entry| entry.to_bytes().starts_with(b"PATH="));
        assert_eq!(at.map(|at| after.get(at).unwrap().as_c_str()), at.map(|_| c"PATH=/x"));
        assert_eq!(after.last().unwrap().as_c_str(), c"NO_SUCH_VARIABLE_HERE=y");
        assert_eq!(after.len(), before.len() + if at.is_some() { 1 } else { 2 });
    }
}
