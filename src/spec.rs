//! Documents: from positioned YAML to a validated model.
//!
//! Floor 4. Never touches the file system: it is given bytes.
//!
//! ```text
//! bytes --yaml--> tree with positions --tables, types--> Matcher --library--> Service   a file: as a whole or not at all
//!            \--second opinion--/            \-- every mistake, located, of all files in one run
//! ```
//!
//! [`table`] has a row for every field; unknown fields, fields that are not built yet and the JSON Schema
//! come from there.

pub mod codes;
mod content;
mod decode;
pub mod defaults;
mod depends;
mod difference;
mod document;
pub mod engine;
mod expression;
mod few;
mod file;
pub mod host_facts;
pub mod matcher;
mod model;
mod overlap;
mod parts;
mod paths;
mod placeholders;
pub mod plugin;
pub mod policies;
mod raw;
mod ready;
mod scalars;
mod schema;
mod service;
mod set;
pub mod table;
mod task;
mod untold;

#[cfg(test)]
mod tests;

pub use content::Content;
pub use depends::{DependencyMistakes, dependency_mistakes};
pub use difference::{FieldDifference, changed_fields, differences};
pub use expression::{ExpressionRequest, Shape, variables};
pub use few::Few;
pub use file::{Copies, LoadedFile, SpecFile, Stays, hex};
pub use model::policy;
pub use model::{
    Account, AdoptPolicy, CpuPolicy, DesiredState, DuplicatePolicy, EnvFrom, Expression, IoClass, Limit,
    Origin, Output, PluginUse, Readiness, ReadinessCheck, RemovePolicy, Resources, Restart, RestartPolicy,
    Rotation, Scheduling, Service, ServiceName, ServiceType, SpecSet, Stop, StopScope, StopStep,
};
pub use model::{BinaryChange, HttpCheck, StartCondition, Trigger, TriggerAction};
pub use model::{Concurrency, Missed, OnUnknown, Rhythm, Schedule, TaskPlan, TaskRun};
pub use model::{
    Dependency, DependencyCondition, Hook, Hooks, OnHookFailure, OnUpdateFailure, Reload, StopCommand,
    Suspend, Update, UpdateStrategy,
};
pub use model::{FileMarks, Hosts, KnownHost, Origins, Revision, Services};
pub use model::{Listen, Secret, SecretForm, Security, Socket};
pub use model::{Rare, Usual};
pub use overlap::{FileIdentity, Marks, overlaps};
pub use placeholders::{NAMES as PLACEHOLDERS, mentions, substitute};
pub use plugin::{Held, HeldPlugins, InUse, Modules, NoModules, PluginDocument};
pub use raw::disagreement as second_opinion;
pub use ready::{ReadText, ReadTexts};
pub use scalars::fraction;
pub use schema::{EXPRESSION_MEDIA_TYPE, json_schema};
pub use set::{load, load_ready, may_define};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source, Span};
use crate::lang::Library;
use crate::plugin::Plugins;
use crate::yaml;

/// The `apiVersion` of documents.
pub const API_VERSION: &str = "selfsame/v1";

/// How much a set of files may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Of one file.
    pub yaml: yaml::Limits,
    /// Number of files.
    pub files: usize,
    /// Bytes of all files.
    pub bytes: usize,
    /// Mistakes reported for one file.
    pub mistakes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { yaml: yaml::Limits::default(), files: 10_000, bytes: 64 << 20, mistakes: 100 }
    }
}

/// What expressions can name beyond what is built in: the named matchers and lists of all good files, and the plugins.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Named matchers and lists, over the fields and functions of the plugins.
    pub library: Arc<Library>,
    /// By name.
    pub plugins: Arc<BTreeMap<String, InUse>>,
    /// Values under the documents that they choose.
    pub defaults: Arc<defaults::DefaultsSet>,
}

impl Names {
    /// The plugins that answer, in the order of the library's schema.
    pub fn plugins(&self) -> Plugins {
        Plugins::new(self.plugins.values().map(|one| Arc::clone(&one.plugin)).collect())
    }
}

/// What loading needs from above.
#[derive(Clone, Copy)]
pub struct LoadContext<'a> {
    /// Limits.
    pub limits: Limits,
    /// Checks an expression; the positions of what it finds are in the text of the request.
    pub compile: &'a dyn Fn(&ExpressionRequest<'_>) -> Vec<Diagnostic>,
    /// What files without definitions can use, if nothing is defined among them.
    pub names: Option<&'a Names>,
    /// Where the modules of plugins come from.
    pub modules: &'a dyn Modules,
    /// What stays in use of plugins, if anything was in use.
    pub held: Option<&'a HeldPlugins>,
    /// The host that documents are loaded for; `None`: for whichever.
    pub host: Option<&'a KnownHost>,
}

