//! What this host allows, what is missing, and for what. Looks, and changes nothing.

use std::fs;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::process::{PidfdFlags, Resource, getpid, getrlimit, pidfd_open};
use serde::Serialize;

use super::abilities;
use super::errno::io_text;
use super::groups::{Controller, Places};
use super::proc::LiveWorld;
use super::process_events::ProcessEvents;
use super::state_dir::Dirs;
use crate::units::Capability;

/// How something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As selfsame wants it.
    Ok,
    /// Something works less well, or can't be asked for.
    Limited,
    /// Nothing works without it.
    Broken,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What.
    pub check: String,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What it is for, or what doesn't work without it.
    pub matters: String,
}

fn processes() -> Finding {
    let matters =
        "what policies forbid is noticed as it happens; without, they look as often as `spec.every` says";
    match ProcessEvents::open() {
        Ok(_) => finding("process events", State::Ok, "the kernel tells what processes do", matters),
        Err(why) => finding("process events", State::Limited, why, matters),
    }
}

fn finding(check: &str, state: State, found: impl Into<String>, matters: &str) -> Finding {
    Finding { check: check.into(), state, found: found.into(), matters: matters.into() }
}

fn ok_if(good: bool) -> State {
    if good { State::Ok } else { State::Limited }
}

/// Everything, in the order of its weight.
pub fn examine(dirs: &Dirs) -> Vec<Finding> {
    let mut found = vec![pidfds(), paths(), proc_mount(), state(dirs), exit_status(), groups()];
    found.extend(Controller::ALL.map(controller));
    found.extend([user(), others(), limits(), namespaces(), inotify(), processes(), descriptors(), names()]);
    found
}

fn pidfds() -> Finding {
    let matters =
        "processes are watched and signalled through pidfds (Linux 5.4 or later); there is no other way";
    match pidfd_open(getpid(), PidfdFlags::empty()) {
        Ok(_) => finding("pidfd", State::Ok, kernel(), matters),
        Err(errno) => {
            finding("pidfd", State::Broken, format!("{}: {}", kernel(), io_text(&errno.into())), matters)
        }
    }
}

fn paths() -> Finding {
    let matters = "paths of a process are followed within its root directory, and never into `/proc`, by openat2 (Linux 5.6 or \
                   later, and a seccomp filter that knows it); without, it isn't known which file a path is";
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS) {
        Ok(_) => finding("paths", State::Ok, "followed by the kernel", matters),
        Err(errno) => {
            finding("paths", State::Broken, format!("openat2: {}", io_text(&errno.into())), matters)
        }
    }
}

fn kernel() -> String {
    format!("Linux {}", read("/proc/sys/kernel/osrelease"))
}

