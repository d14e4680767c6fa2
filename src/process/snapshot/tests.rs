//! Snapshots as texts, and what they answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::format_push_string,
    clippy::format_collect,
    clippy::single_match_else,
    reason = "tests"
)]

mod answers;
mod bad;
mod keys;
mod round_trip;

use std::sync::Arc;

use super::Snapshot;
use crate::diagnostic::Source;

/// The example that tests share.
const HOST: &str = include_str!("../../../tests/snapshots/host.yaml");

#[track_caller]
fn parse(text: &str) -> Snapshot {
    match Snapshot::parse(&Source::new("host.yaml", text)) {
        Ok(snapshot) => snapshot,
        Err(diagnostics) => panic!("{text}\n{}", shown(&diagnostics)),
    }
}

/// `line:column code message / help`, one per line.
fn shown(diagnostics: &[crate::diagnostic::Diagnostic]) -> String {
    let line = |d: &crate::diagnostic::Diagnostic| {
        let source = d.source.as_ref().map_or_else(|| Source::new("", ""), Arc::clone);
        let (line, column) = source.position(d.span().map_or(0, |span| span.start));
        format!("{line}:{column} {} {} / {}", d.code.0, d.message, d.help.as_deref().unwrap_or(""))
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}
