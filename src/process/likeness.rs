//! What a process is known again by: if it is the same, it is the same process, with the same image, user and name.
//!
//! A [`Likeness`] is made of the facts themselves. A [`Pulse`] is cheaper, and tells the same of all that an exec or a change of
//! identity leaves behind. What it doesn't tell: that the file of the image was deleted, and that a process wrote others over its
//! own arguments. Neither does the kernel tell of these as they happen.

use std::hash::{DefaultHasher, Hasher as _};

use super::world::{Bytes, World};
use crate::facts::{Arguments, Fact, Stat, Why};
use crate::units::{Gid, Pid, StartTicks, Uid};

/// Three cheap facts, and the arguments where somebody asks for them.
#[derive(Clone, Debug)]
pub struct Likeness {
    /// Effective ids, where they can be told.
    pub owner: Option<(Uid, Gid)>,
    /// What it executes.
    pub image: Image,
    /// Start, name, and whether it has ended.
    pub stat: Option<(StartTicks, Bytes, bool)>,
    /// A digest of the arguments ([`digest`]), where they were asked for and can be told.
    pub arguments: Option<u64>,
    /// As in [`Pulse`], as it was before the rest was read, where that is known.
    pub layout: Option<u64>,
}

/// What one read of `/proc/PID/stat` and the owner of its directory tell a process by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pulse {
    /// Effective ids.
    pub owner: (Uid, Gid),
    /// Start.
    pub start: StartTicks,
    /// Name.
    pub comm: Bytes,
    /// A digest of the places of its code, data, stack, arguments and environment (fields 26 to 28 and 45 to 51 of
    /// `proc_pid_stat(5)`), which each exec chooses at random. `None`: a thread of the kernel, which has none and never calls it.
    pub layout: Option<u64>,
}

/// What a process executes, as far as two looks are compared by it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Image {
    /// Nothing: a kernel thread, or a process that has ended.
    None,
    /// It can't be told.
    Unknown,
    /// Device, inode, and whether it has a name.
    File(u64, u64, bool),
}

impl Likeness {
    /// That of a process, by the facts of a look. `None`: it is gone.
    pub fn of<W: World + ?Sized>(world: &W, pid: Pid, arguments: bool) -> Option<Self> {
        let owner = there(world.owner(pid)).ok()?;
        let image = match world.exe_file(pid) {
            Fact::Known(file) => Image::File(file.dev, file.ino, file.nlink > 0),
            Fact::Absent => Image::None,
            Fact::Unknown(reason) if reason.why == Why::Vanished => return None,
            Fact::Unknown(_) => Image::Unknown,
        };
        let stat = there(world.stat(pid)).ok()?.map(|stat| of_stat(&stat));
        let arguments = if arguments { there(world.arguments(pid)).ok()? } else { None };
        let arguments = arguments.map(|arguments| digest_of(&arguments));
        Some(Self { owner, image, stat, arguments, layout: None })
    }

    /// Whether nothing has changed from this one to that of a later look. The layout doesn't count: two ways lead to a likeness,
    /// and one of them doesn't know it.
    pub fn is_still(&self, now: &Self) -> bool {
        (&self.owner, &self.image, &self.stat, self.arguments)
            == (&now.owner, &now.image, &now.stat, now.arguments)
    }

    /// Whether a later look would find the same but for what a pulse doesn't tell.
    pub fn has(&self, pulse: &Pulse) -> bool {
        let Some((start, comm, over)) = &self.stat else { return false };
        let in_place = pulse.layout.map_or(self.image == Image::None, |now| self.layout == Some(now));
        !over && in_place && self.owner == Some(pulse.owner) && (start, comm) == (&pulse.start, &pulse.comm)
    }
}

fn of_stat(stat: &Stat) -> (StartTicks, Bytes, bool) {
    (stat.start, Bytes::clone(&stat.comm), stat.state.is_over())
}

/// What stands for arguments where it is only asked whether they are the same: of their text with a NUL between them, and
/// after the last one or not.
pub fn digest(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.strip_suffix(b"\0").unwrap_or(text));
    hasher.finish()
}

/// The same of arguments that were taken apart.
pub fn digest_of(arguments: &Arguments) -> u64 {
    let text: Vec<u8> = arguments.words.iter().flat_map(|word| word.iter().copied().chain([0])).collect();
    digest(&text)
}

struct Gone;

fn there<T>(fact: Fact<T>) -> Result<Option<T>, Gone> {
    match fact {
        Fact::Known(value) => Ok(Some(value)),
        Fact::Unknown(reason) if reason.why == Why::Vanished => Err(Gone),
        Fact::Absent | Fact::Unknown(_) => Ok(None),
    }
}
