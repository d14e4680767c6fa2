//! A look at some files of a place where nothing is in doubt: what it costs doesn't depend on how many others there are.
//!
//! No event is believed here either. That a file was named says where to look, and what it is says the look; what nobody named is
//! looked at by the next complete look, as it would be if nothing had been heard at all. Whatever isn't the plain case (a file that
//! is gone, a link, a sub-directory, one that is being written, another directory under the old name) is left to a complete look.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::identity::Identity;
use super::names::why_ignored;
use super::place::{Attention, Place, open_judged};
use super::read::read_listed;
use super::remote::remote;
use super::stamp::Reading;
use super::{Listing, SpecFile};
use crate::host::clock;
use crate::host::walk;
use crate::host::work_tree::WorkTree;
use crate::units::BootTime;

/// What a look at one file came to.
enum One {
    Changed(Arc<SpecFile>),
    AsBefore,
    /// It takes a complete look.
    NotPlain,
}

impl Place {
    /// Looks at the named files, if that is all that there is to do, and gives those whose content isn't what it was. `None`: it
    /// takes a complete look.
    pub fn look_at(&mut self, attention: Attention<'_>) -> Option<Vec<Arc<SpecFile>>> {
        let names = attention.named.filter(|_| attention.quiet && !attention.contents)?;
        let identity = self.last.as_ref().filter(|last| self.is_plain(last))?.identity;
        let (open, real) = self.open_again(identity, attention.now)?;
        self.reading = Some(Reading { device: identity.dev, at: clock::of_stamps() });
        let mut changed = Vec::new();
        for name in names {
            let ignored = name.file_name().is_some_and(|name| why_ignored(name.as_bytes()).is_some());
            if name.parent() != Some(&real) {
                return None;
            }
            if !ignored {
                match self.look_at_one(&open, name, attention) {
                    One::Changed(file) => changed.push(file),
                    One::AsBefore => {}
                    One::NotPlain => return None,
                }
            }
        }
        // It may have been replaced while its files were read.
        self.open_again(identity, attention.now)?;
        Some(changed)
    }

    /// Whether a file by this path, which has no links in it, stands in the directory itself.
    pub fn holds(&self, path: &Path) -> bool {
        matches!(self.directories.as_slice(), [only] if path.parent() == Some(only))
    }

    /// Everything was as it should be, and in the directory itself.
    fn is_plain(&self, last: &Listing) -> bool {
        let settled = last.complete && last.pending.is_none() && last.again.is_none();
        settled && last.problems.is_empty() && self.linked.is_empty() && self.directories.len() == 1
    }

    /// The same directory, as trustworthy as it was, with nobody at work in it.
    fn open_again(&mut self, identity: Identity, now: BootTime) -> Option<(File, PathBuf)> {
        let stages = walk::stages(&std::path::absolute(&self.path).ok()?).ok()?;
        let last = stages.last().filter(|last| last.meta.is_dir())?;
        if walk::weakest(&stages, &self.manner.trust.owners).is_some() {
            return None;
        }
        let (open, seen) = open_judged(&last.path, &last.meta).ok()?;
        let work_tree = WorkTree::of(&last.path).map(|tree| tree.git);
        let is_same = seen == identity && remote(&open).is_none() && work_tree == self.git_dir;
        let is_quiet = is_same && self.git.look(self.git_dir.as_deref(), now).is_none();
        is_quiet.then(|| (open, last.path.clone()))
    }

    fn look_at_one(&mut self, directory: &File, real: &Path, attention: Attention<'_>) -> One {
        match self.read_one(directory, real, attention) {
            Some((file, true)) => One::Changed(file),
            Some((_, false)) => One::AsBefore,
            None => One::NotPlain,
        }
    }

