//! A look at some files that somebody named, where the last look left no doubt: what the others give is as it was. So it is with a
//! look at everything that finds the very files of the last one.
//!
//! ```text
//! named files --read--> as they were ---------------------------------------> nothing changed
//!                  \--> other text, the same Services, nothing to say -------> these files anew
//!                   \-> other Services, nothing to others -> these files anew (`Marks`)
//!                   \-> other Services ---------------------> these files anew, and what all files together give
//!                    \> definitions, Policies, mistakes, anything unusual ---> a look at everything
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::gathered::{Found, start_of};
use super::reading::LONG;
use super::{Sources, SourcesLook};
use crate::engine::settle;
use crate::host::spec_dir::{Attention, Place};
use crate::spec::{LoadedFile, Marks, SpecFile};

/// What a look left behind that saw everything.
#[derive(Debug)]
pub(super) struct Still {
    /// Before what the files give together was filled in.
    before: SourcesLook,
    /// All of it, but for the files themselves.
    look: SourcesLook,
}

impl Still {
    /// What is to be remembered of this look; `None`: the next one has to see everything again.
    pub(super) fn after(before: SourcesLook, look: &SourcesLook) -> Option<Self> {
        let seen = &look.seen;
        let complete = seen.complete && seen.unavailable.is_empty() && look.again.is_none() && !look.remote;
        let usable = look.unusable.is_empty() && seen.held_plugins.is_empty() && seen.elsewhere.is_empty();
        (complete && usable && look.trouble.is_none()).then(|| {
            let mut look = look.clone();
            // These are shared, and changed in place where nobody else has them.
            (look.seen.files, look.texts) = (Arc::default(), Arc::default());
            Self { before, look }
        })
    }
}

impl Sources {
    /// `None`: it takes a look at everything.
    pub(super) fn look_at_named(&mut self, still: &Still, attention: Attention<'_>) -> Option<SourcesLook> {
        let files = self.named(attention)?;
        if !self.rests_on_files_alone() {
            return None;
        }
        let is_other = |found: &&Found| {
            self.loaded.get(found.name.as_str()).is_none_or(|known| known.digest != *found.file.digest())
        };
        let fresh: Vec<&Found> = files.iter().filter(is_other).collect();
        // Long texts are read beside the loop.
        if fresh.iter().any(|found| found.file.bytes.len() >= LONG) {
            return None;
        }
        let judged: BTreeMap<String, Arc<Path>> =
            fresh.iter().map(|found| (found.name.clone(), Arc::clone(&found.directory))).collect();
        let fresh: Vec<SpecFile> = fresh.into_iter().map(Found::to_load).collect();
        let mut loaded = self.around().load(&fresh, Some(&self.names), None);
        if self.stays {
            settle::files(&mut loaded.files);
        }
        if !loaded.files.iter().all(|file| self.replaces_plainly(file)) {
            return None;
        }
        let quiet = still.look.diagnostics.is_empty();
        let (mut same, mut marks) = (quiet, self.marks.take().filter(|_| quiet));
        for mut file in loaded.files {
            let name = Arc::clone(&file.source.name);
            file.stands_in(&self.here.absolute(&name));
            let former = self.loaded.get(&name);
            same &=
                file.diagnostics.is_empty() && former.is_some_and(|former| former.declares_the_same(&file));
            let declared = former.map(LoadedFile::services).unwrap_or_default();
            let quiet = file.diagnostics.is_empty();
            marks = marks.filter(|_| quiet).and_then(|mut marks| {
                marks.replace(declared, file.services(), &*self.identity).then_some(marks)
            });
            self.shown.is_stale(&name);
            self.loaded.insert(name, file);
        }
        self.keep_good(&judged);
        let trouble = self.kept.take_trouble();
        let look = if same || marks.is_some() { self.as_before(still, same) } else { self.anew(still) };
        self.marks = marks.or_else(|| self.marks_after(&look));
        self.still = Still::after(still.before.clone(), &look);
        Some(SourcesLook { trouble, named: true, ..look })
    }

    /// What is loaded follows from the texts of the files: no module of a plugin and no former text has a part in it.
    fn rests_on_files_alone(&self) -> bool {
        self.names.plugins.is_empty() && self.with_plugins.is_empty() && self.kept.is_idle()
    }

    /// All places were looked at, and what was loaded from them is what there is.
    pub(super) fn has_nothing_new(&self) -> bool {
        self.places.iter().all(Place::has_nothing_new) && self.shown.is_plain() && self.rests_on_files_alone()
    }

    /// The last look once more.
    pub(super) fn look_again(&mut self, still: &Still) -> SourcesLook {
        let look = self.as_before(still, true);
        self.still = Still::after(still.before.clone(), &look);
        look
    }

    /// The named files that are other than at the last look.
    fn named(&mut self, attention: Attention<'_>) -> Option<Vec<Found>> {
        let mut left: BTreeSet<PathBuf> = attention.named?.clone();
        let mut found = Vec::new();
        for place in &mut self.places {
            let own: BTreeSet<PathBuf>;
            (own, left) = left.into_iter().partition(|name| place.holds(name));
            if own.is_empty() {
                continue;
            }
            let files = place.look_at(Attention { named: Some(&own), ..attention })?;
            found.extend(Found::all_in(place, self.turned.as_deref(), files));
        }
        left.is_empty().then_some(found)
    }

