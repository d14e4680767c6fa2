//! What policies would do now, for whoever only looks: a host, a snapshot, a host on which nothing runs.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::looking::{Owners, Scene, look_for};
use super::standing;
use crate::host::conditions::Conditions;
use crate::host::imagined::{NothingRuns, SnapshotHost};
use crate::host::linux::{LinuxHost, NearMiss};
use crate::host::policies_file;
use crate::plan::memory::Suspension;
use crate::plan::policy::{KeptPolicies, PolicyLook, PolicyStep, decide, meaning};
use crate::plugin;
use crate::process::vocabulary::ProcessVocabulary;
use crate::process::world::World as _;
use crate::spec::ServiceName;
use crate::spec::policy::Policy;
use crate::units::{Now, Pid};

type Looks = BTreeMap<ServiceName, PolicyLook>;

/// Whoever can look on behalf of policies without acting.
pub trait PolicyEye {
    /// One look at everybody.
    fn look_for(&self, policies: &BTreeMap<ServiceName, Arc<Policy>>, owners: &Owners, now: Now) -> Looks;

    /// What a watch has written down of them. Without any, everything is seen for the first time.
    fn kept(&self) -> KeptPolicies;
}

impl PolicyEye for LinuxHost {
    fn look_for(&self, policies: &BTreeMap<ServiceName, Arc<Policy>>, owners: &Owners, now: Now) -> Looks {
        let conditions = Conditions::new(Rc::clone(self.shelf()));
        let world = self.look_anew();
        look_for(policies, &Scene { world: &world, conditions: &conditions, owners }, now.boot)
    }

    fn kept(&self) -> KeptPolicies {
        let kept = policies_file::read(self.dirs()).unwrap_or_default();
        if kept.boot.as_ref() == Some(self.boot()) { kept } else { KeptPolicies::default() }
    }
}

impl PolicyEye for SnapshotHost {
    fn look_for(&self, policies: &BTreeMap<ServiceName, Arc<Policy>>, owners: &Owners, now: Now) -> Looks {
        let conditions = Conditions::new(Rc::clone(self.shelf()));
        look_for(policies, &Scene { world: self.world(), conditions: &conditions, owners }, now.boot)
    }

    fn kept(&self) -> KeptPolicies {
        KeptPolicies::default()
    }
}

impl<H> PolicyEye for NothingRuns<H> {
    /// Nobody is there, and that is sure.
    fn look_for(&self, policies: &BTreeMap<ServiceName, Arc<Policy>>, _: &Owners, _: Now) -> Looks {
        let nobody = || PolicyLook { complete: true, ..PolicyLook::default() };
        policies.keys().map(|name| (name.clone(), nobody())).collect()
    }

    fn kept(&self) -> KeptPolicies {
        KeptPolicies::default()
    }
}

/// Processes that only just aren't what a policy is about, in a look of its own. For people; nothing follows from them.
pub fn near_misses(host: &LinuxHost, policy: &Policy) -> Vec<NearMiss> {
    let Some(subject) = &policy.subject else { return Vec::new() };
    let conditions = Conditions::new(Rc::clone(host.shelf()));
    let world = host.look_anew();
    let plugins = plugin::Look::default();
    let vocabulary = ProcessVocabulary::new(&world);
    let subject = conditions.alone(subject, &world, &plugins);
    let pids = world.pids().known().unwrap_or_else(|| world.visible_pids());
    let near = |pid: &Pid| {
        let (condition, values) = subject.near_miss(*pid, &vocabulary, &world, &plugins)?;
        Some(NearMiss { pid: *pid, condition, values })
    };
    pids.iter().filter_map(near).collect()
}

/// What a policy would do now.
#[derive(Clone, PartialEq, Debug)]
pub struct Foreseen {
    /// Which.
    pub policy: Arc<Policy>,
    /// What was seen.
    pub look: PolicyLook,
    /// What would be said and done.
    pub steps: Vec<PolicyStep>,
    /// Whether it counts as violated.
    pub violated: bool,
    /// It is left alone.
    pub suspended: Option<Suspension>,
}

/// What would follow from these looks. What is remembered is taken into account, and stays as it is: what a watch has dealt with
/// leads to nothing more.
pub fn preview(
    policies: &BTreeMap<ServiceName, Arc<Policy>>,
    looks: &Looks,
    kept: &KeptPolicies,
    now: Now,
) -> Vec<Foreseen> {
    let mut fights = kept.fights.clone();
    let foresee = |(name, policy): (&ServiceName, &Arc<Policy>)| {
        let one = kept.policies.get(name).filter(|one| one.meaning == meaning(policy));
        let mut memory = one.map(|one| one.memory.clone()).unwrap_or_default();
        let suspended =
            one.and_then(|one| one.suspension.clone()).or_else(|| standing::by_document(policy, now.wall));
        let look = looks.get(name).cloned().unwrap_or_default();
        let steps = match &suspended {
            Some(_) => Vec::new(),
            None => decide(policy, &look, &mut memory, &mut fights, now.boot).steps,
        };
        Foreseen { policy: Arc::clone(policy), look, steps, violated: memory.violated().is_some(), suspended }
    };
    policies.iter().map(foresee).collect()
}
