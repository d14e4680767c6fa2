//! Answers of the process vocabulary during one look.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::chain::Surroundings;
use super::declare::{self, Reader};
use super::exe::{self, Wanted};
use super::objects::{File, Group, NamespaceId, Process, Socket, Tty, User};
use super::runs::{self, Run, Target};
use super::world::{Bytes, Root, World};
use super::{paths, read, tree};
use crate::facts::{CgroupLine, Fact, FileFacts, Reason, Why};
use crate::lang::schema::{Entries, Operation, Vocabulary};
use crate::lang::show;
use crate::lang::value::{TypeName, Value};
use crate::units::{Gid, Pid, Uid};

/// What the spec says about where its names are looked up.
pub type Context = Surroundings;

/// Fields that are conclusions, and hold without the fact that would deny them.
pub(super) const DERIVED: [&str; 3] = ["alive", "leader_exited", "kernel_thread"];

type Children = Rc<BTreeMap<Pid, Vec<Pid>>>;

/// The vocabulary over one look at a host.
pub struct ProcessVocabulary<'w> {
    pub(super) world: &'w dyn World,
    context: Context,
    explaining: bool,
    /// Facts only sieve: who is left is asked again.
    pub(super) sieving: bool,
    /// Room for one command line after the other.
    pub(super) line: RefCell<Vec<u8>>,
    targets: RefCell<BTreeMap<Vec<u8>, Rc<Target>>>,
    wanted: RefCell<BTreeMap<Vec<u8>, Rc<Wanted>>>,
    children: RefCell<Option<Fact<Children>>>,
    notes: RefCell<Vec<String>>,
    /// Something was taken for true on the word of a process alone.
    own_word: Cell<bool>,
}

impl std::fmt::Debug for ProcessVocabulary<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessVocabulary").field("context", &self.context).finish_non_exhaustive()
    }
}

impl<'w> ProcessVocabulary<'w> {
    /// Answers from `world`, which must be one look: what was derived from it is kept.
    pub fn new(world: &'w dyn World) -> Self {
        Self::with_context(world, Context::default())
    }

    /// The same for a spec that says where its names are looked up.
    pub fn with_context(world: &'w dyn World, context: Context) -> Self {
        Self {
            world,
            context,
            explaining: false,
            sieving: false,
            line: RefCell::default(),
            targets: RefCell::default(),
            wanted: RefCell::default(),
            children: RefCell::default(),
            notes: RefCell::default(),
            own_word: Cell::default(),
        }
    }

    /// For a first sieve, of whose facts nothing is kept: who is left is asked again for all of them.
    #[must_use]
    pub fn sieving(self) -> Self {
        Self { sieving: true, ..self }
    }

    /// Also notes near misses, which costs one more read for each process that doesn't match.
    #[must_use]
    pub fn explaining(self) -> Self {
        Self { explaining: true, ..self }
    }

    /// Whether, since this was last asked, `runs` held for nothing but what the process says of itself (execfn of an image
    /// that was moved aside). It may be shown, and is no ground for a signal.
    pub fn take_own_word(&self) -> bool {
        self.own_word.take()
    }

