//! Signals that wait between them, as deadlines.
//!
//! ```text
//!  written down --> proof, first signal --> written down --> wait ---> proof, next signal ... --> it exited, or it stayed
//!                                                            |  ^
//!                                              engine dies --+--+-- the next engine reads what was written down
//! ```
//!
//! A course that is read from the file goes on only in the boot that it was written in, while its policy is in force and
//! still asks for it. A crash in between leads to one signal more than once at the worst, never to one that nobody meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hook::Run;
use super::parts::Parts;
use super::proof::prove;
use super::{Done, Ended, Occasion, Still, Why};
use crate::facts::ProcessKey;
use crate::host::atomic;
use crate::host::errno::io_text;
use crate::host::exits::Life;
use crate::host::failpoint;
use crate::host::signal::Target;
use crate::plan::action::Outcome;
use crate::plan::exit_words;
use crate::plan::policy::PolicyStep;
use crate::spec::ServiceName;
use crate::spec::policy::{Policy, PolicyAction};
use crate::units::{BootId, BootTime, Signal, format_duration};

/// How what belongs to no Service is stopped.
const STOP: [(Signal, Duration); 2] =
    [(Signal::TERM, Duration::from_secs(30)), (Signal::KILL, Duration::from_secs(10))];
/// No more courses at a time.
const COURSES_MAX: usize = 256;
/// What can't be told is asked again after so long, so often.
const ASK_AGAIN: Duration = Duration::from_secs(1);
const DOUBTS_MAX: u32 = 30;
const FILE_BYTES_MAX: u64 = 4 << 20;

/// What policies have begun.
#[derive(Debug)]
pub(in crate::host) struct Acting {
    file: PathBuf,
    courses: Vec<Course>,
    /// Commands that run.
    pub(super) runs: Vec<Run>,
    /// Commands begun so far, which tells them apart.
    pub(super) begun: u64,
}

/// Signals to one process.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Course {
    policy: ServiceName,
    key: ProcessKey,
    owner: Option<ServiceName>,
    action: PolicyAction,
    /// Signals that were sent.
    sent: usize,
    /// When the next one comes, or the end.
    due: BootTime,
    /// How often it couldn't be told whether the next may be sent.
    #[serde(default)]
    doubts: u32,
}

impl Acting {
    /// What the last engine of this boot left; nothing without a boot, for who only looks.
    pub(in crate::host) fn load(file: PathBuf, boot: Option<&BootId>) -> Self {
        let own = rustix::process::geteuid().as_raw();
        let read = boot.and_then(|_| atomic::read(&file, &[0, own], FILE_BYTES_MAX).ok());
        // What can't be read is no course: signals that nobody can name the ground of are not sent.
        let mut courses: Vec<Course> =
            read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        courses.retain(|course| Some(&course.key.boot) == boot);
        courses.truncate(COURSES_MAX);
        Self { file, courses, runs: Vec::new(), begun: 0 }
    }

    /// When something is due.
    pub(in crate::host) fn deadline(&self) -> Option<BootTime> {
        self.courses.iter().map(|course| course.due).min()
    }

    /// Nothing is waited for.
    pub(in crate::host) fn is_idle(&self) -> bool {
        self.courses.is_empty() && self.runs.is_empty()
    }

    /// The processes whose exit is waited for.
    pub(in crate::host) fn keys(&self) -> BTreeSet<ProcessKey> {
        self.courses.iter().map(|course| course.key.clone()).collect()
    }

    /// The commands that are still asked about.
    pub(in crate::host) fn nonces(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().map(|run| run.nonce.as_str())
    }

