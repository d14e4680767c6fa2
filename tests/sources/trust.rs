//! Who else could have written it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::both;
use crate::support::{is_root, until};
use crate::ward::{HINTS, Ward, Way};

both!(a_file_that_others_can_write, a_directory_that_others_can_write, a_file_of_somebody_else);

fn a_file_that_others_can_write(way: Way) {
    let ward = Ward::new(way);
    let mode = |mode| fs::set_permissions(ward.spec("one.yaml"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o666);
    ward.until_place_is("Trusted", "False");
    fs::write(ward.spec("one.yaml"), ward.text("forged")).unwrap();
    ward.looked_again("more");
    ward.only(&["r0"]);
    fs::write(ward.spec("one.yaml"), ward.text("r1")).unwrap();
    mode(0o644);
    ward.until_one_is("r1");
    ward.until_place_is("Trusted", "True");
    ward.only(&["r0", "r1"]);
}

fn a_directory_that_others_can_write(way: Way) {
    let ward = Ward::new(way);
    let mode = |mode| fs::set_permissions(ward.spec(""), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    ward.until_place_is("Trusted", "False");
    fs::remove_file(ward.spec("one.yaml")).unwrap();
    fs::write(ward.spec("one.yaml"), ward.text("forged")).unwrap();
    ward.until_place_is("Available", "Unknown");
    fs::write(ward.spec("one.yaml"), ward.text("r1")).unwrap();
    mode(0o755);
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
}

fn a_file_of_somebody_else(way: Way) {
    if !is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let ward = Ward::new(way);
    fs::write(ward.spec(".new"), ward.text("forged")).unwrap();
    std::os::unix::fs::chown(ward.spec(".new"), Some(4321), None).unwrap();
    fs::rename(ward.spec(".new"), ward.spec("one.yaml")).unwrap();
    ward.until_place_is("Trusted", "False");
    ward.looked_again("more");
    ward.only(&["r0"]);
}

#[test]
fn files_of_a_trusted_owner_count_and_an_unknown_one_is_named() {
    if !is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let ward = Ward::with(HINTS, &["--trust-owner", "4321", "--trust-owner", "no-such-user"]);
    fs::write(ward.spec(".new"), ward.text("r1")).unwrap();
    std::os::unix::fs::chown(ward.spec(".new"), Some(4321), None).unwrap();
    fs::rename(ward.spec(".new"), ward.spec("one.yaml")).unwrap();
    ward.until_one_is("r1");
    until("the unknown one to be named", || ward.bench.watch_log().contains("no-such-user"));
    ward.only(&["r0", "r1"]);
}
