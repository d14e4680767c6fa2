//! The fields of `/proc/PID/status` that a snapshot states.

use super::keys;
use super::process::Draft;
use super::read::Reader;
use super::words::{SECCOMP, capabilities_of, signal_bit, signals_of};
use crate::diagnostic::did_you_mean;
use crate::facts::{Credentials, Fact, Status};
use crate::process::snapshot::codes;
use crate::units::{Capability, Gid, Pid, Uid};
use crate::yaml::{Node, NodeKind};

/// The sets of capabilities in the order of [`Status::caps`].
const CAPS: [(&str, &str); 5] = [
    ("inh", "caps.inh"),
    ("perm", "caps.perm"),
    ("eff", "caps.eff"),
    ("bnd", "caps.bnd"),
    ("amb", "caps.amb"),
];

/// The sets of signals in the order of [`Status::signals`].
const SIGNALS: [(&str, &str); 3] =
    [("blocked", "signals.blocked"), ("ignored", "signals.ignored"), ("caught", "signals.caught")];

/// Numbers of switches in the order of [`Status::switches`].
const SWITCHES: [(&str, &str); 2] =
    [("voluntary", "switches.voluntary"), ("involuntary", "switches.involuntary")];

/// Ids of a user in the order of [`Credentials::uid`], with the group at the same place.
const IDS: [(&str, &str); 4] =
    [("ruser", "rgroup"), ("euser", "egroup"), ("suser", "sgroup"), ("fsuser", "fsgroup")];

/// The record, if any of its fields is stated.
pub(super) fn status(draft: &mut Draft<'_, '_>, owner: &Fact<(Uid, Gid)>) -> Fact<Status> {
    if !keys::STATUS.iter().any(|key| draft.fields.get(key).is_some()) {
        let listed = [["status"].as_slice(), &keys::STATUS].concat();
        return draft.unread.first_of(&listed);
    }
    let mut status = Status::default();
    credentials(draft, &mut status.credentials, owner.as_ref().known());
    let names = draft.names;
    if let Some(groups) = draft.field("groups", |r, n| {
        let items = r.items(n, "write for example `[www-data]`");
        Some(items.iter().filter_map(|item| names.group(r, item)).collect())
    }) {
        status.groups = groups;
    }
    status.umask = draft.field("umask", Reader::octal);
    status.no_new_privs = draft.field("noNewPrivs", Reader::boolean);
    status.seccomp =
        draft.field("seccomp", |r, n| match n.scalar().and_then(|word| word.text.parse().ok()) {
            Some(number) => Some(number),
            None => r.word(n, "a seccomp mode", &SECCOMP),
        });
    status.tracer = draft.field("tracerPid", |r, n| r.number(n).map(Pid));
    sets(draft, "caps", &CAPS, &mut status.caps, capability);
    sets(draft, "signals", &SIGNALS, &mut status.signals, signal);
    switches(draft, &mut status.switches);
    status.rss_peak = draft.field("rssPeak", Reader::size);
    status.swap = draft.field("swap", Reader::size);
    status.locked = draft.field("locked", Reader::size);
    status.data = draft.field("data", Reader::size);
    Fact::Known(status)
}

/// Ids that aren't stated are the effective ones, and these the owner's.
fn credentials(draft: &mut Draft<'_, '_>, credentials: &mut Credentials, owner: Option<&(Uid, Gid)>) {
    let names = draft.names;
    let stated: Vec<(Option<Uid>, Option<Gid>)> = IDS
        .iter()
        .map(|(user, group)| {
            (draft.field(user, |r, n| names.user(r, n)), draft.field(group, |r, n| names.group(r, n)))
        })
        .collect();
    let nobody = (Uid(u32::MAX), Gid(u32::MAX));
    let (uid, gid) = owner.copied().unwrap_or(nobody);
    let effective = stated.get(1).copied().unwrap_or_default();
    let (uid, gid) = (effective.0.unwrap_or(uid), effective.1.unwrap_or(gid));
    for (place, (user, group)) in stated.iter().enumerate() {
        if let Some(slot) = credentials.uid.get_mut(place) {
            *slot = user.unwrap_or(uid).0;
        }
        if let Some(slot) = credentials.gid.get_mut(place) {
            *slot = group.unwrap_or(gid).0;
        }
    }
}

