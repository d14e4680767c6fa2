//! Which processes are the service, as far as no record says: the identity rule, asked of a host or of a snapshot.

#[cfg(test)]
mod crowd;
mod doubts;
mod known_others;
mod shortlist;

pub(super) use shortlist::Shortlists;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use super::conditions::{Bound, Conditions};
use super::executable::surroundings;
use super::outside::outside;
use crate::facts::{Fact, ProcessKey, Reason, Why};
use crate::plan::observation::{ArgumentsSeen, Candidate, Look, Owner, Prepared, Questions};
use crate::plan::substitute;
use crate::plugin;
use crate::process::arguments::{ArgumentMatch, ends_in};
use crate::process::identity::{self, Query, Ternary};
use crate::process::pidfile;
use crate::process::tree;
use crate::process::world::{Bytes, World};
use crate::spec::{Account, Service, ServiceName};
use crate::units::{BootId, Gid, Pid, StartTicks, Uid};

/// Who looks, and what was compiled for it.
#[derive(Debug)]
pub(super) struct Looker {
    pub(super) boot: BootId,
    pub(super) uid: Uid,
    pub(super) gid: Gid,
    /// `CAP_SYS_PTRACE`: processes of other users can be looked at.
    pub(super) privileged: bool,
    pub(super) conditions: Conditions,
    /// `${runDir}`
    pub(super) run_dir: String,
    /// `${logDir}`
    pub(super) log_dir: String,
    /// What follows from these, for the thousands that ask.
    pub(super) known_places: OnceCell<Rc<Prepared>>,
}

/// One look at some processes.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    /// Where.
    pub(super) world: &'a dyn World,
    /// What plugins have answered in this look.
    pub(super) plugins: &'a plugin::Look,
    /// All of the host, or those on the list of an object.
    pub(super) pids: &'a [Pid],
}

impl Looker {
    /// What is known of a launch before anything is looked up: the directories.
    pub(super) fn places(&self) -> Rc<Prepared> {
        Rc::clone(self.known_places.get_or_init(|| Rc::new(self.own_places())))
    }

    fn own_places(&self) -> Prepared {
        Prepared {
            owner: Owner {
                uid: self.uid,
                gid: self.gid,
                groups: Vec::new(),
                change_ids: false,
                name: String::new(),
                home: String::new(),
                shell: String::new(),
            },
            others: BTreeMap::new(),
            env_from: BTreeMap::new(),
            secrets: Vec::new(),
            socket_owners: Vec::new(),
            run_dir: self.run_dir.clone(),
            log_dir: self.log_dir.clone(),
            watched: BTreeMap::new(),
        }
    }

    /// The look of a start, at these processes, and those that have to be looked at again though nothing happens to them. `bound`:
    /// what it asks of each, where that was bound before in this look.
    pub(super) fn look<'w>(
        &self,
        name: &ServiceName,
        (spec, bound): (&Service, Option<Bound<'w>>),
        questions: &Questions,
        sight: Sight<'w>,
    ) -> (Look, BTreeSet<Pid>) {
        let (places, world) = (self.places(), sight.world);
        if absent_user(spec, world).is_some() {
            // Nothing can run as somebody who isn't there; its start fails for the same reason, in the same look.
            return (Look { complete: true, ..Look::default() }, BTreeSet::new());
        }
        let user = match wanted_user(spec, world) {
            Ok(user) => user,
            Err(reason) => {
                let note = format!("the user can't be looked up: {reason}");
                return (Look { notes: vec![note], complete: false, ..Look::default() }, BTreeSet::new());
            }
        };
        let mut own = BTreeSet::new();
        own.extend(questions.recorded.of_object(name).map(|key| key.pid));
        // As a rule: whoever it could be was ruled out for all objects at once.
        let nobody = if spec.chroot.is_none() { self.at_nobody(spec, sight) } else { None };
        let mut found = match nobody {
            Some(found) => found,
            None => self.ask_in((spec, bound), user, own.clone(), &places, sight, false),
        };
        if spec.narrow.is_some() {
            // Its list may be without them.
            found.considered.extend(own);
        }
        // As a rule it is one.
        let mut candidates = Vec::with_capacity(found.candidates.len());
        let of_this = |candidate| self.candidate(candidate, name, spec, &places, questions, world);
        candidates.extend(found.candidates.iter().filter_map(of_this));
        if found.by_condition {
            // The condition chose them in place of the default rule: their arguments decide nothing.
            for candidate in &mut candidates {
                candidate.arguments = ArgumentsSeen::Equal;
            }
        }
        let mut unknown = found.unknown;
        unknown.retain(|(pid, _)| !self.is_of_another(*pid, name, spec, questions, world));
        let look =
            Look { candidates, unknown, complete: found.complete, notes: found.notes, new_only: false };
        (look, found.considered)
    }

