//! The processes of one interpreter by the script that they execute: which of them can be an execution of a script at all.
//!
//! A host with a thousand services in one language has a thousand processes of one interpreter, and each object would ask
//! each of them. What a process names doesn't depend on who asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::{Arguments, Fact, FileFacts};
use crate::process::arguments::is_title;
use crate::process::paths;
use crate::process::script::{Operand, is_own_descriptor, operand};
use crate::process::world::{Root, World};
use crate::units::Pid;

/// The processes of an interpreter, in the order of what is known of them.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    /// By device and inode of the files that execfn and the operand name.
    by_file: BTreeMap<(u64, u64), Vec<Pid>>,
    /// The command lines of those.
    told: Vec<Told>,
    /// What they execute can't be told for all askers alike: each has to be asked.
    unclear: Vec<Pid>,
}

/// A process whose command line says what it executes.
#[derive(Debug)]
struct Told {
    pid: Pid,
    arguments: Arc<Arguments>,
    /// Which of the words names the script.
    operand: Option<usize>,
}

impl Scripts {
    /// Reads what these processes name. `family` is that of the interpreter.
    pub(super) fn new(world: &dyn World, pids: &[Pid], family: &[u8]) -> Self {
        let mut scripts = Self::default();
        for pid in pids {
            match named(world, *pid, family) {
                Some((files, told)) => {
                    for file in files {
                        scripts.by_file.entry(file).or_default().push(*pid);
                    }
                    scripts.told.push(told);
                }
                None => scripts.unclear.push(*pid),
            }
        }
        scripts
    }

    /// Those that may execute this file, which is run with these words before its name.
    ///
    /// INVARIANT: what is left out, `words::script` and `other_interpreter` say "no" to.
    pub(super) fn may_run(&self, file: &FileFacts, before: &[Vec<u8>]) -> impl Iterator<Item = Pid> {
        let named = self.by_file.get(&(file.dev, file.ino)).into_iter().flatten();
        let placed = self.told.iter().filter(move |told| told.may_have_placed(before)).map(|told| &told.pid);
        named.chain(placed).chain(&self.unclear).copied()
    }
}

impl Told {
    /// Behind the words of its `#!` line stands something that could be the name of the script, and isn't the operand.
    fn may_have_placed(&self, before: &[Vec<u8>]) -> bool {
        let (at, words) = (before.len() + 1, &self.arguments.words);
        self.operand != Some(at)
            && words.get(at).is_some_and(|word| !word.starts_with(b"-"))
            && words.iter().skip(1).zip(before).all(|(word, own)| word.as_ref() == own.as_slice())
    }
}

/// The files that a process says it executes, and its command line. `None`: that can't be told.
fn named(world: &dyn World, pid: Pid, family: &[u8]) -> Option<(Vec<(u64, u64)>, Told)> {
    let mut files = Vec::new();
    files.extend(file(world, pid, &world.execfn(pid).known()?)?);
    let arguments = world.arguments(pid).known()?;
    if arguments.truncated || arguments.words.len() < 2 || is_title(world, pid, &arguments) {
        return None;
    }
    let operand = match operand(family, &arguments.words) {
        Operand::Script { index, name } => {
            files.extend(file(world, pid, &name)?.filter(|file| !files.contains(file)));
            Some(index)
        }
        Operand::None | Operand::NoTable => None,
    };
    Some((files, Told { pid, arguments, operand }))
}

/// Device and inode of what a name leads to, for everybody: a relative one is looked for where the asker says. The inner
/// `None`: there is no such file.
#[expect(clippy::option_option, reason = "not told, and told that there is none")]
fn file(world: &dyn World, pid: Pid, name: &[u8]) -> Option<Option<(u64, u64)>> {
    if !paths::is_absolute(name) || is_own_descriptor(name) {
        return None;
    }
    match world.file(Root::Of(pid), name) {
        Fact::Known(file) => Some(Some((file.dev, file.ino))),
        Fact::Absent => Some(None),
        Fact::Unknown(_) => None,
    }
}
