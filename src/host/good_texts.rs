//! The last good text of each spec file, so that a file which is broken when the engine starts still counts as it last did:
//! `lib/good.jsonl`, one line a text, the last one of a file counts.
//!
//! Written after the fact and not synced: what is lost with the power is found again in the files themselves, unless they
//! were broken in the same moment.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use serde::{Deserialize, Serialize};

use super::atomic;
use super::errno::io_text;
use super::spawn::to_stay;
use super::state_dir::Dirs;
use crate::diagnostic::Source;

const FORMAT: u64 = 1;
const BYTES_MAX: u64 = 256 << 20;
const MODE: u32 = 0o600;
/// So many lines may be out of date before all are written anew.
const STALE_MAX: usize = 1000;
/// From so many bytes on they are written anew wherever some are out of date: a file that is too large can't be read.
const BYTES_MANY: u64 = BYTES_MAX / 2;

/// The text of a file when it last counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoodText {
    /// The form of the line.
    format: u64,
    /// What relative paths in it mean.
    pub directory: Arc<Path>,
    /// SHA-256 in hexadecimal.
    pub digest: Arc<str>,
    /// Others may use what it defines.
    pub defines: bool,
    /// The text, shared with whoever loaded it.
    pub source: Arc<Source>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    format: u64,
    /// Where the file is, absolute.
    file: Cow<'a, str>,
    directory: Cow<'a, Path>,
    digest: Cow<'a, str>,
    defines: bool,
    text: Cow<'a, str>,
}

impl GoodText {
    /// The text of a file that counts now.
    pub fn new(directory: Arc<Path>, digest: Arc<str>, defines: bool, source: Arc<Source>) -> Self {
        Self { format: FORMAT, directory, digest, defines, source }
    }

    /// Whether both have the same text, by its digest, and mean the same by it.
    fn says_the_same(&self, other: &Self) -> bool {
        (self.format, &self.directory, &self.digest, self.defines)
            == (other.format, &other.directory, &other.digest, other.defines)
    }
}

impl From<Line<'_>> for GoodText {
    fn from(line: Line<'_>) -> Self {
        Self {
            format: line.format,
            directory: line.directory.as_ref().into(),
            digest: line.digest.as_ref().into(),
            defines: line.defines,
            source: Source::new(line.file, line.text),
        }
    }
}

/// What the file says.
#[derive(Debug, Default)]
struct Written {
    known: BTreeMap<String, GoodText>,
    /// Lines in the file, those that don't count any more included.
    lines: usize,
    /// The file does not end with a whole line.
    torn: bool,
}

/// What is done with the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Work {
    /// It is read when it is asked for: another engine may hold the state.
    #[default]
    Look,
    /// It is read, and what is new comes behind that.
    Begin,
    /// What stands in it is this one's to go on with.
    GoOn,
    /// A newer version wrote it: it stays as it is.
    Leave,
}

/// All of them.
#[derive(Debug, Default)]
pub struct GoodTexts {
    /// The file.
    path: Option<PathBuf>,
    work: Work,
    /// For whoever keeps more, it is read beside the loading of documents, which takes as long.
    reading: Option<JoinHandle<Written>>,
    /// What it says, until the first look of whoever keeps more. Who only looks reads it when it is asked for: hardly ever is a file broken.
    written: Option<Written>,
    /// What looks of this process gave, by their files.
    known: BTreeMap<String, GoodText>,
    /// What others were asked for, by theirs.
    asked: BTreeMap<String, Option<GoodText>>,
    lines: usize,
    torn: bool,
    /// So many files have a text there that no look gave. These stay there: they are mostly of places that were kept once.
    elsewhere: usize,
    /// The most that one look gave.
    given: usize,
    /// It was asked whether files are gone.
    swept: bool,
}

impl GoodTexts {
    /// What was kept, for whoever holds the state and keeps more.
    pub fn open(dirs: &Dirs) -> Self {
        let path = dirs.good_texts();
        let of = path.clone();
        let read = move || Written::read(&of).unwrap_or_default();
        let reading = thread::Builder::new().name("texts".into()).spawn(read).ok();
        Self { path: Some(path), work: Work::Begin, reading, ..Self::default() }
    }

    /// What was kept, for whoever only looks.
    pub fn look(dirs: &Dirs) -> Self {
        Self { path: Some(dirs.good_texts()), ..Self::default() }
    }

