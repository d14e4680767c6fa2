//! The statuses of all objects by name, which take little room while nothing changes: nearly all say the same but for names, numbers and moments.
//!
//! ```text
//! whole    "shop: its document is in force", process 4711 since ...          as it was made, until the next rest
//! packed   shop, [4711, ...]  --shape-->  "\u{1}: its document is in force"  one shape for all that are alike
//! ```

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::host::spawn::side_by_side;
use crate::plan::status::{InstanceStatus, ServiceStatus};
use crate::spec::{Origin, ServiceName};
use crate::units::{Pid, StartTicks, WallTime};

/// For fewer it isn't worth a thread.
const MANY: usize = 100;
/// More shapes than these aren't looked through for each object.
const SHAPES_MAX: usize = 32;
/// Where the name of the object stands in the messages of a shape.
const NAME: &str = "\u{1}";

/// The statuses of all objects, by name.
#[derive(Debug, Default)]
pub struct Statuses {
    // INVARIANT: names grow from row to row.
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    /// As it was made.
    Whole(Box<ServiceStatus>),
    Packed(Packed),
}

/// What is its own of a status, and the rest.
#[derive(Debug)]
struct Packed {
    name: ServiceName,
    source: Origin,
    /// What its process executes.
    exe: Option<Arc<str>>,
    /// Of its process: number, start and moment, as far as there are such. Then when each condition changed.
    numbers: Box<[u64]>,
    shape: Arc<ServiceStatus>,
}

impl Row {
    fn name(&self) -> &ServiceName {
        match self {
            Self::Whole(status) => &status.name,
            Self::Packed(packed) => &packed.name,
        }
    }

    /// What is as in the status but for names, numbers and moments.
    fn like(&self) -> &ServiceStatus {
        match self {
            Self::Whole(status) => status,
            Self::Packed(packed) => &packed.shape,
        }
    }

    fn status(&self) -> Cow<'_, ServiceStatus> {
        match self {
            Self::Whole(status) => Cow::Borrowed(status),
            Self::Packed(packed) => Cow::Owned(packed.whole()),
        }
    }

    fn status_mut(&mut self) -> &mut ServiceStatus {
        if let Self::Packed(packed) = self {
            *self = Self::Whole(Box::new(packed.whole()));
        }
        match self {
            Self::Whole(status) => status,
            // Just made whole; what is said of a shape would be said of a copy of its own.
            Self::Packed(packed) => Arc::make_mut(&mut packed.shape),
        }
    }
}

/// Half as large as the moment, which no clock of a host is beyond.
fn nanos(time: &mut WallTime) -> Option<u64> {
    u64::try_from(std::mem::take(time).0.as_nanos()).ok()
}

fn moment(nanos: u64) -> WallTime {
    WallTime(Duration::from_nanos(nanos))
}

impl Packed {
    /// Nothing where the status has more of its own than there is room for, as hardly any has.
    fn of(status: &ServiceStatus, shapes: &mut Shapes, last: Option<&Self>) -> Option<Self> {
        let mut shape = status.clone();
        if shape.task.is_some() || shape.next_attempt_ms.is_some() || shape.instances.len() > 1 {
            return None;
        }
        let name = std::mem::replace(&mut shape.name, shapes.name.clone());
        let source = std::mem::take(&mut shape.source);
        let (mut numbers, mut exe) = (Vec::new(), None);
        if let Some(InstanceStatus { pid, start_ticks, since, exe: own, says, .. }) =
            shape.instances.first_mut()
        {
            if !says.is_empty() {
                return None;
            }
            exe = own.take();
            numbers.extend(pid.as_mut().map(|pid| u64::from(std::mem::take(&mut pid.0).cast_unsigned())));
            numbers.extend(start_ticks.as_mut().map(|start| std::mem::take(&mut start.0)));
            if let Some(since) = since {
                numbers.push(nanos(since)?);
            }
        }
        for condition in &mut shape.conditions {
            if condition.message.contains(NAME) {
                return None;
            }
            condition.message = condition.message.replace(name.as_str(), NAME);
            numbers.push(nanos(&mut condition.last_transition_time)?);
        }
        let shape = shapes.shared(shape)?;
        let of_last = last.and_then(|last| last.exe.as_ref()).filter(|last| exe.as_deref() == Some(&***last));
        let exe = of_last.cloned().or_else(|| exe.map(Arc::from));
        Some(Self { name, source, exe, numbers: numbers.into(), shape })
    }

