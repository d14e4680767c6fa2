//! What apply removes, and when it doesn't dare.

use std::fs;

use super::support::{Bench, Ran, is_alive};

fn applied(names: &[&str]) -> (Bench, Vec<i32>) {
    let bench = Bench::new();
    for name in names {
        bench.daemon(name, "");
    }
    bench.ok(&["apply", "specs"]);
    let pids = names.iter().map(|name| bench.the_pid_of(name)).collect();
    (bench, pids)
}

/// The id that has to be confirmed, as it is named after the option.
#[track_caller]
fn id_in(ran: &Ran) -> String {
    let after = ran.stderr.split("--confirm-prune ").nth(1).unwrap_or_else(|| panic!("no id in {ran:?}"));
    after.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[test]
fn a_removal_that_is_not_what_was_shown_is_refused_with_the_difference() {
    let (bench, pids) = applied(&["one", "two", "three"]);
    for name in ["one", "two", "three"] {
        fs::rename(bench.path(&format!("specs/{name}.yaml")), bench.path(name)).unwrap();
    }
    let shown = id_in(&bench.run(&["apply", "specs"]));
    fs::rename(bench.path("three"), bench.path("specs/three.yaml")).unwrap();
    bench.daemon("four", "");
    let ran = bench.run(&["apply", "specs", "--confirm-prune", &shown]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("no longer be removed: one, three, two"), "{ran:?}");
    assert!(pids.iter().all(|pid| is_alive(*pid)), "nothing is done");
    assert!(bench.starts_of("four").is_empty(), "nothing at all");
    let ran = bench.run(&["apply", "specs", "--confirm-prune", "0123456789"]);
    assert!(ran.code == 4 && ran.stderr.contains("`0123456789`"), "{ran:?}");
    // What the guards let pass needs no confirmation.
    bench.ok(&["apply", "specs"]);
    assert_eq!(pids.iter().map(|pid| is_alive(*pid)).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn flags_move_the_guards() {
    let (bench, pids) = applied(&["one", "two"]);
    for name in ["one", "two"] {
        fs::remove_file(bench.path(&format!("specs/{name}.yaml"))).unwrap();
    }
    bench.ok(&["apply", "specs", "--prune-allow-empty"]);
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn a_directory_prunes_what_came_from_it() {
    let (bench, pids) = applied(&["one", "two", "three"]);
    fs::remove_file(bench.path("specs/two.yaml")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert!(!is_alive(pids[1]));
    assert!(is_alive(pids[0]) && is_alive(pids[2]));
    assert!(bench.status_of("two").is_null(), "{}", bench.status());
    assert_eq!(bench.starts().len(), 3);
}

#[test]
fn a_file_prunes_nothing() {
    let (bench, pids) = applied(&["one", "two"]);
    fs::remove_file(bench.path("specs/two.yaml")).unwrap();
    bench.ok(&["apply", "specs/one.yaml"]);
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    assert_eq!(bench.status_pids("two"), [pids[1]]);
}

#[test]
fn other_sources_are_not_touched() {
    let (bench, pids) = applied(&["one", "two"]);
    let text = fs::read_to_string(bench.path("specs/one.yaml")).unwrap();
    fs::create_dir(bench.path("more")).unwrap();
    let script = bench.script("bin/three", super::support::DAEMON);
    let three = text
        .replace("name: one", "name: three")
        .replace(&bench.path("bin/one").to_string_lossy().into_owned(), &script.to_string_lossy());
    fs::write(bench.path("more/three.yaml"), three).unwrap();
    bench.ok(&["apply", "more"]);
    let third = bench.the_pid_of("three");
    bench.ok(&["apply", "specs"]);
    assert!(pids.iter().all(|pid| is_alive(*pid)) && is_alive(third));
    assert_eq!(bench.starts().len(), 3);
}

#[test]
fn an_emptied_directory_is_held_until_confirmed() {
    let (bench, pids) = applied(&["one", "two"]);
    for name in ["one", "two"] {
        fs::remove_file(bench.path(&format!("specs/{name}.yaml"))).unwrap();
    }
    let held = bench.run(&["apply", "specs"]);
    assert_eq!(held.code, 7, "{held:?}");
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    // The plan that shows it is the plan that is confirmed.
    assert_eq!(id_in(&bench.run(&["plan", "specs"])), id_in(&held));
    bench.ok(&["apply", "specs", "--confirm-prune", &id_in(&held)]);
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    assert_eq!(bench.starts().len(), 2);
}

#[test]
fn more_than_half_is_held_until_confirmed() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let (bench, pids) = applied(&names);
    for name in ["a", "b", "c", "d"] {
        fs::remove_file(bench.path(&format!("specs/{name}.yaml"))).unwrap();
    }
    let held = bench.run(&["apply", "specs"]);
    assert_eq!(held.code, 7, "{held:?}");
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    bench.ok(&["apply", "specs", "--confirm-prune", &id_in(&held)]);
    let alive: Vec<bool> = pids.iter().map(|pid| is_alive(*pid)).collect();
    assert_eq!(alive, [false, false, false, false, true, true]);
}

#[test]
fn a_missing_directory_is_an_error_and_removes_nothing() {
    let (bench, pids) = applied(&["one", "two"]);
    fs::rename(bench.path("specs"), bench.path("away")).unwrap();
    let ran = bench.run(&["apply", "specs", "--prune-max-fraction", "1", "--prune-allow-empty"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("specs"), "{ran:?}");
    assert!(pids.iter().all(|pid| is_alive(*pid)));
}

#[test]
fn a_broken_file_removes_nothing() {
    let (bench, pids) = applied(&["one", "two", "three"]);
    bench.write("specs/two.yaml", "apiVersion: selfsame/v1\nkind: [\n");
    assert_eq!(bench.run(&["apply", "specs"]).code, 1);
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    assert_eq!(bench.status_pids("two"), [pids[1]]);
}

#[test]
fn a_change_that_restarts_many_is_held_until_confirmed() {
    let names = ["a", "b", "c", "d", "e"];
    let (bench, pids) = applied(&names);
    for name in names {
        bench.daemon_spec(name, "args: [changed]");
    }
    let held = bench.run(&["apply", "specs"]);
    assert_eq!(held.code, 7, "{held:?}");
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    bench.ok(&["apply", "specs", "--confirm-restarts"]);
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    for name in names {
        bench.the_pid_of(name);
        assert_eq!(bench.starts_of(name).len(), 2, "{name}");
    }
}

#[test]
fn on_remove_release_leaves_the_process() {
    let bench = Bench::new();
    bench.daemon("one", "onRemove: release");
    bench.daemon("two", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    fs::remove_file(bench.path("specs/one.yaml")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert!(is_alive(pid));
    assert!(bench.status_of("one").is_null());
}
