//! The open documents and what is said about them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{DOCUMENTS_MAX, Document, Session};
use crate::editor::diagnose::{Around, diagnose};
use crate::editor::protocol::{self, positions};
use crate::editor::text::Text;
use crate::spec::SpecFile;

impl Session {
    pub(super) fn open(&mut self, params: &Value) -> Option<String> {
        let document = params.get("textDocument")?;
        let uri = document.get("uri")?.as_str()?.to_owned();
        if self.documents.len() >= DOCUMENTS_MAX && !self.documents.contains_key(&uri) {
            return None;
        }
        let text = Text::new(document.get("text")?.as_str()?.to_owned(), self.encoding);
        let version = document.get("version").cloned().unwrap_or(Value::Null);
        let (diagnostics, library) = (Vec::new(), Arc::default());
        self.documents.insert(uri.clone(), Document { text, version, diagnostics, library });
        self.look_around(&uri);
        Some(uri)
    }

    pub(super) fn change(&mut self, params: &Value) -> Option<String> {
        let named = params.get("textDocument")?;
        let uri = named.get("uri")?.as_str()?.to_owned();
        let document = self.documents.get_mut(&uri)?;
        for change in params.get("contentChanges")?.as_array()? {
            let text = change.get("text")?.as_str()?;
            match change.get("range").and_then(positions) {
                Some((from, to)) => document.text.replace(from, to, text),
                None => document.text = Text::new(text.to_owned(), self.encoding),
            }
        }
        document.version = named.get("version").cloned().unwrap_or(Value::Null);
        Some(uri)
    }

    pub(super) fn save(&mut self, params: &Value) -> Option<String> {
        let uri = params.pointer("/textDocument/uri")?.as_str()?.to_owned();
        self.documents.get(&uri)?;
        self.look_around(&uri);
        Some(uri)
    }

    /// Nothing more is said about the document; those beside it use what is on disk again.
    pub(super) fn close(&mut self, params: &Value) -> Option<Vec<Value>> {
        let uri = params.pointer("/textDocument/uri")?.as_str()?;
        let closed = self.documents.remove(uri)?;
        let mut said = vec![published(uri, &Value::Null, &[])];
        if defines(&closed) {
            self.look_around(uri);
            let beside = self.beside(uri);
            said.extend(beside.iter().filter_map(|uri| self.publish_one(uri)));
        }
        Some(said)
    }

    /// The open documents in the same directory.
    fn beside(&self, uri: &str) -> Vec<String> {
        let same = |other: &&String| other.as_str() != uri && directory(other) == directory(uri);
        self.documents.keys().filter(same).cloned().collect()
    }

    pub(super) fn look_around(&mut self, uri: &str) {
        if let Some(directory) = directory(uri) {
            let found = (self.neighbours)(&directory);
            self.around.insert(directory, found);
        }
    }

    /// The files that a document may use: those on disk, and in their place those that are open.
    pub(super) fn around(&self, uri: &str) -> Vec<SpecFile> {
        let Some(directory) = directory(uri) else { return Vec::new() };
        let open = self.documents.iter().filter(|(other, document)| {
            other.as_str() != uri && defines(document) && self::directory(other).as_ref() == Some(&directory)
        });
        let mut files: Vec<SpecFile> = open
            .map(|(other, document)| SpecFile {
                name: protocol::path_of(other),
                directory: directory.clone(),
                bytes: document.text.as_str().as_bytes().to_vec().into(),
            })
            .collect();
        let on_disk = self.around.get(&directory).into_iter().flatten();
        let closed: Vec<SpecFile> =
            on_disk.filter(|file| files.iter().all(|open| open.name != file.name)).cloned().collect();
        files.extend(closed);
        files
    }

    /// What is to be said about a document now, and about those beside it where they may use what it defines.
    pub(super) fn publish(&mut self, uri: &str) -> Vec<Value> {
        let mut uris = vec![uri.to_owned()];
        if self.documents.get(uri).is_some_and(defines) {
            uris.extend(self.beside(uri));
        }
        uris.iter().filter_map(|uri| self.publish_one(uri)).collect()
    }

    pub(super) fn publish_one(&mut self, uri: &str) -> Option<Value> {
        let files = self.around(uri);
        let around = Around { files: &files, modules: &*self.modules };
        let document = self.documents.get_mut(uri)?;
        let checked = diagnose(&protocol::path_of(uri), document.text.as_str(), around);
        // While a text is not YAML it defines nothing; what it defined before is still meant.
        if !checked.diagnostics.iter().any(|diagnostic| diagnostic.code.0.starts_with('Y')) {
            document.library = checked.library;
        }
        document.diagnostics = checked.diagnostics;
        let said = document.diagnostics.iter();
        let rows: Vec<Value> = said.map(|said| protocol::diagnostic(uri, &document.text, said)).collect();
        Some(published(uri, &document.version, &rows))
    }
}

/// Words in documents of the kinds that give names to expressions.
const GIVE: [&str; 2] = ["Matcher", "Plugin"];

/// Whether others may use what it defines.
fn defines(document: &Document) -> bool {
    GIVE.iter().any(|kind| document.text.as_str().contains(kind))
}

/// The directory of a file.
fn directory(uri: &str) -> Option<PathBuf> {
    let path = protocol::path_of(uri);
    Path::new(&path).parent().filter(|_| path.starts_with('/')).map(Path::to_owned)
}

fn published(uri: &str, version: &Value, rows: &[Value]) -> Value {
    let mut params = json!({ "uri": uri, "diagnostics": rows });
    if let (Value::Object(params), false) = (&mut params, version.is_null()) {
        params.insert("version".into(), version.clone());
    }
    json!({ "jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params })
}
