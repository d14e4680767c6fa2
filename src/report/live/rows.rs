//! The rows of the table: one an instance, one an object without instances.

use super::{Load, Snapshot};
use crate::plan::status::{InstanceStatus, PhaseWord, ServiceStatus};
use crate::report::status::{ago, note, phase_word, remarkable_conditions};
use crate::spec::ServiceName;
use crate::units::format_size;

/// Which row: it stays the same one while others come and go.
pub(super) type RowKey = (ServiceName, u32);

/// A row.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Row {
    pub(super) key: RowKey,
    pub(super) phase: PhaseWord,
    /// NAME, PHASE, PID, CPU, MEMORY, SINCE, RESTARTS.
    pub(super) cells: [String; 7],
    /// The conditions that are not as they should be.
    pub(super) conditions: String,
    pub(super) note: String,
}

/// The rows of all objects whose name, phase or note has the filter in it.
pub(super) fn rows(snapshot: &Snapshot, filter: &str) -> Vec<Row> {
    let wanted = filter.to_lowercase();
    let fits = |row: &Row| {
        let [name, phase, ..] = &row.cells;
        [name, phase, &row.note].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    snapshot.objects.iter().flat_map(|service| of(service, snapshot)).filter(fits).collect()
}

fn of(service: &ServiceStatus, snapshot: &Snapshot) -> Vec<Row> {
    if service.instances.is_empty() {
        let name = service.name.to_string();
        let phase = phase_word(service.phase).to_owned();
        let empty = String::new;
        return vec![Row {
            key: (service.name.clone(), 0),
            phase: service.phase,
            cells: [name, phase, empty(), empty(), empty(), empty(), empty()],
            conditions: remarkable_conditions(service),
            note: note(service),
        }];
    }
    service.instances.iter().map(|instance| of_instance(service, instance, snapshot)).collect()
}

fn of_instance(service: &ServiceStatus, instance: &InstanceStatus, snapshot: &Snapshot) -> Row {
    let many = service.instances.len() > 1;
    let key = (service.name.clone(), instance.index);
    let load = snapshot.loads.get(&key);
    let first = !many || service.instances.first().is_some_and(|first| first.index == instance.index);
    Row {
        phase: instance.phase,
        cells: [
            if many { format!("{}[{}]", service.name, instance.index) } else { service.name.to_string() },
            phase_word(instance.phase).to_owned(),
            instance.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            load.and_then(|load| load.cpu).map(|cpu| format!("{cpu:.1}%")).unwrap_or_default(),
            load.map(memory).unwrap_or_default(),
            instance.since.map(|since| ago(since, snapshot.now)).unwrap_or_default(),
            instance.restarts.to_string(),
        ],
        conditions: if first { remarkable_conditions(service) } else { String::new() },
        note: if first { note(service) } else { String::new() },
        key,
    }
}

/// In whole units, as nobody reads further.
fn memory(load: &Load) -> String {
    let unit = if load.memory >= 10 << 20 { 1 << 20 } else { 1 << 10 };
    format_size(load.memory / unit * unit)
}