    fn save(&self) -> Result<(), Why> {
        let refused =
            |text: String| Why::Refused(format!("`{}` can't be written: {text}", self.file.display()));
        if self.courses.is_empty() {
            return match std::fs::remove_file(&self.file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(refused(io_text(&error))),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let bytes = serde_json::to_vec(&self.courses).map_err(|error| refused(error.to_string()))?;
        atomic::write(&self.file, &bytes, 0o600).map_err(|error| refused(io_text(&error)))
    }
}

/// Sends the first signal; what follows is a course.
pub(super) fn begin(
    parts: &mut Parts<'_>,
    step: &PolicyStep,
    key: &ProcessKey,
    occasion: Occasion<'_>,
) -> Result<Done, Why> {
    let course = Course {
        policy: occasion.policy.name.clone(),
        key: key.clone(),
        owner: step.owner.clone(),
        action: step.action.clone(),
        sent: 0,
        due: crate::host::clock::now().boot,
        doubts: 0,
    };
    let Some((first, wait)) = course.next() else { return Err(Why::Refused("no signal is given".into())) };
    if let Some(other) = parts.acting.courses.iter().find(|other| other.key == *key) {
        let text = format!("the signals of `{}` to it are under way", other.policy);
        return Err(Why::Refused(text));
    }
    let is_single = course.schedule().len() == 1 && wait.is_zero();
    if !is_single && parts.acting.courses.len() >= COURSES_MAX {
        return Err(Why::Refused(format!(
            "the signals of policies to {COURSES_MAX} processes are under way"
        )));
    }
    let target = prove(parts.world, key, occasion.policy, occasion.still)?;
    if is_single {
        send(&target, first)?;
        return Ok(Done::Done(format!("{first} was sent")));
    }
    // Before the signal: what it leads to is known to the next engine also if this one dies in between.
    parts.acting.courses.push(course);
    let sent = parts.acting.save().and_then(|()| send(&target, first));
    let Some(mut course) = parts.acting.courses.pop() else { return Ok(Done::Said) };
    if let Err(why) = sent {
        let _ = parts.acting.save();
        return Err(why);
    }
    course.sent(wait);
    let said = course.outlook(first, wait);
    // Its exit wakes the loop from now on.
    let _ = parts.exits.life(key, parts.waker);
    parts.acting.courses.push(course);
    // If it can't be written any more, the next engine would send the first once more.
    let _ = parts.acting.save();
    Ok(Done::Begun(said))
}

/// Sends what is due, and says what ended.
pub(super) fn go_on(
    parts: &mut Parts<'_>,
    in_force: &BTreeMap<ServiceName, Arc<Policy>>,
    still: &Still<'_>,
    now: BootTime,
) -> Vec<Ended> {
    if parts.acting.courses.is_empty() {
        return Vec::new();
    }
    let before = parts.acting.courses.clone();
    let mut ended = Vec::new();
    for mut course in std::mem::take(&mut parts.acting.courses) {
        match course.advance(parts, in_force, still, now) {
            None => parts.acting.courses.push(course),
            Some(outcome) => ended.push(Ended {
                policy: course.policy,
                process: Some(course.key),
                action: course.action,
                outcome,
            }),
        }
    }
    if parts.acting.courses != before {
        let _ = parts.acting.save();
    }
    ended
}

impl Course {
    fn schedule(&self) -> &[(Signal, Duration)] {
        match &self.action {
            PolicyAction::Signal(schedule) => schedule,
            PolicyAction::Stop => &STOP,
            PolicyAction::Report
            | PolicyAction::Exec(_)
            | PolicyAction::Renice(_)
            | PolicyAction::SetLimit(_)
            | PolicyAction::Move(_)
            | PolicyAction::Restart => &[],
        }
    }

    fn next(&self) -> Option<(Signal, Duration)> {
        self.schedule().get(self.sent).copied()
    }

    /// The last signal that was sent, and how long it was waited for.
    fn last(&self) -> Option<(Signal, Duration)> {
        self.schedule().get(self.sent.checked_sub(1)?).copied()
    }

    /// A signal was sent just now.
    fn sent(&mut self, wait: Duration) {
        self.sent += 1;
        self.doubts = 0;
        self.due = crate::host::clock::now().boot.after(wait);
    }

    fn outlook(&self, sent: Signal, wait: Duration) -> String {
        match self.next() {
            Some((next, _)) => format!("{sent} was sent; {next} follows in {}", format_duration(wait)),
            None => format!("{sent} was sent"),
        }
    }

    /// How it ended, if it did.
    fn advance(
        &mut self,
        parts: &mut Parts<'_>,
        in_force: &BTreeMap<ServiceName, Arc<Policy>>,
        still: &Still<'_>,
        now: BootTime,
    ) -> Option<Result<String, Why>> {
        let last = self.last();
        let after = last.map_or_else(String::new, |(signal, _)| format!(" after {signal}"));
        if let Life::Gone(exit) = parts.exits.life(&self.key, parts.waker) {
            return Some(Ok(format!("{}{after}", exit_words(&exit))));
        }
        let policy = in_force.get(&self.policy).filter(|policy| self.is_asked_for(policy));
        let Some(policy) = policy else {
            return Some(Err(Why::Refused("the policy no longer asks for it".into())));
        };
        if self.due > now {
            return None;
        }
        let Some((signal, wait)) = self.next() else {
            let wait = last.map_or(Duration::ZERO, |(_, wait)| wait);
            let text = format!("it still runs, {}{after}", format_duration(wait));
            return Some(if wait.is_zero() {
                Ok("that was the last signal".into())
            } else {
                Err(Why::Refused(text))
            });
        };
        let sent = prove(parts.world, &self.key, policy, still).and_then(|target| send(&target, signal));
        match sent {
            Ok(()) => {
                self.sent(wait);
                None
            }
            Err(Why::Unknown(_)) if self.doubts < DOUBTS_MAX => {
                self.doubts += 1;
                self.due = now.after(ASK_AGAIN);
                None
            }
            // Its exit is seen in the next turn, which it causes.
            Err(Why::Gone) => Some(Ok(format!("it is gone{after}"))),
            Err(why) => Some(Err(why)),
        }
    }

    /// The document may be another one by now, or only say what it would do.
    fn is_asked_for(&self, policy: &Policy) -> bool {
        let acts = match policy.dry_run {
            Some(dry) => !dry,
            None => self.owner.is_some(),
        };
        acts && policy.actions.contains(&self.action)
    }
}

fn send(target: &Target, signal: Signal) -> Result<(), Why> {
    if let Err(error) = failpoint::hit("signal.send") {
        return Err(Why::Refused(io_text(&error)));
    }
    let outcome = target.send(signal);
    let _ = failpoint::hit("signal.sent");
    match outcome {
        Outcome::Gone => Err(Why::Gone),
        Outcome::Refused { error } => Err(Why::Refused(error)),
        Outcome::Done | Outcome::Started(_) | Outcome::StartFailed { .. } | Outcome::NotLive { .. } => Ok(()),
    }
}
