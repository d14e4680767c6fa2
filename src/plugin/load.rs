//! A plugin: loaded, checked, and called under limits.

mod check;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::ask::{Reply, Request, Task};
use super::engine::{Guest, Kept, Module};
use super::failure::Failure;
use super::files::Files;
use super::health::{Health, time_of};
use super::limits::{CALL_FUEL, LOOK_FUEL};
use super::manifest::Manifest;
use super::{examples, wire};
use crate::diagnostic::Diagnostic;
use crate::facts::{Fact, Reason, Why};
use crate::lang::Schema;
use crate::lang::cost::class_of;
use crate::lang::schema::Declarations;
use crate::process::world::World;

/// What a document lets a plugin see.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Grants {
    /// Built-in fields, named as in expressions.
    pub fields: Vec<String>,
    /// Files, as the manifest names them.
    pub files: Vec<String>,
}

impl Grants {
    /// Everything that a plugin asks for: for its author's tools, which show nothing but what the author knows.
    pub fn asked_by(manifest: &Manifest) -> Self {
        let inputs = manifest.entries().flat_map(|declared| &declared.entry().inputs);
        let fields: BTreeSet<String> = inputs.map(|input| input.field.clone()).collect();
        Self { fields: fields.into_iter().collect(), files: manifest.files.clone() }
    }
}

/// What a module asks for, before anything was granted.
#[derive(Clone, Debug)]
pub struct Survey {
    /// What it says of itself.
    pub manifest: Manifest,
    /// What it imports: `selfsame.find`.
    pub imports: Vec<String>,
}

/// A line that a plugin said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logged {
    /// 0 error, 1 warning, 2 information, 3 debug.
    pub level: u8,
    /// One line, at most 1 KiB.
    pub text: String,
}

/// A plugin that can be asked. It never changes; what it does is counted in [`Health`].
#[derive(Debug)]
pub struct Plugin {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

/// What two plugins of the same module have in common.
#[derive(Clone, Debug)]
struct Shared {
    digest: String,
    manifest: Manifest,
    declarations: Declarations,
    module: Arc<Module>,
    exports: Vec<String>,
    files: Files,
}

impl Shared {
    /// With the class of cost that each entry turned out to have, if that is a dearer one than it says.
    fn measured(&self, used: &[u64]) -> Self {
        let mut shared = self.clone();
        let manifest = &mut shared.manifest;
        let fields = manifest.fields.iter_mut().map(|field| &mut field.entry);
        let functions = manifest.functions.iter_mut().map(|function| &mut function.entry);
        let operations = manifest.operations.iter_mut().map(|operation| &mut operation.entry);
        for (entry, fuel) in fields.chain(functions).chain(operations).zip(used) {
            let tenths = u64::try_from(time_of(*fuel).as_nanos() / 100).unwrap_or(u64::MAX);
            entry.cost = entry.cost.max(class_of(tenths));
        }
        shared.declarations = shared.manifest.declarations();
        shared
    }
}

/// The moment of a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Moment {
    /// Nanoseconds since the epoch, if that is known.
    now: Option<i64>,
    /// Since boot; zero if that is not known.
    uptime: Duration,
}

impl Moment {
    pub(super) fn of(world: &dyn World) -> Self {
        let now = world.now().known().and_then(|now| i64::try_from(now.0.as_nanos()).ok());
        Self { now, uptime: world.uptime().known().map_or(Duration::ZERO, |uptime| uptime.0) }
    }

    /// For examples, which are of no time.
    pub(super) fn none() -> Self {
        Self { now: Some(0), uptime: Duration::ZERO }
    }
}

#[derive(Debug, Default)]
struct State {
    guest: Option<Guest>,
    /// While there is no guest.
    kept: Kept,
    health: Health,
    look: Option<Moment>,
    /// Fuel for the rest of the look.
    left: u64,
}

impl Plugin {
    /// Checks a module and what it says of itself, and runs its examples. `name` is what the document calls it, `builtin`
    /// the schema of the process vocabulary. The errors have no places, but name the entry that they are about.
    pub fn load(
        name: &str,
        wasm: &[u8],
        grants: &Grants,
        builtin: &Schema,
    ) -> Result<Arc<Self>, Vec<Diagnostic>> {
        let module = Module::new(wasm)?;
        let manifest = check::manifest(Some(name), &module, builtin)?;
        check::claims(&manifest, &module, grants)?;
        let shared = Shared {
            digest: digest(wasm),
            declarations: manifest.declarations(),
            exports: manifest.answering().map(|declared| declared.entry().export.clone()).collect(),
            files: Files::new(&manifest.files),
            manifest,
            module: Arc::new(module),
        };
        let plugin = Self::of(shared);
        let used = examples::all(&plugin, builtin)?;
        Ok(Arc::new(Self::of(plugin.shared.measured(&used))))
    }

    /// Asks a module what it is, without granting it anything; no example is run.
    ///
    /// # Errors
    /// What [`Plugin::load`] says of its form and its manifest.
    pub fn survey(wasm: &[u8], builtin: &Schema) -> Result<Survey, Vec<Diagnostic>> {
        let module = Module::new(wasm)?;
        let manifest = check::manifest(None, &module, builtin)?;
        Ok(Survey { manifest, imports: module.imported() })
    }

    /// Runs one of the examples of an entry again, both by number. Also says what fuel that used; `None` if there is no such
    /// example.
    pub fn rerun(&self, entry: usize, example: usize) -> Option<(Fact<Answer>, u64)> {
        let declared = self.manifest().declared(entry)?;
        Some(examples::call(self, entry, declared, declared.entry().examples.get(example)?))
    }

