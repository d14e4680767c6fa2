//! Names, operators and fields of documents, described for a person who points at them. Markdown.

use std::fmt::Write as _;

use super::names::Meaning;
use crate::lang::Schema;
use crate::lang::library::Definition;
use crate::lang::schema::{FieldDecl, FunctionDecl, Operation, Origin, Privilege, Trust};
use crate::lang::value::Type;
use crate::spec::table::{Class, Field};

/// Elements of a list that are shown.
const LIST_SHOWN: usize = 16;

/// A comparison or connective, what it says, and an example.
pub(super) const OPERATORS: [(&str, &str, &str); 19] = [
    ("==", "equal; of an `exe` and a path: the same file, however it is called", "exe == \"/usr/bin/perl\""),
    ("!=", "not equal; also true of what is absent", "user != \"root\""),
    ("<", "less", "age < 5m"),
    ("<=", "at most", "nice <= 0"),
    (">", "more", "rss > 512MiB"),
    (">=", "at least", "threads >= 2"),
    ("=~", "a regular expression matches somewhere in it", "name =~ r\"^php-fpm\""),
    ("!~", "no match of a regular expression", "name !~ r\"^kworker\""),
    ("like", "matches a glob; `*` does not cross `/` in paths", "exe like \"/srv/*/bin/**\""),
    ("in", "is one of a list or within a range", "user in [\"shop\", \"www-data\"]"),
    ("not in", "is none of a list and outside of a range", "nice not in -5..=5"),
    ("contains", "a part of a text, or an element of a list", "argv contains \"--debug\""),
    ("starts_with", "begins with a text", "comm starts_with \"php\""),
    ("ends_with", "ends with a text", "name ends_with \"d\""),
    ("under", "is that path or below it, by components", "exe under \"/opt/shop\""),
    ("&&", "both; false as soon as one is false, even if the other is unknown", "alive && !self"),
    ("||", "one at least; true as soon as one is true, even if the other is unknown", "alive || has(tty)"),
    ("!", "the opposite; of unknown: unknown", "!has(tty)"),
    ("??", "what stands in for a value that is absent", "env[\"LANG\"] ?? \"C\" == \"C\""),
];

/// An operator by its symbol; aliases are known.
pub(super) fn operator(symbol: &str) -> Option<String> {
    let canonical = match symbol {
        "and" => "&&",
        "or" => "||",
        "not" => "!",
        other => other,
    };
    let (symbol, summary, example) = OPERATORS.iter().find(|(symbol, ..)| *symbol == canonical)?;
    Some(format!("`{symbol}`: {summary}\n\n```selfsame\n{example}\n```"))
}

/// What a name is.
pub(super) fn meaning(meaning: &Meaning<'_>) -> String {
    match meaning {
        Meaning::Field(decl) => field(decl),
        Meaning::Function(decl, origin) => function(decl, *origin),
        Meaning::Core(core) => format!("```selfsame\n{}\n```\n\n{}", core.form, core.summary),
        Meaning::Variable(name, ty) => format!(
            "```selfsame\n{name}: {ty}\n```\n\nbound by the document, on the command line by `--set {name}=VALUE`"
        ),
        Meaning::Element(name, ty) => {
            format!("```selfsame\n{name}: {ty}\n```\n\neach element in turn")
        }
        Meaning::Definition(definition) => {
            let (form, _) = definition_signature(definition);
            let written = &definition.draft.written;
            let (text, file) = (written.text.trim(), &written.source.name);
            format!("```selfsame\n{form}\n```\n\n```selfsame\n{text}\n```\n\ndefined in `{file}`")
        }
        Meaning::List(list) => {
            let values: Vec<String> = list.values.iter().take(LIST_SHOWN).map(crate::lang::show).collect();
            let more = if list.values.len() > values.len() { ", ..." } else { "" };
            let (name, element, file) = (&list.name, &list.element, &list.source.name);
            let values = values.join(", ");
            format!("```selfsame\n@{name}: list<{element}>\n[{values}{more}]\n```\n\ndefined in `{file}`")
        }
    }
}

fn field(decl: &FieldDecl) -> String {
    let mut text = format!("```selfsame\n{}: {}\n```\n\n{}\n\n", decl.name, decl.ty, decl.summary);
    let _ = write!(
        text,
        "cost {} of 6 · {} · {} · from {}\n\n```selfsame\n{}\n```",
        decl.cost,
        privilege(decl.privilege),
        trust(decl.trust),
        decl.source,
        decl.example
    );
    text
}

