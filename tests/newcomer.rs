//! What people type who come from other tools, with everything that is said about it.
//!
//! `tests/newcomer/mistakes.txt` has blocks of `> what is typed`, `= what it should have been`, and the whole message. The first
//! ten are the typical ones. `UPDATE_CASES=1 cargo test --test newcomer` writes what comes out now; read the difference
//! before keeping it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::path::PathBuf;

use selfsame::diagnostic::{Diagnostic, Source};
use selfsame::process::expression::compile_expression;
use selfsame::report::render_diagnostics;

fn said(text: &str) -> Vec<Diagnostic> {
    let source = Source::new("<expression>", text);
    compile_expression(text).diagnostics.into_iter().map(|found| found.in_source(&source)).collect()
}

/// The parts in backquotes of every help.
fn offered(diagnostics: &[Diagnostic]) -> Vec<String> {
    let helps = diagnostics.iter().filter_map(|found| found.help.clone());
    helps.flat_map(|help| help.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_mistake_is_answered_with_its_mend() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/newcomer/mistakes.txt");
    let table = std::fs::read_to_string(&path).unwrap();
    let (mut out, mut count, mut wrong) = (String::new(), 0, Vec::new());
    for block in table.split("\n\n> ") {
        let block = block.strip_prefix("> ").unwrap_or(block);
        let mut lines = block.lines();
        let typed = lines.next().unwrap();
        let mended = lines
            .next()
            .and_then(|line| line.strip_prefix("= "))
            .unwrap_or_else(|| panic!("{typed}: no mend"));
        let found = said(typed);
        if found.is_empty() {
            wrong.push(format!("nothing is said about {typed}"));
        }
        assert!(found.iter().all(|one| one.help.is_some()), "{typed}: {found:?}");
        let left: Vec<String> =
            said(mended).into_iter().map(|one| format!("{} {:?}", one.message, one.help)).collect();
        if !left.is_empty() {
            wrong.push(format!("{mended}: {left:?}"));
        }
        // What the help offers stands in what should have been written.
        let offers = offered(&found);
        if !offers.iter().any(|offer| mended.contains(offer.as_str())) {
            wrong.push(format!("{typed}: {offers:?} is not of {mended}"));
        }
        let rendered = render_diagnostics(&found, false);
        let indented: String = rendered
            .trim_end()
            .lines()
            .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
            .collect();
        out.push_str(&format!("> {typed}\n= {mended}\n{}\n", indented.replace("\n\n", "\n    .\n")));
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 10);
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, out).unwrap();
        return;
    }
    for (number, (expected, now)) in table.trim_end().lines().zip(out.trim_end().lines()).enumerate() {
        assert_eq!(expected, now, "mistakes.txt:{}", number + 1);
    }
    assert_eq!(table.trim_end().lines().count(), out.trim_end().lines().count());
}
