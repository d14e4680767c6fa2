//! Files, locks and names.

use std::os::unix::fs::symlink;
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};

use super::{Fact, Running, Why, World, bytes, is_root, look, why};
use crate::facts::FileKind;
use crate::host::name_service::NameService;
use crate::process::world::Root;
use crate::units::{Gid, Uid};

#[test]
fn links_are_followed_and_failures_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    std::fs::write(base.join("prog"), "#!/bin/sh\n").unwrap();
    symlink("prog", base.join("one")).unwrap();
    symlink(base.join("one"), base.join("two")).unwrap();
    symlink("loop", base.join("loop")).unwrap();
    std::fs::copy("/bin/true", base.join("busybox")).unwrap();
    symlink("busybox", base.join("ls")).unwrap();
    let world = look();
    let file = |name: &str| world.file(Root::Engine, bytes(&base.join(name)));

    let prog = file("prog").known().unwrap();
    assert_eq!((prog.kind, prog.size, prog.nlink, prog.multicall), (FileKind::Regular, 10, 1, false));
    assert_eq!(file("two").known().unwrap(), prog);
    assert_eq!(*prog.real, *bytes(&base.join("prog")));
    assert!(file("ls").known().unwrap().multicall);
    assert_eq!(file("").known().unwrap().kind, FileKind::Directory);
    assert_eq!(file("none"), Fact::Absent);
    assert_eq!(why(&file("prog/x")), Some(Why::Unresolved));
    assert_eq!(why(&file("loop")), Some(Why::Unresolved));
    assert_eq!(why(&world.file(Root::Engine, b"prog")), Some(Why::Unresolved));
    assert_eq!(world.file(Root::Engine, b"/a\0b"), Fact::Absent);
    std::fs::remove_file(base.join("prog")).unwrap();
    assert_eq!(file("prog").known().unwrap(), prog, "one look gives one answer");
    assert_eq!(world.again().file(Root::Engine, bytes(&base.join("prog"))), Fact::Absent);
}

#[test]
fn nothing_but_a_regular_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (fifo, text) = (folder.path().join("fifo"), folder.path().join("text"));
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(&text, vec![b'#'; 1000]).unwrap();
    let world = look();
    assert_eq!(world.head(Root::Engine, bytes(&fifo)), Fact::Absent);
    assert_eq!(world.content(bytes(&fifo), 10), Fact::Absent);
    assert_eq!(world.head(Root::Engine, b"/dev/null"), Fact::Absent);
    assert_eq!(world.head(Root::Engine, bytes(folder.path())), Fact::Absent);
    assert_eq!(world.head(Root::Engine, b"/none"), Fact::Absent);
    assert_eq!(world.head(Root::Engine, bytes(&text)).known().unwrap().len(), 256);
    assert_eq!(world.content(bytes(&text), 10).known().unwrap().len(), 10);
    assert_eq!(world.content(bytes(&text), 5000).known().unwrap().len(), 1000);
    for own in [&b"/dev/fd/0"[..], b"/proc/self/exe", b"/proc/self/fd/1"] {
        assert_eq!(why(&world.head(Root::Engine, own)), Some(Why::Unresolved));
    }
}

#[test]
fn names_in_another_root_do_not_lead_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let build = "set -e; cd \"$0\"; mkdir -p bin etc; cp /bin/sleep bin/; \
        for f in $(ldd /bin/sleep | grep -o '/[^ ]*'); do mkdir -p .${f%/*}; cp $f .$f; done; \
        ln -s /etc/passwd etc/out; ln -s ../../../../../../etc/passwd etc/up; ln -s /bin/sleep bin/nap";
    let made = Command::new("/bin/sh").args(["-c", build]).arg(&root).output().unwrap();
    if !is_root() || !made.status.success() {
        eprintln!("skipped: a chroot can't be built here");
        return;
    }
    let child = Running::start(Command::new("chroot").arg(&root).args(["/bin/sleep", "1000"]));
    child.until_asleep();
    let (world, pid) = (look(), child.pid());
    assert!(!world.root(pid).known().unwrap().same);
    let inside = world.file(Root::Of(pid), b"/bin/nap").known().unwrap();
    assert_eq!(*inside.real, *b"/bin/sleep");
    assert!(inside.same_file(&world.exe_file(pid).known().unwrap()));
    assert_eq!(world.file(Root::Of(pid), b"/etc/out"), Fact::Absent);
    assert_eq!(world.file(Root::Of(pid), b"/etc/up"), Fact::Absent);
    assert_eq!(world.head(Root::Of(pid), b"/bin/sleep").known().unwrap()[..4], *b"\x7fELF");
    assert_eq!(world.execfn(pid).known().as_deref(), Some(b"/bin/sleep".as_ref()));
    child.end();
    assert_eq!(why(&world.again().file(Root::Of(pid), b"/bin/nap")), Some(Why::Vanished));
}

#[test]
fn the_holder_of_a_lock_is_found() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let world = look();
    assert_eq!(world.lock_holder(bytes(file.path())), Fact::Absent);
    let lock = Flock::lock(file.reopen().unwrap(), FlockArg::LockExclusiveNonblock).unwrap();
    assert_eq!(world.again().lock_holder(bytes(file.path())), world.self_pid());
    assert_eq!(world.lock_holder(b"/none"), Fact::Absent);
    drop(lock);
}

#[test]
fn names_and_numbers_of_users_and_groups() {
    let world = look();
    world.names.set(NameService::patient()).unwrap();
    assert_eq!(world.user_id("root"), Fact::Known(Uid(0)));
    assert_eq!(world.user_name(Uid(0)), Fact::Known("root".into()));
    assert_eq!(world.group_id("root"), Fact::Known(Gid(0)));
    assert_eq!(world.group_name(Gid(0)), Fact::Known("root".into()));
    assert!(world.groups_of(Uid(0)).known().unwrap().contains(&Gid(0)));
    assert_eq!(world.user_id("no such user"), Fact::Absent);
    assert_eq!(world.groups_of(Uid(4_000_000_000)), Fact::Absent);
}

#[test]
fn what_the_host_says_of_itself() {
    let world = look();
    assert_eq!(world.boot_id().known().unwrap().0.len(), 36);
    assert_eq!(why(&world.binfmt()), None);
    assert_eq!(world.ticks_per_second(), 100);
    assert!(world.hidepid().is_none() || !is_root());
    let (before, after) = (world.uptime().known().unwrap(), world.again().uptime().known().unwrap());
    assert!(before <= after);
}
