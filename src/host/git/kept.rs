//! The directory of a repository that is followed: which revision is in force, and how another one takes its place.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::atomic;
use crate::host::errno::io_text;
use crate::spec::Revision;
use crate::units::BootId;

/// What is written down of the revision in force, besides its tree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    /// Which tree this is about.
    tree: String,
    /// When it was written out. A loss of power may have taken a part of it, so that it is written anew after a boot.
    boot: BootId,
    revision: Revision,
}

/// The directory.
#[derive(Debug)]
pub(super) struct Kept {
    base: PathBuf,
    /// The tree in force.
    tree: Option<String>,
    note: Option<Note>,
}

impl Kept {
    /// Makes what is missing, and finds out what is in force.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn open(base: PathBuf) -> Result<Self, String> {
        make(&base)?;
        let tree = fs::read_link(base.join("current")).ok();
        let tree = tree.and_then(|target| Some(target.file_name()?.to_str()?.to_owned()));
        let tree = tree.filter(|tree| base.join("trees").join(tree).is_dir());
        let bytes = atomic::read(&base.join("current.json"), &[crate::host::own_uid()], 64 << 10).ok();
        let note: Option<Note> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let note = note.filter(|note| Some(&note.tree) == tree.as_ref());
        Ok(Self { base, tree, note })
    }

    /// Makes what somebody removed meanwhile.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn make_again(&self) -> Result<(), String> {
        make(&self.base)
    }

    pub(super) fn bare(&self) -> PathBuf {
        self.base.join("bare")
    }

    pub(super) fn current(&self) -> PathBuf {
        self.base.join("current")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.base.join("index")
    }

    /// Our copy of the file of allowed signers: what was judged and what git reads is the same.
    pub(super) fn signers(&self) -> PathBuf {
        self.base.join("signers")
    }

    /// Where a tree is written out.
    pub(super) fn fresh(&self) -> PathBuf {
        self.base.join("trees/new")
    }

    /// The commit in force, as the name of its tree says.
    pub(super) fn commit(&self) -> Option<&str> {
        self.tree.as_deref().map(|tree| tree.split('-').next().unwrap_or(tree))
    }

    pub(super) fn revision(&self) -> Option<&Revision> {
        self.note.as_ref().map(|note| &note.revision)
    }

    /// Whether the tree in force is whole for certain, and still where documents are read from.
    pub(super) fn is_whole(&self, boot: &BootId) -> bool {
        self.note.as_ref().is_some_and(|note| {
            let tree = Path::new("trees").join(&note.tree);
            let is_current = fs::read_link(self.current()).is_ok_and(|target| target == tree);
            note.boot == *boot && is_current && self.base.join(tree).is_dir()
        })
    }

    /// An empty directory for the next tree.
    ///
    /// # Errors
    /// A sentence; what a former round left there is swept first.
    pub(super) fn make_fresh(&self) -> Result<(), String> {
        let _ = fs::remove_file(self.index());
        let _ = fs::remove_file(self.base.join("index.lock"));
        DirBuilder::new().mode(0o700).create(self.fresh()).map_err(|error| io_text(&error))
    }

    /// The tree that was written out takes the place of the one in force, in one step.
    ///
    /// # Errors
    /// A sentence; the former one is in force then.
    pub(super) fn turn(&mut self, revision: &Revision, boot: &BootId) -> Result<(), String> {
        let trees = self.base.join("trees");
        let names = (0..).map(|number| match number {
            0 => revision.commit.clone(),
            more => format!("{}-{more}", revision.commit),
        });
        let name = names.into_iter().find(|name| !trees.join(name).exists()).unwrap_or_default();
        let turned = fs::rename(self.fresh(), trees.join(&name))
            .and_then(|()| replace_link(&self.base, &Path::new("trees").join(&name)));
        turned.map_err(|error| format!("it can't be put in place: {}", io_text(&error)))?;
        let note = Note { tree: name.clone(), boot: boot.clone(), revision: revision.clone() };
        // Without it the tree is written anew at the next start, which is late but not wrong.
        if let Ok(bytes) = serde_json::to_vec(&note) {
            let _ = atomic::write_synced(&self.base.join("current.json"), &bytes, 0o600);
        }
        (self.tree, self.note) = (Some(name), Some(note));
        Ok(())
    }

    /// The same tree is in force by another judgement: it is signed, which was not asked before.
    pub(super) fn note_again(&mut self, revision: &Revision) {
        if let Some(note) = &mut self.note {
            note.revision = revision.clone();
            if let Ok(bytes) = serde_json::to_vec(note) {
                let _ = atomic::write_synced(&self.base.join("current.json"), &bytes, 0o600);
            }
        }
    }

    /// Trees that are not in force, and `new`: nobody reads them any more.
    pub(super) fn old(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.base.join("trees")).into_iter().flatten().flatten();
        let is_old = |entry: &fs::DirEntry| entry.file_name().to_str() != self.tree.as_deref();
        entries.filter(is_old).map(|entry| entry.path()).collect()
    }
}

/// Nobody else's, so that what git makes in it is nobody else's either.
fn make(base: &Path) -> Result<(), String> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(base.join("trees"));
    made.map_err(|error| format!("`{}`: {}", base.display(), io_text(&error)))
}

fn replace_link(base: &Path, target: &Path) -> io::Result<()> {
    let temporary = base.join(".current.tmp");
    let _ = fs::remove_file(&temporary);
    symlink(target, &temporary)?;
    fs::rename(&temporary, base.join("current"))?;
    File::open(base)?.sync_all()
}
