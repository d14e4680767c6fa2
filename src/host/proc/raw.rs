//! The few system calls that a look is made of, relative to a directory descriptor, without allocation where
//! the answer has a fixed size.

use std::ffi::{CStr, CString};
use std::fmt;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, SeekFrom, Stat};
use rustix::io::Errno;

use crate::facts::{FileFacts, FileKind};
use crate::units::{Gid, Pid, Uid};

/// Room for what a small file of `/proc` holds at most, so that one read suffices.
const SMALL: usize = 4096;
/// Room for two thousand directory entries in one call, of the heap: what is mapped for itself is given back, and mapped and
/// touched anew, by every look.
const LISTING: usize = 1 << 16;

/// A short path below `/proc`, ended by NUL, on the stack: `412/exe`, `task/413/cwd`.
#[derive(Clone, Copy)]
pub(super) struct Leaf([u8; 64]);

impl Leaf {
    /// Formats the path; one that doesn't fit becomes empty, which no directory contains.
    pub(super) fn new(path: fmt::Arguments<'_>) -> Self {
        let mut bytes = [0; 64];
        let mut room: &mut [u8] = &mut bytes;
        // The terminator is part of what must fit.
        match room.write_fmt(path).and_then(|()| room.write_all(&[0])) {
            Ok(()) => Self(bytes),
            Err(_) => Self([0; 64]),
        }
    }

    /// `PID/leaf`, without what formatting costs: a look makes one for each process. An empty `leaf` is the directory itself.
    pub(super) fn of(pid: Pid, leaf: &str) -> Self {
        let Ok(mut rest) = u32::try_from(pid.0) else { return Self([0; 64]) };
        // The digits from the last to the first.
        let (mut digits, mut from) = ([b'0'; 10], 10);
        while rest > 0 || from == digits.len() {
            from -= 1;
            if let Some(digit) = digits.get_mut(from) {
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            }
            rest /= 10;
        }
        let mut bytes = [0; 64];
        let parts = [
            digits.get(from..).unwrap_or_default(),
            if leaf.is_empty() { b"" } else { b"/" },
            leaf.as_bytes(),
        ];
        let mut room: &mut [u8] = &mut bytes;
        let fits = parts.iter().all(|part| room.write_all(part).is_ok()) && !room.is_empty();
        if fits { Self(bytes) } else { Self([0; 64]) }
    }

    pub(super) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

/// stat through a link, relative to `dir`.
pub(super) fn stat_at(dir: BorrowedFd<'_>, path: &CStr) -> Result<Stat, Errno> {
    rustix::fs::statat(dir, path, AtFlags::empty())
}

/// The text of a link.
pub(super) fn link_at(dir: BorrowedFd<'_>, path: &CStr) -> Result<Vec<u8>, Errno> {
    rustix::fs::readlinkat(dir, path, Vec::new()).map(CString::into_bytes)
}

/// What a short link says, without making room for it.
pub(super) fn short_link_at<T>(
    dir: BorrowedFd<'_>,
    path: &CStr,
    use_text: impl FnOnce(&[u8]) -> T,
) -> Option<T> {
    let mut buffer = [MaybeUninit::uninit(); 256];
    let (text, rest) = rustix::fs::readlinkat_raw(dir, path, &mut buffer).ok()?;
    // What fills it may be cut.
    (!rest.is_empty()).then(|| use_text(text))
}

/// A descriptor that only names a directory: it stays bound to that process, whatever becomes of its pid.
pub(super) fn open_dir(dir: BorrowedFd<'_>, path: &CStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(dir, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

pub(super) fn open_read(dir: BorrowedFd<'_>, path: &CStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(dir, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())
}

/// How a file of `/proc` gives what it holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One record, whole in one read if the buffer is large enough: a read that leaves room was the last.
    Record,
    /// Many records or the memory of a process: a short read may be followed by another.
    Stream,
}

/// Reads a file into `buffer`, replacing what was there, up to `limit` bytes. Whether there was more.
pub(super) fn read_at(
    dir: BorrowedFd<'_>,
    path: &CStr,
    form: Form,
    limit: usize,
    buffer: &mut Vec<u8>,
) -> Result<bool, Errno> {
    let file = open_read(dir, path)?;
    read_all(file.as_fd(), form, limit, buffer)
}

/// The same for an open file.
pub(super) fn read_all(
    file: BorrowedFd<'_>,
    form: Form,
    limit: usize,
    buffer: &mut Vec<u8>,
) -> Result<bool, Errno> {
    buffer.clear();
    append_all(file, form, limit, buffer)
}

/// The same, behind what is in the buffer.
pub(super) fn append_all(
    file: BorrowedFd<'_>,
    form: Form,
    limit: usize,
    buffer: &mut Vec<u8>,
) -> Result<bool, Errno> {
    let limit = buffer.len() + limit;
    while buffer.len() <= limit {
        // What holds one text grows with it; what collects many grows by a little.
        let wanted = SMALL.max(if form == Form::Stream { buffer.len() } else { 0 });
        buffer.reserve(wanted);
        let room = buffer.capacity() - buffer.len();
        let got = loop {
            match rustix::io::read(file, spare_capacity(buffer)) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        };
        if got == 0 || (form == Form::Record && got < room) {
            break;
        }
    }
    let more = buffer.len() > limit;
    buffer.truncate(limit);
    Ok(more)
}

/// Every entry of a directory except `.` and `..`, in the kernel's order, with its inode number.
///
/// A descriptor that was listed before is rewound, so it can be kept for many looks.
pub(super) fn list(dir: BorrowedFd<'_>, mut each: impl FnMut(&[u8], u64)) -> Result<(), Errno> {
    rustix::fs::seek(dir, SeekFrom::Start(0))?;
    let mut buffer: Vec<u8> = Vec::with_capacity(LISTING);
    let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            each(name, entry.ino());
        }
    }
    Ok(())
}

