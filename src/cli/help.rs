//! `help`: the help text of a verb, for `match` the reference of the language, for a kind that of its documents.

use super::args::HelpArgs;
use super::codes::registered_codes;
use super::exit::Exit;
use super::matching::given;
use super::terminal::Terminal;
use crate::diagnostic::did_you_mean;
use crate::lang::Schema;
use crate::process::expression::schema_of;
use crate::report::{
    document_field, document_of_kind, document_paths, reference, reference_names, reference_topic,
};
use crate::spec::table::KINDS;

/// Runs `help`.
pub(super) fn run(args: &HelpArgs, terminal: Terminal) -> Exit {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            terminal.data(&super::command().render_long_help().to_string());
            Exit::Ok
        }
        ["match", topic @ ..] => {
            let (names, problems) = given(&args.plugins);
            terminal.diagnostics(&problems);
            of_language(&topic.join(" "), schema_of(&names.library), terminal)
        }
        [kind, field @ ..] if KINDS.now.contains(kind) => of_document(kind, &field.join("."), terminal),
        verbs => of_verb(verbs, terminal),
    }
}

/// A kind of documents, or one of its fields: `help Service restart.backoff`.
fn of_document(kind: &str, field: &str, terminal: Terminal) -> Exit {
    let field = field.strip_prefix("spec.").unwrap_or(field);
    let text = if field.is_empty() { document_of_kind(kind) } else { document_field(kind, field) };
    if let Some(text) = text {
        terminal.data(&text);
        return Exit::Ok;
    }
    let paths = document_paths(kind);
    let help = match did_you_mean(field, paths.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`selfsame help {kind}` shows everything"),
    };
    terminal.say(&format!("error: a {kind} has no field `{field}`\nhelp: {help}"));
    Exit::Usage
}

fn of_language(topic: &str, schema: &Schema, terminal: Terminal) -> Exit {
    if topic.is_empty() {
        terminal.data(&reference(schema, &registered_codes()));
        return Exit::Ok;
    }
    if let Some(text) = reference_topic(topic, schema, &registered_codes()) {
        terminal.data(&text);
        return Exit::Ok;
    }
    let names = reference_names(schema);
    let help = match did_you_mean(topic, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`selfsame help match` shows everything".to_owned(),
    };
    terminal.say(&format!("error: the language has no field, function or section `{topic}`\nhelp: {help}"));
    Exit::Usage
}

/// Help for a verb, or for a verb below it: `plugin new`.
fn of_verb(words: &[&str], terminal: Terminal) -> Exit {
    let mut command = super::command().bin_name("selfsame");
    command.build();
    let mut found = &mut command;
    for verb in words {
        if found.find_subcommand(verb).is_none() {
            let shown = found.get_subcommands().filter(|verb| !verb.is_hide_set());
            let verbs: Vec<String> = shown.map(|verb| verb.get_name().to_owned()).collect();
            // At the top a kind of documents may be meant.
            let kinds = if words.len() == 1 { KINDS.now } else { &[] };
            let help = match did_you_mean(verb, verbs.iter().map(String::as_str).chain(kinds.iter().copied()))
            {
                Some(near) => format!("did you mean `{near}`?"),
                None if kinds.is_empty() => format!("verbs: {}", verbs.join(", ")),
                None => format!("verbs: {}; kinds of documents: {}", verbs.join(", "), kinds.join(", ")),
            };
            terminal.say(&format!("error: there is no verb `{verb}`\nhelp: {help}"));
            return Exit::Usage;
        }
        let Some(below) = found.find_subcommand_mut(verb) else { return Exit::Usage };
        found = below;
        // What follows the last verb is a word of a person who wrote more than there is.
        if !found.has_subcommands() {
            break;
        }
    }
    terminal.data(&found.render_long_help().to_string());
    Exit::Ok
}
