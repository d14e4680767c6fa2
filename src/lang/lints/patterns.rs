//! W132: a pattern in a place where texts are compared as they are.

use crate::diagnostic::Diagnostic;
use crate::lang::ast::CompareOp;
use crate::lang::codes;
use crate::lang::core;
use crate::lang::ir::{Kind, Node};
use crate::lang::print::quote;

/// Every `==` with a glob or regular expression as its text.
pub(super) fn find(root: &Node, source: &str, found: &mut Vec<Diagnostic>) {
    root.walk_trail(&mut |node, trail| {
        // What is so whatever the arguments are was said where the definition is.
        if trail.is_inside() && !node.has_argument() {
            return;
        }
        if let Kind::Glob { glob, .. } = &node.kind
            && let Some(glob) = percent(glob.glob().glob())
        {
            let said = Diagnostic::warning(
                codes::PATTERN_COMPARED,
                "`like` is a glob: `*` stands for any text, and `%` only for itself",
            )
            .help(format!("write `{}`", quote(glob.as_bytes())));
            found.push(trail.at(said, node.span, "no wildcard in it"));
        }
        let Kind::Compare { op: CompareOp::Equal, left, right, .. } = &node.kind else { return };
        let (subject, text) = match (text_of(left), text_of(right)) {
            (None, Some(text)) => (left, text),
            (Some(text), None) => (right, text),
            _ => return,
        };
        let Some(operator) = pattern(text) else { return };
        let name = trail.text(source, subject.span);
        let quoted =
            if operator == "=~" { format!("r{}", quote(text).replace("\\\\", "\\")) } else { quote(text) };
        let symbol = operator;
        let said = Diagnostic::warning(
            codes::PATTERN_COMPARED,
            "`==` compares texts as they are, and this one looks like a pattern",
        )
        .help(format!("write `{name} {symbol} {quoted}`"));
        found.push(trail.at(said, node.span, "no pattern here"));
    });
}

/// A pattern of SQL as a glob.
fn percent(glob: &str) -> Option<String> {
    let sql = glob.contains('%') && !glob.contains(['*', '?', '[', '{']);
    sql.then(|| glob.replace('%', "*"))
}

fn text_of(node: &Node) -> Option<&[u8]> {
    match &node.bare().kind {
        Kind::Const(value) => core::bytes(value),
        Kind::Convert { value, .. } | Kind::ToPath(value) => text_of(value),
        _ => None,
    }
}

/// The operator that a text seems to be meant for.
fn pattern(text: &[u8]) -> Option<&'static str> {
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    if has(b".*") || has(b"\\d") || (text.starts_with(b"^") && text.ends_with(b"$") && text.len() > 2) {
        return Some("=~");
    }
    // A lone star is a word of its own: an address, a list of everything.
    (text.len() > 1 && text.contains(&b'*')).then_some("like")
}
