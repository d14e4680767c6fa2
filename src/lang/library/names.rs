//! Names: which ones a text uses, and which ones a definition can have.

use std::collections::BTreeSet;

use super::Library;
use crate::lang::CORE_FUNCTIONS;
use crate::lang::Schema;
use crate::lang::ast::{Expr, Kind, dotted};
use crate::lang::parse::RESERVED;
use crate::lang::value::Type;

/// Longest name of a document, list, definition or parameter, bytes.
const NAME_MAX: usize = 63;
/// Why a name can't be given to a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// Not of the form `[a-z][a-z0-9_]*`, or too long.
    Form,
    /// A word of the language.
    Word,
    /// A field, or the beginning of one.
    Field,
    /// A function.
    Function,
    /// A variable of documents.
    Variable,
    /// A plugin.
    Plugin,
}

impl Taken {
    /// Completes "`x` ...".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Form => "has other than 1 to 63 lower-case letters, digits and `_`, a letter first",
            Self::Word => "is a word of the language",
            Self::Field => "is a field",
            Self::Function => "is a function",
            Self::Variable => "is a variable of documents",
            Self::Plugin => "is a plugin",
        }
    }
}

/// The names that no definition can have.
#[derive(Clone, Copy, Debug)]
pub struct Reserved<'a> {
    /// Fields and functions.
    pub schema: &'a Schema,
    /// Variables that documents bind.
    pub variables: &'a BTreeSet<String>,
}

impl Reserved<'_> {
    /// Why a document, list or definition can't have this name.
    pub fn refuses(&self, name: &str) -> Option<Taken> {
        if !is_name(name) {
            return Some(Taken::Form);
        }
        if is_word(name) {
            return Some(Taken::Word);
        }
        if is_function(self.schema, name) {
            return Some(Taken::Function);
        }
        if is_field(self.schema, name) {
            return Some(Taken::Field);
        }
        if self.schema.plugin(name).is_some() {
            return Some(Taken::Plugin);
        }
        let first = |variable: &String| variable.split('.').next() == Some(name);
        self.variables.iter().any(first).then_some(Taken::Variable)
    }

    /// Why a plugin can't have this name. It may be that of a field which is a plain value: `container` has no members,
    /// so that `container.id` is free.
    pub fn refuses_plugin(&self, name: &str) -> Option<Taken> {
        let taken = self.refuses(name)?;
        let plain = |ty: &Type| !matches!(ty, Type::Named(_) | Type::Map(_) | Type::List(_));
        let is_plain = match self.schema.candidate() {
            Type::Named(candidate) => self
                .schema
                .fields(candidate)
                .filter(|(_, field)| first_word(&field.name) == name)
                .all(|(_, field)| field.name == name && plain(&field.ty)),
            _ => false,
        };
        (taken != Taken::Field || !is_plain).then_some(taken)
    }

    /// What a parameter of this name hides, if it may have it all the same.
    pub fn hidden_by(&self, name: &str) -> Option<Taken> {
        if is_field(self.schema, name) {
            return Some(Taken::Field);
        }
        is_function(self.schema, name).then_some(Taken::Function)
    }

    /// Whether a name has the right form and is no word of the language.
    pub fn is_usable_parameter(&self, name: &str) -> bool {
        is_name(name) && !is_word(name)
    }
}

/// Of the grammar, or what many write for absence.
fn is_word(name: &str) -> bool {
    name == "null" || RESERVED.contains(&name)
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= NAME_MAX
        && name.bytes().all(fits)
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
}

/// What decides which names of a text are definitions.
pub(super) struct Uses<'a> {
    /// Fields and functions come before definitions.
    pub(super) schema: &'a Schema,
    /// So do variables and parameters.
    pub(super) own: &'a dyn Fn(&str) -> bool,
    /// The full name of a definition or list (`@...`).
    pub(super) full: &'a dyn Fn(&str) -> Option<String>,
}

