//! What happens to the directory itself, and to what leads to it.

use std::fs;
use std::os::unix::fs::symlink;

use crate::both;
use crate::ward::{Ward, Way};

both!(
    the_directory_is_removed_and_made_again,
    the_directory_is_renamed_and_another_takes_its_place,
    a_directory_above_it_is_renamed,
    its_link_is_turned_to_another_directory,
    the_queue_overflows,
);

/// As a deploy tool does it.
fn the_directory_is_removed_and_made_again(way: Way) {
    let ward = Ward::new(way);
    let texts = ["one", "still"].map(|name| fs::read_to_string(ward.spec(&format!("{name}.yaml"))).unwrap());
    ward.bench.at_once(|| fs::remove_dir_all(ward.spec("")).unwrap());
    assert_eq!(ward.until_place_is("Available", "Unknown"), "SourceUnavailable");
    fs::create_dir(ward.spec("")).unwrap();
    fs::write(ward.spec("still.yaml"), &texts[1]).unwrap();
    fs::write(ward.spec("one.yaml"), texts[0].replace("[r0]", "[r1]")).unwrap();
    ward.until_one_is("r1");
    ward.until_place_is("Available", "True");
    // It is watched again.
    fs::write(ward.spec("one.yaml"), ward.text("r2")).unwrap();
    ward.until_one_is("r2");
    ward.only(&["r0", "r1", "r2"]);
}

/// What isn't in the new one isn't gone at once, and what happens in the old one is nobody's business.
fn the_directory_is_renamed_and_another_takes_its_place(way: Way) {
    let ward = Ward::with(way, &["--prune-delay", "0s"]);
    let text = ward.text("r1");
    fs::create_dir(ward.bench.path("next")).unwrap();
    fs::write(ward.bench.path("next/one.yaml"), &text).unwrap();
    fs::copy(ward.spec("still.yaml"), ward.bench.path("still.kept")).unwrap();
    fs::rename(ward.spec(""), ward.bench.path("old")).unwrap();
    fs::rename(ward.bench.path("next"), ward.spec("")).unwrap();
    ward.until_one_is("r1");
    assert_eq!(ward.until_place_is("Available", "Unknown"), "Replaced");
    fs::write(ward.bench.path("old/one.yaml"), text.replace("[r1]", "[old]")).unwrap();
    fs::rename(ward.bench.path("still.kept"), ward.spec("still.yaml")).unwrap();
    ward.until_place_is("Available", "True");
    ward.looked_again("more");
    ward.only(&["r0", "r1"]);
}

fn a_directory_above_it_is_renamed(way: Way) {
    let mut bench = crate::support::Bench::new();
    bench.daemon("one", "args: [a]");
    fs::create_dir(bench.path("above")).unwrap();
    fs::rename(bench.path("specs"), bench.path("above/specs")).unwrap();
    symlink("above/specs", bench.path("specs")).unwrap();
    bench.watch(&[way, &["--prune-delay", "0s"]].concat());
    bench.until_running(&["one"]);
    let pid = bench.the_pid_of("one");
    fs::rename(bench.path("above"), bench.path("away")).unwrap();
    let available = || crate::ward::place_condition(&bench, "Available")["status"].clone();
    crate::support::until("it to be missed", || available() == "Unknown");
    fs::rename(bench.path("away"), bench.path("above")).unwrap();
    crate::support::until("it to be back", || available() == "True");
    assert_eq!(bench.alive_of("one"), [pid]);
    assert_eq!(bench.starts_of("one").len(), 1);
}

/// As git-sync does it.
fn its_link_is_turned_to_another_directory(way: Way) {
    let ward = Ward::new(way);
    fs::rename(ward.spec(""), ward.bench.path("r0")).unwrap();
    symlink("r0", ward.bench.path("specs")).unwrap();
    ward.until_place_is("Available", "True");
    let text = ward.text("r0");
    for word in ["r1", "r2", "r3"] {
        fs::create_dir(ward.bench.path(word)).unwrap();
        fs::copy(ward.spec("still.yaml"), ward.bench.path(&format!("{word}/still.yaml"))).unwrap();
        let changed = text.replace("[r0]", &format!("[{word}]"));
        fs::write(ward.bench.path(&format!("{word}/one.yaml")), changed).unwrap();
        symlink(word, ward.bench.path("turned")).unwrap();
        fs::rename(ward.bench.path("turned"), ward.bench.path("specs")).unwrap();
        ward.until_one_is(word);
    }
    ward.only(&["r0", "r1", "r2", "r3"]);
}

/// More events than the kernel keeps (16 384) while the loop can't listen: the last state counts.
fn the_queue_overflows(way: Way) {
    let mut ward = Ward::new(way);
    let watch = ward.bench.take_watch();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(watch.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let (a, b) = (ward.spec("a.tmp"), ward.spec("b.tmp"));
    fs::write(&a, "").unwrap();
    for _ in 0..9_000 {
        fs::rename(&a, &b).unwrap();
        fs::rename(&b, &a).unwrap();
    }
    fs::write(ward.spec("one.yaml"), ward.text("r1")).unwrap();
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    ward.bench.give_watch(watch);
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
}
