//! What names mean at a place in an expression that need not be finished.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::place::{Expression, Home};
use crate::lang::library::{Definition, NamedList};
use crate::lang::schema::{FieldDecl, FunctionDecl, Origin};
use crate::lang::value::Type;
use crate::lang::{CORE_FUNCTIONS, CoreFunction, Library, Schema, Token, TokenKind, tokens};
use crate::process::expression;

/// What a name is.
#[derive(Clone, Debug)]
pub(super) enum Meaning<'a> {
    /// A declared field.
    Field(&'a FieldDecl),
    /// A variable of the document.
    Variable(String, Type),
    /// The variable of a quantifier around.
    Element(String, Type),
    /// A declared function, and the plugin that declares it.
    Function(&'a FunctionDecl, Option<&'a Origin>),
    /// A function of the core.
    Core(&'a CoreFunction),
    /// A named condition.
    Definition(&'a Definition),
    /// A named list.
    List(&'a NamedList),
}

/// Everything that can be named.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The variables of documents; in a definition its parameters.
    pub(super) variables: Arc<BTreeMap<String, Type>>,
    /// Named conditions and lists.
    pub(super) library: Arc<Library>,
    /// The Matcher document around: its names need no prefix.
    home: Option<String>,
}

impl Names {
    /// Those of expressions in documents.
    pub(super) fn new(library: &Arc<Library>) -> Self {
        Self { variables: expression::variables(), library: Arc::clone(library), home: None }
    }

    /// Those that count where an expression stands.
    pub(super) fn within(library: &Arc<Library>, expression: &Expression) -> Self {
        let names = Self::new(library);
        let Some(Home { document: home, definition }) = &expression.home else { return names };
        let definition = library.definition(&format!("{home}.{definition}"));
        let params = definition.iter().flat_map(|definition| &definition.draft.params);
        let variables: BTreeMap<_, _> = params.map(|param| (param.name.clone(), param.ty.clone())).collect();
        Self { variables: Arc::new(variables), home: Some(home.clone()), ..names }
    }

    /// Fields, functions, enumerations.
    pub(super) fn schema(&self) -> &Schema {
        expression::schema_of(&self.library)
    }

    /// A definition as it is called here.
    pub(super) fn definition(&self, name: &str) -> Option<&Arc<Definition>> {
        self.library.definition(name).or_else(|| self.library.definition(&self.own(name)?))
    }

    /// A list as it is called here, without the `@`.
    pub(super) fn list(&self, name: &str) -> Option<&Arc<NamedList>> {
        self.library.list(name).or_else(|| self.library.list(&self.own(name)?))
    }

    fn own(&self, name: &str) -> Option<String> {
        self.home.as_ref().map(|home| format!("{home}.{name}"))
    }

    /// How a full name is written here.
    pub(super) fn spelling<'n>(&self, full: &'n str) -> &'n str {
        let own = self.home.as_ref().and_then(|home| full.strip_prefix(home.as_str())?.strip_prefix('.'));
        own.unwrap_or(full)
    }

    /// The meaning of a dotted name that is not called, with quantifier variables around it.
    pub(super) fn meaning(&self, name: &str, around: &[(String, Type)]) -> Option<Meaning<'_>> {
        let words: Vec<&str> = name.split('.').collect();
        let (first, rest) = words.split_first()?;
        if let Some((variable, ty)) = around.iter().rev().find(|(variable, _)| variable == first) {
            if rest.is_empty() {
                return Some(Meaning::Element(variable.clone(), ty.clone()));
            }
            return self.member(ty, rest);
        }
        if let Some((variable, ty)) = self.variables.get_key_value(name) {
            return Some(Meaning::Variable(variable.clone(), ty.clone()));
        }
        if let Some(definition) = self.definition(name) {
            return Some(Meaning::Definition(definition));
        }
        self.member(&self.schema().candidate(), &words)
    }

    /// The field that words lead to from a type.
    fn member(&self, of: &Type, words: &[&str]) -> Option<Meaning<'_>> {
        let mut ty = of;
        let mut left = words;
        let mut found = None;
        while !left.is_empty() {
            let Type::Named(owner) = ty else { return None };
            let (field, length) = (1..=left.len()).rev().find_map(|length| {
                let (_, field) = self.schema().field(owner, &left.get(..length)?.join("."))?;
                Some((field, length))
            })?;
            found = Some(Meaning::Field(field));
            ty = &field.ty;
            left = left.get(length..).unwrap_or_default();
        }
        found
    }

    /// The type of a name.
    pub(super) fn type_of(&self, name: &str, around: &[(String, Type)]) -> Option<Type> {
        match self.meaning(name, around)? {
            Meaning::Field(field) => Some(field.ty.clone()),
            Meaning::Variable(_, ty) | Meaning::Element(_, ty) => Some(ty),
            Meaning::Function(function, _) => Some(function.result.clone()),
            Meaning::Definition(_) => Some(Type::Bool),
            Meaning::Core(_) | Meaning::List(_) => None,
        }
    }

    /// A function by name.
    pub(super) fn function(&self, name: &str) -> Option<Meaning<'_>> {
        let core = CORE_FUNCTIONS.iter().find(|function| function.name == name).map(Meaning::Core);
        let schema = self.schema();
        let declared = |(id, decl)| Meaning::Function(decl, schema.origin(id));
        core.or_else(|| schema.function(name).map(declared))
            .or_else(|| self.definition(name).map(|definition| Meaning::Definition(definition)))
    }

    /// What can follow `base.`, by its whole name and the field that it is.
    pub(super) fn members(&self, base: &str, around: &[(String, Type)]) -> Vec<(String, &FieldDecl)> {
        let mut found = Vec::new();
        let is_variable = around.iter().any(|(variable, _)| base.split('.').next() == Some(variable));
        if let Some(Type::Named(owner)) = self.type_of(base, around) {
            found.extend(self.schema().fields(owner).map(|(_, field)| (field.name.to_string(), field)));
        }
        if let (Type::Named(candidate), false) = (self.schema().candidate(), is_variable) {
            let nested = self.schema().fields(candidate);
            found.extend(nested.filter_map(|(_, field)| {
                let name = field.name.strip_prefix(base)?.strip_prefix('.')?;
                Some((name.to_owned(), field))
            }));
        }
        found
    }
}

