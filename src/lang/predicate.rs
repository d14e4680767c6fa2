//! A checked expression, what it needs, and how it becomes a matcher.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ast::Expr;
use super::catalog::Schema;
use super::check::{Checker, Scope, is_fixed, list_node, type_of};
use super::constant::Logic;
use super::cost::Estimate;
use super::eval::{Context, Vocabularies};
use super::explain::Explanation;
use super::ir::{Builtin, Id, Kind, Measure, Node, Operands, Trail};
use super::observe::Observer;
use super::schema::Cost;
use super::value::{Type, Value};
use super::verdict::{Outcome, Verdict};
use super::{codes, cost, lints, parse};
use crate::diagnostic::Diagnostic;
use crate::facts::{Fact, Reason, Why};
use crate::lang::show::show;

/// A predicate, if the expression is without errors, and what is to be said about it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Compiled {
    /// `None` if there is an error.
    pub predicate: Option<Predicate>,
    /// Errors and warnings, sorted by place; spans in the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks an expression.
pub fn compile(text: &str, schema: &Schema, scope: &Scope) -> Compiled {
    let parsed = parse(text);
    let Some(expr) = parsed.expr else {
        return Compiled { predicate: None, diagnostics: parsed.diagnostics };
    };
    let mut compiled = check(&expr, text, schema, scope);
    if parsed.diagnostics.iter().any(Diagnostic::is_error) {
        compiled.predicate = None;
        compiled.diagnostics.retain(Diagnostic::is_error);
    }
    compiled.diagnostics.extend(parsed.diagnostics);
    compiled.diagnostics.sort_by_key(Diagnostic::span);
    compiled
}

/// Checks a tree whose spans refer to `text`. It may be one that was not parsed as a whole: the limits on
/// nodes and depth are checked again.
pub fn check(expr: &Expr, text: &str, schema: &Schema, scope: &Scope) -> Compiled {
    if let Some(diagnostic) = super::parse::check_tree(expr) {
        return Compiled { predicate: None, diagnostics: vec![diagnostic] };
    }
    let source: Arc<str> = Arc::from(text);
    let mut checker = Checker::new(text, &source, schema, scope);
    let root = checker.condition(expr).filter(|_| !checker.failed);
    let written = own_nodes(expr);
    let measure = root.as_ref().map(|root| checker.measured(root, written)).unwrap_or_default();
    let mut diagnostics = checker.diagnostics;
    let root = root.filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
    if let Some(root) = &root {
        diagnostics.extend(lints::all(root, text, schema, scope.defines));
    }
    diagnostics.sort_by_key(Diagnostic::span);
    let predicate = root.map(|root| Predicate { source, root, measure, written });
    Compiled { predicate, diagnostics }
}

/// Nodes as written. Without recursion.
fn own_nodes(expr: &Expr) -> usize {
    let (mut nodes, mut open) = (0, vec![expr]);
    while let Some(expr) = open.pop() {
        nodes += 1;
        open.extend(expr.children());
    }
    nodes
}

/// A checked condition. It can be bound many times, to different values of its variables.
#[derive(Clone, Debug)]
pub struct Predicate {
    source: Arc<str>,
    root: Node,
    /// With definitions put in.
    measure: Measure,
    /// Nodes as written.
    written: usize,
}

/// What an evaluation may ask for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    /// Declared fields.
    pub fields: BTreeSet<Id>,
    /// Declared functions.
    pub functions: BTreeSet<Id>,
    /// Variables of the scope.
    pub variables: BTreeSet<String>,
    /// The highest cost class.
    pub cost: Cost,
}

/// A matcher and what was remarkable about the values it was bound to.
#[derive(Clone, Debug)]
#[must_use]
pub struct Bound {
    /// Always usable: what could not be converted is unknown, what does not exist is absent.
    pub matcher: Matcher,
    /// Warnings such as a user that does not exist, errors for values of the wrong type.
    pub diagnostics: Vec<Diagnostic>,
}

impl Predicate {
    /// The text that spans refer to.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The condition.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Its size with definitions put in.
    pub(super) fn measure(&self) -> Measure {
        self.measure
    }

    /// How many nodes were written.
    pub(super) fn own_nodes(&self) -> usize {
        self.written
    }

    /// The condition alone.
    pub(super) fn into_root(self) -> Node {
        self.root
    }

