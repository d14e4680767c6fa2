//! The rows of the rules about acceptance, each with notifications and without.

use std::fs;
use std::io::Write as _;
use std::thread::sleep;
use std::time::Duration;

use super::support::{Bench, is_alive, until};

macro_rules! twice {
    ($($name:ident),* $(,)?) => {
        mod with_hints {
            $(#[test] fn $name() { super::$name(&[]); })*
        }
        mod without_hints {
            $(#[test] fn $name() { super::$name(&["--no-hints"]); })*
        }
    };
}

twice!(
    a_file_that_is_truncated_and_filled_again,
    a_file_that_is_cut_between_documents_while_its_writer_has_it_open,
    a_document_that_moves_between_directories,
    two_documents_with_one_name,
    files_that_move_and_go_while_no_watch_runs,
    a_file_that_comes_back_before_it_is_time,
    what_others_use_stays_while_its_file_is_broken,
    a_broken_file_after_a_loss_of_all_records,
);

/// Shorter than this no test waits for something not to happen.
const DELAY: &str = "400ms";
const LONGER: Duration = Duration::from_secs(1);

fn watched(names: &[&str], more: &[&str]) -> (Bench, Vec<i32>) {
    let mut bench = Bench::new();
    for name in names {
        bench.daemon(name, "");
    }
    fs::create_dir(bench.path("more")).unwrap();
    watch(&mut bench, more);
    bench.until_running(names);
    let pids = names.iter().map(|name| bench.the_pid_of(name)).collect();
    (bench, pids)
}

fn watch(bench: &mut Bench, more: &[&str]) {
    bench.watch(&[&["more", "--prune-delay", DELAY, "--resync", "300ms"], more].concat());
}

/// A change that everybody can see, as proof that watch has looked since.
#[track_caller]
fn looked_again(bench: &Bench, name: &str) {
    bench.daemon(name, "");
    bench.until_running(&[name]);
}

#[track_caller]
fn untouched(bench: &Bench, names: &[&str], pids: &[i32]) {
    for (name, pid) in names.iter().zip(pids) {
        assert_eq!(bench.alive_of(name), [*pid], "{name}");
        assert_eq!(bench.starts_of(name).len(), 1, "{name}");
    }
}

fn text_of(bench: &Bench, name: &str) -> String {
    fs::read_to_string(bench.path(&format!("specs/{name}.yaml"))).unwrap()
}

fn a_file_that_is_truncated_and_filled_again(more: &[&str]) {
    let (bench, pids) = watched(&["one", "two"], more);
    let text = text_of(&bench, "two");
    fs::write(bench.path("specs/two.yaml"), "# soon\n").unwrap();
    looked_again(&bench, "three");
    sleep(LONGER);
    fs::write(bench.path("specs/two.yaml"), &text).unwrap();
    looked_again(&bench, "four");
    untouched(&bench, &["one", "two"], &pids);
    assert_eq!(bench.condition("two", "Accepted")["status"], "True");
}

fn a_file_that_is_cut_between_documents_while_its_writer_has_it_open(more: &[&str]) {
    let (bench, _) = watched(&["one"], more);
    bench.daemon("two", "");
    bench.daemon("three", "");
    let (two, three) = (text_of(&bench, "two"), text_of(&bench, "three"));
    bench.write("specs/both.yaml", &format!("{two}---\n{three}"));
    for name in ["two", "three"] {
        fs::remove_file(bench.path(&format!("specs/{name}.yaml"))).unwrap();
    }
    bench.until_running(&["two", "three"]);
    let pids = ["two", "three"].map(|name| bench.the_pid_of(name));
    // A writer that has come as far as the first document, and rests.
    let mut file = fs::File::create(bench.path("specs/both.yaml")).unwrap();
    file.write_all(two.as_bytes()).unwrap();
    until("the gap to be noticed", || {
        let message = bench.condition("three", "Accepted")["message"].to_string();
        // Whoever hears of writing says that, whoever only looks that the object is gone from it.
        message.contains("being written") || message.contains("both.yaml")
    });
    sleep(LONGER);
    file.write_all(format!("---\n{three}").as_bytes()).unwrap();
    drop(file);
    looked_again(&bench, "four");
    untouched(&bench, &["two", "three"], &pids);
    // Complete and closed, it may lose an object.
    bench.write("specs/both.yaml", &two);
    until("the third to go", || !is_alive(pids[1]));
    untouched(&bench, &["two"], &pids[..1]);
}

fn a_document_that_moves_between_directories(more: &[&str]) {
    let (bench, pids) = watched(&["one", "two"], more);
    for (from, to) in [("specs/two.yaml", "more/zwei.yaml"), ("more/zwei.yaml", "specs/two.yaml")] {
        fs::rename(bench.path(from), bench.path(to)).unwrap();
        let place = bench.path(to).to_string_lossy().into_owned();
        until("the new place", || bench.status_of("two")["source"]["file"] == *place);
        sleep(LONGER);
        untouched(&bench, &["one", "two"], &pids);
    }
}

fn two_documents_with_one_name(more: &[&str]) {
    let (bench, pids) = watched(&["one", "two"], more);
    let text = text_of(&bench, "two");
    let other = format!("{text}  args: [other]\n");
    bench.write("more/copy.yaml", &other);
    let says = |word: &str| {
        bench.condition("two", "Accepted")["message"].as_str().is_some_and(|message| message.contains(word))
    };
    until("both to be named", || says("copy.yaml") && says("two.yaml"));
    // The owner's file breaks: nobody knows whether it still declares the name.
    bench.write("specs/two.yaml", "kind: [\n");
    until("the doubt to be named", || says("may still stand"));
    untouched(&bench, &["one", "two"], &pids);
    // It is gone for sure: the other one is its document now.
    fs::remove_file(bench.path("specs/two.yaml")).unwrap();
    until("the new document", || bench.starts_of("two").last().is_some_and(|(_, words)| words == "other"));
    assert!(!is_alive(pids[1]));
}

fn files_that_move_and_go_while_no_watch_runs(more: &[&str]) {
    let (mut bench, pids) = watched(&["one", "two", "three"], more);
    bench.end_watch("TERM");
    fs::rename(bench.path("specs/one.yaml"), bench.path("more/eins.yaml")).unwrap();
    fs::remove_file(bench.path("specs/three.yaml")).unwrap();
    bench.write("specs/two.yaml", "kind: [\n");
    watch(&mut bench, more);
    until("what is gone to be stopped", || !is_alive(pids[2]));
    untouched(&bench, &["one", "two"], &pids[..2]);
    assert_eq!(bench.condition("two", "Accepted")["status"], "False");
}

fn a_file_that_comes_back_before_it_is_time(more: &[&str]) {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    bench.daemon("two", "");
    bench.watch(&[&["--prune-delay", "30s", "--resync", "300ms"], more].concat());
    bench.until_running(&["one", "two"]);
    let pids = ["one", "two"].map(|name| bench.the_pid_of(name));
    fs::rename(bench.path("specs/two.yaml"), bench.path("kept")).unwrap();
    until("it to be missed", || {
        let message = bench.condition("two", "Accepted")["message"].clone();
        message.as_str().is_some_and(|message| message.contains("is gone"))
    });
    fs::rename(bench.path("kept"), bench.path("specs/two.yaml")).unwrap();
    until("it to be back", || bench.condition("two", "Accepted")["status"] == "True");
    untouched(&bench, &["one", "two"], &pids);
}

const MATCHER: &str =
    "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: mine}\nspec:\n  define:\n    here: pid > 1\n";

fn what_others_use_stays_while_its_file_is_broken(more: &[&str]) {
    let mut bench = Bench::new();
    bench.write("specs/a-matcher.yaml", MATCHER);
    bench.daemon("one", "match: mine.here");
    bench.daemon("two", "");
    fs::create_dir(bench.path("more")).unwrap();
    watch(&mut bench, more);
    bench.until_running(&["one", "two"]);
    bench.write("specs/a-matcher.yaml", "kind: [\n");
    until("it to be said", || bench.watch_log().contains("a-matcher.yaml:1"));
    for (round, args) in ["first", "second"].into_iter().enumerate() {
        // What uses it can be changed all the same, also when another engine goes on.
        bench.daemon_spec("one", &format!("match: mine.here\nargs: [{args}]"));
        until(args, || bench.starts_of("one").last().is_some_and(|(_, words)| words == args));
        bench.until_running(&["one"]);
        assert_eq!(bench.condition("one", "Accepted")["status"], "True");
        if round == 0 {
            bench.end_watch("TERM");
            watch(&mut bench, more);
        }
    }
    assert_eq!(bench.starts_of("two").len(), 1);
    // Mended, the present text counts: the name is gone, and what uses it keeps its last good document.
    bench.write("specs/a-matcher.yaml", &MATCHER.replace("here", "there"));
    until("it to be missed", || bench.condition("one", "Accepted")["status"] == "False");
    assert_eq!(bench.starts_of("one").len(), 3);
}

fn a_broken_file_after_a_loss_of_all_records(more: &[&str]) {
    let (mut bench, pids) = watched(&["one", "two"], more);
    bench.end_watch("TERM");
    for pid in pids {
        bench.kill(pid, "KILL");
        until("its end", || !is_alive(pid));
    }
    // As after a boot: nothing runs, and no record counts.
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    bench.write("specs/two.yaml", "kind: [\n");
    watch(&mut bench, more);
    bench.until_running(&["one", "two"]);
    assert_eq!(bench.condition("two", "Accepted")["status"], "False");
    assert_eq!((bench.alive_of("one").len(), bench.alive_of("two").len()), (1, 1));
}
