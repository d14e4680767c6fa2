//! Plugin documents: which module, its digest, and what it may see.
//!
//! ```text
//! document --read--> module by path --digest, load--> Plugin --Plugins--> what expressions of all files can name
//!                                          \-- fails, or breaks other documents: the one that was in use stays (held)
//! ```

mod lints;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use lints::unused;

use super::decode::{Decoder, Object, Value};
use super::file::hex;
use super::matcher::{mend, reserved};
use super::{PluginUse, codes, table};
use crate::diagnostic::{Code, Diagnostic, Source, Span};
use crate::plugin::{self, Grants, Plugin};
use crate::process::expression::schema;
use crate::yaml::Scalar;

/// Where the modules of Plugin documents come from.
pub trait Modules: std::fmt::Debug {
    /// The content of a module.
    ///
    /// # Errors
    /// A sentence: it can't be read, or must not be used.
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, String>;

    /// The plugin that a module of this digest is under this name and with these grants.
    ///
    /// # Errors
    /// What is wrong with it, without places.
    fn load(
        &self,
        name: &str,
        wasm: &Arc<[u8]>,
        digest: &str,
        grants: &Grants,
    ) -> Result<Arc<Plugin>, Vec<Diagnostic>> {
        let _ = digest;
        Plugin::load(name, wasm, grants, schema())
    }
}

/// Nobody reads modules here: every Plugin document is in error.
#[derive(Clone, Copy, Debug)]
pub struct NoModules;

impl Modules for NoModules {
    fn read(&self, _: &Path) -> Result<Arc<[u8]>, String> {
        Err("modules of plugins are not read here".into())
    }
}

impl PluginDocument {
    /// Whether the file of the module is as it was when it was read; `read` gives what it is now.
    pub fn is_as_read(&self, modules: &dyn Modules) -> bool {
        let now = || modules.read(&self.wasm).map(|wasm| hex(&Sha256::digest(&wasm)));
        self.module.as_ref().is_none_or(|then| *then == now())
    }
}

/// A plugin that expressions can use, and what it was granted.
#[derive(Clone, Debug)]
pub struct InUse {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// What it may see.
    pub grants: Grants,
}

impl InUse {
    /// What an expression that uses it keeps of it.
    pub fn record(&self) -> PluginUse {
        PluginUse {
            version: self.plugin.version().to_owned(),
            sha256: self.plugin.digest().to_owned(),
            fields: self.grants.fields.clone(),
            files: self.grants.files.clone(),
        }
    }

    /// The same module with the same grants.
    pub fn is_same(&self, other: &Self) -> bool {
        self.plugin.digest() == other.plugin.digest() && self.grants == other.grants
    }
}

/// A plugin that stays in use when its document can't be used.
#[derive(Clone, Debug)]
pub struct Held {
    /// Which.
    pub plugin: InUse,
    /// Why it stays also if the document's own can be loaded: what that would break.
    pub instead: Option<String>,
}

/// By name.
pub type HeldPlugins = BTreeMap<String, Held>;

/// A document of kind Plugin.
#[derive(Clone, Debug)]
pub struct PluginDocument {
    /// `metadata.name`: what its names begin with.
    pub name: String,
    /// The file.
    pub source: Arc<Source>,
    /// Where the name stands.
    pub name_at: Span,
    /// `spec.wasm`, absolute.
    pub wasm: PathBuf,
    /// What the file of the module was when it was read: its digest, or why it can't be used. `None`: it was not read.
    pub module: Option<Result<String, String>>,
    /// What was loaded from it; `None` where something was wrong.
    pub loaded: Option<InUse>,
    /// Where each granted field and file stands.
    grants_at: Vec<(String, Span)>,
}

/// Says if a plugin can't have this name.
pub(super) fn say_name(key: &Scalar, d: &mut Decoder<'_>) -> bool {
    let Some(taken) = reserved().refuses_plugin(&key.text) else { return true };
    let message = format!("`{}` can't be the name of a Plugin: it {}", key.text, taken.phrase());
    let mended = mend(&key.text, taken);
    let help = match reserved().refuses_plugin(&mended) {
        None => format!("write for example `{mended}`"),
        Some(_) => "write for example `php`".to_owned(),
    };
    d.say(Diagnostic::error(codes::NAME, message).at(key.span, "").help(help));
    false
}

