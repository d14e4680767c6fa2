//! The tests of Matcher documents, carried out: on the stated facts alone, with nothing of this host.

use std::collections::BTreeMap;

use super::{Expectation, Expected, MatcherDocument, MatcherTest};
use crate::diagnostic::Diagnostic;
use crate::lang::schema::Vocabulary as _;
use crate::lang::{Explanation, Verdict};
use crate::plugin::{Look, Plugins, in_order};
use crate::process::expression::check_in_matcher;
use crate::process::{ProcessVocabulary, candidate};
use crate::spec::{Names, codes};

/// One expression of a test, evaluated.
#[derive(Clone, Debug)]
#[must_use]
pub struct Trial<'a> {
    /// The document.
    pub document: &'a MatcherDocument,
    /// The test.
    pub test: &'a MatcherTest,
    /// The expression and what it should be.
    pub expectation: &'a Expectation,
    /// What it is; `None` for one that doesn't compile, which loading says.
    pub found: Option<(Verdict, Explanation)>,
    /// What was remarkable.
    pub notes: Vec<String>,
}

/// Carries out all tests of a document.
pub fn trials<'a>(document: &'a MatcherDocument, names: &Names) -> Vec<Trial<'a>> {
    let plugins = names.plugins();
    let each = document.tests.iter().flat_map(|test| test.expect.iter().map(move |one| (test, one)));
    each.map(|(test, expectation)| trial(document, test, expectation, (names, &plugins))).collect()
}

fn trial<'a>(
    document: &'a MatcherDocument,
    test: &'a MatcherTest,
    expectation: &'a Expectation,
    (names, plugins): (&Names, &Plugins),
) -> Trial<'a> {
    let compiled = check_in_matcher(&expectation.written.text, &document.name, &names.library);
    let mut trial = Trial { document, test, expectation, found: None, notes: Vec::new() };
    if let Some(predicate) = compiled.predicate {
        let vocabulary = ProcessVocabulary::new(&test.snapshot).explaining();
        let answer = plugins.vocabularies(&vocabulary, &test.snapshot, &Look::default());
        let facts = in_order(&vocabulary, &answer);
        let matcher = predicate.bind(&BTreeMap::new(), &facts).matcher;
        let process = candidate(test.pid);
        let verdict = matcher.eval(&process, &facts);
        trial.notes = vocabulary.take_notes();
        trial.found = Some((verdict, matcher.explain(&process, &facts)));
    }
    trial
}

impl Trial<'_> {
    /// What it is, in the words of tests. Of a process that is gone nothing can be told.
    pub fn verdict(&self) -> Option<Expected> {
        self.found.as_ref().map(|(verdict, _)| match verdict {
            Verdict::Match => Expected::True,
            Verdict::NoMatch => Expected::False,
            Verdict::Unknown(_) => Expected::Unknown,
        })
    }

    /// Whether it is as expected.
    pub fn passed(&self) -> bool {
        self.verdict() == Some(self.expectation.expected)
    }

    /// An error at the expected value, if it isn't.
    pub fn failure(&self) -> Option<Diagnostic> {
        let (verdict, explanation) = self.found.as_ref().filter(|_| !self.passed())?;
        let (text, expected) = (&self.expectation.written.text, self.expectation.expected.word());
        let found = self.verdict()?.word();
        let message = format!("`{text}` is {found} in the test `{}`, not {expected}", self.test.name);
        let mut said = Diagnostic::error(codes::TEST_FAILED, message)
            .at(self.expectation.at, format!("it is {found}"))
            .in_source(&self.document.source)
            .help("mend the definition, the facts or the expectation; `selfsame test` shows the evaluation");
        match verdict {
            Verdict::Unknown(missing) => {
                for missing in missing {
                    said = said.note(format!("not known: {missing}"));
                }
            }
            Verdict::Match | Verdict::NoMatch => {
                for leaf in explanation.smallest_failing() {
                    said = said.note(format!("`{}` is {}", leaf.text, leaf.value()));
                }
            }
        }
        Some(said)
    }
}
