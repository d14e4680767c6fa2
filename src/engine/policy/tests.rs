//! Turns of policies against a host that is a script.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use super::host::Began;
use super::*;
use crate::facts::{Fact, ProcessKey};
use crate::plan::event::EventKind;
use crate::plan::memory::{Record, Suspension};
use crate::plan::policy::{PolicyStep, Shown, Subject};
use crate::spec::policy::{ActionLimit, Lasting, PolicyAction};
use crate::spec::{Expression, Service};
use crate::units::{Pid, Signal, StartTicks};

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn boot() -> BootId {
    BootId("boot-1".into())
}

/// A policy that signals what it is about, once in a minute.
fn policy(text: &str) -> Policy {
    let mut policy = Policy::new(name(text));
    policy.subject = Some(Expression::new("name == \"x\""));
    policy.actions = vec![PolicyAction::Signal(vec![(Signal::TERM, Duration::ZERO)])];
    policy.limit = ActionLimit { count: 1, per: Duration::from_mins(1) };
    policy.dry_run = Some(false);
    policy
}

fn set(policies: &[&Policy]) -> SpecSet {
    let policies = policies.iter().map(|one| (one.name.clone(), Arc::new((*one).clone()))).collect();
    SpecSet { policies, ..SpecSet::default() }
}

/// A host that shows the same processes to every policy.
#[derive(Debug, Default)]
struct Script {
    seconds: u64,
    /// Pid, whether it violates, its owner.
    processes: Vec<(i32, bool, Option<&'static str>)>,
    kept: KeptPolicies,
    first_kept: Option<KeptPolicies>,
    full: bool,
    /// In order: `keep`, `signal 7`.
    log: Vec<String>,
    ends: Vec<Began>,
}

impl PolicyHost for Script {
    fn moment(&self) -> Now {
        let time = Duration::from_secs(self.seconds);
        Now { boot: BootTime(time), wall: WallTime(time + Duration::from_secs(1_000_000)) }
    }

    fn look(&mut self, question: &Question<'_>) -> BTreeMap<ServiceName, PolicyLook> {
        let subject = |(pid, violates, owner): &(i32, bool, Option<&'static str>)| Subject {
            key: ProcessKey { boot: boot(), pid: Pid(*pid), start: StartTicks(1) },
            violates: Fact::Known(*violates),
            owner: owner.map(name),
            spared: (*pid == 1).then_some("the first process"),
            shown: Shown { exe: Some("/usr/bin/x".into()), ..Shown::default() },
        };
        let look = PolicyLook {
            subjects: self.processes.iter().map(subject).collect(),
            complete: true,
            ..PolicyLook::default()
        };
        question.policies.keys().map(|name| (name.clone(), look.clone())).collect()
    }

    fn next_look(&self) -> Option<BootTime> {
        None
    }

    fn noticed(&self) -> bool {
        true
    }

    fn keep(&mut self, kept: &KeptPolicies) -> Result<(), String> {
        if self.full {
            return Err("no space".into());
        }
        // As a file would have it.
        self.kept = serde_json::from_str(&serde_json::to_string(kept).unwrap()).unwrap();
        self.first_kept.get_or_insert_with(|| self.kept.clone());
        self.log.push("keep".into());
        Ok(())
    }

    fn carry_out(&mut self, _: &Policy, step: &PolicyStep) -> Result<String, String> {
        assert_eq!(step.withheld, None);
        let pid = step.process.as_ref().unwrap().pid;
        self.log.push(format!("{} {pid}", step.action.word()));
        Ok("it is done".into())
    }

