//! Where output goes, and how much of it is kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where output goes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Output {
    /// A file in the log directory, named after the object (and index) and the stream.
    #[default]
    Log,
    /// This file, opened for appending.
    File(PathBuf),
    /// `/dev/null`.
    Null,
    /// Where selfsame's own goes.
    Inherit,
    /// The system's log, line by line.
    Syslog,
}

/// How much of a file is kept. None of it is part of what a process is launched with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rotation {
    /// Bytes that the file may have before its head is moved aside; `None`: it is left alone.
    pub max_size: Option<u64>,
    /// So many pieces are kept beside it.
    pub keep: u32,
    /// They are compressed (gzip).
    pub compress: bool,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { max_size: Some(16 << 20), keep: 5, compress: false }
    }
}
