#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

use std::collections::BTreeMap;

use super::*;

fn dirs(dir: &tempfile::TempDir) -> Dirs {
    Dirs { run: dir.path().join("run"), lib: dir.path().to_owned(), log: dir.path().join("log") }
}

fn set(names: &[(&str, usize)]) -> Accepted {
    let service = |(name, number): &(&str, usize)| {
        let name = ServiceName::new(name).unwrap();
        let mut service = Service::new(name.clone(), "/bin/true".into());
        service.args = vec![number.to_string()];
        service.origin.line = 7;
        (name, Arc::new(service))
    };
    let services = names.iter().map(service).collect();
    Accepted { services, at: WallTime::default(), by: "ann".into(), why: "the documents changed".into() }
}

#[test]
fn sets_are_kept_once_and_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = dirs(&dir);
    let (first, second) = (set(&[("a", 1), ("b", 1)]), set(&[("a", 2), ("b", 1)]));
    let mut history = History::new(&dirs);
    for accepted in [&first, &first, &second] {
        history.keep(accepted.clone());
    }
    drop(history);
    let kept = sets(&dirs).unwrap();
    assert_eq!(kept.iter().map(|set| set.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(services(&dirs, &kept[0]).unwrap(), first.services);
    assert_eq!(services(&dirs, &kept[1]).unwrap(), second.services);
    let lines = fs::read_to_string(dirs.history().join("objects")).unwrap();
    assert_eq!(lines.lines().filter(|line| !line.is_empty()).count(), 3, "`b` stands once");
}

#[test]
fn the_last_twenty_are_kept_and_what_only_older_ones_had_goes() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = dirs(&dir);
    let mut keeper = Keeper::new(dirs.clone());
    for number in 0..50 {
        if number % 7 == 0 {
            // Another engine goes on with what is on disk.
            keeper = Keeper::new(dirs.clone());
        }
        keeper.keep(&set(&[("a", number), ("b", 0)])).unwrap();
    }
    let kept = sets(&dirs).unwrap();
    assert_eq!((kept.len(), kept[0].number, kept[19].number), (20, 31, 50));
    assert_eq!(services(&dirs, &kept[0]).unwrap()[&ServiceName::new("a").unwrap()].args, ["30"]);
    let texts = pack::read(&dirs.history().join("objects")).unwrap();
    assert!(texts.len() <= 42, "{}", texts.len());
}

/// So many documents that one which changes is few of them.
fn many(changed: usize, number: usize) -> Accepted {
    let names: Vec<String> = (0..40).map(|at| format!("s{at:02}")).collect();
    let rows = names.iter().enumerate();
    set(&rows.map(|(at, name)| (name.as_str(), if at == changed { number } else { 0 })).collect::<Vec<_>>())
}

fn bytes_of(dirs: &Dirs, number: u64) -> u64 {
    fs::metadata(set_path(dirs, number)).unwrap().len()
}

#[test]
fn a_set_costs_what_differs_and_all_twenty_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = dirs(&dir);
    let mut keeper = Keeper::new(dirs.clone());
    let mut given: BTreeMap<u64, Services> = BTreeMap::new();
    let mut keep = |keeper: &mut Keeper, number: u64, accepted: Accepted| {
        keeper.keep(&accepted).unwrap();
        given.insert(number, accepted.services);
        let kept = sets(&dirs).unwrap();
        let first = number.saturating_sub(KEPT as u64 - 1).max(1);
        assert_eq!(
            kept.iter().map(|set| set.number).collect::<Vec<_>>(),
            (first..=number).collect::<Vec<_>>()
        );
        // A few times all of them: each takes a look at all documents.
        for set in kept.into_iter().filter(|set| number % 21 < 2 || set.number == number) {
            assert_eq!(services(&dirs, &set).unwrap(), given[&set.number], "set {} of {number}", set.number);
        }
    };
    keep(&mut keeper, 1, many(0, 1));
    // Another document changes each time, one moves in its file, one is gone, one is new, and one comes back.
    for number in 2..=19 {
        let mut accepted = many(number as usize % 7, number as usize);
        let name = |text: &str| ServiceName::new(text).unwrap();
        if number % 3 == 0 {
            accepted.services.remove(&name("s11"));
            accepted.services.extend(set(&[("zz", 1)]).services);
        }
        let moved = Arc::make_mut(accepted.services.get_mut(&name("s20")).unwrap());
        moved.origin.line = number as usize;
        keep(&mut keeper, number, accepted);
        assert!(bytes_of(&dirs, number) * 3 < bytes_of(&dirs, 1), "set {number}");
    }
    // Another engine doesn't know what differs from what is there.
    keeper = Keeper::new(dirs.clone());
    keep(&mut keeper, 20, many(1, 100));
    assert!(bytes_of(&dirs, 20) > bytes_of(&dirs, 19) * 3);
    for number in 21..=62 {
        keep(&mut keeper, number, many(2, number as usize));
        let first = numbers(&dirs).unwrap()[0];
        // The one that the oldest set differs from stays, and no other.
        assert!(first + (KEPT as u64) * 2 > number, "{first} of {number}");
        assert!(numbers(&dirs).unwrap().len() <= KEPT + 1, "{number}");
    }
}

