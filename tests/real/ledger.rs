//! The ledger and its lock: what survives, what is refused, what is void.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use selfsame::facts::ProcessKey;
use selfsame::host::ledger::{Ledger, LedgerError, peek};
use selfsame::host::state_dir::{Dirs, LockError, StateLock, Surroundings, holder};
use selfsame::lang::library::{Record, Recorded};
use selfsame::plan::memory::{Instance, Launched, Memory, Phase};
use selfsame::plan::observation::IntentSeen;
use selfsame::process::expression::compile_with;
use selfsame::spec::{Expression, ServiceName};
use selfsame::units::{BootId, Pid, StartTicks};

use crate::support::{dirs, needs_root, record};

fn boot() -> BootId {
    BootId("this-boot".into())
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn memory(names: &[&str]) -> Memory {
    let services = names.iter().map(|n| (name(n), record(n).into())).collect();
    Memory { services, ..Memory::new(boot()) }
}

fn intended(memory: &mut Memory, service: &str, nonce: &str) {
    let phase = Phase::Intended {
        nonce: nonce.into(),
        launched: Launched::default(),
        since: Default::default(),
        starter: false,
        group: None,
    };
    let record = memory.record_mut(&name(service)).unwrap();
    record.instances.insert(0, Instance { phase, ..Instance::default() });
}

fn ledger(dirs: &Dirs) -> Ledger {
    // Children that other tests start at this moment hold a copy of the lock until they execute.
    Ledger::new(dirs.clone(), StateLock::lock_timeout(dirs, Duration::from_mins(1)).unwrap())
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_remembered_is_loaded() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    let mut first = memory(&["a", "b"]);
    ledger(&dirs).remember(&first).unwrap();
    let mut again = ledger(&dirs);
    let loaded = again.load(&boot()).unwrap();
    assert_eq!((&loaded.memory, loaded.problems.len()), (&first, 0));
    first.services.remove(&name("a"));
    again.remember(&first).unwrap();
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, first);
}

/// What an expression meant when it was accepted is on record; a record from before there were definitions has none.
#[test]
fn definitions_of_an_accepted_expression_are_on_record() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    let mut first = memory(&["a"]);
    let definition =
        Recorded::Definition { params: vec![("n".into(), "int".into())], expr: "pid == n".into() };
    let list = Recorded::List { element: "int".into(), items: vec!["1".into()] };
    let definitions: Record = [("web.x".into(), definition), ("@web.l".into(), list)].into();
    let expression =
        Expression { definitions: definitions.into(), ..Expression::new("web.x(1) || pid in @web.l") };
    std::sync::Arc::make_mut(&mut first.record_mut(&name("a")).unwrap().spec).narrow =
        Some(expression.clone());
    ledger(&dirs).remember(&first).unwrap();
    assert_eq!(ledger(&dirs).load(&boot()).unwrap().memory, first);
    let library = expression.library(selfsame::plugin::Plugins::none().schema());
    assert!(library.definition("web.x").is_some() && library.list("web.l").is_some());
    assert!(compile_with(&expression.text, BTreeMap::new(), &library).predicate.is_some());
    let old: Expression = serde_json::from_str(r#"{"text": "pid > 1"}"#).unwrap();
    assert_eq!(old, Expression::new("pid > 1"));
    assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"text":"pid > 1"}"#);
}

/// The names in the lines of the ledger.
fn lines(dirs: &Dirs) -> Vec<String> {
    let text = fs::read_to_string(dirs.ledger()).unwrap();
    let name = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["name"].as_str().unwrap().to_owned()
    };
    text.lines().map(name).collect()
}

#[test]
fn only_what_changed_is_written() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    let mut ledger = ledger(&dirs);
    let mut memory = memory(&["a", "b", "c", "d"]);
    ledger.remember(&memory).unwrap();
    assert_eq!(lines(&dirs), ["a", "b", "c", "d"]);
    memory.record_mut(&name("b")).unwrap().generation = 2;
    ledger.remember(&memory).unwrap();
    ledger.remember(&memory).unwrap();
    assert_eq!(lines(&dirs), ["a", "b", "c", "d", "b"]);
    for removed in ["a", "d"] {
        memory.services.remove(&name(removed));
    }
    memory.services.insert(name("bb"), record("bb").into());
    ledger.remember(&memory).unwrap();
    assert_eq!(lines(&dirs)[5..], ["bb", "a", "d"]);
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, memory);
}

#[test]
fn a_ledger_that_says_much_twice_is_written_anew() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    let mut ledger = ledger(&dirs);
    let mut memory = memory(&["a", "b"]);
    for generation in 1..2000 {
        memory.record_mut(&name("a")).unwrap().generation = generation;
        ledger.remember(&memory).unwrap();
    }
    assert!(fs::metadata(dirs.ledger()).unwrap().len() < 300 << 10);
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, memory);
}

