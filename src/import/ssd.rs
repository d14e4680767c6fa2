//! start-stop-daemon: its options (dpkg 1.21.22), its stop schedules, and which field each becomes.

mod carry;
mod options;
mod schedule;
mod stop;

pub(super) use carry::{adopt_notes, start};
pub(super) use options::{Action, parse};
pub(super) use stop::stop;
