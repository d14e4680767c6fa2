//! One value of a candidate, whatever its type: what a listing shows beside a process.

use std::sync::Arc;

use super::catalog::Schema;
use super::check::{Checker, Scope};
use super::eval::{Context, Vocabularies};
use super::ir::Node;
use super::parse;
use super::value::Value;
use super::verdict::Outcome;
use crate::diagnostic::Diagnostic;

/// A checked expression of any type without variables.
#[derive(Clone, Debug)]
pub struct Reading {
    source: Arc<str>,
    root: Node,
}

/// A reading, if its text is without errors, and what is to be said about it.
#[derive(Clone, Debug)]
#[must_use]
pub struct CompiledReading {
    /// `None` if there is an error.
    pub reading: Option<Reading>,
    /// Errors and warnings; spans in the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks `exe.path`, `parent.name`, `env["HOME"]`: an expression that need not be a condition.
pub fn compile_reading(text: &str, schema: &Schema) -> CompiledReading {
    let parsed = parse(text);
    let mut diagnostics = parsed.diagnostics;
    let Some(expr) = parsed.expr else { return CompiledReading { reading: None, diagnostics } };
    let scope = Scope::default();
    let source: Arc<str> = Arc::from(text);
    let mut checker = Checker::new(text, &source, schema, &scope);
    let root = checker.reading(&expr);
    diagnostics.extend(checker.diagnostics);
    diagnostics.sort_by_key(Diagnostic::span);
    let sound = !diagnostics.iter().any(Diagnostic::is_error);
    let reading = root.filter(|_| sound).map(|root| Reading { source: Arc::from(text), root });
    CompiledReading { reading, diagnostics }
}

impl Reading {
    /// As written.
    pub fn text(&self) -> &str {
        &self.source
    }

    /// The expression.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The value for a candidate.
    pub fn of(&self, candidate: &Value, facts: &Vocabularies<'_>) -> Outcome {
        Context::new(&self.source, candidate, facts).value(&self.root)
    }
}
