//! Parsers of kernel files: pure functions on bytes that never panic. `None` means that the bytes are not in
//! the documented form.

mod binfmt;
mod lines;
mod memory;
mod rows;
mod sockets;
mod stat;
mod status;

pub use binfmt::parse_binfmt_entry;
pub use lines::{
    Hidepid, LockLine, hidepid, inode_in_link, mount_device, nested_pids, parse_cgroups, parse_locks,
};
pub use memory::{are_arguments, execfn_address, parse_arguments, parse_environ};
pub use rows::{parse_io, parse_limits, parse_memory_total, parse_number, parse_smaps_rollup};
pub use sockets::{SocketTable, parse_net_inet, parse_net_unix};
pub(super) use sockets::{inet_socket, unix_socket};
pub use stat::{Brief, Stage, parse_brief, parse_stat};
pub use status::{effective, parse_status};

use std::str::FromStr;

/// A decimal number that fills the whole word.
fn number<T: FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The words between blanks and tabs.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// The lines, without an empty one after the last newline.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty())
}

/// What stands before and after the first `at`.
fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|b| *b == at)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}
