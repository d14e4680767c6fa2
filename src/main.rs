//! The binary: hands the command line over and returns an exit code. Everything else is in the library.
//!
//! The C library calls [`main`] itself, without Rust's own start before it. That looks up the bounds of the stack in
//! `/proc/self/maps` and sets up a second one, for a message about a stack that ran out (here it is the kernel's `SIGSEGV` that ends
//! us): a twentieth of a small look. What counts of it is done by [`selfsame::cli::start`].

#![no_main]

use std::ffi::{c_char, c_int};

#[expect(unsafe_code, reason = "the C library finds it by this name; it is called once, and uses no pointer")]
#[unsafe(no_mangle)]
extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    // The standard library noted them before (an initialiser that the C library calls).
    c_int::from(selfsame::cli::start(std::env::args_os()))
}
