//! Names of users and groups and addresses of hosts, as the name service of this host tells them (`nsswitch.conf(5)`).
//!
//! ```text
//!  question --> /etc/passwd, /etc/group, where `files` comes first --> found, or certainly absent
//!          \--> the `getent` of the host, a child on a helper thread --> found, absent, or unknown and why
//! ```
//!
//! The C library's own way (`getpwnam(3)`, `getaddrinfo(3)`) loads modules into the process that asks. A statically linked
//! program would load those of another C library, and a module that waits for a directory server can't be stopped. So
//! both are left to `getent(1)`, which belongs to the C library of the host and can be killed.
//!
//! One value is one look: what it was told once it tells again.

mod entry;
mod getent;
mod kept;
mod local;
#[cfg(test)]
mod tests;

pub use entry::{Group, User};
pub(in crate::host) use entry::{addresses, socket_address};
pub use getent::{Answer, Asking, Database, Getent, Reply};
pub use kept::KeptTexts;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::local::{File, Local};
use super::proc::Readers;
use crate::facts::{Fact, Reason, Why};
use crate::units::{Gid, Uid};

/// A directory server in another building is given its time.
const DEADLINE: Duration = Duration::from_secs(1);
/// The helper kills its child by itself; it is given up only if the kernel holds it.
const GIVEN_UP: Duration = Duration::from_millis(1250);

/// What this look has learnt.
#[derive(Debug)]
pub struct NameService {
    local: OnceCell<Local>,
    kept: Rc<KeptTexts>,
    getent: Getent,
    readers: Arc<Readers>,
    deadline: Duration,
    replies: RefCell<BTreeMap<(Database, String), Reply>>,
    /// An answer did not come in time: nothing more is asked, or every name would cost a second.
    silent: Cell<bool>,
    /// Something was wanted that wasn't asked therefore.
    withheld: Cell<bool>,
}

impl Default for NameService {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl NameService {
    /// Knows nothing yet, and asks on these helpers.
    pub fn new(readers: Arc<Readers>) -> Self {
        Self {
            local: OnceCell::new(),
            kept: Rc::default(),
            getent: Getent::default(),
            readers,
            deadline: DEADLINE,
            replies: RefCell::default(),
            silent: Cell::default(),
            withheld: Cell::default(),
        }
    }

    /// Goes on with the texts that earlier looks have read.
    #[must_use]
    pub fn with_kept(self, kept: Rc<KeptTexts>) -> Self {
        Self { kept, ..self }
    }

    /// One that a busy machine doesn't make late.
    #[cfg(test)]
    pub(in crate::host) fn patient() -> Self {
        Self { deadline: Duration::from_mins(1), ..Self::default() }
    }

    /// Whether something was wanted, since this was last asked, that wasn't asked: an earlier question had no answer in time.
    pub fn take_withheld(&self) -> bool {
        self.withheld.take()
    }

    fn local(&self) -> &Local {
        self.local.get_or_init(|| Local::read(&self.kept))
    }

