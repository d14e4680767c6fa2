//! Edits as a unified diff.

use std::fmt::Write as _;

use super::edit::{Edit, apply};
use crate::diagnostic::Span;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// Lines that change, counted from 0, the end excluded, and what stands in their place.
struct Change {
    start: usize,
    end: usize,
    new: String,
}

/// The edits of a text for a person, as `diff -u` writes them; nothing without edits.
pub fn unified(name: &str, text: &str, edits: &[Edit]) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::new();
    let mut shift = 0isize;
    let changes = changes(text, &lines, edits);
    if !changes.is_empty() {
        let _ = write!(out, "--- {name}\n+++ {name} (formatted)\n");
    }
    for hunk in changes.chunk_by(|a, b| b.start.saturating_sub(a.end) <= 2 * CONTEXT) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
        let from = first.start.saturating_sub(CONTEXT);
        let to = (last.end + CONTEXT).min(lines.len());
        let grown: isize = hunk.iter().map(|c| signed(c.new.lines().count()) - signed(c.end - c.start)).sum();
        let old = to - from;
        let new = signed(old) + grown;
        let _ = writeln!(out, "@@ -{},{old} +{},{new} @@", from + 1, signed(from + 1) + shift);
        let mut at = from;
        for change in hunk {
            prefixed(" ", lines.get(at..change.start).unwrap_or_default(), &mut out);
            prefixed("-", lines.get(change.start..change.end).unwrap_or_default(), &mut out);
            prefixed("+", &change.new.split_inclusive('\n').collect::<Vec<_>>(), &mut out);
            at = change.end;
        }
        prefixed(" ", lines.get(at..to).unwrap_or_default(), &mut out);
        shift += grown;
    }
    out
}

fn signed(count: usize) -> isize {
    isize::try_from(count).unwrap_or(isize::MAX)
}

fn prefixed(sign: &str, lines: &[&str], out: &mut String) {
    for line in lines {
        let _ = writeln!(out, "{sign}{}", line.trim_end_matches(['\r', '\n']));
        if !line.ends_with('\n') {
            out.push_str("\\ No newline at end of file\n");
        }
    }
}

/// Edits that touch a common line are one change.
fn changes(text: &str, lines: &[&str], edits: &[Edit]) -> Vec<Change> {
    let mut starts = vec![0];
    starts.extend(lines.iter().scan(0, |at, line| {
        *at += line.len();
        Some(*at)
    }));
    let line_of = |at: usize| starts.partition_point(|start| *start <= at).saturating_sub(1).min(lines.len());
    let mut found: Vec<(usize, usize, Vec<Edit>)> = Vec::new();
    for edit in edits {
        let (start, end) = (line_of(edit.span.start), line_of(edit.span.end.saturating_sub(1)) + 1);
        match found.last_mut().filter(|last| start < last.1) {
            Some(last) => {
                last.1 = last.1.max(end);
                last.2.push(edit.clone());
            }
            None => found.push((start, end.max(start + 1), vec![edit.clone()])),
        }
    }
    let change = |(start, end, edits): (usize, usize, Vec<Edit>)| {
        let from = starts.get(start).copied().unwrap_or(text.len());
        let to = starts.get(end).copied().unwrap_or(text.len());
        let moved: Vec<Edit> = edits
            .into_iter()
            .map(|edit| Edit {
                span: Span::new(edit.span.start.saturating_sub(from), edit.span.end.saturating_sub(from)),
                text: edit.text,
            })
            .collect();
        let new = apply(text.get(from..to).unwrap_or_default(), &moved);
        trimmed(lines, Change { start, end, new })
    };
    found.into_iter().map(change).collect()
}

/// Without the lines at both ends that stay.
fn trimmed(lines: &[&str], change: Change) -> Change {
    let Change { mut start, mut end, new } = change;
    let mut new: &str = &new;
    while let Some(rest) = lines.get(start).and_then(|line| new.strip_prefix(line)).filter(|_| start < end) {
        new = rest;
        start += 1;
    }
    while let Some(rest) = lines.get(end.saturating_sub(1)).and_then(|line| new.strip_suffix(line)) {
        if start >= end || !(rest.is_empty() || rest.ends_with('\n')) {
            break;
        }
        new = rest;
        end -= 1;
    }
    Change { start, end, new: new.to_owned() }
}
