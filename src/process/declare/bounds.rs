//! Numbers that the kernel never leaves, so that a comparison with one outside is a mistake.

use crate::lang::schema::{Bounded, Bounds, FieldDecl};
use crate::lang::value::Type;
use crate::process::objects::{GROUP, PROCESS, USER};

/// Highest possible PID: `PID_MAX_LIMIT` of 64-bit kernels, `proc_sys_kernel(5)`.
const PID_MAX: i64 = 4_194_304;

/// Fields of a process with both ends.
const FIELDS: &[(&str, i64, i64)] = &[
    ("pid", 1, PID_MAX),
    ("ppid", 0, PID_MAX),
    ("pgid", 0, PID_MAX),
    ("sid", 0, PID_MAX),
    ("tpgid", -1, PID_MAX),
    ("tracer_pid", 1, PID_MAX),
    // A task without threads is being reaped: it has vanished.
    ("threads", 1, i64::MAX),
    ("nice", -20, 19),
    ("rt_priority", 0, 99),
    ("start_ticks", 0, i64::MAX),
    ("umask", 0, 0o777),
    ("oom_score_adj", -1000, 1000),
    ("oom_score", 0, i64::MAX),
    ("fds", 0, i64::MAX),
    ("faults.minor", 0, i64::MAX),
    ("faults.major", 0, i64::MAX),
    ("switches.voluntary", 0, i64::MAX),
    ("switches.involuntary", 0, i64::MAX),
    ("io.read_calls", 0, i64::MAX),
    ("io.write_calls", 0, i64::MAX),
    ("rate(faults.minor)", 0, i64::MAX),
    ("rate(faults.major)", 0, i64::MAX),
    ("rate(switches.voluntary)", 0, i64::MAX),
    ("rate(switches.involuntary)", 0, i64::MAX),
    ("rate(io.read_calls)", 0, i64::MAX),
    ("rate(io.write_calls)", 0, i64::MAX),
];

/// Those of the fields of a process, and of types.
pub(super) fn table(fields: &[FieldDecl]) -> Vec<Bounds> {
    let kept = |(name, low, high): &(&'static str, i64, i64)| Bounds {
        of: Bounded::Field(PROCESS, (*name).into()),
        low: *low,
        high: *high,
    };
    let mut all: Vec<Bounds> = FIELDS.iter().map(kept).collect();
    // A user or group is a number of 32 bits.
    for name in [USER, GROUP] {
        all.push(Bounds { of: Bounded::Type(name), low: 0, high: i64::from(u32::MAX) });
    }
    // Sizes, durations and shares that the kernel counts never go below nothing. An age is a difference of two clocks, and of a
    // process that began while the look was taken a negative one.
    for field in fields {
        if matches!(field.ty, Type::Size | Type::Duration | Type::Ratio) && field.name != "age" {
            let of = Bounded::Field(field.owner, field.name.clone());
            all.push(Bounds { of, low: 0, high: i64::MAX });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::declare::fields;

    #[test]
    fn every_bounded_field_is_a_declared_number() {
        for (name, low, high) in FIELDS {
            let field = fields().decls.iter().find(|field| field.owner == PROCESS && field.name == *name);
            assert_eq!(field.map(|field| &field.ty), Some(&Type::Int), "{name}");
            assert!(low < high, "{name}");
        }
    }
}
