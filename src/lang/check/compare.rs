//! Comparisons: which pairs of types have which, and who decides.

use super::Checker;
use super::names::NOTHING;
use crate::diagnostic::Span;
use crate::lang::ast::{CompareOp, Expr, Kind as Ast};
use crate::lang::codes;
use crate::lang::ir::{By, Kind, Node};
use crate::lang::schema::Operation;
use crate::lang::value::Type;

/// How two operands are compared, and the operands as converted for it.
pub(super) struct Pair {
    pub(super) by: By,
    pub(super) left: Node,
    pub(super) right: Node,
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
        if self.compared_with_nothing(op, left, right).is_some() {
            return None;
        }
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

    /// `tty == null`: what is absent equals nothing, so that the question is another one. `None`: it isn't so.
    fn compared_with_nothing(&mut self, op: CompareOp, left: &Expr, right: &Expr) -> Option<()> {
        let exists = match op {
            CompareOp::Equal => "!has",
            CompareOp::NotEqual => "has",
            _ => return None,
        };
        let Ast::Name(words) = &right.kind else { return None };
        let [word] = words.as_slice() else { return None };
        if !NOTHING.contains(&word.text.as_str()) || self.is_value_name(&word.text) {
            return None;
        }
        let before = self.diagnostics.len();
        match self.infer(left) {
            // An enumeration may have such a word.
            Some(node) if matches!(node.ty, Type::Enum(_)) => return None,
            Some(_) => {}
            // It is looked at once more, and its mistakes are said then.
            None => {
                self.diagnostics.truncate(before);
                return None;
            }
        }
        let message = format!("there is no `{}`", word.text);
        let help = format!("write `{exists}({})`", self.text(left.span));
        let _ = self.fail::<()>(codes::UNKNOWN_NAME, right.span, message, "not a value", help);
        Some(())
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
            let left = self.beside(left, right.as_ref(), right.as_ref().map(|right| &right.ty));
            return (left, right);
        }
        let left = self.infer(left);
        let right = self.beside(right, left.as_ref(), left.as_ref().map(|left| &left.ty));
        (left, right)
    }

    /// An operand whose type the other one suggests. Where the other is in error, a word of an enumeration
    /// is probably right, and nothing is said about it.
    pub(super) fn beside(&mut self, expr: &Expr, other: Option<&Node>, hint: Option<&Type>) -> Option<Node> {
        if other.is_none() && self.is_enum_word(expr) {
            return None;
        }
        self.hinted(expr, hint)
    }

    fn is_enum_word(&self, expr: &Expr) -> bool {
        let Ast::Name(words) = &expr.kind else { return false };
        let [word] = words.as_slice() else { return false };
        self.is_bare_word(expr)
            && self.schema.enumerations().any(|decl| decl.words.contains(&word.text.as_str()))
    }

    pub(super) fn is_bare_word(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, Ast::Name(words) if matches!(words.as_slice(), [word] if !self.is_value_name(&word.text)))
    }

    pub(super) fn equality(&self, left: &Node, right: &Node) -> Option<Pair> {
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

    pub(super) fn ordering(&self, left: &Node, right: &Node) -> Option<Pair> {
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

    pub(super) fn text_test(&mut self, span: Span, op: CompareOp, left: Node, right: Node) -> Option<Node> {
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
}

fn is_core(ty: &Type) -> bool {
    match ty {
        Type::Named(_) | Type::Map(_) => false,
        Type::List(element) => is_core(element),
        _ => true,
    }
}

pub(super) fn element_of(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List(element) => Some(element),
        _ => None,
    }
}

pub(super) fn comparison(op: CompareOp, pair: Pair, span: Span) -> Node {
    let Pair { by, left, right } = pair;
    Node::new(Kind::Compare { op, by, left: Box::new(left), right: Box::new(right) }, Type::Bool, span)
}
