//! Why a run of the drop-in ends without having done its work, and the exit codes.

use super::options::Action;

/// What went wrong. Texts are without the program's name; they go to stderr.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The command line is wrong. The hint to `--help` follows.
    Usage(String),
    /// It could not be done or could not be told: an unknown user, a file that can't be looked at, a failed step of a start.
    Trouble(String),
}

impl Fault {
    /// The exit code: trouble of `--status` is 4 whatever it is, since 1 to 3 say something of the program there.
    pub fn code(&self, action: Option<Action>) -> u8 {
        match (action, self) {
            (Some(Action::Status | Action::Pidof), _) => UNKNOWN,
            (_, Self::Usage(_)) => 3,
            (_, Self::Trouble(_)) => TROUBLE,
        }
    }
}

/// Done, or nothing to do with `--oknodo`; `--status`: running.
pub const DONE: u8 = 0;
/// Nothing done.
pub const NOTHING_DONE: u8 = 1;
/// Survivors of a schedule, and failures.
pub const TROUBLE: u8 = 2;
/// `--status`: the pid file names no running program.
pub const DEAD_PIDFILE: u8 = 1;
/// `--status`: it isn't running.
pub const DEAD: u8 = 3;
/// `--status`: it can't be told.
pub const UNKNOWN: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_has_another_code_once_status_was_asked_for() {
        let (usage, trouble) = (Fault::Usage(String::new()), Fault::Trouble(String::new()));
        for (action, usage_code, trouble_code) in [
            (None, 3, 2),
            (Some(Action::Start), 3, 2),
            (Some(Action::Stop), 3, 2),
            (Some(Action::Status), 4, 4),
            (Some(Action::Pidof), 4, 4),
        ] {
            assert_eq!((usage.code(action), trouble.code(action)), (usage_code, trouble_code), "{action:?}");
        }
    }
}
