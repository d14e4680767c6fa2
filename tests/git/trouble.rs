//! What goes wrong with a repository stops nothing and is got over.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command};

use super::repository::Repository;
use super::support::until;

#[test]
fn a_repository_that_is_gone_changes_nothing_also_for_the_next_watch() {
    let mut repository = Repository::new();
    repository.document("one", "args: [first]");
    let first = repository.push(None);
    repository.watch(&[]);
    repository.bench.until_running(&["one"]);
    let pid = repository.bench.the_pid_of("one");
    fs::rename(repository.path("repo.git"), repository.path("gone")).unwrap();
    repository.until_said("it can't be fetched");
    repository.bench.end_watch("KILL");
    repository.watch(&[]);
    until("the revision that was kept", || repository.source()["revision"]["commit"] == first.as_str());
    until("the document to be seen", || {
        repository.bench.status_of("one")["source"]["revision"]["commit"] == first.as_str()
    });
    assert_eq!(repository.bench.condition("one", "Accepted")["status"], "True");
    assert_eq!(repository.bench.alive_of("one"), [pid]);
    // The same trouble is told once a watch, not at every interval.
    let said = repository.bench.watch_log().matches("it can't be fetched").count();
    assert!(said <= 2, "{}", repository.bench.watch_log());
    fs::rename(repository.path("gone"), repository.path("repo.git")).unwrap();
    repository.document("one", "args: [second]");
    repository.push(None);
    repository.until_args("one", "second");
}

#[test]
fn what_a_killed_git_leaves_behind_is_got_over() {
    let mut repository = Repository::new();
    repository.document("one", "args: [first]");
    repository.push(None);
    repository.watch(&[]);
    repository.bench.until_running(&["one"]);
    repository.bench.end_watch("KILL");
    // As if it had been killed in the middle of a fetch and of writing files.
    let kept = repository.kept();
    fs::create_dir(kept.join("trees/new")).unwrap();
    fs::write(kept.join("trees/new/half.yaml"), "half").unwrap();
    fs::write(kept.join("bare/refs/selfsame/candidate.lock"), "").unwrap();
    fs::write(kept.join("index.lock"), "").unwrap();
    repository.document("one", "args: [second]");
    repository.push(None);
    repository.watch(&[]);
    repository.until_args("one", "second");
    until("all to be swept", || fs::read_dir(kept.join("trees")).unwrap().count() == 1);
}

#[test]
fn what_somebody_removed_of_the_clone_is_made_again_by_the_same_watch() {
    let mut repository = Repository::new();
    repository.document("one", "args: [first]");
    repository.push(None);
    repository.watch(&[]);
    repository.bench.until_running(&["one"]);
    let pid = repository.bench.the_pid_of("one");
    let kept = repository.kept();
    let mode = fs::metadata(&kept).unwrap().permissions().mode();
    for gone in ["", "trees", "current", "bare/objects", "bare"] {
        let path = kept.join(gone);
        // The watch may be making something in there, or making it anew.
        until(&format!("the end of `{gone}`"), || {
            let removed = if path.is_symlink() { fs::remove_file(&path) } else { fs::remove_dir_all(&path) };
            match removed {
                Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) => {
                    false
                }
                other => other.map(|()| true).unwrap(),
            }
        });
        until(&format!("`{gone}` to be there again"), || {
            kept.join("current/specs/one.yaml").exists() && kept.join("bare/objects").exists()
        });
    }
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode(), mode, "nobody else's");
    until("the document to be seen", || repository.bench.condition("one", "Accepted")["status"] == "True");
    assert_eq!(repository.bench.alive_of("one"), [pid]);
    repository.document("one", "args: [second]");
    repository.push(None);
    repository.until_args("one", "second");
}

/// A watch that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_fetch_that_hangs_holds_nothing_up_and_one_that_is_killed_is_tried_again() {
    let repository = Repository::new();
    repository.document("one", "args: [first]");
    repository.push(None);
    // A git whose first fetch hangs; it says which process that is.
    let real = Command::new("sh").args(["-c", "command -v git"]).output().unwrap();
    let real = String::from_utf8(real.stdout).unwrap().trim().to_owned();
    let hung = repository.path("hung");
    repository.bench.script(
        "tools/git",
        &format!(
            "#!/bin/sh\ncase \" $* \" in *' fetch '*) [ -e '{hung}' ] || {{ echo $$ > '{hung}.new'; mv '{hung}.new' '{hung}'; exec sleep 1000; }};; esac\nexec '{real}' \"$@\"\n"
        ),
    );
    let log = fs::File::create(repository.path("watch.log")).unwrap();
    let url = repository.path("repo.git");
    let path = format!("{}:{}", repository.path("tools"), std::env::var("PATH").unwrap());
    let mut command = repository.bench.command(&[
        "watch",
        "specs",
        "--git",
        &url,
        "--path",
        "specs",
        "--interval",
        "200ms",
    ]);
    let watch = command.env("PATH", path).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let _watch = Ended(watch);
    until("the fetch to hang", || fs::metadata(&hung).is_ok());
    // Meanwhile everything else goes on.
    repository.bench.daemon_spec("two", "");
    repository.bench.until_running(&["two"]);
    assert!(repository.bench.starts_of("one").is_empty());
    let pid = fs::read_to_string(&hung).unwrap();
    assert!(Command::new("kill").args(["-s", "KILL", pid.trim()]).status().unwrap().success());
    repository.bench.until_running(&["one"]);
    repository.until_said("it died by signal KILL");
    let source = repository.source();
    assert!(source["revision"]["branch"].is_null(), "HEAD was followed: {source}");
}
