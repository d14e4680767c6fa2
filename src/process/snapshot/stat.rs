//! The fields of `/proc/PID/stat` that a snapshot states.

use std::time::Duration;

use super::clock::{self, Claims};
use super::codes;
use super::keys;
use super::process::{Draft, state};
use super::read::Reader;
use super::words::{POLICIES, format_tty, parse_tty};
use crate::facts::{Fact, ProcessState, Stat};
use crate::process::world::Bytes;
use crate::units::{Pid, StartTicks, WallTime, format_duration};
use crate::yaml::Node;

pub(super) const KERNEL_THREAD: u32 = Stat::KERNEL_THREAD;

/// The record, if any of its fields is stated; the others have the values of a plain sleeping process, and
/// [`keys::gap`] tells them apart.
pub(super) fn stat(draft: &mut Draft<'_, '_>, comm: Option<&Bytes>) -> (Fact<Stat>, Claims) {
    let pid = draft.pid;
    let mut stat = Stat {
        comm: comm.cloned().unwrap_or_else(|| Bytes::from(&b""[..])),
        state: ProcessState::Sleeping,
        ppid: Pid(0),
        pgid: pid,
        sid: pid,
        tty: 0,
        tpgid: -1,
        flags: 0,
        faults: [0; 2],
        cpu_ticks: [0; 4],
        priority: 20,
        nice: 0,
        threads: 1,
        start: StartTicks(0),
        vsize: 0,
        rss: 0,
        rt_priority: 0,
        policy: 0,
        arg_range: (0, 0),
    };
    let numbers = !keys::STAT.iter().any(|key| draft.fields.get(key).is_some());
    if let Some(node) = draft.fields.get("argRange") {
        stat.arg_range = range(draft.reader, node).unwrap_or_default();
    } else if numbers {
        let listed = [["stat"].as_slice(), &keys::STAT].concat();
        return (draft.unread.first_of(&listed), Claims::default());
    }
    families(draft, &mut stat);
    scheduling(draft, &mut stat);
    flags(draft, &mut stat);
    processor(draft, &mut stat);
    faults(draft, &mut stat);
    if let Some(tty) = draft.field("tty", |r, n| {
        r.parsed(n, "a terminal", "write for example `pts/0`, `tty1` or `4:1`", |text| {
            if text == "none" { Some(0) } else { parse_tty(text) }
        })
    }) {
        stat.tty = tty;
    }
    stat.vsize = draft.field("vsize", Reader::size).unwrap_or(stat.vsize);
    stat.rss = draft.field("rss", Reader::size).unwrap_or(stat.rss);
    let claims = claims(draft, &mut stat);
    if draft.fields.get("argRange").is_none() {
        stat.arg_range = intact_range(draft);
    }
    (Fact::Known(stat), claims)
}

fn families(draft: &mut Draft<'_, '_>, stat: &mut Stat) {
    let pid = |r: &mut Reader, n: &Node| r.number(n).map(Pid);
    stat.state = draft.field("state", state).unwrap_or(stat.state);
    stat.ppid = draft.field("ppid", pid).unwrap_or(stat.ppid);
    stat.pgid = draft.field("pgid", pid).unwrap_or(stat.pgid);
    stat.sid = draft.field("sid", pid).unwrap_or(stat.sid);
    stat.tpgid = draft.field("tpgid", Reader::number).unwrap_or(stat.tpgid);
    stat.threads = draft.field("threads", Reader::number).unwrap_or(stat.threads);
}

fn scheduling(draft: &mut Draft<'_, '_>, stat: &mut Stat) {
    if let Some(nice) = draft.field("nice", Reader::number::<i64>) {
        (stat.nice, stat.priority) = (nice, nice.saturating_add(20));
    }
    stat.priority = draft.field("priority", Reader::number).unwrap_or(stat.priority);
    stat.rt_priority = draft.field("rtPriority", Reader::number).unwrap_or(stat.rt_priority);
    let policy = |r: &mut Reader, n: &Node| match n.scalar().and_then(|word| word.text.parse().ok()) {
        Some(number) => Some(number),
        None => r.word(n, "a scheduling policy", &POLICIES),
    };
    stat.policy = draft.field("policy", policy).unwrap_or(stat.policy);
}

fn flags(draft: &mut Draft<'_, '_>, stat: &mut Stat) {
    let stated = draft.field("flags", Reader::number::<u32>);
    let kernel = draft.field("kernelThread", Reader::boolean);
    stat.flags = stated.unwrap_or_default();
    if stated.is_some() {
        draft.stated.insert("kernelThread");
    }
    match (stated, kernel) {
        (Some(flags), Some(kernel)) if (flags & KERNEL_THREAD != 0) != kernel => {
            let span = draft.fields.key_span("kernelThread").unwrap_or(draft.fields.span);
            let message = format!("`kernelThread: {kernel}` disagrees with `flags`");
            draft.reader.error(codes::DISAGREES, span, message, "leave one of the two out");
        }
        (None, Some(true)) => stat.flags = KERNEL_THREAD,
        _ => {}
    }
}

