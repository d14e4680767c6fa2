//! The same on file systems of their own, in a mount namespace: ext4 and xfs, which can take out the head of a file, and
//! others, which can't.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bytes::counts;
use crate::support::{Bench, is_root, until};

/// Where the file system is mounted, for the test inside.
const PLACE: &str = "SELFSAME_TEST_MOUNT";

/// Says why something can't be done here. Where everything is said to be there (`SELFSAME_SKIPS=fail`) that is a failure.
fn skip(why: &str) {
    assert!(std::env::var_os("SELFSAME_SKIPS").is_none_or(|how| how != "fail"), "SKIPPED: {why}");
    eprintln!("skipped: {why}");
}

/// Runs the body of `test` with the place of a file system that is mounted by `mount` (`$dir`, `$image`); in a process and
/// a namespace of its own, so that nothing is left mounted.
fn on(test: &str, make: &str, mount: &str, body: fn(&Path)) {
    if let Some(place) = std::env::var_os(PLACE) {
        return body(&PathBuf::from(place));
    }
    if !is_root() {
        return skip("only root can mount a file system");
    }
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let script = format!(
        "set -e; image=$1/image; dir=$1/mount; mkdir \"$dir\"
         {{ {make}; {mount}; }} >&2 || exit 99
         export {PLACE}=\"$dir\"; shift; exec \"$@\""
    );
    let output = Command::new("unshare")
        .args(["--mount", "/bin/sh", "-c", &script, "sh"])
        .arg(scratch.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        Some(99) => skip(&format!("{test}: {said}")),
        // No namespace to be had.
        Some(1) if said.starts_with("unshare:") => skip(&said),
        code => panic!("{code:?}\n{}\n{said}", String::from_utf8_lossy(&output.stdout)),
    }
}

/// A service that counts on it, cut and killed.
fn cut(place: &Path) {
    counts(&place.join("counter.log"), 4, 150_000);
}

const LOOP: &str = "mount -o loop \"$image\" \"$dir\"";

#[test]
fn no_byte_is_lost_on_ext4() {
    on("mounted::no_byte_is_lost_on_ext4", "truncate -s 200M \"$image\"; mkfs.ext4 -q \"$image\"", LOOP, cut);
}

#[test]
fn no_byte_is_lost_on_ext4_with_small_blocks() {
    let make = "truncate -s 200M \"$image\"; mkfs.ext4 -q -b 1024 \"$image\"";
    on("mounted::no_byte_is_lost_on_ext4_with_small_blocks", make, LOOP, cut);
}

#[test]
fn no_byte_is_lost_on_xfs() {
    on("mounted::no_byte_is_lost_on_xfs", "truncate -s 400M \"$image\"; mkfs.xfs -q \"$image\"", LOOP, cut);
}

#[test]
fn no_byte_is_lost_where_a_hole_is_all_that_can_be_had() {
    let test = "mounted::no_byte_is_lost_where_a_hole_is_all_that_can_be_had";
    on(test, "true", "mount -t tmpfs -o size=200m none \"$dir\"", cut);
}

#[test]
fn a_file_that_can_not_be_cut_is_said_so() {
    let body = |place: &Path| {
        let mut bench = Bench::new();
        let log = place.join("counter.log");
        crate::bytes::counter(&bench, &log, 20_000, "maxSize: 64KiB");
        bench.watch(&["--resync", "200ms"]);
        until("the counter to be done", || bench.path("done").exists());
        until("status to say it", || {
            let degraded = bench.condition("counter", "Degraded");
            degraded["reason"] == "OutputGrows" && degraded["message"].to_string().contains("counter.log")
        });
        crate::bytes::same(&crate::bytes::logs(&bench, &[]), &crate::bytes::expected(20_000), "logs");
        assert!(crate::bytes::pieces(&log).is_empty());
        bench.end_watch("TERM");
    };
    on("mounted::a_file_that_can_not_be_cut_is_said_so", "true", "mount -t ramfs none \"$dir\"", body);
}

/// Fault 26: the disk of the output is full.
#[test]
fn a_full_disk_is_reported_and_everything_goes_on() {
    let body = |place: &Path| {
        let mut bench = Bench::new();
        let enough = bench.path("enough");
        let fills = format!(
            "#!/bin/sh\necho $$ filler >> '%STARTS%'\nuntil [ -e '{}' ]; do head -c 65536 /dev/zero || :; sleep 0.01; done 2>/dev/null\nwhile :; do sleep 0.05; done\n",
            enough.display()
        );
        let script = bench.script("bin/filler", &fills);
        let more = "readiness: {aliveFor: 50ms}\nstderr: null";
        bench.spec(
            "filler",
            &format!(
                "startas: {}\n{more}\nstdout: {{file: {}, maxSize: 64MiB}}",
                script.display(),
                place.join("filler.log").display()
            ),
        );
        bench.daemon("shop", "");
        bench.watch(&["--resync", "200ms"]);
        until("status to say it", || bench.condition("filler", "Degraded")["reason"] == "LogDiskFull");
        let (filler, shop) = (bench.the_pid_of("shop"), bench.starts().len());
        bench.until_running(&["filler", "shop"]);
        // Room again, that nobody fills: it is said no more, and nobody was disturbed.
        std::fs::write(&enough, "").unwrap();
        let script = "rm -f \"$0\"/ballast; : > \"$0\"/filler.log";
        assert!(Command::new("sh").args(["-c", script]).arg(place).status().unwrap().success());
        until("status to be silent", || bench.condition("filler", "Degraded").is_null());
        assert_eq!((bench.the_pid_of("shop"), bench.starts().len()), (filler, shop));
        bench.end_watch("TERM");
    };
    let mount = "mount -t tmpfs -o size=4m none \"$dir\"; head -c 2M /dev/zero > \"$dir/ballast\"";
    on("mounted::a_full_disk_is_reported_and_everything_goes_on", "true", mount, body);
}

/// There is no room for another piece: the oldest, which would go anyway, makes room.
#[test]
fn pieces_make_room_for_their_successors() {
    let body = |place: &Path| {
        let log = place.join("counter.log");
        let mut bench = Bench::new();
        crate::bytes::counter(&bench, &log, 60_000, "maxSize: 512KiB, keep: 3");
        bench.watch(&["--resync", "200ms"]);
        until("the counter to be done", || bench.path("done").exists());
        until("the file to be below its limit", || std::fs::metadata(&log).unwrap().len() < 512 << 10);
        let kept = crate::bytes::logs(&bench, &[]);
        assert!(crate::bytes::expected(60_000).ends_with(&kept) && kept.len() > 3 * (500 << 10));
        bench.end_watch("TERM");
    };
    // A megabyte for ext4 itself, and no room for a fourth piece.
    let make = "truncate -s 4M \"$image\"; mkfs.ext4 -q -O ^has_journal -m 0 \"$image\"";
    on("mounted::pieces_make_room_for_their_successors", make, LOOP, body);
}
