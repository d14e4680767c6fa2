//! The directory of documents, and what people, tools and machines do to it: none of that is a wish to stop anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::checker::{Key, look};
use super::fury::Chance;

/// Waits in itself, on a FIFO that nobody writes to.
const PROGRAM: &str = "#!/bin/sh\nexec 3<> '%DIR%/never'\nwhile :; do read x <&3; done\n";

/// What is done to the directory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Deed {
    Edit,
    Garbage,
    Truncate,
    CutAtADocument,
    SlowWriter,
    DeleteAndBringBack,
    RenameFile,
    Duplicate,
    RenameDirectory,
    SwapLink,
    MountOver,
    MountOverLong,
    Flood,
    EveryFile,
    Foreign,
    Pipe,
}

const DEEDS: [Deed; 16] = [
    Deed::Edit,
    Deed::Garbage,
    Deed::Truncate,
    Deed::CutAtADocument,
    Deed::SlowWriter,
    Deed::DeleteAndBringBack,
    Deed::RenameFile,
    Deed::Duplicate,
    Deed::RenameDirectory,
    Deed::SwapLink,
    Deed::MountOver,
    Deed::MountOverLong,
    Deed::Flood,
    Deed::EveryFile,
    Deed::Foreign,
    Deed::Pipe,
];

/// The files: some for services that run, the others for services that are declared as stopped.
pub(crate) struct Deck {
    dir: tempfile::TempDir,
    engine: Option<Child>,
    running: usize,
    files: usize,
    edits: u64,
    done: BTreeMap<Deed, u32>,
}

