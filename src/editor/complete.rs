//! What can be written at a place in an expression, however unfinished that is.

use std::sync::Arc;

use super::describe::{self, OPERATORS, comparisons, definition_signature, signature};
use super::names::{Before, Meaning, Names};
use super::place::{Expression, Place, place};
use crate::diagnostic::Span;
use crate::lang::library::Definition;
use crate::lang::schema::FunctionDecl;
use crate::lang::value::Type;
use crate::lang::{CORE_FUNCTIONS, Library, TokenKind};

/// What a suggestion is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// Of a process or another value.
    Field,
    /// With parameters.
    Function,
    /// Of the document or a quantifier.
    Variable,
    /// Of an enumeration.
    Word,
    /// Between operands.
    Operator,
}

/// Something that can be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Suggestion {
    /// As listed.
    pub(super) label: String,
    /// What it is.
    pub(super) what: What,
    /// Its type or signature.
    pub(super) detail: String,
    /// Markdown.
    pub(super) documentation: String,
    /// To insert, with places to fill in as `${1:name}`; `None`: the label.
    pub(super) snippet: Option<String>,
    /// Lower comes first.
    pub(super) rank: u8,
}

/// The suggestions for a place, and what they replace.
pub(super) fn complete(text: &str, offset: usize, library: &Arc<Library>) -> Option<(Span, Vec<Suggestion>)> {
    let Some(Place::Expression(expression)) = place(text, offset) else { return None };
    let names = &Names::within(library, &expression);
    let Expression { start, text, .. } = expression;
    let at = offset.checked_sub(start)?;
    let before = Before::new(&text, at);
    if before.quoted {
        return None;
    }
    let written = before.word.map_or("", |word| text.get(word.span.start..at).unwrap_or_default());
    let around = before.around(names);
    let at_sign = before.word.is_none() && text.get(..at).is_some_and(|text| text.ends_with('@'));
    let (replaced, found) = match written.rsplit_once('.') {
        _ if at_sign || written.starts_with('@') => (written.len().max(1), lists(names)),
        Some((base, last)) => (last.len(), members(base, names, &around)),
        None => (written.len(), bare(&before, names, &around)),
    };
    let end = before.word.map_or(offset, |word| {
        let tail = text.get(at..word.span.end).unwrap_or_default();
        if word.kind == TokenKind::ListName {
            return offset + tail.len();
        }
        offset + tail.find('.').unwrap_or(tail.len())
    });
    Some((Span::new(offset - replaced, end), found))
}

fn members(base: &str, names: &Names, around: &[(String, Type)]) -> Vec<Suggestion> {
    let fields = names.members(base, around).into_iter();
    let mut found: Vec<Suggestion> =
        fields.map(|(name, decl)| described(name, &Meaning::Field(decl), 1)).collect();
    let variables = names.variables.iter().filter_map(|(name, ty)| {
        let rest = name.strip_prefix(base)?.strip_prefix('.')?;
        Some(described(rest.to_owned(), &Meaning::Variable(name.clone(), ty.clone()), 0))
    });
    found.extend(variables);
    let schema = names.schema();
    found.extend(schema.functions().filter_map(|(id, decl)| {
        let rest = decl.name.strip_prefix(base)?.strip_prefix('.')?;
        Some(described(rest.to_owned(), &Meaning::Function(decl, schema.origin(id)), 1))
    }));
    let definitions = names.library.definitions().filter_map(|definition| {
        let rest = definition.draft.written.name.strip_prefix(base)?.strip_prefix('.')?;
        Some(described(rest.to_owned(), &Meaning::Definition(definition), 0))
    });
    found.extend(definitions);
    found
}

fn lists(names: &Names) -> Vec<Suggestion> {
    let lists = names.library.lists().map(AsRef::as_ref);
    lists.map(|list| described(format!("@{}", names.spelling(&list.name)), &Meaning::List(list), 0)).collect()
}

fn described(label: String, meaning: &Meaning<'_>, rank: u8) -> Suggestion {
    let (what, detail) = match meaning {
        Meaning::Field(decl) => (What::Field, decl.ty.to_string()),
        Meaning::Variable(_, ty) | Meaning::Element(_, ty) => (What::Variable, ty.to_string()),
        Meaning::Function(decl, _) => (What::Function, signature(decl).0),
        Meaning::Core(core) => (What::Function, core.form.to_owned()),
        Meaning::Definition(definition) => (What::Function, definition_signature(definition).0),
        Meaning::List(list) => (What::Variable, format!("list<{}>", list.element)),
    };
    let snippet = match meaning {
        Meaning::Definition(definition) => Some(use_of(&label, definition)),
        Meaning::Function(decl, _) => Some(call(&label, decl)),
        Meaning::Core(core) => Some(core_call(core.form)),
        Meaning::Field(_) | Meaning::Variable(..) | Meaning::Element(..) | Meaning::List(_) => None,
    };
    Suggestion { label, what, detail, documentation: describe::meaning(meaning), snippet, rank }
}

/// `runs(${1:path})`, under the name that is put in.
fn call(label: &str, decl: &FunctionDecl) -> String {
    let required = decl.params.iter().filter(|param| param.default.is_none()).enumerate();
    let params: Vec<String> = required
        .map(|(at, param)| match param.ty {
            Type::String => format!("\"${{{}:{}}}\"", at + 1, param.name),
            _ => format!("${{{}:{}}}", at + 1, param.name),
        })
        .collect();
    format!("{label}({})", params.join(", "))
}

