//! Commands and words, as they are written.

use std::sync::Arc;

/// A command and the line that it begins on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

/// Forms of commands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `A=1 program word`, redirections among them.
    Simple { assigns: Vec<(String, Assigned)>, words: Vec<Word>, redirects: Vec<Redirect> },
    /// `a | b`
    Pipeline(Vec<Command>),
    /// `! a`
    Not(Box<Command>),
    /// `a && b || c`
    AndOr { first: Box<Command>, rest: Vec<(Link, Command)> },
    /// `a &`
    Background(Box<Command>),
    /// `a; b`, and `{ a; b; }`
    List(Vec<Command>),
    /// `( a )`
    Subshell(Box<Command>),
    /// `if`, `elif`, `else`
    If { arms: Vec<(Command, Command)>, otherwise: Option<Box<Command>> },
    /// `case`
    Case { word: Word, arms: Vec<(Vec<Word>, Command)> },
    /// `for`
    For { name: String, words: Option<Vec<Word>>, body: Box<Command> },
    /// `while`, and with `until` the other way round.
    While { until: bool, condition: Box<Command>, body: Box<Command> },
    /// `name() { ... }`
    Function { name: String, body: Arc<Command> },
    /// `(( ... ))`: arithmetic, whose result isn't computed.
    Arithmetic,
}

/// How the parts of a list hang together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    And,
    Or,
}

/// What stands behind `NAME=`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Assigned {
    /// `NAME=word`
    Word(Word),
    /// `NAME+=word`
    Append(Word),
    /// `NAME=(...)`: an array, which isn't followed.
    Array,
}

/// `2>file`, `<<EOF`
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Redirect {
    /// The descriptor before it, if it is written.
    pub(crate) descriptor: Option<String>,
    /// `>`, `>>`, `<`, `>&`, ...
    pub(crate) operator: &'static str,
    /// What follows.
    pub(crate) target: Word,
}

/// A word in parts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Word(pub(crate) Vec<Part>);

/// A part of a word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// As it is.
    Text(String),
    /// In single quotes or behind a backslash: nothing in it is special.
    Quoted(String),
    /// In double quotes.
    Double(Vec<Part>),
    /// `$NAME`, `${...}`
    Parameter(Box<Parameter>),
    /// `$(...)` and backticks; the text is what is written.
    Command { text: String, command: Arc<Command> },
    /// `$((...))`
    Arithmetic(String),
}

/// `${NAME...}`
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Parameter {
    /// Of the variable, or one of `0`..`9 @ * # ? $ ! -`.
    pub(crate) name: String,
    pub(crate) change: Change,
    /// As it is written.
    pub(crate) text: String,
}

/// What is done with the value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    None,
    /// `${#NAME}`
    Length,
    /// `-` and `:-`
    Default {
        empty_too: bool,
        word: Word,
    },
    /// `=` and `:=`
    Assign {
        empty_too: bool,
        word: Word,
    },
    /// `?` and `:?`
    Error {
        empty_too: bool,
    },
    /// `+` and `:+`
    Instead {
        empty_too: bool,
        word: Word,
    },
    /// `#` and `##`
    Prefix {
        longest: bool,
        pattern: Word,
    },
    /// `%` and `%%`
    Suffix {
        longest: bool,
        pattern: Word,
    },
    /// What only some shells know: `${NAME/a/b}`, arrays.
    Other,
}

impl Word {
    /// The text of a word without any quotes and expansions.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}
