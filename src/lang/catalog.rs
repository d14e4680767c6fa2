//! Everything that can be named: the declarations of all vocabularies, ready for look-up.

use super::schema::{
    Declarations, EnumDecl, FieldDecl, FunctionDecl, Operation, OperatorDecl, Origin, TypeDecl,
};
use super::shared::Shared;
use super::value::{Type, TypeName};

/// A declaration by vocabulary and index in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id {
    /// As returned by [`Schema::add`].
    pub vocabulary: usize,
    /// Index in the list of its kind in that vocabulary's [`Declarations`].
    pub index: usize,
}

/// The names of the language, filled by vocabularies.
///
/// A name is looked up by going through the declarations: there are some hundreds, an expression asks for a few, and an index
/// would be made anew, and for a handful of questions, by every program that starts.
#[derive(Clone, Debug)]
pub struct Schema {
    candidate: TypeName,
    vocabularies: Vec<Declarations>,
}

impl Schema {
    /// Nothing but the core, for candidates of this type: its fields are the bare names.
    pub fn new(candidate: TypeName) -> Self {
        Self { candidate, vocabularies: Vec::new() }
    }

    /// Adds a vocabulary and returns its number, which is its place in [`super::Vocabularies`]. Where two
    /// vocabularies declare one name, the first keeps it.
    pub fn add(&mut self, declarations: Declarations) -> usize {
        self.vocabularies.push(declarations);
        self.vocabularies.len().saturating_sub(1)
    }

    /// The type of candidates.
    pub fn candidate(&self) -> Type {
        Type::Named(self.candidate)
    }

    /// All declarations, in the order of [`Schema::add`].
    pub fn vocabularies(&self) -> &[Declarations] {
        &self.vocabularies
    }

    /// The plugin of this name, with the number of its vocabulary.
    pub fn plugin(&self, name: &str) -> Option<(usize, &Origin)> {
        let mut all = self.vocabularies.iter().enumerate();
        all.find_map(|(at, of)| of.origin.as_ref().filter(|origin| origin.name == name).map(|of| (at, of)))
    }

    /// The plugin that declares this; `None` for what is built in.
    pub fn origin(&self, id: Id) -> Option<&Origin> {
        self.vocabularies.get(id.vocabulary)?.origin.as_ref()
    }

    /// A field by the type it belongs to and its dotted name.
    pub fn field(&self, owner: &str, name: &str) -> Option<(Id, &FieldDecl)> {
        self.every_field().find(|(_, field)| field.name == name && field.owner == owner)
    }

    /// The fields of all types, in the order of their declarations.
    pub fn every_field(&self) -> impl Iterator<Item = (Id, &FieldDecl)> {
        numbered(&self.vocabularies, |declarations| &declarations.fields)
    }

    /// A field by number.
    pub fn field_by_id(&self, id: Id) -> Option<&FieldDecl> {
        self.vocabularies.get(id.vocabulary)?.fields.get(id.index).map(|field| &**field)
    }

    /// The fields of a type, by name.
    pub fn fields<'s>(&'s self, owner: &str) -> impl Iterator<Item = (Id, &'s FieldDecl)> {
        let of_owner = self.every_field().filter(|(_, field)| field.owner == owner);
        by_name(of_owner.collect(), |(_, field)| field.name.as_ref())
    }

    /// A declared function by name. The core's own are [`super::ir::Builtin`] and the quantifiers.
    pub fn function(&self, name: &str) -> Option<(Id, &FunctionDecl)> {
        self.every_function().find(|(_, function)| function.name == name)
    }

    fn every_function(&self) -> impl Iterator<Item = (Id, &FunctionDecl)> {
        numbered(&self.vocabularies, |declarations| &declarations.functions)
    }

    /// A function by number.
    pub fn function_by_id(&self, id: Id) -> Option<&FunctionDecl> {
        self.vocabularies.get(id.vocabulary)?.functions.get(id.index).map(|function| &**function)
    }

    /// The declared functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = (Id, &FunctionDecl)> {
        by_name(self.every_function().collect(), |(_, function)| function.name.as_ref())
    }

    /// A named type.
    pub fn named(&self, name: &str) -> Option<(Id, &TypeDecl)> {
        self.vocabularies.iter().enumerate().find_map(|(vocabulary, declarations)| {
            let (index, decl) = declarations.types.iter().enumerate().find(|(_, ty)| ty.name == name)?;
            Some((Id { vocabulary, index }, decl))
        })
    }

    /// An enumeration.
    pub fn enumeration(&self, name: &str) -> Option<&EnumDecl> {
        self.every_enumeration().find(|decl| decl.name == name)
    }

    /// All enumerations, by name.
    pub fn enumerations(&self) -> impl Iterator<Item = &EnumDecl> {
        by_name(self.every_enumeration().collect(), |decl| decl.name)
    }

    fn every_enumeration(&self) -> impl Iterator<Item = &EnumDecl> {
        self.vocabularies.iter().flat_map(|declarations| declarations.enums.iter())
    }

    /// The declared comparisons of one kind, with the vocabulary that answers them.
    pub fn operators(&self, operation: Operation) -> impl Iterator<Item = (usize, &OperatorDecl)> {
        let all = self.vocabularies.iter().enumerate();
        all.flat_map(move |(vocabulary, declarations)| {
            let of_kind = declarations.operators.iter().filter(move |op| op.operation == operation);
            of_kind.map(move |op| (vocabulary, op))
        })
    }

    /// The least and greatest value of a field, where that is declared.
    pub fn field_bounds(&self, owner: &str, name: &str) -> Option<(i64, i64)> {
        self.field(owner, name).and_then(|(_, field)| field.bounds)
    }

    /// The numbers that the values of a named type are told apart by, where they are.
    pub fn type_bounds(&self, name: &str) -> Option<(i64, i64)> {
        self.named(name).and_then(|(_, ty)| ty.bounds)
    }

    /// What to write here for a name that another tool uses.
    pub fn foreign(&self, name: &str) -> Option<&str> {
        let mut all = self.vocabularies.iter().flat_map(|declarations| declarations.foreign.iter());
        all.find(|(theirs, _)| theirs == name).map(|(_, ours)| ours.as_ref())
    }
}

/// All declarations of a kind with their numbers, in the order of their vocabularies.
fn numbered<'s, T: 'static>(
    vocabularies: &'s [Declarations],
    of: impl Fn(&'s Declarations) -> &'s [Shared<T>],
) -> impl Iterator<Item = (Id, &'s T)> {
    vocabularies.iter().enumerate().flat_map(move |(vocabulary, declarations)| {
        let all = of(declarations).iter().enumerate();
        all.map(move |(index, decl)| (Id { vocabulary, index }, &**decl))
    })
}

/// By ascending name, each once: the first that has it.
fn by_name<'s, T>(mut all: Vec<T>, name: impl Fn(&T) -> &'s str) -> impl Iterator<Item = T> {
    all.sort_by_key(&name);
    all.dedup_by(|a, b| name(a) == name(b));
    all.into_iter()
}
