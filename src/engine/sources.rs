//! The places that documents come from: looked at, loaded, and handed to acceptance.
//!
//! Files are loaded anew only where their content changed, so that a look at an unchanged directory costs its reading;
//! but all of them where a file with Matcher or Plugin documents or a module changed, since others may use what it defines.

mod found;
mod kept;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::accept::{FileSeen, GoodFile, SourcesSeen};
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::host::clock;
use crate::host::good_texts::GoodTexts;
use crate::host::shelf::Shelf;
use crate::host::spec_dir::SpecFile as FileRead;
use crate::host::spec_dir::{
    Attention, Ignored, Limits, Listing, Look, Manner, Place, Trust, Unavailable, Watched, watched,
};
use crate::plan::sources::SourceFinding;
use crate::process::expression;
use crate::spec::defaults;
use crate::spec::engine::{self, Settings};
use crate::spec::matcher::{self, MatcherDocument};
use crate::spec::plugin;
use crate::spec::policies::{self, PolicyDocument};
use crate::spec::policy::Policy;
use crate::spec::{
    ExpressionRequest, HeldPlugins, InUse, KnownHost, LoadContext, Loaded, LoadedFile, Modules, Names,
    PluginDocument, Service, ServiceName, SpecFile, dependency_mistakes, load, overlaps,
};
use crate::units::BootTime;

/// A file that is there and can't be used.
const UNUSABLE: Code = Code("F001");
/// A place that can't be looked at.
const UNAVAILABLE: Code = Code("F002");

/// A trusted owner that isn't known here.
const UNKNOWN_OWNER: Code = Code("F004");

/// Codes of this module.
pub const CODES: &[(Code, &str)] = &[
    (UNUSABLE, "a spec file can't be used"),
    (UNAVAILABLE, "a place of spec files can't be looked at"),
    (UNKNOWN_OWNER, "a trusted owner of spec files isn't known"),
];

/// Device and inode of the program behind a path, where they tell one program from another.
pub type ProgramIdentity = Box<dyn Fn(&Path) -> Option<(u64, u64)>>;

/// The places, and what was loaded from them last.
pub struct Sources {
    places: Vec<Place>,
    given: Vec<PathBuf>,
    /// A text that was given, and not the file that it comes from; with its digest.
    text: Option<(SpecFile, String)>,
    /// Places whose Matcher documents count and nothing else.
    libraries: Vec<Place>,
    /// A place that keeps its name in what documents mean by relative paths, though it is a link that is turned.
    turned: Option<PathBuf>,
    /// Whose documents count.
    host: KnownHost,
    settings: Settings,
    /// Trusted owners that can't be looked up.
    unknown_owners: Vec<Diagnostic>,
    loaded: BTreeMap<String, LoadedFile>,
    /// Files that can't be used, as they last were.
    kept: kept::Kept,
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
    /// Files that are there and can't be read, by their names as given.
    unusable: Vec<String>,
    /// Something of our own that went wrong.
    pub trouble: Option<String>,
    /// Names that were passed over.
    pub ignored: Vec<Ignored>,
    /// Something is to be confirmed by another look at this time.
    pub again: Option<BootTime>,
    /// Changes of some place are to be looked for: its file system doesn't tell of them.
    pub remote: bool,
    /// The Matcher documents of all good files.
    pub matchers: Vec<MatcherDocument>,
    /// The Policy documents of all good files that are for this host.
    pub policies: Vec<PolicyDocument>,
    /// Policies that are for other hosts, and why.
    pub policies_elsewhere: BTreeMap<ServiceName, String>,
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
        f.debug_struct("Sources").field("places", &self.given).finish_non_exhaustive()
    }
}

impl Sources {
    /// Documents from these files and directories.
    pub fn new(places: Vec<PathBuf>) -> Self {
        Self {
            places: places.iter().map(|path| Place::new(path.clone(), Manner::default())).collect(),
            given: places,
            text: None,
            libraries: Vec::new(),
            turned: None,
            host: KnownHost { name: crate::host::host_name(), labels: BTreeMap::new() },
            settings: Settings::default(),
            unknown_owners: Vec::new(),
            loaded: BTreeMap::new(),
            kept: kept::Kept::default(),
            identity: Box::new(crate::host::program_identity),
            pairs: (String::new(), Vec::new()),
            names: Names::default(),
            redefined: Vec::new(),
            shelf: Rc::default(),
        }
    }

