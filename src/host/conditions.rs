//! Written conditions: compiled once, bound for each look, asked for each process.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::executable::surroundings;
use crate::facts::{Reason, Why};
use crate::lang::value::{Type, Value};
use crate::lang::{Matcher, Predicate, Schema, Scope, Verdict, Vocabularies, compile};
use crate::plan::observation::Prepared;
use crate::plan::substitute;
use crate::process::identity::Ternary;
use crate::process::world::World;
use crate::process::{ProcessVocabulary, candidate, declarations, objects};
use crate::spec::{Expression, Service, variables};
use crate::units::Pid;

/// Compiled conditions are kept up to so many texts; then the cache begins anew.
const KEPT_MAX: usize = 4096;
/// Fields that say whose a process is: a condition on one of them speaks for processes of other users.
const OF_USERS: [&str; 3] = ["user", "ruser", "suser"];

/// The conditions of the documents in force.
#[derive(Debug)]
pub struct Conditions {
    schema: Schema,
    /// By text, the names and types of the variables, and the definitions in use. `None`: it doesn't compile.
    compiled: RefCell<BTreeMap<String, Option<Predicate>>>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { schema: schema(), compiled: RefCell::default() }
    }
}

/// What conditions on processes can name.
pub fn schema() -> Schema {
    let mut schema = Schema::new(objects::PROCESS);
    schema.add(declarations());
    schema
}

/// A condition with the values of its document, for one look.
pub struct Bound<'w> {
    /// `None`: this version can't compile it.
    pub(super) matcher: Option<Matcher>,
    pub(super) vocabulary: ProcessVocabulary<'w>,
}

impl std::fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("matcher", &self.matcher).finish_non_exhaustive()
    }
}

impl Conditions {
    /// Binds a condition to the document that it stands in. `${...}` in variables has the values of the first replica.
    pub fn bind<'w>(
        &self,
        expression: &Expression,
        spec: &Service,
        places: &Prepared,
        world: &'w dyn World,
    ) -> Bound<'w> {
        let vocabulary = ProcessVocabulary::with_context(world, surroundings(spec));
        let matcher = self.predicate(expression, spec).map(|predicate| {
            let values = variables(spec)
                .into_iter()
                .map(|(name, (_, value))| (name, put_in(value, spec, places)))
                .collect();
            predicate.bind(&values, &Vocabularies(vec![&vocabulary])).matcher
        });
        Bound { matcher, vocabulary }
    }

    /// Whether a written condition names a user, so that processes of other users are candidates.
    pub fn names_user(&self, spec: &Service) -> bool {
        [&spec.narrow, &spec.match_only].into_iter().flatten().any(|expression| {
            self.predicate(expression, spec).is_some_and(|predicate| {
                predicate.needs().fields.iter().any(|id| {
                    self.schema.field_by_id(*id).is_some_and(|field| OF_USERS.contains(&field.name.as_ref()))
                })
            })
        })
    }

    fn predicate(&self, expression: &Expression, spec: &Service) -> Option<Predicate> {
        let types: BTreeMap<String, Type> =
            variables(spec).into_iter().map(|(name, (of, _))| (name, of)).collect();
        let mut key = expression.text.clone();
        for (name, of) in &types {
            key.push('\0');
            let _ = write!(key, "{name}:{of}");
        }
        for (name, definition) in &expression.definitions {
            let _ = write!(key, "\0{name}={definition:?}");
        }
        let mut compiled = self.compiled.borrow_mut();
        if compiled.len() > KEPT_MAX {
            compiled.clear();
        }
        compiled
            .entry(key)
            .or_insert_with(|| {
                let scope = Scope::new(types, &expression.library());
                compile(&expression.text, &self.schema, &scope).predicate
            })
            .clone()
    }
}

/// Placeholders get their values, in strings, paths and lists of them.
fn put_in(value: Value, spec: &Service, places: &Prepared) -> Value {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => substitute(text, spec, 0, places).into_bytes(),
        Err(_) => bytes.to_vec(),
    };
    match value {
        Value::String(bytes) => Value::string(text(&bytes)),
        Value::Path(bytes) => Value::path(text(&bytes)),
        Value::List(items) => Value::list(items.iter().map(|item| put_in(item.clone(), spec, places))),
        other => other,
    }
}

impl Bound<'_> {
    /// The one leaf that a process fails, as written, with the values of its facts. `None` if it fails none or several.
    pub fn only_failure(&self, pid: Pid) -> Option<(String, Vec<String>)> {
        let facts = Vocabularies(vec![&self.vocabulary]);
        let explanation = self.matcher.as_ref()?.explain(&candidate(pid), &facts);
        let failing = explanation.smallest_failing();
        let ([leaf], Some(false)) = (failing.as_slice(), explanation.outcome.truth()) else { return None };
        let values = leaf.children.iter().filter(|part| part.element.is_none());
        let values = values.map(|part| format!("{} = {}", part.text, part.value())).collect();
        Some((leaf.text.split_whitespace().collect::<Vec<_>>().join(" "), values))
    }

    /// Whether the condition holds for a process.
    pub fn holds(&self, pid: Pid) -> Ternary {
        let Some(matcher) = &self.matcher else {
            // A record of an older version may hold what this one doesn't understand: never a match, never a "no".
            return Ternary::Unknown(vec![Reason::new(Why::Unresolved, "the condition can't be compiled")]);
        };
        match matcher.eval(&candidate(pid), &Vocabularies(vec![&self.vocabulary])) {
            Verdict::Match => Ternary::True,
            Verdict::NoMatch => Ternary::False,
            // It exited while it was looked at: it is no candidate any more.
            verdict if verdict.is_gone() => Ternary::False,
            Verdict::Unknown(missing) => Ternary::Unknown(
                missing
                    .into_iter()
                    .map(|missing| Reason::new(missing.reason.why, missing.to_string()))
                    .collect(),
            ),
        }
    }
}
