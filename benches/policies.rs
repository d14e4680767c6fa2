//! What policies cost and how soon they notice, on this host as it is: processes, the kernel's events, the looks.
//!
//! `cargo bench --bench policies` as root in the initial namespaces, where the kernel tells what processes do; elsewhere only the
//! looks by time are measured. All processes that it starts it ends, by their ids. `POLICIES_SCALE=10` makes it ten times
//! smaller.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench that can't go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use selfsame::engine::policy::looking::{Looking, Occasion, Owners, Scene};
use selfsame::facts::{Fact, ProcessKey};
use selfsame::host::conditions::Conditions;
use selfsame::host::linux::LinuxHost;
use selfsame::host::shelf::Shelf;
use selfsame::host::signal::signal_verified;
use selfsame::host::state_dir::Dirs;
use selfsame::host::table::Changed;
use selfsame::host::{Host as _, clock};
use selfsame::plan::memory::Memory;
use selfsame::plan::policy::PolicyLook;
use selfsame::plan::{QuestionHints, questions};
use selfsame::spec::policy::Policy;
use selfsame::spec::{Expression, Service, ServiceName, SpecSet};
use selfsame::units::{BootTime, Signal};

type Policies = BTreeMap<ServiceName, Arc<Policy>>;

fn policy(name: &str, subject: &str, when: Option<&str>) -> (ServiceName, Arc<Policy>) {
    let name = ServiceName::new(name).unwrap();
    let mut policy = Policy::new(name.clone());
    policy.subject = Some(Expression::new(subject));
    policy.when = when.map(Expression::new);
    (name, Arc::new(policy))
}

/// The forbidden program, and as many others as asked for: forbidden programs, who runs what, memory of some, arguments.
fn policies(forbidden: &Path, count: usize) -> Policies {
    let path = forbidden.display();
    let mut all: Policies = [policy("forbidden", &format!("exe == \"{path}\""), None)].into();
    all.extend((1..count).map(|number| {
        let name = format!("policy-{number:03}");
        match number % 5 {
            0 => policy(&name, &format!("exe == \"/usr/bin/tool-{number}\""), None),
            1 => policy(&name, &format!("comm == \"daemon-{number}\""), Some("rss > 1GiB")),
            2 => policy(&name, &format!("user == \"nobody\" && comm == \"tool-{number}\""), None),
            3 => policy(&name, &format!("runs(\"/usr/sbin/daemon-{number}\")"), Some("fds > 500")),
            _ => policy(
                &name,
                &format!("comm == \"java\" && argv contains \"--app={number}\""),
                Some("rss > 2GiB"),
            ),
        }
    }));
    all
}

/// Processes that do nothing.
struct Crowd(Vec<Child>);

impl Crowd {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| quiet("/bin/sleep", "3600")).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn quiet(program: impl AsRef<std::ffi::OsStr>, argument: &str) -> Child {
    Command::new(program).arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// Waiting and looking as the loop of `watch` does, without services.
struct Watcher {
    host: LinuxHost,
    conditions: Conditions,
    looking: Looking,
    owners: Owners,
    policies: Policies,
    mark: Option<selfsame::host::table::Mark>,
    told: bool,
}

impl Watcher {
    fn new(policies: Policies, dir: &Path, listen: bool) -> Self {
        let dirs = Dirs { run: dir.join("run"), lib: dir.join("lib"), log: dir.join("log") };
        let mut host = LinuxHost::observer(&dirs).unwrap();
        if listen {
            host.listen_to_processes(true);
        }
        let told = host.table().is_told();
        Self {
            host,
            conditions: Conditions::new(Rc::new(Shelf::default())),
            looking: Looking::default(),
            owners: Owners::default(),
            policies,
            mark: None,
            told,
        }
    }

