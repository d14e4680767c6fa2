//! From positions in a decoded scalar to positions in the file.

use crate::diagnostic::Span;

/// A stretch of decoded text and the stretch of source it came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    decoded: Span,
    source: Span,
    /// Byte for byte the same, so that positions inside can be told apart.
    verbatim: bool,
}

/// Where each byte of a decoded text comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum OffsetMap {
    /// All of the text stands here as it is, as nearly every one does: a list would be a piece of memory for each key and value.
    Verbatim(Span),
    /// Runs in ascending order that cover the decoded text without gaps.
    Runs(Vec<Run>),
}

impl Default for OffsetMap {
    fn default() -> Self {
        Self::Runs(Vec::new())
    }
}

impl OffsetMap {
    /// All of a text comes from one place.
    pub(super) fn all_at(length: usize, source: Span) -> Self {
        Self::Runs(vec![Run { decoded: Span::new(0, length), source, verbatim: false }])
    }

    /// A text stands in the source as it is.
    pub(super) fn verbatim(source: Span) -> Self {
        if source.end <= source.start {
            return Self::default();
        }
        Self::Verbatim(source)
    }

    fn of(runs: Vec<Run>) -> Self {
        match runs.as_slice() {
            [Run { source, verbatim: true, .. }] => Self::Verbatim(*source),
            _ => Self::Runs(runs),
        }
    }

    /// The place in the source of a decoded span; `whole` where the scalar has no text.
    pub(super) fn source_span(&self, decoded: Span, whole: Span) -> Span {
        let start = self.start_of(decoded.start).unwrap_or(whole.end);
        if decoded.end <= decoded.start {
            return Span::new(start, start);
        }
        Span::new(start, self.end_of(decoded.end).unwrap_or(whole.end))
    }

    /// Where the byte at `at` begins; behind the last run, its end.
    fn start_of(&self, at: usize) -> Option<usize> {
        let runs = match self {
            Self::Verbatim(source) => return Some((source.start + at).min(source.end)),
            Self::Runs(runs) => runs,
        };
        let index = runs.partition_point(|run| run.decoded.end <= at);
        let Some(run) = runs.get(index) else {
            return runs.last().map(|run| run.source.end);
        };
        let inside = if run.verbatim { at.saturating_sub(run.decoded.start) } else { 0 };
        Some(run.source.start + inside)
    }

    /// Where the byte before `at` ends.
    fn end_of(&self, at: usize) -> Option<usize> {
        let runs = match self {
            Self::Verbatim(source) => return Some((source.start + at).min(source.end)),
            Self::Runs(runs) => runs,
        };
        let index = runs.partition_point(|run| run.decoded.end < at);
        let run = runs.get(index).or(runs.last())?;
        if !run.verbatim || at >= run.decoded.end {
            return Some(run.source.end);
        }
        Some(run.source.start + at.saturating_sub(run.decoded.start))
    }
}

/// Collects decoded text together with its origin.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// The text so far.
    pub(super) text: String,
    runs: Vec<Run>,
}

impl Decoded {
    /// Appends `text`, which stands at `source` in the file exactly like this.
    pub(super) fn verbatim(&mut self, text: &str, source: usize) {
        if text.is_empty() {
            return;
        }
        let decoded = Span::new(self.text.len(), self.text.len() + text.len());
        let origin = Span::new(source, source + text.len());
        self.text.push_str(text);
        match self.runs.last_mut() {
            Some(last) if last.verbatim && last.source.end == source => {
                last.decoded.end = decoded.end;
                last.source.end = origin.end;
            }
            _ => self.runs.push(Run { decoded, source: origin, verbatim: true }),
        }
    }

    /// Appends `text`, which is written as something else at `source`.
    pub(super) fn replaced(&mut self, text: &str, source: Span) {
        let decoded = Span::new(self.text.len(), self.text.len() + text.len());
        self.text.push_str(text);
        self.runs.push(Run { decoded, source, verbatim: false });
    }

    /// The map, if the decoded text is `expected`, or `expected` and further line feeds, which a block
    /// scalar drops. `None`: this reading is not the one that the parser chose.
    pub(super) fn matching(mut self, expected: &str, block: bool) -> Option<OffsetMap> {
        let rest = self.text.strip_prefix(expected)?;
        let dropped = if block { rest.trim_end_matches('\n') } else { rest };
        if !dropped.is_empty() {
            return None;
        }
        let length = expected.len();
        self.runs.retain(|run| run.decoded.start < length);
        Some(OffsetMap::of(self.runs))
    }
}
