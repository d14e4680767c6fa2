//! Case files: documents and what is said about them. `UPDATE_CASES=1` writes what is said now.
//!
//! ```text
//! #### title                     a whole file follows
//! #### spec: title               lines below `spec:` of a complete document follow; they begin at line 6
//! ####: b.yaml                   a further file of the same case
//! ####>                          what is expected follows
//! ```

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise and reads its cases"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use selfsame::diagnostic::{Code, Diagnostic, Span};
use selfsame::lang::library::Draft;
use selfsame::process::expression::check_in_document;
use selfsame::spec::matcher::{self, Expected, trials};
use selfsame::spec::{
    ExpressionRequest, Limits, LoadContext, LoadedFile, NoModules, Service, SpecFile, load,
};

const ENVELOPE: &str =
    "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: shop}\nspec:\n  startas: /srv/shop\n";

/// Stands in for the language: it knows no field `usr`, warns of `odd`, and refuses `weak` in `matchOnly`.
fn compile(request: &ExpressionRequest<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, word) in request.text.match_indices("usr") {
        let diagnostic = Diagnostic::error(Code("M203"), "unknown field `usr`").help("did you mean `user`?");
        found.push(diagnostic.at(Span::new(at, at + word.len()), "no such field"));
    }
    for (at, word) in request.text.match_indices("odd") {
        found.push(Diagnostic::warning(Code("W104"), "this is odd").at(Span::new(at, at + word.len()), ""));
    }
    for (at, name) in request.text.match_indices('$') {
        let variable: String = request
            .text
            .chars()
            .skip(at + name.len())
            .take_while(|c| c.is_alphanumeric() || *c == '.')
            .collect();
        let message = match request.variables.get(&variable) {
            Some(of) => format!("`{variable}` is a {of}"),
            None => format!("no variable `{variable}`"),
        };
        found.push(Diagnostic::warning(Code("W000"), message).at(Span::new(at, at + 1 + variable.len()), ""));
    }
    if request.replaces && request.text.contains("weak") {
        found.push(Diagnostic::error(Code("M500"), "weak identity").at(Span::new(0, request.text.len()), ""));
    }
    if let Some(text) = request.text.strip_suffix("&&") {
        let end = Span::new(request.text.len(), request.text.len());
        found.push(
            Diagnostic::error(Code("M101"), format!("`{}` goes on", text.trim())).at(end, "an operand"),
        );
    }
    found
}

/// The language itself.
fn really(request: &ExpressionRequest<'_>) -> Vec<Diagnostic> {
    check_in_document(request.text, request.variables.clone(), request.replaces, request.library).diagnostics
}

struct Case {
    header: String,
    input: String,
    expected: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut expecting = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("#### ") {
            cases.push(Case { header: line.to_owned(), input: String::new(), expected: String::new() });
            expecting = false;
        } else if line.starts_with("####>") {
            expecting = true;
        } else if let Some(case) = cases.last_mut() {
            if expecting { &mut case.expected } else { &mut case.input }.push_str(line);
        }
    }
    cases
}

fn files(case: &Case) -> Vec<SpecFile> {
    let mut files = vec![("a.yaml".to_owned(), String::new())];
    for line in case.input.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("####: ") {
            files.push((name.trim().to_owned(), String::new()));
        } else if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
        }
    }
    let wrapped = case.header.starts_with("#### spec: ");
    let file = |(name, text): (String, String)| {
        let text = if wrapped { format!("{ENVELOPE}{}", indented(&text)) } else { text };
        SpecFile { name, directory: PathBuf::from("/etc/specs"), bytes: text.into() }
    };
    files.into_iter().map(file).collect()
}

fn indented(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("  {line}") })
        .collect()
}

