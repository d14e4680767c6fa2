//! What the host answers: the truth, sometimes denied or torn, never invented.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use selfsame::facts::{Fact, ProcessKey, Reason, Why};
use selfsame::plan::memory::Exit;
use selfsame::plan::observation::{
    Alive, ArgumentsSeen, Candidate, CommandSeen, HealthSeen, IntentSeen, Look, Observation, Owner, Prepared,
    ProcessQuestion, ProcessSeen, Questions, Seen, ServiceQuestions,
};
use selfsame::plan::substitute;
use selfsame::spec::{Service, ServiceName};
use selfsame::units::{Gid, PidfdInode, Uid};

use crate::world::{Proc, World};
use selfsame::host::Host;

pub(crate) fn observe(world: &mut World, questions: &Questions) -> Observation {
    world.looks += 1;
    world.clouded.clear();
    world.unseen.clear();
    let mut services = BTreeMap::new();
    if !world.dead {
        for (name, question) in &questions.services {
            if world.wild && world.chance.once_in(30) {
                world.clouded.insert(name.clone());
                continue;
            }
            let seen = of_service(world, name, question, questions);
            services.insert(name.clone(), seen);
        }
    }
    world.looked_at = world.now;
    Observation { now: world.now(), boot: world.boot_id(), services }
}

fn denied(pid: impl std::fmt::Display) -> Reason {
    Reason::new(Why::Denied, format!("exe of {pid}"))
}

fn of_service(world: &mut World, name: &ServiceName, q: &ServiceQuestions, all: &Questions) -> Seen {
    let mut seen = Seen::default();
    for (index, question) in &q.processes {
        let answer = of_process(world, question);
        if matches!(answer, ProcessSeen::Unknown(_)) {
            world.unseen.insert(question.key.clone());
        }
        seen.processes.insert(*index, answer);
    }
    world.meanwhile();
    for (index, nonce) in &q.intents {
        let answer = if world.wild && world.chance.once_in(20) {
            IntentSeen::Unknown(Reason::new(Why::Denied, "the start slot"))
        } else {
            world
                .slots
                .get(&(name.clone(), *index, nonce.clone()))
                .map_or(IntentSeen::NothingRan, |key| IntentSeen::Ran(key.clone()))
        };
        seen.intents.insert(*index, answer);
    }
    seen.commands = q.commands.keys().map(|index| (*index, CommandSeen::Succeeded)).collect();
    if q.look {
        seen.look = Some(look(world, name, q, all));
    }
    if q.prepare {
        let fails = world.wild && world.chance.once_in(25);
        seen.prepared = Some(if fails { Err("no user `web`".into()) } else { Ok(PREPARED.clone()) });
    }
    seen
}

/// What every start needs.
static PREPARED: LazyLock<Arc<Prepared>> = LazyLock::new(|| {
    Arc::new(Prepared {
        owner: Owner {
            uid: Uid(0),
            gid: Gid(0),
            groups: Vec::new(),
            change_ids: false,
            name: "root".into(),
            home: "/root".into(),
            shell: "/bin/sh".into(),
        },
        others: BTreeMap::new(),
        env_from: BTreeMap::new(),
        secrets: Vec::new(),
        socket_owners: Vec::new(),
        run_dir: "/run/selfsame".into(),
        log_dir: "/var/log/selfsame".into(),
        watched: BTreeMap::new(),
    })
});

fn of_process(world: &mut World, question: &ProcessQuestion) -> ProcessSeen {
    if world.wild && world.chance.once_in(30) {
        return ProcessSeen::Unknown(denied(question.key.pid));
    }
    let successor = world
        .procs
        .values()
        .find(|proc| proc.succeeds.as_ref() == Some(&question.key))
        .map(|proc| proc.key.clone());
    let survivors: Vec<ProcessKey> =
        question.tree.iter().filter(|key| world.alive(key).is_some()).cloned().collect();
    let Some(proc) = world.alive(&question.key).cloned() else {
        // It ended before this engine lived; or it was no child of it, and the kernel doesn't tell.
        let untold = if question.key.pid.0 % 4 == 0 { Exit::Unknown } else { Exit::Unwatched };
        let exit = world.exits.get(&question.key).cloned().unwrap_or(untold);
        return ProcessSeen::Gone { exit, successor, survivors };
    };
    let inode = inode(&proc.key);
    if question.inode.is_some_and(|known| known != inode) {
        world.violated(format!("{} on record has the inode of another process", proc.key.pid));
    }
    let still_ours = match &question.adopted_by {
        Some(_) if world.wild && world.chance.once_in(10) => Fact::Unknown(denied(proc.key.pid)),
        Some(rule) => Fact::Known(*proc.program == *rule.startas.to_string_lossy()),
        None => Fact::Known(true),
    };
    let ready = world.probes.get(&question.key).map_or(Fact::Absent, |ready| Fact::Known(*ready));
    let tree = if question.list_tree { descendants(world, &proc.key) } else { survivors };
    ProcessSeen::Alive(Alive {
        inode: Some(inode),
        still_ours,
        ready,
        ready_detail: String::new(),
        tree,
        successor: successor.filter(|_| question.starter),
        exe: Some(proc.program.to_string()),
        exe_deleted: false,
        exe_replaced: false,
        health: HealthSeen::default(),
    })
}

