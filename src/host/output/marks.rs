//! When a stream had come how far: what `logs --since` asks. A line each, `MILLISECONDS POSITION`, made when it is noticed
//! that a file has grown; so a mark is never before what it tells of. Old ones become sparser.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::host::atomic;
use crate::units::WallTime;

/// So many marks are kept at most; then every other one of the older half goes.
const MARKS_MAX: usize = 2048;
const BYTES_MAX: u64 = 1 << 20;
const MODE: u32 = 0o600;

/// Where the marks of a journal lie.
fn place(journal: &Path) -> PathBuf {
    journal.with_extension("marks")
}

/// Notes that the stream has come to `position`.
///
/// # Errors
/// What the kernel answered.
pub(super) fn note(journal: &Path, at: WallTime, position: u64) -> io::Result<()> {
    let path = place(journal);
    let mut file =
        OpenOptions::new().append(true).create(true).mode(MODE).custom_flags(libc::O_NOFOLLOW).open(&path)?;
    file.write_all(format!("{} {position}\n", at.0.as_millis()).as_bytes())?;
    // Lines are of much the same length, so that this is asked rarely and never missed for long.
    if file.metadata()?.len() > (MARKS_MAX * 24) as u64 {
        thin(&path)?;
    }
    Ok(())
}

fn thin(path: &Path) -> io::Result<()> {
    let marks = read(path);
    let half = marks.len() / 2;
    let kept = marks.iter().enumerate().filter(|(at, _)| *at >= half || at % 2 == 0);
    let text: String = kept.map(|(_, (time, position))| format!("{time} {position}\n")).collect();
    atomic::write(path, text.as_bytes(), MODE)
}

fn read(path: &Path) -> Vec<(u128, u64)> {
    let own = rustix::process::geteuid().as_raw();
    let text = atomic::read(path, &[own, 0], BYTES_MAX).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mark = |line: &str| {
        let (time, position) = line.split_once(' ')?;
        Some((time.parse().ok()?, position.parse().ok()?))
    };
    text.lines().filter_map(mark).collect()
}

/// Position that the stream had certainly not passed before `time`; nothing if no mark is that old.
pub(super) fn since(journal: &Path, time: WallTime) -> Option<u64> {
    let marks = read(&place(journal));
    // The wall clock may have been set back: what was noted later counts.
    let last = marks.iter().rposition(|(at, _)| *at <= time.0.as_millis())?;
    marks.get(last).map(|(_, position)| *position)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn marks_tell_where_a_stream_was_and_stay_few() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("j");
        let at = |millis: u64| WallTime(Duration::from_millis(millis));
        assert_eq!(since(&journal, at(5)), None);
        for n in 0..10_000u64 {
            note(&journal, at(1_000_000_000_000 + n * 10), n * 100).unwrap();
        }
        assert_eq!(since(&journal, at(999)), None, "nothing is that old");
        assert_eq!(since(&journal, at(1_000_000_000_000 + 99_990)), Some(999_900));
        assert_eq!(since(&journal, at(1_000_000_000_000 + 99_985)), Some(999_800));
        let early = since(&journal, at(1_000_000_000_000 + 5_000)).unwrap();
        assert!(early <= 50_000, "never too late: {early}");
        assert!(fs::metadata(place(&journal)).unwrap().len() < (MARKS_MAX * 30) as u64);
    }
}
