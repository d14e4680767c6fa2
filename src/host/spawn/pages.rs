//! Code of this program that is mapped, which counts as memory of whoever has it mapped.
//!
//! A start, and each look at everything, go through megabytes of code that nothing needs in between, and a service that ends has to
//! be started again at once. So what a restart needs stays mapped, and the rest is let go of: whoever comes to it has it mapped again,
//! from what the kernel keeps of the file. Both lie apart where the linker was told so (`src/link/order.txt`); elsewhere nothing is let go of.

/// Lets go of the code of a watch that no restart needs. Breakpoints that a debugger has set there go with it.
#[cfg(ordered)]
pub fn let_go_of_code() {
    let page = rustix::param::page_size();
    let begin = (restart_ends as fn() as usize).next_multiple_of(page);
    let end = (watch_ends as fn() as usize) / page * page;
    if begin < end {
        let place = std::ptr::with_exposed_provenance_mut(begin);
        // SAFETY: between two functions of this program is nothing but its code. Nobody has written to that, as it isn't writable and
        // holds no relocations, so that it reads the same when it is mapped again.
        unsafe {
            libc::madvise(place, end - begin, libc::MADV_DONTNEED);
        }
    }
}

/// It lies among other code.
#[cfg(not(ordered))]
pub fn let_go_of_code() {}

/// What a restart needs lies in front of this: it is named there behind all of that.
#[cfg(any(ordered, test))]
#[inline(never)]
fn restart_ends() {
    // No other function says this, or it could be taken for that one.
    std::hint::black_box("what a restart needs ends here");
}

/// What a watch needs besides lies in front of this. Behind it is the C library, of which a restart needs some.
#[cfg(any(ordered, test))]
#[inline(never)]
fn watch_ends() {
    std::hint::black_box("what a watch needs ends here");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_names_both_ends() {
        let order: Vec<&str> = include_str!("../../link/order.txt").lines().collect();
        let place = |path: &str| {
            let name: String = path.split("::").map(|part| format!("{}{part}", part.len())).collect();
            order.iter().position(|line| *line == format!("_ZN{name}17h*"))
        };
        let [restart, watch] =
            [std::any::type_name_of_val(&restart_ends), std::any::type_name_of_val(&watch_ends)].map(place);
        assert!(restart.is_some() && restart < watch, "{restart:?} {watch:?}");
        assert_eq!(watch, order.len().checked_sub(1));
    }

    #[test]
    fn a_program_goes_on_without_its_code() {
        restart_ends();
        watch_ends();
        let_go_of_code();
        assert_eq!(format!("{}", 6 * 7), "42");
    }
}