    pub(super) fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    pub(super) fn target(&self, path: &[u8]) -> Rc<Target> {
        let known = self.targets.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let target = Rc::new(Target::new(self.world, path, &self.context));
            self.targets.borrow_mut().insert(path.to_vec(), Rc::clone(&target));
            target
        })
    }

    /// Whether the process is an execution of the file, with a note where that is remarkable.
    pub(super) fn runs(&self, pid: Pid, path: &[u8]) -> Run {
        let run = runs::runs(self.world, pid, &self.target(path));
        if run.self_reported && run.holds == Fact::Known(true) {
            self.own_word.set(true);
        }
        if run.stale {
            let path = paths::show(path);
            let says = if run.self_reported { ", by its own word only (execfn)" } else { "" };
            self.note(format!("stale: {pid} runs an old version of `{path}`{says}"));
        }
        run
    }

    pub(super) fn children(&self) -> Fact<Children> {
        let known = self.children.borrow().clone();
        known.unwrap_or_else(|| {
            let children = tree::children(self.world).map(Rc::new);
            *self.children.borrow_mut() = Some(children.clone());
            children
        })
    }

    pub(super) fn wanted(&self, path: &[u8]) -> Rc<Wanted> {
        let known = self.wanted.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let wanted = Rc::new(Wanted::path(self.world, path));
            self.wanted.borrow_mut().insert(path.to_vec(), Rc::clone(&wanted));
            wanted
        })
    }

    fn exe_equals(&self, pid: Pid, wanted: &Wanted, shown: &[u8]) -> Fact<bool> {
        let equality = exe::equal(self.world, pid, wanted);
        if equality.stale {
            self.note(format!("stale: {pid} runs an old version of `{}`", paths::show(shown)));
        }
        if self.explaining
            && equality.holds == Fact::Known(false)
            && let Some(text) = exe::near_miss(self.world, pid, wanted)
        {
            self.note(text);
        }
        equality.holds
    }

    /// Device and inode of a file.
    fn identity(&self, file: &File) -> Fact<(u64, u64)> {
        match file {
            File::Exe(pid) => self.world.exe_file(*pid).map(|facts| (facts.dev, facts.ino)),
            File::Found(facts) => Fact::Known((facts.dev, facts.ino)),
            File::Open(open) => Fact::Known((open.facts.dev, open.facts.ino)),
            File::Link { dev, ino, .. } => Fact::Known((*dev, *ino)),
        }
    }

    fn equals_path(&self, file: &File, path: &[u8]) -> Fact<bool> {
        if let File::Exe(pid) = file {
            return self.exe_equals(*pid, &self.wanted(path), path);
        }
        match self.world.file(Root::Engine, path) {
            Fact::Known(facts) => self.identity(file).map(|id| id == (facts.dev, facts.ino)),
            Fact::Absent => Fact::Known(false),
            Fact::Unknown(reason) => {
                let detail = format!("`{}` can't be looked up ({})", paths::show(path), reason.why);
                Fact::Unknown(Reason::new(Why::Unresolved, detail))
            }
        }
    }

    fn equal_files(&self, left: &File, right: &File) -> Fact<bool> {
        match (left, right) {
            (File::Exe(pid), File::Found(facts)) | (File::Found(facts), File::Exe(pid)) => {
                self.exe_equals(*pid, &Wanted::file(FileFacts::clone(facts)), &facts.real)
            }
            _ => {
                let left = self.identity(left);
                left.and_then(|left| self.identity(right).map(|right| left == right))
            }
        }
    }

    /// The path of a file, as text.
    pub(super) fn path_of(&self, file: &File) -> Fact<Bytes> {
        match file {
            File::Exe(pid) => exe::path(self.world, *pid).map(paths::shared),
            File::Found(facts) => Fact::Known(facts.real.clone()),
            File::Open(open) => Fact::Known(paths::shared(exe::plain(&open.text, open.facts.nlink == 0))),
            File::Link { text, .. } => Fact::Known(text.clone()),
        }
    }

    /// What stat says of a file.
    pub(super) fn facts_of(&self, file: &File) -> Fact<FileFacts> {
        match file {
            File::Exe(pid) => self.world.exe_file(*pid),
            File::Found(facts) => Fact::Known(FileFacts::clone(facts)),
            File::Open(open) => Fact::Known(open.facts.clone()),
            File::Link { text, .. } => self.world.file(Root::Engine, text),
        }
    }

    pub(super) fn user(&self, value: &Value) -> Fact<Uid> {
        match value {
            Value::Int(number) => Fact::from_option(u32::try_from(*number).ok().map(Uid)),
            Value::String(name) => match std::str::from_utf8(name) {
                Ok(name) => self.world.user_id(name),
                Err(_) => Fact::Absent,
            },
            value => {
                value.object::<User>().map_or_else(|| read::misfit("this value"), |user| Fact::Known(user.0))
            }
        }
    }

    pub(super) fn group(&self, value: &Value) -> Fact<Gid> {
        match value {
            Value::Int(number) => Fact::from_option(u32::try_from(*number).ok().map(Gid)),
            Value::String(name) => match std::str::from_utf8(name) {
                Ok(name) => self.world.group_id(name),
                Err(_) => Fact::Absent,
            },
            value => value
                .object::<Group>()
                .map_or_else(|| read::misfit("this value"), |group| Fact::Known(group.0)),
        }
    }

    fn equal(&self, left: &Value, right: &Value) -> Fact<bool> {
        if let (Some(file), Value::Path(path) | Value::String(path)) = (left.object::<File>(), right) {
            return self.equals_path(file, path);
        }
        if let (Value::Path(path) | Value::String(path), Some(file)) = (left, right.object::<File>()) {
            return self.equals_path(file, path);
        }
        if let (Some(left), Some(right)) = (left.object::<File>(), right.object::<File>()) {
            return self.equal_files(left, right);
        }
        if left.object::<User>().is_some() || right.object::<User>().is_some() {
            return both(self.user(left), self.user(right), |left, right| left == right);
        }
        if left.object::<Group>().is_some() || right.object::<Group>().is_some() {
            return both(self.group(left), self.group(right), |left, right| left == right);
        }
        if let (Some(left), Some(right)) = (left.object::<Tty>(), right.object::<Tty>()) {
            return Fact::Known(left == right);
        }
        if let (Some(left), Some(right)) = (left.object::<NamespaceId>(), right.object::<NamespaceId>()) {
            return Fact::Known(left == right);
        }
        match (left.object::<Process>(), right.object::<Process>()) {
            (Some(left), Some(right)) => Fact::Known(left == right),
            _ => read::misfit("a comparison of these values"),
        }
    }

    fn less(&self, left: &Value, right: &Value) -> Fact<bool> {
        if left.object::<Group>().is_some() || right.object::<Group>().is_some() {
            return both(self.group(left), self.group(right), |left, right| left < right);
        }
        both(self.user(left), self.user(right), |left, right| left < right)
    }

    fn under(&self, left: &Value, right: &Value) -> Fact<bool> {
        let directory = match bytes(right) {
            Some(directory) => Fact::Known(directory),
            None => right.object::<File>().map_or_else(|| read::misfit("`under`"), |file| self.path_of(file)),
        };
        let path = match (bytes(left), left.object::<File>()) {
            (Some(path), _) => Fact::Known(path),
            (None, Some(file)) => self.path_of(file),
            (None, None) => read::misfit("`under`"),
        };
        both(path, directory, |path, directory| paths::is_under(&path, &directory))
    }
}

