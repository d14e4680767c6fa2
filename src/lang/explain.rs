//! Why a candidate matches or doesn't: the tree in source order, with the value of every part.
//!
//! Here everything is asked, also what an evaluation would have skipped: whoever wants to know why a process
//! does not match wants to see all conditions that fail, not the cheapest one.

use super::cost;
use super::eval::{Context, negate, unknowns};
use super::ir::{Access, Kind, Node, Operands};
use super::schema::Cost;
use super::show::{show, show_with};
use super::value::{Type, Value};
use super::verdict::{Outcome, Verdict};
use crate::diagnostic::Span;

/// Elements of a list that are explained one by one.
const ELEMENTS_MAX: usize = 16;

/// One part of an expression with its value.
#[derive(Clone, Debug)]
#[must_use]
pub struct Explanation {
    /// As written.
    pub text: String,
    /// Where it is written.
    pub span: Span,
    /// Its value.
    pub outcome: Outcome,
    /// The value as its vocabulary shows it, where it has values of named types.
    shown: Option<String>,
    /// The highest cost class in it.
    pub cost: Cost,
    /// The field or function that it asks for itself, with where that is read from.
    pub access: Option<Access>,
    /// Inside a quantifier: the element that this is the condition of, as a person would name it.
    pub element: Option<String>,
    /// An evaluation would not have looked at it, since cheaper parts decide.
    pub skipped: bool,
    /// What joins the children.
    pub form: Form,
    /// The parts: conditions of a connective, operands of a comparison. Literals are left out.
    pub children: Vec<Explanation>,
}

/// How an outcome follows from those of the children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// All must be so.
    And,
    /// One must be so.
    Or,
    /// The child must not be so.
    Not,
    /// A use of a definition, or a condition given to one: the child is what it stands for.
    Named,
    /// A comparison, field or call: the children are its operands.
    Leaf,
}

impl Explanation {
    /// The verdict that this outcome amounts to.
    pub fn verdict(&self) -> Verdict {
        match (&self.outcome, self.outcome.truth()) {
            (Outcome::Unknown(missing), _) => Verdict::Unknown(missing.clone()),
            (_, Some(true)) => Verdict::Match,
            (_, _) => Verdict::NoMatch,
        }
    }

    /// The value for a person: `true`, `"www-data"`, `absent`, `unknown (denied)`.
    pub fn value(&self) -> String {
        match &self.outcome {
            Outcome::Known(value) => self.shown.clone().unwrap_or_else(|| show(value)),
            Outcome::Absent => "absent".to_owned(),
            Outcome::Unknown(missing) => {
                let reasons: Vec<String> = missing.iter().map(|missing| missing.reason.to_string()).collect();
                format!("unknown ({})", reasons.join(", "))
            }
        }
    }

    /// The fewest leaves that would have to turn out otherwise for the whole to be true: the one condition
    /// that a near miss fails. Where the whole is unknown, the leaves that hold it up. Empty if it is true.
    pub fn smallest_failing(&self) -> Vec<&Self> {
        match self.outcome.truth() {
            Some(true) => Vec::new(),
            Some(false) => self.against(true),
            None => self.unknown_leaves(),
        }
    }

    /// Whether a condition among several that have to be so is so.
    pub fn something_holds(&self) -> bool {
        let mut each = self.children.iter();
        match self.form {
            Form::Leaf => false,
            Form::And => each.any(|child| child.outcome.truth() == Some(true) || child.something_holds()),
            Form::Or | Form::Not | Form::Named => each.any(Self::something_holds),
        }
    }

    /// The fewest leaves that keep this part from being `wanted`.
    fn against(&self, wanted: bool) -> Vec<&Self> {
        if self.outcome.truth() == Some(wanted) {
            return Vec::new();
        }
        let each = self.children.iter();
        match (self.form, wanted) {
            (Form::Leaf, _) => vec![self],
            (Form::Named, _) => each.flat_map(|child| child.against(wanted)).collect(),
            (Form::Not, _) => each.flat_map(|child| child.against(!wanted)).collect(),
            (Form::And, true) | (Form::Or, false) => each.flat_map(|child| child.against(wanted)).collect(),
            (Form::And, false) | (Form::Or, true) => {
                each.map(|child| child.against(wanted)).min_by_key(Vec::len).unwrap_or_default()
            }
        }
    }

    fn unknown_leaves(&self) -> Vec<&Self> {
        match (self.outcome.truth(), self.form) {
            (Some(_), _) => Vec::new(),
            (None, Form::Leaf) => vec![self],
            (None, _) => self.children.iter().flat_map(Self::unknown_leaves).collect(),
        }
    }
}

