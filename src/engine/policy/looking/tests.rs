//! Looks from moment to moment, each a snapshot, and the rule that what is carried from one to the next never shows.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Source;
use crate::host::shelf::Shelf;
use crate::process::snapshot::Snapshot;
use crate::spec::Expression;
use crate::units::{BootId, StartTicks};

/// A process: pid, start, parent, user, program, memory in MiB.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Proc(i32, u64, i32, &'static str, &'static str, u32);

const INIT: Proc = Proc(1, 1, 0, "root", "init", 8);

fn world(processes: &[Proc]) -> Snapshot {
    let mut text = "host:\n  now: 2026-03-01T12:00:00Z\n  boot: 2026-03-01T09:00:00Z\n  ticksPerSecond: 100\n  self: 90\n  \
        users: {root: 0, www: 33}\n  groups: {root: 0}\n  files:\n"
        .to_owned();
    for (number, program) in ["init", "nc", "web", "sh"].iter().enumerate() {
        let _ = writeln!(text, "    /bin/{program}: {{id: [1, {}], elf: true}}", 100 + number);
    }
    text.push_str("processes:\n");
    for Proc(pid, start, parent, user, program, memory) in processes {
        let number = ["init", "nc", "web", "sh"].iter().position(|known| known == program).unwrap();
        let _ = writeln!(
            text,
            "  - {{pid: {pid}, ppid: {parent}, startTicks: {start}, state: sleeping, user: {user}, group: root, comm: \
             {program}, exe: {{path: /bin/{program}, id: [1, {}], nlink: 1}}, argv: [{program}], rss: {memory}MiB, \
             unreadable: {{io: denied}}}}",
            100 + number
        );
    }
    Snapshot::parse(&Source::new("host.yaml", &*text)).unwrap()
}

fn policy(name: &str, subject: &str, when: Option<&str>) -> (ServiceName, Arc<Policy>) {
    let name = ServiceName::new(name).unwrap();
    let mut policy = Policy::new(name.clone());
    policy.subject = Some(Expression::new(subject));
    policy.when = when.map(Expression::new);
    (name, Arc::new(policy))
}

fn policies() -> BTreeMap<ServiceName, Arc<Policy>> {
    let rows = [
        ("argument", "argv[0] == \"nc\" && user == \"www\"", None),
        ("broad", "rss > 100MiB", None),
        ("by-chain", "runs(\"/bin/web\")", Some("rss > 50MiB")),
        ("either", "comm == \"nc\" || rss > 200MiB", None),
        ("forbidden", "exe == \"/bin/nc\"", None),
        ("hog", "user == \"www\"", Some("rss > 100MiB")),
        ("of-parent", "comm == \"sh\" && parent.comm == \"web\"", None),
        ("unreadable", "exe == \"/bin/web\"", Some("io.read_bytes > 1MiB")),
    ];
    rows.into_iter().map(|(name, subject, when)| policy(name, subject, when)).collect()
}

struct Stage {
    looking: Looking,
    conditions: Conditions,
    owners: Owners,
    policies: BTreeMap<ServiceName, Arc<Policy>>,
}

impl Stage {
    fn new() -> Self {
        Self {
            looking: Looking::default(),
            conditions: Conditions::new(Rc::new(Shelf::default())),
            owners: Owners::default(),
            policies: policies(),
        }
    }

    fn look(
        &mut self,
        world: &Snapshot,
        changed: Changed,
        seconds: u64,
    ) -> BTreeMap<ServiceName, PolicyLook> {
        let scene = Scene { world, conditions: &self.conditions, owners: &self.owners };
        let occasion = Occasion {
            changed,
            told: true,
            verify: false,
            wanted: BTreeSet::new(),
            now: BootTime(Duration::from_secs(seconds)),
        };
        self.looking.look(&self.policies, &scene, &occasion)
    }

    fn whole(&self, world: &Snapshot) -> BTreeMap<ServiceName, PolicyLook> {
        let scene = Scene { world, conditions: &self.conditions, owners: &self.owners };
        look_for(&self.policies, &scene, BootTime(Duration::from_secs(1)))
    }
}

/// `forbidden: 7 8?`, those that violate, those of which it isn't known with a question mark.
fn shown(looks: &BTreeMap<ServiceName, PolicyLook>) -> Vec<String> {
    let mark = |subject: &Subject| match subject.violates {
        Fact::Known(true) => Some(subject.key.pid.to_string()),
        Fact::Known(false) | Fact::Absent => None,
        Fact::Unknown(_) => Some(format!("{}?", subject.key.pid)),
    };
    let pids = |look: &PolicyLook| look.subjects.iter().filter_map(mark).collect::<Vec<_>>().join(" ");
    looks.iter().map(|(name, look)| format!("{name}: {}", pids(look))).collect()
}

