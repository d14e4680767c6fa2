//! Files are loaded: those that are others than before, or all of them where that may change what they define for each other.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::iter::Peekable;
use std::path::Path;
use std::sync::Arc;

use super::gathered::Found;
use super::halves::are_worth_it;
use super::{Beside, Sources, upgrade};
use crate::diagnostic::Diagnostic;
use crate::engine::settle;
use crate::host::checked::Checked;
use crate::host::spawn::to_stay;
use crate::lang::Predicate;
use crate::process::expression;
use crate::spec::{
    ExpressionRequest, HeldPlugins, KnownHost, LoadContext, Loaded, LoadedFile, Modules, Names, ReadTexts,
    Shape, SpecFile, load_ready,
};

impl Sources {
    /// Loads what is new; everything, where that may change what files define for each other.
    pub(super) fn load(
        &mut self,
        files: &[Found],
        unusable: &[String],
        libraries: &BTreeSet<String>,
        beside: Option<Beside<'_>>,
    ) {
        let holds = |name: &str| files.iter().any(|found| found.name == name);
        let other_module =
            |known: &LoadedFile| known.plugins().iter().any(|document| !document.is_as_read(&*self.shelf));
        let (mut fresh, mut gone) = (Vec::new(), Vec::new());
        let mut known = Walk::new(&self.loaded);
        let mut found = BTreeSet::new();
        for file in files {
            match known.find(&file.name) {
                Some(known) if *known.digest == **file.file.digest() && !other_module(known) => {}
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
            gone.extend(self.loaded.keys().filter(|name| !names.contains(&***name)).cloned());
        }
        // Who looks once keeps no texts.
        let keeps = !self.once;
        let directories = |files: &mut dyn Iterator<Item = &Found>| {
            let kept = files.take_while(|_| keeps);
            kept.map(|found| (found.name.clone(), Arc::clone(&found.directory))).collect()
        };
        let mut judged: BTreeMap<String, Arc<Path>> = directories(&mut fresh.iter().copied());
        let fresh: Vec<SpecFile> = fresh.into_iter().map(Found::to_load).collect();
        let gives = |name: &str| self.loaded.get(name).is_some_and(LoadedFile::defines);
        let replaced = fresh.iter().any(|file| gives(&file.name));
        let lost = gone.iter().any(|name: &Arc<str>| gives(name));
        let around = Around { tell: beside.map_or(&|_| {}, |beside| beside.condition), ..self.around() };
        let worth_it = are_worth_it(fresh.len(), self.in_loop, self.once);
        let halves = worth_it.then(|| around.load_halves(&fresh, &self.names)).flatten();
        let mut loaded = match halves {
            Some(files) => Loaded { files, names: self.names.clone(), ..Loaded::default() },
            None => around.load(&fresh, Some(&self.names), None),
        };
        beside.inspect(|beside| (beside.loaded)());
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
        if self.loaded.is_empty() && !loaded.files.is_empty() {
            self.shown.are_stale();
        }
        let (shown, here) = (&mut self.shown, &self.here);
        let fresh = loaded.files.into_iter().map(|mut file| {
            let name = Arc::clone(&file.source.name);
            shown.is_stale(&name);
            // Objects are known by the place of their document wherever selfsame is called from.
            file.stands_in(&here.absolute(&name));
            (name, file)
        });
        // A map that is made at once has no empty places in it; one that grows is half empty.
        if self.loaded.is_empty() && self.stays {
            let files: Vec<(Arc<str>, LoadedFile)> = fresh.collect();
            self.loaded = to_stay(files.len(), || files.iter().cloned().collect());
        } else if self.loaded.is_empty() {
            self.loaded = fresh.collect();
        } else {
            self.loaded.extend(fresh);
        }
        judged.retain(|name, _| !libraries.contains(name));
        if keeps {
            self.keep_good(&judged);
        }
        self.recall_services(unusable);
    }

    /// What all files are loaded with.
    pub(super) fn around(&self) -> Around<'_> {
        let checked = Some(self.shelf.checked());
        Around { modules: &*self.shelf, host: Some(self.host()), ready: &self.ready, checked, tell: &|_| {} }
    }

    /// A new version of a plugin is there and not taken: any change may be the one that it waits for.
    fn holds_back(&self) -> bool {
        self.plugins().any(|document| match (&document.loaded, self.names.plugins.get(&document.name)) {
            (Some(loaded), Some(used)) => !loaded.is_same(used),
            (Some(_), None) | (None, _) => false,
        })
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
pub(super) struct Around<'a> {
    pub(super) modules: &'a dyn Modules,
    pub(super) host: Option<&'a KnownHost>,
    pub(super) ready: &'a ReadTexts,
    /// Who is going to look by these conditions.
    pub(super) checked: Option<&'a Checked>,
    /// Who hears of conditions that need neither definitions nor plugins.
    pub(super) tell: &'a dyn Fn(&Predicate),
}

impl Around<'_> {
    pub(super) fn load(
        self,
        files: &[SpecFile],
        names: Option<&Names>,
        held: Option<&HeldPlugins>,
    ) -> Loaded {
        let Around { modules, host, ready, .. } = self;
        let compile = |request: &ExpressionRequest<'_>| self.check(request);
        let limits = crate::spec::Limits::default();
        load_ready(files, ready, &LoadContext { limits, compile: &compile, names, modules, held, host })
    }

    fn check(self, request: &ExpressionRequest<'_>) -> Vec<Diagnostic> {
        let (diagnostics, good) = check(request);
        if let Some(good) = good {
            self.take(good);
        }
        diagnostics
    }

    /// Keeps a condition for whoever looks by it.
    pub(super) fn take(self, (text, shape, predicate): Compiled) {
        if let Some(checked) = self.checked {
            (self.tell)(&predicate);
            checked.put(&text, shape, predicate);
        }
    }
}

/// A condition that needs no definitions and plugins: its text, what it may name, what it was compiled to.
pub(super) type Compiled = (String, Shape, Predicate);

/// What is to be said of a condition, and the condition if it is good and means the same everywhere.
pub(super) fn check(request: &ExpressionRequest<'_>) -> (Vec<Diagnostic>, Option<Compiled>) {
    let ExpressionRequest { text, variables, replaces, library } = request;
    let compiled = expression::check_in_document(text, variables.clone(), *replaces, library);
    let is_alone = library.is_empty() && library.schema().is_none();
    let good = compiled.predicate.filter(|_| is_alone);
    let good = good.map(|predicate| ((*text).to_owned(), Shape::of_types(variables), predicate));
    (compiled.diagnostics, good)
}

/// Looks names up that come in order, mostly: a step each then.
struct Walk<'a> {
    map: &'a BTreeMap<Arc<str>, LoadedFile>,
    ahead: Peekable<btree_map::Iter<'a, Arc<str>, LoadedFile>>,
    last: &'a str,
}

impl<'a> Walk<'a> {
    fn new(map: &'a BTreeMap<Arc<str>, LoadedFile>) -> Self {
        Self { map, ahead: map.iter().peekable(), last: "" }
    }

    fn find(&mut self, name: &str) -> Option<&'a LoadedFile> {
        if name <= self.last {
            return self.map.get(name);
        }
        while let Some((passed, _)) = self.ahead.next_if(|(other, _)| &***other < name) {
            self.last = passed;
        }
        self.ahead.peek().filter(|(other, _)| ***other == *name).map(|(_, file)| *file)
    }
}
