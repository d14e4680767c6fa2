//! Paths in documents: absolute, relative to the spec file, or with placeholders, depending on the field.

use std::path::{Component, Path, PathBuf};

use crate::diagnostic::Diagnostic;

use super::codes;
use super::decode::{Decoder, Value};

impl Value<'_> {
    /// A path to a file that exists before the service: absolute, or relative to the spec file if it has a slash.
    pub(super) fn source_path(&self, d: &mut Decoder<'_>) -> Option<PathBuf> {
        let text = self.plain_path(d)?;
        if text.starts_with('/') {
            return Some(PathBuf::from(text));
        }
        if !text.contains('/') {
            let message = format!("`{}` is a path, and `{text}` has no slash", self.path());
            let help = format!("write `/usr/bin/{text}`, or `./{text}` for a file beside the spec file");
            d.say(self.wrong(codes::INVALID_VALUE, message).help(help));
            return None;
        }
        Some(beside(Path::new(self.directory(d)?), &text))
    }

    /// An absolute path.
    pub(super) fn absolute_path(&self, d: &mut Decoder<'_>) -> Option<PathBuf> {
        let text = self.plain_path(d)?;
        if !text.starts_with('/') {
            let message = format!("`{}` is an absolute path, not `{text}`", self.path());
            d.say(
                self.wrong(codes::INVALID_VALUE, message).help(format!("write it from the root: `/{text}`")),
            );
            return None;
        }
        Some(PathBuf::from(text))
    }

    /// A path without placeholders.
    fn plain_path(&self, d: &mut Decoder<'_>) -> Option<String> {
        let text = self.text_as("a path", d)?;
        if text.is_empty() {
            self.empty(d);
            return None;
        }
        if text.contains("${") {
            let message = format!("nothing is put in for `${{...}}` in `{}`", self.path());
            d.say(self.wrong(codes::PLACEHOLDER, message).help("write the path out"));
            return None;
        }
        Some(text)
    }

    /// A path of a file that the service or the engine makes: absolute, or beginning with one of the engine's
    /// own directories. Placeholders stay in it.
    pub(super) fn runtime_path(&self, directories: &[&str], d: &mut Decoder<'_>) -> Option<String> {
        let text = self.template(d)?;
        let below =
            |base: &&str| text.strip_prefix(&format!("${{{base}}}/")).is_some_and(|rest| !rest.is_empty());
        if (text.starts_with('/') && !text.ends_with('/')) || directories.iter().any(below) {
            return Some(text);
        }
        if text.is_empty() {
            self.empty(d);
            return None;
        }
        let base = directories.first().copied().unwrap_or("runDir");
        let name = text.trim_start_matches("./").trim_end_matches('/');
        let message =
            format!("`{}` is the path of a file, absolute or below `${{{base}}}`, not `{text}`", self.path());
        let diagnostic = self.wrong(codes::INVALID_VALUE, message);
        d.say(if text.starts_with(['/', '$']) {
            diagnostic.help(format!("write for example `${{{base}}}/${{name}}`"))
        } else {
            diagnostic.help(format!("write `${{{base}}}/{name}`"))
        });
        None
    }
}

/// A path relative to the directory of the spec file. That directory has no links in it, so each leading `..`
/// can be taken off; a later one stays, since what precedes it may be a link.
pub(super) fn beside(directory: &Path, text: &str) -> PathBuf {
    let mut path = directory.to_path_buf();
    let mut leading = true;
    for component in Path::new(text).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if leading => {
                path.pop();
            }
            other => {
                leading = false;
                path.push(other);
            }
        }
    }
    path
}

/// Says that arguments were written into a path.
pub(super) fn warn_of_arguments(value: &Value<'_>, d: &mut Decoder<'_>) {
    let Some((path, arguments)) = value.node.scalar().and_then(|scalar| scalar.text.split_once(" -")) else {
        return;
    };
    let message = format!("`{}` is a path, and this one seems to have arguments in it", value.path());
    let items: Vec<String> =
        format!("-{arguments}").split_whitespace().map(|word| format!("\"{word}\"")).collect();
    d.say(
        Diagnostic::warning(codes::ARGUMENTS_IN_STARTAS, message)
            .at(value.node.span, "")
            .help(format!("write `startas: {path}` and `args: [{}]`", items.join(", "))),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_parents_are_taken_off_and_later_ones_stay() {
        for (text, expected) in [
            ("./a", "/etc/specs/a"),
            ("../bin/a", "/etc/bin/a"),
            ("../../../../a", "/a"),
            ("bin/../a", "/etc/specs/bin/../a"),
            ("./../a", "/etc/a"),
        ] {
            assert_eq!(beside(Path::new("/etc/specs"), text), PathBuf::from(expected), "{text}");
        }
    }
}
