//! A `getent` that we write ourselves says what we like; the one of this host must agree with the C library.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect")]

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::*;
use crate::host::testing;
use crate::units::Pid;

const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(200);
/// The files first, then a source that needs no server.
const SYSTEMD: &str = "passwd: files systemd\ngroup: files systemd\n";
const SSS: &str = "passwd: files sss\ngroup: files sss\n";
const FILES: &str = "passwd: files\ngroup: files\n";

/// A program, its directory, and what it was called with.
struct Fake {
    directory: tempfile::TempDir,
}

impl Fake {
    fn new(script: &str) -> Self {
        let fake = Self { directory: tempfile::tempdir().unwrap() };
        let note = format!("printf '%s|' \"$@\" >> {}\n", fake.calls_path().display());
        testing::program(&fake.program(), &format!("#!/bin/sh\n{note}{script}\n"));
        fake
    }

    fn program(&self) -> PathBuf {
        self.directory.path().join("getent")
    }

    fn calls_path(&self) -> PathBuf {
        self.directory.path().join("calls")
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.calls_path()).unwrap_or_default()
    }

    /// A name service under this switch, with one local user, `ann`, and one group, `staff`.
    fn under(&self, switch: &str, deadline: Duration) -> NameService {
        let local = Local::under(Some(switch), |path| {
            let line = if path == "/etc/passwd" {
                "ann:x:1000:50::/home/ann:/bin/sh\n7:x:70:7:::\n"
            } else {
                "staff:x:50:ann\n"
            };
            Some(line.to_owned())
        });
        NameService {
            local: OnceCell::from(local),
            getent: Getent::at(self.program()),
            deadline,
            ..NameService::default()
        }
    }
}

fn uid_of(names: &NameService, name: &str) -> Fact<Uid> {
    names.user_named(name, |user| user.uid)
}

#[track_caller]
fn assert_unknown<T: std::fmt::Debug>(fact: Fact<T>, words: &str) {
    match fact {
        Fact::Unknown(reason) => {
            assert_eq!(reason.why, Why::Nss);
            assert!(reason.to_string().contains(words), "{reason} should say `{words}`");
        }
        Fact::Known(_) | Fact::Absent => panic!("{fact:?} is not unknown"),
    }
}

/// It was killed. On a host that is very busy it may not have been collected yet.
#[track_caller]
fn assert_dies(pid: Pid) {
    let begun = Instant::now();
    while fs::exists(format!("/proc/{pid}")).unwrap() {
        crate::host::spawn::reap_pid(pid);
        assert!(begun.elapsed() < LONG, "{pid} lives");
        std::thread::yield_now();
    }
}

#[test]
fn what_the_files_say_is_not_asked_for() {
    let fake = Fake::new("exit 1");
    let names = fake.under(SYSTEMD, LONG);
    assert_eq!(uid_of(&names, "ann"), Fact::Known(Uid(1000)));
    assert_eq!(uid_of(&names, "7"), Fact::Known(Uid(70)));
    assert_eq!(names.user_numbered(Uid(1000), |user| user.home.to_owned()), Fact::Known("/home/ann".into()));
    assert_eq!(names.group_named("staff", |group| group.gid), Fact::Known(Gid(50)));
    assert_eq!(names.group_numbered(Gid(50), |group| group.name.to_owned()), Fact::Known("staff".into()));
    let alone = fake.under(FILES, LONG);
    for name in ["bob", "8", "-x", "é\u{1}", "a:b", "", "a\0"] {
        assert_eq!(uid_of(&alone, name), Fact::Absent, "{name:?}");
        assert_eq!(alone.group_named(name, |group| group.gid), Fact::Absent, "{name:?}");
    }
    assert_eq!(alone.user_numbered(Uid(5), |_| ()), Fact::Absent);
    assert_eq!(alone.group_numbered(Gid(5), |_| ()), Fact::Absent);
    assert_eq!(alone.groups_of(Uid(1000)), Fact::Known([Gid(50)].into()));
    assert_eq!(fake.calls(), "");
}

