//! Memory of the C library: given back where nobody uses it any more, which is a call that stands with the other unsafe ones, and
//! kept together where it stays.

use std::thread;

/// What is free at the end of another thread's part is given back by itself from so much on. The C library takes twice the largest
/// piece that was ever mapped for itself, which is megabytes.
#[cfg(target_env = "gnu")]
const FREE_AT_THE_END: libc::c_int = 128 << 10;

/// Gives back what the C library keeps for later. Loading many documents, or writing all records down, takes several times what
/// stays of it; without this the engine would hold the peak for as long as it runs. Takes about a millisecond for each
/// ten megabytes given back.
pub fn give_back() {
    // SAFETY: they have no preconditions, take the allocator's own locks, and touch no memory that is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, FREE_AT_THE_END);
        libc::malloc_trim(0);
    }
}

/// What another thread makes: the C library gives each a part of memory of its own, where it lies side by side and not
/// between what was needed for a moment. Nothing if there can't be a thread.
pub fn side_by_side<T: Send>(make: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let making = thread::Builder::new().name("settle".into()).spawn_scoped(scope, make);
        making.ok()?.join().ok()
    })
}
