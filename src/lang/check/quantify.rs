//! `any`, `all`, `none`, `one`, `count`, `sum`.

use super::Checker;
use crate::diagnostic::Span;
use crate::lang::ast::{Argument, Expr, Kind as Ast};
use crate::lang::codes;
use crate::lang::core;
use crate::lang::ir::{Kind, Node, Quantifier};
use crate::lang::value::Type;

/// Deepest nesting of quantifiers.
pub(in crate::lang) const NESTING_MAX: usize = 2;

impl Checker<'_> {
    pub(super) fn quantifier(
        &mut self,
        (quantifier, name): (Quantifier, &str),
        arguments: &[Argument],
        span: Span,
    ) -> Option<Node> {
        let (list, body) = match arguments {
            [list, condition] => match &condition.value.kind {
                Ast::Lambda { variable, body } => (&list.value, (variable, body)),
                _ => return self.without_lambda(name, arguments, condition.value.span),
            },
            _ => return self.without_lambda(name, arguments, span),
        };
        if self.elements.len() >= NESTING_MAX {
            let message = format!("quantifiers are nested more than {NESTING_MAX} deep");
            let help = "ask about the inner elements by a function or field";
            return self.fail(codes::QUANTIFIER_DEPTH, span, message, "one level too many", help);
        }
        let list_node = self.infer(list);
        let element = match list_node.as_ref().map(|node| &node.ty) {
            Some(Type::List(element)) => (**element).clone(),
            Some(other) => return self.not_a_list(name, list, &other.clone()),
            None => return None,
        };
        let (variable, body) = body;
        let slot = self.elements.len();
        self.elements.push((variable.text.clone(), element));
        let body = if quantifier == Quantifier::Sum { self.summand(body) } else { self.condition(body) };
        self.elements.pop();
        let (list_node, body) = (list_node?, body?);
        let ty = match quantifier {
            Quantifier::Count => Type::Int,
            Quantifier::Sum => body.ty.clone(),
            Quantifier::Any | Quantifier::All | Quantifier::None | Quantifier::One => Type::Bool,
        };
        let kind = Kind::Quantifier { quantifier, list: Box::new(list_node), slot, body: Box::new(body) };
        Some(Node::new(kind, ty, span))
    }

    /// What is added up for each element.
    fn summand(&mut self, body: &Expr) -> Option<Node> {
        let node = self.infer(body)?;
        if core::nothing(&node.ty).is_some() {
            return Some(node);
        }
        let message = format!("`sum` doesn't add up {}", node.ty);
        let help = match node.ty {
            Type::Bool => format!("write `count(xs, x => {body})` for how many"),
            _ => "name an int, a size, a duration or a percentage of the element".to_owned(),
        };
        self.fail(codes::OPERAND_TYPE, node.span, message, format!("this is of type {}", node.ty), help)
    }

    fn without_lambda(&mut self, name: &str, arguments: &[Argument], at: Span) -> Option<Node> {
        let known: Vec<Option<Node>> = arguments
            .iter()
            .filter(|argument| !matches!(argument.value.kind, Ast::Lambda { .. } | Ast::Compare { .. }))
            .map(|argument| self.infer(&argument.value))
            .collect();
        let help = match (arguments, known.as_slice()) {
            // `any(argv == "x")`: the condition without a variable.
            ([Argument { value: Expr { kind: Ast::Compare { op, left, right, .. }, .. }, .. }], _) => {
                format!("write `{name}({left}, x => x {} {right})`", op.symbol())
            }
            ([list, value], [element, ..]) if self.bare_condition(value, element.as_ref()).is_some() => {
                let condition = self.bare_condition(value, element.as_ref()).unwrap_or_default();
                format!("write `{name}({}, {condition})`", list.value)
            }
            ([list, value], _) => format!("write `{name}({}, x => x == {})`", list.value, value.value),
            ([list], _) if name == "sum" => format!("write `sum({}, x => x.rss)`", list.value),
            ([list], _) if name == "count" => format!("write `len({})` for all of them", list.value),
            ([list], _) => format!("write `{name}({}, x => x == ...)`", list.value),
            _ => format!("write `{name}(xs, x => x == ...)`"),
        };
        let what =
            if name == "sum" { "a number of each of its elements" } else { "a condition on its elements" };
        let message = format!("`{name}` needs a list and {what}");
        self.fail(codes::LAMBDA, at, message, "no `x => ...` here", help)
    }

    /// `port == 80` of sockets and `s.port == 80`, where the condition lacks its variable; `s -> s.port == 80` of those who know
    /// another arrow.
    fn bare_condition(&self, written: &Argument, list: Option<&Node>) -> Option<String> {
        let text = self.text(written.value.span);
        if let Some((variable, body)) = text.split_once("->").or_else(|| text.split_once("=>")) {
            let variable = variable.trim().trim_matches(['(', ')']);
            return Some(format!("{variable} => {}", body.trim()));
        }
        let Ast::Compare { left, .. } = &written.value.kind else { return None };
        let Ast::Name(words) = &left.kind else { return None };
        let of_objects = matches!(list.map(|list| &list.ty), Some(Type::List(element)) if matches!(**element, Type::Named(_)));
        match words.as_slice() {
            [_] if of_objects => Some(format!("x => x.{text}")),
            [variable, _, ..] => Some(format!("{} => {text}", variable.text)),
            _ => None,
        }
    }

    fn not_a_list(&mut self, name: &str, list: &Expr, ty: &Type) -> Option<Node> {
        let message = format!("`{name}` needs a list");
        let help = format!("ask about the value itself: `{list} == ...`");
        self.fail(codes::OPERAND_TYPE, list.span, message, format!("this is of type {ty}"), help)
    }
}
