//! The floors: each module imports only modules of floors below its own (or of its own module).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up. Modules on one floor don't know each other.
const FLOORS: &[&[&str]] = &[
    &["units", "diagnostic", "sharing"],
    &["facts", "yaml"],
    &["lang"],
    &["process"],
    &["plugin"],
    &["spec"],
    &["plan", "workshop", "import"],
    &["host"],
    &["engine", "start_stop"],
    &["report"],
    &["editor"],
    &["cli"],
];

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The top-level modules that a file names after `crate::`, also inside `use crate::{...}`.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut names = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        if let Some(group) = part.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 && (c.is_alphanumeric() || c == '_') {
                    word.push(c);
                } else if depth == 0 && (c == ':' || c == ',') {
                    if c == ':' && !word.is_empty() {
                        names.insert(word.clone());
                    }
                    word.clear();
                }
            }
        } else {
            names.insert(part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names
}

#[test]
fn every_module_imports_only_floors_below() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 10, "the sources are found");
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let first = relative.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        // `regressions` is for tests alone.
        if ["lib", "main", "regressions"].contains(&module) {
            continue;
        }
        let own = floor_of(module).unwrap_or_else(|| panic!("module `{module}` stands on no floor"));
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            match floor_of(&import) {
                Some(floor) if floor < own || import == module => {}
                Some(_) => wrong.push(format!("{} imports `{import}`", relative.display())),
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the floors:\n{}", wrong.join("\n"));
}

/// A look at documents knows how work trees lie, and nothing of what fetches them, which looks at files itself.
#[test]
fn looks_at_documents_know_nothing_of_the_fetching() {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host");
    let mut files = vec![host.join("spec_dir.rs")];
    rust_files(&host.join("spec_dir"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("host::git"), "{}", file.display());
    }
}

#[test]
fn imports_are_read_from_both_forms() {
    let text = "use crate::facts::{Fact, Why};\n// use crate::cli::X;\nuse crate::{plan::action, units};\n";
    assert!(imports(text).contains("facts"));
    assert!(imports(text).contains("plan"));
    assert!(!imports(text).contains("cli"));
}

#[test]
fn unsafe_stands_only_in_the_spawn_module() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let fenced = relative.starts_with("host/spawn") || relative == Path::new("host/spawn.rs");
        let uses = text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
            line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl")
        });
        assert!(fenced || !uses, "`unsafe` in {}", relative.display());
    }
}

#[test]
fn every_property_keeps_what_failed_once() {
    let mut files = Vec::new();
    rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let (blocks, kept) = (
            text.matches("proptest! {").count(),
            text.matches("proptest_config(crate::regressions::").count(),
        );
        assert_eq!(blocks, kept, "{}: a directory of its own would come of it", file.display());
    }
}
