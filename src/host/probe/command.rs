//! A command that is asked, and how it and all that it started is ended when it takes too long.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::event::epoll;
use rustix::io::Errno;

use super::Answer;
use crate::facts::ProcessKey;
use crate::host::executable;
use crate::host::own_uid;
use crate::host::signal::{Vital, boot_id, hold, vital};
use crate::host::spawn::{Spawned, reap, send_signal, spawn_heard_both};
use crate::plan::action::{Launch, OutputTarget};
use crate::plan::exec::Confinement;
use crate::plan::memory::Exit;
use crate::units::{Pid, Signal, Uid};

/// In the environment of a command, so that what it leaves behind is found wherever it went.
const MARK: &str = "SELFSAME_PROBE";
/// A command that writes more is ended: whoever writes that much isn't asked whether it is ready.
const OUTPUT_MAX: usize = 1 << 20;
/// So much of its last line is shown.
const SHOWN_MAX: usize = 200;
/// What starts new processes faster than they are found is killed again so often.
const ROUNDS: usize = 16;

/// What the descendants of a command have in their environment.
#[derive(Debug)]
struct Mark {
    entry: String,
    uid: u32,
}

/// A command under way. Whoever gives it up kills it, with all that it started.
#[derive(Debug)]
pub(super) struct Running {
    child: Spawned,
    mark: Mark,
    pipe: OwnedFd,
    heard: usize,
    line: Vec<u8>,
    /// That line has an end; what comes next is another one.
    line_ended: bool,
    exit: Option<Exit>,
}

impl Running {
    /// Starts it as the service's user, in the service's environment.
    pub(super) fn begin(
        key: &ProcessKey,
        command: &[String],
        launch: Option<&Launch>,
        nonce: &str,
        epoll: BorrowedFd<'_>,
    ) -> Result<Self, String> {
        let launch = launch.ok_or("the probe's user and environment are not known")?;
        let first = command.first().ok_or("the probe's command is empty")?;
        let mut env = launch.env.clone();
        env.remove("NOTIFY_SOCKET");
        env.remove("WATCHDOG_USEC");
        env.insert(MARK.into(), nonce.to_owned());
        let launch = Launch {
            program: find_program(first, launch.env.get("PATH").map_or("", String::as_str)),
            argv: command.to_vec(),
            env,
            // What it writes is read instead.
            stdout: OutputTarget::Null,
            stderr: OutputTarget::Null,
            confinement: Confinement { join: Some(key.clone()), ..launch.confinement.clone() },
            ..launch.clone()
        };
        executable::check_command(&launch.program, &launch)?;
        let uid = launch.uid_or(Uid(own_uid())).0;
        let (child, pipe) = spawn_heard_both(&launch).map_err(|error| error.to_string())?;
        let running = Self {
            child,
            mark: Mark { entry: format!("{MARK}={nonce}"), uid },
            pipe,
            heard: 0,
            line: Vec::new(),
            line_ended: false,
            exit: None,
        };
        let watch = |fd: BorrowedFd<'_>, flags| epoll::add(epoll, fd, epoll::EventData::new_u64(0), flags);
        watch(running.child.pidfd.as_fd(), epoll::EventFlags::IN | epoll::EventFlags::ONESHOT)
            .and_then(|()| watch(running.pipe.as_fd(), epoll::EventFlags::IN | epoll::EventFlags::ET))
            .map_err(|errno| crate::host::errno::errno_text(errno.raw_os_error()))?;
        Ok(running)
    }

    /// Its first process.
    pub(super) fn pid(&self) -> Pid {
        self.child.pid
    }

    /// Its first process has ended.
    pub(super) fn is_over(&self) -> bool {
        self.exit.is_some()
    }

    /// The reaper of orphans collected its first process.
    pub(super) fn exited(&mut self, exit: &Exit) {
        self.exit = Some(exit.clone());
    }

    /// The answer, if there is one by now.
    pub(super) fn look(&mut self) -> Option<Answer> {
        if self.exit.is_none() {
            self.exit = reap(&self.child.pidfd).unwrap_or(Some(Exit::Unknown));
        }
        self.hear();
        let words = match &self.exit {
            None if self.heard > OUTPUT_MAX => return Some(Answer::no("the command wrote more than 1MiB")),
            None => return None,
            Some(Exit::Code(0)) => return Some(Answer::yes()),
            Some(Exit::Code(code)) => format!("the command exited with {code}"),
            Some(Exit::Signal(signal)) => format!("the command died by {signal}"),
            Some(Exit::Unknown | Exit::Unwatched | Exit::Stopped | Exit::OutOfMemory) => {
                "the end of the command is not known".into()
            }
        };
        Some(Answer::no(self.with_last_line(words)))
    }

