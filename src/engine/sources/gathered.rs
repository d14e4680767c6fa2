//! Every place is looked at, and its files gathered: what they give together is `together`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use super::{Beside, FileRead, Sources, SourcesLook, UNAVAILABLE, UNUSABLE, absolute, found, named};
use crate::diagnostic::Diagnostic;
use crate::engine::accept::SourcesSeen;
use crate::host::clock;
use crate::host::spawn::side_by_side;
use crate::host::spec_dir::{Attention, Listing, Look, Unavailable};
use crate::spec::SpecFile;

/// A file that can be used, and where relative paths in it start.
#[derive(Clone)]
pub(super) struct Found {
    /// As it is shown.
    pub(super) name: String,
    pub(super) file: Arc<FileRead>,
    pub(super) directory: Arc<Path>,
}

impl Found {
    pub(super) fn text(text: &SpecFile) -> Self {
        // Known before there is a copy, which knows it as well then.
        let _ = text.digest();
        let file = FileRead { path: PathBuf::from(&text.name), bytes: text.bytes.clone() };
        Self { name: text.name.clone(), file: Arc::new(file), directory: text.directory.as_path().into() }
    }

    pub(super) fn to_load(&self) -> SpecFile {
        SpecFile {
            name: self.name.clone(),
            directory: self.directory.to_path_buf(),
            bytes: self.file.bytes.clone(),
        }
    }
}

impl Sources {
    /// Has a thread look at the places while something else is done here, for the first look, which follows at once.
    pub fn look_beside<T>(&mut self, meanwhile: impl FnOnce() -> T) -> T {
        let (attention, places) = (Attention::at(clock::now().boot), &mut self.places);
        let (done, looks) = thread::scope(|scope| {
            let look = move || places.iter_mut().map(|place| place.look(attention)).collect();
            let looking = thread::Builder::new().name("files".into()).spawn_scoped(scope, look);
            // Without a thread the look does it.
            (meanwhile(), looking.ok().and_then(|looking| looking.join().ok()))
        });
        self.beside = looks;
        done
    }

    /// `still`: what the last look left, and nothing was looked at since.
    pub(super) fn look_at_all(
        &mut self,
        still: Option<named::Still>,
        attention: Attention<'_>,
        beside: Option<Beside<'_>>,
    ) -> SourcesLook {
        let looks = self.look_at_places(attention, beside);
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
        files.extend(self.text.as_ref().map(Found::text));
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
        self.load(&files, &unusable, &libraries, beside);
        self.ready.clear();
        look.trouble = self.kept.take_trouble();
        // What was said of the places and of this look alone says nothing of the next one.
        let plain = !self.once
            && libraries.is_empty()
            && self.libraries.is_empty()
            && self.text.is_none()
            && look.diagnostics.len() == self.unknown_owners.len();
        let before = plain.then(|| look.clone());
        let look = self.finish(look, &libraries);
        self.still = before.and_then(|before| named::Still::after(before, &look));
        look
    }

    /// What a first look reads stays, and is read by a thread, in whose memory it lies side by side: in that of the loop it would lie between what
    /// loading and starting need for a moment, some of it in each page.
    fn look_at_places(&mut self, attention: Attention<'_>, beside: Option<Beside<'_>>) -> Vec<Look> {
        if let Some(looks) = self.beside.take() {
            return looks;
        }
        if let Some(beside) = beside {
            return self.look_peeking(attention, beside);
        }
        let is_first = self.stays && self.loaded.is_empty();
        let mut look = || self.places.iter_mut().map(|place| place.look(attention)).collect();
        let aside = if is_first { side_by_side(&mut look) } else { None };
        aside.unwrap_or_else(look)
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
        let message = format!("`{name}` is not used: {}", problem.text);
        look.diagnostics.push(Diagnostic::error(UNUSABLE, message).help(problem.reason.help()));
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

/// The directory that relative paths in the documents of a place start from. One that is `turned` keeps its name.
pub(super) fn start_of(place: &Path, turned: Option<&Path>) -> PathBuf {
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
