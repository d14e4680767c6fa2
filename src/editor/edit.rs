//! Replacements in a text.

use crate::diagnostic::Span;

/// One replacement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What goes, in bytes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// The text after these edits, which are in order and do not overlap. One that does not fit is passed over.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let (Some(before), true) = (text.get(at..edit.span.start), text.is_char_boundary(edit.span.end))
        else {
            continue;
        };
        out.push_str(before);
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
