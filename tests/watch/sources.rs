//! What watch does when the spec directory changes, breaks, moves or disappears.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::support::{Bench, is_alive, until};

/// Three daemons that run under a watch, and their PIDs.
fn three(more: &[&str]) -> (Bench, [i32; 3]) {
    let mut bench = Bench::new();
    for name in ["one", "two", "three"] {
        bench.daemon(name, "");
    }
    bench.watch(more);
    bench.until_running(&["one", "two", "three"]);
    let pids = ["one", "two", "three"].map(|name| bench.the_pid_of(name));
    (bench, pids)
}

/// A change that everybody can see, as proof that watch has looked since: a new daemon that comes to run.
#[track_caller]
fn looked_again(bench: &Bench, name: &str) {
    bench.daemon(name, "");
    bench.until_running(&[name]);
}

#[track_caller]
fn untouched(bench: &Bench, pids: [i32; 3]) {
    for (name, pid) in ["one", "two", "three"].into_iter().zip(pids) {
        assert_eq!(bench.alive_of(name), [pid], "{name}");
        assert_eq!(bench.starts_of(name).len(), 1, "{name}");
    }
}

#[test]
fn a_broken_file_keeps_what_was_in_force_and_says_where_it_is_wrong() {
    let (bench, pids) = three(&[]);
    let good = fs::read_to_string(bench.path("specs/two.yaml")).unwrap();
    bench.write("specs/two.yaml", &good.replace("startas:", "startsa:"));
    until("the mistake to be reported", || bench.watch_log().contains("startsa"));
    let log = bench.watch_log();
    for part in ["specs/two.yaml:5:3", "^^^^^^^", "`startas`"] {
        assert!(log.contains(part), "`{part}` in\n{log}");
    }
    until("status to say so", || bench.condition("two", "Accepted")["status"] == "False");
    assert_eq!(bench.status_pids("two"), [pids[1]]);
    // A file beside it is not held up.
    bench.daemon_spec("one", "args: [changed]");
    until("the change beside it", || bench.starts_of("one").iter().any(|(_, words)| words == "changed"));
    assert_eq!(bench.alive_of("two"), [pids[1]]);
    // Mended as it was: nothing to do. Mended with a change: the change.
    bench.write("specs/two.yaml", &good);
    until("it to be accepted", || bench.condition("two", "Accepted")["status"] != "False");
    assert_eq!(bench.alive_of("two"), [pids[1]]);
    bench.daemon_spec("two", "args: [mended]");
    until("the mended file", || bench.starts_of("two").iter().any(|(_, words)| words == "mended"));
    assert!(!is_alive(pids[1]));
    assert_eq!(bench.starts_of("three").len(), 1);
}

#[test]
fn a_mistake_is_reported_once() {
    let (bench, _) = three(&["--resync", "200ms"]);
    bench.write("specs/four.yaml", "apiVersion: selfsame/v1\nkind: Sevice\n");
    until("the mistake to be reported", || bench.watch_log().contains("Sevice"));
    looked_again(&bench, "five");
    looked_again(&bench, "six");
    assert_eq!(bench.watch_log().matches("specs/four.yaml:2:7").count(), 1, "{}", bench.watch_log());
}

#[test]
fn a_directory_that_moves_away_stops_nothing() {
    let (bench, pids) = three(&["--prune-delay", "200ms", "--resync", "300ms"]);
    fs::rename(bench.path("specs"), bench.path("elsewhere")).unwrap();
    until("status to say so", || {
        let ran = bench.run(&["status"]);
        (ran.stdout + &ran.stderr).contains("specs")
    });
    untouched(&bench, pids);
    fs::rename(bench.path("elsewhere"), bench.path("specs")).unwrap();
    looked_again(&bench, "four");
    untouched(&bench, pids);
    assert_eq!(bench.condition("one", "Accepted")["status"], "True");
}

#[test]
fn a_directory_that_is_removed_and_made_again_changes_nothing() {
    let (bench, pids) = three(&["--prune-delay", "200ms", "--resync", "300ms"]);
    let files: Vec<_> = ["one", "two", "three"]
        .map(|name| bench.path(&format!("specs/{name}.yaml")))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .into();
    bench.at_once(|| fs::remove_dir_all(bench.path("specs")).unwrap());
    until("watch to notice", || {
        let ran = bench.run(&["status"]);
        (ran.stdout + &ran.stderr).contains("specs")
    });
    bench.at_once(|| {
        fs::create_dir(bench.path("specs")).unwrap();
        for (path, text) in files {
            fs::write(path, text).unwrap();
        }
    });
    looked_again(&bench, "four");
    untouched(&bench, pids);
}