fn privilege(privilege: Privilege) -> &'static str {
    match privilege {
        Privilege::World => "everybody may read it",
        Privilege::Read => "needs the same user or CAP_SYS_PTRACE",
        Privilege::Attach => "needs the right to trace the process",
    }
}

fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Kernel => "the kernel attests it",
        Trust::SelfReported => "the process itself says so",
        Trust::Both => "the kernel attests it, with what the process says of itself",
    }
}

/// `pidfile(path: path, locked: bool = false): bool`
pub(super) fn signature(decl: &FunctionDecl) -> (String, Vec<String>) {
    let params: Vec<String> = decl
        .params
        .iter()
        .map(|param| match &param.default {
            None => format!("{}: {}", param.name, param.ty),
            Some(value) => format!("{}: {} = {}", param.name, param.ty, crate::lang::show(value)),
        })
        .collect();
    (format!("{}({}): {}", decl.name, params.join(", "), decl.result), params)
}

/// `web.instance(app: path, port: int): bool`
pub(super) fn definition_signature(definition: &Definition) -> (String, Vec<String>) {
    let draft = &definition.draft;
    let params: Vec<String> =
        draft.params.iter().map(|param| format!("{}: {}", param.name, param.ty)).collect();
    let call = if params.is_empty() { String::new() } else { format!("({})", params.join(", ")) };
    (format!("{}{call}: bool", draft.written.name), params)
}

fn function(decl: &FunctionDecl, origin: Option<&Origin>) -> String {
    let from = origin.map_or_else(String::new, |of| format!(" · from plugin {} {}", of.name, of.version));
    let trust = decl.trust.map_or(String::new(), |who| format!(" · {}", trust(who)));
    let signature = signature(decl).0;
    let (summary, cost, example) = (&decl.summary, decl.cost, &decl.example);
    format!(
        "```selfsame\n{signature}\n```\n\n{summary}\n\ncost {cost} of 6{trust}{from}\n\n```selfsame\n{example}\n```"
    )
}

/// A field of a document.
pub(super) fn document_field(field: &Field) -> String {
    let change = match field.class {
        Class::Restart => "a change restarts the process",
        Class::Live => "a change takes effect on the process as it runs",
        Class::New => "a change makes it another object",
        Class::NextRun => "a change counts for the next run",
    };
    let default = match field.default {
        "required" => "required".to_owned(),
        default => format!("default: {default}"),
    };
    let mut text = format!("`{}`: {}\n\n{default}; {change}", field.name, field.summary);
    if let Some(words) = field.kind.words() {
        for word in words.now {
            let meaning = crate::spec::table::meaning(field.name, word).unwrap_or_default();
            let _ = write!(text, "\n- `{word}`: {meaning}");
        }
    }
    let _ = write!(text, "\n\n```yaml\n{}: {}\n```", field.name, field.example);
    text
}

/// The comparisons that a value of a type can be the left side of.
pub(super) fn comparisons(ty: &Type, schema: &Schema) -> Vec<&'static str> {
    let Type::Named(name) = ty else { return of_language(ty).to_vec() };
    let is_own = schema.named(name).is_some_and(|(id, _)| schema.origin(id).is_some());
    if !is_own {
        return of_language(ty).to_vec();
    }
    let has = |operation| schema.operators(operation).any(|(_, decl)| decl.left == *ty);
    let mut all = vec!["==", "!=", "in", "not in"];
    if has(Operation::Less) {
        all.extend(["<", "<=", ">", ">="]);
    }
    if has(Operation::Text) {
        all.extend(["like", "=~", "!~"]);
    }
    all
}

/// The same without types of plugins.
fn of_language(ty: &Type) -> &'static [&'static str] {
    match ty {
        Type::Bool => &["&&", "||"],
        Type::Int | Type::Size | Type::Duration | Type::Time | Type::Ratio => {
            &["==", "!=", "<", "<=", ">", ">=", "in", "not in", "??"]
        }
        Type::String => {
            &["==", "!=", "in", "not in", "=~", "!~", "like", "contains", "starts_with", "ends_with", "??"]
        }
        Type::Path => &["==", "!=", "under", "like", "in", "not in", "=~", "!~", "starts_with", "ends_with"],
        Type::Ip | Type::Enum(_) => &["==", "!=", "in", "not in"],
        Type::Cidr => &["==", "!="],
        Type::List(_) => &["contains"],
        Type::Map(_) => &[],
        Type::Named("file") => &["==", "!=", "under", "like", "in", "not in"],
        Type::Named("user" | "group") => &["==", "!=", "in", "not in", "<", ">"],
        Type::Named(_) => &["==", "!=", "in", "not in"],
    }
}
