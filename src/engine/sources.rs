//! The places that documents come from: looked at, loaded, and handed to acceptance.
//!
//! Files are loaded anew only where their content changed, so that a look at an unchanged directory costs its reading;
//! but all of them where a file with Matcher or Plugin documents or a module changed, since others may use what it defines.

mod found;
mod here;
mod kept;
mod named;
mod reading;
mod shown;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use here::Here;
use shown::Shown;

use super::accept::{FileSeen, GoodFile, SourcesSeen};
use super::settle;
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::host::checked::Checked;
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
    ExpressionRequest, HeldPlugins, InUse, KnownHost, LoadContext, Loaded, LoadedFile, Marks, Modules, Names,
    PluginDocument, ReadTexts, Service, ServiceName, Shape, SpecFile, dependency_mistakes, load_ready,
    names_that_stand_twice, overlaps,
};
use crate::units::BootTime;

/// A file that is there and can't be used.
const UNUSABLE: Code = Code("F001");
/// A place that can't be looked at.
pub(super) const UNAVAILABLE: Code = Code("F002");

/// A trusted owner that isn't known here.
const UNKNOWN_OWNER: Code = Code("F004");

/// A file whose text takes too long to read.
const TOO_SLOW: Code = Code("F005");

/// Codes of this module.
pub const CODES: &[(Code, &str)] = &[
    (UNUSABLE, "a spec file can't be used"),
    (UNAVAILABLE, "a place of spec files can't be looked at"),
    (UNKNOWN_OWNER, "a trusted owner of spec files isn't known"),
    (TOO_SLOW, "a spec file takes too long to read"),
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
    /// What they give, kept from look to look.
    shown: Shown,
    /// Where names as given start from.
    here: Here,
    /// What the last look found, if a look at some files may follow it.
    still: Option<named::Still>,
    /// Files with Plugin documents.
    with_plugins: Vec<String>,
    /// How often it was looked.
    looks: u64,
    /// Files that can't be used, as they last were.
    kept: kept::Kept,
    /// What is loaded stays for long.
    stays: bool,
    identity: ProgramIdentity,
    /// Pairs of Services that claim one process, as found with the files that the digest speaks of.
    pairs: (String, Vec<Diagnostic>),
    /// What all Services have that no two of them may have in common, if it is so and nothing else is to be said of them together.
    marks: Option<Marks>,
    names: Names,
    redefined: Vec<Diagnostic>,
    /// Where the modules of plugins come from.
    shelf: Rc<Shelf>,
    /// Long texts are read there.
    reading: reading::Desk,
    /// What was read there, until it is loaded.
    ready: ReadTexts,
    /// Somebody must not be kept waiting.
    in_loop: bool,
}

/// One look at all places.
#[derive(Clone, Debug, Default)]
pub struct SourcesLook {
    /// For acceptance.
    pub seen: SourcesSeen,
    /// All mistakes of all files, in order, and what could not be used or looked at.
    pub diagnostics: Vec<Diagnostic>,
    /// Places that could not be looked at, with the reason.
    pub unavailable: Vec<String>,
    /// The texts of the files, by the place that their documents have as their origin.
    pub texts: Arc<BTreeMap<String, Arc<Source>>>,
    /// What was found out about each place, by its absolute name.
    pub findings: Vec<(String, SourceFinding)>,
    /// Files that are there and can't be read, by their names as given, with the reasons.
    unusable: BTreeMap<String, String>,
    /// Only files that somebody named were looked at; the others are as at the look before.
    pub named: bool,
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

