//! From the grammar's flat pairs to the tree.

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use pest::iterators::{Pair, Pairs};
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::habits::{chain, joined_help, unit_apart};
use super::limits::{DEPTH_MAX, NODES_MAX, too_deep, too_many};
use super::operators;
use super::rules::Rule;
use super::{number, text};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::{Argument, ArithmeticOp, CompareOp, Expr, Ident, Kind, Literal};
use crate::lang::codes;

static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or_op) | left(Rule::wrong_or))
        .op(left(Rule::and_op) | left(Rule::wrong_and) | left(Rule::missing_op))
        .op(Op::prefix(Rule::not_op) | Op::prefix(Rule::wrong_not))
        .op(left(Rule::compare_op) | left(Rule::wrong_compare) | left(Rule::wrong_word))
        .op(left(Rule::default_op))
        .op(left(Rule::plus_op) | left(Rule::wrong_factor))
});

/// A node with what the next one up needs to know.
pub(super) struct Built {
    pub(super) expr: Expr,
    pub(super) depth: usize,
    /// A comparison without parentheses, which must not be an operand of another one.
    bare: bool,
}

/// The tree of a whole text that starts at `offset`.
pub(super) fn expression(pairs: Pairs<'_, Rule>, offset: usize) -> (Option<Expr>, Vec<Diagnostic>) {
    let builder =
        Builder { offset, diagnostics: RefCell::default(), nodes: Cell::new(0), deep: Cell::new(false) };
    let formula = pairs.into_iter().find(|pair| pair.as_rule() == Rule::formula);
    let built = formula.map(|formula| builder.formula(formula));
    (built.map(|built| built.expr), builder.diagnostics.into_inner())
}

/// Interior mutability because the Pratt parser holds three closures over it at once.
pub(super) struct Builder {
    offset: usize,
    diagnostics: RefCell<Vec<Diagnostic>>,
    nodes: Cell<usize>,
    deep: Cell<bool>,
}

