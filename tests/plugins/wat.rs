//! Modules in text form, and a host to ask them about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use selfsame::diagnostic::{Diagnostic, Source};
use selfsame::lang::{Scope, Verdict, Vocabularies, compile};
use selfsame::plugin::{Grants, Look, Plugin, PluginVocabulary, Plugins};
use selfsame::process::expression::schema;
use selfsame::process::snapshot::Snapshot;
use selfsame::process::{ProcessVocabulary, candidate};
use selfsame::units::Pid;

pub(crate) const HOST: &str = "\
host:
  now: 2026-03-01T12:00:00Z
  boot: 2026-03-01T09:00:00Z
  users: {root: 0}
  files:
    /usr/bin/python3: {id: [1, 101], elf: true}
    /etc/app/a.conf: {id: [1, 201], head: 'port=80'}
    /etc/app/out.conf: {link: /etc/shadow}
    /etc/shadow: {id: [1, 202], head: 'secret'}
processes:
  - {pid: 600, user: root, comm: app, exe: /usr/bin/python3, argv: [python3, -u, a.py], env: {MODE: prod, A: b}}
  - {pid: 601, user: root, comm: other, argv: [other], unreadable: {env: denied}}
  - {pid: 602, user: root, comm: third, argv: [x]}
";

/// What this thread has had of the processors: what others have meanwhile is no part of it.
pub(crate) fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// Where the manifest stands in the memory, and where results can.
pub(crate) const MANIFEST_AT: usize = 1024;
pub(crate) const RESULT_AT: usize = 200_000;

/// A module in the making.
#[derive(Clone)]
pub(crate) struct Wat {
    pub(crate) manifest: Vec<u8>,
    pub(crate) imports: String,
    pub(crate) memory: String,
    pub(crate) abi: String,
    pub(crate) manifest_body: Option<String>,
    pub(crate) buffer: String,
    pub(crate) body: String,
}

impl Wat {
    /// With this manifest, and these functions beside the three that every plugin has.
    pub(crate) fn new(manifest: &str, body: &str) -> Self {
        Self {
            manifest: manifest.as_bytes().to_vec(),
            imports: String::new(),
            memory: "(memory (export \"memory\") 8)".into(),
            abi: "(func (export \"selfsame_abi\") (result i32) i32.const 1)".into(),
            manifest_body: None,
            buffer: "(func (export \"selfsame_buffer\") (param i32) (result i32)
                (select (i32.const 65536) (i32.const 0) (i32.le_u (local.get 0) (i32.const 65536))))"
                .into(),
            body: body.into(),
        }
    }

    pub(crate) fn importing(mut self, imports: &str) -> Self {
        self.imports.push_str(imports);
        self
    }

    pub(crate) fn text(&self) -> String {
        let place = slice(MANIFEST_AT, self.manifest.len());
        let manifest = self.manifest_body.clone().unwrap_or_else(|| format!("(i64.const {place})"));
        format!(
            "(module {} {} (data (i32.const {MANIFEST_AT}) \"{}\") {} \
             (func (export \"selfsame_manifest\") (result i64) {manifest}) {} {})",
            self.imports,
            self.memory,
            escaped(&self.manifest),
            self.abi,
            self.buffer,
            self.body
        )
    }

    pub(crate) fn wasm(&self) -> Vec<u8> {
        wat::parse_str(self.text()).unwrap_or_else(|error| panic!("{error}\n{}", self.text()))
    }

    /// Loaded under the name `t`, with everything granted that tests use.
    pub(crate) fn load(&self) -> Result<Arc<Plugin>, Vec<Diagnostic>> {
        Plugin::load("t", &self.wasm(), &grants(), schema())
    }

    pub(crate) fn plugin(&self) -> Arc<Plugin> {
        self.load().unwrap_or_else(|said| panic!("{said:#?}"))
    }

    /// What loading says: code, message and help of each.
    #[track_caller]
    pub(crate) fn said(&self) -> Vec<String> {
        said(&self.load().expect_err("the plugin is refused"))
    }
}

pub(crate) fn grants() -> Grants {
    let fields = ["comm", "argv", "env", "exe.path", "pid", "age", "user.name", "cmdline"];
    Grants { fields: fields.map(str::to_owned).to_vec(), files: vec!["/etc/app/*.conf".to_owned()] }
}