    /// Neither what stood in this file nor what stands there now is of any concern to other files, but for the names and conditions
    /// of its Services.
    fn replaces_plainly(&self, file: &LoadedFile) -> bool {
        file.has_only_services()
            && self.loaded.get(&file.source.name).is_none_or(LoadedFile::has_only_services)
    }

    /// What is to be known so that the next edit is compared with it; `None`: there is more to files than Services that are nothing
    /// to each other.
    fn marks_after(&self, look: &SourcesLook) -> Option<Marks> {
        let more =
            !look.matchers.is_empty() || !look.policies.is_empty() || !look.policies_elsewhere.is_empty();
        let names = self.names.library.is_empty() && self.names.defaults.documents().is_empty();
        let plain = look.diagnostics.is_empty() && names && !more;
        plain.then(|| Marks::of(self.loaded.values(), &*self.identity)).flatten()
    }

    /// As the last look, but for the files. `same`: these declare what they declared.
    fn as_before(&mut self, still: &Still, same: bool) -> SourcesLook {
        let mut look = still.look.clone();
        let changed = self.shown.renew(&self.loaded, &BTreeSet::new(), &self.here);
        look.digest.clone_from(&still.before.digest);
        look.digest.push_str(&self.shown.digest_line());
        if same && self.pairs.0 == still.look.digest {
            // What was found of all files with each other says the same of these.
            self.pairs.0.clone_from(&look.digest);
        }
        self.show(&mut look, changed);
        look
    }

    /// What all files give together, with these.
    fn anew(&mut self, still: &Still) -> SourcesLook {
        self.finish(still.before.clone(), &BTreeSet::new())
    }
}

impl Found {
    fn all_in(
        place: &Place,
        turned: Option<&Path>,
        files: Vec<Arc<super::FileRead>>,
    ) -> impl Iterator<Item = Self> {
        let directory: Option<Arc<Path>> = (!files.is_empty()).then(|| start_of(place.path(), turned).into());
        files.into_iter().filter_map(move |file| {
            Some(Self {
                name: file.path.display().to_string(),
                file,
                directory: Arc::clone(directory.as_ref()?),
            })
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::clock;

    fn service(name: &str, rest: &str) -> String {
        format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  startas: /bin/sleep\n{rest}"
        )
    }

    /// What may stand in a file: plain Services, and everything that others may have to do with.
    fn texts() -> Vec<String> {
        let document = |kind: &str, rest: &str| format!("apiVersion: selfsame/v1\nkind: {kind}\n{rest}");
        vec![
            service("a", "  args: [\"1\"]\n"),
            service("a", "  args: [\"2\"]\n"),
            format!("# a comment\n{}", service("a", "  args: [\"1\"]\n")),
            service("b", "  args: [\"1\"]\n"),
            service("b", "  match: exe == startas\n"),
            service("b", "  args: [\"3\"]\n  pidfile: /run/one.pid\n"),
            service("c", "  args: [\"4\"]\n  pidfile: /run/one.pid\n"),
            service("c", "  args: [\"5\"]\n"),
            service("c", "  args: [\"${index}\"]\n  replicas: 3\n"),
            service("c", "  match: exe == startas\n"),
            service("c", "  dependsOn: [a]\n"),
            service("a", "  dependsOn: [c]\n"),
            service("c", "  match: exe == startas && is_c\n"),
            service("c", "  match: cmdline contains \"x\"\n"),
            service("c", "  hosts: {names: [elsewhere]}\n"),
            service("c", "  nonsense: 1\n"),
            "a: [\n".to_owned(),
            String::new(),
            document("Matcher", "metadata: {name: is_c}\nspec:\n  match: comm == \"c\"\n"),
            document("Matcher", "metadata: {name: is_c}\nspec:\n  match: comm == \"d\"\n"),
            document("Policy", "metadata: {name: p}\nspec:\n  match: comm == \"c\"\n  message: no\n"),
        ]
    }

    proptest! {
        #![proptest_config(crate::regressions::cases(24))]

        /// However files are edited: who looks at what was named knows what somebody knows who looks at everything.
        #[test]
        fn named_files_alone_lead_to_the_same(edits in prop::collection::vec((0..4usize, 0..24usize, any::<bool>()), 1..20)) {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().canonicalize().unwrap();
            let places = || Sources::new(vec![root.clone()]);
            let (mut whole, mut some, mut calm) = (places(), places(), places());
            let mut names = BTreeSet::new();
            for (file, text, looks) in edits {
                let path = root.join(format!("{file}.yaml"));
                match texts().get(text) {
                    Some(text) => std::fs::write(&path, text).unwrap(),
                    None => drop(std::fs::remove_file(&path)),
                }
                names.insert(path);
                if !looks {
                    continue;
                }
                let attention = Attention { named: Some(&names), ..Attention::at(clock::now().boot) };
                let mut whole = || {
                    // Where nothing is remembered, everything is seen.
                    whole.still = None;
                    whole.look()
                };
                calm.look();
                let once = (places().for_one_look().look(), places().look());
                let pairs = [(some.look_with(attention), whole()), (calm.look(), whole()), once];
                names.clear();
                for (one, other) in pairs {
                    prop_assert_eq!(&one.seen.files, &other.seen.files);
                    prop_assert_eq!(&one.texts, &other.texts);
                    prop_assert_eq!(&one.diagnostics, &other.diagnostics);
                    prop_assert_eq!(&one.unusable, &other.unusable);
                    let policies = |look: &SourcesLook| {
                        look.policies.iter().map(|document| Arc::clone(&document.policy)).collect::<Vec<_>>()
                    };
                    prop_assert_eq!(policies(&one), policies(&other));
                    prop_assert_eq!(&one.seen.elsewhere, &other.seen.elsewhere);
                    prop_assert_eq!(&one.findings, &other.findings);
                    prop_assert_eq!(one.seen.complete, other.seen.complete);
                }
            }
        }
    }

    #[test]
    fn one_edit_is_a_look_at_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(root.join(format!("{name}.yaml")), service(name, &format!("  args: [{name}]\n")))
                .unwrap();
        }
        let mut sources = Sources::new(vec![root.clone()]);
        let before = sources.look();
        assert!(!before.named && before.diagnostics.is_empty(), "{:?}", before.diagnostics);
        let edits = [
            ("a.yaml", format!("# \n{}", service("a", "  args: [a]\n"))),
            ("b.yaml", service("b", "  args: [other]\n")),
            ("d.yaml", service("d", "")),
        ];
        let mut digest = before.digest;
        for (name, text) in edits {
            let names = BTreeSet::from([root.join(name)]);
            std::fs::write(root.join(name), text).unwrap();
            let attention = Attention { named: Some(&names), ..Attention::at(clock::now().boot) };
            let look = sources.look_with(attention);
            assert!(look.named, "{name}");
            let changed = BTreeSet::from([root.join(name).display().to_string()]);
            assert_eq!(look.seen.changed, Some(changed));
            assert_ne!(look.digest, digest, "{name}");
            digest = look.digest;
            let look = sources.look_with(attention);
            assert!(look.named && look.digest == digest, "{name}: nothing is other than before");
            assert_eq!(look.seen.changed, Some(BTreeSet::new()));
        }
        let complete = sources.look();
        assert_eq!((complete.files(), &complete.digest), (4, &digest), "nothing was left out");
        assert_ne!(complete.seen.changed, None);
        let again = sources.look();
        assert_eq!((again.seen.changed, again.digest), (Some(BTreeSet::new()), digest));
        assert_eq!(again.seen.files, complete.seen.files);
    }

