//! Codes of mistakes on the command line, and the list of all codes there are.

use crate::diagnostic::Code;
use crate::{engine, import, lang, plugin, process, spec, workshop, yaml};

/// This host's `/proc` can't be used.
pub(super) const HOST: Code = Code("C001");
/// A file can't be read.
pub(super) const FILE: Code = Code("C002");
/// A name of an expression has no value, or a value has no name.
pub(super) const UNBOUND: Code = Code("C003");

/// A file can't be written.
pub(super) const WRITE: Code = Code("C004");

/// Every code of this module with a few words.
const OWN: &[(Code, &str)] = &[
    (HOST, "this host's `/proc` can't be used"),
    (FILE, "a file can't be read"),
    (WRITE, "a file can't be written"),
    (UNBOUND, "a name without a value, or a value without a name"),
];

/// Every registry, in the order of the floors. A new one belongs here, or `explain-code` doesn't know it.
const REGISTRIES: &[&[(Code, &str)]] = &[
    lang::codes::ALL,
    process::codes::ALL,
    plugin::codes::ALL,
    workshop::codes::ALL,
    spec::codes::ALL,
    yaml::CODES,
    process::snapshot::codes::ALL,
    engine::sources::CODES,
    engine::settings::CODES,
    import::codes::ALL,
    OWN,
];

/// Every code that selfsame gives, with a few words, by class and number.
pub fn registered_codes() -> Vec<(Code, &'static str)> {
    let mut all: Vec<(Code, &str)> = REGISTRIES.iter().flat_map(|codes| codes.iter().copied()).collect();
    all.sort();
    all
}
