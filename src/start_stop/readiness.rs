//! `--notify-await`: what a daemon says about itself, and how long it is waited for.

use std::time::Duration;

use super::fault::{DONE, Fault};
use super::numbers;
use super::voice::Voice;
use crate::host::clock::deadline;
use crate::host::errno::{errno_text, io_text};
use crate::host::notify::{Daemon, Heard, NotifySocket};

/// What one line means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    Ready,
    /// It gives up, and why.
    Failed(i32),
    /// It needs so many microseconds more, from now.
    Extend(u64),
    /// Anything else that it may want to say.
    Other,
}

/// Waits until the daemon is ready.
///
/// # Errors
/// It is late, it ended, it says that it failed, or what it says can't be understood. If it runs, it is left running.
pub(super) fn wait(voice: &Voice, socket: &NotifySocket, daemon: &Daemon, seconds: i32) -> Result<u8, Fault> {
    let mut until = deadline(Duration::from_secs(seconds.unsigned_abs().into()));
    voice.tell_on_the_way(&format!("Waiting for notifications... (timeout {seconds}sec 0nsec)\n"));
    loop {
        let heard = socket.hear(daemon, until).map_err(|error| {
            Fault::Trouble(format!("cannot receive notification packet ({})", io_text(&error)))
        })?;
        let text = match heard {
            Heard::Message(text) => text,
            Heard::Late => return Err(Fault::Trouble("timed out waiting for a notification".into())),
            Heard::Dead => {
                return Err(Fault::Trouble(
                    "the program ended without a notification that it is ready".into(),
                ));
            }
        };
        voice.tell_on_the_way("Child sent some notification...\n");
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match said(line)? {
                Said::Ready => {
                    voice.tell_on_the_way("-> Notification => ready for service.\n");
                    return Ok(DONE);
                }
                Said::Failed(errno) => {
                    return Err(Fault::Trouble(format!(
                        "program failed to initialize ({})",
                        errno_text(errno)
                    )));
                }
                Said::Extend(micros) => until = deadline(Duration::from_micros(micros)),
                Said::Other => voice.tell_on_the_way(&format!(
                    "-> Notification line '{}' received\n",
                    String::from_utf8_lossy(line)
                )),
            }
        }
    }
}

fn said(line: &[u8]) -> Result<Said, Fault> {
    if line == b"READY=1" {
        return Ok(Said::Ready);
    }
    if let Some(number) = line.strip_prefix(b"ERRNO=") {
        return numbers::unsigned(number, 10).map(Said::Failed).ok_or_else(|| wrong("errno", line));
    }
    if let Some(number) = line.strip_prefix(b"EXTEND_TIMEOUT_USEC=") {
        let micros = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
        return micros.map(Said::Extend).ok_or_else(|| wrong("extended timeout", line));
    }
    Ok(Said::Other)
}

fn wrong(what: &str, line: &[u8]) -> Fault {
    Fault::Trouble(format!("cannot parse {what} notification {}", String::from_utf8_lossy(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_mean_what_the_protocol_says() {
        for (line, expected) in [
            ("READY=1", Ok(Said::Ready)),
            ("READY=0", Ok(Said::Other)),
            ("STATUS=x", Ok(Said::Other)),
            ("ERRNO=2", Ok(Said::Failed(2))),
            ("ERRNO=x", Err(())),
            ("EXTEND_TIMEOUT_USEC=5000000", Ok(Said::Extend(5_000_000))),
            ("EXTEND_TIMEOUT_USEC=99999999999", Ok(Said::Extend(99_999_999_999))),
            ("EXTEND_TIMEOUT_USEC=", Err(())),
        ] {
            assert_eq!(said(line.as_bytes()).map_err(|_| ()), expected, "{line}");
        }
    }
}
