//! What an accepted expression keeps of the library, so that it means later what it meant when it was accepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Built, Draft, Library, NamedList, Parameter, Written, build};
use crate::diagnostic::{Source, Span};
use crate::lang::ast::{Expr, Kind, Literal};
use crate::lang::value::{Type, Value};
use crate::lang::{Schema, parse, show};

/// A definition or list, complete, as text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Recorded {
    /// A definition.
    #[serde(rename_all = "camelCase")]
    Definition {
        /// Names and types, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        params: Vec<(String, String)>,
        /// The condition.
        expr: String,
    },
    /// A list.
    #[serde(rename_all = "camelCase")]
    List {
        /// The type of its elements.
        element: String,
        /// The elements, as literals.
        items: Vec<String>,
    },
}

/// By full name, that of a list with its `@`: all that an expression uses, and what that uses in turn.
pub type Record = BTreeMap<String, Recorded>;

impl Type {
    /// The type that a text names, as types display themselves: `list<user>`.
    pub fn parse(text: &str, schema: &Schema) -> Option<Self> {
        let text = text.trim();
        if let Some(inner) = text.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
            let element = Self::parse(inner, schema)?;
            return (!matches!(element, Self::List(_))).then(|| Self::list(element));
        }
        let core = [
            Self::Bool,
            Self::Int,
            Self::String,
            Self::Path,
            Self::Size,
            Self::Duration,
            Self::Time,
            Self::Ratio,
            Self::Ip,
            Self::Cidr,
        ];
        let found = core.into_iter().find(|ty| ty.to_string() == text);
        found
            .or_else(|| schema.named(text).map(|(_, decl)| Self::Named(decl.name)))
            .or_else(|| schema.enumeration(text).map(|decl| Self::Enum(decl.name)))
    }

    /// The names of all types of which there can be parameters and elements.
    pub fn names(schema: &Schema) -> Vec<String> {
        let core = "bool int string path size duration time percentage ip cidr".split(' ').map(str::to_owned);
        let own = schema.vocabularies().iter().flat_map(|declarations| {
            let types = declarations.types.iter().map(|decl| decl.name.to_owned());
            types.chain(declarations.enums.iter().map(|decl| decl.name.to_owned()))
        });
        core.chain(own).collect()
    }
}

impl Library {
    /// What these names (lists with their `@`) stand for, with all that they use.
    pub fn record(&self, names: std::collections::BTreeSet<String>) -> Record {
        let entry = |name: String| {
            let recorded = match name.strip_prefix('@') {
                Some(list) => recorded_list(self.lists.get(list)?),
                None => recorded_definition(&self.definitions.get(&name)?.draft),
            };
            Some((name, recorded))
        };
        self.closure(names).into_iter().filter_map(entry).collect()
    }

    /// The library that an expression was accepted with. What can't be understood any more is left out, so that
    /// the expression doesn't compile, which its user takes for unknown.
    pub fn restore(record: &Record, schema: &Arc<Schema>) -> Self {
        let mut library = Self::over(Arc::clone(schema));
        let mut drafts = Vec::new();
        for (name, recorded) in record {
            match recorded {
                Recorded::Definition { params, expr } => drafts.extend(draft(name, params, expr, schema)),
                Recorded::List { element, items } => {
                    if let Some(list) = list(name.trim_start_matches('@'), element, items, schema) {
                        library.add_list(list);
                    }
                }
            }
        }
        let Built { library, diagnostics: _ } = build(library, drafts, schema);
        library
    }
}

fn recorded_definition(draft: &Draft) -> Recorded {
    let params = draft.params.iter().map(|param| (param.name.clone(), param.ty.to_string())).collect();
    Recorded::Definition { params, expr: draft.written.text.to_string() }
}

fn recorded_list(list: &NamedList) -> Recorded {
    Recorded::List { element: list.element.to_string(), items: list.values.iter().map(show).collect() }
}

fn draft(name: &str, params: &[(String, String)], expr: &str, schema: &Schema) -> Option<Draft> {
    let params: Option<Vec<Parameter>> = params
        .iter()
        .map(|(name, ty)| {
            Some(Parameter { name: name.clone(), ty: Type::parse(ty, schema)?, at: Span::default() })
        })
        .collect();
    let source = Source::new(format!("<{name} as accepted>"), expr);
    let written = Arc::new(Written::alone(name, &source));
    Some(Draft { params: params?, written, name_at: Span::default() })
}

fn list(name: &str, element: &str, items: &[String], schema: &Schema) -> Option<NamedList> {
    let element = Type::parse(element, schema)?;
    let values: Option<Vec<Value>> = items.iter().map(|item| literal(item, &element, schema)).collect();
    let source = Source::new(format!("<@{name} as accepted>"), "");
    Some(NamedList { name: name.to_owned(), element, values: values?, source, name_at: Span::default() })
}

/// The value of a literal where one of this type is expected; strings stay strings where they are converted later.
pub fn literal(text: &str, ty: &Type, schema: &Schema) -> Option<Value> {
    if let Type::Enum(name) = ty {
        let word = schema.enumeration(name)?.words.iter().find(|word| **word == text)?;
        return Some(Value::Enum(name, word));
    }
    let parsed = parse(text);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let Expr { kind: Kind::Literal(literal), .. } = parsed.expr? else { return None };
    let value = match literal {
        Literal::Bool(value) => Value::Bool(value),
        Literal::Int(value, _) => Value::Int(value),
        Literal::String(bytes, _) => Value::string(bytes),
        Literal::Size(value, _) => Value::Size(value),
        Literal::Duration(value, _) => Value::Duration(value),
        Literal::Time(value, _) => Value::Time(value),
        Literal::Ratio(value, _) => Value::Ratio(value),
        Literal::Ip(address) => Value::Ip(address),
        Literal::Cidr(address, length) => Value::Cidr(address, length),
    };
    fits(&value, ty, schema).then_some(value)
}

fn fits(value: &Value, ty: &Type, schema: &Schema) -> bool {
    let own = crate::lang::type_of(value);
    match ty {
        Type::Path => matches!(own, Type::String | Type::Path),
        Type::Named(name) => schema.named(name).is_some_and(|(_, decl)| {
            decl.from.contains(&own) || (own == Type::String && decl.from.contains(&Type::Path))
        }),
        _ => own == *ty,
    }
}
