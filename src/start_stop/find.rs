//! Which processes are meant, now. A look decides nothing; what can't be told is told as such.
//!
//! ```text
//!  --pid N -----------------> N                \
//!  --pidfile F --trusted?---> the number in it  > criteria -> --interpreted, --match -> found, or in doubt
//!  neither -----------------> everybody but us /                \-> by a scan: no ancestor by accident, no container's
//! ```

mod evidence;

use std::cell::{Cell, OnceCell};

use super::command::Command;
use super::criteria::{Criteria, reasons};
use super::fault::Fault;
use super::live::Live;
use super::more::More;
use super::numbers;
use super::options::Action;
use super::texts::show;
use super::voice::Voice;
use crate::facts::{Fact, Reason, Why};
use crate::host::errno::io_text;
use crate::host::pidfile::Content;
use crate::process::identity::Ternary;
use crate::units::Pid;

/// What a look came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// All that is asked for holds, ascending.
    pub pids: Vec<Pid>,
    /// It can't be told, and why.
    pub doubts: Vec<(Pid, String)>,
    /// What `--status` says.
    pub state: State,
    /// The pid file or `--pid` names it, nothing else was asked for, and it is no more.
    pub gone: Option<Pid>,
    /// Something matched that must never be signalled by accident.
    pub spared: Vec<Pid>,
}

/// What `--status` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Something was found.
    Running,
    /// There is a pid file, and it names nobody who is meant.
    DeadPidfile,
    /// Nothing was found.
    Dead,
    /// It can't be told.
    Unknown,
}

/// Looks.
#[derive(Debug)]
pub struct Finder<'a> {
    pub(super) command: &'a Command<'a>,
    pub(super) criteria: &'a Criteria,
    pub(super) live: Live,
    pub(super) voice: &'a Voice,
    more: Option<More>,
    /// The pid file is read once in a run.
    content: OnceCell<Option<Content>>,
    /// It was said that its number can't be one.
    warned: Cell<bool>,
}

/// What one process is.
enum Is {
    Meant,
    Another,
    InDoubt(Vec<Reason>),
}

impl<'a> Finder<'a> {
    /// For this command on this host.
    ///
    /// # Errors
    /// `--match` is wrong.
    pub fn new(
        command: &'a Command<'a>,
        criteria: &'a Criteria,
        live: Live,
        voice: &'a Voice,
    ) -> Result<Self, Fault> {
        let more = More::new(command, criteria)?;
        Ok(Self { command, criteria, live, voice, more, content: OnceCell::new(), warned: Cell::new(false) })
    }

    /// Looks now.
    ///
    /// # Errors
    /// A pid file that can't be opened or trusted; no `/proc`.
    pub fn look(&self) -> Result<Found, Fault> {
        if let Some(pid) = self.criteria.pid {
            return self.one(pid, State::Dead);
        }
        match self.command.target.pidfile {
            Some(path) => self.by_pidfile(path),
            None => self.scan(),
        }
    }

    fn by_pidfile(&self, path: &[u8]) -> Result<Found, Fault> {
        let Some(content) = self.content(path)? else { return Ok(Found::nothing(State::Dead)) };
        match content.text.as_deref().and_then(numbers::scanned) {
            Some(Ok(number)) => self.one(Pid(number), State::DeadPidfile),
            Some(Err(number)) => {
                if !self.warned.replace(true) {
                    self.voice.warn(&format!(
                        "pidfile '{}' holds {number}, which is no process; nothing is found by it",
                        show(path)
                    ));
                }
                Ok(Found::nothing(State::Unknown))
            }
            None => Ok(Found::nothing(State::Unknown)),
        }
    }

    /// The one process that is named.
    fn one(&self, pid: Pid, otherwise: State) -> Result<Found, Fault> {
        match self.ask(pid)? {
            Is::Meant => Ok(Found { pids: vec![pid], ..Found::nothing(State::Running) }),
            Is::InDoubt(why) => {
                Ok(Found { doubts: vec![(pid, reasons(&why))], ..Found::nothing(State::Unknown) })
            }
            Is::Another => {
                let target = &self.command.target;
                let bare = target.user.is_none() && target.ppid.is_none() && !target.says_what_it_is();
                let over = matches!(self.live.glance.alive(pid), Fact::Known(false) | Fact::Absent);
                Ok(Found { gone: (bare && over).then_some(pid), ..Found::nothing(otherwise) })
            }
        }
    }

    /// Whether a process that is named is meant, now. Under a pidfd the answer is of the process that is held.
    pub fn still(&self, pid: Pid) -> Fact<bool> {
        match self.ask(pid) {
            Ok(Is::Meant) => Fact::Known(true),
            Ok(Is::Another) => Fact::Known(false),
            Ok(Is::InDoubt(why)) => {
                why.into_iter().next().map_or(Fact::unknown(Why::Unresolved), Fact::Unknown)
            }
            Err(_) => Fact::unknown(Why::Unresolved),
        }
    }