/// As unique as the key.
fn inode(key: &ProcessKey) -> PidfdInode {
    PidfdInode(key.start.0 << 16 | u64::from(key.pid.0.unsigned_abs()))
}

fn descendants(world: &World, of: &ProcessKey) -> Vec<ProcessKey> {
    let children = world.procs.values().filter(|proc| proc.parent.as_ref() == Some(of));
    children
        .flat_map(|child| std::iter::once(child.key.clone()).chain(descendants(world, &child.key)))
        .collect()
}

/// For each replica its arguments.
pub(crate) fn arguments_of(spec: &Service) -> BTreeMap<u32, Vec<String>> {
    let of = |index| spec.args.iter().map(|arg| substitute(arg, spec, index, &PREPARED)).collect();
    (0..spec.replicas).map(|index| (index, of(index))).collect()
}

fn look(world: &mut World, name: &ServiceName, q: &ServiceQuestions, all: &Questions) -> Look {
    let program = q.spec.startas.to_string_lossy();
    let arguments = arguments_of(&q.spec);
    let own: BTreeSet<&ProcessKey> =
        all.recorded.iter().filter(|(_, owner)| *owner == name).map(|(key, _)| key).collect();
    let procs: Vec<Proc> = world.procs.values().filter(|proc| *proc.program == *program).cloned().collect();
    let mut look = Look { complete: true, ..Look::default() };
    let mut led = BTreeSet::new();
    // The list is made; now each is read, and the world doesn't wait.
    for listed in procs {
        world.meanwhile();
        // Another program under the same number would not match, and the same process may be gone.
        let Some(proc) = world.alive(&listed.key).cloned() else {
            // What was passed over since it was below this one may live on.
            if led.contains(&listed.key) {
                look.unknown.push((listed.key.pid, vec![Reason::new(Why::Vanished, "cgroup")]));
            }
            continue;
        };
        let above = proc.parent.clone().filter(|parent| world.alive(parent).is_some());
        if above.is_some() || own.contains(&proc.key) {
            led.extend(above);
            continue;
        }
        if world.wild && world.chance.once_in(12) {
            look.unknown.push((proc.key.pid, vec![denied(proc.key.pid)]));
            continue;
        }
        look.candidates.push(candidate(&proc, &arguments, all.recorded.get(&proc.key)));
    }
    if world.wild && world.chance.once_in(20) {
        look.complete = false;
        look.candidates.pop();
    }
    if !look.complete || !look.unknown.is_empty() {
        world.clouded.insert(name.clone());
    }
    look.candidates.sort_by_key(|candidate| (candidate.key.start, candidate.key.pid));
    look
}

fn candidate(
    proc: &Proc,
    arguments: &BTreeMap<u32, Vec<String>>,
    recorded: Option<&ServiceName>,
) -> Candidate {
    let indexes: BTreeSet<u32> =
        arguments.iter().filter(|(_, args)| **args == *proc.args).map(|(index, _)| *index).collect();
    let arguments = if proc.args.first().is_some_and(|arg| arg == "title") {
        ArgumentsSeen::Overwritten
    } else if indexes.is_empty() {
        ArgumentsSeen::Different
    } else {
        ArgumentsSeen::Equal
    };
    Candidate {
        key: proc.key.clone(),
        uid: Uid(if proc.foreign_user { 1000 } else { 0 }),
        indexes,
        arguments,
        anchored: false,
        foreign_user: proc.foreign_user,
        foreign_supervisor: proc.supervisor.then(|| "runsv".to_owned()),
        above: false,
        recorded_for: recorded.cloned(),
        weak: proc.weak,
    }
}
