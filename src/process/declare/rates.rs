//! Fields that two looks are needed for: how fast a counter grows, and what is another than before.
//!
//! They are named as they are written, `rate(io.write_bytes)`: the language takes `rate(f)` for the field of this name beside
//! `f`, wherever `f` may stand.

use super::{Class, Field, Reader, class, row};
use crate::facts::{Counter, Fact, Trait, Unit};
use crate::lang::schema::Privilege::{Read, World};
use crate::lang::schema::Trust::Kernel;
use crate::lang::value::{Type, Value};
use crate::process::objects::PROCESS;
use crate::process::read::{int, ratio, size};
use crate::process::vocabulary::ProcessVocabulary;
use crate::units::Pid;

/// Whether a field of a process, by its declared name, needs an earlier look.
pub fn is_sampled(name: &str) -> bool {
    name == "cpu" || name.starts_with("rate(") || name.starts_with("changed(")
}

macro_rules! rates {
    ($($counter:ident, $name:literal, $summary:literal, $source:literal, $example:literal;)*) => {
        &[$(
            row(
                PROCESS,
                $name,
                type_of(Counter::$counter.unit()),
                class_of(Counter::$counter),
                [$summary, $source, $example],
                Reader::Process(|v, p| rate(v, p, Counter::$counter)),
            )
            .within(0, i64::MAX),
        )*]
    };
}

macro_rules! changes {
    ($($of:ident, $name:literal, $class:expr, $summary:literal, $source:literal;)*) => {
        &[$(
            row(
                PROCESS,
                $name,
                Type::Bool,
                $class,
                [$summary, $source, $name],
                Reader::Process(|v, p| v.world.changed(p, Trait::$of).map(Value::Bool)),
            ),
        )*]
    };
}

pub(super) static TABLE: &[Field] = rates! {
        CpuTime, "cpu", "processor use since the look before, of one processor: with two it may be 200%", "proc_pid_stat(5) 14-15", "cpu > 80%";
        CpuTime, "rate(cpu_time)", "the same as `cpu`", "proc_pid_stat(5) 14-15", "rate(cpu_time) > 80%";
        CpuUser, "rate(cpu_user)", "processor use in user mode since the look before, of one processor", "proc_pid_stat(5) 14", "rate(cpu_user) > 80%";
        CpuSys, "rate(cpu_sys)", "processor use in the kernel since the look before, of one processor", "proc_pid_stat(5) 15", "rate(cpu_sys) > 50%";
        MinorFaults, "rate(faults.minor)", "page faults in a second that needed no storage", "proc_pid_stat(5) 10", "rate(faults.minor) > 10000";
        MajorFaults, "rate(faults.major)", "page faults in a second that waited for storage", "proc_pid_stat(5) 12", "rate(faults.major) > 100";
        VoluntarySwitches, "rate(switches.voluntary)", "times in a second that its first thread gave the processor away", "proc_pid_status(5)", "rate(switches.voluntary) > 10000";
        InvoluntarySwitches, "rate(switches.involuntary)", "times in a second that the processor was taken from its first thread", "proc_pid_status(5)", "rate(switches.involuntary) > 1000";
        ReadBytes, "rate(io.read_bytes)", "bytes in a second fetched from storage", "proc_pid_io(5)", "rate(io.read_bytes) > 10MiB";
        WriteBytes, "rate(io.write_bytes)", "bytes in a second sent to storage", "proc_pid_io(5)", "rate(io.write_bytes) > 10MiB";
        ReadChars, "rate(io.read_chars)", "bytes in a second that calls like read(2) gave", "proc_pid_io(5)", "rate(io.read_chars) > 100MiB";
        WriteChars, "rate(io.write_chars)", "bytes in a second that calls like write(2) took", "proc_pid_io(5)", "rate(io.write_chars) > 100MiB";
        ReadCalls, "rate(io.read_calls)", "calls like read(2) in a second", "proc_pid_io(5)", "rate(io.read_calls) > 500";
        WriteCalls, "rate(io.write_calls)", "calls like write(2) in a second", "proc_pid_io(5)", "rate(io.write_calls) > 500";
};

pub(super) static CHANGES: &[Field] = changes! {
        Parent, "changed(ppid)", class(4, World, Kernel), "it has another parent than in the look before: that one ended", "proc_pid_stat(5) 4";
        User, "changed(user)", class(4, World, Kernel), "its effective user is another than in the look before", "owner of /proc/PID";
        Exe, "changed(exe)", class(4, Read, Kernel), "it executes another file than in the look before", "/proc/PID/exe";
};

/// Of bytes and calls `/proc/PID/io` tells, of the others what everybody may read.
const fn class_of(counter: Counter) -> Class {
    match counter {
        Counter::ReadBytes
        | Counter::WriteBytes
        | Counter::ReadChars
        | Counter::WriteChars
        | Counter::ReadCalls
        | Counter::WriteCalls => class(3, Read, Kernel),
        Counter::CpuTime
        | Counter::CpuUser
        | Counter::CpuSys
        | Counter::MinorFaults
        | Counter::MajorFaults
        | Counter::VoluntarySwitches
        | Counter::InvoluntarySwitches => class(4, World, Kernel),
    }
}

const fn type_of(unit: Unit) -> Type {
    match unit {
        Unit::Time => Type::Ratio,
        Unit::Bytes => Type::Size,
        Unit::Times => Type::Int,
    }
}

fn rate(v: &ProcessVocabulary<'_>, pid: Pid, counter: Counter) -> Fact<Value> {
    v.world.pace(pid, counter).map(|pace| match counter.unit() {
        Unit::Time => ratio(pace.share()),
        Unit::Bytes => size(pace.per_second()),
        Unit::Times => int(pace.per_second()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A rate of a counter that is no field, or that has no rate, would be a name that nobody can write.
    #[test]
    fn every_counter_has_a_field_and_a_rate() {
        let all: BTreeSet<_> = super::super::fields().iter().map(|field| field.decl.name.as_ref()).collect();
        let expected = Counter::ALL.map(|counter| (counter.field(), format!("rate({})", counter.field())));
        let changes = Trait::ALL.map(|of| (of.field(), format!("changed({})", of.field())));
        for (field, sampled) in expected.into_iter().chain(changes) {
            assert!(all.contains(field) && all.contains(sampled.as_str()), "{field}");
            assert!(is_sampled(&sampled) && !is_sampled(field), "{field}");
        }
        assert_eq!(TABLE.len() + CHANGES.len(), Counter::ALL.len() + Trait::ALL.len() + 1);
    }
}
