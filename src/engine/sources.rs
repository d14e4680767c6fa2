//! The places that documents come from: looked at, loaded, and handed to acceptance.
//!
//! Files are loaded anew only where their content changed, so that a look at an unchanged directory costs its reading.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::accept::{FileSeen, SourcesSeen};
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::host::spec_dir::{self, Listing, Look, Trust};
use crate::process::expression;
use crate::spec::{LoadContext, Loaded, LoadedFile, Service, SpecFile, load, overlaps};

/// A file that is there and can't be used.
const UNUSABLE: Code = Code("F001");
/// A place that can't be looked at.
const UNAVAILABLE: Code = Code("F002");

/// Codes of this module.
pub const CODES: &[(Code, &str)] =
    &[(UNUSABLE, "a spec file can't be used"), (UNAVAILABLE, "a place of spec files can't be looked at")];

/// Device and inode of the program behind a path, where they tell one program from another.
pub type ProgramIdentity = Box<dyn Fn(&Path) -> Option<(u64, u64)>>;

/// The places, and what was loaded from them last.
pub struct Sources {
    places: Vec<PathBuf>,
    trust: Trust,
    loaded: BTreeMap<String, LoadedFile>,
    identity: ProgramIdentity,
    /// Pairs of Services that claim one process, as found with the files that the digest speaks of.
    pairs: (String, Vec<Diagnostic>),
}

/// One look at all places.
#[derive(Debug, Default)]
pub struct SourcesLook {
    /// For acceptance.
    pub seen: SourcesSeen,
    /// All mistakes of all files, in order, and what could not be used or looked at.
    pub diagnostics: Vec<Diagnostic>,
    /// Places that could not be looked at, with the reason.
    pub unavailable: Vec<String>,
    /// The texts of the files, by the place that their documents have as their origin.
    pub texts: BTreeMap<String, Arc<Source>>,
    /// Names that were passed over.
    pub ignored: Vec<PathBuf>,
    /// What all this rests on: the same text means that nothing changed.
    pub digest: String,
}

impl SourcesLook {
    /// The valid documents of all files, a name that stands twice included.
    pub fn services(&self) -> Vec<&Service> {
        let good = self.seen.files.values().filter_map(|file| match file {
            FileSeen::Good(services) => Some(services),
            FileSeen::Broken(_) => None,
        });
        good.flatten().collect()
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.seen.files.len()
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Sources {
    /// Documents from these files and directories.
    pub fn new(places: Vec<PathBuf>) -> Self {
        Self {
            places,
            trust: Trust::own(),
            loaded: BTreeMap::new(),
            identity: Box::new(crate::host::program_identity),
            pairs: (String::new(), Vec::new()),
        }
    }

    /// Tells programs apart by this instead of this host's files.
    #[must_use]
    pub fn identified_by(self, identity: ProgramIdentity) -> Self {
        Self { identity, ..self }
    }

    /// The places as given.
    pub fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// Looks at all places and loads what is new.
    pub fn look(&mut self) -> SourcesLook {
        let mut look = SourcesLook {
            seen: SourcesSeen { complete: true, ..SourcesSeen::default() },
            ..SourcesLook::default()
        };
        let mut fresh = Vec::new();
        for place in self.places.clone() {
            look.seen.prunable.push(absolute(&place));
            match spec_dir::look(&place, &self.trust) {
                Look::Found(listing) => self.take(&place, listing, &mut look, &mut fresh),
                Look::Unavailable(reason) => {
                    look.seen.complete = false;
                    look.seen.unavailable.insert(absolute(&place), reason.clone());
                    look.digest.push_str(&format!("unavailable {reason}\n"));
                    look.diagnostics.push(Diagnostic::error(UNAVAILABLE, reason.clone()));
                    look.unavailable.push(reason);
                }
            }
        }
        self.finish(look, &fresh)
    }

    fn take(&mut self, place: &Path, listing: Listing, look: &mut SourcesLook, fresh: &mut Vec<SpecFile>) {
        look.seen.complete &= listing.complete;
        look.ignored.extend(listing.ignored);
        for problem in listing.problems {
            let name = problem.path.display().to_string();
            look.digest.push_str(&format!("{name} {}\n", problem.text));
            look.diagnostics
                .push(Diagnostic::error(UNUSABLE, format!("`{name}` is not used: {}", problem.text)));
            look.seen.files.insert(absolute(&problem.path), FileSeen::Broken(problem.text));
        }
        let directory = directory_of(place);
        for file in listing.files {
            let name = file.path.display().to_string();
            look.digest.push_str(&format!("{name} {}\n", file.digest));
            if self.loaded.get(&name).is_none_or(|known| known.digest != file.digest) {
                fresh.push(SpecFile { name: name.clone(), directory: directory.clone(), bytes: file.bytes });
            }
            look.seen.files.insert(name, FileSeen::Good(Vec::new()));
        }
    }

    /// Loads the fresh files and fills in what every file gave.
    fn finish(&mut self, mut look: SourcesLook, fresh: &[SpecFile]) -> SourcesLook {
        let Loaded { files, duplicates } = load_files(fresh);
        look.diagnostics.extend(duplicates.into_values());
        self.loaded.extend(files.into_iter().map(|file| (file.source.name.clone(), file)));
        let names: BTreeSet<String> = look.seen.files.keys().cloned().collect();
        self.loaded.retain(|name, _| names.contains(name));
        for (name, file) in &self.loaded {
            look.diagnostics.extend(file.diagnostics.iter().cloned());
            look.seen.files.remove(name);
            look.texts.insert(absolute(Path::new(name)), Arc::clone(&file.source));
            look.seen.files.insert(absolute(Path::new(name)), seen(file, name));
        }
        if self.pairs.0 != look.digest {
            let found = overlaps(self.loaded.values(), &*self.identity);
            self.pairs = (look.digest.clone(), found);
        }
        look.diagnostics.extend(self.pairs.1.iter().cloned());
        look
    }
}

/// Loads files with the process vocabulary for their expressions.
pub fn load_files(files: &[SpecFile]) -> Loaded {
    load(
        files,
        &LoadContext {
            limits: crate::spec::Limits::default(),
            compile: &|request| {
                expression::check_in_document(request.text, request.variables.clone(), request.replaces)
            },
        },
    )
}

fn seen(file: &LoadedFile, name: &str) -> FileSeen {
    match file.reason() {
        Some(reason) => FileSeen::Broken(reason),
        None => {
            let mut services = file.services().to_vec();
            for service in &mut services {
                // Objects are known by the place of their document wherever selfsame is called from.
                service.origin.file = absolute(Path::new(name));
            }
            FileSeen::Good(services)
        }
    }
}

/// By name alone: links stay links, so that a place keeps its name when its link is turned to another target.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The directory that relative paths in the documents start from, without links.
fn directory_of(place: &Path) -> PathBuf {
    let directory = crate::host::real_path(place).unwrap_or_else(|| place.to_owned());
    if crate::host::is_directory(&directory) {
        directory
    } else {
        directory.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned)
    }
}
