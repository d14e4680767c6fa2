//! How files are written: by editors, copies, streams, and several at once.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use crate::both;
use crate::support::{has, until};
use crate::ward::{Ward, Way};

both!(
    vim_saves,
    emacs_saves,
    sed_edits_in_place,
    rsync_and_dpkg_bring_a_file,
    a_slow_writer,
    a_redirection_truncates_first,
    an_atomic_save_of_the_same_content,
    a_hard_link_is_written_elsewhere,
    git_checks_out_another_branch,
    git_is_in_the_middle_of_a_merge,
    a_config_map_is_swapped,
);

/// The system calls of `:w` with `backup` and `swapfile`: a probe, a swap file, a backup by rename, a new file.
fn vim_saves(way: Way) {
    // Between two of them there is no such file, for as long as this test has to wait for a processor.
    let ward = Ward::with(way, &["--prune-delay", "10s"]);
    for word in ["r0", "r1"] {
        let swap = ward.spec(".one.yaml.swp");
        fs::write(&swap, "b0VIM").unwrap();
        fs::write(ward.spec("4913"), "").unwrap();
        fs::remove_file(ward.spec("4913")).unwrap();
        fs::rename(ward.spec("one.yaml"), ward.spec("one.yaml~")).unwrap();
        fs::write(ward.spec("one.yaml"), ward.text(word)).unwrap();
        fs::remove_file(&swap).unwrap();
    }
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
}

/// A lock that is a link to nowhere, an auto-save file, a backup by copy, the file written in place.
fn emacs_saves(way: Way) {
    let ward = Ward::new(way);
    symlink("user@host.4711:1700000000", ward.spec(".#one.yaml")).unwrap();
    fs::write(ward.spec("#one.yaml#"), ward.text("phantom")).unwrap();
    fs::copy(ward.spec("one.yaml"), ward.spec("one.yaml~")).unwrap();
    fs::write(ward.spec("one.yaml"), ward.text("r1")).unwrap();
    ward.until_one_is("r1");
    assert!(!ward.bench.watch_log().contains("error"), "{}", ward.bench.watch_log());
    ward.only(&["r0", "r1"]);
}

fn sed_edits_in_place(way: Way) {
    let ward = Ward::new(way);
    let done =
        Command::new("sed").args(["-i", "s/\\[r0\\]/[r1]/"]).arg(ward.spec("one.yaml")).status().unwrap();
    assert!(done.success());
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
}

