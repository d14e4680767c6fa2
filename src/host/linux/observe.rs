//! The answers to a tick's questions about processes on record.

use std::collections::{BTreeMap, BTreeSet};

use super::health::Subject;
use super::recent::Glimpsed;
use super::{Asked, Before, LinuxHost};
use crate::facts::{Fact, ProcessKey, Reason, Why};
use crate::host::conditions::Bound;
use crate::host::exits::Life;
use crate::host::failpoint;
use crate::host::look::Sight;
use crate::host::probe::Probes;
use crate::host::proc::LiveWorld;
use crate::host::signal::hold;
use crate::plan::action::Purpose;
use crate::plan::memory::{Exit, Heirs};
use crate::plan::observation::{
    Alive, IntentSeen, ProcessQuestion, ProcessSeen, Questions, Seen, ServiceQuestions,
};
use crate::process::pidfile;
use crate::process::tree;
use crate::process::world::{Root, World};
use crate::spec::{ServiceName, StopScope};
use crate::units::Pid;

/// `CAP_SYS_PTRACE` of `capabilities(7)`.
const CAP_SYS_PTRACE: u64 = 1 << 19;

/// Whether processes of other users can be looked at.
pub(super) fn may_look_at_others() -> bool {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = text.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .is_some_and(|bits| bits & CAP_SYS_PTRACE != 0)
}

/// How those are that don't live, or of whom it can't be told: of which object, and which instance.
pub(super) type NotAlive<'q> = BTreeMap<(&'q ServiceName, u32), Life>;