/// The bytes of a string or path.
pub(super) fn bytes(value: &Value) -> Option<Bytes> {
    match value {
        Value::String(bytes) | Value::Path(bytes) => Some(bytes.clone()),
        _ => None,
    }
}

/// The variables of an environment by name; of two with one name the first, as for [`World::variable`].
fn variables(block: &[Bytes]) -> Entries {
    let mut all = BTreeMap::new();
    for entry in block {
        let Some(at) = entry.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (entry.get(..at).unwrap_or_default(), entry.get(at + 1..).unwrap_or_default());
        all.entry(Arc::from(name)).or_insert_with(|| Value::string(value));
    }
    all.into_iter().collect()
}

/// The control groups of version 1 by controller.
fn controllers(lines: &[CgroupLine]) -> Entries {
    let mut all = BTreeMap::new();
    for line in lines {
        for name in &line.controllers {
            all.entry(Arc::from(name.as_bytes())).or_insert_with(|| Value::path(&line.path));
        }
    }
    all.into_iter().collect()
}

/// Two known facts compared; a comparison with something absent is false.
fn both<T>(left: Fact<T>, right: Fact<T>, holds: impl FnOnce(T, T) -> bool) -> Fact<bool> {
    match (left, right) {
        (Fact::Known(left), Fact::Known(right)) => Fact::Known(holds(left, right)),
        (Fact::Unknown(reason), _) | (_, Fact::Unknown(reason)) => Fact::Unknown(reason),
        (Fact::Absent, _) | (_, Fact::Absent) => Fact::Known(false),
    }
}