    /// Also says whether its content is another one than it was; nothing, if it isn't plain.
    fn read_one(
        &mut self,
        directory: &File,
        real: &Path,
        attention: Attention<'_>,
    ) -> Option<(Arc<SpecFile>, bool)> {
        let name = real.file_name().filter(|name| name.to_str().is_some())?;
        if attention.writing.contains(real) {
            return None;
        }
        let manner = Arc::clone(&self.manner);
        let limit = manner.limits.file_bytes;
        let (bytes, stamp) = read_listed(directory, name, real, &manner.trust, limit)?;
        let shown = self.path.join(name);
        let file = self.noted(name, &shown, stamp, Ok(bytes), attention.now).ok()?;
        let last = self.last.as_mut()?;
        let (mut replaced, count) = (0, last.files.len());
        match last.files.binary_search_by(|known| known.path.cmp(&shown)) {
            Ok(at) => {
                let known = last.files.get_mut(at)?;
                if Arc::ptr_eq(known, &file) {
                    return Some((file, false));
                }
                replaced = std::mem::replace(known, Arc::clone(&file)).bytes.len() as u64;
            }
            Err(at) if count < manner.limits.files => last.files.insert(at, Arc::clone(&file)),
            Err(_) => return None,
        }
        self.bytes = self.bytes.saturating_sub(replaced).saturating_add(file.bytes.len() as u64);
        (self.bytes <= manner.limits.total_bytes).then_some((file, true))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::super::{Look, Manner, Trust};
    use super::*;

    struct Bench {
        _dir: tempfile::TempDir,
        root: PathBuf,
        place: Place,
    }

    /// As a watcher tells them.
    fn named(directory: &Path, names: &[&str]) -> BTreeSet<PathBuf> {
        names.iter().map(|name| directory.join(name)).collect()
    }

    fn at(ms: u64) -> BootTime {
        BootTime(Duration::from_millis(ms))
    }

    fn listing(place: &mut Place) -> Listing {
        match place.look(Attention::at(at(10_000))) {
            Look::Found(listing) => listing,
            Look::Unavailable(why) => unreachable!("{why:?}"),
        }
    }

    fn bench() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("specs");
        fs::create_dir(&root).unwrap();
        for name in ["a.yaml", "b.yaml", "d.yaml"] {
            fs::write(root.join(name), name).unwrap();
        }
        // Whose directory this is on a machine of tests is no matter of these.
        let owners = walk::stages(&root).unwrap().iter().map(|stage| uid(&stage.meta)).collect();
        let manner = Manner { trust: Trust { owners }, ..Manner::default() };
        let mut place = Place::new(root.clone(), manner);
        listing(&mut place);
        Bench { _dir: dir, root, place }
    }

    fn uid(meta: &fs::Metadata) -> u32 {
        use std::os::unix::fs::MetadataExt;
        meta.uid()
    }

