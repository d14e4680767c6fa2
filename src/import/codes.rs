//! The codes of what stands in the way of an import. A released code is never used for anything else.

use crate::diagnostic::Code;

/// It can't be told what kind of source it is.
pub const KIND: Code = Code("I001");
/// A source can't be read.
pub const UNREADABLE: Code = Code("I002");
/// A source is not of the form that its kind has.
pub const MALFORMED: Code = Code("I003");
/// Nothing in it is started as a service.
pub const NOTHING: Code = Code("I004");
/// The program of a service can't be named.
pub const PROGRAM: Code = Code("I005");
/// The document would not be accepted.
pub const REFUSED: Code = Code("I006");
/// The process can't be imported.
pub const PROCESS: Code = Code("I007");

/// Every code of this module with a few words.
pub const ALL: &[(Code, &str)] = &[
    (KIND, "it can't be told what kind of source it is"),
    (UNREADABLE, "a source of an import can't be read"),
    (MALFORMED, "a source of an import is not of the form of its kind"),
    (NOTHING, "nothing in it is started as a service"),
    (PROGRAM, "the program of a service can't be named"),
    (REFUSED, "the document of an import would not be accepted"),
    (PROCESS, "a process can't be imported"),
];
