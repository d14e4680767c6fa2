//! Codes of mistakes in snapshots.

use crate::diagnostic::Code;

/// A snapshot is not one document with `host` and `processes`.
pub const FORM: Code = Code("N001");
/// A key that snapshots don't have.
pub const UNKNOWN_KEY: Code = Code("N002");
/// A value of another kind than the key asks for.
pub const KIND: Code = Code("N003");
/// A value of the right kind that can't be read.
pub const VALUE: Code = Code("N004");
/// Two stated facts contradict each other.
pub const DISAGREES: Code = Code("N005");
/// A key that is needed is not there.
pub const MISSING: Code = Code("N006");
/// The same process, user or group twice.
pub const TWICE: Code = Code("N007");
/// A key whose value follows from other keys.
pub const FOLLOWS: Code = Code("N008");
/// A user, group or other name that nothing in the snapshot explains.
pub const UNKNOWN_NAME: Code = Code("N009");

/// Every code of this module with a few words.
pub const ALL: &[(Code, &str)] = &[
    (FORM, "not a snapshot"),
    (UNKNOWN_KEY, "unknown key in a snapshot"),
    (KIND, "wrong kind of value in a snapshot"),
    (VALUE, "value in a snapshot can't be read"),
    (DISAGREES, "facts of a snapshot contradict each other"),
    (MISSING, "key is missing in a snapshot"),
    (TWICE, "stated twice in a snapshot"),
    (FOLLOWS, "key follows from other keys"),
    (UNKNOWN_NAME, "unknown name in a snapshot"),
];
