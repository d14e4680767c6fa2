//! The codes of everything that the language says about an expression. A released code is never used
//! for anything else. `M1xx` syntax, `M2xx` names, `M3xx` types, `M4xx` limits, `W1xx` warnings.

use crate::diagnostic::Code;

macro_rules! codes {
    ($($name:ident = $code:literal: $summary:literal;)*) => {
        $(#[doc = $summary] pub const $name: Code = Code($code);)*
        /// Every code with its meaning.
        pub const ALL: &[(Code, &str)] = &[$(($name, $summary)),*];
    };
}

codes! {
    EMPTY = "M101": "the expression is empty";
    UNEXPECTED = "M102": "text that cannot stand here";
    MISSING_OPERAND = "M103": "an operator without an operand";
    MISSING_OPERATOR = "M104": "two operands without an operator between them";
    UNCLOSED = "M105": "a bracket that is not closed";
    UNCLOSED_STRING = "M106": "a string that is not closed";
    ESCAPE = "M107": "an unknown or broken escape in a string";
    NUMBER = "M108": "a number, size, duration or percentage that is not well formed";
    FOREIGN_OPERATOR = "M109": "an operator of another language";
    QUOTES = "M110": "a string in other quotes than `\"`";
    TRAILING_COMMA = "M111": "a comma with nothing after it";
    CHAINED = "M112": "a chained comparison";
    UNKNOWN_OPERATOR = "M113": "an unknown word between two operands";
    BARE_PATH = "M114": "a path without quotes";
    ADDRESS_OR_TIME = "M115": "an address, network or time that is not well formed";
    INTERPOLATION = "M116": "a `${...}` that is not well formed";
    COMMAND_LINE = "M117": "a command line of another program in place of an expression";
    UNKNOWN_FUNCTION = "M201": "an unknown function";
    UNKNOWN_LIST = "M202": "an unknown named list";
    UNKNOWN_NAME = "M203": "an unknown field or variable";
    UNKNOWN_WORD = "M204": "an unknown word of an enumeration";
    FOREIGN_NAME = "M205": "a name that another tool uses";
    ARGUMENT_NAME = "M206": "an unknown or repeated argument name";
    GROUP_NAME = "M207": "the common beginning of several fields, which is no field itself";
    NO_FIELDS = "M208": "a field of something that has no such field";
    UNKNOWN_MATCHER = "M209": "an unknown named matcher";
    UNUSABLE = "M210": "a named matcher or list that can't be used";
    CYCLE = "M211": "a named matcher that uses itself";
    INCOMPARABLE = "M301": "two values that cannot be compared";
    LIST_AND_SCALAR = "M302": "a list compared with a single value";
    NOT_A_CONDITION = "M303": "a value where a condition is needed";
    OPERAND_TYPE = "M304": "an operand of the wrong type";
    ARGUMENT_TYPE = "M305": "an argument of the wrong type";
    ARGUMENT_COUNT = "M306": "too few or too many arguments";
    PATTERN_LITERAL = "M307": "a pattern that is not a literal string";
    REGEX = "M308": "a regular expression that is not well formed";
    GLOB = "M309": "a glob that is not well formed";
    INDEX = "M310": "an index on something that has none, or of the wrong type";
    ARITHMETIC = "M311": "an addition or subtraction of values that have none";
    LAMBDA = "M312": "a quantifier without a condition on its elements, or such a condition elsewhere";
    NEEDS_KEY = "M313": "a map used without a key";
    LIST_TYPES = "M314": "a list of values of different types";
    OVERFLOW = "M315": "a number outside of 64 bits";
    EMPTY_RANGE = "M316": "a range with nothing in it, or a range where none can stand";
    BINDING_TYPE = "M317": "a variable bound to a value of another type";
    SOURCE_TOO_LONG = "M401": "an expression longer than 8 KiB";
    TOO_MANY_NODES = "M402": "an expression of more than 4096 parts";
    TOO_DEEP = "M403": "an expression nested more than 64 deep";
    QUANTIFIER_DEPTH = "M404": "quantifiers nested more than 2 deep";
    LIST_TOO_LONG = "M405": "a list of more than 100000 values";
    REGEX_TOO_LARGE = "M406": "a regular expression of more than 1 MiB";
    TOO_MANY_STARS = "M407": "a glob with more than 8 stars";
    EXPANSION = "M408": "an expression that grows more than tenfold by named matchers";
    PLAIN_REGEX = "W104": "a regular expression without metacharacters";
    SELF_REPORTED = "W105": "the decision rests on self-reported facts only";
    CONSTANT = "W106": "a contradictory, constant or repeated condition";
    NO_SUCH = "W107": "a name that does not exist on this host";
    ALL_OF_EMPTY = "W108": "`all` of a list that may be empty";
    ASSUMED = "W109": "`assume` hides that a fact is not known";
    UNGUARDED = "W110": "an expensive fact without a cheaper condition before it";
    UNBOUND = "W120": "a variable without a value";
    UNUSED = "W130": "a definition, list or parameter that nothing uses";
    SHADOWS = "W131": "a name that hides another one";
    PATTERN_COMPARED = "W132": "a pattern compared as a plain text";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_sorted_into_their_classes() {
        let codes: BTreeSet<&str> = ALL.iter().map(|(code, _)| code.0).collect();
        assert_eq!(codes.len(), ALL.len());
        assert!(codes.iter().all(|code| code.len() == 4 && code.starts_with(['M', 'W'])));
    }
}
