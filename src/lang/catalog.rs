//! Everything that can be named: the declarations of all vocabularies, ready for look-up.

use std::collections::BTreeMap;

use super::schema::{
    Bounded, Declarations, EnumDecl, FieldDecl, FunctionDecl, Operation, OperatorDecl, Origin, Text, TypeDecl,
};
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
#[derive(Clone, Debug)]
pub struct Schema {
    candidate: TypeName,
    vocabularies: Vec<Declarations>,
    fields: BTreeMap<TypeName, BTreeMap<Text, Id>>,
    functions: BTreeMap<Text, Id>,
    types: BTreeMap<TypeName, Id>,
    enums: BTreeMap<TypeName, Id>,
}

impl Schema {
    /// Nothing but the core, for candidates of this type: its fields are the bare names.
    pub fn new(candidate: TypeName) -> Self {
        Self {
            candidate,
            vocabularies: Vec::new(),
            fields: BTreeMap::new(),
            functions: BTreeMap::new(),
            types: BTreeMap::new(),
            enums: BTreeMap::new(),
        }
    }

    /// Adds a vocabulary and returns its number, which is its place in [`super::Vocabularies`]. Where two
    /// vocabularies declare one name, the first keeps it.
    pub fn add(&mut self, declarations: Declarations) -> usize {
        let vocabulary = self.vocabularies.len();
        for (index, field) in declarations.fields.iter().enumerate() {
            let of_owner = self.fields.entry(field.owner).or_default();
            of_owner.entry(field.name.clone()).or_insert(Id { vocabulary, index });
        }
        for (index, function) in declarations.functions.iter().enumerate() {
            self.functions.entry(function.name.clone()).or_insert(Id { vocabulary, index });
        }
        for (index, ty) in declarations.types.iter().enumerate() {
            self.types.entry(ty.name).or_insert(Id { vocabulary, index });
        }
        for (index, ty) in declarations.enums.iter().enumerate() {
            self.enums.entry(ty.name).or_insert(Id { vocabulary, index });
        }
        self.vocabularies.push(declarations);
        vocabulary
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
        let id = *self.fields.get(owner)?.get(name)?;
        Some((id, self.field_by_id(id)?))
    }

    /// A field by number.
    pub fn field_by_id(&self, id: Id) -> Option<&FieldDecl> {
        self.vocabularies.get(id.vocabulary)?.fields.get(id.index)
    }

    /// The fields of a type, by name.
    pub fn fields(&self, owner: &str) -> impl Iterator<Item = (Id, &FieldDecl)> {
        let ids = self.fields.get(owner).into_iter().flat_map(|fields| fields.values());
        ids.filter_map(|id| Some((*id, self.field_by_id(*id)?)))
    }

    /// A declared function by name. The core's own are [`super::ir::Builtin`] and the quantifiers.
    pub fn function(&self, name: &str) -> Option<(Id, &FunctionDecl)> {
        let id = *self.functions.get(name)?;
        Some((id, self.function_by_id(id)?))
    }

    /// A function by number.
    pub fn function_by_id(&self, id: Id) -> Option<&FunctionDecl> {
        self.vocabularies.get(id.vocabulary)?.functions.get(id.index)
    }

    /// The declared functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = (Id, &FunctionDecl)> {
        self.functions.values().filter_map(|id| Some((*id, self.function_by_id(*id)?)))
    }

    /// A named type.
    pub fn named(&self, name: &str) -> Option<(Id, &TypeDecl)> {
        let id = *self.types.get(name)?;
        Some((id, self.vocabularies.get(id.vocabulary)?.types.get(id.index)?))
    }

    /// An enumeration.
    pub fn enumeration(&self, name: &str) -> Option<&EnumDecl> {
        let id = self.enums.get(name)?;
        self.vocabularies.get(id.vocabulary)?.enums.get(id.index)
    }

    /// All enumerations, by name.
    pub fn enumerations(&self) -> impl Iterator<Item = &EnumDecl> {
        self.enums.values().filter_map(|id| self.vocabularies.get(id.vocabulary)?.enums.get(id.index))
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
        self.bounds(|of| matches!(of, Bounded::Field(of, field) if *of == owner && field == name))
    }

    /// The numbers that the values of a named type are told apart by, where they are.
    pub fn type_bounds(&self, name: &str) -> Option<(i64, i64)> {
        self.bounds(|of| matches!(of, Bounded::Type(of) if *of == name))
    }

    fn bounds(&self, is_it: impl Fn(&Bounded) -> bool) -> Option<(i64, i64)> {
        let mut all = self.vocabularies.iter().flat_map(|declarations| &declarations.bounds);
        all.find(|bounds| is_it(&bounds.of)).map(|bounds| (bounds.low, bounds.high))
    }

    /// What to write here for a name that another tool uses.
    pub fn foreign(&self, name: &str) -> Option<&str> {
        let mut all = self.vocabularies.iter().flat_map(|declarations| &declarations.foreign);
        all.find(|(theirs, _)| theirs == name).map(|(_, ours)| ours.as_ref())
    }
}
