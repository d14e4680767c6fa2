//! The checked tree: every name resolved, every node typed. Lints of vocabularies walk it.

mod expand;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use globset::GlobMatcher;
use regex::bytes::{Regex, RegexSet};

use super::ast::{ArithmeticOp, CompareOp};
pub use super::catalog::Id;
use super::library::Written;
use super::schema::{Cost, Operation, Text, Trust};
use super::value::{Type, TypeName, Value};
use crate::diagnostic::Span;
use crate::facts::Reason;

pub use expand::Trail;
pub(super) use expand::{Measure, expand, occurrences};

/// A typed node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The type of its value.
    pub ty: Type,
    /// Where it is written.
    pub span: Span,
}

/// The forms of a node.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A value known now.
    Const(Value),
    /// Known not to exist: a converted literal that names nothing, or a variable without a value.
    Nothing,
    /// Could not be found out when the matcher was bound.
    Unknown(Reason),
    /// A variable of the scope, replaced when the matcher is bound.
    Variable(String),
    /// Texts and scalars joined into one string.
    Interpolated(Vec<Node>),
    /// A list whose elements aren't all known now.
    List(Vec<Node>),
    /// Only on the right of `in`.
    Range {
        /// First value inside.
        low: Option<Box<Node>>,
        /// The end.
        high: Option<Box<Node>>,
        /// Whether the end is inside.
        inclusive: bool,
    },
    /// The process, or whatever is asked about.
    Candidate,
    /// The variable of a quantifier: 0 for the outer one, 1 for the inner one.
    Element(usize),
    /// A field.
    Field {
        /// Of what.
        owner: Box<Node>,
        /// Which.
        field: Access,
    },
    /// `env["K"]`: one entry of a map field.
    Entry {
        /// Of what.
        owner: Box<Node>,
        /// The map.
        field: Access,
        /// A string.
        key: Box<Node>,
    },
    /// `xs[i]`
    Index {
        /// A list.
        list: Box<Node>,
        /// An int.
        index: Box<Node>,
    },
    /// A declared function.
    Call {
        /// Which.
        function: Access,
        /// All parameters in the order of the declaration, defaults filled in.
        arguments: Vec<Node>,
    },
    /// A function of the core.
    Builtin(Builtin, Vec<Node>),
    /// `matches_any(text, patterns)`
    MatchesAny {
        /// A text.
        text: Box<Node>,
        /// One automaton for all patterns.
        patterns: Arc<RegexSet>,
    },
    /// `any(list, x => body)`
    Quantifier {
        /// Which.
        quantifier: Quantifier,
        /// A list.
        list: Box<Node>,
        /// What `body` calls its element: see [`Kind::Element`].
        slot: usize,
        /// A condition; a number for [`Quantifier::Sum`].
        body: Box<Node>,
    },
    /// `!p`
    Not(Box<Node>),
    /// `p && q`
    And(Operands),
    /// `p || q`
    Or(Operands),
    /// A comparison; negated operators are [`Kind::Not`] around it.
    Compare {
        /// Never a negated one.
        op: CompareOp,
        /// Who decides.
        by: By,
        /// Left.
        left: Box<Node>,
        /// Right.
        right: Box<Node>,
    },
    /// `text =~ r"..."`
    Regex {
        /// A text.
        text: Box<Node>,
        /// Compiled, unanchored.
        regex: Regex,
    },
    /// `text like "..."`
    Glob {
        /// A text.
        text: Box<Node>,
        /// Compiled.
        glob: GlobMatcher,
    },
    /// `value in [constants]` with many constants: one look-up.
    Member {
        /// A scalar.
        value: Box<Node>,
        /// The constants, as bytes that are the same for exactly the equal ones.
        set: Arc<BTreeSet<Vec<u8>>>,
    },
    /// `value ?? fallback`
    Default {
        /// May be absent.
        value: Box<Node>,
        /// Stands in then.
        fallback: Box<Node>,
    },
    /// `a + b`
    Arithmetic {
        /// Which.
        op: ArithmeticOp,
        /// Left.
        left: Box<Node>,
        /// Right.
        right: Box<Node>,
    },
    /// A literal or variable as a value of a named type, converted when the matcher is bound.
    Convert {
        /// Has no facts in it.
        value: Box<Node>,
        /// The type.
        to: TypeName,
        /// Who converts.
        vocabulary: usize,
    },
    /// A string used as a path.
    ToPath(Box<Node>),
    /// A use of a definition: what it stands for, with the arguments in place of the parameters. The span of the
    /// node is that of the use; all spans inside are in the text of the definition. See [`Node::bare`].
    Named {
        /// Its name and text.
        definition: Arc<Written>,
        /// A condition.
        body: Box<Node>,
    },
    /// An argument in place of a parameter. The span of the node is that of the parameter in the definition;
    /// all spans inside are in the text that the use stands in. Only as long as the matcher isn't bound, or
    /// where the value depends on the candidate.
    Argument {
        /// The text that the use stands in.
        text: Arc<str>,
        /// A value of the type of the parameter.
        value: Box<Node>,
    },
    /// The text of a value of a named type.
    Text {
        /// Of what.
        value: Box<Node>,
        /// Who says so.
        vocabulary: usize,
    },
}

