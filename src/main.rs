//! The binary: hands the command line over and returns an exit code. Everything else is in the library.

fn main() -> std::process::ExitCode {
    selfsame::cli::run(std::env::args_os()).into()
}
