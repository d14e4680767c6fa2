#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

use super::*;
use crate::facts::{RootLink, Why};
use crate::process::testing::{Node, TestWorld, bytes};

/// One row of the equality table: how the process differs from one that was started plainly.
fn row(case: &str, arrange: impl FnOnce(&mut TestWorld), path: &str, expected: (Fact<bool>, bool)) {
    let mut world = TestWorld::new();
    world.elf("/usr/bin/x");
    world.start(600, 1, "/usr/bin/x", &["/usr/bin/x"]);
    arrange(&mut world);
    let equality = equal(&world, Pid(600), &Wanted::path(&world, path.as_bytes()));
    let holds = match equality.holds {
        Fact::Unknown(reason) => Fact::unknown(reason.why),
        other => other,
    };
    assert_eq!((holds, equality.stale), expected, "{case}");
}

const TRUE: (Fact<bool>, bool) = (Fact::Known(true), false);
const STALE: (Fact<bool>, bool) = (Fact::Known(true), true);
const FALSE: (Fact<bool>, bool) = (Fact::Known(false), false);

fn unknown(why: Why) -> (Fact<bool>, bool) {
    (Fact::unknown(why), false)
}

fn replace(world: &mut TestWorld) {
    world.elf("/usr/bin/x");
}

fn unlinked(world: &mut TestWorld, text: &str) {
    let proc = world.procs.get_mut(&600).unwrap();
    proc.exe_text = Fact::Known(bytes(text));
    if let Fact::Known(exe) = &mut proc.exe {
        exe.nlink = 0;
    }
}

fn other_root(world: &mut TestWorld) {
    world.procs.get_mut(&600).unwrap().root =
        Fact::Known(RootLink { text: bytes("/"), dev: 9, ino: 2, same: false });
}

#[test]
fn equality_is_that_of_the_table() {
    row("the file itself", |_| {}, "/usr/bin/x", TRUE);
    row("usr-merge", |_| {}, "/bin/x", TRUE);
    row("a symlink to it", |w| w.link("/opt/x", "/usr/bin/x"), "/opt/x", TRUE);
    row("another file", |_| {}, "/usr/bin/perl", FALSE);
    row(
        "upgraded by rename-over",
        |w| {
            replace(w);
            unlinked(w, "/usr/bin/x (deleted)");
        },
        "/usr/bin/x",
        STALE,
    );
    row(
        "the same through a link",
        |w| {
            replace(w);
            unlinked(w, "/usr/bin/x (deleted)");
        },
        "/bin/x",
        STALE,
    );
    row(
        "deleted and not replaced",
        |w| {
            w.files.remove("/usr/bin/x");
            unlinked(w, "/usr/bin/x (deleted)");
        },
        "/usr/bin/x",
        STALE,
    );
    row(
        "deleted, asked through a linked directory",
        |w| {
            w.files.remove("/usr/bin/x");
            unlinked(w, "/usr/bin/x (deleted)");
        },
        "/bin/x",
        STALE,
    );
    row(
        "old file moved aside",
        |w| {
            replace(w);
            w.procs.get_mut(&600).unwrap().exe_text = Fact::Known(bytes("/usr/bin/x.old"));
        },
        "/usr/bin/x",
        FALSE,
    );
    row(
        "other mount namespace, same text",
        |w| {
            replace(w);
            other_root(w);
        },
        "/usr/bin/x",
        FALSE,
    );
    row(
        "other root, deleted, same text",
        |w| {
            replace(w);
            other_root(w);
            unlinked(w, "/usr/bin/x (deleted)");
        },
        "/usr/bin/x",
        FALSE,
    );
    row("chroot on the same file system", other_root, "/usr/bin/x", TRUE);
    row("same root, a mount shadows it", replace, "/usr/bin/x", FALSE);
    row(
        "hard link",
        |w| {
            let f = w.facts("/usr/bin/x");
            w.files.insert("/opt/hard".into(), Node::File(f, Fact::Absent));
        },
        "/opt/hard",
        TRUE,
    );
    row(
        "deleted but the same file elsewhere",
        |w| {
            let f = w.facts("/usr/bin/x");
            w.files.insert("/opt/h".into(), Node::File(f, Fact::Absent));
            unlinked(w, "/usr/bin/x (deleted)");
        },
        "/opt/h",
        TRUE,
    );
    row(
        "really named so",
        |w| {
            w.elf("/usr/bin/x (deleted)");
            w.start(600, 1, "/usr/bin/x (deleted)", &[]);
        },
        "/usr/bin/x (deleted)",
        TRUE,
    );
    row(
        "really named so, asked without",
        |w| {
            w.elf("/usr/bin/x (deleted)");
            w.start(600, 1, "/usr/bin/x (deleted)", &[]);
        },
        "/usr/bin/x",
        FALSE,
    );
    row("memfd", |w| unlinked(w, "/memfd:x (deleted)"), "/usr/bin/perl", FALSE);
    row(
        "NFS silly rename of the same file",
        |w| w.procs.get_mut(&600).unwrap().exe_text = Fact::Known(bytes("/usr/bin/.nfs0001")),
        "/usr/bin/x",
        TRUE,
    );
    row(
        "multi-call: identity only",
        |w| {
            w.start(600, 1, "/usr/bin/busybox", &["tail"]);
        },
        "/usr/bin/httpd",
        TRUE,
    );
    row(
        "kernel thread or zombie",
        |w| w.procs.get_mut(&600).unwrap().exe = Fact::Absent,
        "/usr/bin/x",
        FALSE,
    );
    row(
        "denied",
        |w| w.procs.get_mut(&600).unwrap().exe = Fact::unknown(Why::Denied),
        "/usr/bin/x",
        unknown(Why::Denied),
    );
    row(
        "vanished",
        |w| {
            w.procs.remove(&600);
        },
        "/usr/bin/x",
        unknown(Why::Vanished),
    );
    row("path does not exist", |_| {}, "/usr/bin/none", FALSE);
    row(
        "path can't be resolved",
        |w| {
            w.files.insert("/secret".into(), Node::Unreadable(Why::Denied));
        },
        "/secret",
        unknown(Why::Unresolved),
    );
    row("a loop of links", |w| w.link("/loop", "/loop"), "/loop", unknown(Why::Unresolved));
    row(
        "stale, root unreadable",
        |w| {
            replace(w);
            unlinked(w, "/usr/bin/x (deleted)");
            w.procs.get_mut(&600).unwrap().root = Fact::unknown(Why::Denied);
        },
        "/usr/bin/x",
        unknown(Why::Denied),
    );
    row(
        "stale, text unreadable",
        |w| {
            replace(w);
            unlinked(w, "");
            w.procs.get_mut(&600).unwrap().exe_text = Fact::unknown(Why::Timeout);
        },
        "/usr/bin/x",
        unknown(Why::Timeout),
    );
}