impl LinuxHost {
    /// Whether the processes on record live. To be asked before anybody hears or lists what runs: who takes the place of another
    /// begins before that one ends, and so is seen by all that is looked at after the end is known.
    pub(super) fn lives_of<'q>(&mut self, questions: &'q Questions) -> NotAlive<'q> {
        let services = questions.services.iter();
        let asked = || questions.services.values().flat_map(|asked| asked.processes.values());
        self.exits.hold_many(asked().map(|question| (&question.key, question.inode)));
        for question in asked() {
            self.note_session(question);
        }
        let keys: Vec<_> = asked().map(|question| (&question.key, question.inode)).collect();
        let living = self.exits.living(&keys);
        let all =
            services.flat_map(|(name, asked)| asked.processes.iter().map(move |one| (name, one.0, one.1)));
        let others = all.zip(living).filter(|(_, lives)| !lives).map(|(one, _)| one);
        let mut life =
            |question: &ProcessQuestion| self.exits.life_of(&question.key, question.inode, &self.waker);
        let lives = others.map(|(name, index, question)| ((name, *index), life(question)));
        lives.filter(|(_, life)| *life != Life::Alive).collect()
    }

    /// Where that is all that tells what belongs to it, its session is looked at before its exit is collected.
    fn note_session(&mut self, question: &ProcessQuestion) {
        let grouped = question.group.as_deref().is_some_and(|group| self.groups.is_known(group));
        if question.scope == StopScope::Tree && !grouped && !question.starter {
            self.exits.note_session(&question.key);
        }
    }

    /// Everything that is asked about one object.
    pub(super) fn see<'q>(
        &mut self,
        name: &ServiceName,
        asked: &'q ServiceQuestions,
        (questions, not_alive, (pids, bound)): (&Questions, &NotAlive<'_>, (&[Pid], Option<Bound<'_>>)),
        (world, before): (&LiveWorld, Before),
        known: &mut Asked<'q>,
    ) -> Seen {
        let mut seen = Seen::default();
        for (index, question) in &asked.processes {
            let places = self.looker.places();
            let spec = &asked.spec;
            let subject = Subject { name, index: *index, question, spec, places: &places, world };
            let life = not_alive.get(&(name, *index)).unwrap_or(&Life::Alive);
            let process = self.process(subject, life, questions);
            if question.health.obstacle
                && matches!(process, ProcessSeen::Gone { successor: None, .. })
                && let Some(obstacle) = Self::obstacle(question, world)
            {
                seen.obstacles.insert(*index, obstacle);
            }
            if let ProcessSeen::Gone { exit: Exit::Code(0), successor: None, survivors } = &process
                // Of a tree all that lives is known by now.
                && (question.scope != StopScope::Tree || !survivors.is_empty())
                && let Some(heir) = self.may_yet_follow(subject, questions)
            {
                seen.undecided.insert(*index, heir);
            }
            seen.processes.insert(*index, process);
        }
        for (index, nonce) in &asked.intents {
            seen.intents.insert(*index, self.intent(name, *index, nonce));
        }
        for (index, nonce) in &asked.commands {
            seen.commands.insert(*index, self.commands.seen(nonce));
        }
        let gone =
            asked.if_gone && seen.processes.values().any(|seen| matches!(seen, ProcessSeen::Gone { .. }));
        if asked.look || gone {
            let few;
            let mut new = None;
            let pids = if asked.look {
                pids
            } else if let Some((pids, glimpsed)) = self.new_since(name, asked, questions, world) {
                few = pids;
                new = Some(glimpsed);
                few.as_slice()
            } else if let Some(list) = self.may_be_otherwise(name, &asked.spec, world) {
                few = list;
                few.as_slice()
            } else {
                let cursor = before.cursor.or_else(|| self.counter.now());
                let every = super::listing(world);
                self.looked.note(name, &asked.spec, cursor.map(|at| Glimpsed::new(at, before.mark, &every)));
                let sight = Sight { world, plugins: &known.plugins, pids: &every };
                let lives = super::lives(&self.exits, world);
                few = self.looker.shortlist((name, &asked.spec), questions, sight, &lives);
                few.as_slice()
            };
            let sight = Sight { world, plugins: &known.plugins, pids };
            let (mut look, considered) = self.looker.look(name, (&asked.spec, bound), questions, sight);
            look.new_only = new.is_some();
            match new {
                // Of whom it can't be told, it is asked again.
                Some(glimpsed) if look.unknown.is_empty() => {
                    self.looked.note(name, &asked.spec, Some(glimpsed));
                    self.seen.add_considered(name, &asked.spec, considered);
                }
                None if look.complete => {
                    self.note_complete(name, &asked.spec, (before.mark, considered), world);
                }
                Some(_) | None => {}
            }
            if failpoint::hit("look").is_err() {
                look.complete = false;
                look.candidates.clear();
            }
            seen.look = Some(look);
        }
        if asked.conditions || (gone && !asked.spec.conditions.is_empty()) {
            seen.conditions = Some(self.conditions_met(&asked.spec, &super::listing(world), world));
        }
        if asked.prepare || gone {
            seen.prepared = Some(self.prepare(&asked.spec, world, known));
        }
        seen.output = self.outputs.as_ref().map(|outputs| outputs.troubles(name)).unwrap_or_default();
        seen
    }

    /// The processes that began since this object was last looked for, and how far the kernel is. `None`: all are to be looked at,
    /// since its end was not seen by us as its parent, something may be left of its tree that isn't among them, its names lead
    /// elsewhere, or it can't be told who is new.
    fn new_since(
        &mut self,
        name: &ServiceName,
        asked: &ServiceQuestions,
        questions: &Questions,
        world: &LiveWorld,
    ) -> Option<(Vec<Pid>, Glimpsed)> {
        let seen_to_end = |question: &ProcessQuestion| {
            question.adopted_by.is_none() && !question.starter && self.exits.was_our_child(&question.key)
        };
        let mut gone = asked.processes.values().filter(|question| self.exits.is_known_gone(&question.key));
        if !self.subreaper || !gone.all(seen_to_end) {
            return None;
        }
        let is_recorded = |pid: Pid| questions.recorded.has_pid(pid);
        let is_orphan = |probes: &Probes, pid: Pid| !is_recorded(pid) && !probes.owns(pid);
        let leaves_orphans =
            |this: &Self| world.own_children().iter().any(|pid| is_orphan(&this.probes, *pid));
        // Who was looked at by what is told, or told of since, is found though it came to us.
        let judges_all = self.judges_all_as_told(name, &asked.spec);
        if (!judges_all && leaves_orphans(self)) || self.leads_elsewhere(name, &asked.spec, world) {
            return None;
        }
        let before = self.looked.at(name, &asked.spec)?.clone();
        if let Some(told) = self.new_as_told(name, &asked.spec, (&before, &is_recorded), world) {
            return Some(told);
        }
        if judges_all && leaves_orphans(self) {
            return None;
        }
        let now = self.counter.now()?;
        let vacant = self.vacant.at(now);
        let given = before.until(now, |pid| is_recorded(pid) || vacant.contains(&pid))?;
        let (nobodys, mut pids) = given.into_iter().partition::<Vec<_>, _>(|pid| is_nobodys(*pid, world));
        // Nobody needs to be asked about those numbers again.
        if lists_all(world) {
            self.vacant.note(now, nobodys.into_iter());
        }
        // Threads have numbers as processes have.
        pids.retain(|pid| !world.is_own_thread(*pid));
        let glimpsed = Glimpsed::new(now, self.table.mark(), &pids);
        Some((pids, glimpsed))
    }

    /// Without the lock an empty slot proves nothing: the child may be about to write.
    fn intent(&mut self, name: &ServiceName, index: u32, nonce: &str) -> IntentSeen {
        match &mut self.ledger {
            Some(ledger) => ledger.read_slot(&self.looker.boot, name, index, nonce),
            None => IntentSeen::Unknown(Reason::new(Why::Unresolved, "another engine is starting it")),
        }
    }

    fn process(&mut self, subject: Subject<'_>, life: &Life, questions: &Questions) -> ProcessSeen {
        let question = subject.question;
        match life {
            Life::Unknown(reason) => ProcessSeen::Unknown(reason.clone()),
            Life::Gone(exit) => self.gone(exit.clone(), subject, questions),
            Life::Alive => {
                if self.ledger.is_some() && question.adopted_by.is_none() {
                    let places = self.looker.places();
                    self.given.recover(subject.spec, subject.index, &places, &question.key);
                }
                ProcessSeen::Alive(self.alive(subject))
            }
        }
    }

    fn gone(&mut self, exit: Exit, subject: Subject<'_>, questions: &Questions) -> ProcessSeen {
        let Subject { question, spec, world, .. } = subject;
        let members = question.group.as_deref().and_then(|group| self.groups.members(group));
        let survivors = self.survivors(question, members.as_deref(), questions, world);
        let exit = self.for_want_of_memory(exit, question);
        let named = self.named_before(subject.name, subject.index, question);
        let named = named.filter(|main| !questions.recorded.contains_key(main));
        let of_group = members.unwrap_or_default();
        let heirs = if question.starter {
            Heirs::Anybody
        } else {
            exit.heirs(spec.task.is_some(), question.followed)
        };
        let successor = named.or_else(|| self.successor((question, heirs), of_group, spec, questions, world));
        if let Some(successor) = &successor {
            // From now on an engine watches it, whatever becomes of it until the next look.
            let _ = self.exits.life(successor, &self.waker);
        }
        ProcessSeen::Gone { exit, successor, survivors }
    }

    fn alive(&mut self, subject: Subject<'_>) -> Alive {
        let Subject { question, places, world, .. } = subject;
        let still_ours = match &question.adopted_by {
            None => Fact::Known(true),
            Some(rule) => self.still_satisfies(&question.key, rule, places, world),
        };
        let (ready, ready_detail) = match &question.readiness {
            Some(check) => self.answer(subject, check, Purpose::Readiness),
            None => (Fact::Absent, String::new()),
        };
        let health = self.health(subject);
        let mut tree = living(&question.tree);
        if question.list_tree {
            let listed = self.listed(question, world);
            let known: BTreeSet<ProcessKey> = tree.iter().cloned().collect();
            tree.extend(listed.into_iter().filter(|key| !known.contains(key)));
        }
        let pid = question.key.pid;
        let (exe, exe_deleted) = world.exe_shown(pid);
        let exe = exe.map(|text| String::from_utf8_lossy(&text).into_owned());
        // The text is read while the same process lives, or it isn't given at all.
        let exe = exe.map(|text| match text.strip_suffix(" (deleted)") {
            Some(path) if exe_deleted => path.to_owned(),
            _ => text,
        });
        let place = exe.as_deref().filter(|_| exe_deleted);
        let exe_replaced =
            place.is_some_and(|path| matches!(world.file(Root::Of(pid), path.as_bytes()), Fact::Known(_)));
        let inode = self.exits.inode(&question.key);
        Alive {
            inode,
            still_ours,
            ready,
            ready_detail,
            tree,
            successor: None,
            exe,
            exe_deleted,
            exe_replaced,
            health,
        }
    }

    /// Children of ours that nobody has on record and that are no older than a starter: what it left behind may be one of
    /// them. Which starter or service brought forth an orphan can't be told.
    pub(super) fn orphans_since(
        &self,
        starter: &ProcessKey,
        questions: &Questions,
        world: &LiveWorld,
    ) -> Vec<ProcessKey> {
        if !self.subreaper {
            return Vec::new();
        }
        let children = world.own_children().iter().copied();
        let pids: Vec<Pid> = children.filter(|pid| !self.is_helper(*pid)).collect();
        let orphans = keys(&pids, world);
        let orphans = orphans.into_iter().filter(|key| key.start >= starter.start);
        living(&orphans.filter(|key| !questions.recorded.contains_key(key)).collect::<Vec<_>>())
    }

    /// A probe or a command of a document.
    pub(super) fn is_helper(&self, pid: Pid) -> bool {
        self.probes.owns(pid) || self.commands.owns(pid)
    }
}