    /// Everything could be read as it is at this moment, and nothing is to be said of it.
    pub fn is_clean(&self) -> bool {
        self.seen.complete && self.diagnostics.is_empty() && self.again.is_none() && self.trouble.is_none()
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
            host: crate::host::known_host(),
            settings: Settings::default(),
            unknown_owners: Vec::new(),
            loaded: BTreeMap::new(),
            shown: Shown::default(),
            here: Here::default(),
            still: None,
            with_plugins: Vec::new(),
            looks: 0,
            kept: kept::Kept::default(),
            stays: false,
            identity: Box::new(crate::host::program_identity),
            pairs: (String::new(), Vec::new()),
            marks: None,
            names: Names::default(),
            redefined: Vec::new(),
            shelf: Rc::default(),
            reading: reading::Desk::default(),
            ready: ReadTexts::new(),
            in_loop: false,
        }
    }

    /// Looks don't wait for long texts to be read: their files count as they last did until a later look.
    #[must_use]
    pub fn in_a_loop(self) -> Self {
        Self { in_loop: true, ..self }
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

    /// What is loaded stays for long, so that it is worth an effort to have it take little memory.
    #[must_use]
    pub fn that_stay(self) -> Self {
        Self { stays: true, ..self }
    }

    /// Looks as these settings say.
    #[must_use]
    pub fn with_settings(mut self, settings: &Settings) -> Self {
        self.configure(settings);
        self
    }

    /// Looks as these settings say from now on.
    pub fn configure(&mut self, settings: &Settings) {
        self.still = None;
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
        let modules = self.plugins().flat_map(|document| watched(&document.wasm));
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

    /// The same, and tells each condition while files are loaded: who hears it may begin with what it will need.
    pub fn look_telling(&mut self, tell: &dyn Fn(&str)) -> SourcesLook {
        self.looks += 1;
        self.here = Here::now();
        let still = self.still.take();
        self.look_at_all(still, Attention::at(clock::now().boot), tell)
    }

    /// Whose documents count.
    pub fn host(&self) -> &KnownHost {
        &self.host
    }

    /// The Plugin documents of all files.
    fn plugins(&self) -> impl Iterator<Item = &PluginDocument> {
        let files = self.with_plugins.iter().filter_map(|name| self.loaded.get(name));
        files.flat_map(LoadedFile::plugins)
    }

    /// Looks at all places, or at what is named where that is enough, and loads what is new.
    pub fn look_with(&mut self, attention: Attention<'_>) -> SourcesLook {
        self.looks += 1;
        self.here = Here::now();
        // Whatever ends this early, the next look sees everything.
        let still = self.still.take();
        match attention.named.and(still.as_ref()).and_then(|still| self.look_at_named(still, attention)) {
            Some(look) => look,
            None => self.look_at_all(still.filter(|_| attention.named.is_none()), attention, &|_| {}),
        }
    }

    /// `still`: what the last look left, and nothing was looked at since.
    fn look_at_all(
        &mut self,
        still: Option<named::Still>,
        attention: Attention<'_>,
        tell: &dyn Fn(&str),
    ) -> SourcesLook {
        let looks: Vec<Look> = self.places.iter_mut().map(|place| place.look(attention)).collect();
        if let Some(still) = still.filter(|_| self.has_nothing_new()) {
            return self.look_again(&still);
        }
        let mut look = SourcesLook {
            seen: SourcesSeen { complete: true, ..SourcesSeen::default() },
            ..SourcesLook::default()
        };
        let mut files = Vec::new();
        look.diagnostics.extend(self.unknown_owners.iter().cloned());
        for (place, found) in self.places.iter().zip(looks) {
            let name = absolute(place.path());
            look.seen.prunable.push(name.clone());
            match found {
                Look::Found(listing) => {
                    let directory = start_of(place.path(), self.turned.as_deref());
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
            files.push(Found::text(text, digest));
        }
        let (more, problems) = self.of_libraries(&mut look.digest, attention);
        look.diagnostics.extend(problems);
        let mut libraries = BTreeSet::new();
        if !more.is_empty() {
            let given: BTreeSet<String> = files.iter().map(|file| file.name.clone()).collect();
            let more = more.into_iter().filter(|file| !given.contains(&file.name));
            files.extend(more.inspect(|file| libraries.extend([file.name.clone()])));
        }
        self.read_aside(&mut files, &mut look, attention.now);
        let unusable: Vec<String> = look.unusable.keys().cloned().collect();
        self.load(&files, &unusable, &libraries, tell);
        self.ready.clear();
        look.trouble = self.kept.take_trouble();
        // What was said of the places and of this look alone says nothing of the next one.
        let plain = libraries.is_empty()
            && self.libraries.is_empty()
            && self.text.is_none()
            && look.diagnostics.len() == self.unknown_owners.len();
        let before = plain.then(|| look.clone());
        let look = self.finish(look, &libraries);
        self.still = before.and_then(|before| named::Still::after(before, &look));
        look
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
        tell: &dyn Fn(&str),
    ) {
        let holds = |name: &str| files.iter().any(|found| found.name == name);
        let other_module =
            |known: &LoadedFile| known.plugins().iter().any(|document| !document.is_as_read(&*self.shelf));
        let (mut fresh, mut gone) = (Vec::new(), Vec::new());
        let mut known = Walk::new(&self.loaded);
        let mut found = BTreeSet::new();
        for file in files {
            match known.find(&file.name) {
                Some(known) if *known.digest == *file.file.digest && !other_module(known) => {}
                Some(_) => {
                    found.insert(file.name.as_str());
                    fresh.push(file);
                }
                None => fresh.push(file),
            }
        }
        let unchanged = files.len() - fresh.len();
        if unchanged + found.len() != self.loaded.len() {
            let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
            gone.extend(self.loaded.keys().filter(|name| !names.contains(name.as_str())).cloned());
        }
        let directories = |files: &mut dyn Iterator<Item = &Found>| {
            files.map(|found| (found.name.clone(), Arc::clone(&found.directory))).collect()
        };
        let mut judged: BTreeMap<String, Arc<Path>> = directories(&mut fresh.iter().copied());
        let fresh: Vec<SpecFile> = fresh.into_iter().map(Found::to_load).collect();
        let gives = |name: &String| self.loaded.get(name).is_some_and(LoadedFile::defines);
        let replaced = fresh.iter().any(|file| gives(&file.name));
        let lost = gone.iter().any(gives);
        let mut loaded = Around { tell, ..self.around() }.load(&fresh, Some(&self.names), None);
        let changed = !fresh.is_empty() || !gone.is_empty();
        if changed {
            self.marks = None;
        }
        let defines = loaded.files.iter().any(LoadedFile::defines);
        let recalls = self.kept.wants_all(&loaded.files, &holds, (unusable, &self.here));
        if replaced || lost || (changed && self.holds_back()) || defines || recalls {
            // What was refused may count now, though it is as it was.
            judged = directories(&mut files.iter());
            let all: Vec<SpecFile> = files.iter().map(Found::to_load).collect();
            let is_first = self.loaded.is_empty() && self.names.plugins.is_empty();
            if !is_first || fresh.len() < all.len() {
                loaded = upgrade::load(&all, &self.names.plugins, self.around());
            }
            loaded = self.with_stand_ins(loaded, &all, unusable);
            self.loaded.clear();
            self.shown.are_stale();
            self.names = loaded.names;
            self.redefined = loaded.redefined;
        } else {
            for name in &gone {
                self.loaded.remove(name);
                self.shown.is_stale(name);
            }
        }
        if self.stays {
            settle::files(&mut loaded.files);
        }
        let (shown, here) = (&mut self.shown, &self.here);
        let fresh = loaded.files.into_iter().map(|mut file| {
            let name = file.source.name.clone();
            shown.is_stale(&name);
            // Objects are known by the place of their document wherever selfsame is called from.
            file.stands_in(&here.absolute(&name));
            (name, file)
        });
        // A map that is made at once has no empty places in it; one that grows is half empty.
        if self.loaded.is_empty() {
            self.loaded = fresh.collect();
        } else {
            self.loaded.extend(fresh);
        }
        judged.retain(|name, _| !libraries.contains(name));
        self.keep_good(&judged);
        self.recall_services(unusable);
    }

    /// What all files are loaded with.
    fn around(&self) -> Around<'_> {
        let checked = Some(self.shelf.checked());
        Around { modules: &*self.shelf, host: Some(&self.host), ready: &self.ready, checked, tell: &|_| {} }
    }

    /// A new version of a plugin is there and not taken: any change may be the one that it waits for.
    fn holds_back(&self) -> bool {
        self.plugins().any(|document| match (&document.loaded, self.names.plugins.get(&document.name)) {
            (Some(loaded), Some(used)) => !loaded.is_same(used),
            (Some(_), None) | (None, _) => false,
        })
    }

    /// Fills in what every file gave. Of `libraries` only the Matcher documents count.
    fn finish(&mut self, mut look: SourcesLook, libraries: &BTreeSet<String>) -> SourcesLook {
        look.diagnostics.extend(names_that_stand_twice(self.loaded.values()));
        look.diagnostics.extend(self.redefined.iter().cloned());
        look.names = self.names.clone();
        look.seen.defaults =
            self.names.defaults.documents().iter().map(|document| document.name.clone()).collect();
        let declared = self.loaded.iter().filter(|(_, file)| !file.plugins().is_empty());
        self.with_plugins = declared.map(|(name, _)| name.clone()).collect();
        for document in self.plugins() {
            let module = match &document.module {
                Some(Ok(digest)) => digest,
                Some(Err(reason)) => reason,
                None => "not read",
            };
            look.digest.push_str(&format!("{} {module}\n", document.wasm.display()));
        }
        let mut changed = self.shown.renew(&self.loaded, libraries, &self.here);
        look.digest.push_str(&self.shown.digest_line());
        look.seen.stale_matchers.clone_from(&self.kept.stale_matchers);
        look.seen.stale_defaults.clone_from(&self.kept.stale_defaults);
        for (name, file) in &self.loaded {
            look.diagnostics.extend(file.diagnostics.iter().cloned());
            // Who gives the file by its name checks it; in a directory somebody counts on it.
            if !file.engines().is_empty()
                && !self.given.iter().any(|place| place.as_path() == Path::new(name))
            {
                look.diagnostics.extend(engine::misplaced(file));
            }
            if libraries.contains(name) {
                continue;
            }
            if !file.plugins().is_empty()
                && let Some(reason) = file.reason()
            {
                let names = file.plugins().iter().map(|document| &document.name);
                let held = names.filter(|name| self.names.plugins.contains_key(*name));
                look.seen.held_plugins.extend(held.map(|name| (name.clone(), reason.clone())));
            }
            look.matchers.extend(file.matchers().iter().cloned());
            look.plugins.extend(file.plugins().iter().cloned());
            look.policies.extend(file.policies().iter().cloned());
            look.policies_elsewhere.extend(file.policies_elsewhere().iter().cloned());
            look.seen.elsewhere.extend(file.elsewhere().iter().cloned());
        }
        let own: Vec<&LoadedFile> =
            self.loaded.iter().filter(|(name, _)| !libraries.contains(*name)).map(|(_, file)| file).collect();
        let mut instead: Vec<(String, FileSeen)> = Vec::new();
        for (name, reason) in &look.unusable {
            instead.push((name.clone(), FileSeen::broken(reason.clone())));
        }
        if self.pairs.0 != look.digest {
            let found = overlaps(own.iter().copied(), &self.names.library, &*self.identity);
            self.pairs = (look.digest.clone(), found);
        }
        look.diagnostics.extend(self.pairs.1.iter().cloned());
        let mistakes = dependency_mistakes(own.iter().copied());
        for (name, diagnostic) in mistakes.circles {
            instead.push((name, FileSeen::broken(diagnostic.message.clone())));
            look.diagnostics.push(diagnostic);
        }
        look.diagnostics.extend(mistakes.missing);
        look.diagnostics.extend(matcher::unused(own.iter().copied(), &self.names.library));
        look.diagnostics.extend(plugin::unused(own.iter().copied(), &self.names));
        look.diagnostics.extend(policies::contrary(own.iter().copied(), &self.names.library));
        look.diagnostics.extend(policies::idle(&own.iter().copied()));
        look.diagnostics.extend(defaults::unused(&own.into_iter(), &self.names.defaults));
        let mut also = Vec::new();
        for (name, file) in instead {
            also.push(self.shown.instead(&name, &self.here, file));
        }
        also.extend(self.kept.recall(&mut self.shown, &self.here));
        if let Some(changed) = &mut changed {
            changed.extend(also);
        }
        self.show(&mut look, changed);
        look
    }

    /// Fills in the files themselves, and which of them are other than at the last look.
    fn show(&self, look: &mut SourcesLook, changed: Option<BTreeSet<String>>) {
        look.texts = Arc::clone(&self.shown.texts);
        look.seen.files = Arc::clone(&self.shown.files);
        (look.seen.number, look.seen.changed) = (self.looks, changed);
    }
}

/// A file that can be used, and where relative paths in it start.
#[derive(Clone)]
struct Found {
    /// As it is shown.
    name: String,
    file: Arc<FileRead>,
    directory: Arc<Path>,
}

impl Found {
    fn text(text: &SpecFile, digest: &str) -> Self {
        let file = FileRead {
            path: PathBuf::from(&text.name),
            bytes: text.bytes.as_slice().into(),
            digest: digest.into(),
        };
        Self { name: text.name.clone(), file: Arc::new(file), directory: text.directory.as_path().into() }
    }

    fn to_load(&self) -> SpecFile {
        SpecFile {
            name: self.name.clone(),
            directory: self.directory.to_path_buf(),
            bytes: self.file.bytes.to_vec(),
        }
    }
}

/// Looks names up that come in order, mostly: a step each then.
struct Walk<'a> {
    map: &'a BTreeMap<String, LoadedFile>,
    ahead: Peekable<btree_map::Iter<'a, String, LoadedFile>>,
    last: &'a str,
}

impl<'a> Walk<'a> {
    fn new(map: &'a BTreeMap<String, LoadedFile>) -> Self {
        Self { map, ahead: map.iter().peekable(), last: "" }
    }

    fn find(&mut self, name: &str) -> Option<&'a LoadedFile> {
        if name <= self.last {
            return self.map.get(name);
        }
        while let Some((passed, _)) = self.ahead.next_if(|(other, _)| other.as_str() < name) {
            self.last = passed;
        }
        self.ahead.peek().filter(|(other, _)| other.as_str() == name).map(|(_, file)| *file)
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
        look.digest.push_str(&format!("{name} {}\n", problem.text));
        look.diagnostics.push(Diagnostic::error(UNUSABLE, format!("`{name}` is not used: {}", problem.text)));
        look.unusable.insert(name, problem.text);
    }
    let directory: Arc<Path> = directory.into();
    let prefix = format!("{}/", place.display());
    for file in listing.files {
        let name = file.path.display().to_string();
        let is_here = name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/'));
        let directory = if is_here {
            Arc::clone(&directory)
        } else {
            // In a sub-directory relative paths start there. Sub-directories are never links.
            let below = file.path.strip_prefix(place).ok().and_then(Path::parent).unwrap_or(Path::new(""));
            directory.join(below).into()
        };
        files.push(Found { name, file, directory });
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
    let around = Around { modules, host, ready: &ReadTexts::new(), checked: None, tell: &|_| {} };
    around.load(files, names, held)
}

/// What files of one look are loaded with, however often.
#[derive(Clone, Copy)]
struct Around<'a> {
    modules: &'a dyn Modules,
    host: Option<&'a KnownHost>,
    ready: &'a ReadTexts,
    /// Who is going to look by these conditions.
    checked: Option<&'a Checked>,
    /// Who hears of each condition.
    tell: &'a dyn Fn(&str),
}

