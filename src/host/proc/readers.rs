//! Reads that may never end, kept off the main thread.
//!
//! `cmdline`, `environ` and `mem` take the memory lock of the process that is looked at. Behind a page fault on
//! a dead file server that lock is held for ever, and the wait can't be interrupted. So these reads are handed to
//! a helper thread and waited for no longer than a deadline. A helper that is late is left behind (it
//! ends when the kernel lets it go) and replaced; when [`MOST_STUCK`] are left behind, no more are risked.
//!
//! Cost of handing over: a look asks for many such reads in a row, so both sides spin for [`SPIN`] before they sleep:
//! the helper for the next job, the caller for the answer. Measured over 2 000 processes on two
//! processors: 12.5 µs for the arguments of one, of which the hand-over is about 1 µs; 45 to 67 µs if both sides
//! sleep at once, and even the processor time is a quarter higher then, since waking is a system call on each side.
//! With one processor spinning would only keep the other side from running, so there both do sleep at once. The
//! alternative was to read in batches; that reads arguments that nobody asks for.
//!
//! A deadline is for what the kernel keeps waiting. A helper that only waits for a processor isn't stuck, so on a busy machine it is
//! waited for longer ([`BUSY`]), as long as it hasn't used up its time on one.

use std::fmt;
use std::hint::spin_loop;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::spawn::keep_alone;

/// How many helpers may be stuck at the same time.
pub const MOST_STUCK: usize = 8;
/// Longer than what an evaluation does between two reads.
const SPIN: Duration = Duration::from_micros(60);

/// How much longer than its deadline a helper is waited for that only needs a processor.
const BUSY: Duration = Duration::from_secs(5);
/// Between two looks at what such a helper does.
const STEP: Duration = Duration::from_millis(5);

/// Work, and how long the helper looks for more of it before it sleeps.
struct Job {
    work: Box<dyn FnOnce() + Send>,
    spin: Duration,
}

/// The helper threads of an engine, kept from look to look.
pub struct Readers {
    current: Mutex<Option<Sender<Job>>>,
    stuck: Arc<AtomicUsize>,
    /// How long each side looks for the other before it sleeps.
    spin: Duration,
    /// The only descriptor that the helpers have, in tables of their own.
    kept: Option<RawFd>,
}

impl Default for Readers {
    fn default() -> Self {
        // The standard library's count also reads the cgroup's quota, twelve system calls that every start would pay for.
        let several = rustix::thread::sched_getaffinity(None).is_ok_and(|mine| mine.count() > 1);
        let spin = if several { SPIN } else { Duration::ZERO };
        Self { current: Mutex::default(), stuck: Arc::default(), spin, kept: None }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("stuck", &self.stuck()).finish_non_exhaustive()
    }
}

/// Where an answer is left, or found to be no longer wanted.
enum Answer<T> {
    Awaited,
    Given(T),
    TooLate,
}

/// Work under way.
pub struct Begun<T>(Arc<Slot<T>>);

impl<T> Begun<T> {
    /// Whether the answer is there already.
    pub(super) fn is_done(&self) -> bool {
        self.0.given.load(Ordering::Acquire)
    }
}

impl<T> fmt::Debug for Begun<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun")
    }
}

struct Slot<T> {
    answer: Mutex<Answer<T>>,
    given: AtomicBool,
    bell: Condvar,
    /// The thread that works on it, 0 before it has begun.
    helper: AtomicI32,
}

/// In place of a thread: nobody works on it any more.
const TAKEN_BACK: i32 = -1;

impl Readers {
    /// None running yet: the first one starts with the first read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Helpers that read below one directory and have nothing else open. The kernel takes no locks for a table that is not shared:
    /// two threads read the arguments of 1 000 processes in 3.05 ms with one each and in 3.5 ms with one for both.
    pub(super) fn below(directory: &OwnedFd) -> Self {
        Self { kept: Some(directory.as_raw_fd()), ..Self::default() }
    }