    /// Takes in what it wrote, and keeps the last line with something in it.
    fn hear(&mut self) {
        let mut buffer = [0u8; 16 << 10];
        while self.heard <= OUTPUT_MAX {
            match rustix::io::read(&self.pipe, &mut buffer) {
                Ok(0) | Err(Errno::AGAIN) => return,
                Ok(read) => {
                    self.heard = self.heard.saturating_add(read);
                    self.note(buffer.get(..read).unwrap_or_default());
                }
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    fn note(&mut self, bytes: &[u8]) {
        for (number, piece) in bytes.split(|byte| *byte == b'\n').enumerate() {
            // A line may come in several reads, and so may its end.
            self.line_ended |= number > 0;
            if self.line_ended && !piece.trim_ascii().is_empty() {
                self.line.clear();
                self.line_ended = false;
            }
            let room = SHOWN_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
        }
    }

    fn with_last_line(&self, words: String) -> String {
        let line: String = String::from_utf8_lossy(self.line.trim_ascii())
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if line.is_empty() { words } else { format!("{words}: {line}") }
    }

    /// Kills it with all that it started, and gives what has to be waited for.
    pub(super) fn kill(self) -> OwnedFd {
        kill_marked(&self.child, Some(&self.mark));
        self.child.pidfd
    }
}

/// Kills a child that isn't collected yet, its process group, and whatever of its tree or session left the group.
pub(in crate::host) fn kill_tree(child: &Spawned) {
    kill_marked(child, None);
}

/// Kills a child that isn't collected yet with its process group, whatever of its tree or session left the group, and
/// what went elsewhere and still has its mark. Until nobody is found: who forks meanwhile is found in the next round.
fn kill_marked(child: &Spawned, mark: Option<&Mark>) {
    for _ in 0..ROUNDS {
        let rows = processes();
        let left = family(&rows, child, mark);
        // Our child, not collected: the number is its own, and that of its group.
        if let Some(pid) = rustix::process::Pid::from_raw(child.pid.0) {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = send_signal(&child.pidfd, Signal::KILL);
        if left.is_empty() {
            return;
        }
        for key in left {
            if let Ok(held) = hold(&key) {
                let _ = send_signal(&held.pidfd, Signal::KILL);
            }
        }
    }
}

/// The processes below `top`, as they are now.
pub fn descendants(top: Pid) -> Vec<ProcessKey> {
    let Ok(boot) = boot_id() else { return Vec::new() };
    let rows = rows_below(top).unwrap_or_else(processes);
    let below = spread(&rows, BTreeSet::from([top]), |_| false);
    rows.iter()
        .filter(|(pid, _)| *pid != top && below.contains(pid))
        .map(|(pid, vital)| ProcessKey { boot: boot.clone(), pid: *pid, start: vital.start })
        .collect()
}

/// Those that the kernel lists below `top` (`proc_pid_task_children(5)`), and perhaps strangers with a number that was listed: who is asked about
/// costs something, and not all who live. `None` where the kernel was built without these lists (`CONFIG_PROC_CHILDREN`).
fn rows_below(top: Pid) -> Option<Vec<(Pid, Vital)>> {
    std::fs::metadata("/proc/thread-self/children").ok()?;
    let (mut found, mut next) = (BTreeSet::new(), vec![top]);
    while let Some(pid) = next.pop() {
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children = text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).map(Pid);
            next.extend(children.filter(|child| found.insert(*child)));
        }
    }
    Some(found.into_iter().filter_map(living).collect())
}

/// The members with everything below them, and what `also` belongs to them.
fn spread(
    rows: &[(Pid, Vital)],
    mut members: BTreeSet<Pid>,
    also: impl Fn(&(Pid, Vital)) -> bool,
) -> BTreeSet<Pid> {
    loop {
        let more: Vec<Pid> = rows
            .iter()
            .filter(|row| !members.contains(&row.0) && (members.contains(&row.1.parent) || also(row)))
            .map(|row| row.0)
            .collect();
        if more.is_empty() {
            return members;
        }
        members.extend(more);
    }
}

/// All that live, as they are now.
pub(in crate::host) fn processes() -> Vec<(Pid, Vital)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid))
        .filter_map(living)
        .collect()
}

fn living(pid: Pid) -> Option<(Pid, Vital)> {
    vital(pid).ok().filter(|vital| !vital.is_over()).map(|vital| (pid, vital))
}

/// Those that belong to a command, without its first process.
fn family(rows: &[(Pid, Vital)], child: &Spawned, mark: Option<&Mark>) -> Vec<ProcessKey> {
    let Ok(boot) = boot_id() else { return Vec::new() };
    let own = Pid(rustix::process::getpid().as_raw_nonzero().get());
    let mut members: BTreeSet<Pid> = BTreeSet::from([child.pid]);
    // Orphans came to us or to the first process of the system.
    let orphans =
        rows.iter().filter(|(pid, vital)| vital.parent.0 == 1 || (vital.parent == own && *pid != own));
    members.extend(orphans.filter(|(pid, _)| mark.is_some_and(|mark| mark.is_on(*pid))).map(|(pid, _)| *pid));
    let members = spread(rows, members, |(pid, vital)| *pid != own && vital.session == child.pid);
    rows.iter()
        .filter(|(pid, _)| members.contains(pid) && child.pid != *pid)
        .map(|(pid, vital)| ProcessKey { boot: boot.clone(), pid: *pid, start: vital.start })
        .collect()
}

impl Mark {
    /// Only of processes of the same user: somebody could carry the mark into a program that runs as another.
    fn is_on(&self, pid: Pid) -> bool {
        let at = format!("/proc/{pid}");
        if !std::fs::metadata(&at).is_ok_and(|meta| meta.uid() == self.uid) {
            return false;
        }
        has_entry(pid, &self.entry)
    }
}

/// Whether a process has an entry in its environment; not if that can't be read.
pub(in crate::host) fn has_entry(pid: Pid, entry: &str) -> bool {
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environ.split(|byte| *byte == 0).any(|other| other == entry.as_bytes())
}

/// As a shell would: a name without a slash is looked for in `PATH`.
pub(in crate::host) fn find_program(name: &str, path: &str) -> PathBuf {
    if name.contains('/') {
        return PathBuf::from(name);
    }
    path.split(':')
        .filter(|dir| dir.starts_with('/'))
        .map(|dir| Path::new(dir).join(name))
        .find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok())
        .unwrap_or_else(|| PathBuf::from(name))
}
