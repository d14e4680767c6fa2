//! The criteria that take the language: `--interpreted` and `--match`. Only where one of them is given anything of it is built.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::Command;
use super::criteria::{Criteria, Exec};
use super::fault::Fault;
use super::texts::show;
use crate::diagnostic::Diagnostic;
use crate::facts::{Fact, Reason, Why};
use crate::host::proc::LiveWorld;
use crate::lang::value::Value;
use crate::lang::{Predicate, Verdict, Vocabularies};
use crate::process::chain::Surroundings;
use crate::process::expression::compile_alone;
use crate::process::identity::Ternary;
use crate::process::runs::{Target, runs};
use crate::process::{ProcessVocabulary, candidate};
use crate::units::Pid;

/// The condition, compiled once in a run.
#[derive(Debug)]
pub(super) struct More {
    predicate: Option<Predicate>,
    values: BTreeMap<String, Value>,
    script: Option<Vec<u8>>,
}

impl More {
    /// Of the criteria that have one.
    ///
    /// # Errors
    /// The expression is wrong, or uses a name that has no value here.
    pub(super) fn new(command: &Command<'_>, criteria: &Criteria) -> Result<Option<Self>, Fault> {
        if !criteria.has_more() {
            return Ok(None);
        }
        let predicate = criteria.expression.as_deref().map(compiled).transpose()?;
        let values = values(command);
        if let Some(name) = predicate
            .iter()
            .flat_map(|predicate| predicate.needs().variables)
            .find(|name| !values.contains_key(name.as_str()))
        {
            return Err(Fault::Usage(format!("--match: `{name}` has no value here")));
        }
        let script = match &criteria.exec {
            Some(Exec::Script(path)) => Some(path.clone()),
            Some(Exec::Image(_)) | None => None,
        };
        Ok(Some(Self { predicate, values, script }))
    }

    /// Asks it of some processes, in one look.
    ///
    /// # Errors
    /// `/proc` can't be used.
    pub(super) fn ask(&self, pids: &[Pid]) -> Result<Vec<Ternary>, Fault> {
        let world = LiveWorld::new()
            .map_err(|error| Fault::Trouble(format!("this host's `/proc` can't be used: {error}")))?;
        let vocabulary = ProcessVocabulary::new(&world);
        let facts = Vocabularies(vec![&vocabulary]);
        let matcher = self.predicate.as_ref().map(|predicate| predicate.bind(&self.values, &facts).matcher);
        let target = self.script.as_deref().map(|path| Target::new(&world, path, &Surroundings::default()));
        let of = |pid: Pid| {
            let script = match target.as_ref().map(|target| runs(&world, pid, target)) {
                None => Ternary::True,
                // What only the process itself says may be a disguise.
                Some(run) if run.self_reported && run.holds == Fact::Known(true) => own_word(pid),
                Some(run) => ternary(run.holds),
            };
            let written = match &matcher {
                None => Ternary::True,
                Some(_) if script == Ternary::False => Ternary::False,
                Some(matcher) => match matcher.eval(&candidate(pid), &facts) {
                    Verdict::NoMatch => Ternary::False,
                    Verdict::Match if vocabulary.take_own_word() => own_word(pid),
                    Verdict::Match => Ternary::True,
                    Verdict::Unknown(missing) => {
                        Ternary::Unknown(missing.into_iter().map(|missing| missing.reason).collect())
                    }
                },
            };
            both(script, written)
        };
        Ok(pids.iter().map(|pid| of(*pid)).collect())
    }
}

fn own_word(pid: Pid) -> Ternary {
    Ternary::Unknown(vec![Reason::new(Why::Unresolved, format!("only {pid} itself says so"))])
}

fn ternary(fact: Fact<bool>) -> Ternary {
    match fact {
        Fact::Known(true) => Ternary::True,
        Fact::Known(false) | Fact::Absent => Ternary::False,
        Fact::Unknown(reason) => Ternary::Unknown(vec![reason]),
    }
}

/// Both must hold.
pub(super) fn both(left: Ternary, right: Ternary) -> Ternary {
    match (left, right) {
        (Ternary::False, _) | (_, Ternary::False) => Ternary::False,
        (Ternary::True, other) | (other, Ternary::True) => other,
        (Ternary::Unknown(mut left), Ternary::Unknown(right)) => {
            left.extend(right);
            Ternary::Unknown(left)
        }
    }
}

fn compiled(text: &str) -> Result<Predicate, Fault> {
    let compiled = compile_alone(text, &Arc::default());
    let wrong: Vec<String> =
        compiled.diagnostics.iter().filter(|problem| problem.is_error()).map(sentence).collect();
    match (compiled.predicate, wrong.is_empty()) {
        (Some(predicate), true) => Ok(predicate),
        _ => Err(Fault::Usage(format!("--match: {}", wrong.join("; ")))),
    }
}

fn sentence(problem: &Diagnostic) -> String {
    problem.message.clone()
}

/// The names that the options give a value.
fn values(command: &Command<'_>) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    if !command.start.program.is_empty() {
        values.insert("startas".to_owned(), Value::path(command.start.program));
    }
    if let Some(pidfile) = command.target.pidfile {
        values.insert("pidfile".to_owned(), Value::path(pidfile));
    }
    values.insert(
        "args".to_owned(),
        Value::list(command.start.arguments.iter().map(|word| Value::string(show(word)))),
    );
    values
}
