//! A plugin as a vocabulary: inputs in, call, answer out.

use std::cell::RefCell;
use std::sync::Arc;

use super::answer::Answer;
use super::ask::{Reply, Request};
use super::load::{Moment, Plugin};
use super::look::{Account, Key, Look};
use super::manifest::Declared;
use super::own::{Opaque, OwnType};
use super::wire;
use crate::facts::{Fact, Reason, Why};
use crate::lang::schema::{Operation, Vocabulary};
use crate::lang::show;
use crate::lang::value::{Type, TypeName, Value};
use crate::process::objects::Process;
use crate::process::world::World;
use crate::units::Pid;

/// Lines of the log that are notes: errors and warnings.
const NOTED: u8 = 1;

/// The answers of one plugin during one look.
pub struct PluginVocabulary<'w> {
    plugin: Arc<Plugin>,
    base: &'w dyn Vocabulary,
    world: &'w dyn World,
    look: Look,
    number: usize,
    moment: Moment,
    input: RefCell<Vec<u8>>,
}

impl std::fmt::Debug for PluginVocabulary<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginVocabulary").field("plugin", &self.plugin.name()).finish_non_exhaustive()
    }
}

impl<'w> PluginVocabulary<'w> {
    /// Answers of a plugin. `base` is the process vocabulary of the same look: the inputs come from it.
    pub fn new(plugin: &Arc<Plugin>, base: &'w dyn Vocabulary, world: &'w dyn World) -> Self {
        Self::within(plugin, base, world, &Look::default())
    }

    /// The same, sharing what is known with other vocabularies of the same look.
    pub fn within(plugin: &Arc<Plugin>, base: &'w dyn Vocabulary, world: &'w dyn World, look: &Look) -> Self {
        Self {
            plugin: Arc::clone(plugin),
            base,
            world,
            number: look.number(plugin),
            look: look.clone(),
            moment: Moment::of(world),
            input: RefCell::default(),
        }
    }

    fn answer(&self, entry: usize, candidate: &Value, arguments: &[Value]) -> Fact<Answer> {
        let Some(declared) = self.plugin.manifest().declared(entry) else { return misfit() };
        let inputs = &declared.entry().inputs;
        let pid = candidate.object::<Process>().map(|process| process.0);
        if pid.is_none() && !inputs.is_empty() {
            return misfit();
        }
        // Taken, not borrowed: reading an input could lead back here.
        let mut encoded = self.input.take();
        encoded.clear();
        for argument in arguments {
            if wire::value(&mut encoded, argument).is_err() {
                return misfit();
            }
        }
        let pid = pid.filter(|_| !inputs.is_empty());
        let key = Key { plugin: self.number, entry, pid, arguments: encoded.as_slice().into() };
        let answer = self.look.answer(&key).unwrap_or_else(|| {
            let answer = self.compute(entry, declared, candidate, pid, &mut encoded);
            self.look.keep(key, &answer);
            answer
        });
        self.input.replace(encoded);
        answer
    }

    fn compute(
        &self,
        entry: usize,
        declared: Declared<'_>,
        candidate: &Value,
        pid: Option<Pid>,
        encoded: &mut Vec<u8>,
    ) -> Fact<Answer> {
        let inputs = &declared.entry().inputs;
        let mut read = Vec::new();
        for (at, input) in inputs.iter().enumerate().filter(|(_, input)| !input.lazy) {
            read.push(at);
            if let Err(reason) = self.put(encoded, declared, at, candidate) {
                if !input.optional {
                    self.account(declared, pid, &read, 0);
                    return Fact::Unknown(reason);
                }
                wire::unknown(encoded, &reason.to_string());
            }
        }
        // A lazy input that is unknown makes the result unknown, if it was asked for and is not optional.
        let mut missing = None;
        let mut serve = |request: Request| match request {
            Request::File(path) => self.plugin.files().read(self.world, &path),
            Request::Input(number) => {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let Some(input) = inputs.get(number) else { return Reply::NotThere };
                read.push(number);
                let mut bytes = Vec::new();
                if let Err(reason) = self.put(&mut bytes, declared, number, candidate) {
                    wire::unknown(&mut bytes, &reason.to_string());
                    if !input.optional {
                        missing.get_or_insert(reason);
                    }
                }
                Reply::Bytes(bytes)
            }
        };
        let (answer, used) = self.plugin.ask(entry, self.moment, encoded, &mut serve);
        self.account(declared, pid, &read, used);
        match (answer, missing) {
            (Fact::Known(_), Some(reason)) => Fact::Unknown(reason),
            (answer, _) => answer,
        }
    }

    /// Appends one input. `Err`: it is unknown, and nothing was appended.
    fn put(
        &self,
        out: &mut Vec<u8>,
        declared: Declared<'_>,
        number: usize,
        candidate: &Value,
    ) -> Result<(), Reason> {
        let Some(input) = declared.entry().inputs.get(number) else { return Ok(()) };
        match input.encode(out, self.base, candidate) {
            Fact::Known(()) => Ok(()),
            Fact::Absent => {
                wire::absent(out);
                Ok(())
            }
            Fact::Unknown(reason) => Err(reason),
        }
    }

