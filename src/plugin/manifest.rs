//! What a plugin says of itself: names, types, inputs, claims, examples. Read once, checked whole, never believed:
//! a claim about trust or cost can only make an entry look worse than its inputs are.

mod claims;
mod examples;
mod json;
mod literal;
mod names;
mod own;
mod read;
mod types;

pub(super) use names::{fix, hides};
pub(super) use types::is_plain;

pub use names::misnamed;
pub use read::read;

use std::collections::BTreeMap;

use super::answer::Answer;
use super::failure::Failure;
use super::input::Input;
use super::own::Own;
use super::wire::WireError;
use crate::lang::schema::{Cost, Declarations, Privilege, Trust};
use crate::lang::value::{Type, Value};

/// A manifest that was read and checked.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The first word of all its names in expressions.
    pub name: String,
    /// As the author counts.
    pub version: String,
    /// One line.
    pub summary: String,
    /// Of processes.
    pub fields: Vec<Field>,
    /// Functions.
    pub functions: Vec<Function>,
    /// Its types.
    pub own: Own,
    /// What its types can do, as functions that no expression calls by a name.
    pub operations: Vec<Function>,
    /// Names that others use, with what to write instead.
    pub foreign: Vec<(String, String)>,
    /// Globs of the files that it asks for.
    pub files: Vec<String>,
}

/// What fields and functions have in common.
#[derive(Clone, Debug)]
pub struct Entry {
    /// With the name of the plugin: `container.id`.
    pub name: String,
    /// The export of the module that answers.
    pub export: String,
    /// In the order of the manifest.
    pub inputs: Vec<Input>,
    /// Cost class: that of its dearest input and what the plugin adds.
    pub cost: Cost,
    /// One line.
    pub summary: String,
    /// Run while the plugin is loaded.
    pub examples: Vec<Example>,
}

/// A field of the process.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name and the rest.
    pub entry: Entry,
    /// The type of its value.
    pub ty: Type,
    /// Who may read it: whoever may read its inputs.
    pub privilege: Privilege,
    /// Who says so: the least trusted of its inputs, or worse.
    pub trust: Trust,
    /// The least and greatest number that it can be, in the unit of its type.
    pub bounds: Option<(i64, i64)>,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name and the rest.
    pub entry: Entry,
    /// In order.
    pub params: Vec<Param>,
    /// The type of its value.
    pub result: Type,
    /// Depends on nothing but its arguments.
    pub pure: bool,
    /// What its inputs rest on; `None` where only the arguments count.
    pub trust: Option<Trust>,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// For messages and named arguments.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// The value where it isn't given.
    pub default: Option<Value>,
}

/// Inputs and the value that must come of them.
#[derive(Clone, Debug)]
pub struct Example {
    /// A condition that shows the use.
    pub condition: Option<String>,
    /// Values of inputs by name; the others are absent.
    pub inputs: BTreeMap<String, Answer>,
    /// One for each parameter, the last ones may be left out where they have a default.
    pub arguments: Vec<Value>,
    /// What must come of it.
    pub value: Answer,
}

/// One field or function.
#[derive(Clone, Copy, Debug)]
pub enum Declared<'m> {
    /// A field.
    Field(&'m Field),
    /// A function.
    Function(&'m Function),
}

impl<'m> Declared<'m> {
    /// Its name and the rest.
    pub fn entry(self) -> &'m Entry {
        match self {
            Self::Field(field) => &field.entry,
            Self::Function(function) => &function.entry,
        }
    }

    /// The type of its value.
    pub fn result(self) -> &'m Type {
        match self {
            Self::Field(field) => &field.ty,
            Self::Function(function) => &function.result,
        }
    }

    /// Its parameters.
    pub fn params(self) -> &'m [Param] {
        match self {
            Self::Field(_) => &[],
            Self::Function(function) => &function.params,
        }
    }

    /// The answer, unless it is a number outside of what was declared: conditions are taken to be impossible for that.
    pub(super) fn within(self, answer: Answer) -> Result<Answer, Failure> {
        let Self::Field(Field { bounds: Some((low, high)), .. }) = self else { return Ok(answer) };
        match &answer {
            Answer::Value(value) if number(value).is_some_and(|number| number < *low || number > *high) => {
                Err(WireError::Value("a number outside of its `min` and `max`").into())
            }
            _ => Ok(answer),
        }
    }

    /// Depends on nothing but its arguments.
    pub fn pure(self) -> bool {
        matches!(self, Self::Function(function) if function.pure)
    }
}

impl Manifest {
    /// The fields, then the functions: what expressions name.
    pub fn entries(&self) -> impl Iterator<Item = Declared<'_>> {
        self.fields.iter().map(Declared::Field).chain(self.functions.iter().map(Declared::Function))
    }

    /// All that the module is called for, behind the entries what its types can do: their places in it are the numbers of
    /// the entries.
    pub(super) fn answering(&self) -> impl Iterator<Item = Declared<'_>> {
        self.entries().chain(self.operations.iter().map(Declared::Function))
    }

    /// The number of an operation as an entry.
    pub(super) fn operation(&self, operation: usize) -> usize {
        self.fields.len().saturating_add(self.functions.len()).saturating_add(operation)
    }

    /// What it adds to the schema.
    pub fn declarations(&self) -> Declarations {
        super::declare::declarations(self)
    }

    /// An entry by number.
    pub(super) fn declared(&self, number: usize) -> Option<Declared<'_>> {
        match number.checked_sub(self.fields.len()) {
            None => self.fields.get(number).map(Declared::Field),
            Some(function) => {
                self.functions.iter().chain(&self.operations).nth(function).map(Declared::Function)
            }
        }
    }
}

/// The number that a value is, in the unit of its type.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Size(n) | Value::Duration(n) | Value::Time(n) | Value::Ratio(n) => Some(*n),
        _ => None,
    }
}
