//! File systems whose changes the kernel doesn't tell, since they are made elsewhere.

use std::os::fd::AsFd;

/// Magic numbers of `statfs` (`linux/magic.h` and the file systems' own headers) and their names.
const REMOTE: [(u32, &str); 11] = [
    (0x6969, "NFS"),
    (0x6573_5546, "FUSE"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x517B, "SMB"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
];

/// The name of the file system that this lies on, if changes of it are to be expected that nobody tells of. An overlay
/// isn't among them: what is changed through it is told, and what is changed below it is seen at the next resync.
pub(in crate::host) fn remote(directory: impl AsFd) -> Option<&'static str> {
    named(rustix::fs::fstatfs(directory).ok()?.f_type)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a magic number has 32 bits, whatever the type of the field"
)]
fn named(magic: rustix::fs::FsWord) -> Option<&'static str> {
    REMOTE.iter().find(|(number, _)| *number == magic as u32).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        for (magic, expected) in [
            (0x6969, Some("NFS")),
            (0x6573_5546, Some("FUSE")),
            (0xEF53, None),
            (0x0102_1994, None),
            (0x794C_7630, None),
        ] {
            assert_eq!(named(magic), expected, "{magic:x}");
        }
    }
}