    fn look(&mut self, verify: bool) -> BTreeMap<ServiceName, PolicyLook> {
        let (changed, mark) = self.host.changed_since(self.mark);
        self.mark = Some(mark);
        // Where nobody tells, looks are due by time.
        let changed = if self.told || self.looking.processes() == 0 {
            changed
        } else {
            Changed::These(BTreeSet::new())
        };
        let world = self.host.look_anew();
        let scene = Scene { world: &world, conditions: &self.conditions, owners: &self.owners };
        let occasion =
            Occasion { changed, told: self.told, verify, wanted: BTreeSet::new(), now: clock::now().boot };
        self.looking.look(&self.policies, &scene, &occasion)
    }

    /// Until `end` is true: violations of the forbidden program are ended and noted.
    fn act(&mut self, end: &AtomicBool, seen: &Mutex<BTreeSet<ProcessKey>>, kill: bool) {
        while !end.load(Ordering::Relaxed) {
            let looks = self.look(false);
            for subject in
                looks.get(&ServiceName::new("forbidden").unwrap()).into_iter().flat_map(|look| &look.subjects)
            {
                if seen.lock().unwrap().insert(subject.key.clone()) && kill {
                    let _ = signal_verified(&subject.key, Signal::KILL, || Fact::Known(true));
                }
            }
            let now = self.host.now().boot;
            let soon = now.after(Duration::from_millis(500));
            let until = self.looking.next().map_or(soon, |next| next.min(soon));
            self.host.wait(Some(until)).unwrap();
        }
    }
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

/// CPU time of this thread since then.
fn spent(since: Duration) -> Duration {
    cpu().saturating_sub(since)
}

fn quantile(sorted: &[Duration], part: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    let at = ((sorted.len() - 1) as f64 * part).round() as usize;
    sorted[at]
}

/// From just before the fork of a forbidden program to its end, as its parent sees it.
fn exec_to_action(dir: &Path, forbidden: &Path, crowd: usize, runs: usize) {
    let _crowd = Crowd::new(crowd);
    let (end, seen) = (AtomicBool::new(false), Mutex::new(BTreeSet::new()));
    let mut took = Vec::new();
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut watcher = Watcher::new(policies(forbidden, 200), dir, true);
            watcher.act(&end, &seen, true);
            watcher.told
        });
        std::thread::sleep(Duration::from_secs(2));
        for _ in 0..runs {
            let began = Instant::now();
            quiet(forbidden, "20").wait().unwrap();
            took.push(began.elapsed());
            std::thread::sleep(Duration::from_millis(20));
        }
        end.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap(), "the kernel tells");
    });
    took.sort();
    println!(
        "exec to action, 200 policies, {crowd} processes, {runs} runs: median {:?}, p99 {:?}, max {:?}",
        quantile(&took, 0.5),
        quantile(&took, 0.99),
        quantile(&took, 1.0)
    );
}

/// Short processes on two threads, and violations that live for a tenth of a second among them.
fn storm(dir: &Path, forbidden: &Path, count: usize, hidden: usize) {
    let (end, seen) = (AtomicBool::new(false), Mutex::new(BTreeSet::new()));
    let made = AtomicUsize::new(0);
    let mut pids = BTreeSet::new();
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut watcher = Watcher::new(policies(forbidden, 200), dir, true);
            let before = cpu();
            watcher.act(&end, &seen, false);
            (watcher.host.table().counts(), spent(before))
        });
        std::thread::sleep(Duration::from_secs(1));
        let began = Instant::now();
        let storms: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while made.fetch_add(1, Ordering::Relaxed) < count {
                        quiet("/bin/true", "x").wait().unwrap();
                    }
                })
            })
            .collect();
        let mut children = Vec::new();
        while pids.len() < hidden {
            if made.load(Ordering::Relaxed) >= pids.len() * count / hidden {
                let child = quiet(forbidden, "0.1");
                pids.insert(i32::try_from(child.id()).unwrap());
                children.push(child);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        for child in &mut children {
            drop(child.wait());
        }
        for storm in storms {
            storm.join().unwrap();
        }
        let took = began.elapsed();
        std::thread::sleep(Duration::from_millis(200));
        end.store(true, Ordering::Relaxed);
        let ((told, overruns), cpu) = watcher.join().unwrap();
        let seen: BTreeSet<i32> = seen.lock().unwrap().iter().map(|key| key.pid.0).collect();
        let missed = pids.difference(&seen).count();
        println!(
            "storm: {count} processes in {took:.1?}, {told} events, {overruns} overruns, CPU of the watcher {cpu:.1?}; of {hidden} \
             violations of 0.1 s {missed} missed"
        );
        assert_eq!(missed, 0);
    });
}

