//! The last good text of each spec file, so that a file which is broken when the engine starts still counts as it last did:
//! `lib/good.jsonl`, one line a text, the last one of a file counts.
//!
//! Written after the fact and not synced: what is lost with the power is found again in the files themselves, unless they
//! were broken in the same moment.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::atomic;
use super::errno::io_text;
use super::state_dir::Dirs;

const FORMAT: u64 = 1;
const BYTES_MAX: u64 = 256 << 20;
const MODE: u32 = 0o600;
/// So many lines may be out of date before all are written anew.
const STALE_MAX: usize = 1000;

/// The text of a file when it last counted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoodText {
    /// The form of the line.
    format: u64,
    /// Where the file is, absolute.
    pub file: String,
    /// What relative paths in it mean.
    pub directory: PathBuf,
    /// SHA-256 in hexadecimal.
    pub digest: String,
    /// Others may use what it defines.
    pub defines: bool,
    /// The text.
    pub text: String,
}

impl GoodText {
    /// The text of a file that counts now.
    pub fn new(file: String, directory: PathBuf, digest: String, defines: bool, text: String) -> Self {
        Self { format: FORMAT, file, directory, digest, defines, text }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct GoodTexts {
    /// `None`: nothing is written, since another engine may hold the state, or a newer one wrote it.
    path: Option<PathBuf>,
    known: BTreeMap<String, GoodText>,
    /// Lines in the file, those that don't count any more included.
    lines: usize,
    /// The file does not end with a whole line.
    torn: bool,
}

impl GoodTexts {
    /// What was kept, for whoever holds the state and keeps more.
    pub fn open(dirs: &Dirs) -> Self {
        let mut texts = Self::look(dirs);
        let newer = texts.known.values().any(|text| text.format > FORMAT);
        texts.path = (!newer).then(|| dirs.good_texts());
        texts
    }

    /// What was kept, for whoever only looks.
    pub fn look(dirs: &Dirs) -> Self {
        let own = rustix::process::geteuid().as_raw();
        // Without it, a broken file is unknown: nothing is done about its objects.
        let bytes = atomic::read(&dirs.good_texts(), &[0, own], BYTES_MAX).unwrap_or_default();
        let mut texts = Self { torn: bytes.last().is_some_and(|last| *last != b'\n'), ..Self::default() };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            texts.lines += 1;
            if let Ok(text) = serde_json::from_slice::<GoodText>(line) {
                texts.known.insert(text.file.clone(), text);
            }
        }
        texts
    }

    /// The last good text of a file.
    pub fn get(&self, file: &str) -> Option<&GoodText> {
        self.known.get(file).filter(|text| text.format <= FORMAT)
    }

    /// Keeps these from now on. What is kept already costs nothing.
    ///
    /// # Errors
    /// A sentence; it is kept in memory only.
    pub fn keep(&mut self, texts: impl IntoIterator<Item = GoodText>) -> Result<(), String> {
        let mut lines = Vec::new();
        for text in texts {
            if self.known.get(&text.file) == Some(&text) {
                continue;
            }
            push_line(&mut lines, &text)?;
            self.lines += 1;
            self.known.insert(text.file.clone(), text);
        }
        let Some(path) = self.path.clone().filter(|_| !lines.is_empty()) else { return Ok(()) };
        let stale = self.lines.saturating_sub(self.known.len());
        let written =
            if self.torn || stale > STALE_MAX { self.write_all(&path) } else { append(&path, &lines) };
        written.map_err(|error| format!("`{}` can't be written: {}", path.display(), io_text(&error)))
    }

    fn write_all(&mut self, path: &std::path::Path) -> io::Result<()> {
        // Where there is no file any more, nobody can break it.
        self.known.retain(|file, _| std::fs::symlink_metadata(file).is_ok());
        let mut lines = Vec::new();
        for text in self.known.values() {
            push_line(&mut lines, text).map_err(io::Error::other)?;
        }
        atomic::write(path, &lines, MODE)?;
        self.lines = self.known.len();
        self.torn = false;
        Ok(())
    }
}

fn push_line(lines: &mut Vec<u8>, text: &GoodText) -> Result<(), String> {
    serde_json::to_writer(&mut *lines, text).map_err(|error| error.to_string())?;
    lines.push(b'\n');
    Ok(())
}

fn append(path: &std::path::Path, lines: &[u8]) -> io::Result<()> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = OpenOptions::new().append(true).create(true).mode(MODE).custom_flags(flags).open(path)?;
    file.write_all(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn text(file: &str, text: &str) -> GoodText {
        GoodText::new(file.into(), "/d".into(), text.into(), false, text.into())
    }

    #[test]
    fn the_last_text_counts_also_behind_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        let here = dirs.lib.join("a.yaml");
        std::fs::write(&here, "").unwrap();
        let file = here.to_string_lossy().into_owned();
        let mut texts = GoodTexts::open(&dirs);
        assert_eq!(texts.get(&file), None);
        texts.keep([text(&file, "one")]).unwrap();
        texts.keep([text(&file, "two")]).unwrap();
        let size = std::fs::metadata(dirs.good_texts()).unwrap().len();
        texts.keep([text(&file, "two")]).unwrap();
        assert_eq!(std::fs::metadata(dirs.good_texts()).unwrap().len(), size, "nothing new");
        append(&dirs.good_texts(), b"{\"file\": \"/b").unwrap();
        let mut texts = GoodTexts::open(&dirs);
        assert_eq!(texts.get(&file), Some(&text(&file, "two")));
        texts.keep([text("/gone", "x"), text(&file, "three")]).unwrap();
        let texts = GoodTexts::look(&dirs);
        assert_eq!((texts.get(&file), texts.get("/gone")), (Some(&text(&file, "three")), None));
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
