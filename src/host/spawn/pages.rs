//! Code and constants of this program that are mapped, which count as memory of whoever has them mapped.
//!
//! A start, and each look at everything, go through megabytes of code that nothing needs in between. So all of it is let go of
//! then: whoever comes to it has it mapped again, from what the kernel keeps of the file, by windows of sixteen pages. That is 1.5 µs for
//! each window, and what a restart needs lies in forty of them, where the linker was told so (`build.rs`, `src/link/order.txt`). Elsewhere
//! it lies all over the program, in several times as many: there no code is let go of.

use std::ptr;

/// Begin and size of what is mapped.
type Part = (usize, usize);

/// Lets go of the constants, and of the code where it is in order. Breakpoints that a debugger has set there go with it. Whoever waits
/// for long calls this last: what comes after it is mapped again.
pub fn let_go_of_program() {
    let mut parts: Vec<Part> = Vec::new();
    // SAFETY: whoever is called gets what the C library says of each part of the program, only for as long as the call takes, and these parts.
    unsafe {
        libc::dl_iterate_phdr(Some(of_program), (&raw mut parts).cast());
    }
    for (begin, size) in parts {
        let place = ptr::with_exposed_provenance_mut(begin);
        // SAFETY: nothing but this part of the file is mapped there, and nobody has written to it, as it never was writable: it reads the
        // same when it is mapped again, also by whoever executes it.
        unsafe {
            libc::madvise(place, size, libc::MADV_DONTNEED);
        }
    }
}

/// What a part is called that is only read, or executed as well. What is written to before it is only read (relocations) has the flag
/// for it.
fn is_let_go_of(flags: u32) -> bool {
    flags == libc::PF_R || (cfg!(ordered) && flags == libc::PF_R | libc::PF_X)
}

/// Puts the whole pages of what never is written to into `parts`: of the first thing that is told, which is this program.
unsafe extern "C" fn of_program(
    told: *mut libc::dl_phdr_info,
    _: usize,
    parts: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: so it was promised to whoever asked, and these are the parts that he gave.
    let (start, headers, parts) = unsafe {
        let told = &*told;
        let headers = std::slice::from_raw_parts(told.dlpi_phdr, usize::from(told.dlpi_phnum));
        (told.dlpi_addr, headers, &mut *parts.cast::<Vec<Part>>())
    };
    let page = rustix::param::page_size();
    parts.extend(
        headers.iter().filter(|part| part.p_type == libc::PT_LOAD && is_let_go_of(part.p_flags)).filter_map(
            |part| {
                let (begin, size) =
                    (usize::try_from(start + part.p_vaddr).ok()?, usize::try_from(part.p_memsz).ok()?);
                let (begin, end) = (begin.next_multiple_of(page), (begin + size) / page * page);
                Some((begin, end.checked_sub(begin)?))
            },
        ),
    );
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_on_without_its_code_and_constants() {
        let_go_of_program();
        assert_eq!(format!("{}", 6 * 7), "42");
    }
}
