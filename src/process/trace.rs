//! What an evaluation did with one process: the order of its steps, what each read, and what it never came to.
//!
//! The tracer watches [`Matcher::eval_observed`], so that a trace is the evaluation and not a second one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::world::World;
use crate::lang::ir::{Kind, Node};
use crate::lang::schema::Cost;
use crate::lang::value::{Type, Value};
use crate::lang::{Matcher, Observer, Outcome, Verdict, Vocabularies, cost};

/// One fact that was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As written.
    pub text: String,
    /// The name of the field or function in its declaration; the operator of a comparison that reads.
    pub fact: String,
    /// Cost class by its declaration.
    pub cost: Cost,
    /// What it came to.
    pub outcome: Outcome,
    /// The files of the process that were read for it. Empty: known from before, or there is no `/proc` behind it.
    pub reads: Vec<String>,
}

/// One condition that was looked at.
#[derive(Clone, Debug)]
pub struct Step {
    /// As written.
    pub text: String,
    /// What it came to.
    pub outcome: Outcome,
    /// The highest cost class in it.
    pub cost: Cost,
    /// The facts that it asked for, in order.
    pub asked: Vec<Asked>,
}

/// The evaluation of an expression for one process.
#[derive(Clone, Debug)]
#[must_use]
pub struct Trace {
    /// Its result.
    pub verdict: Verdict,
    /// Conditions in the order of evaluation.
    pub steps: Vec<Step>,
    /// Conditions that it never came to, as written, in source order.
    pub skipped: Vec<String>,
}

impl Trace {
    /// The condition after which nothing more had to be asked.
    pub fn decided_by(&self) -> Option<&str> {
        self.steps.last().map(|step| step.text.as_str())
    }
}

/// Evaluates for a candidate and writes down how.
pub fn trace(matcher: &Matcher, candidate: &Value, facts: &Vocabularies<'_>, world: &dyn World) -> Trace {
    // What was read before belongs to somebody else.
    world.take_reads();
    let tracer = Tracer::new(matcher.source(), world);
    let verdict = matcher.eval_observed(candidate, facts, &tracer);
    let State { visited, steps, .. } = tracer.state.into_inner();
    let mut leaves = Vec::new();
    collect_leaves(matcher.root(), matcher.source(), &mut leaves);
    let skipped = leaves
        .into_iter()
        .filter(|(leaf, _)| !visited.contains(&address(leaf)))
        .map(|(leaf, source)| text_of(source, leaf))
        .collect();
    Trace { verdict, steps, skipped }
}

/// Nodes are told apart by where they are in memory: parts of a definition that was put in share one span.
fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

fn text_of(source: &str, node: &Node) -> String {
    let text = source.get(node.span.start..node.span.end).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `a != b` is one condition to the reader, although a negation stands around the comparison.
fn inside(node: &Node) -> Option<Vec<&Node>> {
    match &node.kind {
        Kind::And(operands) | Kind::Or(operands) => Some(operands.items.iter().collect()),
        Kind::Not(inner) if inner.span != node.span => Some(vec![inner]),
        Kind::Named { body: inner, .. } => Some(vec![inner]),
        Kind::Argument { value: inner, .. } if node.ty == Type::Bool => Some(vec![inner]),
        _ => None,
    }
}

/// The text that places inside this node are in, where it is another one than around it.
fn text_inside(node: &Node) -> Option<&Arc<str>> {
    match &node.kind {
        Kind::Named { definition, .. } => Some(&definition.text),
        Kind::Argument { text, .. } => Some(text),
        _ => None,
    }
}

fn collect_leaves<'n>(node: &'n Node, source: &'n str, leaves: &mut Vec<(&'n Node, &'n str)>) {
    let within = text_inside(node).map_or(source, |text| text);
    match inside(node) {
        Some(parts) => parts.into_iter().for_each(|part| collect_leaves(part, within, leaves)),
        None => leaves.push((node, source)),
    }
}

/// What is being evaluated just now.
enum Frame {
    /// `&&`, `||`, `!` above the conditions.
    Connective,
    /// A condition.
    Leaf,
    /// A fact in a condition, with what was read for it so far.
    Fact { reads: Vec<String> },
    /// Anything else in a condition.
    Part,
}

#[derive(Default)]
struct State {
    frames: Vec<Frame>,
    /// The texts of the definitions around, innermost last.
    texts: Vec<Arc<str>>,
    visited: BTreeSet<usize>,
    steps: Vec<Step>,
    /// Of the condition that is being evaluated.
    asked: Vec<Asked>,
}

struct Tracer<'a> {
    source: &'a str,
    world: &'a dyn World,
    state: RefCell<State>,
}

impl<'a> Tracer<'a> {
    fn new(source: &'a str, world: &'a dyn World) -> Self {
        Self { source, world, state: RefCell::default() }
    }

    /// What was read meanwhile belongs to the innermost fact.
    fn attribute(&self, state: &mut State) {
        let new = self.world.take_reads();
        let innermost = state.frames.iter_mut().rev().find_map(|frame| match frame {
            Frame::Fact { reads } => Some(reads),
            Frame::Connective | Frame::Leaf | Frame::Part => None,
        });
        if let Some(reads) = innermost {
            reads.extend(new);
        }
    }
}

impl Observer for Tracer<'_> {
    fn enter(&self, node: &Node) {
        let mut state = self.state.borrow_mut();
        self.attribute(&mut state);
        let above = state.frames.iter().all(|frame| matches!(frame, Frame::Connective));
        let frame = if above && inside(node).is_some() {
            Frame::Connective
        } else if above {
            state.visited.insert(address(node));
            state.frames.push(Frame::Leaf);
            inner_frame(node)
        } else {
            inner_frame(node)
        };
        state.frames.push(frame);
        state.texts.extend(text_inside(node).cloned());
    }

    fn leave(&self, node: &Node, outcome: &Outcome) {
        let mut state = self.state.borrow_mut();
        self.attribute(&mut state);
        if text_inside(node).is_some() {
            state.texts.pop();
        }
        let source = state.texts.last().cloned();
        let source = source.as_deref().unwrap_or(self.source);
        if let Some(Frame::Fact { reads }) = state.frames.pop() {
            // A comparison is worth a line only where it read something: most compare what is known.
            if node.access().is_some() || !reads.is_empty() {
                let fact = fact_name(node);
                let text = text_of(source, node);
                let own = cost::own_class(node).unwrap_or(0);
                state.asked.push(Asked { text, fact, cost: own, outcome: outcome.clone(), reads });
            }
        }
        // Directly above the mark of a condition stands only the condition itself.
        if matches!(state.frames.last(), Some(Frame::Leaf)) {
            state.frames.pop();
            let asked = std::mem::take(&mut state.asked);
            let text = text_of(source, node);
            state.steps.push(Step { text, outcome: outcome.clone(), cost: cost::class(node), asked });
        }
    }
}

fn inner_frame(node: &Node) -> Frame {
    if cost::own_class(node).is_some() { Frame::Fact { reads: Vec::new() } } else { Frame::Part }
}

fn fact_name(node: &Node) -> String {
    match (node.access(), &node.kind) {
        (Some(access), _) => match access.owner {
            Some(owner) if owner != super::objects::PROCESS => format!("{owner}.{}", access.name),
            Some(_) | None => access.name.to_string(),
        },
        (None, Kind::Compare { op, .. }) => op.symbol().to_owned(),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests;
