//! The reference of the language: a written introduction, and tables from the declarations.
//!
//! `grammar/reference.md` is what [`reference()`] gives, and a test says when it is not; whatever is declared appears in
//! it by itself.

use crate::diagnostic::Code;
use crate::lang::schema::{Cost, EnumDecl, FieldDecl, FunctionDecl, Origin, Privilege, Trust};
use crate::lang::value::Type;
use crate::lang::{CORE_FUNCTIONS, LIMITS, Schema, show};
use crate::process::expression::variables;

/// The written part.
pub const REFERENCE_HEAD: &str = include_str!("../../grammar/reference.head.md");

/// What a cost class is, with the rough time of one look.
const CLASSES: [(&str, &str); 7] = [
    ("the listing of `/proc`, or what selfsame knows itself", "0.3 us"),
    ("owner of the process's directory", "1.2 us"),
    ("a link: exe, cwd, root, ns", "3 us"),
    ("a small file: comm, cmdline, environ, auxv", "5 us"),
    ("stat, status, cgroup, limits, the descriptors", "9 us"),
    ("memory maps, mounts", "50 us"),
    ("rolled-up memory, sockets", "330 us and more"),
];

/// The whole of it, as Markdown.
pub fn reference(schema: &Schema, codes: &[(Code, &'static str)]) -> String {
    let sections = [
        fields(schema),
        types(schema),
        functions(schema),
        variables_of_documents(),
        costs(),
        limits(),
        list_of_codes(codes),
    ];
    format!("{}\n{}", REFERENCE_HEAD.trim_end(), sections.concat())
}

/// The owners of fields: the candidate first, then by name.
fn owners(schema: &Schema) -> Vec<&'static str> {
    let all = schema.vocabularies().iter().flat_map(|vocabulary| vocabulary.fields.iter());
    let mut owners: Vec<&str> = all.map(|field| field.owner).collect();
    let candidate = schema.candidate().to_string();
    owners.sort_by_key(|owner| (*owner != candidate, *owner));
    owners.dedup();
    owners
}

fn fields(schema: &Schema) -> String {
    let mut text = String::from(
        "\n## Fields\n\n`cost` is the class of one look (see Cost). `who` may read it: all, `same` (the same user, or with \
         CAP_SYS_PTRACE), `attach` (the same, and not protected against tracing). `says`: the kernel attests it, or the \
         process says so `itself` and can change it.\n",
    );
    for owner in owners(schema) {
        text.push_str(&format!("\n### Fields of a {owner}\n\n"));
        text.push_str("| field | type | what | cost | who | says | from | example |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for (_, field) in schema.fields(owner) {
            text.push_str(&field_row(field));
        }
    }
    text
}

fn field_row(field: &FieldDecl) -> String {
    let cells = [
        code(&field_name(field)),
        field_type(field).to_string(),
        field.summary.to_string(),
        field.cost.to_string(),
        who(field.privilege).to_owned(),
        says(field.trust).to_owned(),
        field.source.to_string(),
        code(&field.example),
    ];
    row(&cells)
}

/// A map is named with its key: `cgroup["KEY"]`.
fn field_name(field: &FieldDecl) -> String {
    match &field.ty {
        Type::Map(_) => format!("{}[\"KEY\"]", field.name.trim_end_matches("[]")),
        _ => field.name.to_string(),
    }
}

/// The type of what is named so: of an entry, not of the map.
fn field_type(field: &FieldDecl) -> &Type {
    match &field.ty {
        Type::Map(entry) => entry,
        other => other,
    }
}

fn who(privilege: Privilege) -> &'static str {
    match privilege {
        Privilege::World => "all",
        Privilege::Read => "same",
        Privilege::Attach => "attach",
    }
}

fn says(trust: Trust) -> &'static str {
    match trust {
        Trust::Kernel => "kernel",
        Trust::SelfReported => "itself",
        Trust::Both => "kernel, itself",
    }
}

fn types(schema: &Schema) -> String {
    let mut text = String::from("\n## Types\n\n| type | what | literals |\n| --- | --- | --- |\n");
    for decl in schema.vocabularies().iter().flat_map(|vocabulary| vocabulary.types.iter()) {
        let from: Vec<String> = decl.from.iter().map(ToString::to_string).collect();
        text.push_str(&row(&[code(decl.name), decl.summary.to_string(), from.join(", ")]));
    }
    text.push_str("\n## Enumerations\n\n| name | what | words |\n| --- | --- | --- |\n");
    for decl in schema.enumerations() {
        text.push_str(&row(&[code(decl.name), decl.summary.to_string(), decl.words.join(" ")]));
    }
    text
}

