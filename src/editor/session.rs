//! A conversation with an editor: messages in, messages out. Holds the open documents, and the
//! Matcher and Plugin documents beside them.
//!
//! ```text
//! initialize --> initialized --> didOpen, didChange ... hover, completion ... --> shutdown --> exit
//!                                   \--> publishDiagnostics
//! ```
//!
//! Pure: the streams and the reading of files are `cli`'s. A message that makes no sense is answered with an error, or passed over where the
//! protocol allows no answer; it never ends the conversation.

mod answers;
mod documents;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::protocol::position;
use super::text::{Encoding, Text};
use crate::diagnostic::Diagnostic;
use crate::lang::Library;
use crate::spec::{Modules, SpecFile};

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

/// The files in a directory that hold Matcher or Plugin documents, as they are on disk.
pub type Neighbours = fn(&Path) -> Vec<SpecFile>;

/// A conversation.
#[derive(Debug)]
pub struct Session {
    stage: Stage,
    end: Option<SessionEnd>,
    encoding: Encoding,
    snippets: bool,
    neighbours: Neighbours,
    /// Where the modules of plugins come from.
    modules: Box<dyn Modules>,
    /// By directory, as of the last time that a document there was opened or saved.
    around: BTreeMap<PathBuf, Vec<SpecFile>>,
    documents: BTreeMap<String, Document>,
}

/// Code and sentence of an error.
type Failure = (i64, String);

/// What a request yields.
type Answer = Result<Value, Failure>;

impl Session {
    /// Before `initialize`. `neighbours` is asked when a document is opened or saved, `modules` when it names a plugin.
    pub fn new(neighbours: Neighbours, modules: Box<dyn Modules>) -> Self {
        Self {
            stage: Stage::New,
            end: None,
            encoding: Encoding::default(),
            snippets: false,
            neighbours,
            modules,
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
            "textDocument/didClose" => return self.close(params).unwrap_or_default(),
            _ => None,
        };
        touched.map_or_else(Vec::new, |uri| self.publish(&uri))
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
}

fn missing(what: &str) -> Failure {
    (errors::INVALID_PARAMS, format!("`{what}` is missing"))
}

fn failure(id: &Value, code: i64, text: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": text } })
}
