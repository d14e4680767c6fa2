//! Compressing pieces, so that each stretch is there in one complete form at any moment.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{AtFlags, OFlags, fsync, renameat, unlinkat};

use super::cut::{create, temporary};
use super::open::{Opened, Refused, below};
use super::pieces::{Piece, list};

const CHUNK: usize = 64 << 10;

/// Compresses the oldest piece that isn't. False if there is none.
///
/// # Errors
/// The piece was planted, or what the kernel answered. The plain form stays.
pub fn compress_one(opened: &Opened, owners: &[u32]) -> Result<bool, Refused> {
    let pieces = list(&opened.dir, &opened.name)?;
    let Some(piece) = pieces.iter().find(|piece| !piece.packed) else { return Ok(false) };
    let plain = piece.name(&opened.name);
    let file = below(&opened.dir, &plain, OFlags::RDONLY, owners)?;
    // A piece is of the size that its name says, or it isn't ours.
    if file.metadata()?.size() != piece.end - piece.start {
        return Err(Refused::Unsafe(format!("`{}` isn't what was put there", plain.display())));
    }
    let temporary = temporary(&opened.name);
    let packed = Piece { packed: true, ..*piece }.name(&opened.name);
    let written = create(&opened.dir, &temporary, &file).and_then(|copy| pack(&file, copy)).and_then(|()| {
        renameat(&opened.dir, &temporary, &opened.dir, &packed)?;
        fsync(&opened.dir)?;
        Ok(unlinkat(&opened.dir, &plain, AtFlags::empty())?)
    });
    if written.is_err() {
        let _ = unlinkat(&opened.dir, &temporary, AtFlags::empty());
    }
    written?;
    Ok(true)
}

fn pack(mut from: &File, to: File) -> io::Result<()> {
    let mut encoder = GzEncoder::new(to, Compression::default());
    let mut buffer = vec![0u8; CHUNK];
    loop {
        match from.read(&mut buffer)? {
            0 => break,
            count => encoder.write_all(buffer.get(..count).unwrap_or_default())?,
        }
    }
    encoder.finish()?.sync_all()
}
