//! The mistakes of a document while it is written, and replacements that mend them.

use std::path::Path;
use std::sync::Arc;

use super::edit::{Edit, apply};
use crate::diagnostic::{Diagnostic, Span};
use crate::engine::sources::load_files;
use crate::lang::Library;
use crate::spec::{Modules, SpecFile};

/// A replacement that was tried: the text has fewer mistakes with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fix {
    /// As offered.
    pub(super) title: String,
    /// What it does.
    pub(super) edit: Edit,
    /// There is hardly another.
    pub(super) preferred: bool,
}

/// Whether a text declares a document of ours; about the YAML of others there is nothing to say.
pub(super) fn is_ours(text: &str) -> bool {
    text.lines().any(|line| {
        let value = line.trim_start_matches(['\u{feff}', '-', ' ']).strip_prefix("apiVersion:");
        value.is_some_and(|value| value.trim().trim_start_matches(['"', '\'']).starts_with("selfsame/"))
    })
}

/// What a document may use.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// Files with Matcher and Plugin documents.
    pub(super) files: &'a [SpecFile],
    /// Where the modules of plugins come from.
    pub(super) modules: &'a dyn Modules,
}

/// What is known about a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked {
    /// Positions are those of the text, a byte order mark included.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What it and the files around it define.
    pub(super) library: Arc<Library>,
}

/// Everything that `check` says about a file with this text that depends neither on the host nor on who uses what it
/// defines. `around` are the files
/// whose Matcher and Plugin documents it may use.
pub(super) fn diagnose(name: &str, text: &str, around: Around<'_>) -> Checked {
    if !is_ours(text) {
        return Checked::default();
    }
    let directory = Path::new(name).parent().map_or_else(|| "/".into(), Path::to_owned);
    let mut files: Vec<SpecFile> = around.files.iter().filter(|file| file.name != name).cloned().collect();
    files.push(SpecFile { name: name.to_owned(), directory, bytes: text.as_bytes().to_vec().into() });
    let loaded = load_files(&files, None, around.modules, None, None);
    let is_own = |diagnostic: &&Diagnostic| diagnostic.source.as_ref().is_some_and(|s| *s.name == *name);
    let own = loaded.diagnostics().filter(is_own).cloned();
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let moved = |span: Span| Span::new(span.start + mark, span.end + mark);
    let diagnostics = own.map(|diagnostic| diagnostic.map_spans(moved)).collect();
    Checked { diagnostics, library: loaded.names.library }
}

/// The plain replacement for a mistake: what its help puts between backticks, if it really mends it.
pub(super) fn fix(name: &str, text: &str, around: Around<'_>, diagnostic: &Diagnostic) -> Option<Fix> {
    let (span, help) = (diagnostic.span()?, diagnostic.help.as_ref()?);
    let preferred = help.starts_with("did you mean");
    if !preferred && !help.starts_with("write") {
        return None;
    }
    let before = diagnose(name, text, around).diagnostics;
    let errors = |all: &[Diagnostic]| all.iter().filter(|d| d.is_error()).count();
    let mends = |edit: &Edit| {
        let after = diagnose(name, &apply(text, std::slice::from_ref(edit)), around).diagnostics;
        after.len() < before.len() && errors(&after) <= errors(&before)
    };
    let edits = quoted(help).flat_map(|word| {
        // The help may name the whole (`exe.path`) where only the part behind the dot is wrong.
        let tail = word.rsplit_once('.').map(|(_, tail)| tail);
        [Some(word), tail].into_iter().flatten().map(|text| Edit { span, text: text.to_owned() })
    });
    let edit = edits.into_iter().find(mends)?;
    Some(Fix { title: format!("replace by `{}`", edit.text), edit, preferred })
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