    /// All that an evaluation may ask for.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs { cost: cost::class(&self.root), ..Needs::default() };
        self.root.walk(&mut |node| match &node.kind {
            Kind::Field { field, .. } | Kind::Entry { field, .. } => {
                needs.fields.insert(field.id);
            }
            Kind::Call { function, .. } => {
                needs.functions.insert(function.id);
            }
            Kind::Variable(name) => {
                needs.variables.insert(name.clone());
            }
            _ => {}
        });
        needs
    }

    /// The warning that the decision rests on self-reported facts only, if it does. Whether that matters
    /// the caller knows: it does where something is signalled.
    pub fn self_reported(&self) -> Option<Diagnostic> {
        lints::self_reported(&self.root)
    }

    /// What it costs to decide this for one process, at worst.
    pub fn estimate(&self) -> Estimate {
        cost::estimate(&self.root)
    }

    /// `Some(false)` if it is never true whatever the facts are, `Some(true)` if it is never false. Unknown facts leave
    /// it unknown, which is neither.
    pub fn constant(&self, schema: &Schema) -> Option<bool> {
        Logic::new(schema).constant(&self.root)
    }

    /// No candidate can satisfy both, as far as can be told from the text. Two names of a user are taken for two users.
    /// Variables should have their values ([`Predicate::with_values`]).
    pub fn excludes(&self, other: &Self, schema: &Schema) -> bool {
        !Logic::with_different_names(schema).possible([(&self.root, true), (&other.root, true)])
    }

    /// Whatever satisfies this satisfies the other.
    pub fn implies(&self, other: &Self, schema: &Schema) -> bool {
        !Logic::new(schema).possible([(&self.root, true), (&other.root, false)])
    }

    /// Puts values in place of variables and leaves the rest as it is: nothing is asked. A value of the wrong type is
    /// left out.
    #[must_use]
    pub fn with_values(&self, bindings: &BTreeMap<String, Value>) -> Self {
        let mut root = self.root.clone();
        put_values(&mut root, bindings);
        Self { root, ..self.clone() }
    }

    /// Puts values in place of variables and converts literals. A variable without a value is absent.
    pub fn bind(&self, bindings: &BTreeMap<String, Value>, facts: &Vocabularies<'_>) -> Bound {
        let mut binder = Binder {
            source: &self.source,
            bindings,
            facts,
            diagnostics: Vec::new(),
            asked: 0,
            trail: Trail::default(),
        };
        let mut root = self.root.clone();
        binder.node(&mut root);
        // An argument that a definition uses several times is bound as often.
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for diagnostic in binder.diagnostics {
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
        let matcher = Matcher { source: Arc::clone(&self.source), root };
        Bound { matcher, diagnostics }
    }
}

struct Binder<'a> {
    source: &'a str,
    bindings: &'a BTreeMap<String, Value>,
    facts: &'a Vocabularies<'a>,
    diagnostics: Vec<Diagnostic>,
    asked: usize,
    trail: Trail,
}

impl Binder<'_> {
    fn node(&mut self, node: &mut Node) {
        // Who asks whether a variable has a value need not be told that it has none.
        let asks =
            matches!(node.kind, Kind::Builtin(Builtin::Has | Builtin::Known, _) | Kind::Default { .. });
        self.asked += usize::from(asks);
        self.children(node);
        self.asked -= usize::from(asks);
        // A pure function of constants is a constant; one that a process is needed for answers unknown here, and stays.
        let computable = match &node.kind {
            Kind::Call { function, .. } => function.pure,
            kind => matches!(
                kind,
                Kind::ToPath(_)
                    | Kind::Interpolated(_)
                    | Kind::Default { .. }
                    | Kind::Arithmetic { .. }
                    | Kind::Index { .. }
                    | Kind::Builtin(..)
            ),
        } && node.children().all(is_known);
        match &mut node.kind {
            Kind::Variable(name) => {
                let name = name.clone();
                node.kind = self.variable(&name, node);
            }
            Kind::Argument { value, .. } if matches!(value.kind, Kind::Const(_) | Kind::Nothing) => {
                node.kind = std::mem::replace(&mut value.kind, Kind::Nothing);
            }
            Kind::Convert { value, to, vocabulary } => {
                let (to, vocabulary) = (*to, *vocabulary);
                if let Kind::Const(value) = &value.kind {
                    let value = value.clone();
                    node.kind = self.convert(&value, to, vocabulary, node);
                }
            }
            Kind::List(items) if items.iter().all(|item| item.constant().is_some()) => {
                let Type::List(element) = node.ty.clone() else { return };
                *node = list_node(std::mem::take(items), (*element).clone(), node.span);
            }
            _ if computable => self.compute(node),
            // Weights may have changed: what was converted costs nothing any more.
            Kind::And(operands) => {
                node.kind = Kind::And(Operands::of_and(std::mem::take(&mut operands.items)));
            }
            Kind::Or(operands) => node.kind = Kind::Or(Operands::of_or(std::mem::take(&mut operands.items))),
            _ => {}
        }
    }

    fn children(&mut self, node: &mut Node) {
        let place = node.span;
        match &mut node.kind {
            Kind::Named { definition, body } => {
                self.trail.enter(definition, place);
                self.node(body);
                self.trail.leave();
            }
            Kind::Argument { value, .. } => {
                let left = self.trail.leave();
                self.node(value);
                self.trail.enter_again(left);
            }
            _ => node.children_mut().into_iter().for_each(|child| self.node(child)),
        }
    }

    fn variable(&mut self, name: &str, node: &Node) -> Kind {
        let Some(value) = self.bindings.get(name) else {
            if self.asked > 0 {
                return Kind::Nothing;
            }
            let said = Diagnostic::warning(codes::UNBOUND, format!("`{name}` has no value here"))
                .help(format!("comparisons with it are false; write `has({name})` to ask for it"));
            self.diagnostics.push(self.trail.at(said, node.span, "absent"));
            return Kind::Nothing;
        };
        if let Some(value) = fit(value, &node.ty) {
            return Kind::Const(value);
        }
        let message = format!("`{name}` is of type {}, not {}", type_of(value), node.ty);
        let said = Diagnostic::error(codes::BINDING_TYPE, message)
            .help(format!("bind it to a value of type {}", node.ty));
        self.diagnostics.push(self.trail.at(said, node.span, "used here"));
        Kind::Unknown(Reason::new(Why::Malformed, format!("value of {name}")))
    }

    fn convert(&mut self, value: &Value, to: &'static str, vocabulary: usize, node: &Node) -> Kind {
        match self.facts.ask(vocabulary, |v| v.convert(value, to)) {
            Fact::Known(value) => Kind::Const(value),
            Fact::Absent => {
                let diagnostic =
                    Diagnostic::warning(codes::NO_SUCH, format!("there is no {to} {}", shown(value)))
                        .help("comparisons with it are false; create it, or mend the name");
                let mut diagnostic = self.trail.at(diagnostic, node.span, format!("no such {to}"));
                if !self.written(node).contains('"') {
                    diagnostic = diagnostic.note(format!("`{}` stands for it", self.written(node)));
                }
                self.diagnostics.push(diagnostic);
                Kind::Nothing
            }
            Fact::Unknown(reason) => Kind::Unknown(reason),
        }
    }

    fn written(&self, node: &Node) -> &str {
        self.trail.text(self.source, node.span)
    }

    fn compute(&self, node: &mut Node) {
        let nobody = Value::Bool(false);
        // Of what is unknown only that is kept, so that it doesn't matter which text its places are in.
        match Context::new(self.source, &nobody, self.facts).value(node) {
            Outcome::Known(value) => node.kind = Kind::Const(value),
            Outcome::Absent => node.kind = Kind::Nothing,
            Outcome::Unknown(_) => {}
        }
    }
}