impl Around<'_> {
    fn load(self, files: &[SpecFile], names: Option<&Names>, held: Option<&HeldPlugins>) -> Loaded {
        let Around { modules, host, ready, .. } = self;
        let compile = |request: &ExpressionRequest<'_>| self.check(request);
        let limits = crate::spec::Limits::default();
        load_ready(files, ready, &LoadContext { limits, compile: &compile, names, modules, held, host })
    }

    fn check(self, request: &ExpressionRequest<'_>) -> Vec<Diagnostic> {
        let ExpressionRequest { text, variables, replaces, library } = request;
        (self.tell)(text);
        let compiled = expression::check_in_document(text, variables.clone(), *replaces, library);
        if let (Some(checked), Some(predicate)) = (self.checked, compiled.predicate)
            && library.is_empty()
            && library.schema().is_none()
        {
            checked.put(text, Shape::of_types(variables), predicate);
        }
        compiled.diagnostics
    }
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
    fn by(file: &LoadedFile, here: &Here) -> Self {
        let mut file = file.clone();
        file.stands_in(&here.absolute(&file.source.name.clone()));
        Self { services: file.services().into(), policies: policies_in(&file) }
    }
}

/// By name alone: links stay links, so that a place keeps its name when its link is turned to another target.
pub fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The directory that relative paths in the documents of a place start from. One that is `turned` keeps its name.
fn start_of(place: &Path, turned: Option<&Path>) -> PathBuf {
    if turned == Some(place) { place.to_owned() } else { directory_of(place) }
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