    /// What a look at nobody says, where nothing needs to be asked for it.
    fn at_nobody(&self, spec: &Service, Sight { world, pids, .. }: Sight<'_>) -> Option<identity::Look> {
        let mut written = spec.narrow.iter().chain(spec.match_only.iter());
        let is_plain = pids.is_empty()
            && spec.pidfile.is_none()
            && written.all(|condition| self.conditions.is_known_to_compile(condition, spec));
        is_plain
            .then(|| identity::look_at_nobody(world, (self.uid, self.privileged), spec.match_only.is_some()))
    }

    /// The identity rule for some processes.
    pub(super) fn ask(
        &self,
        spec: &Service,
        user: Option<Uid>,
        recorded: BTreeSet<Pid>,
        places: &Prepared,
        sight: Sight<'_>,
    ) -> identity::Look {
        self.ask_in((spec, None), user, recorded, places, sight, false)
    }

    /// The same, with `scope_all` also in nested PID namespaces, and with what was bound before.
    pub(super) fn ask_in<'w>(
        &self,
        (spec, given): (&Service, Option<Bound<'w>>),
        user: Option<Uid>,
        recorded: BTreeSet<Pid>,
        places: &Prepared,
        sight: Sight<'w>,
        scope_all: bool,
    ) -> identity::Look {
        let Sight { world, plugins, pids } = sight;
        // What its paths mean inside its root directory was not what it was bound with.
        let mut given = given.filter(|_| spec.chroot.is_none());
        let spec = &*outside(spec);
        // Nobody is asked a condition where nobody is looked at: it is enough that one could be.
        let is_needed = |expression: &&crate::spec::Expression| {
            !pids.is_empty() || !self.conditions.is_known_to_compile(expression, spec)
        };
        if let Some(found) = self.at_nobody(spec, sight) {
            return found;
        }
        let around = surroundings(spec);
        let bound = |expression: &Option<crate::spec::Expression>, given: Option<Bound<'w>>| {
            let needed = expression.as_ref().filter(is_needed);
            needed.map(|expression| {
                given.unwrap_or_else(|| self.conditions.bind(expression, spec, places, world, plugins))
            })
        };
        let replace = bound(&spec.match_only, given.take_if(|_| spec.match_only.is_some()));
        let narrow = bound(&spec.narrow, given);
        let names_user = [&narrow, &replace].into_iter().flatten().any(|bound| bound.names_user);
        // Without its condition a look says nothing, also where no process is there to be doubted.
        let without: Vec<String> = [&narrow, &replace]
            .into_iter()
            .flatten()
            .filter_map(|bound| Some(bound.matcher.as_ref().err()?.to_string()))
            .collect();
        let narrow = narrow.as_ref().map(|bound| move |pid| bound.holds(pid));
        let replace = replace.as_ref().map(|bound| move |pid| bound.holds(pid));
        let query = Query {
            name: spec.name.as_str(),
            startas: path_bytes(&spec.startas),
            args: arguments(spec, 0, places),
            becomes: spec.becomes.as_deref().map(path_bytes),
            user,
            engine_uid: self.uid,
            privileged: self.privileged,
            pidfile: pidfile_path(spec, 0, places),
            working_directory: path_bytes(&spec.working_directory),
            path: around.path.unwrap_or_else(|| Bytes::from([])),
            narrow: narrow.as_ref().map(|condition| condition as &dyn Fn(Pid) -> Ternary),
            replace: replace.as_ref().map(|condition| condition as &dyn Fn(Pid) -> Ternary),
            names_user,
            recorded,
            replicas: spec.replicas,
            scope_all,
        };
        let mut found = identity::look(&query, world, pids);
        found.complete &= without.is_empty();
        // First, so that it is what is told.
        found.notes.splice(0..0, without);
        found
    }

    /// `None`: it belongs to a process that is on record for another object, as one of its tree.
    fn candidate(
        &self,
        found: &identity::Candidate,
        name: &ServiceName,
        spec: &Service,
        places: &Prepared,
        questions: &Questions,
        world: &dyn World,
    ) -> Option<Candidate> {
        let key = ProcessKey { boot: self.boot.clone(), pid: found.pid, start: found.start };
        let recorded_for = questions.recorded.get(&key).filter(|other| *other != name).cloned();
        if recorded_for.is_none() && below_another(found.pid, &self.boot, name, questions, world) {
            return None;
        }
        let indexes = indexes(found, spec, places, world);
        let arguments = match found.arguments {
            _ if !indexes.is_empty() => ArgumentsSeen::Equal,
            ArgumentMatch::Equal => ArgumentsSeen::Equal,
            ArgumentMatch::Overwritten => ArgumentsSeen::Overwritten,
            ArgumentMatch::Different => ArgumentsSeen::Different,
        };
        let anchored_elsewhere = || {
            (1..spec.replicas).any(|index| {
                pidfile_path(spec, index, places).is_some_and(|path| {
                    pidfile::trust(world, &path, found.pid) == Fact::Known(pidfile::Trust::Believed)
                })
            })
        };
        Some(Candidate {
            key,
            uid: found.uid,
            indexes,
            arguments,
            anchored: found.anchor || anchored_elsewhere(),
            foreign_user: found.foreign_user,
            foreign_supervisor: found.foreign_supervisor.clone(),
            above: found.above,
            recorded_for,
            weak: found.self_reported,
        })
    }
}

