//! Pure work beside the loop: on threads of its own, at most so many at once, each with a bound on its CPU time.
//!
//! ```text
//! begin --> a worker --answer--> asked for: done
//!                    \--works for too long--> asked for: over; the answer comes to nobody, the worker's place is free when it ends
//! ```
//!
//! A thread can't be ended from outside, so one that is given up goes on until it is through and keeps its place until then.
//! The bound is CPU time and no time of day: on a busy machine nothing is given up that would have been done in time alone.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Work that waits for an answer is asked how much it used up so often.
const ASK: Duration = Duration::from_millis(10);

/// Places for work.
#[derive(Clone, Debug)]
pub struct Workers {
    most: usize,
    busy: Arc<AtomicUsize>,
}

/// Work that was begun.
#[derive(Debug)]
pub struct Job<T> {
    answer: Receiver<T>,
    /// The number of the thread; 0 as long as it hasn't begun.
    thread: Arc<AtomicI32>,
    begun: Instant,
}

/// How work stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress<T> {
    /// It is done.
    Done(T),
    /// It goes on.
    Working,
    /// It has used up more CPU time than it may.
    Over,
    /// It ended without an answer: it panicked.
    Lost,
}

impl Workers {
    /// At most so many at once.
    pub fn new(most: usize) -> Self {
        Self { most, busy: Arc::default() }
    }

    /// Whether all places are taken, by work that was given up too.
    pub fn are_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire) >= self.most
    }

    /// Begins work; whoever asks [`Self::are_busy`] first keeps within the places. `then` is called when the answer is there and the
    /// place is free again.
    ///
    /// # Errors
    /// The kernel gives no thread.
    pub fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        then: impl FnOnce() + Send + 'static,
    ) -> io::Result<Job<T>> {
        let (answer, receiver) = channel();
        let number = Arc::new(AtomicI32::new(0));
        let (told, end) = (Arc::clone(&number), End::new(&self.busy, then));
        thread::Builder::new().name("aside".into()).spawn(move || {
            // However the work ends.
            let _end = end;
            let answer = answer;
            told.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
            // Nobody may want it any more.
            let _ = answer.send(work());
        })?;
        Ok(Job { answer: receiver, thread: number, begun: Instant::now() })
    }
}

impl<T> Job<T> {
    /// How it stands; waits for an answer for so long, and `limit` is the CPU time that it may use up.
    pub fn progress(&self, patience: Duration, limit: Duration) -> Progress<T> {
        let begun = Instant::now();
        loop {
            let left = patience.saturating_sub(begun.elapsed());
            match self.answer.recv_timeout(left.min(ASK)) {
                Ok(answer) => return Progress::Done(answer),
                Err(RecvTimeoutError::Disconnected) => return Progress::Lost,
                Err(RecvTimeoutError::Timeout) if self.used() > limit => return Progress::Over,
                Err(RecvTimeoutError::Timeout) if left <= ASK => return Progress::Working,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// CPU time that it has used up. Where the kernel doesn't tell, the time since it began.
    fn used(&self) -> Duration {
        match self.thread.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            number => on_cpu(number).unwrap_or_else(|| self.begun.elapsed()),
        }
    }
}

/// The first number of `schedstat`: nanoseconds on a CPU.
fn on_cpu(thread: i32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// A place that is taken as long as this exists, and what is done when it is free.
struct End<F: FnOnce()> {
    busy: Arc<AtomicUsize>,
    then: Option<F>,
}

impl<F: FnOnce()> End<F> {
    fn new(busy: &Arc<AtomicUsize>, then: F) -> Self {
        busy.fetch_add(1, Ordering::AcqRel);
        Self { busy: Arc::clone(busy), then: Some(then) }
    }
}

impl<F: FnOnce()> Drop for End<F> {
    fn drop(&mut self) {
        self.busy.fetch_sub(1, Ordering::AcqRel);
        if let Some(then) = self.then.take() {
            then();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Only matters where a test fails.
    const LONG: Duration = Duration::from_mins(1);

    #[track_caller]
    fn until_free(workers: &Workers) {
        let begun = Instant::now();
        while workers.are_busy() {
            assert!(begun.elapsed() < LONG, "the place is never given back");
            thread::yield_now();
        }
    }

    #[test]
    fn what_is_done_in_time_is_answered() {
        let workers = Workers::new(1);
        let job = workers.begin(|| 6 * 7, || ()).unwrap();
        assert_eq!(job.progress(LONG, LONG), Progress::Done(42));
        until_free(&workers);
    }

    #[test]
    fn what_goes_on_for_too_long_is_given_up_and_keeps_its_place_until_it_ends() {
        let workers = Workers::new(1);
        let end = Arc::new(AtomicBool::new(false));
        let spins = Arc::clone(&end);
        let job = workers
            .begin(
                move || {
                    while !spins.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                },
                || (),
            )
            .unwrap();
        assert_eq!(job.progress(LONG, Duration::from_millis(20)), Progress::Over);
        drop(job);
        assert!(workers.are_busy());
        end.store(true, Ordering::Relaxed);
        until_free(&workers);
    }

    #[test]
    fn waiting_is_no_work() {
        let workers = Workers::new(1);
        let (go, gone) = channel::<()>();
        let job = workers.begin(move || gone.recv().is_err(), || ()).unwrap();
        // Far more than the limit passes, and no CPU time.
        assert_eq!(job.progress(Duration::from_millis(300), Duration::from_millis(100)), Progress::Working);
        drop(go);
        assert_eq!(job.progress(LONG, LONG), Progress::Done(true));
    }

    #[test]
    fn a_panic_is_the_end_of_its_own_work_only() {
        let workers = Workers::new(1);
        let (told, ends) = channel();
        let work = || assert!(std::hint::black_box(false), "meant by a test");
        let job = workers
            .begin(work, move || {
                let _ = told.send(());
            })
            .unwrap();
        assert_eq!(job.progress(LONG, LONG), Progress::Lost);
        // Whoever waits for the end hears of it, and finds the place free.
        assert_eq!(ends.recv_timeout(LONG), Ok(()));
        assert!(!workers.are_busy());
        assert_eq!(workers.begin(|| 1, || ()).unwrap().progress(LONG, LONG), Progress::Done(1));
    }
}
