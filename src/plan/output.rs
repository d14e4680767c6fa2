//! Where output goes, resolved, and which files are looked after.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::action::OutputTarget;
use super::launch::words;
use super::memory::{Fields, Launched, Memory, Phase, Process, Record, Records};
use crate::spec::{Output, Rotation, Service, ServiceName};
use crate::units::Pid;

/// One of the two streams of output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Stream {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Out, Self::Err];

    /// Its field in a document.
    pub fn word(self) -> &'static str {
        match self {
            Self::Out => "stdout",
            Self::Err => "stderr",
        }
    }

    /// Where a record says which file it was.
    pub(super) fn file_word(self) -> &'static str {
        match self {
            Self::Out => "stdoutFile",
            Self::Err => "stderrFile",
        }
    }

    /// Where it goes by this document.
    pub fn of(self, spec: &Service) -> &Output {
        match self {
            Self::Out => &spec.stdout,
            Self::Err => &spec.stderr,
        }
    }

    /// How much is kept of it by this document.
    pub fn rotation(self, spec: &Service) -> Rotation {
        match self {
            Self::Out => *spec.stdout_rotation,
            Self::Err => *spec.stderr_rotation,
        }
    }
}

/// Where the output of this replica goes; `dirs` are those of records and of logs.
pub fn target(
    spec: &Service,
    output: &Output,
    stream: Stream,
    index: u32,
    dirs: (&str, &str),
) -> OutputTarget {
    let own = |end: &str| {
        let replica = if spec.replicas > 1 { format!(".{index}") } else { String::new() };
        Path::new(dirs.1).join(format!("{}{replica}.{}.{end}", spec.name, stream.word()))
    };
    match output {
        Output::Null => OutputTarget::Null,
        Output::Inherit => OutputTarget::Inherit,
        Output::File(path) => {
            OutputTarget::File(words(spec, index, dirs).substitute(&path.display().to_string()).into())
        }
        Output::Log => OutputTarget::File(own("log")),
        Output::Syslog => OutputTarget::Syslog(own("syslog")),
    }
}

/// A file that a process on record writes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// How much of it is kept.
    pub rotation: Rotation,
    /// The process that writes to it, or one of them: its user may own the file.
    pub writer: Pid,
    /// It is passed on to the system's log, as this object's.
    pub syslog: Option<Box<Tag>>,
    /// Whose it is; several may share one.
    pub owners: Vec<ServiceName>,
}

/// What a line in the system's log is called after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tag {
    /// The object.
    pub name: ServiceName,
    /// Its process.
    pub pid: Pid,
    /// Which stream: errors are noted as such.
    pub stream: Stream,
}

/// Notes which files a process is launched with. They stand in no document, so that they are never a difference: a log
/// directory that is moved, or a second replica, changes nothing for who runs.
pub(super) fn with_files(launched: &Launched, targets: [&OutputTarget; 2]) -> Launched {
    let mut files = Fields::new();
    // In the order of their names.
    for (stream, target) in [Stream::Err, Stream::Out].into_iter().zip(targets) {
        if let OutputTarget::File(path) | OutputTarget::Syslog(path) = target {
            files.add(stream.file_word(), &path.to_string_lossy());
        }
    }
    launched.with(&files.into())
}

/// What a process was launched with; nothing if that isn't known.
fn launched_target(
    launched: &Launched,
    spec: &Service,
    stream: Stream,
    index: u32,
    dirs: (&str, &str),
) -> Option<OutputTarget> {
    let output = read(launched.get(stream.word())?);
    let file = launched.get(stream.file_word()).map(PathBuf::from);
    Some(match (target(spec, &output, stream, index, dirs), file) {
        (OutputTarget::File(_), Some(file)) => OutputTarget::File(file),
        (OutputTarget::Syslog(_), Some(file)) => OutputTarget::Syslog(file),
        (target, _) => target,
    })
}

/// The files that processes on record write to because selfsame started them so. What was adopted writes wherever it
/// does.
pub fn kept(memory: &Memory, dirs: (&str, &str)) -> BTreeMap<PathBuf, Kept> {
    let mut files = BTreeMap::new();
    for (name, record) in &memory.services {
        kept_of(name, record, dirs, &mut files);
    }
    files
}

/// Whether the same files are written to by the same processes as when records were as they were.
pub fn keeps_the_same(before: &Records, after: &Records, dirs: (&str, &str)) -> bool {
    let files = |name: &ServiceName, record: Option<&Arc<Record>>| {
        let mut files = BTreeMap::new();
        if let Some(record) = record {
            kept_of(name, record, dirs, &mut files);
        }
        files
    };
    let mut changes = after.changes_since(before).filter(|change| change.was != change.is);
    changes.all(|change| files(change.key, change.was) == files(change.key, change.is))
}

/// The same for one object.
pub fn kept_of(name: &ServiceName, record: &Record, dirs: (&str, &str), files: &mut BTreeMap<PathBuf, Kept>) {
    for (index, instance) in &record.instances {
        if let Some(process) = instance.phase.process() {
            note(name, record, *index, process, dirs, files);
        }
    }
}

fn note(
    name: &ServiceName,
    record: &Record,
    index: u32,
    process: &Process,
    dirs: (&str, &str),
    files: &mut BTreeMap<PathBuf, Kept>,
) {
    let Some(launched) = &process.launched else { return };
    for stream in Stream::BOTH {
        // What it was launched with, whatever the document says by now.
        let Some(target) = launched_target(launched, &record.spec, stream, index, dirs) else { continue };
        let (path, syslog) = match target {
            OutputTarget::File(path) => (path, None),
            OutputTarget::Syslog(path) => {
                (path, Some(Box::new(Tag { name: name.clone(), pid: process.key.pid, stream })))
            }
            OutputTarget::Null | OutputTarget::Inherit => continue,
        };
        let rotation = stream.rotation(&record.spec);
        let fresh = || Kept { rotation, writer: process.key.pid, syslog, owners: Vec::new() };
        let kept = files.entry(path).or_insert_with(fresh);
        if !kept.owners.contains(name) {
            // Nearly always there is one.
            kept.owners.reserve_exact(1);
            kept.owners.push(name.clone());
        }
    }
}

/// As `launch::launched` writes it.
fn read(text: &str) -> Output {
    match text {
        "log" => Output::Log,
        "null" => Output::Null,
        "inherit" => Output::Inherit,
        "syslog" => Output::Syslog,
        path => Output::File(path.into()),
    }
}

/// The file of a stream of this replica, as it is or as it will be: what a process on record was launched with, else what
/// the document says.
pub fn file_of(record: &Record, index: u32, stream: Stream, dirs: (&str, &str)) -> OutputTarget {
    let instance = record.instances.get(&index);
    let launched = instance.and_then(|instance| match &instance.phase {
        Phase::Intended { launched, .. } => Some(launched),
        other => other.process().and_then(|process| process.launched.as_ref()),
    });
    let known = launched.and_then(|launched| launched_target(launched, &record.spec, stream, index, dirs));
    known.unwrap_or_else(|| target(&record.spec, stream.of(&record.spec), stream, index, dirs))
}
