//! Memory of the C library: given back where nobody uses it any more, which is a call that stands with the other unsafe ones, and
//! kept together where it stays.

use std::thread;

/// Gives back what the C library keeps for later. Loading many documents, or writing all records down, takes several times what
/// stays of it; without this the engine would hold the peak for as long as it runs. Takes about a millisecond for each
/// ten megabytes given back.
pub fn give_back() {
    // SAFETY: it has no preconditions, takes the allocator's own locks, and touches no memory that is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
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
