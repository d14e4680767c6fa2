//! Doors for the fuzz targets (`fuzz/`): the parsers of our own state files, which are otherwise reached only through
//! files in a state directory. For nothing else.

use super::{control, ledger};
use crate::facts::ProcessKey;
use crate::plan::memory::Record;
use crate::units::BootId;

/// The record in a file of the ledger, if it is of this boot and whole.
pub fn record(bytes: &[u8], boot: &BootId) -> Option<Record> {
    ledger::record_in(bytes, boot)
}

/// The key in a start slot, if a child wrote it to the end.
pub fn start_slot(bytes: &[u8], boot: &BootId) -> Option<ProcessKey> {
    ledger::key_in(bytes, boot)
}

/// What somebody says on the control socket, if it is a call.
pub fn call(line: &[u8]) -> Option<control::Call> {
    control::call(line).ok()
}
