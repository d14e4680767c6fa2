//! `--stop`: signals, each to a process that is held and has been asked again, and the waits between them.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use super::fault::{DONE, Fault, NOTHING_DONE, TROUBLE};
use super::find::Finder;
use super::schedule::{Schedule, Step};
use super::texts;
use crate::facts::Fact;
use crate::host::clock::{deadline, left, pause};
use crate::host::errno::io_text;
use crate::host::notify::timespec;
use crate::host::pidfile;
use crate::host::proc::process_key;
use crate::host::signal::{protected, verify};
use crate::host::spawn::send_number;
use crate::plan::action::Outcome;
use crate::units::Pid;

/// How long is waited at most before it is looked again: a process that is still there may no longer be meant.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Between looks that follow each other at once.
const PAUSE: Duration = Duration::from_millis(2);
/// A schedule that never waits is repeated for ever no faster than this.
const REPEAT: Duration = Duration::from_millis(20);

/// What one round of signals came to.
#[derive(Default)]
struct Round {
    signalled: Vec<i32>,
    failed: usize,
    /// Some were left alone because of a rule of ours: they may be the program.
    refused: bool,
}

/// Why a signal wasn't sent.
enum Unsent {
    /// It can't be: the text of the oracle's warning.
    Failed(String),
    /// A rule of ours.
    Refused(String),
    /// It is another one by now.
    Another,
}

/// Runs the schedule.
///
/// # Errors
/// The look failed, or the pid file can't be removed.
pub(super) fn run(finder: &Finder<'_>) -> Result<u8, Fault> {
    let command = finder.command;
    match &command.stop.schedule {
        Some(schedule) if !command.test => scheduled(finder, schedule),
        schedule => {
            if schedule.is_some() {
                finder.voice.say("Ignoring --retry in test mode\n");
            }
            once(finder)
        }
    }
}

fn once(finder: &Finder<'_>) -> Result<u8, Fault> {
    let round = signal(finder, finder.command.stop.signal)?;
    summary(finder, &round, 0);
    if round.failed > 0 {
        finder.voice.say(&format!("{} pids were not killed\n", round.failed));
    }
    finish(finder, !round.signalled.is_empty(), round.refused)
}

fn scheduled(finder: &Finder<'_>, schedule: &Schedule) -> Result<u8, Fault> {
    let (mut any, mut sent, mut survivors, mut refused) = (false, 0, 0, false);
    let mut at = 0;
    while let Some(step) = schedule.step(at) {
        at += 1;
        match step {
            Step::Signal(number) => {
                let round = signal(finder, number)?;
                summary(finder, &round, sent);
                sent += 1;
                refused |= round.refused;
                if round.signalled.is_empty() {
                    return finish(finder, any, refused);
                }
                any = true;
                survivors = round.signalled.len();
                if schedule.never_waits() {
                    pause(REPEAT);
                }
            }
            Step::Wait(seconds) => {
                survivors = wait(finder, seconds)?;
                if survivors == 0 {
                    return finish(finder, any, refused);
                }
            }
        }
    }
    let what = texts::what(&finder.command.target);
    finder.voice.say(&format!("Program {what}, {survivors} process(es), refused to die.\n"));
    Ok(TROUBLE)
}

/// Signals whatever matches now.
fn signal(finder: &Finder<'_>, number: i32) -> Result<Round, Fault> {
    let found = finder.look()?;
    let mut round =
        Round { refused: !found.doubts.is_empty() || !found.spared.is_empty(), ..Round::default() };
    for (pid, why) in &found.doubts {
        finder.voice.warn(&format!("it can't be told whether {pid} is meant ({why}): not signalled"));
    }
    for pid in &found.spared {
        finder.voice.warn(&format!("{pid} is an ancestor of this command: not signalled"));
    }
    // The oracle takes the last one first.
    for pid in found.pids.iter().rev() {
        if finder.command.test {
            match protected(*pid).filter(|_| number != 0) {
                Some(why) => {
                    round.refused = true;
                    failed(finder, &mut round, *pid, number, &format!("process {pid}: {why}"));
                }
                None => {
                    finder.voice.say(&format!("Would send signal {number} to {pid}.\n"));
                    round.signalled.push(pid.0);
                }
            }
            continue;
        }
        match send(finder, *pid, number) {
            Ok(()) => round.signalled.push(pid.0),
            Err(Unsent::Another) => {}
            Err(Unsent::Failed(why)) => failed(finder, &mut round, *pid, number, &why),
            Err(Unsent::Refused(why)) => {
                round.refused = true;
                failed(finder, &mut round, *pid, number, &why);
            }
        }
    }
    if let Some(pid) = found.gone.filter(|_| !finder.command.test) {
        failed(finder, &mut round, pid, number, "No such process");
    }
    round.signalled.sort_unstable();
    Ok(round)
}

