//! `resources`: what the processes of an instance may use together.

use super::{Amount, amount};
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::{Resources, codes, table};

/// `resources`
pub(in crate::spec) fn resources(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Resources> {
    let object = Object::open(value, &table::RESOURCES, d)?;
    Some(resources_in(&object, d))
}

/// The same fields of a mapping that has others beside them.
pub(in crate::spec) fn resources_in(object: &Object<'_>, d: &mut Decoder<'_>) -> Resources {
    let mut resources = Resources::default();
    object.set("memory", &mut resources, d, |value, d| memory(value, d));
    let (mut cpu, mut pids, mut io) = (Resources::default(), None, None);
    object.set("cpu", &mut cpu, d, |value, d| processors(value, d));
    object.set("pids", &mut pids, d, |value, d| one(value, &table::RESOURCES_PIDS, "max", 4_194_304, d));
    object.set("io", &mut io, d, |value, d| one(value, &table::RESOURCES_IO, "weight", 10_000, d));
    Resources { cpu_max: cpu.cpu_max, cpu_weight: cpu.cpu_weight, pids_max: pids, io_weight: io, ..resources }
}

fn memory(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Resources> {
    let object = Object::open(value, &table::RESOURCES_MEMORY, d)?;
    let mut found = Resources::default();
    object.set("max", &mut found.memory_max, d, |value, d| bytes(value, d));
    object.set("high", &mut found.memory_high, d, |value, d| bytes(value, d));
    if let (Some(high), Some(max)) = (found.memory_high, found.memory_max)
        && high > max
    {
        let message = format!("`{0}.high` is above `{0}.max` and would never count", value.path());
        d.say(value.wrong(codes::CONFLICT, message).help("make `high` smaller than `max`"));
    }
    Some(found)
}

/// Outer `None`: wrong. Inner: unlimited.
#[expect(clippy::option_option, reason = "outside: it was wrong, which is said; inside: no bound")]
fn bytes(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Option<u64>> {
    let number = amount(value, true, d).map(Amount::number)?;
    if number == Some(0) {
        let message = format!("`{}` is 0, so that nothing could run", value.path());
        d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `512MiB`"));
        return None;
    }
    Some(number)
}

fn processors(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Resources> {
    let object = Object::open(value, &table::RESOURCES_CPU, d)?;
    let mut found = Resources::default();
    object.set_some("max", &mut found.cpu_max, d, |value, d| {
        let scalar = value.scalar("a number of processors", d)?;
        let thousandths = crate::spec::scalars::thousandths(&scalar.text);
        // The kernel counts no less than a millisecond in a tenth of a second.
        let fitting = thousandths.filter(|thousandths| (10..=8_192_000).contains(thousandths));
        if fitting.is_none() {
            let message =
                format!("`{}` is a number of processors, at least 0.01, not `{}`", value.path(), scalar.text);
            d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `1.5` or `150%`"));
        }
        fitting
    });
    object.set_some("weight", &mut found.cpu_weight, d, |value, d| value.integer(1, 10_000, d));
    Some(found)
}

#[expect(clippy::option_option, reason = "outside: it was wrong, which is said; inside: no bound")]
fn one(
    value: &Value<'_>,
    table: &'static table::Table,
    name: &str,
    most: i64,
    d: &mut Decoder<'_>,
) -> Option<Option<u32>> {
    let object = Object::open(value, table, d)?;
    let mut number = None;
    object.set_some(name, &mut number, d, |value, d| value.integer(1, most, d));
    Some(number)
}
