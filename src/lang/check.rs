//! From names to declarations, from literals to typed values: all mistakes of meaning at once.
//!
//! A node that is in error is reported where it stands and yields `None`; what surrounds it is silent about it,
//! and what stands beside it is still checked.

mod calls;
mod coerce;
mod compare;
mod definitions;
mod membership;
mod mismatch;
mod names;
mod patterns;
mod quantify;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use coerce::{is_fixed, list_node};
pub use coerce::{type_of, word_help};
pub(super) use patterns::{REGEX_MAX, STARS_MAX};
pub(super) use quantify::NESTING_MAX;

use super::ast::{ArithmeticOp, CompareOp, Expr, Kind as Ast, Literal, Piece};
use super::catalog::Schema;
use super::codes;
use super::core;
use super::eval::{Context, Vocabularies};
use super::ir::{By, Kind, Measure, Node, Operands};
use super::library::Library;
use super::value::{Type, Value};
use super::verdict::Outcome;
use super::{DEPTH_MAX, NODES_MAX};
use crate::diagnostic::{Code, Diagnostic, Span};

/// Longest list, named or literal.
pub const LIST_MAX: usize = 100_000;
/// How many times more parts an expression may have than are written in it and in what it uses.
const EXPANSION_MAX: usize = 10;

/// What an expression may name besides the vocabularies.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// `startas`, `args`, `spec.user`: dotted names are allowed.
    pub variables: Arc<BTreeMap<String, Type>>,
    /// Named matchers and lists.
    pub library: Arc<Library>,
    /// The Matcher document that the expression stands in: its names need no prefix.
    pub home: Option<String>,
    /// The expression defines a matcher, whose variables are its parameters.
    pub defines: bool,
}

impl Scope {
    /// Variables, and named matchers and lists, for an expression outside of Matcher documents. What variables many
    /// expressions have in common they share.
    pub fn new(variables: impl Into<Arc<BTreeMap<String, Type>>>, library: &Arc<Library>) -> Self {
        Self { variables: variables.into(), library: Arc::clone(library), home: None, defines: false }
    }
}

