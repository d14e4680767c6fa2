//! Going over a tree as written.

use super::{Expr, Kind, Piece};
use crate::diagnostic::Span;

impl Expr {
    /// The expressions directly inside this one, in source order.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Literal(_) | Kind::Name(_) | Kind::ListName(_) => Vec::new(),
            Kind::Interpolated(pieces) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Value(value) => Some(value.as_ref()),
                    Piece::Text(_) | Piece::Variable(_) => None,
                })
                .collect(),
            Kind::List(items) | Kind::And(items) | Kind::Or(items) | Kind::Invalid(items) => {
                items.iter().collect()
            }
            Kind::Range { low, high, .. } => low.iter().chain(high.iter()).map(AsRef::as_ref).collect(),
            Kind::Member { base, .. } => vec![base],
            Kind::Index { base, index } => vec![base, index],
            Kind::Call { arguments, .. } => arguments.iter().map(|argument| &argument.value).collect(),
            Kind::Lambda { body, .. } => vec![body],
            Kind::Not(inner) => vec![inner],
            Kind::Compare { left, right, .. } | Kind::Arithmetic { left, right, .. } => vec![left, right],
            Kind::Default { value, fallback } => vec![value, fallback],
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