    /// The status that it was made of.
    fn whole(&self) -> ServiceStatus {
        let mut status = ServiceStatus {
            name: self.name.clone(),
            source: self.source.clone(),
            ..ServiceStatus::clone(&self.shape)
        };
        let mut numbers = self.numbers.iter().copied();
        let mut next = || numbers.next().unwrap_or_default();
        for instance in &mut status.instances {
            let InstanceStatus { pid, start_ticks, since, exe, .. } = instance;
            *exe = self.exe.as_deref().map(str::to_owned);
            *pid = pid.map(|_| Pid(u32::try_from(next()).unwrap_or_default().cast_signed()));
            *start_ticks = start_ticks.map(|_| StartTicks(next()));
            *since = since.map(|_| moment(next()));
        }
        for condition in &mut status.conditions {
            condition.message = condition.message.replace(NAME, self.name.as_str());
            condition.last_transition_time = moment(next());
        }
        status
    }
}

/// The shapes that there are.
struct Shapes {
    /// What the object of a shape is called: each needs a name.
    name: ServiceName,
    all: Vec<Arc<ServiceStatus>>,
}

impl Shapes {
    /// The one that others have as well, or this one from now on. Nothing where there are too many.
    fn shared(&mut self, shape: ServiceStatus) -> Option<Arc<ServiceStatus>> {
        if let Some(known) = self.all.iter().find(|known| ***known == shape) {
            return Some(Arc::clone(known));
        }
        (self.all.len() < SHAPES_MAX).then(|| {
            let shape = Arc::new(shape);
            self.all.push(Arc::clone(&shape));
            shape
        })
    }
}

impl Statuses {
    /// How many.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &ServiceName> {
        self.rows.iter().map(Row::name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, ServiceStatus>> {
        self.rows.iter().map(Row::status)
    }

    /// Their names, and what is as in the status of each but for names, numbers and moments: whoever asks for phases and conditions needs
    /// no more.
    pub fn alike(&self) -> impl Iterator<Item = (&ServiceName, &ServiceStatus)> {
        self.rows.iter().map(|row| (row.name(), row.like()))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.rows.binary_search_by(|row| row.name().as_str().cmp(name))
    }

    /// That of an object.
    pub fn get(&self, name: &str) -> Option<Cow<'_, ServiceStatus>> {
        self.rows.get(self.find(name).ok()?).map(Row::status)
    }

    /// Another one for an object that there is one of.
    pub fn replace(&mut self, status: ServiceStatus) {
        if let Some(row) = self.find(status.name.as_str()).ok().and_then(|at| self.rows.get_mut(at)) {
            *row = Row::Whole(Box::new(status));
        }
    }

    /// That of an object, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut ServiceStatus> {
        let at = self.find(name).ok()?;
        self.rows.get_mut(at).map(Row::status_mut)
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut ServiceStatus> {
        self.rows.iter_mut().map(Row::status_mut)
    }

    /// Forgets those of which this isn't so.
    pub fn retain(&mut self, keep: impl Fn(&ServiceName) -> bool) {
        self.rows.retain(|row| keep(row.name()));
    }

    /// Takes in statuses of objects that there were none of.
    pub fn add(&mut self, more: Vec<ServiceStatus>) {
        if more.is_empty() {
            return;
        }
        self.rows.reserve_exact(more.len());
        self.rows.extend(more.into_iter().map(|status| Row::Whole(Box::new(status))));
        self.rows.sort_by(|one, other| one.name().cmp(other.name()));
    }

    /// Nothing changes for a while. Few that did since the last time stay as they are.
    pub fn pack(&mut self) {
        let is_whole = |row: &&Row| matches!(row, Row::Whole(_));
        if self.rows.iter().filter(is_whole).count() < MANY {
            return;
        }
        // Anew by another thread, in whose memory they lie side by side.
        if let Some(rows) = side_by_side(|| packed(&self.rows)) {
            self.rows = rows;
        }
    }
}