/// Under another name until it is whole.
fn rsync_and_dpkg_bring_a_file(way: Way) {
    let ward = Ward::new(way);
    for (temporary, word) in [(".one.yaml.X3kq9z", "r1"), ("one.yaml.dpkg-new", "r2")] {
        let text = ward.text(word);
        let (half, rest) = text.split_at(text.len() / 2);
        let mut file = File::create(ward.spec(temporary)).unwrap();
        file.write_all(half.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        file.write_all(rest.as_bytes()).unwrap();
        drop(file);
        fs::rename(ward.spec(temporary), ward.spec("one.yaml")).unwrap();
        ward.until_one_is(word);
    }
    ward.only(&["r0", "r1", "r2"]);
}

/// In place, a byte each ten milliseconds: for longer than anybody waits. What is there on the way is valid more than once.
fn a_slow_writer(way: Way) {
    // Who isn't told of writing takes what stands for so long for finished: longer than this test has to wait for a processor.
    let patient: &[&str] = if way.is_empty() { &[] } else { &["--settle", "3s", "--settle-max", "3s"] };
    let ward = Ward::with(way, &[&["--prune-delay", "300ms"], patient].concat());
    let text = ward.text("r1");
    let mut file = File::create(ward.spec("one.yaml")).unwrap();
    for byte in text.as_bytes() {
        file.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(file);
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
    assert_eq!(ward.until_place_is("Settled", "True"), "Settled");
}

fn a_redirection_truncates_first(way: Way) {
    let ward = Ward::new(way);
    let text = ward.text("r1");
    File::create(ward.spec("one.yaml")).unwrap();
    ward.looked_again("more");
    fs::write(ward.spec("one.yaml"), text).unwrap();
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
}

fn an_atomic_save_of_the_same_content(way: Way) {
    let ward = Ward::new(way);
    for _ in 0..3 {
        fs::write(ward.spec(".new"), ward.text("r0")).unwrap();
        fs::rename(ward.spec(".new"), ward.spec("one.yaml")).unwrap();
    }
    ward.looked_again("more");
    ward.only(&["r0"]);
}

/// Nobody tells of it: a look by stamps sees it, at the resync or when something else calls for a look.
fn a_hard_link_is_written_elsewhere(way: Way) {
    let ward = Ward::with(way, &["--prune-delay", "300ms", "--resync", "1s"]);
    fs::hard_link(ward.spec("one.yaml"), ward.bench.path("elsewhere")).unwrap();
    let mut file = File::options().write(true).open(ward.bench.path("elsewhere")).unwrap();
    file.write_all(ward.text("r1").as_bytes()).unwrap();
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
}

fn git(ward: &Ward, args: &[&str]) {
    let done = Command::new("git")
        .args(["-C", "specs", "-c", "user.name=t", "-c", "user.email=t@localhost"])
        .args(args)
        .current_dir(ward.bench.root())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A work tree whose branch `next` has `one` with `r1` and fifty objects more.
fn git_checks_out_another_branch(way: Way) {
    if !has("/usr/bin/git") {
        return;
    }
    let ward = Ward::new(way);
    let extra = |number| ward.spec(&format!("extra-{number:02}.yaml"));
    git(&ward, &["init", "-q", "-b", "main"]);
    git(&ward, &["add", "."]);
    git(&ward, &["commit", "-qm", "first"]);
    git(&ward, &["checkout", "-qb", "next"]);
    fs::write(ward.spec("one.yaml"), ward.text("r1")).unwrap();
    for number in 0..50 {
        let text = format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: extra-{number:02}}}\nspec:\n  startas: /usr/bin/env\n  state: observed\n"
        );
        fs::write(extra(number), text).unwrap();
    }
    git(&ward, &["add", "."]);
    git(&ward, &["commit", "-qm", "second"]);
    ward.until_one_is("r1");
    until("the last of them", || !ward.bench.status_of("extra-49").is_null());
    git(&ward, &["checkout", "-q", "main"]);
    ward.until_one_is("r0");
    git(&ward, &["checkout", "-q", "next"]);
    ward.until_one_is("r1");
    ward.only(&["r0", "r1", "r0", "r1"]);
}

/// What git writes while it works counts when it is done, all of it.
fn git_is_in_the_middle_of_a_merge(way: Way) {
    let ward = Ward::new(way);
    fs::create_dir(ward.spec(".git")).unwrap();
    fs::write(ward.spec(".git/index.lock"), "").unwrap();
    fs::write(ward.spec("one.yaml"), ward.text("half")).unwrap();
    ward.until_place_is("Settled", "False");
    fs::write(ward.spec("one.yaml"), ward.text("r1")).unwrap();
    fs::remove_file(ward.spec(".git/index.lock")).unwrap();
    ward.until_one_is("r1");
    ward.only(&["r0", "r1"]);
}

/// As a mounted ConfigMap does it: every name leads through a link that is swapped, a hundred times.
fn a_config_map_is_swapped(way: Way) {
    let ward = Ward::new(way);
    let revision = |word: &str| {
        fs::create_dir(ward.spec(&format!("..{word}"))).unwrap();
        fs::write(ward.spec(&format!("..{word}/one.yaml")), ward.text(word)).unwrap();
        symlink(format!("..{word}"), ward.spec("..tmp")).unwrap();
        fs::rename(ward.spec("..tmp"), ward.spec("..data")).unwrap();
    };
    revision("r0");
    symlink("..data/one.yaml", ward.spec(".new")).unwrap();
    fs::rename(ward.spec(".new"), ward.spec("one.yaml")).unwrap();
    ward.looked_again("more");
    for number in 1..=98 {
        revision(&format!("q{number}"));
        fs::remove_dir_all(ward.spec(&if number == 1 {
            "..r0".into()
        } else {
            format!("..q{}", number - 1)
        }))
        .unwrap();
    }
    revision("r1");
    ward.until_one_is("r1");
    let seen = ward.words().len();
    revision("r2");
    ward.until_one_is("r2");
    assert_eq!(ward.words().len(), seen + 1);
    assert_eq!(ward.bench.alive_of("one").len(), 1);
    assert_eq!(ward.bench.starts_of("still").len(), 1);
}
