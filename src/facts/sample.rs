//! What two looks at a process say together: how fast a counter grows, and whether something is another than before.

use std::time::Duration;

/// What the kernel counts up for a process, from its fork on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Counter {
    /// Processor time in user mode and in the kernel, nanoseconds.
    CpuTime,
    /// Processor time in user mode, nanoseconds.
    CpuUser,
    /// Processor time in the kernel, nanoseconds.
    CpuSys,
    /// Page faults that needed no storage.
    MinorFaults,
    /// Page faults that waited for storage.
    MajorFaults,
    /// Times that its first thread gave the processor away.
    VoluntarySwitches,
    /// Times that the processor was taken from its first thread.
    InvoluntarySwitches,
    /// Bytes fetched from storage.
    ReadBytes,
    /// Bytes sent to storage.
    WriteBytes,
    /// Bytes that calls like read(2) gave.
    ReadChars,
    /// Bytes that calls like write(2) took.
    WriteChars,
    /// Calls like read(2).
    ReadCalls,
    /// Calls like write(2).
    WriteCalls,
}

impl Counter {
    /// All of them, in the order of the reference.
    pub const ALL: [Self; 13] = [
        Self::CpuTime,
        Self::CpuUser,
        Self::CpuSys,
        Self::MinorFaults,
        Self::MajorFaults,
        Self::VoluntarySwitches,
        Self::InvoluntarySwitches,
        Self::ReadBytes,
        Self::WriteBytes,
        Self::ReadChars,
        Self::WriteChars,
        Self::ReadCalls,
        Self::WriteCalls,
    ];

    /// The field of expressions that says how far it has counted.
    pub fn field(self) -> &'static str {
        match self {
            Self::CpuTime => "cpu_time",
            Self::CpuUser => "cpu_user",
            Self::CpuSys => "cpu_sys",
            Self::MinorFaults => "faults.minor",
            Self::MajorFaults => "faults.major",
            Self::VoluntarySwitches => "switches.voluntary",
            Self::InvoluntarySwitches => "switches.involuntary",
            Self::ReadBytes => "io.read_bytes",
            Self::WriteBytes => "io.write_bytes",
            Self::ReadChars => "io.read_chars",
            Self::WriteChars => "io.write_chars",
            Self::ReadCalls => "io.read_calls",
            Self::WriteCalls => "io.write_calls",
        }
    }

    /// What a unit of it is.
    pub const fn unit(self) -> Unit {
        match self {
            Self::CpuTime | Self::CpuUser | Self::CpuSys => Unit::Time,
            Self::ReadBytes | Self::WriteBytes | Self::ReadChars | Self::WriteChars => Unit::Bytes,
            Self::MinorFaults
            | Self::MajorFaults
            | Self::VoluntarySwitches
            | Self::InvoluntarySwitches
            | Self::ReadCalls
            | Self::WriteCalls => Unit::Times,
        }
    }
}

/// What a counter counts in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Nanoseconds: in a second, a share of one processor.
    Time,
    /// Bytes.
    Bytes,
    /// Events.
    Times,
}

/// How far a counter went, and in what time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// In the unit of the counter.
    pub by: u64,
    /// Never nothing.
    pub over: Duration,
}

impl Pace {
    /// So many in one second.
    pub fn of_second(by: u64) -> Self {
        Self { by, over: Duration::from_secs(1) }
    }

    /// How many in a second, rounded; never 0 where there was anything at all.
    pub fn per_second(self) -> u64 {
        self.scaled(1_000_000_000)
    }

    /// Of a time in nanoseconds: millionths of one processor, rounded; never 0 where there was anything at all.
    pub fn share(self) -> u64 {
        self.scaled(1_000_000)
    }

    fn scaled(self, factor: u128) -> u64 {
        let over = self.over.as_nanos().max(1);
        let rounded = (u128::from(self.by) * factor + over / 2) / over;
        u64::try_from(rounded).unwrap_or(u64::MAX).max(u64::from(self.by > 0))
    }
}

/// What of a process rarely changes while it lives, and says something where it does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Trait {
    /// Its parent: that ended, and it was given to another one.
    Parent,
    /// Its effective user.
    User,
    /// The file that it executes.
    Exe,
}

impl Trait {
    /// All of them, in the order of the reference.
    pub const ALL: [Self; 3] = [Self::Parent, Self::User, Self::Exe];

    /// The field of expressions that says what it is now.
    pub fn field(self) -> &'static str {
        match self {
            Self::Parent => "ppid",
            Self::User => "user",
            Self::Exe => "exe",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_rounded_and_never_hides_that_something_happened() {
        let pace = |by, millis| Pace { by, over: Duration::from_millis(millis) };
        for (pace, per_second, share) in [
            (pace(0, 1000), 0, 0),
            (pace(1, 5000), 1, 1),
            (pace(10, 4000), 3, 1),
            (pace(1_500_000_000, 1000), 1_500_000_000, 1_500_000),
            (pace(50_000_000, 500), 100_000_000, 100_000),
            (pace(u64::MAX, 1), u64::MAX, u64::MAX),
        ] {
            assert_eq!((pace.per_second(), pace.share()), (per_second, share), "{pace:?}");
        }
        assert_eq!(Pace::of_second(7).per_second(), 7);
    }
}
