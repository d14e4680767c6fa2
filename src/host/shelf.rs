//! The modules of plugins: read from where documents say, each loaded once, and kept in the state directory as long as
//! what is in force uses them.
//!
//! ```text
//! document --path--> module file --\
//!                                   load --> Plugin, one for each name, digest and grants
//! record --digest--> run/plugins --/
//! ```
//!
//! A module in `run/plugins/SHA256.wasm` is there before the first record that names it, and goes after the last one. So
//! a file of a module that is lost or broken changes nothing in force.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::atomic;
use super::checked::Checked;
use super::errno::io_text;
use super::spec_dir::{self, Trust};
use crate::diagnostic::Diagnostic;
use crate::facts::{Reason, Why};
use crate::plan::memory::{Memory, Record, Records};
use crate::plugin::{Grants, Plugin};
use crate::process::expression::schema;
use crate::spec::{InUse, Modules, PluginUse, Service};

/// A module is no larger than this.
pub const MODULE_BYTES_MAX: u64 = 4 << 20;
const MODE: u32 = 0o600;
const ENDING: &str = ".wasm";

/// What makes a plugin another one: name, digest, fields and files that it may see.
type Key = (String, String, Vec<String>, Vec<String>);

/// Plugins, loaded.
#[derive(Debug)]
pub struct Shelf {
    trust: Trust,
    /// Where modules are kept; `None`: nowhere.
    store: Option<PathBuf>,
    loaded: RefCell<BTreeMap<Key, Loaded>>,
    /// Digests of modules that are known to be in the store.
    stored: RefCell<BTreeSet<String>>,
    /// What was needed when the store was last swept.
    swept_for: RefCell<Option<Rc<BTreeSet<String>>>>,
    /// What these records need.
    needs: RefCell<(Records, Rc<BTreeSet<String>>)>,
    checked: Checked,
}

#[derive(Debug)]
struct Loaded {
    plugin: Arc<Plugin>,
    wasm: Arc<[u8]>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            trust: Trust::own(),
            store: None,
            loaded: RefCell::default(),
            stored: RefCell::default(),
            swept_for: RefCell::default(),
            needs: RefCell::default(),
            checked: Checked::default(),
        }
    }
}

impl Shelf {
    /// With a directory of the modules that are in force.
    pub fn keeping(store: PathBuf) -> Self {
        Self { store: Some(store), ..Self::default() }
    }

    /// Conditions that were compiled when their documents were checked.
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The plugin that a condition was accepted with.
    ///
    /// # Errors
    /// It can't be had any more.
    pub fn recorded(&self, name: &str, used: &PluginUse) -> Result<Arc<Plugin>, Reason> {
        let grants = Grants { fields: used.fields.clone(), files: used.files.clone() };
        let key = key(name, &used.sha256, &grants);
        if let Some(known) = self.loaded.borrow().get(&key) {
            return Ok(Arc::clone(&known.plugin));
        }
        let lost = |why: &str| {
            let detail = format!("`{name}` {} can't be had: {why}", used.version);
            Reason::new(Why::Plugin, detail)
        };
        let wasm = self.kept(&used.sha256).map_err(|why| lost(&why))?;
        let load = self.load(name, &wasm, &used.sha256, &grants);
        load.map_err(|said| lost(said.first().map_or("it can't be loaded", |said| &said.message)))
    }

    /// The plugins that the accepted documents use, as far as they can be had: what they are checked with until a newer one
    /// is taken. Of two versions, which only a rejected document can hold on to, the one of the first document.
    pub fn in_use(&self, memory: &Memory) -> BTreeMap<String, InUse> {
        let mut found = BTreeMap::new();
        for (name, used) in memory.services.values().flat_map(|record| record.spec.plugins()) {
            if let (false, Ok(plugin)) = (found.contains_key(name), self.recorded(name, used)) {
                let grants = Grants { fields: used.fields.clone(), files: used.files.clone() };
                found.insert(name.clone(), InUse { plugin, grants });
            }
        }
        found
    }

    /// A module that is in force, from the store: its content is what its name says, or it isn't used.
    fn kept(&self, sha256: &str) -> Result<Arc<[u8]>, String> {
        if let Some(wasm) = self.wasm(sha256) {
            return Ok(wasm);
        }
        read_kept(&self.path(sha256).ok_or("its module is not kept here")?, sha256)
    }

    /// A module that is loaded.
    fn wasm(&self, sha256: &str) -> Option<Arc<[u8]>> {
        let loaded = self.loaded.borrow();
        let known = loaded.values().find(|known| known.plugin.digest() == sha256)?;
        Some(Arc::clone(&known.wasm))
    }

    fn path(&self, sha256: &str) -> Option<PathBuf> {
        // A record could be anybody's text; a digest is no path.
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.store.as_ref().filter(|_| is_digest).map(|store| store.join(format!("{sha256}{ENDING}")))
    }

