//! The tests of Policy documents, carried out: on the stated facts alone, as one look that lasted long enough.

use std::collections::BTreeMap;

use super::{PolicyDocument, PolicyTest};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::{Explanation, Matcher, Verdict, Vocabularies};
use crate::plugin::{Look, in_order};
use crate::process::expression::{compile_with, schema_of};
use crate::process::template::Template;
use crate::process::{ProcessVocabulary, candidate};
use crate::spec::matcher::Expected;
use crate::spec::policy::Policy;
use crate::spec::{Expression, Names, codes};
use crate::units::Pid;

/// One test, carried out.
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyTrial<'a> {
    /// The document.
    pub document: &'a PolicyDocument,
    /// The test.
    pub test: &'a PolicyTest,
    /// Whether the Policy is violated.
    pub found: Expected,
    /// What is said about the first process that violates it; without one, about the number.
    pub message: Option<String>,
    /// Each process with what was made of its conditions, in the order of the document.
    pub evaluated: Vec<(Pid, Vec<(String, Explanation)>)>,
}

/// Carries out all tests of a document.
pub fn policy_trials<'a>(document: &'a PolicyDocument, names: &Names) -> Vec<PolicyTrial<'a>> {
    document.tests.iter().map(|test| trial(document, test, names)).collect()
}

fn trial<'a>(document: &'a PolicyDocument, test: &'a PolicyTest, names: &Names) -> PolicyTrial<'a> {
    let policy = &document.policy;
    let vocabulary = ProcessVocabulary::new(&test.snapshot).explaining();
    let plugins = names.plugins();
    let answer = plugins.vocabularies(&vocabulary, &test.snapshot, &Look::default());
    let facts = in_order(&vocabulary, &answer);
    let conditions: Vec<(&Expression, Option<Matcher>)> =
        policy.expressions().map(|expression| (expression, bound(expression, names, &facts))).collect();
    let (mut verdicts, mut evaluated) = (Vec::new(), Vec::new());
    for pid in &test.pids {
        let process = candidate(*pid);
        let each = conditions.iter().map(|(_, matcher)| {
            matcher.as_ref().map_or(Verdict::Unknown(Vec::new()), |matcher| matcher.eval(&process, &facts))
        });
        verdicts.push((*pid, all_of(each)));
        let shown = conditions.iter().filter_map(|(expression, matcher)| {
            Some((expression.text.clone(), matcher.as_ref()?.explain(&process, &facts)))
        });
        evaluated.push((*pid, shown.collect()));
    }
    let (found, first) = judge(policy, &verdicts);
    let message = policy.message.as_ref().filter(|_| found == Expected::True).and_then(|text| {
        let template = Template::compile(text, schema_of(&names.library)).ok()?;
        Some(first.map_or_else(|| template.fill_with_nothing(), |pid| template.fill(&candidate(pid), &facts)))
    });
    PolicyTrial { document, test, found, message, evaluated }
}

fn bound(expression: &Expression, names: &Names, facts: &Vocabularies<'_>) -> Option<Matcher> {
    let predicate = compile_with(&expression.text, BTreeMap::new(), &names.library).predicate?;
    Some(predicate.bind(&BTreeMap::new(), facts).matcher)
}

/// False as soon as one is, true if all are.
fn all_of(verdicts: impl Iterator<Item = Verdict>) -> Expected {
    verdicts.fold(Expected::True, |all, verdict| match (all, verdict) {
        (Expected::False, _) | (_, Verdict::NoMatch) => Expected::False,
        (Expected::Unknown, _) | (_, Verdict::Unknown(_)) => Expected::Unknown,
        (Expected::True, Verdict::Match) => Expected::True,
    })
}

/// What follows for the Policy, and the first process that is one too many, or of which it is so.
fn judge(policy: &Policy, verdicts: &[(Pid, Expected)]) -> (Expected, Option<Pid>) {
    let so: Vec<Pid> = of(verdicts, Expected::True);
    let unsure = of(verdicts, Expected::Unknown);
    let Some(range) = policy.count else {
        let found = match (so.first(), unsure.first()) {
            (Some(_), _) => Expected::True,
            (None, Some(_)) => Expected::Unknown,
            (None, None) => Expected::False,
        };
        return (found, so.first().copied());
    };
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let found = match range.holds(number(so.len()), Some(number(so.len() + unsure.len()))) {
        Some(false) => Expected::True,
        Some(true) => Expected::False,
        None => Expected::Unknown,
    };
    let spare = range.most.and_then(|most| so.get(usize::try_from(most).ok()?).copied());
    (found, spare)
}

fn of(verdicts: &[(Pid, Expected)], wanted: Expected) -> Vec<Pid> {
    verdicts.iter().filter(|(_, found)| *found == wanted).map(|(pid, _)| *pid).collect()
}

impl PolicyTrial<'_> {
    /// Whether all is as expected.
    pub fn passed(&self) -> bool {
        self.found == self.test.violated && self.wrong_message().is_none()
    }

    /// The expected message and its place, if another one is said.
    pub fn wrong_message(&self) -> Option<(&str, Span)> {
        let (expected, at) = self.test.message.as_ref()?;
        (self.message.as_ref() != Some(expected)).then_some((expected.as_str(), *at))
    }

    /// An error at the expected value, if it isn't so.
    pub fn failure(&self) -> Option<Diagnostic> {
        if self.passed() {
            return None;
        }
        let (name, test) = (&self.document.policy.name, &self.test.name);
        let help = "mend the Policy, the facts or the expectation; `selfsame test` shows the evaluation";
        let said = if self.found == self.test.violated {
            let (expected, at) = self.wrong_message()?;
            let said = self.message.as_ref().map_or("nothing".to_owned(), |message| format!("`{message}`"));
            let message = format!("the Policy `{name}` says {said} in the test `{test}`, not `{expected}`");
            Diagnostic::error(codes::TEST_FAILED, message).at(at, "it says something else")
        } else {
            let words = [self.found, self.test.violated].map(violated);
            let [found, expected] = words;
            let message = format!("the Policy `{name}` is {found} in the test `{test}`, not {expected}");
            Diagnostic::error(codes::TEST_FAILED, message).at(self.test.at, format!("it is {found}"))
        };
        Some(said.in_source(&self.document.source).help(help))
    }
}

/// In words.
fn violated(expected: Expected) -> &'static str {
    match expected {
        Expected::True => "violated",
        Expected::False => "kept",
        Expected::Unknown => "unknown",
    }
}
