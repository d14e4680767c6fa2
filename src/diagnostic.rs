//! What we tell a person about their text: severity, stable code, message, where, and how to mend it.
//!
//! Floor 0. Rendering (text with carets, JSON) happens in `report`; nothing here prints.
//! Wording: lower case, no full stop, backticks around the user's own text, the mend in `help`.

use std::sync::Arc;

/// A text that positions refer to: a file, or an expression given on the command line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Source {
    /// As shown to the user: a path, or `<expression>`.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl Source {
    /// A source that can be shared by many diagnostics.
    pub fn new(name: impl AsRef<str>, text: impl Into<String>) -> Arc<Self> {
        Self::shared(name, text.into().into())
    }

    /// The same of a text that others have as well.
    pub fn shared(name: impl AsRef<str>, text: Arc<str>) -> Arc<Self> {
        Arc::new(Self { name: name.as_ref().into(), text })
    }

    /// Line and column of a byte offset, both counted from 1, columns in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(&self.text);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        (line, column)
    }
}

/// A half-open range of bytes in a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// How bad it is, by consequence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Suspicious, but usable.
    Warning,
    /// What the diagnostic is about is not used.
    Error,
}

/// A stable name of one kind of mistake. A released code is never used for anything else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Code(pub &'static str);

/// A place in a source and what is the matter there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// `None`: in the diagnostic's own source.
    pub source: Option<Arc<Source>>,
    /// Where.
    pub span: Span,
    /// A few words, may be empty.
    pub text: String,
}

/// One mistake, said once.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Diagnostic {
    /// By consequence.
    pub severity: Severity,
    /// Stable.
    pub code: Code,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// What positions refer to. `None` until somebody who knows says so, and for mistakes that have no text.
    pub source: Option<Arc<Source>>,
    /// The first is the primary one.
    pub labels: Vec<Label>,
    /// Further facts.
    pub notes: Vec<String>,
    /// How to mend it, concrete enough to paste.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            source: None,
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place; the first one added is the primary one.
    pub fn at(self, span: Span, text: impl Into<String>) -> Self {
        self.label(Label { source: None, span, text: text.into() })
    }

    /// Adds a place in another source.
    pub fn at_other(self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Self {
        self.label(Label { source: Some(Arc::clone(source)), span, text: text.into() })
    }

    /// Most have one, and there are thousands of them: room for four would be most of what they take.
    fn label(mut self, label: Label) -> Self {
        self.labels.reserve_exact(1);
        self.labels.push(label);
        self
    }

    /// Adds a further fact.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.reserve_exact(1);
        self.notes.push(text.into());
        self
    }

    /// Says how to mend it.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says which text the positions refer to, unless that is known already.
    pub fn in_source(mut self, source: &Arc<Source>) -> Self {
        self.source.get_or_insert_with(|| Arc::clone(source));
        self
    }

    /// Moves the positions in this diagnostic's own source, for a text that is part of a larger one.
    pub fn map_spans(mut self, map: impl Fn(Span) -> Span) -> Self {
        for label in self.labels.iter_mut().filter(|label| label.source.is_none()) {
            label.span = map(label.span);
        }
        self
    }

    /// The primary place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }

    /// Whether it stops what it is about.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The candidate nearest to `word`: at most two edits away, and fewer than half of its letters.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count().saturating_sub(1) / 2).min(2).max(usize::from(word.len() > 1));
    // Each letter more or less is a step.
    let near_in_length =
        |candidate: &&str| candidate.len().abs_diff(word.len()) <= limit * char::MAX.len_utf8();
    candidates
        .into_iter()
        .filter(near_in_length)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_in_characters() {
        let source = Source::new("a", "aé\nbcd\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(3), (1, 3));
        assert_eq!(source.position(5), (2, 2));
        assert_eq!(source.position(99), (3, 1));
    }

    #[test]
    fn near_words_are_found() {
        let words = ["user", "group", "exe"];
        assert_eq!(did_you_mean("usr", words), Some("user"));
        assert_eq!(did_you_mean("uesr", words), Some("user"));
        assert_eq!(did_you_mean("frobnicate", words), None);
    }
}