/// The operands of `&&` or `||`.
#[derive(Clone, Debug, Default)]
pub struct Operands {
    /// In source order.
    pub items: Vec<Node>,
    /// The order of evaluation: by cost and by how often an operand decides, otherwise as in the source. The value does
    /// not depend on it.
    pub order: Vec<usize>,
}

/// A field or function with what matters of its declaration.
#[derive(Clone, PartialEq, Debug)]
pub struct Access {
    /// Where it is declared.
    pub id: Id,
    /// Its declared name.
    pub name: Text,
    /// Cost class.
    pub cost: Cost,
    /// The kernel file or manual page section that it is read from; `None` for functions.
    pub source: Option<Text>,
    /// Who says so, where the declaration says it.
    pub trust: Option<Trust>,
    /// The type that it belongs to; `None` for functions.
    pub owner: Option<TypeName>,
    /// Depends on nothing but its arguments.
    pub pure: bool,
}

/// Who decides a comparison of two elements.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum By {
    /// The core.
    Core,
    /// A vocabulary.
    Vocabulary {
        /// Which.
        vocabulary: usize,
        /// What it is asked.
        operation: Operation,
        /// Left and right are exchanged before asking.
        swapped: bool,
        /// Cost class beyond the operands.
        cost: Cost,
    },
}

/// The functions of the core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Builtin {
    /// `has(f)`: not absent; unknown if `f` is.
    Has,
    /// `known(f)`: not unknown.
    Known,
    /// `assume(f, d)`: `d` if `f` is unknown.
    Assume,
    /// `len(xs)`: elements of a list, bytes of a text.
    Len,
    /// `lower(s)`, ASCII.
    Lower,
    /// `upper(s)`, ASCII.
    Upper,
    /// `basename(p)`: what follows the last slash.
    Basename,
    /// `dirname(p)`: what precedes the last slash.
    Dirname,
    /// `cidr_contains(network, address)`.
    CidrContains,
}

impl Builtin {
    /// All of them, with their signature for completion and help.
    pub const ALL: [(Self, &'static str, &'static str); 9] = [
        (Self::Has, "has", "has(f)"),
        (Self::Known, "known", "known(f)"),
        (Self::Assume, "assume", "assume(f, d)"),
        (Self::Len, "len", "len(xs)"),
        (Self::Lower, "lower", "lower(s)"),
        (Self::Upper, "upper", "upper(s)"),
        (Self::Basename, "basename", "basename(p)"),
        (Self::Dirname, "dirname", "dirname(p)"),
        (Self::CidrContains, "cidr_contains", "cidr_contains(network, address)"),
    ];
}

/// The quantifiers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Quantifier {
    /// True of one at least.
    Any,
    /// True of each; also of an empty list.
    All,
    /// True of none.
    None,
    /// True of exactly one.
    One,
    /// How many it is true of.
    Count,
    /// The numbers that it says, added up.
    Sum,
}

impl Quantifier {
    /// All of them with their names.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Any, "any"),
        (Self::All, "all"),
        (Self::None, "none"),
        (Self::One, "one"),
        (Self::Count, "count"),
        (Self::Sum, "sum"),
    ];
}

impl Node {
    /// A node.
    pub fn new(kind: Kind, ty: Type, span: Span) -> Self {
        Self { kind, ty, span }
    }

    /// The field or function that this node asks a vocabulary for.
    pub fn access(&self) -> Option<&Access> {
        match &self.kind {
            Kind::Field { field, .. } | Kind::Entry { field, .. } => Some(field),
            Kind::Call { function, .. } => Some(function),
            _ => None,
        }
    }

    /// The value, if it is known without looking at a host.
    pub fn constant(&self) -> Option<&Value> {
        match &self.bare().kind {
            Kind::Const(value) => Some(value),
            _ => None,
        }
    }

    /// What this node is: what a definition stands for in place of its use, the argument in place of a parameter.
    /// Whoever looks for a form of condition looks at this; whoever names places needs [`Node::walk_trail`] as well.
    pub fn bare(&self) -> &Self {
        let mut node = self;
        while let Kind::Named { body: inner, .. } | Kind::Argument { value: inner, .. } = &node.kind {
            node = inner;
        }
        node
    }

    /// The conditions that must all hold, definitions and nested `&&` seen through; the node itself if it is no `&&`.
    pub fn conjuncts(&self) -> Vec<&Self> {
        match &self.bare().kind {
            Kind::And(operands) => operands.items.iter().flat_map(Self::conjuncts).collect(),
            _ => vec![self],
        }
    }
}
