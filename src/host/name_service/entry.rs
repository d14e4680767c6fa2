//! The lines of `passwd(5)` and `group(5)`, which `getent` writes too, and its lists of groups and addresses.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use crate::units::{Gid, Uid};

/// An entry of `passwd(5)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct User<'a> {
    /// The login name.
    pub name: &'a str,
    /// Its number.
    pub uid: Uid,
    /// The group that its sessions begin with.
    pub gid: Gid,
    /// The home directory; may be empty.
    pub home: &'a str,
    /// The shell; may be empty, which means `/bin/sh`.
    pub shell: &'a str,
}

/// An entry of `group(5)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number.
    pub gid: Gid,
    members: &'a str,
}

impl<'a> User<'a> {
    /// `NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL`. Local files may leave the last ones out.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.trim_end_matches('\n').split(':');
        let name = plain_name(fields.next()?)?;
        let (uid, gid) = (number(fields.nth(1)?)?, number(fields.next()?)?);
        let (_, home, shell) = (fields.next(), fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        let complete = fields.next().is_none() && !shell.contains('\n');
        complete.then_some(Self { name, uid: Uid(uid), gid: Gid(gid), home, shell })
    }
}

impl<'a> Group<'a> {
    /// `NAME:PASSWORD:GID:MEMBER,MEMBER`. Local files may leave the last one out.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.trim_end_matches('\n').split(':');
        let name = plain_name(fields.next()?)?;
        let gid = number(fields.nth(1)?)?;
        let members = fields.next().unwrap_or("");
        let complete = fields.next().is_none() && !members.contains('\n');
        complete.then_some(Self { name, gid: Gid(gid), members })
    }

    /// The names of those who have it beside their own group.
    pub fn members(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.members.split(',').map(str::trim).filter(|name| !name.is_empty())
    }
}

/// Lines of NIS (`+name`) mean something else.
fn plain_name(name: &str) -> Option<&str> {
    (!name.is_empty() && !name.starts_with(['+', '-', '#'])).then_some(name)
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// `NAME GID GID ...`, all in one line.
pub(super) fn initgroups(text: &str, name: &str) -> Option<Vec<Gid>> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let gids = line.strip_prefix(name)?;
    // Padded to a column, and with a blank before each number.
    let parted = gids.is_empty() || gids.starts_with(' ');
    let words = (parted && !gids.contains('\n')).then(|| gids.split_ascii_whitespace())?;
    words.map(|word| number(word).map(Gid)).collect()
}

/// Each once, in the order found.
pub(super) fn with_own_first(own: Gid, others: Vec<Gid>) -> Arc<[Gid]> {
    let mut all = vec![own];
    for gid in others {
        if !all.contains(&gid) {
            all.push(gid);
        }
    }
    all.into()
}

/// The addresses for streams of an answer of `getent ahosts`, in its order. Lines of another form don't count.
pub(in crate::host) fn addresses(text: &str, port: u16) -> Vec<SocketAddr> {
    let of = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (address, kind) = (words.next()?, words.next()?);
        (kind == "STREAM").then(|| socket_address(address, port)).flatten()
    };
    text.lines().filter_map(of).collect()
}

/// An address, an interface after `%` included, as its name or number.
pub(in crate::host) fn socket_address(text: &str, port: u16) -> Option<SocketAddr> {
    let Some((address, interface)) = text.split_once('%') else {
        return text.parse().ok().map(|address: IpAddr| SocketAddr::new(address, port));
    };
    let scope = interface.parse().ok().or_else(|| {
        let any =
            rustix::net::socket(rustix::net::AddressFamily::INET6, rustix::net::SocketType::DGRAM, None);
        rustix::net::netdevice::name_to_index(any.ok()?, interface).ok()
    })?;
    Some(SocketAddrV6::new(address.parse().ok()?, port, 0, scope).into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;

    #[test]
    fn lines_of_users_are_read() {
        let ann = User { name: "ann", uid: Uid(1000), gid: Gid(100), home: "/home/ann", shell: "/bin/sh" };
        for (line, expected) in [
            ("ann:x:1000:100:Ann,,,:/home/ann:/bin/sh\n", Some(ann)),
            ("ann:x:1000:100", Some(User { home: "", shell: "", ..ann })),
            ("ann:x:1000:100:::", Some(User { home: "", shell: "", ..ann })),
            ("é e:*:0:0::/:", Some(User { name: "é e", uid: Uid(0), gid: Gid(0), home: "/", shell: "" })),
            ("ann:x:1000", None),
            ("ann:x:+1000:100:::", None),
            ("ann:x:-1:100:::", None),
            ("ann:x:4294967296:100:::", None),
            ("ann:x:many:100:::", None),
            ("ann:x:1000:100:::/bin/sh:more", None),
            ("ann:x:1000:100:::/bin/sh\nbob:x:1:1:::", None),
            ("+ann:x:1000:100:::", None),
            (":x:1000:100:::", None),
            ("\u{fffd}\u{1}", None),
            ("", None),
        ] {
            assert_eq!(User::parse(line), expected, "{line:?}");
        }
    }

    #[test]
    fn lines_of_groups_are_read() {
        let members = |line| Group::parse(line).map(|group| group.members().collect::<Vec<_>>());
        assert_eq!(members("adm:x:4:syslog,ann\n"), Some(vec!["syslog", "ann"]));
        assert_eq!(members("adm:x:4:"), Some(vec![]));
        assert_eq!(members("adm:x:4"), Some(vec![]));
        assert_eq!(Group::parse("adm:x:4:").map(|group| (group.name, group.gid)), Some(("adm", Gid(4))));
        for wrong in ["adm:x", "adm:x:four:", "adm:x:4:a:b", "+:::", "adm:x:4:a\nb:x:1:"] {
            assert_eq!(members(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn lists_of_groups_are_read() {
        let gids = |numbers: &[u32]| Some(numbers.iter().copied().map(Gid).collect::<Vec<_>>());
        for (text, expected) in [
            ("ann                   4 24 1000\n", gids(&[4, 24, 1000])),
            ("ann", gids(&[])),
            ("ann                  \n", gids(&[])),
            ("anna 4\n", None),
            ("bob 4\n", None),
            ("ann 4 x\n", None),
            ("ann 4\nann 5\n", None),
            ("", None),
        ] {
            assert_eq!(initgroups(text, "ann"), expected, "{text:?}");
        }
        assert_eq!(*with_own_first(Gid(9), vec![Gid(4), Gid(9), Gid(4)]), [Gid(9), Gid(4)]);
    }

    #[test]
    fn addresses_for_streams_are_read_in_order() {
        let text = "::1             STREAM localhost\n::1             DGRAM  \n10.0.0.1 STREAM \nx STREAM\n1.2.3.4\n";
        let expected: Vec<SocketAddr> = vec!["[::1]:80".parse().unwrap(), "10.0.0.1:80".parse().unwrap()];
        assert_eq!(addresses(text, 80), expected);
        assert_eq!(socket_address("fe80::1%7", 80), Some("[fe80::1%7]:80".parse().unwrap()));
        assert!(
            socket_address("fe80::1%lo", 80)
                .is_some_and(|address| address != "[fe80::1]:80".parse().unwrap())
        );
        assert_eq!(socket_address("fe80::1%no such", 80), None);
    }
}
