//! Enough stack, where this process was started with little (`ulimit -s`).
//!
//! Services inherit the limit, so it stays as it is: the work is done by a thread, whose stack is none of its business.

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use rustix::process::{Resource, getrlimit};

/// Documents and expressions are nested as deep as their limits allow, and each level takes some.
const ENOUGH: u64 = 2 << 20;
/// As most processes have.
const OF_THREAD: usize = 8 << 20;

/// Does `work`, on a thread of its own if the stack of this one may not grow far enough. Signals come to whoever does it, as
/// they would have.
pub fn with_enough_stack<T: Send>(work: impl Fn() -> T + Sync) -> T {
    let little = getrlimit(Resource::Stack).current.is_some_and(|most| most < ENOUGH);
    if little && let Some(answer) = on_thread(&work) { answer } else { work() }
}

/// `None`: there is no room for another thread.
fn on_thread<T: Send>(work: &(impl Fn() -> T + Sync)) -> Option<T> {
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before)).ok()?;
    let heard = || {
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
        work()
    };
    let answer = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(OF_THREAD).spawn_scoped(scope, heard).ok()?;
        Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    answer
}
