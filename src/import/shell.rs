//! A small, honest reading of shell scripts: nothing is executed.
//!
//! ```text
//!  text --lex--> words and operators --parse--> commands --Machine--> calls of programs
//!                                                  ^        |
//!                                                  '- `.` --'  (files are read through `Files`)
//! ```
//!
//! The [`Machine`] walks through the commands as a shell would and keeps the values of variables. Where it can't know a
//! value (the output of a program) the value is a [`Doubt`] with its place; where it can't know which way a test
//! goes it goes both ways and what differs afterwards is a doubt. Every program that would be called is noted with
//! its words, its environment and what was set before it.
//!
//! Time and memory are bounded: commands, nesting and the length of values have limits, and reaching one is reported.

mod builtins;
mod compound;
mod expand;
mod flow;
mod lex;
mod machine;
mod merge;
mod names;
mod parse;
mod pattern;
mod syntax;
mod test;
mod value;

#[cfg(test)]
mod tests;

pub(super) use machine::{Call, Machine, Ran, Stream};
pub(super) use parse::parse;
pub(super) use value::{Doubt, Piece, Value};

use syntax::{Command, Kind, Link};

/// Whether a text is simple commands one after the other, also with `&&` between: no pipes, conditions or loops, in which
/// more may happen than the calls show.
pub(super) fn plain(text: &str) -> bool {
    fn is_plain(command: &Command) -> bool {
        match &command.kind {
            Kind::List(list) => list.iter().all(is_plain),
            Kind::AndOr { first, rest } => {
                is_plain(first) && rest.iter().all(|(link, next)| *link == Link::And && is_plain(next))
            }
            Kind::Simple { .. } => true,
            _ => false,
        }
    }
    parse(text).is_ok_and(|command| is_plain(&command))
}

/// Whether a shell that is given the text stays until its end: many execute the last command in their place.
pub(super) fn stays(text: &str) -> bool {
    let last = |command: Command| match command.kind {
        Kind::List(mut list) => list.pop().map(|last| last.kind),
        kind => Some(kind),
    };
    parse(text).is_ok_and(|command| {
        matches!(last(command), Some(Kind::Pipeline(_) | Kind::While { .. } | Kind::For { .. }))
    })
}
