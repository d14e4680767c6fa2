//! The accounts in `/etc/passwd` and `/etc/group`, for names that the name service would look up there first anyway.
//!
//! Asking the name service is a child process: more than a look at a thousand processes. Where `nsswitch.conf(5)` puts
//! `files` first, an entry found there is its answer; where there is no other source, there is no other entry.

use std::cell::OnceCell;
use std::fs::File as Opened;
use std::io::{self, Read as _};
use std::rc::Rc;
use std::sync::Arc;

use super::entry::Group;
use super::kept::KeptTexts;
use crate::units::Gid;

/// Larger files are left to the name service.
const SIZE_MAX: u64 = 1 << 20;
/// Sources that need no server: what they don't find isn't there. All others also find nothing when theirs is down.
const SERVERLESS: [&str; 6] = ["files", "db", "systemd", "altfiles", "usrfiles", "extrausers"];

/// What the local files say, each read once a look, and only if somebody asks for what it says.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) passwd: File,
    pub(super) group: File,
    /// The sources of the groups of a user.
    initgroups: Sources,
}

/// A file, if it is the first source of its database.
#[derive(Debug)]
pub(super) struct File {
    path: &'static str,
    texts: Texts,
    text: OnceCell<Option<Arc<str>>>,
    sources: Sources,
}

/// Where texts of files come from.
#[derive(Clone, Debug)]
pub(super) enum Texts {
    /// The files themselves.
    Files(Rc<KeptTexts>),
    /// Somebody who plays them.
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    Told(fn(&str) -> Option<String>),
}

impl Texts {
    fn of(&self, path: &'static str) -> Option<Arc<str>> {
        match self {
            Self::Files(kept) => kept.read(path).ok(),
            Self::Told(tell) => tell(path).map(Arc::from),
        }
    }
}

/// Where entries come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Sources {
    /// What the file says is the answer.
    files_first: bool,
    /// Nothing else says anything.
    files_only: bool,
    /// None of them needs a server.
    serverless: bool,
}

impl Local {
    /// Reads the files of those databases that begin with `files`.
    pub(super) fn read(kept: &Rc<KeptTexts>) -> Self {
        let switch = match kept.read("/etc/nsswitch.conf") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Arc::from("")),
            answer => answer.ok(),
        };
        Self::of(switch.as_deref(), &Texts::Files(Rc::clone(kept)))
    }

    /// Under a switch, if it is known; `tell` gives the text of a file.
    #[cfg(test)]
    pub(super) fn under(switch: Option<&str>, tell: fn(&str) -> Option<String>) -> Self {
        Self::of(switch, &Texts::Told(tell))
    }

    fn of(switch: Option<&str>, texts: &Texts) -> Self {
        let of = |database: &str| switch.map(|switch| Sources::of(switch, database)).unwrap_or_default();
        let of_members = match switch {
            Some(switch) if line(switch, "initgroups").is_some() => "initgroups",
            _ => "group",
        };
        Self {
            passwd: File::new("/etc/passwd", of("passwd"), texts.clone()),
            group: File::new("/etc/group", of("group"), texts.clone()),
            initgroups: of(of_members),
        }
    }

    /// The groups that name a user as a member, if the file says them all.
    pub(super) fn groups_with(&self, user: &str) -> Option<Vec<Gid>> {
        let text = self.initgroups.files_only.then(|| self.group.text()).flatten()?;
        let groups = text.lines().filter_map(Group::parse);
        Some(groups.filter(|group| group.members().any(|name| name == user)).map(|group| group.gid).collect())
    }
}

impl File {
    fn new(path: &'static str, sources: Sources, texts: Texts) -> Self {
        Self { path, texts, text: OnceCell::new(), sources }
    }

    fn text(&self) -> Option<&str> {
        let text = || self.sources.files_first.then(|| self.texts.of(self.path)).flatten();
        self.text.get_or_init(text).as_deref()
    }

    /// The first entry that is wanted.
    pub(super) fn find<'a, T>(
        &'a self,
        parse: impl Fn(&'a str) -> Option<T>,
        wanted: impl Fn(&T) -> bool,
    ) -> Option<T> {
        self.text()?.lines().filter_map(parse).find(wanted)
    }

    /// Whether there is nothing that isn't in it.
    pub(super) fn is_all(&self) -> bool {
        self.sources.files_only && self.text().is_some()
    }

