//! What a process is known again by: if it is the same, nothing that events tell of has changed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::facts::{Fact, Why};
use crate::process::world::{Bytes, World};
use crate::units::{Gid, Pid, StartTicks, Uid};

/// Three cheap facts, and the arguments where a policy asks for them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Print {
    owner: Option<(Uid, Gid)>,
    image: Image,
    /// Start, name, and whether it has ended.
    stat: Option<(StartTicks, Bytes, bool)>,
    arguments: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Image {
    None,
    Unknown,
    /// Device, inode, and whether it has a name.
    File(u64, u64, bool),
}

impl Print {
    /// That of a process. `None`: it is gone.
    pub(super) fn of(world: &dyn World, pid: Pid, arguments: bool) -> Option<Self> {
        let owner = there(world.owner(pid)).ok()?;
        let image = match world.exe_file(pid) {
            Fact::Known(file) => Image::File(file.dev, file.ino, file.nlink > 0),
            Fact::Absent => Image::None,
            Fact::Unknown(reason) if reason.why == Why::Vanished => return None,
            Fact::Unknown(_) => Image::Unknown,
        };
        let stat =
            there(world.stat(pid)).ok()?.map(|stat| (stat.start, stat.comm.clone(), stat.state.is_over()));
        let arguments = if arguments { there(world.arguments(pid)).ok()? } else { None };
        let arguments = arguments.map(|arguments| {
            let mut hasher = DefaultHasher::new();
            arguments.words.hash(&mut hasher);
            hasher.finish()
        });
        Some(Self { owner, image, stat, arguments })
    }
}

struct Gone;

fn there<T>(fact: Fact<T>) -> Result<Option<T>, Gone> {
    match fact {
        Fact::Known(value) => Ok(Some(value)),
        Fact::Unknown(reason) if reason.why == Why::Vanished => Err(Gone),
        Fact::Absent | Fact::Unknown(_) => Ok(None),
    }
}
