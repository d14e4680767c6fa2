//! Where a program's output goes, and how much of it is kept.

use super::expand::{Names, expand};
use crate::import::command;
use crate::import::found::{Found, Place};
use crate::import::ini::{Item, Section};
use crate::spec::{Output, Rare, Service};

/// The least that a document takes for `maxSize`.
const SIZE_MIN: u64 = 4096;

/// Both streams into one file, where they have one by name.
pub(super) fn redirect(place: &Place, found: &mut Found, section: &Section, names: &Names<'_>) {
    let file =
        section.item("stdout_logfile").and_then(|item| expand(&item.value, names, command::template).ok());
    match file {
        Some(file) if file.starts_with('/') => found.service.stderr = Output::File(file.into()),
        _ => found.changed(place, "redirect_stderr=true", "the two streams have a file each"),
    }
}

/// One file is kept in one way, that of the first; and what is no file of ours isn't cut: `/dev/stdout` is written with
/// `stdout_logfile_maxbytes=0` in every container, because supervisord couldn't cut it.
pub(super) fn rotations(service: &mut Service) {
    if matches!(service.stdout, Output::File(_)) && service.stdout == service.stderr {
        service.stderr_rotation = service.stdout_rotation.clone();
    }
    let is_file = |output: &Output| matches!(output, Output::Log | Output::File(_));
    if !is_file(&service.stdout) {
        service.stdout_rotation = Rare::default();
    }
    if !is_file(&service.stderr) {
        service.stderr_rotation = Rare::default();
    }
}

/// How much of a file is kept.
pub(super) fn kept(item: &Item, value: &str, found: &mut Found) {
    let written = || format!("{}={}", item.key, item.value);
    let rotation = if item.key.starts_with("stderr") {
        &mut found.service.stderr_rotation
    } else {
        &mut found.service.stdout_rotation
    };
    if item.key.ends_with("_maxbytes") {
        match bytes(value) {
            Some(0) => rotation.max_size = None,
            Some(size) => {
                rotation.max_size = Some(size.max(SIZE_MIN));
                if size < SIZE_MIN {
                    found.changed(&item.place, written(), "files are cut by the block: it is 4KiB");
                }
            }
            None => found.lost(&item.place, written(), "it is no size"),
        }
        return;
    }
    match value.parse::<u32>() {
        Ok(0) => {
            rotation.keep = 1;
            found.changed(&item.place, written(), "one piece is kept besides the file at least");
        }
        Ok(count) => {
            rotation.keep = count.min(1_000);
        }
        Err(_) => found.lost(&item.place, written(), "it is no number"),
    }
}

/// A size as supervisord has it: its `KB` is 1024 bytes.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let scales = [("kb", 1u64 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("", 1)];
    let (number, scale) =
        scales.into_iter().find_map(|(end, scale)| Some((text.strip_suffix(end)?, scale)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(scale)
}

pub(super) fn log(item: &Item, value: &str, found: &mut Found, error: bool) {
    let output = match value {
        "AUTO" => return,
        "NONE" | "/dev/null" => Output::Null,
        "syslog" => Output::Syslog,
        // What its own output goes to, in a container most often.
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" if !error => Output::Inherit,
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" if error => Output::Inherit,
        path if path.starts_with('/') && !path.starts_with("/dev/") && !path.ends_with('/') => {
            Output::File(path.into())
        }
        _ => {
            let text = "it goes to a file in the log directory";
            found.changed(&item.place, format!("{}={}", item.key, item.value), text);
            return;
        }
    };
    if error {
        found.service.stderr = output;
    } else {
        found.service.stdout = output;
    }
}
