//! Whose files count as documents.

use std::sync::Arc;

use crate::facts::Fact;
use crate::host::name_service::NameService;
use crate::host::proc::Readers;
use crate::spec::Account;

/// Who may own documents, and what leads to them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    /// Besides root.
    pub owners: Vec<u32>,
}

impl Trust {
    /// Root and the engine's own user.
    pub fn own() -> Self {
        Self { owners: vec![rustix::process::geteuid().as_raw()] }
    }

    /// And these users. Of one that can't be looked up nothing is trusted; the second value says so in sentences.
    pub fn of(owners: &[Account]) -> (Self, Vec<String>) {
        if owners.is_empty() {
            return (Self::own(), Vec::new());
        }
        Self::told(owners, &NameService::new(Arc::new(Readers::new())))
    }

    fn told(owners: &[Account], names: &NameService) -> (Self, Vec<String>) {
        let (mut trust, mut unknown) = (Self::own(), Vec::new());
        for owner in owners {
            match owner {
                Account::Id(uid) => trust.owners.push(*uid),
                Account::Name(name) => match names.user_named(name, |user| user.uid.0) {
                    Fact::Known(uid) => trust.owners.push(uid),
                    Fact::Absent => unknown.push(format!("there is no user `{name}`")),
                    Fact::Unknown(reason) => {
                        unknown.push(format!("user `{name}` can't be looked up: {reason}"));
                    }
                },
            }
        }
        (trust, unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_looked_up_and_an_unknown_one_is_named() {
        let own = rustix::process::geteuid().as_raw();
        let owners = [Account::Id(4321), Account::Name("root".into()), Account::Name("no-such-user".into())];
        let (trust, unknown) = Trust::told(&owners, &NameService::patient());
        assert_eq!(trust.owners, [own, 4321, 0]);
        assert_eq!(unknown, ["there is no user `no-such-user`"]);
    }
}
