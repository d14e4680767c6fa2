//! What must hold for untrusted bytes: one function for each kind, which panics when its promise is broken.
//!
//! Both the fuzz targets and `tests/fuzz_corpus.rs` call these functions, so that every seed and every input that
//! once broke something is checked by `cargo test`, without a fuzzer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc,
    unreachable_pub,
    missing_docs,
    reason = "a promise that is broken stops at once"
)]

pub mod cmdline;
pub mod control;
pub mod document;
pub mod expression;
pub mod import;
pub mod plugin;
pub mod proc;
pub mod seeds;
pub mod shebang;
pub mod snapshot;
mod staged;
pub mod stat;
pub mod state;

use std::sync::Arc;

use selfsame::diagnostic::{Diagnostic, Source};

/// A name, the promise, and whether its inputs are lines or texts that a dictionary helps with.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Of the binary, of its corpus and of its dictionary.
    pub name: &'static str,
    /// Panics if the promise is broken.
    pub check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 17] = [
    Target { name: "expression", check: expression::check },
    Target { name: "document", check: document::check },
    Target { name: "cmdline", check: cmdline::check },
    Target { name: "stat", check: stat::check },
    Target { name: "shebang", check: shebang::check },
    Target { name: "snapshot", check: snapshot::check },
    Target { name: "proc", check: proc::check },
    Target { name: "state", check: state::check },
    Target { name: "control", check: control::check },
    Target { name: "import_init", check: import::init },
    Target { name: "import_command", check: import::command },
    Target { name: "import_systemd", check: import::systemd },
    Target { name: "import_supervisord", check: import::supervisord },
    Target { name: "import_servicedir", check: import::servicedir },
    Target { name: "import_monit", check: import::monit },
    Target { name: "import_procfile", check: import::procfile },
    Target { name: "plugin", check: plugin::check },
];

/// Every place lies in its text, begins and ends on characters, and all of it can be shown to a person.
fn assert_shown(diagnostics: &[Diagnostic], source: &Arc<Source>) {
    for diagnostic in diagnostics {
        assert!(!diagnostic.message.is_empty(), "{diagnostic:?}");
        for label in &diagnostic.labels {
            let text = &*label.source.as_ref().or(diagnostic.source.as_ref()).unwrap_or(source).text;
            assert!(
                text.get(label.span.start..label.span.end).is_some(),
                "outside of the text: {diagnostic:?}"
            );
        }
    }
    let located: Vec<Diagnostic> =
        diagnostics.iter().cloned().map(|diagnostic| diagnostic.in_source(source)).collect();
    let text = selfsame::report::render_diagnostics(&located, false);
    assert_eq!(text.is_empty(), diagnostics.is_empty());
    assert_eq!(selfsame::report::diagnostic_rows(&located).len(), diagnostics.len());
}