#[test]
fn a_set_that_others_differ_from_takes_them_along_and_is_replaced_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = dirs(&dir);
    let mut keeper = Keeper::new(dirs.clone());
    for number in 1..=3 {
        keeper.keep(&many(0, number)).unwrap();
    }
    fs::remove_file(set_path(&dirs, 1)).unwrap();
    assert_eq!(sets(&dirs).unwrap(), []);
    keeper.keep(&many(0, 4)).unwrap();
    let kept = sets(&dirs).unwrap();
    assert_eq!(kept.iter().map(|set| set.number).collect::<Vec<_>>(), [4]);
    assert_eq!(services(&dirs, &kept[0]).unwrap(), many(0, 4).services);
}

#[test]
fn differences_rest_on_whole_sets_alone_and_on_no_form_that_is_later() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = dirs(&dir);
    let write = |number: u64, rest: &str| {
        let head =
            format!(r#""number":{number},"at":{{"secs":0,"nanos":0}},"by":"ann","why":"so","objects":{{}}"#);
        fs::create_dir_all(dirs.history()).unwrap();
        fs::write(set_path(&dirs, number), format!("{{{head},{rest}}}")).unwrap();
    };
    write(1, r#""format":1"#);
    write(2, r#""format":2,"base":1"#);
    write(3, r#""format":2,"base":2"#);
    write(4, r#""format":2,"base":4"#);
    write(5, r#""format":3"#);
    let kept = sets(&dirs).unwrap();
    assert_eq!(kept.iter().map(|set| set.number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn what_was_torn_or_changed_is_not_there_and_hurts_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = dirs(&dir);
    let mut keeper = Keeper::new(dirs.clone());
    keeper.keep(&set(&[("a", 1)])).unwrap();
    let path = dirs.history().join("objects");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("0123456789abcdef {\"name\"");
    fs::write(&path, &text).unwrap();
    fs::write(dirs.history().join("00000002.json"), "{\"format\":1,\"num").unwrap();
    keeper.keep(&set(&[("a", 2)])).unwrap();
    let kept = sets(&dirs).unwrap();
    assert_eq!(services(&dirs, &kept[1]).unwrap()[&ServiceName::new("a").unwrap()].args, ["2"]);
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("[\"1\"]", "[\"3\"]")).unwrap();
    assert!(services(&dirs, &kept[0]).unwrap_err().contains("`a` in set 1"));
    assert!(services(&dirs, &kept[1]).is_ok());
}

#[test]
fn what_somebody_took_away_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = dirs(&dir);
    let mut keeper = Keeper::new(dirs.clone());
    let first = set(&[("a", 1), ("b", 1)]);
    keeper.keep(&first).unwrap();
    fs::remove_dir_all(dirs.history()).unwrap();
    let mut second = first.clone();
    second.services.extend(set(&[("b", 2)]).services);
    keeper.keep(&second).unwrap();
    let kept = sets(&dirs).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(services(&dirs, &kept[0]).unwrap(), second.services, "`a` as well, which didn't change");
}
