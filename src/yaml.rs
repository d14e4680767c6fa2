//! YAML with positions: a tree in which every scalar knows where each of its bytes came from.
//!
//! Floor 1. Reads text and nothing else: no file system, no meaning of keys. It accepts less than YAML:
//! tags, anchors, aliases, merge keys, directives and duplicate keys are refused, because each of them
//! can silently change or drop a value, and a shortened expression in a tool that stops processes is a
//! danger. Whoever decodes the tree can put a caret under any part of a scalar, in every style:
//!
//! ```text
//! match: >-                      decoded:  exe == startas && usr == "www"
//!   exe == startas                                          ^^^
//!   && usr == "www"              source:   line 3, columns 6 to 8
//!      ^^^
//! ```
//!
//! The first syntax error ends a file, since what follows it can't be trusted; everything else is
//! collected and reported in one run.

mod block;
mod build;
mod evident;
mod flow;
mod offsets;
mod syntax;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use compact_str::CompactString;

use crate::diagnostic::{Code, Diagnostic, Source, Span};
use offsets::OffsetMap;

/// Codes of mistakes in YAML.
pub mod codes {
    use crate::diagnostic::Code;

    /// The text is larger than the limit.
    pub const TOO_LARGE: Code = Code("Y001");
    /// A character that YAML forbids or that its readers disagree about.
    pub const CHARACTER: Code = Code("Y002");
    /// The text is not YAML.
    pub const SYNTAX: Code = Code("Y003");
    /// Nested too deeply.
    pub const DEPTH: Code = Code("Y004");
    /// A key stands twice in one mapping.
    pub const DUPLICATE_KEY: Code = Code("Y005");
    /// A tag, which takes text away from the value.
    pub const TAG: Code = Code("Y006");
    /// An anchor, which takes text away from the value.
    pub const ANCHOR: Code = Code("Y007");
    /// An alias instead of a value.
    pub const ALIAS: Code = Code("Y008");
    /// A merge key.
    pub const MERGE_KEY: Code = Code("Y009");
    /// A key that is not a text.
    pub const KEY: Code = Code("Y010");
    /// Two readers of YAML would understand different texts.
    pub const AMBIGUOUS: Code = Code("Y011");
}

/// Every code of this module with a few words.
pub const CODES: &[(Code, &str)] = &[
    (codes::TOO_LARGE, "file is too large"),
    (codes::CHARACTER, "forbidden character"),
    (codes::SYNTAX, "not YAML"),
    (codes::DEPTH, "nested too deeply"),
    (codes::DUPLICATE_KEY, "duplicate key"),
    (codes::TAG, "tag"),
    (codes::ANCHOR, "anchor"),
    (codes::ALIAS, "alias"),
    (codes::MERGE_KEY, "merge key"),
    (codes::KEY, "key is not a text"),
    (codes::AMBIGUOUS, "readers of YAML disagree"),
];

/// How much one text may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of one text.
    pub bytes: usize,
    /// Levels of nested sequences and mappings.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 64 }
    }
}

/// What became of one text.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Parsed {
    /// One root per document; none if there is a syntax error. An empty document is [`NodeKind::Null`],
    /// an empty text has no documents.
    pub documents: Vec<Node>,
    /// Located in the source that was given.
    pub diagnostics: Vec<Diagnostic>,
    /// Every reader of YAML reads this text in the same way.
    pub is_evident: bool,
}

/// A value and its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Where it stands; empty for an omitted value.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// The kinds of values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NodeKind {
    /// Text in one of five styles; what type it has is for the reader to say.
    Scalar(Scalar),
    /// `[a, b]` or lines with `-`.
    Sequence(Vec<Node>),
    /// Keys in the order of the file, no key twice.
    Mapping(Vec<(Scalar, Node)>),
    /// An omitted value, `null` or `~`.
    Null,
    /// A value that was refused with a diagnostic of its own (a tag, an alias): say nothing more about it.
    Refused,
}

/// How a scalar is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'...'`
    SingleQuoted,
    /// `"..."`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// A scalar: its decoded text, and where each byte of it comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scalar {
    /// Decoded.
    pub text: CompactString,
    /// As written.
    pub style: Style,
    /// Quotes included; for block styles from the first to the last line of the content.
    pub span: Span,
    /// A comment on the line where a plain scalar ends: `a == 1 # c && b`.
    pub comment: Option<Span>,
    map: OffsetMap,
}

impl Scalar {
    /// A text as if it were written plainly at this place, all of it.
    pub fn plain(text: impl Into<CompactString>, at: Span) -> Self {
        let text = text.into();
        let map = OffsetMap::all_at(text.len(), at);
        Self { text, style: Style::Plain, span: at, comment: None, map }
    }

    /// The same scalar, or one with another text, at another place: all of it stands there.
    #[must_use]
    pub fn placed(&self, at: Span, text: Option<CompactString>) -> Self {
        let text = text.unwrap_or_else(|| self.text.clone());
        let map = OffsetMap::all_at(text.len(), at);
        Self { text, style: self.style, span: at, comment: None, map }
    }

    /// The place in the source of a span in the decoded text. A span over a folded line break covers the
    /// break and the indentation after it; an empty span gives an empty one.
    pub fn source_span(&self, decoded: Span) -> Span {
        self.map.source_span(decoded, self.span)
    }
}

impl Node {
    /// The scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) | NodeKind::Null | NodeKind::Refused => None,
        }
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            NodeKind::Mapping(pairs) => pairs.iter().find(|(k, _)| k.text == key).map(|(_, node)| node),
            NodeKind::Scalar(_) | NodeKind::Sequence(_) | NodeKind::Null | NodeKind::Refused => None,
        }
    }

    /// What a person calls it: `a mapping`.
    pub fn phrase(&self) -> &'static str {
        match &self.kind {
            NodeKind::Scalar(_) => "a single value",
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Null => "nothing",
            NodeKind::Refused => "a refused value",
        }
    }
}

/// Reads all documents of a text. The diagnostics are located in `source`.
pub fn parse(source: &Arc<Source>, limits: &Limits) -> Parsed {
    if let Some(documents) = evident::read(&source.text, limits) {
        return Parsed { documents, diagnostics: Vec::new(), is_evident: true };
    }
    let mut parsed = match check_text(&source.text, limits) {
        Some(diagnostic) => Parsed { diagnostics: vec![diagnostic], ..Parsed::default() },
        None => build::build(&source.text, limits),
    };
    parsed.diagnostics =
        parsed.diagnostics.into_iter().map(|diagnostic| diagnostic.in_source(source)).collect();
    parsed
}

/// Refuses what no part of a file may have.
fn check_text(text: &str, limits: &Limits) -> Option<Diagnostic> {
    if text.len() > limits.bytes {
        let message = format!("the file has {} bytes, the limit is {}", text.len(), limits.bytes);
        let help = "split it into several files";
        return Some(Diagnostic::error(codes::TOO_LARGE, message).at(Span::new(0, 0), "").help(help));
    }
    let (at, character) = text.char_indices().find(|(at, c)| is_forbidden(*c, *at))?;
    let span = Span::new(at, at + character.len_utf8());
    let message = format!("the character U+{:04X} can't stand in a file", u32::from(character));
    Some(
        Diagnostic::error(codes::CHARACTER, message)
            .at(span, "")
            .help(format!("delete it, or write `\\u{:04X}` inside double quotes", u32::from(character))),
    )
}

/// Control characters, and the three characters that are line breaks to some readers only.
fn is_forbidden(character: char, at: usize) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{feff}' => at != 0,
        '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_control(),
    }
}
