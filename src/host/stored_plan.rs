//! Files of stored plans.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use super::atomic;
use super::errno::io_text;
use crate::plan::stored::{FORMAT, StoredPlan};

/// Only the owner reads it: it tells what a host runs.
const MODE: u32 = 0o600;
const BYTES_MAX: u64 = 64 << 20;
const BEGINNING: &[u8] = b"{\"selfsamePlan\":";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    selfsame_plan: u64,
}

/// Writes a plan: whole or not at all.
///
/// # Errors
/// A sentence.
pub fn write(path: &Path, plan: &StoredPlan) -> Result<(), String> {
    let failed = |text: String| format!("the plan can't be written to `{}`: {text}", path.display());
    let bytes = serde_json::to_vec(plan).map_err(|error| failed(error.to_string()))?;
    let path = std::path::absolute(path).map_err(|error| failed(io_text(&error)))?;
    atomic::write(&path, &bytes, MODE).map_err(|error| failed(io_text(&error)))
}

/// Reads a stored plan; nothing if the file is something else (documents) or no file at all.
///
/// # Errors
/// A sentence: it is a plan and can't be used.
pub fn read(path: &Path) -> Option<Result<StoredPlan, String>> {
    let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut file = File::open(path).ok()?;
    let mut beginning = [0; BEGINNING.len()];
    file.read_exact(&mut beginning).ok().filter(|()| beginning == *BEGINNING)?;
    let failed = |text: String| format!("the plan in `{}` can't be used: {text}", path.display());
    if meta.len() > BYTES_MAX {
        return Some(Err(failed("it is larger than any plan".into())));
    }
    let mut bytes = beginning.to_vec();
    if let Err(error) = file.take(BYTES_MAX).read_to_end(&mut bytes) {
        return Some(Err(failed(io_text(&error))));
    }
    // The number first: a newer form need not be one that we know.
    let header = serde_json::from_slice::<Header>(&bytes).map_err(|error| failed(error.to_string()));
    Some(header.and_then(|header| match header.selfsame_plan {
        newer if newer > FORMAT => {
            Err(failed(format!("it is of format {newer}, this version knows {FORMAT}")))
        }
        _ => serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string())),
    }))
}
