//! Revisions that are taken, and those that are refused.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::repository::Repository;
use super::support::{is_alive, until};

#[test]
fn only_commits_by_those_who_may_sign_are_taken() {
    let mut repository = Repository::new();
    let (ann, eve) = (repository.key("ann"), repository.key("eve"));
    let allowed = repository.allow(&ann);
    repository.document("one", "args: [first]");
    let first = repository.push(Some(&ann));
    repository.watch(&["--require-signed", "--allowed-signers", &allowed]);
    repository.bench.until_running(&["one"]);
    let pid = repository.bench.the_pid_of("one");
    let source = repository.bench.status_of("one")["source"].clone();
    assert_eq!(source["revision"]["commit"], first.as_str(), "{source}");
    assert_eq!(source["revision"]["signer"], "ann@example.org", "{source}");
    assert!(source["file"].as_str().unwrap().ends_with("/current/specs/one.yaml"), "{source}");
    for (key, why) in
        [(None, "it is not signed"), (Some(eve.as_str()), "it is signed by nobody who is allowed to")]
    {
        repository.document("one", "args: [refused]");
        repository.push(key);
        repository.until_said(why);
    }
    until("status to say so", || {
        let source = repository.source();
        let conditions = source["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|one| one["type"] == "Fetched" && one["status"] == "False")
    });
    assert_eq!(repository.source()["revision"]["commit"], first.as_str());
    assert_eq!(repository.bench.alive_of("one"), [pid]);
    repository.document("one", "args: [second]");
    let second = repository.push(Some(&ann));
    repository.until_args("one", "second");
    assert_eq!(repository.bench.starts_of("one").len(), 2, "what was refused was never in force");
    until("the object's revision", || {
        repository.bench.status_of("one")["source"]["revision"]["commit"] == second.as_str()
    });
    // Only what is in force is kept, and no document moved by it.
    until("the old tree to be swept", || fs::read_dir(repository.kept().join("trees")).unwrap().count() == 1);
}

#[test]
fn a_commit_that_goes_back_is_refused_unless_it_is_allowed() {
    let mut repository = Repository::new();
    repository.document("one", "args: [first]");
    repository.push(None);
    repository.document("one", "args: [second]");
    repository.push(None);
    repository.watch(&[]);
    repository.until_args("one", "second");
    repository.bench.until_running(&["one"]);
    let pid = repository.bench.the_pid_of("one");
    repository.in_work(&["reset", "-q", "--hard", "HEAD~1"]);
    repository.document("one", "args: [rewritten]");
    repository.push(None);
    repository.until_said("does not follow");
    assert!(is_alive(pid));
    repository.bench.end_watch("TERM");
    repository.watch(&["--allow-rewind"]);
    repository.until_args("one", "rewritten");
    assert_eq!(repository.bench.starts_of("one").len(), 2);
}

#[test]
fn what_a_tree_may_not_hold_is_refused_as_a_whole() {
    let mut repository = Repository::new();
    repository.document("one", "args: [first]");
    let first = repository.push(None);
    repository.watch(&[]);
    repository.bench.until_running(&["one"]);
    let pid = repository.bench.the_pid_of("one");
    // Each of these comes with a change that would be seen.
    repository.document("one", "args: [submodule]");
    repository.in_work(&["add", "--all"]);
    repository.in_work(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},sub")]);
    repository.push_index(None);
    repository.until_said("it has a submodule, `sub`");
    repository.in_work(&["rm", "-q", "--cached", "sub"]);
    repository.document("one", "args: [link]");
    symlink("../../../../one.yaml", repository.bench.path("work/specs/two.yaml")).unwrap();
    repository.push(None);
    repository.until_said("the link `specs/two.yaml` leads out of the tree");
    fs::remove_file(repository.bench.path("work/specs/two.yaml")).unwrap();
    fs::rename(repository.bench.path("work/specs"), repository.bench.path("work/elsewhere")).unwrap();
    repository.push(None);
    repository.until_said("there is no `specs` in it");
    assert_eq!(repository.bench.alive_of("one"), [pid]);
    assert_eq!(repository.bench.starts_of("one").len(), 1);
    // A link that stays inside is a document like any other.
    fs::rename(repository.bench.path("work/elsewhere"), repository.bench.path("work/specs")).unwrap();
    repository.document("one", "args: [last]");
    repository.document("two", "");
    fs::rename(repository.bench.path("work/specs/two.yaml"), repository.bench.path("work/kept")).unwrap();
    symlink("../kept", repository.bench.path("work/specs/two.yaml")).unwrap();
    repository.push(None);
    repository.until_args("one", "last");
    repository.bench.until_running(&["two"]);
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let repository = Repository::new();
    for (args, words) in [
        (&["--git", "ext::sh -c id"][..], "no address of a repository"),
        (&["--git", "http://git.example/x.git"], "changed on its way"),
        (&["--git", "https://ann:secret@git.example/x.git"], "a password"),
        (&["--git", "/srv/x.git", "--branch", "a..b"], "the name of a branch"),
        (&["--git", "/srv/x.git", "--path", "../x"], "no directory in a tree"),
        (&["--git", "/srv/x.git", "--require-signed"], "nothing says whose"),
        (&["--branch", "main"], "which repository"),
    ] {
        let ran = repository.bench.run(&[&["watch", "specs"], args].concat());
        assert_eq!(ran.code, 64, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{args:?}: {}", ran.stderr);
    }
}

/// Not followed, only kept: whoever has put it there changes it by hand.
#[test]
fn a_directory_in_a_work_tree_shows_its_commit_and_whether_it_was_changed() {
    let mut repository = Repository::new();
    repository.document("one", "args: [first]");
    let first = repository.push(None);
    let watch = repository.bench.watch(&["work/specs"]).to_string();
    repository.bench.until_running(&["one"]);
    let revision = |commit: &str, dirty: bool| {
        until("the revision", || {
            let source = repository.bench.status_of("one")["source"]["revision"].clone();
            source["commit"] == commit && source["dirty"] == dirty && source["branch"] == "main"
        });
    };
    revision(&first, false);
    repository.document("one", "args: [second]");
    revision(&first, true);
    let second = repository.push(None);
    // Nobody wrote documents: a look finds out that the commit is another one.
    assert!(Command::new("kill").args(["-HUP", &watch]).status().unwrap().success());
    revision(&second, false);
    let events = repository.bench.ok(&["events", "--output", "json"]);
    let told: Vec<&str> = events.stdout.lines().filter(|line| line.contains("\"Revision\"")).collect();
    assert_eq!(told.len(), 3, "{}", events.stdout);
    assert!(told[1].contains("with changes that are not committed"), "{told:?}");
}

/// A person sees which commit a plan is about, and whether that is all.
#[test]
fn plan_and_apply_say_which_commit_their_documents_are_of() {
    let repository = Repository::new();
    repository.document("one", "args: [first]");
    let commit = repository.push(None);
    let bench = &repository.bench;
    let line = |more: &str| {
        let place = bench.path("work/specs").display().to_string();
        format!("`{place}` is at {} (main){more}\n", &commit[..10])
    };
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&bench.run(&[args, &["--output", "json"]].concat()).stdout).unwrap()
    };
    let plan = bench.run(&["plan", "work/specs"]);
    assert!(plan.stdout.starts_with(&line("")), "{plan:?}");
    let row = json(&["plan", "work/specs"])[0].clone();
    assert_eq!(
        (&row["service"], &row["revision"]["commit"]),
        (&"one".into(), &commit.as_str().into()),
        "{row}"
    );
    assert_eq!(row["revision"]["dirty"], false);

    repository.document("two", "");
    let applied = bench.ok(&["apply", "work/specs"]);
    assert!(applied.stdout.starts_with(&line(", with changes that are not committed")), "{applied:?}");
    let objects = json(&["apply", "work/specs"]);
    assert_eq!(objects[0]["source"]["revision"]["commit"], commit.as_str(), "{objects}");
    assert_eq!(objects[0]["source"]["revision"]["dirty"], true, "{objects}");

    // What lies in no repository says nothing.
    bench.daemon("three", "");
    let plan = bench.run(&["plan", "specs"]);
    assert!(!plan.stdout.contains(" is at "), "{plan:?}");
}
