//! Signals by name. Real-time signals are written `RTMIN+n`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signal of Linux by number, 1 to 64 (`signal(7)`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Signal(i32);

/// Names and numbers as on x86-64, arm64 and riscv64, the architectures that share `asm-generic/signal.h`.
const NAMES: [(&str, i32); 31] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];
const RTMIN: i32 = 34;
const MAX: i32 = 64;

impl Signal {
    /// `SIGTERM`.
    pub const TERM: Self = Self(15);
    /// `SIGKILL`.
    pub const KILL: Self = Self(9);
    /// `SIGCONT`.
    pub const CONT: Self = Self(18);
    /// `SIGSTOP`.
    pub const STOP: Self = Self(19);
    /// `SIGHUP`.
    pub const HUP: Self = Self(1);

    /// The signal with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        (1..=MAX).contains(&number).then_some(Self(number))
    }

    /// The signal that `text` names: `TERM`, `SIGTERM`, `15`, `RTMIN+1`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let upper = text.trim().to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let number = match name {
            "POLL" => Some(29),
            "IOT" => Some(6),
            "CLD" => Some(17),
            "RTMIN" => Some(RTMIN),
            "RTMAX" => Some(MAX),
            _ => NAMES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, number)| *number)
                .or_else(|| real_time(name))
                .or_else(|| name.parse().ok()),
        };
        number
            .and_then(Self::from_number)
            .ok_or_else(|| format!("`{text}` is not a signal, write for example `TERM`, `HUP` or `RTMIN+1`"))
    }

    /// The number that the kernel uses on this architecture.
    pub fn number(self) -> i32 {
        self.0
    }
}

fn real_time(name: &str) -> Option<i32> {
    let above = name.strip_prefix("RTMIN+").and_then(|n| n.parse::<i32>().ok());
    let below = name.strip_prefix("RTMAX-").and_then(|n| n.parse::<i32>().ok());
    let number = above.map(|n| RTMIN.saturating_add(n)).or(below.map(|n| MAX.saturating_sub(n)))?;
    (RTMIN..=MAX).contains(&number).then_some(number)
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.write_str(name),
            None if self.0 > RTMIN => write!(f, "RTMIN+{}", self.0 - RTMIN),
            None if self.0 == RTMIN => f.write_str("RTMIN"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signal({self})")
    }
}

impl From<Signal> for String {
    fn from(signal: Signal) -> Self {
        signal.to_string()
    }
}

impl TryFrom<String> for Signal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_reads_back_from_its_name() {
        for signal in (1..=MAX).filter_map(Signal::from_number) {
            assert_eq!(Signal::parse(&signal.to_string()), Ok(signal));
        }
        assert_eq!(Signal::parse("sigterm"), Ok(Signal::TERM));
        for wrong in ["", "0", "65", "TREM", "-1", "RTMIN+99"] {
            assert!(Signal::parse(wrong).is_err(), "{wrong}");
        }
    }
}
