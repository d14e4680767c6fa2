//! What argv says: options, whether it is still what execve left, and whether it has the wanted arguments.

use super::paths;
use super::world::{Bytes, World};
use crate::facts::{Arguments, Fact, Reason, Why};
use crate::units::Pid;

/// How the arguments of a process compare with those of a spec.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ArgumentMatch {
    /// The same.
    Equal,
    /// A title stands where argv was: they can't be told.
    Overwritten,
    /// Others.
    Different,
}

/// Whether the process wrote over its argv. Absent where there is no argv.
pub fn rewritten(world: &dyn World, pid: Pid) -> Fact<bool> {
    world.arguments(pid).map(|arguments| is_title(world, pid, &arguments))
}

/// Whether what stands there is a title: no NUL structure any more, or another length than execve left.
///
/// The kernel gives a title that grew out of argv up to its first NUL, as one word. Several words of another length are an argv as
/// well: that of before or after an execve which came between the two reads (`fs/proc/base.c`, `get_mm_cmdline`).
pub fn is_title(world: &dyn World, pid: Pid, arguments: &Arguments) -> bool {
    if arguments.padded {
        return !ends_in_empty_words(&arguments.words);
    }
    if arguments.truncated {
        return false;
    }
    let range = world.stat(pid).known().map_or((0, 0), |stat| stat.arg_range);
    let length: usize = arguments.words.iter().map(|word| word.len() + 1).sum();
    if range.1 > range.0 {
        if arguments.words.len() > 1 {
            return false;
        }
        return u64::try_from(length).is_ok_and(|length| length != range.1 - range.0);
    }
    // The range isn't readable for others. One word with blanks is a title, unless it is a path with blanks.
    match arguments.words.as_slice() {
        [only] => only.contains(&b' ') && !names_the_image(world, pid, only),
        _ => false,
    }
}

/// Several words that say something, and behind them one or more that are empty: `prog --name ""`. A title is one word, and what is
/// behind it is padding.
fn ends_in_empty_words(words: &[Bytes]) -> bool {
    words.last().is_some_and(|word| word.is_empty())
        && words.iter().filter(|word| !word.is_empty()).count() > 1
}

fn names_the_image(world: &dyn World, pid: Pid, title: &[u8]) -> bool {
    let same = |name: &Fact<Bytes>| matches!(name, Fact::Known(name) if paths::base_name(name) == paths::base_name(title));
    same(&world.exe_text(pid)) || same(&world.execfn(pid))
}

/// argv after argv\[0\], for looking up options. Unknown if a title stands there.
fn options(world: &dyn World, pid: Pid) -> Fact<std::sync::Arc<Arguments>> {
    world.arguments(pid).and_then(|arguments| {
        if is_title(world, pid, &arguments) {
            let detail = format!("argv of {pid} is overwritten by a title");
            return Fact::Unknown(Reason::new(Why::Unresolved, detail));
        }
        Fact::Known(arguments)
    })
}

fn too_long(pid: Pid) -> Reason {
    Reason::new(Why::Truncated, format!("argv of {pid}"))
}

/// The value of an option: `--port=80` or `--port 80`; the last one counts. Absent if it isn't there.
pub fn option(world: &dyn World, pid: Pid, name: &[u8]) -> Fact<Bytes> {
    options(world, pid).and_then(|arguments| {
        let mut found = None;
        let mut words = arguments.words.iter().skip(1).take_while(|word| word.as_ref() != b"--").peekable();
        while let Some(word) = words.next() {
            if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix(b"=")) {
                found = Some(paths::shared(value));
            } else if word.as_ref() == name {
                found = words.next_if(|next| !next.starts_with(b"--")).cloned();
            }
        }
        // Options may go on in the rest, and the last one counts.
        let ended = arguments.words.iter().skip(1).any(|word| word.as_ref() == b"--");
        if arguments.truncated && !ended {
            return Fact::Unknown(too_long(pid));
        }
        Fact::from_option(found)
    })
}

/// Whether a word of argv is the flag. False where there is no argv.
pub fn flag(world: &dyn World, pid: Pid, name: &[u8]) -> Fact<bool> {
    let found = options(world, pid).and_then(|arguments| {
        // The last word of a beginning may be cut.
        let whole = arguments.words.len() - usize::from(arguments.truncated && !arguments.words.is_empty());
        let words = arguments.words.iter().take(whole);
        let mut words = words.skip(1).take_while(|word| word.as_ref() != b"--");
        match words.any(|word| word.as_ref() == name) {
            false if arguments.truncated => Fact::Unknown(too_long(pid)),
            found => Fact::Known(found),
        }
    });
    or_false(found)
}

/// Whether argv ends in these words. False where there is no argv.
pub fn ends_in(world: &dyn World, pid: Pid, wanted: &[Bytes]) -> Fact<bool> {
    let found = options(world, pid).and_then(|arguments| {
        if arguments.truncated {
            return Fact::Unknown(too_long(pid));
        }
        Fact::Known(arguments.words.get(1..).unwrap_or_default().ends_with(wanted))
    });
    or_false(found)
}

fn or_false(fact: Fact<bool>) -> Fact<bool> {
    match fact {
        Fact::Absent => Fact::Known(false),
        other => other,
    }
}

/// Compares the arguments of a process with those of a spec. `after` is the index of argv behind the program
/// or script, where it is known; else argv must end in the arguments.
pub fn compare(world: &dyn World, pid: Pid, after: Option<usize>, wanted: &[Bytes]) -> Fact<ArgumentMatch> {
    world.arguments(pid).and_then(|arguments| {
        if is_title(world, pid, &arguments) || (after.is_none_or(|at| at > 1) && arguments.words.len() < 2) {
            return Fact::Known(ArgumentMatch::Overwritten);
        }
        if arguments.truncated {
            return Fact::Unknown(too_long(pid));
        }
        let equal = match after {
            Some(at) => arguments.words.get(at..).unwrap_or_default() == wanted,
            None => arguments.words.get(1..).unwrap_or_default().ends_with(wanted),
        };
        Fact::Known(if equal { ArgumentMatch::Equal } else { ArgumentMatch::Different })
    })
}
