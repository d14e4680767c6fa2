//! Waiting until processes have exited, each known by its pidfd.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Descriptors that are needed besides those of the processes.
const OTHERS: u64 = 64;

/// Makes room for so many descriptors, as far as the hard limit allows. Without it the ones that find no room are
/// refused one by one.
pub fn make_room(processes: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(processes).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let Some(current) = limit.current.filter(|current| *current < wanted) else { return };
    limit.current = Some(limit.maximum.map_or(wanted, |most| wanted.min(most)).max(current));
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Waits until all have exited or the time is over. One answer for each: whether it has exited. A zombie has.
pub fn wait_for_exits(processes: &[impl AsFd], limit: Option<Duration>) -> Vec<bool> {
    let begin = Instant::now();
    let mut exited = vec![false; processes.len()];
    loop {
        let waiting: Vec<usize> =
            exited.iter().enumerate().filter(|(_, over)| !**over).map(|(at, _)| at).collect();
        let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
        if waiting.is_empty() {
            return exited;
        }
        let mut fds: Vec<PollFd<'_>> = waiting
            .iter()
            .filter_map(|at| processes.get(*at))
            .map(|process| PollFd::new(process, PollFlags::IN))
            .collect();
        match poll(&mut fds, left.map(timespec).as_ref()) {
            Ok(0) => return exited,
            Ok(_) => {
                for (at, fd) in waiting.iter().zip(&fds) {
                    if let Some(over) = exited.get_mut(*at) {
                        *over = !fd.revents().is_empty();
                    }
                }
            }
            Err(Errno::INTR) => {}
            // A limit of the kernel: what is known so far is the answer.
            Err(_) => return exited,
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}