    /// Also looks at a place whose link is turned from one revision to the next: relative paths in its documents go through it.
    #[must_use]
    pub fn with_turned(mut self, place: Option<PathBuf>) -> Self {
        self.turned.clone_from(&place);
        if let Some(place) = place {
            self.places.push(Place::new(place.clone(), Manner::default()));
            self.given.push(place);
            let settings = self.settings.clone();
            self.configure(&settings);
        }
        self
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
        let libraries = libraries.into_iter().map(|path| Place::new(path, Manner::default())).collect();
        Self { libraries, ..self }
    }

    /// Takes documents from this text as well.
    #[must_use]
    pub fn with_text(self, text: SpecFile) -> Self {
        let digest = text.digest();
        Self { text: Some((text, digest)), ..self }
    }

    /// Files that can't be used count as they last did, by these texts; what counts now is kept there.
    #[must_use]
    pub fn with_good_texts(self, texts: GoodTexts) -> Self {
        Self { kept: kept::Kept::new(texts), ..self }
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
        let (trust, unknown) = Trust::of(&settings.trust_owners);
        let problem = |text| Diagnostic::warning(UNKNOWN_OWNER, format!("`trustOwners`: {text}"));
        self.unknown_owners = unknown.into_iter().map(problem).collect();
        let limits = settings.limits;
        let manner = Manner {
            trust,
            recursive: settings.recursive,
            settle: settings.settle,
            settle_max: settings.settle_max,
            limits: Limits { file_bytes: limits.file_bytes, total_bytes: limits.bytes, files: limits.files },
        };
        for place in self.places.iter_mut().chain(&mut self.libraries) {
            place.look_in(&manner);
        }
    }

    /// Begins with these plugins in use: those of the accepted documents, by name.
    #[must_use]
    pub fn with_plugins(self, plugins: BTreeMap<String, InUse>) -> Self {
        let names = Names { plugins: Arc::new(plugins), ..self.names };
        Self { names, ..self }
    }

    /// What to watch: the places, and the modules of plugins.
    pub fn watched(&self) -> BTreeSet<Watched> {
        let modules = self.loaded.values().flat_map(LoadedFile::plugins);
        let modules = modules.flat_map(|document| watched(&document.wasm));
        self.places.iter().flat_map(Place::watched).chain(modules).collect()
    }

    /// The places as given.
    pub fn places(&self) -> &[PathBuf] {
        &self.given
    }

    /// Looks at all places as they are at this moment, and loads what is new.
    pub fn look(&mut self) -> SourcesLook {
        self.look_with(Attention::at(clock::now().boot))
    }

    /// Whose documents count.
    pub fn host(&self) -> &KnownHost {
        &self.host
    }

    /// Looks at all places and loads what is new.
    pub fn look_with(&mut self, attention: Attention<'_>) -> SourcesLook {
        let mut look = SourcesLook {
            seen: SourcesSeen { complete: true, ..SourcesSeen::default() },
            ..SourcesLook::default()
        };
        let mut files = Vec::new();
        look.diagnostics.extend(self.unknown_owners.iter().cloned());
        for place in &mut self.places {
            let name = absolute(place.path());
            look.seen.prunable.push(name.clone());
            match place.look(attention) {
                Look::Found(listing) => {
                    let turned = self.turned.as_deref() == Some(place.path());
                    let directory = if turned { place.path().to_owned() } else { directory_of(place.path()) };
                    take(place.path(), &directory, listing, &mut look, &mut files);
                }
                Look::Unavailable(unavailable) => {
                    look.seen.complete = false;
                    look.digest.push_str(&format!("unavailable {}\n", unavailable.text));
                    look.diagnostics.push(Diagnostic::error(UNAVAILABLE, unavailable.text.clone()));
                    look.unavailable.push(unavailable.text.clone());
                    let findings = found::unavailable(&unavailable).into_iter();
                    look.findings.extend(findings.map(|finding| (name.clone(), finding)));
                    look.seen.unavailable.insert(name.clone(), unavailable.text);
                }
            }
            if let Some(file_system) = place.remote() {
                look.remote = true;
                look.findings.push((name, found::silent(place.path(), file_system)));
            }
        }
        if let Some((text, digest)) = &self.text {
            look.digest.push_str(&format!("{} {digest}\n", text.name));
            files.push(Found::text(text, digest));
        }
        let (more, problems) = self.of_libraries(&mut look.digest, attention);
        look.diagnostics.extend(problems);
        let libraries: BTreeSet<String> = more.iter().map(Found::name).collect();
        let given: BTreeSet<String> = files.iter().map(Found::name).collect();
        files.extend(more.into_iter().filter(|file| !given.contains(&file.name())));
        let libraries: BTreeSet<String> = libraries.difference(&given).cloned().collect();
        let duplicates = self.load(&files, &look.unusable, &libraries);
        look.diagnostics.extend(duplicates);
        look.trouble = self.kept.take_trouble();
        self.finish(look, &libraries)
    }