#[test]
fn one_file_that_is_removed_stops_its_service_after_the_prune_delay() {
    let (bench, pids) = three(&["--prune-delay", "300ms"]);
    let began = std::time::Instant::now();
    fs::remove_file(bench.path("specs/two.yaml")).unwrap();
    until("it to be stopped", || !is_alive(pids[1]));
    assert!(began.elapsed() >= std::time::Duration::from_millis(300), "{:?}", began.elapsed());
    until("status to forget it", || bench.status_of("two").is_null());
    assert!(is_alive(pids[0]) && is_alive(pids[2]));
    assert_eq!(bench.starts_of("two").len(), 1);
}

#[test]
fn a_file_that_comes_back_within_the_prune_delay_changes_nothing() {
    let (bench, pids) = three(&["--prune-delay", "100s"]);
    fs::rename(bench.path("specs/two.yaml"), bench.path("kept")).unwrap();
    looked_again(&bench, "four");
    assert!(is_alive(pids[1]));
    fs::rename(bench.path("kept"), bench.path("specs/two.yaml")).unwrap();
    looked_again(&bench, "five");
    untouched(&bench, pids);
}

#[test]
fn emptying_the_directory_stops_nothing() {
    let (bench, pids) = three(&["--prune-delay", "100ms", "--resync", "200ms"]);
    bench.at_once(|| {
        for name in ["one", "two", "three"] {
            fs::remove_file(bench.path(&format!("specs/{name}.yaml"))).unwrap();
        }
    });
    until("status to say that it holds", || {
        let ran = bench.run(&["status"]);
        (ran.stdout + &ran.stderr).contains("would be removed")
    });
    untouched(&bench, pids);
}

#[test]
fn emptied_files_stop_nothing() {
    let (bench, pids) = three(&["--prune-delay", "100ms", "--resync", "200ms"]);
    fs::write(bench.path("specs/two.yaml"), "").unwrap();
    until("status to say that it holds", || {
        let ran = bench.run(&["status"]);
        (ran.stdout + &ran.stderr).contains("two.yaml")
    });
    untouched(&bench, pids);
}

#[test]
fn a_renamed_file_is_the_same_object() {
    let (bench, pids) = three(&["--prune-delay", "100ms"]);
    fs::rename(bench.path("specs/two.yaml"), bench.path("specs/zwei.yaml")).unwrap();
    until("status to name the new file", || {
        bench.status_of("two")["source"]["file"].as_str().is_some_and(|file| file.ends_with("zwei.yaml"))
    });
    looked_again(&bench, "four");
    untouched(&bench, pids);
    assert_eq!(bench.status_pids("two"), [pids[1]]);
}

#[test]
fn a_second_document_with_the_same_name_is_refused_and_the_first_stays() {
    let (bench, pids) = three(&[]);
    let text = fs::read_to_string(bench.path("specs/two.yaml")).unwrap();
    bench.write("specs/copy.yaml", &format!("{text}  args: [other]\n"));
    until("both places to be named", || {
        let text = bench.run(&["status", "two"]).stdout + &bench.watch_log();
        text.contains("copy.yaml") && text.contains("two.yaml")
    });
    looked_again(&bench, "four");
    untouched(&bench, pids);
    fs::remove_file(bench.path("specs/copy.yaml")).unwrap();
    looked_again(&bench, "five");
    untouched(&bench, pids);
}

/// A Kubernetes ConfigMap volume: files are links through `..data`, which is swapped by a rename.
fn revision(directory: &Path, number: u32, files: &[(&str, String)]) {
    let real = format!("..rev{number}");
    fs::create_dir(directory.join(&real)).unwrap();
    for (name, text) in files {
        fs::write(directory.join(&real).join(name), text).unwrap();
    }
    symlink(&real, directory.join("..data_tmp")).unwrap();
    fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
}