impl Builder {
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.offset + span.start(), self.offset + span.end())
    }

    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    /// A node over others. One that would be too deep is reported once and left out.
    pub(super) fn node(&self, kind: Kind, span: Span, below: usize) -> Built {
        self.nodes.set(self.nodes.get() + 1);
        if self.nodes.get() == NODES_MAX + 1 {
            self.report(too_many(span));
        }
        if below >= DEPTH_MAX {
            if !self.deep.replace(true) {
                self.report(too_deep(span));
            }
            return Built { expr: Expr::new(Kind::Invalid(Vec::new()), span), depth: 1, bare: false };
        }
        Built { expr: Expr::new(kind, span), depth: below + 1, bare: false }
    }

    fn formula(&self, pair: Pair<'_, Rule>) -> Built {
        PRECEDENCE
            .map_primary(|operand| self.operand(operand))
            .map_prefix(|operator, operand| self.negation(&operator, operand))
            .map_infix(|left, operator, right| self.infix(left, &operator, right))
            .parse(pair.into_inner())
    }

    fn negation(&self, operator: &Pair<'_, Rule>, operand: Built) -> Built {
        let span = self.span(operator).to(operand.expr.span);
        if operator.as_rule() == Rule::wrong_not {
            self.foreign(self.span(operator), operator.as_str(), "!");
        }
        self.node(Kind::Not(Box::new(operand.expr)), span, operand.depth)
    }

    fn infix(&self, left: Built, operator: &Pair<'_, Rule>, right: Built) -> Built {
        let text = operator.as_str();
        let place = self.span(operator);
        match operator.as_rule() {
            Rule::or_op => self.logical(left, right, false),
            Rule::and_op => self.logical(left, right, true),
            Rule::wrong_or => {
                self.foreign(place, text, "||");
                self.logical(left, right, false)
            }
            Rule::wrong_and => {
                self.foreign(place, text, "&&");
                self.logical(left, right, true)
            }
            Rule::default_op => {
                let (span, below) = around(&left, &right);
                let kind = Kind::Default { value: Box::new(left.expr), fallback: Box::new(right.expr) };
                self.node(kind, span, below)
            }
            Rule::plus_op => {
                let op = if text == "+" { ArithmeticOp::Add } else { ArithmeticOp::Subtract };
                let (span, below) = around(&left, &right);
                let kind = Kind::Arithmetic { op, left: Box::new(left.expr), right: Box::new(right.expr) };
                self.node(kind, span, below)
            }
            Rule::compare_op => match operators::comparison(text) {
                Some(op) => self.comparison(left, op, place, right),
                None => self.invalid(left, right),
            },
            Rule::wrong_compare | Rule::wrong_word => self.wrong_comparison(left, text, place, right),
            Rule::wrong_factor => {
                self.report(
                    Diagnostic::error(codes::FOREIGN_OPERATOR, format!("there is no operator `{text}`"))
                        .at(place, "no such operator")
                        .help("write the result as a literal, for example `64MiB`; only `+` and `-` compute"),
                );
                self.invalid(left, right)
            }
            _ => {
                let is_unit = unit_apart(&left.expr, &right.expr).is_some();
                self.report(
                    Diagnostic::error(
                        codes::MISSING_OPERATOR,
                        format!("an operator is missing before `{}`", right.expr),
                    )
                    .at(right.expr.span, "not joined to what stands before")
                    .help(joined_help(&left.expr, &right.expr)),
                );
                if is_unit { self.without_number(left, &right) } else { self.invalid(left, right) }
            }
        }
    }

    /// `age > 5 minutes`: that a number is no duration, and `minutes` no field, would be said besides, with other mends.
    fn without_number(&self, left: Built, right: &Built) -> Built {
        let (span, below) = around(&left, right);
        let subject = match left.expr.kind {
            Kind::Compare { left, .. } => vec![*left],
            _ => Vec::new(),
        };
        self.node(Kind::Invalid(subject), span, below)
    }

    pub(super) fn invalid(&self, left: Built, right: Built) -> Built {
        let (span, below) = around(&left, &right);
        self.node(Kind::Invalid(vec![left.expr, right.expr]), span, below)
    }

    fn logical(&self, left: Built, right: Built, and: bool) -> Built {
        let span = left.expr.span.to(right.expr.span);
        let mut below = 0;
        let mut items = Vec::new();
        for side in [left, right] {
            match (side.expr.kind, and) {
                (Kind::And(inner), true) | (Kind::Or(inner), false) => {
                    below = below.max(side.depth - 1);
                    items.extend(inner);
                }
                (kind, _) => {
                    below = below.max(side.depth);
                    items.push(Expr::new(kind, side.expr.span));
                }
            }
        }
        self.node(if and { Kind::And(items) } else { Kind::Or(items) }, span, below)
    }

    pub(super) fn comparison(&self, left: Built, op: CompareOp, op_span: Span, right: Built) -> Built {
        let (span, below) = around(&left, &right);
        let chained = left.bare.then(|| chain(&left.expr, op, &right.expr)).flatten();
        if left.bare {
            // The first link of a longer chain says it for all.
            if matches!(left.expr.kind, Kind::Invalid(_)) {
                return Built { bare: true, ..self.invalid(left, right) };
            }
            let mut diagnostic = Diagnostic::error(codes::CHAINED, "comparisons cannot be chained")
                .at(op_span, "a second comparison of the same value");
            if let Some(rewrite) = chained {
                diagnostic = diagnostic.help(format!("write `{rewrite}`"));
            }
            self.report(diagnostic);
            return Built { bare: true, ..self.invalid(left, right) };
        }
        let kind = Kind::Compare { op, op_span, left: Box::new(left.expr), right: Box::new(right.expr) };
        Built { bare: true, ..self.node(kind, span, below) }
    }

    fn operand(&self, pair: Pair<'_, Rule>) -> Built {
        let mut parts = pair.into_inner();
        let Some(first) = parts.next() else {
            return self.node(Kind::Invalid(Vec::new()), Span::default(), 0);
        };
        parts.fold(self.atom(first), |base, part| self.postfix(base, part))
    }

    fn postfix(&self, base: Built, part: Pair<'_, Rule>) -> Built {
        let span = base.expr.span.to(self.span(&part));
        if part.as_rule() == Rule::member {
            let below = base.depth;
            return match part.into_inner().next() {
                Some(word) => {
                    let name = self.ident(&word);
                    let kind = match base.expr.kind {
                        // `exe .path` and `(exe).path` are the dotted name that they are printed as.
                        Kind::Name(words) => Kind::Name(words.into_iter().chain([name]).collect()),
                        kind => Kind::Member { base: Box::new(Expr { kind, span: base.expr.span }), name },
                    };
                    self.node(kind, span, below)
                }
                None => base,
            };
        }
        match self.bracketed(part).into_iter().next() {
            Some(index) => {
                let below = base.depth.max(index.depth);
                let kind = Kind::Index { base: Box::new(base.expr), index: Box::new(index.expr) };
                self.node(kind, span, below)
            }
            None => base,
        }
    }

    /// The formulas inside brackets; reports brackets that stay open and commas at the end.
    fn bracketed(&self, pair: Pair<'_, Rule>) -> Vec<Built> {
        let mut opened = None;
        let mut items = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::formula => items.push(self.formula(part)),
                _ => self.punctuation(&part, &mut opened),
            }
        }
        items
    }

    fn punctuation(&self, part: &Pair<'_, Rule>, opened: &mut Option<Span>) {
        match part.as_rule() {
            Rule::open | Rule::open_list => *opened = Some(self.span(part)),
            Rule::comma => self.report(
                Diagnostic::error(codes::TRAILING_COMMA, "nothing follows this comma")
                    .at(self.span(part), "the last one")
                    .help("remove the comma"),
            ),
            Rule::unclosed => {
                let place = opened.unwrap_or_else(|| self.span(part));
                self.report(
                    Diagnostic::error(codes::UNCLOSED, "this bracket is not closed")
                        .at(place, "opened here")
                        .help("add the closing bracket"),
                );
            }
            _ => {}
        }
    }

    fn atom(&self, pair: Pair<'_, Rule>) -> Built {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::range => self.range(pair, span),
            Rule::call => self.call(pair, span),
            Rule::list => {
                let items = self.bracketed(pair);
                let below = items.iter().map(|item| item.depth).max().unwrap_or(0);
                self.node(Kind::List(items.into_iter().map(|item| item.expr).collect()), span, below)
            }
            Rule::group => match self.bracketed(pair).into_iter().next() {
                // Parentheses count as depth, as they did before parsing, but are no node.
                Some(inner) => {
                    Built { expr: Expr::new(inner.expr.kind, span), depth: inner.depth, bare: false }
                }
                None => self.node(Kind::Invalid(Vec::new()), span, 0),
            },
            Rule::literal => self.literal(pair),
            Rule::name => self.node(Kind::Name(self.words(pair)), span, 0),
            Rule::list_name => {
                self.node(Kind::ListName(pair.as_str().trim_start_matches('@').to_owned()), span, 0)
            }
            _ => self.wrong_atom(&pair, span),
        }
    }

    fn words(&self, name: Pair<'_, Rule>) -> Vec<Ident> {
        name.into_inner().map(|word| self.ident(&word)).collect()
    }

    fn ident(&self, word: &Pair<'_, Rule>) -> Ident {
        Ident { text: word.as_str().to_owned(), span: self.span(word) }
    }

    fn literal(&self, pair: Pair<'_, Rule>) -> Built {
        let span = self.span(&pair);
        let Some(inner) = pair.into_inner().next() else {
            return self.node(Kind::Invalid(Vec::new()), span, 0);
        };
        let written = inner.as_str();
        let read = match inner.as_rule() {
            Rule::boolean => Ok(Literal::Bool(written == "true")),
            Rule::raw_string => Ok(Literal::String(text::raw(written).as_bytes().to_vec(), true)),
            Rule::string => return self.string(written, span),
            Rule::time => number::time(written),
            Rule::ip => number::address(written),
            _ => number::number(written),
        };
        match read {
            Ok(literal) => self.node(Kind::Literal(literal), span, 0),
            Err(diagnostic) => {
                self.report(diagnostic.at(span, ""));
                self.node(Kind::Invalid(Vec::new()), span, 0)
            }
        }
    }

    fn string(&self, written: &str, span: Span) -> Built {
        let inside = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
        let read = text::cooked(inside, span.start + 1);
        read.diagnostics.into_iter().for_each(|diagnostic| self.report(diagnostic));
        self.node(read.kind, span, 0)
    }

    fn range(&self, pair: Pair<'_, Rule>, span: Span) -> Built {
        let (mut low, mut high, mut inclusive, mut passed) = (None, None, false, false);
        for part in pair.into_inner() {
            if part.as_rule() == Rule::range_op {
                passed = true;
                inclusive = part.as_str() == "..=";
                continue;
            }
            let bound = part.into_inner().next().map(|inner| Box::new(self.atom(inner).expr));
            *(if passed { &mut high } else { &mut low }) = bound;
        }
        if inclusive && high.is_none() {
            self.report(
                Diagnostic::error(codes::EMPTY_RANGE, "`..=` needs a last value")
                    .at(span, "no last value")
                    .help("write `a..` for everything from `a` on"),
            );
        }
        self.node(Kind::Range { low, high, inclusive }, span, 1)
    }

    fn call(&self, pair: Pair<'_, Rule>, span: Span) -> Built {
        let (mut function, mut arguments, mut below, mut opened) = (Vec::new(), Vec::new(), 0, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => function = self.words(part),
                Rule::argument => {
                    let (argument, depth) = self.argument(part);
                    below = below.max(depth);
                    arguments.push(argument);
                }
                _ => self.punctuation(&part, &mut opened),
            }
        }
        self.node(Kind::Call { function, arguments }, span, below)
    }

    fn argument(&self, pair: Pair<'_, Rule>) -> (Argument, usize) {
        let place = self.span(&pair);
        let Some(inner) = pair.into_inner().next() else {
            return (Argument { name: None, value: Expr::new(Kind::Invalid(Vec::new()), place) }, 1);
        };
        let span = self.span(&inner);
        if inner.as_rule() == Rule::formula {
            let built = self.formula(inner);
            return (Argument { name: None, value: built.expr }, built.depth);
        }
        let lambda = inner.as_rule() == Rule::lambda;
        let mut parts = inner.into_inner();
        let word = parts.next().map(|word| self.ident(&word));
        let value = parts.next().map(|formula| self.formula(formula));
        match (word, value) {
            (Some(variable), Some(body)) if lambda => {
                let built = self.node(Kind::Lambda { variable, body: Box::new(body.expr) }, span, body.depth);
                (Argument { name: None, value: built.expr }, built.depth)
            }
            (name, Some(value)) => (Argument { name, value: value.expr }, value.depth),
            (name, None) => (Argument { name, value: Expr::new(Kind::Invalid(Vec::new()), span) }, 1),
        }
    }
}

fn around(left: &Built, right: &Built) -> (Span, usize) {
    (left.expr.span.to(right.expr.span), left.depth.max(right.depth))
}