fn these(pids: &[i32]) -> Changed {
    Changed::These(pids.iter().copied().map(Pid).collect())
}

#[test]
fn only_policies_that_something_was_told_for_are_answered() {
    let mut stage = Stage::new();
    let web = Proc(10, 100, 1, "www", "web", 60);
    let first = stage.look(&world(&[INIT, web.clone()]), Changed::Anything, 10);
    assert_eq!(first.len(), stage.policies.len(), "the first look is for all");
    assert_eq!(
        shown(&first),
        [
            "argument: ",
            "broad: ",
            "by-chain: 10",
            "either: ",
            "forbidden: ",
            "hog: ",
            "of-parent: ",
            "unreadable: 10?"
        ]
    );
    // It forks, and the child executes another program.
    let after = world(&[INIT, web.clone(), Proc(11, 200, 10, "www", "sh", 1)]);
    assert_eq!(shown(&stage.look(&after, these(&[11]), 11)), ["hog: ", "of-parent: 11"]);
    let after = world(&[INIT, web.clone(), Proc(11, 200, 10, "www", "nc", 1)]);
    assert_eq!(
        shown(&stage.look(&after, these(&[11]), 11)),
        ["argument: 11", "either: 11", "forbidden: 11", "of-parent: "]
    );
    assert!(stage.look(&after, these(&[]), 12).is_empty());
    // It is gone, and its number is another process' now.
    let after = world(&[INIT, web, Proc(11, 300, 10, "root", "web", 1)]);
    assert_eq!(
        shown(&stage.look(&after, these(&[11]), 12)),
        ["argument: ", "by-chain: 10", "either: ", "forbidden: ", "hog: ", "unreadable: 10? 11?"]
    );
    assert_eq!(
        shown(&stage.look(&world(&[INIT]), these(&[10, 11]), 13)),
        ["by-chain: ", "hog: ", "unreadable: "]
    );
}

#[test]
fn what_nobody_tells_is_seen_in_time() {
    let mut stage = Stage::new();
    let before = world(&[INIT, Proc(10, 100, 1, "www", "web", 60)]);
    let _ = stage.look(&before, Changed::Anything, 11);
    let after = world(&[INIT, Proc(10, 100, 1, "www", "web", 160)]);
    assert!(stage.look(&after, these(&[]), 14).is_empty(), "nobody told of it");
    assert_eq!(stage.looking.next(), Some(BootTime(Duration::from_secs(15))));
    let looks = stage.look(&after, these(&[]), 15);
    // Those that ask for nothing but what is told of aren't looked at.
    assert_eq!(
        shown(&looks),
        ["broad: 10", "by-chain: 10", "either: ", "hog: 10", "of-parent: ", "unreadable: 10?"]
    );
}

#[test]
fn a_verification_finds_what_was_not_told() {
    let mut stage = Stage::new();
    let _ = stage.look(&world(&[INIT]), Changed::Anything, 10);
    let after = world(&[INIT, Proc(10, 100, 1, "www", "nc", 1)]);
    let scene = Scene { world: &after, conditions: &stage.conditions, owners: &stage.owners };
    let occasion = Occasion {
        changed: these(&[]),
        told: true,
        verify: true,
        wanted: BTreeSet::new(),
        now: BootTime(Duration::from_secs(11)),
    };
    let looks = stage.looking.look(&stage.policies, &scene, &occasion);
    assert_eq!(shown(&looks), ["argument: 10", "either: 10", "forbidden: 10", "hog: "]);
    assert_eq!(stage.looking.untold(), 1);
}

#[test]
fn verifications_compare_more_than_pulses_every_two_minutes() {
    let mut stage = Stage::new();
    let there = world(&[INIT]);
    let mut at = |seconds: u64| {
        let scene = Scene { world: &there, conditions: &stage.conditions, owners: &stage.owners };
        let now = BootTime(Duration::from_secs(seconds));
        let occasion =
            Occasion { changed: these(&[]), told: true, verify: true, wanted: BTreeSet::new(), now };
        let _ = stage.looking.look(&stage.policies, &scene, &occasion);
        stage.looking.whole.unwrap().0.as_secs()
    };
    let times = [10, 40, 100, 130, 160, 249, 250];
    assert_eq!(times.map(&mut at), [10, 10, 10, 130, 130, 130, 250]);
}

