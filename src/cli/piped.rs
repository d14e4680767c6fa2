//! Documents from standard input, which the path `-` stands for: `kustomize build | selfsame apply -`.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::each_once::each_once;
use crate::engine::sources::Sources;
use crate::spec::SpecFile;
use crate::spec::engine::Settings;

/// As much as all files of a directory may have.
const INPUT_MAX: u64 = 64 << 20;
/// What its documents have as their file: no directory that is kept contains it, so that nothing is ever missing from it.
const NAME: &str = "/dev/stdin";

/// Sources of these paths, made by `make`; where `-` is among them, standard input is read to its end.
pub(super) fn sources(
    paths: &[PathBuf],
    settings: &Settings,
    make: impl Fn(Vec<PathBuf>) -> Sources,
) -> Result<Sources, String> {
    let (piped, files): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.iter().cloned().partition(|path| path == Path::new("-"));
    let sources = make(each_once(&files, settings.recursive)).with_settings(settings);
    if piped.is_empty() {
        return Ok(sources);
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(INPUT_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("standard input can't be read: {error}"))?;
    if bytes.len() as u64 > INPUT_MAX {
        return Err("standard input has more than 64MiB".into());
    }
    let directory = std::path::absolute(".").map_err(|error| error.to_string())?;
    Ok(sources.with_text(SpecFile { name: NAME.into(), directory, bytes: bytes.into() }))
}
