//! Expressions over processes: the language with the process vocabulary in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::world::Bytes;
use super::{declarations, lints};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lang::ir::Kind;
use crate::lang::library::Definition;
use crate::lang::value::{Type, Value};
use crate::lang::{Compiled, Library, Schema, Scope, codes, compile};

/// Everything that an expression over processes can name.
pub fn schema() -> &'static Arc<Schema> {
    static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
        let mut schema = Schema::new("process");
        schema.add(declarations());
        Arc::new(schema)
    });
    &SCHEMA
}

/// The same with what plugins add, as a library was made with it.
pub fn schema_of(library: &Library) -> &Schema {
    match library.schema() {
        Some(schema) => schema,
        None => schema(),
    }
}

/// The names that a Service binds in its expressions, with their types. On the command line `--set` binds them.
pub fn variables() -> Arc<BTreeMap<String, Type>> {
    static VARIABLES: LazyLock<Arc<BTreeMap<String, Type>>> =
        LazyLock::new(|| Arc::new(declared_variables()));
    Arc::clone(&VARIABLES)
}

fn declared_variables() -> BTreeMap<String, Type> {
    let words = Type::list(Type::String);
    [
        ("startas", Type::Path),
        ("args", words.clone()),
        ("pidfile", Type::Path),
        ("spec.name", Type::String),
        ("spec.startas", Type::Path),
        ("spec.args", words),
        ("spec.becomes", Type::Path),
        ("spec.pidfile", Type::Path),
        ("spec.workingDirectory", Type::Path),
        ("spec.user", Type::Named("user")),
        ("spec.group", Type::Named("group")),
        ("spec.replicas", Type::Int),
        ("spec.umask", Type::Int),
    ]
    .into_iter()
    .map(|(name, ty)| (name.to_owned(), ty))
    .collect()
}

/// Parses and checks an expression that can use these variables and named matchers.
pub fn compile_with(
    text: &str,
    variables: impl Into<Arc<BTreeMap<String, Type>>>,
    library: &Arc<Library>,
) -> Compiled {
    compile(text, schema_of(library), &Scope::new(variables, library))
}

/// The same as [`compile_alone`] without named matchers.
pub fn compile_expression(text: &str) -> Compiled {
    compile_alone(text, &Arc::default())
}

/// The files that an expression names, by their absolute paths.
pub fn files_named(text: &str, library: &Arc<Library>) -> BTreeSet<Bytes> {
    let mut files = BTreeSet::new();
    if let Some(predicate) = compile_with(text, variables(), library).predicate {
        predicate.root().walk(&mut |node| {
            if let Kind::Const(Value::String(text) | Value::Path(text)) = &node.kind
                && text.starts_with(b"/")
            {
                files.insert(Bytes::from(&**text));
            }
        });
    }
    files
}

/// Parses and checks an expression that can use every variable and stands alone: on the command line.
pub fn compile_alone(text: &str, library: &Arc<Library>) -> Compiled {
    let mut compiled = compile_with(text, variables(), library);
    if let Some(predicate) = &compiled.predicate {
        compiled.diagnostics.extend(lints::condition(predicate.root()));
        compiled.diagnostics.extend(lints::interpreter_only(predicate.root()));
    }
    sorted(compiled)
}

/// What is to be said about an expression in a document, positions in its own text. With `replaces` it stands in for
/// the default identity rule (`matchOnly`), and a condition that all scripts of one language satisfy is an error.
pub fn check_in_document(
    text: &str,
    variables: Arc<BTreeMap<String, Type>>,
    replaces: bool,
    library: &Arc<Library>,
) -> Compiled {
    let scope = Scope::new(variables, library);
    let mut compiled = compile(text, schema_of(library), &scope);
    if let Some(predicate) = &compiled.predicate {
        compiled.diagnostics.extend(lints::condition(predicate.root()));
        compiled.diagnostics.extend(lints::one_look(predicate.root()));
        if replaces {
            // What all scripts of one language have in common is no identity. What a process says of itself may be
            // one: candidates are of the wanted user only, so nobody else can forge it.
            compiled.diagnostics.extend(lints::interpreter_only(predicate.root()).map(into_error));
            compiled.diagnostics.extend(predicate.self_reported());
        }
    }
    sorted(compiled)
}

/// Parses and checks a condition of a Policy: over any process, so that no document binds names for it.
pub fn check_in_policy(text: &str, library: &Arc<Library>) -> Compiled {
    let mut compiled = compile_with(text, BTreeMap::new(), library);
    for diagnostic in &mut compiled.diagnostics {
        let word = diagnostic.span().and_then(|span| text.get(span.start..span.end)).unwrap_or_default();
        if diagnostic.code == codes::UNKNOWN_NAME && variables().contains_key(word) {
            diagnostic.help = Some(
                "a Policy is about any process: write the value itself, as `runs(\"/srv/shop\")`".into(),
            );
        }
    }
    if let Some(predicate) = &compiled.predicate {
        compiled.diagnostics.extend(lints::condition(predicate.root()));
        compiled.diagnostics.extend(lints::interpreter_only(predicate.root()));
    }
    sorted(compiled)
}

/// Parses and checks an expression in the tests of a Matcher document, whose names need no prefix there.
pub fn check_in_matcher(text: &str, document: &str, library: &Arc<Library>) -> Compiled {
    let home = Some(document.to_owned());
    let mut compiled =
        compile(text, schema_of(library), &Scope { home, ..Scope::new(BTreeMap::new(), library) });
    // Facts that a test states cost nothing.
    compiled.diagnostics.retain(|said| said.code != codes::UNGUARDED);
    compiled
}

/// W102 and W103 about a definition, located in its source.
pub fn lints_of_definition(definition: &Definition) -> Vec<Diagnostic> {
    let found = lints::condition(definition.body()).into_iter();
    found.map(|diagnostic| definition.draft.written.locate(diagnostic)).collect()
}

fn sorted(mut compiled: Compiled) -> Compiled {
    compiled.diagnostics.sort_by_key(Diagnostic::span);
    compiled
}

fn into_error(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic { severity: Severity::Error, ..diagnostic }
}