#[test]
fn a_swap_of_links_is_seen_as_a_whole() {
    let mut bench = Bench::new();
    for name in ["one", "two"] {
        bench.daemon(name, "");
    }
    let text = |name: &str, args: &str| {
        bench.daemon_spec(name, args);
        let path = bench.path(&format!("specs/{name}.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(path).unwrap();
        text
    };
    let texts = |number: u32| {
        let args = format!("args: [\"r{number}\"]");
        vec![("one.yaml", text("one", &args)), ("two.yaml", text("two", ""))]
    };
    let first = texts(1);
    let specs = bench.path("specs");
    revision(&specs, 1, &first);
    for name in ["one.yaml", "two.yaml"] {
        symlink(format!("..data/{name}"), specs.join(name)).unwrap();
    }
    let later: Vec<_> = (2..=4)
        .map(|number| {
            let args = format!("args: [\"r{number}\"]");
            let one = first[0].1.replace("args: [\"r1\"]", &args);
            vec![("one.yaml", one), ("two.yaml", first[1].1.clone())]
        })
        .collect();
    bench.watch(&["--prune-delay", "200ms"]);
    bench.until_running(&["one", "two"]);
    let two = bench.the_pid_of("two");
    for (number, files) in (2..).zip(&later) {
        revision(&specs, number, files);
        let words = format!("r{number}");
        until(&format!("revision {number}"), || {
            bench.starts_of("one").last().is_some_and(|(_, w)| *w == words)
        });
        bench.until_running(&["one"]);
        fs::remove_dir_all(specs.join(format!("..rev{}", number - 1))).unwrap();
    }
    assert_eq!(bench.starts_of("one").len(), 4);
    assert_eq!(bench.alive_of("one").len(), 1);
    assert_eq!(bench.alive_of("two"), [two]);
}

#[test]
fn a_directory_behind_a_link_that_is_retargeted_is_followed() {
    let mut bench = Bench::new();
    bench.daemon("one", "args: [a]");
    fs::rename(bench.path("specs"), bench.path("a")).unwrap();
    symlink("a", bench.path("specs")).unwrap();
    bench.watch(&["--resync", "500ms", "--prune-delay", "200ms"]);
    bench.until_running(&["one"]);
    fs::create_dir(bench.path("b")).unwrap();
    let text = fs::read_to_string(bench.path("a/one.yaml")).unwrap();
    fs::write(bench.path("b/one.yaml"), text.replace("args: [a]", "args: [b]")).unwrap();
    symlink("b", bench.path("next")).unwrap();
    fs::rename(bench.path("next"), bench.path("specs")).unwrap();
    until("the new directory's content", || bench.starts_of("one").iter().any(|(_, words)| words == "b"));
    bench.until_running(&["one"]);
    assert_eq!(bench.alive_of("one").len(), 1);
}

#[test]
fn what_editors_leave_about_is_not_read() {
    let (bench, pids) = three(&["--prune-delay", "100ms"]);
    let text =
        fs::read_to_string(bench.path("specs/two.yaml")).unwrap().replace("name: two", "name: phantom");
    for name in
        [".two.yaml.swp", "two.yaml~", "#two.yaml#", ".hidden.yaml", "4913", "two.yaml.bak", "notes.txt"]
    {
        fs::write(bench.path("specs").join(name), &text).unwrap();
    }
    symlink("user@host.1234:1", bench.path("specs/.#two.yaml")).unwrap();
    fs::create_dir(bench.path("specs/sub.yaml")).unwrap();
    assert!(
        std::process::Command::new("mkfifo").arg(bench.path("specs/pipe.yaml")).status().unwrap().success()
    );
    looked_again(&bench, "four");
    untouched(&bench, pids);
    assert!(bench.starts_of("phantom").is_empty());
    assert!(bench.status_of("phantom").is_null());
}

#[test]
fn a_slow_writer_is_never_applied_half() {
    use std::io::Write;
    let (bench, pids) = three(&["--prune-delay", "100ms"]);
    let text = bench.path("specs/two.yaml");
    let text = fs::read_to_string(text).unwrap() + "  args: [complete]\n";
    // In place, a few bytes at a time: the beginning of this file is a valid document without the last line.
    let mut file = fs::File::create(bench.path("specs/two.yaml")).unwrap();
    for piece in text.as_bytes().chunks(8) {
        file.write_all(piece).unwrap();
        file.flush().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    drop(file);
    until("the whole", || bench.starts_of("two").last().is_some_and(|(_, words)| words == "complete"));
    bench.until_running(&["two"]);
    assert_eq!(bench.starts_of("two").len(), 2, "no start in between");
    assert_eq!((bench.alive_of("one"), bench.alive_of("three")), (vec![pids[0]], vec![pids[2]]));
}

#[test]
fn five_hundred_files_at_once_are_one_change() {
    let (bench, pids) = three(&[]);
    for number in 0..500 {
        let text = format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: many-{number}}}\nspec:\n  startas: /usr/bin/env\n  state: observed\n"
        );
        fs::write(bench.path(&format!("specs/many-{number}.yaml")), text).unwrap();
    }
    until("the last of them", || !bench.status_of("many-499").is_null());
    untouched(&bench, pids);
}

#[test]
fn without_hints_changes_are_seen_all_the_same() {
    let (bench, pids) = three(&["--no-hints", "--prune-delay", "100ms"]);
    bench.daemon_spec("one", "args: [changed]");
    until("the change", || bench.starts_of("one").iter().any(|(_, words)| words == "changed"));
    fs::remove_file(bench.path("specs/two.yaml")).unwrap();
    until("the removal", || !is_alive(pids[1]));
    assert_eq!(bench.alive_of("three"), [pids[2]]);
}
