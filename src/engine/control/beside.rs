//! Calls whose answer is read from disk: that is done beside the loop, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::host::aside::{Job, Progress, Workers};
use crate::host::control::{Bell, EventsWanted, HistoryWanted, Refusal, Reply, Token, ToldEvents};
use crate::host::errno::io_text;
use crate::host::history;
use crate::host::state_dir::Dirs;

/// What is read.
#[derive(Debug)]
pub(super) enum Wanted {
    /// The record of events.
    Events(EventsWanted),
    /// The sets that were in force.
    History(HistoryWanted),
}

/// A call, and its answer as far as it is.
#[derive(Debug)]
struct Call {
    token: Token,
    id: u64,
    wanted: Arc<Wanted>,
    job: Option<Job<Reply>>,
}

/// Such calls, in the order in which they came.
#[derive(Debug)]
pub(super) struct Beside {
    workers: Workers,
    calls: VecDeque<Call>,
}

/// An answer that is ready.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) token: Token,
    pub(super) id: u64,
    pub(super) reply: Reply,
    /// More follows.
    pub(super) follows: bool,
}

impl Default for Beside {
    fn default() -> Self {
        Self { workers: Workers::new(1), calls: VecDeque::new() }
    }
}

impl Beside {
    /// One more. Whoever made it makes no other until it is answered, so that there are no more of them than connections.
    pub(super) fn push(&mut self, token: Token, id: u64, wanted: Wanted) {
        self.calls.push_back(Call { token, id, wanted: Arc::new(wanted), job: None });
    }

    /// Begins what can be begun, and gives what is ready. The bell rings when there is more.
    pub(super) fn go_on(&mut self, dirs: &Dirs, bell: &Bell) -> Vec<Ready> {
        let mut ready = Vec::new();
        loop {
            let Some(call) = self.calls.front_mut() else { return ready };
            let reply = match &call.job {
                None if self.workers.are_busy() => return ready,
                None => match begin(&self.workers, &call.wanted, dirs, bell) {
                    Ok(job) => {
                        call.job = Some(job);
                        return ready;
                    }
                    Err(sentence) => Reply::Refused(Refusal::Failed(sentence)),
                },
                Some(job) => match job.progress(Duration::ZERO, Duration::MAX) {
                    Progress::Done(reply) => reply,
                    Progress::Working => return ready,
                    Progress::Over | Progress::Lost => {
                        Reply::Refused(Refusal::Failed("the answer couldn't be made".into()))
                    }
                },
            };
            if let Some(Call { token, id, wanted, .. }) = self.calls.pop_front() {
                let follows = matches!(&*wanted, Wanted::Events(EventsWanted { follow: true, .. }));
                ready.push(Ready { token, id, follows: follows && matches!(reply, Reply::Events(_)), reply });
            }
        }
    }
}

fn begin(workers: &Workers, wanted: &Arc<Wanted>, dirs: &Dirs, bell: &Bell) -> Result<Job<Reply>, String> {
    let (wanted, dirs, bell) = (Arc::clone(wanted), dirs.clone(), bell.clone());
    workers.begin(move || read(&wanted, &dirs), move || bell.ring()).map_err(|error| io_text(&error))
}

fn read(wanted: &Wanted, dirs: &Dirs) -> Reply {
    match wanted {
        Wanted::Events(wanted) => match crate::host::events::read(dirs) {
            Ok((mut events, unread)) => {
                events.retain(|recorded| wanted.takes(recorded));
                Reply::Events(ToldEvents { events, unread, missed: 0 })
            }
            Err(error) => {
                let text = format!("`{}` can't be read: {}", dirs.events().display(), io_text(&error));
                Reply::Refused(Refusal::Failed(text))
            }
        },
        Wanted::History(HistoryWanted { number }) => match history::told(dirs, *number) {
            Ok(history) => Reply::History(history),
            Err(sentence) => Reply::Refused(Refusal::Impossible(vec![sentence])),
        },
    }
}