fn switches(draft: &mut Draft<'_, '_>, into: &mut [Option<u64>; 2]) {
    let Some(node) = draft.fields.get("switches") else { return };
    let Some(fields) = draft.reader.fields(node, "`switches`", &["voluntary", "involuntary"]) else { return };
    for (slot, (key, dotted)) in into.iter_mut().zip(SWITCHES) {
        if let Some(node) = fields.get(key) {
            *slot = draft.reader.number(node);
            draft.stated.insert(dotted);
        }
    }
}

fn sets(
    draft: &mut Draft<'_, '_>,
    key: &'static str,
    kinds: &[(&'static str, &'static str)],
    into: &mut [u64],
    bit: fn(&mut Reader, &Node) -> Option<u64>,
) {
    let Some(node) = draft.fields.get(key) else { return };
    let known: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
    let Some(fields) = draft.reader.fields(node, &format!("`{key}`"), &known) else { return };
    draft.stated.insert(key);
    for ((name, dotted), slot) in kinds.iter().zip(into) {
        if let Some(node) = fields.get(name) {
            draft.stated.insert(dotted);
            *slot = set(draft.reader, node, bit);
        }
    }
}

/// A list of names, or the set in hexadecimal digits as the kernel shows it.
fn set(reader: &mut Reader, node: &Node, bit: fn(&mut Reader, &Node) -> Option<u64>) -> u64 {
    if matches!(node.kind, NodeKind::Scalar(_)) {
        let help = "write a list of names, or for example `0x3000`";
        return reader
            .parsed(node, "a set", help, |text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok())
            .unwrap_or_default();
    }
    let items = reader.items(node, "write a list of names, or for example `0x3000`");
    items.iter().filter_map(|item| bit(reader, item)).fold(0, |set, bit| set | bit)
}

fn capability(reader: &mut Reader, node: &Node) -> Option<u64> {
    let text = reader.text(node, "write for example `CAP_NET_ADMIN`")?;
    let found = Capability::parse(text).ok().map(Capability::bit);
    if found.is_none() {
        let near = did_you_mean(text, Capability::NAMES).unwrap_or("CAP_NET_ADMIN");
        let help = format!("write for example `{near}`");
        reader.error(codes::VALUE, node.span, format!("`{text}` is not a capability"), help);
    }
    found
}

fn signal(reader: &mut Reader, node: &Node) -> Option<u64> {
    reader.parsed(node, "a signal", "write for example `TERM`, `HUP` or `RTMIN+1`", signal_bit)
}

/// The keys and values of a record as a snapshot writes them; dotted keys nest.
pub(super) fn written(status: &Status) -> Vec<(&'static str, String)> {
    let mut keys = Vec::new();
    for (place, (user, group)) in IDS.iter().enumerate() {
        keys.extend(status.credentials.uid.get(place).map(|id| (*user, id.to_string())));
        keys.extend(status.credentials.gid.get(place).map(|id| (*group, id.to_string())));
    }
    let groups: Vec<String> = status.groups.iter().map(Gid::to_string).collect();
    keys.push(("groups", format!("[{}]", groups.join(", "))));
    keys.extend(status.umask.map(|umask| ("umask", format!("\"{umask:04o}\""))));
    keys.extend(status.no_new_privs.map(|value| ("noNewPrivs", value.to_string())));
    keys.extend(status.seccomp.map(|mode| {
        let word = SECCOMP.iter().find(|(_, number)| *number == mode);
        ("seccomp", word.map_or_else(|| mode.to_string(), |(word, _)| (*word).to_owned()))
    }));
    keys.extend(status.tracer.map(|pid| ("tracerPid", pid.to_string())));
    for ((_, dotted), set) in CAPS.iter().zip(status.caps) {
        let names = capabilities_of(set).map(|names| format!("[{}]", names.join(", ")));
        keys.push((dotted, names.unwrap_or_else(|| format!("{set:#x}"))));
    }
    for ((_, dotted), set) in SIGNALS.iter().zip(status.signals) {
        let names = signals_of(set).map(|names| format!("[{}]", names.join(", ")));
        keys.push((dotted, names.unwrap_or_else(|| format!("{set:#x}"))));
    }
    for ((_, dotted), number) in SWITCHES.iter().zip(status.switches) {
        keys.extend(number.map(|number| (*dotted, number.to_string())));
    }
    let sizes = [
        ("rssPeak", status.rss_peak),
        ("swap", status.swap),
        ("locked", status.locked),
        ("data", status.data),
    ];
    keys.extend(sizes.into_iter().filter_map(|(key, size)| size.map(|size| (key, super::emit::size(size)))));
    keys
}