    fn go_on(&mut self, _: &BTreeMap<ServiceName, Arc<Policy>>) -> Vec<Began> {
        std::mem::take(&mut self.ends)
    }
}

/// One engine over a script.
struct Stage {
    host: Script,
    policies: Policies,
    set: SpecSet,
    memory: Memory,
}

impl Stage {
    fn new(policies: &[&Policy], processes: &[(i32, bool, Option<&'static str>)]) -> Self {
        Self {
            host: Script { processes: processes.to_vec(), ..Script::default() },
            policies: Policies::new(boot(), KeptPolicies::default()),
            set: set(policies),
            memory: Memory::new(boot()),
        }
    }

    /// A turn at a moment; what was told, by kind and reason.
    fn turn(&mut self, seconds: u64) -> (PolicyTurn, Vec<String>) {
        self.host.seconds = seconds;
        let turn = self.policies.turn(&mut self.host, &self.set, &mut self.memory, false);
        let told = turn.events.iter().map(|event| format!("{:?} {}", event.kind, event.reason)).collect();
        (turn, told)
    }

    fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.host.log)
    }
}

#[test]
fn a_violation_is_written_down_then_acted_on_and_told_once() {
    let mut stage = Stage::new(&[&policy("p")], &[(7, true, None), (8, false, None)]);
    let (turn, told) = stage.turn(10);
    assert_eq!(told, ["Violated Violated", "PolicyActed Acted"]);
    assert_eq!(turn.events[0].message, "`name == \"x\"` is so");
    assert_eq!(turn.events[1].pid, Some(Pid(7)));
    assert!(turn.moved && !turn.asked);
    assert_eq!(stage.log(), ["keep", "signal 7", "keep"]);
    let status = &stage.policies.status()[0];
    assert_eq!((status.violated, status.violating, status.matching), (Some(true), 1, 2));
    assert_eq!(status.acted.as_ref().unwrap().pid, Some(Pid(7)));
    assert_eq!(status.next_allowed, Some(WallTime(Duration::from_secs(1_000_070))));
    let (turn, told) = stage.turn(12);
    assert!(told.is_empty() && !turn.moved, "{told:?}");
    assert!(stage.log().is_empty(), "an idle policy writes nothing");
    stage.host.processes.clear();
    assert_eq!(stage.turn(13).1, ["NotViolated NotViolated"]);
    assert_eq!(stage.policies.status()[0].violated, Some(false));
}

#[test]
fn nothing_is_done_that_was_not_written_down() {
    let mut stage = Stage::new(&[&policy("p")], &[(7, true, None)]);
    stage.host.full = true;
    let (turn, told) = stage.turn(10);
    assert_eq!(
        (turn.trouble.as_deref(), turn.next),
        (Some("no space"), Some(BootTime(Duration::from_secs(11))))
    );
    assert!(told.is_empty() && stage.log().is_empty());
    stage.host.full = false;
    assert_eq!(stage.turn(11).1, ["Violated Violated", "PolicyActed Acted"]);
    assert_eq!(stage.log(), ["keep", "signal 7", "keep"]);
}

#[test]
fn what_the_limit_holds_back_is_done_when_there_is_room_also_by_the_next_engine() {
    let mut stage = Stage::new(&[&policy("p")], &[(7, true, None), (8, true, None)]);
    let (turn, told) = stage.turn(10);
    assert_eq!(told, ["Violated Violated", "Violated Violated", "PolicyActed Acted", "PolicyWithheld Limit"]);
    assert_eq!(turn.next, Some(BootTime(Duration::from_secs(70))));
    assert_eq!(stage.log(), ["keep", "signal 7", "keep"]);
    // Another engine, which knows what the file says.
    stage.policies = Policies::new(boot(), stage.host.kept.clone());
    assert!(stage.turn(20).1.is_empty(), "it was said, and the limit is still spent");
    stage.log();
    assert_eq!(stage.turn(69).1, Vec::<String>::new());
    assert_eq!(stage.turn(70).1, ["PolicyActed Acted"]);
    assert_eq!(stage.log(), ["keep", "signal 8", "keep"]);
    // What is remembered of another boot counts for nothing.
    stage.policies = Policies::new(BootId("boot-2".into()), stage.host.kept.clone());
    assert_eq!(stage.turn(71).1.len(), 4);
}

#[test]
fn what_an_engine_died_over_is_done_by_the_next_one() {
    let mut stage = Stage::new(&[&policy("p")], &[(7, true, None)]);
    stage.turn(10);
    // As it was written before the act, whatever came of that.
    let kept = stage.host.first_kept.clone().unwrap();
    assert!(kept.policies[&name("p")].memory.processes[0].1.owes());
    assert!(!stage.host.kept.policies[&name("p")].memory.processes[0].1.owes(), "and then it was done");
    stage.policies = Policies::new(boot(), kept);
    stage.log();
    assert!(stage.turn(20).1.is_empty(), "the limit is spent by what may have been done");
    stage.log();
    assert_eq!(stage.turn(70).1, ["PolicyActed Acted"]);
    assert_eq!(stage.log(), ["keep", "signal 7", "keep"]);
    assert!(stage.turn(200).1.is_empty(), "once");
}

#[test]
fn one_that_is_no_longer_so_when_there_is_room_is_left_alone() {
    let mut stage = Stage::new(&[&policy("p")], &[(7, true, None), (8, true, None)]);
    stage.turn(10);
    stage.log();
    stage.host.processes = vec![(8, false, None)];
    stage.turn(40);
    stage.host.processes = vec![(8, true, None)];
    let (_, told) = stage.turn(50);
    assert_eq!(told, ["Violated Violated", "PolicyWithheld Limit"], "it begins anew");
    stage.host.processes = vec![(8, false, None)];
    stage.turn(70);
    assert!(!stage.log().iter().any(|line| line.starts_with("signal")));
}

#[test]
fn a_service_is_asked_as_a_person_would_ask() {
    for (action, running) in [(PolicyAction::Restart, None), (PolicyAction::Stop, Some(false))] {
        let mut one = policy("p");
        one.actions = vec![action];
        one.dry_run = None;
        let mut stage = Stage::new(&[&one], &[(7, true, Some("web")), (8, true, None)]);
        let service = Service::new(name("web"), "/srv/web".into());
        stage.memory.services.insert(name("web"), Arc::new(Record::new(service)));
        let (turn, told) = stage.turn(10);
        assert!(turn.asked, "{told:?}");
        assert!(!stage.log().iter().any(|line| line.ends_with('7') || line.ends_with('8')));
        let record = &stage.memory.services[&name("web")];
        assert_eq!(record.wish.as_ref().map(|wish| wish.running), running);
        match running {
            None => assert_eq!(record.restart_by.as_deref(), Some("policy p")),
            Some(_) => assert_eq!(record.wish.as_ref().unwrap().by, "policy p"),
        }
        assert!(told.contains(&"PolicyActed Acted".to_owned()), "{told:?}");
        assert!(told.iter().any(|line| line.starts_with("PolicyWithheld No")), "8 is nobody's: {told:?}");
    }
}

#[test]
fn three_restarts_that_change_nothing_are_a_fight() {
    let mut one = policy("p");
    one.actions = vec![PolicyAction::Restart];
    one.limit = ActionLimit { count: 100, per: Duration::from_mins(1) };
    let mut stage = Stage::new(&[&one], &[]);
    let service = Service::new(name("web"), "/srv/web".into());
    stage.memory.services.insert(name("web"), Arc::new(Record::new(service)));
    let mut all = Vec::new();
    for round in 0..5 {
        stage.host.processes = vec![(100 + round, true, Some("web"))];
        all.extend(stage.turn(10 + 10 * u64::try_from(round).unwrap()).1);
    }
    let acted = all.iter().filter(|line| line.starts_with("PolicyActed")).count();
    let fights = all.iter().filter(|line| *line == "PolicyWithheld Fight").count();
    assert_eq!((acted, fights), (3, 2), "{all:?}");
    assert!(stage.policies.status()[0].withheld.as_ref().unwrap().contains("they fight"));
    // Who edits one of them says that it is to begin anew.
    let mut edited = one.clone();
    edited.severity = crate::spec::policy::Severity::Critical;
    stage.set = set(&[&edited]);
    stage.host.processes = vec![(200, true, Some("web"))];
    assert!(stage.turn(100).1.contains(&"PolicyActed Acted".to_owned()));
}

#[test]
fn one_that_is_left_alone_is_not_looked_at() {
    let mut stage = Stage::new(&[&policy("p"), &policy("q")], &[]);
    stage.turn(5);
    let until = Some(WallTime(Duration::from_secs(1_000_050)));
    let (by, reason) = ("ann".into(), "moving".into());
    let suspension = Suspension { by, at: WallTime::default(), reason, until, others: Vec::new() };
    stage.policies.suspend(&BTreeSet::from([name("p"), name("unknown")]), Some(&suspension));
    stage.host.processes = vec![(7, true, None)];
    let (turn, _) = stage.turn(10);
    assert!(turn.events.iter().all(|event| event.object == Some(name("q"))), "{:?}", turn.events);
    assert_eq!(turn.next, Some(BootTime(Duration::from_secs(50))), "then it is looked at again");
    let status = &stage.policies.status()[0];
    assert_eq!(status.suspended.as_ref().unwrap().by, "ann");
    // It survives the engine, and ends by itself.
    stage.policies = Policies::new(boot(), stage.host.kept.clone());
    assert!(stage.turn(20).1.is_empty());
    assert_eq!(stage.turn(50).1, ["Violated Violated", "PolicyActed Acted"]);
    // Or by a word.
    stage.policies.suspend(&BTreeSet::from([name("q")]), Some(&suspension));
    stage.policies.suspend(&BTreeSet::from([name("q")]), None);
    stage.turn(51);
    assert_eq!(stage.policies.status()[1].suspended, None);
}

#[test]
fn a_document_with_another_meaning_begins_anew_but_for_its_limit() {
    let mut one = policy("p");
    let mut stage = Stage::new(&[&one], &[(7, true, None)]);
    stage.turn(10);
    // Another line of the file is the same document.
    one.origin.line = 9;
    stage.set = set(&[&one]);
    assert!(stage.turn(11).1.is_empty());
    one.severity = crate::spec::policy::Severity::Critical;
    stage.set = set(&[&one]);
    assert_eq!(stage.turn(12).1, ["Violated Violated", "PolicyWithheld Limit"]);
    // Out of sight for a while, as with a directory that can't be read: the limit stays.
    stage.set = set(&[]);
    assert!(stage.turn(13).1.is_empty() && stage.policies.status().is_empty());
    stage.set = set(&[&one]);
    assert_eq!(stage.turn(14).1, Vec::<String>::new());
    assert_eq!(stage.turn(71).1, ["PolicyActed Acted"]);
}

#[test]
fn what_lasts_is_looked_at_in_time_and_what_had_begun_is_told_when_it_ends() {
    let mut one = policy("p");
    one.lasting = Lasting::Time(Duration::from_secs(30));
    let mut stage = Stage::new(&[&one], &[(7, true, None)]);
    let (turn, told) = stage.turn(10);
    assert!(told.is_empty());
    assert_eq!(turn.next, Some(BootTime(Duration::from_secs(40))));
    assert_eq!(stage.turn(40).1, ["Violated Violated", "PolicyActed Acted"]);
    let process = Some(ProcessKey { boot: boot(), pid: Pid(7), start: StartTicks(1) });
    let outcome = Ok("it is gone".into());
    stage.host.ends = vec![Began { policy: name("p"), process, action: PolicyAction::Stop, outcome }];
    let (turn, told) = stage.turn(41);
    assert_eq!(told, ["PolicyActed Ended"]);
    assert_eq!(turn.events[0].message, "`stop` has ended: it is gone");
    assert_eq!(turn.events[0].kind, EventKind::PolicyActed);
}

#[test]
fn a_flood_of_violations_is_told_in_short() {
    let mut one = policy("p");
    one.actions = vec![PolicyAction::Report];
    let crowd: Vec<(i32, bool, Option<&'static str>)> = (10..510).map(|pid| (pid, true, None)).collect();
    let mut stage = Stage::new(&[&one], &crowd);
    let (turn, _) = stage.turn(10);
    assert_eq!(turn.events.len(), 65);
    assert_eq!(turn.events[64].message, "436 more of this look are not written down");
    assert_eq!((stage.policies.status()[0].violating, stage.policies.status()[0].processes.len()), (500, 20));
}

#[test]
fn what_policies_would_do_now_changes_nothing() {
    let mut stage = Stage::new(&[&policy("p")], &[(7, true, None), (1, true, None)]);
    stage.turn(10);
    let kept = stage.host.kept.clone();
    let question = Question {
        policies: &stage.set.policies,
        memory: &stage.memory,
        verify: true,
        wanted: &BTreeSet::new(),
        now: BootTime::default(),
    };
    let looks = stage.host.look(&question);
    let now = stage.host.moment();
    let fresh = preview(&stage.set.policies, &looks, &KeptPolicies::default(), now);
    let steps: Vec<_> = fresh[0]
        .steps
        .iter()
        .map(|step| step.withheld.as_ref().map(crate::plan::policy::Withheld::word))
        .collect();
    assert_eq!(steps, [None, Some("Spared")]);
    let again = preview(&stage.set.policies, &looks, &kept, now);
    assert!(again[0].steps.is_empty() && again[0].violated, "it was dealt with");
}