/// CPU with nothing happening, and of one look at everybody.
fn idle(dir: &Path, forbidden: &Path, crowd: usize, seconds: u64) {
    let _crowd = Crowd::new(crowd);
    for listen in [true, false] {
        let mut watcher = Watcher::new(policies(forbidden, 200), dir, listen);
        let _ = watcher.look(false);
        let (before, began) = (cpu(), Instant::now());
        let end = clock::now().boot.after(Duration::from_secs(seconds));
        while clock::now().boot < end {
            let until = watcher.looking.next().map_or(end, |next: BootTime| next.min(end));
            watcher.host.wait(Some(until)).unwrap();
            let _ = watcher.look(false);
        }
        let part = (spent(before)).as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
        let how = if watcher.told { "events" } else { "a look every 5 s" };
        println!("idle, 200 policies, {crowd} processes, {how}: {part:.2} % of a core");
    }
    let (mut verified, mut whole) = (Vec::new(), Vec::new());
    let mut watcher = Watcher::new(policies(forbidden, 200), dir, true);
    let _ = watcher.look(false);
    for _ in 0..8 {
        let before = cpu();
        let _ = watcher.look(true);
        verified.push(spent(before));
        watcher.looking = Looking::default();
        let before = cpu();
        let _ = watcher.look(false);
        whole.push(spent(before));
    }
    verified.sort();
    whole.sort();
    println!(
        "one verification {:.1?} of CPU, one scan for all policies {:.1?}",
        quantile(&verified, 0.5),
        quantile(&whole, 0.5)
    );
}

/// A look for one service that doesn't run, the whole one and the one that goes on from it.
fn look_for_a_service(dir: &Path, crowd: usize) {
    let _crowd = Crowd::new(crowd);
    let dirs = Dirs { run: dir.join("run"), lib: dir.join("lib"), log: dir.join("log") };
    let mut host = LinuxHost::observer(&dirs).unwrap();
    host.listen_to_processes(false);
    let name = ServiceName::new("web").unwrap();
    let service = Service::new(name.clone(), "/usr/bin/perl".into());
    let set = SpecSet { services: [(name, service.into())].into(), ..SpecSet::default() };
    let memory = Memory::new(host.boot().clone());
    let (mut whole, mut going_on) = (Vec::new(), Vec::new());
    for round in 0..20 {
        let full = round % 2 == 0;
        let asked = questions(&set, &memory, host.now(), QuestionHints { full });
        let before = cpu();
        let _ = host.observe(&asked);
        if full { whole.push(spent(before)) } else { going_on.push(spent(before)) }
    }
    whole.sort();
    going_on.sort();
    println!(
        "a look for one service, {crowd} processes: whole {:.1?} of CPU, going on from the last {:.1?}",
        quantile(&whole, 0.5),
        quantile(&going_on, 0.5)
    );
}

fn main() {
    let scale: usize = std::env::var("POLICIES_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policies");
    std::fs::create_dir_all(&dir).unwrap();
    let forbidden = dir.join("forbidden");
    std::fs::copy("/bin/sleep", &forbidden).unwrap();
    let probe = Watcher::new(Policies::new(), &dir, true);
    let told = probe.told;
    drop(probe);
    if told {
        exec_to_action(&dir, &forbidden, 2_000 / scale, 500 / scale);
        storm(&dir, &forbidden, 50_000 / scale, 100 / scale);
    } else {
        println!("the kernel tells nothing here: as root in the initial namespaces it does");
    }
    idle(&dir, &forbidden, 5_000 / scale, 30);
    look_for_a_service(&dir, 5_000 / scale);
}