    impl Bench {
        fn look_at(&mut self, names: &[&str]) -> Option<Vec<String>> {
            let names = named(&self.root, names);
            let attention = Attention { named: Some(&names), ..Attention::at(at(1_000)) };
            let found = self.place.look_at(attention)?;
            Some(found.iter().map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).collect())
        }
    }

    #[test]
    fn named_files_are_read_and_others_are_as_they_were() {
        let mut bench = bench();
        assert_eq!(bench.look_at(&["a.yaml", ".a.yaml.swp"]), Some(vec![]), "as it was");
        fs::write(bench.root.join("b.yaml"), "new").unwrap();
        fs::write(bench.root.join("c.yaml"), "more").unwrap();
        fs::write(bench.root.join("d.yaml"), "nobody told").unwrap();
        assert_eq!(bench.look_at(&["b.yaml", "c.yaml"]), Some(vec!["new".to_owned(), "more".to_owned()]));
        let last = bench.place.last.clone().unwrap();
        let names: Vec<&str> = last.files.iter().filter_map(|file| file.path.file_name()?.to_str()).collect();
        assert_eq!(names, ["a.yaml", "b.yaml", "c.yaml", "d.yaml"]);
        let sum: usize = last.files.iter().map(|file| file.bytes.len()).sum();
        assert_eq!(bench.place.bytes, sum as u64);
        let complete = listing(&mut bench.place);
        let texts: Vec<&[u8]> = complete.files.iter().map(|file| &*file.bytes).collect();
        assert_eq!(texts, [b"a.yaml" as &[u8], b"new", b"more", b"nobody told"]);
        assert!(
            Arc::ptr_eq(complete.files.get(1).unwrap(), last.files.get(1).unwrap()),
            "what was read isn't read as another one"
        );
    }

    #[test]
    fn whatever_is_not_plain_takes_a_complete_look() {
        type Deed = fn(&Path);
        let deeds: [(&str, Deed); 6] = [
            ("gone", |root| fs::remove_file(root.join("a.yaml")).unwrap()),
            ("a link", |root| {
                fs::remove_file(root.join("a.yaml")).unwrap();
                symlink("b.yaml", root.join("a.yaml")).unwrap();
            }),
            ("a directory", |root| {
                fs::remove_file(root.join("a.yaml")).unwrap();
                fs::create_dir(root.join("a.yaml")).unwrap();
            }),
            ("another directory", |root| {
                fs::rename(root, root.with_extension("old")).unwrap();
                fs::create_dir(root).unwrap();
                fs::write(root.join("a.yaml"), "a.yaml").unwrap();
            }),
            ("too large", |root| fs::write(root.join("a.yaml"), vec![b'x'; 2 << 20]).unwrap()),
            ("for everybody", |root| {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(root.join("a.yaml"), fs::Permissions::from_mode(0o666)).unwrap();
            }),
        ];
        for (what, deed) in deeds {
            let mut bench = bench();
            deed(&bench.root);
            assert_eq!(bench.look_at(&["a.yaml"]), None, "{what}");
        }
        let mut bench = bench();
        assert_eq!(bench.look_at(&["sub/a.yaml"]), None, "elsewhere");
        let (names, writing) = (named(&bench.root, &["a.yaml"]), named(&bench.root, &["a.yaml"]));
        let attention = Attention { named: Some(&names), writing: &writing, ..Attention::at(at(1_000)) };
        assert!(bench.place.look_at(attention).is_none(), "it is being written");
        let attention = Attention { named: Some(&names), quiet: false, ..Attention::at(at(1_000)) };
        assert!(bench.place.look_at(attention).is_none(), "not at rest");
    }

    #[test]
    fn after_a_look_with_doubts_there_is_none_at_some_files() {
        let mut bench = bench();
        fs::write(bench.root.join("c.yaml"), vec![b'x'; 2 << 20]).unwrap();
        assert_eq!(listing(&mut bench.place).problems.len(), 1);
        assert_eq!(bench.look_at(&["a.yaml"]), None);
        let mut bench = bench_without_look();
        assert_eq!(bench.look_at(&[]), None, "never looked at");
    }

    /// Of the same length, and with the same time of its content: only the inode tells.
    #[test]
    fn a_change_at_any_moment_after_a_look_is_seen_by_the_next_one() {
        let mut bench = bench();
        let path = bench.root.join("a.yaml");
        let text = |place: &mut Place| listing(place).files.first().unwrap().bytes.to_vec();
        for wait in 0..60 {
            fs::write(&path, format!("{wait:02}-old")).unwrap();
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            std::thread::sleep(Duration::from_micros(500 * wait));
            assert_eq!(text(&mut bench.place), format!("{wait:02}-old").into_bytes());
            fs::write(&path, format!("{wait:02}-new")).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
            assert_eq!(
                text(&mut bench.place),
                format!("{wait:02}-new").into_bytes(),
                "after {wait} halves of a ms"
            );
        }
    }

    fn bench_without_look() -> Bench {
        let mut bench = bench();
        bench.place = Place::new(bench.root.clone(), Manner::default());
        bench
    }
}
