//! The accounts in `/etc/passwd` and `/etc/group`, for names that the name service would look up there first anyway.
//!
//! Asking the name service takes a helper thread (it may ask a directory server) and loads its modules: a millisecond, more
//! than a look at a hundred processes. Where `nsswitch.conf(5)` puts `files` first, an entry found there is its answer.
//! What is not found there the name service still has to be asked.

use std::fs;

use crate::units::{Gid, Uid};

/// Larger files are left to the name service.
const SIZE_MAX: u64 = 1 << 20;

/// What the local files say, read once a look.
#[derive(Debug, Default)]
pub(super) struct Local {
    passwd: Option<String>,
    group: Option<String>,
}

impl Local {
    /// Reads the files of those databases that begin with `files`.
    pub(super) fn read() -> Self {
        let switch = text("/etc/nsswitch.conf").unwrap_or_default();
        let of = |database: &str, path: &str| files_first(&switch, database).then(|| text(path)).flatten();
        Self { passwd: of("passwd", "/etc/passwd"), group: of("group", "/etc/group") }
    }

    pub(super) fn user_id(&self, name: &str) -> Option<Uid> {
        number(self.passwd.as_deref()?, name).map(Uid)
    }

    pub(super) fn user_name(&self, uid: Uid) -> Option<&str> {
        name(self.passwd.as_deref()?, uid.0)
    }

    pub(super) fn group_id(&self, name: &str) -> Option<Gid> {
        number(self.group.as_deref()?, name).map(Gid)
    }

    pub(super) fn group_name(&self, gid: Gid) -> Option<&str> {
        name(self.group.as_deref()?, gid.0)
    }
}

fn text(path: &str) -> Option<String> {
    let size = fs::metadata(path).ok()?.len();
    if size > SIZE_MAX { None } else { fs::read_to_string(path).ok() }
}

/// Whether the first source is `files`, and what it finds is the answer. Without a line of its own a database has that.
fn files_first(switch: &str, database: &str) -> bool {
    let line = switch.lines().find_map(|line| {
        let (name, sources) = line.split('#').next()?.split_once(':')?;
        (name.trim() == database).then_some(sources)
    });
    let Some(sources) = line else { return true };
    let mut words = sources.split_whitespace();
    words.next() == Some("files") && words.next().is_none_or(|next| !next.starts_with('['))
}

/// `NAME:x:NUMBER:...`, both files alike.
fn entries(file: &str) -> impl Iterator<Item = (&str, u32)> {
    file.lines().filter_map(|line| {
        let mut parts = line.split(':');
        let (name, number) = (parts.next()?, parts.nth(1)?);
        // Lines of NIS (`+name`) mean something else.
        let plain = !name.is_empty() && !name.starts_with(['+', '-', '#']);
        plain.then_some((name, number.parse().ok()?))
    })
}

fn number(file: &str, wanted: &str) -> Option<u32> {
    entries(file).find(|(name, _)| *name == wanted).map(|(_, number)| number)
}

fn name(file: &str, wanted: u32) -> Option<&str> {
    entries(file).find(|(_, number)| *number == wanted).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_says_whether_the_files_come_first() {
        for (switch, expected) in [
            ("passwd: files systemd\n", true),
            ("passwd:\tfiles\n", true),
            ("# passwd: ldap\npasswd: files # local\n", true),
            ("passwd: files [SUCCESS=continue] ldap\n", false),
            ("passwd: ldap files\n", false),
            ("passwd: compat\n", false),
            ("passwd:\n", false),
            ("group: ldap\n", true),
            ("", true),
        ] {
            assert_eq!(files_first(switch, "passwd"), expected, "{switch:?}");
        }
    }

    #[test]
    fn the_first_entry_counts_and_strange_lines_are_passed_over() {
        let file = "root:x:0:0:root:/root:/bin/sh\n+nis:x:5:5::\n\nbroken\nann:x:many:1\nann:x:1000:1000::/:/bin/sh\ntoor:x:0:0::\n";
        assert_eq!(number(file, "ann"), Some(1000));
        assert_eq!(number(file, "+nis"), None);
        assert_eq!(number(file, "bob"), None);
        assert_eq!(name(file, 0), Some("root"));
        assert_eq!(name(file, 5), None);
    }
}