#[test]
fn what_former_versions_wrote_is_read_and_then_gone() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    fs::create_dir(dirs.records()).unwrap();
    for service in ["a", "b"] {
        let json = serde_json::json!({"format": 1, "boot": boot(), "record": record(service)});
        fs::write(dirs.records().join(format!("{service}.json")), json.to_string()).unwrap();
    }
    fs::create_dir(dirs.starts()).unwrap();
    fs::write(dirs.starts().join("a.0.n1"), "77 990\n").unwrap();
    fs::write(dirs.starts().join("a.1.n2"), "").unwrap();
    let mut ledger = ledger(&dirs);
    let loaded = ledger.load(&boot()).unwrap();
    assert_eq!((&loaded.memory, loaded.problems.len()), (&memory(&["a", "b"]), 0));
    let ran = ProcessKey { boot: boot(), pid: Pid(77), start: StartTicks(990) };
    assert_eq!(ledger.read_slot(&boot(), &name("a"), 0, "n1"), IntentSeen::Ran(ran));
    assert_eq!(ledger.read_slot(&boot(), &name("a"), 1, "n2"), IntentSeen::NothingRan);
    assert_eq!(ledger.read_slot(&boot(), &name("a"), 2, "n3"), IntentSeen::NothingRan);
    let mut changed = loaded.memory;
    changed.services.remove(&name("a"));
    ledger.remember(&changed).unwrap();
    assert!(names(&dirs.records()).is_empty());
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, changed);
}

#[test]
fn records_of_another_boot_are_void() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    ledger(&dirs).remember(&memory(&["a"])).unwrap();
    let other = BootId("another-boot".into());
    let mut ledger = ledger(&dirs);
    let loaded = ledger.load(&other).unwrap();
    assert!(loaded.memory.services.is_empty() && loaded.problems.is_empty());
    ledger.remember(&loaded.memory).unwrap();
    assert_eq!(fs::read_to_string(dirs.ledger()).unwrap(), "");
}

#[test]
fn garbage_is_kept_aside_and_counts_as_lost() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    ledger(&dirs).remember(&memory(&["a"])).unwrap();
    let whole = fs::read(dirs.ledger()).unwrap();
    let record_is_wrong =
        br#"{"format":1,"boot":"this-boot","name":"a","record":{"generation":"x"}}"#.to_vec();
    let rows = [
        (Vec::new(), "a record"),
        (b"\0\0\0\0".to_vec(), "a record"),
        (whole[..whole.len() / 2].to_vec(), "a record"),
        (b"{\"format\":1}".to_vec(), "a record"),
        (record_is_wrong, "a: the record"),
    ];
    for (round, (line, of)) in rows.into_iter().enumerate() {
        ledger(&dirs).remember(&memory(&["a", "good"])).unwrap();
        let text = fs::read_to_string(dirs.ledger()).unwrap();
        let (a, good) = text.split_once('\n').unwrap();
        assert!(a.contains(r#""name":"a""#));
        // Of `a` only what is broken, or a good line that is older.
        let older = if of.starts_with("a:") { [a.as_bytes(), b"\n"].concat() } else { Vec::new() };
        fs::write(dirs.ledger(), [older, line, b"\n".to_vec(), good.as_bytes().to_vec()].concat()).unwrap();
        let mut ledger = ledger(&dirs);
        let loaded = ledger.load(&boot()).unwrap();
        assert_eq!(loaded.memory, memory(&["good"]));
        assert_eq!(loaded.problems.len(), 1);
        assert!(loaded.problems[0].starts_with(of), "{:?}", loaded.problems);
        assert!(dirs.run.join(format!("ledger.jsonl.broken-{}", round + 1)).exists());
        ledger.remember(&loaded.memory).unwrap();
        assert_eq!(peek(&dirs, &boot()).unwrap().problems.len(), 0);
    }
}

#[test]
fn a_newer_format_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    ledger(&dirs).remember(&memory(&["a"])).unwrap();
    let newer = "{\"format\": 2, \"boot\": \"this-boot\", \"something\": \"else\"}\n";
    let text = fs::read_to_string(dirs.ledger()).unwrap() + newer;
    fs::write(dirs.ledger(), &text).unwrap();
    let error = ledger(&dirs).load(&boot()).unwrap_err();
    assert!(matches!(error, LedgerError::Newer { format: 2, .. }), "{error}");
    assert_eq!(fs::read_to_string(dirs.ledger()).unwrap(), text, "it is left as it is");
}

