//! Pages of the program itself, which count as memory of whoever has them mapped.

use std::ffi::{c_int, c_void};
use std::slice;

/// Lets go of all code and constants: they are mapped again, from the file or from what the kernel keeps of it, by whoever comes to
/// them. A start goes through most of a large program once, and the kernel maps sixteen pages for each one that is touched.
/// Breakpoints that a debugger has set go with them.
pub fn let_go_of_program() {
    // SAFETY: the callback is a function of the type that is asked for, and doesn't look at the pointer that it is handed.
    unsafe {
        libc::dl_iterate_phdr(Some(let_go_of), std::ptr::null_mut());
    }
}

/// Lets go of the parts of a program that nobody can have written to, relocations included. Ends the iteration: the program comes
/// before its libraries.
unsafe extern "C" fn let_go_of(info: *mut libc::dl_phdr_info, _: libc::size_t, _: *mut c_void) -> c_int {
    // SAFETY: whoever iterates hands over a description that is valid during the call, with as many headers as it says.
    let (base, headers) = unsafe {
        let info = &*info;
        (info.dlpi_addr, slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)))
    };
    // SAFETY: it has no preconditions.
    let page = libc::c_ulong::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
    for part in headers.iter().filter(|part| part.p_type == libc::PT_LOAD && part.p_flags & libc::PF_W == 0) {
        let begin = (base + part.p_vaddr).next_multiple_of(page);
        let end = (base + part.p_vaddr + part.p_memsz) / page * page;
        let length = usize::try_from(end.saturating_sub(begin)).unwrap_or_default();
        let begin = std::ptr::with_exposed_provenance_mut(usize::try_from(begin).unwrap_or_default());
        // SAFETY: what lies there is mapped from a file and was never written to, so that it reads the same when it is mapped again.
        unsafe {
            libc::madvise(begin, length, libc::MADV_DONTNEED);
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_on_without_its_pages() {
        let text = "what stands in the program";
        let_go_of_program();
        assert_eq!((text.len(), format!("{}", 6 * 7)), (26, "42".to_owned()));
    }
}