impl fmt::Debug for LoadContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadContext").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// What became of a set of files.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Loaded {
    /// Each on its own, in the order given.
    pub files: Vec<LoadedFile>,
    /// Names that stand in several good files, with the places; nobody has them unless the caller knows better.
    pub duplicates: BTreeMap<ServiceName, Diagnostic>,
    /// The same of Policies.
    pub duplicate_policies: BTreeMap<ServiceName, Diagnostic>,
    /// Matcher and Plugin documents that stand in several files; nobody can use them.
    pub redefined: Vec<Diagnostic>,
    /// What the Matcher and Plugin documents of all good files give.
    pub names: Names,
}

impl Loaded {
    /// Everything that was found, file by file, then what concerns several files.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        let files = self.files.iter().flat_map(|file| &file.diagnostics);
        files.chain(self.duplicates.values()).chain(self.duplicate_policies.values()).chain(&self.redefined)
    }

    /// Whether anything was refused.
    pub fn has_errors(&self) -> bool {
        self.diagnostics().any(Diagnostic::is_error)
    }

    /// The Services of all good files whose name stands nowhere else.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        let services = self.files.iter().flat_map(LoadedFile::services).map(Arc::as_ref);
        services.filter(|service| !self.duplicates.contains_key(&service.name))
    }
}

/// Names that stand in several of these files, which were loaded for a host: of Services and Tasks, then of Policies.
pub fn names_that_stand_twice<'a>(
    files: impl Iterator<Item = &'a LoadedFile> + Clone,
) -> impl Iterator<Item = Diagnostic> {
    duplicates(files.clone(), true).into_values().chain(duplicate_policies(files, true).into_values())
}

type Place<'a> = (&'a Arc<Source>, Span);

/// The same of Policies, whose names are their own.
fn duplicate_policies<'a>(
    files: impl Iterator<Item = &'a LoadedFile>,
    one_host: bool,
) -> BTreeMap<ServiceName, Diagnostic> {
    let mut places: BTreeMap<&ServiceName, Vec<Place<'_>>> = BTreeMap::new();
    for document in files.flat_map(LoadedFile::policies) {
        if one_host || document.policy.hosts.is_none() {
            places.entry(&document.policy.name).or_default().push((&document.source, document.name_at));
        }
    }
    let duplicate = |(name, places): (&ServiceName, Vec<Place<'_>>)| {
        Some((name.clone(), duplicate("Policy", name, &places)?))
    };
    places.into_iter().filter_map(duplicate).collect()
}

/// `one_host`: they were loaded for a host. Else it isn't known of what is only for some whether they are the same ones.
fn duplicates<'a>(
    files: impl Iterator<Item = &'a LoadedFile>,
    one_host: bool,
) -> BTreeMap<ServiceName, Diagnostic> {
    let mut named: Vec<(&Service, Place<'_>)> = Vec::new();
    for file in files {
        let services = file.services().iter().zip(&file.name_places);
        let meant = services.filter(|(service, _)| one_host || service.hosts.is_none());
        named.extend(meant.map(|(service, at)| (&**service, (&file.source, *at))));
    }
    // Most sets have thousands of names and none of them twice. Those of one name stay in the order of their files.
    named.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    let alike = named.chunk_by(|(one, _), (other, _)| one.name == other.name);
    let duplicate = |alike: &[(&Service, Place<'_>)]| {
        let (first, _) = alike.first()?;
        let places: Vec<Place<'_>> = alike.iter().map(|(_, place)| *place).collect();
        Some((first.name.clone(), duplicate(first.kind(), &first.name, &places)?))
    };
    alike.filter(|alike| alike.len() > 1).filter_map(duplicate).collect()
}

fn duplicate(kind: &str, name: &ServiceName, places: &[Place<'_>]) -> Option<Diagnostic> {
    let [(source, span), others @ ..] = places else { return None };
    let (other, _) = others.first()?;
    let message = format!("the {kind} `{name}` stands in `{}` and in `{}`", source.name, other.name);
    let diagnostic = Diagnostic::error(codes::DUPLICATE_NAME, message)
        .at(*span, "")
        .in_source(source)
        .help("give one of them another name");
    Some(
        others
            .iter()
            .fold(diagnostic, |diagnostic, (source, span)| diagnostic.at_other(source, *span, "and here")),
    )
}
