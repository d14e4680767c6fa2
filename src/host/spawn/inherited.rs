//! What our own caller handed down, for a program that we become: Rust's start of a program ignores SIGPIPE and
//! opens the standard descriptors that are closed. A daemon that finds SIGPIPE ignored behaves differently from then on.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char, c_int};
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

/// SIGPIPE was ignored.
const PIPE_IGNORED: u8 = 1 << 3;

/// A bit for each standard descriptor that was closed, and [`PIPE_IGNORED`].
static HANDED_DOWN: AtomicU8 = AtomicU8::new(0);

/// A descriptor that was handed down across execve by number, once: `None` if it isn't open, is a standard one, or was taken.
pub fn take_descriptor(number: c_int) -> Option<OwnedFd> {
    static TAKEN: Mutex<BTreeSet<c_int>> = Mutex::new(BTreeSet::new());
    // SAFETY: no pointers.
    if number <= 2 || unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return None;
    }
    if !TAKEN.lock().ok()?.insert(number) {
        return None;
    }
    // SAFETY: it is open, and whoever calls this names one that the former image of this process left open for us: nothing
    // in this one has opened it. It is given away once.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Called by the C library with the other initialisers of the program, before `main`.
// SAFETY: the section holds addresses of functions that the C library calls one after the other; `record` is one, and
// it uses nothing that has to be initialised.
#[used]
#[unsafe(link_section = ".init_array")]
static RECORD: extern "C" fn() = record;

extern "C" fn record() {
    let mut found = 0;
    for descriptor in 0..3_u8 {
        // SAFETY: no pointers.
        if unsafe { libc::fcntl(c_int::from(descriptor), libc::F_GETFD) } == -1 {
            found |= 1 << descriptor;
        }
    }
    // SAFETY: all-zero is a valid sigaction, which is only written to.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is set; `before` is valid for writing.
    if unsafe { libc::sigaction(libc::SIGPIPE, ptr::null(), &raw mut before) } == 0
        && before.sa_sigaction == libc::SIG_IGN
    {
        found |= PIPE_IGNORED;
    }
    HANDED_DOWN.store(found, Ordering::Relaxed);
}

/// Whether this standard descriptor (0 to 2) was closed when we were started.
pub fn was_closed(descriptor: u8) -> bool {
    descriptor < 3 && HANDED_DOWN.load(Ordering::Relaxed) & (1 << descriptor) != 0
}

/// Sets the signals as our caller handed them down. All others are as they were: the runtime touches no more of those
/// that outlast execve.
pub fn hand_down_signals() {
    let ignored = HANDED_DOWN.load(Ordering::Relaxed) & PIPE_IGNORED != 0;
    let disposition = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: both dispositions run no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, disposition) };
}

unsafe extern "C" {
    /// `environ(7)`
    static environ: *const *const c_char;
}

/// The environment as it was handed down, entry by entry, those without `=` too, which the standard library leaves out.
pub fn environment() -> Vec<CString> {
    let mut found = Vec::new();
    // SAFETY: nothing in this program changes its environment, so the array and its strings stay as the C library set them
    // up: pointers to NUL-terminated strings, ended by a null pointer.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            found.push(CStr::from_ptr(*at).to_owned());
            at = at.add(1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_that_of_the_standard_library_where_that_has_it() {
        let ours = environment();
        for (name, value) in std::env::vars() {
            let entry = format!("{name}={value}");
            assert!(ours.iter().any(|known| known.to_bytes() == entry.as_bytes()), "{name}");
        }
    }
}
