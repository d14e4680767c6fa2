//! What fuzzing begins with: the committed corpus, the case files of the tests, and words for the dictionaries.

#![allow(clippy::disallowed_methods, reason = "the corpus is files")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use selfsame::lang::CORE_FUNCTIONS;
use selfsame::lang::ast::CompareOp;
use selfsame::process::declarations;
use selfsame::process::expression::variables;
use selfsame::spec::table::TABLES;

use super::staged::HOST;

const SYNTAX: &str = include_str!("../../tests/language/syntax.txt");
const DOCUMENTS: [&str; 3] = [
    include_str!("../../tests/specs_cases/cases/envelope.txt"),
    include_str!("../../tests/specs_cases/cases/fields.txt"),
    include_str!("../../tests/specs_cases/cases/yaml.txt"),
];
const IMPORTS: [(&str, &str); 7] = [
    ("import_init", include_str!("../../tests/import/cases/init.txt")),
    ("import_command", include_str!("../../tests/import/cases/start-stop-daemon.txt")),
    ("import_systemd", include_str!("../../tests/import/cases/systemd.txt")),
    ("import_supervisord", include_str!("../../tests/import/cases/supervisord.txt")),
    ("import_servicedir", include_str!("../../tests/import/cases/servicedir.txt")),
    ("import_monit", include_str!("../../tests/import/cases/monit.txt")),
    ("import_procfile", include_str!("../../tests/import/cases/procfile.txt")),
];
const ENVELOPE: &str =
    "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: shop}\nspec:\n  startas: /srv/shop\n";

/// A name for messages and file names, and the input.
pub type Seed = (String, Vec<u8>);

/// Writes what a target begins with, if it is said where: `seeds/*` and `dictionary`. Targets call it before the fuzzer
/// reads either, so that both are always those of the present grammar and tests.
pub fn write(target: &str, place: Option<OsString>) {
    let Some(place) = place.map(PathBuf::from) else { return };
    fs::create_dir_all(place.join("seeds")).expect("the directory can be made");
    for (name, bytes) in of(target) {
        fs::write(place.join("seeds").join(name), bytes).expect("a seed can be written");
    }
    fs::write(place.join("dictionary"), dictionary(target)).expect("the dictionary can be written");
}

/// Everything that a target begins with.
pub fn of(target: &str) -> Vec<Seed> {
    let mut seeds = committed(target);
    seeds.extend(match target {
        "expression" => expressions(),
        "document" => documents(),
        target if target.starts_with("import_") => imports(target),
        "snapshot" => vec![("host.yaml".to_owned(), HOST.as_bytes().to_vec())],
        _ => Vec::new(),
    });
    seeds
}

/// The files below `fuzz/corpus`: small and real ones, and what once broke a promise.
pub fn committed(target: &str) -> Vec<Seed> {
    let mut paths: Vec<PathBuf> = fs::read_dir(corpus().join(target))
        .expect("every target has a corpus")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    paths.sort();
    let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (named(path), fs::read(path).expect("it can be read"))).collect()
}

fn corpus() -> PathBuf {
    // The tests of selfsame and the crate of the targets both come here.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    if env!("CARGO_PKG_NAME") == "selfsame-fuzz" { here.join("corpus") } else { here.join("fuzz/corpus") }
}

/// The expressions of the table of syntax, right and wrong ones, and every example of the reference.
fn expressions() -> Vec<Seed> {
    let declared = declarations();
    let examples = declared.fields.iter().map(|field| field.example.as_ref());
    let examples = examples.chain(declared.functions.iter().map(|function| function.example.as_ref()));
    let core = CORE_FUNCTIONS.iter().map(|function| function.form);
    let examples = examples.chain(core).map(str::to_owned);
    let blocks = SYNTAX
        .split("\n\n")
        .map(|block| block.lines().filter_map(|line| line.strip_prefix("> ")).collect::<Vec<_>>().join("\n"));
    let all: BTreeSet<String> = blocks.chain(examples).filter(|text| !text.is_empty()).collect();
    numbered("case", all.into_iter().map(String::into_bytes))
}

/// The documents of the case files.
fn documents() -> Vec<Seed> {
    let mut texts = BTreeSet::new();
    for file in DOCUMENTS {
        for case in file.split("#### ").skip(1) {
            let Some((title, rest)) = case.split_once('\n') else { continue };
            let input = rest.split("####").next().unwrap_or_default();
            let indented = || input.split_inclusive('\n').flat_map(|line| ["  ", line]).collect::<String>();
            texts.insert(if title.starts_with("spec:") {
                format!("{ENVELOPE}{}", indented())
            } else {
                input.to_owned()
            });
        }
    }
    numbered("case", texts.into_iter().map(String::into_bytes))
}

