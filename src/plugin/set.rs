//! Several plugins, and the schema over them.

use std::sync::Arc;

use super::load::Plugin;
use super::look::Look;
use super::vocabulary::PluginVocabulary;
use crate::lang::schema::Vocabulary;
use crate::lang::{Schema, Vocabularies};
use crate::process::expression;
use crate::process::world::World;

/// Plugins by name, each name once. The schema has the process vocabulary first, then the plugins in this order.
#[derive(Clone, Debug)]
pub struct Plugins {
    all: Arc<[Arc<Plugin>]>,
    schema: Arc<Schema>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self::none()
    }
}

impl Plugins {
    /// No plugins: the built-in names alone.
    pub fn none() -> Self {
        Self { all: Arc::new([]), schema: Arc::clone(expression::schema()) }
    }

    /// These. Of two with one name the first is taken.
    pub fn new(mut all: Vec<Arc<Plugin>>) -> Self {
        if all.is_empty() {
            return Self::none();
        }
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all.dedup_by(|later, first| later.name() == first.name());
        let mut schema = Schema::clone(expression::schema());
        for plugin in &all {
            schema.add(plugin.declarations().clone());
        }
        Self { all: all.into(), schema: Arc::new(schema) }
    }

    /// Everything that an expression can name.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// By name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Plugin>> {
        self.all.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.all.iter().find(|plugin| plugin.name() == name)
    }

    /// Those with these names.
    #[must_use]
    pub fn only<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Self {
        Self::new(names.into_iter().filter_map(|name| self.get(name).cloned()).collect())
    }

    /// The vocabularies of these plugins for one look, in the order of the schema: what stands after the first place of
    /// [`crate::lang::Vocabularies`].
    pub fn vocabularies<'w>(
        &self,
        base: &'w dyn Vocabulary,
        world: &'w dyn World,
        look: &Look,
    ) -> Vec<PluginVocabulary<'w>> {
        self.all.iter().map(|plugin| PluginVocabulary::within(plugin, base, world, look)).collect()
    }
}

/// The process vocabulary and those of plugins, in the order of the schema.
pub fn in_order<'a>(process: &'a dyn Vocabulary, plugins: &'a [PluginVocabulary<'_>]) -> Vocabularies<'a> {
    let plugins = plugins.iter().map(|plugin| plugin as &dyn Vocabulary);
    Vocabularies(std::iter::once(process).chain(plugins).collect())
}
