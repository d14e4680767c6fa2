#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::facts::Why;
use crate::process::testing::{NOW, Node, TestWorld, UPTIME, bytes};
use crate::units::Gid;

#[test]
fn the_first_word_is_the_number() {
    for (text, expected) in [
        ("812\n", Some(812)),
        ("812", Some(812)),
        ("  812 \n", Some(812)),
        ("812\n/var/lib/db\n170000\n", Some(812)),
        ("812\0", Some(812)),
        ("", None),
        ("\n", None),
        ("0", None),
        ("1", None),
        ("-812", None),
        ("+812", None),
        ("812x", None),
        ("pid 812", None),
        ("2147483648", None),
        ("99999999999999999999", None),
        ("0812", Some(812)),
    ] {
        assert_eq!(parse(text.as_bytes()), expected.map(Pid), "{text:?}");
    }
}

/// Start of process 600 in seconds since the epoch, and what its test world gives it in ticks.
const BEGAN: u64 = 999_000;

fn world() -> TestWorld {
    let mut world = TestWorld::new();
    world.start(600, 1, "/usr/sbin/nginx", &["nginx"]);
    let proc = world.procs.get_mut(&600).unwrap();
    proc.owner = Fact::Known((Uid(33), Gid(33)));
    if let Fact::Known(stat) = &mut proc.stat {
        stat.start.0 = (BEGAN - (NOW - UPTIME)) * 100;
    }
    let file = world.add("/run/app.pid", Fact::Known(bytes("600\n")));
    file.mode = 0o644;
    file.mtime = i128::from(BEGAN) * 1_000_000_000;
    world
}

fn verdict(world: &TestWorld) -> String {
    match trust(world, b"/run/app.pid", Pid(600)) {
        Fact::Known(Trust::Believed) => "believed".into(),
        Fact::Known(Trust::Other) => "other".into(),
        Fact::Known(Trust::Refused(why)) => why,
        Fact::Absent => "absent".into(),
        Fact::Unknown(reason) => format!("?{}", reason.why),
    }
}

fn row(case: &str, change: impl FnOnce(&mut FileFacts), expected: &str) {
    let mut world = world();
    if let Some(Node::File(file, _)) = world.files.get_mut("/run/app.pid") {
        change(file);
    }
    let found = verdict(&world);
    assert!(found.contains(expected), "{case}: {found}");
}

#[test]
fn one_rule_of_trust() {
    row("written by root", |_| {}, "believed");
    row("written by its account", |f| f.uid = Uid(33), "believed");
    row("written by a stranger", |f| f.uid = Uid(1000), "belongs to uid 1000");
    row("writable by others", |f| f.mode = 0o666, "writable by others");
    row("writable by its group", |f| f.mode = 0o664, "believed");
    row("no regular file", |f| f.kind = FileKind::Other, "not a regular file");
    row("a second too early", |f| f.mtime -= 1_000_000_000, "believed");
    row("the slack exactly", |f| f.mtime -= SLACK, "believed");
    row("number used again", |f| f.mtime -= SLACK + 1, "recycled pid");
    row("days later", |f| f.mtime += 86_400_000_000_000, "believed");
}

#[test]
fn the_directory_counts_too() {
    let mut world = world();
    let mut directory = world.facts("/run");
    directory.mode = 0o1777;
    world.files.insert("/run".into(), Node::File(directory, Fact::Absent));
    assert!(verdict(&world).contains("directory `/run`"), "{}", verdict(&world));
    let mut world = self::world();
    world.link("/run/link.pid", "/tmp/real.pid");
    let file = world.facts("/run/app.pid");
    world.files.insert("/tmp/real.pid".into(), Node::File(file, Fact::Known(bytes("600"))));
    let mut directory = world.facts("/tmp");
    directory.mode = 0o777;
    world.files.insert("/tmp".into(), Node::File(directory, Fact::Absent));
    let found = trust(&world, b"/run/link.pid", Pid(600));
    assert!(matches!(found, Fact::Known(Trust::Refused(why)) if why.contains("`/tmp`")));
}

#[test]
fn what_is_missing_or_unreadable() {
    let mut world = world();
    assert_eq!(trust(&world, b"/run/none.pid", Pid(600)), Fact::Known(Trust::Other));
    assert_eq!(trust(&world, b"/run/app.pid", Pid(50)), Fact::Known(Trust::Other));
    world.add("/run/app.pid", Fact::Known(bytes("")));
    assert_eq!(verdict(&world), "other");
    world.add("/run/app.pid", Fact::unknown(Why::Denied));
    assert_eq!(verdict(&world), "?denied");
    let mut world = self::world();
    world.procs.get_mut(&600).unwrap().stat = Fact::unknown(Why::Vanished);
    assert_eq!(verdict(&world), "?vanished");
}

proptest::proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn a_number_is_never_below_two(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
        if let Some(pid) = parse(&text) {
            proptest::prop_assert!(pid.0 > 1);
        }
    }
}
