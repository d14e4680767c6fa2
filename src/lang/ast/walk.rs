//! Going over a tree as written.

use super::{Expr, Kind, Piece};
use crate::diagnostic::Span;

/// What is directly inside an expression. Of most no list is made: every check goes over every tree.
#[derive(Debug, Default)]
pub struct Children<'a> {
    few: [Option<&'a Expr>; 2],
    items: std::slice::Iter<'a, Expr>,
    listed: std::vec::IntoIter<&'a Expr>,
}

impl<'a> Children<'a> {
    fn of(few: [Option<&'a Expr>; 2]) -> Self {
        Self { few, ..Self::default() }
    }

    fn listed(all: Vec<&'a Expr>) -> Self {
        Self { listed: all.into_iter(), ..Self::default() }
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = &'a Expr;

    fn next(&mut self) -> Option<&'a Expr> {
        let [first, second] = &mut self.few;
        let few = first.take().or_else(|| second.take());
        few.or_else(|| self.items.next()).or_else(|| self.listed.next())
    }
}

impl Expr {
    /// The expressions directly inside this one, in source order.
    pub fn children(&self) -> Children<'_> {
        match &self.kind {
            Kind::Literal(_) | Kind::Name(_) | Kind::ListName(_) => Children::default(),
            Kind::Interpolated(pieces) => {
                let values = pieces.iter().filter_map(|piece| match piece {
                    Piece::Value(value) => Some(value.as_ref()),
                    Piece::Text(_) | Piece::Variable(_) => None,
                });
                Children::listed(values.collect())
            }
            Kind::List(items) | Kind::And(items) | Kind::Or(items) | Kind::Invalid(items) => {
                Children { items: items.iter(), ..Children::default() }
            }
            Kind::Range { low, high, .. } => Children::of([low.as_deref(), high.as_deref()]),
            Kind::Call { arguments, .. } => {
                Children::listed(arguments.iter().map(|argument| &argument.value).collect())
            }
            Kind::Member { base: inner, .. } | Kind::Lambda { body: inner, .. } | Kind::Not(inner) => {
                Children::of([Some(inner), None])
            }
            Kind::Index { base: a, index: b }
            | Kind::Compare { left: a, right: b, .. }
            | Kind::Arithmetic { left: a, right: b, .. }
            | Kind::Default { value: a, fallback: b } => Children::of([Some(a), Some(b)]),
        }
    }

    /// The same, to change them.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            Kind::Literal(_) | Kind::Name(_) | Kind::ListName(_) => Vec::new(),
            Kind::Interpolated(pieces) => pieces
                .iter_mut()
                .filter_map(|piece| match piece {
                    Piece::Value(value) => Some(value.as_mut()),
                    Piece::Text(_) | Piece::Variable(_) => None,
                })
                .collect(),
            Kind::List(items) | Kind::And(items) | Kind::Or(items) | Kind::Invalid(items) => {
                items.iter_mut().collect()
            }
            Kind::Range { low, high, .. } => {
                low.iter_mut().chain(high.iter_mut()).map(AsMut::as_mut).collect()
            }
            Kind::Member { base, .. } => vec![base],
            Kind::Index { base, index } => vec![base, index],
            Kind::Call { arguments, .. } => {
                arguments.iter_mut().map(|argument| &mut argument.value).collect()
            }
            Kind::Lambda { body, .. } => vec![body],
            Kind::Not(inner) => vec![inner],
            Kind::Compare { left, right, .. } | Kind::Arithmetic { left, right, .. } => vec![left, right],
            Kind::Default { value, fallback } => vec![value, fallback],
        }
    }

    /// Moves every span, for a text that is part of a larger one.
    pub fn map_spans(&mut self, map: &impl Fn(Span) -> Span) {
        self.span = map(self.span);
        match &mut self.kind {
            Kind::Interpolated(pieces) => {
                for piece in pieces {
                    if let Piece::Variable(ident) = piece {
                        ident.span = map(ident.span);
                    }
                }
            }
            Kind::Name(words) => words.iter_mut().for_each(|word| word.span = map(word.span)),
            Kind::Call { function, arguments } => {
                for word in function.iter_mut() {
                    word.span = map(word.span);
                }
                let names = arguments.iter_mut().filter_map(|argument| argument.name.as_mut());
                names.for_each(|name| name.span = map(name.span));
            }
            Kind::Member { name, .. } | Kind::Lambda { variable: name, .. } => name.span = map(name.span),
            Kind::Compare { op_span, .. } => *op_span = map(*op_span),
            _ => {}
        }
        for child in self.children_mut() {
            child.map_spans(map);
        }
    }
}
