//! Passing output on to the system's log, from the file that the service wrote it to.
//!
//! The service never waits for the log daemon and outlives it and us: what could not be passed on stays in the file, and
//! the journal knows how far it was passed on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::plan::output::{Stream, Tag};

/// A longer line is passed on in parts: `RFC 3164` asks for 1 KiB, every daemon of today takes eight.
const LINE_MAX: usize = 8000;
const CHUNK: usize = 64 << 10;
/// As long as the daemon may keep us from other files.
const PATIENCE: Duration = Duration::from_millis(500);
/// Facility `daemon`, severities `info` and `err`.
const PRIORITIES: [(Stream, u8); 2] = [(Stream::Out, 30), (Stream::Err, 27)];

/// The way to the log daemon.
#[derive(Debug)]
pub(super) struct Syslog {
    at: PathBuf,
    socket: Option<UnixDatagram>,
}

/// How far it came.
#[derive(Debug)]
pub(super) struct Passed {
    /// Bytes of the file that were passed on.
    pub(super) bytes: u64,
    /// Why no more were, if that isn't because all were.
    pub(super) error: Option<io::Error>,
}

impl Syslog {
    /// To the daemon that listens `at` (`/dev/log`).
    pub(super) fn new(at: &Path) -> Self {
        Self { at: at.to_owned(), socket: None }
    }

    /// Passes on the lines of the file from `offset` to `end`. A line without an end is kept for later, unless `rest`.
    pub(super) fn pass_on(
        &mut self,
        file: &File,
        tag: &Tag,
        (offset, end): (u64, u64),
        rest: bool,
    ) -> Passed {
        let begin = Instant::now();
        let mut bytes = 0;
        let mut buffer = vec![0u8; CHUNK];
        while offset + bytes < end {
            let wanted = usize::try_from(end - offset - bytes).unwrap_or(CHUNK).min(CHUNK);
            let part = buffer.get_mut(..wanted).unwrap_or_default();
            if let Err(error) = file.read_exact_at(part, offset + bytes) {
                return Passed { bytes, error: Some(error) };
            }
            let (lines, length) = lines(part, rest && wanted < CHUNK);
            if lines.is_empty() {
                break;
            }
            let mut before = 0;
            for (line, behind) in lines {
                if let Err(error) = self.send(line, tag, begin + PATIENCE) {
                    return Passed { bytes: bytes + before as u64, error: Some(error) };
                }
                before = behind;
            }
            bytes += length as u64;
        }
        Passed { bytes, error: None }
    }

    fn send(&mut self, line: &[u8], tag: &Tag, until: Instant) -> io::Result<()> {
        let priority = PRIORITIES.iter().find(|(of, _)| *of == tag.stream).map_or(30, |(_, number)| *number);
        let mut message = format!("<{priority}>{}[{}]: ", tag.name, tag.pid).into_bytes();
        message.extend_from_slice(line);
        let mut fresh = false;
        loop {
            let socket = match &self.socket {
                Some(socket) => socket,
                None => {
                    fresh = true;
                    self.socket.insert(connect(&self.at)?)
                }
            };
            match socket.send(&message) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(socket, until)?,
                // The daemon was started anew since.
                Err(error) => {
                    self.socket = None;
                    if fresh {
                        return Err(error);
                    }
                }
            }
        }
    }
}

fn connect(at: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(at)?;
    Ok(socket)
}

fn wait(socket: &UnixDatagram, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    match poll(&mut fds, Some(&timeout))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}

/// The lines of a text without their ends, each with the length of the text up to behind it, and the length of all.
fn lines(text: &[u8], rest: bool) -> (Vec<(&[u8], usize)>, usize) {
    let mut lines = Vec::new();
    let mut at = 0;
    while let Some(left) = text.get(at..).filter(|left| !left.is_empty()) {
        let end = left.iter().position(|byte| *byte == b'\n');
        let (length, behind) = match end {
            Some(end) if end <= LINE_MAX => (end, end + 1),
            _ if left.len() >= LINE_MAX => (LINE_MAX, LINE_MAX),
            Some(end) => (end, end + 1),
            None if rest => (left.len(), left.len()),
            None => break,
        };
        at += behind;
        lines.push((left.get(..length).unwrap_or_default(), at));
    }
    (lines, at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::spec::ServiceName;

    #[test]
    fn lines_are_cut_where_they_end_or_are_too_long() {
        let long = vec![b'x'; LINE_MAX + 3];
        let rows: [(&[u8], bool, Vec<usize>, usize); 5] = [
            (b"a\nbc\n", false, vec![1, 2], 5),
            (b"a\nbc", false, vec![1], 2),
            (b"a\nbc", true, vec![1, 2], 4),
            (b"\n\n", false, vec![0, 0], 2),
            (&long, false, vec![LINE_MAX], LINE_MAX),
        ];
        for (text, rest, expected, length) in rows {
            let (found, all) = lines(text, rest);
            assert_eq!(
                (found.iter().map(|(line, _)| line.len()).collect::<Vec<_>>(), all),
                (expected, length)
            );
        }
    }

    #[test]
    fn what_a_daemon_does_not_take_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("log");
        let text = "one\ntwo\nthree";
        std::fs::write(dir.path().join("out"), text).unwrap();
        let file = File::open(dir.path().join("out")).unwrap();
        let tag =
            Tag { name: ServiceName::new("web").unwrap(), pid: crate::units::Pid(7), stream: Stream::Err };
        let mut syslog = Syslog::new(&at);
        let passed = syslog.pass_on(&file, &tag, (0, 13), false);
        assert_eq!(
            (passed.bytes, passed.error.map(|error| error.kind())),
            (0, Some(io::ErrorKind::NotFound))
        );
        let heard = |daemon: &UnixDatagram| {
            let mut buffer = [0u8; 100];
            let count = daemon.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..count]).into_owned()
        };
        let daemon = UnixDatagram::bind(&at).unwrap();
        let passed = syslog.pass_on(&file, &tag, (0, 13), false);
        assert_eq!((passed.bytes, passed.error.is_none()), (8, true));
        assert_eq!([heard(&daemon), heard(&daemon)], ["<27>web[7]: one", "<27>web[7]: two"]);
        // Another daemon in its place. The first takes no more, also while a child of another test holds its socket until its exec.
        daemon.shutdown(std::net::Shutdown::Both).unwrap();
        drop(daemon);
        std::fs::remove_file(&at).unwrap();
        let daemon = UnixDatagram::bind(&at).unwrap();
        assert_eq!(syslog.pass_on(&file, &tag, (8, 13), true).bytes, 5);
        assert_eq!(heard(&daemon), "<27>web[7]: three");
        // One that doesn't read: we give up in time, with what it took.
        let many = "line\n".repeat(10_000);
        std::fs::write(dir.path().join("many"), &many).unwrap();
        let file = File::open(dir.path().join("many")).unwrap();
        let passed = syslog.pass_on(&file, &tag, (0, 50_000), false);
        assert_eq!(passed.error.unwrap().kind(), io::ErrorKind::WouldBlock);
        assert!(
            passed.bytes > 0 && passed.bytes < 50_000 && passed.bytes.is_multiple_of(5),
            "{}",
            passed.bytes
        );
    }
}