#[test]
fn other_names_are_asked_for_once_a_look() {
    let fake = Fake::new(
        "case $1 in passwd) echo 'bob:x:1001:60::/home/bob:/bin/rc';; initgroups) echo 'bob       4 60 4 7';; *) echo 'ops:x:60:bob,eve';; esac",
    );
    let names = fake.under(SYSTEMD, LONG);
    for _ in 0..2 {
        let whole =
            names.user_named("bob", |user| (user.uid, user.gid, user.home.to_owned(), user.shell.to_owned()));
        assert_eq!(whole, Fact::Known((Uid(1001), Gid(60), "/home/bob".into(), "/bin/rc".into())));
        let members =
            names.group_named("ops", |group| group.members().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(members, Fact::Known(vec!["bob".into(), "eve".into()]));
        assert_eq!(names.groups_of(Uid(1001)), Fact::Known([Gid(60), Gid(4), Gid(7)].into()));
    }
    assert_eq!(fake.calls(), "passwd|bob|group|ops|passwd|1001|initgroups|bob|");
    // By number it must be the one that was asked for.
    assert_unknown(names.user_numbered(Uid(5), |_| ()), "not an entry");
    assert_unknown(names.group_numbered(Gid(5), |_| ()), "not an entry");
}

#[test]
fn a_name_that_looks_like_an_option_is_a_name() {
    let fake = Fake::new("echo 'x:x:5:5:::'");
    let names = fake.under(SYSTEMD, LONG);
    assert_eq!(uid_of(&names, "-s"), Fact::Known(Uid(5)));
    assert_eq!(fake.calls(), "passwd|--|-s|");
}

#[test]
fn not_found_is_absent_only_where_no_server_could_have_failed() {
    let fake = Fake::new("exit 2");
    let sure = fake.under(SYSTEMD, LONG);
    assert_eq!(uid_of(&sure, "bob"), Fact::Absent);
    assert_eq!(sure.user_numbered(Uid(5), |_| ()), Fact::Absent);
    assert_eq!(sure.group_named("ops", |_| ()), Fact::Absent);
    assert_eq!(sure.groups_of(Uid(5)), Fact::Absent);
    // `getent` exits with 2 as well if LDAP is down.
    let unsure = fake.under(SSS, LONG);
    assert_unknown(uid_of(&unsure, "bob"), "`bob`: not found, or a directory server did not answer");
    assert_unknown(unsure.user_numbered(Uid(5), |_| ()), "`5`");
}

#[test]
fn a_name_of_digits_is_not_taken_for_a_number() {
    let fake = Fake::new("echo 'bob:x:1001:60:::'");
    let names = fake.under(SYSTEMD, LONG);
    for name in ["1001", "+1001", " 1001", "-1", "00"] {
        assert_unknown(uid_of(&names, name), "digits");
    }
    assert_eq!(names.user_numbered(Uid(1001), |user| user.name.to_owned()), Fact::Known("bob".into()));
    let named_so = Fake::new("echo '1001:x:1001:60:::'");
    assert_eq!(uid_of(&named_so.under(SYSTEMD, LONG), "1001"), Fact::Known(Uid(1001)));
    let absent = Fake::new("exit 2");
    assert_unknown(uid_of(&absent.under(SYSTEMD, LONG), "1001"), "digits");
}

#[test]
fn an_answer_that_is_none_leaves_it_unknown() {
    for (script, words) in [
        ("exit 1", "`bob`: `getent` exited with 1"),
        ("exit 3", "exited with 3"),
        ("kill -9 $$", "died by KILL"),
        ("exit 0", "not an entry"),
        ("echo bob", "not an entry"),
        ("printf '\\377\\000\\001:x'", "not an entry"),
        ("echo 'bob:x:1001:60:::'; echo 'eve:x:1002:60:::'", "not an entry"),
        ("echo 'bob:x:-1:60:::'", "not an entry"),
        (
            "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
            "more than 1048576 bytes",
        ),
    ] {
        let fake = Fake::new(script);
        assert_unknown(uid_of(&fake.under(SYSTEMD, LONG), "bob"), words);
    }
    let missing = NameService { getent: Getent::at("/no/such/getent"), ..Fake::new("").under(SYSTEMD, LONG) };
    assert_unknown(uid_of(&missing, "bob"), "could not execute `/no/such/getent`");
}

#[test]
fn bytes_that_are_no_text_are_replaced_as_elsewhere() {
    let fake = Fake::new("printf 'bob:x:1001:60:M\\374ller:/home/m\\374ller:/bin/sh\\n'");
    let home = fake.under(SYSTEMD, LONG).user_named("bob", |user| user.home.to_owned());
    assert_eq!(home, Fact::Known("/home/m\u{fffd}ller".into()));
}

#[test]
fn names_with_odd_bytes_reach_it_as_they_are() {
    let fake = Fake::new("echo 'bob:x:1001:60:::'");
    let names = fake.under(SYSTEMD, LONG);
    for name in ["b ö\t$(x)", "a'b\"", "a\\b", "*"] {
        // Directories answer with the name as they write it.
        assert_eq!(uid_of(&names, name), Fact::Known(Uid(1001)), "{name:?}");
        assert!(fake.calls().ends_with(&format!("passwd|{name}|")), "{}", fake.calls());
    }
    assert_eq!(uid_of(&names, "a\0b"), Fact::Absent);
    assert!(!fake.calls().contains('\0'));
}

#[test]
fn one_that_hangs_is_killed_and_the_others_are_not_asked() {
    for script in
        ["exec sleep 1000", "sleep 1000", "exec >&-; exec sleep 1000", "trap '' TERM; while :; do :; done"]
    {
        let fake = Fake::new(&format!("echo $$ > \"${{0%getent}}pid\"; {script}"));
        let names = fake.under(SSS, SHORT);
        let begun = Instant::now();
        assert_unknown(uid_of(&names, "bob"), "`bob`: no answer in time");
        assert!(begun.elapsed() < LONG);
        let pid = fs::read_to_string(fake.directory.path().join("pid")).unwrap_or_default();
        if let Ok(pid) = pid.trim().parse() {
            assert_dies(Pid(pid));
        }
        // By itself, if late where the machine is busy.
        while names.readers.stuck() > 0 {
            assert!(begun.elapsed() < LONG, "the helper doesn't come back");
            std::thread::yield_now();
        }
        assert!(!names.take_withheld(), "`bob` was asked for");
        // Nor is a name that was wanted before ever taken for one that was asked for.
        for _ in 0..2 {
            assert_unknown(uid_of(&names, "eve"), "not asked");
            assert!(names.take_withheld());
        }
        assert_unknown(uid_of(&names, "bob"), "no answer in time");
        assert_eq!(uid_of(&names, "ann"), Fact::Known(Uid(1000)));
        assert!(!names.take_withheld());
        assert!(!fake.calls().contains("eve"));
    }
}

#[test]
fn its_end_is_the_end_of_the_answer() {
    // A module that leaves a process behind, which keeps the pipe open.
    let fake = Fake::new("sleep 1000 & echo $! > \"${0%getent}pid\"; echo 'bob:x:1001:60:::'");
    // Were the end of the pipe waited for, it would be late.
    let answer = uid_of(&fake.under(SYSTEMD, LONG), "bob");
    let left = fs::read_to_string(fake.directory.path().join("pid")).unwrap();
    let left = rustix::process::Pid::from_raw(left.trim().parse().unwrap()).unwrap();
    let lived = rustix::process::kill_process(left, rustix::process::Signal::KILL);
    assert_eq!((answer, lived), (Fact::Known(Uid(1001)), Ok(())));
}

#[test]
fn an_answer_larger_than_a_pipe_is_read_to_its_end() {
    let members = "i=0; while [ $i -lt 20000 ]; do m=$m,user$i; i=$((i+1)); done; echo \"ops:x:60:bob$m\"";
    let fake = Fake::new(members);
    let count = fake.under(SYSTEMD, LONG).group_named("ops", |group| group.members().count());
    assert_eq!(count, Fact::Known(20_001));
}

#[test]
fn it_gets_nothing_of_ours() {
    // The shell itself keeps its script open at 10.
    let script = "read x && exit 3\n\
        for fd in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || echo descriptor $fd; done\n\
        tr '\\0' '\\n' < /proc/$$/environ; pwd; exit 0";
    let fake = Fake::new(script);
    let kept = fs::File::open("/dev/null").unwrap();
    let answer = Getent::at(fake.program()).begin(Database::Passwd, "x").unwrap().wait(LONG);
    drop(kept);
    assert_eq!(answer, Ok(Answer::Found("/\n".into())));
}

#[test]
fn one_that_is_no_longer_wanted_is_killed() {
    let asking = Getent::at(Fake::new("").program().with_file_name("none")).begin(Database::Ahosts, "x");
    assert!(asking.is_err());
    let fake = Fake::new("exec sleep 1000");
    let asking = Getent::at(fake.program()).begin(Database::Ahosts, "x").unwrap();
    let pid = asking.pid();
    assert!(fs::exists(format!("/proc/{pid}")).unwrap());
    drop(asking);
    assert_dies(pid);
}

#[test]
fn this_host_is_told_of_as_the_c_library_tells_of_it() {
    use nix::unistd as oracle;
    let text = fs::read_to_string("/etc/passwd").unwrap();
    let groups = fs::read_to_string("/etc/group").unwrap();
    let first = |text: &str| {
        text.lines().filter_map(|line| line.split(':').next()).map(str::to_owned).collect::<Vec<_>>()
    };
    // As it is, and with everything asked for.
    let asked = NameService {
        local: OnceCell::from(Local::under(None, |_| None)),
        deadline: LONG,
        ..NameService::default()
    };
    for names in [NameService::patient(), asked] {
        for name in first(&text).into_iter().take(10) {
            let expected = oracle::User::from_name(&name).unwrap().unwrap();
            let (uid, gid) = (Uid(expected.uid.as_raw()), Gid(expected.gid.as_raw()));
            let whole = |user: &User<'_>| {
                (
                    user.name.to_owned(),
                    user.uid,
                    user.gid,
                    PathBuf::from(user.home),
                    PathBuf::from(user.shell),
                )
            };
            let tuple = Fact::Known((expected.name.clone(), uid, gid, expected.dir, expected.shell));
            assert_eq!(names.user_named(&name, whole), tuple);
            assert_eq!(names.user_numbered(uid, whole), tuple);
            let c_name = std::ffi::CString::new(name.clone()).unwrap();
            let list = oracle::getgrouplist(&c_name, expected.gid).unwrap();
            let mut list: Vec<Gid> = list.into_iter().map(|gid| Gid(gid.as_raw())).collect();
            let mut ours = names.groups_of(uid).known().unwrap().to_vec();
            assert_eq!(ours.first(), list.first(), "{name}");
            list.sort_unstable();
            ours.sort_unstable();
            assert_eq!(ours, list, "{name}");
        }
        for name in first(&groups).into_iter().take(10) {
            let expected = oracle::Group::from_name(&name).unwrap().unwrap();
            let whole = |group: &Group<'_>| {
                (group.name.to_owned(), group.members().map(str::to_owned).collect::<Vec<_>>())
            };
            let tuple = Fact::Known((expected.name, expected.mem));
            assert_eq!(names.group_named(&name, whole), tuple);
            assert_eq!(names.group_numbered(Gid(expected.gid.as_raw()), whole), tuple);
        }
    }
}