fn functions(schema: &Schema) -> String {
    let mut text = String::from(
        "\n## Functions\n\n| function | type | what | cost | says | example |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for (_, decl) in schema.functions() {
        text.push_str(&row(&[
            code(&function_form(decl)),
            decl.result.to_string(),
            decl.summary.to_string(),
            decl.cost.to_string(),
            decl.trust.map_or("", says).to_owned(),
            code(&decl.example),
        ]));
    }
    text.push_str("\n## Functions of the core\n\n| function | what |\n| --- | --- |\n");
    for function in CORE_FUNCTIONS {
        text.push_str(&row(&[code(function.form), function.summary.to_owned()]));
    }
    text
}

/// `pidfile(path: path, locked: bool = false)`
fn function_form(decl: &FunctionDecl) -> String {
    let params: Vec<String> = decl
        .params
        .iter()
        .map(|param| {
            let default =
                param.default.as_ref().map_or_else(String::new, |value| format!(" = {}", show(value)));
            format!("{}: {}{default}", param.name, param.ty)
        })
        .collect();
    format!("{}({})", decl.name, params.join(", "))
}

fn variables_of_documents() -> String {
    let mut text = String::from(
        "\n## Variables\n\nThe document that an expression stands in gives them their values, on the command line `--set \
         NAME=VALUE`. A variable that the document leaves open does not exist there.\n\n| variable | type |\n| --- | --- |\n",
    );
    for (name, ty) in &*variables() {
        text.push_str(&row(&[code(name), ty.to_string()]));
    }
    text
}

fn costs() -> String {
    let mut text = String::from(
        "\n## Cost\n\nOne look at one process, roughly. A fact is read once in a scan, however many expressions ask for it; \
         `selfsame check --cost` adds it up.\n\n| class | what is read | time |\n| --- | --- | --- |\n",
    );
    for (class, (what, time)) in CLASSES.iter().enumerate() {
        text.push_str(&row(&[class.to_string(), (*what).to_owned(), (*time).to_owned()]));
    }
    text
}

fn limits() -> String {
    let mut text = String::from("\n## Limits\n\n| of | at most |\n| --- | --- |\n");
    for limit in LIMITS {
        let most = format!("{} {}", limit.most, limit.unit);
        text.push_str(&row(&[limit.of.to_owned(), most.trim_end().to_owned()]));
    }
    text
}

