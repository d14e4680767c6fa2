//! Things that are called like documents, and names that nobody expects.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::both;
use crate::support::until;
use crate::ward::{Ward, Way};

both!(
    what_is_no_regular_file,
    files_that_are_too_much,
    names_that_nobody_expects,
    links_that_lead_nowhere_or_too_far,
    a_file_that_cannot_be_read,
);

/// Opening a FIFO would wait for ever.
fn what_is_no_regular_file(way: Way) {
    let ward = Ward::new(way);
    nix::unistd::mkfifo(&ward.spec("fifo.yaml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::create_dir(ward.spec("directory.yaml")).unwrap();
    symlink("/dev/zero", ward.spec("device.yaml")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(ward.spec("socket.yaml")).unwrap();
    ward.looked_again("more");
    until("all four to be named", || ward.bench.watch_log().matches("not a regular file").count() == 4);
    ward.only(&["r0"]);
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A gibibyte of nothing, a bomb of aliases, and brackets without end: refused, and little is used.
fn files_that_are_too_much(way: Way) {
    let mut ward = Ward::new(way);
    let watch = ward.bench.take_watch();
    let before = resident_kib(watch.id());
    File::create(ward.spec("huge.yaml")).unwrap().set_len(1 << 30).unwrap();
    ward.looked_again("more");
    let grown = resident_kib(watch.id()) - before;
    assert!(grown < 8 << 10, "{grown} KiB");
    let bomb: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain((1..12).map(|n| {
            let above = format!("*a{}", n - 1);
            format!("a{n}: &a{n} [{}]\n", [above.as_str(); 9].join(", "))
        }))
        .collect();
    fs::write(ward.spec("bomb.yaml"), bomb).unwrap();
    fs::write(ward.spec("deep.yaml"), "[".repeat(100_000)).unwrap();
    ward.looked_again("another");
    until("both to be refused", || {
        let log = ward.bench.watch_log();
        ["bomb.yaml", "deep.yaml", "huge.yaml"].iter().all(|name| log.contains(name))
    });
    ward.bench.give_watch(watch);
    ward.only(&["r0"]);
}

/// No name can write into the log, or break the JSON of status.
fn names_that_nobody_expects(way: Way) {
    let ward = Ward::new(way);
    let longest = format!("{}.yaml", "l".repeat(250));
    let names: [&[u8]; 5] =
        [b"new\nline.yaml", b"\x1b[31mred.yaml", b"\xff\xfe.yaml", b"quote\".yaml", longest.as_bytes()];
    for name in names {
        fs::write(ward.spec("").join(OsStr::from_bytes(name)), "kind: [").unwrap();
    }
    ward.looked_again("more");
    until("all to be refused", || ward.bench.watch_log().contains("red.yaml"));
    let log = ward.bench.watch_log();
    assert!(!log.contains('\x1b') && !log.contains("new\nline"), "{log:?}");
    let status = ward.bench.run(&["status", "--output", "json"]).stdout;
    serde_json::from_str::<serde_json::Value>(&status).unwrap();
    ward.only(&["r0"]);
}

/// What a link leads to is never shown, and a loop ends.
fn links_that_lead_nowhere_or_too_far(way: Way) {
    let ward = Ward::new(way);
    symlink("loop.yaml", ward.spec("loop.yaml")).unwrap();
    symlink("nowhere", ward.spec("dangling.yaml")).unwrap();
    fs::write(ward.bench.path("secret"), "root:$6$abc:19000\n").unwrap();
    symlink("../secret", ward.spec("secret.yaml")).unwrap();
    ward.looked_again("more");
    until("all to be named", || {
        let log = ward.bench.watch_log();
        ["loop.yaml", "dangling.yaml", "secret.yaml"].iter().all(|name| log.contains(name))
    });
    ward.only(&["r0"]);
}

/// It isn't gone, and neither is what it declared.
fn a_file_that_cannot_be_read(way: Way) {
    let ward = Ward::new(way);
    let mode = |mode| fs::set_permissions(ward.spec("one.yaml"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    ward.looked_again("more");
    mode(0o644);
    fs::write(ward.spec("one.yaml"), ward.text("r1")).unwrap();
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
}
