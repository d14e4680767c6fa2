//! What one look gathers.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::known::Outcome;
use super::super::read::Refusal;
use super::super::{Ignored, Problem, SpecFile};
use super::Attention;
use crate::units::BootTime;

/// What one look gathers.
pub(super) struct Gathering<'a> {
    pub(super) attention: Attention<'a>,
    heard: &'a dyn Fn(&SpecFile),
    pub(super) files: Vec<Arc<SpecFile>>,
    pub(super) problems: Vec<Problem>,
    pub(super) ignored: Vec<Ignored>,
    pub(super) unfinished: Vec<(OsString, PathBuf)>,
    pub(super) complete: bool,
    pub(super) bytes: u64,
    pub(super) again: Option<BootTime>,
    pub(super) directories: Vec<PathBuf>,
    pub(super) linked: BTreeSet<PathBuf>,
    pub(super) entered: BTreeSet<PathBuf>,
}

impl<'a> Gathering<'a> {
    /// `heard` hears of each file that can be used.
    pub(super) fn new(attention: Attention<'a>, heard: &'a dyn Fn(&SpecFile)) -> Self {
        Self {
            attention,
            heard,
            files: Vec::new(),
            problems: Vec::new(),
            ignored: Vec::new(),
            unfinished: Vec::new(),
            complete: true,
            bytes: 0,
            again: None,
            directories: Vec::new(),
            linked: BTreeSet::new(),
            entered: BTreeSet::new(),
        }
    }

    pub(super) fn take(&mut self, outcome: Outcome, shown: &Path) {
        match outcome {
            Ok(file) => {
                (self.heard)(&file);
                self.bytes = self.bytes.saturating_add(file.bytes.len() as u64);
                self.files.push(file);
            }
            Err(refusal) => self.refuse(shown.to_owned(), refusal),
        }
    }

    pub(super) fn refuse(&mut self, path: PathBuf, (reason, text): Refusal) {
        self.problems.push(Problem { path, reason, text });
    }

    pub(super) fn look_again(&mut self, at: BootTime) {
        self.again = self.again.into_iter().chain([at]).min();
    }
}

/// What a file is called.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    /// Below the place; empty for the place itself.
    pub(super) below: &'a Path,
    /// As a person sees it.
    pub(super) shown: &'a Path,
    /// Where it really is, unless it is a link itself.
    pub(super) real: &'a Path,
}

/// One directory of the place.
pub(super) struct Directory {
    pub(super) open: File,
    /// Where it really is.
    pub(super) real: PathBuf,
    /// Its path below the place; empty for the place itself.
    pub(super) below: PathBuf,
}
