//! `exe == path`: whether a process executes a file. Identity, not text.
//!
//! The fast path is one stat through `/proc/PID/exe`. The text of the link is read only where the file has
//! no name any more (`nlink` 0), or where a person asks why it is false.

use super::paths;
use super::world::{Root, World};
use crate::facts::{Fact, FileFacts, Reason, Why};
use crate::lang::quick::Datum;
use crate::units::Pid;

/// Whether the image is the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Equality {
    /// The answer.
    pub holds: Fact<bool>,
    /// It holds, but the process runs an old version of the file.
    pub stale: bool,
}

impl Equality {
    fn is(holds: bool) -> Self {
        Self { holds: Fact::Known(holds), stale: false }
    }

    fn unknown(reason: Reason) -> Self {
        Self { holds: Fact::Unknown(reason), stale: false }
    }
}

/// The file on the right hand side, looked up once in the engine's root.
#[derive(Clone, Debug)]
pub struct Wanted {
    file: Fact<FileFacts>,
    real: Vec<u8>,
}

impl Wanted {
    /// By its path.
    pub fn path(world: &dyn World, path: &[u8]) -> Self {
        match world.file(Root::Engine, path) {
            Fact::Known(file) => Self::file(file),
            Fact::Absent => Self { file: Fact::Absent, real: real_of_missing(world, path) },
            Fact::Unknown(reason) => {
                let detail = format!("`{}` can't be looked up ({})", paths::show(path), reason.why);
                Self { file: Fact::Unknown(Reason::new(Why::Unresolved, detail)), real: path.to_vec() }
            }
        }
    }

    /// What equality with it means for an image that has a name: [`Datum::Absent`] where nothing can be equal. `None` if
    /// it could not be looked up.
    pub(super) fn plain(&self) -> Option<Datum> {
        match &self.file {
            Fact::Known(file) => Some(Datum::File(file.dev, file.ino)),
            Fact::Absent => Some(Datum::Absent),
            Fact::Unknown(_) => None,
        }
    }

    /// A file that was looked up already.
    pub fn file(file: FileFacts) -> Self {
        Self { real: file.real.to_vec(), file: Fact::Known(file) }
    }
}

/// Where a file that doesn't exist would be: its directory with links followed, and its name.
fn real_of_missing(world: &dyn World, path: &[u8]) -> Vec<u8> {
    let path = paths::tidy(path);
    match world.file(Root::Engine, paths::parent(&path)) {
        Fact::Known(directory) => paths::join(&directory.real, paths::base_name(&path)),
        Fact::Absent | Fact::Unknown(_) => path,
    }
}

/// Whether `pid` executes the file.
pub fn equal(world: &dyn World, pid: Pid, wanted: &Wanted) -> Equality {
    let image = match world.exe_file(pid) {
        Fact::Known(image) => image,
        Fact::Absent => return Equality::is(false),
        Fact::Unknown(reason) => return Equality::unknown(reason),
    };
    match &wanted.file {
        Fact::Unknown(reason) => return Equality::unknown(reason.clone()),
        Fact::Known(file) if file.same_file(&image) => return Equality::is(true),
        Fact::Known(_) | Fact::Absent => {}
    }
    // The link count tells the kernel's mark from a file that is really named `x (deleted)`.
    if image.nlink > 0 {
        return Equality::is(false);
    }
    stale(world, pid, &wanted.real)
}

/// The image was deleted or replaced, and its name was the wanted one, in the same root.
fn stale(world: &dyn World, pid: Pid, real: &[u8]) -> Equality {
    let text = match world.exe_text(pid) {
        Fact::Known(text) => text,
        Fact::Absent => return Equality::is(false),
        Fact::Unknown(reason) => return Equality::unknown(reason),
    };
    // A memfd never had a name: what stands there is only a label that its maker chose.
    if is_label(&text) || paths::strip_deleted(&text) != Some(real) {
        return Equality::is(false);
    }
    match world.root(pid) {
        Fact::Known(root) => Equality { holds: Fact::Known(root.same), stale: root.same },
        Fact::Absent => Equality::is(false),
        Fact::Unknown(reason) => Equality::unknown(reason),
    }
}

/// Why an equality that looks true is false: the text is equal, the file is another.
pub fn near_miss(world: &dyn World, pid: Pid, wanted: &Wanted) -> Option<String> {
    let text = world.exe_text(pid).known()?;
    let image = world.exe_file(pid).known()?;
    if image.nlink == 0 && is_label(&text) {
        return None;
    }
    let real = wanted.real.as_slice();
    let plain = if image.nlink == 0 { paths::strip_deleted(&text).unwrap_or(&text) } else { &text };
    let root = world.root(pid).known()?;
    let shown = paths::show(real);
    if plain == real {
        return Some(if root.same {
            format!(
                "near miss: exe of {pid} is called `{shown}` too, but a mount shadows one of the two files"
            )
        } else {
            format!("near miss: exe of {pid} is called `{shown}` too, but in another root directory")
        });
    }
    let moved = root.same && paths::parent(plain) == paths::parent(real);
    let begins = paths::base_name(plain).starts_with(paths::base_name(real));
    (moved && begins).then(|| {
        let plain = paths::show(plain);
        format!("near miss: exe of {pid} is `{plain}`, perhaps the old `{shown}` moved aside")
    })
}

/// The path of the image: the text of the link, the kernel's mark taken off only if the file has no name.
pub fn path(world: &dyn World, pid: Pid) -> Fact<Vec<u8>> {
    let image = world.exe_file(pid);
    world.exe_text(pid).map(|text| {
        let unnamed = matches!(&image, Fact::Known(image) if image.nlink == 0);
        plain(&text, unnamed).to_vec()
    })
}

/// The text of a link without the kernel's mark, if the file has no name any more.
pub fn plain(text: &[u8], unnamed: bool) -> &[u8] {
    let plain = if unnamed { paths::strip_deleted(text) } else { None };
    plain.unwrap_or(text)
}

/// The image is a memfd: it never had a name (`memfd_create(2)`).
pub fn is_memfd(world: &dyn World, pid: Pid) -> Fact<bool> {
    world.exe_file(pid).and_then(|image| {
        if image.nlink > 0 {
            return Fact::Known(false);
        }
        world.exe_text(pid).map(|text| is_label(&text))
    })
}

/// How the kernel shows a memfd, which has no links.
pub fn is_label(text: &[u8]) -> bool {
    text.starts_with(b"/memfd:") && paths::strip_deleted(text).is_some()
}

#[cfg(test)]
mod tests;