    fn of(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), state: Mutex::default() }
    }

    /// The same module with an instance, a health and fuel of its own: for other looks than those of the service, such as
    /// tests of documents.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), state: Mutex::default() }
    }

    /// The first word of its names.
    pub fn name(&self) -> &str {
        &self.shared.manifest.name
    }

    /// As its author counts.
    pub fn version(&self) -> &str {
        &self.shared.manifest.version
    }

    /// One line.
    pub fn summary(&self) -> &str {
        &self.shared.manifest.summary
    }

    /// SHA-256 of the module, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.shared.digest
    }

    /// What it adds to the schema.
    pub fn declarations(&self) -> &Declarations {
        &self.shared.declarations
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.shared.manifest
    }

    /// How it fares.
    pub fn health(&self) -> Health {
        self.state().health.clone()
    }

    /// The lines that it said since this was last asked; the first ones of each look are kept.
    pub fn take_log(&self) -> Vec<Logged> {
        let mut state = self.state();
        let lines = std::mem::take(&mut state.log().lines);
        lines.into_iter().map(|(level, text)| Logged { level, text }).collect()
    }

    pub(super) fn files(&self) -> &Files {
        &self.shared.files
    }

    /// Nothing that a panic could leave half done is in there: an instance that one met is thrown away.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls an entry with encoded arguments and inputs. Also says what fuel that used.
    pub(super) fn ask(
        &self,
        entry: usize,
        moment: Moment,
        input: &[u8],
        serve: &mut dyn FnMut(Request) -> Reply,
    ) -> (Fact<Answer>, u64) {
        let mut state = self.state();
        state.begin(moment);
        if let Err(why) = state.health.may_call(moment.uptime) {
            return (self.unknown(&why), 0);
        }
        if state.left == 0 {
            return (self.unknown(&Failure::LookFuel.to_string()), 0);
        }
        let before = state.left;
        let asked = state.ask(&self.shared, entry, moment, input, serve);
        let used = before.saturating_sub(state.left);
        state.health.used(used);
        match asked {
            Ok(Asked::Answer(answer)) => {
                state.health.succeeded();
                (Fact::Known(answer), used)
            }
            Ok(Asked::WithoutTime) => {
                state.health.succeeded();
                (Fact::Unknown(Reason::new(Why::Unresolved, "time of the look")), used)
            }
            Err(why) => {
                state.health.failed(&why, moment.uptime);
                (self.unknown(&why.to_string()), used)
            }
        }
    }

    fn unknown<T>(&self, why: &str) -> Fact<T> {
        Fact::Unknown(Reason::new(Why::Plugin, format!("`{}` {why}", self.name())))
    }
}

/// What came of a call.
enum Asked {
    Answer(Answer),
    /// The time was asked for and is not known, so that neither is the result.
    WithoutTime,
}

impl State {
    fn log(&mut self) -> &mut super::ask::Log {
        match &mut self.guest {
            Some(guest) => guest.log(),
            None => &mut self.kept.log,
        }
    }

    fn begin(&mut self, moment: Moment) {
        if self.look != Some(moment) {
            self.look = Some(moment);
            self.left = LOOK_FUEL;
            self.log().said = 0;
        }
    }

    /// A running instance: the one that there is, or a new one.
    fn running(&mut self, shared: &Shared) -> Result<Guest, Failure> {
        if let Some(guest) = self.guest.take() {
            return Ok(guest);
        }
        let kept = std::mem::take(&mut self.kept);
        let fuel = CALL_FUEL.saturating_add(shared.module.weight());
        match Guest::start(&shared.module, &shared.exports, kept, fuel) {
            Ok((guest, used)) => {
                self.left = self.left.saturating_sub(used);
                Ok(guest)
            }
            Err((why, kept, used)) => {
                self.kept = kept;
                self.left = self.left.saturating_sub(used);
                Err(why)
            }
        }
    }

    fn ask(
        &mut self,
        shared: &Shared,
        entry: usize,
        moment: Moment,
        input: &[u8],
        serve: &mut dyn FnMut(Request) -> Reply,
    ) -> Result<Asked, Failure> {
        let Some(declared) = shared.manifest.declared(entry) else {
            return Err(Failure::Trap("there is no such entry".into()));
        };
        // A fault of the interpreter ends the instance that met it, and nothing else.
        let asked = catch_unwind(AssertUnwindSafe(|| {
            let mut guest = self.running(shared)?;
            let fuel = CALL_FUEL.min(self.left);
            let task = Task { now: moment.now, pure: declared.pure(), fuel };
            let answer = guest
                .call(entry, input, task, serve)
                .and_then(|bytes| Ok(wire::answer_of(bytes, declared.result(), &shared.manifest.own)?))
                .and_then(|answer| declared.within(answer));
            self.left = self.left.saturating_sub(guest.used());
            match answer {
                Ok(_) if guest.missed_now() => {
                    self.guest = Some(guest);
                    Ok(Asked::WithoutTime)
                }
                Ok(answer) => {
                    self.guest = Some(guest);
                    Ok(Asked::Answer(answer))
                }
                Err(why) => {
                    self.kept = guest.end();
                    Err(if why == Failure::Fuel && fuel < CALL_FUEL { Failure::LookFuel } else { why })
                }
            }
        }));
        asked.unwrap_or(Err(Failure::Interpreter))
    }
}

fn digest(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
