//! Looking at documents: what is seen, what is refused, what is never taken for gone.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use selfsame::host::clock;
use selfsame::host::spec_dir::{
    FILE_BYTES_MAX, Listing, Look, ProblemReason, Trust, UnavailableReason, Watcher, look, watched,
};
use selfsame::host::wake::Waker;

use crate::support::{eventually, is_root, needs_root, written};

#[track_caller]
fn listing(place: &Path) -> Listing {
    match look(place, &Trust::own()) {
        Look::Found(listing) => listing,
        Look::Unavailable(why) => panic!("{why:?}"),
    }
}

fn names(listing: &Listing) -> Vec<String> {
    listing.files.iter().map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[track_caller]
fn problem(place: &Path, reason: ProblemReason) -> Listing {
    let listing = listing(place);
    assert_eq!(listing.problems.iter().map(|p| p.reason).collect::<Vec<_>>(), [reason], "{listing:?}");
    assert!(listing.complete);
    listing
}

#[test]
fn documents_are_read_in_the_order_of_names() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["b.yaml", "a.yml", ".hidden.yaml", "a.yaml~", "notes.txt", "#a.yaml#"] {
        fs::write(dir.path().join(name), name).unwrap();
    }
    symlink("user@host.123", dir.path().join(".#a.yml")).unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("sub/c.yaml"), "").unwrap();
    let found = listing(dir.path());
    assert_eq!(names(&found), ["a.yml", "b.yaml"]);
    assert!(found.complete && found.problems.is_empty());
    assert_eq!(found.ignored.len(), 6);
    assert_eq!(found.files[1].bytes[..], *b"b.yaml");
    assert_eq!(found.files[1].path, dir.path().join("b.yaml"));
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    fs::write(dir.path().join("b.yaml"), "").unwrap();
    assert_eq!(listing(dir.path()).files[1].digest().as_ref(), empty);
}

#[test]
fn a_file_may_be_given_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.yaml");
    fs::write(&path, "x").unwrap();
    assert_eq!(listing(&path).files[0].path, path);
    assert!(matches!(look(&dir.path().join("missing.yaml"), &Trust::own()), Look::Unavailable(_)));
    assert!(matches!(look(&dir.path().join("missing/"), &Trust::own()), Look::Unavailable(_)));
}

#[test]
fn what_is_no_regular_file_never_holds_the_look_up() {
    let dir = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&dir.path().join("x.yaml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    problem(dir.path(), ProblemReason::NotRegular);
    fs::remove_file(dir.path().join("x.yaml")).unwrap();
    symlink("/dev/zero", dir.path().join("x.yaml")).unwrap();
    problem(dir.path(), ProblemReason::NotRegular);
    fs::remove_file(dir.path().join("x.yaml")).unwrap();
    symlink("x.yaml", dir.path().join("x.yaml")).unwrap();
    problem(dir.path(), ProblemReason::LeadsNowhere);
}

#[test]
fn a_huge_file_is_refused_unread() {
    let dir = tempfile::tempdir().unwrap();
    let file = fs::File::create(dir.path().join("x.yaml")).unwrap();
    file.set_len(FILE_BYTES_MAX + 1).unwrap();
    problem(dir.path(), ProblemReason::TooLarge);
}

#[test]
fn a_strange_name_is_reported_and_the_others_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff.yaml")), "").unwrap();
    fs::write(dir.path().join("new\nline.yaml"), "").unwrap();
    let found = problem(dir.path(), ProblemReason::InvalidName);
    assert_eq!(names(&found), ["new\nline.yaml"]);
}

#[test]
fn links_to_trusted_files_are_followed() {
    // As a mounted ConfigMap does it: names that lead through a link which is swapped.
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for version in ["v1", "v2"] {
        fs::create_dir(at(&format!("..{version}"))).unwrap();
        fs::write(at(&format!("..{version}/a.yaml")), version).unwrap();
    }
    symlink("..v1", at("..data")).unwrap();
    symlink("..data/a.yaml", at("a.yaml")).unwrap();
    assert_eq!(listing(dir.path()).files[0].bytes[..], *b"v1");
    symlink("..v2", at("..tmp")).unwrap();
    fs::rename(at("..tmp"), at("..data")).unwrap();
    assert_eq!(listing(dir.path()).files[0].bytes[..], *b"v2");
    fs::remove_file(at("..data")).unwrap();
    let found = problem(dir.path(), ProblemReason::LeadsNowhere);
    assert_eq!(found.problems[0].text, "it is a link to `..data/a.yaml`, which isn't there");
    symlink("..data", at("..data")).unwrap();
    problem(dir.path(), ProblemReason::LeadsNowhere);
}

