//! How much one expression may ask for, in one place for the reference.

use super::check;
use super::parse::{DEPTH_MAX, NODES_MAX, SOURCE_MAX};

/// One limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Of what.
    pub of: &'static str,
    /// How many.
    pub most: usize,
    /// Of which unit; empty where they are counted.
    pub unit: &'static str,
}

/// All of them.
pub const LIMITS: [Limit; 7] = [
    Limit { of: "source of an expression", most: SOURCE_MAX, unit: "bytes" },
    Limit { of: "parts of an expression", most: NODES_MAX, unit: "" },
    Limit { of: "depth of brackets and calls", most: DEPTH_MAX, unit: "" },
    Limit { of: "depth of quantifiers", most: check::NESTING_MAX, unit: "" },
    Limit { of: "values of a list", most: check::LIST_MAX, unit: "" },
    Limit { of: "a compiled regular expression", most: check::REGEX_MAX, unit: "bytes" },
    Limit { of: "stars of a glob", most: check::STARS_MAX, unit: "" },
];