    /// Writes down every module that memory needs and that isn't there yet.
    ///
    /// # Errors
    /// A sentence: one can't be written.
    pub fn keep(&self, memory: &Memory) -> Result<(), String> {
        for sha256 in self.needed(memory).iter() {
            let Some(path) = self.path(sha256) else { continue };
            if self.stored.borrow().contains(sha256) && path.exists() {
                continue;
            }
            // What is neither there nor known is lost, and said where it is asked for.
            let wasm = self.wasm(sha256);
            if let Some(wasm) = wasm.filter(|_| read_kept(&path, sha256).is_err()) {
                atomic::write(&path, &wasm, MODE).map_err(|error| {
                    format!("the module `{}` can't be written: {}", path.display(), io_text(&error))
                })?;
            }
            self.stored.borrow_mut().insert(sha256.clone());
        }
        Ok(())
    }

    /// The digests of all modules that conditions in memory were accepted with, those of adopted processes included. Worked out
    /// anew where a record changed that has to do with plugins.
    pub(super) fn needed(&self, memory: &Memory) -> Rc<BTreeSet<String>> {
        let mut needs = self.needs.borrow_mut();
        if concerns(&needs.0, &memory.services) {
            let used = memory.documents().flat_map(Service::plugins).map(|(_, used)| used.sha256.clone());
            needs.1 = Rc::new(used.collect());
        }
        needs.0.clone_from(&memory.services);
        Rc::clone(&needs.1)
    }

    /// Whether any plugin was loaded and isn't forgotten.
    pub(super) fn has_loaded(&self) -> bool {
        !self.loaded.borrow().is_empty()
    }

    /// Removes the modules that memory doesn't need, and forgets plugins that nobody holds.
    ///
    /// # Errors
    /// A sentence: the directory can't be listed.
    pub fn sweep(&self, memory: &Memory) -> Result<(), String> {
        let needed = self.needed(memory);
        self.loaded.borrow_mut().retain(|_, known| {
            Arc::strong_count(&known.plugin) > 1 || needed.contains(known.plugin.digest())
        });
        if self.swept_for.borrow().as_ref() == Some(&needed) {
            return Ok(());
        }
        let Some(store) = &self.store else { return Ok(()) };
        let entries = match fs::read_dir(store) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries,
        };
        let failed = |error: io::Error| format!("`{}` can't be listed: {}", store.display(), io_text(&error));
        for entry in entries.map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let sha256 = name.to_str().and_then(|name| name.strip_suffix(ENDING));
            if sha256.is_none_or(|sha256| !needed.contains(sha256)) {
                let _ = fs::remove_file(entry.path());
            }
        }
        self.stored.borrow_mut().retain(|sha256| needed.contains(sha256));
        *self.swept_for.borrow_mut() = Some(needed);
        Ok(())
    }
}

impl Modules for Shelf {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, String> {
        spec_dir::read_file(path, &self.trust, MODULE_BYTES_MAX).map(Into::into)
    }

    fn load(
        &self,
        name: &str,
        wasm: &Arc<[u8]>,
        digest: &str,
        grants: &Grants,
    ) -> Result<Arc<Plugin>, Vec<Diagnostic>> {
        let key = key(name, digest, grants);
        if let Some(known) = self.loaded.borrow().get(&key) {
            return Ok(Arc::clone(&known.plugin));
        }
        let plugin = Plugin::load(name, wasm, grants, schema())?;
        let loaded = Loaded { plugin: Arc::clone(&plugin), wasm: Arc::clone(wasm) };
        let mut all = self.loaded.borrow_mut();
        // Former versions that nobody holds are of no use: a plugin is built many times beside an open editor.
        all.retain(|(of, ..), known| of != name || Arc::strong_count(&known.plugin) > 1);
        all.insert(key, loaded);
        Ok(plugin)
    }
}

/// A module of the store: ours, and what its name says.
fn read_kept(path: &Path, sha256: &str) -> Result<Arc<[u8]>, String> {
    let own = rustix::process::geteuid().as_raw();
    let bytes = atomic::read(path, &[0, own], MODULE_BYTES_MAX)
        .map_err(|error| format!("`{}`: {}", path.display(), io_text(&error)))?;
    if digest(&bytes) == sha256 {
        Ok(bytes.into())
    } else {
        Err(format!("`{}` is not the module that it was", path.display()))
    }
}

fn key(name: &str, digest: &str, grants: &Grants) -> Key {
    (name.to_owned(), digest.to_owned(), grants.fields.clone(), grants.files.clone())
}

/// Whether a record that isn't in both uses a plugin.
fn concerns(before: &Records, after: &Records) -> bool {
    let uses = |record: &Arc<Record>| record.documents().any(|document| document.plugins().next().is_some());
    after.changes_since(before).any(|change| change.was.is_some_and(uses) || change.is.is_some_and(uses))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
