//! The examples of a manifest, run. Each is run twice, all others between: what changes its mind is found out.

mod types;

use std::collections::BTreeMap;

use super::answer::Answer;
use super::ask::{Reply, Request};
use super::load::{Moment, Plugin};
use super::manifest::{Declared, Example};
use super::{codes, wire};
use crate::diagnostic::Diagnostic;
use crate::facts::Fact;
use crate::lang::{Schema, Scope, compile, show};
use crate::process::expression::variables;
use types::{Types, settled};

/// Runs the examples of a plugin. `Err` is what is wrong with them; else the most fuel that each entry used.
pub(super) fn all(plugin: &Plugin, builtin: &Schema) -> Result<Vec<u64>, Vec<Diagnostic>> {
    let mut schema = builtin.clone();
    schema.add(plugin.declarations().clone());
    let mut said = Vec::new();
    let mut used = vec![0; plugin.manifest().answering().count()];
    for turn in 0..2 {
        for (number, declared) in plugin.manifest().entries().enumerate() {
            for (at, example) in declared.entry().examples.iter().enumerate() {
                let place = format!("example {} of `{}`", at + 1, declared.entry().name);
                if turn == 0 {
                    said.extend(condition(example, &schema, &place));
                }
                match run(plugin, number, declared, example, &place, turn > 0) {
                    // The first time a function is translated as well.
                    Ok(fuel) if turn > 0 => {
                        if let Some(most) = used.get_mut(number) {
                            *most = fuel.max(*most);
                        }
                    }
                    Ok(_) => {}
                    Err(wrong) => said.extend(wrong),
                }
            }
        }
        let mut types = Types::of(plugin);
        for own in &plugin.manifest().own.types {
            said.extend(types.own(own));
        }
        for (number, fuel) in types.fuel() {
            if let Some(most) = used.get_mut(number).filter(|_| turn > 0) {
                *most = fuel;
            }
        }
        if !said.is_empty() {
            return Err(said);
        }
    }
    Ok(used)
}

/// A condition that doesn't type-check.
fn condition(example: &Example, schema: &Schema, place: &str) -> Option<Diagnostic> {
    let text = example.condition.as_ref()?;
    let compiled = compile(text, schema, &Scope::new(variables(), &std::sync::Arc::default()));
    if compiled.predicate.is_some() {
        return None;
    }
    let first = compiled.diagnostics.into_iter().find(Diagnostic::is_error);
    let (why, help) = first.map(|said| (said.message, said.help)).unwrap_or_default();
    let said = Diagnostic::error(codes::EXAMPLE, format!("{place} is no condition: {why}"));
    let said = said.note(format!("`match` is `{text}`"));
    Some(said.help(help.unwrap_or_else(|| "mend `match`, or leave it out".to_owned())))
}

fn run(
    plugin: &Plugin,
    number: usize,
    declared: Declared<'_>,
    example: &Example,
    place: &str,
    again: bool,
) -> Result<u64, Vec<Diagnostic>> {
    let error =
        |message: String, help: &str| Err(vec![Diagnostic::error(codes::EXAMPLE, message).help(help)]);
    let (got, used) = call(plugin, number, declared, example);
    let got = match got {
        Fact::Known(answer) => answer,
        Fact::Absent => Answer::Absent,
        Fact::Unknown(why) => {
            let why = why.detail.as_deref().unwrap_or_default().to_owned();
            return error(format!("{place} fails: {why}"), "mend the plugin");
        }
    };
    let wanted = match &example.value {
        Answer::Value(value) => match settled(plugin, value) {
            Fact::Known(value) => Answer::Value(value),
            _ => {
                return error(
                    format!("`value` of {place} stands for nothing"),
                    "write a literal that can be converted",
                );
            }
        },
        other => other.clone(),
    };
    if same(&got, &wanted) {
        return Ok(used);
    }
    let changed = if again { " the second time" } else { "" };
    let message = format!("{place} gives {}{changed}, not {}", words(&got), words(&example.value));
    error(message, "mend the plugin, or `value` of the example")
}

/// What comes of an example, and the fuel that it used.
pub(super) fn call(
    plugin: &Plugin,
    number: usize,
    declared: Declared<'_>,
    example: &Example,
) -> (Fact<Answer>, u64) {
    let inputs = Inputs { example, declared };
    let mut input = Vec::new();
    for argument in &example.arguments {
        match settled(plugin, argument) {
            Fact::Known(argument) => put(&mut input, &Answer::Value(argument)),
            Fact::Absent => put(&mut input, &Answer::Absent),
            Fact::Unknown(reason) => return (Fact::Unknown(reason), 0),
        }
    }
    for given in declared.entry().inputs.iter().filter(|input| !input.lazy) {
        inputs.put(&mut input, &given.field);
    }
    let mut serve = |request: Request| inputs.serve(&request);
    plugin.ask(number, Moment::none(), &input, &mut serve)
}

/// The inputs of an example; what it doesn't mention is absent.
struct Inputs<'a> {
    example: &'a Example,
    declared: Declared<'a>,
}

impl Inputs<'_> {
    fn put(&self, out: &mut Vec<u8>, field: &str) {
        put(out, self.example.inputs.get(field).unwrap_or(&Answer::Absent));
    }

    fn serve(&self, request: &Request) -> Reply {
        match request {
            Request::Input(number) => {
                let number = usize::try_from(*number).unwrap_or(usize::MAX);
                let Some(input) = self.declared.entry().inputs.get(number) else { return Reply::NotThere };
                let mut bytes = Vec::new();
                self.put(&mut bytes, &input.field);
                Reply::Bytes(bytes)
            }
            Request::File(_) => Reply::NotThere,
        }
    }
}

fn put(out: &mut Vec<u8>, answer: &Answer) {
    let written = match answer {
        Answer::Value(value) => wire::value(out, value),
        Answer::Map(entries) => wire::map(out, entries.iter().map(|(key, value)| (key.as_slice(), value))),
        Answer::Unknown(why) => {
            wire::unknown(out, why);
            Ok(())
        }
        Answer::Absent => Err(wire::Unplain),
    };
    if written.is_err() {
        wire::absent(out);
    }
}

/// Two answers with the same form are the same.
fn same(a: &Answer, b: &Answer) -> bool {
    let form = |answer| {
        let mut bytes = Vec::new();
        put(&mut bytes, answer);
        bytes
    };
    form(a) == form(b)
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Value(value) => show(value),
        Answer::Map(entries) => {
            let entries: BTreeMap<String, String> = entries
                .iter()
                .map(|(key, value)| (String::from_utf8_lossy(key).into_owned(), show(value)))
                .collect();
            format!("{entries:?}")
        }
        Answer::Absent => "absent".to_owned(),
        Answer::Unknown(why) => format!("unknown ({why})"),
    }
}
