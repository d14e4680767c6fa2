//! The door of policies to this host.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::host::{Began, PolicyHost, Question};
use super::looking::{Looking, Occasion, Owners, Scene};
use super::still::still;
use crate::host::conditions::Conditions;
use crate::host::linux::LinuxHost;
use crate::host::policy::{self, Ended};
use crate::host::table::Mark;
use crate::host::{Host as _, policies_file};
use crate::plan::policy::{KeptPolicies, PolicyLook, PolicyStep};
use crate::spec::ServiceName;
use crate::spec::policy::Policy;
use crate::units::{BootTime, Now};

/// What is known of processes from look to look, on behalf of policies.
#[derive(Debug)]
pub struct Onlooker {
    looking: Looking,
    /// How far what was told of processes was taken into account.
    mark: Option<Mark>,
    conditions: Conditions,
    owners: Owners,
}

impl Onlooker {
    /// Nothing yet; plugins come from where the host has them.
    pub fn new(host: &LinuxHost) -> Self {
        let conditions = Conditions::new(Rc::clone(host.shelf()));
        Self { looking: Looking::default(), mark: None, conditions, owners: Owners::default() }
    }

    /// Processes that looks found to be others without having been told.
    pub(in crate::engine) fn untold(&self) -> u64 {
        self.looking.untold()
    }

    /// What plugins said in looks since this was last asked, a line each.
    pub fn take_said(&self) -> Vec<String> {
        self.conditions.take_said()
    }
}

/// This host, with what was seen of it.
#[derive(Debug)]
pub struct OnLinux<'a> {
    /// The host that acts.
    pub host: &'a mut LinuxHost,
    /// What was seen.
    pub onlooker: &'a mut Onlooker,
}

impl PolicyHost for OnLinux<'_> {
    fn moment(&self) -> Now {
        self.host.now()
    }

    fn look(&mut self, question: &Question<'_>) -> BTreeMap<ServiceName, PolicyLook> {
        let Onlooker { looking, mark, conditions, owners } = &mut *self.onlooker;
        *owners = Owners::of_memory(question.memory);
        // Before the look: what happens while it is made is looked at again.
        let (changed, now) = self.host.changed_since(*mark);
        *mark = Some(now);
        let world = self.host.look_anew();
        let scene = Scene { world: &world, conditions, owners };
        let occasion = Occasion {
            changed,
            told: self.host.table().is_told(),
            verify: question.verify,
            wanted: question.wanted.clone(),
            now: question.now,
        };
        looking.look(question.policies, &scene, &occasion)
    }

    fn next_look(&self) -> Option<BootTime> {
        self.onlooker.looking.next()
    }

    fn noticed(&self) -> bool {
        self.host.table().is_told()
    }

    fn keep(&mut self, kept: &KeptPolicies) -> Result<(), String> {
        policies_file::write(self.host.dirs(), kept)
    }

    fn carry_out(&mut self, policy: &Policy, step: &PolicyStep) -> Result<String, String> {
        let Onlooker { conditions, owners, .. } = &*self.onlooker;
        let message = step.shown.message.as_deref().unwrap_or(&step.because);
        let occasion = policy::Occasion {
            policy,
            message,
            still: &|policy, world, key| still(policy, (world, conditions, owners), key),
        };
        match self.host.act_for_policy(step, occasion) {
            Ok(done) => Ok(done.to_string()),
            Err(why) => Err(why.to_string()),
        }
    }

    fn go_on(&mut self, in_force: &BTreeMap<ServiceName, Arc<Policy>>) -> Vec<Began> {
        let Onlooker { conditions, owners, .. } = &*self.onlooker;
        let ended = self.host.go_on_for_policies(in_force, &|policy, world, key| {
            still(policy, (world, conditions, owners), key)
        });
        ended.into_iter().map(began).collect()
    }
}

fn began(ended: Ended) -> Began {
    let Ended { policy, process, action, outcome } = ended;
    Began { policy, process, action, outcome: outcome.map_err(|why| why.to_string()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::host::state_dir::Dirs;
    use crate::plan::memory::Memory;
    use crate::spec::Expression;

    #[test]
    fn a_forbidden_program_is_seen_as_it_begins_and_as_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let forbidden = at("forbidden");
        crate::host::testing::copied("/bin/sleep", &forbidden);
        let mut host = LinuxHost::observer(&Dirs { run: at("run"), lib: at("lib"), log: at("log") }).unwrap();
        host.listen_to_processes(true);
        if let Some(why) = host.table().deaf() {
            eprintln!("SKIPPED: {why}");
            return;
        }
        let name = ServiceName::new("forbidden").unwrap();
        let mut policy = Policy::new(name.clone());
        policy.subject = Some(Expression::new(format!("exe == \"{}\"", forbidden.display())));
        policy.every = Duration::from_hours(1);
        let policies = BTreeMap::from([(name.clone(), Arc::new(policy))]);
        let mut onlooker = Onlooker::new(&host);
        let memory = Memory::new(host.boot().clone());
        let mut look = |host: &mut LinuxHost| {
            let (wanted, now) = (BTreeSet::new(), host.now().boot);
            let question =
                Question { policies: &policies, memory: &memory, verify: false, wanted: &wanted, now };
            let looks = OnLinux { host, onlooker: &mut onlooker }.look(&question);
            looks
                .get(&name)
                .map(|look| look.subjects.iter().map(|subject| subject.key.pid.0).collect::<Vec<_>>())
        };
        let end = host.now().boot.after(Duration::from_mins(1));
        let mut until = |host: &mut LinuxHost, wanted: &[i32]| {
            while look(host).is_none_or(|pids| pids != wanted) {
                assert!(host.now().boot < end, "never seen: {wanted:?}");
                host.wait(Some(end)).unwrap();
            }
        };
        until(&mut host, &[]);
        let mut child = std::process::Command::new(&forbidden).arg("1000").spawn().unwrap();
        until(&mut host, &[i32::try_from(child.id()).unwrap()]);
        child.kill().unwrap();
        child.wait().unwrap();
        until(&mut host, &[]);
    }
}
