//! Which process on record belongs to which object. Most ticks don't ask: it is worked out for the first who does.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::launch::Words;
use super::memory::{Launched, Process, Record, Records, records_of};
use crate::facts::ProcessKey;
use crate::spec::{Service, ServiceName};
use crate::units::Pid;

type Owners = BTreeMap<ProcessKey, ServiceName>;

/// The owners of all processes on record, by their keys.
#[derive(Clone, Debug, Default)]
pub struct Recorded(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    records: Records,
    owners: OnceLock<Owners>,
    pids: OnceLock<Vec<Pid>>,
}

impl Recorded {
    /// Those of these records.
    pub fn of(records: &Records) -> Self {
        Self(Arc::new(Known { records: records.clone(), ..Known::default() }))
    }
}

/// A process on record that was started for its object, and what was executed for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Started<'r> {
    /// Its identity.
    pub key: &'r ProcessKey,
    /// The program, as the document named it.
    pub program: &'r str,
    /// Its arguments, with everything put in, as [`mark_of_arguments`], if they are among those that somebody looks for.
    pub arguments: Option<u64>,
}

/// What is looked for among the processes that were started.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Executed<'q> {
    programs: BTreeSet<&'q str>,
    arguments: HashSet<u64>,
}

impl<'q> Executed<'q> {
    /// Those that were started as this program, and which of them with these arguments, by their marks.
    pub fn add(&mut self, program: &'q str, arguments: &[u64]) {
        self.programs.insert(program);
        self.arguments.extend(arguments);
    }
}

/// The processes of some records that were started for their objects, by their programs: who looks for a new object passes a
/// thousand of one program, of which it needs no more than their identity.
#[derive(Debug, Default)]
pub(super) struct StartedHere(BTreeMap<Box<str>, Vec<Place>>);

#[derive(Debug)]
struct Place {
    key: ProcessKey,
    /// Of the arguments; `None`: something is put into them.
    hash: Option<u64>,
    /// Where its record is.
    row: usize,
    index: u32,
}

impl StartedHere {
    fn of(rows: &[(ServiceName, Arc<Record>)]) -> Self {
        let mut all = Self::default();
        for (row, (_, record)) in rows.iter().enumerate() {
            for (index, instance) in &record.instances {
                let Some(process) = instance.phase.process() else { continue };
                let Some((program, launched)) = executed(process) else { continue };
                let Some(written) = launched.get("args") else { continue };
                let hash = (!written.contains("${")).then(|| hash(written));
                let place = Place { key: process.key.clone(), hash, row, index: *index };
                match all.0.get_mut(program) {
                    Some(places) => places.push(place),
                    None => drop(all.0.insert(program.into(), vec![place])),
                }
            }
        }
        all
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Arguments as one number, since thousands of them are compared for each complete look. Others have it as well as good as never: who is found
/// by it is only looked at, and not passed over for it.
pub fn mark_of_arguments(arguments: &[String]) -> u64 {
    hash(&serde_json::to_string(arguments).unwrap_or_default())
}

impl Recorded {
    /// The processes of one object.
    pub fn of_object<'r>(&'r self, name: &'r ServiceName) -> impl Iterator<Item = &'r ProcessKey> {
        let record = self.0.records.get(name).into_iter().flat_map(|record| keys(record));
        // Whoever knows no more than the owners has few of them.
        let alone = self.0.records.is_empty().then(|| self.iter().filter(move |(_, of)| *of == name));
        record.chain(alone.into_iter().flatten().map(|(key, _)| key))
    }

    /// For whom a process is on record, and the document whose program it is: that which it was started by, or adopted by. None
    /// where that has changed since.
    pub fn known_as(&self, key: &ProcessKey) -> Option<(&ServiceName, &Service)> {
        let name = self.get(key)?;
        let record = self.0.records.get(name)?;
        let processes = record.instances.values().filter_map(|instance| instance.phase.process());
        let process = processes.into_iter().find(|process| process.key == *key)?;
        if let Some(rule) = &process.adopted_by {
            return Some((name, rule));
        }
        let startas = process.launched.as_ref()?.get("startas")?;
        Some((name, &*record.spec)).filter(|(_, spec)| spec.startas.to_str() == Some(startas))
    }

    /// The numbers of all processes on record, ascending.
    pub fn pids(&self) -> &[Pid] {
        self.0.pids.get_or_init(|| {
            let rows = self.0.records.rows_where(|told| told.has_process);
            let mut pids: Vec<Pid> = rows.flat_map(|(_, record)| keys(record)).map(|key| key.pid).collect();
            if self.0.records.is_empty() {
                pids.extend(self.keys().map(|key| key.pid));
            }
            pids.sort_unstable();
            pids
        })
    }

    /// Whether a process on record has this number.
    pub fn has_pid(&self, pid: Pid) -> bool {
        let records = &self.0.records;
        if records.is_empty() {
            self.pids().binary_search(&pid).is_ok()
        } else {
            records_of(records, pid).next().is_some()
        }
    }

    /// The processes that were started as one of these programs. An adopted one isn't among them, nor one with another
    /// root directory: its program's name means something else in there.
    pub fn started<'r>(
        &'r self,
        wanted: &'r Executed<'_>,
        dirs: (&'r str, &'r str),
    ) -> impl Iterator<Item = Started<'r>> {
        let parts = self.0.records.parts().filter(|(told, _)| told.has_process);
        parts.flat_map(move |(told, rows)| {
            let here = told.started.get_or_init(|| StartedHere::of(rows));
            let programs = here.0.iter().filter(|(program, _)| wanted.programs.contains(&***program));
            programs.flat_map(move |(program, places)| {
                places.iter().map(move |place| {
                    let arguments = place.hash.or_else(|| arguments_of(place, rows, dirs));
                    let arguments = arguments.filter(|mark| wanted.arguments.contains(mark));
                    Started { key: &place.key, program, arguments }
                })
            })
        })
    }
}

