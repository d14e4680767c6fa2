//! `runs(path)`: this process is an execution of that file, compiled or interpreted.
//!
//! ```text
//!  exe is the file ------------------------------------> true, if the name fits (links, multi-call programs)
//!  exe is the interpreter, or of its family --> execfn or argv name the script --> true
//!                                          \-> a title hides argv, execfn is no help --> unknown
//!  exe was moved aside, execfn still names the file ---> true, stale, by the process's own word only
//!  anything else --------------------------------------> false, from exe alone
//! ```
//!
//! argv and execfn are read only in the middle rows: they cost more, and a stuck process can delay them.

mod image;
mod images;
mod scripts;
mod words;

pub use images::Images;

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::chain::{self, Chain, Program, Surroundings};
use super::exe::{self, Wanted};
use super::paths;
use super::script::{self, is_interpreter};
use super::world::{Bytes, World};
use crate::facts::{Fact, FileFacts, Reason, Why};
use crate::units::Pid;

/// `comm` holds so many bytes; longer names are cut (`TASK_COMM_LEN` without its NUL).
pub(super) const COMM_MAX: usize = 15;

/// The file that is asked about, looked up once a look.
#[derive(Debug)]
pub struct Target {
    path: Vec<u8>,
    wanted: Wanted,
    chain: Chain,
    directory: Option<Bytes>,
    /// Texts of exe links by file: one readlink for all processes of one program.
    names: RefCell<BTreeMap<(u64, u64), Bytes>>,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Whether it is an execution of the file.
    pub holds: Fact<bool>,
    /// It is one of an old version of the file or of its interpreter.
    pub stale: bool,
    /// Only the process itself says so (execfn): never alone the ground for a signal.
    pub self_reported: bool,
    /// Unknown only for a title that stands where its argv was.
    pub titled: bool,
    /// Index of argv behind the program or script, where it is known.
    pub after: Option<usize>,
}

impl Run {
    fn no() -> Self {
        Self { holds: Fact::Known(false), stale: false, self_reported: false, titled: false, after: None }
    }

    /// There was nothing to compare with.
    pub(super) fn absent() -> Self {
        Self { holds: Fact::Absent, ..Self::no() }
    }

    fn yes(after: Option<usize>) -> Self {
        Self { holds: Fact::Known(true), after, ..Self::no() }
    }

    fn unknown(reason: Reason) -> Self {
        Self { holds: Fact::Unknown(reason), ..Self::no() }
    }

    fn could_be(pid: Pid, target: &Target, why: &str) -> Self {
        let path = paths::show(&target.path);
        Self::unknown(Reason::new(Why::Unresolved, format!("{pid} could be `{path}`, but {why}")))
    }

    /// What the title hides, a believed pid file may tell.
    pub(super) fn told_by_pidfile(self) -> Self {
        Self { holds: Fact::Known(true), titled: false, ..self }
    }

    fn stale(self, stale: bool) -> Self {
        Self { stale, ..self }
    }

    fn self_reported(self) -> Self {
        Self { self_reported: true, ..self }
    }
}

impl Target {
    /// Looks up `path` and what would run for it. A relative one is taken from the spec's working directory.
    pub fn new(world: &dyn World, path: &[u8], around: &Surroundings) -> Self {
        let absolute = match &around.working_directory {
            Some(directory) => paths::join(directory, path),
            None => path.to_vec(),
        };
        Self {
            wanted: Wanted::path(world, &absolute),
            chain: chain::resolve(world, path, around),
            path: paths::tidy(&absolute),
            directory: around.working_directory.clone(),
            names: RefCell::default(),
        }
    }

    /// What would run for it.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    fn file(&self) -> Option<&FileFacts> {
        match &self.chain.file {
            Fact::Known(file) => Some(file),
            Fact::Absent | Fact::Unknown(_) => None,
        }
    }

    /// Whether a text names the file: as the spec writes it, or with links followed.
    fn is_called(&self, name: &[u8]) -> bool {
        let name = paths::tidy(name);
        name == self.path || self.file().is_some_and(|file| file.real.as_ref() == name.as_slice())
    }

    /// The path of the image, without the kernel's mark.
    fn image_path(&self, world: &dyn World, pid: Pid, image: &FileFacts) -> Fact<Bytes> {
        if image.nlink == 0 {
            return exe::path(world, pid).map(paths::shared);
        }
        let key = (image.dev, image.ino);
        if let Some(known) = self.names.borrow().get(&key) {
            return Fact::Known(known.clone());
        }
        let text = world.image_name(pid, image);
        if let Fact::Known(text) = &text {
            self.names.borrow_mut().insert(key, text.clone());
        }
        text
    }

    fn is_beside(&self, image: &[u8]) -> bool {
        let directory = paths::parent(image);
        directory == paths::parent(&self.path)
            || self.file().is_some_and(|file| directory == paths::parent(&file.real))
    }
}