/// `cpuTicks: [user, system, children's user, children's system]`, or durations.
fn processor(draft: &mut Draft<'_, '_>, stat: &mut Stat) {
    let hz = draft.host.ticks_per_second;
    if let Some(node) = draft.fields.get("cpuTicks") {
        draft.stated.extend(["cpuTicks", "cpuTime", "cpuUser", "cpuSys", "childrenCpu"]);
        let help =
            "write user, system, children's user and children's system ticks, for example `[10, 2, 0, 0]`";
        let ticks: Vec<u64> =
            draft.reader.items(node, help).iter().filter_map(|item| draft.reader.number(item)).collect();
        match <[u64; 4]>::try_from(ticks) {
            Ok(ticks) => stat.cpu_ticks = ticks,
            Err(_) => draft.reader.error(codes::VALUE, node.span, "`cpuTicks` has four numbers", help),
        }
        for key in ["cpuTime", "cpuUser", "cpuSys", "childrenCpu"] {
            draft.refuse_second(key);
        }
        return;
    }
    let ticks = |r: &mut Reader, n: &Node| r.duration(n).map(|time| clock::ticks(time, hz));
    let user = draft.field("cpuUser", ticks);
    let system = draft.field("cpuSys", ticks);
    let whole = draft.field("cpuTime", ticks);
    let children = draft.field("childrenCpu", ticks).unwrap_or_default();
    let (user, system) = match (user, system, whole) {
        (Some(user), Some(system), Some(whole)) => {
            if whole.abs_diff(user.saturating_add(system)) > 1 {
                let span = draft.fields.key_span("cpuTime").unwrap_or(draft.fields.span);
                let message = "`cpuTime` is not the sum of `cpuUser` and `cpuSys`";
                draft.reader.error(codes::DISAGREES, span, message, "leave `cpuTime` out");
            }
            (user, system)
        }
        (Some(user), None, Some(whole)) => (user, whole.saturating_sub(user)),
        (None, Some(system), Some(whole)) => (whole.saturating_sub(system), system),
        (None, None, Some(whole)) => (whole, 0),
        (user, system, None) => (user.unwrap_or_default(), system.unwrap_or_default()),
    };
    if draft.stated.contains("cpuUser") && draft.stated.contains("cpuSys") {
        draft.stated.insert("cpuTime");
    }
    stat.cpu_ticks = [user, system, children, 0];
}

fn faults(draft: &mut Draft<'_, '_>, stat: &mut Stat) {
    let Some(node) = draft.fields.get("faults") else { return };
    let Some(fields) = draft.reader.fields(node, "`faults`", &["minor", "major"]) else { return };
    for (slot, (key, dotted)) in
        stat.faults.iter_mut().zip([("minor", "faults.minor"), ("major", "faults.major")])
    {
        if let Some(node) = fields.get(key) {
            *slot = draft.reader.number(node).unwrap_or_default();
            draft.stated.insert(dotted);
        }
    }
}

fn claims(draft: &mut Draft<'_, '_>, stat: &mut Stat) -> Claims {
    let ticks = draft.field("startTicks", Reader::number).map(StartTicks);
    let started = draft.field("started", Reader::time).map(WallTime);
    let age = draft.field("age", Reader::duration);
    stat.start = ticks.unwrap_or(stat.start);
    let span = |key: &str| draft.fields.key_span(key).unwrap_or(draft.fields.span);
    let claims = Claims {
        start: ticks,
        started: started.map(|time| (time, span("started"))),
        age: age.map(|age| (age, span("age"))),
    };
    // `started` and `age` follow from the ticks, and the ticks from them.
    if ticks.is_some() || started.is_some() || age.is_some() {
        draft.stated.extend(["startTicks", "started", "age"]);
    }
    claims
}

fn range(reader: &mut Reader, node: &Node) -> Option<(u64, u64)> {
    let help = "write the two addresses, for example `[0x7ffc0000, 0x7ffc0020]`";
    if let [from, to] = reader.items(node, help) {
        return Some((reader.number(from)?, reader.number(to)?));
    }
    reader.error(codes::VALUE, node.span, "`argRange` has two addresses", help);
    None
}

/// Where `argvRewritten: false` is said, the range is as long as the arguments are.
fn intact_range(draft: &mut Draft<'_, '_>) -> (u64, u64) {
    let intact =
        draft.fields.get("argvRewritten").and_then(|n| n.scalar()).is_some_and(|s| s.text == "false");
    let items = match draft.fields.get("argv").map(|node| &node.kind) {
        Some(crate::yaml::NodeKind::Sequence(items)) if intact => items,
        _ => return (0, 0),
    };
    let bytes: usize = items.iter().filter_map(|item| item.scalar()).map(|word| word.text.len() + 1).sum();
    (0x1000, 0x1000u64.saturating_add(u64::try_from(bytes).unwrap_or_default()))
}

/// The keys and values of a record as a snapshot writes them.
pub(super) fn written(stat: &Stat) -> Vec<(&'static str, String)> {
    let policy = POLICIES.iter().find(|(_, number)| *number == stat.policy);
    let mut keys = vec![
        ("ppid", stat.ppid.to_string()),
        ("pgid", stat.pgid.to_string()),
        ("sid", stat.sid.to_string()),
        ("startTicks", stat.start.to_string()),
        ("state", stat.state.word().to_owned()),
        ("tty", if stat.tty == 0 { "none".to_owned() } else { format_tty(stat.tty) }),
        ("tpgid", stat.tpgid.to_string()),
        ("threads", stat.threads.to_string()),
        ("nice", stat.nice.to_string()),
        ("priority", stat.priority.to_string()),
        ("policy", policy.map_or_else(|| stat.policy.to_string(), |(word, _)| (*word).to_owned())),
        ("rtPriority", stat.rt_priority.to_string()),
        ("vsize", super::emit::size(stat.vsize)),
        ("rss", super::emit::size(stat.rss)),
        ("kernelThread", (stat.flags & KERNEL_THREAD != 0).to_string()),
    ];
    if stat.flags & !KERNEL_THREAD != 0 {
        keys.push(("flags", format!("{:#x}", stat.flags)));
    }
    keys
}

/// A duration that is written exactly.
pub(super) fn exact(duration: Duration) -> String {
    if duration.subsec_nanos().is_multiple_of(1_000_000) {
        return format_duration(duration);
    }
    format!("{}ns", duration.as_nanos())
}