    /// Finds the last good texts of these files, for [`Self::get`]. Those that no look gave are read, once for all of them.
    pub fn ask(&mut self, files: impl IntoIterator<Item = String>) {
        let is_new = |file: &String| !self.known.contains_key(file) && !self.asked.contains_key(file);
        let files: Vec<String> = files.into_iter().filter(is_new).collect();
        if files.is_empty() || (self.is_taken() && self.elsewhere == 0) {
            return;
        }
        let again = self.is_taken().then(|| self.read());
        let written = again.as_ref().unwrap_or_else(|| self.written());
        let found: Vec<_> = files.into_iter().map(|file| (written.known.get(&file).cloned(), file)).collect();
        self.asked.extend(found.into_iter().map(|(text, file)| (file, text)));
    }

    /// What others than these files were asked for isn't needed any more.
    pub fn forget_all_but(&mut self, files: &BTreeSet<String>) {
        self.asked.retain(|file, _| files.contains(file));
    }

    /// The last good text of a file that a look gave, or that it was asked for.
    pub fn get(&self, file: &str) -> Option<&GoodText> {
        let text = self.known.get(file).or_else(|| self.asked.get(file)?.as_ref());
        text.filter(|text| text.format <= FORMAT)
    }

    fn written(&mut self) -> &Written {
        let reading = self.reading.take();
        let path = &self.path;
        self.written.get_or_insert_with(|| match reading {
            Some(reading) => reading.join().unwrap_or_default(),
            None => path.as_deref().and_then(|path| Written::read(path).ok()).unwrap_or_default(),
        })
    }

    /// As it is by now.
    fn read(&self) -> Written {
        self.path.as_deref().and_then(|path| Written::read(path).ok()).unwrap_or_default()
    }

    /// What stands in the file is this one's to go on with, unless a newer version wrote it: it is given once.
    fn take_in(&mut self) -> BTreeMap<String, GoodText> {
        if self.work != Work::Begin {
            return BTreeMap::new();
        }
        let _ = self.written();
        let Written { known, lines, torn } = self.written.take().unwrap_or_default();
        let is_newer = known.values().any(|text| text.format > FORMAT);
        self.work = if is_newer { Work::Leave } else { Work::GoOn };
        (self.lines, self.torn, self.elsewhere) = (lines, torn, known.len());
        known
    }

    /// What it says isn't at hand any more.
    fn is_taken(&self) -> bool {
        matches!(self.work, Work::GoOn | Work::Leave)
    }

    /// Keeps these, by their files, from now on. What is kept already costs nothing.
    ///
    /// # Errors
    /// A sentence; it is kept in memory only.
    pub fn keep(&mut self, texts: impl IntoIterator<Item = (String, GoodText)>) -> Result<(), String> {
        let mut former = self.take_in();
        let writes = self.work == Work::GoOn;
        let (mut lines, mut given, mut trouble) = (Vec::new(), 0, None);
        for (file, text) in texts {
            given += 1;
            let of_file = former.remove(&file).or(self.asked.remove(&file).flatten());
            self.elsewhere = self.elsewhere.saturating_sub(usize::from(of_file.is_some()));
            let before = self.known.get(&file).or(of_file.as_ref());
            if writes && !before.is_some_and(|before| before.says_the_same(&text)) {
                match push_line(&mut lines, &file, &text) {
                    Ok(()) => self.lines += 1,
                    Err(reason) => trouble = Some(reason),
                }
            }
            // Also where it says the same: it is the text that others have as well.
            self.known.insert(file, text);
        }
        drop(former);
        if writes && given > self.known.len() / 2 {
            // A map that is made at once has no empty places in it.
            let copy = || self.known.iter().map(|(file, text)| (file.clone(), text.clone())).collect();
            self.known = to_stay(given, copy);
        }
        let many_gone = writes && self.many_are_gone();
        self.given = self.given.max(given);
        if let Some(path) = self.path.clone().filter(|_| writes && (many_gone || !lines.is_empty())) {
            let written = self.write(&path, &lines, many_gone);
            let said =
                |error: io::Error| format!("`{}` can't be written: {}", path.display(), io_text(&error));
            trouble = written.err().map(said).or(trouble);
        }
        trouble.map_or(Ok(()), Err)
    }

    /// Puts these lines behind the others, or writes all anew.
    fn write(&mut self, path: &Path, lines: &[u8], many_gone: bool) -> io::Result<()> {
        let stale = self.lines.saturating_sub(self.known.len() + self.elsewhere);
        let is_large = || std::fs::symlink_metadata(path).is_ok_and(|meta| meta.len() > BYTES_MANY);
        if self.torn || many_gone || stale > STALE_MAX || (stale > 0 && is_large()) {
            match Written::read(path) {
                Ok(written) => return self.write_all(path, written.known),
                Err(error) if !may_be_read_later(&error) => return self.write_all(path, BTreeMap::new()),
                // The others would be lost.
                Err(_) => {}
            }
        }
        append(path, lines)
    }

