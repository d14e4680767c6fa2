//! Sub-directories, and several places at once.

use std::fs;

use crate::both;
use crate::support::{Bench, until};
use crate::ward::{Ward, Way};

both!(sub_directories_are_entered_where_asked_for, two_directories_are_kept);

fn sub_directories_are_entered_where_asked_for(way: Way) {
    let ward = Ward::with(way, &["--recursive", "--prune-delay", "300ms"]);
    fs::create_dir_all(ward.spec("team/web")).unwrap();
    fs::rename(ward.spec("one.yaml"), ward.spec("team/web/one.yaml")).unwrap();
    for hidden in [".git", ".hidden"] {
        fs::create_dir(ward.spec(hidden)).unwrap();
        fs::write(
            ward.spec(&format!("{hidden}/phantom.yaml")),
            ward.text("x").replace("name: one", "name: phantom"),
        )
        .unwrap();
    }
    fs::remove_dir(ward.spec(".git")).unwrap_err();
    fs::remove_dir_all(ward.spec(".git")).unwrap();
    ward.looked_again("more");
    ward.only(&["r0"]);
    fs::write(ward.spec("team/web/one.yaml"), ward.text("r1")).unwrap();
    ward.until_one_is("r1");
    assert!(ward.bench.status_of("phantom").is_null());
    // Gone with its directory.
    let pid = ward.bench.the_pid_of("one");
    fs::remove_dir_all(ward.spec("team")).unwrap();
    until("it to be stopped", || !ward.bench.is_ours(pid));
}

fn two_directories_are_kept(way: Way) {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    bench.daemon("two", "");
    fs::create_dir(bench.path("second")).unwrap();
    fs::rename(bench.path("specs/two.yaml"), bench.path("second/two.yaml")).unwrap();
    bench.watch(&[&["second"], way, &["--prune-delay", "300ms"]].concat());
    bench.until_running(&["one", "two"]);
    let pids = ["one", "two"].map(|name| bench.the_pid_of(name));
    // One goes away as a whole; the other goes on as ever.
    fs::rename(bench.path("second"), bench.path("away")).unwrap();
    bench.daemon("three", "");
    bench.until_running(&["three"]);
    fs::rename(bench.path("away"), bench.path("second")).unwrap();
    bench.daemon("four", "");
    bench.until_running(&["four"]);
    assert_eq!(["one", "two"].map(|name| bench.the_pid_of(name)), pids);
    assert_eq!(bench.starts_of("two").len(), 1);
}