fn packed(all: &[Row]) -> Vec<Row> {
    let mut rows = Vec::with_capacity(all.len());
    let mut shapes = Shapes { name: ServiceName::near("shape"), all: Vec::new() };
    for row in all {
        let last = match rows.last() {
            Some(Row::Packed(last)) => Some(last),
            Some(Row::Whole(_)) | None => None,
        };
        let status = row.status();
        let row = Packed::of(&status, &mut shapes, last).map(Row::Packed);
        rows.push(row.unwrap_or_else(|| Row::Whole(Box::new(status.into_owned()))));
    }
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::plan::status::{Condition, ConditionStatus, ConditionType, PhaseWord};

    fn at(millis: u64) -> WallTime {
        WallTime(Duration::from_millis(millis))
    }

    fn status(number: i32) -> ServiceStatus {
        let name = ServiceName::near(&format!("s{number}"));
        let instance = InstanceStatus {
            index: 0,
            phase: PhaseWord::Running,
            pid: Some(Pid(number)),
            start_ticks: Some(StartTicks(7)),
            adopted: false,
            exe: Some("/bin/sleep".into()),
            since: Some(at(5)),
            restarts: 0,
            last_exit: None,
            says: String::new(),
        };
        let condition = Condition {
            kind: ConditionType::Ready,
            status: ConditionStatus::True,
            reason: "Ready".into(),
            message: format!("{name}: {name} is ready"),
            last_transition_time: at(6),
        };
        ServiceStatus {
            name,
            generation: 1,
            observed_generation: 1,
            source: Origin { file: format!("/{number}.yaml").into(), line: 3, ..Origin::default() },
            phase: PhaseWord::Running,
            instances: vec![instance],
            next_attempt_ms: None,
            conditions: vec![condition],
            task: None,
        }
    }

    /// Every kind of difference.
    fn several() -> Vec<ServiceStatus> {
        let mut all: Vec<ServiceStatus> = (0..300).map(status).collect();
        for (number, status) in all.iter_mut().enumerate() {
            let instance = status.instances.first_mut().unwrap();
            match number % 10 {
                1 => instance.exe = Some(format!("/bin/{number}")),
                2 => (instance.pid, instance.exe) = (None, None),
                3 => instance.says = "hello".into(),
                4 => status.instances.clear(),
                5 => status.next_attempt_ms = Some(9),
                6 => status.conditions.first_mut().unwrap().message.push_str(NAME),
                7 => status.generation = number as u64,
                8 => instance.since = Some(WallTime(Duration::MAX)),
                9 => status.instances = vec![instance.clone(), instance.clone()],
                _ => {}
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    #[test]
    fn what_is_packed_says_the_same() {
        let all = several();
        let mut statuses = Statuses::default();
        statuses.add(all.clone());
        statuses.pack();
        let packed = statuses.rows.iter().filter(|row| matches!(row, Row::Packed(_))).count();
        assert!(packed > 100, "{packed}");
        assert!(statuses.iter().map(Cow::into_owned).eq(all.iter().cloned()));
        assert!(statuses.names().eq(all.iter().map(|status| &status.name)));
        for (status, (name, like)) in all.iter().zip(statuses.alike()) {
            assert_eq!((name, like.phase), (&status.name, status.phase));
            assert_eq!(statuses.get(name.as_str()).as_deref(), Some(status));
        }
        assert!(statuses.iter_mut().map(|status| status.clone()).eq(all));
    }

    #[test]
    fn one_that_changes_is_whole_until_many_did() {
        let mut statuses = Statuses::default();
        statuses.add((0..300).map(status).collect());
        statuses.pack();
        statuses.get_mut("s7").unwrap().generation = 2;
        let is_whole = |statuses: &Statuses, name| {
            let at = statuses.find(name).unwrap();
            matches!(statuses.rows.get(at), Some(Row::Whole(_)))
        };
        statuses.pack();
        assert_eq!((is_whole(&statuses, "s7"), is_whole(&statuses, "s8")), (true, false));
        assert_eq!(statuses.get("s7").unwrap().generation, 2);
        assert!(statuses.iter_mut().count() == 300 && is_whole(&statuses, "s8"));
        statuses.pack();
        assert!(!is_whole(&statuses, "s7"));
        assert_eq!(statuses.get("s7").unwrap().generation, 2);
    }
}