/// Explains a node.
pub(super) fn explain(context: &Context<'_>, node: &Node) -> Explanation {
    match &node.kind {
        Kind::And(operands) => logical(context, node, operands, false),
        Kind::Or(operands) => logical(context, node, operands, true),
        // `a != b` is one condition to the reader, so the comparison inside is not shown by itself.
        Kind::Not(inner) if inner.span == node.span && is_comparison(inner) => {
            let mut whole = explain(context, inner);
            whole.outcome = negate(whole.outcome);
            whole
        }
        Kind::Named { definition, body } => {
            let child = explain(&context.within(&definition.text), body);
            part(context, node, child.outcome.clone(), Form::Named, vec![child])
        }
        Kind::Argument { text, value } => {
            let child = explain(&context.within(text), value);
            let form = if node.ty == Type::Bool { Form::Named } else { Form::Leaf };
            part(context, node, child.outcome.clone(), form, vec![child])
        }
        Kind::Not(inner) => {
            let child = explain(context, inner);
            let outcome = negate(child.outcome.clone());
            part(context, node, outcome, Form::Not, vec![child])
        }
        Kind::Quantifier { list, slot, body, .. } => {
            let mut children = operands(context, node);
            if let Outcome::Known(Value::List(items)) = context.value(list) {
                let inner = |item: &Value| {
                    let of = explain(&context.with_element(*slot, item.clone()), body);
                    Explanation { element: Some(context.facts.words(&Outcome::Known(item.clone()))), ..of }
                };
                children.extend(items.iter().take(ELEMENTS_MAX).map(inner));
            }
            part(context, node, context.value(node), Form::Leaf, children)
        }
        _ => part(context, node, context.value(node), Form::Leaf, operands(context, node)),
    }
}

fn is_comparison(node: &Node) -> bool {
    matches!(
        node.kind,
        Kind::Compare { .. } | Kind::Regex { .. } | Kind::Glob { .. } | Kind::Member { .. } | Kind::Const(_)
    )
}

fn logical(context: &Context<'_>, node: &Node, operands: &Operands, decisive: bool) -> Explanation {
    let mut children: Vec<Explanation> = operands.items.iter().map(|item| explain(context, item)).collect();
    let mut decided = false;
    for index in &operands.order {
        let Some(child) = children.get_mut(*index) else { continue };
        if decided {
            skip(child);
        }
        decided = decided || child.outcome.truth() == Some(decisive);
    }
    let outcome = if decided {
        Outcome::bool(decisive)
    } else if children.iter().any(|child| child.outcome.truth().is_none()) {
        unknowns(children.iter().filter(|child| child.outcome.truth().is_none()).map(|c| c.outcome.clone()))
    } else {
        Outcome::bool(!decisive)
    };
    part(context, node, outcome, if decisive { Form::Or } else { Form::And }, children)
}

fn skip(explanation: &mut Explanation) {
    explanation.skipped = true;
    explanation.children.iter_mut().for_each(skip);
}

/// The operands of a leaf that say something: facts, not literals, and what facts are made of.
fn operands(context: &Context<'_>, node: &Node) -> Vec<Explanation> {
    let inside = match &node.kind {
        Kind::Quantifier { list, .. } => vec![list.as_ref()],
        Kind::Field { owner, .. } if !matches!(owner.kind, Kind::Candidate | Kind::Element(_)) => {
            vec![owner.as_ref()]
        }
        Kind::Field { .. } => Vec::new(),
        _ => node.children().collect(),
    };
    let written = |child: &&Node| match &child.kind {
        // Only a literal shows its own value; what stands for a variable does not.
        Kind::Const(_) => context.source.get(child.span.start..child.span.end).is_some_and(is_variable),
        Kind::Candidate | Kind::Range { .. } => false,
        _ => true,
    };
    inside
        .into_iter()
        .filter(written)
        .flat_map(|child| match &child.kind {
            Kind::Text { value, .. } | Kind::ToPath(value) | Kind::Convert { value, .. } => {
                vec![explain(context, value)]
            }
            _ => vec![explain(context, child)],
        })
        .collect()
}

fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.contains('"')
        && text != "true"
        && text != "false"
}

fn part(
    context: &Context<'_>,
    node: &Node,
    outcome: Outcome,
    form: Form,
    children: Vec<Explanation>,
) -> Explanation {
    let text = context.source.get(node.span.start..node.span.end).unwrap_or_default().to_owned();
    let shown = match &outcome {
        Outcome::Known(value @ (Value::Object(_) | Value::List(_))) => {
            Some(show_with(value, &|value| context.facts.show(value)))
        }
        Outcome::Known(_) | Outcome::Absent | Outcome::Unknown(_) => None,
    };
    let cost = cost::class(node);
    let access = node.access().cloned();
    Explanation {
        text,
        span: node.span,
        outcome,
        shown,
        cost,
        access,
        element: None,
        skipped: false,
        form,
        children,
    }
}
