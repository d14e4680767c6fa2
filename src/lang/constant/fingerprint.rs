//! Bytes that are the same for nodes of the same meaning, wherever they are written.

use std::io::Write as _;

use crate::lang::ir::{Access, By, Kind, Node};
use crate::lang::value::Value;

/// The fingerprint of a node.
pub(in crate::lang) fn fingerprint(node: &Node) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    write(node, &mut bytes);
    bytes
}

/// Every form begins with a sign of its own, so that no two of them can look alike.
fn write(node: &Node, out: &mut Vec<u8>) {
    let node = node.bare();
    // Writing into memory does not fail.
    let _ = match &node.kind {
        Kind::Const(Value::String(text)) => text_of(b's', text, out),
        Kind::Const(Value::Path(text)) => text_of(b'/', text, out),
        Kind::Const(value) => write!(out, "={value:?}"),
        Kind::Nothing => out.write_all(b"0"),
        Kind::Unknown(reason) => write!(out, "?{reason:?}"),
        Kind::Variable(name) => text_of(b'$', name.as_bytes(), out),
        Kind::Interpolated(_) => out.write_all(b"\""),
        Kind::List(_) => out.write_all(b"["),
        Kind::Range { low, high, inclusive } => {
            write!(out, "~{}{}{inclusive}", low.is_some(), high.is_some())
        }
        Kind::Candidate => out.write_all(b"c"),
        Kind::Element(slot) => write!(out, "x{slot}"),
        Kind::Field { field, .. } => access(b'f', field, out),
        Kind::Entry { field, .. } => access(b'e', field, out),
        Kind::Index { .. } => out.write_all(b"i"),
        Kind::Call { function, .. } => access(b'k', function, out),
        Kind::Builtin(builtin, _) => write!(out, "b{builtin:?}"),
        Kind::MatchesAny { patterns, .. } => write!(out, "m{:?}", patterns.patterns()),
        Kind::Quantifier { quantifier, slot, .. } => write!(out, "q{quantifier:?}{slot}"),
        Kind::Not(_) => out.write_all(b"!"),
        Kind::And(_) => out.write_all(b"&"),
        Kind::Or(_) => out.write_all(b"|"),
        Kind::Compare { op, by, .. } => match by {
            By::Core => write!(out, "o{}", op.symbol()),
            By::Vocabulary { vocabulary, operation, swapped, .. } => {
                write!(out, "v{}{vocabulary}{operation:?}{swapped}", op.symbol())
            }
        },
        Kind::Regex { regex, .. } => text_of(b'r', regex.as_str().as_bytes(), out),
        Kind::Glob { glob, .. } => text_of(b'g', glob.glob().glob().as_bytes(), out),
        Kind::Member { set, .. } => write!(out, "S{set:?}"),
        Kind::Default { .. } => out.write_all(b"d"),
        Kind::Arithmetic { op, .. } => write!(out, "a{op:?}"),
        Kind::Convert { to, .. } => write!(out, "t{to}"),
        Kind::ToPath(_) => out.write_all(b"p"),
        // Seen through.
        Kind::Named { .. } | Kind::Argument { .. } => Ok(()),
        Kind::Text { .. } => out.write_all(b"w"),
    };
    out.push(b'(');
    for child in node.children() {
        write(child, out);
        out.push(b',');
    }
    out.push(b')');
}

/// With its length, so that no text can end a part.
fn text_of(sign: u8, text: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    write!(out, "{}{}:", char::from(sign), text.len())?;
    out.write_all(text)
}

fn access(sign: u8, access: &Access, out: &mut Vec<u8>) -> std::io::Result<()> {
    write!(out, "{}{}.{}", char::from(sign), access.id.vocabulary, access.id.index)
}
