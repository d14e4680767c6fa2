#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use super::*;

fn ten() -> PruneRules {
    PruneRules::default()
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn service(text: &str, file: &str) -> Service {
    let (text, args) = text.split_once('=').unwrap_or((text, ""));
    let mut service = Service::new(name(text), "/bin/true".into());
    service.args = args.split('+').filter(|arg| !arg.is_empty()).map(str::to_owned).collect();
    service.origin.file = file.into();
    service
}

fn at(seconds: u64) -> BootTime {
    BootTime(Duration::from_secs(seconds))
}

fn services(names: &str, path: &str) -> Arc<[Arc<Service>]> {
    names.split_whitespace().map(|name| Arc::new(service(name, path))).collect()
}

/// Files by `path: name name`, `path! name` for a broken one that was good with these names. A word `name=a+b` has arguments.
fn seen(complete: bool, files: &[&str]) -> SourcesSeen {
    let file = |line: &str| match (line.split_once(':'), line.split_once('!')) {
        (Some((path, names)), _) => {
            let services = services(names, path);
            let good = GoodFile {
                digest: names.trim().into(),
                empty: services.is_empty(),
                services,
                ..GoodFile::default()
            };
            (path.into(), FileSeen::Good(good))
        }
        (None, Some((path, names))) => {
            let last_good = services(names, path);
            (
                path.into(),
                FileSeen::Broken(BrokenFile {
                    reason: "line 1 is wrong".into(),
                    last_good,
                    ..BrokenFile::default()
                }),
            )
        }
        (None, None) => panic!("`{line}` is no file"),
    };
    SourcesSeen {
        complete,
        files: Arc::new(files.iter().map(|line| file(line)).collect()),
        prunable: vec!["d".into(), "e".into()],
        ..SourcesSeen::default()
    }
}

/// Names in force and names removed.
fn outcome(accepted: &Accepted) -> (String, String) {
    let words = |names: Vec<&str>| names.join(" ");
    (
        words(accepted.set.services.keys().map(ServiceName::as_str).collect()),
        words(accepted.set.removed.iter().map(ServiceName::as_str).collect()),
    )
}

/// Looks at these files in turn, ten seconds apart, beginning at zero; the last outcome.
fn looks(all: &[&[&str]], rules: &PruneRules) -> Accepted {
    let mut acceptance = Acceptance::default();
    let mut last = Accepted::default();
    for (files, seconds) in all.iter().zip((0..).step_by(10)) {
        last = acceptance.look(&seen(true, files), rules, at(seconds));
    }
    last
}

#[track_caller]
fn assert_outcome(accepted: &Accepted, in_force: &str, removed: &str) {
    assert_eq!(outcome(accepted), (in_force.to_owned(), removed.to_owned()), "{accepted:?}");
}

#[test]
fn a_broken_file_keeps_its_last_good_content() {
    let after = looks(&[&["d/a: web", "d/b: db"], &["d/a!", "d/b: db"]], &ten());
    assert_outcome(&after, "db web", "");
    assert!(after.set.rejected.contains_key(&name("web")));
}

#[test]
fn after_a_restart_the_ledger_is_the_last_good_content() {
    let mut acceptance = Acceptance::new([service("web", "d/a")].map(Arc::new));
    assert_outcome(&acceptance.look(&seen(true, &["d/a!"]), &ten(), at(1)), "web", "");
}

#[test]
fn without_a_ledger_what_was_kept_of_a_broken_file_counts_and_else_nothing_is_known() {
    let after = looks(&[&["d/a! web", "d/b! ", "d/c: db"]], &ten());
    assert_outcome(&after, "db web", "");
    assert_eq!(after.set.rejected[&name("web")], "line 1 is wrong");
}

#[test]
fn what_is_in_force_outranks_what_was_kept() {
    let mut acceptance = Acceptance::new([service("web=new", "d/a")].map(Arc::new));
    let after = acceptance.look(&seen(true, &["d/a! web=old"]), &ten(), at(1));
    assert_eq!(after.set.services[&name("web")].args, ["new"]);
}

#[test]
fn a_document_is_gone_only_after_two_looks() {
    let mut acceptance = Acceptance::default();
    acceptance.look(&seen(true, &["d/a: web", "d/b: db"]), &ten(), at(0));
    let first = acceptance.look(&seen(true, &["d/b: db"]), &ten(), at(1));
    assert_eq!((outcome(&first).0.as_str(), first.recheck), ("db web", Some(at(11))));
    assert!(first.set.unseen[&name("web")].contains("10s"), "{first:?}");
    let gap = acceptance.look(&seen(false, &[]), &ten(), at(8));
    assert_outcome(&gap, "db web", "");
    let again = acceptance.look(&seen(true, &["d/b: db"]), &ten(), at(12));
    assert_outcome(&again, "db web", "");
    let second = acceptance.look(&seen(true, &["d/b: db"]), &ten(), at(22));
    assert_outcome(&second, "db", "web");
    let third = acceptance.look(&seen(true, &["d/b: db"]), &ten(), at(40));
    assert_outcome(&third, "db", "");
}

#[test]
fn a_file_that_is_written_to_begins_the_waiting_anew() {
    let mut acceptance = Acceptance::default();
    let mut look = |files: &[&str], seconds| acceptance.look(&seen(true, files), &ten(), at(seconds));
    look(&["d/a: web db", "d/b: x"], 0);
    look(&["d/a: db", "d/b: x"], 1);
    // It grows, and still lacks what it had.
    assert_outcome(&look(&["d/a: db=more", "d/b: x"], 9), "db web x", "");
    assert_outcome(&look(&["d/a: db=more", "d/b: x"], 18), "db web x", "");
    assert_outcome(&look(&["d/a: db=more", "d/b: x"], 19), "db x", "web");
}

#[test]
fn a_file_that_is_open_for_writing_removes_nothing() {
    let mut acceptance = Acceptance::default();
    acceptance.look(&seen(true, &["d/a: web db", "d/b: x"]), &ten(), at(0));
    let mut half = seen(true, &["d/a: db", "d/b: x"]);
    assert_eq!(acceptance.shrunk(&half), BTreeSet::from(["d/a".to_owned()]));
    half.being_written.insert("d/a".into());
    for seconds in [10, 30, 60] {
        let after = acceptance.look(&half, &ten(), at(seconds));
        assert_outcome(&after, "db web x", "");
        assert_eq!(after.recheck, Some(at(seconds + 10)));
    }
    half.being_written.clear();
    assert_outcome(&acceptance.look(&half, &ten(), at(69)), "db web x", "");
    assert_outcome(&acceptance.look(&half, &ten(), at(70)), "db x", "web");
}

#[test]
fn another_directory_under_the_old_name_is_seen_twice_before_anything_goes() {
    let identified = |files: &[&str], which: &str| {
        let identities = BTreeMap::from([("d".to_owned(), which.to_owned())]);
        SourcesSeen { identities, ..seen(true, files) }
    };
    let at_once = PruneRules { delay: Duration::ZERO, ..ten() };
    let mut acceptance = Acceptance::default();
    let mut look = |files: &[&str], which, millis| {
        let now = BootTime(Duration::from_millis(millis));
        acceptance.look(&identified(files, which), &at_once, now)
    };
    look(&["d/a: web", "d/b: db"], "one", 0);
    assert_outcome(&look(&["d/b: db"], "two", 100), "db web", "");
    assert_outcome(&look(&["d/b: db"], "three", 1200), "db web", "");
    assert_outcome(&look(&["d/b: db"], "three", 2199), "db web", "");
    assert_outcome(&look(&["d/b: db"], "three", 2200), "db", "web");
    // By now it is believed.
    look(&["d/b: db", "d/c: x"], "three", 3000);
    assert_outcome(&look(&["d/b: db"], "three", 3001), "db", "x");
}

#[test]
fn a_vanished_or_emptied_directory_removes_nothing() {
    for (complete, files) in [(false, vec![]), (true, vec![]), (true, vec!["d/a:", "d/b:"])] {
        let mut acceptance = Acceptance::default();
        acceptance.look(&seen(true, &["d/a: web", "d/b: db"]), &ten(), at(0));
        for seconds in [10, 20, 30, 40] {
            assert_outcome(&acceptance.look(&seen(complete, &files), &ten(), at(seconds)), "db web", "");
        }
    }
}

#[test]
fn how_much_may_go_at_once() {
    // Objects before, objects after, the part that may go, whether a place may become empty: whether they go.
    for (before, after, max_fraction, allow_empty, go) in [
        (8, 3, 500, false, false),
        (8, 4, 500, false, true),
        (4, 1, 500, false, true),
        (3, 0, 500, false, false),
        (3, 0, 500, true, true),
        (10, 0, 500, true, false),
        (10, 0, 1000, true, true),
        (10, 0, 1000, false, false),
        (10, 1, 1000, false, true),
        (10, 6, 300, false, false),
        (10, 7, 300, false, true),
        (1, 0, 500, false, false),
    ] {
        let all: Vec<String> = (0..before).map(|n| format!("d/{n}: o{n}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let rules = PruneRules { max_fraction, allow_empty, ..ten() };
        let left = all.get(..after).unwrap();
        let last = looks(&[&all, left, left], &rules);
        let row = format!("{before} {after} {max_fraction} {allow_empty}: {last:?}");
        assert_eq!(last.set.removed.len(), if go { before - after } else { 0 }, "{row}");
        assert_eq!(last.held.len(), usize::from(!go), "{row}");
    }
}

#[test]
fn a_place_is_guarded_by_itself() {
    let before: &[&str] = &["d/a: a1 a2", "e/b: b1", "e/c: c1"];
    let after: &[&str] = &["d/a: a1 a2", "e/c: c1"];
    assert_outcome(&looks(&[before, after, after], &ten()), "a1 a2 c1", "b1");
    let nothing: &[&str] = &["d/a: a1 a2"];
    let held = looks(&[before, nothing, nothing], &ten());
    assert_outcome(&held, "a1 a2 b1 c1", "");
    assert_eq!(held.held.iter().map(|held| held.place.as_str()).collect::<Vec<_>>(), ["e"]);
}

#[test]
fn nothing_is_held_before_it_is_ripe() {
    let mut acceptance = Acceptance::default();
    acceptance.look(&seen(true, &["d/a: web"]), &ten(), at(0));
    let first = acceptance.look(&seen(true, &[]), &ten(), at(1));
    assert_eq!((first.held.len(), first.recheck), (0, Some(at(11))));
    let second = acceptance.look(&seen(true, &[]), &ten(), at(11));
    assert_eq!((second.held.len(), second.recheck), (1, None));
    assert_eq!(second.set.unseen[&name("web")], second.held[0].reason);
}

#[test]
fn a_confirmed_plan_is_that_plan_and_no_other() {
    let before: &[&str] = &["d/a: a", "d/b: b", "d/c: c"];
    let mut acceptance = Acceptance::default();
    acceptance.look(&seen(true, before), &ten(), at(0));
    acceptance.look(&seen(true, &[]), &ten(), at(10));
    let held = acceptance.look(&seen(true, &[]), &ten(), at(20)).held;
    let confirming =
        |id: &str| PruneRules { confirmed: BTreeSet::from([id.to_owned()]), ..PruneRules::default() };
    let wrong = acceptance.look(&seen(true, &[]), &confirming("0123456789"), at(21));
    assert_eq!((wrong.held.clone(), wrong.confirmed.len()), (held.clone(), 0));
    // Who confirms needn't wait for the second look.
    let mut fresh = Acceptance::new(["a", "b", "c"].map(|n| Arc::new(service(n, "d/x"))));
    assert_outcome(&fresh.look(&seen(true, &[]), &confirming(&held[0].id), at(0)), "", "a b c");
    // One came back: that is another plan, which isn't held at all.
    let moved = acceptance.look(&seen(true, &["d/a: a"]), &confirming(&held[0].id), at(22));
    assert_eq!((outcome(&moved).0.as_str(), moved.confirmed.len()), ("a", 0));
    let mut acceptance = Acceptance::new(["a", "b", "c"].map(|n| Arc::new(service(n, "d/a"))));
    acceptance.look(&seen(true, &[]), &ten(), at(0));
    let held = acceptance.look(&seen(true, &[]), &ten(), at(10)).held;
    let done = acceptance.look(&seen(true, &[]), &confirming(&held[0].id), at(11));
    assert_outcome(&done, "", "a b c");
    assert_eq!(done.confirmed, BTreeMap::from([(held[0].id.clone(), "d".to_owned())]));
}

#[test]
fn one_emptied_file_is_held_and_holds_nothing_else() {
    let before: &[&str] = &["d/a: web", "d/b: db", "d/c: x y"];
    let after: &[&str] = &["d/a:", "d/c: x y"];
    let last = looks(&[before, after, after], &ten());
    assert_outcome(&last, "web x y", "db");
    assert!(last.held[0].reason.contains("d/a"), "{last:?}");
    assert_eq!(last.held[0].names, BTreeSet::from([name("web")]));
    let allowed = PruneRules { allow_empty: true, ..ten() };
    assert_outcome(&looks(&[before, after, after], &allowed), "x y", "db web");
}

#[test]
fn a_moved_document_is_the_same_object() {
    for after in [["d/c: web", "d/b: db"], ["e/a: web", "d/b: db"]] {
        let last = looks(&[&["d/a: web", "d/b: db"], &after, &after], &ten());
        assert_outcome(&last, "db web", "");
        assert!(last.held.is_empty());
    }
}

#[test]
fn of_two_documents_with_one_name_the_owner_stays() {
    let last = looks(&[&["d/b: web"], &["d/a: web=x new", "d/b: web", "d/c: new"]], &ten());
    assert_outcome(&last, "web", "");
    assert_eq!(&*last.set.services[&name("web")].origin.file, "d/b");
    assert_eq!(last.set.rejected.len(), 2);
}

#[test]
fn an_owner_that_cannot_be_read_stays_unless_the_newcomer_says_the_same() {
    let last = looks(&[&["d/a: web"], &["d/a!", "d/b: web=x"]], &ten());
    assert!(last.set.services[&name("web")].args.is_empty(), "{last:?}");
    let why = &last.set.rejected[&name("web")];
    assert!(why.contains("d/b") && why.contains("d/a") && why.contains("line 1"), "{why}");
    let same = looks(&[&["d/a: web"], &["d/a!", "d/b: web"]], &ten());
    assert_eq!(&*same.set.services[&name("web")].origin.file, "d/b");
    assert!(same.set.rejected.is_empty());
    let gone = looks(&[&["d/a: web"], &["d/b: web=x"]], &ten());
    assert_eq!(gone.set.services[&name("web")].args, ["x"]);
}

#[test]
fn objects_of_other_sources_are_not_touched() {
    let mut acceptance =
        Acceptance::new([service("other", "elsewhere/x"), service("web", "d/a")].map(Arc::new));
    assert_outcome(&acceptance.look(&seen(true, &["d/a: web"]), &ten(), at(100)), "web", "");
}

/// Numbers that look like chance, from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What a file may say: often what it said before.
fn content(dice: &mut Dice, path: &str, before: Option<String>) -> Option<String> {
    let own = path.chars().nth(2).unwrap();
    match dice.roll(12) {
        0 => None,
        1 => Some(format!("{path}! {own}")),
        2 => Some(format!("{path}: {own} z")),
        3 => Some(format!("{path}: z")),
        4 => Some(format!("{path}:")),
        5 | 6 => Some(format!("{path}: {own}={}", dice.roll(3))),
        7 => Some(format!("{path}: {own} {own}2={}", dice.roll(2))),
        _ => before,
    }
}

#[test]
fn what_is_told_of_changes_makes_no_difference_but_to_the_work() {
    let mut steps = 0;
    for seed in 0..400 {
        let mut dice = Dice(seed);
        // Some names are those of objects that came from sources which nobody looks at any more.
        let former = ["z", "a2", "b"].map(|name| Arc::new(service(name, "former/x")));
        let (mut told, mut untold) = (Acceptance::new(former.clone()), Acceptance::new(former));
        let mut files: Vec<Option<String>> = ["d/a", "d/b", "d/c", "e/d"]
            .map(|path| Some(format!("{path}: {}", path.chars().nth(2).unwrap())))
            .to_vec();
        for (number, seconds) in (1..).zip((0..150).step_by(7)) {
            let mut changed = BTreeSet::new();
            // Often a single file changes, as when somebody edits it.
            let only = dice.roll(8);
            for (at, path) in ["d/a", "d/b", "d/c", "e/d"].into_iter().enumerate() {
                let other = content(&mut dice, path, files[at].clone());
                if (only > 4 || only == at as u64) && other != files[at] {
                    changed.insert(path.to_owned());
                    files[at] = other;
                }
            }
            let lines: Vec<&str> = files.iter().flatten().map(String::as_str).collect();
            let plain = seen(dice.roll(9) > 0, &lines);
            let look = SourcesSeen { number, changed: Some(changed), ..plain.clone() };
            steps += u64::from(told.changed(&look).is_some());
            assert_eq!(told.shrunk(&look), untold.shrunk(&plain), "seed {seed}, look {number}");
            let rules = PruneRules::default();
            let (one, other) =
                (told.look(&look, &rules, at(seconds)), untold.look(&plain, &rules, at(seconds)));
            assert_eq!(one, other, "seed {seed}, look {number}");
            assert_eq!(told.in_force, untold.in_force, "seed {seed}, look {number}");
        }
    }
    assert!(steps > 500, "the short way was hardly tried: {steps}");
}
