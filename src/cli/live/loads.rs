//! CPU and memory of instances, from one refresh to the next.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::usage;
use crate::plan::status::ServiceStatus;
use crate::report::live::Load;
use crate::spec::ServiceName;
use crate::units::{BootTime, Pid, StartTicks};

/// What was seen at the refresh before.
#[derive(Debug, Default)]
pub(super) struct Loads {
    before: BTreeMap<(Pid, StartTicks), Duration>,
    at: BootTime,
}

impl Loads {
    /// What the instances of these objects take now.
    pub(super) fn of(
        &mut self,
        objects: &[ServiceStatus],
        now: BootTime,
    ) -> BTreeMap<(ServiceName, u32), Load> {
        let mut keys = BTreeMap::new();
        for service in objects {
            for instance in &service.instances {
                if let (Some(pid), Some(start)) = (instance.pid, instance.start_ticks) {
                    keys.insert((service.name.clone(), instance.index), (pid, start));
                }
            }
        }
        let usage = usage::of(&keys.values().copied().collect::<Vec<_>>());
        let passed = now.since(self.at);
        let loads = keys.into_iter().filter_map(|(row, key)| {
            let used = usage.get(&key)?;
            let cpu = self.before.get(&key).map(|before| share(used.cpu.saturating_sub(*before), passed));
            Some((row, Load { cpu, memory: used.memory }))
        });
        let loads = loads.collect();
        self.before = usage.into_iter().map(|(key, used)| (key, used.cpu)).collect();
        self.at = now;
        loads
    }
}

/// In percent of one CPU.
fn share(used: Duration, passed: Duration) -> f64 {
    if passed.is_zero() { 0.0 } else { 100.0 * used.as_secs_f64() / passed.as_secs_f64() }
}
