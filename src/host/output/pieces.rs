//! Pieces of output that were moved aside: `shop.log.0000000016384-0000000032768`, the stretch of the whole stream that is
//! in it. A piece never changes its name, but for the `.gz` when it is compressed, so that whoever reads along can't
//! mistake one for another, and the order of the names is that of the stream.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use rustix::fs::Dir;

/// A stretch of a stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Piece {
    /// Its first byte, counted from the beginning of the stream.
    pub start: u64,
    /// Behind its last byte.
    pub end: u64,
    /// It is compressed.
    pub packed: bool,
}

impl Piece {
    /// Its name, beside the file `of`.
    pub fn name(&self, of: &OsStr) -> OsString {
        let mut name = of.as_bytes().to_vec();
        let end = if self.packed { ".gz" } else { "" };
        name.extend(format!(".{:013}-{:013}{end}", self.start, self.end).bytes());
        OsString::from_vec(name)
    }

    /// The piece of `of` that has this name, if it is one.
    pub fn read(of: &OsStr, name: &[u8]) -> Option<Self> {
        let rest = name.strip_prefix(of.as_bytes())?.strip_prefix(b".")?;
        let (stretch, packed) = match rest.strip_suffix(b".gz") {
            Some(stretch) => (stretch, true),
            None => (rest, false),
        };
        let (start, end) = std::str::from_utf8(stretch).ok()?.split_once('-')?;
        let number = |text: &str| {
            let digits = text.len() >= 13 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| digits)
        };
        let piece = Self { start: number(start)?, end: number(end)?, packed };
        (piece.start < piece.end).then_some(piece)
    }
}

/// The pieces beside a file, in the order of the stream; each stretch once, the plain form before the compressed, which
/// may be behind a crash.
///
/// # Errors
/// What the kernel answered.
pub fn list(dir: &OwnedFd, of: &OsStr) -> io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for entry in Dir::read_from(dir)? {
        pieces.extend(Piece::read(of, entry?.file_name().to_bytes()));
    }
    pieces.sort_unstable();
    pieces.dedup_by(|later, kept| (later.start, later.end) == (kept.start, kept.end));
    Ok(pieces)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_stretch_it_is() {
        let of = OsStr::new("shop.log");
        for piece in [
            Piece { start: 0, end: 4096, packed: false },
            Piece { start: 4096, end: 12_345_678_901_234_567, packed: true },
        ] {
            assert_eq!(Piece::read(of, piece.name(of).as_bytes()), Some(piece));
        }
        for other in [
            "shop.log",
            "shop.log.1",
            "shop.log.1-2",
            "shop.log.0000000000000-0000000004096.new",
            "shop.log.0000000004096-0000000004096",
            "shop.log.+000000004096-0000000008192",
            "shop.logs.0000000000000-0000000004096",
        ] {
            assert_eq!(Piece::read(of, other.as_bytes()), None, "{other}");
        }
    }
}
