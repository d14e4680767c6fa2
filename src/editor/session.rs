//! A conversation with an editor: messages in, messages out. Holds the open documents, and the
//! Matcher documents beside them.
//!
//! ```text
//! initialize --> initialized --> didOpen, didChange ... hover, completion ... --> shutdown --> exit
//!                                   \--> publishDiagnostics
//! ```
//!
//! Pure: the streams and the reading of files are `cli`'s. A message that makes no sense is answered with an error, or passed over where the
//! protocol allows no answer; it never ends the conversation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::complete::complete;
use super::diagnose::{diagnose, fix, is_ours};
use super::format::format;
use super::hover::{definition, hover, signature};
use super::protocol::{self, markdown, position, positions, range};
use super::text::{Encoding, Text};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::lang::Library;
use crate::spec::SpecFile;

/// Codes of errors in answers, from JSON-RPC and the protocol.
mod errors {
    pub(super) const PARSE: i64 = -32_700;
    pub(super) const INVALID_REQUEST: i64 = -32_600;
    pub(super) const METHOD_NOT_FOUND: i64 = -32_601;
    pub(super) const INVALID_PARAMS: i64 = -32_602;
    pub(super) const NOT_INITIALIZED: i64 = -32_002;
}

/// Open documents beyond these are not looked at.
const DOCUMENTS_MAX: usize = 1000;

/// How a conversation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionEnd {
    /// `exit` after `shutdown`.
    Orderly,
    /// `exit` without it.
    Abrupt,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    New,
    Open,
    ShutDown,
}

/// An open document.
#[derive(Debug)]
struct Document {
    text: Text,
    version: Value,
    /// What was last said about it.
    diagnostics: Vec<Diagnostic>,
    /// What it could name when it was last YAML.
    library: Arc<Library>,
}

/// The files in a directory that hold Matcher documents, as they are on disk.
pub type Neighbours = fn(&Path) -> Vec<SpecFile>;

/// A conversation.
#[derive(Debug)]
pub struct Session {
    stage: Stage,
    end: Option<SessionEnd>,
    encoding: Encoding,
    snippets: bool,
    neighbours: Neighbours,
    /// By directory, as of the last time that a document there was opened or saved.
    around: BTreeMap<PathBuf, Vec<SpecFile>>,
    documents: BTreeMap<String, Document>,
}

/// Code and sentence of an error.
type Failure = (i64, String);

/// What a request yields.
type Answer = Result<Value, Failure>;

