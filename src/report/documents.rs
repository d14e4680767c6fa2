//! The reference of documents: every field of every kind, from the tables that reading uses.
//!
//! `docs/documents.md` is what [`documents()`] gives, and a test says when it is not.

use std::fmt::Write as _;

use crate::spec::table::{self, Class, Field, Kind, Table};

const HEAD: &str = "# Documents\n\n\
Every document has `apiVersion: selfsame/v1`, a `kind`, `metadata` and `spec`; several may stand in one file, between lines of `---`. \
Unknown fields are errors with a suggestion, keys that begin with `x-` are ignored. Durations are written `90s` or `1h30m`, sizes `512MiB`.\n\n\
What a *change* of a field means for the process that runs: `restart`: it has to be started again (see `update`); `live`: it takes \
effect on the process as it runs; `next run`: it counts for the next run of a Task; `new`: it is another object. `selfsame help KIND [FIELD]` shows the same in a terminal.\n";

/// The whole of it, as Markdown.
pub fn documents() -> String {
    let kinds: Vec<String> = table::KINDS.now.iter().filter_map(|kind| of_kind(kind)).collect();
    format!("{HEAD}\n{}", kinds.join("\n"))
}

/// One kind with all that its documents can hold; `None`: there is no such kind.
pub fn document_of_kind(kind: &str) -> Option<String> {
    of_kind(kind)
}

/// A field by its path below `spec`: `readiness`, `restart.backoff`. What it holds follows it.
pub fn document_field(kind: &str, path: &str) -> Option<String> {
    let mut table = spec_of(kind)?;
    let mut found = None;
    for name in path.split('.') {
        let field = table.fields.iter().find(|field| field.name == name)?;
        found = Some(field);
        table = below(&field.kind).first().copied().unwrap_or(table);
    }
    let field = found?;
    let mut text = format!("### `spec.{path}`\n\n{}\n\n", field.summary);
    let _ =
        writeln!(text, "takes {}; default {}; a change: {}", takes(&field.kind), field.default, class(field));
    text.push_str(&words(field));
    let _ = writeln!(text, "\n    {}: {}", field.name, field.example);
    for table in below(&field.kind) {
        sections(path, table, &mut Vec::new(), &mut text);
    }
    Some(text)
}

/// The paths of all fields of a kind, for suggestions.
pub fn document_paths(kind: &str) -> Vec<String> {
    fn walk(table: &'static Table, prefix: &str, depth: usize, paths: &mut Vec<String>) {
        for field in table.fields {
            let path = format!("{prefix}{}", field.name);
            for below in below(&field.kind).into_iter().filter(|_| depth < 4) {
                walk(below, &format!("{path}."), depth + 1, paths);
            }
            paths.push(path);
        }
    }
    let mut paths = Vec::new();
    if let Some(table) = spec_of(kind) {
        walk(table, "", 0, &mut paths);
    }
    paths
}

fn spec_of(kind: &str) -> Option<&'static Table> {
    let document = table::document_of(kind)?;
    let spec = document.fields.iter().find(|field| field.name == "spec")?;
    below(&spec.kind).first().copied()
}

fn of_kind(kind: &str) -> Option<String> {
    let document = table::document_of(kind)?;
    let summary = table::meaning("kind", kind).unwrap_or_default();
    let mut text = format!("## {kind}\n\n{summary}\n");
    let mut shown = Vec::new();
    for field in document.fields {
        for table in below(&field.kind) {
            sections(field.name, table, &mut shown, &mut text);
        }
    }
    Some(text)
}

/// A table and the ones in it, each once.
fn sections(title: &str, table: &'static Table, shown: &mut Vec<&'static str>, text: &mut String) {
    if shown.contains(&table.name) {
        return;
    }
    shown.push(table.name);
    let _ = write!(
        text,
        "\n### {title}\n\n| field | takes | default | a change | what | example |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    for field in table.fields {
        let cells = [takes(&field.kind), field.default.to_owned()].map(|cell| cell.replace('|', "\\|"));
        let [takes, default] = cells;
        let example = field.example.replace('|', "\\|");
        let _ = writeln!(
            text,
            "| `{}` | {takes} | {default} | {} | {} | `{example}` |",
            field.name,
            class(field),
            field.summary.replace('|', "\\|"),
        );
    }
    for field in table.fields {
        let words = words(field);
        if !words.is_empty() {
            let _ = write!(text, "\n`{}`:\n{words}", field.name);
        }
    }
    for field in table.fields {
        for table in below(&field.kind) {
            let title =
                if title == "spec" { field.name.to_owned() } else { format!("{title}.{}", field.name) };
            sections(&title, table, shown, text);
        }
    }
}

fn class(field: &Field) -> &'static str {
    match field.class {
        Class::Restart => "restart",
        Class::Live => "live",
        Class::New => "new",
        Class::NextRun => "next run",
    }
}

/// The words that a field takes, a line each, with what they mean.
fn words(field: &Field) -> String {
    let Some(words) = field.kind.words() else { return String::new() };
    let line = |word: &&str| match table::meaning(field.name, word) {
        Some(meaning) => format!("- `{word}`: {meaning}\n"),
        None => format!("- `{word}`\n"),
    };
    format!("\n{}", words.now.iter().map(line).collect::<String>())
}

/// The mappings that a value of this type is or has in it.
fn below(kind: &Kind) -> Vec<&'static Table> {
    match kind {
        Kind::List(item) | Kind::OneOrMany(item) | Kind::Map(item) => below(item),
        kind => kind.table().into_iter().collect(),
    }
}

/// The type of a value, in words.
fn takes(kind: &Kind) -> String {
    let plain = match kind {
        Kind::Text => "text",
        Kind::Path => "a path",
        Kind::Duration => "a duration",
        Kind::Bool => "`true`, `false`",
        Kind::Fraction => "`0.1` or `10%`",
        Kind::Integer(least, most) => return format!("{least} to {most}"),
        Kind::Mode => "permission bits",
        Kind::Signal => "a signal",
        Kind::Account => "a name or number",
        Kind::Expression => "an expression",
        Kind::HostExpression => "an expression on the host",
        Kind::ExpressionOrObject(_) => "an expression or a mapping",
        Kind::Type => "a type",
        Kind::Facts => "facts as in a snapshot",
        Kind::Limit => "a limit, or `{soft, hard}`",
        Kind::LimitValue => "a number, a size, `unlimited`",
        Kind::Size => "a size",
        Kind::Address => "an address with a port",
        Kind::Processors => "a number of processors, `1.5` or `150%`",
        Kind::Cpus => "processor numbers",
        Kind::Words(_) => "a word",
        Kind::WordsOrObject(..) => "a word or a mapping",
        Kind::Object(_) => "a mapping",
        Kind::Count => "a number, or a range",
        Kind::Lasting => "a duration, or `3 of 5`",
        Kind::Message => "text with `${...}`",
        Kind::SignalOrObject(_) => "a signal or a mapping",
        Kind::OneOrMany(item) => return format!("{}, or a list of such", takes(item)),
        Kind::List(item) => return format!("a list of: {}", takes(item)),
        Kind::Map(item) => return format!("names with: {}", takes(item)),
    };
    plain.to_owned()
}
