//! The script that an interpreter executes: the name given to execve, else the operand in argv.
//!
//! Names are those of the process: they are resolved in its root, and links can't lead out of it.

mod operands;

pub use operands::{Operand, is_interpreter, is_kin, operand};

use super::paths;
use super::world::{Root, World};
use crate::facts::{Fact, FileFacts, FileKind, Reason, Why};
use crate::units::Pid;

/// Names that mean a descriptor of whoever opens them: never looked up for another process.
const OWN_DESCRIPTORS: &[&[u8]] =
    &[b"/dev/fd/", b"/dev/stdin", b"/dev/stdout", b"/dev/stderr", b"/proc/self/", b"/proc/thread-self/"];

/// Whether the name leads to a descriptor of the one who opens it.
pub fn is_own_descriptor(name: &[u8]) -> bool {
    OWN_DESCRIPTORS.iter().any(|prefix| name.starts_with(prefix))
}

/// The file that `pid` means by `name`: in its root, a relative one from its working directory.
/// Absent if there is none. `elsewhere` is a second directory to try for relative names.
pub fn file_of(world: &dyn World, pid: Pid, name: &[u8], elsewhere: Option<&[u8]>) -> Fact<FileFacts> {
    if is_own_descriptor(name) || name.is_empty() {
        return Fact::Absent;
    }
    if paths::is_absolute(name) {
        return world.file(Root::Of(pid), name);
    }
    let here =
        working_directory(world, pid).and_then(|cwd| world.file(Root::Of(pid), &paths::join(&cwd, name)));
    match (here, elsewhere) {
        (Fact::Known(file), _) => Fact::Known(file),
        (other, None) => other,
        (other, Some(directory)) => match world.file(Root::Of(pid), &paths::join(directory, name)) {
            Fact::Known(file) => Fact::Known(file),
            Fact::Absent | Fact::Unknown(_) => other,
        },
    }
}

/// The working directory as a path in the process's own root.
fn working_directory(world: &dyn World, pid: Pid) -> Fact<Vec<u8>> {
    let cwd = match world.cwd(pid) {
        Fact::Known(cwd) => cwd,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    world.root(pid).map(|root| match cwd.text.strip_prefix(root.text.as_ref()) {
        // The kernel shows the outer path of a directory inside a chroot.
        Some(inner) if !root.same && root.text.len() > 1 => paths::join(b"/", inner),
        _ => cwd.text.to_vec(),
    })
}

/// Whether the file that `pid` means by `name` begins with `#!`. Opened only if it is regular.
pub fn is_script(world: &dyn World, pid: Pid, name: &[u8], file: &FileFacts) -> bool {
    if is_own_descriptor(name) || file.kind != FileKind::Regular {
        return false;
    }
    matches!(world.head(Root::Of(pid), &file.real), Fact::Known(head) if head.starts_with(b"#!"))
}

/// The script that `pid` executes. Absent: it executes none. Unknown: a relative name that leads nowhere.
pub fn script(world: &dyn World, pid: Pid) -> Fact<FileFacts> {
    let image = match world.exe_file(pid) {
        Fact::Known(image) => image,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    if let Fact::Known(name) = world.execfn(pid)
        && let Fact::Known(file) = file_of(world, pid, &name, None)
        && !file.same_file(&image)
        && is_script(world, pid, &name, &file)
    {
        return Fact::Known(file);
    }
    let family = match super::exe::path(world, pid) {
        Fact::Known(path) => paths::family(&path).to_vec(),
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    if !is_interpreter(&family) {
        return Fact::Absent;
    }
    by_operand(world, pid, &family)
}

fn by_operand(world: &dyn World, pid: Pid, family: &[u8]) -> Fact<FileFacts> {
    let arguments = match world.arguments(pid) {
        Fact::Known(arguments) => arguments,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    if super::arguments::is_title(world, pid, &arguments) {
        return Fact::Unknown(Reason::new(
            Why::Unresolved,
            format!("argv of {pid} is overwritten by a title"),
        ));
    }
    let Operand::Script { name, .. } = operand(family, &arguments.words) else {
        return Fact::Absent;
    };
    match file_of(world, pid, &name, None) {
        Fact::Absent if !is_own_descriptor(&name) => {
            let name = paths::show(&name);
            Fact::Unknown(Reason::new(Why::Unresolved, format!("script `{name}` of {pid} is not found")))
        }
        found => found,
    }
}

#[cfg(test)]
mod tests;
