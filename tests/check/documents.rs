//! What the project itself shows people: README, `specs/` and `examples/` load as they stand.

use std::path::{Path, PathBuf};

use super::support::Bench;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_spec_directories_load() {
    let bench = Bench::new();
    for directory in ["specs", "examples/specs-more"] {
        let path = project(directory);
        let ran = bench.run(&["check", &path.to_string_lossy()]);
        assert_eq!(ran.code, 0, "{directory}: {ran:?}");
    }
    let ran = bench.run(&["check", "--strict", &project("specs").to_string_lossy()]);
    assert_eq!(ran.code, 0, "no warnings in the first directory that people see: {ran:?}");
}

/// The fenced blocks of this kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == format!("```{kind}") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            found.push(block.join("\n") + "\n");
        }
    }
    found
}

#[test]
fn the_yaml_of_the_readme_loads() {
    let text = std::fs::read_to_string(project("README.md")).unwrap();
    let found = blocks(&text, "yaml");
    assert!(found.len() >= 2, "{found:?}");
    for (index, block) in found.iter().enumerate() {
        let bench = Bench::new();
        bench.write("specs/block.yaml", block);
        let ran = bench.run(&["check", "specs"]);
        assert_eq!(ran.code, 0, "block {index}:\n{block}\n{ran:?}");
    }
}

/// Lines of the block of expressions in the README.
#[test]
fn the_expressions_of_the_readme_are_right() {
    let text = std::fs::read_to_string(project("README.md")).unwrap();
    let found = blocks(&text, "text");
    let block = found.iter().find(|block| block.contains("interpreter(startas)")).unwrap();
    let bench = Bench::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        let ran = bench.run(&["match", line, "--set", "startas=/srv/shop/shop.py"]);
        assert!(matches!(ran.code, 0..=2), "{line}: {ran:?}");
    }
}

/// Verbs that the README tells people to use exist.
#[test]
fn the_verbs_of_the_readme_exist() {
    let text = std::fs::read_to_string(project("README.md")).unwrap();
    let bench = Bench::new();
    let help = bench.ok(&["--help"]).stdout;
    let known: Vec<&str> =
        help.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
    let mut missing = Vec::new();
    let commands = text.lines().filter_map(|line| line.strip_prefix("    selfsame ")).map(str::to_owned);
    // The first column of the table of verbs: `start`, `stop`, `restart NAME` or `--all`
    let table = text.lines().filter(|line| line.starts_with("| `")).flat_map(|line| {
        let first = line.split('|').nth(1).unwrap();
        first.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    });
    for words in commands.chain(table) {
        let verb = words.split_whitespace().find(|word| !word.starts_with('-') && !word.starts_with('/'));
        missing.extend(verb.filter(|verb| !known.contains(verb)).map(str::to_owned));
    }
    assert!(missing.is_empty(), "the README uses {missing:?}, and there are {known:?}");
}