/// Reads `spec` and loads the module, if the document is `usable` at all.
pub(super) fn read(
    value: &Value<'_>,
    name: &Scalar,
    usable: bool,
    d: &mut Decoder<'_>,
) -> Option<PluginDocument> {
    let object = Object::open(value, &table::PLUGIN, d)?;
    let wasm = object.get("wasm", d).and_then(|value| Some((value.source_path(d)?, value.node.span)));
    let wanted = object.get("sha256", d).and_then(|value| sha256(&value, d));
    let (mut grants, mut grants_at) = (Grants::default(), Vec::new());
    let before = d.diagnostics.len();
    if let Some(value) = object.get("grants", d)
        && let Some(object) = Object::open(&value, &table::GRANTS, d)
    {
        grants.fields = granted(&object, "fields", &mut grants_at, d);
        grants.files = granted(&object, "files", &mut grants_at, d);
    }
    let sound = d.diagnostics.len() == before;
    let grants_key = object.key("grants").unwrap_or(value.key);
    let (wasm, wasm_at) = wasm?;
    let mut document = PluginDocument {
        name: name.text.to_string(),
        source: Arc::clone(&d.source),
        name_at: name.span,
        wasm,
        module: None,
        loaded: None,
        grants_at,
    };
    let places = Places { wasm: wasm_at, grants: grants_key };
    if !object.has("sha256") {
        help_with_digest(&document.wasm, d);
    }
    if let Some(wanted) = wanted.filter(|_| usable && sound) {
        load(&mut document, &wanted, grants, places, d);
    }
    Some(document)
}

/// Where messages about a module point.
#[derive(Clone, Copy)]
struct Places {
    wasm: Span,
    grants: Span,
}

impl Places {
    fn of(self, code: Code) -> Span {
        if code == plugin::codes::GRANT { self.grants } else { self.wasm }
    }
}

/// A digest and where it stands.
type Wanted = (String, Span);

fn load(
    document: &mut PluginDocument,
    (wanted, wanted_at): &Wanted,
    grants: Grants,
    places: Places,
    d: &mut Decoder<'_>,
) {
    let wasm = match d.context.modules.read(&document.wasm) {
        Ok(wasm) => wasm,
        Err(reason) => {
            let message = format!("`{}` can't be used: {reason}", document.wasm.display());
            document.module = Some(Err(reason));
            d.say(
                Diagnostic::error(codes::MODULE, message)
                    .at(places.wasm, "")
                    .help("give it the right path, owner and mode"),
            );
            return;
        }
    };
    let digest = hex(&Sha256::digest(&wasm));
    document.module = Some(Ok(digest.clone()));
    if digest != *wanted {
        let message = format!("`{}` is another module: its SHA-256 is {digest}", document.wasm.display());
        d.say(
            Diagnostic::error(codes::DIGEST, message)
                .at(*wanted_at, "not this one")
                .help(format!("if it is the one you want write `sha256: {digest}`")),
        );
        return;
    }
    match d.context.modules.load(&document.name, &wasm, &digest, &grants) {
        Ok(plugin) => {
            lints::say_unneeded(document, &plugin, d);
            document.loaded = Some(InUse { plugin, grants });
        }
        Err(found) => {
            for diagnostic in found {
                let place = places.of(diagnostic.code);
                d.say(diagnostic.at(place, ""));
            }
        }
    }
}

/// That the digest is missing was said; what it is can be said too.
fn help_with_digest(wasm: &Path, d: &mut Decoder<'_>) {
    let Ok(wasm) = d.context.modules.read(wasm) else { return };
    let digest = hex(&Sha256::digest(&wasm));
    let missing = d.diagnostics.iter_mut().rev().find(|found| found.code == codes::MISSING_FIELD);
    if let Some(missing) = missing {
        missing.help = Some(format!("add `sha256: {digest}`, if the module is the one you want"));
    }
}

/// 64 hexadecimal digits, in lower case.
fn sha256(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Wanted> {
    let text = value.nonempty(d)?;
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some((text.to_ascii_lowercase(), value.node.span));
    }
    let message = format!("`{}` is 64 hexadecimal digits, not `{text}`", value.path());
    d.say(value.wrong(codes::INVALID_VALUE, message).help("take what `sha256sum` prints"));
    None
}

fn granted(
    object: &Object<'_>,
    name: &str,
    places: &mut Vec<(String, Span)>,
    d: &mut Decoder<'_>,
) -> Vec<String> {
    let Some(value) = object.get(name, d) else { return Vec::new() };
    let items = value.items(d).into_iter().flatten();
    let mut found = Vec::new();
    for item in items {
        if let Some(text) = item.nonempty(d) {
            places.push((text.clone(), item.node.span));
            found.push(text);
        }
    }
    found
}
