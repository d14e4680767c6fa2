//! Stub until the engine is merged.
#![allow(missing_docs, missing_debug_implementations)]

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::facts::{Fact, Reason, Why};
use crate::lang::{Schema, Vocabularies};
use crate::lang::schema::{Declarations, Operation, Vocabulary};
use crate::lang::value::{TypeName, Value};
use crate::process::world::World;

pub mod codes {
    pub const GRANT: crate::diagnostic::Code = crate::diagnostic::Code("P301");
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Grants {
    pub fields: Vec<String>,
    pub files: Vec<String>,
}

#[derive(Debug)]
pub struct Plugin {
    name: String,
    digest: String,
    declarations: Declarations,
}

impl Plugin {
    pub fn load(
        name: &str,
        _wasm: &[u8],
        _grants: &Grants,
        _builtin: &Schema,
    ) -> Result<Arc<Self>, Vec<Diagnostic>> {
        Ok(Arc::new(Self {
            name: name.to_owned(),
            digest: String::new(),
            declarations: Declarations::default(),
        }))
    }
    pub fn name(&self) -> &str {
        &self.name
    }
    pub fn version(&self) -> &str {
        "1"
    }
    pub fn digest(&self) -> &str {
        &self.digest
    }
    pub fn declarations(&self) -> &Declarations {
        &self.declarations
    }
}

#[derive(Clone, Debug)]
pub struct Plugins {
    all: Vec<Arc<Plugin>>,
    schema: Arc<Schema>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self::none()
    }
}

impl Plugins {
    pub fn none() -> Self {
        Self::new(Vec::new())
    }
    pub fn new(mut all: Vec<Arc<Plugin>>) -> Self {
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let mut schema = crate::process::expression::schema().clone();
        for plugin in &all {
            schema.add(plugin.declarations.clone());
        }
        Self { all, schema: Arc::new(schema) }
    }
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.all.iter()
    }
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
    pub fn vocabularies<'w>(
        &self,
        base: &'w dyn Vocabulary,
        world: &'w dyn World,
        _look: &Look,
    ) -> Vec<PluginVocabulary<'w>> {
        self.all.iter().map(|plugin| PluginVocabulary::new(plugin, base, world)).collect()
    }
    pub fn get(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.all.iter().find(|plugin| plugin.name == name)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Look;

impl Look {
    pub fn explaining() -> Self {
        Self
    }
}

pub struct PluginVocabulary<'w> {
    _plugin: Arc<Plugin>,
    _world: &'w dyn World,
}

impl<'w> PluginVocabulary<'w> {
    pub fn new(plugin: &Arc<Plugin>, _base: &'w dyn Vocabulary, world: &'w dyn World) -> Self {
        Self { _plugin: Arc::clone(plugin), _world: world }
    }
}

/// The vocabularies in the order of the schema.
pub fn in_order<'a>(process: &'a dyn Vocabulary, plugins: &'a [PluginVocabulary<'_>]) -> Vocabularies<'a> {
    let plugins = plugins.iter().map(|plugin| plugin as &dyn Vocabulary);
    Vocabularies(std::iter::once(process).chain(plugins).collect())
}

fn none<T>() -> Fact<T> {
    Fact::Unknown(Reason::new(Why::Plugin, "stub"))
}

impl Vocabulary for PluginVocabulary<'_> {
    fn field(&self, _: &Value, _: usize) -> Fact<Value> {
        none()
    }
    fn entry(&self, _: &Value, _: usize, _: &[u8]) -> Fact<Value> {
        none()
    }
    fn call(&self, _: &Value, _: usize, _: &[Value]) -> Fact<Value> {
        none()
    }
    fn compare(&self, _: &Value, _: Operation, _: &Value, _: &Value) -> Fact<bool> {
        none()
    }
    fn convert(&self, _: &Value, _: TypeName) -> Fact<Value> {
        none()
    }
    fn text(&self, value: &Value) -> Fact<Value> {
        Fact::Known(value.clone())
    }
    fn take_notes(&self) -> Vec<String> {
        Vec::new()
    }
}