    /// How many helpers did not come back in time and are still away.
    pub fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Relaxed)
    }

    /// Runs `work` on a helper. `None` if it took longer than `deadline`, or if no helper can be had.
    pub fn run<T: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let begun = self.hand_over(work, self.spin)?;
        self.wait(&begun, deadline, self.spin.min(deadline))
    }

    /// Whether a helper has a processor beside ours.
    pub(super) fn have_company(&self) -> bool {
        !self.spin.is_zero()
    }

    /// Begins `work` on a helper, for an answer that is asked for later: [`Readers::finish`] must be called with it, unless it can't block.
    /// Meant for work of some length, so nobody spins. `None` if no helper can be had.
    pub fn begin<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<Begun<T>> {
        self.hand_over(work, Duration::ZERO)
    }

    /// The answer of what was begun. `None` if it isn't there within `deadline` from now on.
    pub fn finish<T>(&self, begun: &Begun<T>, deadline: Duration) -> Option<T> {
        self.wait(begun, deadline, Duration::ZERO)
    }

    /// The same for who can do the work as well: nothing is waited for that no helper has begun with, and none does later.
    pub fn finish_begun<T>(&self, begun: &Begun<T>, deadline: Duration) -> Option<T> {
        if begun.0.is_helped_by(TAKEN_BACK) { None } else { self.finish(begun, deadline) }
    }

    fn hand_over<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        spin: Duration,
    ) -> Option<Begun<T>> {
        if self.stuck() >= MOST_STUCK {
            return None;
        }
        let slot = Arc::new(Slot {
            answer: Mutex::new(Answer::Awaited),
            given: AtomicBool::new(false),
            bell: Condvar::new(),
            helper: AtomicI32::new(0),
        });
        let (theirs, stuck) = (Arc::clone(&slot), Arc::clone(&self.stuck));
        let work = move || {
            if theirs.is_helped_by(own_thread()) {
                theirs.give(work(), &stuck);
            }
        };
        self.send(Job { work: Box::new(work), spin })?;
        Some(Begun(slot))
    }

    fn wait<T>(&self, begun: &Begun<T>, deadline: Duration, spin: Duration) -> Option<T> {
        let answer = begun.0.wait(deadline, spin, &self.stuck);
        if answer.is_none() {
            // Nobody waits in line behind the late one: without a sender it ends after this job.
            *lock(&self.current) = None;
        }
        answer
    }

    fn send(&self, job: Job) -> Option<()> {
        let mut current = lock(&self.current);
        let job = match current.as_ref() {
            Some(helper) => match helper.send(job) {
                Ok(()) => return Some(()),
                Err(mpsc::SendError(job)) => job,
            },
            None => job,
        };
        let (sender, jobs) = mpsc::channel();
        let kept = self.kept;
        thread::Builder::new()
            .name("read".into())
            .stack_size(256 * 1024)
            .spawn(move || {
                if let Some(kept) = kept {
                    keep_alone(kept);
                }
                work_through(&jobs);
            })
            .ok()?;
        sender.send(job).ok()?;
        *current = Some(sender);
        Some(())
    }
}

