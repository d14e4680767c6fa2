//! Tables in `tests/language/`: blocks of `> expression`, `@ facts`, and what comes out.
//!
//! `UPDATE_CASES=1 cargo test --lib cases` writes what comes out now; read the difference before keeping it.

#![allow(clippy::disallowed_methods, reason = "tests read and write their tables")]

use std::fmt::Write as _;
use std::path::PathBuf;

use super::toy;
use crate::diagnostic::{Diagnostic, Label, Source};
use crate::lang::{Verdict, Vocabularies, compile, parse};

/// Runs every block of a table through `answer` and compares.
#[track_caller]
fn check(file: &str, answer: impl Fn(&str, &str) -> String) {
    check_with(file, |_, text, facts| answer(text, facts));
}

/// The same with the definitions (`& name(parameters) = condition`) of each block.
#[track_caller]
fn check_with(file: &str, answer: impl Fn(&[&str], &str, &str) -> String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/language").join(file);
    let table = std::fs::read_to_string(&path).expect("the table is readable");
    let mut out = String::new();
    for block in table.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let line = |mark: &'static str| block.lines().filter_map(move |line| line.strip_prefix(mark));
        let comments: Vec<&str> = block.lines().filter(|line| line.starts_with("// ")).collect();
        let expression: Vec<&str> = line("> ").collect();
        let facts: Vec<&str> = line("@ ").collect();
        let definitions: Vec<&str> = line("& ").collect();
        for (mark, lines) in [("", &comments), ("& ", &definitions), ("> ", &expression), ("@ ", &facts)] {
            for text in lines {
                writeln!(out, "{mark}{text}").expect("a string");
            }
        }
        if !expression.is_empty() {
            out.push_str(&answer(&definitions, &expression.join("\n"), &facts.join("; ")));
        }
        out.push('\n');
    }
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, out).expect("the table is writable");
        return;
    }
    let first = table.trim_end().lines().zip(out.trim_end().lines()).enumerate().find(|(_, (a, b))| a != b);
    if let Some((number, (expected, found))) = first {
        panic!("{file}:{}\nexpected {expected}\nfound    {found}", number + 1);
    }
    assert_eq!(table.trim_end().lines().count(), out.trim_end().lines().count(), "{file}: length");
}

fn rendered(text: &str, diagnostics: &[Diagnostic]) -> String {
    let source = Source::new("case", text);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let span = diagnostic.span().unwrap_or_default();
        assert!(span.end <= text.len(), "{diagnostic:?}");
        let (line, column) = source.position(span.start);
        let caret = text.get(span.start..span.end).expect("on characters").replace('\n', "⏎");
        let help = diagnostic.help.as_deref().unwrap_or("no help");
        let code = diagnostic.code.0;
        writeln!(out, "! {code} {line}:{column} `{caret}` {} / {help}", diagnostic.message)
            .expect("a string");
    }
    out
}

#[test]
fn syntax_is_printed_canonically_or_reported() {
    check("syntax.txt", |text, _| {
        let parsed = parse(text);
        match &parsed.expr {
            Some(expr) if parsed.diagnostics.is_empty() => format!("= {expr}\n"),
            _ => rendered(text, &parsed.diagnostics),
        }
    });
}

#[test]
fn names_and_types_are_checked() {
    let (schema, scope) = (toy::schema(), toy::scope());
    check("types.txt", |text, _| {
        let compiled = compile(text, &schema, &scope);
        let ok = if compiled.predicate.is_some() { "= usable\n" } else { "" };
        format!("{ok}{}", rendered(text, &compiled.diagnostics))
    });
}

fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Match => "true".to_owned(),
        Verdict::NoMatch => "false".to_owned(),
        Verdict::Unknown(missing) => {
            let all: Vec<String> = missing.iter().map(ToString::to_string).collect();
            format!("unknown: {}", all.join(", "))
        }
    }
}

#[test]
fn values_follow_from_facts() {
    let (schema, scope) = (toy::schema(), toy::scope());
    check("values.txt", |text, facts| {
        let compiled = compile(text, &schema, &scope);
        let Some(predicate) = compiled.predicate else {
            return rendered(text, &compiled.diagnostics);
        };
        let toy = toy::Toy::new();
        let facts_of = Vocabularies(vec![&toy]);
        let bound = predicate.bind(&toy::bindings(), &facts_of);
        let candidate = toy::thing(facts);
        let verdict = bound.matcher.eval(&candidate, &facts_of);
        let explanation = bound.matcher.explain(&candidate, &facts_of);
        assert_eq!(explanation.verdict(), verdict, "explanation of {text}");
        let gone = if verdict.is_gone() { " (gone)" } else { "" };
        format!("= {}{gone}\n{}", shown(&verdict), rendered(text, &bound.diagnostics))
    });
}

/// Code, definition that it is about, message, help, and all places: those in definitions begin with their names.
#[test]
fn definitions_are_checked_and_used() {
    let schema = toy::schema();
    check_with("definitions.txt", |lines, text, facts| {
        let (scope, said) = toy::scope_with(lines);
        let mut out = String::new();
        for (_, diagnostic) in &said {
            out.push_str(&with_places(diagnostic.source.as_deref().map_or("", |s| &*s.text), diagnostic));
        }
        let compiled = compile(text, &schema, &scope);
        for diagnostic in &compiled.diagnostics {
            out.push_str(&with_places(text, diagnostic));
        }
        let Some(predicate) = compiled.predicate else { return out };
        let toy = toy::Toy::new();
        let facts_of = Vocabularies(vec![&toy]);
        let bound = predicate.bind(&toy::bindings(), &facts_of);
        for diagnostic in &bound.diagnostics {
            out.push_str(&with_places(text, diagnostic));
        }
        let candidate = toy::thing(facts);
        let verdict = bound.matcher.eval(&candidate, &facts_of);
        let explanation = bound.matcher.explain(&candidate, &facts_of);
        assert_eq!(explanation.verdict(), verdict, "explanation of {text}");
        writeln!(out, "= {}", shown(&verdict)).expect("a string");
        out
    });
}

fn with_places(own: &str, diagnostic: &Diagnostic) -> String {
    let place = |label: &Label| {
        let (name, text) = label.source.as_deref().map_or(("", own), |source| (&source.name, &source.text));
        let name = if name.is_empty() { String::new() } else { format!("{name} ") };
        format!(
            "{name}`{}` {}",
            text.get(label.span.start..label.span.end).expect("on characters"),
            label.text
        )
    };
    let places: Vec<String> = diagnostic.labels.iter().map(place).collect();
    let source = diagnostic.source.as_deref().map_or(String::new(), |source| format!("{} ", source.name));
    let help = diagnostic.help.as_deref().unwrap_or("no help");
    format!("! {} {source}{} / {help} / {}\n", diagnostic.code.0, diagnostic.message, places.join(" <- "))
}