/// The name of the document's user, if this host is known to have no such user. A name service that doesn't answer
/// makes nobody absent.
pub(super) fn absent_user<'a>(spec: &'a Service, world: &dyn World) -> Option<&'a str> {
    match &spec.user {
        Some(Account::Name(name)) if world.user_id(name) == Fact::Absent => Some(name),
        Some(Account::Name(_) | Account::Id(_)) | None => None,
    }
}

/// The uid that the document asks for.
pub(super) fn wanted_user(spec: &Service, world: &dyn World) -> Result<Option<Uid>, Reason> {
    match &spec.user {
        None => Ok(None),
        Some(Account::Id(uid)) => Ok(Some(Uid(*uid))),
        Some(Account::Name(name)) => match world.user_id(name) {
            Fact::Known(uid) => Ok(Some(uid)),
            Fact::Absent => Err(Reason::new(Why::Nss, format!("there is no user `{name}`"))),
            Fact::Unknown(reason) => Err(reason),
        },
    }
}

/// The replicas whose arguments it has.
fn indexes(
    found: &identity::Candidate,
    spec: &Service,
    places: &Prepared,
    world: &dyn World,
) -> BTreeSet<u32> {
    if !spec.args.iter().any(|arg| arg.contains("${index}")) {
        return if found.arguments == ArgumentMatch::Equal {
            (0..spec.replicas).collect()
        } else {
            BTreeSet::new()
        };
    }
    (0..spec.replicas)
        .filter(|index| ends_in(world, found.pid, &arguments(spec, *index, places)) == Fact::Known(true))
        .collect()
}

/// Whether an ancestor is on record for another object: then it is of that object's tree.
fn below_another(
    pid: Pid,
    boot: &BootId,
    name: &ServiceName,
    questions: &Questions,
    world: &dyn World,
) -> bool {
    let recorded = &questions.recorded;
    if recorded.pids().is_empty() {
        return false;
    }
    let key = |pid: Pid, start: u64| ProcessKey { boot: boot.clone(), pid, start: StartTicks(start) };
    let above = tree::ancestors(world, pid).known().unwrap_or_default().into_iter();
    above
        .filter(|pid| recorded.has_pid(*pid))
        .flat_map(|pid| recorded.range(key(pid, 0)..=key(pid, u64::MAX)))
        .any(|(_, of)| of != name)
}

/// The arguments of a replica after the program's name.
fn arguments(spec: &Service, index: u32, places: &Prepared) -> Vec<Bytes> {
    spec.args.iter().map(|arg| substitute(arg, spec, index, places).as_bytes().into()).collect()
}

/// The pidfile of a replica.
pub(super) fn pidfile_path(spec: &Service, index: u32, places: &Prepared) -> Option<Bytes> {
    spec.pidfile.as_ref().map(|path| substitute(path, spec, index, places).as_bytes().into())
}

fn path_bytes(path: &std::path::Path) -> Bytes {
    path.as_os_str().as_bytes().into()
}
