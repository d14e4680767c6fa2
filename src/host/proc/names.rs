//! Names of users and groups, as the name service of this host tells them (`nsswitch.conf(5)`).
//!
//! A directory server that is down can hold an answer back for minutes, so these too run on a helper thread, unless
//! the [`local`] files have the answer.

mod local;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{self, Group, User};

use super::LiveWorld;
use crate::facts::{Fact, Reason, Why};
use crate::units::{Gid, Uid};

/// A directory server in another building is given its time.
const DEADLINE: Duration = Duration::from_secs(1);

/// What this look has learnt about names.
#[derive(Debug, Default)]
pub(super) struct Cache {
    local: OnceCell<local::Local>,
    user_ids: RefCell<BTreeMap<String, Fact<Uid>>>,
    user_names: RefCell<BTreeMap<Uid, Fact<Arc<str>>>>,
    group_ids: RefCell<BTreeMap<String, Fact<Gid>>>,
    group_names: RefCell<BTreeMap<Gid, Fact<Arc<str>>>>,
    groups: RefCell<BTreeMap<Uid, Fact<Arc<[Gid]>>>>,
}

impl LiveWorld {
    fn local(&self) -> &local::Local {
        self.names.local.get_or_init(local::Local::read)
    }

    pub(super) fn find_user_id(&self, name: &str) -> Fact<Uid> {
        if let Some(uid) = self.local().user_id(name) {
            return Fact::Known(uid);
        }
        self.asked(&self.names.user_ids, name.to_owned(), |name| {
            Ok(User::from_name(&name)?.map(|user| Uid(user.uid.as_raw())))
        })
    }

    pub(super) fn find_user_name(&self, uid: Uid) -> Fact<Arc<str>> {
        if let Some(name) = self.local().user_name(uid) {
            return Fact::Known(name.into());
        }
        self.asked(&self.names.user_names, uid, |uid| {
            Ok(User::from_uid(uid.0.into())?.map(|user| Arc::from(user.name)))
        })
    }

    pub(super) fn find_group_id(&self, name: &str) -> Fact<Gid> {
        if let Some(gid) = self.local().group_id(name) {
            return Fact::Known(gid);
        }
        self.asked(&self.names.group_ids, name.to_owned(), |name| {
            Ok(Group::from_name(&name)?.map(|group| Gid(group.gid.as_raw())))
        })
    }

    pub(super) fn find_group_name(&self, gid: Gid) -> Fact<Arc<str>> {
        if let Some(name) = self.local().group_name(gid) {
            return Fact::Known(name.into());
        }
        self.asked(&self.names.group_names, gid, |gid| {
            Ok(Group::from_gid(gid.0.into())?.map(|group| Arc::from(group.name)))
        })
    }

    pub(super) fn find_groups_of(&self, uid: Uid) -> Fact<Arc<[Gid]>> {
        self.asked(&self.names.groups, uid, |uid| {
            let Some(user) = User::from_uid(uid.0.into())? else { return Ok(None) };
            let name = CString::new(user.name).map_err(|_| Errno::EINVAL)?;
            let groups = unistd::getgrouplist(&name, user.gid)?;
            Ok(Some(groups.into_iter().map(|gid| Gid(gid.as_raw())).collect()))
        })
    }

    fn asked<K, T>(
        &self,
        cache: &RefCell<BTreeMap<K, Fact<T>>>,
        key: K,
        ask: impl FnOnce(K) -> Result<Option<T>, Errno> + Send + 'static,
    ) -> Fact<T>
    where
        K: Ord + Clone + Send + std::fmt::Debug + 'static,
        T: Clone + Send + 'static,
    {
        if let Some(fact) = cache.borrow().get(&key) {
            return fact.clone();
        }
        let asked = key.clone();
        let fact = match self.readers.run(DEADLINE, move || ask(asked)) {
            Some(Ok(found)) => Fact::from_option(found),
            // Ways in which name services say that there is no such entry (getpwnam(3), "RETURN VALUE").
            Some(Err(Errno::ENOENT | Errno::ESRCH)) => Fact::Absent,
            Some(Err(errno)) => Fact::Unknown(Reason::new(Why::Nss, format!("{key:?}: {}", errno.desc()))),
            None => Fact::Unknown(Reason::new(Why::Nss, format!("{key:?}: no answer in time"))),
        };
        cache.borrow_mut().insert(key, fact.clone());
        fact
    }
}
