//! `plugin build`: a module of a text, and its digest in the document.

use std::path::{Path, PathBuf};

use super::open::{digest, document, is_document, module_of};
use super::refuse;
use crate::cli::args::{BuildArgs, Output};
use crate::cli::codes;
use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::diagnostic::{Diagnostic, Source};
use crate::host;
use crate::plugin::limits::MODULE_MAX;
use crate::workshop::{assemble, with_digest};

/// Runs `plugin build`.
pub(super) fn run(args: &BuildArgs, terminal: Terminal) -> Exit {
    let built = if is_document(&args.file) {
        seal(&args.file)
    } else {
        from_text(&args.file).and_then(|module| {
            let beside = args.file.with_file_name("plugin.yaml");
            if host::exists(&beside) { seal(&beside) } else { Ok(module) }
        })
    };
    match built {
        Ok(words) => {
            terminal.data(&words);
            Exit::Ok
        }
        Err(said) => refuse(&said, Output::Text, terminal),
    }
}

fn failed(path: &Path, doing: &str, error: impl std::fmt::Display) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::FILE, format!("`{}` can't be {doing}: {error}", path.display()))]
}

/// What was built, in a line.
fn words(module: &Path, wasm: &[u8]) -> String {
    format!("{}  {} bytes  sha256 {}", module.display(), wasm.len(), digest(wasm))
}

/// Makes the module that a text is, beside it.
fn from_text(file: &Path) -> Result<String, Vec<Diagnostic>> {
    let text = host::read_text(file).map_err(|error| failed(file, "read", error))?;
    let wasm = assemble(&Source::new(file.display().to_string(), text))?;
    let module: PathBuf = file.with_extension("wasm");
    host::atomic::write(&beside(&module), &wasm, 0o644).map_err(|error| failed(&module, "written", error))?;
    Ok(words(&module, &wasm))
}

/// A name alone is in the working directory.
fn beside(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new(".").join(path),
        _ => path.to_owned(),
    }
}

/// Writes the digest of a document's module into it.
fn seal(file: &Path) -> Result<String, Vec<Diagnostic>> {
    let document = document(file)?;
    let module = module_of(&document, file);
    let wasm = host::read_bytes(&module, MODULE_MAX).map_err(|error| failed(&module, "read", error))?;
    let Some(text) = with_digest(&document, &digest(&wasm)) else {
        let help = format!("add `sha256: {}` to `spec`", digest(&wasm));
        let said = Diagnostic::error(crate::workshop::codes::DOCUMENT, "`spec` has no `sha256`");
        return Err(vec![said.help(help).note(format!("in `{}`", file.display()))]);
    };
    host::replace_text(file, &document.source.text, &text).map_err(|error| failed(file, "written", error))?;
    Ok(words(&module, &wasm))
}
