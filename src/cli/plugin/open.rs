//! A plugin that is named by a folder, a document or a module.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::cli::codes;
use crate::diagnostic::{Diagnostic, Source};
use crate::host;
use crate::plugin::limits::MODULE_MAX;
use crate::plugin::{Grants, Plugin, Survey};
use crate::process::expression::schema;
use crate::workshop::codes::DIGEST;
use crate::workshop::{Document, read_document};

/// A module, and the document that it is for.
pub(super) struct Opened {
    /// `None` where a module was named by itself.
    pub(super) document: Option<Document>,
    /// The folder, if one was named.
    pub(super) folder: Option<PathBuf>,
    /// The module.
    pub(super) path: PathBuf,
    /// Its content.
    pub(super) wasm: Vec<u8>,
}

fn unreadable(path: &Path, why: impl std::fmt::Display, help: &str) -> Vec<Diagnostic> {
    let message = format!("`{}` can't be read: {why}", path.display());
    vec![Diagnostic::error(codes::FILE, message).help(help)]
}

/// What authors' verbs are given.
const WHAT_IT_CAN_BE: &str =
    "name a folder with a plugin.yaml, a document of kind Plugin (`.yaml`), or a module (`.wasm`)";

/// Whether a file is one of YAML, by its name.
pub(super) fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// The document in a file.
pub(super) fn document(path: &Path) -> Result<Document, Vec<Diagnostic>> {
    let text = host::read_text(path).map_err(|error| unreadable(path, error, WHAT_IT_CAN_BE))?;
    read_document(&Source::new(path.display().to_string(), text))
}

/// The module that a document names.
pub(super) fn module_of(document: &Document, file: &Path) -> PathBuf {
    let path = file.parent().unwrap_or(Path::new("")).join(&document.wasm);
    // As a person would write it.
    path.components().filter(|part| part.as_os_str() != ".").collect()
}

/// Reads what a path names.
pub(super) fn open(path: &Path) -> Result<Opened, Vec<Diagnostic>> {
    let folder = host::is_directory(path).then(|| path.to_owned());
    let file = folder.as_ref().map_or_else(|| path.to_owned(), |folder| folder.join("plugin.yaml"));
    let document = if is_document(&file) { Some(document(&file)?) } else { None };
    let module = document.as_ref().map_or_else(|| file.clone(), |document| module_of(document, &file));
    let help = match folder.as_ref().or(document.as_ref().map(|_| &file)) {
        Some(_) => "build it: `./build` in its folder, or `selfsame plugin build FILE.wat`",
        None => WHAT_IT_CAN_BE,
    };
    let wasm = host::read_bytes(&module, MODULE_MAX).map_err(|error| unreadable(&module, error, help))?;
    if !wasm.starts_with(b"\0asm") && module.extension().is_some_and(|end| end == "wat") {
        let message = format!("`{}` is the text of a module", module.display());
        let help = format!("make it one: `selfsame plugin build {}`", module.display());
        return Err(vec![Diagnostic::error(crate::plugin::codes::NOT_A_MODULE, message).help(help)]);
    }
    // Of a file that isn't even called one nobody has to hear in which form a module is wanted.
    if document.is_none() && !wasm.starts_with(b"\0asm") && module.extension().is_none_or(|end| end != "wasm")
    {
        let message = format!("`{}` is neither a module nor a document of kind Plugin", module.display());
        return Err(vec![
            Diagnostic::error(crate::plugin::codes::NOT_A_MODULE, message).help(WHAT_IT_CAN_BE),
        ]);
    }
    Ok(Opened { document, folder, path: module, wasm })
}

/// SHA-256 in hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Opened {
    /// What it asks for.
    pub(super) fn survey(&self) -> Result<Survey, Vec<Diagnostic>> {
        Plugin::survey(&self.wasm, schema()).map_err(|said| self.about(said))
    }

    /// Loads it with what its document grants; a module by itself gets what it asks for.
    pub(super) fn load(&self) -> Result<Arc<Plugin>, Vec<Diagnostic>> {
        if let Some(wrong) = self.wrong_digest() {
            return Err(vec![wrong]);
        }
        let loaded = match &self.document {
            Some(document) => Plugin::load(&document.name, &self.wasm, &document.grants, schema()),
            None => {
                let manifest = self.survey()?.manifest;
                let grants = Grants::asked_by(&manifest);
                Plugin::load(&manifest.name, &self.wasm, &grants, schema())
            }
        };
        loaded.map_err(|said| self.about(said))
    }

    /// That the digest in the document is not that of the module.
    pub(super) fn wrong_digest(&self) -> Option<Diagnostic> {
        let document = self.document.as_ref()?;
        let (wanted, at) = document.sha256.as_ref()?;
        let found = digest(&self.wasm);
        if wanted.eq_ignore_ascii_case(&found) {
            return None;
        }
        let message = format!("`{}` is another module: its SHA-256 is {found}", self.path.display());
        let said = Diagnostic::error(DIGEST, message).at(*at, "not this one").in_source(&document.source);
        Some(
            said.help(format!("if it is the one you want: `selfsame plugin build {}`", document.source.name)),
        )
    }

    /// With the file that it is about.
    fn about(&self, said: Vec<Diagnostic>) -> Vec<Diagnostic> {
        said.into_iter().map(|one| one.note(format!("in `{}`", self.path.display()))).collect()
    }
}
