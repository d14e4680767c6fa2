#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

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
