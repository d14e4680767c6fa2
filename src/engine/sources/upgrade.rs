//! New versions of plugins: taken if all documents pass with them, and else the old ones stay in use for everybody.

use std::collections::{BTreeMap, BTreeSet};

use super::loading::Around;
use crate::spec::{Held, HeldPlugins, InUse, Loaded, LoadedFile, SpecFile};

/// Loads all files. `in_use` are the plugins that they were loaded with last.
pub(super) fn load(files: &[SpecFile], in_use: &BTreeMap<String, InUse>, around: Around<'_>) -> Loaded {
    // What can't be loaded at all leaves the former one in use.
    let stays =
        |(name, plugin): (&String, &InUse)| (name.clone(), Held { plugin: plugin.clone(), instead: None });
    let mut held: HeldPlugins = in_use.iter().map(stays).collect();
    let mut loaded = around.load(files, None, Some(&held));
    for name in replaced(&loaded, in_use) {
        if rejected(&loaded).is_empty() {
            break;
        }
        let Some(reason) = broken_by(&name, &loaded, files, &held, around) else { continue };
        if let Some(held) = held.get_mut(&name) {
            held.instead = Some(reason);
        }
        loaded = around.load(files, None, Some(&held));
    }
    loaded
}

/// The plugins that are others than before.
fn replaced(loaded: &Loaded, in_use: &BTreeMap<String, InUse>) -> Vec<String> {
    let plugins = loaded.names.plugins.iter();
    let other =
        |(name, plugin): &(&String, &InUse)| in_use.get(*name).is_some_and(|before| !before.is_same(plugin));
    plugins.filter(other).map(|(name, _)| name.clone()).collect()
}

fn rejected(loaded: &Loaded) -> BTreeSet<&str> {
    let rejected = loaded.files.iter().filter(|file| file.rejected().is_some());
    rejected.map(|file| &*file.source.name).collect()
}

/// What is wrong with a file that would be good with the former version of this plugin.
fn broken_by(
    name: &str,
    loaded: &Loaded,
    files: &[SpecFile],
    held: &HeldPlugins,
    around: Around<'_>,
) -> Option<String> {
    let mut without = held.clone();
    without.get_mut(name)?.instead = Some(String::new());
    let before = around.load(files, None, Some(&without));
    let stays = rejected(&before);
    let is_own = |file: &LoadedFile| file.plugins().iter().any(|document| document.name == name);
    loaded
        .files
        .iter()
        .filter(|file| !is_own(file) && !stays.contains(&*file.source.name))
        .find_map(LoadedFile::reason)
}
