//! `doctor`: what this host allows.

use super::args::{DoctorArgs, Output};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::host::doctor::{State, examine};
use crate::host::state_dir::Dirs;
use crate::report::doctor_text;

/// Runs `doctor`. It fails only where nothing would work.
pub(super) fn run(args: &DoctorArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let findings = examine(dirs);
    match args.output {
        Output::Text => terminal.data(&doctor_text(&findings)),
        Output::Json => terminal.json(&findings),
    }
    if findings.iter().any(|finding| finding.state == State::Broken) { Exit::Failed } else { Exit::Ok }
}