    fn account(&self, declared: Declared<'_>, pid: Option<Pid>, read: &[usize], fuel: u64) {
        self.look.account(|| {
            let mut read = read.to_vec();
            read.sort_unstable();
            read.dedup();
            let inputs = read.into_iter().filter_map(|at| declared.entry().inputs.get(at));
            Account {
                plugin: self.plugin.name().to_owned(),
                version: self.plugin.version().to_owned(),
                entry: declared.entry().name.clone(),
                pid,
                inputs: inputs.map(|input| input.field.clone()).collect(),
                fuel,
            }
        });
    }

    /// The type of a value, if it is one of this plugin.
    fn own(&self, value: &Value) -> Option<&OwnType> {
        self.plugin.manifest().own.named(value.object::<Opaque>()?.ty)
    }

    /// What comes of an operation of a type, kept like the answer of a function.
    fn operate(&self, operation: Option<usize>, candidate: &Value, arguments: &[Value]) -> Fact<Value> {
        let Some(operation) = operation else { return misfit() };
        self.fact(self.answer(self.plugin.manifest().operation(operation), candidate, arguments))
    }

    /// The answer as a fact about a value.
    fn fact(&self, answer: Fact<Answer>) -> Fact<Value> {
        answer.and_then(|answer| match answer {
            Answer::Value(value) => Fact::Known(value),
            Answer::Absent => Fact::Absent,
            Answer::Unknown(why) => self.says_unknown(&why),
            Answer::Map(_) => misfit(),
        })
    }

    fn says_unknown<T>(&self, why: &str) -> Fact<T> {
        Fact::Unknown(Reason::new(Why::Plugin, format!("`{}` says: {why}", self.plugin.name())))
    }
}

/// Operations of types depend on no process.
fn nobody() -> Value {
    Value::Bool(false)
}

/// A question about a value that this vocabulary has not declared.
fn misfit<T>() -> Fact<T> {
    Fact::Unknown(Reason::new(Why::Malformed, "not of the declared type"))
}

impl Vocabulary for PluginVocabulary<'_> {
    fn field(&self, owner: &Value, field: usize) -> Fact<Value> {
        match self.plugin.manifest().fields.get(field) {
            Some(declared) if !matches!(declared.ty, Type::Map(_)) => {
                self.fact(self.answer(field, owner, &[]))
            }
            _ => misfit(),
        }
    }

    fn entry(&self, owner: &Value, field: usize, key: &[u8]) -> Fact<Value> {
        match self.plugin.manifest().fields.get(field) {
            Some(declared) if matches!(declared.ty, Type::Map(_)) => {}
            _ => return misfit(),
        }
        self.answer(field, owner, &[]).and_then(|answer| match answer {
            Answer::Map(entries) => Fact::from_option(entries.get(key).cloned()),
            Answer::Absent => Fact::Absent,
            Answer::Unknown(why) => self.says_unknown(&why),
            Answer::Value(_) => misfit(),
        })
    }

    fn call(&self, candidate: &Value, function: usize, arguments: &[Value]) -> Fact<Value> {
        let manifest = self.plugin.manifest();
        match manifest.functions.get(function) {
            Some(declared) if declared.params.len() == arguments.len() => {
                self.fact(self.answer(manifest.fields.len() + function, candidate, arguments))
            }
            _ => misfit(),
        }
    }

    fn compare(&self, candidate: &Value, operation: Operation, left: &Value, right: &Value) -> Fact<bool> {
        let (Some(own), Some(a), Some(b)) =
            (self.own(left), left.object::<Opaque>(), right.object::<Opaque>())
        else {
            return misfit();
        };
        if own.name != b.ty {
            return misfit();
        }
        let asked = match (operation, own.equal, own.less) {
            (Operation::Equal, None, _) => return Fact::Known(*a == *b),
            (Operation::Equal, equal, _) => equal,
            (Operation::Less, _, less) => less,
            (Operation::Under | Operation::Text, ..) => None,
        };
        self.operate(asked, candidate, &[left.clone(), right.clone()]).and_then(|value| match value {
            Value::Bool(so) => Fact::Known(so),
            _ => misfit(),
        })
    }

    fn convert(&self, literal: &Value, to: TypeName) -> Fact<Value> {
        let own = self.plugin.manifest().own.named(to);
        self.operate(own.and_then(|own| own.convert), &nobody(), std::slice::from_ref(literal))
    }

    fn text(&self, value: &Value) -> Fact<Value> {
        let Some(own) = self.own(value) else { return misfit() };
        self.operate(own.text, &nobody(), std::slice::from_ref(value))
    }

    fn show(&self, value: &Value) -> Option<String> {
        self.own(value)?.text?;
        self.text(value).known().map(|text| show(&text))
    }

    fn take_notes(&self) -> Vec<String> {
        let said = self.plugin.take_log().into_iter().filter(|line| line.level <= NOTED);
        said.map(|line| format!("plugin `{}` says: {}", self.plugin.name(), line.text)).collect()
    }
}