impl Session {
    /// Before `initialize`. `neighbours` is asked when a document is opened or saved.
    pub fn new(neighbours: Neighbours) -> Self {
        Self {
            stage: Stage::New,
            end: None,
            encoding: Encoding::default(),
            snippets: false,
            neighbours,
            around: BTreeMap::new(),
            documents: BTreeMap::new(),
        }
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<SessionEnd> {
        self.end
    }

    /// Takes the body of a message and gives the messages to send.
    #[must_use]
    pub fn take(&mut self, body: &[u8]) -> Vec<Value> {
        let Ok(message) = serde_json::from_slice::<Value>(body) else {
            return vec![failure(&Value::Null, errors::PARSE, "not JSON")];
        };
        let id = message.get("id").cloned();
        let params = message.get("params").cloned().unwrap_or(Value::Null);
        let answers = message.get("result").is_some() || message.get("error").is_some();
        match (message.get("method").and_then(Value::as_str), id) {
            (Some(method), Some(id)) => vec![match self.request(method, &params) {
                Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                Err((code, text)) => failure(&id, code, &text),
            }],
            (Some(method), None) => self.notification(method, &params),
            // An answer to a request of ours: there are none.
            (None, Some(_)) if answers => Vec::new(),
            (None, id) => {
                let id = id.unwrap_or(Value::Null);
                vec![failure(&id, errors::INVALID_REQUEST, "a message without `method`")]
            }
        }
    }

    fn request(&mut self, method: &str, params: &Value) -> Answer {
        let invalid = |text: &str| Err((errors::INVALID_REQUEST, text.to_owned()));
        match (self.stage, method) {
            (Stage::New, "initialize") => Ok(self.initialize(params)),
            (Stage::New, _) => Err((errors::NOT_INITIALIZED, "`initialize` comes first".into())),
            (Stage::Open, "initialize") => invalid("`initialize` came already"),
            (Stage::ShutDown, _) => invalid("after `shutdown` only `exit` comes"),
            (Stage::Open, "shutdown") => {
                self.stage = Stage::ShutDown;
                Ok(Value::Null)
            }
            (Stage::Open, "textDocument/hover") => self.hover(params),
            (Stage::Open, "textDocument/completion") => self.completion(params),
            (Stage::Open, "textDocument/definition") => self.definition(params),
            (Stage::Open, "textDocument/signatureHelp") => self.signature(params),
            (Stage::Open, "textDocument/formatting") => self.formatting(params),
            (Stage::Open, "textDocument/codeAction") => self.code_actions(params),
            (Stage::Open, other) => {
                Err((errors::METHOD_NOT_FOUND, format!("the method `{other}` is not known")))
            }
        }
    }

    fn initialize(&mut self, params: &Value) -> Value {
        self.stage = Stage::Open;
        let able = |path: &str| params.get("capabilities").and_then(|all| all.pointer(path));
        let encodings = able("/general/positionEncodings").and_then(Value::as_array);
        if encodings.is_some_and(|all| all.iter().any(|encoding| encoding == "utf-8")) {
            self.encoding = Encoding::Utf8;
        }
        let snippets = able("/textDocument/completion/completionItem/snippetSupport");
        self.snippets = snippets == Some(&Value::Bool(true));
        let encoding = match self.encoding {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16 => "utf-16",
        };
        json!({
            "capabilities": {
                "positionEncoding": encoding,
                "textDocumentSync": { "openClose": true, "change": 2, "save": true },
                "hoverProvider": true,
                "definitionProvider": true,
                "completionProvider": { "triggerCharacters": [".", "@", " ", "("] },
                "signatureHelpProvider": { "triggerCharacters": ["(", ","] },
                "documentFormattingProvider": true,
                "codeActionProvider": { "codeActionKinds": ["quickfix"] },
            },
            "serverInfo": { "name": "selfsame", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    fn notification(&mut self, method: &str, params: &Value) -> Vec<Value> {
        if method == "exit" {
            let orderly = self.stage == Stage::ShutDown;
            self.end = Some(if orderly { SessionEnd::Orderly } else { SessionEnd::Abrupt });
            return Vec::new();
        }
        if self.stage != Stage::Open {
            return Vec::new();
        }
        let touched = match method {
            "textDocument/didOpen" => self.open(params),
            "textDocument/didChange" => self.change(params),
            "textDocument/didSave" => self.save(params),
            "textDocument/didClose" => return self.close(params).into_iter().collect(),
            _ => None,
        };
        touched.map_or_else(Vec::new, |uri| self.publish(&uri))
    }

    fn open(&mut self, params: &Value) -> Option<String> {
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

    fn change(&mut self, params: &Value) -> Option<String> {
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

    fn save(&mut self, params: &Value) -> Option<String> {
        let uri = params.pointer("/textDocument/uri")?.as_str()?.to_owned();
        self.documents.get(&uri)?;
        self.look_around(&uri);
        Some(uri)
    }

    fn close(&mut self, params: &Value) -> Option<Value> {
        let uri = params.pointer("/textDocument/uri")?.as_str()?;
        self.documents.remove(uri)?;
        Some(published(uri, &Value::Null, &[]))
    }

    fn look_around(&mut self, uri: &str) {
        if let Some(directory) = directory(uri) {
            let found = (self.neighbours)(&directory);
            self.around.insert(directory, found);
        }
    }

    /// The files that a document may use: those on disk, and in their place those that are open.
    fn around(&self, uri: &str) -> Vec<SpecFile> {
        let Some(directory) = directory(uri) else { return Vec::new() };
        let open = self.documents.iter().filter(|(other, document)| {
            other.as_str() != uri && defines(document) && self::directory(other).as_ref() == Some(&directory)
        });
        let mut files: Vec<SpecFile> = open
            .map(|(other, document)| SpecFile {
                name: protocol::path_of(other),
                directory: directory.clone(),
                bytes: document.text.as_str().as_bytes().to_vec(),
            })
            .collect();
        let on_disk = self.around.get(&directory).into_iter().flatten();
        let closed: Vec<SpecFile> =
            on_disk.filter(|file| files.iter().all(|open| open.name != file.name)).cloned().collect();
        files.extend(closed);
        files
    }

    /// What is to be said about a document now, and about those beside it where they may use what it defines.
    fn publish(&mut self, uri: &str) -> Vec<Value> {
        let mut uris = vec![uri.to_owned()];
        if self.documents.get(uri).is_some_and(defines) {
            let beside = self.documents.keys().filter(|other| *other != uri && directory(other) == directory(uri));
            uris.extend(beside.cloned());
        }
        uris.iter().filter_map(|uri| self.publish_one(uri)).collect()
    }

    fn publish_one(&mut self, uri: &str) -> Option<Value> {
        let around = self.around(uri);
        let document = self.documents.get_mut(uri)?;
        let checked = diagnose(&protocol::path_of(uri), document.text.as_str(), &around);
        // While a text is not YAML it defines nothing; what it defined before is still meant.
        if !checked.diagnostics.iter().any(|diagnostic| diagnostic.code.0.starts_with('Y')) {
            document.library = checked.library;
        }
        document.diagnostics = checked.diagnostics;
        let said = document.diagnostics.iter();
        let rows: Vec<Value> = said.map(|said| protocol::diagnostic(uri, &document.text, said)).collect();
        Some(published(uri, &document.version, &rows))
    }

    /// The document that a request is about. One that isn't open has no answers.
    fn document<'p>(&self, params: &'p Value) -> Result<(&'p str, &Document), Failure> {
        let uri = params.pointer("/textDocument/uri").and_then(Value::as_str);
        let uri = uri.ok_or_else(|| missing("textDocument.uri"))?;
        match self.documents.get(uri) {
            Some(document) => Ok((uri, document)),
            None => Err((errors::INVALID_PARAMS, format!("`{uri}` is not open"))),
        }
    }

    /// A document and the byte that a request points at.
    fn pointed(&self, params: &Value) -> Result<(&Document, usize), Failure> {
        let (_, document) = self.document(params)?;
        let position = params.get("position").and_then(position).ok_or_else(|| missing("position"))?;
        Ok((document, document.text.offset(position)))
    }

    fn hover(&self, params: &Value) -> Answer {
        let (document, at) = self.pointed(params)?;
        let found = ours(document).and_then(|text| hover(text, at, &document.library));
        Ok(found.map_or(Value::Null, |(span, text)| {
            json!({ "contents": markdown(&text), "range": range(&document.text, span) })
        }))
    }

    fn definition(&self, params: &Value) -> Answer {
        let (document, at) = self.pointed(params)?;
        let found = ours(document).and_then(|text| definition(text, at, &document.library));
        Ok(found.map_or(Value::Null, |(source, span)| protocol::location(&source, span, self.encoding)))
    }

    fn completion(&self, params: &Value) -> Answer {
        let (document, at) = self.pointed(params)?;
        let found = ours(document).and_then(|text| complete(text, at, &document.library));
        let (span, suggestions) = found.unwrap_or((Span::new(at, at), Vec::new()));
        let row = |one| protocol::suggestion(&document.text, span, one, self.snippets);
        let items: Vec<Value> = suggestions.iter().map(row).collect();
        Ok(json!({ "isIncomplete": false, "items": items }))
    }

    fn signature(&self, params: &Value) -> Answer {
        let (document, at) = self.pointed(params)?;
        let found = ours(document).and_then(|text| signature(text, at, &document.library));
        Ok(found.map_or(Value::Null, |found| {
            let parameters: Vec<Value> =
                found.parameters.iter().map(|label| json!({ "label": label })).collect();
            let signature = json!({
                "label": found.label,
                "documentation": markdown(&found.documentation),
                "parameters": parameters,
            });
            json!({ "signatures": [signature], "activeSignature": 0, "activeParameter": found.active })
        }))
    }

    /// Nothing for a document with mistakes: its diagnostics say why.
    fn formatting(&self, params: &Value) -> Answer {
        let (uri, document) = self.document(params)?;
        let source = Source::new(protocol::path_of(uri), document.text.as_str());
        let edits = format(&source).map(|formatted| formatted.edits).unwrap_or_default();
        let row = |edit: &super::Edit| json!({ "range": range(&document.text, edit.span), "newText": edit.text });
        Ok(json!(edits.iter().map(row).collect::<Vec<_>>()))
    }

    fn code_actions(&self, params: &Value) -> Answer {
        let (uri, document) = self.document(params)?;
        let (from, to) = params.get("range").and_then(positions).ok_or_else(|| missing("range"))?;
        let asked = Span::new(document.text.offset(from), document.text.offset(to));
        let touched = |diagnostic: &&Diagnostic| {
            diagnostic.span().is_some_and(|span| span.start <= asked.end && asked.start <= span.end)
        };
        let (name, around) = (protocol::path_of(uri), self.around(uri));
        let mut actions = Vec::new();
        for diagnostic in document.diagnostics.iter().filter(touched) {
            let Some(fix) = fix(&name, document.text.as_str(), &around, diagnostic) else { continue };
            let edit = json!({ "range": range(&document.text, fix.edit.span), "newText": fix.edit.text });
            actions.push(json!({
                "title": fix.title,
                "kind": "quickfix",
                "diagnostics": [protocol::diagnostic(uri, &document.text, diagnostic)],
                "isPreferred": fix.preferred,
                "edit": { "changes": { uri: [edit] } },
            }));
        }
        Ok(json!(actions))
    }
}

/// Whether others may use what it defines.
fn defines(document: &Document) -> bool {
    document.text.as_str().contains("Matcher")
}

/// The directory of a file.
fn directory(uri: &str) -> Option<PathBuf> {
    let path = protocol::path_of(uri);
    Path::new(&path).parent().filter(|_| path.starts_with('/')).map(Path::to_owned)
}

/// The text of a document, if it is one of ours.
fn ours(document: &Document) -> Option<&str> {
    Some(document.text.as_str()).filter(|text| is_ours(text))
}

fn missing(what: &str) -> Failure {
    (errors::INVALID_PARAMS, format!("`{what}` is missing"))
}

fn failure(id: &Value, code: i64, text: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": text } })
}

fn published(uri: &str, version: &Value, rows: &[Value]) -> Value {
    let mut params = json!({ "uri": uri, "diagnostics": rows });
    if let (Value::Object(params), false) = (&mut params, version.is_null()) {
        params.insert("version".into(), version.clone());
    }
    json!({ "jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params })
}
