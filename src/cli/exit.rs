//! Exit codes: one enum, decided in one place, documented in `selfsame --help` and README.

/// How a verb ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Exit {
    /// Done; found; nothing to do; all ready.
    Ok,
    /// `check`, `plan`, `apply`: errors. `match`: no process matches.
    Failed,
    /// `plan`: there is something to do. `match`: none matches, but some can't be decided.
    Changes,
    /// `match`, `explain`: the expression or the snapshot is in error. `check --strict`: warnings.
    Warnings,
    /// `apply`: refused, since the world is not as it was.
    Refused,
    /// `status`: not all are ready. `match --wait`: not all have exited in time.
    NotReady,
    /// Another engine holds the state.
    HeldByOther,
    /// Something is held back: unknown, ambiguous or waiting for a person. `match --signal`: incomplete.
    Held,
    /// Wrong usage.
    Usage,
}

impl Exit {
    /// The number for the shell.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Warnings => 3,
            Self::Refused => 4,
            Self::NotReady => 5,
            Self::HeldByOther => 6,
            Self::Held => 7,
            Self::Usage => 64,
        }
    }
}