    /// The files of the libraries, and what is wrong with these places.
    fn of_libraries(
        &mut self,
        digest: &mut String,
        attention: Attention<'_>,
    ) -> (Vec<Found>, Vec<Diagnostic>) {
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        for place in &mut self.libraries {
            match place.look(attention) {
                Look::Found(listing) => {
                    let mut look = SourcesLook::default();
                    take(place.path(), &directory_of(place.path()), listing, &mut look, &mut files);
                    digest.push_str(&look.digest);
                    problems.extend(look.diagnostics);
                }
                Look::Unavailable(Unavailable { text: reason, .. }) => {
                    digest.push_str(&format!("unavailable {reason}\n"));
                    problems.push(Diagnostic::error(UNAVAILABLE, reason));
                }
            }
        }
        (files, problems)
    }

    /// Loads what is new; everything, where that may change what files define for each other.
    fn load(
        &mut self,
        files: &[Found],
        unusable: &[String],
        libraries: &BTreeSet<String>,
    ) -> Vec<Diagnostic> {
        let own: Vec<String> = files.iter().map(Found::name).collect();
        let names: BTreeSet<&String> = own.iter().collect();
        let other_module =
            |known: &LoadedFile| known.plugins().iter().any(|document| !document.is_as_read(&*self.shelf));
        let is_new = |found: &&Found| {
            let known = self.loaded.get(&found.name());
            known.is_none_or(|known| *known.digest != *found.file.digest || other_module(known))
        };
        let fresh: Vec<SpecFile> = files.iter().filter(is_new).map(Found::to_load).collect();
        let replaced = fresh.iter().any(|file| self.loaded.get(&file.name).is_some_and(LoadedFile::defines));
        let gone = self.loaded.iter().any(|(name, known)| !names.contains(name) && known.defines());
        let mut loaded = load_files(&fresh, Some(&self.names), &*self.shelf, None, Some(&self.host));
        let changed = !fresh.is_empty() || self.loaded.keys().any(|name| !names.contains(name));
        let defines = loaded.files.iter().any(LoadedFile::defines);
        let recalls = self.kept.wants_all(&loaded.files, &names, unusable);
        let mut judged: BTreeMap<String, PathBuf> =
            fresh.iter().map(|file| (file.name.clone(), file.directory.clone())).collect();
        if replaced || gone || (changed && self.holds_back()) || defines || recalls {
            // What was refused may count now, though it is as it was.
            judged = files.iter().map(|file| (file.name(), file.directory.clone())).collect();
            let all: Vec<SpecFile> = files.iter().map(Found::to_load).collect();
            let is_first = self.loaded.is_empty() && self.names.plugins.is_empty();
            if !is_first || fresh.len() < all.len() {
                loaded = upgrade::load(&all, &self.names.plugins, &*self.shelf, &self.host);
            }
            loaded = self.with_stand_ins(loaded, &all, unusable);
            self.loaded.clear();
            self.names = loaded.names;
            self.redefined = loaded.redefined;
        } else {
            self.loaded.retain(|name, _| names.contains(name));
        }
        self.loaded.extend(loaded.files.into_iter().map(|mut file| {
            let name = file.source.name.clone();
            // Objects are known by the place of their document wherever selfsame is called from.
            file.stands_in(&absolute(Path::new(&name)));
            (name, file)
        }));
        judged.retain(|name, _| !libraries.contains(name));
        self.keep_good(&judged);
        self.recall_services(unusable);
        let both = loaded.duplicates.into_values().chain(loaded.duplicate_policies.into_values());
        both.collect()
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
            if !self.given.iter().any(|place| place.as_path() == Path::new(name)) {
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
            look.policies.extend(file.policies().iter().cloned());
            look.policies_elsewhere.extend(file.policies_elsewhere().iter().cloned());
            look.seen.files.remove(name);
            look.seen.elsewhere.extend(file.elsewhere().iter().cloned());
            let place = absolute(Path::new(name));
            look.texts.insert(place.clone(), Arc::clone(&file.source));
            look.seen.files.insert(place, seen(file));
        }
        self.kept.recall(&mut look.seen.files);
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
        look.diagnostics.extend(policies::contrary(own.iter().copied(), &self.names.library));
        look.diagnostics.extend(policies::idle(&own.iter().copied()));
        look.diagnostics.extend(defaults::unused(&own.into_iter(), &self.names.defaults));
        look
    }
}

