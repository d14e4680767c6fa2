//! Files, one after the other and all at once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use super::*;
use crate::spec::{Limits, NoModules};

/// Enough for two threads to read them.
const FILES: usize = MANY + 1;

fn file(number: usize) -> SpecFile {
    let kind = if number.is_multiple_of(7) { "Task" } else { "Service" };
    let wrong = if number.is_multiple_of(5) { ", usr: www" } else { "" };
    let bytes = format!(
        "apiVersion: selfsame/v1\nkind: {kind}\nmetadata: {{name: n{number}}}\nspec: {{startas: /x{wrong}}}\n"
    );
    SpecFile { name: format!("{number}.yaml"), directory: "/etc/specs".into(), bytes: bytes.into() }
}

fn load_with(names: Option<&Names>, limits: Limits, files: &[SpecFile]) -> Loaded {
    let context =
        LoadContext { limits, compile: &|_| Vec::new(), names, modules: &NoModules, held: None, host: None };
    load(files, &context)
}

/// A value that stands under what documents of all files say, in a document whose kind is written like this.
fn defaults(kind: &str) -> String {
    format!(
        "apiVersion: selfsame/v1\nkind: {kind}\nmetadata: {{name: base}}\nspec: {{values: {{umask: '0077'}}}}\n"
    )
}

#[test]
fn files_that_define_nothing_are_the_same_one_after_the_other_and_all_at_once() {
    let files: Vec<SpecFile> = (0..FILES).map(file).collect();
    let limits = || Limits { files: FILES - 1, ..Limits::default() };
    let (alone, at_once) =
        (load_with(Some(&Names::default()), limits(), &files), load_with(None, limits(), &files));
    assert_eq!(format!("{:?}", alone.files), format!("{:?}", at_once.files));
    assert_eq!(alone.files.len(), FILES);
    assert!(alone.files[FILES - 1].rejected().is_some(), "it is one too many");
}

/// The word is found in the text where it stands there, and in what the text says where it doesn't.
#[test]
fn what_the_last_file_defines_counts_for_the_first_one_however_it_is_written() {
    for kind in ["Defaults", "\"Default\\x73\""] {
        let mut files: Vec<SpecFile> = (0..FILES).map(file).collect();
        files[FILES - 1].bytes = defaults(kind).into();
        let loaded = load_with(Some(&Names::default()), Limits::default(), &files);
        let service = &loaded.files[1].services()[0];
        assert_eq!((service.umask, loaded.files.len()), (0o077, FILES), "{kind}");
        assert_eq!(loaded.names.defaults.documents().len(), 1, "{kind}");
    }
}
