//! Which signals a child has to set to their default: those that the engine ignores stay ignored after execve.

use std::sync::OnceLock;

use super::raw::call;

/// All that can be set.
pub(super) const ALL: [u8; 62] = all();

#[expect(clippy::indexing_slicing, reason = "it is evaluated by the compiler")]
const fn all() -> [u8; 62] {
    let mut signals = [0; 62];
    let (mut signal, mut at) = (1, 0);
    while at < signals.len() {
        if signal != 9 && signal != 19 {
            signals[at] = signal;
            at += 1;
        }
        signal += 1;
    }
    signals
}

/// Those that this program ignores, by its caller's wish or its own. Asked once.
///
/// INVARIANT: nothing in this program ignores a signal later than its runtime does, which is before `main`.
pub(super) fn ignored() -> &'static [u8] {
    static IGNORED: OnceLock<Vec<u8>> = OnceLock::new();
    IGNORED.get_or_init(|| ALL.into_iter().filter(|signal| is_ignored(*signal)).collect())
}

fn is_ignored(signal: u8) -> bool {
    // `struct sigaction` of the kernel, at most 32 bytes on both architectures; the handler is first.
    let mut action = [0usize; 4];
    let place = (&raw mut action).addr();
    // SAFETY: nothing is set, and what the kernel writes fits.
    let asked = unsafe { call(libc::SYS_rt_sigaction, [usize::from(signal), 0, place, 8, 0]) };
    // What can't be asked is set like the ignored ones.
    asked.is_err() || action.first() == Some(&libc::SIG_IGN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_ignores_pipes_and_nothing_here_ignores_the_end_of_children() {
        assert!(ignored().contains(&13), "SIGPIPE: {:?}", ignored());
        assert!(ALL.iter().all(|signal| (1..=64).contains(signal) && ![9, 19].contains(signal)));
        super::super::keep_exits_of_children();
        assert!(!is_ignored(17), "SIGCHLD");
    }
}
