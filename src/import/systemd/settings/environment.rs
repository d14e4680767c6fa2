//! `Environment=` and `EnvironmentFile=`: what the service gets, and what the line of `ExecStart` can name.

use std::collections::BTreeMap;

use super::super::exec::words;
use super::super::specifiers::expand;
use super::super::unit::Unit;
use crate::import::command::{self, Context};
use crate::import::found::{Found, looks_secret};
use crate::import::shell::Value;
use crate::spec::EnvFrom;

/// Variables of the unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    pub(super) values: BTreeMap<String, String>,
    /// There may be more: why they aren't known.
    pub(super) unknown: Option<String>,
}

/// Carries both, and gives the values.
pub(super) fn carry(unit: &Unit, name: &str, found: &mut Found, context: Context<'_>) -> Variables {
    let mut variables = Variables::default();
    for entry in unit.list("Service", "Environment") {
        let Ok(split) = words(&entry.value) else {
            found.unclear(&entry.place, format!("Environment={}", entry.value), "a quote is not closed");
            continue;
        };
        for word in split {
            let Some((key, value)) = word.split_once('=') else {
                found.lost(&entry.place, format!("Environment={word}"), "it is not of the form `NAME=value`");
                continue;
            };
            match expand(value, name) {
                Ok(value) => {
                    command::set_variable(found, key, &Value::text(value.as_str()), &entry.place);
                    variables.values.insert(key.to_owned(), value);
                }
                Err(specifier) => {
                    let why = format!("the value of `{specifier}` isn't known before the unit is loaded");
                    found.unclear(&entry.place, format!("Environment={word}"), why);
                }
            }
        }
    }
    for entry in unit.list("Service", "EnvironmentFile") {
        let (path, optional) = match entry.value.strip_prefix('-') {
            Some(path) => (path, true),
            None => (entry.value.as_str(), false),
        };
        let Ok(path) = expand(path.trim_matches('"'), name) else {
            found.unclear(&entry.place, format!("EnvironmentFile={}", entry.value), "which file isn't known");
            continue;
        };
        if !path.starts_with('/') || path.contains(['*', '?']) || path.contains("${") {
            found.unclear(
                &entry.place,
                format!("EnvironmentFile={path}"),
                "it isn't the absolute path of one file",
            );
            continue;
        }
        one_file(&path, optional, entry, found, &mut variables, context);
    }
    variables
}

fn one_file(
    path: &str,
    optional: bool,
    entry: &super::Entry,
    found: &mut Found,
    variables: &mut Variables,
    context: Context<'_>,
) {
    match context.files.read(path) {
        Ok(text) => {
            let values = read(&text);
            for (key, value) in &values {
                // The file counts more to systemd, `env` more to selfsame.
                if found.service.env.remove(key).is_some() {
                    found.changed(
                        &entry.place,
                        format!("Environment={key}"),
                        format!("`{path}` sets it as well, and counts"),
                    );
                }
                let shown = if looks_secret(key) { "..." } else { value };
                if looks_secret(key) {
                    variables.unknown =
                        Some(format!("`{key}` of `{path}` looks like a secret and isn't written"));
                } else {
                    variables.values.insert(key.clone(), value.clone());
                }
                found.needless(
                    &entry.place,
                    format!("{key}={shown}"),
                    "as the file says now; the file counts at each start",
                );
            }
            if !agrees(&text, &values) {
                found.changed(
                    &entry.place,
                    format!("EnvironmentFile={path}"),
                    "selfsame reads lines `NAME=value` only: the file has more than that",
                );
            }
        }
        Err(look) if look == crate::import::FileLook::Absent && optional => {}
        Err(look) => {
            let why = format!("`{path}` {}", look.words());
            found.lost(&entry.place, format!("EnvironmentFile={path}"), why.clone());
            variables.unknown = Some(why);
        }
    }
    found.service.env_from.push(EnvFrom { file: path.into(), optional, prefix: String::new() });
}

/// Reads a file of variables as systemd does: comments, quotes, lines that go on.
fn read(text: &str) -> Vec<(String, String)> {
    let joined = text.replace("\\\n", "");
    let mut values = Vec::new();
    for line in joined.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        values.push((key.trim().to_owned(), unquoted(value.trim())));
    }
    values
}

fn unquoted(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(inner) = inner('\'') {
        return inner.to_owned();
    }
    match inner('"') {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\$", "$").replace("\\\\", "\\"),
        None => value.replace("\\ ", " "),
    }
}

/// Whether the simpler reading of `envFrom` gives the same.
fn agrees(text: &str, values: &[(String, String)]) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let simple: Option<Vec<(String, String)>> = lines
        .map(|line| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim();
            let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
            Some((key.trim().to_owned(), quoted('"').or(quoted('\'')).unwrap_or(value).to_owned()))
        })
        .collect();
    simple.is_some_and(|simple| simple == values)
}
