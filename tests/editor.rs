//! What people who write documents are helped with: `selfsame fmt`, the JSON Schema, `selfsame lsp`, the grammar for
//! editors. On the real binary, over the real protocol.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "editor/client.rs"]
mod client;
#[path = "editor/fmt.rs"]
mod fmt;
#[path = "editor/lsp.rs"]
mod lsp;
#[path = "editor/schema.rs"]
mod schema;
#[path = "editor/tree_sitter.rs"]
mod tree_sitter_grammar;
#[path = "editor/validator.rs"]
mod validator;
#[path = "editor/yaml_server.rs"]
mod yaml_server;