impl<T> Slot<T> {
    /// Whether this one is the first to take the work.
    fn is_helped_by(&self, helper: i32) -> bool {
        self.helper.compare_exchange(0, helper, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn give(&self, value: T, stuck: &AtomicUsize) {
        let mut answer = lock(&self.answer);
        match *answer {
            Answer::TooLate => {
                stuck.fetch_sub(1, Ordering::Relaxed);
            }
            Answer::Awaited | Answer::Given(_) => {
                *answer = Answer::Given(value);
                self.given.store(true, Ordering::Release);
                self.bell.notify_one();
            }
        }
    }

    fn wait(&self, deadline: Duration, spin: Duration, stuck: &AtomicUsize) -> Option<T> {
        let begun = Instant::now();
        while !self.given.load(Ordering::Acquire) && begun.elapsed() < spin {
            spin_loop();
        }
        let mut answer = lock(&self.answer);
        let mut busy = None;
        while matches!(*answer, Answer::Awaited) {
            let left = match deadline.checked_sub(begun.elapsed()) {
                Some(left) => left,
                None => {
                    // Not under the lock: who waits for it with the answer in hand would look like one that the kernel keeps waiting.
                    drop(answer);
                    let waits = self.only_needs_a_processor(deadline, begun.elapsed(), &mut busy);
                    answer = lock(&self.answer);
                    if !waits || !matches!(*answer, Answer::Awaited) {
                        break;
                    }
                    STEP
                }
            };
            answer = self.bell.wait_timeout(answer, left).map_or_else(|e| e.into_inner().0, |(a, _)| a);
        }
        match std::mem::replace(&mut *answer, Answer::TooLate) {
            Answer::Given(value) => Some(value),
            Answer::Awaited | Answer::TooLate => {
                stuck.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}

impl<T> Slot<T> {
    /// Whether it is late for no other reason. `since`: what the helper had used up when that was asked first.
    fn only_needs_a_processor(&self, deadline: Duration, time: Duration, since: &mut Option<u64>) -> bool {
        if deadline.is_zero() || time > deadline + BUSY {
            return false;
        }
        match self.helper.load(Ordering::Acquire) {
            0 => true,
            helper => Standing::of(helper).is_some_and(|now| {
                let used = now.ticks.saturating_sub(*since.get_or_insert(now.ticks));
                let most = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX) / TICK_MS;
                now.runnable && used <= most
            }),
        }
    }
}

/// A clock tick of `/proc/PID/stat`, in milliseconds.
const TICK_MS: u64 = 10;

/// What a thread of ours does.
struct Standing {
    /// It runs, or would with a processor.
    runnable: bool,
    /// The processor time that it has had, in clock ticks.
    ticks: u64,
}

impl Standing {
    /// `None`: it has ended, or `/proc` doesn't say.
    fn of(thread: i32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
        let mut words = text.rsplit(')').next()?.split_whitespace();
        let runnable = words.next()? == "R";
        // utime and stime, fields 14 and 15 of proc_pid_stat(5).
        let mut times = words.skip(10).map(str::parse::<u64>);
        let ticks = times.next()?.ok()?.saturating_add(times.next()?.ok()?);
        Some(Self { runnable, ticks })
    }
}

fn own_thread() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

fn work_through(jobs: &Receiver<Job>) {
    let mut spin = Duration::ZERO;
    while let Some(job) = next(jobs, spin) {
        spin = job.spin;
        (job.work)();
    }
}

fn next(jobs: &Receiver<Job>, spin: Duration) -> Option<Job> {
    let begun = Instant::now();
    while !spin.is_zero() && begun.elapsed() < spin {
        match jobs.try_recv() {
            Ok(job) => return Some(job),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => spin_loop(),
        }
    }
    jobs.recv().ok()
}

/// A panic of a helper leaves nothing half done here, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn answers_come_back_to_the_one_who_asked() {
        let readers = Readers::new();
        for number in 0..1000 {
            assert_eq!(readers.run(LONG, move || number * 2), Some(number * 2));
        }
        assert_eq!(readers.stuck(), 0);
    }

    /// On Linux 5.9 and later.
    #[test]
    fn a_helper_below_a_directory_has_nothing_else_open() {
        let proc = OwnedFd::from(std::fs::File::open("/proc").unwrap());
        let other = std::fs::File::open("/dev/null").unwrap();
        let numbers = || {
            let listed = std::fs::read_dir("/proc/thread-self/fd").unwrap();
            listed.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<RawFd>().ok()).collect()
        };
        let there: Vec<RawFd> = Readers::below(&proc).run(LONG, numbers).unwrap();
        // And the one that lists.
        assert!(there.contains(&proc.as_raw_fd()) && there.len() <= 2, "{there:?}");
        let here: Vec<RawFd> = numbers();
        assert!(here.contains(&other.as_raw_fd()), "{here:?}");
    }

    #[test]
    fn a_stuck_helper_is_replaced_and_forgiven_when_it_returns() {
        let readers = Readers::new();
        let (release, held) = mpsc::channel::<()>();
        assert_eq!(readers.run(Duration::from_millis(5), move || held.recv().is_err()), None);
        assert_eq!(readers.stuck(), 1);
        assert_eq!(readers.run(LONG, || 7), Some(7));
        drop(release);
        let begun = Instant::now();
        while readers.stuck() > 0 && begun.elapsed() < LONG {
            thread::yield_now();
        }
        assert_eq!(readers.stuck(), 0);
    }

    /// One that works doesn't wait for anything: it is given up when it has used its time, whoever else had the processors.
    #[test]
    fn a_helper_that_works_without_end_is_given_up_and_one_that_has_not_begun_is_waited_for() {
        let readers = Readers::new();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let work = move || {
            while !stopped.load(Ordering::Relaxed) {
                spin_loop();
            }
        };
        assert_eq!(readers.run(Duration::from_millis(20), work), None);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(readers.run(Duration::from_nanos(1), || 7), Some(7));
    }

    #[test]
    fn what_no_helper_has_begun_with_is_taken_back_and_never_done() {
        let readers = Readers::new();
        let (release, held) = mpsc::channel::<()>();
        let busy = readers.begin(move || held.recv().is_err()).unwrap();
        let begun = readers.begin(|| 7).unwrap();
        assert_eq!(readers.finish_begun(&begun, LONG), None);
        drop(release);
        assert_eq!(readers.finish(&busy, LONG), Some(true));
        assert_eq!((readers.run(LONG, || 8), readers.stuck()), (Some(8), 0));
        assert!(matches!(*lock(&begun.0.answer), Answer::Awaited), "nobody did it");
        // What a helper is at is waited for.
        let (told, heard) = mpsc::channel::<()>();
        let begun = readers.begin(move || told.send(()).is_ok()).unwrap();
        heard.recv().unwrap();
        assert_eq!(readers.finish_begun(&begun, LONG), Some(true));
    }

    #[test]
    fn no_more_than_the_limit_are_left_behind() {
        let readers = Readers::new();
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().unwrap();
        for _ in 0..MOST_STUCK + 3 {
            let gate = Arc::clone(&gate);
            assert_eq!(readers.run(Duration::from_millis(1), move || drop(lock(&gate))), None);
        }
        assert_eq!(readers.stuck(), MOST_STUCK);
        assert_eq!(readers.run(LONG, || 7), None);
        drop(closed);
    }

    #[test]
    fn a_helper_that_panics_is_a_late_one() {
        let readers = Readers::new();
        #[allow(clippy::panic, reason = "this is what is tested")]
        let lost: Option<()> = readers.run(Duration::from_millis(5), || panic!("on purpose"));
        assert_eq!(lost, None);
        assert_eq!(readers.run(LONG, || 7), Some(7));
    }
}
