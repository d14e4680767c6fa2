//! The binary: hands the command line over and returns an exit code. Everything else is in the library.
//!
//! With the GNU C library this calls [`main`] itself, without Rust's own start before it. That looks up the bounds of the stack in
//! `/proc/self/maps` and sets up a second one, for a message about a stack that ran out (here it is the kernel's `SIGSEGV` that ends
//! us): 0.03 ms, a twentieth of the smallest calls. What counts of it is done by [`selfsame::cli::start`].

#![cfg_attr(target_env = "gnu", no_main)]

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the C library finds it by this name; it is called once, and uses no pointer")]
#[unsafe(no_mangle)]
extern "C" fn main(_count: std::ffi::c_int, _arguments: *const *const std::ffi::c_char) -> std::ffi::c_int {
    // The standard library noted them before (an initialiser that the C library calls, which others don't give them to).
    selfsame::cli::start(std::env::args_os()).into()
}

#[cfg(not(target_env = "gnu"))]
fn main() -> std::process::ExitCode {
    selfsame::cli::start(std::env::args_os()).into()
}
