//! Many objects among many processes: what a look asks of the host grows with what there is, and not with objects times processes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::facts::Stat;
use crate::host::shelf::Shelf;
use crate::plan::memory::{Instance, Memory, Phase, Process, Record};
use crate::plan::{QuestionHints, launched, questions};
use crate::process::testing::TestWorld;
use crate::spec::SpecSet;
use crate::units::{BootTime, Now, WallTime};

/// A tenth of what is promised, in the same ratio: builds without optimisation are slow.
const OBJECTS: usize = 1_000;
const PROCESSES: usize = 3_000;
/// For each object and each process, in the mean: its image and who it is; the file of an object and its place.
const ASKED_OF_EACH: usize = 7;

/// A third of the objects has programs of its own, a third are scripts, a third is one program with many arguments.
fn object(number: usize) -> Service {
    let name = ServiceName::new(&format!("object-{number}")).unwrap();
    match number % 3 {
        0 => Service::new(name, format!("/srv/elf-{number}").into()),
        1 => Service::new(name, format!("/srv/script-{number}.py").into()),
        _ => Service {
            args: vec![format!("--port={number}")],
            ..Service::new(name, "/opt/node/bin/node".into())
        },
    }
}

/// As execve names a process.
fn name_of(path: &str) -> Bytes {
    let name = path.rsplit('/').next().unwrap_or_default().as_bytes();
    name.get(..15).unwrap_or(name).into()
}

struct Crowd {
    world: TestWorld,
    set: SpecSet,
    memory: Memory,
    next: i32,
}

impl Crowd {
    fn new() -> Self {
        let mut world = TestWorld::new();
        let mut set = SpecSet::default();
        for number in 0..OBJECTS {
            let spec = object(number);
            let path = spec.startas.to_string_lossy();
            if number % 3 == 0 {
                world.elf(&path);
            } else if number % 3 == 1 {
                world.script(&path, "#!/usr/bin/python3\n");
            }
            set.services.insert(spec.name.clone(), spec.into());
        }
        world.elf("/opt/node/bin/node");
        for number in 0..100 {
            world.elf(&format!("/usr/bin/tool-{number}"));
            world.script(&format!("/opt/stranger-{number}.py"), "#!/usr/bin/python3\n");
        }
        Self { world, set, memory: Memory::new(BootId("boot".into())), next: 100 }
    }

    fn start(&mut self, exe: &str, argv: &[&str]) -> i32 {
        self.next += 1;
        let process = self.world.start(self.next, 1, exe, argv);
        process.stat = process.stat.clone().map(|stat| Stat { comm: name_of(exe), ..stat });
        self.next
    }

    fn start_script(&mut self, script: &str) -> i32 {
        self.next += 1;
        let argv = ["/usr/bin/python3", script];
        let process = self.world.start_script(self.next, 1, "/usr/bin/python3.11", &argv, script);
        process.stat = process.stat.clone().map(|stat| Stat { comm: name_of(script), ..stat });
        self.next
    }

    /// Strangers until there are so many processes: programs, and scripts of an interpreter that objects use. None of them executes
    /// the program of many objects: each of these would ask each of those for its arguments.
    fn fill(mut self) -> Self {
        while self.world.procs.len() < PROCESSES {
            let one = self.next % 100;
            if self.next % 2 == 0 {
                self.start(&format!("/usr/bin/tool-{one}"), &["tool"]);
            } else {
                self.start_script(&format!("/opt/stranger-{one}.py"));
            }
        }
        self
    }

    /// All objects run, and are on record.
    fn running(mut self) -> Self {
        let specs: Vec<Arc<Service>> = self.set.services.iter().map(|(_, spec)| Arc::clone(spec)).collect();
        for spec in specs {
            let path = spec.startas.to_string_lossy().into_owned();
            let pid = match spec.args.first() {
                Some(port) => self.start(&path, &["node", port]),
                None if spec.startas.extension().is_some_and(|end| end == "py") => self.start_script(&path),
                None => self.start(&path, &[&path]),
            };
            let start = self.world.stat(Pid(pid)).known().unwrap().start;
            let process = Process {
                launched: Some(launched(&spec, None)),
                ..Process::bare(ProcessKey { boot: BootId("boot".into()), pid: Pid(pid), start })
            };
            let phase =
                Phase::Running { process, ready_since: BootTime::default(), probe_failures: 0, probed: None };
            let mut record = Record::new(Service::clone(&spec));
            record.instances.insert(0, Instance { phase, ..Instance::default() });
            self.memory.services.insert(spec.name.clone(), record.into());
        }
        self
    }

    /// Each object has a condition of its own that holds for its process.
    fn with_conditions(mut self) -> Self {
        let specs: Vec<Arc<Service>> = self.set.services.iter().map(|(_, spec)| Arc::clone(spec)).collect();
        for spec in specs {
            let text = match spec.args.first() {
                Some(port) => format!("argv[1] == \"{port}\""),
                None => format!("cmdline contains \"{}\"", spec.startas.display()),
            };
            let narrow = Some(crate::spec::Expression::new(&text));
            self.set.services.insert(spec.name.clone(), Service { narrow, ..Service::clone(&spec) }.into());
        }
        self
    }

