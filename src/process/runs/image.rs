//! `runs` where the file is a native program: the name it was called by, old copies, the dynamic loader.

use super::{COMM_MAX, Run, Target, names_target, words};
use crate::facts::{Fact, FileFacts};
use crate::process::paths;
use crate::process::script;
use crate::process::world::{Bytes, World};
use crate::units::Pid;

/// exe is the file. It is no execution of it if execve was given a script, or another name of a program
/// that has several.
pub(super) fn name_fits(world: &dyn World, pid: Pid, target: &Target, image: &FileFacts) -> Run {
    let execfn = world.execfn(pid);
    if let Fact::Known(name) = &execfn
        && paths::is_absolute(name)
        && let Fact::Known(file) = script::file_of(world, pid, name, None)
        && !file.same_file(image)
        && script::is_script(world, pid, name, &file)
    {
        return Run::no();
    }
    let link = paths::base_name(&target.path);
    let real = target.file().map_or(link, |file| paths::base_name(&file.real));
    if target.file().is_some_and(|file| file.multicall) {
        return applet(world, pid, target, link, &execfn);
    }
    if link == real { Run::yes(Some(1)) } else { link_name(world, pid, target, [link, real], &execfn) }
}

/// A multi-call program acts by its name, which is the base name of execfn or of argv\[0\].
fn applet(world: &dyn World, pid: Pid, target: &Target, link: &[u8], execfn: &Fact<Bytes>) -> Run {
    if matches!(execfn, Fact::Known(name) if paths::base_name(name) == link) {
        return Run::yes(Some(1));
    }
    match called(world, pid) {
        Fact::Known(name) if paths::base_name(&name) == link => Run::yes(Some(1)),
        Fact::Known(_) | Fact::Absent => Run::no(),
        Fact::Unknown(_) => Run::could_be(pid, target, "the name it was called by can't be read"),
    }
}

/// The file is a link with another base name: called by either is right, by a third one it is another service.
fn link_name(world: &dyn World, pid: Pid, target: &Target, fits: [&[u8]; 2], execfn: &Fact<Bytes>) -> Run {
    let is_one = |name: &[u8]| fits.contains(&paths::base_name(name));
    match execfn {
        Fact::Known(name) if !script::is_own_descriptor(name) => {
            if is_one(name) {
                Run::yes(Some(1))
            } else {
                Run::no()
            }
        }
        Fact::Absent => Run::yes(Some(1)),
        Fact::Known(_) | Fact::Unknown(_) => match called(world, pid) {
            Fact::Known(name) if is_one(&name) => Run::yes(Some(1)),
            Fact::Known(_) | Fact::Absent | Fact::Unknown(_) => {
                Run::could_be(pid, target, "the name it was started by can't be read")
            }
        },
    }
}

/// argv\[0\] without the dash of a login shell. Absent if it is empty.
fn called(world: &dyn World, pid: Pid) -> Fact<Bytes> {
    world.arguments(pid).and_then(|arguments| {
        Fact::from_option(
            arguments.words.first().map(|word| paths::shared(word.strip_prefix(b"-").unwrap_or(word))),
        )
    })
}

/// Another file runs from the same directory: the old one, if execfn still names the file.
pub(super) fn moved_aside(world: &dyn World, pid: Pid, target: &Target, image: &[u8]) -> Run {
    if !is_called_as(target, image) && bears_the_name_of(world, pid, image) {
        return Run::no();
    }
    match words::lead(world, pid, target) {
        words::Lead::Here => Run::yes(Some(1)).stale(true).self_reported(),
        words::Lead::Unknown => {
            let base = paths::base_name(&target.path);
            let same_name =
                matches!(called(world, pid), Fact::Known(name) if name.as_ref() == target.path.as_slice());
            if same_name && !base.is_empty() {
                return Run::could_be(pid, target, "the name it was started by can't be read");
            }
            Run::no()
        }
        words::Lead::Elsewhere | words::Lead::NoScript => Run::no(),
    }
}

/// Its `comm` is the image's name: execve gives the base name of what it executes (`begin_new_exec` in fs/exec.c), so it executed
/// the image by its present name. Asked first, since that is a fact which is read for others anyway, and execfn of each
/// process in `/usr/sbin` takes longer than all the rest.
pub(super) fn bears_the_name_of(world: &dyn World, pid: Pid, image: &[u8]) -> bool {
    world.stat(pid).known().is_some_and(|stat| *stat.comm == *as_comm(image))
}

/// The image has a name that the target has as well, as far as `comm` can tell.
pub(super) fn is_called_as(target: &Target, image: &[u8]) -> bool {
    let is = |name: &[u8]| as_comm(name) == as_comm(image);
    is(&target.path) || target.file().is_some_and(|file| is(&file.real))
}

fn as_comm(path: &[u8]) -> &[u8] {
    let name = paths::base_name(path);
    name.get(..COMM_MAX).unwrap_or(name)
}

/// The dynamic loader, which can be told to run a program: then it is the image (`ld.so(8)`).
pub(super) fn is_loader(image: &[u8]) -> bool {
    let name = paths::base_name(image);
    name.starts_with(b"ld-linux")
        || name.starts_with(b"ld-musl")
        || name.starts_with(b"ld.so")
        || name.starts_with(b"ld-2")
}

pub(super) fn through_loader(world: &dyn World, pid: Pid, target: &Target) -> Run {
    const VALUED: [&[u8]; 5] =
        [b"--library-path", b"--preload", b"--argv0", b"--audit", b"--glibc-hwcaps-prepend"];
    let arguments = match world.arguments(pid) {
        Fact::Known(arguments) => arguments,
        Fact::Absent => return Run::no(),
        Fact::Unknown(reason) => return Run::unknown(reason),
    };
    let mut at = 1;
    while let Some(word) = arguments.words.get(at).filter(|word| word.starts_with(b"--")) {
        at += if VALUED.contains(&word.as_ref()) { 2 } else { 1 };
    }
    let Some(program) = arguments.words.get(at) else { return Run::no() };
    match names_target(world, pid, target, program) {
        Fact::Known(true) => Run::yes(Some(at + 1)),
        Fact::Known(false) | Fact::Absent => Run::no(),
        Fact::Unknown(reason) => Run::unknown(reason),
    }
}