/// Opens a directory and lists it.
pub(super) fn list_at(dir: BorrowedFd<'_>, path: &CStr, each: impl FnMut(&[u8], u64)) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let listed = rustix::fs::openat(dir, path, flags, Mode::empty())?;
    list(listed.as_fd(), each)
}

/// A name made of digits only, as a number.
pub(super) fn numeric(name: &[u8]) -> Option<i32> {
    name.iter().try_fold(0_i32, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Facts of a file; `real` and `multicall` are the caller's to give.
pub(super) fn file_facts(stat: &Stat, real: std::sync::Arc<[u8]>, multicall: bool) -> FileFacts {
    let kind = match stat.st_mode & 0o170_000 {
        0o100_000 => FileKind::Regular,
        0o040_000 => FileKind::Directory,
        _ => FileKind::Other,
    };
    FileFacts {
        real,
        dev: stat.st_dev,
        ino: stat.st_ino,
        kind,
        mode: stat.st_mode & 0o7777,
        uid: Uid(stat.st_uid),
        gid: Gid(stat.st_gid),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
        ctime: i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec),
        nlink: stat.st_nlink,
        multicall,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;

    #[test]
    fn paths_that_do_not_fit_lead_nowhere() {
        assert_eq!(Leaf::new(format_args!("{}/exe", 412)).as_c_str(), c"412/exe");
        assert_eq!(Leaf::new(format_args!("{}", "x".repeat(63))).as_c_str().count_bytes(), 63);
        assert_eq!(Leaf::new(format_args!("{}", "x".repeat(64))).as_c_str(), c"");
    }

    #[test]
    fn the_short_way_to_a_path_leads_to_the_same() {
        for pid in [1, 9, 10, 412, 4_194_304, i32::MAX] {
            for leaf in ["exe", "stat", "ns/pid"] {
                let formatted = Leaf::new(format_args!("{pid}/{leaf}"));
                assert_eq!(Leaf::of(Pid(pid), leaf).as_c_str(), formatted.as_c_str());
            }
            assert_eq!(Leaf::of(Pid(pid), "").as_c_str(), Leaf::new(format_args!("{pid}")).as_c_str());
        }
        assert_eq!(Leaf::of(Pid(0), "exe").as_c_str(), c"0/exe");
        assert_eq!(Leaf::of(Pid(-1), "exe").as_c_str(), c"");
        assert_eq!(Leaf::of(Pid(1), &"x".repeat(61)).as_c_str().count_bytes(), 63);
        assert_eq!(Leaf::of(Pid(1), &"x".repeat(62)).as_c_str(), c"");
    }

    #[test]
    fn only_digits_name_a_process() {
        assert_eq!(numeric(b"412"), Some(412));
        for wrong in [&b"self"[..], b"4a", b"-1", b"99999999999"] {
            assert_eq!(numeric(wrong), None);
        }
    }

    #[test]
    fn a_read_stops_at_its_limit_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("f"), vec![b'a'; 10_000]).unwrap();
        let dir = std::fs::File::open(folder.path()).unwrap();
        let mut buffer = Vec::new();
        for (limit, length, more) in [(9_999, 9_999, true), (10_000, 10_000, false), (1 << 20, 10_000, false)]
        {
            for form in [Form::Record, Form::Stream] {
                assert_eq!(read_at(dir.as_fd(), c"f", form, limit, &mut buffer), Ok(more), "{limit}");
                assert_eq!(buffer.len(), length);
            }
        }
    }
}
