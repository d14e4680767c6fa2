//! Texts that were read before they are loaded, by somebody who didn't want to wait for it.

use std::collections::BTreeMap;

use super::file::{self, SpecFile, Text};
use crate::yaml;

/// The text of one file, read: both readers of YAML were asked, unless it is evident.
#[derive(Clone, Debug)]
pub struct ReadText {
    file: SpecFile,
    text: Text,
}

/// Such texts, by the name of the file.
pub type ReadTexts = BTreeMap<String, ReadText>;

impl ReadText {
    /// Reads a file. Pure: it may take long, and nothing else comes of it.
    pub fn of(file: SpecFile, limits: &yaml::Limits) -> Self {
        let text = file::text(&file, file::written(&file), limits);
        Self { file, text }
    }
}

/// What was read of a file already, if it is the same one.
pub(super) fn ready<'r>(file: &SpecFile, texts: &'r ReadTexts) -> Option<&'r Text> {
    texts.get(&file.name).filter(|ready| ready.file == *file).map(|ready| &ready.text)
}
