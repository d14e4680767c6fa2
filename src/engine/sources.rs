//! The places that documents come from: looked at, loaded, and handed to acceptance.
//!
//! Files are loaded anew only where their content changed, so that a look at an unchanged directory costs its reading;
//! but all of them where a file with Matcher or Plugin documents or a module changed, since others may use what it defines.

mod found;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::accept::{FileSeen, GoodFile, SourcesSeen};
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::host::shelf::Shelf;
use crate::host::spec_dir::{self, Listing, Look, Trust};
use crate::plan::sources::SourceFinding;
use crate::process::expression;
use crate::spec::defaults;
use crate::spec::engine::{self, Settings};
use crate::spec::matcher::{self, MatcherDocument};
use crate::spec::plugin;
use crate::spec::{
    ExpressionRequest, HeldPlugins, InUse, KnownHost, LoadContext, Loaded, LoadedFile, Modules, Names,
    PluginDocument, Service, ServiceName, SpecFile, dependency_mistakes, load, overlaps,
};

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
    /// Places whose Matcher documents count and nothing else.
    libraries: Vec<PathBuf>,
    trust: Trust,
    /// Whose documents count.
    host: KnownHost,
    settings: Settings,
    loaded: BTreeMap<String, LoadedFile>,
    identity: ProgramIdentity,
    /// Pairs of Services that claim one process, as found with the files that the digest speaks of.
    pairs: (String, Vec<Diagnostic>),
    names: Names,
    redefined: Vec<Diagnostic>,
    /// Where the modules of plugins come from.
    shelf: Rc<Shelf>,
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
    /// What was found out about each place, by its absolute name.
    pub findings: Vec<(String, SourceFinding)>,
    /// Names that were passed over.
    pub ignored: Vec<PathBuf>,
    /// The Matcher documents of all good files.
    pub matchers: Vec<MatcherDocument>,
    /// The Plugin documents of all files.
    pub plugins: Vec<PluginDocument>,
    /// What all these give to expressions.
    pub names: Names,
    /// What all this rests on: the same text means that nothing changed.
    pub digest: String,
}

