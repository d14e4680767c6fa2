//! The reference of documents is the generated one, and `help` finds its fields.

use std::path::PathBuf;

use selfsame::report::documents;

use super::support::Bench;

#[test]
fn the_reference_of_documents_in_the_tree_is_the_generated_one() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/documents.md");
    let generated = format!(
        "<!-- Generated from the tables of fields: UPDATE_CASES=1 cargo test --test reference -->\n\n{}",
        documents()
    );
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, generated).unwrap();
        return;
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stands == generated,
        "docs/documents.md is stale; write it anew with `UPDATE_CASES=1 cargo test --test reference`"
    );
}

#[test]
fn help_shows_a_kind_a_field_and_what_was_meant() {
    let bench = Bench::new();
    let kind = bench.ok(&["help", "Service"]).stdout;
    for expected in ["`startas`", "### readiness", "### stop.schedule", "- `observed`: look and report"] {
        assert!(kind.contains(expected), "{expected} in {kind}");
    }
    let field = bench.ok(&["help", "Service", "restart.backoff"]).stdout;
    assert!(field.contains("takes a duration; default 1s; a change: live"), "{field}");
    assert_eq!(field, bench.ok(&["help", "Service", "spec.restart", "backoff"]).stdout);
    let missed = bench.run(&["help", "Service", "redyness"]);
    assert_eq!(missed.code, 64);
    assert!(missed.stderr.contains("did you mean `readiness`?"), "{}", missed.stderr);
}