/// No process has this number, as far as can be seen.
pub(super) fn is_nobodys(pid: Pid, world: &LiveWorld) -> bool {
    match world.owner(pid) {
        Fact::Unknown(reason) => reason.why == Why::Vanished,
        Fact::Known(_) | Fact::Absent => false,
    }
}

/// Where processes are hidden, they come into sight as they change their user.
pub(super) fn lists_all(world: &LiveWorld) -> bool {
    world.lists_all() == Fact::Known(())
}

pub(super) fn keys(pids: &[Pid], world: &LiveWorld) -> Vec<ProcessKey> {
    pids.iter().filter_map(|pid| world.process_key(*pid).known()).collect()
}

/// Those that live.
pub(super) fn living(keys: &[ProcessKey]) -> Vec<ProcessKey> {
    keys.iter()
        .filter(|key| !matches!(hold(key), Err(crate::host::signal::NotHeld::Gone(..))))
        .cloned()
        .collect()
}

pub(super) fn below(pid: Pid, world: &LiveWorld) -> Vec<Pid> {
    tree::children(world).known().map(|children| tree::descendants(&children, pid)).unwrap_or_default()
}

pub(super) fn named_by_pidfile(path: &[u8], main: Pid, world: &LiveWorld) -> (Fact<bool>, String) {
    let shown = String::from_utf8_lossy(path).into_owned();
    let named = match pidfile::number(world, path) {
        Fact::Known(pid) => pid,
        Fact::Absent => {
            return (Fact::Known(false), format!("pidfile `{shown}` isn't there or holds no number"));
        }
        Fact::Unknown(reason) => return (Fact::Unknown(reason), format!("pidfile `{shown}` can't be read")),
    };
    if named != main && !below(main, world).contains(&named) {
        return (
            Fact::Known(false),
            format!("pidfile `{shown}` names {named}, which is not of this service"),
        );
    }
    match pidfile::trust(world, path, named) {
        Fact::Known(pidfile::Trust::Believed) => (Fact::Known(true), String::new()),
        Fact::Known(pidfile::Trust::Refused(why)) => (Fact::Known(false), why),
        Fact::Known(pidfile::Trust::Other) | Fact::Absent => {
            (Fact::Known(false), format!("pidfile `{shown}` changed while it was looked at"))
        }
        Fact::Unknown(reason) => (Fact::Unknown(reason), format!("pidfile `{shown}` can't be judged")),
    }
}