    /// What `pick` takes from the entry of the user with this name.
    pub fn user_named<T>(&self, name: &str, pick: impl FnOnce(&User<'_>) -> T) -> Fact<T> {
        let file = &self.local().passwd;
        match file.find(User::parse, |user| user.name == name) {
            Some(user) => Fact::Known(pick(&user)),
            None => self.named(Database::Passwd, file, name, |line| {
                User::parse(line).filter(|user| user.name == name || !is_number(name)).map(|user| pick(&user))
            }),
        }
    }

    /// What `pick` takes from the entry of the user with this number.
    pub fn user_numbered<T>(&self, uid: Uid, pick: impl FnOnce(&User<'_>) -> T) -> Fact<T> {
        let file = &self.local().passwd;
        match file.find(User::parse, |user| user.uid == uid) {
            Some(user) => Fact::Known(pick(&user)),
            None => self.elsewhere(Database::Passwd, file, &uid.to_string(), |line| {
                User::parse(line).filter(|user| user.uid == uid).map(|user| pick(&user))
            }),
        }
    }

    /// What `pick` takes from the entry of the group with this name.
    pub fn group_named<T>(&self, name: &str, pick: impl FnOnce(&Group<'_>) -> T) -> Fact<T> {
        let file = &self.local().group;
        match file.find(Group::parse, |group| group.name == name) {
            Some(group) => Fact::Known(pick(&group)),
            None => self.named(Database::Group, file, name, |line| {
                Group::parse(line)
                    .filter(|group| group.name == name || !is_number(name))
                    .map(|group| pick(&group))
            }),
        }
    }

    /// What `pick` takes from the entry of the group with this number.
    pub fn group_numbered<T>(&self, gid: Gid, pick: impl FnOnce(&Group<'_>) -> T) -> Fact<T> {
        let file = &self.local().group;
        match file.find(Group::parse, |group| group.gid == gid) {
            Some(group) => Fact::Known(pick(&group)),
            None => self.elsewhere(Database::Group, file, &gid.to_string(), |line| {
                Group::parse(line).filter(|group| group.gid == gid).map(|group| pick(&group))
            }),
        }
    }

    /// The groups that a session of this user has, as `getgrouplist(3)` collects them: its own group first, then those
    /// that name it as a member.
    pub fn groups_of(&self, uid: Uid) -> Fact<Arc<[Gid]>> {
        self.user_numbered(uid, |user| (user.name.to_owned(), user.gid))
            .and_then(|(name, own)| self.groups_of_member(&name, own))
    }

    /// The same for a session that begins with another group than the user's own, as `initgroups(3)` collects them.
    pub fn groups_of_member(&self, name: &str, first: Gid) -> Fact<Arc<[Gid]>> {
        let member_of = match self.local().groups_with(name) {
            Some(gids) => Fact::Known(gids),
            None => interpret(self.reply(Database::Initgroups, name), name, true, |text| {
                entry::initgroups(text, name)
            }),
        };
        member_of.map(|gids| entry::with_own_first(first, gids))
    }

    /// By name, where `getent` would take some names for numbers.
    fn named<T>(
        &self,
        database: Database,
        file: &File,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Fact<T> {
        if name.is_empty() || name.contains('\0') {
            // No text of C is such a name.
            return Fact::Absent;
        }
        if is_number(name) && !file.is_all() {
            let absent = Fact::Unknown(unanswered(name, "a name of digits can't be asked for"));
            return interpret(self.reply(database, name), name, false, read)
                .known()
                .map_or(absent, Fact::Known);
        }
        self.elsewhere(database, file, name, read)
    }

    fn elsewhere<T>(
        &self,
        database: Database,
        file: &File,
        key: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Fact<T> {
        if file.is_all() {
            return Fact::Absent;
        }
        interpret(self.reply(database, key), key, file.is_sure(), read)
    }

    fn reply(&self, database: Database, key: &str) -> Reply {
        let asked = (database, key.to_owned());
        if let Some(reply) = self.replies.borrow().get(&asked) {
            return reply.clone();
        }
        if self.silent.get() {
            self.withheld.set(true);
            return Err("not asked, since an earlier question had no answer in time".to_owned());
        }
        let reply = self.ask(database, key);
        self.replies.borrow_mut().insert(asked, reply.clone());
        reply
    }

    fn ask(&self, database: Database, key: &str) -> Reply {
        let (getent, key, deadline) = (self.getent.clone(), key.to_owned(), self.deadline);
        let (limit, begun) = (GIVEN_UP.max(deadline), Instant::now());
        let answer = self.readers.run(limit, move || getent.begin(database, &key)?.wait(deadline));
        let reply = answer.unwrap_or_else(|| {
            if begun.elapsed() < limit {
                Err("no thread is to be had to ask".to_owned())
            } else {
                Ok(Answer::Late)
            }
        });
        self.silent.set(self.silent.get() || matches!(reply, Ok(Answer::Late)));
        reply
    }
}

/// What a reply says; `sure`: what isn't found isn't there.
fn interpret<T>(reply: Reply, key: &str, sure: bool, read: impl FnOnce(&str) -> Option<T>) -> Fact<T> {
    match reply {
        Ok(Answer::Found(text)) => match read(&text) {
            Some(value) => Fact::Known(value),
            None => Fact::Unknown(unanswered(key, "the answer of `getent` is not an entry of it")),
        },
        Ok(Answer::NoEntry) if sure => Fact::Absent,
        Ok(Answer::NoEntry) => {
            Fact::Unknown(unanswered(key, "not found, or a directory server did not answer"))
        }
        Ok(Answer::Late) => Fact::Unknown(unanswered(key, "no answer in time")),
        Err(text) => Fact::Unknown(unanswered(key, &text)),
    }
}

fn unanswered(key: &str, text: &str) -> Reason {
    Reason::new(Why::Nss, format!("`{key}`: {text}"))
}

/// Whether `getent` reads it as a number, as `strtoul(3)` does.
fn is_number(name: &str) -> bool {
    let digits = name.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