/// The first file of each case, and command lines.
fn imports(target: &str) -> Vec<Seed> {
    let texts =
        IMPORTS.iter().filter(|(name, _)| *name == target).flat_map(|(_, text)| text.split("\n==== "));
    let source = |case: &str| {
        let words = case.lines().find_map(|line| line.strip_prefix("@ words ")).map(str::to_owned);
        let file = || {
            let rest = case.split(">>\n").next()?.split("\n-- ").nth(1)?;
            rest.split_once('\n').map(|(_, text)| text.to_owned())
        };
        words.or_else(file)
    };
    numbered("case", texts.filter_map(source).map(String::into_bytes))
}

fn numbered(what: &str, inputs: impl Iterator<Item = Vec<u8>>) -> Vec<Seed> {
    inputs.enumerate().map(|(number, input)| (format!("{what}-{number:04}"), input)).collect()
}

/// The tokens of the grammar that have no declaration.
const TOKENS: &[&str] = &[
    "&&",
    "||",
    "!",
    "not ",
    "and",
    "or",
    "(",
    ")",
    "[",
    "]",
    "[-1]",
    ",",
    "..",
    "..=",
    "=>",
    "x => ",
    "??",
    "+",
    "-",
    "true",
    "false",
    "r\"",
    "r#\"",
    "\"",
    "\\x",
    "\\u{",
    "${",
    "0x1f",
    "0o17",
    "1_000",
    "1.5GiB",
    "64KiB",
    "10MB",
    "250ms",
    "1h30m",
    "7d",
    "80%",
    "10.0.0.0/8",
    "::1",
    "@2026-01-02T03:04:05Z",
    "(?i)",
    "#",
    "/**",
    "'",
];

/// The words of a target's inputs, as libFuzzer reads them.
pub fn dictionary(target: &str) -> String {
    let words: BTreeSet<String> = match target {
        "expression" => expression_words(),
        "document" => document_words().chain(expression_words()).collect(),
        "shebang" => {
            ["#!", "/usr/bin/env", " -S", "-i", "-u", "-C", "\\_", "\\c", "${PATH}", "PATH=", "enabled\n"]
                .map(str::to_owned)
                .into()
        }
        "cmdline" => ["-c", "-e", "-m", "--", "-jar", "--port=", "--port", "/srv/app/a.py", "\0"]
            .map(str::to_owned)
            .into(),
        // The keys of these stand in their seeds.
        _ => of(target).iter().flat_map(|(_, seed)| words_of(&String::from_utf8_lossy(seed))).collect(),
    };
    words.iter().filter(|word| word.len() < 64).map(|word| format!("{}\n", quoted(word))).collect()
}

fn expression_words() -> BTreeSet<String> {
    let declared = declarations();
    let fields = declared.fields.iter().map(|field| field.name.to_string());
    let functions = declared.functions.iter().map(|function| format!("{}(", function.name));
    let core = CORE_FUNCTIONS.iter().map(|function| format!("{}(", function.name));
    let enums = declared.enums.iter().flat_map(|of| of.words.iter().map(|word| (*word).to_owned()));
    let operators = CompareOp::ALL.map(|op| format!(" {} ", op.symbol()));
    let tokens = TOKENS.iter().map(|token| (*token).to_owned());
    let variables = variables();
    let names = fields.chain(functions).chain(core).chain(enums).chain(variables.keys().cloned());
    names.chain(operators).chain(tokens).collect()
}

fn document_words() -> impl Iterator<Item = String> {
    let keys = TABLES.iter().flat_map(|table| table.fields.iter().map(|field| format!("{}: ", field.name)));
    let tokens = [
        "---\n",
        "|\n",
        ">-\n",
        "!!str ",
        "&a ",
        "*a",
        "<<: ",
        "? ",
        "- ",
        "'",
        "\"",
        " #",
        "\r\n",
        "%YAML 1.2\n",
    ];
    keys.chain(tokens.map(str::to_owned))
}

fn words_of(text: &str) -> BTreeSet<String> {
    let inside = |c: char| c.is_ascii_alphanumeric() || "_./*\"".contains(c);
    text.split(|c: char| !inside(c)).filter(|word| word.len() > 2).map(str::to_owned).collect()
}

/// `\xHH` for whatever is not plain.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for byte in word.bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("\\x{other:02X}")),
        }
    }
    text.push('"');
    text
}
