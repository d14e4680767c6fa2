//! Places that are named twice, each meant once: `plan specs specs/web.yaml`.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::spec_dir::is_document;
use crate::host::{is_directory, real_path};

/// The places without those that come again, and without the files that the look at one of the directories finds anyway
/// (`recursive`: also below it).
pub(super) fn each_once(paths: &[PathBuf], recursive: bool) -> Vec<PathBuf> {
    let places: Vec<PathBuf> = paths.iter().map(|path| place(path)).collect();
    let directories: BTreeSet<&PathBuf> = places.iter().filter(|place| is_directory(place)).collect();
    let mut seen = BTreeSet::new();
    let rows = paths.iter().zip(&places);
    let meant = rows.filter(|(_, place)| seen.insert(*place) && !is_found(place, &directories, recursive));
    meant.map(|(path, _)| path.clone()).collect()
}

/// The directory without links, and the name in it as it is given: a link is a document of its own.
fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = |path: &Path| real_path(path).unwrap_or_else(|| path.to_owned());
    if is_directory(&absolute) {
        return real(&absolute);
    }
    match (absolute.parent(), absolute.file_name()) {
        (Some(directory), Some(name)) => real(directory).join(name),
        _ => absolute,
    }
}

fn is_found(place: &PathBuf, directories: &BTreeSet<&PathBuf>, recursive: bool) -> bool {
    if directories.contains(place) {
        return false;
    }
    let named = place.file_name().is_some_and(|name| is_document(name.as_bytes()));
    let above = if recursive { usize::MAX } else { 1 };
    named && place.ancestors().skip(1).take(above).any(|above| directories.contains(&above.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_named_twice_is_meant_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("specs/more")).unwrap();
        for file in ["specs/web.yaml", "specs/web.yaml.bak", "specs/more/db.yaml", "other.yaml"] {
            std::fs::write(root.join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("specs", root.join("link")).unwrap();
        let rows: &[(&[&str], bool, &[&str])] = &[
            (&["specs", "specs/web.yaml"], false, &["specs"]),
            (&["specs/web.yaml", "specs"], false, &["specs"]),
            (&["specs", "link", "./specs"], false, &["specs"]),
            (&["specs", "link/web.yaml"], false, &["specs"]),
            (&["specs", "specs/web.yaml.bak"], false, &["specs", "specs/web.yaml.bak"]),
            (&["specs", "specs/more/db.yaml"], false, &["specs", "specs/more/db.yaml"]),
            (&["specs", "specs/more/db.yaml"], true, &["specs"]),
            (&["specs", "specs/more"], false, &["specs", "specs/more"]),
            (&["specs", "specs/more"], true, &["specs", "specs/more"]),
            (&["other.yaml", "specs", "other.yaml"], false, &["other.yaml", "specs"]),
            (&["absent.yaml", "absent.yaml"], false, &["absent.yaml"]),
        ];
        let under = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<Vec<_>>();
        for (given, recursive, meant) in rows {
            assert_eq!(each_once(&under(given), *recursive), under(meant), "{given:?}");
        }
    }
}
