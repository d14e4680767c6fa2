//! Declarations: everything an expression can name. A vocabulary declares its types, fields, functions
//! and operators once; type check, messages, completion and reference all come from here. The built-in
//! process vocabulary and plugins use the same declarations.

use std::borrow::Cow;
use std::sync::Arc;

use super::shared::Shared;
use super::value::{Type, TypeName, Value};
use crate::facts::{Fact, Reason, Why};

/// A name or line of a declaration: of the program itself, or of a plugin, which comes and goes while it runs.
pub type Text = Cow<'static, str>;

/// What an access costs, one `/proc` look being the unit: see the language reference.
pub type Cost = u8;

/// Who may read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Privilege {
    /// Everybody (unless hidepid).
    World,
    /// Passes the kernel's ptrace *read* check: the same user and dumpable, or `CAP_SYS_PTRACE`.
    Read,
    /// Passes the kernel's ptrace *attach* check.
    Attach,
}

/// Who says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The kernel attests it.
    Kernel,
    /// The process can change it.
    SelfReported,
    /// Both have to say so: what the kernel attests, and what the process says beside it.
    Both,
}

/// A type of a vocabulary.
#[derive(Clone, Debug)]
pub struct TypeDecl {
    /// Its name.
    pub name: TypeName,
    /// One line.
    pub summary: Text,
    /// Literals of these types may stand where this type is expected: `user == "root"`.
    /// They are converted by [`Vocabulary::convert`] when the matcher is bound.
    pub from: Cow<'static, [Type]>,
    /// The least and greatest of the numbers that its values are told apart, and ordered, by, both inside: of `user`.
    pub bounds: Option<(i64, i64)>,
}

/// An enumeration, compared by bare words: `state == sleeping`.
#[derive(Clone, Debug)]
pub struct EnumDecl {
    /// Its name.
    pub name: TypeName,
    /// One line.
    pub summary: Text,
    /// The words.
    pub words: Cow<'static, [&'static str]>,
}

/// A field of the candidate, or of a named type.
#[derive(Clone, Debug)]
pub struct FieldDecl {
    /// The type it belongs to; the candidate's type for bare names.
    pub owner: TypeName,
    /// Dotted where it nests: `exe.path`.
    pub name: Text,
    /// The type of its value.
    pub ty: Type,
    /// The least and greatest number that it can have, both inside, in the unit of its type. A comparison that asks for one
    /// outside can never be true, and is reported.
    pub bounds: Option<(i64, i64)>,
    /// Cost class, 0 to 6.
    pub cost: Cost,
    /// Who may read it.
    pub privilege: Privilege,
    /// Who says so.
    pub trust: Trust,
    /// One line, with the unit where there is one.
    pub summary: Text,
    /// The kernel file or manual page section.
    pub source: Text,
    /// An expression that type-checks and shows its use.
    pub example: Text,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct ParamDecl {
    /// For messages and named arguments: `pidfile(path, locked: true)`.
    pub name: Text,
    /// Its type.
    pub ty: Type,
    /// The value where it isn't given; `None` for a required one.
    pub default: Option<Value>,
}

/// A function.
#[derive(Clone, Debug)]
pub struct FunctionDecl {
    /// Its name.
    pub name: Text,
    /// In order.
    pub params: Cow<'static, [ParamDecl]>,
    /// The type of its value.
    pub result: Type,
    /// Cost class of a call beyond its arguments.
    pub cost: Cost,
    /// Depends on nothing but its arguments.
    pub pure: bool,
    /// What it says rests on; `None` where only its arguments count.
    pub trust: Option<Trust>,
    /// One line.
    pub summary: Text,
    /// An expression that type-checks and shows its use.
    pub example: Text,
}

/// The comparisons that a vocabulary may define for its types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// `==`; `!=` is always its negation.
    Equal,
    /// `under`: the left is the right path or below it.
    Under,
    /// `like`: the core matches the glob against the text that the vocabulary gives for the left side
    /// (see [`Vocabulary::text`]).
    Text,
    /// `<`, `<=`, `>`, `>=` through [`Vocabulary::compare`] with `Less` and `Equal`.
    Less,
}

/// A comparison between types, at least one of which is a vocabulary's own.
#[derive(Clone, Debug)]
pub struct OperatorDecl {
    /// Left type.
    pub left: Type,
    /// Which.
    pub operation: Operation,
    /// Right type.
    pub right: Type,
    /// Cost class beyond the operands.
    pub cost: Cost,
}

/// The plugin that declarations are of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Its name.
    pub name: Text,
    /// Its version.
    pub version: Text,
}

/// All that one vocabulary declares.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// The plugin that they are of; `None` for what is built in.
    pub origin: Option<Origin>,
    /// Named types.
    pub types: Cow<'static, [TypeDecl]>,
    /// Enumerations.
    pub enums: Cow<'static, [EnumDecl]>,
    /// Fields.
    pub fields: Vec<Shared<FieldDecl>>,
    /// Functions.
    pub functions: Vec<Shared<FunctionDecl>>,
    /// Comparisons.
    pub operators: Cow<'static, [OperatorDecl]>,
    /// Names used elsewhere, with what to write here: `("proc.name", "name")`.
    pub foreign: Cow<'static, [(Text, Text)]>,
}

/// The entries of a map.
pub type Entries = Vec<(Arc<[u8]>, Value)>;

/// What a vocabulary answers during evaluation. Fields and functions are named by their index in its
/// own [`Declarations`]. Implementations cache: a fact is read at most once in a scan.
pub trait Vocabulary {
    /// The value of a field of `owner`.
    fn field(&self, owner: &Value, field: usize) -> Fact<Value>;

    /// The value of one entry of a `Map` field, so that `env["K"]` need not build the whole map.
    fn entry(&self, owner: &Value, field: usize, key: &[u8]) -> Fact<Value>;

    /// All entries of a `Map` field, by ascending key, each key once: for whom one entry is not enough.
    fn entries(&self, owner: &Value, field: usize) -> Fact<Entries> {
        let _ = (owner, field);
        Fact::Unknown(Reason::new(Why::Unresolved, "all entries of a map"))
    }

    /// The result of a function for a candidate.
    fn call(&self, candidate: &Value, function: usize, arguments: &[Value]) -> Fact<Value>;

    /// A declared comparison.
    fn compare(&self, candidate: &Value, operation: Operation, left: &Value, right: &Value) -> Fact<bool>;

    /// A literal where a value of a named type is expected: `"www-data"` as a `user`.
    /// Absent: there is no such thing (comparisons with it are false, and the lint W107 says so).
    fn convert(&self, literal: &Value, to: TypeName) -> Fact<Value>;

    /// The text that `like`, `=~` and `??` use for a value of a named type.
    fn text(&self, value: &Value) -> Fact<Value>;

    /// A value of one of its types for a person, in an explanation: a path, a name. `None`: as it displays itself.
    fn show(&self, value: &Value) -> Option<String> {
        let _ = value;
        None
    }

    /// What was remarkable since the last call: `stale`, `recycled pid`, `near miss: ...`.
    fn take_notes(&self) -> Vec<String>;
}