impl Deck {
    fn new(running: usize, files: usize) -> Self {
        let dir = tempfile::Builder::new().prefix("deck-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let deck = Self { dir, engine: None, running, files, edits: 0, done: BTreeMap::new() };
        fs::create_dir(deck.path("set-0")).unwrap();
        symlink("set-0", deck.path("specs")).unwrap();
        assert!(Command::new("mkfifo").arg(deck.path("never")).status().unwrap().success());
        let program = PROGRAM.replace("%DIR%", &deck.dir.path().to_string_lossy());
        fs::write(deck.path("program.new"), program).unwrap();
        let shell =
            format!("cd '{}' && cat program.new > program && chmod 755 program", deck.dir.path().display());
        assert!(Command::new("/bin/sh").args(["-c", &shell]).status().unwrap().success());
        (0..files).for_each(|index| deck.put(index, &deck.text(index, 0)));
        deck
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn name(index: usize) -> String {
        format!("s{index:03}")
    }

    fn file(&self, index: usize) -> PathBuf {
        self.path("specs").join(format!("{}.yaml", Self::name(index)))
    }

    /// A document of which `version` is a field that touches no process.
    fn text(&self, index: usize, version: u64) -> String {
        let state = if index < self.running { "running" } else { "stopped" };
        let name = Self::name(index);
        format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata:\n  name: {name}\n  annotations: {{version: \"{version}\"}}\nspec:\n  \
             state: {state}\n  startas: {}\n  args: [{name}]\n  env: {{NEMESIS: {name}}}\n  readiness: {{aliveFor: 50ms}}\n",
            self.path("program").display()
        )
    }

    /// As careful tools write.
    fn put(&self, index: usize, text: &str) {
        let temporary = self.path("specs").join(format!(".{}.new", Self::name(index)));
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, self.file(index)).unwrap();
    }

    fn start(&mut self, more: &[&str]) {
        let log = fs::File::options().create(true).append(true).open(self.path("watch.log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_selfsame"))
            .args(["watch", "specs", "--resync", "2s"])
            .args(more)
            .current_dir(self.dir.path())
            .env("SELFSAME_STATE_DIR", self.path("state"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.engine = Some(child);
    }

    fn text_of(&mut self, index: usize) -> String {
        self.edits += 1;
        self.text(index, self.edits)
    }

    fn any(&self, chance: &mut Chance) -> usize {
        usize::try_from(chance.below(self.files as u64)).unwrap()
    }

    /// One deed, and what makes it good again where that belongs to it. Absence lasts less than the prune delay, or is an
    /// absence of the whole.
    fn do_one(&mut self, deed: Deed, chance: &mut Chance) {
        let index = self.any(chance);
        let file = self.file(index);
        let rest = Duration::from_millis(50 + chance.below(2500));
        *self.done.entry(deed).or_default() += 1;
        match deed {
            Deed::Edit => {
                let text = self.text_of(index);
                self.put(index, &text);
            }
            Deed::Garbage => {
                self.put(index, "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: [\n");
                std::thread::sleep(rest);
                let text = self.text_of(index);
                self.put(index, &text);
            }
            Deed::Truncate => {
                fs::write(&file, "").unwrap();
                std::thread::sleep(rest * 3);
                fs::write(&file, self.text_of(index)).unwrap();
            }
            Deed::CutAtADocument => {
                let other = (index + 1) % self.files;
                let (own, more) = (self.text_of(index), self.text_of(other));
                fs::remove_file(self.file(other)).unwrap();
                fs::write(&file, format!("{own}---\n{more}")).unwrap();
                std::thread::sleep(rest);
                // Valid, and half of it gone.
                fs::write(&file, format!("{own}---\n")).unwrap();
                std::thread::sleep(rest);
                self.put(other, &more);
                self.put(index, &own);
            }
            Deed::SlowWriter => self.write_slowly(index),
            Deed::DeleteAndBringBack => {
                let victims: BTreeSet<usize> = (0..20).map(|_| self.any(chance)).collect();
                for index in &victims {
                    fs::remove_file(self.file(*index)).unwrap();
                }
                std::thread::sleep(rest);
                for index in victims {
                    let text = self.text_of(index);
                    self.put(index, &text);
                }
            }
            Deed::RenameFile => {
                let elsewhere = self.path("specs").join(format!("renamed-{index}.yaml"));
                fs::rename(&file, &elsewhere).unwrap();
                std::thread::sleep(rest);
                fs::rename(&elsewhere, &file).unwrap();
            }
            Deed::Duplicate => {
                let second = self.path("specs").join("a-second.yaml");
                let text = self.text_of(index).replace("state: running", "state: stopped");
                fs::write(&second, text).unwrap();
                std::thread::sleep(rest);
                fs::remove_file(second).unwrap();
            }
            Deed::RenameDirectory => self.rename_directory(rest),
            Deed::SwapLink => self.swap_link(chance),
            Deed::MountOver => self.mount_over(rest),
            Deed::MountOverLong => self.mount_over(Duration::from_secs(12)),
            Deed::Flood => self.flood(),
            Deed::EveryFile => {
                for index in 0..self.files {
                    let text = self.text_of(index);
                    self.put(index, &text);
                }
            }
            Deed::Foreign => {
                std::os::unix::fs::chown(&file, Some(65534), None).unwrap();
                std::thread::sleep(rest);
                std::os::unix::fs::chown(&file, Some(0), None).unwrap();
            }
            Deed::Pipe => {
                let kept = fs::read(&file).unwrap();
                fs::remove_file(&file).unwrap();
                assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
                std::thread::sleep(rest);
                fs::remove_file(&file).unwrap();
                self.put(index, &String::from_utf8(kept).unwrap());
            }
        }
    }

    fn write_slowly(&mut self, index: usize) {
        use std::io::Write as _;
        let text = self.text_of(index);
        let mut file = fs::File::create(self.file(index)).unwrap();
        for piece in text.as_bytes().chunks(8) {
            file.write_all(piece).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn target(&self) -> PathBuf {
        self.path(&fs::read_link(self.path("specs")).unwrap().to_string_lossy())
    }

    /// The directory is gone, an empty one is in its place, and it comes back.
    fn rename_directory(&self, rest: Duration) {
        let (target, away) = (self.target(), self.path("away"));
        fs::rename(&target, &away).unwrap();
        std::thread::sleep(rest);
        fs::create_dir(&target).unwrap();
        std::thread::sleep(rest);
        fs::remove_dir(&target).unwrap();
        fs::rename(&away, &target).unwrap();
    }

    /// As deployments do: a new set beside the old one, and a link that is turned.
    fn swap_link(&mut self, chance: &mut Chance) {
        let old = self.target();
        self.edits += 1;
        let new = self.path(&format!("set-{}", self.edits));
        assert!(Command::new("cp").arg("-a").args([&old, &new]).status().unwrap().success());
        let changed = self.any(chance);
        fs::write(new.join(format!("{}.yaml", Self::name(changed))), self.text(changed, self.edits)).unwrap();
        symlink(new.file_name().unwrap(), self.path("specs.new")).unwrap();
        fs::rename(self.path("specs.new"), self.path("specs")).unwrap();
        fs::remove_dir_all(old).unwrap();
    }

    fn mount_over(&self, rest: Duration) {
        let target = self.target();
        assert!(Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&target).status().unwrap().success());
        std::thread::sleep(rest);
        assert!(Command::new("umount").arg("-l").arg(&target).status().unwrap().success());
    }

    /// More events than the queue holds.
    fn flood(&self) {
        let path = self.path("specs").join(".flood");
        for _ in 0..20_000 {
            fs::write(&path, "x").unwrap();
        }
        fs::remove_file(path).unwrap();
    }

    fn status(&self) -> serde_json::Value {
        let output = Command::new(env!("CARGO_BIN_EXE_selfsame"))
            .args(["status", "--output", "json"])
            .env("SELFSAME_STATE_DIR", self.path("state"))
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.path("watch.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Deck {
    fn drop(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            let _ = engine.kill();
            let _ = engine.wait();
        }
    }
}

/// One living process of each, or `None`.
fn one_each(running: usize) -> Option<BTreeMap<String, Key>> {
    let found = look();
    let single =
        found.into_iter().map(|(name, keys)| Some((name, *keys.first().filter(|_| keys.len() == 1)?)));
    let single: BTreeMap<String, Key> = single.collect::<Option<_>>()?;
    (single.len() == running).then_some(single)
}

fn until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = ask() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Who lives no more, or as another process.
fn changed(before: &BTreeMap<String, Key>) -> Vec<String> {
    let now = look();
    let same =
        |name: &String, key: &Key| now.get(name).is_some_and(|keys| keys.len() == 1 && keys.contains(key));
    before
        .iter()
        .filter(|(name, key)| !same(name, key))
        .map(|(name, key)| format!("{name} was {key:?} and is {:?}", now.get(name)))
        .collect()
}

/// Rages for that long, on a watch with `more` arguments; violations, and what was done.
pub(crate) fn shuffle(running: usize, files: usize, time: Duration, more: &[&str]) -> (Vec<String>, String) {
    let mut deck = Deck::new(running, files);
    deck.start(more);
    let before =
        until(Duration::from_mins(1), || one_each(running)).unwrap_or_else(|| panic!("{}", deck.log()));
    let seed = std::env::var("NEMESIS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(23);
    println!("NEMESIS_SEED={seed}");
    let mut chance = Chance(seed);
    let (began, mut violations) = (Instant::now(), Vec::new());
    // Each deed once before chance rules, so that a short run leaves none out.
    let mut first = DEEDS.iter().copied();
    while began.elapsed() < time && violations.is_empty() {
        let deed =
            first.next().unwrap_or_else(|| DEEDS[usize::try_from(chance.below(DEEDS.len() as u64)).unwrap()]);
        deck.do_one(deed, &mut chance);
        std::thread::sleep(Duration::from_millis(chance.below(400)));
        violations.extend(changed(&before).into_iter().map(|text| format!("after {deed:?}: {text}")));
        if let Some(status) = deck.engine.as_mut().and_then(|engine| engine.try_wait().unwrap()) {
            violations.push(format!("the engine ended by itself: {status}"));
        }
    }
    if violations.is_empty() {
        violations.extend(still_hears(&mut deck, &before));
    }
    if !violations.is_empty() {
        println!("{}", deck.log());
    }
    (violations, format!("{:?} in {:?}", deck.done, began.elapsed()))
}

/// After all that it isn't deaf: one that was stopped is wanted, and starts; one whose file goes away, stops.
fn still_hears(deck: &mut Deck, before: &BTreeMap<String, Key>) -> Vec<String> {
    let last = deck.files - 1;
    let text = deck.text_of(last).replace("state: stopped", "state: running");
    deck.put(last, &text);
    let name = Deck::name(last);
    let came = until(Duration::from_secs(20), || look().contains_key(&name).then_some(()));
    fs::remove_file(deck.file(0)).unwrap();
    let gone = Deck::name(0);
    let went = until(Duration::from_secs(40), || (!look().contains_key(&gone)).then_some(()));
    let mut wrong = Vec::new();
    if came.is_none() {
        wrong.push(format!("{name} is wanted and wasn't started; status: {}", deck.status()));
    }
    if went.is_none() {
        wrong.push(format!("{gone} has no document any more and wasn't stopped; status: {}", deck.status()));
    }
    let others: BTreeMap<String, Key> =
        before.iter().filter(|(name, _)| **name != gone).map(|(name, key)| (name.clone(), *key)).collect();
    wrong.extend(changed(&others));
    wrong
}