/// A file that can be used, and where relative paths in it start.
struct Found {
    file: Arc<FileRead>,
    directory: PathBuf,
}

impl Found {
    fn text(text: &SpecFile, digest: &str) -> Self {
        let file = FileRead {
            path: PathBuf::from(&text.name),
            bytes: text.bytes.as_slice().into(),
            digest: digest.into(),
        };
        Self { file: Arc::new(file), directory: text.directory.clone() }
    }

    fn name(&self) -> String {
        self.file.path.display().to_string()
    }

    fn to_load(&self) -> SpecFile {
        SpecFile { name: self.name(), directory: self.directory.clone(), bytes: self.file.bytes.to_vec() }
    }
}

/// The files of a place, and what is to be said about it.
fn take(place: &Path, directory: &Path, listing: Listing, look: &mut SourcesLook, files: &mut Vec<Found>) {
    look.seen.complete &= listing.complete;
    look.seen.identities.insert(absolute(place), format!("{:?}", listing.identity));
    look.again = look.again.into_iter().chain(listing.again).min();
    let findings =
        [found::available(place, &listing), found::trusted(place, &listing), found::settled(place, &listing)];
    look.findings.extend(findings.map(|finding| (absolute(place), finding)));
    look.ignored.extend(listing.ignored);
    for problem in listing.problems {
        let name = problem.path.display().to_string();
        look.unusable.push(name.clone());
        look.digest.push_str(&format!("{name} {}\n", problem.text));
        look.diagnostics.push(Diagnostic::error(UNUSABLE, format!("`{name}` is not used: {}", problem.text)));
        look.seen.files.insert(absolute(&problem.path), FileSeen::broken(problem.text));
    }
    for file in listing.files {
        let name = file.path.display().to_string();
        look.digest.push_str(&format!("{name} {}\n", file.digest));
        // In a sub-directory relative paths start there. Sub-directories are never links.
        let below = file.path.strip_prefix(place).ok().and_then(Path::parent).unwrap_or(Path::new(""));
        files.push(Found { directory: directory.join(below), file });
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

fn seen(file: &LoadedFile) -> FileSeen {
    match file.reason() {
        Some(reason) => FileSeen::broken(reason),
        None => {
            // Shared: what nobody edited is the very value that it was, for all who compare.
            FileSeen::Good(GoodFile {
                digest: file.digest.clone(),
                services: file.services().into(),
                policies: policies_in(file),
                empty: file.is_empty(),
            })
        }
    }
}

fn policies_in(file: &LoadedFile) -> Arc<[Arc<Policy>]> {
    file.policies().iter().map(|document| Arc::clone(&document.policy)).collect()
}

/// What a file declared when it last counted.
#[derive(Clone, PartialEq, Debug, Default)]
struct Declared {
    services: Arc<[Arc<Service>]>,
    policies: Arc<[Arc<Policy>]>,
}

impl Declared {
    /// By a text that stands in for the present one.
    fn by(file: &LoadedFile) -> Self {
        let mut file = file.clone();
        file.stands_in(&absolute(Path::new(&file.source.name.clone())));
        Self { services: file.services().into(), policies: policies_in(&file) }
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