impl SourcesLook {
    /// The valid documents of all files, a name that stands twice included.
    pub fn services(&self) -> Vec<&Service> {
        let good = self.seen.files.values().filter_map(FileSeen::good);
        good.flat_map(|file| file.services.iter()).map(Arc::as_ref).collect()
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
            libraries: Vec::new(),
            trust: Trust::own(),
            host: KnownHost { name: crate::host::host_name(), labels: BTreeMap::new() },
            settings: Settings::default(),
            loaded: BTreeMap::new(),
            identity: Box::new(crate::host::program_identity),
            pairs: (String::new(), Vec::new()),
            names: Names::default(),
            redefined: Vec::new(),
            shelf: Rc::default(),
        }
    }

    /// Takes the documents that are for this host.
    #[must_use]
    pub fn on_host(self, host: KnownHost) -> Self {
        Self { host, ..self }
    }

    /// Tells programs apart by this instead of this host's files.
    #[must_use]
    pub fn identified_by(self, identity: ProgramIdentity) -> Self {
        Self { identity, ..self }
    }

    /// Also takes Matcher documents from these files and directories.
    #[must_use]
    pub fn with_libraries(self, libraries: Vec<PathBuf>) -> Self {
        Self { libraries, ..self }
    }

    /// Takes the modules of plugins from this shelf, so that they are the same ones as those of conditions in force.
    #[must_use]
    pub fn with_shelf(self, modules: Rc<Shelf>) -> Self {
        Self { shelf: modules, ..self }
    }

    /// Looks as these settings say.
    #[must_use]
    pub fn with_settings(mut self, settings: &Settings) -> Self {
        self.configure(settings);
        self
    }

    /// Looks as these settings say from now on.
    pub fn configure(&mut self, settings: &Settings) {
        self.settings = settings.clone();
    }

    /// Begins with these plugins in use: those of the accepted documents, by name.
    #[must_use]
    pub fn with_plugins(self, plugins: BTreeMap<String, InUse>) -> Self {
        let names = Names { plugins: Arc::new(plugins), ..self.names };
        Self { names, ..self }
    }

    /// Files and directories whose change matters: the places, and the modules of plugins.
    pub fn watched(&self) -> Vec<PathBuf> {
        let modules =
            self.loaded.values().flat_map(LoadedFile::plugins).map(|document| document.wasm.clone());
        self.places.iter().cloned().chain(modules).collect()
    }

    /// The places as given.
    pub fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// Whose documents count.
    pub fn host(&self) -> &KnownHost {
        &self.host
    }

    /// Looks at all places and loads what is new.
    pub fn look(&mut self) -> SourcesLook {
        let mut look = SourcesLook {
            seen: SourcesSeen { complete: true, ..SourcesSeen::default() },
            ..SourcesLook::default()
        };
        let mut files = Vec::new();
        for place in self.places.clone() {
            look.seen.prunable.push(absolute(&place));
            match spec_dir::look(&place, &self.trust) {
                Look::Found(listing) => take(&place, listing, &mut look, &mut files),
                Look::Unavailable(reason) => {
                    look.findings.push((absolute(&place), found::unavailable(&reason)));
                    look.seen.complete = false;
                    look.seen.unavailable.insert(absolute(&place), reason.clone());
                    look.digest.push_str(&format!("unavailable {reason}\n"));
                    look.diagnostics.push(Diagnostic::error(UNAVAILABLE, reason.clone()));
                    look.unavailable.push(reason);
                }
            }
        }
        let (more, problems) = self.of_libraries(&mut look.digest);
        look.diagnostics.extend(problems);
        let libraries: BTreeSet<String> = more.iter().map(|(file, _)| file.name.clone()).collect();
        let given: BTreeSet<String> = files.iter().map(|(file, _)| file.name.clone()).collect();
        files.extend(more.into_iter().filter(|(file, _)| !given.contains(&file.name)));
        let duplicates = self.load(files);
        look.diagnostics.extend(duplicates.into_values());
        self.finish(look, &libraries.difference(&given).cloned().collect())
    }

    /// The files of the libraries, and what is wrong with these places.
    fn of_libraries(&self, digest: &mut String) -> (Vec<(SpecFile, String)>, Vec<Diagnostic>) {
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        for place in &self.libraries {
            match spec_dir::look(place, &self.trust) {
                Look::Found(listing) => {
                    let mut look = SourcesLook::default();
                    take(place, listing, &mut look, &mut files);
                    digest.push_str(&look.digest);
                    problems.extend(look.diagnostics);
                }
                Look::Unavailable(reason) => {
                    digest.push_str(&format!("unavailable {reason}\n"));
                    problems.push(Diagnostic::error(UNAVAILABLE, reason));
                }
            }
        }
        (files, problems)
    }

    /// Loads what is new; everything, where that may change what files define for each other.
    fn load(&mut self, files: Vec<(SpecFile, String)>) -> BTreeMap<ServiceName, Diagnostic> {
        let names: BTreeSet<&String> = files.iter().map(|(file, _)| &file.name).collect();
        let other_module =
            |known: &LoadedFile| known.plugins().iter().any(|document| !document.is_as_read(&*self.shelf));
        let is_new = |(file, digest): &&(SpecFile, String)| {
            let known = self.loaded.get(&file.name);
            known.is_none_or(|known| known.digest != *digest || other_module(known))
        };
        let fresh: Vec<SpecFile> = files.iter().filter(is_new).map(|(file, _)| file.clone()).collect();
        let replaced = fresh.iter().any(|file| self.loaded.get(&file.name).is_some_and(LoadedFile::defines));
        let gone = self.loaded.iter().any(|(name, known)| !names.contains(name) && known.defines());
        let mut loaded = load_files(&fresh, Some(&self.names), &*self.shelf, None, Some(&self.host));
        let changed = !fresh.is_empty() || self.loaded.keys().any(|name| !names.contains(name));
        if replaced || gone || (changed && self.holds_back()) || loaded.files.iter().any(LoadedFile::defines)
        {
            let all: Vec<SpecFile> = files.into_iter().map(|(file, _)| file).collect();
            let is_first = self.loaded.is_empty() && self.names.plugins.is_empty();
            if !is_first || fresh.len() < all.len() {
                loaded = upgrade::load(&all, &self.names.plugins, &*self.shelf, &self.host);
            }
            self.loaded.clear();
            self.names = loaded.names;
            self.redefined = loaded.redefined;
        } else {
            let names: BTreeSet<String> = names.into_iter().cloned().collect();
            self.loaded.retain(|name, _| names.contains(name));
        }
        self.loaded.extend(loaded.files.into_iter().map(|file| (file.source.name.clone(), file)));
        loaded.duplicates
    }

    /// A new version of a plugin is there and not taken: any change may be the one that it waits for.
    fn holds_back(&self) -> bool {
        let mut documents = self.loaded.values().flat_map(LoadedFile::plugins);
        documents.any(|document| match (&document.loaded, self.names.plugins.get(&document.name)) {
            (Some(loaded), Some(used)) => !loaded.is_same(used),
            (Some(_), None) | (None, _) => false,
        })
    }

    /// Fills in what every file gave. Of `libraries` only the Matcher documents count.
    fn finish(&mut self, mut look: SourcesLook, libraries: &BTreeSet<String>) -> SourcesLook {
        look.diagnostics.extend(self.redefined.iter().cloned());
        look.names = self.names.clone();
        look.seen.defaults =
            self.names.defaults.documents().iter().map(|document| document.name.clone()).collect();
        for document in self.loaded.values().flat_map(LoadedFile::plugins) {
            let module = match &document.module {
                Some(Ok(digest)) => digest,
                Some(Err(reason)) => reason,
                None => "not read",
            };
            look.digest.push_str(&format!("{} {module}\n", document.wasm.display()));
        }
        for (name, file) in &self.loaded {
            look.diagnostics.extend(file.diagnostics.iter().cloned());
            // Who gives the file by its name checks it; in a directory somebody counts on it.
            if !self.places.iter().any(|place| place.as_path() == Path::new(name)) {
                look.diagnostics.extend(engine::misplaced(file));
            }
            if libraries.contains(name) {
                continue;
            }
            if let Some(reason) = file.reason() {
                let names = file.plugins().iter().map(|document| &document.name);
                let held = names.filter(|name| self.names.plugins.contains_key(*name));
                look.seen.held_plugins.extend(held.map(|name| (name.clone(), reason.clone())));
            }
            look.matchers.extend(file.matchers().iter().cloned());
            look.plugins.extend(file.plugins().iter().cloned());
            look.seen.files.remove(name);
            look.seen.elsewhere.extend(file.elsewhere().iter().cloned());
            look.texts.insert(absolute(Path::new(name)), Arc::clone(&file.source));
            look.seen.files.insert(absolute(Path::new(name)), seen(file, name));
        }
        let own: Vec<&LoadedFile> =
            self.loaded.iter().filter(|(name, _)| !libraries.contains(*name)).map(|(_, file)| file).collect();
        if self.pairs.0 != look.digest {
            let found = overlaps(own.iter().copied(), &self.names.library, &*self.identity);
            self.pairs = (look.digest.clone(), found);
        }
        look.diagnostics.extend(self.pairs.1.iter().cloned());
        let mistakes = dependency_mistakes(own.iter().copied());
        for (name, diagnostic) in mistakes.circles {
            let broken = FileSeen::broken(diagnostic.message.clone());
            look.seen.files.insert(absolute(Path::new(&name)), broken);
            look.diagnostics.push(diagnostic);
        }
        look.diagnostics.extend(mistakes.missing);
        look.diagnostics.extend(matcher::unused(own.iter().copied(), &self.names.library));
        look.diagnostics.extend(plugin::unused(own.iter().copied(), &self.names));
        look.diagnostics.extend(defaults::unused(&own.into_iter(), &self.names.defaults));
        look
    }
}