fn failed(finder: &Finder<'_>, round: &mut Round, pid: Pid, number: i32, why: &str) {
    round.failed += 1;
    if number != 0 {
        finder.voice.warn(&format!("failed to kill {pid}: {why}"));
    }
}

/// Holds the process, asks again whether it is meant, and then sends. Signal 0 is a question, and may be asked of everybody.
fn send(finder: &Finder<'_>, pid: Pid, number: i32) -> Result<(), Unsent> {
    if number == 0 {
        return signallable(pid).map(|_| ()).ok_or_else(|| Unsent::Failed(String::new()));
    }
    // A zombie takes every signal, and nothing comes of it.
    if finder.command.is_strict() && finder.live.glance.alive(pid) == Fact::Known(false) {
        return Ok(());
    }
    let key = match process_key(pid) {
        Fact::Known(key) => key,
        Fact::Absent => return Err(Unsent::Failed("No such process".into())),
        Fact::Unknown(reason) => return Err(Unsent::Refused(reason.to_string())),
    };
    let mut another = false;
    let target = verify(&key, || {
        let still = finder.still(pid);
        another = still == Fact::Known(false);
        still
    });
    let target = match target {
        Ok(target) => target,
        Err(_) if another => return Err(Unsent::Another),
        Err(Outcome::Refused { error }) => return Err(Unsent::Refused(error)),
        Err(_) => return Err(Unsent::Failed("No such process".into())),
    };
    target.send_number(number).map_err(|error| Unsent::Failed(io_text(&error)))
}

/// Waits until nothing matches that could be signalled. How many are left at the end.
fn wait(finder: &Finder<'_>, seconds: i32) -> Result<usize, Fault> {
    let until = deadline(Duration::from_secs(seconds.unsigned_abs().into()));
    loop {
        let held: Vec<OwnedFd> = finder.look()?.pids.into_iter().filter_map(signallable).collect();
        if held.is_empty() {
            return Ok(0);
        }
        let rest = left(until);
        if rest.is_zero() {
            return Ok(held.len());
        }
        let mut places: Vec<PollFd<'_>> =
            held.iter().map(|pidfd| PollFd::new(pidfd, PollFlags::IN)).collect();
        // A pidfd can be read as soon as its process has exited, waited for or not.
        if poll(&mut places, Some(&timespec(rest.min(LOOK_AGAIN)))).is_ok_and(|ready| ready > 0) {
            pause(PAUSE.min(rest));
        }
    }
}

/// A descriptor of the process, if it could be signalled.
fn signallable(pid: Pid) -> Option<OwnedFd> {
    let pidfd = pidfd_open(rustix::process::Pid::from_raw(pid.0)?, PidfdFlags::empty()).ok()?;
    send_number(&pidfd, 0).is_ok().then_some(pidfd)
}

fn summary(finder: &Finder<'_>, round: &Round, before: u32) {
    if !round.signalled.is_empty() && !finder.command.test {
        finder.voice.tell(&texts::stopped(finder.command, &round.signalled, before));
    }
}

/// The schedule ended well. The pid file goes, also if nothing was running, but not if it may name something that lives on because of
/// a rule of ours.
fn finish(finder: &Finder<'_>, any: bool, refused: bool) -> Result<u8, Fault> {
    let command = finder.command;
    if let Some(path) =
        command.target.pidfile.filter(|_| command.stop.remove_pidfile && !command.test && !refused)
    {
        pidfile::remove(Path::new(OsStr::from_bytes(path))).map_err(|error| {
            Fault::Trouble(format!("cannot remove pidfile '{}' ({})", texts::show(path), io_text(&error)))
        })?;
    }
    if any {
        return Ok(DONE);
    }
    finder.voice.say(&format!("No {} found running; none killed.\n", texts::what(&command.target)));
    Ok(if command.oknodo { DONE } else { NOTHING_DONE })
}
