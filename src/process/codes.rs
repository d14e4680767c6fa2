//! The codes of what this floor says about expressions. A released code is never used for anything else.

use crate::diagnostic::Code;

macro_rules! codes {
    ($($name:ident = $code:literal: $summary:literal;)*) => {
        $(#[doc = $summary] pub const $name: Code = Code($code);)*
        /// Every code with its meaning.
        pub const ALL: &[(Code, &str)] = &[$(($name, $summary)),*];
    };
}

codes! {
    INTERPRETER_ONLY = "W101": "an interpreter is compared, but nothing says which script";
    COMM_TOO_LONG = "W102": "comm compared with a text of more than 15 bytes";
    CMDLINE_TEXT = "W103": "a text test on the joined command line";
    MULTI_CALL = "W111": "a program that acts by the name it is called by, compared by identity";
    SHELL_WRAPPER = "W112": "a shell script that executes another program in its place";
    NOT_EXECUTABLE = "W113": "a program that nobody may execute";
    PROGRAM_WRAPPER = "W114": "a program that executes another one in its place";
    ONE_LOOK = "M319": "a rate or a change where a decision rests on one look";
    NOT_A_PATH = "W133": "a path by which no file is found";
}