fn list_of_codes(codes: &[(Code, &'static str)]) -> String {
    let mut text = String::from(
        "\n## Codes\n\n`selfsame explain-code CODE` shows what one means, with a wrong and a mended example.\n\n| code | meaning |\n| --- | --- |\n",
    );
    for (code, words) in codes {
        text.push_str(&row(&[code.0.to_owned(), (*words).to_owned()]));
    }
    text
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A row of a table: a bar in a cell is escaped.
fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Everything that [`reference_topic`] knows by name.
pub fn reference_names(schema: &Schema) -> Vec<String> {
    let fields = schema.vocabularies().iter().flat_map(|vocabulary| vocabulary.fields.iter());
    let mut names: Vec<String> = fields.map(|field| field.name.trim_end_matches("[]").to_owned()).collect();
    names.extend(schema.functions().map(|(_, decl)| decl.name.to_string()));
    names.extend(CORE_FUNCTIONS.iter().map(|function| function.name.to_owned()));
    names.extend(schema.enumerations().map(|decl| decl.name.to_owned()));
    names.extend(headings(REFERENCE_HEAD).map(str::to_lowercase));
    names.sort();
    names.dedup();
    names
}

/// `exe.path` is the field `path` of a file, because `exe` is one.
fn reached(owner: &str, name: &str, asked: &str, schema: &Schema) -> bool {
    let head = asked.strip_suffix(name).and_then(|head| head.strip_suffix('.'));
    let field = head.and_then(|head| schema.field(&schema.candidate().to_string(), head));
    field.is_some_and(|(_, field)| field.ty == Type::Named(owner_name(owner, schema)))
}

/// The declared name of an owner.
fn owner_name(owner: &str, schema: &Schema) -> &'static str {
    owners(schema).into_iter().find(|known| *known == owner).unwrap_or_default()
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("## "))
}

/// What the reference says of one field, function, enumeration or code, or a section by a word of its heading.
pub fn reference_topic(topic: &str, schema: &Schema, codes: &[(Code, &'static str)]) -> Option<String> {
    let mut parts = Vec::new();
    let bare = topic.split(['[', '(']).next().unwrap_or(topic);
    // The name of a plugin stands for all that it adds.
    let of_plugin = |name: &str| {
        schema.plugin(bare).is_some() && name.split('.').next() == Some(bare) && name.contains('.')
    };
    for owner in owners(schema) {
        let named = |field: &&FieldDecl| {
            let name = field.name.trim_end_matches("[]");
            name == bare
                || format!("{owner}.{name}") == bare
                || reached(owner, name, bare, schema)
                || of_plugin(name)
        };
        parts.extend(schema.fields(owner).map(|(_, field)| field).filter(named).map(field_text));
    }
    parts.extend(
        schema
            .functions()
            .filter(|(_, decl)| decl.name == bare || of_plugin(&decl.name))
            .map(|(id, decl)| function_text(decl, schema.origin(id))),
    );
    parts.extend(operator_text(topic));
    for function in CORE_FUNCTIONS.iter().filter(|function| function.name == bare) {
        parts.push(format!("{}\n    {}\n", function.form, function.summary));
    }
    let types = schema.vocabularies().iter().filter(|of| of.origin.is_some()).flat_map(|of| of.types.iter());
    for decl in types.filter(|decl| decl.name == bare || of_plugin(decl.name)) {
        let from: Vec<String> = decl.from.iter().map(ToString::to_string).collect();
        parts.push(format!("{}: {}\n    literals: {}\n", decl.name, decl.summary, from.join(", ")));
    }
    let of_enum = |decl: &&EnumDecl| decl.name == bare || decl.words.contains(&bare) || of_plugin(decl.name);
    for decl in schema.enumerations().filter(of_enum) {
        parts.push(format!("{}: {}\n    {}\n", decl.name, decl.summary, decl.words.join(" ")));
    }
    if parts.is_empty() {
        let whole = reference(schema, codes);
        let wanted = topic.to_lowercase();
        let sections = whole.split("\n## ").skip(1);
        let of_heading =
            |section: &&str| section.lines().next().is_some_and(|line| line.to_lowercase().contains(&wanted));
        parts.extend(sections.filter(of_heading).map(|section| format!("## {}\n", section.trim_end())));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// The line of the table of operators that has this one; `and`, `or` and `not` are read as well.
fn operator_text(topic: &str) -> Option<String> {
    let sign = match topic {
        "and" => "&&",
        "or" => "||",
        "not" => "!",
        topic => topic,
    };
    let table = REFERENCE_HEAD.split("\n## ").find(|section| section.starts_with("Operators"))?;
    table.lines().find_map(|line| {
        let (signs, meaning) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        let signs = signs.replace("\\|", "|");
        // What stands in backticks.
        let signs: Vec<&str> = signs.split('`').skip(1).step_by(2).collect();
        signs.contains(&sign).then(|| format!("{}\n    {meaning}\n", signs.join("  ")))
    })
}

fn field_text(field: &FieldDecl) -> String {
    format!(
        "{}: {} of a {}\n    {}\n    from: {}\n    cost: {}\n    read by: {}\n    said by: {}\n    example: {}\n",
        field_name(field),
        field_type(field),
        field.owner,
        field.summary,
        field.source,
        cost_text(field.cost),
        match field.privilege {
            Privilege::World => "everybody",
            Privilege::Read => "the same user, or with CAP_SYS_PTRACE",
            Privilege::Attach =>
                "the same user if it is not protected against tracing, or with CAP_SYS_PTRACE",
        },
        match field.trust {
            Trust::Kernel => "the kernel",
            Trust::SelfReported => "the process itself, which can change it",
            Trust::Both => "the kernel, and the process itself",
        },
        field.example,
    )
}

fn function_text(decl: &FunctionDecl, origin: Option<&Origin>) -> String {
    let from = origin.map_or_else(String::new, |of| format!("    from: plugin {} {}\n", of.name, of.version));
    let said = decl.trust.map_or_else(String::new, |trust| {
        let by = match trust {
            Trust::Kernel => "the kernel",
            Trust::SelfReported => "what the process says of itself, too",
            Trust::Both => "the kernel, with what the process says of itself",
        };
        format!("    rests on: {by}\n")
    });
    format!(
        "{}: {}\n    {}\n{from}    cost: {}\n{said}    example: {}\n",
        function_form(decl),
        decl.result,
        decl.summary,
        cost_text(decl.cost),
        decl.example,
    )
}

fn cost_text(cost: Cost) -> String {
    match CLASSES.get(usize::from(cost)) {
        Some((_, time)) => format!("class {cost}, about {time} for a process"),
        None => format!("class {cost}"),
    }
}