    /// A complete look for all objects: how much was asked of the host, and the candidates of each object that has some.
    fn look(&self) -> (usize, BTreeMap<ServiceName, usize>) {
        let now = Now { boot: BootTime(std::time::Duration::from_secs(9)), wall: WallTime::default() };
        let asked = questions(&self.set, &self.memory, now, QuestionHints { full: true });
        assert_eq!(asked.services.values().filter(|question| question.look).count(), OBJECTS);
        let looker = looker();
        self.world.reads.set(0);
        let (plugins, pids) = (plugin::Look::default(), self.world.pid_list());
        let sight = Sight { world: &self.world, plugins: &plugins, pids: &pids };
        let (lists, mut bound) = looker.shortlists(&asked, &Shortlists::new(), sight, &|_| true);
        let mut found = BTreeMap::new();
        for (name, question) in &asked.services {
            let sight = Sight { pids: lists.get(name).unwrap(), ..sight };
            let (look, _) = looker.look(name, (&question.spec, bound.take(name)), &asked, sight);
            assert!(look.complete && look.unknown.is_empty(), "{name}: {look:?}");
            if !look.candidates.is_empty() {
                found.insert(name.clone(), look.candidates.len());
            }
        }
        (self.world.reads.get(), found)
    }
}

fn looker() -> Looker {
    Looker {
        boot: BootId("boot".into()),
        uid: Uid(0),
        gid: Gid(0),
        privileged: true,
        conditions: Conditions::new(Rc::new(Shelf::default())),
        run_dir: "/run/selfsame".into(),
        log_dir: "/log".into(),
        known_places: OnceCell::new(),
    }
}

#[test]
fn fault_71_a_look_asks_a_few_things_of_each_object_and_of_each_process() {
    let (first, found) = Crowd::new().fill().look();
    assert_eq!(found, BTreeMap::new());
    let (again, found) = Crowd::new().running().fill().look();
    assert_eq!(found, BTreeMap::new(), "what is on record is no candidate");
    let most = ASKED_OF_EACH * (OBJECTS + PROCESSES);
    assert!(first <= most && again <= most, "{first} and {again}, and the most is {most}");
}

/// Each process on record was asked a dozen things to find out that it is of the object that it is on record for.
#[test]
fn who_is_on_record_is_not_asked_for_conditions() {
    let most = ASKED_OF_EACH * (OBJECTS + PROCESSES);
    let (asked, found) = Crowd::new().with_conditions().running().fill().look();
    assert_eq!(found, BTreeMap::new(), "what is on record is no candidate");
    assert!(asked <= most, "{asked}, and the most is {most}");
}

#[test]
fn who_is_not_on_record_is_found_by_the_condition_as_well() {
    let mut crowd = Crowd::new().with_conditions().running();
    for port in ["--port=2", "--port=5", "--port=1"] {
        crowd.start("/opt/node/bin/node", &["node", port]);
    }
    crowd.start_script("/srv/script-4.py");
    let (_, found) = crowd.look();
    assert_eq!(found, [2, 4, 5].map(|number| (object(number).name, 1)).into());
}

#[test]
fn what_the_index_found_out_is_not_asked_again_and_would_be_answered_the_same() {
    let mut crowd = Crowd::new().with_conditions();
    let pid = Pid(crowd.start_script("/srv/script-4.py"));
    let crowd = crowd.fill();
    let now = Now { boot: BootTime(std::time::Duration::from_secs(9)), wall: WallTime::default() };
    let asked = questions(&crowd.set, &crowd.memory, now, QuestionHints { full: true });
    let (looker, plugins, pids) = (looker(), plugin::Look::default(), crowd.world.pid_list());
    let sight = Sight { world: &crowd.world, plugins: &plugins, pids: &pids };
    let (lists, mut bound) = looker.shortlists(&asked, &Shortlists::new(), sight, &|_| true);
    let spec = object(4);
    assert_eq!(lists.get(&spec.name), Some(&vec![pid]));
    let (found, reads) = (bound.take(&spec.name).unwrap(), &crowd.world.reads);
    let before = reads.get();
    assert_eq!((found.holds(pid), reads.get()), (Ternary::True, before));
    let spec = &asked.services.get(&spec.name).unwrap().spec;
    let anew =
        looker.conditions.bind(spec.narrow.as_ref().unwrap(), spec, &looker.places(), &crowd.world, &plugins);
    assert_eq!(anew.holds(pid), Ternary::True);
    assert!(reads.get() > before, "whoever asks it, reads");
    // The others aren't told of.
    assert_eq!(found.holds(Pid(i32::MAX)), anew.holds(Pid(i32::MAX)));
}
