//! Memory of the C library: given back where nobody uses it any more, which is a call that stands with the other unsafe ones, and
//! kept together where it stays.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// This process ends soon: nothing stays.
static ENDS_SOON: AtomicBool = AtomicBool::new(false);

/// What is free at the end of another thread's part is given back by itself from so much on. The C library takes twice the largest
/// piece that was ever mapped for itself, which is megabytes.
#[cfg(target_env = "gnu")]
const FREE_AT_THE_END: libc::c_int = 128 << 10;

/// Gives back what the C library keeps for later. Loading many documents, or writing all records down, takes several times what
/// stays of it; without this the engine would hold the peak for as long as it runs. Takes about a millisecond for each
/// ten megabytes given back.
pub fn give_back() {
    hand_over_kept_pieces();
    // SAFETY: they have no preconditions, take the allocator's own locks, and touch no memory that is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, FREE_AT_THE_END);
        libc::malloc_trim(0);
    }
    // That passes over what is free at the end of the part of another thread than the first one. It goes when that thread frees a large piece.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_PIECE)));
}

/// Freeing so much at once has the end of a part looked at (from 64 KiB on), and it lies in there (below 128 KiB).
const LARGE_PIECE: usize = 96 << 10;

/// Sizes of small pieces of which the C library keeps freed ones for the thread that freed them, and how many of each.
#[cfg(target_env = "gnu")]
const KEPT_SIZES: usize = 64;
#[cfg(target_env = "gnu")]
const KEPT_OF_EACH: usize = 7;
/// The distance of these sizes; pieces are smaller by what the C library writes in front.
#[cfg(target_env = "gnu")]
const STEP: usize = 16;
#[cfg(target_env = "gnu")]
const IN_FRONT: usize = 8;

/// Freed pieces that this thread keeps for itself become free for all. They are few, but each lies where it was needed, and no page
/// with one in it is given back: it was a megabyte. They are taken, and another thread frees them, which keeps nothing when it ends.
#[cfg(target_env = "gnu")]
fn hand_over_kept_pieces() {
    let of_size = |size: usize| (0..KEPT_OF_EACH).map(move |_| Vec::<u8>::with_capacity(size));
    let pieces: Vec<Vec<u8>> = (1..=KEPT_SIZES).flat_map(|step| of_size(step * STEP + IN_FRONT)).collect();
    // Without a thread they are kept as before.
    let _ = side_by_side(move || drop(pieces));
}

#[cfg(not(target_env = "gnu"))]
fn hand_over_kept_pieces() {}

/// How much a command may need that looks at thousands of documents and processes.
#[cfg(target_env = "gnu")]
const ROOM: libc::c_int = 64 << 20;
/// Pieces up to here lie in it. The C library takes no larger number.
#[cfg(target_env = "gnu")]
const LARGEST: libc::c_int = 32 << 20;
/// More than is free before the room is made.
#[cfg(target_env = "gnu")]
const PIECE: usize = 512 << 10;
/// A large page.
#[cfg(target_env = "gnu")]
const LARGE: usize = 2 << 20;

/// For a command that ends soon: the memory that it is going to use comes in large pages where the kernel has some, since each
/// ordinary one costs 1.6 µs when it is first written to (9.6 ms for 24 MiB, and 2.2 in large pages), and nothing is given back before the end.
pub fn take_large_pages() {
    ENDS_SOON.store(true, Ordering::Relaxed);
    // SAFETY: they have no preconditions; the only memory that is told to the kernel is what the C library just took for later,
    // and what is said of it changes nothing that it holds.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST);
        libc::mallopt(libc::M_TOP_PAD, ROOM);
        let before = libc::sbrk(0).addr();
        libc::free(std::hint::black_box(libc::malloc(PIECE)));
        let end = libc::sbrk(0);
        let room = end.addr().saturating_sub(before.next_multiple_of(LARGE));
        let begin = end.wrapping_byte_sub(room);
        if room >= LARGE {
            libc::madvise(begin, room, libc::MADV_HUGEPAGE);
        }
    }
}

/// For fewer values it isn't worth a thread.
const MANY: usize = 100;

/// For fewer values it isn't worth a thread that the first starts would wait for.
pub const MANY_AT_FIRST: usize = 250;

/// What stays for long, made of so many values: side by side where these are many. A command that ends soon makes it itself: the thread
/// would wait for a processor, and the command for the thread.
pub fn to_stay<T: Send>(values: usize, make: impl Fn() -> T + Sync) -> T {
    let stays = !ENDS_SOON.load(Ordering::Relaxed);
    let aside = if stays && values >= MANY_AT_FIRST { side_by_side(&make) } else { None };
    aside.unwrap_or_else(make)
}

/// What another thread makes: the C library gives each a part of memory of its own, where it lies side by side and not
/// between what was needed for a moment. Nothing if there can't be a thread.
pub fn side_by_side<T: Send>(make: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let making = thread::Builder::new().name("settle".into()).spawn_scoped(scope, make);
        making.ok()?.join().ok()
    })
}

/// Puts the nodes of a map that grew value by value side by side, and fills them: each lay in a page of its own, between what was
/// needed for a moment, and half empty.
pub fn close_up<K: Ord + Send, V: Send>(map: &mut BTreeMap<K, V>) {
    if map.len() >= MANY {
        // The former nodes are freed here: of what a thread frees the C library keeps some for that thread, wherever it lies.
        let mut rows: Vec<(K, V)> = std::mem::take(map).into_iter().collect();
        let mut close = || *map = std::mem::take(&mut rows).into_iter().collect();
        if side_by_side(&mut close).is_none() {
            close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_the_same_wherever_it_is_made() {
        for values in [MANY_AT_FIRST - 1, MANY_AT_FIRST] {
            let made = to_stay(values, || (thread::current().id(), vec![1; values]));
            assert_eq!((made.0 == thread::current().id(), made.1), (values < MANY_AT_FIRST, vec![1; values]));
        }
    }

    #[test]
    fn a_map_that_is_closed_up_says_the_same() {
        for values in [MANY - 1, MANY] {
            let map: BTreeMap<usize, String> =
                (0..values).map(|number| (number, number.to_string())).collect();
            let mut closed_up = map.clone();
            close_up(&mut closed_up);
            assert_eq!(closed_up, map);
        }
    }
}
