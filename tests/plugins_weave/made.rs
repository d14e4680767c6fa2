//! Small plugins, written in WAT.

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::support::Bench;

/// A plugin whose entries each return their first argument or input as it comes, or do as their export says.
pub(crate) struct Made {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Of the manifest: `"fields": [...], "functions": [...]`.
    pub(crate) entries: String,
}

/// An enumeration and a type, with a field of each.
#[cfg(feature = "plugins")]
pub(crate) const TYPES: &str = r#""enums": [{"name": "sort", "summary": "of a process", "words": ["shell", "server"]}],
    "types": [{"name": "age", "from": ["int"], "convert": "echo", "less": "echo", "summary": "in years"}],
    "fields": [{"name": "sort", "type": "sort", "export": "echo"}, {"name": "age", "type": "age", "export": "echo"}]"#;
/// A field that is the kernel's name of the process.
pub(crate) const COMM: &str = r#"{"name": "comm", "type": "string", "export": "echo", "inputs": ["comm"], "summary": "the name of the kernel"}"#;

impl Made {
    /// With one field, `tag.comm`.
    pub(crate) fn tag(version: &'static str) -> Self {
        Self::fields(version, &[COMM])
    }

    pub(crate) fn fields(version: &'static str, fields: &[&str]) -> Self {
        Self { name: "tag", version, entries: format!(r#""fields": [{}]"#, fields.join(", ")) }
    }

    pub(crate) fn wasm(&self) -> Vec<u8> {
        let manifest = format!(
            r#"{{"name": "{}", "version": "{}", "summary": "for tests", {}}}"#,
            self.name, self.version, self.entries
        );
        let data = manifest.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let wat = format!(
            r#"(module
                (memory (export "memory") 3)
                (data (i32.const 0) "{data}")
                (func (export "selfsame_abi") (result i32) (i32.const 1))
                (func (export "selfsame_manifest") (result i64) (i64.const {}))
                (func (export "selfsame_buffer") (param i32) (result i32) (i32.const 65536))
                (func (export "echo") (param $at i32) (param $len i32) (result i64)
                    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32))
                            (i64.extend_i32_u (local.get $len))))
                (func (export "trap") (param i32 i32) (result i64) unreachable)
                (func (export "forever") (param i32 i32) (result i64) (loop (br 0)) (unreachable)))"#,
            manifest.len()
        );
        wat::parse_str(wat).unwrap()
    }

    /// Writes module and document, and gives the digest.
    pub(crate) fn write(&self, bench: &Bench) -> String {
        let (_, digest) = self.write_module(bench);
        self.write_document(bench, &digest, "fields: [comm]");
        digest
    }

    pub(crate) fn write_module(&self, bench: &Bench) -> (PathBuf, String) {
        let path = bench.path(&format!("specs/{}.wasm", self.name));
        let temporary = path.with_extension("new");
        let wasm = self.wasm();
        fs::write(&temporary, &wasm).unwrap();
        fs::rename(&temporary, &path).unwrap();
        (path, digest(&wasm))
    }

    pub(crate) fn write_document(&self, bench: &Bench, digest: &str, grants: &str) -> PathBuf {
        let name = self.name;
        let text = format!(
            "apiVersion: selfsame/v1\nkind: Plugin\nmetadata: {{name: {name}}}\nspec:\n  wasm: ./{name}.wasm\n  \
             sha256: \"{digest}\"\n  grants: {{{grants}}}\n"
        );
        bench.write(&format!("specs/{name}-plugin.yaml"), &text)
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
