//! Conditions as they are kept: as text, with what it rests on.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Rare;
use crate::lang::library::Record;
use crate::lang::{Library, Schema};

/// A plugin that a condition was accepted with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginUse {
    /// Its version, for people.
    pub version: String,
    /// SHA-256 of the module, in hexadecimal.
    pub sha256: String,
    /// The fields that it may see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The files that it may see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// A written condition: its text (the compiled form is made anew by whoever needs it).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expression {
    /// The decoded source text.
    pub text: String,
    /// The named matchers and lists that it uses, as they were when it was accepted.
    #[serde(default, skip_serializing_if = "Record::is_empty")]
    pub definitions: Rare<Record>,
    /// The plugins that it uses, by name, as they were when it was accepted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plugins: Rare<BTreeMap<String, PluginUse>>,
}

impl Expression {
    /// One that uses no named matchers.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), definitions: Rare::default(), plugins: Rare::default() }
    }

    /// What its text can name besides what is built in; `schema` is that and what the plugins add that it was accepted
    /// with.
    pub fn library(&self, schema: &Arc<Schema>) -> Arc<Library> {
        Arc::new(Library::restore(&self.definitions, schema))
    }
}
