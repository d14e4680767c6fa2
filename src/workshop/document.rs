//! The document of a plugin, as its author's tools need it: also where it could not be used in a directory of specs yet,
//! because the module was not built, or has another digest.

use std::sync::Arc;

use super::codes;
use super::read::Reader;
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::plugin::Grants;
use crate::yaml::{self, Node, Scalar};

/// A document of kind Plugin.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file.
    pub source: Arc<Source>,
    /// `metadata.name`.
    pub name: String,
    /// `spec.wasm`, as written.
    pub wasm: String,
    /// `spec.sha256` and where it stands.
    pub sha256: Option<(String, Span)>,
    /// `spec.grants`.
    pub grants: Grants,
}

/// Reads the first document of kind Plugin of a file.
///
/// # Errors
/// What is missing, in the text.
pub fn read(source: &Arc<Source>) -> Result<Document, Vec<Diagnostic>> {
    let parsed = yaml::parse(source, &yaml::Limits::default());
    let mut reader = Reader { code: codes::DOCUMENT, said: parsed.diagnostics };
    let kind =
        |node: &&Node| node.get("kind").and_then(Node::scalar).is_some_and(|kind| kind.text == "Plugin");
    let found = parsed.documents.iter().find(kind);
    if found.is_none() && reader.said.is_empty() {
        let help = "write `apiVersion: selfsame/v1` and `kind: Plugin`, or name the module itself";
        reader.say(Span::default(), "there is no document of kind Plugin in this file", help);
    }
    let document = found.and_then(|node| of(node, source, &mut reader));
    let said: Vec<Diagnostic> = reader.said.into_iter().map(|one| one.in_source(source)).collect();
    match document {
        Some(document) if !said.iter().any(Diagnostic::is_error) => Ok(document),
        _ => Err(said),
    }
}

fn of(node: &Node, source: &Arc<Source>, r: &mut Reader) -> Option<Document> {
    let metadata = r.needed(node, "the document", "metadata", "write `metadata: {name: ...}`");
    let name = metadata.and_then(|metadata| text(metadata, "`metadata`", "name", r));
    let spec = r.needed(node, "the document", "spec", "write `spec: {wasm: ./NAME.wasm, sha256: ...}`")?;
    let wasm = text(spec, "`spec`", "wasm", r);
    let digest = spec.get("sha256").and_then(|node| r.scalar(node, "`sha256`"));
    let grants = spec.get("grants").map_or_else(Grants::default, |node| Grants {
        fields: texts(node, "fields", r),
        files: texts(node, "files", r),
    });
    Some(Document {
        source: Arc::clone(source),
        name: name?,
        wasm: wasm?,
        sha256: digest.map(|digest: &Scalar| (digest.text.to_string(), digest.span)),
        grants,
    })
}

fn text(node: &Node, what: &str, key: &str, r: &mut Reader) -> Option<String> {
    let found = r.needed(node, what, key, &format!("write `{key}: ...`"))?;
    r.scalar(found, &format!("`{key}`")).map(|scalar| scalar.text.to_string())
}

fn texts(node: &Node, key: &str, r: &mut Reader) -> Vec<String> {
    let Some(list) = node.get(key) else { return Vec::new() };
    let items = r.items(list, &format!("`{key}`"));
    items.iter().filter_map(|item| r.scalar(item, "a grant").map(|scalar| scalar.text.to_string())).collect()
}

/// The text with another digest in the place of the one that is there.
pub fn with_digest(document: &Document, digest: &str) -> Option<String> {
    let (_, at) = document.sha256.as_ref()?;
    let text = &document.source.text;
    Some(format!("{}{digest}{}", text.get(..at.start)?, text.get(at.end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "apiVersion: selfsame/v1\nkind: Plugin\nmetadata: {name: a}\nspec:\n  wasm: ./a.wasm\n  \
                        sha256: \"00\" # old\n  grants: {fields: [argv, exe.path]}\n";

    #[test]
    fn a_document_is_read_and_gets_another_digest() {
        let document =
            read(&Source::new("plugin.yaml", TEXT)).unwrap_or_else(|said| unreachable!("{said:?}"));
        assert_eq!((document.name.as_str(), document.wasm.as_str()), ("a", "./a.wasm"));
        assert_eq!(document.grants.fields, ["argv", "exe.path"]);
        let text = with_digest(&document, "5f0c").unwrap_or_default();
        assert_eq!(text, TEXT.replace("\"00\"", "5f0c"));
    }

    #[test]
    fn everything_that_is_missing_is_said() {
        for (text, expected) in [
            ("kind: Service\n", vec!["there is no document of kind Plugin in this file"]),
            ("kind: Plugin\n", vec!["the document has no `metadata`", "the document has no `spec`"]),
            (
                "kind: Plugin\nmetadata: {}\nspec: {}\n",
                vec!["`metadata` has no `name`", "`spec` has no `wasm`"],
            ),
            (
                "kind: Plugin\nmetadata: {name: a}\nspec: {wasm: [a]}\n",
                vec!["`wasm` is a list, not a single value"],
            ),
        ] {
            let said = read(&Source::new("p", text)).err().unwrap_or_default();
            assert_eq!(said.iter().map(|one| one.message.as_str()).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