#[test]
fn a_line_counts_when_it_has_an_end() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    let mut first = memory(&["a", "b"]);
    let mut ledger = ledger(&dirs);
    ledger.remember(&first).unwrap();
    let before = fs::read(dirs.ledger()).unwrap().len();
    let former = first.clone();
    first.record_mut(&name("a")).unwrap().generation = 7;
    ledger.remember(&first).unwrap();
    let whole = fs::read(dirs.ledger()).unwrap();
    for length in (before..whole.len()).step_by(7) {
        fs::write(dirs.ledger(), &whole[..length]).unwrap();
        let loaded = peek(&dirs, &boot()).unwrap();
        assert_eq!((&loaded.memory, loaded.problems.len()), (&former, 0), "{length}");
    }
    fs::write(dirs.ledger(), &whole).unwrap();
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, first);
}

#[test]
fn a_second_engine_is_told_who_holds_the_state() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    assert_eq!(holder(&dirs), None);
    let lock = StateLock::try_lock(&dirs).unwrap();
    let own = Pid(i32::try_from(std::process::id()).unwrap());
    assert!(matches!(StateLock::try_lock(&dirs), Err(LockError::HeldBy(pid)) if pid == own));
    assert_eq!(holder(&dirs), Some(own));
    let other = dirs.clone();
    let waiting = std::thread::spawn(move || StateLock::lock_timeout(&other, Duration::from_mins(1)).is_ok());
    drop(lock);
    assert!(waiting.join().unwrap());
}

#[test]
fn a_removed_state_directory_is_made_again() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    let mut ledger = ledger(&dirs);
    let memory = memory(&["a"]);
    ledger.remember(&memory).unwrap();
    fs::remove_dir_all(&dirs.run).unwrap();
    ledger.remember(&memory).unwrap();
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, memory);
    assert!(matches!(StateLock::try_lock(&dirs), Err(LockError::HeldBy(_))), "and it is locked again");
}

#[test]
fn slots_live_from_the_intent_to_the_record() {
    let base = tempfile::tempdir().unwrap();
    let dirs = dirs(base.path());
    let mut writer = ledger(&dirs);
    let mut memory = memory(&["a", "b"]);
    for service in ["a", "b"] {
        intended(&mut memory, service, "n1");
    }
    writer.remember(&memory).unwrap();
    let seen = |ledger: &mut Ledger, of: &str, nonce: &str| ledger.read_slot(&boot(), &name(of), 0, nonce);
    assert_eq!(seen(&mut writer, "a", "n1"), IntentSeen::NothingRan, "no slot yet");
    let mut slot = writer.create_slot(&name("a"), 0, "n1").unwrap();
    assert!(writer.create_slot(&name("a"), 0, "n1").is_err(), "a slot is used once");
    assert_eq!(seen(&mut writer, "a", "n1"), IntentSeen::NothingRan, "no child came so far");
    let mut other = writer.create_slot(&name("b"), 0, "n1").unwrap();
    slot.write_all(b"77 1234\n").unwrap();
    writer.remember(&memory).unwrap();
    let key = |pid| ProcessKey { boot: boot(), pid: Pid(pid), start: StartTicks(1234) };
    assert_eq!(seen(&mut writer, "a", "n1"), IntentSeen::Ran(key(77)));
    drop(writer);
    // The engine died; what children wrote is there for the next one.
    other.write_all(b"78 1234\n").unwrap();
    let mut writer = ledger(&dirs);
    assert_eq!(seen(&mut writer, "a", "n1"), IntentSeen::Ran(key(77)));
    assert_eq!(seen(&mut writer, "b", "n1"), IntentSeen::Ran(key(78)));
    memory.record_mut(&name("a")).unwrap().instances.clear();
    writer.remember(&memory).unwrap();
    assert_eq!(seen(&mut writer, "a", "n1"), IntentSeen::NothingRan, "the record says what came of it");
    intended(&mut memory, "a", "n2");
    writer.remember(&memory).unwrap();
    drop(writer.create_slot(&name("a"), 0, "n2").unwrap());
    assert_eq!(
        seen(&mut writer, "a", "n2"),
        IntentSeen::NothingRan,
        "the place of a former start has no key"
    );
    assert_eq!(seen(&mut writer, "b", "n1"), IntentSeen::Ran(key(78)));
    assert_eq!(fs::metadata(dirs.slots()).unwrap().len(), 512, "and is used again");
    assert!(writer.create_slot(&name("a"), 0, &"n".repeat(300)).is_err(), "it has no room");
}

