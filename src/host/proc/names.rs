//! Names of users and groups, asked of the [name service](crate::host::name_service) once a look.

use std::cell::OnceCell;
use std::sync::Arc;

use super::LiveWorld;
use crate::facts::Fact;
use crate::host::name_service::NameService;
use crate::units::{Gid, Uid};

/// What this look has learnt about names.
pub(super) type Cache = OnceCell<NameService>;

impl LiveWorld {
    fn name_service(&self) -> &NameService {
        self.names.get_or_init(|| NameService::new(Arc::clone(&self.readers)))
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
