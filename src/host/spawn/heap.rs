//! Memory that nobody uses any more, given back to the kernel: calls of the C library, so that they stand with the other unsafe
//! ones.

use std::ffi::{c_int, c_void};

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

/// Lets go of the pages of the program itself. Reading documents and looking at all processes takes most of its code, waiting takes
/// hardly any. They are pages of a file, which stay in the page cache as long as nobody else needs that memory; whichever is
/// used again is there at the next touch, sixteen at a time (a microsecond). So it is for the end of large work, not of each turn.
pub fn let_go_of_program() {
    // SAFETY: the callback has the type that is asked for, takes no data, and touches nothing that the list is made of.
    unsafe {
        libc::dl_iterate_phdr(Some(let_go_of_first), std::ptr::null_mut());
    }
}

/// The first object is the program; the others are left alone.
unsafe extern "C" fn let_go_of_first(info: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: the C library calls this with a description that lives during the call, and the headers that it counts.
    let (base, headers) = unsafe {
        let info = &*info;
        (info.dlpi_addr, std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)))
    };
    let page = rustix::param::page_size() as u64;
    for header in headers {
        let is_fixed = header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0;
        let begin = base.wrapping_add(header.p_vaddr).next_multiple_of(page);
        let end = base.wrapping_add(header.p_vaddr).wrapping_add(header.p_memsz) / page * page;
        if let (true, Ok(length @ 1..)) = (is_fixed, usize::try_from(end.saturating_sub(begin))) {
            // SAFETY: whole pages of a segment of the program's file that is never written to: the kernel drops its copy
            // of the table entries, and reads the same bytes again when they are needed. What isn't so is refused.
            unsafe {
                libc::madvise(
                    std::ptr::with_exposed_provenance_mut(begin as usize),
                    length,
                    libc::MADV_DONTNEED,
                );
            }
        }
    }
    1
}
