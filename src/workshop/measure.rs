//! What the entries of a plugin cost.
//!
//! Fuel is counted by the interpreter and is the same on every machine; time is what a stopwatch says, and it is read by
//! whoever has one. A plugin that is loaded has the class of cost that its examples needed fuel for, if that is a dearer one
//! than it declares: [`hint`] is what to declare.

use std::time::Duration;

use crate::lang::schema::{Cost, Vocabulary};
use crate::lang::value::Type;
use crate::lang::{Outcome, Vocabularies, compile_reading};
use crate::plugin::manifest::{Declared, Manifest};
use crate::plugin::{Look, Plugin, Plugins};
use crate::process::world::World;
use crate::process::{ProcessVocabulary, candidate};
use crate::units::Pid;

/// Times one thing.
pub type Stopwatch<'s> = dyn FnMut(&mut dyn FnMut()) -> Duration + 's;

/// What one entry cost.
#[derive(Clone, Debug)]
pub struct Measured {
    /// `container.id`
    pub entry: String,
    /// The class of cost that it declares, with that of its inputs in it.
    pub declared: Cost,
    /// The class of its dearest input.
    pub inputs: Cost,
    /// The class that it has when it is loaded.
    pub class: Cost,
    /// Fuel of each call.
    pub fuel: Vec<u64>,
    /// Time of each call: of examples beyond the inputs, of processes with them.
    pub time: Vec<Duration>,
    /// How many values were unknown.
    pub unknown: usize,
}

/// What `cost` in the manifest should be, where the class that an entry declares is lower than the one that it has: by so much
/// the class of its inputs has to be raised.
pub fn hint(measured: &Measured) -> Option<Cost> {
    (measured.class > measured.declared).then(|| measured.class.saturating_sub(measured.inputs))
}

/// `declared` is the entry as its author wrote it, `loaded` as it is in use.
fn empty(declared: Declared<'_>, loaded: Declared<'_>) -> Measured {
    let (entry, in_use) = (declared.entry(), loaded.entry());
    Measured {
        entry: entry.name.clone(),
        declared: entry.cost,
        inputs: entry.inputs.iter().map(|input| input.cost).max().unwrap_or(0),
        class: in_use.cost,
        fuel: Vec::new(),
        time: Vec::new(),
        unknown: 0,
    }
}

/// Every example so many times, in the order of the manifest. `manifest` is that of the module, before it was loaded.
pub fn examples(
    plugin: &Plugin,
    manifest: &Manifest,
    rounds: usize,
    watch: &mut Stopwatch<'_>,
) -> Vec<Measured> {
    let entries = manifest.entries().zip(plugin.manifest().entries());
    let each = entries.enumerate().map(|(number, (declared, loaded))| {
        let mut measured = empty(declared, loaded);
        for example in 0..declared.entry().examples.len() {
            for _ in 0..rounds {
                // The fuel of a look is that of one scan; here a new one begins with each call.
                let fresh = plugin.apart();
                let _warm = fresh.rerun(number, example);
                let mut used = None;
                measured.time.push(watch(&mut || used = fresh.rerun(number, example)));
                measured.fuel.extend(used.map(|(_, fuel)| fuel));
            }
        }
        measured
    });
    each.collect()
}

/// Every field for each of these processes. Functions with parameters are measured by their examples only.
pub fn processes(
    plugins: &Plugins,
    plugin: &Plugin,
    world: &dyn World,
    pids: &[Pid],
    watch: &mut Stopwatch<'_>,
) -> Vec<Measured> {
    let base = ProcessVocabulary::new(world);
    let look = Look::explaining();
    let own = plugins.vocabularies(&base, world, &look);
    let all = std::iter::once(&base as &dyn Vocabulary).chain(own.iter().map(|one| one as &dyn Vocabulary));
    let facts = Vocabularies(all.collect());
    let fields = plugin.manifest().entries().filter(|declared| declared.params().is_empty());
    let mut rows = Vec::new();
    for declared in fields {
        let mut measured = empty(declared, declared);
        let suffix = match declared {
            Declared::Function(_) => "()",
            Declared::Field(field) if matches!(field.ty, Type::Map(_)) => "[\"\"]",
            Declared::Field(_) => "",
        };
        let Some(reading) = compile_reading(&format!("{}{suffix}", measured.entry), plugins.schema()).reading
        else {
            continue;
        };
        for pid in pids {
            let mut outcome = Outcome::Absent;
            measured.time.push(watch(&mut || outcome = reading.of(&candidate(*pid), &facts)));
            measured.unknown += usize::from(matches!(outcome, Outcome::Unknown(_)));
            measured.fuel.extend(look.take_accounts().into_iter().map(|account| account.fuel));
        }
        rows.push(measured);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_recommended_where_the_own_one_is_too_low() {
        for (declared, inputs, class, wanted) in
            [(0, 0, 0, None), (0, 0, 3, Some(3)), (3, 3, 4, Some(1)), (4, 3, 4, None), (5, 3, 5, None)]
        {
            let (fuel, time, unknown) = (Vec::new(), Vec::new(), 0);
            let measured = Measured { entry: "a.b".into(), declared, inputs, class, fuel, time, unknown };
            assert_eq!(hint(&measured), wanted, "{measured:?}");
        }
    }
}