impl Vocabulary for ProcessVocabulary<'_> {
    fn field(&self, owner: &Value, field: usize) -> Fact<Value> {
        match (declare::reader(field), owner.object::<Process>()) {
            (Some((name, Reader::Process(read))), Some(process)) => match self.world.gap(process.0, name) {
                None | Some(Fact::Known(())) => read(self, process.0),
                // What is not called a zombie or a kernel thread is none.
                Some(Fact::Absent) if DERIVED.contains(&name) => read(self, process.0),
                Some(Fact::Absent) => Fact::Absent,
                Some(Fact::Unknown(reason)) => Fact::Unknown(reason),
            },
            (Some((_, Reader::File(read))), _) => match owner.object::<File>() {
                Some(file) => read(self, file),
                None => read::misfit("this field"),
            },
            (Some((_, Reader::Socket(read))), _) => match owner.object::<Socket>() {
                Some(socket) => read(&socket.0),
                None => read::misfit("this field"),
            },
            (Some((_, Reader::Limit(read))), _) => match owner.object() {
                Some(limit) => read(limit),
                None => read::misfit("this field"),
            },
            _ => read::misfit("this field"),
        }
    }

    fn entry(&self, owner: &Value, field: usize, key: &[u8]) -> Fact<Value> {
        match (declare::reader(field), owner.object::<Process>()) {
            (Some((_, Reader::Entry(read))), Some(process)) => read(self, process.0, key),
            _ => read::misfit("this entry"),
        }
    }

    fn entries(&self, owner: &Value, field: usize) -> Fact<Entries> {
        match (declare::reader(field), owner.object::<Process>()) {
            (Some(("env", _)), Some(process)) => self.world.environ(process.0).map(|block| variables(&block)),
            (Some(("cgroup[]", _)), Some(process)) => {
                self.world.cgroups(process.0).map(|lines| controllers(&lines))
            }
            _ => read::misfit("all entries of this map"),
        }
    }

    fn call(&self, candidate: &Value, function: usize, arguments: &[Value]) -> Fact<Value> {
        match (declare::functions().get(function), candidate.object::<Process>()) {
            (Some(function), Some(process)) => (function.call)(self, process.0, arguments),
            _ => read::misfit("this function"),
        }
    }

    fn compare(&self, _candidate: &Value, operation: Operation, left: &Value, right: &Value) -> Fact<bool> {
        match operation {
            Operation::Equal => self.equal(left, right),
            Operation::Less => self.less(left, right),
            Operation::Under => self.under(left, right),
            // The core compares the text itself; equal text is what remains to be asked here.
            Operation::Text => {
                both(self.text(left), self.text(right), |left, right| bytes(&left) == bytes(&right))
            }
        }
    }

    fn convert(&self, literal: &Value, to: TypeName) -> Fact<Value> {
        match to {
            super::objects::USER => self.user(literal).map(|uid| User(uid).into()),
            super::objects::GROUP => self.group(literal).map(|gid| Group(gid).into()),
            super::objects::TTY => Fact::from_option(bytes(literal).map(|name| Tty::from_name(&name).into())),
            _ => read::misfit("this literal"),
        }
    }

    fn text(&self, value: &Value) -> Fact<Value> {
        if let Some(file) = value.object::<File>() {
            return self.path_of(file).map(Value::Path);
        }
        if let Some(user) = value.object::<User>() {
            return or_number(self.world.user_name(user.0), user.0.0);
        }
        if let Some(group) = value.object::<Group>() {
            return or_number(self.world.group_name(group.0), group.0.0);
        }
        match value {
            Value::Object(object) => Fact::Known(Value::string(object.to_string())),
            other => Fact::Known(other.clone()),
        }
    }

    /// Files by their path as it is, with the kernel's word for one that has no name any more; accounts by name;
    /// processes by number and the kernel's name.
    fn show(&self, value: &Value) -> Option<String> {
        if let Some(process) = value.object::<Process>() {
            let comm = self.world.comm(process.0).known()?;
            return Some(format!("{} ({})", process.0, paths::show(&comm)));
        }
        if let Some(file) = value.object::<File>() {
            let path = paths::show(&self.path_of(file).known()?);
            let gone =
                matches!(file, File::Exe(_) | File::Open(_)) && self.facts_of(file).known()?.nlink == 0;
            return Some(if gone { format!("{path} (deleted)") } else { path });
        }
        let is_account = value.object::<User>().is_some() || value.object::<Group>().is_some();
        match self.text(value).known().filter(|_| is_account)? {
            Value::String(name) if !name.iter().all(u8::is_ascii_digit) => Some(show(&Value::String(name))),
            Value::String(number) => Some(paths::show(&number)),
            _ => None,
        }
    }

    fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.borrow_mut())
    }
}

/// A name, or the number of an account without one.
fn or_number(name: Fact<std::sync::Arc<str>>, number: u32) -> Fact<Value> {
    match name {
        Fact::Known(name) => Fact::Known(Value::string(name.as_bytes())),
        Fact::Absent => Fact::Known(Value::string(number.to_string())),
        Fact::Unknown(reason) => Fact::Unknown(reason),
    }
}

#[cfg(test)]
mod tests;
