//! What the pane below the table shows of one object.

use std::path::Path;

use crate::cli::status::{explanation, subject};
use crate::cli::terminal::Terminal;
use crate::host::output::read::{Next, Reader};
use crate::host::state_dir::Dirs;
use crate::plan::action::OutputTarget;
use crate::plan::memory::Record;
use crate::plan::output::{Stream, file_of};
use crate::report::live::Pane;
use crate::spec::ServiceName;

/// So many lines of a log are kept for scrolling.
const LINES: usize = 200;
const BYTES_MAX: usize = 256 << 10;

/// The text of the pane.
pub(super) fn text(
    pane: Pane,
    (name, index): (&ServiceName, u32),
    dirs: &Dirs,
    terminal: Terminal,
) -> String {
    let known = if pane == Pane::Events { None } else { subject(name.as_str(), dirs, terminal) };
    match (pane, known) {
        (Pane::Events, _) => String::new(),
        (Pane::Explain, Some(mut subject)) => explanation(&mut subject),
        (Pane::Log, Some(subject)) => log(name, index, subject.record(), dirs),
        (Pane::Explain | Pane::Log, None) => format!("`{name}` is not on record"),
    }
}

/// The end of what an instance wrote to its standard output.
fn log(name: &ServiceName, index: u32, record: Option<&Record>, dirs: &Dirs) -> String {
    let Some(record) = record else { return format!("`{name}` is not on record") };
    let (run, log) = (dirs.run.display().to_string(), dirs.log.display().to_string());
    match file_of(record, index, Stream::Out, (&run, &log)) {
        OutputTarget::File(path) => last_lines(&path, dirs),
        OutputTarget::Null => "its output is thrown away".into(),
        OutputTarget::Inherit => "its output goes where that of selfsame goes".into(),
        OutputTarget::Syslog(_) => "its output goes to the system's log".into(),
    }
}

fn last_lines(path: &Path, dirs: &Dirs) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut reader = Reader::new(path, &dirs.outputs()).map_err(std::io::Error::other)?;
        reader.seek_lines(LINES)?;
        let mut bytes = Vec::new();
        while bytes.len() < BYTES_MAX {
            match reader.read_on()? {
                Next::Bytes(more) => bytes.extend(more),
                Next::Gap(_) | Next::Anew => {}
                Next::End => break,
            }
        }
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.is_empty() => "nothing was written yet".into(),
        Ok(bytes) => String::from_utf8_lossy(&bytes).replace('\t', "    "),
        Err(error) => format!("`{}` can't be read: {error}", path.display()),
    }
}