#[test]
fn owners_and_the_spared_are_named() {
    let mut stage = Stage::new();
    let key = ProcessKey { boot: BootId("any".into()), pid: Pid(10), start: StartTicks(100) };
    let recycled = ProcessKey { boot: BootId("any".into()), pid: Pid(20), start: StartTicks(1) };
    let (web, other) = (ServiceName::new("web").unwrap(), ServiceName::new("other").unwrap());
    stage.owners = Owners::new([(key, web.clone()), (recycled, other)]);
    stage.policies = [policy("all", "pid > 0", None)].into();
    let looks = stage.whole(&world(&[
        INIT,
        Proc(10, 100, 1, "www", "web", 1),
        Proc(11, 200, 10, "www", "sh", 1),
        Proc(20, 300, 1, "www", "nc", 1),
        Proc(80, 20, 1, "root", "sh", 1),
        Proc(90, 30, 80, "root", "web", 1),
    ]));
    let look = looks.values().next().unwrap();
    let rows: Vec<(i32, Option<&str>, Option<&str>)> = look
        .subjects
        .iter()
        .map(|subject| (subject.key.pid.0, subject.owner.as_ref().map(ServiceName::as_str), subject.spared))
        .collect();
    assert_eq!(
        rows,
        [
            (1, None, Some("the first process")),
            (80, None, Some("an ancestor of selfsame")),
            (90, None, Some("selfsame itself")),
            (10, Some("web"), None),
            (11, Some("web"), None),
            (20, None, None),
        ],
        "the oldest first"
    );
}

fn process() -> impl Strategy<Value = Proc> {
    let who = prop::sample::select(vec!["root", "www"]);
    let what = prop::sample::select(vec!["nc", "web", "sh"]);
    (
        10..16i32,
        100..103u64,
        prop::sample::select(vec![1, 10, 11, 12]),
        who,
        what,
        prop::sample::select(vec![1, 60, 160, 260]),
    )
        .prop_map(|(pid, start, parent, who, what, memory)| {
            let parent = if parent < pid { parent } else { 1 };
            Proc(pid, start, parent, who, what, memory)
        })
}

fn moment() -> impl Strategy<Value = Vec<Proc>> {
    prop::collection::btree_map(10..16i32, process(), 0..5).prop_map(|processes| {
        let placed = processes.into_iter().map(|(pid, Proc(_, start, parent, who, what, memory))| {
            Proc(pid, start, if parent < pid { parent } else { 1 }, who, what, memory)
        });
        std::iter::once(INIT).chain(placed).collect()
    })
}

/// Whom something was told of: those that are others in what events tell of.
fn told(before: &[Proc], after: &[Proc]) -> BTreeSet<Pid> {
    let of = |moment: &[Proc]| -> BTreeMap<i32, (u64, &'static str, &'static str)> {
        moment.iter().map(|Proc(pid, start, _, who, what, _)| (*pid, (*start, *who, *what))).collect()
    };
    let (before, after) = (of(before), of(after));
    before
        .keys()
        .chain(after.keys())
        .filter(|pid| before.get(pid) != after.get(pid))
        .map(|pid| Pid(*pid))
        .collect()
}

/// Without what people are shown.
fn unshown(looks: &BTreeMap<ServiceName, PolicyLook>) -> BTreeMap<ServiceName, PolicyLook> {
    let mut looks = looks.clone();
    for subject in looks.values_mut().flat_map(|look| &mut look.subjects) {
        subject.shown = Shown::default();
    }
    looks
}

proptest! {
    #![proptest_config(crate::regressions::cases(64))]

    /// Five seconds apart, so that each moment is also one at which everything is due that nobody tells of.
    #[test]
    fn a_look_that_goes_on_sees_what_a_whole_look_sees(moments in prop::collection::vec(moment(), 1..6)) {
        let mut stage = Stage::new();
        let mut known: BTreeMap<ServiceName, PolicyLook> = BTreeMap::new();
        let mut before: Option<&Vec<Proc>> = None;
        for (number, moment) in (1..).zip(&moments) {
            let world = world(moment);
            let changed = before.map_or(Changed::Anything, |before| Changed::These(told(before, moment)));
            known.extend(stage.look(&world, changed, 5 * number));
            // What is shown of a process is of the look that found something otherwise for the policy.
            prop_assert_eq!(unshown(&known), unshown(&stage.whole(&world)), "moment {}", number);
            before = Some(moment);
        }
    }
}
