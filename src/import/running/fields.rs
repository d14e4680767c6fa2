//! Account, mask, limits, scheduling, environment of a process.

use std::sync::Arc;

use crate::facts::{Fact, Status};
use crate::import::command;
use crate::import::found::{Found, Place, Weight};
use crate::process::world::World;
use crate::spec::table::LIMIT_NAMES;
use crate::spec::{Account, CpuPolicy, Limit};
use crate::units::{Gid, Pid, Uid};

use super::RunningOptions;

/// Variables that selfsame sets itself.
const OWN: [&str; 10] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "PWD", "OLDPWD", "SHLVL", "_"];

/// Where it is.
pub(super) fn directory(pid: Pid, world: &dyn World, found: &mut Found) {
    let place = found.place.clone();
    match world.root(pid) {
        Fact::Known(root) if !root.same => {
            found.lost(
                &place,
                "root directory",
                "another root isn't carried over: write `chroot`, and everything else as it is seen in there",
            );
            found.observe();
        }
        _ => {}
    }
    match world.cwd(pid) {
        Fact::Known(cwd) => match std::str::from_utf8(&cwd.text) {
            Ok(text) if !text.ends_with(" (deleted)") => command::set_directory(found, text, &place),
            _ => found.note(
                &place,
                Weight::Unclear,
                "working directory",
                "it was removed, or its name is not UTF-8",
            ),
        },
        Fact::Absent => {}
        Fact::Unknown(reason) => found.note(&place, Weight::Unclear, "working directory", reason.to_string()),
    }
}

/// Everything else.
pub(super) fn carry(pid: Pid, world: &dyn World, found: &mut Found, options: &RunningOptions) {
    let place = found.place.clone();
    let status = match world.status(pid) {
        Fact::Known(status) => Some(status),
        Fact::Absent => None,
        Fact::Unknown(reason) => {
            found.unclear(&place, "status", reason.to_string());
            None
        }
    };
    account(pid, world, status.as_ref(), found, &place);
    if let Some(mask) = status.as_ref().and_then(|status| status.umask) {
        found.service.umask = mask & 0o777;
    }
    scheduling(pid, world, found);
    limits(pid, world, found, &place);
    environment(pid, world, found, &place, options);
}

fn account(pid: Pid, world: &dyn World, status: Option<&Arc<Status>>, found: &mut Found, place: &Place) {
    let Fact::Known((uid, gid)) = world.owner(pid) else {
        found.unclear(place, "user", "whose it is can't be told");
        return;
    };
    found.service.user = Some(user(world, uid));
    if status.is_some_and(|status| status.credentials.uid.iter().any(|other| *other != uid.0)) {
        found.note(place, Weight::Unclear, "user", "its real and effective users differ");
    }
    if uid.0 != 0 {
        found.note(
            place,
            Weight::Changed,
            "user",
            "it is started as this user; a program that gives up root's rights by itself must be started as root, without `user`",
        );
    }
    // Alone its primary group needs no word.
    let primary = world.groups_of(uid).known().and_then(|groups| groups.first().copied());
    if primary != Some(gid) {
        found.service.group = Some(group(world, gid));
    }
    let others = status.map(|status| status.groups.clone()).unwrap_or_default();
    found.service.supplementary_groups =
        others.into_iter().filter(|other| *other != gid).map(|gid| group(world, gid)).collect();
}

fn user(world: &dyn World, uid: Uid) -> Account {
    world.user_name(uid).known().map_or(Account::Id(uid.0), |name| Account::Name(name.to_string()))
}

fn group(world: &dyn World, gid: Gid) -> Account {
    world.group_name(gid).known().map_or(Account::Id(gid.0), |name| Account::Name(name.to_string()))
}

fn scheduling(pid: Pid, world: &dyn World, found: &mut Found) {
    let scheduling = &mut found.service.scheduling;
    if let Fact::Known(stat) = world.stat(pid) {
        scheduling.nice =
            i32::try_from(stat.nice).ok().filter(|nice| *nice != 0 && (-20..=19).contains(nice));
        scheduling.policy = policy(stat.policy);
        // Only real time has one.
        scheduling.rt_priority = u8::try_from(stat.rt_priority).ok().filter(|priority| *priority != 0);
    }
    if let Fact::Known(score) = world.oom_score_adj(pid)
        && let Some(score) = i32::try_from(score).ok().filter(|score| *score != 0)
    {
        scheduling.oom_score_adj = Some(score);
    }
}

/// The policy behind a number of `sched(7)`; none for the normal one, and for `deadline`, which documents don't have.
fn policy(number: u32) -> Option<CpuPolicy> {
    match number {
        1 => Some(CpuPolicy::Fifo),
        2 => Some(CpuPolicy::Rr),
        3 => Some(CpuPolicy::Batch),
        5 => Some(CpuPolicy::Idle),
        _ => None,
    }
}

/// Those that differ from what selfsame would hand down.
fn limits(pid: Pid, world: &dyn World, found: &mut Found, place: &Place) {
    let own = world.self_pid().known();
    for (name, _) in LIMIT_NAMES {
        let Fact::Known(its) = world.limit(pid, name) else { continue };
        let inherited = match *name {
            "core" => Some((Some(0), Some(0))),
            _ => own.and_then(|own| world.limit(own, name).known()).map(|limit| (limit.soft, limit.hard)),
        };
        if inherited == Some((its.soft, its.hard)) || inherited.is_none() {
            continue;
        }
        if *name == "core" && its.soft == Some(0) {
            continue;
        }
        found.service.limits.insert((*name).to_owned(), Limit { soft: its.soft, hard: its.hard });
    }
    if own.is_none() {
        found.note(
            place,
            Weight::Unclear,
            "limits",
            "there is nothing to compare them with: write those that matter",
        );
    }
}

/// Values that were asked for; of the others the names.
fn environment(pid: Pid, world: &dyn World, found: &mut Found, place: &Place, options: &RunningOptions) {
    let entries = match world.environ(pid) {
        Fact::Known(entries) => entries,
        Fact::Absent => return,
        Fact::Unknown(reason) => {
            found.note(place, Weight::Unclear, "environment", reason.to_string());
            return;
        }
    };
    let mut named = Vec::new();
    for entry in entries.iter() {
        let Ok(text) = std::str::from_utf8(entry) else { continue };
        let Some((name, value)) = text.split_once('=') else { continue };
        let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !good {
            continue;
        }
        if options.env.iter().any(|asked| asked == name) {
            found.service.env.insert(name.to_owned(), command::template(value));
        } else if !OWN.contains(&name) {
            named.push(name.to_owned());
        }
    }
    if !named.is_empty() {
        named.sort();
        named.dedup();
        found.lost(
            place,
            "environment",
            format!(
                "values aren't written, since they may be secrets: `--env NAME` writes one of {}",
                named.join(", ")
            ),
        );
    }
}
