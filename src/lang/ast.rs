//! The syntax tree: names as written, a span on every node, no types.
//!
//! Parentheses are not nodes: [`std::fmt::Display`] puts them where they are needed or help reading, and
//! `parse(print(e))` is `e` again except for the spans. `a && (b && c)` and `a && b && c` are the same tree.

mod walk;

use std::net::IpAddr;

use crate::diagnostic::Span;

/// A word with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ident {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// An expression. Its span includes parentheses around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Where it is written.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A value.
    Literal(Literal),
    /// `"--port=${port}"`
    Interpolated(Vec<Piece>),
    /// A dotted name: a field, a variable, an enum word.
    Name(Vec<Ident>),
    /// `@admins`, without the `@`.
    ListName(String),
    /// `["a", "b"]`
    List(Vec<Expr>),
    /// `a..=b`, `a..b`, `..b`, `a..`; at least one bound.
    Range {
        /// The first value that is inside.
        low: Option<Box<Expr>>,
        /// The end.
        high: Option<Box<Expr>>,
        /// Whether the end is inside.
        inclusive: bool,
    },
    /// `.name` after something that isn't a name.
    Member {
        /// Of what.
        base: Box<Expr>,
        /// Which.
        name: Ident,
    },
    /// `[i]` or `["key"]`
    Index {
        /// Of what.
        base: Box<Expr>,
        /// Which.
        index: Box<Expr>,
    },
    /// `f(a, b: c)`
    Call {
        /// A dotted name.
        function: Vec<Ident>,
        /// As written.
        arguments: Vec<Argument>,
    },
    /// `x => p`, only as an argument.
    Lambda {
        /// The variable.
        variable: Ident,
        /// The condition.
        body: Box<Expr>,
    },
    /// `!p`
    Not(Box<Expr>),
    /// Two or more, none of them an `And`.
    And(Vec<Expr>),
    /// Two or more, none of them an `Or`.
    Or(Vec<Expr>),
    /// A comparison.
    Compare {
        /// Which.
        op: CompareOp,
        /// Where the operator is written.
        op_span: Span,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `value ?? fallback`
    Default {
        /// May be absent.
        value: Box<Expr>,
        /// Stands in then.
        fallback: Box<Expr>,
    },
    /// `a + b`, `a - b`
    Arithmetic {
        /// Which.
        op: ArithmeticOp,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// What could not be read; an error was reported. The parts are still looked at for unknown names.
    Invalid(Vec<Expr>),
}

/// An argument of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argument {
    /// `locked` in `locked: true`.
    pub name: Option<Ident>,
    /// Its value.
    pub value: Expr,
}

/// A literal. Those with a unit keep their spelling, which is part of how people read them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Literal {
    /// `true`, `false`
    Bool(bool),
    /// `80`, `0x1f`
    Int(i64, String),
    /// Bytes; whether it was written raw.
    String(Vec<u8>, bool),
    /// Bytes.
    Size(i64, String),
    /// Nanoseconds.
    Duration(i64, String),
    /// Nanoseconds since the Unix epoch.
    Time(i64, String),
    /// Millionths.
    Ratio(i64, String),
    /// `::1`
    Ip(IpAddr),
    /// `10.0.0.0/8`
    Cidr(IpAddr, u8),
}

/// A part of an interpolated string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Bytes as they are.
    Text(Vec<u8>),
    /// `${name}`
    Variable(Ident),
    /// Any scalar, in place of a parameter. Never written: whoever expands a definition puts it here.
    Value(Box<Expr>),
}

/// The comparisons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `!=`, always the negation of `==`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `=~`
    Matches,
    /// `!~`, always the negation of `=~`
    NotMatches,
    /// `like`
    Like,
    /// `in`
    In,
    /// `not in`, always the negation of `in`
    NotIn,
    /// `contains`
    Contains,
    /// `starts_with`
    StartsWith,
    /// `ends_with`
    EndsWith,
    /// `under`
    Under,
}

impl CompareOp {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
        Self::Matches,
        Self::NotMatches,
        Self::Like,
        Self::In,
        Self::NotIn,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Under,
    ];

    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
            Self::Like => "like",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Under => "under",
        }
    }

    /// The one that it negates, if it is a negation.
    pub fn positive(self) -> Option<Self> {
        match self {
            Self::NotEqual => Some(Self::Equal),
            Self::NotMatches => Some(Self::Matches),
            Self::NotIn => Some(Self::In),
            Self::Equal
            | Self::Less
            | Self::LessEqual
            | Self::Greater
            | Self::GreaterEqual
            | Self::Matches
            | Self::Like
            | Self::In
            | Self::Contains
            | Self::StartsWith
            | Self::EndsWith
            | Self::Under => None,
        }
    }
}

/// The arithmetic operators.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
}

impl Expr {
    /// A node.
    pub fn new(kind: Kind, span: Span) -> Self {
        Self { kind, span }
    }
}

/// `a.b.c`
pub fn dotted(words: &[Ident]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(".")
}