#[test]
fn planted_directories_are_refused() {
    let base = tempfile::tempdir().unwrap();
    let refused = |part: &str| {
        let surroundings = Surroundings { explicit: Some(base.path().to_owned()), ..Surroundings::default() };
        let error = Dirs::locate(&surroundings).unwrap().ensure().unwrap_err();
        assert!(error.contains(part), "{error}");
    };
    let run = base.path().join("run");
    symlink("/tmp", &run).unwrap();
    refused("symbolic link");
    fs::remove_file(&run).unwrap();
    fs::write(&run, "").unwrap();
    refused("not a directory");
    fs::remove_file(&run).unwrap();
    fs::create_dir(&run).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o777)).unwrap();
    refused("written by others");
    if !needs_root("planted_directories_are_refused, with a foreign owner") {
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        nix::unistd::chown(&run, Some(4321.into()), None).unwrap();
        refused("belongs to user 4321");
    }
}

/// A small file system of its own, unmounted at the end.
struct Small(tempfile::TempDir);

impl Small {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let flags = nix::mount::MsFlags::empty();
        let options = Some("size=256k,mode=755");
        match nix::mount::mount(Some("selfsame-test"), dir.path(), Some("tmpfs"), flags, options) {
            Ok(()) => Some(Self(dir)),
            Err(errno) => {
                eprintln!("skipped: no tmpfs can be mounted here ({errno})");
                None
            }
        }
    }

    /// Covers it with a read-only view of itself (a remount is refused while the lock is open for writing).
    fn cover(&self) {
        use nix::mount::{MsFlags, mount};
        let path = self.0.path();
        mount(Some(path), path, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(None::<&str>, path, None::<&str>, flags, None::<&str>).unwrap();
    }

    fn uncover(&self) {
        // Detached: what a child of another test holds until its exec would keep it busy.
        nix::mount::umount2(self.0.path(), nix::mount::MntFlags::MNT_DETACH).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        while nix::mount::umount2(self.0.path(), nix::mount::MntFlags::MNT_DETACH).is_ok() {}
    }
}

#[test]
fn a_full_or_read_only_disk_is_an_error_and_the_old_record_stays() {
    if needs_root("a_full_or_read_only_disk_is_an_error_and_the_old_record_stays") {
        return;
    }
    let Some(small) = Small::new() else { return };
    let dirs = dirs(small.0.path());
    let mut ledger = ledger(&dirs);
    let mut memory = memory(&["a"]);
    ledger.remember(&memory).unwrap();
    let before = memory.clone();

    let filler = small.0.path().join("filler");
    let _ = fs::write(&filler, vec![0; 1 << 20]);
    // More than the file has room for.
    std::sync::Arc::make_mut(&mut memory.record_mut(&name("a")).unwrap().spec).args =
        vec!["x".repeat(100_000)];
    let error = ledger.remember(&memory).unwrap_err();
    assert!(error.contains("ENOSPC"), "{error}");
    assert!(peek(&dirs, &boot()).unwrap().problems.is_empty());
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, before);
    // Emptied first: somebody else may have it open, as above.
    fs::File::create(&filler).unwrap();
    fs::remove_file(&filler).unwrap();
    ledger.remember(&memory).unwrap();
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, memory);

    // Stops have room of their own, also for an engine that finds the disk full.
    std::sync::Arc::make_mut(&mut memory.record_mut(&name("a")).unwrap().spec).args = Vec::new();
    ledger.remember(&memory).unwrap();
    let _ = fs::write(&filler, vec![0; 1 << 20]);
    let more = (1..1000).find_map(|generation| {
        memory.record_mut(&name("a")).unwrap().generation = generation;
        ledger.remember(&memory).err()
    });
    assert!(more.unwrap().contains("ENOSPC"));
    let stops = BTreeSet::from([name("a")]);
    assert_eq!(ledger.remember_stops(&memory, &stops), Ok(BTreeSet::new()));
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, memory);
    drop(ledger);
    let mut ledger = self::ledger(&dirs);
    assert_eq!(ledger.load(&boot()).unwrap().memory, memory);
    memory.record_mut(&name("a")).unwrap().generation = 1;
    assert!(ledger.remember(&memory).unwrap_err().contains("ENOSPC"));
    assert_eq!(ledger.remember_stops(&memory, &stops), Ok(BTreeSet::new()));
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, memory);
    fs::File::create(&filler).unwrap();
    fs::remove_file(&filler).unwrap();
    ledger.remember(&memory).unwrap();

    small.cover();
    assert!(ledger.create_slot(&name("a"), 0, "n").is_err());
    drop(ledger);
    let before = memory.clone();
    memory.record_mut(&name("a")).unwrap().generation = 3;
    let lock = StateLock::try_lock(&dirs);
    assert!(lock.is_err(), "{lock:?}");
    small.uncover();
    assert_eq!(peek(&dirs, &boot()).unwrap().memory, before);
}
