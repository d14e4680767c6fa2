//! What is checked before a plugin is asked for anything: its interface, its manifest, its exports, its grants.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Grants;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::lang::Schema;
use crate::plugin::engine::{Guest, Kept, Module};
use crate::plugin::failure::Failure;
use crate::plugin::limits::LOAD_FUEL;
use crate::plugin::manifest::{self, Manifest};
use crate::plugin::{codes, wire};

/// Starts the module once and asks it what it is. Without a name it is called what it calls itself.
pub(super) fn manifest(
    name: Option<&str>,
    module: &Module,
    builtin: &Schema,
) -> Result<Manifest, Vec<Diagnostic>> {
    // A fault of the interpreter is one of the module that met it.
    let asked = catch_unwind(AssertUnwindSafe(|| ask(module)));
    let Said { interface, manifest: bytes } = match asked.unwrap_or(Err(("start", Failure::Interpreter))) {
        Ok(said) => said,
        Err((doing, why)) => {
            let message = format!("the plugin {why}, asked for its {doing}");
            let help =
                "what it does before it is asked for a value takes at most some milliseconds, and no input";
            return Err(vec![Diagnostic::error(codes::STARTS_BADLY, message).help(help)]);
        }
    };
    let Some(bytes) = bytes else {
        let ours: Vec<String> = wire::VERSIONS.iter().map(ToString::to_string).collect();
        let message = format!("the module was built for version {interface} of the plugin interface");
        let help = format!("build it for version {}", ours.join(" or "));
        return Err(vec![Diagnostic::error(codes::INTERFACE, message).help(help)]);
    };
    let own = if name.is_none() { own_name(&bytes) } else { String::new() };
    manifest::read(name.unwrap_or(&own), &bytes, builtin)
}

/// What a manifest calls itself; whether it can be read is said by who reads it.
fn own_name(manifest: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(manifest).ok();
    let name = json.as_ref().and_then(|json| json.get("name")).and_then(serde_json::Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// What a module says before it is a plugin.
struct Said {
    interface: i32,
    /// If we speak that.
    manifest: Option<Vec<u8>>,
}

fn ask(module: &Module) -> Result<Said, (&'static str, Failure)> {
    let fuel = LOAD_FUEL.saturating_add(module.weight());
    let started = Guest::start(module, &[], Kept::default(), fuel);
    let (mut guest, _) = started.map_err(|(why, ..)| ("start", why))?;
    let interface = guest.interface(LOAD_FUEL).map_err(|why| ("version", why))?;
    if !wire::VERSIONS.contains(&interface) {
        return Ok(Said { interface, manifest: None });
    }
    let manifest = guest.manifest(LOAD_FUEL).map_err(|why| ("manifest", why))?;
    Ok(Said { interface, manifest: Some(manifest) })
}

/// Exports that don't answer, and grants that are missing.
pub(super) fn claims(manifest: &Manifest, module: &Module, grants: &Grants) -> Result<(), Vec<Diagnostic>> {
    let mut said = Vec::new();
    let exported = module.exported();
    for entry in manifest.answering().map(manifest::Declared::entry) {
        let Err(why) = module.answers(&entry.export) else { continue };
        let near = did_you_mean(&entry.export, exported.iter().map(String::as_str));
        let help = match near.filter(|near| *near != entry.export) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "export a function (i32, i32) -> i64 of this name".to_owned(),
        };
        said.push(Diagnostic::error(codes::EXPORT, format!("`{}`: {why}", entry.name)).help(help));
    }
    said.extend(ungranted(manifest, grants));
    if said.is_empty() { Ok(()) } else { Err(said) }
}

fn ungranted(manifest: &Manifest, grants: &Grants) -> Vec<Diagnostic> {
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in manifest.entries().map(manifest::Declared::entry) {
        let missing = entry.inputs.iter().filter(|input| !grants.fields.contains(&input.field));
        for input in missing {
            fields.entry(&input.field).or_default().push(&entry.name);
        }
    }
    let error = |message: String, help: String| Diagnostic::error(codes::GRANT, message).help(help);
    let fields = fields.into_iter().map(|(field, entries)| {
        let message = format!("`{}` needs the field `{field}`, which is not granted", entries.join("`, `"));
        error(message, format!("add `{field}` to `grants.fields`"))
    });
    let files = manifest.files.iter().filter(|pattern| !grants.files.contains(pattern)).map(|pattern| {
        let message = format!("the plugin needs the files `{pattern}`, which are not granted");
        error(message, format!("add `{pattern}` to `grants.files`"))
    });
    fields.chain(files).collect()
}
