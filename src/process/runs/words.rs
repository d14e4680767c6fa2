//! `runs` where the file is a script: what execfn and argv of its interpreter say.

use super::{Run, Target, names_target, shares_name};
use crate::facts::{Arguments, Fact, Reason};
use crate::process::arguments::is_title;
use crate::process::paths;
use crate::process::script::{self, Operand, is_interpreter, operand};
use crate::process::world::{Bytes, World};
use crate::units::Pid;

/// Where the name given to execve leads.
#[derive(Debug)]
pub(super) enum Lead {
    /// To the file.
    Here,
    /// To another script.
    Elsewhere,
    /// To no script: the interpreter itself (`env`), a descriptor, something gone.
    NoScript,
    /// It can't be told.
    Unknown,
}

pub(super) fn lead(world: &dyn World, pid: Pid, target: &Target) -> Lead {
    let name = match world.execfn(pid) {
        Fact::Known(name) => name,
        Fact::Absent => return Lead::NoScript,
        Fact::Unknown(_) => return Lead::Unknown,
    };
    match names_target(world, pid, target, &name) {
        Fact::Known(true) => return Lead::Here,
        Fact::Unknown(_) => return Lead::Unknown,
        Fact::Known(false) | Fact::Absent => {}
    }
    match script::file_of(world, pid, &name, None) {
        Fact::Known(file) if script::is_script(world, pid, &name, &file) => Lead::Elsewhere,
        Fact::Known(_) | Fact::Absent | Fact::Unknown(_) => Lead::NoScript,
    }
}

/// exe is the interpreter or of its family.
pub(super) fn script(world: &dyn World, pid: Pid, target: &Target, family: &[u8]) -> Run {
    let lead = lead(world, pid, target);
    if let Lead::Here = lead {
        return Run::yes(locate(world, pid, target, Some(family)).known().flatten());
    }
    let arguments = match world.arguments(pid) {
        Fact::Known(arguments) => arguments,
        Fact::Absent => return Run::no(),
        Fact::Unknown(reason) => {
            return if let Lead::Elsewhere = lead { Run::no() } else { Run::unknown(reason) };
        }
    };
    if is_title(world, pid, &arguments)
        || (arguments.words.len() < 2 && has_title_shape(world, pid, target, &arguments))
    {
        return match lead {
            Lead::Elsewhere => Run::no(),
            Lead::Here | Lead::NoScript | Lead::Unknown => {
                let why =
                    "a title stands where its argv was: tell them apart with `match`, or by a `pidfile`";
                Run { titled: true, ..Run::could_be(pid, target, why) }
            }
        };
    }
    match find(world, pid, target, &arguments, Some(family)) {
        Fact::Known(Some(after)) => Run::yes(Some(after)),
        Fact::Known(None) | Fact::Absent => Run::no(),
        Fact::Unknown(reason) => Run::unknown(reason),
    }
}

/// A shell's script that another interpreter executes, under its own name.
pub(super) fn given_on(world: &dyn World, pid: Pid, target: &Target, family: &[u8]) -> Run {
    let Some(arguments) = world.arguments(pid).known() else { return Run::no() };
    let is_called = |word: &Bytes| script::alike(paths::family(word), family);
    if is_title(world, pid, &arguments) || !arguments.words.first().is_some_and(is_called) {
        return Run::no();
    }
    let Operand::Script { index, name } = operand(family, &arguments.words) else { return Run::no() };
    match names_target(world, pid, target, &name) {
        Fact::Known(true) => Run::yes(Some(index + 1)).self_reported(),
        Fact::Known(false) | Fact::Absent => Run::no(),
        Fact::Unknown(reason) => Run::unknown(reason),
    }
}

/// One word that isn't the interpreter's own name, nor the name that it was executed by: a script has at least
/// two when it begins.
fn has_title_shape(world: &dyn World, pid: Pid, target: &Target, arguments: &Arguments) -> bool {
    let family = target.chain.family().unwrap_or_default();
    let Some(first) = arguments.words.first() else { return false };
    if script::alike(paths::family(first), family) {
        return false;
    }
    let own =
        |name: &[u8]| paths::base_name(name) == paths::base_name(first.strip_prefix(b"-").unwrap_or(first));
    !world.execfn(pid).known().is_some_and(|name| own(&name))
}

/// Index of argv behind the file's own word. Known(None): argv is intact and doesn't name it.
pub(super) fn locate(
    world: &dyn World,
    pid: Pid,
    target: &Target,
    family: Option<&[u8]>,
) -> Fact<Option<usize>> {
    world.arguments(pid).and_then(|arguments| {
        if is_title(world, pid, &arguments) {
            return Fact::Known(None);
        }
        find(world, pid, target, &arguments, family)
    })
}

fn find(
    world: &dyn World,
    pid: Pid,
    target: &Target,
    arguments: &Arguments,
    family: Option<&[u8]>,
) -> Fact<Option<usize>> {
    let words = arguments.words.get(1..).unwrap_or_default();
    let chain = &target.chain.words;
    let begins = words.len() > chain.len()
        && words.iter().zip(chain).all(|(word, own)| word.as_ref() == own.as_slice());
    let mut doubt = None;
    // An option is no script: the kernel puts the path there that was executed.
    if begins && let Some(word) = words.get(chain.len()).filter(|word| !word.starts_with(b"-")) {
        match names_target(world, pid, target, word) {
            Fact::Known(true) => return Fact::Known(Some(chain.len() + 2)),
            Fact::Unknown(reason) => doubt = Some(reason),
            Fact::Known(false) | Fact::Absent => {}
        }
    }
    // Without a family, that of argv[0] has to do: this place only finds out where the arguments begin.
    let family =
        family.or_else(|| arguments.words.first().map(|word| paths::family(word))).unwrap_or_default();
    if is_interpreter(family) {
        let Operand::Script { index, name } = operand(family, &arguments.words) else {
            return Fact::Known(None);
        };
        return names_target(world, pid, target, &name).map(|is| is.then_some(index + 1));
    }
    doubt.map_or(Fact::Known(None), Fact::Unknown)
}

/// Nothing is known of what would run for the file: a process is none of it only if neither execfn nor a
/// word of argv has its name.
pub(super) fn undecided(world: &dyn World, pid: Pid, target: &Target, reason: &Reason) -> Run {
    if let Lead::Here = lead(world, pid, target) {
        return Run::yes(None).self_reported();
    }
    match world.arguments(pid) {
        Fact::Known(arguments) if !is_title(world, pid, &arguments) && !arguments.truncated => {
            let named = arguments.words.iter().any(|word| shares_name(target, word));
            if named { Run::unknown(reason.clone()) } else { Run::no() }
        }
        Fact::Absent => Run::no(),
        Fact::Known(_) | Fact::Unknown(_) => Run::unknown(reason.clone()),
    }
}