/// Major and minor number of the kernel.
fn version() -> (u32, u32) {
    let text = read("/proc/sys/kernel/osrelease");
    let mut numbers = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn proc_mount() -> Finding {
    let matters =
        "a start needs to see every process of the service's user, or it can't be told that none runs";
    // As every look begins: it refuses what is refused here.
    match LiveWorld::new() {
        Err(error) => finding("/proc", State::Broken, io_text(&error), matters),
        Ok(world) => match world.hidepid() {
            Some(hidden) => {
                finding("/proc", State::Limited, format!("mounted with `hidepid={}`", hidden.mode), matters)
            }
            None => finding("/proc", State::Ok, "every process can be seen", matters),
        },
    }
}

fn state(dirs: &Dirs) -> Finding {
    let matters = "records, accepted documents and logs lie there; `--state-dir` names another place";
    match dirs.check() {
        Err(sentence) => finding("state directory", State::Broken, sentence, matters),
        Ok(()) => finding("state directory", State::Ok, format!("`{}`", dirs.run.display()), matters),
    }
}

fn exit_status() -> Finding {
    let good = version() >= (6, 15);
    let found = if good { "kept by the kernel for every process" } else { "known of our own children only" };
    finding(
        "exit status",
        ok_if(good),
        found,
        "how an adopted process ended; unknown counts as a failure (Linux 6.15)",
    )
}

fn groups() -> Finding {
    let matters = "a stop takes the whole tree, `cgroup.kill` ends it at once; without them trees are known by descent \
                   and session, and what leaves both is not found";
    let places = Places::of_this_process();
    let own = places.tree.as_deref();
    match own {
        Some(own) if super::groups::can_make_below(own) => {
            let kill = version() >= (5, 14);
            let how =
                if kill { "" } else { ", without `cgroup.kill` (Linux 5.14): frozen and ended one by one" };
            finding("control groups", State::Ok, format!("below `{}`{how}", own.display()), matters)
        }
        Some(own) => {
            let found = format!("`{}` can't be written by this user", own.display());
            finding("control groups", State::Limited, found, matters)
        }
        None if abilities::has(Capability::SYS_ADMIN) => {
            let found =
                "version 2 is mounted nowhere; `watch` and `apply` mount it below the state directory";
            finding("control groups", State::Ok, found, matters)
        }
        None => finding("control groups", State::Limited, "version 2 is mounted nowhere", matters),
    }
}

fn controller(controller: Controller) -> Finding {
    let name = format!("controller {}", controller.v2());
    let matters = format!("`resources.{}`", controller.field());
    match Places::of_this_process().has(controller) {
        Ok(true) => finding(&name, State::Ok, "control groups of version 2", &matters),
        Ok(false) => finding(&name, State::Ok, "control groups of version 1", &matters),
        Err(reason) => finding(&name, State::Limited, reason, &matters),
    }
}

fn user() -> Finding {
    let all = abilities::has(Capability::SETUID) && abilities::has(Capability::SETGID);
    let found = if all { "any user" } else { "this user only" };
    finding("users", ok_if(all), found, "`user`, `group` and `supplementaryGroups` (CAP_SETUID, CAP_SETGID)")
}

fn others() -> Finding {
    let all = abilities::has(Capability::SYS_PTRACE) && abilities::has(Capability::KILL);
    let found = if all { "can be looked at and signalled" } else { "only those of this user can" };
    finding(
        "other users' processes",
        ok_if(all),
        found,
        "adopting and stopping them (CAP_SYS_PTRACE, CAP_KILL)",
    )
}

fn limits() -> Finding {
    let all = abilities::has(Capability::SYS_RESOURCE) && abilities::has(Capability::SYS_NICE);
    let found = if all { "can be raised" } else { "can only be lowered" };
    finding(
        "limits and priorities",
        ok_if(all),
        found,
        "`limits`, `scheduling` (CAP_SYS_RESOURCE, CAP_SYS_NICE)",
    )
}

fn namespaces() -> Finding {
    let can = abilities::has(Capability::SYS_ADMIN);
    let found = if can { "can be made" } else { "can't be made by this user" };
    finding(
        "mount namespaces",
        ok_if(can),
        found,
        "`security.privateTmp`, `readOnlyPaths`, `inaccessiblePaths` (CAP_SYS_ADMIN)",
    )
}

fn inotify() -> Finding {
    let number = |name: &str| read(&format!("/proc/sys/fs/inotify/{name}")).parse::<u64>().unwrap_or(0);
    let (watches, instances) = (number("max_user_watches"), number("max_user_instances"));
    let found = format!("{watches} watches, {instances} instances a user");
    let enough = watches >= 1024 && instances >= 16;
    finding("inotify", ok_if(enough), found, "edited documents are seen at once; without, every 2s")
}

fn descriptors() -> Finding {
    let hard = getrlimit(Resource::Nofile).maximum;
    let found = hard.map_or_else(|| "unlimited".to_owned(), |most| format!("at most {most} descriptors"));
    let enough = hard.is_none_or(|most| most >= 1024);
    finding("descriptors", ok_if(enough), found, "one for each process on record")
}

fn names() -> Finding {
    let text = read("/etc/nsswitch.conf");
    let of = |base: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(base)?.trim().strip_prefix(':'));
        line.map_or_else(|| "files".to_owned(), |words| words.trim().to_owned())
    };
    let sources = of("passwd");
    let local = sources.split_whitespace().all(|word| matches!(word, "files" | "compat" | "systemd" | "db"));
    let getent = ["/usr/bin/getent", "/bin/getent"].iter().any(|path| Path::new(path).exists());
    let found = format!("users come from `{sources}`{}", if getent { "" } else { ", there is no `getent`" });
    finding(
        "name service",
        ok_if(local || getent),
        found,
        "`user` and `group` by name; servers are asked by `getent`",
    )
}
