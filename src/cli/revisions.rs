//! Which revisions of their repositories the documents are of that a verb is given: `plan` and `apply` say it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::following::environment;
use super::handover;
use crate::engine::sources::absolute;
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::plan::sources::{SourceStatus, show_revisions};
use crate::plan::status::ServiceStatus;
use crate::report::printable;
use crate::spec::{Revision, SpecSet};

/// Nobody waits for git longer than that; nothing is said then.
const LIMIT: Duration = Duration::from_secs(5);

/// Places with their revisions. Those that lie in no work tree are left out.
#[derive(Debug, Default)]
pub(super) struct Revisions(Vec<SourceStatus>);

impl Revisions {
    /// Of these files and directories. A watch that keeps a place knows who signed it; else git is asked.
    pub(super) fn of(paths: &[PathBuf], dirs: &Dirs) -> Self {
        let files = paths.iter().filter(|path| path.as_path() != Path::new("-"));
        let mut places: Vec<String> = files.map(|path| absolute(path)).collect();
        let followed = absolute(&dirs.lib.join("git"));
        let mut found = Vec::new();
        if places.iter().any(|place| Path::new(place).starts_with(&followed)) && watcher(dirs).is_some() {
            found.extend(
                handover::sources(dirs).sources.into_iter().filter(|source| source.revision.is_some()),
            );
            found.retain(|source| places.contains(&source.place));
            places.retain(|place| !found.iter().any(|source: &SourceStatus| source.place == *place));
        }
        let places = places.into_iter().map(PathBuf::from).collect();
        let asked = crate::host::git::revisions(places, &environment(), LIMIT).into_iter();
        found.extend(asked.map(|(place, revision)| SourceStatus {
            revision: Some(Arc::new(revision)),
            ..SourceStatus::new(place.display().to_string())
        }));
        Self(found)
    }

    /// A line each: `/srv/fleet/specs` and its revision.
    pub(super) fn text(&self) -> String {
        let line = |source: &SourceStatus| {
            let revision = source.revision.as_ref()?;
            Some(format!("{}\n", printable(format!("`{}` is at {revision}", source.place))))
        };
        self.0.iter().filter_map(line).collect()
    }

    /// That of a document, by its file.
    pub(super) fn of_file(&self, file: &str) -> Option<Arc<Revision>> {
        let mut sources = self.0.iter().filter(|source| Path::new(file).starts_with(&source.place));
        sources.find_map(|source| source.revision.clone())
    }

    /// Says it of each object.
    pub(super) fn show(&self, objects: &mut [ServiceStatus], set: &SpecSet) {
        if !self.0.is_empty() {
            show_revisions(objects, &self.0, set);
        }
    }
}
