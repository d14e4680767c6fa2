//! What two looks say together, stated in one snapshot: `cpu: 12%`, `rates: {io: {writeBytes: 1MiB}}`,
//! `changed: {ppid: true}`. All of it is in a second. What isn't stated is not known, since a snapshot is one look.

use std::collections::BTreeMap;

use super::emit;
use super::process::Draft;
use super::read::{Reader, camel_case};
use super::write_process::Lines;
use crate::facts::{Counter, Fact, Trait, Unit, Why};
use crate::process::world::World;
use crate::units::Pid;
use crate::yaml::{Node, NodeKind};

/// Where a counter stands below `rates`: `io` and `readBytes`, or `cpuUser` alone.
fn place(counter: Counter) -> (Option<String>, String) {
    let key = camel_case(counter.field());
    match key.split_once('.') {
        Some((outer, inner)) => (Some(outer.to_owned()), inner.to_owned()),
        None => (None, key),
    }
}

/// The rates that are stated, in the units of the counters.
pub(super) fn rates(draft: &mut Draft<'_, '_>) -> BTreeMap<Counter, u64> {
    let mut found = BTreeMap::new();
    if let Some(nodes) = draft.fields.get("rates") {
        draft.stated.insert("rates");
        read(draft.reader, nodes, None, &mut found);
    }
    if let Some(share) = draft.field("cpu", percent)
        && found.insert(Counter::CpuTime, share).is_some()
    {
        draft.refuse_second("cpu");
    }
    found
}

/// The keys below `rates`, or below one of its mappings.
fn read(reader: &mut Reader, node: &Node, outer: Option<&str>, found: &mut BTreeMap<Counter, u64>) {
    let counters: Vec<(Counter, String)> = Counter::ALL
        .into_iter()
        .map(|counter| (counter, place(counter)))
        .filter(|(_, (of, _))| of.as_deref() == outer)
        .map(|(counter, (_, key))| (counter, key))
        .collect();
    let groups: &[&str] = if outer.is_none() { &["faults", "switches", "io"] } else { &[] };
    let known: Vec<&str> =
        counters.iter().map(|(_, key)| key.as_str()).chain(groups.iter().copied()).collect();
    let of = outer.map_or_else(|| "`rates`".to_owned(), |outer| format!("`rates.{outer}`"));
    let Some(fields) = reader.fields(node, &of, &known) else { return };
    for (counter, key) in counters {
        let Some(node) = fields.get(&key) else { continue };
        let value = match counter.unit() {
            Unit::Time => percent(reader, node),
            Unit::Bytes => reader.size(node),
            Unit::Times => reader.number(node),
        };
        found.extend(value.map(|value| (counter, value)));
    }
    for group in groups {
        if let Some(node) = fields.get(group) {
            read(reader, node, Some(group), found);
        }
    }
}

/// `12.5%` of one processor, in nanoseconds a second.
fn percent(reader: &mut Reader, node: &Node) -> Option<u64> {
    reader.parsed(node, "a percentage", "write for example `12.5%`", |text| {
        let (whole, fraction) =
            text.strip_suffix('%').map(|text| text.split_once('.').unwrap_or((text, "")))?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if fraction.len() > 4 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let decimals: u64 = format!("{fraction:0<4}").parse().ok()?;
        whole.parse::<u64>().ok()?.checked_mul(10_000)?.checked_add(decimals)?.checked_mul(1000)
    })
}

/// What is stated of changes: `{ppid: true}`.
pub(super) fn changed(draft: &mut Draft<'_, '_>) -> BTreeMap<Trait, bool> {
    let Some(node) = draft.fields.get("changed") else { return BTreeMap::new() };
    draft.stated.insert("changed");
    if !matches!(node.kind, NodeKind::Mapping(_)) {
        let _said = draft.reader.entries(node, "write for example `{ppid: true}`");
        return BTreeMap::new();
    }
    let Some(fields) = draft.reader.fields(node, "`changed`", &Trait::ALL.map(Trait::field)) else {
        return BTreeMap::new();
    };
    let stated = Trait::ALL.into_iter().filter_map(|of| Some((of, fields.get(of.field())?)));
    stated.filter_map(|(of, node)| Some((of, draft.reader.boolean(node)?))).collect()
}

/// Writes what is known. That there was one look only is what a snapshot means that says nothing.
pub(super) fn written(lines: &mut Lines, world: &dyn World, pid: Pid) {
    let mut groups: BTreeMap<Option<String>, Vec<(String, String)>> = BTreeMap::new();
    for counter in Counter::ALL {
        let pace = match world.pace(pid, counter) {
            Fact::Known(pace) => pace,
            Fact::Unknown(reason) if reason.why != Why::Sampling => {
                lines.unknown("rates", &reason);
                continue;
            }
            Fact::Absent | Fact::Unknown(_) => continue,
        };
        let (outer, key) = place(counter);
        let value = match counter.unit() {
            Unit::Time => shown(pace.share()),
            Unit::Bytes => emit::size(pace.per_second()),
            Unit::Times => pace.per_second().to_string(),
        };
        groups.entry(outer).or_default().push((key, value));
    }
    let mut keys = groups.remove(&None).unwrap_or_default();
    keys.extend(groups.into_iter().filter_map(|(outer, inner)| Some((outer?, emit::mapping(&inner)))));
    if !keys.is_empty() {
        lines.stated_after_all("rates");
        lines.put("rates", emit::mapping(&keys));
    }
    let mut changes: Vec<(String, String)> = Vec::new();
    for of in Trait::ALL {
        match world.changed(pid, of) {
            Fact::Known(so) => changes.push((of.field().to_owned(), so.to_string())),
            Fact::Unknown(reason) if reason.why != Why::Sampling => lines.unknown("changed", &reason),
            Fact::Absent | Fact::Unknown(_) => {}
        }
    }
    if !changes.is_empty() {
        lines.stated_after_all("changed");
        lines.put("changed", emit::mapping(&changes));
    }
}

/// Millionths as a percentage, exactly.
fn shown(millionths: u64) -> String {
    let (whole, decimals) = (millionths / 10_000, millionths % 10_000);
    let digits = format!("{decimals:04}");
    match digits.trim_end_matches('0') {
        "" => format!("{whole}%"),
        digits => format!("{whole}.{digits}%"),
    }
}
