//! Asking a watch on its control socket: reaching it, being told the status of objects, and answers that are none.

use super::exit::Exit;
use super::terminal::Terminal;
use crate::host::control::{Ask, Line, LineError, Refusal, Reply, Told};
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::plan::wanted::Objects;
use crate::report::printable;

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

/// Says why it isn't done.
pub(super) fn refused(error: &LineError, terminal: Terminal) -> Exit {
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
            terminal.say(&format!("error: {error}"));
            Exit::Failed
        }
    }
}