/// The state of a check.
pub(super) struct Checker<'a> {
    pub(super) schema: &'a Schema,
    pub(super) scope: &'a Scope,
    pub(super) source: &'a str,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Variables of the quantifiers around, outermost first.
    pub(super) elements: Vec<(String, Type)>,
    /// The source again, for arguments that move into definitions.
    pub(super) shared: Arc<str>,
    /// The parts of all definitions put in so far.
    pub(super) nodes: usize,
    /// The definitions that are used, with the parts that they were written with.
    pub(super) used: BTreeMap<String, usize>,
    /// Something is in error that was reported where it is defined.
    pub(super) failed: bool,
    /// The negated operator as written, while the comparison that it negates is checked.
    spelled: Option<CompareOp>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(source: &'a str, shared: &Arc<str>, schema: &'a Schema, scope: &'a Scope) -> Self {
        Self {
            schema,
            scope,
            source,
            diagnostics: Vec::new(),
            elements: Vec::new(),
            shared: Arc::clone(shared),
            nodes: 0,
            used: BTreeMap::new(),
            failed: false,
            spelled: None,
        }
    }

    /// The size of the whole, with the definitions in it.
    pub(super) fn measured(&mut self, root: &Node, written: usize) -> Measure {
        let measure = Measure::of(root);
        let source = self.used.values().fold(written, |sum, nodes| sum.saturating_add(*nodes));
        if self.used.is_empty() {
            return measure;
        }
        if measure.nodes > NODES_MAX {
            self.report(super::parse::too_many(root.span));
        } else if measure.depth > DEPTH_MAX {
            self.report(super::parse::too_deep(root.span));
        } else if measure.nodes > source.saturating_mul(EXPANSION_MAX) {
            let message = format!(
                "with its definitions put in, the expression has {} parts, more than {EXPANSION_MAX} times the {source} that are written",
                measure.nodes
            );
            self.report(
                Diagnostic::error(codes::EXPANSION, message)
                    .at(root.span, "grows too much")
                    .help("let definitions use each other less often"),
            );
        }
        measure
    }

    /// The text of a span, for messages that can be pasted.
    fn text(&self, span: Span) -> &'a str {
        self.source.get(span.start..span.end).unwrap_or_default()
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports and yields nothing, the usual end of a function that checks.
    fn fail<T>(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.report(Diagnostic::error(code, message).at(span, label).help(help));
        None
    }

    /// An expression where a condition is needed.
    pub(super) fn condition(&mut self, expr: &Expr) -> Option<Node> {
        if let Ast::Literal(Literal::Bool(value)) = &expr.kind {
            self.report(
                Diagnostic::warning(codes::CONSTANT, format!("this condition is always {value}"))
                    .at(expr.span, "a constant")
                    .help("remove it, or write what is meant"),
            );
        }
        if let Some(word) = self.lone_word(expr) {
            return self.fail(
                codes::UNKNOWN_NAME,
                expr.span,
                format!("unknown field `{word}`"),
                "no such field or variable",
                format!("write `name == \"{word}\"`"),
            );
        }
        let node = self.infer(expr)?;
        if node.ty == Type::Bool {
            return Some(node);
        }
        let text = self.text(expr.span);
        let help = match &node.ty {
            Type::List(_) => format!("write `len({text}) > 0`, or `any({text}, x => x == ...)`"),
            Type::Int if node.constant().is_none() => format!("compare it: `{text} > 0`"),
            _ if node.constant().is_some() => self.compared(&node),
            _ => format!("write `has({text})`, or compare it: `{text} == ...`"),
        };
        let message = format!("`{text}` is not a condition");
        self.fail(codes::NOT_A_CONDITION, expr.span, message, format!("this is of type {}", node.ty), help)
    }

    /// A word that means nothing here where a condition is needed, and no near name: most probably the name of a program.
    fn lone_word(&self, expr: &Expr) -> Option<&'a str> {
        let word = match &expr.kind {
            Ast::Name(words) => match words.as_slice() {
                [word] => self.text(word.span),
                _ => return None,
            },
            Ast::Arithmetic { op: ArithmeticOp::Subtract, left, .. }
                if self.is_hyphenated(left, expr.span) =>
            {
                self.text(expr.span)
            }
            _ => return None,
        };
        let named = matches!(self.schema.candidate(), Type::Named(owner) if self.schema.field(owner, "name").is_some());
        let library = &self.scope.library;
        let home = self.scope.home.as_deref();
        let defined = library.find(word, home).is_some() || library.near(word, home).is_some();
        (named && !defined && !self.is_value_name(word) && self.means_nothing(word)).then_some(word)
    }

    /// `www-data`: read as a subtraction, written as a word.
    fn is_hyphenated(&self, left: &Expr, span: Span) -> bool {
        let first = match &left.kind {
            Ast::Name(words) => words.first(),
            Ast::Arithmetic { left, .. } => match &left.kind {
                Ast::Name(words) => words.first(),
                _ => None,
            },
            _ => None,
        };
        let text = self.text(span);
        let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        plain && first.is_some_and(|word| !self.is_value_name(&word.text))
    }

    /// What a lone literal is probably to be compared with.
    fn compared(&self, node: &Node) -> String {
        let text = self.text(node.span);
        let written = text.trim_matches(['"', '\'', '`']);
        let has = |field: &str| matches!(self.schema.candidate(), Type::Named(owner) if self.schema.field(owner, field).is_some());
        match &node.ty {
            Type::String if written.starts_with('/') && has("exe") => {
                format!("write `exe == \"{written}\"`, or `runs(\"{written}\")` for a script")
            }
            Type::String if has("name") => format!("write `name == \"{written}\"`"),
            Type::Int if has("pid") => format!("write `pid == {text}`"),
            _ => format!("compare a field with it: `... == {text}`"),
        }
    }

    /// An expression whose value is wanted, whatever its type.
    pub(super) fn reading(&mut self, expr: &Expr) -> Option<Node> {
        self.infer(expr)
    }

    /// An expression that is no bare map.
    fn infer(&mut self, expr: &Expr) -> Option<Node> {
        let node = self.infer_any(expr)?;
        if !matches!(node.ty, Type::Map(_)) {
            return Some(node);
        }
        let text = self.text(expr.span);
        let message = format!("`{text}` needs a key");
        self.fail(codes::NEEDS_KEY, expr.span, message, "a map", format!("write `{text}[\"KEY\"]`"))
    }

    fn infer_any(&mut self, expr: &Expr) -> Option<Node> {
        let span = expr.span;
        match &expr.kind {
            Ast::Literal(literal) => Some(constant(literal, span)),
            Ast::Interpolated(pieces) => self.interpolated(pieces, span),
            Ast::Name(words) => self.name(words, span),
            Ast::ListName(name) => self.named_list(name, span),
            Ast::List(items) => self.list(items, None, span),
            Ast::Range { .. } => self.fail(
                codes::EMPTY_RANGE,
                span,
                "a range can only stand on the right of `in`",
                "a range",
                format!("write `x in {expr}`"),
            ),
            Ast::Member { .. } => self.member(expr),
            Ast::Index { base, index } => self.index(base, index, span),
            Ast::Call { function, arguments } => self.call(function, arguments, span),
            Ast::Lambda { body, .. } => {
                let help = format!("write `any(xs, {expr})`");
                self.fail::<Node>(codes::LAMBDA, span, "`=>` stands alone", "only inside a quantifier", help);
                let _ = body;
                None
            }
            Ast::Not(inner) => {
                let inner = self.condition(inner)?;
                Some(self.fold(Node::new(Kind::Not(Box::new(inner)), Type::Bool, span)))
            }
            Ast::And(items) => {
                let items = self.conditions(items)?;
                Some(Node::new(Kind::And(Operands::of_and(items)), Type::Bool, span))
            }
            Ast::Or(items) => {
                let items = self.conditions(items)?;
                Some(Node::new(Kind::Or(Operands::of_or(items)), Type::Bool, span))
            }
            Ast::Compare { op, op_span, left, right } => self.compare(span, *op, *op_span, left, right),
            Ast::Default { value, fallback } => self.default(value, fallback, span),
            Ast::Arithmetic { op: ArithmeticOp::Subtract, left, .. } if self.is_hyphenated(left, span) => {
                let text = self.text(span);
                let message = format!("unknown field `{text}`");
                self.fail(
                    codes::UNKNOWN_NAME,
                    span,
                    message,
                    "a text without quotes",
                    format!("write `\"{text}\"`"),
                )
            }
            Ast::Arithmetic { op, left, right } => self.arithmetic(*op, left, right, span),
            Ast::Invalid(parts) => {
                for part in parts {
                    let _ = self.infer_any(part);
                }
                None
            }
        }
    }

    fn conditions(&mut self, items: &[Expr]) -> Option<Vec<Node>> {
        let nodes: Vec<Option<Node>> = items.iter().map(|item| self.condition(item)).collect();
        nodes.into_iter().collect()
    }

    fn interpolated(&mut self, pieces: &[Piece], span: Span) -> Option<Node> {
        let mut parts = Vec::new();
        let mut complete = true;
        for piece in pieces {
            match piece {
                Piece::Text(bytes) => {
                    parts.push(Node::new(Kind::Const(Value::string(bytes)), Type::String, span));
                }
                Piece::Value(value) => match self.infer(value) {
                    Some(node) => parts.push(node),
                    None => complete = false,
                },
                Piece::Variable(name) => match self.scope.variables.get(&name.text) {
                    Some(ty @ (Type::List(_) | Type::Map(_))) => {
                        complete = false;
                        let message = format!("`{}` is of type {ty} and has no text", name.text);
                        self.fail::<Node>(
                            codes::INTERPOLATION,
                            name.span,
                            message,
                            "not a single value",
                            "use a scalar variable",
                        );
                    }
                    Some(ty) => {
                        parts.push(Node::new(Kind::Variable(name.text.clone()), ty.clone(), name.span));
                    }
                    None => {
                        complete = false;
                        self.unknown_variable(&name.text, name.span);
                    }
                },
            }
        }
        complete.then(|| Node::new(Kind::Interpolated(parts), Type::String, span))
    }

    fn default(&mut self, value: &Expr, fallback: &Expr, span: Span) -> Option<Node> {
        let value = self.infer(value);
        let fallback_node = self.hinted(fallback, value.as_ref().map(|value| &value.ty));
        let (value, fallback_node) = (value?, fallback_node?);
        match self.coerce(fallback_node, &value.ty) {
            Ok(fallback) => {
                let ty = value.ty.clone();
                let kind = Kind::Default { value: Box::new(value), fallback: Box::new(fallback) };
                Some(self.fold(Node::new(kind, ty, span)))
            }
            Err(other) => {
                let message = format!("`??` takes {} on its right here, not {}", value.ty, other.ty);
                let help = format!(
                    "write a value of type {} for where `{}` is absent",
                    value.ty,
                    self.text(value.span)
                );
                self.fail(
                    codes::OPERAND_TYPE,
                    other.span,
                    message,
                    format!("this is of type {}", other.ty),
                    help,
                )
            }
        }
    }

    fn arithmetic(&mut self, op: ArithmeticOp, left: &Expr, right: &Expr, span: Span) -> Option<Node> {
        let (left, right) = (self.infer(left), self.infer(right));
        let (left, right) = (left?, right?);
        let ty = match (&left.ty, op, &right.ty) {
            (Type::Int, _, Type::Int) => Type::Int,
            (Type::Size, _, Type::Size) => Type::Size,
            (Type::Ratio, _, Type::Ratio) => Type::Ratio,
            (Type::Duration, _, Type::Duration) | (Type::Time, ArithmeticOp::Subtract, Type::Time) => {
                Type::Duration
            }
            (Type::Time, _, Type::Duration) | (Type::Duration, ArithmeticOp::Add, Type::Time) => Type::Time,
            _ => {
                let sign = if op == ArithmeticOp::Add { "+" } else { "-" };
                let message = format!("`{sign}` does not join {} and {}", left.ty, right.ty);
                let help =
                    "add or subtract two ints, sizes, durations or percentages, or a time and a duration";
                return self.fail(codes::ARITHMETIC, span, message, "not a sum", help);
            }
        };
        if let (Some(a), Some(b)) = (left.constant(), right.constant())
            && let Some(Err(())) = core::arithmetic(op, a, b)
        {
            let message = format!("`{}` does not fit into 64 bits", self.text(span));
            return self.fail(codes::OVERFLOW, span, message, "too large", "write smaller values");
        }
        let kind = Kind::Arithmetic { op, left: Box::new(left), right: Box::new(right) };
        Some(self.fold(Node::new(kind, ty, span)))
    }

    /// Computes what rests on constants only. Facts, and comparisons that a vocabulary decides, stay.
    fn fold(&mut self, node: Node) -> Node {
        let foldable = match &node.kind {
            Kind::Compare { by, .. } => *by == By::Core,
            Kind::Index { .. }
            | Kind::Builtin(..)
            | Kind::MatchesAny { .. }
            | Kind::Not(_)
            | Kind::Regex { .. }
            | Kind::Glob { .. }
            | Kind::Member { .. }
            | Kind::Default { .. }
            | Kind::Arithmetic { .. }
            | Kind::ToPath(_) => true,
            _ => false,
        };
        let ranges = |child: &Node| match &child.kind {
            Kind::Range { .. } => child.children().all(|bound| bound.constant().is_some()),
            _ => child.constant().is_some(),
        };
        if !foldable || !node.children().all(ranges) {
            return node;
        }
        let nobody = Value::Bool(false);
        let facts = Vocabularies(Vec::new());
        let Outcome::Known(value) = Context::new(self.source, &nobody, &facts).value(&node) else {
            return node;
        };
        if let (Value::Bool(value), false) = (&value, matches!(node.kind, Kind::Not(_))) {
            let text = self.text(node.span);
            self.report(
                Diagnostic::warning(codes::CONSTANT, format!("`{text}` is always {value}"))
                    .at(node.span, "no fact in it")
                    .help("remove it, or name a field"),
            );
        }
        Node::new(Kind::Const(value), node.ty, node.span)
    }
}

fn constant(literal: &Literal, span: Span) -> Node {
    let (value, ty) = match literal {
        Literal::Bool(value) => (Value::Bool(*value), Type::Bool),
        Literal::Int(value, _) => (Value::Int(*value), Type::Int),
        Literal::String(bytes, _) => (Value::string(bytes), Type::String),
        Literal::Size(value, _) => (Value::Size(*value), Type::Size),
        Literal::Duration(value, _) => (Value::Duration(*value), Type::Duration),
        Literal::Time(value, _) => (Value::Time(*value), Type::Time),
        Literal::Ratio(value, _) => (Value::Ratio(*value), Type::Ratio),
        Literal::Ip(address) => (Value::Ip(*address), Type::Ip),
        Literal::Cidr(address, length) => (Value::Cidr(*address, *length), Type::Cidr),
    };
    Node::new(Kind::Const(value), ty, span)
}
