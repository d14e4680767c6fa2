//! What an import asks of the file system. The host answers, or a test.

use std::collections::BTreeMap;

/// Reading through a keyhole: paths are absolute and of the root that is imported from.
pub trait Files {
    /// The content of a small text file, links followed.
    ///
    /// # Errors
    /// [`FileLook::Absent`], or why it can't be read.
    fn read(&self, path: &str) -> Result<String, FileLook>;

    /// What a path leads to.
    fn look(&self, path: &str) -> FileLook;

    /// The names in a directory, sorted; none if there is no such directory.
    fn list(&self, path: &str) -> Vec<String>;
}

/// What is at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileLook {
    /// Nothing.
    Absent,
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Somebody may execute it.
        executable: bool,
        /// It holds something.
        filled: bool,
    },
    /// Something else: a socket, a device.
    Other,
    /// It can't be told: a sentence.
    Unreadable(String),
}

impl FileLook {
    /// There is something.
    pub fn exists(&self) -> bool {
        matches!(self, Self::Directory | Self::File { .. } | Self::Other)
    }

    /// A regular file that may be executed.
    pub fn is_program(&self) -> bool {
        matches!(self, Self::File { executable: true, .. })
    }

    /// For a sentence that begins with the path.
    pub fn words(&self) -> &str {
        match self {
            Self::Absent => "does not exist",
            Self::Directory => "is a directory",
            Self::File { .. } => "is a file",
            Self::Other => "is not a regular file",
            Self::Unreadable(why) => why,
        }
    }
}

/// Files that are only imagined, by path. Directories are where files are; a path that ends in `*` is executable.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    files: BTreeMap<String, (String, bool)>,
}

impl Memory {
    /// From paths with their contents.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let entry = |(path, text): (&str, &str)| {
            let (path, executable) = path.strip_suffix('*').map_or((path, false), |path| (path, true));
            (path.to_owned(), (text.to_owned(), executable))
        };
        Self { files: files.into_iter().map(entry).collect() }
    }
}

impl Files for Memory {
    fn read(&self, path: &str) -> Result<String, FileLook> {
        match self.files.get(&tidy(path)) {
            Some((text, _)) => Ok(text.clone()),
            None => Err(self.look(path)),
        }
    }

    fn look(&self, path: &str) -> FileLook {
        let path = tidy(path);
        if let Some((text, executable)) = self.files.get(&path) {
            return FileLook::File { executable: *executable, filled: !text.is_empty() };
        }
        if self.list(&path).is_empty() { FileLook::Absent } else { FileLook::Directory }
    }

    fn list(&self, path: &str) -> Vec<String> {
        let below = format!("{}/", tidy(path).trim_end_matches('/'));
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter_map(|file| file.strip_prefix(&below)?.split('/').next())
            .map(str::to_owned)
            .collect();
        names.dedup();
        names
    }
}

/// Without empty and `.` parts.
pub(super) fn tidy(path: &str) -> String {
    String::from_utf8_lossy(&crate::process::paths::tidy(path.as_bytes())).into_owned()
}

/// `path` taken relative to `directory`.
pub(super) fn join(directory: &str, path: &str) -> String {
    String::from_utf8_lossy(&crate::process::paths::join(directory.as_bytes(), path.as_bytes())).into_owned()
}

/// The part before the last `/`.
pub(super) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => ".",
    }
}

/// The part after the last `/`.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The first program of that name in the directories of a search path.
pub(super) fn search(files: &dyn Files, path: &str, name: &str) -> Option<String> {
    let directories = path.split(':').filter(|directory| directory.starts_with('/'));
    directories.map(|directory| join(directory, name)).find(|file| files.look(file).is_program())
}