    /// Whether the texts are mostly those of files that are gone: of places that were kept once, and cost every start since. Asked
    /// once, only where there are far more than looks give, and not by the first look, which starts wait for.
    fn many_are_gone(&mut self) -> bool {
        if self.swept || self.given == 0 || self.elsewhere <= STALE_MAX + self.given {
            return false;
        }
        self.swept = true;
        self.read().known.keys().filter(|file| is_gone(file)).count() > STALE_MAX
    }

    /// These, and what looks gave.
    fn write_all(&mut self, path: &Path, mut all: BTreeMap<String, GoodText>) -> io::Result<()> {
        all.extend(self.known.iter().map(|(file, text)| (file.clone(), text.clone())));
        // Where there is no file any more, nobody can break it.
        all.retain(|file, _| !is_gone(file));
        let mut lines = Vec::new();
        for (file, text) in &all {
            // One that can't be written isn't there.
            let _ = push_line(&mut lines, file, text);
        }
        atomic::write(path, &lines, MODE)?;
        self.known.retain(|file, _| all.contains_key(file));
        self.elsewhere = all.len().saturating_sub(self.known.len());
        self.lines = all.len();
        self.torn = false;
        Ok(())
    }
}

impl Written {
    /// Without it, a broken file is unknown: nothing is done about its objects.
    fn read(path: &Path) -> io::Result<Self> {
        let own = rustix::process::geteuid().as_raw();
        let bytes = match atomic::read(path, &[0, own], BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            bytes => bytes?,
        };
        let mut written = Self { torn: bytes.last().is_some_and(|last| *last != b'\n'), ..Self::default() };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            written.lines += 1;
            if let Ok(line) = serde_json::from_slice::<Line<'_>>(line) {
                written.known.insert(line.file.clone().into_owned(), line.into());
            }
        }
        Ok(written)
    }
}

/// Something else is wrong than with the file: there are too many open ones, the disk doesn't answer.
fn may_be_read_later(error: &io::Error) -> bool {
    let of_file = [libc::EFBIG, libc::EINVAL, libc::ELOOP];
    error.raw_os_error().is_some_and(|errno| !of_file.contains(&errno))
}

fn is_gone(file: &str) -> bool {
    std::fs::symlink_metadata(file).is_err()
}

fn push_line(lines: &mut Vec<u8>, file: &str, text: &GoodText) -> Result<(), String> {
    let line = Line {
        format: text.format,
        file: file.into(),
        directory: text.directory.as_ref().into(),
        digest: text.digest.as_ref().into(),
        defines: text.defines,
        text: (&*text.source.text).into(),
    };
    let begin = lines.len();
    if let Err(error) = serde_json::to_writer(&mut *lines, &line) {
        lines.truncate(begin);
        return Err(format!("the text of `{file}` can't be kept: {error}"));
    }
    lines.push(b'\n');
    Ok(())
}

fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = OpenOptions::new().append(true).create(true).mode(MODE).custom_flags(flags).open(path)?;
    file.write_all(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn text(file: &str, text: &str) -> (String, GoodText) {
        let source = Source::new(file, text);
        (file.to_owned(), GoodText::new(Path::new("/d").into(), text.into(), false, source))
    }

    fn asked(texts: &mut GoodTexts, file: &str) -> Option<GoodText> {
        texts.ask([file.to_owned()]);
        texts.get(file).cloned()
    }

    #[test]
    fn the_last_text_counts_also_behind_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        let here = dirs.lib.join("a.yaml");
        std::fs::write(&here, "").unwrap();
        let file = here.to_string_lossy().into_owned();
        let mut texts = GoodTexts::open(&dirs);
        assert_eq!(asked(&mut texts, &file), None);
        texts.keep([text(&file, "one")]).unwrap();
        texts.keep([text(&file, "two")]).unwrap();
        let size = std::fs::metadata(dirs.good_texts()).unwrap().len();
        texts.keep([text(&file, "two")]).unwrap();
        assert_eq!(std::fs::metadata(dirs.good_texts()).unwrap().len(), size, "nothing new");
        append(&dirs.good_texts(), b"{\"file\": \"/b").unwrap();
        let mut texts = GoodTexts::open(&dirs);
        assert_eq!(asked(&mut texts, &file), Some(text(&file, "two").1));
        texts.keep([text("/gone", "x"), text(&file, "three")]).unwrap();
        let mut texts = GoodTexts::look(&dirs);
        assert_eq!(asked(&mut texts, &file), Some(text(&file, "three").1));
        assert_eq!(asked(&mut texts, "/gone"), None);
    }

    #[test]
    fn texts_of_places_that_are_gone_are_dropped_some_day() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        let here = dirs.lib.join("a.yaml");
        std::fs::write(&here, "").unwrap();
        let file = here.to_string_lossy().into_owned();
        let former = |count: usize| (0..count).map(|n| text(&format!("/gone/{n}.yaml"), "x"));
        GoodTexts::open(&dirs).keep(former(2 * STALE_MAX).chain([text(&file, "one")])).unwrap();
        let lines = || std::fs::read_to_string(dirs.good_texts()).unwrap().lines().count();
        assert_eq!(lines(), 2 * STALE_MAX + 1);
        let mut texts = GoodTexts::open(&dirs);
        texts.keep([text(&file, "one")]).unwrap();
        assert_eq!(lines(), 2 * STALE_MAX + 1, "starts wait for the first look");
        texts.keep([]).unwrap();
        assert_eq!((lines(), texts.get(&file).is_some(), asked(&mut texts, "/gone/7.yaml")), (1, true, None));
        texts.keep(former(3)).unwrap();
        assert_eq!(lines(), 4, "a few cost nothing");
    }

    #[test]
    fn texts_that_no_look_gave_stay_in_the_file_and_are_found_there() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        let place = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        let (here, there) = (place("here.yaml"), place("there.yaml"));
        std::fs::write(&here, "").unwrap();
        std::fs::write(&there, "").unwrap();
        GoodTexts::open(&dirs).keep([text(&here, "one"), text(&there, "two")]).unwrap();
        let mut texts = GoodTexts::open(&dirs);
        texts.keep([text(&here, "one")]).unwrap();
        assert_eq!((texts.known.len(), texts.elsewhere, texts.written.is_none()), (1, 1, true));
        assert_eq!(asked(&mut texts, &there), Some(text(&there, "two").1));
        assert_eq!(asked(&mut texts, "/never"), None);
        // Written anew, it has them all the same.
        texts.torn = true;
        texts.keep([text(&here, "three")]).unwrap();
        let mut texts = GoodTexts::look(&dirs);
        assert_eq!(asked(&mut texts, &here), Some(text(&here, "three").1));
        assert_eq!(asked(&mut texts, &there), Some(text(&there, "two").1));
    }

    #[test]
    fn a_text_that_cannot_be_written_costs_no_other_one() {
        use std::os::unix::ffi::OsStrExt as _;

        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        GoodTexts::open(&dirs).keep([text("/there", "one")]).unwrap();
        let mut texts = GoodTexts::open(&dirs);
        let (file, other) = text("/odd", "x");
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/d\xff"));
        let reason = texts.keep([(file, GoodText { directory: odd.into(), ..other }), text("/here", "two")]);
        assert!(reason.unwrap_err().starts_with("the text of `/odd` can't be kept: "));
        assert_eq!(asked(&mut texts, "/there"), Some(text("/there", "one").1));
        let mut texts = GoodTexts::look(&dirs);
        assert_eq!(asked(&mut texts, "/here"), Some(text("/here", "two").1));
        assert_eq!(asked(&mut texts, "/odd"), None);
    }

    #[test]
    fn a_text_that_was_asked_for_is_not_written_again_when_a_look_gives_it() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        GoodTexts::open(&dirs).keep([text("/a", "one"), text("/b", "two")]).unwrap();
        let before = std::fs::read(dirs.good_texts()).unwrap();
        let mut texts = GoodTexts::open(&dirs);
        texts.keep([text("/a", "one")]).unwrap();
        assert!(asked(&mut texts, "/b").is_some());
        texts.keep([text("/b", "two")]).unwrap();
        assert_eq!((texts.elsewhere, std::fs::read(dirs.good_texts()).unwrap() == before), (0, true));
    }

    #[test]
    fn what_cannot_be_read_now_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        let errors = [libc::EMFILE, libc::EIO, libc::EFBIG, libc::ELOOP].map(io::Error::from_raw_os_error);
        assert_eq!(errors.map(|error| may_be_read_later(&error)), [true, true, false, false]);
        // Somebody else's file, or none at all.
        std::os::unix::fs::symlink("/nowhere", dirs.good_texts()).unwrap();
        let mut texts = GoodTexts::open(&dirs);
        texts.torn = true;
        texts.keep([]).unwrap();
        texts.torn = true;
        texts.keep([text("/gone", "x")]).unwrap();
        assert_eq!(std::fs::read(dirs.good_texts()).unwrap(), b"");
    }

    #[test]
    fn who_only_looks_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        let mut texts = GoodTexts::look(&dirs);
        texts.keep([text("/a", "one")]).unwrap();
        assert!(texts.get("/a").is_some() && !dirs.good_texts().exists());
    }
}
