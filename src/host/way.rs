//! A path that is gone along step by step, as the kernel does (`path_resolution(7)`): component by component, `..` after links, and
//! no more than so many links.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The kernel answers `ELOOP` after so many links.
pub(super) const LINKS_MAX: usize = 40;

/// How far a path was gone along, and what is left of it.
#[derive(Debug)]
pub(super) struct Way {
    here: PathBuf,
    /// The next one last.
    left: Vec<OsString>,
    links: usize,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Step {
    /// It went one directory up.
    Up,
    /// This name, in the directory where it is.
    Name(OsString),
}

impl Way {
    /// The way to an absolute path, at its beginning.
    pub(super) fn to(path: &Path) -> Self {
        Self { here: "/".into(), left: parts(path), links: 0 }
    }

    /// Where it is.
    pub(super) fn here(&self) -> &Path {
        &self.here
    }

    /// The next step. Nothing is left where there is none.
    pub(super) fn step(&mut self) -> Option<Step> {
        let part = self.left.pop()?;
        if part == ".." {
            self.here.pop();
            return Some(Step::Up);
        }
        Some(Step::Name(part))
    }

    /// It goes on at this name in the directory where it is, which is no link.
    pub(super) fn enter(&mut self, name: &OsString) {
        self.here.push(name);
    }

    /// It goes on where a link in the directory where it is leads.
    ///
    /// # Errors
    /// `ELOOP`: it was led on by too many.
    pub(super) fn follow(&mut self, target: &Path) -> io::Result<()> {
        if self.links == LINKS_MAX {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        self.links += 1;
        if target.is_absolute() {
            self.here = "/".into();
        }
        self.left.extend(parts(target));
        Ok(())
    }
}

/// From the last one to the first.
fn parts(path: &Path) -> Vec<OsString> {
    let part = |component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(part).collect()
}
