//! The places that documents come from: looked at, loaded, and handed to acceptance.
//!
//! ```text
//! look --named files, no doubt--> named ---------\
//!   \--> gathered --> reading, loading --> together --> SourcesLook (looked), from what is kept (shown, kept)
//! ```
//!
//! Files are loaded anew only where their content changed, so that a look at an unchanged directory costs its reading;
//! but all of them where a file with Matcher or Plugin documents or a module changed, since others may use what it defines.

mod found;
mod gathered;
mod halves;
mod here;
mod kept;
mod loading;
mod looked;
mod named;
mod peek;
mod reading;
mod shown;
mod together;
mod upgrade;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use here::Here;
use shown::Shown;

pub use loading::load_files;
pub use looked::SourcesLook;

use crate::diagnostic::{Code, Diagnostic};
use crate::host::clock;
use crate::host::good_texts::GoodTexts;
use crate::host::shelf::Shelf;
use crate::host::spec_dir::SpecFile as FileRead;
use crate::host::spec_dir::{Attention, Limits, Look, Manner, Place, Trust, Watched, watched};
use crate::lang::Predicate;
use crate::spec::engine::Settings;
use crate::spec::{InUse, KnownHost, LoadedFile, Marks, Names, PluginDocument, ReadTexts, SpecFile};

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

/// Who does something else beside a look, and hears of what it rests on.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// A condition that needs no definitions and plugins was compiled: who hears it may begin with what it asks for. A file that is loaded
    /// before the others tells of its conditions twice, and of some that don't count in the end.
    pub condition: &'a dyn Fn(&Predicate),
    /// A file can be used, as it is now or still is. Of a look that was made beside the state nothing is heard.
    pub file: &'a dyn Fn(),
    /// All files are loaded: what follows needs one processor.
    pub loaded: &'a dyn Fn(),
}

impl std::fmt::Debug for Beside<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}

/// Device and inode of the program behind a path, where they tell one program from another.
pub type ProgramIdentity = Box<dyn Fn(&Path) -> Option<(u64, u64)>>;

/// The places, and what was loaded from them last.
pub struct Sources {
    places: Vec<Place>,
    given: Vec<PathBuf>,
    /// A text that was given, and not the file that it comes from.
    text: Option<SpecFile>,
    /// Places whose Matcher documents count and nothing else.
    libraries: Vec<Place>,
    /// A place that keeps its name in what documents mean by relative paths, though it is a link that is turned.
    turned: Option<PathBuf>,
    /// Whose documents count: this host's, if nobody says otherwise.
    host: OnceCell<KnownHost>,
    settings: Settings,
    /// Trusted owners that can't be looked up.
    unknown_owners: Vec<Diagnostic>,
    loaded: BTreeMap<Arc<str>, LoadedFile>,
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
    /// Nobody looks again.
    once: bool,
    identity: ProgramIdentity,
    /// Pairs of Services that claim one process, as found with the files that the digest speaks of.
    pairs: (String, Vec<Diagnostic>),
    /// What all Services have that no two of them may have in common, if it is so and nothing else is to be said of them together.
    marks: Option<Marks>,
    names: Names,
    redefined: Vec<Diagnostic>,
    /// Where the modules of plugins come from.
    shelf: Rc<Shelf>,
    /// What was looked at already, for the look that follows.
    beside: Option<Vec<Look>>,
    /// Long texts are read there.
    reading: reading::Desk,
    /// What was read there, until it is loaded.
    ready: ReadTexts,
    /// Somebody must not be kept waiting.
    in_loop: bool,
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
            host: OnceCell::new(),
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
            once: false,
            identity: Box::new(crate::host::program_identity),
            pairs: (String::new(), Vec::new()),
            marks: None,
            names: Names::default(),
            redefined: Vec::new(),
            shelf: Rc::default(),
            beside: None,
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
        Self { host: host.into(), ..self }
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
        Self { text: Some(text), ..self }
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
        Self { stays: true, shown: self.shown.that_stay(), ..self }
    }

    /// Nobody looks again, so that nothing is remembered for that.
    #[must_use]
    pub fn for_one_look(self) -> Self {
        Self { once: true, ..self }
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

    /// The same, and tells how far it is while it goes on.
    pub fn look_telling(&mut self, beside: Beside<'_>) -> SourcesLook {
        self.looks += 1;
        self.here = Here::now();
        let still = self.still.take();
        self.look_at_all(still, Attention::at(clock::now().boot), Some(beside))
    }

    /// Whose documents count.
    pub fn host(&self) -> &KnownHost {
        self.host.get_or_init(crate::host::known_host)
    }

    /// The Plugin documents of all files.
    fn plugins(&self) -> impl Iterator<Item = &PluginDocument> {
        let files = self.with_plugins.iter().filter_map(|name| self.loaded.get(name.as_str()));
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
            None => self.look_at_all(still.filter(|_| attention.named.is_none()), attention, None),
        }
    }
}

/// By name alone: links stay links, so that a place keeps its name when its link is turned to another target.
pub fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