fn outcome(case: &Case, real: bool) -> String {
    let compile: &dyn Fn(&ExpressionRequest<'_>) -> Vec<Diagnostic> = if real { &really } else { &compile };
    let loaded = load(
        &files(case),
        &LoadContext {
            limits: Limits::default(),
            compile,
            names: None,
            modules: &NoModules,
            held: None,
            host: None,
        },
    );
    let mut out = String::new();
    for diagnostic in loaded.diagnostics() {
        render(diagnostic, &mut out);
    }
    for service in loaded.services() {
        let _ = writeln!(out, "ok {}{}", service.name, differences(service));
    }
    for document in loaded.files.iter().flat_map(LoadedFile::matchers) {
        let names: Vec<String> = document.drafts.iter().map(Draft::form).collect();
        let lists: Vec<String> = document.lists.iter().map(|list| format!("@{}", list.name)).collect();
        let _ = writeln!(out, "ok Matcher {}: {}", document.name, [names, lists].concat().join(", "));
        for trial in trials(document, &loaded.names) {
            let found = trial.verdict().map_or("in error", Expected::word);
            let _ = writeln!(out, "   {}: {} is {found}", trial.test.name, trial.expectation.written.text);
            trial.failure().iter().for_each(|failure| render(failure, &mut out));
        }
    }
    let errors = loaded.has_errors();
    for diagnostic in matcher::unused(loaded.files.iter(), &loaded.names.library).iter().filter(|_| !errors) {
        render(diagnostic, &mut out);
    }
    out
}

/// `file:line:column code message / help`, then the other places.
fn render(diagnostic: &Diagnostic, out: &mut String) {
    let source = diagnostic.source.as_ref().expect("every diagnostic has a source");
    for (number, label) in diagnostic.labels.iter().enumerate() {
        let source = label.source.as_ref().unwrap_or(source);
        let (line, column) = source.position(label.span.start);
        if number > 0 {
            let _ = writeln!(out, "    also {}:{line}:{column} {}", source.name, label.text);
            continue;
        }
        let marked = source.text.get(label.span.start..label.span.end).unwrap_or("?").replace('\n', "↵");
        let help = diagnostic.help.as_ref().map_or(String::new(), |help| format!("\n    help: {help}"));
        let _ = writeln!(
            out,
            "{}:{line}:{column} {} {} [{marked}]{help}",
            source.name, diagnostic.code.0, diagnostic.message
        );
    }
}

/// The fields that are not at their default.
fn differences(service: &Service) -> String {
    let plain = Service::new(service.name.clone(), PathBuf::from("/srv/shop"));
    let json = |service: &Service| serde_json::to_value(service).expect("a Service is JSON");
    let (ours, plain) = (json(service), json(&plain));
    let fields = ours.as_object().expect("a mapping");
    let changed =
        fields.iter().filter(|(name, value)| *name != "origin" && plain.get(name.as_str()) != Some(value));
    changed.fold(String::new(), |mut text, (name, value)| {
        let _ = write!(text, " {name}={value}");
        text
    })
}

#[track_caller]
fn check(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).expect("a case file");
    let real = path.ends_with("matchers.txt");
    let cases = cases(&text);
    let mut fresh = String::new();
    let mut wrong = Vec::new();
    for case in &cases {
        let outcome = outcome(case, real);
        if outcome.trim_end() != case.expected.trim_end() {
            let header = &case.header;
            wrong.push(format!("{header}{}--- expected\n{}--- found\n{outcome}", case.input, case.expected));
        }
        let _ = write!(fresh, "{}{}####>\n{outcome}\n", case.header, case.input);
    }
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(path, fresh).expect("the case file can be written");
    } else {
        assert!(wrong.is_empty(), "{}:\n{}", path.display(), wrong.join("\n"));
    }
    cases.len()
}

#[test]
fn the_samples_are_accepted_and_their_programs_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["specs", "examples/specs-more"] {
        let folder = root.join(folder).canonicalize().expect("a folder of samples");
        for entry in std::fs::read_dir(&folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a sample");
            let file =
                SpecFile { name: path.display().to_string(), directory: folder.clone(), bytes: bytes.into() };
            let loaded = load(
                &[file],
                &LoadContext {
                    limits: Limits::default(),
                    compile: &|_| Vec::new(),
                    names: None,
                    modules: &NoModules,
                    held: None,
                    host: None,
                },
            );
            let mut said = String::new();
            loaded.diagnostics().for_each(|diagnostic| render(diagnostic, &mut said));
            assert_eq!(said, "");
            for service in loaded.services().filter(|service| service.startas.starts_with(root)) {
                assert!(service.startas.exists(), "{}", service.startas.display());
                count += 1;
            }
        }
    }
    assert!(count >= 5, "{count}");
}

#[test]
fn documents_are_judged_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs_cases/cases");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the case folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let count: usize = paths.iter().map(|path| check(path)).sum();
    assert!(count >= 120, "only {count} cases");
}
