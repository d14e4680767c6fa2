//! The grammar for editors and the grammar that the program reads with, over the same cases.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use selfsame::lang::parse;
use selfsame::process::expression;
use tree_sitter::{Parser, Query, QueryCursor, StreamingIterator as _, Tree};

fn tree(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_selfsame::LANGUAGE.into()).unwrap();
    parser.parse(text, None).unwrap()
}

/// Every expression of the tables of the language.
fn cases() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let table = fs::read_to_string(entry.unwrap().path()).unwrap();
        for block in table.split("\n\n") {
            let lines: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("> ")).collect();
            if !lines.is_empty() {
                found.insert(lines.join("\n"));
            }
        }
    }
    found
}

fn is_good(text: &str) -> bool {
    let parsed = parse(text);
    parsed.expr.is_some() && parsed.diagnostics.is_empty()
}

#[test]
fn what_the_program_accepts_has_no_error() {
    let mut count = 0;
    for text in cases().into_iter().filter(|text| is_good(text)) {
        let tree = tree(&text);
        assert!(!tree.root_node().has_error(), "{text}\n{}", tree.root_node().to_sexp());
        // Nor has its canonical spelling.
        let printed = parse(&text).expr.unwrap().to_string();
        assert!(!self::tree(&printed).root_node().has_error(), "{printed}");
        count += 1;
    }
    assert!(count > 400, "{count}");
}

#[test]
fn examples_of_all_fields_and_functions_have_no_error() {
    let schema = expression::schema();
    let mut count = 0;
    for declarations in schema.vocabularies() {
        let fields = declarations.fields.iter().map(|field| &field.example);
        for example in fields.chain(declarations.functions.iter().map(|function| &function.example)) {
            assert!(!tree(example).root_node().has_error(), "{example}");
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

/// Codes of mistakes that a grammar for editors leaves to the language server: they are about the inside of a
/// literal, about limits, or about habits that have the form of an expression.
const NOT_OF_THE_GRAMMAR: &[&str] = &["M107", "M108", "M115", "M315", "M316"];

/// A habit that has the form of an expression: `NOT` is a name to the grammar for editors.
const NAMES_BY_HABIT: &[&str] = &["NOT-a == 1", "NOT(kernel_thread)", "exe == NOT(\"x\")"];

#[test]
fn what_the_program_rejects_for_its_form_is_an_error() {
    let mut passed = Vec::new();
    let mut errors = 0;
    for text in cases().into_iter().filter(|text| !is_good(text)) {
        let codes: BTreeSet<&str> = parse(&text).diagnostics.iter().map(|d| d.code.0).collect();
        if tree(&text).root_node().has_error() {
            errors += 1;
        } else if !NAMES_BY_HABIT.contains(&text.as_str())
            && !codes.iter().all(|code| NOT_OF_THE_GRAMMAR.contains(code))
        {
            passed.push(format!("{codes:?} {text}"));
        }
    }
    assert!(passed.is_empty(), "{}", passed.join("\n"));
    assert!(errors > 60, "{errors}");
}

#[test]
fn words_get_their_colours() {
    let language = tree_sitter_selfsame::LANGUAGE.into();
    let query = Query::new(&language, tree_sitter_selfsame::HIGHLIGHTS_QUERY).unwrap();
    let text =
        "any(ancestors, a => a.comm == \"${x}\\n\") and exe.path !~ r\"a\" # why\n&& user not in @admins";
    let tree = tree(text);
    assert!(!tree.root_node().has_error(), "{}", tree.root_node().to_sexp());
    let mut cursor = QueryCursor::new();
    let mut found = BTreeSet::new();
    let mut matches = cursor.captures(&query, tree.root_node(), text.as_bytes());
    while let Some((found_match, index)) = matches.next() {
        let capture = found_match.captures()[*index];
        let name = query.capture_names()[capture.index as usize];
        found.insert((text[capture.node.byte_range()].to_owned(), name));
    }
    for (word, colour) in [
        ("any", "function"),
        ("a", "variable.parameter"),
        ("comm", "property"),
        ("\\n", "string.escape"),
        ("and", "keyword.operator"),
        ("!~", "operator"),
        ("r\"a\"", "string"),
        ("# why", "comment"),
        ("not in", "operator"),
        ("@admins", "constant"),
    ] {
        assert!(found.contains(&(word.to_owned(), colour)), "{word} as {colour}: {found:?}");
    }
}
