//! Names of users and groups, asked of the [name service](crate::host::name_service) once a look.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use super::LiveWorld;
use crate::facts::Fact;
use crate::host::name_service::NameService;
use crate::units::{Gid, Uid};

/// What this look has learnt about names.
pub(super) type Cache = OnceCell<NameService>;

impl LiveWorld {
    /// The answers that this look rests on.
    pub fn name_service(&self) -> &NameService {
        let names = || NameService::new(Arc::clone(&self.readers)).with_kept(Rc::clone(&self.kept_texts));
        self.names.get_or_init(names)
    }

    /// Texts of local files that are kept from look to look are read again.
    pub fn forget_texts(&self) {
        self.kept_texts.forget();
    }

    pub(super) fn find_user_id(&self, name: &str) -> Fact<Uid> {
        self.name_service().user_named(name, |user| user.uid)
    }

    pub(super) fn find_user_name(&self, uid: Uid) -> Fact<Arc<str>> {
        self.name_service().user_numbered(uid, |user| user.name.into())
    }

    pub(super) fn find_group_id(&self, name: &str) -> Fact<Gid> {
        self.name_service().group_named(name, |group| group.gid)
    }

    pub(super) fn find_group_name(&self, gid: Gid) -> Fact<Arc<str>> {
        self.name_service().group_numbered(gid, |group| group.name.into())
    }

    pub(super) fn find_groups_of(&self, uid: Uid) -> Fact<Arc<[Gid]>> {
        self.name_service().groups_of(uid)
    }
}