    fn ask(&self, pid: Pid) -> Result<Is, Fault> {
        // A number that has come to be ours isn't the program's any more.
        if pid == self.live.glance.me() || self.is_nobody(pid) {
            return Ok(Is::Another);
        }
        let cheap = self.cheap(pid);
        let all = match (&self.more, cheap) {
            (Some(more), cheap) if cheap != Ternary::False => {
                more.ask(&[pid])?.into_iter().fold(cheap, super::more::both)
            }
            (_, cheap) => cheap,
        };
        Ok(match all {
            Ternary::True if self.is_recycled(pid)? => Is::Another,
            Ternary::True => Is::Meant,
            Ternary::False if self.is_hidden(pid) => {
                Is::InDoubt(vec![Reason::new(Why::Denied, format!("{pid} is hidden"))])
            }
            Ternary::False => Is::Another,
            Ternary::Unknown(why) => Is::InDoubt(why),
        })
    }

    /// The criteria, with what speaks for and against it where the image can't be seen.
    fn cheap(&self, pid: Pid) -> Ternary {
        self.weighed(pid, self.criteria.holds(&self.live, pid))
    }

    fn weighed(&self, pid: Pid, answer: Ternary) -> Ternary {
        match answer {
            Ternary::Unknown(why) if !self.may_be(pid, &why) => Ternary::False,
            answer => answer,
        }
    }

    fn scan(&self) -> Result<Found, Fault> {
        let listing = |error: &std::io::Error| {
            Fault::Trouble(format!("nothing in /proc - not mounted? ({})", io_text(error)))
        };
        let me = self.live.glance.me();
        let (mut found, mut doubts) = (Vec::new(), Vec::new());
        let listed = self.live.glance.pids().map_err(|error| listing(&error))?;
        for (pid, answer) in self.live.all(self.criteria, &listed) {
            match self.weighed(pid, answer) {
                _ if pid == me => {}
                Ternary::True => found.push((pid, Vec::new())),
                Ternary::Unknown(why) if self.more.is_some() => found.push((pid, why)),
                Ternary::Unknown(why) => doubts.push((pid, reasons(&why))),
                Ternary::False => {}
            }
        }
        let found = self.ask_more(found, &mut doubts)?;
        let (pids, spared) = self.without_accidents(found);
        if pids.is_empty() && doubts.is_empty() && self.listing_is_short() {
            doubts.push((Pid(0), "processes of other users are hidden (hidepid)".into()));
        }
        let state = match (pids.is_empty(), doubts.is_empty()) {
            (false, _) => State::Running,
            (true, true) => State::Dead,
            (true, false) => State::Unknown,
        };
        Ok(Found { pids, doubts, state, gone: None, spared })
    }

    fn ask_more(
        &self,
        found: Vec<(Pid, Vec<Reason>)>,
        doubts: &mut Vec<(Pid, String)>,
    ) -> Result<Vec<Pid>, Fault> {
        let Some(more) = &self.more else { return Ok(found.into_iter().map(|(pid, _)| pid).collect()) };
        let pids: Vec<Pid> = found.iter().map(|(pid, _)| *pid).collect();
        let mut meant = Vec::new();
        for ((pid, why), answer) in found.into_iter().zip(more.ask(&pids)?) {
            let cheap = if why.is_empty() { Ternary::True } else { Ternary::Unknown(why) };
            match super::more::both(cheap, answer) {
                Ternary::True => meant.push(pid),
                Ternary::Unknown(why) if why.iter().any(|reason| reason.why == Why::Vanished) => {}
                Ternary::Unknown(why) => doubts.push((pid, reasons(&why))),
                Ternary::False => {}
            }
        }
        Ok(meant)
    }

    /// Without those that a scan finds although nobody means them: processes of containers, and those that we were started by, unless
    /// it is for a start or a status and they do execute the program. The second list: ancestors that matched.
    fn without_accidents(&self, found: Vec<Pid>) -> (Vec<Pid>, Vec<Pid>) {
        if found.is_empty() || self.command.is_strict() {
            return (found, Vec::new());
        }
        let ancestors = self.live.glance.ancestors();
        let counts = self.command.action != Action::Stop && self.criteria.exec.is_some();
        let outside = |pid: Pid| self.live.glance.in_own_namespace(pid) == Fact::Known(false);
        let own: Vec<Pid> = found.into_iter().filter(|pid| !outside(*pid)).collect();
        if counts {
            return (own, Vec::new());
        }
        own.into_iter().partition(|pid| !ancestors.contains(pid))
    }
}

impl Found {
    fn nothing(state: State) -> Self {
        Self { pids: Vec::new(), doubts: Vec::new(), state, gone: None, spared: Vec::new() }
    }

    /// The doubts in one line.
    pub fn doubt(&self) -> String {
        let one = |(pid, why): &(Pid, String)| if pid.0 > 0 { format!("{pid}: {why}") } else { why.clone() };
        self.doubts.iter().take(5).map(one).collect::<Vec<_>>().join("; ")
    }
}