/// The files of a place, and what is to be said about it.
fn take(place: &Path, listing: Listing, look: &mut SourcesLook, files: &mut Vec<(SpecFile, String)>) {
    look.seen.complete &= listing.complete;
    look.seen.identities.insert(absolute(place), format!("{:?}", listing.identity));
    look.findings.push((absolute(place), found::available(place, &listing)));
    look.findings.push((absolute(place), found::trusted(place, &listing)));
    look.ignored.extend(listing.ignored);
    for problem in listing.problems {
        let name = problem.path.display().to_string();
        look.digest.push_str(&format!("{name} {}\n", problem.text));
        look.diagnostics.push(Diagnostic::error(UNUSABLE, format!("`{name}` is not used: {}", problem.text)));
        look.seen.files.insert(absolute(&problem.path), FileSeen::broken(problem.text));
    }
    let directory = directory_of(place);
    for file in listing.files {
        let name = file.path.display().to_string();
        look.digest.push_str(&format!("{name} {}\n", file.digest));
        files.push((
            SpecFile { name: name.clone(), directory: directory.clone(), bytes: file.bytes },
            file.digest,
        ));
    }
}

/// Loads files with the process vocabulary for their expressions. `names` is what files without definitions use, `held`
/// the plugins that stay in use where their documents can't be used, `host` the one whose documents count
/// (`None`: those of every one).
pub fn load_files(
    files: &[SpecFile],
    names: Option<&Names>,
    modules: &dyn Modules,
    held: Option<&HeldPlugins>,
    host: Option<&KnownHost>,
) -> Loaded {
    let compile = |request: &ExpressionRequest<'_>| {
        let ExpressionRequest { text, variables, replaces, library } = request;
        expression::check_in_document(text, variables.clone(), *replaces, library)
    };
    let limits = crate::spec::Limits::default();
    load(files, &LoadContext { limits, compile: &compile, names, modules, held, host })
}

fn seen(file: &LoadedFile, name: &str) -> FileSeen {
    match file.reason() {
        Some(reason) => FileSeen::broken(reason),
        None => {
            let mut services = file.services().to_vec();
            for service in &mut services {
                // Objects are known by the place of their document wherever selfsame is called from.
                service.origin.file = absolute(Path::new(name));
            }
            FileSeen::Good(GoodFile {
                digest: file.digest.clone(),
                services: services.into_iter().map(Arc::new).collect(),
                empty: file.is_empty(),
            })
        }
    }
}

/// By name alone: links stay links, so that a place keeps its name when its link is turned to another target.
pub fn absolute(path: &Path) -> String {
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
