//! Files of which none says that it defines something for others, loaded by two threads: to check their conditions is most of what the
//! first look of a watch waits for, and nothing else needs the other processor by then.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::loading::{Around, Compiled};
use crate::spec::{
    ExpressionRequest, Limits, LoadContext, LoadedFile, Names, NoModules, SpecFile, load_ready, may_define,
};

/// For fewer a second thread isn't worth its start. Of more too much of what stays would lie between what was only needed meanwhile.
const WORTH_IT: std::ops::RangeInclusive<usize> = 48..=256;
/// Of what ends with its look nothing stays. For fewer, who gets a processor when decides more than how much there is to do.
const WORTH_IT_ONCE: usize = 1_024;
/// So many are loaded at a time by whoever of the two is free: one half takes longer than the other, by whose memory it has to make room in.
const PART: usize = 32;

/// Whether so many files are worth two threads, in a loop or for a single look.
pub(super) fn are_worth_it(files: usize, in_loop: bool, once: bool) -> bool {
    (in_loop && WORTH_IT.contains(&files)) || (once && files >= WORTH_IT_ONCE)
}

impl Around<'_> {
    /// What became of these files, in order, as far as each is concerned. `None`: they have to be loaded as one set.
    pub(super) fn load_halves(self, files: &[SpecFile], names: &Names) -> Option<Vec<LoadedFile>> {
        if !is_each_alone(files) {
            return None;
        }
        let (host, ready) = (self.host, self.ready);
        let (parts, next): (Vec<_>, _) = (files.chunks(PART).collect(), AtomicUsize::new(0));
        let take = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            parts.get(at).map(|part| (at, *part))
        };
        let compiled: Mutex<Vec<Compiled>> = Mutex::default();
        let aside = || {
            let compile = |request: &ExpressionRequest<'_>| {
                let (diagnostics, good) = super::loading::check(request);
                compiled.lock().unwrap_or_else(PoisonError::into_inner).extend(good);
                diagnostics
            };
            let (limits, names, modules) = (Limits::default(), Some(names), &NoModules);
            let context = LoadContext { limits, compile: &compile, names, modules, held: None, host };
            let loaded = |(at, part)| (at, load_ready(part, ready, &context).files);
            std::iter::from_fn(take).map(loaded).collect::<Vec<_>>()
        };
        let mut all = thread::scope(|scope| {
            let other = thread::Builder::new().name("documents".into()).spawn_scoped(scope, aside).ok()?;
            let loaded = |(at, part)| (at, self.load(part, Some(names), None).files);
            let mut all: Vec<_> = std::iter::from_fn(take).map(loaded).collect();
            all.extend(other.join().ok()?);
            Some(all)
        })?;
        all.sort_unstable_by_key(|(at, _)| *at);
        let loaded: Vec<LoadedFile> = all.into_iter().flat_map(|(_, files)| files).collect();
        if loaded.iter().any(LoadedFile::defines) {
            return None;
        }
        let compiled = compiled.into_inner().unwrap_or_else(PoisonError::into_inner);
        for good in compiled {
            self.take(good);
        }
        Some(loaded)
    }
}

/// Whether what becomes of each of them follows from itself, by all that can be told before it is read.
fn is_each_alone(files: &[SpecFile]) -> bool {
    let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    bytes <= Limits::default().bytes && !may_define(files)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::host::checked::Checked;
    use crate::spec::{ReadTexts, Shape};

    fn file(name: usize, text: &str) -> SpecFile {
        let bytes = text.replace("NAME", &format!("s{name}")).into();
        SpecFile { name: format!("{name:03}.yaml"), directory: "/d".into(), bytes }
    }

    fn service(condition: &str) -> String {
        format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: NAME}}\nspec:\n  startas: /bin/true\n  match: '{condition}'\n"
        )
    }

    #[test]
    fn each_file_is_what_it_is_among_all() {
        let [good, wrong] = [r#"cwd == "/NAME""#, "nothing == 1"].map(service);
        let mut files: Vec<SpecFile> =
            (0..60).map(|at| file(at, if at % 7 == 3 { &wrong } else { &good })).collect();
        let checked = Checked::default();
        let (ready, told) = (ReadTexts::new(), std::cell::Cell::new(0));
        let tell = |_: &_| told.set(told.get() + 1);
        let around =
            Around { modules: &NoModules, host: None, ready: &ready, checked: Some(&checked), tell: &tell };
        let names = Names::default();
        let halves = around.load_halves(&files, &names).unwrap();
        let known = halves.iter().flat_map(LoadedFile::services).count();
        assert_eq!((told.get(), known), (51, 51));
        for file in &halves {
            for service in file.services() {
                let expression = service.narrow.as_ref().unwrap();
                assert!(checked.compiled(&expression.text, Shape::of(service)).is_some(), "{expression:?}");
            }
        }
        let all = around.load(&files, Some(&names), None).files;
        assert_eq!(halves.len(), all.len());
        for (one, other) in halves.iter().zip(&all) {
            assert_eq!(one.source.name, other.source.name);
            assert_eq!(one.diagnostics, other.diagnostics);
            assert_eq!(one.services(), other.services());
        }
        let defines = "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: NAME}\nspec:\n  matchers: {a: 'uid == 0'}\n";
        files.push(file(60, defines));
        assert!(around.load_halves(&files, &names).is_none(), "the others may use it");
        assert!(!are_worth_it(4, true, false) && !are_worth_it(60, false, true));
    }
}