pub(crate) fn said(all: &[Diagnostic]) -> Vec<String> {
    let line = |said: &Diagnostic| {
        format!("{} {} | {}", said.code.0, said.message, said.help.as_deref().unwrap_or_default())
    };
    all.iter().map(line).collect()
}

/// Bytes as a text of the text format.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Pointer and length as one number.
pub(crate) fn slice(at: usize, length: usize) -> u64 {
    ((at as u64) << 32) | length as u64
}

/// A manifest of the plugin `t` with these lists of fields and functions.
pub(crate) fn manifest(fields: &str, functions: &str) -> String {
    format!(
        r#"{{"name": "t", "version": "1.2.3", "summary": "a test", "fields": [{fields}], "functions": [{functions}]}}"#
    )
}

/// An entry that returns its input as it came.
pub(crate) fn echo(export: &str) -> String {
    format!(
        "(func (export \"{export}\") (param i32 i32) (result i64)
            (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))"
    )
}

/// An entry that returns these bytes.
pub(crate) fn constant(export: &str, bytes: &[u8]) -> String {
    constant_at(RESULT_AT, export, bytes)
}

/// The same with the bytes in another place.
pub(crate) fn constant_at(at: usize, export: &str, bytes: &[u8]) -> String {
    let place = slice(at, bytes.len());
    format!(
        "(data (i32.const {at}) \"{}\")
         (func (export \"{export}\") (param i32 i32) (result i64) (i64.const {place}))",
        escaped(bytes)
    )
}

/// The field `t.x` of this type, with these inputs, answered by the export `x`.
pub(crate) fn field(ty: &str, inputs: &str) -> String {
    format!(r#"{{"name": "x", "type": "{ty}", "export": "x", "inputs": [{inputs}]}}"#)
}

/// A plugin with one field of this type, answered by this function.
pub(crate) fn one(ty: &str, inputs: &str, body: &str) -> Wat {
    Wat::new(&manifest(&field(ty, inputs), ""), body)
}

/// A host and plugins on it.
pub(crate) struct Place {
    pub(crate) snapshot: Snapshot,
    pub(crate) plugins: Plugins,
}

impl Place {
    pub(crate) fn of(plugins: Vec<Arc<Plugin>>) -> Self {
        Self::on(HOST, plugins)
    }

    pub(crate) fn on(host: &str, plugins: Vec<Arc<Plugin>>) -> Self {
        let snapshot = Snapshot::parse(&Source::new("host", host)).unwrap_or_else(|said| panic!("{said:#?}"));
        Self { snapshot, plugins: Plugins::new(plugins) }
    }

    /// `true`, `false`, or what is unknown.
    #[track_caller]
    pub(crate) fn ask(&self, text: &str, pid: i32) -> String {
        self.ask_in(&Look::default(), text, pid)
    }

    /// The same in a look that goes on.
    #[track_caller]
    pub(crate) fn ask_in(&self, look: &Look, text: &str, pid: i32) -> String {
        let compiled = compile(text, self.plugins.schema(), &Scope::new(BTreeMap::new(), &Arc::default()));
        let Some(predicate) = compiled.predicate else { panic!("{text}: {:#?}", compiled.diagnostics) };
        let base = ProcessVocabulary::new(&self.snapshot);
        let plugins = self.plugins.vocabularies(&base, &self.snapshot, look);
        let facts = facts(&base, &plugins);
        let matcher = predicate.bind(&BTreeMap::new(), &facts).matcher;
        match matcher.eval(&candidate(Pid(pid)), &facts) {
            Verdict::Match => "true".into(),
            Verdict::NoMatch => "false".into(),
            Verdict::Unknown(missing) => {
                missing.iter().map(|missing| missing.reason.to_string()).collect::<Vec<_>>().join("; ")
            }
        }
    }
}

pub(crate) fn facts<'a>(
    base: &'a ProcessVocabulary<'a>,
    plugins: &'a [PluginVocabulary<'a>],
) -> Vocabularies<'a> {
    let mut all: Vec<&dyn selfsame::lang::schema::Vocabulary> = vec![base];
    all.extend(plugins.iter().map(|plugin| plugin as &dyn selfsame::lang::schema::Vocabulary));
    Vocabularies(all)
}