#[test]
fn what_others_can_write_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.yaml");
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(&path, "x").unwrap();
    mode(&path, 0o666);
    problem(dir.path(), ProblemReason::UntrustedSource);
    mode(&path, 0o644);
    assert!(listing(dir.path()).problems.is_empty());
    mode(dir.path(), 0o777);
    assert!(
        matches!(look(dir.path(), &Trust::own()), Look::Unavailable(why) if why.reason == UnavailableReason::UntrustedSource)
    );
    mode(dir.path(), 0o1777);
    assert!(listing(dir.path()).problems.is_empty(), "sticky, as /tmp");
    if needs_root("what_others_can_write_is_not_trusted, with foreign owners") {
        return;
    }
    nix::unistd::chown(&path, Some(4321.into()), None).unwrap();
    problem(dir.path(), ProblemReason::UntrustedSource);
    assert!(
        matches!(look(dir.path(), &Trust { owners: vec![4321] }), Look::Found(l) if l.problems.is_empty())
    );
}

#[test]
fn an_unreadable_file_is_not_gone() {
    if is_root() {
        eprintln!("skipped: root reads everything");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.yaml");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    problem(dir.path(), ProblemReason::Unreadable);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o000)).unwrap();
    assert!(matches!(look(dir.path(), &Trust::own()), Look::Unavailable(_)));
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn another_directory_under_the_same_name_has_another_identity() {
    let base = tempfile::tempdir().unwrap();
    let place = base.path().join("specs");
    fs::create_dir(&place).unwrap();
    let first = listing(&place).identity;
    assert_eq!(listing(&place).identity, first);
    fs::rename(&place, base.path().join("old")).unwrap();
    fs::create_dir(&place).unwrap();
    assert_ne!(listing(&place).identity, first);
}

#[test]
fn a_file_that_is_being_written_is_whole_or_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.yaml");
    let (old, new) = ("o".repeat(50_000), "n".repeat(70_000));
    fs::write(&path, &old).unwrap();
    let writer = path.clone();
    let contents = [old.clone(), new.clone()];
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let thread = std::thread::spawn(move || {
        let mut round = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            let temporary = writer.with_extension("tmp");
            fs::write(&temporary, &contents[round % 2]).unwrap();
            fs::rename(&temporary, &writer).unwrap();
            round += 1;
        }
    });
    for _ in 0..200 {
        for file in listing(dir.path()).files {
            assert!(*file.bytes == *old.as_bytes() || *file.bytes == *new.as_bytes());
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    thread.join().unwrap();
}

#[test]
fn hints_wake_the_loop_and_our_own_reads_do_not() {
    let base = tempfile::tempdir().unwrap();
    let place = base.path().join("specs");
    fs::create_dir(&place).unwrap();
    let mut waker = Waker::new(false).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::new(Some(&elsewhere.path().join("probe"))).unwrap();
    waker.watch_specs(watcher.descriptor()).unwrap();
    // Whether something that counts was told, of all that happened so far: events come in order, and a touch of the probe is the last.
    let heard = |watcher: &mut Watcher| {
        watcher.is_alive();
        eventually("what happened is told", || watcher.is_told().then_some(()));
        watcher.take().changed
    };
    // What wakes the loop is read at once; whether it counts is another question. A change is several events, and each may
    // wake by itself: what is said is whether one came that counts.
    let woken = |waker: &mut Waker, watcher: &mut Watcher| {
        let until = clock::now().boot.after(Duration::from_mins(1));
        let mut changed = false;
        while !changed && clock::now().boot < until {
            waker.wait(Some(until)).unwrap();
            changed = watcher.take().changed;
        }
        heard(watcher);
        changed
    };
    watcher.watch(&watched(&place)).unwrap();
    written(&place.join("a.yaml"), "x");
    assert!(woken(&mut waker, &mut watcher), "a new file");
    listing(&place);
    fs::write(base.path().join("unrelated"), "x").unwrap();
    assert!(!heard(&mut watcher), "reading is no change, and what lies beside wakes nobody");
    fs::rename(&place, base.path().join("old")).unwrap();
    assert!(woken(&mut waker, &mut watcher), "the directory went away");
    watcher.watch(&watched(&place)).unwrap();
    fs::create_dir(&place).unwrap();
    assert!(woken(&mut waker, &mut watcher), "it came back");
    watcher.watch(&watched(&place)).unwrap();
    fs::write(place.join("b.yaml"), "x").unwrap();
    assert!(woken(&mut waker, &mut watcher), "and is watched again");
}
