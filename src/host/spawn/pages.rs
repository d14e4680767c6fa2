//! Code of this program that is mapped, which counts as memory of whoever has it mapped.
//!
//! A start, and each look at everything, go through megabytes of code that nothing needs in between, and a service that ends has to
//! be started again at once. So what a restart needs stays mapped, and the rest is let go of: whoever comes to it has it mapped again,
//! from what the kernel keeps of the file. Both lie apart where the linker was told so (`link/order.txt`); elsewhere nothing is let go of.

#[cfg(ordered)]
use std::ffi::c_void;

/// Lets go of the code that no restart needs. Breakpoints that a debugger has set there go with it.
#[cfg(ordered)]
pub fn let_go_of_code() {
    let Some((begin, end)) = behind(restart_ends as fn() as usize) else { return };
    let length = end - begin;
    // SAFETY: the kernel says that this is code of a file, mapped for this process alone. Nobody has written to it, as it isn't writable
    // and holds no relocations, so that it reads the same when it is mapped again.
    unsafe {
        libc::madvise(std::ptr::with_exposed_provenance_mut::<c_void>(begin), length, libc::MADV_DONTNEED);
    }
}

/// It lies among other code.
#[cfg(not(ordered))]
pub fn let_go_of_code() {}

/// What a restart needs lies in front of this: it is named there behind all of that.
#[cfg(ordered)]
#[inline(never)]
fn restart_ends() {
    // No other function says this, or it could be taken for that one.
    std::hint::black_box("what a restart needs ends here");
}

/// Whole pages of code behind this place.
#[cfg(ordered)]
fn behind(place: usize) -> Option<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    code_around(&maps, place).map(|end| (place.next_multiple_of(rustix::param::page_size()), end))
}

/// Where the code of a file ends that this place is in.
#[cfg(any(ordered, test))]
fn code_around(maps: &str, place: usize) -> Option<usize> {
    let end = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (begin, end) = words.next()?.split_once('-')?;
        let [begin, end] = [begin, end].map(|text| usize::from_str_radix(text, 16).ok());
        let is_code = words.next()? == "r-xp" && words.nth(2)? != "0";
        (is_code && (begin?..end?).contains(&place)).then_some(end?)
    };
    maps.lines().find_map(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_found_by_a_place_in_it() {
        let maps = "00200000-00556000 r--p 00000000 fe:00 77 /usr/bin/selfsame\n\
                    00557000-01799000 r-xp 00356000 fe:00 77 /usr/bin/selfsame\n\
                    7f00000000-7f00001000 r-xp 00000000 00:00 0 [vdso]\n";
        assert_eq!(code_around(maps, 0x75_2390), Some(0x179_9000));
        for place in [0x20_0000, 0x179_9000, 0x7f_0000_0000] {
            assert_eq!(code_around(maps, place), None);
        }
    }

    #[test]
    fn a_program_goes_on_without_its_code() {
        let_go_of_code();
        assert_eq!(format!("{}", 6 * 7), "42");
    }
}
