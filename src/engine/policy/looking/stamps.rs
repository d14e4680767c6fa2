//! What the constants of conditions rest on: files that are compared with, and the list of accounts. As long as they are as
//! they were, conditions need not be made ready again for each process that comes.

use std::sync::Arc;

use crate::facts::{Fact, FileFacts};
use crate::process::world::{Bytes, Root, World};

/// Where accounts stand, unless a name service is asked.
const ACCOUNTS: [&str; 2] = ["/etc/passwd", "/etc/group"];

/// Files by name, as they were.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Stamps(Vec<(Bytes, Fact<FileFacts>)>);

impl Stamps {
    /// Of all that this look was asked about, which has to be a look that nothing else was asked of.
    pub(super) fn of(world: &dyn World) -> Self {
        let mut names = world.files_asked();
        if !names.is_empty() {
            names.extend(ACCOUNTS.map(|path| Arc::from(path.as_bytes())));
        }
        names.sort();
        names.dedup();
        Self::look(names.into_iter(), world)
    }

    /// The same files now; `None`: none are known.
    pub(super) fn again(&self, world: &dyn World) -> Option<Self> {
        let names = self.0.iter().map(|(name, _)| Arc::clone(name));
        (!self.0.is_empty()).then(|| Self::look(names, world))
    }

    fn look(names: impl Iterator<Item = Bytes>, world: &dyn World) -> Self {
        Self(names.map(|name| (Arc::clone(&name), world.file(Root::Engine, &name))).collect())
    }

    /// Whether one of the names leads to another file than in the other.
    pub(super) fn are_others(&self, other: &Self) -> bool {
        let identity = |fact: &Fact<FileFacts>| match fact {
            Fact::Known(file) => Some((file.dev, file.ino)),
            Fact::Absent | Fact::Unknown(_) => None,
        };
        let is_account = |name: &Bytes| ACCOUNTS.iter().any(|path| path.as_bytes() == &**name);
        self.0
            .iter()
            .zip(&other.0)
            .any(|((name, now), (_, before))| identity(now) != identity(before) && !is_account(name))
    }
}
