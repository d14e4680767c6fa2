//! Processes that only just aren't the service: what the identity rule finds when one of its conditions is left out.
//!
//! The rule itself is asked each time, so that what is said of a process is what the rule says of it.

use std::collections::BTreeSet;

use super::LinuxHost;
use crate::facts::Fact;
use crate::host::look::{Sight, wanted_user};
use crate::host::outside::outside;
use crate::plan::observation::Questions;
use crate::plugin;
use crate::process::exe::{self, Wanted};
use crate::process::identity;
use crate::process::world::World;
use crate::spec::{Service, ServiceName};
use crate::units::{Pid, Uid};

/// A process that fails one condition of the identity rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NearMiss {
    /// Which.
    pub pid: Pid,
    /// The condition, in the words of the document or of the language.
    pub condition: String,
    /// What it has instead: `user = "root"`.
    pub values: Vec<String>,
}

impl LinuxHost {
    /// The near misses of an object in a look of its own, by process id. Nothing follows from them; they are for people.
    pub fn near_misses(&self, name: &ServiceName, spec: &Service, questions: &Questions) -> Vec<NearMiss> {
        let world = self.world.again();
        let spec = &*outside(spec);
        let pids = world.pids().known().unwrap_or_else(|| world.visible_pids());
        let Ok(user) = wanted_user(spec, &world) else { return Vec::new() };
        let own: BTreeSet<Pid> = questions.recorded.of_object(name).map(|key| key.pid).collect();
        let places = self.looker.places();
        let plugins = plugin::Look::default();
        let sight = Sight { world: &world, plugins: &plugins, pids: &pids };
        let ask = |spec: &Service, user: Option<Uid>, scope_all: bool| {
            members(&self.looker.ask_in((spec, None), user, own.clone(), &places, sight, scope_all))
        };
        let exact = ask(spec, user, false);
        let mut found = Vec::new();
        let but_for = |wider: BTreeSet<Pid>| wider.difference(&exact).copied().collect::<Vec<Pid>>();
        if let Some(wanted) = user {
            let of_others = but_for(ask(spec, None, false));
            found.extend(of_others.into_iter().filter_map(|pid| other_user(pid, wanted, &world)));
        }
        if let Some(narrow) = &spec.narrow {
            let bound = self.looker.conditions.bind(narrow, spec, &places, &world, &plugins);
            let wider = ask(&Service { narrow: None, ..spec.clone() }, user, false);
            found.extend(but_for(wider).into_iter().filter_map(|pid| {
                let (condition, values) = bound.only_failure(pid)?;
                Some(NearMiss { pid, condition, values })
            }));
        }
        found.extend(but_for(ask(spec, user, true)).into_iter().map(|pid| NearMiss {
            pid,
            condition: "ns.pid == self.ns.pid".into(),
            values: vec!["it runs in a PID namespace of its own".into()],
        }));
        found.extend(self.look_alikes(spec, &exact, &own, user, &world, &pids));
        found.sort_by_key(|near| near.pid);
        found.dedup_by_key(|near| near.pid);
        found
    }

    /// Images with the name of the program that are other files: of a container, shadowed by a mount, moved aside.
    fn look_alikes(
        &self,
        spec: &Service,
        exact: &BTreeSet<Pid>,
        own: &BTreeSet<Pid>,
        user: Option<Uid>,
        world: &dyn World,
        pids: &[Pid],
    ) -> Vec<NearMiss> {
        use std::os::unix::ffi::OsStrExt as _;
        let wanted = Wanted::path(world, spec.startas.as_os_str().as_bytes());
        let is_of = |pid: Pid| match world.owner(pid) {
            Fact::Known((uid, _)) => uid == user.unwrap_or(self.looker.uid),
            Fact::Absent | Fact::Unknown(_) => false,
        };
        let strangers = pids.iter().copied().filter(|pid| !exact.contains(pid) && !own.contains(pid));
        strangers
            .filter(|pid| is_of(*pid) && exe::equal(world, *pid, &wanted).holds == Fact::Known(false))
            .filter_map(|pid| {
                let text = exe::near_miss(world, pid, &wanted)?;
                let text = text.strip_prefix("near miss: ").unwrap_or(&text).to_owned();
                Some(NearMiss { pid, condition: "exe == startas".into(), values: vec![text] })
            })
            .collect()
    }
}

/// All that a look counts as the service, workers and undecided ones among them.
fn members(look: &identity::Look) -> BTreeSet<Pid> {
    let candidates = look
        .candidates
        .iter()
        .flat_map(|candidate| std::iter::once(candidate.pid).chain(candidate.descendants.iter().copied()));
    candidates.chain(look.unknown.iter().map(|(pid, _)| *pid)).collect()
}

fn other_user(pid: Pid, wanted: Uid, world: &dyn World) -> Option<NearMiss> {
    let (uid, _) = world.owner(pid).known()?;
    let name = |uid: Uid| match world.user_name(uid) {
        Fact::Known(name) => format!("\"{name}\""),
        Fact::Absent | Fact::Unknown(_) => uid.to_string(),
    };
    Some(NearMiss {
        pid,
        condition: format!("user == {}", name(wanted)),
        values: vec![format!("user = {}", name(uid))],
    })
}
