//! Comparisons: which pairs of types have which, and who decides.

use super::Checker;
use super::coerce::{is_fixed, word_help};
use crate::diagnostic::Span;
use crate::lang::ast::{CompareOp, Expr, Kind as Ast};
use crate::lang::ir::{By, Kind, Node};
use crate::lang::schema::Operation;
use crate::lang::value::{Type, Value};
use crate::lang::{codes, core};

/// From so many constants on, `in` looks them up instead of comparing one by one.
const SET_MIN: usize = 8;

/// How two operands are compared, and the operands as converted for it.
pub(super) struct Pair {
    by: By,
    left: Node,
    right: Node,
}

impl Checker<'_> {
    pub(super) fn compare(
        &mut self,
        span: Span,
        op: CompareOp,
        op_span: Span,
        left: &Expr,
        right: &Expr,
    ) -> Option<Node> {
        let Some(positive) = op.positive() else {
            let node = self.positive(span, op, op_span, left, right)?;
            return Some(self.fold(node));
        };
        self.spelled = Some(op);
        let inner = self.positive(span, positive, op_span, left, right);
        self.spelled = None;
        let inner = inner?;
        let inner = self.fold(inner);
        Some(self.fold(Node::new(Kind::Not(Box::new(inner)), Type::Bool, span)))
    }

    fn positive(
        &mut self,
        span: Span,
        op: CompareOp,
        op_span: Span,
        left: &Expr,
        right: &Expr,
    ) -> Option<Node> {
        match op {
            CompareOp::Matches => self.regex(left, right, span),
            CompareOp::Like => self.glob(left, right, span),
            CompareOp::In => self.membership(span, op_span, left, right),
            CompareOp::Contains => self.containment(span, op_span, left, right),
            CompareOp::StartsWith | CompareOp::EndsWith => {
                let (left, right) = self.operands(left, right);
                self.text_test(span, op, left?, right?)
            }
            _ => {
                let (left, right) = self.operands(left, right);
                let (left, right) = (left?, right?);
                let pair = match op {
                    CompareOp::Equal => self.equality(&left, &right),
                    CompareOp::Under => self.under(&left, &right),
                    _ => self.ordering(&left, &right),
                };
                match pair {
                    Some(pair) => Some(comparison(op, pair, span)),
                    None => self.incomparable(op, op_span, &left, &right),
                }
            }
        }
    }

    /// Both operands; a bare word takes its enumeration from the other side.
    fn operands(&mut self, left: &Expr, right: &Expr) -> (Option<Node>, Option<Node>) {
        if self.is_bare_word(left) && !self.is_bare_word(right) {
            let right = self.infer(right);
            let left = self.beside(left, right.as_ref(), right.as_ref().map(|right| right.ty.clone()));
            return (left, right);
        }
        let left = self.infer(left);
        let right = self.beside(right, left.as_ref(), left.as_ref().map(|left| left.ty.clone()));
        (left, right)
    }

    /// An operand whose type the other one suggests. Where the other is in error, a word of an enumeration
    /// is probably right, and nothing is said about it.
    fn beside(&mut self, expr: &Expr, other: Option<&Node>, hint: Option<Type>) -> Option<Node> {
        if other.is_none() && self.is_enum_word(expr) {
            return None;
        }
        self.hinted(expr, hint.as_ref())
    }

    fn is_enum_word(&self, expr: &Expr) -> bool {
        let Ast::Name(words) = &expr.kind else { return false };
        let [word] = words.as_slice() else { return false };
        self.is_bare_word(expr)
            && self.schema.enumerations().any(|decl| decl.words.contains(&word.text.as_str()))
    }

    fn is_bare_word(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, Ast::Name(words) if matches!(words.as_slice(), [word] if !self.is_value_name(&word.text)))
    }

    fn equality(&self, left: &Node, right: &Node) -> Option<Pair> {
        let (a, b) = (&left.ty, &right.ty);
        if a == b && is_core(a) {
            return Some(Pair { by: By::Core, left: left.clone(), right: right.clone() });
        }
        let core = |left: Result<Node, Node>, right: Result<Node, Node>| {
            let (left, right) = (left.ok()?, right.ok()?);
            is_core(&left.ty).then_some(Pair { by: By::Core, left, right })
        };
        let both_lists = matches!((a, b), (Type::List(_), Type::List(_)));
        match (a, b) {
            (Type::String, Type::Path) => core(self.coerce(left.clone(), b), Ok(right.clone())),
            (Type::Path, Type::String) => core(Ok(left.clone()), self.coerce(right.clone(), a)),
            _ if both_lists => core(Ok(left.clone()), self.coerce(right.clone(), a))
                .or_else(|| core(self.coerce(left.clone(), b), Ok(right.clone()))),
            _ => self
                .declared(Operation::Equal, left, right, false)
                .or_else(|| self.declared(Operation::Equal, left, right, true)),
        }
    }

    fn ordering(&self, left: &Node, right: &Node) -> Option<Pair> {
        let ordered = matches!(left.ty, Type::Int | Type::Size | Type::Duration | Type::Time | Type::Ratio);
        if ordered && left.ty == right.ty {
            return Some(Pair { by: By::Core, left: left.clone(), right: right.clone() });
        }
        self.declared(Operation::Less, left, right, false)
    }

    fn under(&self, left: &Node, right: &Node) -> Option<Pair> {
        let textual = matches!(left.ty, Type::String | Type::Path);
        if textual && let Ok(path) = self.coerce(right.clone(), &Type::Path) {
            let left = self.coerce(left.clone(), &Type::Path).ok()?;
            return Some(Pair { by: By::Core, left, right: path });
        }
        self.declared(Operation::Under, left, right, false)
    }

    /// A comparison that a vocabulary declared. Exact types first, then conversions of literals, those to
    /// types of the core before those to named ones.
    fn declared(&self, operation: Operation, left: &Node, right: &Node, swapped: bool) -> Option<Pair> {
        let (a, b) = if swapped { (right, left) } else { (left, right) };
        let mut found: Option<(u8, Pair)> = None;
        for (vocabulary, decl) in self.schema.operators(operation) {
            let exact = decl.left == a.ty && decl.right == b.ty;
            let rank = match (exact, &decl.right) {
                (true, _) => 0,
                (false, Type::Named(_)) => 2,
                (false, _) => 1,
            };
            // One side has to be what it is, or two literals would be converted to whatever fits.
            let rooted = exact || decl.left == a.ty || decl.right == b.ty;
            if !rooted || found.as_ref().is_some_and(|(best, _)| *best <= rank) {
                continue;
            }
            let (Ok(x), Ok(y)) = (self.coerce(a.clone(), &decl.left), self.coerce(b.clone(), &decl.right))
            else {
                continue;
            };
            let by = By::Vocabulary { vocabulary, operation, swapped, cost: decl.cost };
            let (left, right) = if swapped { (y, x) } else { (x, y) };
            found = Some((rank, Pair { by, left, right }));
        }
        found.map(|(_, pair)| pair)
    }

    fn membership(&mut self, span: Span, op_span: Span, left: &Expr, right: &Expr) -> Option<Node> {
        if let Ast::Range { low, high, inclusive } = &right.kind {
            return self.range(span, left, (low.as_deref(), high.as_deref(), *inclusive), right.span);
        }
        let (value, list) = if self.is_bare_word(left) {
            let list = self.infer(right);
            let element = list.as_ref().and_then(|list| element_of(&list.ty)).cloned();
            (self.beside(left, list.as_ref(), element), list)
        } else {
            let value = self.infer(left);
            let hint = value.as_ref().map(|value| Type::List(Box::new(value.ty.clone())));
            let list = self.beside(right, value.as_ref(), hint);
            (value, list)
        };
        let (value, list) = (value?, list?);
        if matches!(value.ty, Type::List(_)) {
            return self.list_and_scalar(CompareOp::In, op_span, &value, &list);
        }
        match &list.ty {
            Type::List(element) => {
                let element = element.as_ref().clone();
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
                let node =
                    |v: &Value| Node::new(Kind::Const(v.clone()), super::coerce::type_of(v), list.span);
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
        let right = super::coerce::list_node(converted, left.ty.clone(), list.span);
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
        let mut sides = Vec::new();
        for bound in [low, high] {
            let Some(bound) = bound else {
                sides.push(None);
                continue;
            };
            let bound = self.infer(bound)?;
            let Some(pair) = self.ordering(&value, &bound).filter(|pair| pair.by == By::Core) else {
                return self.incomparable(CompareOp::Less, bound.span, &value, &bound);
            };
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
        let ty = Type::List(Box::new(value.ty.clone()));
        let right = Node::new(Kind::Range { low, high, inclusive }, ty, place);
        Some(comparison(CompareOp::In, Pair { by: By::Core, left: value, right }, span))
    }

    fn containment(&mut self, span: Span, op_span: Span, left: &Expr, right: &Expr) -> Option<Node> {
        let list = self.infer(left);
        let hint = list.as_ref().map(|list| element_of(&list.ty).unwrap_or(&list.ty)).cloned();
        let value = self.beside(right, list.as_ref(), hint);
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

    fn text_test(&mut self, span: Span, op: CompareOp, left: Node, right: Node) -> Option<Node> {
        let left = self.textual(left, op);
        if !matches!(right.ty, Type::String | Type::Path) {
            let message = format!("`{}` needs a text on its right", op.symbol());
            let label = format!("this is of type {}", right.ty);
            let help = format!("write `\"{}\"`", self.text(right.span).trim_matches('"'));
            return self.fail(codes::OPERAND_TYPE, right.span, message, label, help);
        }
        Some(comparison(op, Pair { by: By::Core, left: left?, right }, span))
    }

    /// The text of an operand; lists and numbers have none.
    pub(super) fn textual(&mut self, node: Node, op: CompareOp) -> Option<Node> {
        if matches!(node.ty, Type::String | Type::Path) {
            return Some(node);
        }
        if let Type::Named(_) = node.ty {
            let mut texts = self.schema.operators(Operation::Text);
            if let Some((vocabulary, decl)) = texts.find(|(_, decl)| decl.left == node.ty) {
                let (span, ty) = (node.span, decl.right.clone());
                return Some(Node::new(Kind::Text { value: Box::new(node), vocabulary }, ty, span));
            }
        }
        let written = self.text(node.span);
        let message = format!("`{}` needs a text on its left", op.symbol());
        if matches!(node.ty, Type::List(_)) {
            let help = format!("write `any({written}, x => x {} ...)`", op.symbol());
            return self.fail(
                codes::LIST_AND_SCALAR,
                node.span,
                message,
                format!("this is of type {}", node.ty),
                help,
            );
        }
        let help = format!("compare it otherwise: `{written} == ...`");
        self.fail(codes::OPERAND_TYPE, node.span, message, format!("this is of type {}", node.ty), help)
    }

    fn list_and_scalar(&mut self, op: CompareOp, at: Span, list: &Node, other: &Node) -> Option<Node> {
        let (list, other) = (self.text(list.span), self.text(other.span));
        let (spelled, symbol) = (self.spelled.unwrap_or(op).symbol(), op.symbol());
        let message = format!("`{spelled}` does not say whether any or all of `{list}` are meant");
        let help = if spelled == symbol {
            format!("write `any({list}, x => x {symbol} {other})`, or `all`")
        } else {
            format!(
                "write `none({list}, x => x {symbol} {other})`, or `any({list}, x => x {spelled} {other})`"
            )
        };
        self.fail(codes::LIST_AND_SCALAR, at, message, "a list and a single value", help)
    }

    fn incomparable(&mut self, op: CompareOp, at: Span, left: &Node, right: &Node) -> Option<Node> {
        match (&left.ty, &right.ty) {
            (Type::List(_), Type::List(_)) => {}
            (Type::List(_), _) if op != CompareOp::Contains => {
                return self.list_and_scalar(op, at, left, right);
            }
            (_, Type::List(_)) if op == CompareOp::Equal => {
                let (value, list) = (self.text(left.span), self.text(right.span));
                let message = format!("`==` compares one value with a list, `{list}`");
                let help = format!("write `{value} in {list}`");
                return self.fail(codes::LIST_AND_SCALAR, at, message, "a list and a single value", help);
            }
            _ => {}
        }
        let help = self.comparison_help(op, left, right).or_else(|| self.comparison_help(op, right, left));
        let help = help.unwrap_or_else(|| "write values of the same type on both sides".to_owned());
        let spelled = self.spelled.unwrap_or(op).symbol();
        let message = format!("`{spelled}` does not compare {} with {}", left.ty, right.ty);
        self.fail(codes::INCOMPARABLE, at, message, "types that do not go together", help)
    }

    /// What to write in place of `other`, so that it goes with `typed`.
    fn comparison_help(&self, op: CompareOp, typed: &Node, other: &Node) -> Option<String> {
        let written = self.text(other.span);
        let bare = written.trim_matches('"');
        if is_fixed(typed) && !matches!(typed.kind, Kind::Variable(_)) {
            return None;
        }
        match (&typed.ty, &other.ty) {
            (Type::Enum(name), Type::String) => self.unquoted(name, bare),
            (Type::Size, Type::Int) => Some(format!("write a size: `{written}B` or `{written}MiB`")),
            (Type::Duration, Type::Int) => Some(format!("write a duration: `{written}s`")),
            (Type::Ratio, Type::Int) => Some(format!("write a percentage: `{written}%`")),
            (Type::Int, Type::String) if bare.parse::<i64>().is_ok() => Some(format!("write `{bare}`")),
            (Type::String | Type::Path, Type::Int) if matches!(other.kind, Kind::Variable(_)) => {
                Some(format!("write `\"${{{written}}}\"`"))
            }
            (Type::String | Type::Path, Type::Int) if other.constant().is_some() => {
                Some(format!("write `\"{written}\"`"))
            }
            (Type::Bool, Type::String) if matches!(bare, "true" | "false") => Some(format!("write `{bare}`")),
            (Type::Time, Type::Duration) => {
                Some(format!("write `now() - {} > {written}`", self.text(typed.span)))
            }
            (Type::Ip, Type::Cidr) => Some(format!("write `{} in {written}`", self.text(typed.span))),
            (Type::Ip | Type::Cidr, Type::String) => Some(format!("write `{bare}`")),
            (Type::Named(name), _) => {
                let accepted = self.accepted(op, typed);
                (!accepted.is_empty()).then(|| format!("compare a {name} with: {}", accepted.join(", ")))
            }
            _ => None,
        }
    }

    /// The word that a string of the same text stands for.
    pub(super) fn unquoted(&self, name: &str, text: &str) -> Option<String> {
        let words = &self.schema.enumeration(name)?.words;
        Some(match words.iter().find(|word| **word == text) {
            Some(word) => format!("write the word without quotes: `{word}`"),
            None => word_help(text, words),
        })
    }

    fn accepted(&self, op: CompareOp, typed: &Node) -> Vec<String> {
        let operation = match op {
            CompareOp::Under => Operation::Under,
            CompareOp::Less | CompareOp::LessEqual | CompareOp::Greater | CompareOp::GreaterEqual => {
                Operation::Less
            }
            _ => Operation::Equal,
        };
        let mut names = Vec::new();
        for (_, decl) in self.schema.operators(operation).filter(|(_, decl)| decl.left == typed.ty) {
            names.push(decl.right.to_string());
            if let Type::Named(name) = decl.right
                && let Some((_, decl)) = self.schema.named(name)
            {
                names.extend(decl.from.iter().map(ToString::to_string));
            }
        }
        let mut unique = Vec::new();
        names.into_iter().for_each(|name| {
            if !unique.contains(&name) {
                unique.push(name)
            }
        });
        unique
    }
}

fn is_core(ty: &Type) -> bool {
    match ty {
        Type::Named(_) | Type::Map(_) => false,
        Type::List(element) => is_core(element),
        _ => true,
    }
}

fn element_of(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List(element) => Some(element),
        _ => None,
    }
}

/// Stands for any element of a list while the types are compared.
fn stand_in(element: &Type, span: Span) -> Node {
    Node::new(Kind::Candidate, element.clone(), span)
}

fn comparison(op: CompareOp, pair: Pair, span: Span) -> Node {
    let Pair { by, left, right } = pair;
    Node::new(Kind::Compare { op, by, left: Box::new(left), right: Box::new(right) }, Type::Bool, span)
}

fn member_set(left: &Node, by: By, right: &Node, span: Span) -> Option<Node> {
    let Some(Value::List(values)) = right.constant() else { return None };
    if by != By::Core || values.len() < SET_MIN {
        return None;
    }
    let set = values.iter().map(core::key).collect::<Option<_>>()?;
    let kind = Kind::Member { value: Box::new(left.clone()), set: std::sync::Arc::new(set) };
    Some(Node::new(kind, Type::Bool, span))
}