/// `instance(${1:app}, ${2:port})`, under the name that it has here.
fn use_of(label: &str, definition: &Definition) -> String {
    let params = definition.draft.params.iter().enumerate();
    let params: Vec<String> = params.map(|(at, param)| format!("${{{}:{}}}", at + 1, param.name)).collect();
    if params.is_empty() { label.to_owned() } else { format!("{label}({})", params.join(", ")) }
}

/// `any(xs, x => p)` with each word to be filled in.
fn core_call(form: &str) -> String {
    let Some((name, params)) = form.strip_suffix(')').and_then(|form| form.split_once('(')) else {
        return form.to_owned();
    };
    let mut number = 0;
    let mut fill = |word: &str| {
        number += 1;
        let name = word.trim_start_matches('@');
        let sign = word.strip_suffix(name).unwrap_or_default();
        format!("{sign}${{{number}:{name}}}")
    };
    let params: Vec<String> = params
        .split(", ")
        .map(|param| param.split(" => ").map(&mut fill).collect::<Vec<_>>().join(" => "))
        .collect();
    format!("{name}({})", params.join(", "))
}

/// Where a name without dots is written.
fn bare(before: &Before<'_>, names: &Names, around: &[(String, Type)]) -> Vec<Suggestion> {
    if ends_operand(before) {
        return operators(before, names, around);
    }
    let mut found = wanted_words(before, names, around);
    let Type::Named(candidate) = names.schema().candidate() else { return found };
    let element =
        |(name, ty): &(String, Type)| described(name.clone(), &Meaning::Element(name.clone(), ty.clone()), 1);
    found.extend(around.iter().map(element));
    // Behind `==` and its like something of the document stands more often than a field.
    let rank = if before.written_back(1).is_some_and(|w| matches!(w, "==" | "under" | "(")) { 1 } else { 3 };
    found.extend(
        names
            .variables
            .iter()
            .map(|(name, ty)| described(name.clone(), &Meaning::Variable(name.clone(), ty.clone()), rank)),
    );
    let definitions = names.library.definitions();
    found.extend(definitions.map(|definition| {
        let label = names.spelling(&definition.draft.written.name).to_owned();
        described(label, &Meaning::Definition(definition), 2)
    }));
    let fields = names.schema().fields(candidate);
    found.extend(fields.map(|(_, decl)| described(decl.name.to_string(), &Meaning::Field(decl), 2)));
    let schema = names.schema();
    found.extend(
        schema.functions().map(|(id, decl)| {
            described(decl.name.to_string(), &Meaning::Function(decl, schema.origin(id)), 2)
        }),
    );
    found.extend(CORE_FUNCTIONS.iter().map(|core| described(core.name.to_owned(), &Meaning::Core(core), 3)));
    found
}

/// Whether what precedes is a whole operand, so that an operator has to follow.
fn ends_operand(before: &Before<'_>) -> bool {
    let Some(last) = before.tokens.last() else { return false };
    match last.kind {
        TokenKind::Word => {
            let word = last.text(before.text);
            !matches!(word, "not" | "and" | "or") && !OPERATORS.iter().any(|(symbol, ..)| *symbol == word)
        }
        TokenKind::ListName | TokenKind::Number | TokenKind::Text { .. } => true,
        TokenKind::Sign => matches!(last.text(before.text), ")" | "]"),
        TokenKind::Comment => false,
    }
}

fn is_comparison(written: &str) -> bool {
    OPERATORS.iter().any(|(symbol, ..)| *symbol == written) && !matches!(written, "&&" | "||" | "!" | "??")
}

/// The words of the enumeration that the left side of a comparison has, also inside the list behind `in`.
fn wanted_words(before: &Before<'_>, names: &Names, around: &[(String, Type)]) -> Vec<Suggestion> {
    let inside = before.open.last().filter(|open| open.list);
    let count = inside.map_or(0, |open| before.tokens.len() - open.token);
    let Some(operator) = before.written_back(count + 1).filter(|written| is_comparison(written)) else {
        return Vec::new();
    };
    let negated = operator == "in" && before.written_back(count + 2) == Some("not");
    let left = before.written_back(count + 2 + usize::from(negated));
    let (words, ty, summary) = match left.and_then(|left| names.type_of(left, around)) {
        Some(Type::Enum(name)) => {
            let Some(of) = names.schema().enumeration(name) else { return Vec::new() };
            (&*of.words, name, of.summary.as_ref())
        }
        Some(Type::Bool) => (&["true", "false"][..], "bool", ""),
        _ => return Vec::new(),
    };
    let word = |word: &str| Suggestion {
        label: word.to_owned(),
        what: What::Word,
        detail: ty.to_owned(),
        documentation: summary.to_owned(),
        snippet: None,
        rank: 0,
    };
    words.iter().map(|text| word(text)).collect()
}

/// What can follow an operand: comparisons by its type, or the next condition.
fn operators(before: &Before<'_>, names: &Names, around: &[(String, Type)]) -> Vec<Suggestion> {
    let compared = before.written_back(2).is_some_and(is_comparison);
    let name = before.tokens.last().filter(|token| token.kind == TokenKind::Word);
    let ty = name.and_then(|token| names.type_of(token.text(before.text), around));
    let fitting: Vec<&str> = match ty {
        _ if compared => vec!["&&", "||"],
        Some(ty) => comparisons(&ty, names.schema()),
        None => OPERATORS.iter().map(|(symbol, ..)| *symbol).filter(|symbol| *symbol != "!").collect(),
    };
    let suggestion = |symbol: &str| Suggestion {
        label: symbol.to_owned(),
        what: What::Operator,
        detail: String::new(),
        documentation: describe::operator(symbol).unwrap_or_default(),
        snippet: None,
        rank: u8::from(matches!(symbol, "&&" | "||")),
    };
    fitting.into_iter().map(suggestion).collect()
}
