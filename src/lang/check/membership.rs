//! `in` and `contains`: lists, ranges, networks.

use std::sync::Arc;

use super::Checker;
use super::coerce::{list_node, type_of};
use super::compare::{Pair, comparison, element_of};
use crate::diagnostic::Span;
use crate::lang::ast::{CompareOp, Expr, Kind as Ast};
use crate::lang::ir::{By, Kind, Node};
use crate::lang::value::{Type, Value};
use crate::lang::{codes, core};

/// From so many constants on, `in` looks them up instead of comparing one by one.
const SET_MIN: usize = 8;

impl Checker<'_> {
    pub(super) fn membership(
        &mut self,
        span: Span,
        op_span: Span,
        left: &Expr,
        right: &Expr,
    ) -> Option<Node> {
        if let Ast::Range { low, high, inclusive } = &right.kind {
            return self.range(span, left, (low.as_deref(), high.as_deref(), *inclusive), right.span);
        }
        let (value, list) = if self.is_bare_word(left) {
            let list = self.infer(right);
            let element = list.as_ref().and_then(|list| element_of(&list.ty)).cloned();
            (self.beside(left, list.as_ref(), element.as_ref()), list)
        } else {
            let value = self.infer(left);
            let hint = value.as_ref().map(|value| Type::list(value.ty.clone()));
            let list = self.beside(right, value.as_ref(), hint.as_ref());
            (value, list)
        };
        let (value, list) = (value?, list?);
        if matches!(value.ty, Type::List(_)) {
            return self.list_and_scalar(CompareOp::In, op_span, &value, &list);
        }
        match &list.ty {
            Type::List(element) => {
                let element = (**element).clone();
                self.in_list(span, op_span, value, list, &element)
            }
            Type::Cidr if value.ty == Type::Ip => {
                let pair = Pair { by: By::Core, left: value, right: list };
                Some(comparison(CompareOp::In, pair, span))
            }
            Type::String | Type::Path if matches!(value.ty, Type::String | Type::Path) => {
                let message = "`in` looks into lists, ranges and networks, not into texts";
                let help = format!("write `{} contains {}`", self.text(list.span), self.text(value.span));
                self.fail(codes::OPERAND_TYPE, op_span, message, "a text on the right", help)
            }
            _ => self.incomparable(CompareOp::In, op_span, &value, &list),
        }
    }

    fn in_list(
        &mut self,
        span: Span,
        op_span: Span,
        value: Node,
        list: Node,
        element: &Type,
    ) -> Option<Node> {
        if value.ty == Type::Ip && *element == Type::Cidr {
            return Some(comparison(CompareOp::In, Pair { by: By::Core, left: value, right: list }, span));
        }
        let items = match &list.kind {
            Kind::List(items) => items.clone(),
            Kind::Const(Value::List(values)) => {
                let node = |v: &Value| Node::new(Kind::Const(v.clone()), type_of(v), list.span);
                values.iter().map(node).collect()
            }
            _ => {
                let Some(pair) = self.equality(&value, &stand_in(element, list.span)) else {
                    return self.incomparable(CompareOp::In, op_span, &value, &list);
                };
                return Some(comparison(CompareOp::In, Pair { right: list, ..pair }, span));
            }
        };
        let (mut by, mut left, mut converted) = (By::Core, value.clone(), Vec::new());
        for item in items {
            let Some(pair) = self.equality(&value, &item) else {
                return self.incomparable(CompareOp::In, op_span, &value, &list);
            };
            by = pair.by;
            left = pair.left;
            converted.push(pair.right);
        }
        let right = list_node(converted, left.ty.clone(), list.span);
        Some(
            member_set(&left, by, &right, span)
                .unwrap_or_else(|| comparison(CompareOp::In, Pair { by, left, right }, span)),
        )
    }

    fn range(
        &mut self,
        span: Span,
        left: &Expr,
        (low, high, inclusive): (Option<&Expr>, Option<&Expr>, bool),
        place: Span,
    ) -> Option<Node> {
        let value = self.infer(left)?;
        let (mut sides, mut by, mut subject) = (Vec::new(), None, value.clone());
        for bound in [low, high] {
            let Some(bound) = bound else {
                sides.push(None);
                continue;
            };
            let bound = self.infer(bound)?;
            // Both bounds are compared the same way.
            let ordering = self.ordering(&value, &bound).filter(|pair| by.is_none_or(|by| by == pair.by));
            let Some(pair) = ordering else {
                return self.incomparable(CompareOp::Less, bound.span, &value, &bound);
            };
            by = Some(pair.by);
            subject = pair.left;
            sides.push(Some(Box::new(pair.right)));
        }
        let high = sides.pop().flatten();
        let low = sides.pop().flatten();
        let constants = low.as_ref().and_then(|n| n.constant()).zip(high.as_ref().and_then(|n| n.constant()));
        let order = constants.and_then(|(low, high)| core::order(low, high));
        if order.is_some_and(|order| order.is_gt() || (order.is_eq() && !inclusive)) {
            let help = "write the smaller value first, `a..=b` to include the last";
            return self.fail(
                codes::EMPTY_RANGE,
                place,
                "nothing lies in this range",
                "an empty range",
                help,
            );
        }
        let ty = Type::list(subject.ty.clone());
        let right = Node::new(Kind::Range { low, high, inclusive }, ty, place);
        Some(comparison(CompareOp::In, Pair { by: by.unwrap_or(By::Core), left: subject, right }, span))
    }

    pub(super) fn containment(
        &mut self,
        span: Span,
        op_span: Span,
        left: &Expr,
        right: &Expr,
    ) -> Option<Node> {
        let list = self.infer(left);
        let hint = list.as_ref().map(|list| element_of(&list.ty).unwrap_or(&list.ty)).cloned();
        let value = self.beside(right, list.as_ref(), hint.as_ref());
        let (list, value) = (list?, value?);
        let Some(element) = element_of(&list.ty) else {
            return self.text_test(span, CompareOp::Contains, list, value);
        };
        if matches!(value.ty, Type::List(_)) {
            let (list, value) = (self.text(list.span), self.text(value.span));
            let help = format!("write `any({value}, x => x in {list})`, or `all` for every one of them");
            return self.fail(
                codes::LIST_AND_SCALAR,
                op_span,
                "`contains` looks for one value",
                "a list on the right",
                help,
            );
        }
        match self.equality(&value, &stand_in(element, list.span)) {
            // The value stands on the left of `equality`, so that `left` of the pair is the value, converted.
            Some(pair) => {
                let pair = Pair { by: pair.by, left: list, right: pair.left };
                Some(comparison(CompareOp::Contains, pair, span))
            }
            None => self.incomparable(CompareOp::Contains, op_span, &list, &value),
        }
    }
}

fn member_set(left: &Node, by: By, right: &Node, span: Span) -> Option<Node> {
    let Some(Value::List(values)) = right.constant() else { return None };
    if by != By::Core || values.len() < SET_MIN {
        return None;
    }
    let set = values.iter().map(core::key).collect::<Option<_>>()?;
    let kind = Kind::Member { value: Box::new(left.clone()), set: Arc::new(set) };
    Some(Node::new(kind, Type::Bool, span))
}

/// Stands for any element of a list while the types are compared.
fn stand_in(element: &Type, span: Span) -> Node {
    Node::new(Kind::Candidate, element.clone(), span)
}