    /// Whether what the name service doesn't find isn't there.
    pub(super) fn is_sure(&self) -> bool {
        self.sources.serverless
    }
}

impl Sources {
    /// Without a line of its own a database has the files alone.
    fn of(switch: &str, database: &str) -> Self {
        let Some(line) = line(switch, database) else {
            return Self { files_first: true, files_only: true, serverless: true };
        };
        let files_first = line.trim_start().strip_prefix("files").is_some_and(|rest| {
            rest.is_empty() || (rest.starts_with(char::is_whitespace) && !rest.trim_start().starts_with('['))
        });
        let names: Vec<&str> = without_actions(line).flat_map(str::split_whitespace).collect();
        Self {
            files_first,
            files_only: files_first && names.len() == 1,
            serverless: !names.is_empty() && names.iter().all(|name| SERVERLESS.contains(name)),
        }
    }
}

/// The text of a file; an error if it is too large.
pub(super) fn read(file: &Opened) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(4096);
    file.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// What a line says of a database.
fn line<'a>(switch: &'a str, database: &str) -> Option<&'a str> {
    switch.lines().find_map(|line| {
        let (name, sources) = line.split('#').next()?.split_once(':')?;
        (name.trim() == database).then_some(sources)
    })
}

/// The parts that don't stand in brackets.
fn without_actions(line: &str) -> impl Iterator<Item = &str> {
    line.split('[').enumerate().map(|(index, part)| match part.split_once(']') {
        Some((_, rest)) if index > 0 => rest,
        None if index > 0 => "",
        _ => part,
    })
}

#[cfg(test)]
mod tests {
    use super::super::entry::User;
    use super::*;
    use crate::units::Uid;

    #[test]
    fn the_switch_says_what_the_files_are_worth() {
        for (switch, (first, only, serverless)) in [
            ("passwd: files systemd\n", (true, false, true)),
            ("passwd:\tfiles\n", (true, true, true)),
            ("# passwd: ldap\npasswd: files # local\n", (true, true, true)),
            ("passwd: files sss\n", (true, false, false)),
            ("passwd: files [SUCCESS=continue] ldap\n", (false, false, false)),
            ("passwd: files [ NOTFOUND = return ]\n", (false, false, true)),
            ("passwd: files systemd [NOTFOUND=return] db\n", (true, false, true)),
            ("passwd: ldap files\n", (false, false, false)),
            ("passwd: filesystem\n", (false, false, false)),
            ("passwd: compat\n", (false, false, false)),
            ("passwd:\n", (false, false, false)),
            ("group: ldap\n", (true, true, true)),
            ("", (true, true, true)),
        ] {
            let expected = Sources { files_first: first, files_only: only, serverless };
            assert_eq!(Sources::of(switch, "passwd"), expected, "{switch:?}");
        }
    }

    #[test]
    fn the_first_entry_counts_and_strange_lines_are_passed_over() {
        const TEXT: &str = "root:x:0:0:root:/root:/bin/sh\n+nis:x:5:5::\n\nbroken\nann:x:many:1\nann:x:1000:1000::/:/bin/sh\ntoor:x:0:0::\n";
        let file = Local::under(Some(""), |_| Some(TEXT.to_owned())).passwd;
        let named = |name: &str| file.find(User::parse, |user| user.name == name).map(|user| user.uid);
        let numbered = |uid| file.find(User::parse, |user| user.uid == Uid(uid)).map(|user| user.name);
        assert_eq!(named("ann"), Some(Uid(1000)));
        assert_eq!(named("+nis"), None);
        assert_eq!(named("bob"), None);
        assert_eq!(numbered(0), Some("root"));
        assert_eq!(numbered(5), None);
    }

    #[test]
    fn groups_of_a_user_are_told_where_the_file_says_them_all() {
        let under =
            |switch| Local::under(switch, |_| Some("a:x:1:ann\nb:x:2:bob\nc:x:3:bob,ann\n".to_owned()));
        for (switch, told) in [
            (None, false),
            (Some(""), true),
            (Some("group: files"), true),
            (Some("group: files systemd"), false),
            (Some("group: files\ninitgroups: sss"), false),
            (Some("group: files sss\ninitgroups: files"), true),
        ] {
            let expected = told.then(|| vec![Gid(1), Gid(3)]);
            assert_eq!(under(switch).groups_with("ann"), expected, "{switch:?}");
        }
        assert_eq!(under(Some("")).groups_with("eve"), Some(vec![]));
    }
}