fn put_values(node: &mut Node, bindings: &BTreeMap<String, Value>) {
    for child in node.children_mut() {
        put_values(child, bindings);
    }
    let value = match &node.kind {
        Kind::Variable(name) => bindings.get(name).and_then(|value| fit(value, &node.ty)),
        Kind::ToPath(inner) => inner.constant().and_then(|value| fit(value, &Type::Path)),
        _ => None,
    };
    if let Some(value) = value {
        node.kind = Kind::Const(value);
    }
}

fn is_known(node: &Node) -> bool {
    is_fixed(node) && !matches!(node.kind, Kind::Unknown(_))
}

fn shown(value: &Value) -> String {
    let text = show(value);
    format!("`{}`", text.trim_matches('"'))
}

/// The value as one of the declared type: strings serve as paths.
fn fit(value: &Value, ty: &Type) -> Option<Value> {
    match (value, ty) {
        (Value::String(bytes), Type::Path) => Some(Value::Path(Arc::clone(bytes))),
        (Value::Path(bytes), Type::String) => Some(Value::String(Arc::clone(bytes))),
        (Value::List(items), Type::List(element)) => {
            let items: Option<Vec<Value>> = items.iter().map(|item| fit(item, element)).collect();
            items.map(Value::list)
        }
        (value, ty) => (type_of(value) == *ty).then(|| value.clone()),
    }
}

/// A condition with all its variables bound: total, without side effects, evaluated for one candidate at a time.
#[derive(Clone, Debug)]
pub struct Matcher {
    source: Arc<str>,
    root: Node,
}

impl Matcher {
    /// The text that spans refer to.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The bound tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Whether the candidate matches, with as few questions as possible, the cheap ones first.
    pub fn eval(&self, candidate: &Value, facts: &Vocabularies<'_>) -> Verdict {
        verdict(Context::new(&self.source, candidate, facts).value(&self.root))
    }

    /// The same evaluation, with somebody who watches each step of it.
    pub fn eval_observed(
        &self,
        candidate: &Value,
        facts: &Vocabularies<'_>,
        observer: &dyn Observer,
    ) -> Verdict {
        verdict(Context::new(&self.source, candidate, facts).observed(observer).value(&self.root))
    }

    /// The same verdict with the whole tree behind it. Unlike [`Matcher::eval`] it asks everything.
    pub fn explain(&self, candidate: &Value, facts: &Vocabularies<'_>) -> Explanation {
        super::explain::explain(&Context::new(&self.source, candidate, facts), &self.root)
    }
}

fn verdict(outcome: Outcome) -> Verdict {
    match (outcome.truth(), outcome) {
        (Some(true), _) => Verdict::Match,
        (Some(false), _) => Verdict::NoMatch,
        (None, Outcome::Unknown(missing)) => Verdict::Unknown(missing),
        (None, Outcome::Known(_) | Outcome::Absent) => Verdict::Unknown(Vec::new()),
    }
}