/// An open bracket in front of a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Open {
    /// What is called, for `f(`.
    pub(super) function: Option<String>,
    /// It is `[`.
    pub(super) list: bool,
    /// How many commas follow it.
    pub(super) argument: usize,
    /// The number of the token that it is.
    pub(super) token: usize,
    /// The variable of a lambda that begins in it, with the name of the collection it goes over.
    variable: Option<(String, Option<String>)>,
}

/// What stands in front of a place in an expression.
#[derive(Clone, Debug)]
pub(super) struct Before<'t> {
    /// The text of the expression.
    pub(super) text: &'t str,
    /// The tokens that end in front of the place, comments left out.
    pub(super) tokens: Vec<Token>,
    /// The word that the place is in or behind.
    pub(super) word: Option<Token>,
    /// It is inside quotes or a comment.
    pub(super) quoted: bool,
    /// Brackets, outermost first.
    pub(super) open: Vec<Open>,
}

impl<'t> Before<'t> {
    /// Reads an expression up to a place in it.
    pub(super) fn new(text: &'t str, at: usize) -> Self {
        let mut before = Self { text, tokens: Vec::new(), word: None, quoted: false, open: Vec::new() };
        for token in tokens(text) {
            let inside = token.span.start < at && at <= token.span.end;
            match token.kind {
                TokenKind::Word | TokenKind::ListName if inside => before.word = Some(token),
                TokenKind::Text { closed } if inside && !(closed && at == token.span.end) => {
                    before.quoted = true;
                }
                TokenKind::Comment if inside => before.quoted = true,
                TokenKind::Comment => {}
                _ if token.span.end <= at => before.push(token),
                _ => {}
            }
        }
        before
    }

    fn push(&mut self, token: Token) {
        let written = token.text(self.text);
        match (token.kind, written) {
            (TokenKind::Sign, "(" | "[") => {
                let function = self.last_word().filter(|_| written == "(");
                let (list, token) = (written == "[", self.tokens.len());
                self.open.push(Open { function, list, argument: 0, token, variable: None });
            }
            (TokenKind::Sign, ")" | "]") => {
                self.open.pop();
            }
            (TokenKind::Sign, ",") => {
                if let Some(open) = self.open.last_mut() {
                    open.argument += 1;
                }
            }
            (TokenKind::Sign, "=>") => {
                let variable = self.last_word();
                let collection = self.word_back(3).filter(|_| self.written_back(2) == Some(","));
                if let (Some(open), Some(variable)) = (self.open.last_mut(), variable) {
                    open.variable = Some((variable, collection));
                }
            }
            _ => {}
        }
        self.tokens.push(token);
    }

    fn last_word(&self) -> Option<String> {
        self.word_back(1)
    }

    fn word_back(&self, count: usize) -> Option<String> {
        let token = self.tokens.get(self.tokens.len().checked_sub(count)?)?;
        (token.kind == TokenKind::Word).then(|| token.text(self.text).to_owned())
    }

    /// The token so many places back, as written; 1 is the last.
    pub(super) fn written_back(&self, count: usize) -> Option<&'t str> {
        let token = self.tokens.get(self.tokens.len().checked_sub(count)?)?;
        Some(token.text(self.text))
    }

    /// The variables of the quantifiers around, outermost first; one over an unknown collection is of no use.
    pub(super) fn around(&self, names: &Names) -> Vec<(String, Type)> {
        let mut found: Vec<(String, Type)> = Vec::new();
        for (variable, collection) in self.open.iter().filter_map(|open| open.variable.as_ref()) {
            let of = collection.as_ref().and_then(|name| names.type_of(name, &found));
            if let Some(Type::List(of)) = of {
                found.push((variable.clone(), (*of).clone()));
            }
        }
        found
    }
}