/// Whether `pid` is an execution of the file.
pub fn runs(world: &dyn World, pid: Pid, target: &Target) -> Run {
    let image = match world.exe_file(pid) {
        Fact::Known(image) => image,
        Fact::Absent => return Run::no(),
        Fact::Unknown(reason) => return unreadable(world, pid, target, reason),
    };
    if !target.chain.script {
        let equality = exe::equal(world, pid, &target.wanted);
        match equality.holds {
            Fact::Known(true) => return image::name_fits(world, pid, target, &image).stale(equality.stale),
            Fact::Unknown(reason) if target.file().is_some() => return Run::unknown(reason),
            Fact::Known(false) | Fact::Absent | Fact::Unknown(_) => {}
        }
    }
    let path = match target.image_path(world, pid, &image) {
        Fact::Known(path) => path,
        Fact::Absent => return Run::no(),
        Fact::Unknown(reason) => return Run::unknown(reason),
    };
    by_program(world, pid, target, &image, &path)
}

/// exe can't be read: only execfn can still say that it is one.
fn unreadable(world: &dyn World, pid: Pid, target: &Target, reason: Reason) -> Run {
    if reason.why != Why::Vanished && matches!(words::lead(world, pid, target), words::Lead::Here) {
        return Run::yes(words::locate(world, pid, target, None).known().flatten()).self_reported();
    }
    Run::unknown(reason)
}

fn by_program(world: &dyn World, pid: Pid, target: &Target, image: &FileFacts, path: &[u8]) -> Run {
    let family = paths::family(path);
    match &target.chain.program {
        Program::Image(_) if !target.chain.script => native(world, pid, target, path),
        Program::Image(program) if program.same_file(image) => words::script(world, pid, target, family),
        Program::Image(_) | Program::Family(_) | Program::Unresolved(_, Some(_)) => {
            if target.chain.family().is_some_and(|own| script::alike(own, family)) {
                let shim = !matches!(target.chain.program, Program::Image(_));
                let run = words::script(world, pid, target, family);
                let stale = !shim && run.holds == Fact::Known(true);
                return run.stale(stale);
            }
            if is_interpreter(family) { other_interpreter(world, pid, target, family) } else { Run::no() }
        }
        Program::Unresolved(reason, None) => match &target.chain.file {
            Fact::Absent if is_interpreter(family) => other_interpreter(world, pid, target, family),
            Fact::Absent => native(world, pid, target, path),
            Fact::Known(_) | Fact::Unknown(_) => words::undecided(world, pid, target, reason),
        },
    }
}

/// The file is native and the image is another one: perhaps the old file, moved aside or deleted beside it.
fn native(world: &dyn World, pid: Pid, target: &Target, image: &[u8]) -> Run {
    if image::is_loader(image) {
        return image::through_loader(world, pid, target);
    }
    if target.is_beside(image) { image::moved_aside(world, pid, target, image) } else { Run::no() }
}

/// The script was rewritten for another interpreter while it ran: execfn still names it. Or it is a shell's, which gave it to
/// another one (`exec tclsh "$0" "$@"`): argv names it.
fn other_interpreter(world: &dyn World, pid: Pid, target: &Target, family: &[u8]) -> Run {
    match words::lead(world, pid, target) {
        words::Lead::Here => {
            let after = words::locate(world, pid, target, None).known().flatten();
            Run::yes(after).stale(true).self_reported()
        }
        words::Lead::NoScript | words::Lead::Unknown
            if target.chain.family().is_some_and(|own| script::alike(own, b"sh")) =>
        {
            words::given_on(world, pid, target, family)
        }
        words::Lead::Elsewhere | words::Lead::NoScript | words::Lead::Unknown => Run::no(),
    }
}

