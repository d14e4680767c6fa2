//! Code and constants of this program that are mapped, which count as memory of whoever has them mapped.
//!
//! A start, and each look at everything, go through megabytes of code that nothing needs in between, and a service that ends has to
//! be started again at once. So the C library and what a restart needs stay mapped, and the rest is let go of: whoever comes to it has it
//! mapped again, from what the kernel keeps of the file. The former lie in front where the linker was told so (`build.rs`,
//! `src/link/order.txt`); elsewhere no code is let go of. Constants lie as the compiler has them, a few that a restart needs in each part: all of them
//! go.

/// Lets go of the code that no restart needs. Breakpoints that a debugger has set there go with it.
#[cfg(ordered)]
pub fn let_go_of_code() {
    unsafe extern "C" {
        /// Where the linker put the end of all code.
        static etext: u8;
    }
    let page = rustix::param::page_size();
    let begin = (restart_ends as fn() as usize).next_multiple_of(page);
    let end = (&raw const etext).addr() / page * page;
    if begin < end {
        let place = std::ptr::with_exposed_provenance_mut(begin);
        // SAFETY: between a function of this program and the end of its code is nothing but that. Nobody has written to it, as it isn't
        // writable and holds no relocations, so that it reads the same when it is mapped again.
        unsafe {
            libc::madvise(place, end - begin, libc::MADV_DONTNEED);
        }
    }
}

/// It lies among other code.
#[cfg(not(ordered))]
pub fn let_go_of_code() {}

/// Lets go of the constants.
pub fn let_go_of_constants() {
    // SAFETY: whoever is called gets what the C library says of each part of the program, and only for as long as the call takes.
    unsafe {
        libc::dl_iterate_phdr(Some(of_program), std::ptr::null_mut());
    }
}

/// Lets go of what is only read of the first thing that is told, which is this program.
unsafe extern "C" fn of_program(
    told: *mut libc::dl_phdr_info,
    _: usize,
    _: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: so it was promised to whoever asked.
    let (start, headers) = unsafe {
        let told = &*told;
        (told.dlpi_addr, std::slice::from_raw_parts(told.dlpi_phdr, usize::from(told.dlpi_phnum)))
    };
    let page = rustix::param::page_size();
    // What is written to before it is only read (relocations) has the flag for it.
    for part in headers.iter().filter(|part| (part.p_type, part.p_flags) == (libc::PT_LOAD, libc::PF_R)) {
        let (Ok(begin), Ok(size)) = (usize::try_from(start + part.p_vaddr), usize::try_from(part.p_memsz))
        else {
            continue;
        };
        let (begin, end) = (begin.next_multiple_of(page), (begin + size) / page * page);
        if begin < end {
            let place = std::ptr::with_exposed_provenance_mut(begin);
            // SAFETY: nothing but this part of the file is mapped there, and nobody has written to it, as it never was writable: it reads the
            // same when it is mapped again.
            unsafe {
                libc::madvise(place, end - begin, libc::MADV_DONTNEED);
            }
        }
    }
    1
}

/// What a restart needs lies in front of this: it is named there behind all of that.
#[cfg(any(ordered, test))]
#[inline(never)]
fn restart_ends() {
    // No other function says this, or it could be taken for that one.
    std::hint::black_box("what a restart needs ends here");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_names_the_end_of_what_a_restart_needs() {
        let path = std::any::type_name_of_val(&restart_ends);
        let name: String = path.split("::").map(|part| format!("{}{part}", part.len())).collect();
        let order = include_str!("../../link/order.txt");
        assert!(order.lines().any(|line| line == format!("_ZN{name}17h*")), "{name}");
    }

    #[test]
    fn a_program_goes_on_without_its_code_and_constants() {
        restart_ends();
        let_go_of_code();
        let_go_of_constants();
        assert_eq!(format!("{}", 6 * 7), "42");
    }
}
