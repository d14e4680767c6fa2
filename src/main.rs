//! The binary: hands the command line over and returns an exit code. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    selfsame::cli::run(std::env::args_os())
}