/// Those that something was put into.
fn arguments_of(place: &Place, rows: &[(ServiceName, Arc<Record>)], dirs: (&str, &str)) -> Option<u64> {
    let (name, record) = rows.get(place.row)?;
    let (_, launched) = executed(record.instances.get(&place.index)?.phase.process()?)?;
    let words = Words::new(name, place.index, dirs);
    let written: Vec<String> = serde_json::from_str(launched.get("args")?).ok()?;
    let put_in: Vec<String> = written.iter().map(|text| words.substitute(text)).collect();
    Some(mark_of_arguments(&put_in))
}

fn executed(process: &Process) -> Option<(&str, &Launched)> {
    let launched = process.launched.as_ref().filter(|_| !process.adopted)?;
    let outside = launched.get("chroot").is_none_or(str::is_empty);
    Some((launched.get("startas")?, launched)).filter(|_| outside)
}

impl From<Owners> for Recorded {
    fn from(owners: Owners) -> Self {
        Self(Arc::new(Known { owners: OnceLock::from(owners), ..Known::default() }))
    }
}

impl Deref for Recorded {
    type Target = Owners;

    fn deref(&self) -> &Owners {
        self.0.owners.get_or_init(|| {
            let rows = self.0.records.rows_where(|told| told.has_process);
            rows.flat_map(|(name, record)| keys(record).map(|key| (key.clone(), name.clone()))).collect()
        })
    }
}

impl PartialEq for Recorded {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// The processes on record for an object.
pub(super) fn keys(record: &Record) -> impl Iterator<Item = &ProcessKey> {
    record.instances.values().filter_map(|instance| instance.phase.process()).map(|process| &process.key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::launch::launched;
    use crate::plan::memory::{Instance, Phase};
    use crate::units::{BootId, BootTime, StartTicks};

    fn process(pid: i32, spec: &Service) -> Process {
        Process {
            launched: Some(launched(spec, None)),
            ..Process::bare(ProcessKey { boot: BootId("b".into()), pid: Pid(pid), start: StartTicks(1) })
        }
    }

    #[test]
    fn what_was_started_is_known_by_what_was_executed() {
        let mut spec = Service::new(ServiceName::new("web").unwrap(), "/srv/web".into());
        spec.args = vec!["\"/".to_owned()];
        let plain = process(5, &spec);
        spec.args = ["${name}-${index}", "$${index}", "${logDir}", "\"/"].map(str::to_owned).into();
        let started = process(1, &spec);
        let adopted = Process { adopted: true, ..process(2, &spec) };
        spec.chroot = Some("/elsewhere".into());
        let inside = process(3, &spec);
        spec.chroot = None;
        spec.startas = "/srv/other".into();
        let another = process(4, &spec);
        let mut record = Record::new(spec);
        for (index, process) in (3..).zip([started, adopted, inside, another, plain]) {
            let phase =
                Phase::Running { process, ready_since: BootTime::default(), probe_failures: 0, probed: None };
            record.instances.insert(index, Instance { phase, ..Instance::default() });
        }
        let name = record.spec.name.clone();
        let records: Records = [(name.clone(), Arc::new(record))].into_iter().collect();
        let recorded = Recorded::of(&records);
        let arguments = ["web-3", "${index}", "/log", "\"/"].map(str::to_owned);
        let texts = [mark_of_arguments(&arguments), mark_of_arguments(&arguments[3..])];
        let found = |of: &[u64]| -> Vec<(i32, Option<u64>)> {
            let mut wanted = Executed::default();
            wanted.add("/srv/web", of);
            let started = recorded.started(&wanted, ("/run", "/log"));
            started.map(|one| (one.key.pid.0, one.arguments)).collect()
        };
        let [first, second] = texts.map(Some);
        assert_eq!(found(&texts), [(1, first), (5, second)]);
        assert_eq!(found(&texts[..1]), [(1, first), (5, None)]);
        assert_eq!(found(&texts[1..]), [(1, None), (5, second)]);
        assert_eq!(recorded.of_object(&name).count(), 5);
        assert_eq!(recorded.pids(), [1, 2, 3, 4, 5].map(Pid));
        let alone = Recorded::from((*recorded).clone());
        assert_eq!(alone.of_object(&name).count(), 5);
        assert_eq!(alone.pids(), recorded.pids());
        for pid in 0..7 {
            assert_eq!([&recorded, &alone].map(|known| known.has_pid(Pid(pid))), [(1..6).contains(&pid); 2]);
        }
        let mut wanted = Executed::default();
        wanted.add("/srv/web", &texts);
        assert_eq!(alone.started(&wanted, ("/run", "/log")).count(), 0, "nothing is known but the owners");
    }
}
