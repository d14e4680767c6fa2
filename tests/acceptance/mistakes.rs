//! Mistakes people make: code, place (line:column-endColumn), and what the help says.

use selfsame::diagnostic::Source;
use selfsame::process::expression::compile_expression;
use selfsame::report::diagnostic_rows;

/// `CODE line:column-end` of every error, and all helps.
fn said(text: &str) -> (Vec<String>, String) {
    let source = Source::new("<expression>", text);
    let compiled = compile_expression(text);
    let all: Vec<_> = compiled.diagnostics.into_iter().map(|d| d.in_source(&source)).collect();
    let errors: Vec<_> = all.into_iter().filter(selfsame::diagnostic::Diagnostic::is_error).collect();
    assert_eq!(compiled.predicate.is_some(), errors.is_empty(), "{text}");
    let json = serde_json::to_value(diagnostic_rows(&errors)).unwrap();
    let rows = json.as_array().unwrap();
    let place = |row: &serde_json::Value| {
        format!("{} {}:{}-{}", row["code"].as_str().unwrap(), row["line"], row["column"], row["endColumn"])
    };
    let help = rows.iter().map(|row| format!("{} | {}", row["message"], row["help"])).collect::<Vec<_>>();
    (rows.iter().map(place).collect(), help.join("\n").replace("\\\"", "\""))
}

const ROWS: &[(&str, &str, &str)] = &include!("mistakes.in");

#[test]
fn mistakes_are_named_where_they_stand() {
    let mut wrong = Vec::new();
    for (text, places, help) in ROWS {
        let (got, helps) = said(text);
        if got.join(" ") != *places || !helps.contains(help) {
            wrong.push(format!("{text}\n    wanted {places} {help}\n    got    {} {helps}", got.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ROWS.len(), wrong.join("\n"));
}
