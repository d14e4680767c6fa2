//! What passes between a call and whoever made it.

/// What `file` and `input` return for what is not there.
pub(super) const NOT_THERE: i32 = -1;
/// What `file` returns for what can't be read.
pub(super) const UNREADABLE: i32 = -2;
/// What `file` returns for what was not granted.
pub(super) const NOT_GRANTED: i32 = -3;

/// What a call has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    /// Nanoseconds since the epoch, if that is known.
    pub(super) now: Option<i64>,
    /// A function that depends on nothing but its arguments.
    pub(super) pure: bool,
    /// The most that it may use.
    pub(super) fuel: u64,
}

/// What a module waits for.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// The input with this number among all inputs of the entry.
    Input(u32),
    /// The content of a file.
    File(Vec<u8>),
}

/// What a module that waits is given.
#[derive(Debug)]
pub(super) enum Reply {
    /// There is no such thing.
    NotThere,
    /// It can't be read.
    Unreadable,
    /// It may not be read.
    NotGranted,
    /// This.
    Bytes(Vec<u8>),
}

/// What a module said, with its level: 0 error, 1 warning, 2 information, 3 debug.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) lines: Vec<(u8, String)>,
    /// In this look.
    pub(super) said: u32,
}
