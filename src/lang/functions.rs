//! The functions that the core itself has, for completion and for the reference.

/// One of them. Unlike declared functions these take values of several types, or conditions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoreFunction {
    /// Its name.
    pub name: &'static str,
    /// With its parameters.
    pub form: &'static str,
    /// What its value is.
    pub summary: &'static str,
}

/// Those that take the name of a field, and are declared with it: `rate(io.write_bytes)` is a field beside `io.write_bytes`.
pub(super) const OF_FIELDS: [&str; 2] = ["changed", "rate"];

const fn function(name: &'static str, form: &'static str, summary: &'static str) -> CoreFunction {
    CoreFunction { name, form, summary }
}

/// All of them, by name.
pub const CORE_FUNCTIONS: [CoreFunction; 18] = [
    function("all", "all(xs, x => p)", "whether `p` is so of each element; also true of an empty list"),
    function("any", "any(xs, x => p)", "whether `p` is so of one element at least"),
    function("assume", "assume(f, d)", "`f`, or `d` if `f` is not known; hides that it is not"),
    function("basename", "basename(p)", "what follows the last slash of a path"),
    function(
        "changed",
        "changed(f)",
        "whether the field is another than in the look before; not known after one look",
    ),
    function("cidr_contains", "cidr_contains(network, address)", "whether the address lies in the network"),
    function("count", "count(xs, x => p)", "of how many elements `p` is so"),
    function("dirname", "dirname(p)", "what precedes the last slash of a path"),
    function("has", "has(f)", "whether `f` exists; not known if `f` is not"),
    function("known", "known(f)", "whether it is known what `f` is, or that it is absent"),
    function("len", "len(xs)", "how many elements a list has, or bytes a text"),
    function("lower", "lower(s)", "the text with ASCII letters in lower case"),
    function("matches_any", "matches_any(s, @patterns)", "whether one of the regular expressions matches"),
    function("none", "none(xs, x => p)", "whether `p` is so of no element"),
    function("one", "one(xs, x => p)", "whether `p` is so of exactly one element"),
    function(
        "rate",
        "rate(f)",
        "how much a field that only grows did so in a second; not known after one look",
    ),
    function(
        "sum",
        "sum(xs, x => n)",
        "the numbers `n` of all elements added up; what is absent adds nothing",
    ),
    function("upper", "upper(s)", "the text with ASCII letters in upper case"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lang::ir::{Builtin, Quantifier};

    #[test]
    fn the_list_is_that_of_the_check() {
        let listed: BTreeSet<&str> = CORE_FUNCTIONS.iter().map(|function| function.name).collect();
        let builtins = Builtin::ALL.into_iter().map(|(_, name, _)| name);
        let quantifiers = Quantifier::ALL.into_iter().map(|(_, name)| name);
        let checked: BTreeSet<&str> =
            builtins.chain(quantifiers).chain(["matches_any"]).chain(OF_FIELDS).collect();
        assert_eq!(listed, checked);
        assert!(CORE_FUNCTIONS.is_sorted_by_key(|function| function.name));
        for (_, name, form) in Builtin::ALL {
            assert!(CORE_FUNCTIONS.iter().any(|f| f.name == name && f.form == form), "{name}");
        }
    }
}
