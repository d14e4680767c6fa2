//! Asking a watch on its control socket: reaching it, being told the status of objects, and answers that are none.

use std::time::Duration;

use super::exit::Exit;
use super::terminal::Terminal;
use crate::host::control::{Ask, Line, LineError, Refusal, Reply, Told};
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::{suspended, watcher};
use crate::host::state_dir::Dirs;
use crate::plan::wanted::Objects;
use crate::report::printable;
use crate::units::Pid;

/// After so long it is said what is waited for.
const SOON: Duration = Duration::from_secs(2);

/// Connects to the watch that there is; one that has just begun may not listen yet.
pub(super) fn reach(dirs: &Dirs, patience: &Patience) -> Result<Line, LineError> {
    loop {
        match Line::connect(dirs, patience.left()) {
            Err(LineError::Nobody) if !patience.is_over() && watcher(dirs).is_some() => patience.pause(PAUSE),
            answer => return answer,
        }
    }
}

/// Somebody who is told the status of objects, over more than one connection if need be.
pub(super) struct Follower {
    pub line: Option<Line>,
    pub following: bool,
    pub objects: Objects,
}

impl Follower {
    /// The status now, and the next time when it has changed.
    pub(super) fn next(&mut self, dirs: &Dirs, patience: &Patience) -> Result<Told, LineError> {
        let answer = self.hear(dirs, patience);
        if answer.is_err() {
            (self.line, self.following) = (None, false);
        }
        answer
    }

    fn hear(&mut self, dirs: &Dirs, patience: &Patience) -> Result<Told, LineError> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => reach(dirs, patience)?,
        };
        let reply = if self.following {
            line.next(patience.left())
        } else {
            line.ask(Ask::Follow(self.objects.clone()), patience.left())
        };
        let told = match reply? {
            Reply::Status(told) => told,
            other => return Err(unexpected(&other)),
        };
        (self.line, self.following) = (Some(line), true);
        Ok(told)
    }
}

/// An answer to another question.
pub(super) fn unexpected(reply: &Reply) -> LineError {
    LineError::Failed(format!("the answer is another one than was asked for: {reply:?}"))
}

/// Has the watch do something, and says what is waited for where that takes longer.
pub(super) fn put_to(
    line: &mut Line,
    ask: Ask,
    patience: &Patience,
    (dirs, terminal): (&Dirs, Terminal),
) -> Result<Reply, LineError> {
    line.call(crate::host::caller(), ask, patience.left())?;
    match line.next(patience.left().min(SOON)) {
        Err(LineError::Late) if !patience.is_over() => {}
        answer => return answer,
    }
    let pid = watcher(dirs).map_or_else(String::new, |watch| format!(" (pid {})", watch.pid));
    let held = suspended(dirs).map_or_else(String::new, |pid| format!("; {}", of_suspended(pid)));
    terminal.say(&format!("waiting for the watch{pid}, which holds the state and hasn't answered yet{held}"));
    line.next(patience.left())
}

/// What is to be said of an error, with what can be done about it.
pub(super) fn words(error: &LineError, dirs: &Dirs) -> String {
    match suspended(dirs).filter(|_| matches!(error, LineError::Late)) {
        Some(pid) => format!("{error}: {}", of_suspended(pid)),
        None => error.to_string(),
    }
}

fn of_suspended(pid: Pid) -> String {
    format!("it is suspended by a signal; `kill -CONT {pid}` lets it go on")
}

/// Says why it isn't done.
pub(super) fn refused(error: &LineError, dirs: &Dirs, terminal: Terminal) -> Exit {
    match error {
        LineError::Refused(refusal) => {
            for sentence in refusal.sentences() {
                terminal.say(&format!("error: {}", printable(sentence)));
            }
            match refusal {
                Refusal::Busy(_) => Exit::HeldByOther,
                Refusal::Malformed(_)
                | Refusal::Version(_)
                | Refusal::Forbidden(_)
                | Refusal::Impossible(_)
                | Refusal::Failed(_) => Exit::Failed,
            }
        }
        LineError::Nobody | LineError::Ended | LineError::Late | LineError::Failed(_) => {
            terminal.say(&format!("error: {}", words(error, dirs)));
            Exit::Failed
        }
    }
}
