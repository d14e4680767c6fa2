//! Memory that nobody uses any more, given back to the kernel: calls of the C library and of the kernel, so that they stand
//! with the other unsafe ones.

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

/// Lets go of the program's code where it is mapped: most of it was for the start. What is still needed is mapped again as it is
/// executed, from the page cache, sixteen pages at a time.
pub fn let_go_of_code() {
    for (start, length) in std::fs::read_to_string("/proc/self/maps").iter().flat_map(|maps| code(maps)) {
        // SAFETY: the kernel says that it is mapped, from a file, executable and not writable: nobody can have changed these
        // pages, so that what comes back is what was there. Data that was relocated is not executable and not touched.
        unsafe {
            libc::madvise(std::ptr::with_exposed_provenance_mut(start), length, libc::MADV_DONTNEED);
        }
    }
}

/// Begin and length of each part of `/proc/self/maps` that is code from a file.
fn code(maps: &str) -> impl Iterator<Item = (usize, usize)> {
    maps.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (range, mode) = (words.next()?, words.next()?);
        // Offset, device, inode, path.
        let is_file = words.nth(3)?.starts_with('/');
        let (start, end) = range.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        (mode == "r-xp" && is_file).then(|| (start, end.saturating_sub(start)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_from_files_is_let_go_of() {
        let maps = "\
555555554000-555555600000 r--p 00000000 fe:00 1 /usr/bin/selfsame
555555600000-555555700000 r-xp 000ac000 fe:00 1 /usr/bin/selfsame (deleted)
555555700000-555555710000 r--p 001ac000 fe:00 1 /usr/bin/selfsame
555555710000-555555711000 rw-p 001bc000 fe:00 1 /usr/bin/selfsame
7ffff0000000-7ffff0001000 r-xp 00000000 00:00 0
7ffff7fc1000-7ffff7fc3000 r-xp 00000000 00:00 0 [vdso]
7ffff8000000-7ffff8001000 rwxp 00000000 fe:00 2 /tmp/odd
";
        assert_eq!(code(maps).collect::<Vec<_>>(), [(0x5555_5560_0000, 0x10_0000)]);
    }

    #[test]
    fn what_was_let_go_of_comes_back() {
        let_go_of_code();
        give_back();
        assert_eq!(code("7ff0-8000 r-xp 0 0 1 /x").collect::<Vec<_>>(), [(0x7ff0, 0x10)]);
    }
}
