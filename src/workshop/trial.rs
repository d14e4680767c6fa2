//! Cases, carried out.

use std::sync::Arc;

use super::cases::{Case, CaseFile, Expectation};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::schema::Vocabulary;
use crate::lang::{Outcome, Vocabularies, compile_reading};
use crate::plugin::{Look, Plugins};
use crate::process::{ProcessVocabulary, candidate};

/// One expression of a case, and what came of it.
#[derive(Clone, Debug)]
pub struct Trial<'c> {
    /// The file.
    pub file: &'c CaseFile,
    /// The case.
    pub case: &'c Case,
    /// What was expected.
    pub expectation: &'c Expectation,
    /// What it is, also in words; or what is wrong with the expression, in the file.
    pub found: Result<(Outcome, String), Vec<Diagnostic>>,
}

impl Trial<'_> {
    /// Whether it is as expected.
    pub fn passed(&self) -> bool {
        matches!(&self.found, Ok((outcome, words)) if self.expectation.expected.is(outcome, words))
    }
}

/// All expressions of a file, in its order. Each case is a look of its own.
pub fn trials<'c>(file: &'c CaseFile, plugins: &Plugins) -> Vec<Trial<'c>> {
    file.cases.iter().flat_map(|case| of_case(file, case, plugins)).collect()
}

fn of_case<'c>(file: &'c CaseFile, case: &'c Case, plugins: &Plugins) -> Vec<Trial<'c>> {
    let base = ProcessVocabulary::new(&*case.host);
    let own = plugins.vocabularies(&base, &*case.host, &Look::default());
    let all = std::iter::once(&base as &dyn Vocabulary).chain(own.iter().map(|one| one as &dyn Vocabulary));
    let facts = Vocabularies(all.collect());
    let each = case.expect.iter().map(|expectation| Trial {
        file,
        case,
        expectation,
        found: evaluate(file, case, expectation, plugins, &facts),
    });
    each.collect()
}

fn evaluate(
    file: &CaseFile,
    case: &Case,
    expectation: &Expectation,
    plugins: &Plugins,
    facts: &Vocabularies<'_>,
) -> Result<(Outcome, String), Vec<Diagnostic>> {
    let expression = &expectation.expression;
    let compiled = compile_reading(&expression.text, plugins.schema());
    let Some(reading) = compiled.reading else {
        let place = |span: Span| expression.source_span(span);
        let errors = compiled.diagnostics.into_iter().filter(Diagnostic::is_error);
        return Err(errors.map(|one| one.map_spans(place).in_source(&Arc::clone(&file.source))).collect());
    };
    let outcome = reading.of(&candidate(case.pid), facts);
    let words = facts.words(&outcome);
    Ok((outcome, words))
}
