//! The reference of the language is complete, fresh and true.

use std::path::PathBuf;

use selfsame::cli::registered_codes;
use selfsame::lang::ast::CompareOp;
use selfsame::lang::ir::Quantifier;
use selfsame::process::expression::{compile_expression, schema};
use selfsame::report::{REFERENCE_HEAD, reference};

use super::support::Bench;

#[test]
fn the_reference_in_the_tree_is_the_generated_one() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("grammar/reference.md");
    let generated = format!(
        "<!-- Generated from grammar/reference.head.md and the declarations: UPDATE_CASES=1 cargo test --test reference -->\n\n{}",
        reference(schema(), &registered_codes())
    );
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, generated).unwrap();
        return;
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    let line = stands.lines().zip(generated.lines()).position(|(a, b)| a != b);
    assert!(
        stands == generated,
        "grammar/reference.md is stale from line {:?} on; write it anew with `UPDATE_CASES=1 cargo test --test reference`",
        line.map_or_else(|| stands.lines().count() + 1, |line| line + 1)
    );
}

/// The lines of all fenced `match` blocks.
fn examples(text: &str) -> Vec<&str> {
    let blocks = text.split("```match\n").skip(1).map(|block| block.split("```").next().unwrap_or_default());
    blocks.flat_map(str::lines).filter(|line| !line.is_empty()).collect()
}

#[test]
fn every_example_of_the_introduction_is_free_of_remarks() {
    let all = examples(REFERENCE_HEAD);
    assert!(all.len() > 20, "{all:?}");
    for example in all {
        let said: Vec<String> = compile_expression(example)
            .diagnostics
            .into_iter()
            .filter(|found| {
                !(example == "exe == interpreter(startas) && user == \"www-data\"" && found.code.0 == "W101")
            })
            .map(|found| format!("{} {}", found.code.0, found.message))
            .collect();
        assert!(said.is_empty(), "{example}: {said:?}");
    }
}

#[test]
fn every_example_of_a_declaration_is_a_condition() {
    let fields = schema().vocabularies().iter().flat_map(|v| v.fields.iter().map(|f| (&f.name, &f.example)));
    let functions = schema().functions().map(|(_, f)| (&f.name, &f.example));
    for (name, example) in fields.chain(functions) {
        let compiled = compile_expression(example);
        assert!(compiled.predicate.is_some(), "{name}: {example}: {:?}", compiled.diagnostics);
        let constant = compiled.diagnostics.iter().find(|found| found.code.0 == "W106");
        assert!(constant.is_none(), "{name}: {example}: {constant:?}");
        let bare = name.trim_end_matches("[]");
        assert!(example.contains(bare.rsplit('.').next().unwrap()), "{name}: {example} shows something else");
    }
}

#[test]
fn everything_that_can_be_written_is_in_the_reference() {
    let text = reference(schema(), &registered_codes());
    let vocabularies = schema().vocabularies().iter();
    let mut names: Vec<String> = vocabularies
        .flat_map(|v| v.fields.iter().map(|f| f.name.trim_end_matches("[]").to_owned()))
        .collect();
    names.extend(schema().functions().map(|(_, f)| format!("{}(", f.name)));
    names.extend(schema().enumerations().flat_map(|e| e.words.iter().map(|word| (*word).to_owned())));
    names.extend(CompareOp::ALL.into_iter().map(|op| format!("`{}`", op.symbol())));
    names.extend(Quantifier::ALL.into_iter().map(|(_, name)| format!("`{name}(")));
    names.extend(registered_codes().into_iter().map(|(code, _)| format!("| {} |", code.0)));
    for name in names {
        assert!(text.contains(&name), "`{name}` is not in the reference");
    }
}

#[test]
fn help_shows_the_reference_and_any_word_of_it() {
    let bench = Bench::new();
    let whole = bench.ok(&["help", "match"]).stdout;
    assert_eq!(whole.trim_end(), reference(schema(), &registered_codes()).trim_end());
    for (word, shows) in [
        ("exe", "exe: file of a process"),
        ("exe.path", "exe"),
        ("env", "env[\"KEY\"]: string of a process"),
        ("runs", "runs(path: path): bool"),
        ("pidfile", "pidfile(path: path, locked: bool = false): bool"),
        ("any", "any(xs, x => p)"),
        ("state", "sleeping"),
        ("zombie", "sleeping"),
        ("operators", "Loosest first"),
        ("refuses", "A programming language"),
        ("cost", "| class |"),
    ] {
        let ran = bench.ok(&["help", "match", word]);
        assert!(ran.stdout.contains(shows), "{word}: {ran:?}");
        assert!(ran.stdout.len() < whole.len() / 2, "{word} shows only its part");
    }
    let ran = bench.run(&["help", "match", "usr"]);
    assert_eq!((ran.code, ran.stderr.contains("did you mean `user`?")), (64, true), "{ran:?}");
}

#[test]
fn help_knows_every_verb() {
    let bench = Bench::new();
    assert!(bench.ok(&["help"]).stdout.contains("Usage: selfsame"));
    for verb in selfsame::cli::command().get_subcommands().map(|verb| verb.get_name().to_owned()) {
        if verb != "match" {
            let shown = bench.ok(&["help", &verb]).stdout;
            assert!(shown.contains(&format!("Usage: selfsame {verb}")), "{verb}: {shown}");
        }
    }
    let ran = bench.run(&["help", "chekc"]);
    assert_eq!((ran.code, ran.stderr.contains("did you mean `check`?")), (64, true), "{ran:?}");
}