#[test]
fn the_text_of_the_link_is_not_read_on_the_fast_path() {
    let mut world = TestWorld::new();
    world.start(600, 1, "/usr/bin/perl", &[]);
    let _ = equal(&world, Pid(600), &Wanted::path(&world, b"/usr/bin/perl"));
    let _ = equal(&world, Pid(600), &Wanted::path(&world, b"/usr/bin/node"));
    assert_eq!(world.text_reads.get(), 0);
}

#[test]
fn near_misses_say_why_not() {
    let mut world = TestWorld::new();
    world.elf("/usr/bin/x");
    world.start(600, 1, "/usr/bin/x", &[]);
    let say = |world: &TestWorld| {
        near_miss(world, Pid(600), &Wanted::path(world, b"/usr/bin/x")).unwrap_or_default()
    };
    replace(&mut world);
    assert!(say(&world).contains("a mount shadows"), "{}", say(&world));
    other_root(&mut world);
    assert!(say(&world).contains("another root"), "{}", say(&world));
    world.procs.get_mut(&600).unwrap().root =
        Fact::Known(RootLink { text: bytes("/"), dev: 1, ino: 2, same: true });
    world.procs.get_mut(&600).unwrap().exe_text = Fact::Known(bytes("/usr/bin/x.old"));
    assert!(say(&world).contains("moved aside"), "{}", say(&world));
    world.procs.get_mut(&600).unwrap().exe_text = Fact::Known(bytes("/usr/bin/y"));
    assert_eq!(say(&world), "");
}

#[test]
fn the_mark_is_removed_only_where_the_kernel_put_it() {
    let mut world = TestWorld::new();
    world.elf("/x (deleted)");
    world.start(600, 1, "/x (deleted)", &[]);
    assert_eq!(path(&world, Pid(600)), Fact::Known(b"/x (deleted)".to_vec()));
    unlinked(&mut world, "/x (deleted)");
    assert_eq!(path(&world, Pid(600)), Fact::Known(b"/x".to_vec()));
    assert_eq!(is_memfd(&world, Pid(600)), Fact::Known(false));
    unlinked(&mut world, "/memfd:x (deleted)");
    assert_eq!(is_memfd(&world, Pid(600)), Fact::Known(true));
}