    #[test]
    fn a_name_that_stands_twice_is_said_by_each_look() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let write = |file: &str, name: &str| {
            std::fs::write(root.join(file), service(name, &format!("  args: [{file}]\n"))).unwrap();
            BTreeSet::from([root.join(file)])
        };
        write("a.yaml", "a");
        write("b.yaml", "b");
        let mut sources = Sources::new(vec![root.clone()]);
        assert!(sources.look().diagnostics.is_empty());
        for (name, said) in [("c", 0), ("a", 1), ("a", 1), ("d", 0), ("b", 1), ("d", 0)] {
            let names = write("c.yaml", name);
            let attention = Attention { named: Some(&names), ..Attention::at(clock::now().boot) };
            for (look, named) in [(sources.look_with(attention), true), (sources.look(), false)] {
                let texts: Vec<&String> = look.diagnostics.iter().map(|one| &one.message).collect();
                assert_eq!((texts.len(), look.named), (said, named), "{name}: {texts:?}");
            }
        }
    }

    #[test]
    fn an_edit_is_compared_with_what_is_known_of_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let write = |name: &str, argument: &str| {
            let path = root.join(format!("{name}.yaml"));
            std::fs::write(&path, service(name, &format!("  args: [{argument}]\n"))).unwrap();
            path
        };
        for name in ["a", "b", "c"] {
            write(name, name);
        }
        let mut sources = Sources::new(vec![root.clone()]);
        assert!(sources.look().diagnostics.is_empty() && sources.marks.is_none());
        // The argument, what is to be said, and whether the others needn't be looked at for the next edit.
        for (argument, said, known) in
            [("x", 0, true), ("y", 0, true), ("b", 1, false), ("y", 0, true), ("x", 0, true), ("c", 1, false)]
        {
            let names = BTreeSet::from([write("a", argument)]);
            let attention = Attention { named: Some(&names), ..Attention::at(clock::now().boot) };
            let look = sources.look_with(attention);
            assert!(look.named, "{argument}");
            assert_eq!((look.diagnostics.len(), sources.marks.is_some()), (said, known), "{argument}");
            let good = look.seen.files.values().filter_map(crate::engine::accept::FileSeen::good);
            let arguments: Vec<String> =
                good.flat_map(|file| file.services.iter()).flat_map(|service| service.args.clone()).collect();
            assert_eq!(arguments, [argument, "b", "c"]);
        }
    }
}
