//! What the entries of a plugin cost.
//!
//! Fuel is counted by the interpreter and is the same on every machine; time is what a stopwatch says, and it is read by
//! whoever has one. The class of cost that is recommended rests on time: how much fuel a microsecond is depends on the code.

use std::time::Duration;

use crate::lang::schema::{Cost, Vocabulary};
use crate::lang::value::Type;
use crate::lang::{Outcome, Vocabularies, compile_reading};
use crate::plugin::manifest::Declared;
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
    /// Its class, and that of its dearest input.
    pub class: (Cost, Cost),
    /// Fuel of each call.
    pub fuel: Vec<u64>,
    /// Time of each call: of examples beyond the inputs, of processes with them.
    pub time: Vec<Duration>,
    /// The dearest example, by the time in the middle of its calls; nothing of processes.
    pub dearest: Option<Duration>,
    /// How many values were unknown.
    pub unknown: usize,
}

/// Microseconds that a call of a class takes at most, beyond its inputs. The built-in fields of the class take as long.
const CLASS_MICROS: [u64; 6] = [1, 2, 4, 8, 20, 100];

/// The class of cost of a call that takes so long.
fn class_of(time: Duration) -> Cost {
    let class = CLASS_MICROS.iter().position(|most| time <= Duration::from_micros(*most));
    Cost::try_from(class.unwrap_or(CLASS_MICROS.len())).unwrap_or(Cost::MAX)
}

/// What `cost` in the manifest should be, where the class of an entry is lower than its dearest example: by so much the
/// class of its inputs has to be raised.
pub fn hint(measured: &Measured) -> Option<Cost> {
    let needed = class_of(measured.dearest?);
    (needed > measured.class.0).then(|| needed.saturating_sub(measured.class.1))
}

fn empty(declared: Declared<'_>) -> Measured {
    let entry = declared.entry();
    let inputs = entry.inputs.iter().map(|input| input.cost).max().unwrap_or(0);
    Measured {
        entry: entry.name.clone(),
        class: (entry.cost, inputs),
        fuel: Vec::new(),
        time: Vec::new(),
        dearest: None,
        unknown: 0,
    }
}

/// Every example so many times, in the order of the manifest.
pub fn examples(plugin: &Plugin, rounds: usize, watch: &mut Stopwatch<'_>) -> Vec<Measured> {
    let each = plugin.manifest().entries().enumerate().map(|(number, declared)| {
        let mut measured = empty(declared);
        for example in 0..declared.entry().examples.len() {
            let mut times = Vec::with_capacity(rounds);
            for _ in 0..rounds {
                // The fuel of a look is that of one scan; here a new one begins with each call.
                let fresh = plugin.apart();
                let _warm = fresh.rerun(number, example);
                let mut used = None;
                times.push(watch(&mut || used = fresh.rerun(number, example)));
                measured.fuel.extend(used.map(|(_, fuel)| fuel));
            }
            times.sort_unstable();
            measured.dearest = measured.dearest.max(times.get(times.len() / 2).copied());
            measured.time.extend(times);
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
        let mut measured = empty(declared);
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

    fn measured(class: Cost, inputs: Cost, micros: u64) -> Measured {
        let dearest = Some(Duration::from_micros(micros));
        Measured {
            entry: "a.b".into(),
            class: (class, inputs),
            fuel: vec![1],
            time: Vec::new(),
            dearest,
            unknown: 0,
        }
    }

    #[test]
    fn a_class_is_recommended_where_the_own_one_is_too_low() {
        for (micros, class) in [(0, 0), (1, 0), (2, 1), (8, 3), (9, 4), (100, 5), (101, 6), (900, 6)] {
            assert_eq!(class_of(Duration::from_micros(micros)), class, "{micros}");
        }
        assert_eq!(hint(&measured(0, 0, 1)), None);
        assert_eq!(hint(&measured(0, 0, 5)), Some(3));
        // Inputs of class 3, and a call of class 4.
        assert_eq!(hint(&measured(3, 3, 15)), Some(1));
        assert_eq!(hint(&measured(4, 3, 15)), None);
        assert_eq!(hint(&Measured { dearest: None, ..measured(0, 0, 900) }), None);
    }
}
