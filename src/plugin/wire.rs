//! The form in which values cross into a module and back. `docs/plugins.md` describes it for authors of plugins.
//!
//! A tag byte and its payload, integers little-endian. What comes back is read by the declared type, so that the depth is
//! that of the type, and every length is compared with what there is before anything is kept: hostile bytes cost an
//! error and no memory.

mod read;
mod write;

pub use read::{WireError, answer, answer_of};
pub use write::{Unplain, absent, map, unknown, value};

/// The version of the interface that this build speaks best.
pub const VERSION: i32 = 1;
/// All versions that it speaks: this one and, once there is one, the major version before it.
pub const VERSIONS: [i32; 1] = [VERSION];

/// The first byte of a value.
mod tag {
    pub(super) const ABSENT: u8 = 0x00;
    pub(super) const BOOL: u8 = 0x01;
    pub(super) const INT: u8 = 0x02;
    pub(super) const STRING: u8 = 0x03;
    pub(super) const PATH: u8 = 0x04;
    pub(super) const SIZE: u8 = 0x05;
    pub(super) const DURATION: u8 = 0x06;
    pub(super) const TIME: u8 = 0x07;
    pub(super) const RATIO: u8 = 0x08;
    pub(super) const IP: u8 = 0x09;
    pub(super) const CIDR: u8 = 0x0a;
    pub(super) const LIST: u8 = 0x0b;
    pub(super) const MAP: u8 = 0x0c;
    pub(super) const ENUM: u8 = 0x0d;
    pub(super) const OPAQUE: u8 = 0x0e;
    pub(super) const UNKNOWN: u8 = 0x0f;

    /// The type that a tag stands for, in words.
    pub(super) fn word(tag: u8) -> &'static str {
        match tag {
            ABSENT => "absent",
            BOOL => "bool",
            INT => "int",
            STRING => "string",
            PATH => "path",
            SIZE => "size",
            DURATION => "duration",
            TIME => "time",
            RATIO => "percentage",
            IP => "ip",
            CIDR => "cidr",
            LIST => "list",
            MAP => "map",
            ENUM => "a word of an enumeration",
            OPAQUE => "a type of the plugin",
            UNKNOWN => "unknown",
            _ => "no type",
        }
    }
}