/// The same question about the parent. False for PID 1.
pub fn parent_runs(world: &dyn World, pid: Pid, target: &Target) -> Fact<bool> {
    match super::tree::parent(world, pid) {
        Fact::Known(parent) => runs(world, parent, target).holds,
        Fact::Absent => Fact::Known(false),
        Fact::Unknown(reason) => Fact::Unknown(reason),
    }
}

/// Whether it holds for one of the ancestors: unknown if none is known to and one can't be told.
pub fn any_ancestor_runs(world: &dyn World, pid: Pid, target: &Target) -> Fact<bool> {
    let ancestors = match super::tree::lineage(world, pid) {
        Fact::Known(ancestors) => ancestors,
        Fact::Absent => return Fact::Known(false),
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    let mut answer = ancestors.cut(pid).map_or(Fact::Known(false), Fact::Unknown);
    for ancestor in ancestors.nearest {
        match runs(world, ancestor, target).holds {
            Fact::Known(true) => return Fact::Known(true),
            Fact::Unknown(reason) => answer = Fact::Unknown(reason),
            Fact::Known(false) | Fact::Absent => {}
        }
    }
    answer
}

/// Whether `name`, as `pid` means it, is the file of the target.
fn names_target(world: &dyn World, pid: Pid, target: &Target, name: &[u8]) -> Fact<bool> {
    // `/dev/fd/3` is another file for everyone who says it: an equal text is no evidence.
    if script::is_own_descriptor(name) {
        return Fact::Known(false);
    }
    let found = script::file_of(world, pid, name, target.directory.as_deref());
    match (found, target.file()) {
        (Fact::Known(file), Some(wanted)) => Fact::Known(file.same_file(wanted)),
        (Fact::Known(_), None) | (Fact::Absent, Some(_)) if paths::is_absolute(name) => Fact::Known(false),
        (Fact::Absent, None) if paths::is_absolute(name) => same_text(world, pid, target, name),
        (Fact::Unknown(reason), _) if shares_name(target, name) => Fact::Unknown(reason),
        // A relative name leads nowhere once the process has changed its directory.
        (Fact::Absent, _) if shares_name(target, name) => {
            let name = paths::show(name);
            Fact::Unknown(Reason::new(
                Why::Unresolved,
                format!("`{name}` of {pid} is relative and not found"),
            ))
        }
        (Fact::Known(_) | Fact::Absent | Fact::Unknown(_), _) => Fact::Known(false),
    }
}

fn same_text(world: &dyn World, pid: Pid, target: &Target, name: &[u8]) -> Fact<bool> {
    if !target.is_called(name) {
        return Fact::Known(false);
    }
    world.root(pid).map(|root| root.same)
}

/// Whether anything about a process whose image can't be told has the name of the file: a word of argv, or
/// comm, which execve sets to the name of what it was given. False only if both could be read and neither has.
pub fn could_be(world: &dyn World, pid: Pid, target: &Target) -> bool {
    let in_argv = match world.arguments(pid) {
        Fact::Known(arguments) => {
            super::arguments::is_title(world, pid, &arguments)
                || arguments.truncated
                || arguments.words.iter().any(|word| shares_name(target, word))
        }
        Fact::Absent | Fact::Unknown(_) => true,
    };
    in_argv || world.comm(pid).known().is_none_or(|comm| begins_name(target, &comm))
}

fn begins_name(target: &Target, comm: &[u8]) -> bool {
    let real = target.file().map(|file| paths::base_name(&file.real));
    let names = std::iter::once(paths::base_name(&target.path)).chain(real);
    names.into_iter().any(|name| name == comm || (comm.len() == COMM_MAX && name.starts_with(comm)))
}

/// Whether a title is that of the file: comm, which a title may set as well, or one of its words has the name of it, with marks
/// around (`rq:worker:`, `[celeryd`).
pub fn title_names(world: &dyn World, pid: Pid, target: &Target) -> bool {
    let marks = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"/._-".contains(byte);
    let in_title = world.arguments(pid).known().is_some_and(|arguments| {
        arguments.words.iter().flat_map(|word| word.split(marks)).any(|word| shares_name(target, word))
    });
    in_title || world.comm(pid).known().is_some_and(|comm| begins_name(target, &comm))
}

fn shares_name(target: &Target, name: &[u8]) -> bool {
    let base = paths::base_name(name);
    base == paths::base_name(&target.path)
        || target.file().is_some_and(|file| base == paths::base_name(&file.real))
}

#[cfg(test)]
mod tests;
