//! How a plugin fails.

use super::wire::WireError;

/// Why there is no result. The texts follow the name of the plugin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The module stopped by itself or was stopped.
    #[error("trapped ({0})")]
    Trap(String),
    /// The time of one call.
    #[error("took longer than a call may take (about 1 ms)")]
    Fuel,
    /// The time of a look.
    #[error("used up its time of this look (about 50 ms)")]
    LookFuel,
    /// The result is not what was declared.
    #[error("gave a wrong result ({0})")]
    Result(#[from] WireError),
    /// A pointer that leads out of its memory.
    #[error("pointed outside of its memory ({what}: {length} bytes at {pointer:#x})")]
    Pointer {
        /// To what.
        what: &'static str,
        /// Where.
        pointer: u32,
        /// How much.
        length: u32,
    },
    /// A result over the limit.
    #[error("gave a result of {0} bytes, more than {max}", max = super::limits::OUTPUT_MAX)]
    TooLong(u32),
    /// It had no place for its inputs.
    #[error("has no place for {0} bytes of input")]
    NoRoom(usize),
    /// It could not be started.
    #[error("can't be started ({0})")]
    Start(String),
    /// A fault of the interpreter, which is held against the plugin that met it.
    #[error("made the interpreter fail")]
    Interpreter,
}
