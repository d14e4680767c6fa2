//! Small files of JSON with the number of their format.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::atomic;
use super::errno::io_text;

const FORMAT: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    format: u64,
    content: T,
}

/// Replaces a file.
///
/// # Errors
/// A sentence; the old one stays.
pub(super) fn write_json<T: Serialize>(path: &Path, content: &T, mode: u32) -> Result<(), String> {
    let bytes = serde_json::to_vec(&Versioned { format: FORMAT, content })
        .map_err(|error| format!("`{}` can't be written: {error}", path.display()))?;
    atomic::write(path, &bytes, mode)
        .map_err(|error| format!("`{}` can't be written: {}", path.display(), io_text(&error)))
}

/// What a file says.
///
/// # Errors
/// A sentence: it isn't whole, or of a later version.
pub(super) fn content<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let versioned: Versioned<T> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if versioned.format > FORMAT {
        return Err(format!("it is of format {}, this version knows {FORMAT}", versioned.format));
    }
    Ok(versioned.content)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_a_later_format_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.json");
        for text in ["one", "two"] {
            write_json(&path, &vec![text], 0o644).unwrap();
            let found: Vec<String> = content(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(found, [text]);
        }
        assert!(content::<Vec<String>>(b"{\"format\":2,\"content\":[]}").unwrap_err().contains("format 2"));
    }
}
