//! Codes of mistakes on the command line.

use crate::diagnostic::Code;

/// This host's `/proc` can't be used.
pub(super) const HOST: Code = Code("C001");
/// A file can't be read.
pub(super) const FILE: Code = Code("C002");
/// A name of an expression has no value, or a value has no name.
pub(super) const UNBOUND: Code = Code("C003");