impl Uses<'_> {
    /// The full names of definitions and lists (`@...`) that a text names.
    pub(super) fn of(&self, expr: &Expr) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.collect(expr, &mut Vec::new(), &mut found);
        found
    }

    fn collect<'e>(&self, expr: &'e Expr, elements: &mut Vec<&'e str>, found: &mut BTreeSet<String>) {
        match &expr.kind {
            Kind::Name(words) => {
                let first = words.first().map_or("", |word| word.text.as_str());
                if !(self.own)(first) && !elements.contains(&first) && !is_field(self.schema, first) {
                    found.extend((self.full)(&dotted(words)));
                }
            }
            Kind::Call { function, .. } => {
                let name = dotted(function);
                if !is_function(self.schema, &name) {
                    found.extend((self.full)(&name));
                }
            }
            Kind::ListName(name) => found.extend((self.full)(&format!("@{name}"))),
            _ => {}
        }
        let bound = match &expr.kind {
            Kind::Lambda { variable, .. } => Some(variable.text.as_str()),
            _ => None,
        };
        elements.extend(bound);
        for child in expr.children() {
            self.collect(child, elements, found);
        }
        if bound.is_some() {
            elements.pop();
        }
    }
}

fn is_function(schema: &Schema, name: &str) -> bool {
    schema.function(name).is_some() || CORE_FUNCTIONS.iter().any(|function| function.name == name)
}

fn is_field(schema: &Schema, name: &str) -> bool {
    let Type::Named(candidate) = schema.candidate() else { return false };
    schema.every_field().any(|(_, field)| field.owner == candidate && first_word(&field.name) == name)
}

fn first_word(name: &str) -> &str {
    name.split(['.', '[']).next().unwrap_or(name)
}

impl Library {
    /// The full names of definitions and lists (`@...`) that an expression names; `own` are its variables.
    pub fn used_by(
        &self,
        text: &str,
        home: Option<&str>,
        schema: &Schema,
        own: &dyn Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        let Some(expr) = crate::lang::parse(text).expr else { return BTreeSet::new() };
        let full = |name: &str| match name.strip_prefix('@') {
            Some(list) => self.find_list(list, home).map(|list| format!("@{}", list.name)),
            None => super::full(name, home, |full| self.definitions.contains_key(full)),
        };
        Uses { schema, own, full: &full }.of(&expr)
    }

    /// The plugins whose names stand in an expression or in what it uses, by the full names of that. Rather one too
    /// many: a name that means something else does no harm.
    pub fn plugins_of(&self, text: &str, used: &BTreeSet<String>) -> BTreeSet<String> {
        let Some(schema) = self.schema() else { return BTreeSet::new() };
        let mut found = BTreeSet::new();
        let bodies =
            used.iter().filter_map(|name| self.definitions.get(name)).map(|of| &*of.draft.written.text);
        for text in std::iter::once(text).chain(bodies) {
            let Some(root) = crate::lang::parse(text).expr else { continue };
            let mut open = vec![&root];
            while let Some(expr) = open.pop() {
                let words: Vec<&str> = match &expr.kind {
                    Kind::Name(words) => words.iter().map(|word| word.text.as_str()).collect(),
                    Kind::Call { function, .. } => function.iter().map(|word| word.text.as_str()).collect(),
                    Kind::Member { name, .. } => vec![&name.text],
                    _ => Vec::new(),
                };
                found.extend(
                    words.into_iter().filter(|word| schema.plugin(word).is_some()).map(str::to_owned),
                );
                open.extend(expr.children());
            }
        }
        found
    }

    /// These and all that they use in turn.
    pub fn closure(&self, names: BTreeSet<String>) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let mut open: Vec<String> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            if let Some(definition) = self.definitions.get(&name) {
                open.extend(definition.uses.iter().filter(|used| !all.contains(*used)).cloned());
            }
            all.insert(name);
        }
        all
    }
}
