//! Opening what a service writes to, so that nobody can plant another file in its place.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::SpawnError;
use crate::host::walk;
use crate::plan::action::OutputTarget;
use crate::plan::output::Stream;

/// Owner reads and writes, group reads.
const MODE: u32 = 0o640;

/// Opens an output for appending; `owner` may be whose it is. A link, a file of somebody else or a file with a second name is refused: the
/// service's user could have planted it to have another file written to.
pub(super) fn open_output(target: &OutputTarget, stream: Stream, owner: u32) -> Result<File, SpawnError> {
    let path = match target {
        OutputTarget::File(path) | OutputTarget::Syslog(path) => path.as_path(),
        OutputTarget::Null => return null(File::options().write(true)),
        OutputTarget::Inherit => return own(stream),
    };
    let failed = |text: String| SpawnError::output(path, &text);
    let engine = rustix::process::geteuid().as_raw();
    let directory =
        walk::without_links_of_strangers(path.parent().unwrap_or(path), engine).map_err(failed)?;
    let name = path.file_name().ok_or_else(|| failed("it names no file".into()))?;
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
    let file = walk::open_resolved(&directory.join(name), flags, MODE)
        .map_err(|error| failed(open_error(&error)))?;
    let meta = file.metadata().map_err(|error| failed(crate::host::errno::io_text(&error)))?;
    if meta.file_type().is_char_device() {
        blocking(&file).map_err(|error| failed(crate::host::errno::io_text(&error)))?;
        return Ok(file);
    }
    if !meta.is_file() {
        return Err(failed("it is not a regular file".into()));
    }
    if ![0, engine, owner].contains(&meta.uid()) {
        return Err(failed(format!("it belongs to user {}", meta.uid())));
    }
    if meta.nlink() > 1 {
        return Err(failed("it has a second name (hard link)".into()));
    }
    blocking(&file).map_err(|error| failed(crate::host::errno::io_text(&error)))?;
    Ok(file)
}

/// What every process reads from, and some write to.
pub(super) fn null(options: &OpenOptions) -> Result<File, SpawnError> {
    let path = Path::new("/dev/null");
    options.open(path).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let hint = if missing {
            "; every process needs it, and `mknod -m 666 /dev/null c 1 3` makes it"
        } else {
            ""
        };
        SpawnError::output(path, &format!("{}{hint}", crate::host::errno::io_text(&error)))
    })
}

/// What selfsame itself writes to, as it is: a mode that was set for somebody else is left alone.
fn own(stream: Stream) -> Result<File, SpawnError> {
    let own = match stream {
        Stream::Out => rustix::stdio::stdout(),
        Stream::Err => rustix::stdio::stderr(),
    };
    let copy = own.try_clone_to_owned();
    copy.map(File::from)
        .map_err(|error| SpawnError::output(Path::new(stream.word()), &crate::host::errno::io_text(&error)))
}

fn open_error(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ELOOP) => "it is a symbolic link".into(),
        Some(libc::ENXIO) => "it is not a regular file".into(),
        _ => crate::host::errno::io_text(error),
    }
}

/// The service must not find its output in a mode it doesn't expect.
fn blocking(file: &File) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(file.as_fd())?;
    rustix::fs::fcntl_setfl(file.as_fd(), flags - rustix::fs::OFlags::NONBLOCK)?;
    Ok(())
}
